#!/usr/bin/env python3
"""Writes a random well-typed workflow `w`, always the same for a number: generate.py NUMBER >NUMBER.wf

Steps are small and deterministic, some fail; the constructs stand in one another as they come, so that what only their combination
breaks is found. Used by parity.py --random, which runs them on every engine, and by hand."""
import random
import sys

STEPS = '''
step inc(n: int) -> int
```sh
echo $((n + 1)) > "$out"
```

step add(a: int, b: int) -> int
```bash
echo $(((a + b) % 1000)) > "$out"
```

step say(s: string, n: int) -> string
```sh
printf '%s-%s' "$s" "$n" > "$out"
```

step even(n: int) -> bool
```sh
[ $((n % 2)) -eq 0 ] && echo true > "$out" || echo false > "$out"
```

step upto(n: int) -> [int]
exec ["python3", "-c", "import sys; print(list(range(int(sys.argv[1]) % 4)), file=open(sys.argv[2], 'w'))", n, out]

step maybe(n: int) -> int?
```sh
[ $((n % 3)) -eq 0 ] || echo "$n" > "$out"
```

step both(n: int) -> (low: int, text: string)
```bash
echo $((n - 1)) > "$low"
printf 'n%s' "$n" > "$text"
```

step sift(n: int) -> int
```sh
[ $((n % 4)) -ne 3 ] || exit $((n % 7 + 1))
echo "$n" > "$out"
```
'''


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines, self.count, self.subs = [], 0, []

    def name(self):
        self.count += 1
        return f"v{self.count}"

    def pick(self, scope, kind):
        """An expression of the kind over the names in scope."""
        r = self.random
        names = [n for n, k in scope if k == kind]
        records = [n for n, k in scope if k == "record"]
        forms = {
            "int": [lambda: str(r.randrange(0, 9)), lambda: f"{self.pick(scope, 'int')} + {r.randrange(1, 5)}",
                    lambda: f"{self.pick(scope, 'list')}.sum()", lambda: f"{self.pick(scope, 'list')}.len()",
                    lambda: f"({self.pick(scope, 'opt')} ?? {r.randrange(0, 9)})" if any(k == "opt" for _, k in scope) else "7",
                    lambda: f"{self.pick(scope, 'string')}.len()", lambda: f"{r.choice(records)}.low" if records else "5"],
            "string": [lambda: f'"s{r.randrange(0, 9)}"', lambda: '"${%s}!"' % self.pick(scope, "int"),
                       lambda: f"{r.choice(records)}.text" if records else '"r"'],
            "bool": [lambda: r.choice(["true", "false"]), lambda: f"{self.pick(scope, 'int')} % 2 == 0",
                     lambda: f"not ({self.pick(scope, 'bool')})" if names else "true"],
            "list": [lambda: f"[{self.pick(scope, 'int')}, {r.randrange(0, 9)}]", lambda: f"range({r.randrange(0, 4)})",
                     lambda: f"{r.choice(names)}.map(x => x + 1)" if names else "[1, 2, 3]", lambda: "[4].concat([5])"],
            "opt": [lambda: r.choice(names) if names else "none"],
        }[kind]
        if names and r.random() < 0.65:
            return r.choice(names)
        return r.choice(forms)()

    def call(self, scope):
        """A call of a step, and the kind of its value."""
        step, kind, args = self.random.choice([
            ("inc", "int", ["int"]), ("add", "int", ["int", "int"]), ("say", "string", ["string", "int"]), ("even", "bool", ["int"]),
            ("upto", "list", ["int"]), ("maybe", "opt", ["int"]), ("both", "record", ["int"]), ("inc", "int", ["int"])])
        return f"{step}({', '.join(self.pick(scope, a) for a in args)})", kind

    def block(self, scope, depth, indent, want):
        """Statements and a last line whose kind is `want`."""
        scope, lines, pad = list(scope), [], "  " * indent
        for _ in range(self.random.randrange(1, 3)):
            name, (text, kind) = self.name(), self.statement(scope, depth, indent)
            lines.append(f"{pad}{name} = {text}")
            scope.append((name, kind))
        lines.append(pad + self.pick(scope, want))
        return "\n".join(lines)

    def statement(self, scope, depth, indent):
        r, pad = self.random, "  " * indent
        form = r.choice(["call", "call", "call", "if", "if", "for", "for", "repeat", "try", "sub"]) if depth > 0 else "call"
        if form == "if":
            c = self.pick(scope, "bool")
            then, other = (self.block(scope, depth - 1, indent + 1, "int") for _ in range(2))
            return f"if {c} {{\n{then}\n{pad}}} else {{\n{other}\n{pad}}}", "int"
        if form == "for":
            x = self.name()
            source = self.pick(scope, "list")
            body = self.block(scope + [(x, "int")], depth - 1, indent + 1, "int")
            where = f" if {x} % 3 != 1" if r.random() < 0.3 else ""
            return f"for {x} in {source}{where} {{\n{body}\n{pad}}}", "list"
        if form == "repeat":
            x = self.name()
            first = self.pick(scope, "int")
            body = self.block(scope + [(x, "int")], depth - 1, indent + 1, "int")
            return f"repeat {x} = {first} max {r.randrange(1, 4)} until {x} > {r.randrange(3, 30)} {{\n{body}\n{pad}}}", "int"
        if form == "try":
            body = self.block(scope, depth - 1, indent + 1, "int")
            risk = self.name()
            body = f"{pad}  {risk} = sift({self.pick(scope, 'int')})\n{body} + {risk}"
            return f"try {{\n{body}\n{pad}}} catch e {{\n{pad}  e.code ?? 50\n{pad}}}", "int"
        if form == "sub" and self.subs:
            return f"{r.choice(self.subs)}({self.pick(scope, 'int')})", "int"
        return self.call(scope)

    def workflow(self, name, statements, depth):
        scope, lines = [("n", "int")], []
        for _ in range(statements):
            v, (text, kind) = self.name(), self.statement(scope, depth, 1)
            lines.append(f"  {v} = {text}")
            scope.append((v, kind))
        ints = [n for n, k in scope if k == "int"]
        lists = [n for n, k in scope if k == "list"]
        total = " + ".join(ints + [f"{n}.sum()" for n in lists]) or "0"
        return f"workflow {name}(n: int{' = 3' if name == 'w' else ''}) -> int {{\n" + "\n".join(lines) + f"\n  return {total}\n}}\n"

    def file(self):
        parts = [STEPS]
        for i in range(self.random.randrange(0, 2)):
            parts.append(self.workflow(f"sub{i}", self.random.randrange(1, 3), 1))
            self.subs.append(f"sub{i}")
        parts.append(self.workflow("w", self.random.randrange(3, 6), 2))
        return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(Writer(int(sys.argv[1])).file())
