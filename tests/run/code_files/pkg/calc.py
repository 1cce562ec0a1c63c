import pathlib

import wf


def double(x):
    wf.progress(0.5)
    return 2 * x * int((pathlib.Path(__file__).parent / "sub" / "factor.txt").read_text())
