package main

import "strings"

// expand does to a command, an argument or the value of a variable what a kubelet does: $(NAME) becomes the variable's value,
// or stays when there is none, and $$ becomes $.
func expand(s string, vars map[string]string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '$' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		end := -1
		if s[i] == '(' {
			end = strings.IndexByte(s[i:], ')')
		}
		switch {
		case s[i] == '$':
			out.WriteByte('$')
		case s[i] != '(':
			out.WriteByte('$')
			out.WriteByte(s[i])
		case end < 0:
			out.WriteString("$(")
		default:
			name := s[i+1 : i+end]
			if v, ok := vars[name]; ok {
				out.WriteString(v)
			} else {
				out.WriteString("$(" + name + ")")
			}
			i += end
		}
	}
	return out.String()
}
