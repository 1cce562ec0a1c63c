#!/usr/bin/env python3
"""Prints the DAGs of folders as Airflow itself understands them, in a form that is the same for Airflow 2 and 3.

    PYTHON structure.py FOLDER...

A task a line, sorted, with its policies where they are not Airflow's defaults, and the tasks that follow it. A second import
must give the same bytes: Airflow makes a new version of a DAG for each that it has not seen.
"""
import json
import pathlib
import sys
import tempfile

import session

# Which policies are shown, and what they are when nothing is said.
POLICIES = {"trigger_rule": "all_success", "retries": 0, "retry_delay": 300.0, "retry_exponential_backoff": 0,
            "max_retry_delay": None, "execution_timeout": None, "pool": "default_pool", "pool_slots": 1, "priority_weight": 1,
            "weight_rule": "downstream", "queue": "default", "max_active_tis_per_dagrun": None, "owner": "airflow"}


def plain(value):
    """Airflow wraps values in {"__type":, "__var":}."""
    if isinstance(value, dict) and set(value) == {"__type", "__var"}:
        return plain(value["__var"])
    if isinstance(value, dict):
        return {key: plain(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def tasks_of(dag):
    for task in plain(dag["tasks"]):
        # What is given to all instances of a mapped task.
        yield {**task, **task.get("partial_kwargs", {})}


def groups_of(group, mapped=False):
    """{task_id: whether its group is mapped}."""
    mapped = mapped or bool(group.get("is_mapped"))
    found = {}
    for name, (kind, child) in sorted(group.get("children", {}).items()):
        if kind == "operator":
            found[name] = mapped
        else:
            found.update(groups_of(child, mapped))
    return found


def describe(serialized):
    dag = serialized["dag"]
    mapped = groups_of(plain(dag.get("task_group") or dag["_task_group"]))
    yield f"dag {dag.get('dag_id') or dag['_dag_id']}" + "".join(
        f" {key}={json.dumps(plain(dag[key]))}" for key in ("max_active_runs", "dagrun_timeout", "tags")
        if dag.get(key) not in (None, [], 16))
    for name, param in plain(dag.get("params", [])):
        yield f"  param {name}: {json.dumps(plain(param['schema']))} = {json.dumps(plain(param['default']))}"
    for task in sorted(tasks_of(dag), key=lambda task: task["task_id"]):
        policies = "".join(f" {key}={json.dumps(task[key])}" for key, default in POLICIES.items()
                           if task.get(key, default) not in (default, False))
        after = " ".join(sorted(task.get("downstream_task_ids", [])))
        yield f"  {task['task_id']}{' mapped' if mapped[task['task_id']] else ''}{policies}{' -> ' + after if after else ''}"


def main():
    folders = [pathlib.Path(folder).resolve() for folder in sys.argv[1:]]
    with tempfile.TemporaryDirectory(prefix="wfc-airflow-") as home:
        airflow = session.Session(home, folders)
        for folder in folders:
            with session.output_to(f"{home}/load.log"):
                first, second = ({name: airflow.structure(dag) for name, dag in airflow.load(folder).items()} for _ in range(2))
            for name in sorted(first):
                print("\n".join(describe(first[name])))
            if json.dumps(first) != json.dumps(second):
                print(f"{folder}: two imports differ")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
