"""Steps that are an operator of Airflow, for the DAGs that wfc writes.

The task of such a call holds the operator: when it runs it evaluates the arguments, makes the operator with them, runs it, and takes
its result as the outputs of the step. So it has the guard, the retries and the record of a failure that every call has. The arguments are
data: the operator's templated fields are not rendered. An operator that defers, or asks to be called again later, is made anew
from the same arguments when it goes on.
"""
import collections.abc
import contextlib
import contextvars
import datetime
import decimal
import enum
import importlib
import os
import signal
import sys
import tempfile
import time
import uuid

try:
    from airflow.sdk import BaseOperator, BaseSensorOperator
    from airflow.sdk.bases.operator import ExecutorSafeguard
    SENTINEL = None
except ImportError:  # Airflow 2
    from airflow.models.base import _sentinel as SENTINEL
    from airflow.models.baseoperator import BaseOperator
    from airflow.sensors.base import BaseSensorOperator
try:
    from airflow.sdk.exceptions import (
        AirflowFailException, AirflowRescheduleException, AirflowSensorTimeout, AirflowSkipException, AirflowTaskTimeout, TaskDeferralError,
        TaskDeferred,
    )
except ImportError:  # Airflow 2, and 3 at first
    from airflow.exceptions import (
        AirflowFailException, AirflowRescheduleException, AirflowSensorTimeout, AirflowSkipException, AirflowTaskTimeout, TaskDeferralError,
        TaskDeferred,
    )
try:
    from airflow.sdk.exceptions import TaskAwaitingInput
except ImportError:  # before 3.3, where people are waited for by triggers
    TaskAwaitingInput = TaskDeferred
try:
    from airflow.sdk.log import mask_secret
except ImportError:
    from airflow.utils.log.secrets_masker import mask_secret

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:  # Airflow looks for DAGs in this file too
    sys.path.append(HERE)
import wf_shim as wf  # noqa: E402

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


# ---- arguments ----

def native(type, v, inside=False):
    """A value as an operator gets it: dicts for structs, with the names that JSON has, and Python's own durations and times."""
    kind = type[0]
    if kind == "opt":
        return native(type[1], v, inside)
    if v is None:
        return None
    if kind == "duration":
        return datetime.timedelta(milliseconds=v)
    if kind == "time":
        return EPOCH + datetime.timedelta(milliseconds=v)
    if kind == "enum":
        return wf.encode(type, v) if inside else v
    if kind == "list":
        return [native(type[1], x, True) for x in v]
    if kind == "map":
        return {k: native(type[1], x, True) for k, x in v.items()}
    if kind == "struct":
        return {f[1]: native(f[2], v[f[0]], True) for f in type[2]}
    return v


def class_of(name):
    module, _, local = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), local)
    except (ImportError, AttributeError) as e:
        raise wf.StepFailed("exit", "the operator `%s` is not installed on this worker: %s" % (name, e), 127)
    if not (isinstance(found, type) and issubclass(found, BaseOperator)):
        raise wf.StepFailed("value", "`%s` is not an operator" % name)
    if any(base.__name__ == "BranchMixIn" for base in found.__mro__):
        raise wf.StepFailed("value", "`%s` chooses among the tasks behind it, which are not its own here: write `if` or `match`" % name)
    return found


# ---- results ----

def number_of(v):
    """A Decimal as the int or float with the same digits."""
    if v.is_finite() and v == v.to_integral_value():
        return int(v)
    if v.is_finite() and decimal.Decimal(repr(float(v))) == v:
        return float(v)
    raise wf.OutputError("the Decimal %s in the result is no value of a float" % v)


def text_of(v):
    """What has one exact text, or None."""
    if isinstance(v, datetime.datetime):
        v = v.replace(tzinfo=datetime.timezone.utc) if v.tzinfo is None else v.astimezone(datetime.timezone.utc)
        return v.replace(tzinfo=None).isoformat() + "Z"
    if isinstance(v, (datetime.date, datetime.time)):
        return v.isoformat()
    if isinstance(v, datetime.timedelta) and v % datetime.timedelta(milliseconds=1) == datetime.timedelta(0):
        return wf.duration_text(v // datetime.timedelta(milliseconds=1))
    return str(v) if isinstance(v, uuid.UUID) else None


def exact(v):
    """A result in values that JSON has. What it does not know, it leaves to the type of the output to refuse."""
    if isinstance(v, enum.Enum):
        return exact(v.value)
    if isinstance(v, decimal.Decimal):
        return number_of(v)
    if isinstance(v, collections.abc.Mapping):
        for key in v:
            if not isinstance(key, (str, int)):
                raise wf.OutputError("a key in the result is of the type %s" % type(key).__name__)
        return {str(key): exact(x) for key, x in v.items()}
    if isinstance(v, tuple) and hasattr(v, "_make"):
        return v._make(map(exact, v))
    if isinstance(v, (list, tuple)):
        return [exact(x) for x in v]
    text = text_of(v)
    return wf.plain(v) if text is None else text


def outputs_of(step, result):
    """The outputs in JSON form; several are the values of a dict."""
    outputs, found = step["outputs"], exact(result)
    names = ", ".join("`%s`" % name for name, *_ in outputs)
    if len(outputs) == 1:
        found = {outputs[0][0]: found}
    elif outputs and not isinstance(found, dict):
        raise wf.OutputError("the result is of the type %s, and no dict of the outputs %s" % (type(result).__name__, names))
    values = {}
    for name, kind, _ in outputs:
        if name not in found and kind[0] != "opt":
            raise wf.OutputError("the result has no output `%s`" % name)
        try:
            values[name] = wf.encode(kind, wf.decode(kind, wf.export(wf.simple(kind), "`%s`" % name, found.get(name))))
        except wf.Trap as e:
            raise wf.OutputError("output `%s`: %s" % (name, e))
    return values


# ---- running ----

class Late(BaseException):
    """The time of an attempt is over. Not an Exception, which operators catch."""


@contextlib.contextmanager
def alarm(ms):
    """Raises Late after so many milliseconds; None: never."""
    def ring(number, frame):
        raise Late
    if ms is None:
        yield
        return
    if ms <= 0:
        raise Late
    kept = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, ms / 1000)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, kept)


def signs_of(operator):
    """What tells `execute` in Airflow 2 that it is called from within a task."""
    return {} if SENTINEL is None else {"%s__sentinel" % type(operator).__name__: SENTINEL}


def within_task(operator, method, *args, **signs):
    """Calls a method of an operator as Airflow itself does."""
    if SENTINEL is not None:
        return method(*args, **signs)
    context = contextvars.copy_context()
    context.run(ExecutorSafeguard.tracker.set, operator)
    return context.run(method, *args)


def failure_of(e):
    """How the step failed, by what the operator raised."""
    name, text = type(e).__name__, str(e)
    if isinstance(e, AirflowSkipException):
        return wf.StepFailed("fail", "the operator skipped itself" + (": " + text if text else ""))
    if isinstance(e, AirflowFailException):
        return wf.StepFailed("fail", text or name)
    if isinstance(e, (AirflowSensorTimeout, AirflowTaskTimeout)) or name in ("TaskDeferralTimeout", "HITLTimeoutError") or \
            (isinstance(e, TaskDeferralError) and text == "Trigger timeout"):
        return wf.StepFailed("timeout", text or name)
    if isinstance(e, SystemExit):
        return wf.StepFailed("exit", "exit status %s" % e.code, e.code if isinstance(e.code, int) else 1)
    if name in ("DagRunTriggerException", "DownstreamTasksSkipped"):
        return wf.StepFailed("value", "the operator leaves its work to Airflow and has no result (%s)" % name)
    return wf.StepFailed("exit", "%s: %s" % (name, text) if text else name)


class OperatorTask(BaseSensorOperator):
    """The task that holds an operator. It is a sensor, for only of sensors the scheduler knows when they are to be called again."""

    template_fields = ("each",)  # the item of a loop, which Airflow resolves and does not render

    def __init__(self, *, work, operates, each=None, **options):
        super().__init__(mode="reschedule", **options)
        self.work, self.each = work, each
        self.custom_operator_name = operates.rpartition(".")[2]
        self.inner = None    # the operator, while it runs
        self.resumed = None  # the method at which it goes on after it was deferred, and what that is given

    def execute(self, context):
        return self.work(*([] if self.each is None else [self.each]), holder=self)

    def resume_execution(self, next_method, next_kwargs, context):
        self.resumed = next_method, {key: v for key, v in (next_kwargs or {}).items() if not key.endswith("__sentinel")}
        return self.work(*([] if self.each is None else [self.each]), holder=self)

    def on_kill(self):
        if self.inner is not None:
            self.inner.on_kill()

    def attempt(self, context, step, inputs, store, prefix, limit, secret):
        """The outputs of one attempt by name, in JSON form; StepFailed when it fails. See wf.step."""
        with tempfile.TemporaryDirectory(prefix="wf-") as work:
            try:
                wf.check_limits(step.get("limits", {}), inputs)
            except wf.Trap as e:
                raise wf.StepFailed("value", str(e))
            values, hidden = wf.local_inputs(step, inputs, wf.Stage(store, prefix, work), secret)
            for form in hidden:
                mask_secret(form)
            names = {name: wf.decode_local(kind, values[name]) for name, kind, *_ in step["inputs"]}
            try:
                return outputs_of(step, self.within(limit, context, step, names))
            except (wf.StepFailed, wf.OutputError) as e:
                failure = e if isinstance(e, wf.StepFailed) else wf.StepFailed("output", str(e))
                # What led to it may show a secret.
                raise wf.without_secrets(failure, hidden) from (None if hidden else e.__cause__)

    def within(self, limit, context, step, names):
        """The operator's result, when there is one in so many milliseconds, those included in which it is deferred."""
        ti, now = context["ti"], round(time.time() * 1000)
        started = now
        if limit is not None and self.resumed is not None:
            started = ti.xcom_pull(task_ids=ti.task_id, key="started", map_indexes=ti.map_index)
        try:
            with alarm(None if limit is None else started + limit - now):
                return self.operate(context, step, names)
        except (TaskDeferred, TaskAwaitingInput) as e:
            if limit is not None:
                left = datetime.timedelta(milliseconds=max(started + limit - round(time.time() * 1000), 1))
                e.timeout = left if e.timeout is None else min(e.timeout, left)
                ti.xcom_push(key="started", value=started)
            raise
        except AirflowRescheduleException:
            if limit is not None:
                raise wf.StepFailed("value", "the operator asks to be called again later, which @timeout does not count: use its own timeout")
            raise
        except Late:
            self.on_kill()
            raise wf.StepFailed("timeout", "stopped after its timeout of %s" % wf.duration_text(limit))
        except (wf.StepFailed, wf.Trap):
            raise
        except (Exception, AirflowTaskTimeout, SystemExit) as e:
            if isinstance(e, SystemExit) and not e.code:
                return None
            raise failure_of(e) from e

    def operate(self, context, step, names):
        made, arguments = class_of(step["operator"]), step["arguments"](names)
        try:
            # As Airflow makes the instances of mapped tasks: of the DAG, in which another task stands for it.
            inner = made(task_id=self.task_id, dag=self.dag, retries=self.retries, _airflow_from_mapped=True, **arguments)
        except Exception as e:
            raise wf.StepFailed("value", "%s cannot be made: %s" % (made.__name__, e)) from e
        self.inner = inner
        inner.pre_execute(context)
        if self.resumed is None:
            result = within_task(inner, inner.execute, context, **signs_of(inner))
        else:
            method, given = self.resumed
            signs = signs_of(inner) if method == "execute" else {}
            result = within_task(inner, inner.resume_execution, method, {**given, **signs}, context)
        inner.post_execute(context, result)
        return result
