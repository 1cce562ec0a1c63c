

# ---- tasks of other engines ----
#
# What the engine does around a step on this machine, done by the task itself on another: stage its inputs, run its code by the
# step protocol, check and store what it produced. Inputs and outputs are values in JSON form; a file is
# {"file", "sha256", "size", ...} with the "uri" at which the store keeps it.

class StepFailed(Exception):
    """How a step failed: kind is exit, timeout, memory, output, value, lost or fail."""

    def __init__(self, kind, message, code=None, log=""):
        super().__init__(message)
        self.kind, self.message, self.code, self.log = kind, message, code, log

    def record(self, step):
        """The failure as the language's struct Failure."""
        return {"step": step, "kind": self.kind, "code": self.code, "message": self.message, "log": self.log}


class Folder:
    """A store under file://DIR or a plain path."""

    def __init__(self, uri):
        self.root = uri[7:] if uri.startswith("file://") else uri

    def put(self, source, key):
        import shutil
        target = os.path.join(self.root, key)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        temporary = "%s.%d.tmp" % (target, os.getpid())
        shutil.copyfile(source, temporary)
        os.replace(temporary, target)
        return "file://" + target

    def get(self, uri, target):
        import shutil
        shutil.copyfile(uri[7:] if uri.startswith("file://") else uri, target)


class Bucket:
    """A store under s3://BUCKET/PREFIX, by boto3 where it is installed, else by the aws program."""

    def __init__(self, uri):
        self.root = uri.rstrip("/")
        try:
            import boto3
            self.client = boto3.client("s3")
        except ImportError:
            self.client = None

    def put(self, source, key):
        uri = "%s/%s" % (self.root, key)
        self.copy(source, uri)
        return uri

    def get(self, uri, target):
        self.copy(uri, target)

    def copy(self, source, target):
        if self.client is None:
            import subprocess
            subprocess.run(["aws", "s3", "cp", "--only-show-errors", source, target], check=True)
        elif source.startswith("s3://"):
            self.client.download_file(*source[5:].split("/", 1), target)
        else:
            self.client.upload_file(source, *target[5:].split("/", 1))


class Web:
    """A store under http(s)://, where PUT keeps what GET gives."""

    def __init__(self, uri):
        self.root = uri.rstrip("/")

    def put(self, source, key):
        import urllib.parse
        import urllib.request
        uri = "%s/%s" % (self.root, urllib.parse.quote(key))
        with open(source, "rb") as f:
            size = str(os.fstat(f.fileno()).st_size)
            urllib.request.urlopen(urllib.request.Request(uri, data=f, method="PUT", headers={"Content-Length": size})).close()
        return uri

    def get(self, uri, target):
        import shutil
        import urllib.request
        with urllib.request.urlopen(uri) as response, open(target, "wb") as f:
            shutil.copyfileobj(response, f, 1 << 20)


def open_store(uri):
    return Bucket(uri) if uri.startswith("s3://") else Web(uri) if uri.startswith(("http://", "https://")) else Folder(uri)


def file_sha256(path):
    import hashlib
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


# ---- what a file must be ----

MAGIC = {"png": (0, b"\x89PNG\r\n\x1a\n", "a PNG image"), "jpg": (0, b"\xff\xd8\xff", "a JPEG image"),
         "jpeg": (0, b"\xff\xd8\xff", "a JPEG image"), "gif": (0, b"GIF8", "a GIF image"), "webp": (8, b"WEBP", "a WebP image"),
         "pdf": (0, b"%PDF-", "a PDF document"), "gz": (0, b"\x1f\x8b", "gzip data"), "gzip": (0, b"\x1f\x8b", "gzip data"),
         "tgz": (0, b"\x1f\x8b", "gzip data"), "tar.gz": (0, b"\x1f\x8b", "gzip data"), "bz2": (0, b"BZh", "bzip2 data"),
         "xz": (0, b"\xfd7zXZ", "xz data"), "zst": (0, b"\x28\xb5\x2f\xfd", "zstd data"), "zip": (0, b"PK", "a zip archive"),
         "npz": (0, b"PK", "a zip archive"), "xlsx": (0, b"PK", "a zip archive"), "tar": (257, b"ustar", "a tar archive"),
         "sqlite": (0, b"SQLite format 3\0", "an SQLite database"), "parquet": (0, b"PAR1", "a Parquet file"),
         "npy": (0, b"\x93NUMPY", "a NumPy array")}


def cell_fits(type, s):
    kind = type[0]
    if kind == "opt":
        return s == "" or cell_fits(type[1], s)
    if kind == "bool":
        return s in ("true", "false", "True", "False", "TRUE", "FALSE", "1", "0")
    if kind == "duration":
        return span_ms(s) is not None
    if kind == "time":
        return time_ms(s) is not None
    if kind == "size" and bytes_of(s) is not None:
        return True
    if kind == "enum":
        return any(s in f[:2] for f in type[2])
    if kind in ("int", "float", "size"):
        try:
            return kind == "float" or whole_number(float_of(s))
        except Trap:
            return False
    return True


def check_table(path, columns, separator):
    """Reads a table of text; its number of rows, or StepFailed."""
    import csv
    csv.field_size_limit(1 << 30)
    with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as f:
        reader = csv.reader(f, delimiter=separator, strict=True)
        header = next(reader, None)
        if header is None:
            raise Trap("it is empty: a table has a header line")
        wanted = [(header.index(foreign), foreign, type) for _, foreign, type in columns if foreign in header]
        for _, foreign, _ in columns:
            if header.count(foreign) != 1:
                raise Trap(("it has two columns `%s`" if foreign in header else "it has no column `%s`") % foreign)
        count, line = 0, reader.line_num
        for row in reader:
            line, before = reader.line_num, line
            if not row or (row == [""] and len(header) > 1):
                continue
            if len(row) != len(header):
                raise Trap("line %d has %d value%s where the header has %d" % (before + 1, len(row), "" if len(row) == 1 else "s", len(header)))
            for i, name, type in wanted:
                if not cell_fits(type, row[i]):
                    raise Trap("in line %d the column `%s` %s" % (before + 1, name, "is empty, which %s does not allow" % type_text(type) if row[i] == ""
                               else "has %s, which is not of type %s" % (json_text(row[i][:60]), type_text(type))))
            count += 1
        return count


def json_fits(type, v):
    kind = type[0]
    if kind == "opt":
        return v is None or json_fits(type[1], v)
    if kind in ("list", "map", "struct"):
        return isinstance(v, list if kind == "list" else dict)
    try:
        decode(type, v)
    except Trap:
        return False
    return True


def check_row(columns, v, unit, number):
    if not isinstance(v, dict):
        raise Trap("%s %d is not a JSON object" % (unit, number))
    for name, foreign, type in columns:
        if foreign not in v:
            if type[0] != "opt":
                raise Trap("%s %d has no `%s`" % (unit, number, foreign))
        elif not json_fits(type, v[foreign]):
            raise Trap("in %s %d the column `%s` is not of type %s" % (unit, number, name, type_text(type)))


def check_file(path, type):
    """The number of rows of a table, None of other files; Trap when the file is not what its type says."""
    import json
    form, columns = type[1], type[2] if len(type) > 2 else []
    if form in ("csv", "tsv"):
        import csv
        try:
            return check_table(path, columns, "\t" if form == "tsv" else ",")
        except csv.Error as e:
            raise Trap("it is not a table: %s" % e)
    if form in ("json", "jsonl", "ndjson"):
        with open(path, encoding="utf-8", errors="surrogateescape") as f:
            try:
                values = [json.loads(line) for line in f if line.strip()] if form != "json" else json.load(f)
            except ValueError as e:
                raise Trap("it is not JSON: %s" % e)
        if form == "json" and not columns:
            return None
        if not isinstance(values, list):
            raise Trap("it is not a JSON array of objects")
        for i, v in enumerate(values):
            if columns:
                check_row(columns, v, "row" if form == "json" else "line", i + 1)
        return len(values)
    if form in MAGIC:
        offset, want, what = MAGIC[form]
        with open(path, "rb") as f:
            head = f.read(offset + len(want))
        if head[offset:] != want:
            raise Trap("it is not %s" % what)
    return None


# ---- staging ----

class Stage:
    """The folders of one attempt, and the way of files between them and the store."""

    def __init__(self, store, prefix, work):
        self.store, self.prefix, self.work, self.count = store, prefix, work, 0
        for name in ("in", "out", "work"):
            os.makedirs(os.path.join(work, name), exist_ok=True)

    def fetch(self, v, stem):
        """A file or directory of the store as a read-only path."""
        path = os.path.join(self.work, "in", stem)
        if v.get("dir"):
            os.makedirs(path, exist_ok=True)
            for name, uri, mode in v["files"]:
                if mode == "d":
                    os.makedirs(os.path.join(path, name), exist_ok=True)
                    continue
                self.fetch_one(uri, os.path.join(path, name), 0o555 if mode == "x" else 0o444)
        else:
            path += "." + v["format"] if v.get("format") else ""
            self.fetch_one(v["uri"], path, 0o444)
        return path

    def fetch_one(self, uri, path, mode):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.store.get(uri, path)
        os.chmod(path, mode)

    def localise(self, type, v, stem):
        """The value with paths in place of its files."""
        kind = type[0]
        if v is None:
            return None
        if kind == "opt":
            return self.localise(type[1], v, stem)
        if kind in ("file", "dir"):
            return self.fetch({"format": type[1], **v} if kind == "file" and type[1] else v, stem)
        if kind == "list":
            return [self.localise(type[1], x, "%s/%d" % (stem, i)) for i, x in enumerate(v)]
        if kind == "map":
            return {k: self.localise(type[1], x, "%s/%d" % (stem, i)) for i, (k, x) in enumerate(v.items())}
        if kind == "struct":
            return {f[1]: self.localise(f[2], v.get(f[1]), "%s/%s" % (stem, f[0])) for f in type[2]}
        return v

    def keep(self, path, name):
        self.count += 1
        return self.store.put(path, "%s/%d/%s" % (self.prefix, self.count, name))

    def keep_file(self, type, path, name):
        try:
            rows = check_file(path, type)
        except Trap as e:
            raise OutputError("%s is declared as %s, but %s" % (os.path.basename(path), type_text(type), e))
        v = {"file": name, "sha256": file_sha256(path), "size": os.path.getsize(path)}
        if type[1]:
            v["format"] = type[1]
        if rows is not None:
            v["rows"] = rows
        v["uri"] = self.keep(path, name)
        return v

    def keep_dir(self, path, name):
        """A directory: its hash is that of the manifest that a local run stores."""
        import hashlib
        import json
        entries = []
        for folder, folders, files in os.walk(path):
            folders.sort()
            rel = os.path.relpath(folder, path)
            entries += [(os.path.join(rel, f) if rel != "." else f, os.path.join(folder, f)) for f in files]
            if rel != "." and not folders and not files:
                entries.append((rel, None))
        manifest, kept, size = "wfdir 1\n", [], 0
        for rel, full in sorted(entries, key=lambda e: os.fsencode(e[0])):
            if full is None:
                manifest += "d %s\n" % json.dumps(rel, ensure_ascii=False)
                kept.append([rel, None, "d"])
                continue
            if not os.path.isfile(full):
                raise OutputError("output `%s`: %s in it is neither a file nor a directory" % (name, rel))
            mode = "x" if os.stat(full).st_mode & 0o111 else "f"
            manifest += "%s %s %d %s\n" % (mode, file_sha256(full), os.path.getsize(full), json.dumps(rel, ensure_ascii=False))
            size += os.path.getsize(full)
            kept.append([rel, self.keep(full, os.path.basename(rel)), mode])
        return {"file": name, "sha256": hashlib.sha256(manifest.encode()).hexdigest(), "size": size, "dir": True, "files": kept}

    def take(self, type, v, where):
        """A parameter of a run, whose paths and addresses become files of the store."""
        kind = type[0]
        if v is None or kind == "opt":
            return None if v is None else self.take(type[1], v, where)
        if kind == "list":
            return [self.take(type[1], x, "%s/%d" % (where, i)) for i, x in enumerate(v)]
        if kind == "map":
            return {k: self.take(type[1], x, "%s/%d" % (where, i)) for i, (k, x) in enumerate(v.items())}
        if kind == "struct":
            return {f[1]: self.take(f[2], v.get(f[1]), "%s/%s" % (where, f[0])) for f in type[2]}
        if kind not in ("file", "dir") or not isinstance(v, str):
            return v
        name = v.rstrip("/").rpartition("/")[2]
        if kind == "dir":
            return self.keep_dir(v[7:] if v.startswith("file://") else v, name)
        path = os.path.join(self.work, "in", where, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            self.store.get(v, path)
            return self.keep_file(type, path, name)
        except OSError as e:
            raise Trap("parameter `%s`: cannot read %s: %s" % (where, v, e.strerror or e))
        except OutputError as e:
            raise Trap("parameter `%s`: %s" % (where, e))

    def collect(self, name, type, path):
        """The value of an output that a step has written at its path."""
        if type[0] == "opt":
            empty = os.path.isdir(path) and not os.listdir(path)
            return None if empty or not os.path.lexists(path) else self.collect(name, type[1], path)
        if not os.path.lexists(path):
            raise OutputError("the step ended without writing its output `%s` (%s)" % (name, type_text(type)))
        if type[0] == "dir":
            self.must_be(os.path.isdir, path, name, type)
            return self.keep_dir(path, name)
        if is_dir_type(type):
            self.must_be(os.path.isdir, path, name, type)
            paths = [os.path.join(path, f) for f in sorted(os.listdir(path), key=os.fsencode)]
            for p in paths:
                self.must_be(os.path.isfile, p, name, type, os.path.basename(p) + " in it")
            return [self.keep_file(type[1], p, os.path.basename(p)) for p in paths]
        self.must_be(os.path.isfile, path, name, type)
        if type[0] == "file":
            try:
                return self.keep_file(type, path, os.path.basename(path))
            except OutputError as e:
                raise OutputError("output `%s`: %s" % (name, e))
        with open(path, "rb") as f:
            data = f.read()
        return read_value(name, type, data[:-1] if data.endswith(b"\n") else data)

    @staticmethod
    def must_be(test, path, name, type, what="it"):
        if not test(path):
            import stat
            mode = os.stat(path).st_mode if os.path.exists(path) else 0
            kind = "a directory" if stat.S_ISDIR(mode) else "a file" if stat.S_ISREG(mode) else "a pipe" if stat.S_ISFIFO(mode) else \
                "a device or socket" if mode else "a link that leads nowhere"
            raise OutputError("output `%s` is declared as %s, but %s is %s" % (name, type_text(type), what, kind))


def read_value(name, type, data):
    """The text that a step wrote for an output, in JSON form."""
    try:
        s = data.decode("utf-8")
        kind = type[0]
        if kind == "string":
            return s
        if kind in ("list", "map", "struct", "json"):
            v = parse_json(s)
        elif kind == "bool":
            v = {"true": True, "false": False}.get(s, s)
        elif kind in ("int", "float"):
            v = int_of(s) if kind == "int" else float_of(s)
        elif kind == "size" and s.isdigit():
            v = int_of(s)
        elif kind in ("int", "float") or (kind == "size" and s.lstrip("-").isdigit()):
            v = float_of(s) if kind == "float" else int_of(s)
            s = s.strip()
            v = float_of(s) if kind == "float" or "." in s or "e" in s else int_of(s)
        elif kind == "size" and s.lstrip("-").isdigit():
            v = int_of(s)
        else:
            v = s
        return encode(type, decode(type, v))
    except UnicodeDecodeError as e:
        raise OutputError("output `%s`: the text is not valid UTF-8 at byte %d" % (name, e.start))
    except Trap as e:
        raise OutputError("output `%s`: %s" % (name, e))


# ---- running a step ----

def arg(type, v):
    """The arguments of a program that a value becomes: lists are spliced, none is dropped."""
    if v is None:
        return []
    if type[0] == "opt":
        return arg(type[1], v)
    if type[0] == "list":
        return [a for x in v for a in arg(type[1], x)]
    return [v if type[0] in ("file", "dir") else text(type, v)]


def as_text(type, v):
    """A scalar as a shell sees it; enum members by their names in WF."""
    if type[0] == "opt":
        return as_text(type[1], v)
    return text(type, decode(type, v)) if type[0] not in ("file", "dir", "secret") else v


def is_compound(type):
    return type[0] in ("list", "map", "struct", "json") or (type[0] == "opt" and is_compound(type[1]))


def shell_variables(spec, values, stage):
    """The variables and files of a step in a shell, and the arrays of bash."""
    import json
    env, arrays, used = {}, "", 0
    total = sum(len(json_text(values[n])) for n, t, *_ in spec["inputs"] if values[n] is not None and is_compound(t))
    for name, type, *_ in spec["inputs"]:
        v = values[name]
        if v is None:
            continue
        inner = type[1] if type[0] == "opt" else type
        if is_compound(type):
            with open(os.path.join(stage.work, "in", name + ".json"), "w", encoding="utf-8") as f:
                f.write(json_text(v))
            if spec["body"] == "bash" and inner[0] == "list" and not is_compound(inner[1]):
                arrays += "%s=(%s); " % (name, " ".join("'%s'" % as_text(inner[1], x).replace("'", "'\\''") for x in v if x is not None))
                continue
            if total < 65536:
                env[name] = json_text(v)
            continue
        s = as_text(type, v)
        if "\0" in s:
            raise StepFailed("value", "the input `%s` holds U+0000, which a variable cannot" % name)
        used += len(s.encode())
        if len(s.encode()) > 131000 or used > 1 << 20:
            with open(os.path.join(stage.work, "in", name + ".json"), "w", encoding="utf-8") as f:
                json.dump(s, f, ensure_ascii=False)
        else:
            env[name] = s
    return env, arrays


def python_values(spec, values):
    """The inputs as the part that runs Python steps reads them."""
    def form(type, v):
        if type[0] == "opt":
            return form(type[1], v)
        return v if is_compound(type) or type[0] == "bool" else str(as_text(type, v))
    return [[n, simple(t), None if values[n] is None else form(t, values[n]), bool(loaded)] for n, t, loaded in spec["inputs"]]


def simple(type):
    """A type as that part knows it."""
    if type[0] in ("list", "map", "opt"):
        return [type[0], simple(type[1])]
    if type[0] == "struct":
        return ["struct", type[1], [[f[0], f[1], simple(f[2])] for f in type[2]]]
    return ["string"] if type[0] == "secret" else type[:2] if type[0] == "file" else type[:1]


def output_path(stage, name, type):
    inner = type[1] if type[0] == "opt" else type
    path = os.path.join(stage.work, "out", name)
    if is_dir_type(inner):
        os.makedirs(path, exist_ok=True)
        return path
    return "%s.%s" % (path, inner[1]) if inner[0] == "file" and inner[1] else path


def venv(packages, version):
    """The Python of a virtual environment with the packages, made once on this machine."""
    import fcntl
    import subprocess
    program = "python" + version if version else sys.executable or "python3"
    base = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "wfc", "venv")
    folder = os.path.join(base, sha256("\n".join([program, *packages])))
    python = os.path.join(folder, "bin", "python")
    os.makedirs(base, exist_ok=True)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(folder, "complete")):
            for command in ([program, "-m", "venv", "--clear", folder], [python, "-m", "pip", "install", "-q", *packages]):
                done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                if done.returncode:
                    raise StepFailed("lost", "cannot install the packages: %s" % done.stdout.strip().split("\n")[-1])
            open(os.path.join(folder, "complete"), "w").close()
    return python


def write_script(stage, name, code):
    path = os.path.join(stage.work, name)
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write(code)
    return path


def command_of(spec, values, outputs, stage, env):
    """argv and the variables of the step's process."""
    import json
    here = os.path.dirname(os.path.abspath(__file__))
    body, script = spec["body"], None
    if body in ("python", "node"):
        ext = "py" if body == "python" else "js"
        script = write_script(stage, "%s.%s" % (spec["step"], ext), spec["code"])
        described = {"script": script, "file": spec.get("file", ""), "line": spec.get("line", 1), "inputs": python_values(spec, values),
                     "outputs": [[n, simple(t), outputs[n], bool(p)] for n, t, p in spec["outputs"]]}
        path = write_script(stage, "in/.spec", json.dumps(described, ensure_ascii=False))
        env.update(WF_SPEC_FILE=path, PYTHONUNBUFFERED="1")
        if body == "node":
            return ["node", os.path.join(here, "wf_shim.js")], env
        python = venv(spec["packages"], spec.get("python")) if spec.get("packages") else \
            "python" + spec["python"] if spec.get("python") else sys.executable or "python3"
        env["WF_SHIM"] = here
        return [python, "-c", "import os, sys; sys.path[0] = os.environ.pop('WF_SHIM'); import wf_shim; del sys.path[0]; wf_shim.main()"], env
    variables, arrays = shell_variables(spec, values, stage)
    env.update(variables)
    env.update(outputs)
    if body == "exec":
        names = {n: decode_local(t, values[n]) for n, t, *_ in spec["inputs"]}
        names.update(outputs)
        argv = spec["argv"](names) if callable(spec["argv"]) else eval(spec["argv"], {"wf": sys.modules[__name__], "v": names})
        if not argv or not argv[0]:
            raise StepFailed("value", "the command is empty")
        return argv, env
    script = write_script(stage, spec["step"] + ".sh", spec["code"])
    if body == "sh":
        return ["sh", "-eu", script], env
    prelude = write_script(stage, "in/.bindings", arrays)
    trap = "set -E; trap 'printf \"{\\\"line\\\":%d}\\n\" \"$LINENO\" >>\"$WF_EVENTS\" 2>/dev/null || :' ERR; . \"$0\""
    return ["bash", "-euo", "pipefail", "-c", ". '%s'; %s" % (prelude.replace("'", "'\\''"), trap), script], env


def decode_local(type, v):
    """As decode, of a value whose files are paths already."""
    kind = type[0]
    if v is None or kind in ("file", "dir", "secret"):
        return v
    if kind in ("opt", "list", "map", "struct"):
        if kind == "opt":
            return decode_local(type[1], v)
        if kind == "list":
            return [decode_local(type[1], x) for x in v]
        if kind == "map":
            return {k: decode_local(type[1], x) for k, x in v.items()}
        return {f[0]: decode_local(f[2], v.get(f[1])) for f in type[2]}
    return decode(type, v)


def tail_of(log, lines=20):
    text = log.decode("utf-8", "replace")
    end = "\n" if text.endswith("\n") else ""
    return "\n".join(text[:len(text) - len(end)].split("\n")[-lines:]) + end


def run_process(argv, env, folder, timeout, printed, hidden=()):
    """Runs the command as a process group and passes on what it prints, with *** for what is hidden. (status or None after the timeout,
    the end of the log)."""
    import signal
    import subprocess
    import threading
    log = bytearray()
    out = open(printed, "wb") if printed else subprocess.PIPE
    p = subprocess.Popen(argv, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE if printed else subprocess.STDOUT,
                         start_new_session=True)
    stream = p.stderr if printed else p.stdout

    def show(block):
        for secret in hidden:
            block = block.replace(secret, b"***")
        log.extend(block)
        del log[:-65536]
        sys.stdout.write(block.decode("utf-8", "replace"))
        sys.stdout.flush()

    def pump():
        rest = b""
        for block in iter(lambda: os.read(stream.fileno(), 65536), b""):
            # A secret may be cut at the end of what was read: whole lines are shown, and lines without end in pieces.
            whole, newline, rest = (rest + block).rpartition(b"\n")
            if hidden and len(rest) < 65536:
                show(whole + newline)
            else:
                show(whole + newline + rest)
                rest = b""
        show(rest)

    def stop(number, frame=None):
        try:
            os.killpg(p.pid, number)
        except ProcessLookupError:
            pass

    reader = threading.Thread(target=pump, daemon=True)
    reader.start()
    try:
        status = p.wait(timeout)
    except subprocess.TimeoutExpired:
        status = None
        stop(signal.SIGTERM)
        try:
            p.wait(5)
        except subprocess.TimeoutExpired:
            pass
    finally:
        stop(signal.SIGKILL)
        p.wait()
    reader.join(1)
    return status, bytes(log)


def judge(status, log, events, timeout_ms):
    """StepFailed for a process that did not end well."""
    import json
    reported, bad_output, memory = None, False, False
    try:
        with open(events, encoding="utf-8", errors="replace") as f:
            for line in f:
                try:
                    e = json.loads(line)
                except ValueError:
                    continue
                reported, bad_output, memory = e.get("error", reported), e.get("output", bad_output), e.get("memory", memory)
    except OSError:
        pass
    if status is None:
        return StepFailed("timeout", "stopped after its timeout of %s" % duration_text(timeout_ms), log=tail_of(log))
    code = status if status >= 0 else 128 - status
    message = reported or ("exit status %d" % status if status >= 0 else "killed by signal %d" % -status)
    if memory or code == 137:
        return StepFailed("memory", "out of memory" if memory else "killed by the kernel: out of memory", code, tail_of(log))
    return StepFailed("output" if bad_output else "exit", message, code, tail_of(log))


def secret_value(name):
    """A secret of the name: the variable WFC_SECRET_<NAME>."""
    v = os.environ.get("WFC_SECRET_" + name.upper())
    if v is None:
        raise StepFailed("value", "the secret `%s` is not there: set the variable WFC_SECRET_%s" % (name, name.upper()))
    return v


def step(spec, inputs, store, prefix, facts, env=None, timeout_ms=None, secret=secret_value):
    """Runs one attempt of a step and gives its outputs by name, in JSON form; StepFailed when it fails.

    spec: {"step", "body": python|node|bash|sh|exec, "code" or "argv", "file", "line", "inputs": [[name, type, load]],
    "outputs": [[name, type, printed]], "limits", "packages", "python", "code_dir"}; prefix: where in the store the files of this attempt go;
    facts: WF_RUN_ID, WF_STEP, WF_ATTEMPT, WF_IDEMPOTENCY_KEY."""
    import shutil
    import tempfile
    work = tempfile.mkdtemp(prefix="wf-")
    try:
        try:
            check_limits(spec.get("limits", {}), inputs)
        except Trap as e:
            raise StepFailed("value", str(e))
        stage = Stage(store, prefix, work)
        values = {}
        for name, type, *_ in spec["inputs"]:
            v = inputs.get(name)
            inner = type[1] if type[0] == "opt" else type
            values[name] = secret(v["secret"]) if inner[0] == "secret" and v is not None else stage.localise(type, v, name)
        hidden = sorted({values[n].encode() for n, t, *_ in spec["inputs"] if (t[1] if t[0] == "opt" else t)[0] == "secret" and values[n]},
                        key=len, reverse=True)
        outputs = {n: output_path(stage, n, t) for n, t, _ in spec["outputs"]}
        printed = next((outputs[n] for n, _, p in spec["outputs"] if p), None)
        events = os.path.join(work, "events")
        base = {k: os.environ[k] for k in ("PATH", "HOME", "LANG", "TMPDIR", "TZ") if k in os.environ}
        base.update({"LANG": base.get("LANG", "C.UTF-8"), "WF_EVENTS": events, "WF_INPUTS": os.path.join(work, "in"), **facts})
        if spec.get("code_dir"):
            base.update(WF_CODE=spec["code_dir"], PYTHONPATH=spec["code_dir"])
        argv, variables = command_of(spec, values, outputs, stage, base)
        variables.update(env or {})
        try:
            status, log = run_process(argv, variables, spec.get("folder") or os.path.join(work, "work"),
                                      None if timeout_ms is None else timeout_ms / 1000, printed, hidden)
        except FileNotFoundError:
            raise StepFailed("exit", "the program `%s` is not installed: no such program in PATH" % argv[0], 127)
        except OSError as e:
            raise StepFailed("value" if e.errno == 7 else "exit", "cannot start %s: %s" % (argv[0], os.strerror(e.errno)))
        if status != 0:
            failure = judge(status, log, events, timeout_ms)
            for value in hidden:
                failure.message = failure.message.replace(value.decode(), "***")
            failure.args = (failure.message,)
            raise failure
        try:
            return {n: stage.collect(n, t, outputs[n]) for n, t, _ in spec["outputs"]}
        except OutputError as e:
            raise StepFailed("output", str(e), log=tail_of(log))
    finally:
        shutil.rmtree(work, ignore_errors=True)


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
    with open("/wf/out/" + name, "w", encoding="ascii") as f:
        f.write(text)


MOST_OF_ARGO = 256 << 10


def argo_result(v):
    text = argo_text(v)
    if len(text) > MOST_OF_ARGO:
        raise StepFailed("output", "the value is of %d bytes; the engine carries up to %d: write it to a file" % (len(text), MOST_OF_ARGO))
    argo_write("value", text)


def argo_run(name):
    """One attempt of a step."""
    spec = argo_load("steps.json")[name]
    types = {n: t for n, t, *_ in spec["inputs"]}
    values, staged = argo_inputs()
    names = {"wf": sys.modules[__name__]}
    exec(spec.get("functions", ""), names)
    inputs = {n: argo_listed(argo_value(values[n]), staged) for n in types}
    names["v"] = {n: decode(t, inputs[n]) if t[0] != "secret" else None for n, t in types.items()}
    if "code_file" in spec:
        with open("/wf/flow/" + spec["code_file"], encoding="utf-8", newline="") as f:
            spec["code"] = f.read()
    if "argv" in spec:
        argv = spec["argv"]
        spec["argv"] = lambda local: eval(argv, {**names, "v": local})
    facts = {k: os.environ[k] for k in ("WF_RUN_ID", "WF_STEP")}
    facts.update(WF_ATTEMPT=str(int(os.environ.get("WF_RETRIES", "0")) + 1), WF_IDEMPOTENCY_KEY=sha256("%(WF_RUN_ID)s/%(WF_STEP)s" % facts))
    key = os.environ["WF_KEY"]
    try:
        spec.update(packages=eval(spec.get("packages_text", "None"), names), python=eval(spec.get("python_text", "None"), names))
        timeout = eval(spec.get("timeout", "None"), names)
        out = argo_keyed(step(spec, inputs, ArgoStore(key, staged), "out", facts, eval(spec.get("env", "None"), names), timeout), key)
        outputs = spec["outputs"]
        argo_result(None if not outputs else out[outputs[0][0]] if spec["single"] else {n: out[n] for n, *_ in sorted(outputs)})
    except StepFailed as e:
        record = e.record(facts["WF_STEP"])
        e.again = e.kind not in ("value", "fail") and ("on" not in spec or eval(spec["on"], {**names, "e": record}))
        raise


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
        return {"secret": text}
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
    modes = {"save": argo_save, "values": argo_saved, "run": argo_run, "compute": argo_compute, "params": argo_params, "failures": argo_failures}
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
        """The outcomes of a loop's items as its own."""
        bad = [x for x in event["items"] if not x["ok"]]
        share = event.get("tolerate")
        if bad and (share is None or len(bad) > share * len(event["items"]) + 1e-9):
            return {"ok": False, "value": None, "failures": [f for x in bad for f in x["failures"]]}
        return {"ok": True, "value": [x.get("value") for x in event["items"]]}

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
