/* Parameters as users give them: named texts to typed words. */
#include "runtime/sched/sched.h"

#include "base/io.h"
#include "base/json.h"
#include "runtime/store/verify.h"
#include "runtime/value/regex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

typedef struct FileSource {
    Store *store; /* NULL: only look */
} FileSource;

/* A path that the user gave: looked at, checked against the type, stored. */
static RtFile *file_at(Rt *rt, Store *store, uint32_t type, const char *path) {
    const RtType *y = rt_type(rt->types, type);
    struct stat st;
    Buf why = BUF_INIT;
    StoreObject object = {0};
    VerifyFacts facts = {.rows = -1};
    RtFile *f = NULL;
    bool is_dir = y->kind == RT_DIR;
    if (stat(path, &st) != 0)
        buf_printf(&why, "cannot read %s: %s", path, strerror(errno));
    else if (is_dir != S_ISDIR(st.st_mode))
        buf_printf(&why, "%s is %s, but %s is expected", path, S_ISDIR(st.st_mode) ? "a directory" : "a file", is_dir ? "a directory" : "a file");
    else if (!is_dir && access(path, R_OK) != 0)
        buf_printf(&why, "cannot read %s: %s", path, strerror(errno));
    else if ((is_dir || verify_file(path, rt->types, type, &facts, &why)) &&
             (store == NULL || (is_dir ? store_put_dir(store, path, false, &object, &why) : store_put_file(store, path, false, &object, &why)))) {
        Str name = path_base(str_of(path));
        f = rt_scratch(rt, sizeof *f);
        *f = (RtFile){.is_dir = is_dir, .size = object.size, .rows = facts.rows, .name = rt_new_text(rt, name),
                      .format = rt_new_text(rt, str_of(y->format != NULL ? y->format : "")),
                      .columns = facts.columns.n > 0 ? rt_new_text(rt, buf_view(&facts.columns)) : NULL};
        memcpy(f->sha256, object.sha256, sizeof f->sha256);
    }
    if (f == NULL) rt_error(rt, "%s", buf_cstr(&why));
    buf_free(&facts.columns);
    buf_free(&why);
    return f;
}

/* One member of a recorded file object, whose key was read. */
static void file_member(Rt *rt, JsonIn *j, Str key, RtFile *f, bool *sha) {
    if (str_is(key, "columns")) {
        size_t from = j->at;
        while (from < j->text.n && j->text.p[from] == ' ') from++;
        if (json_skip(j)) f->columns = rt_new_text(rt, (Str){j->text.p + from, j->at - from});
        return;
    }
    bool is_file = str_is(key, "file"), is_sha = str_is(key, "sha256"), is_format = str_is(key, "format");
    bool is_size = str_is(key, "size"), is_rows = str_is(key, "rows"), is_dir = str_is(key, "dir");
    if (!is_file && !is_sha && !is_format && !is_size && !is_rows && !is_dir) {
        json_skip(j);
        return;
    }
    JsonKind k = json_next(j);
    if (is_file && k == JSON_STRING) { /* it becomes a part of paths */
        Str base = path_base(j->s);
        if (base.n > 0 && !str_is(base, ".") && !str_is(base, "..")) f->name = rt_new_text(rt, base);
    }
    if (is_format && k == JSON_STRING) f->format = rt_new_text(rt, j->s);
    if (is_sha && k == JSON_STRING && j->s.n == 64 && strspn(j->s.p, "0123456789abcdef") >= 64) {
        memcpy(f->sha256, j->s.p, 64);
        *sha = true;
    }
    if (is_size && k == JSON_INT && j->i >= 0) f->size = (uint64_t)j->i;
    if (is_rows && k == JSON_INT) f->rows = j->i;
    if (is_dir) f->is_dir = k == JSON_TRUE;
}

/* A recorded file: {"file", "sha256", "size", ...}. */
static RtFile *file_recorded(Rt *rt, Store *store, uint32_t type, Str object) {
    RtFile *f = rt_scratch(rt, sizeof *f);
    *f = (RtFile){.rows = -1, .format = rt_new_text(rt, STR(""))};
    JsonIn j = json_in(object);
    Str key;
    bool sha = false;
    if (json_next(&j) == JSON_OBJECT)
        while (json_member(&j, &key)) file_member(rt, &j, key, f, &sha);
    bool ok = json_end(&j) && sha;
    json_in_free(&j);
    const RtType *y = rt_type(rt->types, type);
    if (!ok || f->is_dir != (y->kind == RT_DIR)) {
        rt_error(rt, "expected %s: a path, or an object with a \"sha256\"", y->name);
        return NULL;
    }
    if (f->name == NULL) f->name = rt_new_text(rt, (Str){f->sha256, 12});
    if (store != NULL && !store_has(store, f->sha256, NULL)) {
        rt_error(rt, "the content %.12s of %s is not in the store", f->sha256, f->name->s);
        return NULL;
    }
    return f;
}

RtFile *params_file(Rt *rt, uint32_t type, Str path, Str object) {
    const FileSource *from = rt->file_cx;
    if (object.n > 0) return file_recorded(rt, from->store, type, object);
    Arena a = ARENA_INIT;
    RtFile *f = file_at(rt, from->store, type, arena_strndup(&a, path.p, path.n));
    arena_free(&a);
    return f;
}

/* ---- names ---- */

static void unknown(const RtPlan *plan, const char *whose, uint32_t param, uint32_t nparam, Str name, Buf *why) {
    if (why->n > 0) buf_addc(why, '\n');
    buf_printf(why, "%s has no parameter `%.*s`", whose, STR_ARG(name));
    const char *near = NULL;
    unsigned best = 3;
    for (uint32_t i = 0; i < nparam; i++) {
        unsigned d = edit_distance(name, str_of(plan->param[param + i].name), 2);
        if (d < best && 2 * d <= name.n) best = d, near = plan->param[param + i].name;
    }
    if (near != NULL)
        buf_printf(why, "; did you mean `%s`?", near);
    else
        for (uint32_t i = 0; i < nparam; i++) buf_printf(why, "%s`%s`", i == 0 ? "; it has " : ", ", plan->param[param + i].name);
}

static int64_t find(const RtPlan *plan, uint32_t param, uint32_t nparam, Str name) {
    for (uint32_t i = 0; i < nparam; i++)
        if (str_is(name, plan->param[param + i].name)) return i;
    return -1;
}

/* ---- reading ---- */

typedef struct Given {
    Str text;
    bool some, json;
} Given;

static bool from_object(Str object, const RtPlan *plan, const char *whose, uint32_t param, uint32_t nparam, Given *given, Buf *why) {
    JsonIn j = json_in(object);
    Str key;
    bool ok = json_next(&j) == JSON_OBJECT;
    while (ok && json_member(&j, &key)) {
        int64_t i = find(plan, param, nparam, key);
        if (i < 0) {
            unknown(plan, whose, param, nparam, key, why);
            json_skip(&j);
            continue;
        }
        while (j.at < object.n && strchr(" \t\r\n", object.p[j.at]) != NULL) j.at++;
        size_t from = j.at;
        if (!json_skip(&j)) break;
        given[i] = (Given){{object.p + from, j.at - from}, true, true};
    }
    if (!ok || !json_end(&j)) {
        buf_printf(why, "%sthe parameters are not a JSON object: %s at byte %zu", why->n > 0 ? "\n" : "", j.error != NULL ? j.error : "no object", j.at);
        ok = false;
    }
    json_in_free(&j);
    return ok;
}

static void fault(Rt *rt, const RtParam *p, const char *whose, bool text, Buf *why) {
    const char *error = buf_cstr(&rt->error);
    if (strncmp(error, "$: ", 3) == 0) error += 3; /* the value as a whole */
    buf_printf(why, "%sparameter `%s` of %s (%s): %s", why->n > 0 ? "\n" : "", p->name, whose, rt_type(rt->types, p->type)->name, error);
    if (rt_type(rt->types, p->type)->kind == RT_LIST && text)
        buf_z(why, "; a list is written as JSON, as in `[1, 2]` or `[\"a\", \"b\"]`");
    rt_clear_error(rt);
}

static void put_number(Buf *b, bool whole, double v) {
    char text[32];
    size_t n = format_double(v, text);
    if (whole && n > 2 && memcmp(text + n - 2, ".0", 2) == 0) n -= 2;
    buf_add(b, text, n);
}

/* "is below 1", "is above 5.5". */
static bool out_of_range(Rt *rt, const RtParam *p, bool whole, double v, const char *lead) {
    Buf b = BUF_INIT;
    buf_z(&b, lead);
    put_number(&b, whole, v);
    buf_z(&b, v < p->low ? " is below " : " is above ");
    put_number(&b, whole, v < p->low ? p->low : p->high);
    rt_error(rt, "%s", buf_cstr(&b));
    buf_free(&b);
    return false;
}

bool param_fits(Rt *rt, const RtParam *p, const RtWord *value, const char *lead) {
    if ((!p->ranged && p->pattern.p == NULL) || !rt_some(rt->types, p->type, value)) return true;
    RtKind kind = (RtKind)rt_type(rt->types, rt_unopt(rt->types, p->type))->kind;
    double v = kind == RT_FLOAT ? value->f : (double)value->i;
    if (p->ranged && (v < p->low || v > p->high)) return out_of_range(rt, p, kind == RT_INT, v, lead);
    if (p->pattern.p == NULL) return true;
    Str text = rt_str(value->p);
    Buf why = BUF_INIT;
    int hit = regex_full_match(text, p->pattern, &why);
    if (hit < 0) rt_error(rt, "%s@pattern: %s", lead, buf_cstr(&why));
    if (hit == 0) rt_error(rt, "%s\"%.*s\" does not match %.*s", lead, (int)(text.n < 60 ? text.n : 60), text.p, STR_ARG(p->pattern));
    buf_free(&why);
    return hit > 0;
}

bool argument_fits(Rt *rt, const RtParam *p, const RtWord *value) {
    char lead[100];
    snprintf(lead, sizeof lead, "parameter `%s`: ", p->name);
    return param_fits(rt, p, value, lead);
}

static bool fallback(Rt *rt, const RtPlan *plan, const RtParam *p, RtWord *out) {
    static const RtFacts none;
    const RtOpnd *o = &p->fallback;
    rt->facts = &none; /* a default is over nothing */
    if (o->from == RT_FROM_CONST) memcpy(out, plan->constant + o->at, o->words * sizeof *out);
    if (o->from == RT_FROM_CODE) return plan->code[o->at].thunk(rt, NULL, plan->code[o->at].k, out) && !rt->failed;
    return true;
}

bool params_read(Rt *rt, Store *store, const RtPlan *plan, const char *whose, uint32_t param, uint32_t nparam, const EngineOptions *o,
                 RtWord *words, Buf *why) {
    Buf wrong = BUF_INIT;
    Given *given = wf_alloc_zero((nparam + 1) * sizeof *given);
    FileSource files = {store};
    rt->file = params_file;
    rt->file_cx = &files;
    if (o->inputs_json.n > 0) from_object(o->inputs_json, plan, whose, param, nparam, given, &wrong);
    for (uint32_t i = 0; i < o->nparam; i++) {
        int64_t k = find(plan, param, nparam, str_of(o->param[i].name));
        if (k < 0) unknown(plan, whose, param, nparam, str_of(o->param[i].name), &wrong);
        else given[k] = (Given){o->param[i].text, true, o->param[i].json};
    }
    for (uint32_t i = 0; i < nparam; i++) {
        const RtParam *p = &plan->param[param + i];
        RtWord value[rt_type(plan->types, p->type)->words + 1];
        memset(value, 0, sizeof value);
        bool ok = true;
        if (given[i].some)
            ok = given[i].json ? rt_read_json(rt, p->type, given[i].text, value) : rt_read_text(rt, p->type, given[i].text, value);
        else if (p->fallback.from == RT_FROM_NONE)
            ok = rt_error(rt, "a value is required, as in `--%s %s=VALUE`", o->unpublished ? "set" : "param", p->name);
        else
            ok = fallback(rt, plan, p, value);
        if (!ok || !param_fits(rt, p, value, "")) {
            fault(rt, p, whose, given[i].some && !given[i].json, &wrong);
            continue;
        }
        uint32_t n = rt_type(plan->types, p->type)->words;
        memcpy(words + p->offset, value, n * sizeof *words);
        rt_keep(plan->types, p->type, words + p->offset);
        rt_scratch_reset(rt);
    }
    rt->file = NULL;
    free(given);
    bool ok = wrong.n == 0;
    if (!ok) buf_str(why, buf_view(&wrong));
    buf_free(&wrong);
    return ok;
}
