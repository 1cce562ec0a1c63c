# The backoff of each step, what its container knows, and what that makes of it: the shortest and longest rest before each attempt.
wfc compile --target argo -o files -w w "$1" >/dev/null
grep -E '^  - name: |backoff' files/w.yaml | grep -B1 backoff | grep -v -e --
grep _begun files/w.yaml
wfc compile --target airflow -o lib -w w "$1" >/dev/null
cat >rests.py <<'END'
import json, re
import wf_shim as wf
drawn = wf.drawn
steps = re.search(r"(?s)steps.json: \|\n(.*?\n    \})\n", open("files/w.yaml").read()).group(1)
for name, step in sorted(json.loads(steps).items()):
    if "delays" not in step:
        continue
    rests = []
    for attempt in (1, 2, 3):
        for share in (0.5, 1):
            wf.drawn = lambda delay, jitter, seed=None: delay * share if jitter else delay
            rests.append("%g" % wf.argo_delay({"WF_RUN_ID": "r", "WF_STEP": "s"}, attempt, *step["delays"])[1])
    print(name, step["delays"], " ".join("-".join(rests[i:i + 2]) for i in range(0, 6, 2)))
print([wf.delay_after(k, 100, 2.0, 1000) for k in (1, 2, 3, 4, 5, 2000)], [wf.delay_after(k, 100, 1.5, 300) for k in (1, 2, 3, 4)])
print(all(50 <= drawn(100, True) <= 100 for _ in range(1000)), len({drawn(100, True, "a") for _ in range(9)}), drawn(100, False))
END
PYTHONPATH=lib python3 rests.py
