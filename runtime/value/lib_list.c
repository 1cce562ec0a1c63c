/* Lists and maps. */
#include "runtime/value/lib.h"

#include <math.h>
#include <stdlib.h>

static const RtList *list(const LibCall *c, int i) { return c->args[i].p; }

static RtList *result(const LibCall *c, uint64_t n) {
    RtList *l = rt_list(c->rt, c->types[0], n);
    c->out->p = l;
    return l;
}

static void copy(RtWord *to, const RtWord *from, uint64_t n, uint32_t words) {
    if (n * words > 0) memcpy(to, from, n * words * sizeof *to);
}

static bool empty(const LibCall *c, const char *name) { return rt_error(c->rt, "`%s` of an empty list", name); }
static bool too_large(const LibCall *c, const char *what) { return rt_error(c->rt, "%s overflows an int", what); }

/* Copies elements [from, to), clipped to the list. */
static bool part(const LibCall *c, int64_t from, int64_t to) {
    const RtList *l = list(c, 0);
    int64_t n = (int64_t)l->n;
    if (from < 0) from = 0;
    if (to > n) to = n;
    if (from > to) from = to < 0 ? 0 : to;
    if (to < from) to = from;
    uint32_t words = lib_words(c, 1);
    RtList *r = result(c, (uint64_t)(to - from));
    copy(r->at, l->at + (uint64_t)from * words, r->n, words);
    return true;
}

bool lib_len_list(const LibCall *c) { return c->out->i = (int64_t)list(c, 0)->n, true; }
bool lib_len_map(const LibCall *c) { return c->out->i = (int64_t)((const RtMap *)c->args->p)->n, true; }

bool lib_sum_int(const LibCall *c) {
    const RtList *l = list(c, 0);
    int64_t sum = 0;
    for (uint64_t i = 0; i < l->n; i++)
        if (__builtin_add_overflow(sum, l->at[i].i, &sum)) return too_large(c, "the sum");
    return c->out->i = sum, true;
}

static bool finite_result(const LibCall *c, double v) {
    c->out->f = v;
    return isfinite(v) || rt_error(c->rt, "the result is not a finite number");
}

bool lib_sum_float(const LibCall *c) {
    const RtList *l = list(c, 0);
    double sum = 0;
    for (uint64_t i = 0; i < l->n; i++) sum += l->at[i].f;
    return finite_result(c, sum);
}

bool lib_mean_int(const LibCall *c) {
    const RtList *l = list(c, 0);
    if (l->n == 0) return empty(c, "mean");
    double sum = 0;
    for (uint64_t i = 0; i < l->n; i++) sum += (double)l->at[i].i;
    return finite_result(c, sum / (double)l->n);
}

bool lib_mean_float(const LibCall *c) {
    const RtList *l = list(c, 0);
    if (l->n == 0) return empty(c, "mean");
    return lib_sum_float(c) && finite_result(c, c->out->f / (double)l->n);
}

bool lib_std(const LibCall *c) {
    const RtList *l = list(c, 0);
    if (l->n == 0) return empty(c, "std");
    if (!lib_mean_float(c)) return false;
    double mean = c->out->f, sum = 0;
    for (uint64_t i = 0; i < l->n; i++) sum += (l->at[i].f - mean) * (l->at[i].f - mean);
    return finite_result(c, sqrt(sum / (double)l->n));
}

static bool extreme(const LibCall *c, const char *name, int sign) {
    const RtList *l = list(c, 0);
    uint32_t words = lib_words(c, 1);
    if (l->n == 0) return empty(c, name);
    const RtWord *best = l->at;
    for (uint64_t i = 1; i < l->n; i++)
        if (rt_compare(c->rt, c->types[0], l->at + i * words, best) * sign > 0) best = l->at + i * words;
    copy(c->out, best, 1, words);
    return true;
}
bool lib_min_list(const LibCall *c) { return extreme(c, "min", -1); }
bool lib_max_list(const LibCall *c) { return extreme(c, "max", 1); }

static bool choose(const LibCall *c, int sign) {
    uint32_t words = lib_type(c, 0)->words;
    const RtWord *a = c->args, *b = c->args + words;
    copy(c->out, rt_compare(c->rt, c->types[0], b, a) * sign > 0 ? b : a, 1, words);
    return true;
}
bool lib_min(const LibCall *c) { return choose(c, -1); }
bool lib_max(const LibCall *c) { return choose(c, 1); }

bool lib_clamp(const LibCall *c) {
    uint32_t words = lib_type(c, 0)->words;
    const RtWord *x = c->args, *low = x + words, *high = low + words;
    if (rt_compare(c->rt, c->types[0], high, low) < 0) return rt_error(c->rt, "`clamp`: the upper bound is below the lower one");
    if (rt_compare(c->rt, c->types[0], x, low) < 0) x = low;
    else if (rt_compare(c->rt, c->types[0], x, high) > 0) x = high;
    copy(c->out, x, 1, words);
    return true;
}

bool lib_first(const LibCall *c) {
    if (list(c, 0)->n == 0) return empty(c, "first");
    copy(c->out, list(c, 0)->at, 1, lib_words(c, 1));
    return true;
}

bool lib_last(const LibCall *c) {
    const RtList *l = list(c, 0);
    uint32_t words = lib_words(c, 1);
    if (l->n == 0) return empty(c, "last");
    copy(c->out, l->at + (l->n - 1) * words, 1, words);
    return true;
}

bool lib_sort(const LibCall *c) {
    const RtList *l = list(c, 0);
    uint32_t words = lib_words(c, 1);
    RtList *r = result(c, l->n);
    if (l->n == 0) return true;
    const uint64_t *order = rt_order(c->rt, lib_type(c, 1)->inner, l->at, l->n, c->args[1].i);
    for (uint64_t i = 0; i < l->n; i++) copy(r->at + i * words, l->at + order[i] * words, 1, words);
    return true;
}

/* Of equal elements the first stays. O(n log n) by a stable order for scalars, else O(n * kept). */
bool lib_unique(const LibCall *c) {
    const RtList *l = list(c, 0);
    uint32_t words = lib_words(c, 1), inner = lib_type(c, 1)->inner;
    const RtType *t = rt_type(c->rt->types, inner);
    RtList *r = result(c, l->n);
    bool *drop = rt_scratch(c->rt, l->n + 1);
    memset(drop, 0, l->n + 1);
    if (t->kind == RT_BOOL || t->kind == RT_INT || t->kind == RT_FLOAT || t->kind == RT_STRING || t->kind == RT_DURATION || t->kind == RT_SIZE ||
        t->kind == RT_TIME || t->kind == RT_ENUM) {
        const uint64_t *order = l->n > 0 ? rt_order(c->rt, inner, l->at, l->n, 0) : NULL;
        for (uint64_t i = 1; i < l->n; i++) drop[order[i]] = rt_equal(c->rt, inner, l->at + order[i - 1] * words, l->at + order[i] * words);
    } else {
        for (uint64_t i = 1; i < l->n; i++)
            for (uint64_t k = 0; k < i && !drop[i]; k++) drop[i] = !drop[k] && rt_equal(c->rt, inner, l->at + k * words, l->at + i * words);
    }
    uint64_t n = 0;
    for (uint64_t i = 0; i < l->n; i++)
        if (!drop[i]) copy(r->at + n++ * words, l->at + i * words, 1, words);
    r->n = n;
    return true;
}

bool lib_reverse(const LibCall *c) {
    const RtList *l = list(c, 0);
    uint32_t words = lib_words(c, 1);
    RtList *r = result(c, l->n);
    for (uint64_t i = 0; i < l->n; i++) copy(r->at + i * words, l->at + (l->n - 1 - i) * words, 1, words);
    return true;
}

bool lib_take(const LibCall *c) { return part(c, 0, c->args[1].i); }
bool lib_drop(const LibCall *c) { return part(c, c->args[1].i, INT64_MAX); }
bool lib_slice_list(const LibCall *c) { return part(c, c->args[1].i, c->args[2].i); }

bool lib_concat(const LibCall *c) {
    const RtList *a = list(c, 0), *b = list(c, 1);
    uint32_t words = lib_words(c, 0);
    RtList *r = result(c, a->n + b->n);
    copy(r->at, a->at, a->n, words);
    copy(r->at + a->n * words, b->at, b->n, words);
    return true;
}

bool lib_flatten(const LibCall *c) {
    const RtList *l = list(c, 0);
    uint32_t words = lib_words(c, 0);
    uint64_t n = 0;
    for (uint64_t i = 0; i < l->n; i++) n += ((const RtList *)l->at[i].p)->n;
    RtList *r = result(c, n);
    n = 0;
    for (uint64_t i = 0; i < l->n; i++) {
        const RtList *x = l->at[i].p;
        copy(r->at + n * words, x->at, x->n, words);
        n += x->n;
    }
    return true;
}

bool lib_compact(const LibCall *c) {
    const RtList *l = list(c, 0);
    uint32_t from = lib_words(c, 1), to = lib_words(c, 0), opt = lib_type(c, 1)->inner;
    RtList *r = result(c, l->n);
    uint64_t n = 0;
    for (uint64_t i = 0; i < l->n; i++)
        if (rt_some(c->rt->types, opt, l->at + i * from)) copy(r->at + n++ * to, l->at + i * from, 1, to);
    r->n = n;
    return true;
}

static bool range(const LibCall *c, int64_t from, int64_t to, int64_t step) {
    if (step == 0) return rt_error(c->rt, "`range`: the step is 0");
    uint64_t n = 0;
    if (step > 0 && from < to) n = ((uint64_t)to - (uint64_t)from - 1) / (uint64_t)step + 1;
    if (step < 0 && from > to) n = ((uint64_t)from - (uint64_t)to - 1) / (0 - (uint64_t)step) + 1;
    if (n > (uint64_t)1 << 32) return rt_error(c->rt, "`range`: %llu elements are too many", (unsigned long long)n);
    RtList *r = result(c, n);
    for (uint64_t i = 0; i < n; i++) r->at[i].i = from + (int64_t)i * step;
    return true;
}
bool lib_range(const LibCall *c) { return range(c, 0, c->args[0].i, 1); }
bool lib_range_from(const LibCall *c) { return range(c, c->args[0].i, c->args[1].i, 1); }
bool lib_range_step(const LibCall *c) { return range(c, c->args[0].i, c->args[1].i, c->args[2].i); }

bool lib_chunk(const LibCall *c) {
    const RtList *l = list(c, 0);
    uint32_t words = lib_words(c, 1);
    if (c->args[1].i < 1) return rt_error(c->rt, "`chunk`: the size must be at least 1");
    uint64_t size = (uint64_t)c->args[1].i, n = l->n / size + (l->n % size != 0);
    RtList *r = result(c, n);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t k = i + 1 < n ? size : l->n - i * size;
        RtList *x = rt_list(c->rt, lib_type(c, 0)->inner, k);
        copy(x->at, l->at + i * size * words, k, words);
        r->at[i].p = x;
    }
    return true;
}

bool lib_enumerate(const LibCall *c) {
    const RtList *l = list(c, 0);
    uint32_t words = lib_words(c, 1);
    RtList *r = result(c, l->n);
    for (uint64_t i = 0; i < l->n; i++) {
        r->at[i * (words + 1)].i = (int64_t)i;
        copy(r->at + i * (words + 1) + 1, l->at + i * words, 1, words);
    }
    return true;
}

bool lib_zip(const LibCall *c) {
    const RtList *a = list(c, 0), *b = list(c, 1);
    uint32_t wa = lib_words(c, 1), wb = lib_words(c, 2);
    if (a->n != b->n) return rt_error(c->rt, "`zip` of lists of %llu and %llu elements", (unsigned long long)a->n, (unsigned long long)b->n);
    RtList *r = result(c, a->n);
    for (uint64_t i = 0; i < a->n; i++) {
        copy(r->at + i * (wa + wb), a->at + i * wa, 1, wa);
        copy(r->at + i * (wa + wb) + wa, b->at + i * wb, 1, wb);
    }
    return true;
}

bool lib_contains_list(const LibCall *c) {
    const RtList *l = list(c, 0);
    uint32_t words = lib_words(c, 1);
    c->out->i = 0;
    for (uint64_t i = 0; i < l->n && !c->out->i; i++) c->out->i = rt_equal(c->rt, lib_type(c, 1)->inner, l->at + i * words, c->args + 1);
    return true;
}

/* The element as an optional, or none. */
static bool optional(const LibCall *c, const RtWord *element, uint32_t element_type) {
    const RtType *opt = lib_type(c, 0);
    uint32_t words = rt_type(c->rt->types, element_type)->words;
    memset(c->out, 0, opt->words * sizeof *c->out);
    if (element == NULL) return true;
    copy(c->out, element, 1, words);
    if (c->types[0] != element_type && !opt->pointer) c->out[words].i = 1;
    return true;
}

bool lib_get_list(const LibCall *c) {
    const RtList *l = list(c, 0);
    int64_t i = c->args[1].i;
    bool there = i >= 0 && (uint64_t)i < l->n;
    return optional(c, there ? l->at + (uint64_t)i * lib_words(c, 1) : NULL, lib_type(c, 1)->inner);
}

/* The words of the value of a key, or NULL: binary search. */
static const RtWord *find(const RtMap *m, uint32_t words, Str key) {
    uint64_t from = 0, to = m->n;
    while (from < to) {
        uint64_t mid = from + (to - from) / 2;
        int order = str_cmp(rt_str(m->at[mid * (words + 1)].p), key);
        if (order == 0) return m->at + mid * (words + 1) + 1;
        if (order < 0) from = mid + 1;
        else to = mid;
    }
    return NULL;
}

bool lib_get_map(const LibCall *c) { return optional(c, find(c->args[0].p, lib_words(c, 1), lib_str(c->args + 1)), lib_type(c, 1)->inner); }
bool lib_has(const LibCall *c) { return c->out->i = find(c->args[0].p, lib_words(c, 1), lib_str(c->args + 1)) != NULL, true; }

bool lib_keys(const LibCall *c) {
    const RtMap *m = c->args->p;
    uint32_t words = lib_words(c, 1);
    RtList *r = result(c, m->n);
    for (uint64_t i = 0; i < m->n; i++) r->at[i] = m->at[i * (words + 1)];
    return true;
}

bool lib_values(const LibCall *c) {
    const RtMap *m = c->args->p;
    uint32_t words = lib_words(c, 1);
    RtList *r = result(c, m->n);
    for (uint64_t i = 0; i < m->n; i++) copy(r->at + i * words, m->at + i * (words + 1) + 1, 1, words);
    return true;
}

bool lib_entries(const LibCall *c) {
    const RtMap *m = c->args->p;
    uint32_t words = lib_words(c, 1) + 1;
    RtList *r = result(c, m->n);
    copy(r->at, m->at, m->n, words);
    return true;
}

bool lib_to_map(const LibCall *c) {
    const RtList *l = list(c, 0);
    uint32_t words = lib_words(c, 1);
    RtWord *entries = rt_scratch(c->rt, (l->n * words + 1) * sizeof *entries);
    copy(entries, l->at, l->n, words);
    return rt_map(c->rt, c->types[0], l->n, entries, c->out);
}

bool lib_merge(const LibCall *c) {
    const RtMap *a = c->args[0].p, *b = c->args[1].p;
    uint32_t words = lib_words(c, 1) + 1;
    RtWord *entries = rt_scratch(c->rt, ((a->n + b->n) * words + 1) * sizeof *entries);
    copy(entries, a->at, a->n, words);
    copy(entries + a->n * words, b->at, b->n, words);
    return rt_map(c->rt, c->types[0], a->n + b->n, entries, c->out);
}
