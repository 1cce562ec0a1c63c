#!/usr/bin/env python3
"""What no file of the project may hold: unfinished marks, paths of one machine, hosts of package registries."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RULES = [
    ("an unfinished mark", re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")),
    ("a path of one machine", re.compile(r"(?<![\w.$}/-])/(work|farm|home|root)/\w")),
    ("a package registry's host", re.compile(
        r"registry\.npmjs\.org|pypi\.org|files\.pythonhosted\.org|proxy\.golang\.org|deb\.debian\.org|index\.crates\.io|repo1?\.maven")),
]


def files():
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [f for f in ROOT.rglob("*") if "build" not in f.parts and ".git" not in f.parts]


def main():
    wrong, seen = [], 0
    for file in files():
        if not file.is_file() or file == pathlib.Path(__file__).resolve():
            continue
        data = file.read_bytes()
        if b"\0" in data:
            continue
        seen += 1
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            wrong += [f"{file.relative_to(ROOT)}:{number}: {what}: {m[0]}" for what, rule in RULES if (m := rule.search(line))]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{seen} files, {len(wrong)} wrong")
    return 1 if wrong or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
