

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


def forms_of(secret):
    """What of a secret nobody may see: itself, its lines, for it may be printed line by line, and both as JSON writes them."""
    import json
    parts = {secret, *(line for line in secret.splitlines() if len(line.strip()) >= 4)} - {""}
    return parts | {json.dumps(part, ensure_ascii=ascii)[1:-1] for part in parts for ascii in (True, False)}


def without_secrets(failure, hidden):
    """The failure with *** in its message. What a wrong output holds is quoted in part: a part of a secret would not be recognised."""
    if hidden and failure.kind == "output" and '"' in failure.message:
        failure.message = failure.message.partition('"')[0] + "***"
    for form in hidden:
        failure.message = failure.message.replace(form, "***")
    failure.args = (failure.message,)
    return failure


def delay_after(attempt, delay, factor, most):
    """Milliseconds between that attempt and the next, as a local run has them without jitter."""
    try:
        return min(delay * factor ** (attempt - 1), most)
    except OverflowError:
        return most


def drawn(delay, jitter, seed=None):
    """The delay, with jitter between half and all of it; with a seed always the same."""
    import random
    return random.Random(seed).uniform(delay / 2, delay) if jitter else delay


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
        for form in hidden:
            block = block.replace(form.encode(), b"***")
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


def local_inputs(spec, inputs, stage, secret):
    """The inputs by name, with paths in place of files and the values of secrets; and what of the secrets nobody may see, the longest first."""
    values, hidden = {}, set()
    for name, type, *_ in spec["inputs"]:
        v = inputs.get(name)
        inner = type[1] if type[0] == "opt" else type
        if inner[0] == "secret" and v is not None:
            values[name] = secret(v["secret"])
            hidden |= forms_of(values[name])
        else:
            values[name] = stage.localise(type, v, name)
    return values, sorted(hidden, key=len, reverse=True)


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
        values, hidden = local_inputs(spec, inputs, stage, secret)
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
            raise without_secrets(judge(status, log, events, timeout_ms), hidden)
        try:
            return {n: stage.collect(n, t, outputs[n]) for n, t, _ in spec["outputs"]}
        except OutputError as e:
            raise without_secrets(StepFailed("output", str(e), log=tail_of(log)), hidden) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
