/* Failures in the order of the text, and as values of the language. */
#include "runtime/sched/sched.h"

#include <stdlib.h>

Fail *fail_new(Sched *s) { return ARENA_NEW(&s->result->arena, Fail); }

void fails_add(Fails *to, uint64_t order, FailList list) {
    if (list.first != NULL) vec_push(to, ((FailAt){order, list}));
}

static int order_cmp(const void *a, const void *b) {
    uint64_t x = ((const FailAt *)a)->order, y = ((const FailAt *)b)->order;
    return (x > y) - (x < y);
}

FailList fails_take(Fails *from) {
    FailList all = {0};
    if (from->len > 1) qsort(from->data, from->len, sizeof *from->data, order_cmp);
    for (uint32_t i = 0; i < from->len; i++) {
        FailList l = from->data[i].list;
        if (all.last != NULL) all.last->next = l.first;
        else all.first = l.first;
        all.last = l.last;
    }
    vec_free(from);
    return all;
}

uint64_t fail_order(const Sched *s, uint32_t node) {
    const RtSpan *at = &s->plan->span[s->plan->node[node].span];
    return (uint64_t)at->line << 32 | at->col;
}

static void put_field(Sched *s, RtWord *out, const char *name, const RtWord *value, bool some) {
    const RtTypes *t = s->plan->types;
    const RtType *y = rt_type(t, s->plan->failure_type);
    for (uint32_t i = 0; i < y->n; i++) {
        const RtField *f = &t->field[y->first + i];
        if (strcmp(f->name, name) != 0) continue;
        uint32_t words = rt_type(t, f->type)->words;
        memset(out + f->offset, 0, words * sizeof *out);
        if (some) out[f->offset] = *value;
        if (some && words == 2) out[f->offset + 1].i = 1;
    }
}

void fail_words(Sched *s, const Fail *f, RtWord *out) {
    RtWord step = {.p = rt_new_text(&s->rt, str_of(f->f.path))}, message = {.p = rt_new_text(&s->rt, str_of(f->f.message))};
    RtWord log = {.p = rt_new_text(&s->rt, str_of(f->f.log))}, kind = {.i = f->f.kind}, code = {.i = f->f.code};
    put_field(s, out, "step", &step, true);
    put_field(s, out, "kind", &kind, true);
    put_field(s, out, "code", &code, f->f.has_code);
    put_field(s, out, "message", &message, true);
    put_field(s, out, "log", &log, true);
}
