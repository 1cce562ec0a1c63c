/* What constructs a workflow uses, and which of them a target refuses. */
#include "compiler/backend/emit/caps.h"

#include "compiler/backend/emit/py_expr.h"

#include <stdlib.h>

typedef struct Finder {
    TargetCx *cx;
    const Flow *f;
    Used used;
    uint8_t *in_loop;   /* by workflow: called inside a loop */
    uint8_t *seen;      /* by expression */
} Finder;

static void use(Finder *x, Cap cap, Span span) {
    if (x->cx->target->caps[cap].level == CAP_REFUSED) target_refuse(x->cx, span, cap);
}

static bool has_file_inside(const Flow *f, TypeId t) {
    TypeKind k = type_kind(f->types, t);
    if (k == TY_OPT) return has_file_inside(f, type_inner(f->types, t));
    return (k == TY_LIST || k == TY_MAP || k == TY_STRUCT || k == TY_RECORD) && type_has(f->types, t, TYF_FILE);
}

static void use_type(Finder *x, TypeId t, Span span) {
    const Flow *f = x->f;
    if (type_has(f->types, t, TYF_SECRET)) use(x, CAP_SECRETS, span);
    if (!type_has(f->types, t, TYF_FILE)) return;
    if (has_file_inside(f, t)) use(x, CAP_FILE_LISTS, span);
    else if (type_kind(f->types, type_file_base(f->types, type_unopt(f->types, t))) == TY_DIR) use(x, CAP_DIRS, span);
    else use(x, CAP_FILES, span);
}

/* --- operands --- */

static void use_operand(Finder *x, Opnd o, Span span) {
    const Flow *f = x->f;
    uint32_t i = opnd_index(o);
    if (opnd_tag(o) == OPND_FACT) use(x, (Cap)(CAP_FACT_RUN_ID + i), span);
    if (opnd_tag(o) != OPND_EXPR || x->seen[i]) return;
    x->seen[i] = 1;
    const FlowExpr *e = &f->expr.data[i];
    if (e->op == FLOW_LIB && (e->b == LIB_MATCHES || e->b == LIB_EXTRACT)) use(x, CAP_PATTERNS, f->expr_span.data[i]);
    if (e->op == FLOW_CALL) use_operand(x, f->fn.data[e->b].body, f->expr_span.data[i]);
    for (uint16_t k = 0; k < e->n; k++) use_operand(x, flow_opnds(f, e->a)[k], f->expr_span.data[i]);
}

static void use_value(Finder *x, Opnd o, Span span) {
    if (opnd_tag(o) == OPND_EXPR) use(x, CAP_EXPRESSIONS, x->f->expr_span.data[opnd_index(o)]);
    use_operand(x, o, span);
}

/* Of the parameters of one annotation the first that is refused is reported. */
static bool refused_before(const Finder *x, const FlowSettings *s, uint32_t i) {
    const FlowSetting *all = &x->f->setting.data[s->first];
    for (uint32_t k = 0; k < i; k++)
        if (strcmp(setting_annotation(all[k].key), setting_annotation(all[i].key)) == 0 &&
            x->cx->target->caps[CAP_OF(all[k].key)].level == CAP_REFUSED)
            return true;
    return false;
}

static void use_settings(Finder *x, uint32_t settings) {
    const FlowSettings *s = &x->f->settings.data[settings];
    for (uint32_t i = 0; i < s->n; i++) {
        const FlowSetting *y = &x->f->setting.data[s->first + i];
        if (!refused_before(x, s, i)) use(x, CAP_OF(y->key), y->span);
        use_operand(x, y->value, y->span);
    }
}

/* --- nodes --- */

/* Whether a region stands inside a loop, in its workflow or where that is called. */
static bool in_loop(const Finder *x, RegionId id) {
    const FlowRegion *r = &x->f->region.data[id];
    for (; r->kind != REGION_BODY && r->kind != REGION_HANDLER; r = &x->f->region.data[r->parent])
        if (r->kind == REGION_ITEM) return true;
    return x->in_loop[r->workflow];
}

static void use_each(Finder *x, const FlowNode *n, Span span, bool nested) {
    const Flow *f = x->f;
    use(x, CAP_LOOP, span);
    if (n->nargs > 1 && flow_opnds(f, n->arg)[1] != OPND_ABSENT) use(x, CAP_LOOP_ZIP, span);
    if (f->region.data[n->region].guard != OPND_ABSENT) use(x, CAP_LOOP_FILTER, span);
    if (nested) use(x, CAP_LOOP_NESTED, span);
}

static void use_node(Finder *x, NodeId id, bool nested) {
    const Flow *f = x->f;
    const FlowNode *n = &f->node.data[id];
    Span span = f->node_span.data[id];
    switch ((FlowNodeKind)n->kind) {
    case NODE_CALL: break;
    case NODE_SUB:
        use(x, CAP_SUB, span);
        if (nested) use(x, CAP_SUB_IN_LOOP, span);
        break;
    case NODE_PICK: use(x, nested ? CAP_BRANCH_IN_LOOP : CAP_BRANCH, span); break;
    case NODE_EACH: use_each(x, n, span, nested); break;
    case NODE_LOOP: use(x, nested ? CAP_REPEAT_IN_LOOP : CAP_REPEAT, span); break;
    case NODE_TRY:
        use(x, CAP_TRY, span);
        if (nested) use(x, CAP_BRANCH_IN_LOOP, span);
        break;
    case NODE_GATE: use(x, CAP_ORDER, span); break;
    case NODE_LET: break;
    case NODE_FAIL: use(x, CAP_FAIL, span); break;
    }
    for (uint16_t i = 0; i < n->nargs; i++) use_value(x, flow_opnds(f, n->arg)[i], span);
    use_settings(x, n->settings);
    for (uint32_t e = f->pred_at.data[id]; e < f->pred_at.data[id + 1]; e++)
        if (f->edge.data[e].kind == EDGE_ORDER) use(x, CAP_ORDER, span);
}

static void use_region(Finder *x, RegionId id) {
    const FlowRegion *r = &x->f->region.data[id];
    bool nested = in_loop(x, id);
    for (uint32_t i = 0; i < r->n; i++) use_node(x, r->first + i, nested);
    for (uint32_t i = 0; i < r->ninput; i++) use_operand(x, x->f->input.data[r->input + i].from, r->span);
    use_operand(x, r->guard, r->span);
    use_operand(x, r->result, r->span);
}

/* --- declarations --- */

static void use_param(Finder *x, const FlowParam *p) {
    if (p->ranged || p->pattern.p != NULL) use(x, CAP_LIMITS, p->span);
}

static void use_body(Finder *x, const FlowStep *s) {
    Str lang = s->body == BODY_FENCE ? atom_str(x->f->atoms, s->lang) : STR("");
    switch (s->body) {
    case BODY_FENCE:
        if (str_is(lang, "python")) use(x, CAP_PYTHON, s->span);
        else if (str_is(lang, "node") || str_is(lang, "js")) use(x, CAP_NODE, s->span);
        else use(x, CAP_SHELL, s->span);
        return;
    case BODY_EXEC: use(x, CAP_EXEC, s->span); return;
    case BODY_EXTERN: use(x, CAP_EXTERN, s->span); return;
    case BODY_SUPPLIED: use(x, CAP_SUPPLIED, s->span); return;
    case BODY_NONE: break;
    }
    Diag *d = diag_add(x->cx->diags, WF_E_target_construct, s->span, "step `%s` has no body that runs on %s", atom_cstr(x->f->atoms, s->name), x->cx->target->title);
    diag_help(x->cx->diags, d, "give it a code fence or `exec [...]`");
}

static void use_step(Finder *x, uint32_t index) {
    const Flow *f = x->f;
    const FlowStep *s = &f->step.data[index];
    const FlowTargetBody *own = target_body(x->cx, index);
    if (own == NULL) use_body(x, s);
    else use(x, CAP_OWN_BODY, own->span);
    for (uint32_t i = 0; own != NULL && i < own->narg; i++) use_operand(x, f->opnd.data[own->arg + i], own->span);
    for (uint32_t i = 0; i < s->nparam; i++) {
        use_type(x, f->param.data[s->param + i].type, f->param.data[s->param + i].span);
        use_param(x, &f->param.data[s->param + i]);
    }
    for (uint32_t i = 0; i < s->noutput; i++) use_type(x, f->param.data[s->output + i].type, f->param.data[s->output + i].span);
    use_settings(x, s->settings);
    for (uint32_t i = 0; i < s->nargv; i++) use_operand(x, f->opnd.data[s->argv + i], s->span);
}

static void use_workflow(Finder *x, uint32_t index) {
    const Flow *f = x->f;
    const FlowWorkflow *w = &f->workflow.data[index];
    for (uint32_t i = 0; i < w->nparam; i++) {
        const FlowParam *p = &f->param.data[w->param + i];
        use_param(x, p);
        if (type_has(f->types, p->type, TYF_SECRET)) use(x, CAP_SECRETS, p->span);
        if (type_has(f->types, p->type, TYF_FILE) && index == x->cx->workflow) use(x, CAP_FILE_PARAMS, p->span);
    }
    use_settings(x, w->settings);
    if (w->on_success) use(x, CAP_ON_SUCCESS, f->region.data[w->on_success].span);
    if (w->on_failure) use(x, CAP_ON_FAILURE, f->region.data[w->on_failure].span);
    if (w->finally) use(x, CAP_FINALLY, f->region.data[w->finally].span);
}

/* Workflows that are called inside a loop, or by such a one. Calls have no cycles, so this ends. */
static void find_loops(Finder *x) {
    const Flow *f = x->f;
    for (bool more = true; more;) {
        more = false;
        for (RegionId r = 1; r < f->region.len; r++) {
            const FlowRegion *region = &f->region.data[r];
            if (!x->used.workflow[region->workflow] || !in_loop(x, r)) continue;
            for (uint32_t i = 0; i < region->n; i++) {
                const FlowNode *n = &f->node.data[region->first + i];
                if (n->kind != NODE_SUB || x->in_loop[n->ref]) continue;
                x->in_loop[n->ref] = 1;
                more = true;
            }
        }
    }
}

void caps_check(TargetCx *cx) {
    const Flow *f = cx->flow;
    Finder x = {.cx = cx, .f = f, .used = target_used(f, cx->workflow), .in_loop = wf_alloc_zero(f->workflow.len + 1),
                .seen = wf_alloc_zero(f->expr.len + 1)};
    find_loops(&x);
    for (uint32_t i = 0; i < f->workflow.len; i++)
        if (x.used.workflow[i]) use_workflow(&x, i);
    for (RegionId r = 1; r < f->region.len; r++)
        if (x.used.workflow[f->region.data[r].workflow]) use_region(&x, r);
    for (uint32_t i = 0; i < f->step.len; i++)
        if (x.used.step[i]) use_step(&x, i);
    used_free(&x.used);
    free(x.in_loop);
    free(x.seen);
}

void target_each_body(TargetCx *cx, const Used *used, void (*found)(TargetCx *cx, const FlowTargetBody *body)) {
    const Flow *f = cx->flow;
    for (uint32_t i = 0; i < f->target_body.len; i++) {
        const FlowTargetBody *b = &f->target_body.data[i];
        if (used->step[b->step] && str_is(atom_str(f->atoms, b->engine), cx->target->name)) found(cx, b);
    }
}

/* Bodies lie in the order of their steps. */
const FlowTargetBody *target_body(const TargetCx *cx, uint32_t step) {
    const Flow *f = cx->flow;
    uint32_t low = 0, high = f->target_body.len;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (f->target_body.data[middle].step < step) low = middle + 1;
        else high = middle;
    }
    for (; low < f->target_body.len && f->target_body.data[low].step == step; low++)
        if (str_is(atom_str(f->atoms, f->target_body.data[low].engine), cx->target->name)) return &f->target_body.data[low];
    return NULL;
}

/* --- what is used --- */

static void mark_fns(const Flow *f, Opnd o, Used *u) {
    if (opnd_tag(o) == OPND_EXPR) py_fns_used(f, o, u->fn);
}

static void mark_settings(const Flow *f, uint32_t settings, Used *u) {
    const FlowSettings *s = &f->settings.data[settings];
    for (uint32_t i = 0; i < s->n; i++) mark_fns(f, f->setting.data[s->first + i].value, u);
}

static void mark_region(const Flow *f, const FlowRegion *r, Used *u) {
    for (uint32_t i = 0; i < r->n; i++) {
        const FlowNode *n = &f->node.data[r->first + i];
        if (n->kind == NODE_CALL) u->step[n->ref] = 1;
        if (n->kind == NODE_SUB) u->workflow[n->ref] = 1;
        for (uint16_t k = 0; k < n->nargs; k++) mark_fns(f, flow_opnds(f, n->arg)[k], u);
        mark_settings(f, n->settings, u);
    }
    for (uint32_t i = 0; i < r->ninput; i++) mark_fns(f, f->input.data[r->input + i].from, u);
    mark_fns(f, r->guard, u);
    mark_fns(f, r->result, u);
}

Used target_used(const Flow *f, uint32_t workflow) {
    Used u = {wf_alloc_zero(f->workflow.len + 1), wf_alloc_zero(f->step.len + 1), wf_alloc_zero(f->fn.len + 1)};
    uint8_t *done = wf_alloc_zero(f->workflow.len + 1);
    u.workflow[workflow] = 1;
    for (bool more = true; more;) {
        more = false;
        for (uint32_t w = 0; w < f->workflow.len; w++) {
            if (!u.workflow[w] || done[w]) continue;
            done[w] = more = true;
            for (RegionId r = 1; r < f->region.len; r++)
                if (f->region.data[r].workflow == w) mark_region(f, &f->region.data[r], &u);
            mark_settings(f, f->workflow.data[w].settings, &u);
        }
    }
    for (uint32_t i = 0; i < f->step.len; i++) {
        if (!u.step[i]) continue;
        mark_settings(f, f->step.data[i].settings, &u);
        for (uint32_t k = 0; k < f->step.data[i].nargv; k++) mark_fns(f, f->opnd.data[f->step.data[i].argv + k], &u);
    }
    for (uint32_t i = 0; i < f->target_body.len; i++) {
        const FlowTargetBody *b = &f->target_body.data[i];
        for (uint32_t k = 0; k < b->narg && u.step[b->step]; k++) mark_fns(f, f->opnd.data[b->arg + k], &u);
    }
    free(done);
    return u;
}

void used_free(Used *u) {
    free(u->workflow);
    free(u->step);
    free(u->fn);
}
