#!/usr/bin/env python3
"""Runs emitted DAGs on the real Airflow, all in one process, and writes what became of them.

    PYTHON run_jobs.py JOBS.json RESULTS.json

PYTHON is the interpreter of build/engines/airflow3 or build/engines/airflow2. Jobs are
`[{"name", "dir", "workflow", "params", "secrets", "work"}]`, results in their order
`{"name", "state", "result", "nodes": {PATH: "succeeded"|"failed"}, "log"}`; tests/README.md says more.
"""
import contextlib
import json
import os
import pathlib
import signal
import sys
import threading
import traceback

import session

STATES = {"success": "succeeded", "failed": "failed"}
SECONDS = 300  # for a job; dag.test() itself would wait for ever


def late(number, frame):
    raise TimeoutError(f"stopped after {SECONDS} seconds")


@contextlib.contextmanager
def limited():
    """Airflow uses the alarm of the process itself, so a thread watches the time."""
    signal.signal(signal.SIGUSR1, late)
    timer = threading.Timer(SECONDS, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def variables(job):
    """What the DAG finds in its environment: where artifacts are stored, the secrets, and the connections of operators."""
    work = pathlib.Path(job["work"])
    found = {"AIRFLOW_VAR_WFC_STORE": str(work / "store"), "AIRFLOW_CONN_FILES": json.dumps({"conn_type": "fs"}),
             "AIRFLOW_CONN_DATABASE": json.dumps({"conn_type": "sqlite", "host": str(work / "database.sqlite")})}
    for name, value in job.get("secrets", {}).items():
        # Each secret stands in another place; behind it, where it must not be looked for any more, something else.
        places = [("AIRFLOW_CONN_WFC_SECRET_", lambda text: json.dumps({"conn_type": "generic", "password": text})),
                  ("AIRFLOW_VAR_WFC_SECRET_", str), ("WFC_SECRET_", str)]
        for i, (prefix, form) in enumerate(places[len(name) % 3:]):
            found[prefix + name.upper()] = form(value if i == 0 else "another value")
    return found


def nodes_of(instances):
    """The calls of steps that ran: what their tasks leave has the path as "node"."""
    found = {}
    for state, values in instances.values():
        for key in ("return_value", "failure"):
            if state in STATES and isinstance(values.get(key), dict) and "node" in values[key]:
                found[values[key]["node"]] = STATES[state]
    return dict(sorted(found.items()))


def result_of(instances):
    values = instances.get(("return", -1), (None, {}))[1]
    packed = values.get("return_value", {})
    return json.loads(packed["json"]) if "json" in packed else packed.get("value")


def shown(secrets, log, instances):
    """The secrets of which a line stands in the log or in what tasks left."""
    left = json.dumps([values for _, values in instances.values()], default=str)
    return [name for name, value in secrets.items() for line in value.splitlines()
            if line in log or json.dumps(line)[1:-1] in log or json.dumps(line)[1:-1] in left]


def run(airflow, job):
    work = pathlib.Path(job["work"])
    work.mkdir(parents=True, exist_ok=True)
    log = work / "airflow.log"
    result = {"name": job["name"], "state": "failed", "result": None, "nodes": {}}
    kept, instances = dict(os.environ), {}
    os.environ.update(variables(job))
    try:
        with session.output_to(log), limited():
            try:
                state, instances = airflow.run(airflow.load(job["dir"])[job["workflow"]], job.get("params", {}))
                result.update(state=STATES.get(state, state), result=result_of(instances), nodes=nodes_of(instances))
            except Exception:
                traceback.print_exc()
    finally:
        os.environ.clear()
        os.environ.update(kept)
    result["log"] = log.read_text(errors="replace")
    if shown(job.get("secrets", {}), result["log"], instances):
        result["state"] = "showed a secret"
    return result


def main():
    jobs = json.loads(pathlib.Path(sys.argv[1]).read_text())
    results = []
    if jobs:
        airflow = session.Session(pathlib.Path(jobs[0]["work"]).resolve() / "airflow", [job["dir"] for job in jobs])
        results = [run(airflow, job) for job in jobs]
    pathlib.Path(sys.argv[2]).write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
