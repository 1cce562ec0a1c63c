"""Writes a C source with the bytes of files: embed.py NAME OUTPUT BASE FILE...

The array is `const EmbeddedFile NAME[]`, ended by a row of zeros; see base/embed.h. Paths are relative to BASE.
"""
import pathlib
import sys

name, output, base, *files = sys.argv[1:]
lines = ['#include "base/embed.h"', ""]
rows = []
for i, file in enumerate(sorted(files)):
    data = (pathlib.Path(base) / file).read_bytes()
    lines.append(f"static const char file_{i}[] = {{")
    for at in range(0, len(data), 24):
        lines.append("    " + ",".join(f"{b if b < 128 else b - 256}" for b in data[at:at + 24]) + ",")
    lines.append("    0};")
    rows.append(f'    {{"{file}", file_{i}, sizeof file_{i} - 1}},')
lines += ["", f"const EmbeddedFile {name}[] = {{", *rows, "    {0, 0, 0}};", ""]
pathlib.Path(output).write_text("\n".join(lines))
