"""Runs a Python step: binds its inputs, runs its code unchanged as __main__, saves its outputs.

Standard library only, and as little of it as the step needs: the time to start counts in small steps. On other engines this file
goes on with wf_expr.py, wf_task.py, wf_python.py, wf_argo.py and wf_stepfunctions.py; a local run has no use for them. What a step
declares arrives as JSON in WF_SPEC (or the file WF_SPEC_FILE): {"script", "file", "line", "inputs": [[name, type, value, load]],
"outputs": [[name, type, path, printed]]}, types as ["list", ["int"]].
"""
import os
import sys

CONSTANTS = {"__builtins__": {}, "true": True, "false": False, "null": None}
UNITS = {"w": 604800000, "d": 86400000, "h": 3600000, "m": 60000, "s": 1000, "ms": 1}
SIZES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "PiB": 1 << 50, "EiB": 1 << 60}


class Struct:
    """A struct or record: its fields are attributes."""

    def __init__(self, fields):
        self.__dict__.update(fields)

    def __repr__(self):
        return "(%s)" % ", ".join("%s: %r" % f for f in self.__dict__.items())

    def __eq__(self, other):
        return isinstance(other, Struct) and self.__dict__ == other.__dict__


class OutputError(Exception):
    """An output that is not what the step declares."""


def read_json(text):
    # JSON as wfc writes it is a Python expression, and the json module takes longer to import than most specs to read.
    if len(text) < 65536:
        try:
            return eval(text, CONSTANTS)
        except (SyntaxError, MemoryError, RecursionError):
            pass
    import json
    return json.loads(text)


def event(**fields):
    path = os.environ.get("WF_EVENTS")
    if not path:
        return
    import json
    try:
        with open(path, "a") as f:
            f.write(json.dumps(fields) + "\n")
    except OSError:
        pass


class Wf:
    """The module `wf` inside steps."""

    __name__ = "wf"

    @staticmethod
    def progress(value):
        event(progress=float(value))

    @staticmethod
    def metric(name, value):
        event(metric=str(name), value=float(value))


# ---- inputs ----

def split_units(text):
    number, unit = "", ""
    for c in text + "0":
        if c.isdigit():
            if unit:
                yield int(number), unit
                number, unit = "", ""
            number += c
        else:
            unit += c


def duration(text):
    import datetime
    minus = text.startswith("-")
    ms = sum(n * UNITS[u] for n, u in split_units(text.lstrip("-")))
    return datetime.timedelta(milliseconds=-ms if minus else ms)


def size(text):
    minus = text.startswith("-")
    n = sum(n * SIZES[u] for n, u in split_units(text.lstrip("-")))
    return -n if minus else n


def time(text):
    import datetime
    return datetime.datetime.fromisoformat(text.rstrip("Z")).replace(tzinfo=datetime.timezone.utc)


def bind(type, v):
    """A value as Python sees it; scalars come as their text, also inside JSON except for bool, int, float."""
    kind = type[0]
    if kind == "opt":
        return None if v is None else bind(type[1], v)
    if kind == "bool":
        return v if isinstance(v, bool) else v == "true"
    if kind == "int":
        return int(v)
    if kind == "float":
        return float(v)
    if kind == "duration":
        return duration(v)
    if kind == "size":
        return size(v) if isinstance(v, str) else v
    if kind == "time":
        return time(v)
    if kind == "file" or kind == "dir":
        import pathlib
        return pathlib.Path(v)
    if kind == "list":
        return [bind(type[1], x) for x in v]
    if kind == "map":
        return {k: bind(type[1], x) for k, x in v.items()}
    if kind == "struct":
        return Struct({name: bind(t, v.get(foreign)) for name, foreign, t in type[2]})
    return v


def lines_of(path):
    import json
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def load(type, path):
    """The object in a file of that format (`@load`)."""
    if type[0] == "opt":
        return None if path is None else load(type[1], path)
    if type[0] == "list":
        return [load(type[1], p) for p in path]
    form = type[1] if type[0] == "file" else ""
    if form in ("csv", "tsv"):
        import pandas
        return pandas.read_csv(path, sep="\t" if form == "tsv" else ",")
    if form == "parquet":
        try:
            from pyarrow import parquet
        except ImportError:
            import pandas
            return pandas.read_parquet(path)
        # By its path: buffers of a file that Python has opened, as pandas does, may be dropped by a thread of Arrow when the interpreter
        # has ended already, which aborts the process.
        return parquet.ParquetFile(path).read().to_pandas()
    if form == "npy":
        import numpy
        return numpy.load(path)
    if form == "json":
        import json
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    if form == "jsonl":
        return lines_of(path)
    if form == "txt":
        with open(path, encoding="utf-8") as f:
            return f.read()
    if form == "joblib":
        import joblib
        return joblib.load(path)
    if form == "pt":
        import torch
        return torch.load(path)
    if form == "png":
        import PIL.Image
        return PIL.Image.open(path)
    raise ValueError("files of format %r cannot be loaded by @load; open the path instead" % form)


# ---- outputs ----

def plain(v):
    """numpy and pandas objects as Python's own."""
    for name in ("item", "tolist"):
        if type(v).__module__.split(".")[0] in ("numpy", "pandas") and hasattr(v, name):
            try:
                return getattr(v, name)()
            except (ValueError, TypeError):
                continue
    return v


def wrong(where, want, v):
    text = repr(v)
    if len(text) > 80:
        text = text[:77] + "..."
    return OutputError("output %s: expected %s, got %s %s" % (where, want, type(v).__name__, text))


def number(where, v):
    if v != v or v in (float("inf"), float("-inf")):
        raise OutputError("output %s is %s, which is not a value" % (where, "NaN" if v != v else "infinite"))
    return v


def duration_text(ms):
    if ms == 0:
        return "0s"
    text, left = "-" if ms < 0 else "", abs(ms)
    for unit in ("d", "h", "m", "s", "ms"):
        n, left = divmod(left, UNITS[unit])
        if n:
            text += "%d%s" % (n, unit)
    return text


def fields_of(where, v):
    if isinstance(v, dict):
        return v
    if hasattr(v, "_asdict"):
        return v._asdict()
    if hasattr(v, "__dict__"):
        return vars(v)
    if hasattr(v, "__slots__"):
        return {k: getattr(v, k) for k in v.__slots__ if hasattr(v, k)}
    raise wrong(where, "an object with fields or a dict", v)


def export(type, where, v):
    """The JSON value of an output; raises OutputError."""
    kind = type[0]
    if kind == "opt":
        return None if v is None else export(type[1], where, v)
    v = plain(v)
    if kind == "json":
        return export_json(where, v)
    if kind == "bool":
        if isinstance(v, bool):
            return v
    elif kind in ("int", "size"):
        if isinstance(v, int) and not isinstance(v, bool):
            return v
        if isinstance(v, float) and number(where, v) == int(v):
            return int(v)
        if kind == "size" and isinstance(v, str):
            return v
    elif kind == "float":
        if isinstance(v, (int, float)) and not isinstance(v, bool):
            return float(number(where, v))
    elif kind == "string":
        if isinstance(v, str):
            return v
    elif kind == "enum":
        v = getattr(v, "name", v)
        if isinstance(v, str):
            return v
    elif kind == "duration":
        if hasattr(v, "total_seconds"):
            return duration_text(round(v.total_seconds() * 1000))
        if isinstance(v, str):
            return v
    elif kind == "time":
        if hasattr(v, "astimezone"):
            import datetime
            if v.tzinfo is None:
                v = v.replace(tzinfo=datetime.timezone.utc)
            return v.astimezone(datetime.timezone.utc).isoformat(timespec="milliseconds")
        if isinstance(v, str):
            return v
    elif kind == "list":
        if isinstance(v, (list, tuple)) or (hasattr(v, "__iter__") and not isinstance(v, (str, bytes, dict))):
            return [export(type[1], "%s[%d]" % (where, i), x) for i, x in enumerate(v)]
    elif kind == "map":
        if isinstance(v, dict):
            return {str(k): export(type[1], "%s[%r]" % (where, k), x) for k, x in v.items()}
    elif kind == "struct":
        got, result = fields_of(where, v), {}
        for name, foreign, t in type[2]:
            if name in got or foreign in got:
                result[foreign] = export(t, "%s.%s" % (where, name), got[name] if name in got else got[foreign])
        return result
    raise wrong(where, type[1] if kind == "struct" else kind, v)


def export_json(where, v):
    v = plain(v)
    if isinstance(v, dict):
        return {str(k): export_json("%s[%r]" % (where, k), x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [export_json("%s[%d]" % (where, i), x) for i, x in enumerate(v)]
    if isinstance(v, float):
        return number(where, v)
    if v is None or isinstance(v, (bool, int, str)):
        return v
    if isinstance(v, Struct):
        return export_json(where, v.__dict__)
    raise wrong(where, "a JSON value", v)


def save_rows(path, rows, delimiter):
    import csv
    rows = list(rows)
    with open(path, "w", newline="", encoding="utf-8") as f:
        if rows and isinstance(rows[0], dict):
            w = csv.DictWriter(f, list(rows[0]), delimiter=delimiter)
            w.writeheader()
            w.writerows(rows)
        else:
            csv.writer(f, delimiter=delimiter).writerows(rows)


def save_json(path, v, where, lines):
    import json
    with open(path, "w", encoding="utf-8") as f:
        for x in (v if lines else [v]):
            f.write(json.dumps(export_json(where, x), ensure_ascii=False, allow_nan=False) + "\n")


def save(form, path, where, v):
    """Writes an object to a file by the format's codec."""
    if isinstance(v, os.PathLike):
        import shutil
        shutil.copyfile(v, path)
    elif isinstance(v, (bytes, bytearray)):
        with open(path, "wb") as f:
            f.write(v)
    elif form == "json":
        save_json(path, v.to_dict("records") if hasattr(v, "to_csv") and hasattr(v, "columns") else v, where, False)
    elif isinstance(v, str):
        with open(path, "w", encoding="utf-8", newline="") as f:
            f.write(v)
    elif form == "jsonl":
        save_json(path, v.to_dict("records") if hasattr(v, "to_csv") else v, where, True)
    elif form in ("csv", "tsv"):
        sep = "\t" if form == "tsv" else ","
        if hasattr(v, "to_csv"):
            v.to_csv(path, index=False, sep=sep)
        else:
            save_rows(path, v, sep)
    elif form == "parquet":
        if not hasattr(v, "to_parquet"):
            import pandas
            v = pandas.DataFrame(v)
        v.to_parquet(path, index=False)
    elif form == "npy":
        import numpy
        with open(path, "wb") as f:
            numpy.save(f, v, allow_pickle=False)
    elif form == "joblib":
        import joblib
        joblib.dump(v, path)
    elif form == "pt":
        import torch
        torch.save(v, path)
    elif form in ("png", "jpg", "jpeg", "pdf", "svg") and hasattr(v, "savefig"):
        v.savefig(path)
    elif form in ("png", "jpg", "jpeg", "gif", "webp") and hasattr(v, "save"):
        v.save(path)
    else:
        raise wrong(where, "a path, bytes, text or an object that can be saved as %s" % (form or "a file"), v)


def save_dir(path, where, v):
    import shutil
    if isinstance(v, os.PathLike):
        shutil.copytree(v, path, dirs_exist_ok=True)
        return
    if isinstance(v, (str, bytes)) or not hasattr(v, "__iter__"):
        raise wrong(where, "a path or a list of paths", v)
    for p in v:
        if os.path.dirname(os.path.abspath(p)) != os.path.abspath(path):
            shutil.copyfile(p, os.path.join(path, os.path.basename(p)))


def is_dir_type(type):
    return type[0] == "dir" or (type[0] == "list" and type[1][0] in ("file", "dir"))


def finish(name, type, path, values):
    """Saves one output from the variables of the step."""
    where = "`%s`" % name
    v = values.get(name)
    if type[0] == "opt":
        if v is None or (isinstance(v, os.PathLike) and not os.path.exists(v)):
            return
        type = type[1]
    if is_dir_type(type):
        if not (isinstance(v, os.PathLike) and os.fspath(v) == path):
            save_dir(path, where, v)
    elif type[0] == "file":
        if v is None:
            raise OutputError("output %s is None" % where)
        if not (isinstance(v, os.PathLike) and os.fspath(v) == path):
            save(type[1], path, where, v)
    elif name in values or not os.path.exists(path):
        if name not in values:
            raise OutputError("the step did not assign its output %s" % where)
        value = export(type, where, v)
        text = value if isinstance(value, str) and type[0] != "json" else to_text(value)
        with open(path, "w", encoding="utf-8", newline="") as f:
            f.write(text + "\n")


def to_text(value):
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    import json
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


# ---- running ----

def describe(spec, exc):
    """Prints the traceback with the places of the step's code in its .wf file, and reports the last of them."""
    import traceback
    shim, script, line = __file__, spec["script"], 0
    tb = traceback.TracebackException(type(exc), exc, exc.__traceback__)
    seen, todo = set(), [tb]
    while todo:
        t = todo.pop()
        if t is None or id(t) in seen:
            continue
        seen.add(id(t))
        frames = [f for f in t.stack if f.filename != shim]
        for f in frames:
            if f.filename == script:
                if t is tb:
                    line = f.lineno
                f.line  # read while the place is still that of the script, and kept
                f.filename, f.lineno = spec["file"], f.lineno + spec["line"] - 1
                if getattr(f, "end_lineno", None) is not None:
                    f.end_lineno += spec["line"] - 1
        t.stack[:] = frames
        if getattr(t, "filename", None) == script:
            line = int(t.lineno or 0)
            t.filename, t.lineno = spec["file"], str(line + spec["line"] - 1)
        todo += [t.__cause__, t.__context__]
    sys.stderr.write("".join(tb.format()))
    message = "".join(traceback.format_exception_only(type(exc), exc)).strip().split("\n")[-1]
    event(error=message, line=line, **({"memory": True} if isinstance(exc, MemoryError) else {}))


def run(spec, values):
    with open(spec["script"], "rb") as f:
        code = compile(f.read(), spec["script"], "exec")
    exec(code, values)


def bindings(spec, values):
    for name, type, value, loaded in spec["inputs"]:
        values[name] = None if value is None else load(type, value) if loaded else bind(type, value)
    for name, type, path, printed in spec["outputs"]:
        inner = type[1] if type[0] == "opt" else type
        if not printed and (inner[0] == "file" or is_dir_type(inner)):
            import pathlib
            values[name] = pathlib.Path(path)


def main():
    text = os.environ.pop("WF_SPEC", None)
    if text is None:
        with open(os.environ.pop("WF_SPEC_FILE"), encoding="utf-8") as f:
            text = f.read()
    spec = read_json(text)
    module = type(sys)("__main__")
    module.__file__ = spec["script"]
    module.__builtins__ = __builtins__
    sys.modules["__main__"] = module
    sys.modules["wf"] = module.wf = Wf()
    sys.argv = [spec["script"]]
    values = module.__dict__
    try:
        bindings(spec, values)
        try:
            run(spec, values)
        except SystemExit as e:
            if isinstance(e.code, str):
                event(error=e.code)
            if e.code not in (None, 0):
                raise
        for name, t, path, printed in spec["outputs"]:
            if not printed:
                finish(name, t, path, values)
    except OutputError as e:
        sys.stderr.write("%s\n" % e)
        event(error=str(e), output=True)
        sys.exit(1)
    except Exception as e:
        describe(spec, e)
        sys.exit(1)
