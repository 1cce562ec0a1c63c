/* JSON text as typed words, in one pass over the text. */
#include "runtime/value/rt.h"

#include "base/json.h"

#include <inttypes.h>
#include <math.h>

/* Where the reader stands, for messages: one link per open container, on the C stack. */
typedef struct Path {
    const struct Path *up;
    Str key;        /* a member; p NULL: an element */
    uint64_t index;
} Path;

static void put_path(Buf *b, const Path *p) {
    if (p == NULL) {
        buf_addc(b, '$');
        return;
    }
    put_path(b, p->up);
    if (p->key.p == NULL)
        buf_printf(b, "[%" PRIu64 "]", p->index);
    else
        buf_printf(b, ".%.*s", (int)(p->key.n < 100 ? p->key.n : 100), p->key.p);
}

static bool fail(Rt *rt, const Path *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static bool fail(Rt *rt, const Path *at, const char *fmt, ...) {
    if (rt->failed) return false;
    Buf b = BUF_INIT;
    put_path(&b, at);
    buf_z(&b, ": ");
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    rt_error(rt, "%s", buf_cstr(&b));
    buf_free(&b);
    return false;
}

static const char *kind_text(JsonKind k) {
    switch (k) {
    case JSON_ERROR: return "text that is not JSON";
    case JSON_NULL: return "null";
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    case JSON_INT: case JSON_FLOAT: return "a number";
    case JSON_STRING: return "a string";
    case JSON_ARRAY: return "an array";
    case JSON_OBJECT: return "an object";
    }
    return "";
}

static bool unexpected(Rt *rt, const Path *at, uint32_t type, const JsonIn *j, JsonKind k) {
    if (k == JSON_ERROR) return fail(rt, at, "%s at byte %zu", j->error, j->at);
    const char *want = rt_type(rt->types, type)->name;
    if (k == JSON_INT) return fail(rt, at, "expected %s, got %" PRId64, want, j->i);
    if (k == JSON_FLOAT) {
        if (!isfinite(j->f)) return fail(rt, at, "expected %s, got a number that is too large", want);
        char text[32];
        format_double(j->f, text);
        return fail(rt, at, "expected %s, got %s", want, text);
    }
    if (k == JSON_STRING) {
        Buf b = BUF_INIT;
        json_string(&b, j->s.n > 80 ? (Str){j->s.p, 80} : j->s);
        fail(rt, at, "expected %s, got %s", want, buf_cstr(&b));
        buf_free(&b);
        return false;
    }
    return fail(rt, at, "expected %s, got %s", want, kind_text(k));
}

static bool value(Rt *rt, JsonIn *j, const Path *at, uint32_t type, RtWord *out);

/* A double holds an integer exactly when it has no fraction and lies within int64. */
static bool int_of(const JsonIn *j, JsonKind k, int64_t *out) {
    if (k == JSON_INT) {
        *out = j->i;
        return true;
    }
    if (k != JSON_FLOAT || !(j->f >= -0x1p63 && j->f < 0x1p63) || j->f != trunc(j->f)) return false;
    *out = (int64_t)j->f;
    return true;
}

/* What stands in a text kind. */
static bool scalar_text(RtKind kind, Str s, int64_t *out) {
    return kind == RT_DURATION ? rt_read_duration(s, out) : kind == RT_SIZE ? rt_read_size(s, out) : rt_read_time(s, out);
}

static bool scalar(Rt *rt, JsonIn *j, const Path *at, uint32_t type, JsonKind k, RtWord *out) {
    RtKind kind = (RtKind)rt_type(rt->types, type)->kind;
    if (kind == RT_BOOL) {
        out->i = k == JSON_TRUE;
        return k == JSON_TRUE || k == JSON_FALSE || unexpected(rt, at, type, j, k);
    }
    if (kind == RT_INT) return int_of(j, k, &out->i) || unexpected(rt, at, type, j, k);
    if (kind == RT_FLOAT) {
        out->f = j->f;
        return ((k == JSON_INT || k == JSON_FLOAT) && isfinite(j->f)) || unexpected(rt, at, type, j, k);
    }
    if (kind == RT_SIZE && int_of(j, k, &out->i)) return true;
    if (k != JSON_STRING) return unexpected(rt, at, type, j, k);
    if (kind == RT_ENUM) {
        out->i = rt_read_enum(rt->types, type, j->s);
        return out->i >= 0 || unexpected(rt, at, type, j, k);
    }
    if (kind == RT_STRING) {
        out->p = rt_new_text(rt, j->s);
        return true;
    }
    return scalar_text(kind, j->s, &out->i) || unexpected(rt, at, type, j, k);
}

/* The exact source text of a value whose kind was just read, from `from` on. */
static bool raw(JsonIn *j, JsonKind k, size_t from, Str *out) {
    bool ok = k != JSON_ERROR;
    Str key;
    if (k == JSON_OBJECT)
        while (ok && json_member(j, &key)) ok = json_skip(j);
    if (k == JSON_ARRAY)
        while (ok && json_element(j)) ok = json_skip(j);
    ok = ok && j->error == NULL;
    *out = (Str){j->text.p + from, j->at - from};
    return ok;
}

static bool json_text(Rt *rt, JsonIn *j, const Path *at, uint32_t type, JsonKind k, size_t from, RtWord *out) {
    Str text;
    if (!raw(j, k, from, &text)) return unexpected(rt, at, type, j, JSON_ERROR);
    Buf b = BUF_INIT;
    const char *error;
    size_t where;
    bool ok = json_minify(text, &b, &error, &where);
    if (ok)
        out->p = rt_new_text(rt, buf_view(&b));
    else
        fail(rt, at, "%s", error);
    buf_free(&b);
    return ok;
}

static bool file(Rt *rt, JsonIn *j, const Path *at, uint32_t type, JsonKind k, size_t from, RtWord *out) {
    if (rt->file == NULL || (k != JSON_STRING && k != JSON_OBJECT)) return unexpected(rt, at, type, j, k);
    if (k == JSON_STRING)
        out->p = rt->file(rt, type, j->s, (Str){0});
    else {
        Str object;
        if (!raw(j, k, from, &object)) return unexpected(rt, at, type, j, JSON_ERROR);
        out->p = rt->file(rt, type, (Str){0}, object);
    }
    if (out->p != NULL) return true;
    char *why = arena_strndup(&rt->scratch, rt->error.p, rt->error.n);
    rt_clear_error(rt);
    return fail(rt, at, "%s", why);
}

static bool secret(Rt *rt, JsonIn *j, const Path *at, uint32_t type, JsonKind k, RtWord *out) {
    if (k == JSON_STRING) return rt_read_secret(rt, j->s, out);
    Str key;
    if (k != JSON_OBJECT || !json_member(j, &key) || !str_is(key, "secret") || json_next(j) != JSON_STRING)
        return unexpected(rt, at, type, j, k);
    return rt_read_secret(rt, j->s, out) && (!json_member(j, &key) || unexpected(rt, at, type, j, k));
}

/* Field i of a struct that the object did not have. */
static bool absent(Rt *rt, const Path *at, const RtField *f, RtWord *out) {
    const RtType *y = rt_type(rt->types, f->type);
    if (f->fallback != NULL) {
        memcpy(out, f->fallback, y->words * sizeof *out);
        return true;
    }
    if (y->kind == RT_OPT) {
        memset(out, 0, y->words * sizeof *out);
        return true;
    }
    return fail(rt, at, "the field `%s` is missing", f->foreign != NULL ? f->foreign : f->name);
}

static int64_t field_of(const RtTypes *t, const RtType *y, Str key) {
    for (uint32_t i = 0; i < y->n; i++) {
        const RtField *f = &t->field[y->first + i];
        if (str_is(key, f->foreign != NULL ? f->foreign : f->name)) return i;
    }
    return -1;
}

static bool structure(Rt *rt, JsonIn *j, const Path *at, const RtType *y, RtWord *out) {
    bool *seen = arena_alloc_zero(&rt->scratch, y->n + 1);
    Str key;
    while (json_member(j, &key)) {
        int64_t i = field_of(rt->types, y, key);
        if (i < 0) { /* an unknown member is ignored */
            if (!json_skip(j)) break;
            continue;
        }
        const RtField *f = &rt->types->field[y->first + i];
        Path here = {at, str_of(f->foreign != NULL ? f->foreign : f->name), 0};
        if (seen[i]) return fail(rt, at, "the member `%.*s` stands twice", STR_ARG(here.key));
        seen[i] = true;
        if (!value(rt, j, &here, f->type, out + f->offset)) return false;
    }
    if (j->error != NULL) return fail(rt, at, "%s at byte %zu", j->error, j->at);
    for (uint32_t i = 0; i < y->n; i++) {
        const RtField *f = &rt->types->field[y->first + i];
        if (!seen[i] && !absent(rt, at, f, out + f->offset)) return false;
    }
    return true;
}

/* Words collected until their number is known. */
typedef struct Words {
    RtWord *at;
    uint64_t n, cap;
} Words;

static RtWord *words_more(Rt *rt, Words *w, uint32_t n) {
    if (w->n + n > w->cap) {
        uint64_t cap = w->cap < 32 ? 32 + n : 2 * w->cap + n;
        RtWord *at = rt_scratch(rt, cap * sizeof *at);
        if (w->n > 0) memcpy(at, w->at, w->n * sizeof *at);
        w->at = at;
        w->cap = cap;
    }
    w->n += n;
    return w->at + w->n - n;
}

static bool list(Rt *rt, JsonIn *j, const Path *at, uint32_t type, RtWord *out) {
    uint32_t inner = rt_type(rt->types, type)->inner, words = rt_type(rt->types, inner)->words;
    Words w = {0};
    uint64_t n = 0;
    RtWord element[words + 1]; /* `w` may move while the element is read */
    while (json_element(j)) {
        Path here = {at, {0}, n};
        if (!value(rt, j, &here, inner, element)) return false;
        if (words > 0) memcpy(words_more(rt, &w, words), element, words * sizeof *element);
        n++;
    }
    if (j->error != NULL) return fail(rt, at, "%s at byte %zu", j->error, j->at);
    RtList *l = rt_list(rt, type, n);
    if (w.n > 0) memcpy(l->at, w.at, w.n * sizeof *w.at);
    out->p = l;
    return true;
}

static bool map(Rt *rt, JsonIn *j, const Path *at, uint32_t type, RtWord *out) {
    uint32_t inner = rt_type(rt->types, type)->inner, stride = 1 + rt_type(rt->types, inner)->words;
    Words w = {0};
    Str key;
    RtWord element[stride];
    while (json_member(j, &key)) {
        element[0].p = rt_new_text(rt, key);
        Path here = {at, rt_str(element[0].p), 0};
        if (!value(rt, j, &here, inner, element + 1)) return false;
        memcpy(words_more(rt, &w, stride), element, stride * sizeof *element);
    }
    if (j->error != NULL) return fail(rt, at, "%s at byte %zu", j->error, j->at);
    return rt_map(rt, type, w.n / stride, w.at, out);
}

/* A value of kind k that begins at `from` and whose scalar or opener was read. */
static bool value_of(Rt *rt, JsonIn *j, const Path *at, uint32_t type, JsonKind k, size_t from, RtWord *out) {
    const RtType *y = rt_type(rt->types, type);
    switch ((RtKind)y->kind) {
    case RT_NOTHING:
        return k == JSON_NULL || unexpected(rt, at, type, j, k);
    case RT_BOOL: case RT_INT: case RT_FLOAT: case RT_STRING: case RT_DURATION: case RT_SIZE: case RT_TIME: case RT_ENUM:
        return scalar(rt, j, at, type, k, out);
    case RT_JSON:
        return json_text(rt, j, at, type, k, from, out);
    case RT_FILE: case RT_DIR:
        return file(rt, j, at, type, k, from, out);
    case RT_SECRET:
        return secret(rt, j, at, type, k, out);
    case RT_STRUCT:
        return k == JSON_OBJECT ? structure(rt, j, at, y, out) : unexpected(rt, at, type, j, k);
    case RT_LIST:
        return k == JSON_ARRAY ? list(rt, j, at, type, out) : unexpected(rt, at, type, j, k);
    case RT_MAP:
        return k == JSON_OBJECT ? map(rt, j, at, type, out) : unexpected(rt, at, type, j, k);
    case RT_OPT:
        memset(out, 0, y->words * sizeof *out);
        if (k == JSON_NULL) return true;
        if (!value_of(rt, j, at, y->inner, k, from, out)) return false;
        if (!y->pointer) out[y->words - 1].i = 1;
        return true;
    }
    return false;
}

static bool value(Rt *rt, JsonIn *j, const Path *at, uint32_t type, RtWord *out) {
    while (j->at < j->text.n && strchr(" \t\r\n", j->text.p[j->at]) != NULL && j->text.p[j->at] != '\0') j->at++;
    size_t from = j->at;
    JsonKind k = json_next(j);
    return value_of(rt, j, at, type, k, from, out);
}

bool rt_read_json(Rt *rt, uint32_t type, Str json, RtWord *out) {
    JsonIn j = json_in(json);
    bool ok = value(rt, &j, NULL, type, out);
    if (ok && !json_end(&j)) ok = fail(rt, NULL, "%s at byte %zu", j.error != NULL ? j.error : "more text after the value", j.at);
    json_in_free(&j);
    return ok;
}

bool rt_decode(Rt *rt, uint32_t type, const RtWord *json, RtWord *out) {
    if (rt_type(rt->types, type)->kind == RT_JSON) {
        *out = *json;
        return true;
    }
    return rt_read_json(rt, type, rt_str(json->p), out);
}
