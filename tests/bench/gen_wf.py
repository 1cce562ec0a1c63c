#!/usr/bin/env python3
"""Writes a workflow of N steps (100,000), six lines each, in layers; gen_argo.py writes the equal Argo workflow.
Usage: gen_wf.py [N]"""
import sys

from graphs import last_layer, layered

n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
out = [
    "artifact Even = file \"csv\" { id: int, score: float }",
    "artifact Odd = file \"csv\" { id: int, score: float }",
    "",
]
kinds = ("Even", "Odd")
for i, a, _ in layered(n):
    layer = i // 100
    made, read = kinds[layer % 2], kinds[(layer + 1) % 2]
    out += [
        "@retry(3, delay: 10s, factor: 2.0)",
        f"@timeout({i % 50 + 10}m)",
        "@resources(cpu: 1, memory: 512MiB)",
        f"step transform_{i}(left: {read}, right: {read}, weight: float) -> (table: {made})",
        f"exec [\"/opt/tools/transform\", \"--level={i % 9}\", \"--weight\", weight, left, right, table]",
    ]
out += ["", "workflow generated(source: Odd, scale: float = 1.0) -> [file] {"]
for i, a, b in layered(n):
    left, right = ("source", "source") if a is None else (f"t_{a}", f"t_{b}")
    out.append(f"  t_{i} = transform_{i}({left}, {right}, weight: scale * {i % 7 + 1}.5 + 0.25)")
out += ["  return [" + ", ".join(f"t_{i}" for i in last_layer(n)) + "]", "}", ""]
sys.stdout.write("\n".join(out))
