# The backoff of each step, what its container knows, and what that makes of it: the shortest and longest rest before each attempt.
wfc compile --target argo -o files -w w "$1" >/dev/null
grep -E '^  - name: |backoff' files/w.yaml | grep -B1 backoff | grep -v -e --
wfc compile --target airflow -o lib -w w "$1" >/dev/null
cat >rests.py <<'END'
import json, random, re
import wf_shim as wf
steps = re.search(r"(?s)steps.json: \|\n(.*?\n    \})\n", open("files/w.yaml").read()).group(1)
for name, step in sorted(json.loads(steps).items()):
    if "wait" not in step:
        continue
    rests = []
    for attempt in (1, 2, 3, 4):
        for at in ("low", "high"):
            random.uniform = lambda low, high: low if at == "low" else high
            rests.append("%g" % wf.argo_rest(attempt, *step["wait"]))
    print(name, step["wait"], " ".join("-".join(rests[i:i + 2]) for i in range(0, 8, 2)))
print([wf.delay_after(k, 100, 2.0, 1000) for k in (1, 2, 3, 4, 5, 2000)], [wf.delay_after(k, 100, 1.5, 300) for k in (1, 2, 3, 4)])
END
PYTHONPATH=lib python3 rests.py
