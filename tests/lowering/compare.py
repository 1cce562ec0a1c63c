"""Prints what a workflow without steps gives, when a local run and its Python form agree on it; else both."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SHIM = pathlib.Path(os.environ["ROOT"]) / "runtime/exec/shim"


def shim(folder):
    """The shim as other engines get it."""
    parts = [(SHIM / name).read_text() for name in ("wf_shim.py", "wf_expr.py", "wf_task.py")]
    (pathlib.Path(folder) / "wf_shim.py").write_text("".join(parts))
    sys.path.insert(0, str(folder))
    import wf_shim
    return wf_shim


def local(path):
    done = subprocess.run(["wfc", "run", "-q", "--json", path], capture_output=True, text=True)
    if not done.stdout:
        sys.exit(done.stderr)
    run = json.loads(done.stdout)
    if run["status"] == "succeeded":
        value = run["outputs"]
        return value["out"] if list(value) == ["out"] else value
    return "error: " + run["failures"][0]["message"]


def python(wf, path):
    spec = json.loads(subprocess.run(["wfc", "dump", "--python", path], capture_output=True, text=True, check=True).stdout)
    try:
        return wf.compute(spec, {})
    except wf.Trap as e:
        return "error: %s" % e


def text(value):
    return json.dumps(value, ensure_ascii=False)


def report(wf, path, title=""):
    here, there = local(path), python(wf, path)
    if text(here) == text(there):
        if isinstance(here, dict) and not title:
            print("\n".join("%s = %s" % (k, text(v)) for k, v in here.items()))
        else:
            print(title + text(here))
        return True
    print("%slocal  %s\n%spython %s" % (title, text(here), title, text(there)))
    return False


def main():
    with tempfile.TemporaryDirectory() as folder:
        wf = shim(folder)
        if not sys.argv[1].endswith(".txt"):
            return report(wf, sys.argv[1])
        # Each line is an expression over these.
        same = True
        for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
            pathlib.Path("line.wf").write_text(
                'workflow w(zero: int = 0, one: int = 1, big: int = 9223372036854775807, x: float = 0.0, huge: float = 1e308, none_i: [int] = [], '
                'none_f: [float] = [], s: string = "a.b", j: string = "{\\"a\\": [1, null, 2.50]}", m: [string: int] = ["k": 1], t: string = "x") -> string '
                '{\n  return "${%s}"\n}\n' % line)
            same = report(wf, "line.wf", line + "   ") and same
        return same


sys.exit(0 if main() else 1)
