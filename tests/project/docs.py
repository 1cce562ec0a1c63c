"""The examples of the documentation are checked: docs.py BUILD_DIR

Blocks marked `wf` must have no error and no warning; `wf error CODE` must have that code. docs/cli.md must be what
`wfc help --markdown` prints."""
import pathlib
import re
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parent.parent.parent
wfc = pathlib.Path(sys.argv[1]) / "bin" / "wfc"
failed = passed = 0


def check(text):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "example.wf"
        path.write_text(text)
        return subprocess.run([wfc, "check", "--format", "line", path], capture_output=True, text=True)


for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
    for fence, info, body in re.findall(r"^(~~~~|````)(wf[^\n]*)\n(.*?)^\1$", page.read_text(), re.M | re.S):
        result = check(body)
        code = info.removeprefix("wf").removeprefix(" error").strip()
        good = code in result.stdout and result.returncode == 1 if code else result.returncode == 0 and not result.stdout
        passed += good
        failed += not good
        if not good:
            print(f"{page.name}: a block marked `{info}` gives:\n{result.stdout}{result.stderr}{body[:200]}")

page = root / "docs" / "cli.md"
printed = subprocess.run([wfc, "help", "--markdown"], capture_output=True, text=True).stdout
if page.read_text() != printed:
    failed += 1
    print("docs/cli.md is not what `wfc help --markdown` prints: write it anew")
else:
    passed += 1
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
