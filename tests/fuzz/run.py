#!/usr/bin/env python3
"""Runs every fuzz target of a folder for FUZZ_SECONDS (12) each, two at a time. New inputs are not kept, but those that
crash are, beside the folder of the targets. FUZZ_SEED=N tries others than the tests do.

Seeds: the .wf files of tests, examples and stdlib, and fuzz/seeds/TARGET/*. Inputs that once crashed a target stand in
fuzz/crashes/TARGET/* and are run first. A dictionary is fuzz/TARGET.dict, else fuzz/wf.dict."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SECONDS = int(os.environ.get("FUZZ_SECONDS", "12"))
SEED = os.environ.get("FUZZ_SEED", "1")


def seed(target, folder):
    own = HERE / "seeds" / target.name
    files = own.iterdir() if own.exists() else (
        f for top in ("tests", "examples", "stdlib") for f in (ROOT / top).rglob("*.wf") if f.stat().st_size < 65536)
    for number, file in enumerate(files):
        shutil.copy(file, folder / f"{number:05}")


def run(target):
    with tempfile.TemporaryDirectory(prefix="wfc-fuzz-") as tmp:
        corpus = pathlib.Path(tmp) / "corpus"
        corpus.mkdir()
        seed(target, corpus)
        command = [target, "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]
        crashes = sorted((HERE / "crashes" / target.name).glob("*"))
        known = subprocess.run(command + crashes, cwd=tmp, capture_output=True) if crashes else None
        if known and known.returncode:
            return target.name, known.returncode, known.stderr, crashes
        words = [d for d in (HERE / f"{target.name}.dict", HERE / "wf.dict") if d.exists()][:1]
        done = subprocess.run(command + [f"-dict={d}" for d in words] + [f"-max_total_time={SECONDS}", f"-seed={SEED}", "-max_len=65536", corpus],
                              cwd=tmp, capture_output=True)
        found = [p for p in pathlib.Path(tmp).glob("*-*") if p.is_file()]
        kept = [shutil.copy(p, target.parent.parent / f"{target.name}-{p.name}") for p in found]
        return target.name, done.returncode, done.stderr, kept


def main():
    targets = sorted(p for p in pathlib.Path(sys.argv[1]).resolve().iterdir() if p.is_file() and os.access(p, os.X_OK))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, code, log, found in pool.map(run, targets):
            text = log.decode("utf-8", "backslashreplace")
            runs = [line.split()[-1] for line in text.splitlines() if "number_of_executed_units" in line]
            print(f"{name}: {'ok' if code == 0 else 'FAILED'}, {runs[-1] if runs else 'unknown number of'} inputs", flush=True)
            if code != 0:
                failed += 1
                start = re.search("ERROR: |runtime error: |ALARM: ", text)
                print(text[start.start() if start else 0:][:4000], *(f"input: {path}" for path in found), sep="\n", flush=True)
    print(f"{len(targets) - failed} passed, {failed} failed")
    return 1 if failed or not targets else 0


if __name__ == "__main__":
    sys.exit(main())
