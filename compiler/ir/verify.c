/* The invariants of the flow graph, checked after every pass in debug builds. */
#include "compiler/ir/flow.h"

#include <stdarg.h>

typedef struct Verify {
    const Flow *f;
    Buf *why;
    RegionId region;    /* of the operands being checked; 0: of a fn or step */
    uint32_t ninput;    /* inputs in scope */
    NodeId user;        /* node operands must have lower ids */
} Verify;

static bool broken(Verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool broken(Verify *v, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(v->why, fmt, ap);
    va_end(ap);
    return false;
}

static bool verify_opnd(Verify *v, Opnd o, ExprId below);

static bool verify_expr(Verify *v, ExprId id) {
    const FlowExpr *x = &v->f->expr.data[id];
    if (x->op >= FLOW_OP_COUNT) return broken(v, "expression %u has operation %u", id, x->op);
    if (x->a + (uint64_t)x->n > v->f->opnd.len) return broken(v, "expression %u: operands out of range", id);
    if (x->type >= v->f->types->type.len) return broken(v, "expression %u: type out of range", id);
    if (x->op == FLOW_CALL && x->b >= v->f->fn.len) return broken(v, "expression %u calls fn %u", id, x->b);
    if (x->op == FLOW_LIB && x->b >= LIB_COUNT) return broken(v, "expression %u calls library function %u", id, x->b);
    for (uint16_t i = 0; i < x->n; i++)
        if (!verify_opnd(v, flow_opnds(v->f, x->a)[i], id)) return false;
    return true;
}

/* Depth is bounded by the parser's limit on nesting. */
static bool verify_opnd(Verify *v, Opnd o, ExprId below) {
    const Flow *f = v->f;
    uint32_t i = opnd_index(o);
    switch (opnd_tag(o)) {
    case OPND_NONE:
    case OPND_LOCAL: return true;
    case OPND_CONST: return i < f->constant.len || broken(v, "constant %u out of range", i);
    case OPND_FACT: return i < FACT_COUNT || broken(v, "fact %u out of range", i);
    case OPND_INPUT: return i < v->ninput || broken(v, "region %u: input %u of %u", v->region, i, v->ninput);
    case OPND_NODE: {
        const FlowRegion *r = &f->region.data[v->region];
        if (v->region == 0) return broken(v, "node %u used outside a region", i);
        if (i < r->first || i >= r->first + r->n) return broken(v, "region %u uses node %u of another region", v->region, i);
        return i < v->user || broken(v, "node %u uses node %u, which does not come before", v->user, i);
    }
    case OPND_EXPR:
        if (i >= f->expr.len) return broken(v, "expression %u out of range", i);
        if (i >= below) return broken(v, "expression %u is not below its user %u", i, below);
        return verify_expr(v, i);
    }
    return broken(v, "operand tag %u", opnd_tag(o));
}

static bool verify_node(Verify *v, NodeId id) {
    const Flow *f = v->f;
    const FlowNode *n = &f->node.data[id];
    static const int regions[] = {[NODE_PICK] = -1, [NODE_EACH] = 1, [NODE_LOOP] = 1, [NODE_TRY] = 2, [NODE_FAIL] = 0};
    if (n->kind > NODE_FAIL) return broken(v, "node %u has kind %u", id, n->kind);
    if (regions[n->kind] >= 0 ? n->nregions != regions[n->kind] : n->nregions < 1)
        return broken(v, "node %u has %u child regions", id, n->nregions);
    for (uint16_t i = 0; i < n->nregions; i++)
        if (n->region + i >= f->region.len || f->region.data[n->region + i].owner != id)
            return broken(v, "node %u: child region %u has another owner", id, n->region + i);
    if (n->kind == NODE_CALL && (n->ref >= f->step.len || f->step.data[n->ref].nparam != n->nargs))
        return broken(v, "node %u calls step %u with %u arguments", id, n->ref, n->nargs);
    if (n->kind == NODE_SUB && (n->ref >= f->workflow.len || f->workflow.data[n->ref].nparam != n->nargs))
        return broken(v, "node %u calls workflow %u with %u arguments", id, n->ref, n->nargs);
    if (n->settings >= f->settings.len) return broken(v, "node %u: settings out of range", id);
    v->user = id;
    for (uint16_t i = 0; i < n->nargs; i++) {
        Opnd o = flow_opnds(f, n->arg)[i];
        if (!verify_opnd(v, o, UINT32_MAX)) return false;
        if (opnd_tag(o) != OPND_NODE) continue;
        bool edge = false;
        for (uint32_t e = f->pred_at.data[id]; e < f->pred_at.data[id + 1]; e++)
            edge |= f->edge.data[e].from == opnd_index(o) && f->edge.data[e].kind == EDGE_DATA;
        if (!edge) return broken(v, "node %u uses node %u without a data edge", id, opnd_index(o));
    }
    return true;
}

static bool verify_region(Verify *v, RegionId id) {
    const Flow *f = v->f;
    const FlowRegion *r = &f->region.data[id];
    if (r->first + (uint64_t)r->n > f->node.len) return broken(v, "region %u: nodes out of range", id);
    if (r->workflow >= f->workflow.len) return broken(v, "region %u: workflow out of range", id);
    for (uint32_t i = 0; i < r->ninput; i++) {
        const FlowInput *x = &f->input.data[r->input + i];
        if (x->from == OPND_ABSENT) continue;
        if (r->parent == 0) return broken(v, "region %u captures without a parent", id);
        v->region = r->parent;
        v->ninput = f->region.data[r->parent].ninput;
        v->user = r->kind == REGION_HANDLER ? UINT32_MAX : r->owner;
        if (!verify_opnd(v, x->from, UINT32_MAX)) return false;
    }
    v->region = id;
    v->ninput = r->ninput;
    for (uint32_t i = 0; i < r->n; i++) {
        if (!verify_node(v, r->first + i)) return false;
        for (uint32_t k = 0; k < i; k++)
            if (r->n <= 64 && f->node.data[r->first + k].name == f->node.data[r->first + i].name)
                return broken(v, "region %u: two nodes `%s`", id, atom_cstr(f->atoms, f->node.data[r->first + i].name));
    }
    v->user = UINT32_MAX;
    return verify_opnd(v, r->result, UINT32_MAX) && verify_opnd(v, r->guard, UINT32_MAX);
}

bool flow_verify(const Flow *f, Buf *why) {
    Verify v = {.f = f, .why = why};
    if (f->pred_at.len != f->node.len + 1) return broken(&v, "edges are not indexed");
    for (uint32_t e = 0; e < f->edge.len; e++)
        if (f->edge.data[e].from >= f->edge.data[e].to || f->edge.data[e].to >= f->node.len)
            return broken(&v, "edge %u -> %u", f->edge.data[e].from, f->edge.data[e].to);
    uint64_t nodes = 0;
    for (RegionId r = 1; r < f->region.len; r++) {
        nodes += f->region.data[r].n;
        if (!verify_region(&v, r)) return false;
    }
    if (nodes != f->node.len) return broken(&v, "regions hold %llu of %u nodes", (unsigned long long)nodes, f->node.len);
    for (uint32_t i = 0; i < f->fn.len; i++) {
        v.region = 0;
        v.ninput = f->fn.data[i].nparam;
        if (!verify_opnd(&v, f->fn.data[i].body, UINT32_MAX)) return false;
    }
    for (uint32_t i = 0; i < f->step.len; i++) {
        v.region = 0;
        v.ninput = f->step.data[i].nparam + f->step.data[i].noutput;
        for (uint32_t k = 0; k < f->step.data[i].nargv; k++)
            if (!verify_opnd(&v, f->opnd.data[f->step.data[i].argv + k], UINT32_MAX)) return false;
    }
    return true;
}
