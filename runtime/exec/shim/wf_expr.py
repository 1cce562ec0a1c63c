

# ---- expressions, with the meaning they have in the language ----
#
# Values inside expressions are Python's own: durations and times are milliseconds, sizes bytes, enum members and the fields of
# structs go by their names in WF, maps keep the order of their keys. What travels between tasks is JSON in the language's public
# form; decode and encode convert by the type.

class Trap(Exception):
    """An expression that has no value: what the language calls a failure of kind `value`."""


I64_MAX = (1 << 63) - 1


def i64(n):
    if -I64_MAX - 1 <= n <= I64_MAX:
        return n
    raise Trap("the result does not fit 64 bits")


def f64(x):
    if x - x == 0:
        return x
    raise Trap("the result is not a finite number")


def div(a, b):
    if b == 0:
        raise Trap("division by zero")
    return f64(a / b)


def floordiv(a, b):
    if b == 0:
        raise Trap("division by zero")
    return a // b


def mod(a, b):
    if b == 0:
        raise Trap("division by zero")
    return a % b


def to_i64(x):
    """The nearest integer, ties to even."""
    return i64(round(x)) if x - x == 0 else i64(1 << 63)


def scale(n, x):
    return to_i64(float(n) * x)


def unscale(n, x):
    if x == 0:
        raise Trap("division by zero")
    return to_i64(float(n) / x)


def coalesce(v, other):
    return v if v is not None else other()


def at(xs, i):
    if isinstance(xs, dict):
        if i not in xs:
            raise Trap('the map has no entry "%s"' % i)
    elif not 0 <= i < len(xs):
        raise Trap("there is no element %d in a list of %d" % (i, len(xs)))
    return xs[i]


def get(xs, i):
    return xs[i] if 0 <= i < len(xs) else None


def map_of(entries):
    return dict(sorted(dict(entries).items()))


def pairs(xs, ys, what=None):
    if len(xs) != len(ys):
        if what:
            raise Trap("%s lists of %d and %d elements" % (what, len(xs), len(ys)))
        raise Trap("lists of different lengths, %d and %d, cannot be walked together" % (len(xs), len(ys)))
    return zip(xs, ys)


def key(type, v):
    """What compares as values of the type do: JSON by its text, files by their content."""
    if type is None:
        return tuple(sorted((k, key(None, x)) for k, x in v.items())) if isinstance(v, dict) else \
            tuple(key(None, x) for x in v) if isinstance(v, list) else v
    kind = type[0]
    if kind == "opt":
        return () if v is None else (key(type[1], v),)
    if kind == "json":
        return json_text(v)
    if kind in ("file", "dir"):
        return v["sha256"], kind
    if kind == "list":
        return tuple(key(type[1], x) for x in v)
    if kind == "map":
        return tuple((k, key(type[1], x)) for k, x in v.items())
    if kind == "struct":
        return tuple(key(f[2], v[f[0]]) for f in type[2])
    return v


def best(xs, f, less):
    if not xs:
        raise Trap("an empty list has no such element")
    found, top = xs[0], f(0, xs[0])
    for i in range(1, len(xs)):
        k = f(i, xs[i])
        if less(top, k):
            found, top = xs[i], k
    return found


def min_by(xs, f):
    return best(xs, f, lambda a, b: b < a)


def max_by(xs, f):
    return best(xs, f, lambda a, b: b > a)


def sort_by(xs, f, descending):
    keys = [f(i, x) for i, x in enumerate(xs)]
    return [xs[i] for i in sorted(range(len(xs)), key=keys.__getitem__, reverse=descending)]


def group_by(xs, f, type):
    groups = {}
    for i, x in enumerate(xs):
        k = f(i, x)
        groups.setdefault(key(type, k), {"items": [], "key": k})["items"].append(x)
    return list(groups.values())


def fold(xs, state, f):
    for i, x in enumerate(xs):
        state = f(i, x, state)
    return state


def repeat(state, most, until, f):
    for _ in range(most):
        if until(state):
            break
        state = f(state)
    return state


def sum_int(xs):
    total = 0
    for x in xs:
        total += x
        if not -I64_MAX - 1 <= total <= I64_MAX:
            raise Trap("the sum overflows an int")
    return total


def sum_float(xs):
    total = 0.0
    for x in xs:
        total += x
    return f64(total)


def not_empty(xs, name):
    if not xs:
        raise Trap("`%s` of an empty list" % name)
    return xs


def mean(xs):
    return f64(sum_float([float(x) for x in not_empty(xs, "mean")]) / len(xs))


def std(xs):
    middle = mean(not_empty(xs, "std"))
    return math_of("sqrt", sum_float([(x - middle) * (x - middle) for x in xs]) / len(xs))


def least(xs):
    return min(not_empty(xs, "min"))


def greatest(xs):
    return max(not_empty(xs, "max"))


def first(xs):
    return not_empty(xs, "first")[0]


def last(xs):
    return not_empty(xs, "last")[-1]


def unique(xs, type):
    seen = {}
    for x in xs:
        seen.setdefault(key(type, x), x)
    return list(seen.values())


def part(xs, start, end=None):
    start = max(start, 0)
    return xs[start:max(start, len(xs) if end is None else end)]


def range_of(start, end, step):
    if step == 0:
        raise Trap("`range`: the step is 0")
    r = range(start, end, step)
    n = max(0, (end - start + (step - 1 if step > 0 else step + 1)) // step)
    if n > 1 << 32:
        raise Trap("`range`: %d elements are too many" % n)
    return list(r)


def chunk(xs, n):
    if n < 1:
        raise Trap("`chunk`: the size must be at least 1")
    return [xs[i:i + n] for i in range(0, len(xs), n)]


def has_element(xs, x, type):
    if type is None:
        return x in xs
    k = key(type, x)
    return any(key(type, y) == k for y in xs)


def split(s, by):
    if not by:
        raise Trap("`split` by an empty string")
    return s.split(by)


def lines(s):
    if not s:
        return []
    return [x[:-1] if x.endswith("\r") else x for x in (s[:-1] if s.endswith("\n") else s).split("\n")]


def lower(s):
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in s)


def upper(s):
    return "".join(chr(ord(c) - 32) if "a" <= c <= "z" else c for c in s)


def replace(s, old, new):
    if not old:
        raise Trap("`replace` of an empty string")
    return s.replace(old, new)


CLASSES = {"alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": "\\x00-\\x7f", "blank": " \\t", "cntrl": "\\x00-\\x1f\\x7f",
           "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~", "punct": "!-/:-@\\[-`{-~", "space": "\\t-\\r ",
           "upper": "A-Z", "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f"}


def pattern(text):
    """RE2's syntax as Python's; what has no equal form is refused."""
    import re
    out, i, inside = [], 0, False
    while i < len(text):
        c = text[i]
        if c == "\\":
            two = text[i:i + 2]
            if two == "\\Q":
                end = text.find("\\E", i)
                end = len(text) if end < 0 else end
                out.append(re.escape(text[i + 2:end]))
                i = end + 2
                continue
            if two in ("\\p", "\\P", "\\C", "\\X", "\\N"):
                raise Trap("the pattern %s needs RE2: %s has no equal in Python" % (text, two))
            out.append({"\\z": "\\Z", "\\a": "\\x07"}.get(two, two))
            i += 2
        elif inside and text.startswith("[:", i) and ":]" in text[i:]:
            end = text.index(":]", i)
            name = text[i + 2:end]
            if name.lstrip("^") not in CLASSES or name.startswith("^"):
                raise Trap("the pattern %s needs RE2: [:%s:]" % (text, name))
            out.append(CLASSES[name])
            i = end + 2
        elif inside:
            inside = c != "]" or out[-1] in ("[", "[^")
            out.append("\\[" if c == "[" else "\\]" if inside and c == "]" else c)
            i += 1
        elif c == "[":
            inside = True
            out.append("[^" if text.startswith("[^", i) else "[")
            i += len(out[-1])
        else:
            if text.startswith("(?", i):
                flags = re.match(r"\(\?([a-zA-Z-]*)[:)]", text[i:])
                if flags and "U" in flags.group(1):
                    raise Trap("the pattern %s needs RE2: the flag U" % text)
            out.append("\\Z" if c == "$" and "(?m" not in text else c)
            i += 1
    try:
        return re.compile("".join(out), re.ASCII)
    except re.error as e:
        raise Trap("the pattern %s: %s" % (text, e))


def matches(s, p):
    return pattern(p).fullmatch(s) is not None


def extract(s, p):
    m = pattern(p).search(s)
    return None if m is None else (m.group(1) or "") if m.re.groups else m.group()


def repeated(s, n):
    if n > 0 and len(s.encode()) * n > 1 << 30:
        raise Trap("`repeated`: the text would be longer than 1 GiB")
    return s * n


def sha256(s):
    import hashlib
    return hashlib.sha256(s.encode()).hexdigest()


def dirname(path):
    head, slash, _ = path.rpartition("/")
    return (head or "/") if slash else "."


def within(name, x):
    if -9223372036854775808.0 <= x < 9223372036854775808.0:
        return int(x)
    raise Trap("`%s`: the result does not fit into an int" % name)


def math_of(name, *args):
    import math
    try:
        r = getattr(math, name)(*args)
    except (OverflowError, ValueError):
        r = float("inf")
    if isinstance(r, float) and r - r != 0:
        raise Trap("`%s`: the result is not a finite number" % name)
    return r


def floor(x):
    import math
    return within("floor", float(math.floor(x)))


def ceil(x):
    import math
    return within("ceil", float(math.ceil(x)))


def rounded(x):
    return within("round", float(round(x)))


def truncated(x):
    return within("int", float(int(x)))


def round_to(x, digits):
    if digits > 22 or x == 0:
        return x
    if digits < -308:
        return -0.0 if x < 0 else 0.0
    if digits >= 0:
        return f64(float("%.*f" % (digits, x)))
    unit = math_of("pow", 10.0, float(-digits))
    return f64(round(x / unit) * unit)


def sqrt(x):
    if x < 0:
        raise Trap("`sqrt` of a number below 0")
    return math_of("sqrt", x)


def log(x):
    if x <= 0:
        raise Trap("`log` of a number that is not above 0")
    return math_of("log", x)


def exp(x):
    return math_of("exp", x)


def power(x, y):
    return math_of("pow", x, y)


def abs_int(n):
    if n < -I64_MAX:
        raise Trap("`abs` overflows an int")
    return abs(n)


def clamp(x, low, high):
    if high < low:
        raise Trap("`clamp`: the upper bound is below the lower one")
    return low if x < low else high if x > high else x


def int_of(s):
    import re
    if re.fullmatch(r"[+-]?[0-9](?:[0-9_]*[0-9])?", s) and abs(int(s.replace("_", ""))) <= I64_MAX + s.startswith("-"):
        return int(s.replace("_", ""))
    raise Trap('`int`: "%s" is no integer' % s[:40])


def float_of(s):
    import re
    text = re.sub(r"(?<=[0-9])_", "", s)
    if len(s) < 400 and re.fullmatch(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", text) and float(text) - float(text) == 0:
        return float(text)
    raise Trap('`float`: "%s" is no number' % s[:40])


def fixed(x, decimals):
    if not 0 <= decimals <= 100:
        raise Trap("`format`: decimals must be 0 to 100")
    return "%.*f" % (decimals, x)


def time_ms(s):
    """RFC 3339 as milliseconds since 1970, or None."""
    import datetime
    import re
    m = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", s, re.ASCII)
    if not m:
        return None
    try:
        t = datetime.datetime(*(int(x) for x in m.groups()[:6]))
    except ValueError:
        return None
    if int(m[9] or 0) > 23 or int(m[10] or 0) > 59:
        return None
    offset = (int(m[9] or 0) * 60 + int(m[10] or 0)) * (-1 if m[8] == "-" else 1)
    t -= datetime.datetime(1970, 1, 1)
    return (t.days * 86400 + t.seconds - offset * 60) * 1000 + int(((m[7] or "") + "000")[:3])


def time_text(ms):
    import datetime
    t = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    return t.isoformat(timespec="milliseconds") + "Z"


def parse_time(s):
    ms = time_ms(s)
    if ms is None:
        raise Trap('`parse_time`: "%s" is no RFC 3339 time' % s[:40])
    return ms


def format_time(ms, form):
    import time as clock
    if len(form.encode()) > 256:
        raise Trap("`format_time`: the format is longer than 256 bytes")
    return clock.strftime("%%".join(p.replace("%Z", "GMT") for p in form.split("%%")), clock.gmtime(ms // 1000))


def weekday(ms):
    return (ms // 86400000 + 3) % 7 + 1


def size_text(n):
    left, unit = abs(n), "B"
    for name, factor in reversed(SIZES.items()):
        if left and left % factor == 0:
            left, unit = left // factor, name
            break
    return "%s%d%s" % ("-" if n < 0 else "", left, unit)


# ---- JSON ----

def parse_json(s):
    import json

    def whole(digits):
        return int(digits) if abs(int(digits)) <= I64_MAX + digits.startswith("-") else float(digits)

    def constant(name):
        raise ValueError("%s is not JSON" % name)

    try:
        return json.loads(s, parse_int=whole, parse_constant=constant)
    except ValueError as e:
        raise Trap("`parse_json`: it is not JSON at character %d" % getattr(e, "pos", 0))


def json_text(v):
    """JSON without blanks, as the language prints it."""
    import json
    text = json.dumps(v, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if "\\b" in text or "\\f" in text:
        import re
        text = re.sub(r"\\.", lambda m: {"\\b": "\\u0008", "\\f": "\\u000c"}.get(m[0], m[0]), text)
    return text


def json_kind(v):
    return "null" if v is None else "a bool" if isinstance(v, bool) else "a number" if isinstance(v, (int, float)) else \
        "a string" if isinstance(v, str) else "an array" if isinstance(v, list) else "an object"


def json_key(j, name):
    if not isinstance(j, dict):
        raise Trap('["%s"] of %s' % (name, json_kind(j)))
    if name not in j:
        raise Trap('the object has no member "%s"' % name)
    return j[name]


def json_at(j, i):
    if not isinstance(j, list):
        raise Trap("[%d] of %s" % (i, json_kind(j)))
    if not 0 <= i < len(j):
        raise Trap("index %d of an array of %d elements" % (i, len(j)))
    return j[i]


def json_key_opt(j, name):
    return j.get(name) if isinstance(j, dict) else None


def json_at_opt(j, i):
    return j[i] if isinstance(j, list) and 0 <= i < len(j) else None


def rows(file):
    if file.get("rows") is None:
        raise Trap("the number of rows of `%s` is not known" % file["file"])
    return file["rows"]


# ---- values between tasks ----

def type_text(type):
    kind = type[0]
    if kind == "opt":
        return type_text(type[1]) + "?"
    if kind == "list":
        return "[%s]" % type_text(type[1])
    if kind == "map":
        return "[string: %s]" % type_text(type[1])
    if kind == "file" and type[1]:
        columns = ", ".join("%s: %s" % (f[0], type_text(f[2])) for f in type[2]) if len(type) > 2 else ""
        return 'file "%s"%s' % (type[1], " { %s }" % columns if columns else "")
    return type[1] if kind in ("struct", "enum") else kind


def mismatch(type, v, where):
    import json
    got = json.dumps(v[:80] if isinstance(v, str) else v, ensure_ascii=False) if isinstance(v, (str, int, float)) and not isinstance(v, bool) \
        else "true" if v is True else "false" if v is False else json_kind(v)
    return Trap("%s: expected %s, got %s" % (where, type_text(type), got))


def span_ms(s):
    """A duration's text as milliseconds, or None."""
    import re
    if not re.fullmatch(r"-?(?:\d[\d_]*(?:ms|[wdhms]))+", s, re.ASCII):
        return None
    parts = list(split_units(s.lstrip("-").replace("_", "")))
    if [UNITS[u] for _, u in parts] != sorted({UNITS[u] for _, u in parts}, reverse=True):
        return None
    return sum(n * UNITS[u] for n, u in parts) * (-1 if s.startswith("-") else 1)


def bytes_of(s):
    import re
    m = re.fullmatch(r"(-?)(\d[\d_]*)([A-Za-z]+)", s, re.ASCII)
    units = {**SIZES, "PB": 10 ** 15, "TB": 10 ** 12, "GB": 10 ** 9, "MB": 10 ** 6, "kB": 1000, "KB": 1000}
    if not m or m[3] not in units:
        return None
    return int(m[2].replace("_", "")) * units[m[3]] * (-1 if m[1] else 1)


def whole_number(v):
    return isinstance(v, (int, float)) and not isinstance(v, bool) and v == v and abs(v) <= I64_MAX + 1 and v == int(v)


def is_name(s):
    import re
    return isinstance(s, str) and re.fullmatch("[a-z][a-z0-9_]{0,62}", s) is not None


def decode(type, v, where="$"):
    """A value in JSON form as expressions see it; Trap when it is not of the type."""
    kind = type[0]
    if kind == "opt":
        return None if v is None else decode(type[1], v, where)
    if kind == "json":
        return v
    if kind == "bool" and isinstance(v, bool):
        return v
    if kind == "int" and whole_number(v):
        return int(v)
    if kind == "float" and isinstance(v, (int, float)) and not isinstance(v, bool):
        return float(v)
    if kind == "string" and isinstance(v, str):
        return v
    if kind in ("duration", "time") and isinstance(v, str):
        ms = span_ms(v) if kind == "duration" else time_ms(v)
        if ms is not None:
            return ms
    if kind == "size":
        n = int(v) if whole_number(v) else bytes_of(v) if isinstance(v, str) else None
        if n is not None:
            return n
    if kind == "enum" and isinstance(v, str):
        for field in type[2]:
            if v in field[:2]:
                return field[0]
    if kind == "list" and isinstance(v, list):
        return [decode(type[1], x, "%s[%d]" % (where, i)) for i, x in enumerate(v)]
    if kind == "map" and isinstance(v, dict):
        return map_of((k, decode(type[1], x, "%s.%s" % (where, k))) for k, x in v.items())
    if kind == "struct" and isinstance(v, dict):
        return {f[0]: decode_field(f, v, where) for f in type[2]}
    if kind in ("file", "dir") and isinstance(v, dict) and "sha256" in v:
        return v
    if kind == "secret" and isinstance(v, dict):
        if not is_name(v.get("secret")):
            raise Trap("%s: expected the name of a secret, such as api_token" % where)
        return v
    if kind == "nothing" and v is None:
        return None
    raise mismatch(type, v, where)


def decode_field(field, v, where):
    name, foreign, type = field[:3]
    if foreign in v:
        return decode(type, v[foreign], "%s.%s" % (where, foreign))
    if len(field) > 3:
        return decode(type, field[3], "%s.%s" % (where, foreign))
    if type[0] == "opt":
        return None
    raise Trap("%s: the field `%s` is missing" % (where, foreign))


def encode(type, v):
    """What decode reads."""
    kind = type[0]
    if v is None:
        return None
    if kind == "opt":
        return encode(type[1], v)
    if kind == "duration":
        return duration_text(v)
    if kind == "size":
        return size_text(v)
    if kind == "time":
        return time_text(v)
    if kind == "enum":
        return next(f[1] for f in type[2] if f[0] == v)
    if kind == "list":
        return [encode(type[1], x) for x in v]
    if kind == "map":
        return {k: encode(type[1], x) for k, x in v.items()}
    if kind == "struct":
        return {f[1]: encode(f[2], v[f[0]]) for f in type[2]}
    return v


def text(type, v):
    """As an interpolation prints it."""
    kind = type[0]
    if kind == "opt":
        return "" if v is None else text(type[1], v)
    if kind == "bool":
        return "true" if v else "false"
    if kind == "int":
        return str(v)
    if kind == "float":
        return repr(v)
    if kind in ("string", "enum"):
        return v
    if kind in ("duration", "size", "time"):
        return encode(type, v)
    if kind in ("file", "dir"):
        return v["file"]
    return json_text(encode(type, v))


def check_limits(limits, values):
    """Trap when a parameter is not within its @range or does not match its @pattern: {name: [low, high, pattern]}."""
    for name, (low, high, form) in limits.items():
        v = values.get(name)
        if v is None:
            continue
        for bound, word, out in ((low, "below", low is not None and v < low), (high, "above", high is not None and v > high)):
            if out:
                raise Trap("parameter `%s`: %s is %s %s" % (name, v, word, int(bound) if isinstance(v, int) and bound == int(bound) else bound))
        if form is not None and not matches(v, form):
            raise Trap("parameter `%s`: \"%s\" does not match %s" % (name, v[:60], form))


def compute(spec, values):
    """Evaluates an expression: {"inputs": [[name, type]], "functions": text, "result": text, "type"} over values in JSON form."""
    names = {"wf": sys.modules[__name__]}
    for name, type in spec["inputs"]:
        names[name] = decode(type, values[name])
    exec(spec.get("functions", ""), names)
    return encode(spec["type"], eval(spec["result"], names))
