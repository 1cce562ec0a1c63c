

# ---- Step Functions ----
#
# What the states of a machine call. A container runs one attempt of a step: its call stands in CALL/in.json of the store, what
# became of it goes to CALL/outcome.json, which the machine reads next. A function evaluates expressions.

class Call:
    """A call of a step: `inputs(d)` evaluates its arguments from the values that the machine hands over; `timeout(d, v)`,
    `total(d, v)`, `env(d, v)` and `again(d, v, failure)` are what stands on it, where v are the inputs as expressions see them."""

    def __init__(self, spec, inputs, retries=0, **settings):
        self.spec, self.inputs, self.retries = spec, inputs, retries
        self.settings = settings

    def setting(self, name, *args):
        f = self.settings.get(name)
        return None if f is None else f(*args)

    def value(self, outputs):
        names = [n for n, *_ in self.spec["outputs"]]
        return None if not names else outputs[names[0]] if len(names) == 1 else outputs


def keep_exact(v):
    """The numbers of a machine's data are doubles; an int that they would round is not handed over."""
    if isinstance(v, int) and not isinstance(v, bool) and abs(v) > 1 << 53:
        raise Trap("the number %d is beyond 2^53: Step Functions would round it" % v)
    for x in v.values() if isinstance(v, dict) else v if isinstance(v, list) else ():
        keep_exact(x)
    return v


class Machine:
    def __init__(self, store, params, calls, units, order, limits=None):
        self.uri, self.params, self.calls, self.units, self.order, self.limits = store, params, calls, units, order, limits or {}

    # -- the store --

    def read(self, key):
        import json
        import tempfile
        store = open_store(self.uri)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "object")
            store.get("%s/%s" % (self.uri, key), path)
            with open(path, encoding="utf-8") as f:
                return json.load(f)

    def write(self, key, value):
        import json
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "object")
            with open(path, "w", encoding="utf-8") as f:
                json.dump(value, f, ensure_ascii=False, allow_nan=False)
            open_store(self.uri).put(path, key)

    # The list of a directory's files may be longer than what a state may pass on: a long one stands in the store.

    def packed(self, v, key):
        if isinstance(v, list):
            return [self.packed(x, key) for x in v]
        if not isinstance(v, dict):
            return v
        if v.get("dir") is True and len(v.get("files", ())) > 32:
            name = "%s/%s.files.json" % (key, v["sha256"])
            self.write(name, v["files"])
            return {**{k: x for k, x in v.items() if k != "files"}, "list": name}
        return {k: self.packed(x, key) for k, x in v.items()}

    def unpacked(self, v):
        if isinstance(v, list):
            return [self.unpacked(x) for x in v]
        if not isinstance(v, dict):
            return v
        if v.get("dir") is True and "list" in v:
            return {**v, "files": self.read(v["list"])}
        return {k: self.unpacked(x) for k, x in v.items()}

    # -- containers --

    def main(self):
        """One attempt of the call that WF_CALL names. Exit status 1 asks for another one, as far as the machine grants it."""
        key = os.environ["WF_CALL"]
        again, _ = self.attempt(key, self.read(key + "/in.json"))
        sys.exit(1 if again else 0)

    def attempt(self, key, order):
        """Whether another attempt is asked for, and the outcome."""
        import time as clock
        try:
            last = self.read(key + "/outcome.json")
        except Exception:
            last = {"attempt": 0, "started": int(clock.time() * 1000)}
        if last.get("ok"):
            return False, last  # the attempt before has ended well, whatever became of its container
        if last["attempt"] > 0 and last["failures"][0]["kind"] == "lost" and not self.retried(order, last, last["failures"][0]):
            return False, last  # nobody could ask when that container was lost
        outcome = {"node": order["node"], "attempt": last["attempt"] + 1, "started": last["started"]}
        lost = StepFailed("lost", "the container ended before the step").record(order["node"])
        self.write(key + "/outcome.json", {**outcome, "ok": False, "value": None, "failures": [lost]})
        again = False
        try:
            outcome.update(ok=True, value=self.run(order, key, outcome), failures=[])
        except StepFailed as e:
            failure = e.record(order["node"])
            outcome.update(ok=False, value=None, failures=[failure])
            again = outcome["attempt"] <= self.calls[order["call"]].retries and self.retried(order, outcome, failure)
        self.write(key + "/outcome.json", outcome)
        return again, outcome

    def run(self, order, key, outcome):
        call, d = self.calls[order["call"]], order["d"]
        facts = {"WF_RUN_ID": order["run"], "WF_STEP": order["node"], "WF_ATTEMPT": str(outcome["attempt"]),
                 "WF_IDEMPOTENCY_KEY": sha256("%s/%s" % (order["run"], order["node"]))}
        try:
            inputs = call.inputs(d)
            v = decoded(call.spec, inputs)
            limit, env = call.setting("timeout", d, v), call.setting("env", d, v)
            left = self.left(call, d, v, outcome)
        except Trap as e:
            raise StepFailed("value", str(e))
        prefix = "%s/%d" % (key, outcome["attempt"])
        most = min((x for x in (limit, left) if x is not None), default=None)
        outputs = step(call.spec, self.unpacked(inputs), open_store(self.uri), prefix, facts, env, most)
        try:
            return self.packed(keep_exact(call.value(outputs)), prefix)
        except Trap as e:
            raise StepFailed("output", str(e))

    def left(self, call, d, v, outcome):
        """What the attempt may take of the time that all of them have together."""
        import time as clock
        total = call.setting("total", d, v)
        if total is None:
            return None
        left = total - (int(clock.time() * 1000) - outcome["started"])
        if left <= 0:
            raise StepFailed("timeout", "stopped after its timeout of %s for all attempts" % duration_text(total))
        return left

    def retried(self, order, outcome, failure):
        call, d = self.calls[order["call"]], order["d"]
        if failure["kind"] in ("value", "cancelled"):
            return False
        try:
            v = decoded(call.spec, call.inputs(d))
            self.left(call, d, v, outcome)
            return call.setting("again", d, v, failure) is not False
        except (Trap, StepFailed):
            return False

    # -- functions --

    def handler(self, event, context=None):
        return getattr(self, "do_" + event["do"])(event)

    def do_call(self, event):
        """An attempt of a call in a function instead of a container. Only /tmp can be written there."""
        os.environ.setdefault("XDG_CACHE_HOME", "/tmp")
        again, outcome = self.attempt("%s/%s" % (event["run"], event["node"]), event)
        if again:
            raise type("WF.Retry", (Exception,), {})("the attempt failed; its outcome is in the store")
        return outcome

    def do_compute(self, event):
        try:
            return {"ok": True, "value": keep_exact(self.units[event["unit"]](event["d"]))}
        except Trap as e:
            return self.failed(StepFailed("value", str(e)), event["node"])
        except StepFailed as e:
            return self.failed(e, event["node"])

    def failed(self, e, node):
        return {"ok": False, "value": None, "failures": [e.record(node)]}

    def do_gather(self, event):
        """The outcomes of a loop's items as its own. Those of a distributed Map bring their numbers, as its order is not told."""
        items = sorted(event["items"], key=lambda x: x.get("i", 0))
        bad = [x for x in items if not x["ok"]]
        share = event.get("tolerate")
        if bad and (share is None or len(bad) > share * len(items) + 1e-9):
            return {"ok": False, "value": None, "failures": [f for x in bad for f in x["failures"]]}
        return {"ok": True, "value": [x.get("value") for x in items]}

    def do_failures(self, event):
        """The failures of branches, in the order of the text."""
        failures = [f for one in event["of"].values() for f in one["failures"]]
        return {"ok": False, "value": None, "failures": sorted(failures, key=lambda f: self.place(f["step"]))}

    def do_append(self, event):
        """The failures of a workflow and, behind them, those of its handler."""
        return {"failures": event["first"] + event["then"], "duration": event.get("duration")}

    def do_tell(self, event):
        """Failures as the text of an error, which holds 32,768 characters."""
        import json
        for keep in (4000, 400, 0):
            told = [{**f, "message": f["message"][:4000], "log": f["log"][max(len(f["log"]) - keep, 0):]} for f in event["failures"][:4]]
            text = json.dumps(told, ensure_ascii=False)
            if len(text) <= 32000:
                break
        return text

    def do_end(self, event):
        """What handlers see of the run's end."""
        import time as clock
        failures = event.get("failures", [])
        return {"status": event["status"], "failures": failures, "first": failures[0] if failures else None,
                "duration": duration_text(int(clock.time() * 1000) - time_ms(event["since"]))}

    def place(self, path):
        """Where a call stands: the offset of each block around it, and the item's number behind that of a loop."""
        import re
        place, name = [], ""
        for part in path.split("."):
            part, *numbers = re.findall(r"[^\[\]]+", part)
            name = name + "." + part if name else part
            place += [self.order.get(name, 0), *map(int, numbers)]
        return place

    def do_start(self, event):
        """Checks the parameters, fills in defaults and tells what the run knows of itself."""
        given = dict(event["params"] or {})
        run = {"id": event["id"], "time": time_text(time_ms(event["time"])), "scheduled_at": given.pop("@scheduled_at", None)}
        try:
            unknown = sorted(set(given) - {name for name, *_ in self.params})
            if unknown:
                raise Trap("there is no parameter `%s`" % unknown[0])
            values = {name: self.parameter(event["id"], name, type, given, *default) for name, type, *default in self.params}
            check_limits(self.limits, values)
            run["params"] = keep_exact(values)
        except (Trap, OutputError) as e:
            return self.failed(StepFailed("value", str(e)), "")
        return {"ok": True, "value": {"run": run, "in": values}}

    def parameter(self, run, name, type, given, default=None):
        if name not in given:
            if default is None:
                raise Trap("the parameter `%s` is required" % name)
            return default()
        v, inner = given[name], type[1] if type[0] == "opt" else type
        if inner[0] == "secret" and isinstance(v, str):
            v = {"secret": v}
        if inner[0] in ("file", "dir") and isinstance(v, str):
            return self.packed(self.file_parameter(run, name, inner, v), "%s/params/%s" % (run, name))
        return encode(type, decode(type, v, name))

    def file_parameter(self, run, name, type, uri):
        """A file that is named by where it is, taken into the run."""
        import tempfile
        with tempfile.TemporaryDirectory() as work:
            stage = Stage(open_store(self.uri), "%s/params/%s" % (run, name), work)
            if type[0] == "dir" and os.path.isdir(uri):
                return stage.keep_dir(uri, os.path.basename(uri.rstrip("/")))
            path = os.path.join(work, os.path.basename(uri))
            try:
                open_store(uri).get(uri, path)
            except Exception as e:
                raise Trap("the parameter `%s`: cannot read %s: %s" % (name, uri, e))
            return stage.keep_file(type, path, os.path.basename(uri))


def fail(message):
    raise StepFailed("fail", message)


def limited(limits, v):
    """An argument of a workflow, which must be within what its parameter says."""
    check_limits(limits, dict.fromkeys(limits, v))
    return v


def tuples(xs, ys, guard=None):
    """The items of a loop that its filter admits, with their numbers; of two lists in step."""
    found = pairs(xs, ys) if ys is not None else [(x, None) for x in xs]
    return [{"i": i, "x": x, "y": y} for i, (x, y) in enumerate(found) if guard is None or guard(i, x, y)]


def decoded(spec, inputs):
    """Inputs as expressions see them."""
    return {name: decode(type, inputs[name], name) for name, type, *_ in spec["inputs"]}
