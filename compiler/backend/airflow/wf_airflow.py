"""Builds and runs the DAGs that wfc writes. Airflow 2.11 and 3.1 or later; the same file for each workflow.

A workflow is declared as a list of tasks. Each has an id, the tasks before it, and a function that computes what it needs from
the values of others. What the list leaves open is decided here: task groups, mapped groups for loops, trigger rules.

    XCom `return_value` of a task   {"value": V}, for calls with the path of the node as "node"; of a list to loop over: the list
    XCom `failure`                  {"failure": the language's struct Failure}, pushed before the task fails

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
import random
import time
import urllib.parse

try:
    from airflow.sdk import DAG, ObjectStoragePath, Param, TaskGroup, Variable, get_current_context, task, task_group
    from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
except ImportError:  # 2.11, and where 3 had the exceptions at first
    try:
        from airflow.sdk import DAG, ObjectStoragePath, Param, TaskGroup, Variable, get_current_context, task, task_group
    except ImportError:
        from airflow.decorators import task, task_group
        from airflow.io.path import ObjectStoragePath
        from airflow.models.dag import DAG
        from airflow.models.param import Param
        from airflow.models.variable import Variable
        from airflow.operators.python import get_current_context
        from airflow.utils.task_group import TaskGroup
    from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.timetables.trigger import CronTriggerTimetable

import wf_shim as wf

# Trigger rules: `collect` tasks look at everything that was before them, well or not.
RULES = {"collect": "all_done", "join": "none_failed", "plain": "all_success"}


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

    def __init__(self, flow, task, each):
        self.flow, self.task = flow, task
        self.context = get_current_context()
        self.ti = self.context["ti"]
        self.element = each
        self.maps = []
        if task.loop is not None:
            self.maps = [*each.get("maps", []), self.ti.map_index]
        self.known, self.inputs = {}, {}

    def place(self, task):
        """The map index at which a task around this one, or beside it, has its value."""
        return self.maps[len(task.loops) - 1] if task.loops else -1

    def raw(self, name):
        if name not in self.known:
            self.known[name] = self.ti.xcom_pull(task_ids=self.flow.tasks[name].operator.task_id, map_indexes=self.place(self.flow.tasks[name]))
        return self.known[name]

    def __call__(self, name):
        packed = self.raw(name)
        if packed is None:
            raise Absent(name)
        return unpack(packed) if isinstance(packed, dict) else packed

    def maybe(self, name):
        return None if self.raw(name) is None else self(name)

    def all_of(self, name, key="return_value"):
        """What all instances of a mapped task, or the one of another, have pushed under the key."""
        found = self.ti.xcom_pull(task_ids=self.flow.tasks[name].operator.task_id, key=key)
        return [] if found is None else [found] if isinstance(found, dict) else list(found)

    def param(self, name):
        return self.context["params"][name]

    def input(self, name):
        """An input of the step that is called."""
        return self.inputs[name]

    def element_of(self, loop):
        if loop == self.task.loop:
            return self.element
        return self.known.get("item of " + loop) or self(self.flow.source_of(loop))[self.maps[len(self.flow.loops[loop]) - 1]]

    def index(self, loop):
        return self.element_of(loop)["index"]

    def item(self, loop):
        return unpack(self.element_of(loop)["item"])

    def second(self, loop):
        return unpack(self.element_of(loop)["second"])

    @contextlib.contextmanager
    def inside(self, loop, element, columns):
        """As an item of the loop sees the values; `columns` are those of its tasks."""
        kept = self.known
        self.known = {**kept, **columns, "item of " + loop: element}
        try:
            yield
        finally:
            self.known = kept

    def path(self, template):
        """The node's path: each `%` is the index in one of the loops around it."""
        parts = template.split("%")
        loops = self.task.loops if self.task.loop is not None else ()
        indexes = [str(self.index(loop)) for loop in loops[:len(parts) - 1]]
        return "".join(a + b for a, b in zip(parts, [*indexes, *[""] * len(parts)]))

    # facts of the run

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


def milliseconds(moment):
    return round(moment.timestamp() * 1000)


# ---- artifacts and secrets ----

class Objects:
    """A store by Airflow's object storage: any scheme, with the connection in the URI: s3://aws_default@bucket/prefix."""

    def __init__(self, uri):
        self.root = ObjectStoragePath(uri)

    def put(self, source, key):
        target = self.root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(source, "rb") as f, target.open("wb") as out:
            for block in iter(lambda: f.read(1 << 20), b""):
                out.write(block)
        return str(target)

    def get(self, uri, path):
        with ObjectStoragePath(uri).open("rb") as f, open(path, "wb") as out:
            for block in iter(lambda: f.read(1 << 20), b""):
                out.write(block)


class Store:
    """Where files are kept: looked up when the first file comes."""

    def __init__(self, uri):
        self.uri, self.store = uri, None

    def open(self):
        if self.store is None:
            uri = self.uri or Variable.get("wfc_store", None)
            if not uri:
                raise wf.StepFailed("lost", "no place for files: set the Airflow variable `wfc_store` to a folder that all workers see, "
                                            "or to an address such as s3://aws_default@bucket/prefix")
            local = "://" not in uri or uri.startswith("file://")
            self.store = wf.open_store(uri) if local or uri.startswith(("http://", "https://")) else Objects(uri)
        return self.store

    def put(self, source, key):
        return self.open().put(source, key)

    def get(self, uri, path):
        if "://" in uri and not uri.startswith(("file://", "http://", "https://")):
            Objects(uri).get(uri, path)
        else:
            wf.open_store(uri).get(uri, path)


def mask(value):
    try:
        from airflow.sdk.log import mask_secret
    except ImportError:
        from airflow.utils.log.secrets_masker import mask_secret
    mask_secret(value)


def secret(name):
    """The Airflow variable wfc_secret_NAME, else the environment's WFC_SECRET_NAME."""
    try:
        value = Variable.get("wfc_secret_" + name)
    except Exception:  # what is raised for a variable that is not there differs between versions
        value = wf.secret_value(name)
    mask(value)
    return value


# ---- tasks ----

class Task:
    def __init__(self, name, kind, run, path, after, loop, guard, options):
        self.name, self.kind, self.run, self.path = name, kind, run, path
        self.after, self.loop, self.guard, self.options = list(after), loop, guard, options
        self.loops = ()      # the loops around it, from the outside in
        self.part = 0        # of the tasks of a loop: how many inner loops are before it
        self.source = None   # a task that gives a list to loop over: the loop's name
        self.node = False    # a call of a step
        self.retry = None
        self.operator = None

    def inside(self):
        """Its name inside the mapped group of its loop, or inside the DAG."""
        if self.loop is not None:
            return self.name[len(self.loop) + 1:]
        return self.name.replace(".", "--") if self.source is not None and self.kind == "collect" else self.name


class Retry:
    """@retry: Airflow waits the shortest of the delays; what a later attempt waits beyond that, it waits itself."""

    def __init__(self, times, delay=0, factor=1.0, max_delay=3600000, jitter=False, on=None):
        self.times, self.on, self.jitter = times, on, jitter
        self.delays = [min(delay * factor ** k, max_delay) for k in range(times)]
        self.base = min(self.delays, default=0) * (0.5 if jitter else 1)

    def options(self):
        return {"retries": self.times, "retry_delay": datetime.timedelta(milliseconds=self.base)} if self.times else {}

    def wait(self, attempt):
        if attempt < 2 or attempt - 2 >= len(self.delays):
            return
        delay = self.delays[attempt - 2]
        if self.jitter:
            delay = random.uniform(delay / 2, delay)
        time.sleep(max(delay - self.base, 0) / 1000)

    def again(self, failure):
        return failure["kind"] not in ("value", "fail") and (self.on is None or self.on(failure))


class Flow:
    """One workflow, as the list of its tasks."""

    def __init__(self, dag_id, params=None, store=None, folder=None, code=None, **options):
        self.dag_id, self.params, self.options = dag_id, params or {}, options
        self.store, self.folder, self.code = Store(store), folder, code
        self.tasks, self.loops = {}, {}

    # what a workflow consists of

    def add(self, name, kind, run, path, after, loop=None, guard=None, **options):
        t = self.tasks[name] = Task(name, kind, run, path, after, loop, guard, options)
        t.loops = self.loops[loop] if loop is not None else ()
        own = [self.tasks[a].part for a in t.after if self.tasks[a].loop == loop]
        t.part = max(own, default=0)
        return t

    def value(self, name, run, path="", after=(), **place):
        """A value that is computed once."""
        self.add(name, "plain", run, path, after, **place)

    def begin(self, name, inputs=None, **place):
        """The point at which a block starts, as NAME-begin, with the inputs of a workflow that is called."""
        self.value(name + "-begin", lambda v: {"started": round(time.time() * 1000), **(inputs(v) if inputs else {})}, **place)

    def call(self, name, step, inputs, path=None, after=(), loop=None, guard=None, retry=None, timeout=None, env=None, **options):
        """A call of a step."""
        retry = retry or Retry(0)

        def run(v):
            return self.run_step(v, step, inputs, retry, timeout, env)
        t = self.add(name, "plain", run, path or name, after, loop, guard, **retry.options(), **options)
        t.node, t.retry = True, retry

    def fail(self, name, message, path="", after=(), **place):
        def run(v):
            raise wf.StepFailed("fail", message(v))
        self.add(name, "plain", run, path, after, **place)

    def each(self, name, items, second=None, admit=None, path="", after=(), loop=None, guard=None):
        """The items of a loop, as NAME-items; its tasks are those with loop=NAME."""
        self.loops[name] = (*(self.loops[loop] if loop is not None else ()), name)

        def run(v):
            xs = items(v)
            ys = second(v) if second else None
            if ys is not None and len(ys) != len(xs):
                raise wf.Trap("`zip` of lists of %d and %d elements" % (len(xs), len(ys)))
            found = []
            for i, x in enumerate(xs):
                element = {"index": i, "item": pack(x), **({} if ys is None else {"second": pack(ys[i])})}
                if admit is not None:
                    with v.inside(name, element, {}):
                        if not admit(v):
                            continue
                found.append(element)
            return found
        t = self.add(name + "-items", "plain", run, path, after, loop, guard)
        if loop is None:
            t.source = name
            return

        def flatten(v):
            found = [(packed["maps"], element) for packed in v.all_of(t.name) for element in unpack(packed)]
            return [{**element, "maps": maps} for maps, element in sorted(found, key=lambda x: (x[0], x[1]["index"]))]
        self.add(name + "-flat", "collect", flatten, path, [t.name]).source = name

    def gather(self, name, needs, result, path="", after=(), loop=None, tolerate=None):
        """The value of a loop: the results of its items in their order."""
        t = self.add(name + "-value", "join" if tolerate is None and loop is None else "collect", None, path, after, loop)
        t.part = max(t.part, self.tasks[name + "-items"].part + (loop is not None))

        def run(v):
            v(name + "-items")
            elements = v(self.source_of(name))
            mine = [i for i, e in enumerate(elements) if e.get("maps", [])[:len(v.maps)] == v.maps]
            columns = {need: {packed["maps"][-1]: packed for packed in v.all_of(need)} for need in needs}
            values, failed = [], 0
            for i in mine:
                try:
                    with v.inside(name, elements[i], {need: columns[need].get(i) for need in needs}):
                        for need in needs:
                            v(need)
                        values.append(result(v) if result else None)
                except Absent:
                    values.append(None)
                    failed += 1
                except wf.Trap as e:
                    self.record(v, "value", e, v.path(path) + "[%d]" % elements[i]["index"])
                    values.append(None)
                    failed += 1
            if failed > (0 if tolerate is None else math.floor(tolerate * len(mine) + 1e-9)):
                raise AirflowFailException("%d of %d items failed" % (failed, len(mine)))
            return values
        t.run = run

    def source_of(self, loop):
        return loop + ("-items" if len(self.loops[loop]) == 1 else "-flat")

    def choose(self, name, arm, **place):
        """Which branch runs, as NAME-choose: {"arm": its number}."""
        self.value(name + "-choose", lambda v: {"arm": arm(v)}, **place)

    def join(self, name, arms, choice=None, path="", after=(), loop=None):
        """The value of the chosen branch. arms: by number, the tasks that must be there and the value."""
        def run(v):
            needs, result = arms[v(choice)["arm"]] if choice else arms[0]
            for need in needs:
                v(need)
            return result(v) if result else None
        self.add(name, "join", run, path, after, loop)

    def catch(self, name, needs, result, watch, path="", after=(), loop=None):
        """Whether a try has failed, as NAME-catch: {"arm": 0, "value"} or {"arm": 1, "failure"}."""
        def run(v):
            v(name + "-begin")
            return self.outcome(v, needs, result, watch, path)
        self.add(name + "-catch", "collect", run, path, [*after, *watch], loop)

    def passes(self, name, number, state, until, needs=(), path="", after=(), loop=None, guard=None):
        """The state before a pass of a repeat, as NAME-NUMBER: {"arm": 0 to go on or 1, "state"}."""
        own = "%s-%d" % (name, number)

        def run(v):
            for need in needs:
                v(need)
            found = {"arm": 1, "state": state(v)}
            v.known[own] = pack(found)
            return {**found, "arm": 1 if until is None or until(v) else 0}
        self.add(own, "plain", run, path, after, loop, guard)

    def repeated(self, name, passes, path="", after=(), loop=None):
        """The last state of a repeat of so many passes, as NAME-value."""
        def run(v):
            for i in range(passes + 1):
                state = v("%s-%d" % (name, i))
                if state["arm"]:
                    return state["state"]
        self.add(name + "-value", "join", run, path, after, loop)

    def end(self, name, begin, needs, result, watch, path="", after=(), loop=None):
        """How the body of a workflow with handlers has ended, as NAME-end."""
        def run(v):
            if begin:
                v(begin)
            found = self.outcome(v, needs, result, watch, path)
            started = v(begin)["started"] if begin else v.run_time()
            return {**found, "status": "failed" if found["arm"] else "succeeded", "duration": round(time.time() * 1000) - started}
        self.add(name + "-end", "collect", run, path, [*after, *watch], loop)

    def ended(self, name, end, handlers, path="", after=(), loop=None, final=None):
        """The value of a workflow with handlers. handlers: the needs of `on success` and `on failure`, final those of `finally`."""
        def run(v):
            found = v(end)
            for need in [*handlers[found["arm"]], *(final or [])]:
                v(need)
            if found["arm"]:
                raise AirflowFailException("%s failed: %s" % (found["failure"]["step"] or self.dag_id, found["failure"]["message"]))
            return found["value"]
        self.add(name, "collect", run, path, after, loop)

    def finish(self, name, end, after=(), loop=None):
        """The point at which `finally` starts: everything before it has ended, well or not."""
        self.add(name, "collect", lambda v: {"arm": 0, **({} if v(end) else {})}, "", after, loop)

    # how tasks run

    def run_step(self, v, step, inputs, retry, timeout, env):
        path, attempt = v.path(v.task.path), v.ti.try_number
        v.inputs = inputs(v)
        retry.wait(attempt)
        base = "%s/%s/%s" % (self.dag_id, v.run_id(), path)
        facts = {"WF_RUN_ID": v.run_id(), "WF_STEP": path, "WF_ATTEMPT": str(attempt), "WF_IDEMPOTENCY_KEY": base}
        spec = dict(step)
        here = os.path.dirname(os.path.abspath(__file__))
        if spec.pop("project", False):
            spec["folder"] = self.folder or here
        if spec.pop("own_code", False):
            spec["code_dir"] = os.path.join(here, self.code)
        outputs = wf.step(spec, v.inputs, self.store, urllib.parse.quote("%s/%d" % (base, attempt)), facts,
                          env(v) if env else None, timeout(v) if timeout else None, secret)
        if not step["outputs"]:
            return None
        return outputs if len(outputs) > 1 else next(iter(outputs.values()))

    def record(self, v, kind, error, path):
        failure = error.record(path) if isinstance(error, wf.StepFailed) else wf.StepFailed(kind, str(error)).record(path)
        v.ti.xcom_push(key="failure", value={"failure": failure, "maps": v.maps, **({"node": path} if v.task.node else {})})
        return failure

    def failures(self, v, watch):
        """The failures of the tasks, in the order of the text and within loops in that of the items."""
        place = {name: i for i, name in enumerate(watch)}
        first = {}
        for name in watch:
            for loop in self.tasks[name].loops:
                first.setdefault(loop, place[name])
        found = []
        for name in watch:
            loops = self.tasks[name].loops
            for pushed in v.all_of(name, "failure"):
                if pushed["maps"][:len(v.maps)] == v.maps:
                    key = [k for loop, at in zip(loops, pushed["maps"]) for k in (first[loop], at)]
                    found.append(([*key, place[name]], pushed["failure"]))
        return [failure for _, failure in sorted(found, key=lambda x: x[0])]

    def outcome(self, v, needs, result, watch, path):
        failures = self.failures(v, watch)
        try:
            for need in needs:
                v(need)
            if not failures:
                return {"arm": 0, "failures": [], "failure": None, "value": result(v) if result else None}
        except Absent as e:
            lost = self.tasks[e.args[0]]
            failures = failures or [wf.StepFailed("lost", "the task `%s` left nothing behind; its log in Airflow tells why" % lost.name)
                                    .record(v.path(lost.path))]
        except wf.Trap as e:
            failures = [wf.StepFailed("value", str(e)).record(v.path(path))]
        return {"arm": 1, "failures": failures, "failure": failures[0], "value": None}

    def check(self, v):
        unknown = sorted(set(v.context["params"]) - set(self.params))
        if unknown:
            raise wf.Trap("the workflow has no parameter `%s`" % unknown[0])
        for name, (type, *_) in self.params.items():
            try:
                wf.decode(type, v.param(name))
            except wf.Trap as e:
                raise wf.Trap("parameter `%s`: %s" % (name, e))

    def execute(self, t, each=None):
        v = Values(self, t, each)
        if t.guard is not None and (v.maybe(t.guard[0]) or {}).get("arm") != t.guard[1]:
            raise AirflowSkipException("the branch of this task was not taken")
        try:
            self.check(v)
            found = t.run(v)
        except Absent as e:
            raise AirflowSkipException("`%s` did not run, or failed" % e)
        except wf.Trap as e:
            raise AirflowFailException(self.record(v, "value", e, v.path(t.path))["message"])
        except wf.StepFailed as e:
            failure = self.record(v, e.kind, e, v.path(t.path))
            again = t.node and t.retry.again(failure)
            raise (AirflowException if again else AirflowFailException)("%s: %s" % (failure["step"], failure["message"]))
        if t.source is not None:
            return found
        return {**pack(found), **({"maps": v.maps} if v.maps else {}), **({"node": v.path(t.path)} if t.node else {})}

    # how they become a DAG

    def is_across(self, t, a):
        """Whether the task `a` before it stands in another mapped group, whose instances end well or not without regard to its own."""
        return bool(t.loops) and a.loops[:len(t.loops)] == t.loops and (a.loops != t.loops or a.part < t.part)

    def operator(self, t, *each):
        def run(*args):
            return self.execute(t, *args)
        across = any(self.is_across(t, self.tasks[a]) for a in t.after)
        local = t.inside().rpartition(".")[2]
        run.__name__ = local.replace("-", "_")
        t.operator = task(task_id=local, trigger_rule=RULES["collect" if across else t.kind], **t.options)(run)(*each).operator

    def place(self, tasks, groups, root, build):
        """Builds each task in the task groups that the dots of its name tell; `groups` are those that there are already."""
        for t in tasks:
            with contextlib.ExitStack() as stack:
                names = t.inside().split(".")[:-1]
                for i, name in enumerate(names):
                    key = (*root, *names[:i + 1])
                    if key not in groups:
                        groups[key] = TaskGroup(name)
                    stack.enter_context(groups[key])
                build(t)

    def map_loop(self, loop, part, groups):
        """The tasks of a loop that come before its inner loops, or behind so many of them, as a mapped group."""
        tasks = [t for t in self.tasks.values() if t.loop == loop and t.part == part]
        name = loop if len(self.loops[loop]) == 1 else loop.replace(".", "--")
        *around, last = (name + ("-%d" % (part + 1) if part else "")).split(".")

        @task_group(group_id=last)
        def body(each):
            self.place(tasks, {}, (), lambda t: self.operator(t, each))
            for t in tasks:
                for a in t.after:
                    if self.tasks[a] in tasks:
                        t.operator.set_upstream(self.tasks[a].operator)
        with contextlib.ExitStack() as stack:
            for i in range(len(around)):
                key = tuple(around[:i + 1])
                if key not in groups:
                    groups[key] = TaskGroup(around[i])
                stack.enter_context(groups[key])
            body.expand(each=self.tasks[self.source_of(loop)].operator.output)

    def dag(self):
        groups = {}
        params = {name: Param(*default, **schema) for name, (_, schema, *default) in self.params.items()}
        with DAG(self.dag_id, params=params, **self.options) as dag:
            self.place([t for t in self.tasks.values() if not t.loops], groups, (), self.operator)
            for loop in self.loops:
                for part in sorted({t.part for t in self.tasks.values() if t.loop == loop}):
                    self.map_loop(loop, part, groups)
            for t in self.tasks.values():
                for a in map(self.tasks.get, t.after):
                    # What an outer task gives has come before the inner group was expanded.
                    if a.loops[:len(t.loops)] == t.loops and not (t.loops and a.loops == t.loops and a.part == t.part):
                        t.operator.set_upstream(a.operator)
        return dag
