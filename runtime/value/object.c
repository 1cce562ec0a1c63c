/* Counted objects: scratch, keep and drop. Recursion follows the nesting of types, which is finite by construction. */
#include "runtime/value/rt.h"

#include <stdio.h>
#include <stdlib.h>

void rt_init(Rt *rt, const RtTypes *types) {
    *rt = (Rt){.types = types, .span = RT_NO_SPAN, .kind = RT_FAIL_VALUE};
}

void rt_free(Rt *rt) {
    arena_free(&rt->scratch);
    buf_free(&rt->error);
}

void rt_scratch_reset(Rt *rt) { arena_reset(&rt->scratch); }

bool rt_error(Rt *rt, const char *fmt, ...) {
    if (rt->failed) return false;
    rt->failed = true;
    rt->kind = RT_FAIL_VALUE;
    rt->span = RT_NO_SPAN;
    buf_clear(&rt->error);
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&rt->error, fmt, ap);
    va_end(ap);
    return false;
}

void rt_clear_error(Rt *rt) {
    rt->failed = false;
    rt->span = RT_NO_SPAN;
    rt->kind = RT_FAIL_VALUE;
    buf_clear(&rt->error);
}

void *rt_scratch(Rt *rt, uint64_t bytes) { return arena_alloc(&rt->scratch, bytes); }

static RtText *text_at(void *memory, Str s, uint32_t rc) {
    RtText *t = memory;
    t->obj = (RtObj){.rc = rc};
    t->n = s.n;
    if (s.n > 0) memcpy(t->s, s.p, s.n);
    t->s[s.n] = '\0';
    return t;
}

RtText *rt_new_text(Rt *rt, Str s) { return text_at(arena_alloc(&rt->scratch, sizeof(RtText) + s.n + 1), s, 0); }
RtText *rt_own_text(Str s) { return text_at(wf_alloc(sizeof(RtText) + s.n + 1), s, 1); }

RtFile *rt_own_file(void) {
    RtFile *f = wf_alloc_zero(sizeof *f);
    f->obj.rc = 1;
    f->rows = -1;
    return f;
}

RtList *rt_list(Rt *rt, uint32_t list_type, uint64_t n) {
    uint32_t words = rt->types->type[rt->types->type[list_type].inner].words;
    RtList *l = arena_alloc(&rt->scratch, sizeof *l + sizeof(RtWord) * words * n);
    l->obj = (RtObj){0};
    l->n = n;
    return l;
}

/* Counts one more use; false when the object is scratch and must be copied. */
static bool retain(RtObj *o) {
    if (o->rc == 0) return false;
    if (o->rc != RT_STATIC) o->rc++;
    return true;
}

static RtText *keep_text(RtText *s) {
    if (s == NULL || retain(&s->obj)) return s;
    return rt_own_text(rt_str(s));
}

static RtFile *keep_file(RtFile *f) {
    if (retain(&f->obj)) return f;
    RtFile *c = wf_alloc(sizeof *c);
    *c = *f;
    c->obj.rc = 1;
    c->name = keep_text(f->name);
    c->format = keep_text(f->format);
    c->columns = keep_text(f->columns);
    return c;
}

static void *keep_list(const RtTypes *t, uint32_t inner, RtList *l) {
    if (retain(&l->obj)) return l;
    const RtType *e = rt_type(t, inner);
    size_t bytes = sizeof(RtWord) * e->words * l->n;
    RtList *c = wf_alloc(sizeof *c + bytes);
    c->obj = (RtObj){.rc = 1};
    c->n = l->n;
    if (bytes > 0) memcpy(c->at, l->at, bytes);
    if (e->has_pointers)
        for (uint64_t i = 0; i < c->n; i++) rt_keep(t, inner, c->at + i * e->words);
    return c;
}

static void *keep_map(const RtTypes *t, uint32_t inner, RtMap *m) {
    if (retain(&m->obj)) return m;
    uint32_t stride = 1 + rt_type(t, inner)->words;
    size_t bytes = sizeof(RtWord) * stride * m->n;
    RtMap *c = wf_alloc(sizeof *c + bytes);
    c->obj = (RtObj){.rc = 1};
    c->n = m->n;
    if (bytes > 0) memcpy(c->at, m->at, bytes);
    for (uint64_t i = 0; i < c->n; i++) {
        RtWord *e = c->at + i * stride;
        e->p = keep_text(e->p);
        rt_keep(t, inner, e + 1);
    }
    return c;
}

void rt_keep(const RtTypes *t, uint32_t type, RtWord *w) {
    const RtType *y = rt_type(t, type);
    if (!y->has_pointers) return;
    switch ((RtKind)y->kind) {
    case RT_NOTHING: case RT_BOOL: case RT_INT: case RT_FLOAT: case RT_DURATION: case RT_SIZE: case RT_TIME: case RT_ENUM:
        return;
    case RT_STRING: case RT_JSON: case RT_SECRET:
        w->p = keep_text(w->p);
        return;
    case RT_FILE: case RT_DIR:
        if (w->p != NULL) w->p = keep_file(w->p);
        return;
    case RT_STRUCT:
        for (uint32_t i = 0; i < y->n; i++) rt_keep(t, t->field[y->first + i].type, w + t->field[y->first + i].offset);
        return;
    case RT_LIST:
        if (w->p != NULL) w->p = keep_list(t, y->inner, w->p);
        return;
    case RT_MAP:
        if (w->p != NULL) w->p = keep_map(t, y->inner, w->p);
        return;
    case RT_OPT:
        if (rt_some(t, type, w)) rt_keep(t, y->inner, w);
        return;
    }
}

/* Counts one use less; true when the object is to be freed. */
static bool release(RtObj *o) { return o->rc != RT_STATIC && o->rc != 0 && --o->rc == 0; }

void rt_drop_text(RtText *s) {
    if (s != NULL && release(&s->obj)) free(s);
}

static void drop_file(RtFile *f) {
    if (!release(&f->obj)) return;
    rt_drop_text(f->name);
    rt_drop_text(f->format);
    rt_drop_text(f->columns);
    free(f);
}

static void drop_list(const RtTypes *t, uint32_t inner, RtList *l) {
    if (!release(&l->obj)) return;
    const RtType *e = rt_type(t, inner);
    if (e->has_pointers)
        for (uint64_t i = 0; i < l->n; i++) rt_drop(t, inner, l->at + i * e->words);
    free(l);
}

static void drop_map(const RtTypes *t, uint32_t inner, RtMap *m) {
    if (!release(&m->obj)) return;
    uint32_t stride = 1 + rt_type(t, inner)->words;
    for (uint64_t i = 0; i < m->n; i++) {
        rt_drop_text(m->at[i * stride].p);
        rt_drop(t, inner, m->at + i * stride + 1);
    }
    free(m);
}

void rt_drop(const RtTypes *t, uint32_t type, RtWord *w) {
    const RtType *y = rt_type(t, type);
    if (!y->has_pointers) return;
    switch ((RtKind)y->kind) {
    case RT_NOTHING: case RT_BOOL: case RT_INT: case RT_FLOAT: case RT_DURATION: case RT_SIZE: case RT_TIME: case RT_ENUM:
        return;
    case RT_STRING: case RT_JSON: case RT_SECRET:
        rt_drop_text(w->p);
        break;
    case RT_FILE: case RT_DIR:
        if (w->p != NULL) drop_file(w->p);
        break;
    case RT_STRUCT:
        for (uint32_t i = 0; i < y->n; i++) rt_drop(t, t->field[y->first + i].type, w + t->field[y->first + i].offset);
        return;
    case RT_LIST:
        if (w->p != NULL) drop_list(t, y->inner, w->p);
        break;
    case RT_MAP:
        if (w->p != NULL) drop_map(t, y->inner, w->p);
        break;
    case RT_OPT:
        if (rt_some(t, type, w)) rt_drop(t, y->inner, w);
        if (!y->pointer) w[y->words - 1].i = 0;
        return;
    }
    w->p = NULL;
}
