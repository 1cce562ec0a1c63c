#include "compiler/backend/stepfunctions/shape.h"

#include <stdlib.h>

Order order_of(const Flow *f, RegionId region) {
    const FlowRegion *r = &f->region.data[region];
    Order o = {.first = r->first, .n = r->n, .words = (r->n + 63) / 64};
    o.before = wf_alloc_zero(sizeof *o.before * o.words * (o.n + 1));
    for (uint32_t b = 0; b < o.n; b++) {
        uint64_t *row = o.before + (size_t)b * o.words;
        for (uint32_t e = f->pred_at.data[o.first + b]; e < f->pred_at.data[o.first + b + 1]; e++) {
            uint32_t a = f->edge.data[e].from - o.first;
            const uint64_t *more = o.before + (size_t)a * o.words;
            for (uint32_t w = 0; w < o.words; w++) row[w] |= more[w];
            row[a / 64] |= UINT64_C(1) << (a % 64);
        }
    }
    return o;
}

void order_free(Order *o) {
    free(o->before);
    o->before = NULL;
}

bool order_before(const Order *o, NodeId a, NodeId b) {
    uint32_t i = a - o->first;
    return (o->before[(size_t)(b - o->first) * o->words + i / 64] >> (i % 64) & 1) != 0;
}

static bool ordered(const Order *o, NodeId a, NodeId b) { return order_before(o, a < b ? a : b, a < b ? b : a); }

static uint32_t find(uint32_t *up, uint32_t i) {
    while (up[i] != i) i = up[i] = up[up[i]];
    return i;
}

/* Numbers the components of the graph in which two nodes are joined when they are ordered (or when they are not), by their first
   node. Returns how many there are. */
static uint32_t components(const Order *o, const NodeId *nodes, uint32_t n, bool joined_when_ordered, uint32_t *number) {
    uint32_t *up = wf_alloc(sizeof *up * n), count = 0;
    for (uint32_t i = 0; i < n; i++) up[i] = i;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = i + 1; k < n; k++)
            if (ordered(o, nodes[i], nodes[k]) == joined_when_ordered) {
                uint32_t x = find(up, i), y = find(up, k);
                up[x > y ? x : y] = x < y ? x : y;
            }
    for (uint32_t i = 0; i < n; i++) number[i] = find(up, i) == i ? count++ : number[find(up, i)];
    free(up);
    return count;
}

static uint32_t text_order(const Flow *f, const Shape *s) {
    if (s->kind == SHAPE_NODE) return f->node_span.data[s->node].off;
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t at = text_order(f, &s->child[i]);
        if (at < least) least = at;
    }
    return least;
}

static void sort_by_text(const Flow *f, Shape *child, uint32_t n) {
    for (uint32_t i = 1; i < n; i++) {
        Shape x = child[i];
        uint32_t k = i, at = text_order(f, &x);
        for (; k > 0 && text_order(f, &child[k - 1]) > at; k--) child[k] = child[k - 1];
        child[k] = x;
    }
}

static Shape split(Arena *a, const Flow *f, const Order *o, const NodeId *nodes, uint32_t n, const uint32_t *number,
                   uint32_t count) {
    Shape s = {.child = ARENA_ARRAY(a, Shape, count), .n = count};
    NodeId *part = wf_alloc(sizeof *part * n);
    for (uint32_t c = 0; c < count; c++) {
        uint32_t k = 0;
        for (uint32_t i = 0; i < n; i++)
            if (number[i] == c) part[k++] = nodes[i];
        s.child[c] = shape_of(a, f, o, part, k);
    }
    free(part);
    return s;
}

static Shape levels(Arena *a, const Flow *f, const Order *o, const NodeId *nodes, uint32_t n, uint32_t *level) {
    uint32_t depth = 0;
    for (uint32_t i = 0; i < n; i++) {
        level[i] = 0;
        for (uint32_t k = 0; k < i; k++)
            if (order_before(o, nodes[k], nodes[i]) && level[k] >= level[i]) level[i] = level[k] + 1;
        if (level[i] >= depth) depth = level[i] + 1;
    }
    Shape s = {.kind = SHAPE_LEVELS, .child = ARENA_ARRAY(a, Shape, depth), .n = depth};
    for (uint32_t d = 0; d < depth; d++) {
        Shape *one = &s.child[d];
        *one = (Shape){.kind = SHAPE_PARALLEL, .child = ARENA_ARRAY(a, Shape, n)};
        for (uint32_t i = 0; i < n; i++)
            if (level[i] == d) one->child[one->n++] = (Shape){.kind = SHAPE_NODE, .node = nodes[i]};
        sort_by_text(f, one->child, one->n);
    }
    return s;
}

Shape shape_of(Arena *a, const Flow *f, const Order *o, const NodeId *nodes, uint32_t n) {
    if (n == 1) return (Shape){.kind = SHAPE_NODE, .node = nodes[0]};
    uint32_t *number = wf_alloc(sizeof *number * n);
    Shape s;
    uint32_t count = components(o, nodes, n, true, number);
    if (count > 1) {
        s = split(a, f, o, nodes, n, number, count);
        s.kind = SHAPE_PARALLEL;
        sort_by_text(f, s.child, s.n);
    } else if ((count = components(o, nodes, n, false, number)) > 1) {
        /* The parts are totally ordered, and a part's first node (lowest id) precedes those of later parts. */
        s = split(a, f, o, nodes, n, number, count);
        s.kind = SHAPE_SERIES;
    } else {
        s = levels(a, f, o, nodes, n, number);
    }
    free(number);
    return s;
}
