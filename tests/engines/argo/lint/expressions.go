package main

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/Knetic/govaluate"
	"github.com/argoproj/argo-workflows/v4/util/expr/env"
	"github.com/expr-lang/expr"
)

// compile tells what is wrong with an expr-lang expression. Names are not known here; functions and syntax are.
func compile(source string) error {
	_, err := expr.Compile(source, expr.Env(env.GetFuncMap(map[string]any{})), expr.AllowUndefinedVariables())
	return err
}

// Fields that hold an expression as a whole.
var whole = map[string]bool{"expression": true, "fromExpression": true, "event": true, "selector": true}

// expressions walks the object and gives a fault for each expression that does not compile.
func expressions(at string, value any) []string {
	var faults []string
	switch v := value.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			inner := at + "." + k
			if s, ok := v[k].(string); ok {
				faults = append(faults, field(inner, k, s)...)
			} else {
				faults = append(faults, expressions(inner, v[k])...)
			}
		}
	case []any:
		for i, e := range v {
			faults = append(faults, expressions(fmt.Sprintf("%s[%d]", at, i), e)...)
		}
	case string:
		faults = append(faults, field(at, "", v)...)
	}
	return faults
}

func field(at, name, text string) []string {
	var faults []string
	note := func(what string, err error) {
		if err != nil {
			faults = append(faults, fmt.Sprintf("%s: %s: %v", strings.TrimPrefix(at, "."), what, err))
		}
	}
	tags, rest, err := split(text)
	note("tags", err)
	for _, tag := range tags {
		if strings.HasPrefix(tag, "=") {
			note("{{"+tag+"}}", compile(tag[1:]))
		}
	}
	switch {
	case whole[name]:
		note(name, compile(text))
	case name == "when":
		note(name, condition(rest))
	case name == "depends":
		note(name, dependencies(text))
	}
	return faults
}

// split gives the contents of the tags of a text, and the text with `true` in place of each.
func split(text string) (tags []string, rest string, err error) {
	for {
		open := strings.Index(text, "{{")
		if open < 0 {
			return tags, rest + text, nil
		}
		end := strings.Index(text[open:], "}}")
		if end < 0 {
			return tags, rest, fmt.Errorf("{{ without }}")
		}
		tags = append(tags, text[open+2:open+end])
		rest += text[:open] + "true"
		text = text[open+end+2:]
	}
}

func condition(text string) error {
	_, err := govaluate.NewEvaluableExpression(text)
	return err
}

// results are what the controller knows of a task when it evaluates `depends`.
type results struct{ Succeeded, Failed, Errored, Skipped, Omitted, Daemoned, AnySucceeded, AllFailed bool }

var taskName = regexp.MustCompile(`[a-zA-Z0-9][-a-zA-Z0-9]*`)

// dependencies compiles the logic as the controller does before it is evaluated: dashes are underscores, tasks are variables.
func dependencies(text string) error {
	tasks := map[string]results{}
	logic := taskName.ReplaceAllStringFunc(text, func(name string) string {
		name = strings.ReplaceAll(name, "-", "_")
		tasks[name] = results{}
		return name
	})
	_, err := expr.Compile(logic, expr.Env(tasks))
	return err
}
