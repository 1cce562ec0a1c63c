#!/usr/bin/env python3
"""Writes the Argo workflow that is equal to gen_wf.py's: the same steps, files, limits and order. Small maps are written in
flow style, as Argo's own examples do. Usage: gen_argo.py [N]"""
import sys

from graphs import last_layer, layered

n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
out = [
    "apiVersion: argoproj.io/v1alpha1",
    "kind: Workflow",
    "metadata: {generateName: generated-}",
    "spec:",
    "  entrypoint: generated",
    "  arguments:",
    "    parameters: [{name: scale, value: \"1.0\"}]",
    "    artifacts: [{name: source, s3: {key: source.csv}}]",
    "  templates:",
]
for i, _, _ in layered(n):
    out += [
        f"  - name: transform-{i}",
        "    retryStrategy: {limit: 3, backoff: {duration: 10s, factor: 2}}",
        f"    activeDeadlineSeconds: {(i % 50 + 10) * 60}",
        "    inputs:",
        "      parameters: [{name: weight}]",
        "      artifacts: [{name: left, path: /tmp/left.csv}, {name: right, path: /tmp/right.csv}]",
        "    outputs:",
        "      artifacts: [{name: table, path: /tmp/table.csv}]",
        "    container:",
        "      image: tools",
        f"      command: [/opt/tools/transform, --level={i % 9}, --weight, \"{{{{inputs.parameters.weight}}}}\", /tmp/left.csv, /tmp/right.csv, /tmp/table.csv]",
        "      resources: {requests: {cpu: 1, memory: 512Mi}}",
    ]
out += ["  - name: generated", "    dag:", "      tasks:"]
for i, a, b in layered(n):
    out.append(f"      - name: t-{i}")
    out.append(f"        template: transform-{i}")
    if a is None:
        left = right = "{{workflow.artifacts.source}}"
    else:
        out.append(f"        dependencies: [t-{a}, t-{b}]")
        left, right = (f"{{{{tasks.t-{k}.outputs.artifacts.table}}}}" for k in (a, b))
    out += [
        "        arguments:",
        f"          parameters: [{{name: weight, value: \"{{{{=asFloat(workflow.parameters.scale) * {i % 7 + 1}.5 + 0.25}}}}\"}}]",
        f"          artifacts: [{{name: left, from: \"{left}\"}}, {{name: right, from: \"{right}\"}}]",
    ]
out += ["    outputs:", "      artifacts:"]
out += [f"      - {{name: t-{i}, from: \"{{{{tasks.t-{i}.outputs.artifacts.table}}}}\"}}" for i in last_layer(n)]
sys.stdout.write("\n".join(out + [""]))
