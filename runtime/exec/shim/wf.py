"""wf.progress and wf.metric for project code; outside a run they do nothing."""
import json
import os


def _event(fields):
    path = os.environ.get("WF_EVENTS")
    if not path:
        return
    try:
        with open(path, "a") as f:
            f.write(json.dumps(fields) + "\n")
    except OSError:
        pass


def progress(value):
    _event({"progress": float(value)})


def metric(name, value):
    _event({"metric": str(name), "value": float(value)})
