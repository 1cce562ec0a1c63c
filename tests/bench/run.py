#!/usr/bin/env python3
"""Measures us beside a peer, A B A B in one run, and prints one table of medians and ratios.

    run.py --bin BUILD/bin [NAME...]        all benchmarks, or those whose name holds one of NAME

Ratios of one run are what counts: absolute times differ between machines and hours. ROUNDS (5) is the number of pairs.
A peer that is not installed is named and left out."""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROUNDS = int(os.environ.get("ROUNDS", "5"))
PYTHON = "/usr/bin/python3"


class Absent(Exception):
    """A peer, or a part of us, that is not there; its text names it."""


class Bench:
    def __init__(self, bin_dir, tmp):
        self.wfc = bin_dir / "wfc"
        self.yaml_scan = bin_dir.parent / "bench/yaml_scan"
        self.tmp = tmp
        self.fresh = 0
        self.rows = []

    def program(self, *names):
        for name in names:
            found = shutil.which(name, path="/usr/bin:/bin:/usr/local/bin")
            if found:
                return found
        raise Absent(f"{names[0]} is not installed")

    def generate(self, script, *arguments):
        path = self.tmp / f"{script}-{'-'.join(map(str, arguments))}.{'yaml' if 'argo' in script else 'wf'}"
        if not path.exists():
            with open(path, "wb") as out:
                subprocess.run([PYTHON, HERE / f"{script}.py", *map(str, arguments)], stdout=out, check=True)
        return path

    def folder(self):
        """A new one each time: making files where many were just deleted is slow on some file systems."""
        self.fresh += 1
        path = self.tmp / f"run-{self.fresh}"
        path.mkdir()
        return path

    def once(self, command, cwd=None):
        """Wall seconds and peak resident bytes of one process."""
        cwd = cwd or self.tmp
        env = dict(os.environ, XDG_CACHE_HOME=str(cwd / "cache"), LC_ALL="C.UTF-8", PATH=f"{self.wfc.parent}:/usr/bin:/bin")
        with open(self.tmp / "log", "wb") as log:
            start = time.perf_counter()
            process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=cwd, env=env)
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            tail = (self.tmp / "log").read_text(errors="replace")[-300:].strip().replace("\n", " | ")
            raise Absent(f"{pathlib.Path(command[0]).name} {command[1] if len(command) > 1 else ''} failed: {tail}")
        return wall, usage.ru_maxrss * 1024

    def pair(self, ours, peer, rounds=ROUNDS, fresh=False):
        """Medians of both and of the ratio, and our peak memory; each a command or a function that gives seconds."""
        def run(what):
            if callable(what):
                return what(), 0
            return self.once(what, self.folder() if fresh else None)
        a, b = [], []
        for _ in range(rounds):
            a.append(run(ours))
            b.append(run(peer))
        walls = [x[0] for x in a], [x[0] for x in b]
        ratio = statistics.median(x / y for x, y in zip(*walls) if y > 0)
        return statistics.median(walls[0]), statistics.median(walls[1]), ratio, max(x[1] for x in a)

    def row(self, what, ours, peer, ratio, bar, met, unit=1e3, name="ms"):
        self.rows.append((what, f"{ours * unit:.2f} {name}", f"{peer * unit:.2f} {name}" if peer is not None else "",
                          f"{ratio:.3f}" if ratio is not None else "", bar, "" if not bar else "met" if met else "MISSED"))


def check_cold(b):
    """`wfc check` of a 300-line file in a new process, beside a process that does nothing."""
    file = b.generate("gen_wf", 49)
    ours, peer, ratio, _ = b.pair([b.wfc, "check", file], ["/bin/true"], ROUNDS * 4)
    b.row("check 300 lines, cold | /bin/true", ours, peer, ratio, "<= 10 ms", ours <= 0.010)


def check_100k(b):
    """The whole check of 100,000 steps beside libyaml's bare event scan of the equal Argo workflow."""
    wf, yaml = b.generate("gen_wf", 100_000), b.generate("gen_argo", 100_000)
    if not b.yaml_scan.exists():
        raise Absent("yaml_scan is not built")
    ours, peer, ratio, rss = b.pair([b.wfc, "check", wf], [b.yaml_scan, yaml])
    b.row("check 100,000 steps | libyaml events", ours, peer, ratio, "<= 0.6", ratio <= 0.6)
    b.row("  its memory, MB", rss, None, None, "<= 200 MB", rss <= 200e6, 1e-6, "MB")


def check_ladder(b):
    """Split and join in a row: time per diamond, which must not grow with their number."""
    each = {}
    for n in (1_000, 10_000, 100_000):
        file = b.generate("gen_ladder", n)
        empty = b.generate("gen_ladder", 0)
        full, base, _, _ = b.pair([b.wfc, "check", file], [b.wfc, "check", empty])
        each[n] = (full - base) / n
        growth = each[n] / each[1_000]
        b.row(f"check a ladder of {n:,}, per diamond", each[n], None, growth if n > 1_000 else None,
              "<= 1.5 times 1,000's" if n > 1_000 else "", growth <= 1.5, 1e6, "µs")


NOOP = """step nothing()
exec ["true"]

workflow noop(n: int = 10000) {
  for i in range(n) { nothing() }
}
"""


def run_noop(b):
    """10,000 independent processes that do nothing, two at a time, all recorded."""
    n = 10_000
    file = b.tmp / "noop.wf"
    file.write_text(NOOP)
    ours = [b.wfc, "run", file, "--jobs", "2"]
    ninja_file, make_file = b.tmp / "build.ninja", b.tmp / "Makefile"
    ninja_file.write_text("rule nothing\n  command = true\n" + "".join(f"build o{i}: nothing\n" for i in range(n))
                          + "build all: phony " + " ".join(f"o{i}" for i in range(n)) + "\ndefault all\n")
    make_file.write_text(".PHONY: all " + " ".join(f"o{i}" for i in range(n)) + "\nall: " + " ".join(f"o{i}" for i in range(n))
                         + "\n" + "".join(f"o{i}:\n\t@true\n" for i in range(n)))
    for name, flags, bar in (("ninja", ["-f", ninja_file], 1.0), ("samu", ["-f", ninja_file], 1.0), ("make", ["-s", "-f", make_file], None)):
        try:
            peer = [b.program(name), "-j2", *flags]
        except Absent as why:
            print(f"left out: run 10,000 no-op steps: {why}")
            continue
        a, p, ratio, _ = b.pair(ours, peer, 3, fresh=True)
        b.row(f"run 10,000 no-op steps | {name} -j2", a / n, p / n, ratio, f"<= {bar}" if bar else "", not bar or ratio <= bar, 1e6, "µs each")


def many_functions(b, n, salt):
    """A file of n functions of two blocks that one expression sums. The salt makes new code, which no cache holds."""
    path = b.tmp / f"functions-{n}-{salt}.wf"
    out = [f"fn f{i}(x: int) -> int = if x > {i + salt} {{ x + {i} }} else {{ {i} }}" for i in range(n)]
    out += ["", "workflow sums(x: int = 5) -> int {"]
    group = 50
    for g in range(0, n, group):
        out.append(f"  s{g} = " + " + ".join(f"f{i}(x)" for i in range(g, min(g + group, n))))
    # A tree of sums, so that no expression is deeper than a person would write.
    names = [f"s{g}" for g in range(0, n, group)]
    level = 0
    while len(names) > 1:
        level += 1
        after = []
        for k in range(0, len(names), group):
            after.append(f"u{level}_{k}")
            out.append(f"  {after[-1]} = " + " + ".join(names[k:k + group]))
        names = after
    out += [f"  return {names[0]}", "}", ""]
    path.write_text("\n".join(out))
    return path


def jit_functions(b):
    """Native code of 10,000 functions: a run less its check and less the same of a file with 50 functions."""
    if not any(b.wfc.parent.parent.rglob("libwfc_jit*.so")):
        raise Absent("the native back end is not built; the evaluator would be measured")
    n, small = 10_000, 50
    salts = iter(range(int(time.time()) % 1_000_000, 10**9))

    def beyond_check(count):
        file = many_functions(b, count, next(salts))
        return b.once([b.wfc, "run", "--jit=always", file], b.folder())[0] - b.once([b.wfc, "check", file])[0]
    each = statistics.median((beyond_check(n) - beyond_check(small)) / (n - small) for _ in range(ROUNDS))
    b.row("native code of 10,000 functions", each, None, None, "<= 120 µs each", each <= 120e-6, 1e6, "µs each")


SUMS = """fn f(x: int) -> int = (x * 31 + 7) % 1009

workflow sums(n: int) -> int {
  values = for i in range(n) { f(i) }
  return values.sum()
}
"""
SUMS_PYTHON = """import sys
def f(x): return (x * 31 + 7) % 1009
values = []
for i in range(int(sys.argv[1])):
    values.append(f(i))
print(sum(values))
"""


def native_sum(b):
    """A function evaluated in a loop and summed: time beyond a loop of none, per million."""
    wf, py = b.tmp / "sums.wf", b.tmp / "sums.py"
    wf.write_text(SUMS)
    py.write_text(SUMS_PYTHON)

    def beyond(command, n):  # enough evaluations that starting and ending do not matter
        return lambda: (b.once(command(n), b.folder())[0] - b.once(command(1), b.folder())[0]) * 1e6 / n
    ours, peer, ratio, _ = b.pair(beyond(lambda k: [b.wfc, "run", wf, "--param", f"n={k}"], 200_000_000),
                                  beyond(lambda k: [PYTHON, py, str(k)], 4_000_000))
    b.row("1,000,000 native evaluations | CPython", ours, peer, ratio, "<= 0.02", ratio <= 0.02)


def emit(b):
    """Writing 10,000 steps, beyond what checking them takes, beside what Airflow does at least each time it looks at the file."""
    wf, out = b.generate("gen_wf", 10_000), b.folder()
    compiled = out / "generated.py"

    def emission():
        return b.once([b.wfc, "compile", "--target", "airflow", "-o", out, wf])[0] - b.once([b.wfc, "check", wf])[0]
    emission()
    code = "import sys; compile(open(sys.argv[1]).read(), sys.argv[1], 'exec')"
    ours, peer, ratio, _ = b.pair(emission, [PYTHON, "-c", code, compiled])
    b.row("emit 10,000 steps for Airflow | CPython compiling the file", ours, peer, ratio, "<= 200 ms", ours <= 0.2)
    print(f"emit: {compiled.stat().st_size / 1e6:.1f} MB, {compiled.stat().st_size // 10_000} bytes a step")


ALL = [emit, check_cold, check_100k, check_ladder, run_noop, jit_functions, native_sum]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("name", nargs="*")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wfc-bench-") as tmp:
        bench = Bench(args.bin.resolve(), pathlib.Path(tmp))
        if not bench.wfc.exists():
            sys.exit(f"{bench.wfc} is not built")
        for function in ALL:
            if args.name and not any(name in function.__name__ for name in args.name):
                continue
            print(f"measuring: {function.__name__}", file=sys.stderr, flush=True)
            try:
                function(bench)
            except Absent as why:
                print(f"left out: {function.__name__}: {why}")
    head = ("what | peer", "we", "peer", "ratio", "bar", "")
    rows = [head] + bench.rows
    widths = [max(len(r[k]) for r in rows) for k in range(len(head))]
    for row in rows:
        print("  ".join([row[0].ljust(widths[0]), *(row[k].rjust(widths[k]) for k in range(1, 4)), row[4].ljust(widths[4]), row[5]]).rstrip())


if __name__ == "__main__":
    main()
