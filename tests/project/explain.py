#!/usr/bin/env python3
"""The pages of `wfc explain`: each code has one, a bad example has exactly its finding, a good one has none."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WFC = (pathlib.Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else ROOT / "build/debug") / "bin/wfc"
PAGES = ROOT / "compiler/explain"

# Pages without a bad example, and why no text block can show one.
NO_BAD = {
    "WF0001": "bytes that are not UTF-8",
    "WF0002": "a null byte",
    "WF0035": "hundreds of brackets",
    "WF0038": "more findings than are shown",
    "WF0042": "a carriage return",
    "WF0186": "a module beside the file",
}


def codes():
    text = "".join(p.read_text() for p in (ROOT / "compiler/source").glob("codes*.def"))
    return sorted(f"WF{int(n):04}" for n in re.findall(r"^DIAG\((\d+),", text, re.M))


def findings(text, target):
    options = ["--target", target] if target else []
    with tempfile.TemporaryDirectory(prefix="wfc-explain-") as folder:
        (pathlib.Path(folder) / "main.wf").write_text(text)
        done = subprocess.run([WFC, "check", "--format", "json", *options, "main.wf"], cwd=folder, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise AssertionError(f"wfc check ended with {done.returncode}:\n{done.stderr}")
    return [f"{d['code']}: {d['message']}" for d in json.loads(done.stdout)["diagnostics"]]


class Explain(unittest.TestCase):
    def test_each_code_has_a_page(self):
        self.assertEqual(codes(), sorted(p.stem for p in PAGES.glob("*.md")))

    def test_examples(self):
        for page in sorted(PAGES.glob("*.md")):
            text = page.read_text()
            blocks = re.findall(r"^(~~~~|```)wf (bad|good)(?: (\w+))?\n(.*?)^\1$", text, re.M | re.S)
            with self.subTest(page=page.stem):
                self.assertRegex(text, rf"\A# {page.stem}: [^\n]+[^.\n]\n\n\S")
                kinds = [kind for _, kind, _, _ in blocks]
                self.assertIn("good", kinds)
                self.assertEqual("bad" not in kinds, page.stem in NO_BAD)
                self.assertEqual(len(re.findall(r"^(?:~~~~|```)wf\b", text, re.M)), len(blocks), "a block without `bad` or `good`")
            for _, kind, target, code in blocks:
                with self.subTest(page=page.stem, kind=kind, code=code):
                    found = findings(code, target)
                    if kind == "good":
                        self.assertEqual(found, [])
                    else:
                        self.assertEqual({f[:6] for f in found}, {page.stem}, found)


unittest.main(verbosity=1)
