/* JSON values and properties of files. */
#include "runtime/value/lib.h"

#include "base/json.h"

bool lib_parse_json(const LibCall *c) {
    Buf b = BUF_INIT;
    const char *error;
    size_t at;
    bool ok = json_minify(lib_str(c->args), &b, &error, &at);
    if (ok) lib_text(c, buf_view(&b));
    else rt_error(c->rt, "`parse_json`: %s at byte %zu", error, at);
    buf_free(&b);
    return ok;
}

static const char *kind_text(JsonKind k) {
    static const char *const names[] = {[JSON_ERROR] = "an error", [JSON_NULL] = "null", [JSON_TRUE] = "a bool", [JSON_FALSE] = "a bool",
        [JSON_INT] = "a number", [JSON_FLOAT] = "a number", [JSON_STRING] = "a string", [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object"};
    return names[k];
}

/* The text of a member, or an empty one. *kind is that of the whole. O(size). */
static Str member(Str json, Str want, JsonKind *kind) {
    JsonIn j = json_in(json);
    Str key, found = {0};
    *kind = json_next(&j);
    while (*kind == JSON_OBJECT && json_member(&j, &key)) {
        bool hit = str_eq(key, want);
        size_t from = j.at;
        if (!json_skip(&j)) break;
        if (hit) found = (Str){json.p + from, j.at - from}; /* the last of equal names, as in most readers */
    }
    json_in_free(&j);
    return found;
}

static Str element(Str json, int64_t want, JsonKind *kind, int64_t *n) {
    JsonIn j = json_in(json);
    Str found = {0};
    *n = 0;
    *kind = json_next(&j);
    while (*kind == JSON_ARRAY && json_element(&j)) {
        size_t from = j.at;
        if (!json_skip(&j)) break;
        if ((*n)++ == want) found = (Str){json.p + from, j.at - from};
    }
    json_in_free(&j);
    return found;
}

bool lib_json_key(const LibCall *c) {
    Str key = lib_str(c->args + 1);
    JsonKind kind;
    Str v = member(lib_str(c->args), key, &kind);
    if (kind != JSON_OBJECT) return rt_error(c->rt, "[\"%.*s\"] of %s", STR_ARG(key), kind_text(kind));
    if (v.n == 0) return rt_error(c->rt, "the object has no member \"%.*s\"", STR_ARG(key));
    return lib_text(c, v);
}

bool lib_json_at(const LibCall *c) {
    JsonKind kind;
    int64_t n;
    Str v = element(lib_str(c->args), c->args[1].i, &kind, &n);
    if (kind != JSON_ARRAY) return rt_error(c->rt, "[%lld] of %s", (long long)c->args[1].i, kind_text(kind));
    if (v.n == 0) return rt_error(c->rt, "index %lld of an array of %lld elements", (long long)c->args[1].i, (long long)n);
    return lib_text(c, v);
}

/* What is not there, and null, are none. */
static bool optional(const LibCall *c, Str v) {
    c->out->p = v.n > 0 && !str_is(v, "null") ? rt_new_text(c->rt, v) : NULL;
    return true;
}

bool lib_json_key_opt(const LibCall *c) {
    JsonKind kind;
    return optional(c, member(lib_str(c->args), lib_str(c->args + 1), &kind));
}
bool lib_get_json(const LibCall *c) { return lib_json_key_opt(c); }

bool lib_json_at_opt(const LibCall *c) {
    JsonKind kind;
    int64_t n;
    return optional(c, element(lib_str(c->args), c->args[1].i, &kind, &n));
}

static const RtFile *file(const LibCall *c) { return c->args->p; }

bool lib_file_size(const LibCall *c) { return c->out->i = (int64_t)file(c)->size, true; }
bool lib_file_name(const LibCall *c) { return lib_text(c, rt_str(file(c)->name)); }
bool lib_file_sha256(const LibCall *c) { return lib_text(c, str_of(file(c)->sha256)); }

bool lib_file_uri(const LibCall *c) {
    Buf b = BUF_INIT;
    buf_printf(&b, "sha256:%s", file(c)->sha256);
    bool ok = lib_text(c, buf_view(&b));
    buf_free(&b);
    return ok;
}

bool lib_file_rows(const LibCall *c) {
    if (file(c)->rows < 0) return rt_error(c->rt, "the number of rows of `%.*s` is not known", STR_ARG(rt_str(file(c)->name)));
    return c->out->i = file(c)->rows, true;
}
