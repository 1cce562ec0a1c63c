/* Equality, order, grouping and maps. */
#include "runtime/value/rt.h"

#include "base/hash.h"

#include <stdlib.h>

static int64_t compare_texts(const RtText *a, const RtText *b) { return str_cmp(rt_str(a), rt_str(b)); }

static int64_t compare_files(const RtFile *a, const RtFile *b) {
    int c = memcmp(a->sha256, b->sha256, sizeof a->sha256);
    return c != 0 ? c : (int64_t)a->is_dir - (int64_t)b->is_dir;
}

static int64_t compare_lists(Rt *rt, uint32_t inner, const RtList *a, const RtList *b) {
    uint32_t words = rt->types->type[inner].words;
    uint64_t n = a->n < b->n ? a->n : b->n;
    for (uint64_t i = 0; i < n; i++) {
        int64_t c = rt_compare(rt, inner, a->at + i * words, b->at + i * words);
        if (c != 0) return c;
    }
    return (a->n > b->n) - (a->n < b->n);
}

static int64_t compare_maps(Rt *rt, uint32_t inner, const RtMap *a, const RtMap *b) {
    uint32_t stride = 1 + rt->types->type[inner].words;
    uint64_t n = a->n < b->n ? a->n : b->n;
    for (uint64_t i = 0; i < n; i++) {
        const RtWord *x = a->at + i * stride, *y = b->at + i * stride;
        int64_t c = compare_texts(x->p, y->p);
        if (c == 0) c = rt_compare(rt, inner, x + 1, y + 1);
        if (c != 0) return c;
    }
    return (a->n > b->n) - (a->n < b->n);
}

int64_t rt_compare(Rt *rt, uint32_t type, const RtWord *a, const RtWord *b) {
    const RtTypes *t = rt->types;
    const RtType *y = rt_type(t, type);
    switch ((RtKind)y->kind) {
    case RT_NOTHING:
        return 0;
    case RT_BOOL: case RT_INT: case RT_DURATION: case RT_SIZE: case RT_TIME: case RT_ENUM:
        return (a->i > b->i) - (a->i < b->i);
    case RT_FLOAT:
        return (a->f > b->f) - (a->f < b->f);
    case RT_STRING: case RT_JSON: case RT_SECRET:
        return compare_texts(a->p, b->p);
    case RT_FILE: case RT_DIR:
        return compare_files(a->p, b->p);
    case RT_STRUCT:
        for (uint32_t i = 0; i < y->n; i++) {
            const RtField *f = &t->field[y->first + i];
            int64_t c = rt_compare(rt, f->type, a + f->offset, b + f->offset);
            if (c != 0) return c;
        }
        return 0;
    case RT_LIST:
        return compare_lists(rt, y->inner, a->p, b->p);
    case RT_MAP:
        return compare_maps(rt, y->inner, a->p, b->p);
    case RT_OPT: {
        bool sa = rt_some(t, type, a), sb = rt_some(t, type, b);
        return sa && sb ? rt_compare(rt, y->inner, a, b) : (int64_t)sa - (int64_t)sb;
    }
    }
    return 0;
}

bool rt_equal(Rt *rt, uint32_t type, const RtWord *a, const RtWord *b) { return rt_compare(rt, type, a, b) == 0; }

typedef struct Order {
    Rt *rt;
    uint32_t type, words;
    const RtWord *key;
    bool descending;
} Order;

static bool key_less(const void *cx, uint64_t a, uint64_t b) {
    const Order *o = cx;
    int64_t c = rt_compare(o->rt, o->type, o->key + a * o->words, o->key + b * o->words);
    return o->descending ? c > 0 : c < 0;
}

/* The indexes 0 to n - 1 in order. Bottom-up merge sort: stable, and never quadratic. */
static uint64_t *sorted(Rt *rt, uint64_t n, bool (*less)(const void *cx, uint64_t a, uint64_t b), const void *cx) {
    uint64_t *from = rt_scratch(rt, n * sizeof *from), *to = rt_scratch(rt, n * sizeof *to);
    for (uint64_t i = 0; i < n; i++) from[i] = i;
    for (uint64_t width = 1; width < n; width *= 2) {
        for (uint64_t at = 0; at < n; at += 2 * width) {
            uint64_t mid = at + width < n ? at + width : n, end = at + 2 * width < n ? at + 2 * width : n;
            uint64_t i = at, j = mid, k = at;
            while (i < mid && j < end) to[k++] = less(cx, from[j], from[i]) ? from[j++] : from[i++];
            while (i < mid) to[k++] = from[i++];
            while (j < end) to[k++] = from[j++];
        }
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

const uint64_t *rt_order(Rt *rt, uint32_t key_type, const RtWord *keys, uint64_t n, int64_t descending) {
    Order o = {rt, key_type, rt->types->type[key_type].words, keys, descending != 0};
    return sorted(rt, n, key_less, &o);
}

static uint64_t hash_value(const RtTypes *t, uint32_t type, const RtWord *w) {
    const RtType *y = rt_type(t, type);
    switch ((RtKind)y->kind) {
    case RT_NOTHING:
        return 0;
    case RT_BOOL: case RT_INT: case RT_DURATION: case RT_SIZE: case RT_TIME: case RT_ENUM:
        return hash_mix(1, (uint64_t)w->i);
    case RT_FLOAT: {
        RtWord z = {.f = w->f == 0 ? 0.0 : w->f}; /* -0.0 equals 0.0 */
        return hash_mix(2, (uint64_t)z.i);
    }
    case RT_STRING: case RT_JSON: case RT_SECRET: {
        const RtText *s = w->p;
        return hash_bytes(s->s, s->n);
    }
    case RT_FILE: case RT_DIR:
        return hash_bytes(((const RtFile *)w->p)->sha256, 64);
    case RT_STRUCT: {
        uint64_t h = 3;
        for (uint32_t i = 0; i < y->n; i++)
            h = hash_mix(h, hash_value(t, t->field[y->first + i].type, w + t->field[y->first + i].offset));
        return h;
    }
    case RT_LIST: {
        const RtList *l = w->p;
        uint64_t h = l->n;
        for (uint64_t i = 0; i < l->n; i++) h = hash_mix(h, hash_value(t, y->inner, l->at + i * rt_type(t, y->inner)->words));
        return h;
    }
    case RT_MAP: {
        const RtMap *m = w->p;
        uint64_t h = m->n;
        uint32_t stride = 1 + rt_type(t, y->inner)->words;
        for (uint64_t i = 0; i < m->n; i++) {
            const RtText *k = m->at[i * stride].p;
            h = hash_mix(h, hash_bytes(k->s, k->n));
            h = hash_mix(h, hash_value(t, y->inner, m->at + i * stride + 1));
        }
        return h;
    }
    case RT_OPT:
        return rt_some(t, type, w) ? hash_mix(4, hash_value(t, y->inner, w)) : 5;
    }
    return 0;
}

/* Numbers the distinct keys by first appearance: group[i] of element i; returns how many there are. Expected O(n). */
static uint64_t number_groups(Rt *rt, uint32_t type, const RtWord *keys, uint64_t n, uint64_t *group, uint64_t *first) {
    uint32_t words = rt->types->type[type].words;
    uint64_t cap = 8, groups = 0;
    while (cap < 2 * n) cap *= 2;
    uint64_t *slot = rt_scratch(rt, cap * sizeof *slot); /* group + 1; 0 is free */
    memset(slot, 0, cap * sizeof *slot);
    for (uint64_t i = 0; i < n; i++) {
        const RtWord *key = keys + i * words;
        uint64_t at = hash_value(rt->types, type, key) & (cap - 1);
        while (slot[at] != 0 && !rt_equal(rt, type, keys + first[slot[at] - 1] * words, key)) at = (at + 1) & (cap - 1);
        if (slot[at] == 0) {
            first[groups++] = i;
            slot[at] = groups;
        }
        group[i] = slot[at] - 1;
    }
    return groups;
}

bool rt_groups(Rt *rt, uint32_t result_type, uint32_t items_type, const RtWord *items, uint32_t key_type, const RtWord *keys, RtWord *out) {
    const RtTypes *t = rt->types;
    const RtList *source = items->p;
    uint64_t n = source->n;
    uint32_t words = t->type[t->type[items_type].inner].words, key_words = t->type[key_type].words;
    const RtType *record = &t->type[t->type[result_type].inner];
    uint32_t items_at = t->field[record->first].offset, key_at = t->field[record->first + 1].offset;
    uint64_t *group = rt_scratch(rt, n * sizeof *group), *first = rt_scratch(rt, n * sizeof *first);
    uint64_t groups = number_groups(rt, key_type, keys, n, group, first);
    uint64_t *count = rt_scratch(rt, groups * sizeof *count);
    memset(count, 0, groups * sizeof *count);
    for (uint64_t i = 0; i < n; i++) count[group[i]]++;
    RtList *result = rt_list(rt, result_type, groups);
    for (uint64_t g = 0; g < groups; g++) {
        RtWord *r = result->at + g * record->words;
        RtList *members = rt_list(rt, items_type, count[g]);
        members->n = 0;
        r[items_at].p = members;
        memcpy(r + key_at, keys + first[g] * key_words, key_words * sizeof *keys);
    }
    for (uint64_t i = 0; i < n; i++) {
        RtList *members = result->at[group[i] * record->words + items_at].p;
        memcpy(members->at + members->n++ * words, source->at + i * words, words * sizeof(RtWord));
    }
    out->p = result;
    return true;
}

typedef struct Entries {
    const RtWord *at;
    uint32_t stride;
} Entries;

static bool entry_less(const void *cx, uint64_t a, uint64_t b) {
    const Entries *e = cx;
    return compare_texts(e->at[a * e->stride].p, e->at[b * e->stride].p) < 0;
}

bool rt_map(Rt *rt, uint32_t map_type, uint64_t n, RtWord *entries, RtWord *out) {
    uint32_t stride = 1 + rt->types->type[rt->types->type[map_type].inner].words;
    Entries all = {entries, stride};
    const uint64_t *from = sorted(rt, n, entry_less, &all);
    RtMap *m = rt_scratch(rt, sizeof *m + n * stride * sizeof(RtWord));
    m->obj = (RtObj){0};
    uint64_t k = 0;
    for (uint64_t i = 0; i < n; i++) {
        const RtWord *e = entries + from[i] * stride;
        bool same = k > 0 && compare_texts(m->at[(k - 1) * stride].p, e->p) == 0;
        memcpy(m->at + (same ? k - 1 : k++) * stride, e, stride * sizeof *e); /* the sort is stable: the later one comes last */
    }
    m->n = k;
    out->p = m;
    return true;
}

bool rt_map_index(Rt *rt, uint32_t map_type, const RtWord *map, const RtText *key, RtWord *out) {
    const RtMap *m = map->p;
    uint32_t words = rt->types->type[rt->types->type[map_type].inner].words;
    uint64_t low = 0, high = m->n;
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        int64_t c = compare_texts(m->at[mid * (1 + words)].p, key);
        if (c == 0) {
            memcpy(out, m->at + mid * (1 + words) + 1, words * sizeof *out);
            return true;
        }
        if (c < 0) low = mid + 1;
        else high = mid;
    }
    return rt_error(rt, "the map has no entry \"%.*s\"", (int)(key->n < 200 ? key->n : 200), key->s);
}
