#!/usr/bin/env python3
"""Checks every #include of the compiler and the runtime against the layers of the architecture, and that each header
compiles alone. Usage: layers.py BUILD, the folder that generated headers are in."""
import concurrent.futures
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(sys.argv[1])

FRONT = ["base", "compiler/source", "compiler/ast", "grammar"]
GRAPH = ["base", "compiler/source", "compiler/type", "compiler/ir"]

# Folder: the folders and files that it may include besides itself. The longest matching row counts; a folder without a row
# is an error, so that a new one is thought about here.
MAY = {
    "base": [],
    "compiler/source": ["base"],
    "compiler/ast": ["base", "compiler/source"],
    "grammar": FRONT,
    "compiler/format": FRONT,
    "compiler/type": ["base", "compiler/source", "compiler/ast"],
    "compiler/sema": FRONT + ["compiler/type", "stdlib"],
    "compiler/ir": ["base", "compiler/source", "compiler/type"],
    "compiler/ir/lower": FRONT + ["compiler/type", "compiler/sema", "compiler/ir"],
    "compiler/pass": GRAPH,
    "compiler/lint": FRONT + GRAPH + ["compiler/sema"],
    "compiler/backend": GRAPH,
    "compiler/backend/jit": GRAPH + ["runtime/abi", "compiler/backend/plan"],
    "compiler/backend/plan": GRAPH + ["runtime/abi"],
    "compiler/backend/argo": GRAPH + ["compiler/backend/emit"],
    "compiler/backend/airflow": GRAPH + ["compiler/backend/emit"],
    "compiler/backend/stepfunctions": GRAPH + ["compiler/backend/emit"],
    "compiler/lsp": FRONT + GRAPH + ["compiler/sema", "compiler/format", "compiler/lint", "stdlib"],
    "runtime/abi": ["base", "compiler/ir/settings"],
    # The library's functions have one list, which checks and the runtime share.
    "runtime": ["base", "runtime", "compiler/type/lib", "compiler/ir/settings"],
    "stdlib": ["base"],
    "cli": ["base", "compiler", "grammar", "runtime", "stdlib", "cli"],
    "tests": ["base", "compiler", "grammar", "runtime", "stdlib", "tests"],
}
# Foreign headers that one place alone may include.
ONLY = {
    r"llvm-c/": r"compiler/backend/jit/",
    r"yaml\.h": r"(base|compiler/backend)/yaml[^/]*$|tests/bench/",
    r"sqlite3\.h": r"runtime/store/|tests/",
    r"(FlexLexer|re2/|curl/)": r"(base|runtime)/",
}
SOURCES = [f for top in ("base", "compiler", "grammar", "runtime", "stdlib", "cli", "tests")
           for f in sorted((ROOT / top).rglob("*")) if f.suffix in (".c", ".h", ".def", ".re", ".y", ".cc", ".cpp")]


def row(path):
    """The row of MAY that holds for a file; ir/lower*.c are a layer of their own."""
    hits = [k for k in MAY if path.startswith(k + "/") or (k == "compiler/ir/lower" and path.startswith(k))]
    return max(hits, key=len, default=None)


def allowed(path, include):
    layer = row(path)
    return any(include == a or include.startswith((a + "/", a + ".")) for a in MAY[layer] + [layer])


def check_arrows():
    wrong = []
    tops = {k.split("/")[0] for k in MAY}
    for file in SOURCES:
        path = file.relative_to(ROOT).as_posix()
        if row(path) is None:
            wrong.append(f"{path}: its folder has no row in tests/project/layers.py")
            continue
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^">]+)[">]', line)
            if not match:
                continue
            quote, include = match.groups()
            if quote == "<":
                wrong += [f"{path}:{number}: <{include}> belongs in {place}" for what, place in ONLY.items()
                          if re.match(what, include) and not re.search(place, path)]
            elif include.split("/")[0] in tops and "/" in include:
                if not allowed(path, include):
                    wrong.append(f"{path}:{number}: {row(path)} may not include {include}")
            elif not (BUILD / include).exists():
                wrong.append(f"{path}:{number}: \"{include}\" is not named from the top folder")
    return wrong


def compiles_alone(header):
    llvm = subprocess.run(["llvm-config-19", "--includedir"], capture_output=True, text=True).stdout.strip()
    done = subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-fsyntax-only", f"-I{ROOT}", f"-I{BUILD}", "-isystem", llvm,
                           "-x", "c", header], capture_output=True, text=True)
    first = "\n".join(done.stderr.splitlines()[:4])
    return f"{header.relative_to(ROOT)} does not compile alone:\n{first}" if done.returncode else None


def main():
    headers = [f for f in SOURCES if f.suffix == ".h"]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        wrong = check_arrows() + [e for e in pool.map(compiles_alone, headers) if e]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(SOURCES)} files, {len(headers)} headers, {len(wrong)} wrong")
    return 1 if wrong or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
