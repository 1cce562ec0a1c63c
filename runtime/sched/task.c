/* A call's values on their way into a process and out of it. */
#include "runtime/sched/sched.h"

#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct Maker {
    Sched *s;
    Call *c;
    Task *t;
    VEC(TaskFile) files;
    uint32_t *slot, mask; /* hash table of files by path: index + 1 */
    const char *stem;  /* path under which the next file of a value is placed */
    bool many;         /* the stem is a directory for several files */
} Maker;

const RtSetting *setting_of(const Sched *s, uint32_t first, uint32_t n, uint32_t key) {
    for (uint32_t i = 0; i < n; i++)
        if (s->plan->setting[first + i].key == key) return &s->plan->setting[first + i];
    return NULL;
}

/* ---- files ---- */

static bool ends_in(const char *name, Str format) {
    size_t n = strlen(name);
    return n > format.n && name[n - format.n - 1] == '.' && memcmp(name + n - format.n, format.p, format.n) == 0;
}

/* The file already placed at the path, or -1. Steps may get many thousands: found by a hash of the path. */
static int64_t placed(const Maker *m, const char *path) {
    if (m->mask == 0) return -1;
    for (uint64_t at = hash_bytes(path, strlen(path));; at++) {
        uint32_t i = m->slot[at & m->mask];
        if (i == 0) return -1;
        if (strcmp(m->files.data[i - 1].path, path) == 0) return i - 1;
    }
}

static void slot_put(Maker *m, uint32_t index) {
    const char *path = m->files.data[index].path;
    uint64_t at = hash_bytes(path, strlen(path));
    while (m->slot[at & m->mask] != 0) at++;
    m->slot[at & m->mask] = index + 1;
}

static void add_file(Maker *m, const RtFile *f, const char *path) {
    vec_push(&m->files, ((TaskFile){.sha256 = arena_strndup(&m->t->arena, f->sha256, 64), .path = path, .is_dir = f->is_dir}));
    if (2 * m->files.len <= m->mask) {
        slot_put(m, m->files.len - 1);
        return;
    }
    m->mask = m->mask == 0 ? 15 : 2 * m->mask + 1;
    m->slot = ARENA_ARRAY(&m->t->arena, uint32_t, m->mask + 1);
    memset(m->slot, 0, (m->mask + 1) * sizeof *m->slot);
    for (uint32_t i = 0; i < m->files.len; i++) slot_put(m, i);
}

/* "NAME", or "NAME.csv" when the name does not end in the format. */
static const char *name_with_format(Maker *m, const RtFile *f) {
    Str format = f->format != NULL ? rt_str(f->format) : (Str){0};
    if (f->is_dir || format.n == 0 || ends_in(f->name->s, format)) return f->name->s;
    return arena_printf(&m->t->arena, "%s.%.*s", f->name->s, STR_ARG(format));
}

/* Where the step sees the file: "in/train.csv", or "in/tables/a.csv" for a file inside a value. Equal content of one name has one
   path, other content of that name another: "in/tables.2/a.csv". */
static const char *place(Maker *m, const RtFile *f) {
    Arena *a = &m->t->arena;
    Str format = f->format != NULL ? rt_str(f->format) : (Str){0};
    const char *name = m->many ? name_with_format(m, f) : f->name->s, *dot = strrchr(name, '.');
    const char *path;
    if (m->many)
        path = arena_printf(a, "%s/%s", m->stem, name);
    else if (f->is_dir)
        path = m->stem;
    else if (format.n > 0)
        path = arena_printf(a, "%s.%.*s", m->stem, STR_ARG(format));
    else
        path = arena_printf(a, "%s%s", m->stem, dot != NULL && dot != name ? dot : "");
    int64_t i;
    for (unsigned k = 2; (i = placed(m, path)) >= 0; k++) {
        const TaskFile *other = &m->files.data[i];
        if (other->is_dir == f->is_dir && strcmp(other->sha256, f->sha256) == 0) return other->path;
        path = arena_printf(a, "%s.%u/%s", m->stem, k, name);
    }
    add_file(m, f, path);
    return path;
}

static void path_in_json(void *cx, const RtFile *f, Buf *out) { buf_z(out, place(cx, f)); }

/* ---- inputs ---- */

static const char *keep_text(Maker *m, Buf *b) { return arena_strndup(&m->t->arena, b->n > 0 ? b->p : "", b->n); }

static bool is_scalar(const RtTypes *t, uint32_t type) {
    switch ((RtKind)rt_type(t, type)->kind) {
    case RT_BOOL: case RT_INT: case RT_FLOAT: case RT_STRING: case RT_DURATION: case RT_SIZE: case RT_TIME: case RT_ENUM: return true;
    case RT_NOTHING: case RT_JSON: case RT_SECRET: case RT_FILE: case RT_DIR: case RT_STRUCT: case RT_LIST: case RT_MAP: case RT_OPT: return false;
    }
    return false;
}

static bool is_file(const RtTypes *t, uint32_t type) { return rt_type(t, type)->kind == RT_FILE || rt_type(t, type)->kind == RT_DIR; }

/* The elements of a [scalar] or [file] as texts. */
static void items(Maker *m, TaskInput *in, uint32_t inner, const RtList *l) {
    const RtTypes *t = m->s->plan->types;
    uint32_t words = rt_type(t, inner)->words;
    in->array = true;
    in->nitem = (uint32_t)l->n;
    in->item = ARENA_ARRAY(&m->t->arena, Str, l->n + 1);
    Buf b = BUF_INIT;
    for (uint32_t i = 0; i < in->nitem; i++) {
        buf_clear(&b);
        const RtWord *w = l->at + i * words;
        if (is_file(t, inner)) buf_z(&b, place(m, w->p));
        else rt_put_text(&b, t, inner, w);
        in->item[i] = (Str){keep_text(m, &b), b.n};
    }
    buf_free(&b);
}

static bool secret(Maker *m, TaskInput *in, const RtText *name) {
    Sched *s = m->s;
    Buf value = BUF_INIT;
    bool ok = s->o->secret != NULL && s->o->secret(s->o->cx, name->s, &value);
    if (ok) {
        in->secret = true;
        in->text = (Str){keep_text(m, &value), value.n};
        exec_hide(m->t, in->text);
    } else
        rt_error(&s->rt, "there is no secret `%s`, which the step gets as `%s`%s%s", name->s, in->param->name, value.n > 0 ? "; " : "", buf_cstr(&value));
    buf_free(&value);
    return ok;
}

static bool input(Maker *m, TaskInput *in, const RtParam *p, const RtWord *w) {
    const RtTypes *t = m->s->plan->types;
    in->param = p;
    in->none = !rt_some(t, p->type, w);
    if (in->none) return true;
    uint32_t type = rt_unopt(t, p->type);
    const RtType *y = rt_type(t, type);
    m->stem = arena_printf(&m->t->arena, "%s/in/%s", m->t->dir, p->name);
    m->many = !is_file(t, type);
    if (y->kind == RT_SECRET) return secret(m, in, w->p);
    if (is_file(t, type)) {
        const char *path = place(m, w->p);
        in->text = str_of(path);
        return true;
    }
    Buf b = BUF_INIT;
    if (is_scalar(t, type))
        rt_put_text(&b, t, type, w);
    else {
        if (y->kind == RT_LIST && (is_scalar(t, y->inner) || is_file(t, y->inner))) items(m, in, y->inner, w->p);
        rt_put_json(&b, t, type, w, &(RtEncode){.mode = RT_JSON_PATHS, .path = path_in_json, .cx = m});
    }
    in->text = (Str){keep_text(m, &b), b.n};
    buf_free(&b);
    return true;
}

static void output(Maker *m, TaskOutput *o, const RtParam *p) {
    const RtTypes *t = m->s->plan->types;
    const RtType *y = rt_type(t, rt_unopt(t, p->type));
    const char *format = y->kind == RT_FILE && y->format != NULL ? y->format : "";
    o->param = p;
    o->path = arena_printf(&m->t->arena, "%s/out/%s%s%s", m->t->dir, p->name, *format != '\0' ? "." : "", format);
}

/* ---- arguments of exec ---- */

typedef VEC(const char *) Texts;

static bool argv_value(Maker *m, uint32_t type, const RtWord *w, Texts *out) {
    const RtTypes *t = m->s->plan->types;
    const RtType *y = rt_type(t, type);
    if (!rt_some(t, type, w)) return true; /* none is left out */
    if (y->kind == RT_OPT) return argv_value(m, y->inner, w, out);
    if (y->kind == RT_LIST) {
        const RtList *l = w->p;
        for (uint64_t i = 0; i < l->n; i++)
            if (!argv_value(m, y->inner, l->at + i * rt_type(t, y->inner)->words, out)) return false;
        return true;
    }
    if (is_file(t, type)) {
        const RtFile *f = w->p;
        for (uint32_t i = 0; i < m->files.len; i++)
            if (m->files.data[i].is_dir == f->is_dir && strcmp(m->files.data[i].sha256, f->sha256) == 0) {
                vec_push(out, m->files.data[i].path);
                return true;
            }
        m->many = false;
        m->stem = arena_printf(&m->t->arena, "%s/in/arg%u", m->t->dir, out->len);
        vec_push(out, place(m, f));
        return true;
    }
    Buf b = BUF_INIT;
    rt_put_text(&b, t, type, w);
    bool ok = b.n == 0 || memchr(b.p, '\0', b.n) == NULL;
    if (ok) vec_push(out, keep_text(m, &b));
    else rt_error(&m->s->rt, "argument %u of the command holds U+0000, which an argument cannot", out->len);
    buf_free(&b);
    return ok;
}

static bool argv(Maker *m) {
    Sched *s = m->s;
    const RtStep *step = m->c->step;
    RtWord base[step->words + step->noutput + 1];
    memcpy(base, m->c->args, step->words * sizeof *base);
    for (uint32_t i = 0; i < step->noutput; i++) base[step->words + i].p = rt_new_text(&s->rt, str_of(m->t->output[i].path));
    Texts all = {0};
    bool ok = true;
    for (uint32_t i = 0; ok && i < step->nargv; i++) {
        const RtOpnd *o = &s->plan->opnd[step->argv + i];
        RtWord w[opnd_words(s, o) + 1];
        ok = frame_eval(s, m->c->frame->facts, base, o, w) && argv_value(m, o->type, w, &all);
    }
    vec_push(&all, NULL);
    m->t->argv = memcpy(ARENA_ARRAY(&m->t->arena, const char *, all.len), all.data, all.len * sizeof *all.data);
    vec_free(&all);
    return ok;
}

/* ---- annotations that concern the process ---- */

static bool value_of(Maker *m, uint32_t key, RtWord *w, uint32_t *type) {
    Sched *s = m->s;
    const RtNode *n = &s->plan->node[frame_region(s, m->c->frame)->first + m->c->node];
    const RtSetting *set = setting_of(s, n->setting, n->nsetting, key);
    w->p = NULL;
    if (set == NULL || set->value.from == RT_FROM_NONE) return true;
    *type = set->value.type;
    return setting_eval(s, m->c->frame, m->c->args, set, w);
}

static bool strings(Maker *m, uint32_t key, const char ***out, uint32_t *n) {
    RtWord w;
    uint32_t type;
    if (!value_of(m, key, &w, &type)) return false;
    const RtList *l = w.p;
    if (l == NULL) return true;
    *n = (uint32_t)l->n;
    *out = ARENA_ARRAY(&m->t->arena, const char *, l->n + 1);
    for (uint32_t i = 0; i < *n; i++) {
        const RtText *s = l->at[i].p;
        (*out)[i] = arena_strndup(&m->t->arena, s->s, s->n);
    }
    return true;
}

static bool environment(Maker *m) {
    RtWord w;
    uint32_t type;
    if (!value_of(m, SET_ENV, &w, &type)) return false;
    const RtMap *map = w.p;
    uint64_t n = map != NULL ? map->n : 0;
    m->t->env = ARENA_ARRAY(&m->t->arena, const char *, n + 2);
    for (uint64_t i = 0; i < n; i++) {
        const RtText *key = map->at[2 * i].p, *value = map->at[2 * i + 1].p;
        if (key->n == 0 || strchr(key->s, '=') != NULL || memchr(value->s, '\0', value->n) != NULL)
            return rt_error(&m->s->rt, "@env: `%s` cannot be an environment variable", key->s);
        m->t->env[m->t->nenv++] = arena_printf(&m->t->arena, "%s=%s", key->s, value->s);
    }
    if (m->c->gpus == 0) return true;
    Buf b = BUF_INIT;
    buf_z(&b, "CUDA_VISIBLE_DEVICES=");
    for (int i = 0, some = 0; i < 64; i++)
        if (m->c->gpus >> i & 1) buf_printf(&b, "%s%d", some++ > 0 ? "," : "", i);
    m->t->env[m->t->nenv++] = keep_text(m, &b);
    buf_free(&b);
    return true;
}

static bool annotations(Maker *m) {
    RtWord w;
    uint32_t type;
    if (!environment(m) || !strings(m, SET_CODE, &m->t->code, &m->t->ncode) ||
        !strings(m, SET_PACKAGES, &m->t->packages, &m->t->npackages) || !value_of(m, SET_PYTHON, &w, &type))
        return false;
    if (w.p != NULL) m->t->python = arena_strndup(&m->t->arena, ((const RtText *)w.p)->s, ((const RtText *)w.p)->n);
    m->t->stdout_output = -1;
    if (!value_of(m, SET_STDOUT, &w, &type)) return false;
    if (w.p == NULL) return true;
    const RtText *name = w.p;
    for (uint32_t i = 0; i < m->c->step->noutput; i++)
        if ((name->n == 0 && m->c->step->noutput == 1) || strcmp(m->t->output[i].param->name, name->s) == 0) m->t->stdout_output = (int32_t)i;
    return m->t->stdout_output >= 0 || rt_error(&m->s->rt, "@stdout: the step has no output `%s`", name->s);
}

bool task_make(Sched *s, Call *c, uint32_t slot) {
    Task *t = wf_alloc_zero(sizeof *t);
    Maker m = {.s = s, .c = c, .t = t};
    const RtStep *step = c->step;
    t->owner = c;
    t->plan = s->plan;
    t->step = step;
    t->run_id = s->run_id;
    t->path = c->path;
    t->attempt = c->attempt;
    t->slot = slot;
    t->dir = s->runner.slot_dir(s->runner.cx, slot);
    t->shell = s->o->shell;
    XXH128_hash_t key = XXH3_128bits_withSeed(c->path, strlen(c->path), hash_bytes(s->run_id, strlen(s->run_id)));
    snprintf(t->key, sizeof t->key, "%016llx%016llx", (unsigned long long)key.high64, (unsigned long long)key.low64);
    t->input = ARENA_ARRAY(&t->arena, TaskInput, step->nparam + 1);
    t->output = ARENA_ARRAY(&t->arena, TaskOutput, step->noutput + 1);
    bool ok = true;
    for (uint32_t i = 0; ok && i < step->nparam; i++) {
        const RtParam *p = &s->plan->param[step->param + i];
        ok = argument_fits(&s->rt, p, c->args + p->offset) && input(&m, &t->input[i], p, c->args + p->offset);
    }
    for (uint32_t i = 0; i < step->noutput; i++) output(&m, &t->output[i], &s->plan->param[step->output + i]);
    ok = ok && annotations(&m) && (step->body != RT_BODY_EXEC || argv(&m));
    t->nfile = m.files.len;
    t->file = ARENA_ARRAY(&t->arena, TaskFile, m.files.len + 1);
    if (m.files.len > 0) memcpy(t->file, m.files.data, m.files.len * sizeof *t->file);
    vec_free(&m.files);
    if (ok) c->task = t;
    else task_free(t);
    return ok;
}

void task_free(Task *t) {
    Arena a = t->arena;
    free(t);
    arena_free(&a);
}

/* ---- outputs ---- */

static RtFile *file_of(Sched *s, const TaskStored *f, const char *format) {
    RtFile *r = rt_scratch(&s->rt, sizeof *r);
    *r = (RtFile){.is_dir = f->object.is_dir, .size = f->object.size, .rows = f->rows};
    memcpy(r->sha256, f->object.sha256, sizeof r->sha256);
    r->name = rt_new_text(&s->rt, str_of(f->name));
    r->format = rt_new_text(&s->rt, str_of(format != NULL ? format : ""));
    r->columns = f->columns != NULL ? rt_new_text(&s->rt, str_of(f->columns)) : NULL;
    return r;
}

static Str trimmed(Str s) {
    while (s.n > 0 && strchr(" \t\r\n", s.p[0]) != NULL && s.p[0] != '\0') s.p++, s.n--;
    while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL && s.p[s.n - 1] != '\0') s.n--;
    return s;
}

static bool read_value(Sched *s, uint32_t type, Str text, RtWord *out) {
    const RtType *y = rt_type(s->plan->types, type);
    if (y->kind == RT_STRING) return rt_read_text(&s->rt, type, text, out);
    /* Also 3.0 for an int, as JSON has it, and a number of bytes for a size, which is how programs count them. */
    if (y->kind == RT_INT || y->kind == RT_FLOAT || y->kind == RT_SIZE) {
        if (rt_read_text(&s->rt, type, trimmed(text), out)) return true;
        char *why = arena_strndup(&s->rt.scratch, s->rt.error.p, s->rt.error.n);
        rt_clear_error(&s->rt);
        if (rt_read_json(&s->rt, type, trimmed(text), out)) return true;
        rt_clear_error(&s->rt);
        return rt_error(&s->rt, "%s", why);
    }
    return rt_read_text(&s->rt, type, trimmed(text), out);
}

static bool output_value(Sched *s, const TaskOutput *o, RtWord *out) {
    const RtTypes *t = s->plan->types;
    const RtType *whole = rt_type(t, o->param->type);
    memset(out, 0, whole->words * sizeof *out);
    if (o->none) return true;
    uint32_t type = rt_unopt(t, o->param->type);
    const RtType *y = rt_type(t, type);
    bool ok = true;
    if (is_file(t, type))
        out->p = file_of(s, o->stored, y->format);
    else if (y->kind == RT_LIST && y->has_file) {
        RtList *l = rt_list(&s->rt, type, o->nstored);
        for (uint32_t i = 0; i < o->nstored; i++) l->at[i].p = file_of(s, &o->stored[i], rt_type(t, y->inner)->format);
        out->p = l;
    } else
        ok = read_value(s, type, o->text, out);
    if (ok && whole->kind == RT_OPT && !whole->pointer) out[whole->words - 1].i = 1;
    if (ok) return true;
    char *why = arena_strndup(&s->rt.scratch, s->rt.error.p, s->rt.error.n);
    rt_clear_error(&s->rt);
    rt_error(&s->rt, "output `%s`: %s", o->param->name, why);
    s->rt.kind = RT_FAIL_OUTPUT;
    return false;
}

bool task_value(Sched *s, Call *c, RtWord *out) {
    for (uint32_t i = 0; i < c->step->noutput; i++) {
        const TaskOutput *o = &c->task->output[i];
        if (!output_value(s, o, out + o->param->offset)) return false;
    }
    return true;
}
