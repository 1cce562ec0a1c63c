#!/usr/bin/env python3
"""Writes a ladder of N diamonds (10,000): each splits one file for two steps and joins what they made. The number of paths
through it is 2 to the power of N. Usage: gen_ladder.py [N]"""
import sys

n = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
out = [
    "step half(source: file, part: int) -> (made: file)",
    "exec [\"/opt/tools/half\", source, part, made]",
    "",
    "step join_two(left: file, right: file) -> (made: file)",
    "exec [\"/opt/tools/join\", left, right, made]",
    "",
    "workflow ladder(source: file) -> file {",
]
for i in range(n):
    before = f"joined_{i - 1}" if i else "source"
    out += [
        f"  left_{i} = half({before}, part: 0)",
        f"  right_{i} = half({before}, part: 1)",
        f"  joined_{i} = join_two(left_{i}, right_{i})",
    ]
out += [f"  return joined_{n - 1}" if n else "  return source", "}", ""]
sys.stdout.write("\n".join(out))
