

# ---- Argo Workflows ----
#
# The containers of an emitted workflow run `wf_shim.py argo MODE NAME`. /wf/values holds a line for each input: its name and its
# text. A text is JSON, or `=NAME {...}`: the expression NAME of /wf/flow/expressions.json over the values in the braces. A line whose
# name is a path says under which key of the artifact store the file or folder there was found. /wf/out/value gets the outcome.

def argo_text(v):
    """JSON that survives the engine's substitutions: ASCII without braces, dollars, backslashes and single quotes inside strings, and one
    text for each value."""
    import re
    if isinstance(v, str):
        def escape(m):
            n = ord(m.group())
            if n > 0xFFFF:
                n -= 0x10000
                return "\\u%04x\\u%04x" % (0xD800 + (n >> 10), 0xDC00 + (n & 0x3FF))
            return {'"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(m.group(), "\\u%04x" % n)
        return '"%s"' % re.sub(r"""[^ -~]|["\\{}$']""", escape, v)
    if isinstance(v, list):
        return "[%s]" % ",".join(map(argo_text, v))
    if isinstance(v, dict):
        return "{%s}" % ",".join("%s:%s" % (argo_text(k), argo_text(x)) for k, x in v.items())
    return json_text(v)


class ArgoStore:
    """The files that the engine has fetched, by the keys under which it found them, and those that it shall keep."""

    def __init__(self, key, staged):
        self.key, self.staged = key, staged

    def put(self, source, name):
        import shutil
        target = os.path.join("/wf/out/files", name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)
        return "%s/%s" % (self.key, name)

    def get(self, uri, target):
        import shutil
        for path, key in self.staged:
            if uri == key or uri.startswith(key + "/"):
                return shutil.copyfile(path + uri[len(key):], target)
        raise StepFailed("lost", "the file %s was not fetched" % uri)


def argo_keyed(v, key):
    """Directories by the key below which their files are, and that of the list of them, which may be long."""
    if isinstance(v, list):
        return [argo_keyed(x, key) for x in v]
    if not isinstance(v, dict):
        return v
    if v.get("dir") is not True or "files" not in v:
        return {k: argo_keyed(x, key) for k, x in v.items()}
    name = "lists/%s.json" % sha256(json_text(v["files"]))
    os.makedirs("/wf/out/files/lists", exist_ok=True)
    with open("/wf/out/files/" + name, "w", encoding="ascii") as f:
        f.write(argo_text(v["files"]))
    return {**{k: x for k, x in v.items() if k != "files"}, "uri": key, "list": "%s/%s" % (key, name)}


def argo_listed(v, staged):
    """Directories with their files again: those on the list, or all that were fetched."""
    if isinstance(v, list):
        return [argo_listed(x, staged) for x in v]
    if not isinstance(v, dict):
        return v
    if v.get("dir") is not True or "uri" not in v or "files" in v:
        return {k: argo_listed(x, staged) for k, x in v.items()}
    path, key = next(((p, k) for p, k in staged if v["uri"] == k or v["uri"].startswith(k + "/")), (None, None))
    if path is None:
        raise StepFailed("lost", "the directory %s was not fetched" % v["uri"])
    if "list" in v:
        with open(path + v["list"][len(key):], encoding="ascii") as f:
            return {**v, "files": parse_json(f.read())}
    root, files = path + v["uri"][len(key):], []
    for folder, _, names in os.walk(root):
        for name in names:
            rel = os.path.relpath(os.path.join(folder, name), root)
            files.append([rel, "%s/%s" % (v["uri"], rel), "f"])
    return {**v, "files": files}


def argo_load(name):
    import json
    with open("/wf/flow/" + name, encoding="utf-8") as f:
        return json.load(f)


def argo_value(text):
    """The value behind the text of an input; none where the engine had nothing to put there."""
    import re
    text = re.sub(r'"?\{\{.*?\}\}"?', "null", text)
    if text == "":
        return None
    if not text.startswith("="):
        return parse_json(text)
    name, values = text[1:].split(" ", 1)
    return compute(argo_load("expressions.json")[name], parse_json(values))


def argo_inputs():
    values, staged = {}, []
    with open("/wf/values", encoding="utf-8", newline="\n") as f:
        for line in f.read().split("\n"):
            name, _, text = line.partition(" ")
            if name.startswith("/"):
                staged.append((name, text))
            elif name:
                values[name] = text
    return values, staged


def argo_write(name, text):
    os.makedirs("/wf/out", exist_ok=True)
    with open("/wf/out/" + name, "w", encoding="utf-8", newline="") as f:
        f.write(text)


MOST_OF_ARGO = 256 << 10


def argo_result(v):
    text = argo_text(v)
    if len(text) > MOST_OF_ARGO:
        raise StepFailed("output", "the value is of %d bytes; the engine carries up to %d: write it to a file" % (len(text), MOST_OF_ARGO))
    argo_write("value", text)


def argo_names(spec, inputs):
    """What the expressions of a step are evaluated in."""
    names = {"wf": sys.modules[__name__]}
    exec(spec.get("functions", ""), names)
    names["v"] = {n: decode(t, inputs[n]) if t[0] != "secret" else None for n, t, *_ in spec["inputs"]}
    return names


def argo_outputs(spec, out):
    """The value of a call from its outputs by name."""
    outputs = spec["outputs"]
    argo_result(None if not outputs else out[outputs[0][0]] if spec["single"] else {n: out[n] for n, *_ in sorted(outputs)})


def argo_delay(facts, attempt, delay, factor, most, jitter, first, growth):
    """Milliseconds between that attempt and the next, and how many of them the container of the next one waits, since the engine's backoff
    does not. Both containers draw the same."""
    between = drawn(delay_after(attempt, delay, factor, most), jitter, "%s/%s/%d" % (facts["WF_RUN_ID"], facts["WF_STEP"], attempt))
    return between, max(between - delay_after(attempt, first, growth, most / 2 if jitter else most), 0)


def argo_begun(attempt):
    """When the first attempt began, in milliseconds; a file that the engine carries from one to the next tells. It may be that of an
    earlier try of the run, or lost with its pod: then this attempt is the first."""
    import time as clock
    if attempt > 1 and os.path.isfile("/wf/in/_begun"):
        with open("/wf/in/_begun", encoding="ascii") as f:
            return int(f.read())
    begun = round(clock.time() * 1000)
    argo_write("begun", str(begun))
    return begun


def argo_secrets(spec, inputs):
    """Gives secrets by their names: the engine has put those of the inputs into variables."""
    found = {inputs[n]["secret"]: os.environ.get("WF_SECRET_" + n) for n, t, *_ in spec["inputs"]
             if (t[1] if t[0] == "opt" else t)[0] == "secret" and inputs[n] is not None}

    def value(name):
        if found[name] is None:
            raise StepFailed("value", "the secret `%s` is not there: the key `value` of the Secret %s" % (name, name.replace("_", "-")))
        return found[name]
    return value


def argo_run(name):
    """One attempt of a step."""
    import tempfile
    import time as clock
    tempfile.tempdir = "/wf/out"  # an image may have no folder for such, or none that this user may write to
    spec = argo_load("steps.json")[name]
    values, staged = argo_inputs()
    inputs = {n: argo_listed(argo_value(values[n]), staged) for n, *_ in spec["inputs"]}
    names = argo_names(spec, inputs)
    if "code_file" in spec:
        with open("/wf/flow/" + spec["code_file"], encoding="utf-8", newline="") as f:
            spec["code"] = f.read()
    if "argv" in spec:
        argv = spec["argv"]
        spec["argv"] = lambda local: eval(argv, {**names, "v": local})
    facts, attempt = {k: os.environ[k] for k in ("WF_RUN_ID", "WF_STEP")}, int(os.environ.get("WF_RETRIES", "0")) + 1
    facts.update(WF_ATTEMPT=str(attempt), WF_IDEMPOTENCY_KEY=sha256("%(WF_RUN_ID)s/%(WF_STEP)s" % facts))
    key, end = os.environ["WF_KEY"], None
    if attempt > 1 and "delays" in spec:
        clock.sleep(argo_delay(facts, attempt - 1, *spec["delays"])[1] / 1000)
    try:
        spec.update(packages=eval(spec.get("packages_text", "None"), names), python=eval(spec.get("python_text", "None"), names))
        timeout, total = eval(spec.get("timeout", "None"), names), eval(spec.get("total", "None"), names)
        if total is not None:
            end = argo_begun(attempt) + total
            timeout = min(total if timeout is None else timeout, max(end - round(clock.time() * 1000), 1))
        env = eval(spec.get("env", "None"), names)
        argo_outputs(spec, argo_keyed(step(spec, inputs, ArgoStore(key, staged), "out", facts, env, timeout, argo_secrets(spec, inputs)), key))
    except StepFailed as e:
        record = e.record(facts["WF_STEP"])
        e.again = e.kind not in ("value", "fail") and ("on" not in spec or eval(spec["on"], {**names, "e": record}))
        if e.again and end is not None:
            delay = argo_delay(facts, attempt, *spec["delays"])[0] if "delays" in spec else 0
            e.again = clock.time() * 1000 + delay < end
        raise


def argo_plain(type, v):
    """The text of a value outside: of a scalar as a shell sees it, of a file its key, else JSON."""
    if v is None or is_compound(type):
        return argo_text(v)
    return v["uri"] if (type[1] if type[0] == "opt" else type)[0] in ("file", "dir") else as_text(type, v)


def argo_passes(text):
    """Whether the engine passes the text on as it is, also where the template puts two side by side."""
    import re
    return not ("{{" in text or text.endswith("{") or re.search("[\0-\7\v\x0e-\x1f\x7f]", text) or any(c > "\uffff" and not c.isprintable() for c in text))


def argo_argument(name, type, v):
    """The text of an argument for a template of the cluster."""
    text = argo_plain(type, v)
    if not argo_passes(text):
        raise StepFailed("value", "the argument `%s` holds `{{`, ends with `{` or has a control character: the engine would not pass that on as it is" % name)
    if len(text.encode()) > MOST_OF_ARGO:
        raise StepFailed("value", "the argument `%s` is of %d bytes; the engine carries up to %d" % (name, len(text.encode()), MOST_OF_ARGO))
    return text


def argo_shown(type, v):
    """The text of an input for people, who read JSON where the engine would not pass the plain text on."""
    text = argo_plain(type, v)
    return text if argo_passes(text) else argo_text(v)


def argo_given(name):
    """What a template of the cluster is given, or a person shown."""
    spec = argo_load("steps.json")[name]
    values, _ = argo_inputs()
    inputs = {n: argo_value(values[n]) for n, *_ in spec["inputs"]}
    check_limits(spec.get("limits", {}), inputs)
    names = argo_names(spec, inputs)
    os.makedirs("/wf/out/params", exist_ok=True)
    if "arguments" in spec:
        texts = {arg: argo_argument(arg, type, encode(type, eval(source, names))) for arg, source, type in spec["arguments"]}
    else:
        texts = {n: argo_shown(t, inputs[n]) for n, t, *_ in spec["inputs"]}
    for arg, text in texts.items():
        argo_write("params/" + arg, text + "\n")


def argo_ended():
    """What the engine knows of the end of such a template: its status, exit code and outputs."""
    import base64
    return parse_json(base64.b64decode(argo_inputs()[0]["ended"]).decode("utf-8", "replace").partition(" ")[2])


def argo_taken(name):
    """What a template of the cluster or a person gave, as outputs of the step."""
    spec, key = argo_load("steps.json")[name], os.environ["WF_KEY"]
    given = (argo_ended().get("outputs") or {}).get("parameters") or {}
    stage, out = Stage(ArgoStore(key, []), "out", "/tmp/wf"), {}
    try:
        for n, type, *_ in spec["outputs"]:
            if type[0] in ("file", "dir"):
                out[n] = stage.collect(n, type, os.path.join("/wf/in", os.path.basename(output_path(stage, n, type))))
            elif given.get(n) is not None:
                out[n] = read_value(n, type, given[n].encode())
            else:
                raise OutputError("%s no output `%s`" % ("the template %s gives" % spec["template"] if "template" in spec else "nobody gave", n))
    except OutputError as e:
        raise StepFailed("output", str(e))
    argo_outputs(spec, argo_keyed(out, key))


def argo_failed(name):
    """Says that a template of the cluster has failed, or that a person has let it fail."""
    ended, template = argo_ended(), argo_load("steps.json")[name].get("template")
    if template is None:
        raise StepFailed("fail", "nobody supplied the outputs: the node was set to %s" % ended["status"])
    if "exitCode" not in ended:
        raise StepFailed("lost" if ended["status"] == "Error" else "exit", "the template %s ended with the status %s" % (template, ended["status"]))
    raise judge(int(ended["exitCode"]), b"", os.devnull, None)


def argo_items(spec, values):
    """What a loop runs over: [{"i": index, "v": [item], "w": [second item]}] of those that the filter admits."""
    names = {"wf": sys.modules[__name__]}
    for name, type in spec["inputs"]:
        names[name] = decode(type, values[name])
    exec(spec["functions"], names)
    lists = [eval(x, names) for x in spec["sources"]]
    rows = list(zip(*lists)) if len(lists) == 1 else list(pairs(lists[0], lists[1], "`zip` of"))
    admitted = eval(spec["filter"], names) if spec.get("filter") else lambda i, *row: True
    return [{"i": i, **{k: [encode(t, x)] for k, t, x in zip("vw", spec["types"], row)}} for i, row in enumerate(rows) if admitted(i, *row)]


def argo_gather(spec, parts):
    """The value of a loop that tolerates failures from those of its items: [index, value] each, or [index] of one that failed."""
    import json
    import math
    rows = [json.loads(json.loads(p)) for p in parts or []]
    lost = sum(len(row) == 1 for row in rows)
    argo_write("failure", argo_text({"caught": [], "loop": os.environ["WF_NODE"] + "["}) if lost else "null")
    if lost > math.floor(spec["tolerate"] * len(rows) + 1e-9):
        argo_write("failure", "null")
        sys.exit("%d of %d items failed" % (lost, len(rows)))
    return [row[1] if len(row) == 2 else None for row in rows]


def argo_compute(name):
    spec = argo_load("expressions.json")[name]
    texts, _ = argo_inputs()
    values = {n: argo_value(t) for n, t in texts.items()}
    if "sources" in spec:
        argo_result(argo_items(spec, values))
    elif "tolerate" in spec:
        argo_result(argo_gather(spec, values["parts"]))
    elif "limits" in spec:
        check_limits(spec["limits"], {n: decode(t, values[n]) for n, t in spec["inputs"]})
        argo_result(None)
    elif "fail" in spec:
        raise StepFailed("fail", values["message"])
    else:
        argo_result(compute(spec, values))


def argo_file(type, key, path, name):
    """A file or directory that the user has put into the store under the key."""
    stage = Stage(ArgoStore(key, []), "", "/tmp")
    stage.keep = lambda full, _: key + full[len(path):]
    if type[0] == "dir":
        return {**{k: x for k, x in stage.keep_dir(path, name).items() if k != "files"}, "uri": key}
    return stage.keep_file(type, path, name)


def argo_param(spec, text, staged):
    """The value of a parameter of the workflow from the text that the user gave."""
    name, type = spec["name"], spec["type"]
    inner = type[1] if type[0] == "opt" else type
    if type[0] == "opt" and text == "null":
        return None
    if inner[0] in ("file", "dir"):
        path, key = next((p, k) for p, k in staged if p == "/wf/in/" + name)
        return argo_file(inner, text, path, os.path.basename(text))
    if inner[0] == "secret":
        return decode(inner, {"secret": text})
    return encode(type, decode(type, parse_json(text) if is_compound(type) else read_value(name, inner, text.encode())))


def argo_params(name):
    import base64
    texts, staged = argo_inputs()
    os.makedirs("/wf/out/params", exist_ok=True)
    values, described = {}, argo_load("steps.json")[name]
    for spec in described["params"]:
        try:
            v = values[spec["name"]] = argo_param(spec, base64.b64decode(texts[spec["name"]]).decode("utf-8", "replace"), staged)
        except (Trap, OutputError) as e:
            raise StepFailed("value", "parameter `%s`: %s" % (spec["name"], e))
        argo_write("params/" + spec["name"], argo_text(v))
    check_limits(described.get("limits", {}), values)
    argo_result(values)


def argo_order(tree, path):
    """Where a call stands in the text: the places of the nodes of its path, and the indexes of items."""
    import re
    place = []
    for segment in path.split("."):
        name, index = re.fullmatch(r"([^\[]*)(?:\[(\d+)\])?", segment).groups()
        at = tree.get(name)
        if at is None: # of a handler: those come last
            place.append(1 << 62)
            break
        place += [at[0], int(index or 0)]
        tree = at[1] if len(at) > 1 else {}
    return place


def argo_failures(name):
    """What failed below a path, in the order of the text, without what was caught before."""
    import glob
    import json
    prefix = os.environ["WF_BELOW"]
    records, caught = [], []
    for path in glob.glob("/wf/in/failures/**", recursive=True):
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as f:
                record = json.load(f)
            if isinstance(record, dict):
                (caught if "caught" in record else records).append(record)
    steps = {s for r in caught for s in r["caught"]}
    loops = tuple(r["loop"] for r in caught if "loop" in r)
    records = [r for r in records if r["step"].startswith(prefix) and r["step"] not in steps and not r["step"].startswith(loops)]
    tree = argo_load("expressions.json")[name]
    records.sort(key=lambda r: argo_order(tree, r["step"][len(prefix):]))
    lost = {"step": prefix.rstrip("."), "kind": "lost", "code": None, "message": "a container ended without telling why", "log": ""}
    argo_result((records or [lost])[0])
    argo_write("all", argo_text(records or [lost]))
    caught = [r["step"] for r in records] if os.environ["WF_CATCH"] == "true" else []
    argo_write("failure", argo_text({"caught": caught}))


def argo_save(name):
    """Keeps a value for the handlers."""
    argo_result(argo_value(argo_inputs()[0]["value"]))


def argo_saved(name):
    """The values that were kept; none of nodes that did not end well."""
    os.makedirs("/wf/out/params", exist_ok=True)
    for node in argo_load("expressions.json")[name]:
        path = "/wf/in/saved/" + os.environ["WF_BELOW"] + node
        text = "null"
        if os.path.isfile(path):
            with open(path, encoding="ascii") as f:
                text = f.read()
        argo_write("params/" + node, text)


def argo_main(mode, name):
    modes = {"save": argo_save, "values": argo_saved, "run": argo_run, "compute": argo_compute, "params": argo_params, "failures": argo_failures,
             "given": argo_given, "taken": argo_taken, "failed": argo_failed}
    os.makedirs("/wf/out", exist_ok=True)
    try:
        try:
            modes[mode](name)
            if not os.path.exists("/wf/out/failure"):
                argo_write("failure", "null")
            return 0
        except (Trap, OutputError) as e:
            raise StepFailed("value", str(e))
    except StepFailed as e:
        record = e.record(os.environ.get("WF_STEP") or os.environ.get("WF_NODE", ""))
        argo_write("failure", argo_text(record))
        sys.stderr.write("%s failed: %s\n" % (record["step"], e.message))
        return 1 if getattr(e, "again", False) else 2


if __name__ == "__main__" and sys.argv[1:2] == ["argo"]:
    sys.exit(argo_main(*sys.argv[2:4]))
