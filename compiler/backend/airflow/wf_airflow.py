"""Builds and runs the DAGs that wfc writes. Airflow 2.11 and 3.1 or later; the same file for each workflow.

A workflow is declared as a list of tasks. Each has an id, the tasks before it, and a function that computes what it needs from
the values of others. What the list leaves open is decided here: task groups, mapped groups for loops, trigger rules.

    XCom `return_value` of a task   {"value": V}, for calls with the path of the node as "node"; of a list to loop over: the list
    XCom `failure`                  {"failure": the language's struct Failure, "node": its path}, pushed before the task fails

A task has ended well exactly when its `return_value` is there, so no state of Airflow has to be read. Of a branch, the first
tasks look at the choice and skip themselves when it is not theirs; the tasks behind them follow by Airflow's rule, and the task
that joins the branches skips itself when there was no choice. `@task.branch` does not serve: in mapped groups it does not
select by index. Airflow cannot map inside a mapped group, so an inner loop is a group of its own over the items of all outer
items together, and what follows it in the outer loop is one more group over the outer items.
"""
import contextlib
import datetime
import json
import math
import os
import shutil
import sys
import tempfile
import time
import urllib.parse

try:
    from airflow.sdk import DAG, Connection, ObjectStoragePath, Param, TaskGroup, Variable, get_current_context, task, task_group
    find_connection = Connection.get
except ImportError:  # Airflow 2
    from airflow.decorators import task, task_group
    from airflow.io.path import ObjectStoragePath
    from airflow.models.connection import Connection
    from airflow.models.dag import DAG
    from airflow.models.param import Param
    from airflow.models.variable import Variable
    from airflow.operators.python import get_current_context
    from airflow.utils.task_group import TaskGroup
    find_connection = Connection.get_connection_from_secrets
try:
    from airflow.sdk.log import mask_secret
except ImportError:  # Airflow 2, and 3 at first
    from airflow.utils.log.secrets_masker import mask_secret
try:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowNotFoundException, AirflowSkipException
except ImportError:  # Airflow 2, and 3 at first
    from airflow.exceptions import AirflowException, AirflowFailException, AirflowNotFoundException, AirflowSkipException
from airflow.timetables.trigger import CronTriggerTimetable  # noqa: F401  (of the files that import this one)

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:  # Airflow looks for DAGs in this file too
    sys.path.append(HERE)
import wf_shim as wf  # noqa: E402

# Trigger rules: `collect` tasks look at everything that was before them, well or not.
RULES = {"collect": "all_done", "flat": "all_done", "join": "none_failed", "plain": "all_success"}


class Absent(Exception):
    """A value that is needed is not there, because its task did not run or did not end well."""


# ---- values between tasks ----

def has_reserved(v):
    """Whether Airflow's own encoding would take a part of the value for something else."""
    if isinstance(v, dict):
        return any(k.startswith("__") or has_reserved(x) for k, x in v.items())
    return isinstance(v, list) and any(map(has_reserved, v))


def pack(v):
    return {"json": json.dumps(v)} if has_reserved(v) else {"value": v}


def unpack(packed):
    return json.loads(packed["json"]) if "json" in packed else packed["value"]


class Values:
    """What the functions of a task see: `v("task")` is the value of another one, in JSON form."""

    def __init__(self, flow, task, each, holder):
        self.flow, self.task = flow, task
        self.holder = holder  # of a call of an operator: the task that it runs in
        self.context = get_current_context()
        self.ti = self.context["ti"]
        self.element = each
        self.maps = [] if task.loop is None else [*each.get("maps", []), self.ti.map_index]
        self.known, self.columns, self.items, self.inputs = {}, {}, {}, {}

    def raw(self, name):
        task = self.flow.task_of(name)
        if len(task.loops) > len(self.task.loops):
            # Of an item that is being gathered: all instances are fetched at once.
            if task.name not in self.columns:
                self.columns[task.name] = {tuple(packed["maps"]): packed for packed in self.all_of(task.name)}
            return self.columns[task.name].get(tuple(self.maps))
        if task.name not in self.known:
            index = self.maps[len(task.loops) - 1] if task.loops else -1
            self.known[task.name] = self.ti.xcom_pull(task_ids=task.operator.task_id, map_indexes=index)
        return self.known[task.name]

    def __call__(self, name):
        packed = self.raw(name)
        if packed is None:
            raise Absent(name)
        return unpack(packed) if isinstance(packed, dict) else packed

    def maybe(self, name):
        return None if self.raw(name) is None else self(name)

    def result(self, needs, compute):
        """The value of a block, once those tasks are known to have ended well."""
        for need in needs:
            self(need)
        return compute(self) if compute else None

    def all_of(self, name, key="return_value"):
        """What all instances of a mapped task, or the one of another, have pushed under the key."""
        found = self.ti.xcom_pull(task_ids=self.flow.tasks[name].operator.task_id, key=key)
        return [] if found is None else [found] if isinstance(found, dict) else list(found)

    def param(self, name):
        given = self("return-begin")[name] if name in self.flow.files else self.context["params"][name]
        type = self.flow.params[name][0]
        secret = (type[1] if type[0] == "opt" else type)[0] == "secret" and given is not None
        return {"secret": given} if secret else given

    def input(self, name):
        """An input of the step that is called."""
        return self.inputs[name]

    def element_of(self, loop):
        if loop in self.items:
            return self.items[loop]
        if loop == self.task.loop:
            return self.element
        return self(self.flow.source_of(loop))[self.maps[len(self.flow.loops[loop]) - 1]]

    def index(self, loop):
        return self.element_of(loop)["index"]

    def item(self, loop):
        return unpack(self.element_of(loop)["item"])

    def second(self, loop):
        return unpack(self.element_of(loop)["second"])

    @contextlib.contextmanager
    def inside(self, loop, element, maps=None):
        """As an item of the loop, the one with those map indexes, sees the values."""
        kept, self.maps = self.maps, self.maps if maps is None else maps
        self.items[loop] = element
        try:
            yield
        finally:
            self.maps = kept
            del self.items[loop]

    def path(self, template):
        """The node's path: each `%` is the index in one of the loops around it."""
        parts = template.split("%")
        loops = self.task.loops if self.task.loop is not None else ()
        indexes = [str(self.index(loop)) for loop in loops[:len(parts) - 1]]
        return "".join(a + b for a, b in zip(parts, [*indexes, *[""] * len(parts)]))

    def run_id(self):
        return self.context["run_id"]

    def run_time(self):
        return milliseconds(self.context["dag_run"].start_date)

    def scheduled_at(self):
        """The instant that the schedule named; none for runs that were started by hand."""
        run = self.context["dag_run"]
        kind = getattr(run.run_type, "value", run.run_type)
        return milliseconds(run.logical_date) if kind == "scheduled" and run.logical_date is not None else None

    def run_params(self):
        return {name: self.param(name) for name in sorted(self.flow.params)}


def date(text):
    return datetime.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=datetime.timezone.utc)


def minutes(n):
    return datetime.timedelta(minutes=n)


def now():
    return round(time.time() * 1000)


def milliseconds(moment):
    return round(moment.timestamp() * 1000)


# ---- artifacts and secrets ----

def holds_files(type):
    """Whether values of the type as the shim knows it have files in them."""
    if type[0] in ("list", "map", "opt"):
        return holds_files(type[1])
    return type[0] in ("file", "dir") or (type[0] == "struct" and any(holds_files(field[2]) for field in type[2]))


class Objects:
    """A store by Airflow's object storage: any scheme, with the connection in the URI: s3://aws_default@bucket/prefix."""

    def __init__(self, uri):
        self.root = ObjectStoragePath(uri)

    def put(self, source, key):
        target = self.root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(source, "rb") as f, target.open("wb") as out:
            shutil.copyfileobj(f, out, 1 << 20)
        return str(target)

    def get(self, uri, path):
        with ObjectStoragePath(uri).open("rb") as f, open(path, "wb") as out:
            shutil.copyfileobj(f, out, 1 << 20)


def store_at(uri):
    plain = "://" not in uri or uri.startswith(("file://", "http://", "https://"))
    return wf.open_store(uri) if plain else Objects(uri)


class Store:
    """Where files are kept: looked up when the first file comes."""

    def __init__(self, uri):
        self.uri, self.store = uri, None

    def put(self, source, key):
        if self.store is None:
            uri = self.uri or Variable.get("wfc_store", None)  # noqa: AIR003  (only tasks come here)
            if not uri:
                raise wf.StepFailed("lost", "no place for files: set the Airflow variable `wfc_store` to a folder that all workers see, "
                                            "or to an address such as s3://aws_default@bucket/prefix")
            self.store = store_at(uri)
        return self.store.put(source, key)

    def get(self, uri, path):
        store_at(uri).get(uri, path)


def password_of(connection):
    """None when the connection, or its password, is not there."""
    try:
        return find_connection(connection).password or None
    except AirflowNotFoundException:
        return None


def secret(name):
    """The password of Airflow's connection wfc_secret_NAME, else the variable of that name, else the environment's WFC_SECRET_NAME."""
    place, outside = "wfc_secret_" + name, "WFC_SECRET_" + name.upper()
    value = password_of(place)
    if value is None:
        value = Variable.get(place, os.environ.get(outside))  # noqa: AIR003  (only tasks come here)
    if value is None:
        raise wf.StepFailed("value", "the secret `%s` is not there: make it the password of the connection `%s`, or the variable `%s`, "
                                     "or set %s for the workers" % (name, place, place, outside))
    mask_secret(value)
    return value


# ---- tasks ----

def pod(image=None, requests=None, limits=None, node=None, service_account=None):
    """An `executor_config` for the Kubernetes executor, which has its package; other executors take no notice of it."""
    try:
        from kubernetes.client import models as k8s
    except ImportError:
        return {}
    base = k8s.V1Container(name="base", image=image, resources=k8s.V1ResourceRequirements(requests=requests, limits=limits))
    return {"pod_override": k8s.V1Pod(spec=k8s.V1PodSpec(containers=[base], node_selector=node, service_account_name=service_account))}


class Block:
    """What tasks have in common whose names begin alike: those of a branch, a loop, a workflow that is called."""

    def __init__(self, path="", loop=None, entry=None, arm=None):
        self.path, self.loop = path, loop    # of its nodes, and the innermost loop around them
        self.entry, self.arm = entry, arm    # the task before its first ones, and for which choice of that they run
        self.tasks = []                      # in the order of the text, with those of blocks inside


class Task:
    def __init__(self, name, kind, run, options):
        self.name, self.kind, self.run, self.options = name, kind, run, options
        self.after, self.guard, self.loop = [], None, None
        self.path = ""       # of its node
        self.loops = ()      # the loops around it, from the outside in
        self.part = 0        # of the tasks of a loop: how many inner loops are before it
        self.across = False  # something before it stands in another mapped group
        self.source = False  # it gives the list that a mapped group is made from
        self.node = False    # a call of a step
        self.of_workflow = False  # the value of a workflow, which is no node
        self.retry = None
        self.operates = None  # of a call of an operator: the name of its class
        self.operator = None  # of Airflow, once that is built

    def inside(self):
        """Its name inside the mapped group of its loop, or inside the DAG."""
        if self.loop is not None:
            return self.name[len(self.loop) + 1:]
        return self.name.replace(".", "--") if self.kind == "flat" else self.name


class Retry:
    """@retry: Airflow waits the shortest of the delays; what a later attempt waits beyond that, it waits itself."""

    def __init__(self, times, delay=0, factor=1.0, max_delay=3600000, jitter=False, on=None):
        self.times, self.on, self.jitter = times, on, jitter
        self.delays = [wf.delay_after(k + 1, delay, factor, max_delay) for k in range(times)]
        self.base = min(self.delays, default=0) * (0.5 if jitter else 1)

    def options(self):
        return {"retries": self.times, "retry_delay": datetime.timedelta(milliseconds=self.base)} if self.times else {}

    def delay(self, attempt):
        """Milliseconds between that attempt, from 2 on, and the one before."""
        return wf.drawn(self.delays[min(attempt - 2, len(self.delays) - 1)], self.jitter)

    def wait(self, attempt):
        if attempt > 1 and self.delays:
            time.sleep(max(self.delay(attempt) - self.base, 0) / 1000)

    def again(self, v, failure):
        return failure["kind"] not in ("value", "fail") and (self.on is None or self.on(v, failure))


class Flow:
    """One workflow, as the list of its tasks in the order of the text.

    The dots of a name tell the blocks around a task. A task without `after` is among the first of its block. In `after` and
    `v(...)` the name of a node stands for the task that has its value: of blocks that is NAME-value."""

    def __init__(self, dag_id, schedule=None, params=None, limits=None, store=None, project=None, **options):
        self.dag_id, self.schedule, self.params, self.options = dag_id, schedule, params or {}, options
        self.limits, self.store, self.project = limits or {}, Store(store), project
        self.tasks, self.loops, self.blocks = {}, {}, {"": Block()}
        self.files = [name for name, (type, *_) in self.params.items() if holds_files(type)]
        if self.files:
            self.value("return-begin", self.take_in)
            self.blocks[""].entry = "return-begin"

    def add(self, name, kind, run, after=(), **options):
        t = self.tasks[name] = Task(name, kind, run, options)
        around, _, local = name.rpartition(".")
        block = self.blocks[around]
        t.after, t.loop = list(after), block.loop
        if not t.after and block.entry is not None:
            t.after = [block.entry]
            t.guard = None if block.arm is None else (block.entry, block.arm)
        t.path = self.path_of(name)
        t.loops = self.loops.get(t.loop, ())
        self.blocks[""].tasks.append(t)
        while around:
            if around in self.blocks:
                self.blocks[around].tasks.append(t)
            around = around.rpartition(".")[0]
        return t

    def path_of(self, name):
        around, _, local = name.rpartition(".")
        path, node = self.blocks[around].path, local.partition("-")[0]
        return "%s.%s" % (path, node) if path else node

    def open(self, name, owner, path="", loop=None, entry=None, arm=None):
        """A block; `path` is what stands behind the path of the node whose it is."""
        around = self.blocks[owner.rpartition(".")[0]]
        self.blocks[name] = Block((self.path_of(owner) if owner else "") + path, loop or around.loop, entry, arm)

    def task_of(self, name):
        return self.tasks[name] if name in self.tasks else self.tasks[name + "-value"]

    def names_in(self, block):
        return [t.name for t in self.blocks[block].tasks]

    def last_in(self, block):
        """The tasks of a block that none of its tasks follows: when their values are there, so are all others."""
        followed = {self.task_of(a).name for t in self.blocks[block].tasks for a in t.after if a in self.tasks or a + "-value" in self.tasks}
        return [t.name for t in self.blocks[block].tasks if t.name not in followed]

    def value(self, name, run, after=()):
        """A value that is computed once."""
        self.add(name, "plain", run, after)

    def gate(self, name, after=()):
        """A point in the order."""
        self.add(name, "plain", lambda v: None, after)

    def fail(self, name, message, after=()):
        def run(v):
            raise wf.StepFailed("fail", message(v))
        self.add(name, "plain", run, after)

    def call(self, name, step, inputs, after=(), retry=None, timeout=None, total=None, env=None, **options):
        """A call of a step. With `total` all attempts are made inside one of Airflow's, which knows no limit for several."""
        retry = retry or Retry(0)

        def run(v):
            v.inputs = inputs(v)
            limit = timeout(v) if timeout else None
            if total is not None:
                return self.attempts(v, step, retry, limit, total(v), env)
            if v.holder is None or v.holder.resumed is None:
                retry.wait(v.ti.try_number)
            return self.attempt(v, step, v.ti.try_number, limit, env)
        t = self.add(name, "plain", run, after, **({} if total else retry.options()), **options)
        t.node, t.retry = True, retry
        t.operates = step.get("operator")

    def begin(self, name, inputs=None, limits=None, after=()):
        """The start of a try, or of a workflow that is called with these inputs."""
        def run(v):
            values = inputs(v) if inputs else {}
            wf.check_limits(limits or {}, values)
            return {"started": now(), "inputs": values}
        self.value(name + "-begin", run, after)
        self.open(name, name, entry=name + "-begin")

    def choose(self, name, arms, arm, after=()):
        """A branch: `arm` gives the number of the one that runs. Then the tasks of the arms, then `join`."""
        self.value(name + "-choose", lambda v: {"arm": arm(v)}, after)
        for i, arm_name in enumerate(arms):
            self.open("%s.%s" % (name, arm_name), name, entry=name + "-choose", arm=i)

    def join(self, name, *arms):
        """The value of the branch that ran; `arms` compute it."""
        blocks = [b for b in self.blocks if b.rpartition(".")[0] == name and self.blocks[b].entry == name + "-choose"]
        lasts = [self.last_in(b) for b in blocks]

        def run(v):
            arm = v(name + "-choose")["arm"]
            return v.result(lasts[arm], arms[arm])
        self.add(name + "-value", "join", run, [name + "-choose", *(last for these in lasts for last in these)])

    def catch(self, name, result=None):
        """Behind the tasks of a try: NAME-catch is {"arm": 0, "value"}, or {"arm": 1, "failure"} when one of them failed."""
        watch, needs = self.names_in(name), self.last_in(name)

        def run(v):
            v(name + "-begin")
            return self.outcome(v, needs, result, watch)
        self.add(name + "-catch", "collect", run, [name + "-begin", *watch])
        self.open(name + ".catch", name, ".catch", entry=name + "-catch", arm=1)

    def caught(self, name, result=None):
        """Behind the tasks of its catch: the value of a try."""
        needs = self.last_in(name + ".catch")

        def run(v):
            found = v(name + "-catch")
            return v.result(needs, result) if found["arm"] else found["value"]
        self.add(name + "-value", "join", run, [name + "-catch", *needs])

    def each(self, name, items, second=None, admit=None, after=()):
        """A loop over the items. Then the tasks of an item, then `gather`."""
        def run(v):
            xs = items(v)
            ys = second(v) if second else None
            if ys is not None and len(ys) != len(xs):
                raise wf.Trap("`zip` of lists of %d and %d elements" % (len(xs), len(ys)))
            found = []
            for i, x in enumerate(xs):
                element = {"index": i, "item": pack(x), **({} if ys is None else {"second": pack(ys[i])})}
                if admit is not None:
                    with v.inside(name, element):
                        if not admit(v):
                            continue
                found.append(element)
            return found
        t = self.add(name + "-items", "plain", run, after)
        self.loops[name] = (*t.loops, name)
        self.open(name, name, "[%]", name, name + "-items")
        t.source = t.loop is None
        if t.source:
            return

        def flatten(v):
            found = [(packed["maps"], element) for packed in v.all_of(t.name) for element in unpack(packed)]
            return [{**element, "maps": maps} for maps, element in sorted(found, key=lambda x: (x[0], x[1]["index"]))]
        flat = self.add(name + "-flat", "flat", flatten, [t.name])
        flat.loop, flat.loops, flat.guard, flat.source = None, (), None, True

    def gather(self, name, result=None, tolerate=None):
        """The value of a loop: the results of its items in their order."""
        needs, inner = self.last_in(name), len(self.loops[name]) > 1
        everything = inner or tolerate is not None

        def run(v):
            v(name + "-items")
            elements = v(self.source_of(name))
            mine = [i for i, e in enumerate(elements) if e.get("maps", [])[:len(v.maps)] == v.maps]
            values, failed = [], 0
            for i in mine:
                try:
                    with v.inside(name, elements[i], [*elements[i].get("maps", []), i]):
                        values.append(v.result(needs, result))
                except Absent:
                    values.append(None)
                    failed += 1
                except wf.Trap as e:
                    self.record(v, "value", e, "%s[%d]" % (v.path(v.task.path), elements[i]["index"]))
                    values.append(None)
                    failed += 1
            if failed > (0 if tolerate is None else math.floor(tolerate * len(mine) + 1e-9)):
                raise AirflowFailException("%d of %d items failed" % (failed, len(mine)))
            return values
        self.add(name + "-value", "collect" if everything else "join", run,
                 [name + "-items", *([self.source_of(name)] if inner else []), *(self.names_in(name) if everything else needs)])

    def source_of(self, loop):
        return loop + ("-items" if len(self.loops[loop]) == 1 else "-flat")

    def passes(self, name, number, state, until=None, after=()):
        """The state before a pass of a repeat: NAME-NUMBER is {"arm": 0 to go on or 1, "state"}. Then the tasks of the pass."""
        own, before = "%s-%d" % (name, number), "%s.%d" % (name, number - 1)
        needs = self.last_in(before) if number else []

        def run(v):
            found = {"arm": 1, "state": v.result(needs, state)}
            v.known[own] = pack(found)
            return {**found, "arm": 1 if until is None or until(v) else 0}
        t = self.add(own, "plain", run, ["%s-%d" % (name, number - 1), *needs] if number else after)
        if number:
            t.guard = ("%s-%d" % (name, number - 1), 0)
        self.open("%s.%d" % (name, number), name, "[%d]" % number, entry=own, arm=0)

    def repeated(self, name, most):
        """The value of a repeat: the last state."""
        states = ["%s-%d" % (name, i) for i in range(most + 1)]

        def run(v):
            return next(state for state in map(v, states) if state["arm"])["state"]
        self.add(name + "-value", "join", run, states)

    def result(self, name, result=None):
        """The value of a workflow without handlers: of the one that the node calls, or of the run."""
        needs, begin = self.last_in(name), [name + "-begin"] if name else []

        def run(v):
            for task in begin:
                v(task)
            return v.result(needs, result)
        self.add(name + "-value" if name else "return", "join", run, [*begin, *needs]).of_workflow = True

    def end(self, name, result=None):
        """Behind the body of a workflow with handlers, how it ended, as NAME-end. Then the tasks of `on-success` and `on-failure`."""
        own, begin = (name or "return") + "-end", [name + "-begin"] if name else []
        watch, needs = self.names_in(name), self.last_in(name)

        def run(v):
            started = v(begin[0])["started"] if begin else v.run_time()
            found = self.outcome(v, needs, result, watch)
            return {**found, "status": "failed" if found["arm"] else "succeeded", "duration": now() - started}
        self.add(own, "collect", run, [*begin, *watch])
        for arm, handler in enumerate(("on_success", "on_failure")):
            self.open_handler(name, handler, own, arm)

    def open_handler(self, name, handler, entry, arm):
        inside = handler.replace("_", "-")
        self.open("%s.%s" % (name, inside) if name else inside, name, "." + handler if name else handler, entry=entry, arm=arm)

    def finish(self, name=""):
        """Behind the handlers so far: the point at which `finally` starts. Then its tasks."""
        end = (name or "return") + "-end"
        before = [t for t in self.names_in(name) if self.is_handler(name, t)]

        def run(v):
            v(end)
            return {"arm": 0}
        self.add((name or "return") + "-final", "collect", run, [end, *before])
        self.open_handler(name, "finally", (name or "return") + "-final", 0)

    @staticmethod
    def is_handler(name, task):
        inside = task[len(name) + 1 if name else 0:]
        return inside.startswith(("on-success.", "on-failure.", "finally."))

    def ended(self, name=""):
        """The value of a workflow with handlers."""
        end, prefix = (name or "return") + "-end", name + "." if name else ""
        needs = [self.last_in(prefix + "on-success"), self.last_in(prefix + "on-failure")]
        final = [*self.last_in(prefix + "finally"), (name or "return") + "-final"] if prefix + "finally" in self.blocks else []

        def run(v):
            found = v(end)
            for need in [*needs[found["arm"]], *final]:
                v(need)
            if found["arm"]:
                raise AirflowFailException("%(step)s: %(message)s" % found["failure"])
            return found["value"]
        self.add(name + "-value" if name else "return", "collect", run,
                 [end, *final, *(t for t in self.names_in(name) if self.is_handler(name, t))])

    def attempts(self, v, step, retry, limit, total, env):
        start, attempt = now(), 1
        while True:
            left = total - (now() - start)
            try:
                return self.attempt(v, step, attempt, left if limit is None else min(limit, left), env)
            except wf.StepFailed as e:
                attempt += 1
                delay = retry.delay(attempt) if retry.delays else 0
                over = attempt > retry.times + 1 or now() + delay - start >= total
                if over or not retry.again(v, e.record(v.path(v.task.path))):
                    raise
                time.sleep(delay / 1000)

    def attempt(self, v, step, attempt, limit, env):
        path = v.path(v.task.path)
        base = "%s/%s/%s" % (self.dag_id, v.run_id(), path)
        prefix = urllib.parse.quote("%s/%d" % (base, attempt))
        if v.holder is not None:
            outputs = v.holder.attempt(v.context, step, v.inputs, self.store, prefix, limit, secret)
        else:
            facts = {"WF_RUN_ID": v.run_id(), "WF_STEP": path, "WF_ATTEMPT": str(attempt), "WF_IDEMPOTENCY_KEY": wf.sha256(base)[:32]}
            spec = dict(step)
            project = os.path.join(HERE, self.project or ".")
            if spec.pop("in_project", False):
                spec["folder"] = project
            if spec.pop("with_code", False):
                spec["code_dir"] = project
            outputs = wf.step(spec, v.inputs, self.store, prefix, facts, env(v) if env else None, limit, secret)
        if not step["outputs"]:
            return None
        return outputs if len(outputs) > 1 else next(iter(outputs.values()))

    def take_in(self, v):
        """The parameters with files: their paths and addresses become files of the store."""
        prefix = urllib.parse.quote("%s/%s/params" % (self.dag_id, v.run_id()))
        with tempfile.TemporaryDirectory(prefix="wf-") as work:
            stage = wf.Stage(self.store, prefix, work)
            return {name: stage.take(self.params[name][0], v.context["params"][name], name) for name in self.files}

    def record(self, v, kind, error, path):
        failure = error.record(path) if isinstance(error, wf.StepFailed) else wf.StepFailed(kind, str(error)).record(path)
        node = {} if v.task.of_workflow else {"node": v.path(v.task.path)}
        v.ti.xcom_push(key="failure", value={"failure": failure, "maps": v.maps, **node})
        return failure

    def failures(self, v, watch):
        """The failures of the tasks that nothing inside has dealt with, in the order of the text; within loops in that of the items."""
        place = {name: i for i, name in enumerate(watch)}
        first, found, values = {}, [], {}
        for name in watch:
            for loop in self.tasks[name].loops:
                first.setdefault(loop, place[name])
        for name in watch:
            loops = self.tasks[name].loops
            for pushed in v.all_of(name, "failure"):
                if pushed["maps"][:len(v.maps)] == v.maps and not self.dealt_with(v, name, pushed["maps"], place, values):
                    key = [k for loop, at in zip(loops, pushed["maps"]) for k in (first[loop], at)]
                    found.append(([*key, place[name]], pushed["failure"]))
        return [failure for _, failure in sorted(found, key=lambda x: x[0])]

    def dealt_with(self, v, name, maps, watch, values):
        """Whether a block around the task, among those that are watched, has caught or tolerated its failure."""
        def values_of(task):
            if task not in values:
                values[task] = {tuple(packed.get("maps", ())): unpack(packed) for packed in v.all_of(task)}
            own = tuple(maps[:len(self.tasks[task].loops)])
            return values[task].get(own), own in values[task]
        block = name.rpartition(".")[0]
        while block:
            if block + "-value" in watch and values_of(block + "-value")[1]:
                return True
            tried = block + "-catch" in watch and not name.startswith(block + ".catch.")
            if tried and (values_of(block + "-catch")[0] or {}).get("arm"):
                return True
            block = block.rpartition(".")[0]
        return False

    def outcome(self, v, needs, result, watch):
        """How the tasks of a block ended: {"arm": 0 or 1, "failures", "failure", "value"}."""
        try:
            return {"arm": 0, "failures": [], "failure": None, "value": v.result(needs, result)}
        except Absent as e:
            lost = self.task_of(e.args[0])
            failures = self.failures(v, watch) or [
                wf.StepFailed("lost", "the task `%s` left nothing behind; its log in Airflow tells why" % lost.name).record(v.path(lost.path))]
        except wf.Trap as e:
            failures = [wf.StepFailed("value", str(e)).record(v.path(v.task.path))]
        return {"arm": 1, "failures": failures, "failure": failures[0], "value": None}

    def check(self, v):
        unknown = sorted(set(v.context["params"]) - set(self.params))
        if unknown:
            raise wf.Trap("the workflow has no parameter `%s`" % unknown[0])
        for name, (type, *_) in self.params.items():
            try:
                if name not in self.files:
                    wf.decode(type, v.param(name))
            except wf.Trap as e:
                raise wf.Trap("parameter `%s`: %s" % (name, e))
        wf.check_limits(self.limits, v.context["params"])

    def execute(self, t, each=None, holder=None):
        v = Values(self, t, each, holder)
        v.context["wf_node"] = v.path(t.path)
        if t.guard is not None and (v.maybe(t.guard[0]) or {}).get("arm") != t.guard[1]:
            raise AirflowSkipException("the branch of this task was not taken")
        try:
            if t.across and t.kind == "plain":
                v.result(t.after, None)
            self.check(v)
            found = t.run(v)
        except Absent as e:
            # A run whose last task is skipped would be green.
            raise (AirflowFailException if t.name == "return" else AirflowSkipException)("`%s` did not run, or failed" % e)
        except wf.Trap as e:
            raise AirflowFailException(self.record(v, "value", e, v.path(t.path))["message"])
        except wf.StepFailed as e:
            failure = self.record(v, e.kind, e, v.path(t.path))
            again = t.node and t.retry.again(v, failure)
            raise (AirflowException if again else AirflowFailException)("%s: %s" % (failure["step"], failure["message"]))
        if t.source:
            return found
        return {**pack(found), **({"maps": v.maps} if v.maps else {}), **({"node": v.path(t.path)} if t.node else {})}

    def sort(self):
        """The tasks, each behind those before it; tells to which part of their loops they belong."""
        followers, left = {}, {}
        for t in self.tasks.values():
            t.after = list(dict.fromkeys(self.task_of(a).name for a in t.after))
            left[t.name] = len(t.after)
            for a in t.after:
                followers.setdefault(a, []).append(t)
        ready, done = [t for t in self.tasks.values() if not t.after], 0
        while done < len(ready):
            t = ready[done]
            done += 1
            before = [self.tasks[a] for a in t.after]
            t.part = max((a.part for a in before if a.loop == t.loop), default=0)
            inner = {a.loops[len(t.loops)] for a in before if len(a.loops) > len(t.loops) and a.loops[:len(t.loops)] == t.loops}
            if t.loop is not None and t.name[:-6] in inner:
                t.part = max(t.part, self.tasks[t.name[:-6] + "-items"].part + 1)
            t.across = bool(t.loops) and any(a.loops[:len(t.loops)] == t.loops and (a.loop != t.loop or a.part < t.part) for a in before)
            for follower in followers.get(t.name, ()):
                left[follower.name] -= 1
                if not left[follower.name]:
                    ready.append(follower)
        return ready

    def operator(self, t, *each):
        def run(*args, holder=None):
            return self.execute(t, *args, holder=holder)
        local = t.inside().rpartition(".")[2]
        run.__name__ = local.replace("-", "_")
        # Airflow may be set to retry whatever says nothing.
        options = {"retries": 0, "trigger_rule": RULES["collect" if t.across else t.kind], **t.options}
        if each:
            options["map_index_template"] = "{{ wf_node }}"  # instances go by the path of their node
        if t.operates:
            from wf_operator import OperatorTask  # beside this file when a step is an operator
            t.operator = OperatorTask(task_id=local, work=run, operates=t.operates, each=each[0] if each else None, **options)
        else:
            t.operator = task(task_id=local, **options)(run)(*each).operator

    def place(self, tasks, groups, build):
        """Builds each task in the task groups that the dots of its name tell; `groups` are those that there are already."""
        for t in tasks:
            with contextlib.ExitStack() as stack:
                self.enter(t.inside().split(".")[:-1], groups, stack)
                build(t)

    @contextlib.contextmanager
    def free(self, name):
        """Airflow 2 refuses a group inside another one when a group outside has its short name."""
        taken = name in self.group_ids
        self.group_ids.discard(name)
        yield
        if taken:
            self.group_ids.add(name)

    def enter(self, names, groups, stack):
        for i, name in enumerate(names):
            key = tuple(names[:i + 1])
            if key not in groups:
                with self.free(name):
                    groups[key] = TaskGroup(name)
            stack.enter_context(groups[key])

    def map_part(self, loop, part, tasks, groups):
        """Those tasks of a loop that come before its inner loops, or behind so many of them, as a mapped group."""
        name = loop if len(self.loops[loop]) == 1 else loop.replace(".", "--")
        *around, last = (name + ("-%d" % (part + 1) if part else "")).split(".")

        @task_group(group_id=last)
        def body(each):
            self.place(tasks, {}, lambda t: self.operator(t, each))
            for t in tasks:
                for a in map(self.tasks.get, t.after):
                    if a.loop == loop and a.part == part:
                        t.operator.set_upstream(a.operator)
        with contextlib.ExitStack() as stack:
            self.enter(around, groups, stack)
            stack.enter_context(self.free(last))
            body.expand(each=self.tasks[self.source_of(loop)].operator.output)

    def dag(self):
        groups, parts = {}, {}
        params = {name: Param(*default, **schema)  # noqa: AIR311  (whichever of the two was imported)
                  for name, (_, schema, *default) in self.params.items()}
        tasks = self.sort()
        for t in self.tasks.values():
            parts.setdefault((t.loop, t.part), []).append(t)
        with DAG(self.dag_id, schedule=self.schedule, params=params, **self.options) as dag:
            self.group_ids = dag.task_group.used_group_ids
            self.place(parts.pop((None, 0), []), groups, self.operator)
            for loop in self.loops:
                for _, part in sorted(key for key in parts if key[0] == loop):
                    self.map_part(loop, part, parts[loop, part], groups)
            for t in tasks:
                for a in map(self.tasks.get, t.after):
                    # What an outer task gives was there before the mapped group was expanded.
                    if a.loops[:len(t.loops)] == t.loops and not (t.loops and a.loop == t.loop and a.part == t.part):
                        t.operator.set_upstream(a.operator)
        return dag
