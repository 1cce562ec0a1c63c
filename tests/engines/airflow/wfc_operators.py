"""Operators that cases run, where Airflow's own show too little."""
import asyncio
import collections
import pathlib
import sys
import time

try:
    from airflow.sdk import BaseOperator, BaseSensorOperator, PokeReturnValue
except ImportError:  # Airflow 2
    from airflow.models.baseoperator import BaseOperator
    from airflow.sensors.base import BaseSensorOperator, PokeReturnValue
try:
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
except ImportError:  # Airflow 2, and 3 at first
    from airflow.exceptions import AirflowFailException, AirflowSkipException
from airflow.triggers.base import BaseTrigger, TriggerEvent


class Echo(BaseOperator):
    """Gives its argument back. Airflow would render the field, and read the file that is named in it."""

    template_fields = ("value",)
    template_ext = (".sql",)

    def __init__(self, *, value, **options):
        super().__init__(**options)
        self.value = value

    def execute(self, context):
        return self.value


class Describe(BaseOperator):
    """The types and texts of its arguments."""

    def __init__(self, *, values, **options):
        super().__init__(**options)
        self.values = values

    def execute(self, context):
        return "; ".join("%s %s" % (type(v).__name__, v) for v in self.values.values())


class Evaluate(BaseOperator):
    """The value of a Python expression: results of all types."""

    def __init__(self, *, expression, **options):
        super().__init__(**options)
        self.expression = expression

    def execute(self, context):
        import datetime
        import decimal
        import uuid
        return eval(self.expression, {**locals(), "Row": collections.namedtuple("Row", "n s")})


class Read(BaseOperator):
    """The text of a file."""

    def __init__(self, *, path, **options):
        super().__init__(**options)
        self.path = path

    def execute(self, context):
        return pathlib.Path(self.path).read_text()


class Fail(BaseOperator):
    """Fails in its first attempts: how many, and in which way."""

    def __init__(self, *, how, text="", attempts=99, **options):
        super().__init__(**options)
        self.how, self.text, self.attempts = how, text, attempts

    def execute(self, context):
        attempt = context["ti"].try_number
        if attempt > self.attempts:
            return attempt
        if self.how == "exit":
            sys.exit(3)
        kinds = {"skip": AirflowSkipException, "fail": AirflowFailException, "value": ValueError}
        raise kinds[self.how](self.text)


class After(BaseTrigger):
    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def serialize(self):
        return "wfc_operators.After", {"seconds": self.seconds}

    async def run(self):
        await asyncio.sleep(self.seconds)
        yield TriggerEvent(self.seconds)


class Defer(BaseOperator):
    """Leaves its worker twice, for so many seconds, and has two outputs."""

    def __init__(self, *, seconds, text, **options):
        super().__init__(**options)
        self.seconds, self.text = seconds, text

    def execute(self, context):
        self.defer(trigger=After(self.seconds), method_name="again")

    def again(self, context, event):
        self.defer(trigger=After(self.seconds), method_name="end")

    def end(self, context, event):
        return {"text": self.text, "event": event}


class Third(BaseSensorOperator):
    """Is content when it is asked for the third time; how often it was, is its result."""

    asked = collections.Counter()  # by run and task: a test has one process

    def poke(self, context):
        key = (context["run_id"], self.task_id, context["ti"].map_index)
        self.asked[key] += 1
        return PokeReturnValue(self.asked[key] >= 3, self.asked[key])


class Sleep(BaseOperator):
    """Sleeps, and does not mind what ends its sleep."""

    killed = set()

    def __init__(self, *, seconds, **options):
        super().__init__(**options)
        self.seconds = seconds

    def execute(self, context):
        self.run_id = context["run_id"]
        try:
            time.sleep(self.seconds)
        except Exception:
            pass

    def on_kill(self):
        self.killed.add(self.run_id)


class Killed(BaseOperator):
    """Whether Sleep was told to end in this run."""

    def execute(self, context):
        return context["run_id"] in Sleep.killed
