#!/usr/bin/env python3
"""Every shell script of the project, and every command file of a text case, passes shellcheck."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def main():
    scripts = [f for f in ROOT.rglob("*") if "build" not in f.relative_to(ROOT).parts and ".git" not in f.relative_to(ROOT).parts
               and f.is_file() and not f.is_symlink() and f.suffix in ("", ".sh", ".bash")
               and f.open("rb").read(32).split(b"\n")[0] in (b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash")]
    cases = [f for pattern in ("*/area.cmd", "*/*.cmd", "*/*/cmd") for f in (ROOT / "tests").glob(pattern)]
    failed = subprocess.run(["shellcheck", *scripts], cwd=ROOT).returncode if scripts else 1
    if cases:
        failed |= subprocess.run(["shellcheck", "-s", "sh", "-e", "SC2148", *sorted(set(cases))], cwd=ROOT).returncode
    print(f"{len(scripts)} scripts, {len(set(cases))} command files")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
