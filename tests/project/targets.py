#!/usr/bin/env python3
"""docs/targets.md holds what `wfc targets` prints: targets.py BUILD_DIR; UPDATE=1 writes it."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WFC = pathlib.Path(sys.argv[1]) / "bin" / "wfc"
PAGE = ROOT / "docs/targets.md"
TARGETS = ("argo", "airflow", "stepfunctions")


def printed(*args):
    return subprocess.run([WFC, "targets", *args], capture_output=True, text=True, check=True).stdout


def generated():
    text = "## Settings\n\n" + "\n".join(printed(t) for t in TARGETS)
    return text + "\n## What each engine keeps\n\n" + printed().split("\n### ", 1)[1].join(["### ", ""])


if "| ?" in printed():
    sys.exit("a target has no row for a construct of caps.def or an annotation of settings.def")
page = PAGE.read_text()
written = page.split("\n## Settings\n")[0] + "\n" + generated()
if os.environ.get("UPDATE") == "1":
    PAGE.write_text(written)
elif page != written:
    print("docs/targets.md is not what `wfc targets` prints: UPDATE=1 tests/project/targets.py BUILD_DIR writes it")
    sys.exit(1)
