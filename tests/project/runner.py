#!/usr/bin/env python3
"""The text-case runner, run on cases made here: what it must accept, refuse, skip and bless."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

RUNNER = pathlib.Path(__file__).resolve().parent.parent / "run.py"


class Runner(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="wfc-runner-")
        self.addCleanup(self.folder.cleanup)
        self.area = pathlib.Path(self.folder.name) / "area"
        self.put("area.cmd", 'cat "$1"\n')

    def put(self, name, text):
        path = self.area / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_area(self, **env):
        clean = {k: v for k, v in os.environ.items() if k not in ("UPDATE", "CASE", "CI")}
        done = subprocess.run([sys.executable, RUNNER, "--bin", "/usr/bin", self.area], env=clean | env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def expect(self, code, *parts, **env):
        got, text = self.run_area(**env)
        self.assertEqual(got, code, text)
        for part in parts:
            self.assertIn(part, text)

    def test_equal_output_passes(self):
        self.put("a.wf", "hello\n")
        self.put("a.out", "hello\n")
        self.put("b/main.wf", "there\n")
        self.put("b/out", "there\n")
        self.expect(0, "2 passed, 0 failed, 0 skipped\n")
        self.expect(0, "1 passed, 0 failed, 0 skipped\n", CASE="area/b")

    def test_other_output_fails_with_a_diff(self):
        self.put("a.wf", "hello\n")
        self.put("a.out", "hallo\n")
        self.expect(1, "-hallo\n", "+hello\n", "0 passed, 1 failed")

    def test_missing_final_newline_is_a_difference(self):
        self.put("a.wf", "hello")
        self.put("a.out", "hello\n")
        self.expect(1, "no newline at the end")

    def test_no_expected_output_no_case_no_command_no_cases(self):
        self.expect(1, "0 passed, 0 failed")
        self.put("a.wf", "x\n")
        self.expect(1, "no expected output")
        (self.area / "a.wf").unlink()
        self.put("a.out", "x\n")
        self.expect(1, "without a case")
        self.put("a.wf", "x\n")
        (self.area / "area.cmd").unlink()
        self.expect(1, "no command")

    def test_exit_code_is_the_last_line(self):
        self.put("a.wf", "")
        self.put("a.cmd", "echo out; echo err >&2; exit 3\n")
        self.put("a.out", "out\nerr\nexit: 3\n")
        self.expect(0)

    def test_unset_variables_and_failing_commands_end_the_case(self):
        self.put("a.wf", "")
        self.put("a.cmd", "false; echo not reached\n")
        self.put("a.out", "exit: 1\n")
        self.expect(0)

    def test_normalised_only_when_asked(self):
        self.put("a.wf", "")
        self.put("a.cmd", "# normalise: time size run\necho took 1.25 s for 3.5 MiB in 20250102-030405-a69a\npwd\n")
        self.put("a.out", "took $TIME for $SIZE in $RUN\n$TMP\n")
        self.put("b.wf", "")
        self.put("b.cmd", "echo took 1.25 s\n")
        self.put("b.out", "took 1.25 s\n")
        self.expect(0)

    def test_update_writes_but_never_a_crash_or_timeout(self):
        self.put("a.wf", "new\n")
        self.put("a.out", "old\n")
        self.expect(0, UPDATE="1")
        self.assertEqual((self.area / "a.out").read_text(), "new\n")
        for text in ("==1==ERROR: AddressSanitizer: x", "x.c:1: runtime error: y", "internal error: z"):
            self.put("b.wf", text + "\n")
            self.expect(1, "the output holds", UPDATE="1")
            self.assertFalse((self.area / "b.out").exists())
        self.put("b.wf", "")
        self.put("b.cmd", "# timeout: 0.2\nsleep 30\n")
        self.expect(1, "stopped after 0.2 seconds", UPDATE="1")

    def test_missing_need_skips_here_and_fails_in_ci(self):
        self.put("a.wf", "")
        self.put("a.cmd", "# needs: no-such-program\ntrue\n")
        self.put("a.out", "")
        self.expect(0, "skipped: area/a: needs no-such-program", "0 passed, 0 failed, 1 skipped")
        self.expect(1, "failed: area/a: needs no-such-program", CI="true")

    def test_case_works_in_a_copy_and_leaves_no_process(self):
        self.put("a/main.wf", "x\n")
        self.put("a/cmd", "rm main.wf; sleep 300 & echo gone\n")
        self.put("a/out", "gone\n")
        self.expect(0)
        self.assertTrue((self.area / "a/main.wf").exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
