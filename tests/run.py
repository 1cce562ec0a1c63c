#!/usr/bin/env python3
"""Runs text cases: commands whose output is kept beside them and compared.

    run.py --bin BUILD/bin AREA...          each AREA is a folder of tests/

A case is either
    AREA/CASE.wf  with CASE.out, and CASE.cmd when AREA/area.cmd does not serve, or
    AREA/CASE/    a folder with `out`, and with `cmd` when AREA/area.cmd does not serve.
Commands are scripts for `sh -eu`; "$1" is the case's .wf file (of a folder: main.wf). They run in a temporary copy of the
case with the programs of BUILD/bin first in PATH. What they print on both streams is compared with the expected output,
whose last line is `exit: N` when N is not 0.

Comment lines in a command file give its settings; those of area.cmd hold for all of its cases:
    # normalise: time run size    durations, run ids, sizes become $TIME, $RUN, $SIZE
    # needs: python npm airflow stepfunctions NAME     build/venv, build/npm, build/engines/NAME, a program; without, the case is
    #                             skipped (with CI=true: it fails)
    # timeout: 120                seconds; 60 without
The temporary folder always becomes $TMP and the repository $ROOT.

Environment: CASE=TEXT only cases whose name holds TEXT; UPDATE=1 writes the expected outputs; JOBS=N.
"""
import argparse
import concurrent.futures
import difflib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
UPDATE = os.environ.get("UPDATE") == "1"
CI = os.environ.get("CI") == "true"

NORMALISE = {
    # In this order: the end of a run's id may look like a duration.
    "run": (r"\b\d{8}-\d{6}-[0-9a-z]{4,}\b", "$RUN"),
    "time": (r" *\b\d+(?:\.\d+)? ?(?:ns|µs|us|ms|s|min|h)\b(?: ?\d+ ?s\b)?", " $TIME"),
    "size": (r" *\b\d+(?:\.\d+)? ?(?:B|bytes|[kKMG]i?B)\b", " $SIZE"),
}
# The leak checker failing at its own work, which says nothing about the program: the case is run again.
TOOL_FAILED = "LeakSanitizer has encountered a fatal error"
# Never accepted as an expected output, whatever is asked.
NEVER = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|internal error|^exit: none, stopped", re.M)


class Case:
    def __init__(self, area, path):
        self.area, self.path = area, path
        self.folder = path.is_dir()
        self.name = f"{area.name}/{path.name if self.folder else path.stem}"
        self.expected = path / "out" if self.folder else path.with_suffix(".out")
        own = path / "cmd" if self.folder else path.with_suffix(".cmd")
        common = area / "area.cmd"
        self.command = own if own.exists() else common
        self.settings = {"timeout": ["60"], "normalise": [], "needs": []}
        for file in (common, own):
            for key, values in re.findall(r"^# (normalise|needs|timeout): *(.*)$", text_of(file), re.M):
                self.settings[key] = values.split()


def text_of(path):
    return path.read_bytes().decode("utf-8", "backslashreplace") if path.exists() else ""


def find_cases(area):
    """Single files and folders of an area; a stray expected output is a case too, which then fails."""
    found = {}
    for path in sorted(area.iterdir()):
        if path.is_dir() and path.name != "__pycache__":
            found[path.name] = path
        elif path.suffix in (".wf", ".out", ".cmd") and path.name != "area.cmd":
            found[path.stem] = path.with_suffix(".wf")
    return [Case(area, path) for path in found.values()]


def search_path(case, bin_dir):
    # The machine's own python3 may be a wrapper of some version manager; the system's is named first.
    venv = [str(ROOT / "build/venv/bin")] if "python" in case.settings["needs"] else []
    return ":".join([str(bin_dir), *venv, "/usr/bin", "/bin", "/usr/local/bin"])


def missing(case, bin_dir):
    for need in case.settings["needs"]:
        there = {"python": (ROOT / "build/venv/requirements.txt").exists(),
                 "npm": (ROOT / "build/npm/installed.json").exists(),
                 "stepfunctions": (ROOT / "build/engines/stepfunctions/installed.json").exists(),
                 "airflow": all((ROOT / f"build/engines/airflow{v}/requirements.txt").exists() for v in ("3", "3.2", "3.1", "2")),
                 }.get(need, shutil.which(need, path=search_path(case, bin_dir)) is not None)
        if not there:
            return need
    return None


def environment(case, bin_dir, tmp):
    env = {k: v for k, v in os.environ.items() if not k.startswith("WF") and k not in ("CI", "CASE", "UPDATE", "JOBS")}
    env.update(PATH=search_path(case, bin_dir), HOME=tmp, TMPDIR=tmp, LC_ALL="C.UTF-8", TZ="UTC", TERM="dumb", ROOT=str(ROOT),
               XDG_CACHE_HOME=str(ROOT / "build/cache"), PYTHONDONTWRITEBYTECODE="1")
    return env


def execute(case, bin_dir, tmp):
    """Runs the case in tmp and returns its output, normalised."""
    work = pathlib.Path(tmp) / "case"
    if case.folder:
        shutil.copytree(case.path, work, symlinks=True, ignore=shutil.ignore_patterns("out", "cmd"))
        source = "main.wf"
    else:
        work.mkdir()
        for file in case.path.parent.glob(case.path.stem + ".*"):
            if file.suffix not in (".out", ".cmd") and file.is_file():
                shutil.copy(file, work)
        source = case.path.name
    log = pathlib.Path(tmp) / "log"
    timeout = float(case.settings["timeout"][0])
    with open(log, "wb") as out:
        process = subprocess.Popen(["/bin/sh", "-eu", str(case.command), source], cwd=work, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                                   env=environment(case, bin_dir, tmp))
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = f"none, stopped after {timeout:g} seconds"
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
    text = text_of(log).replace(str(work), "$TMP").replace(tmp, "$TMP").replace(str(ROOT), "$ROOT")
    for name in sorted(case.settings["normalise"], key=list(NORMALISE).index):
        pattern, put = NORMALISE[name]
        text = re.sub(pattern, put, text)
    if code != 0:
        text += ("" if text.endswith("\n") or not text else "\n") + f"exit: {code}\n"
    return text


def run(case, bin_dir):
    """Returns (verdict, explanation)."""
    if not case.command.exists():
        return "failed", f"{case.name}: no command: neither its own nor area.cmd\n"
    if not case.path.exists():
        return "failed", f"{case.name}: expected output without a case\n"
    need = missing(case, bin_dir)
    if need:
        return ("failed" if CI else "skipped"), f"{case.name}: needs {need}\n"
    for _ in range(3):
        with tempfile.TemporaryDirectory(prefix="wfc-", ignore_cleanup_errors=True) as tmp:
            text = execute(case, bin_dir, tmp)
            # Read-only artifacts may stand in read-only folders.
            subprocess.run(["chmod", "-R", "u+w", tmp], check=False, stderr=subprocess.DEVNULL)
        if TOOL_FAILED not in text:
            break
    bad = NEVER.search(text)
    if bad:
        return "failed", f"{case.name}: the output holds \"{bad[0]}\"\n{text}"
    if UPDATE:
        case.expected.write_bytes(text.encode())
        return "passed", ""
    if not case.expected.exists():
        return "failed", f"{case.name}: no expected output; it printed\n{text}"
    want = text_of(case.expected)
    if text == want:
        return "passed", ""
    diff = difflib.unified_diff(want.splitlines(True), text.splitlines(True), os.path.relpath(case.expected), "this run")
    return "failed", "".join(line if line.endswith("\n") else line + "\n\\ no newline at the end\n" for line in diff)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/debug/bin", help="folder of the programs under test")
    parser.add_argument("area", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    only = os.environ.get("CASE", "")
    cases = [c for area in args.area for c in find_cases(area.resolve()) if only in c.name]
    count = {"passed": 0, "failed": 0, "skipped": 0}
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", "2"))) as pool:
        for case, (verdict, why) in zip(cases, pool.map(lambda c: run(c, args.bin.resolve()), cases)):
            count[verdict] += 1
            if verdict != "passed":
                print(f"{verdict}: {why}", end="", flush=True)
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    # No case at all is a mistake, except under a filter.
    return 1 if count["failed"] or not (cases or only) else 0


if __name__ == "__main__":
    sys.exit(main())
