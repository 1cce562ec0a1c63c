#!/usr/bin/env python3
"""The bytes that `wfc compile` writes for each case and example on each target: golden.py BUILD_DIR; UPDATE=1 writes golden.txt.

golden.txt has a line for each file: the hash of its content, its path, or "refused". A change of a target shows here what it reaches;
the texts themselves are looked at in tests/emit_*, and that they depend on nothing but the source."""
import concurrent.futures
import difflib
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WFC = pathlib.Path(sys.argv[1]).resolve() / "bin/wfc"
GOLDEN = HERE / "golden.txt"
TARGETS = ("airflow", "argo", "stepfunctions")
SHARED = ("wf_shim.py", "wf_shim.js", "wf_airflow.py", "wf_operator.py", "wf-shim.yaml")  # the same for every workflow; their sources are in the repository


def emit(source, target, folder):
    work, out = folder / "source", folder / "out"
    shutil.copytree(source.parent, work, ignore=shutil.ignore_patterns("*.json", "*.refused", "*.csv"))
    # As parity.py does, but without @cache, whose keys hold a hash of the shim.
    for file in work.glob("*.wf" if source.name == "main.wf" else source.name):
        file.write_text(re.sub(f"(?m)^#{target} (?!@cache)", "", file.read_text()))
    done = subprocess.run([WFC, "compile", "--target", target, "-o", out, source.name], cwd=work, capture_output=True, text=True)
    if done.returncode == 1:
        return {"": "refused"}
    if done.returncode:
        raise SystemExit(f"{source} for {target}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return {f.relative_to(out).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest()[:16] for f in sorted(out.rglob("*"))
            if f.is_file() and f.name not in SHARED}


def lines_of(job):
    source, target = job
    with tempfile.TemporaryDirectory() as folder:
        files = emit(source, target, pathlib.Path(folder))
    name = source.parent.name if source.name == "main.wf" else source.stem
    return [f"{target} {name} {path or '-'} {digest}\n" for path, digest in files.items()]


sources = sorted([*(HERE / "cases").glob("*.wf"), *(HERE / "cases").glob("*/main.wf"), *(ROOT / "examples").glob("*/*.wf")])
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    found = sorted(line for lines in pool.map(lines_of, [(s, t) for t in TARGETS for s in sources]) for line in lines)
if os.environ.get("UPDATE") == "1":
    GOLDEN.write_text("".join(found))
elif found != (want := GOLDEN.read_text().splitlines(True)):
    sys.stdout.writelines(difflib.unified_diff(want, found, "expected", "written", n=0))
    print("UPDATE=1 tests/engines/golden.py BUILD_DIR writes golden.txt anew")
    sys.exit(1)
