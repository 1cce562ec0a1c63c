/* Builds plans. */
#include "compiler/backend/plan/plan.h"

#include "base/hash.h"
#include "compiler/backend/plan/layout.h"

typedef struct Build {
    Plan *p;
    const Flow *f;
    VEC(RtOpnd) opnd;
    VEC(RtWord) constant;
    VEC(RtSetting) setting;
    VEC(RtCapture) capture;
    VEC(uint32_t) pointer;
    VEC(uint32_t) succ;
    VEC(RtSpan) span;
} Build;

/* --- values --- */

static RtText *static_text(Arena *a, Str s) {
    RtText *t = arena_alloc_zero(a, sizeof *t + s.n + 1);
    t->obj.rc = RT_STATIC;
    t->n = s.n;
    if (s.n > 0) memcpy(t->s, s.p, s.n);
    return t;
}

void plan_constant(Plan *p, const FlowConst *c, RtWord *out) {
    memset(out, 0, plan_words(p, c->type) * sizeof *out);
    switch (c->kind) {
    case CONST_NONE: return;
    case CONST_BOOL:
    case CONST_INT:
    case CONST_ENUM: out->i = c->i; return;
    case CONST_FLOAT: out->f = c->f; return;
    case CONST_STRING: out->p = static_text(&p->arena, c->s); return;
    }
}

static uint32_t add_span(Build *b, Span s) {
    RtSpan x = {.file = ""};
    if (s.file != 0) {
        LineCol from = source_line_col(b->f->sources, s.file, s.off);
        LineCol to = source_line_col(b->f->sources, s.file, s.off + s.len);
        x.file = b->f->sources->file[s.file].path;
        x.line = from.line;
        x.col = from.col;
        x.end_col = to.line == from.line ? to.col : 0;
    }
    vec_push(&b->span, x);
    return b->span.len - 1;
}

/* --- operands --- */

uint32_t plan_input_offset(const Plan *p, const PlanCode *code, uint32_t input) {
    const Flow *f = p->flow;
    switch (code->frame) {
    case FRAME_REGION: return p->input_slot[f->region.data[code->region].input + input];
    case FRAME_STEP: {
        const FlowStep *s = &f->step.data[code->owner];
        if (input < s->nparam) return p->param_slot[s->param + input];
        uint32_t words = p->rt.step[code->owner].words;
        return words + (input - s->nparam); /* an output's path; the Failure is input nparam alone */
    }
    case FRAME_WORKFLOW: return p->param_slot[f->workflow.data[code->owner].param + input];
    case FRAME_FAILURE:
    case FRAME_NOTHING: return 0;
    }
    return 0;
}

static TypeId input_type(const Plan *p, const PlanCode *code, uint32_t input) {
    const Flow *f = p->flow;
    switch (code->frame) {
    case FRAME_REGION: return f->input.data[f->region.data[code->region].input + input].type;
    case FRAME_STEP: {
        const FlowStep *s = &f->step.data[code->owner];
        if (input < s->nparam) return f->param.data[s->param + input].type;
        return code->opnd != OPND_ABSENT && code->node == UINT32_MAX ? f->failure : T_STRING;
    }
    case FRAME_WORKFLOW: return f->param.data[f->workflow.data[code->owner].param + input].type;
    case FRAME_FAILURE: return f->failure;
    case FRAME_NOTHING: return T_NOTHING;
    }
    return T_NOTHING;
}

TypeId plan_opnd_type(const Plan *p, const PlanCode *code, Opnd o, const TypeId *local) {
    const Flow *f = p->flow;
    uint32_t i = opnd_index(o);
    switch (opnd_tag(o)) {
    case OPND_NONE: return T_NOTHING;
    case OPND_CONST: return f->constant.data[i].type;
    case OPND_NODE: return f->node.data[i].type;
    case OPND_INPUT: return input_type(p, code, i);
    case OPND_EXPR: return f->expr.data[i].type;
    case OPND_LOCAL: return local != NULL ? local[i] : T_ERROR;
    case OPND_FACT: return flow_fact_type(f, (FlowFact)i);
    }
    return T_ERROR;
}

const FlowRegion *plan_child(const Plan *p, NodeId node) { return &p->flow->region.data[p->flow->node.data[node].region]; }

static bool has_loop(const Flow *f, Opnd o) {
    if (opnd_tag(o) != OPND_EXPR) return false;
    const FlowExpr *x = &f->expr.data[opnd_index(o)];
    if ((x->op >= FLOW_FOR && x->op <= FLOW_REPEAT)) return true;
    if (x->op == FLOW_CALL && has_loop(f, f->fn.data[x->b].body)) return true;
    for (uint16_t i = 0; i < x->n; i++)
        if (has_loop(f, f->opnd.data[x->a + i])) return true;
    return false;
}

static bool region_repeats(const Flow *f, RegionId r) {
    for (; r != 0; r = f->region.data[r].parent)
        if (f->region.data[r].kind == REGION_ITEM || f->region.data[r].kind == REGION_PASS) return true;
    return false;
}

static uint32_t add_code(Build *b, PlanCode code) {
    code.hot = code.kind == CODE_VALUE ? has_loop(b->f, code.opnd) || region_repeats(b->f, code.region) : true;
    vec_push(&b->p->code, code);
    return b->p->code.len - 1;
}

/* Where an operand's words come from: copied from a constant, a slot or a part of one, else code. */
static RtOpnd plan_opnd(Build *b, PlanCode code, Opnd o) {
    Plan *p = b->p;
    const Flow *f = b->f;
    code.kind = CODE_VALUE;
    code.opnd = o;
    TypeId type = plan_opnd_type(p, &code, o, NULL);
    RtOpnd x = {.type = type, .words = plan_words(p, type)};
    uint32_t i = opnd_index(o);
    switch (opnd_tag(o)) {
    case OPND_NONE: return x;
    case OPND_CONST:
        x.from = RT_FROM_CONST;
        x.at = b->constant.len;
        for (uint32_t k = 0; k < x.words; k++) vec_push(&b->constant, (RtWord){0});
        if (x.words > 0) plan_constant(p, &f->constant.data[i], b->constant.data + x.at);
        return x;
    case OPND_NODE:
        x.from = RT_FROM_FRAME;
        x.at = p->node_slot[i];
        return x;
    case OPND_INPUT:
        x.from = RT_FROM_FRAME;
        x.at = plan_input_offset(p, &code, i);
        return x;
    case OPND_FACT:
        x.from = RT_FROM_FACT;
        x.at = i;
        return x;
    case OPND_LOCAL: return x;
    case OPND_EXPR: break;
    }
    /* A field of a slot, or a slot under another type of the same representation. */
    uint32_t offset = 0;
    Opnd at = o;
    while (opnd_tag(at) == OPND_EXPR) {
        const FlowExpr *e = &f->expr.data[opnd_index(at)];
        if (e->op != FLOW_FIELD && e->op != FLOW_CAST) break;
        Opnd inner = f->opnd.data[e->a];
        if (e->op == FLOW_FIELD) {
            TypeId owner = plan_opnd_type(p, &code, inner, NULL);
            offset += p->rt.types->field[p->rt.types->type[owner].first + e->b].offset;
        }
        at = inner;
    }
    if (opnd_tag(at) == OPND_NODE || opnd_tag(at) == OPND_INPUT) {
        x.from = RT_FROM_FRAME;
        x.at = offset + (opnd_tag(at) == OPND_NODE ? p->node_slot[opnd_index(at)] : plan_input_offset(p, &code, opnd_index(at)));
        return x;
    }
    x.from = RT_FROM_CODE;
    x.at = add_code(b, code);
    return x;
}

static uint32_t add_settings(Build *b, PlanCode code, uint32_t settings, bool outer) {
    const FlowSettings *s = &b->f->settings.data[settings];
    uint32_t first = b->setting.len;
    for (uint32_t i = 0; i < s->n; i++) {
        const FlowSetting *x = &b->f->setting.data[s->first + i];
        PlanCode own = code;
        own.node = UINT32_MAX; /* inputs beyond the parameters are the failure */
        if (outer && x->key == SET_RETRY_ON) own = (PlanCode){.frame = FRAME_FAILURE, .region = code.region};
        RtSetting set = {.key = x->key, .outer = outer};
        set.value = plan_opnd(b, own, x->value);
        vec_push(&b->setting, set);
    }
    return first;
}

/* Settings of a step that the call does not replace; an annotation on the call replaces that of the step as a whole. */
static void add_step_settings(Build *b, uint32_t step, uint32_t first, uint32_t n) {
    const RtStep *s = &b->p->rt.step[step];
    for (uint32_t i = 0; i < s->nsetting; i++) {
        RtSetting set = b->setting.data[s->setting + i];
        bool own = false;
        for (uint32_t k = first; k < first + n; k++)
            own |= strcmp(setting_annotation((Setting)b->setting.data[k].key), setting_annotation((Setting)set.key)) == 0;
        if (!own) vec_push(&b->setting, set);
    }
}

/* --- declarations --- */

static uint32_t lay_out_params(Build *b, uint32_t first, uint32_t n) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        b->p->param_slot[first + i] = at;
        at += plan_words(b->p, b->f->param.data[first + i].type);
    }
    return at;
}

/* Outputs are read from the record that a call gives, whose fields are sorted by name. */
static void lay_out_outputs(Build *b, uint32_t first, uint32_t n, TypeId result) {
    for (uint32_t i = 0; i < n; i++) {
        int at = n > 1 ? type_field_index(b->f->types, result, b->f->param.data[first + i].name) : -1;
        b->p->param_slot[first + i] = at < 0 ? 0 : b->p->rt.types->field[b->p->rt.types->type[result].first + (uint32_t)at].offset;
    }
}

static RtParam *plan_params(Build *b) {
    const Flow *f = b->f;
    RtParam *out = ARENA_ARRAY(&b->p->arena, RtParam, f->param.len + 1);
    for (uint32_t i = 0; i < f->param.len; i++) {
        const FlowParam *x = &f->param.data[i];
        out[i] = (RtParam){.name = atom_cstr(f->atoms, x->name),
            .type = x->type,
            .offset = b->p->param_slot[i],
            .load = x->load,
            .ranged = x->ranged,
            .low = x->low,
            .high = x->high,
            .pattern = x->pattern,
            .secret = type_kind(f->types, type_unopt(f->types, x->type)) == TY_SECRET,
            .span = add_span(b, x->span),
            .doc = x->doc.n > 0 ? arena_strndup(&b->p->arena, x->doc.p, x->doc.n) : ""};
        out[i].fallback = plan_opnd(b, (PlanCode){.frame = FRAME_NOTHING}, x->fallback);
    }
    return out;
}

static const char *qualified(Build *b, Atom module, Atom name) {
    const char *z = atom_cstr(b->f->atoms, name);
    return module == 0 ? z : arena_printf(&b->p->arena, "%s.%s", atom_cstr(b->f->atoms, module), z);
}

static void plan_steps(Build *b, RtStep *out) {
    const Flow *f = b->f;
    static const uint8_t bodies[] = {[BODY_NONE] = RT_BODY_NONE, [BODY_FENCE] = RT_BODY_FENCE, [BODY_EXEC] = RT_BODY_EXEC,
        [BODY_EXTERN] = RT_BODY_EXTERN, [BODY_SUPPLIED] = RT_BODY_SUPPLIED};
    for (uint32_t i = 0; i < f->step.len; i++) {
        const FlowStep *s = &f->step.data[i];
        RtStep *x = &out[i];
        x->name = qualified(b, s->module, s->name);
        x->param = s->param;
        x->nparam = s->nparam;
        x->output = s->output;
        x->noutput = s->noutput;
        x->result = s->result;
        x->body = bodies[s->body];
        x->lang = s->lang != 0 ? atom_cstr(f->atoms, s->lang) : "";
        x->code = s->code;
        x->in_project = f->sources->file[s->span.file].embedded;
        x->file = f->sources->file[s->span.file].path;
        x->code_line = s->code_line;
        x->code_indent = s->code_indent;
        x->span = add_span(b, s->span);
        PlanCode code = {.frame = FRAME_STEP, .owner = i};
        x->argv = b->opnd.len;
        x->nargv = s->nargv;
        for (uint32_t k = 0; k < s->nargv; k++) vec_push(&b->opnd, plan_opnd(b, code, f->opnd.data[s->argv + k]));
        x->setting = add_settings(b, code, s->settings, false);
        x->nsetting = f->settings.data[s->settings].n;
    }
}

static void plan_workflows(Build *b, RtWorkflow *out) {
    const Flow *f = b->f;
    for (uint32_t i = 0; i < f->workflow.len; i++) {
        const FlowWorkflow *w = &f->workflow.data[i];
        RtWorkflow *x = &out[i];
        *x = (RtWorkflow){.name = qualified(b, w->module, w->name),
            .param = w->param,
            .nparam = w->nparam,
            .output = w->output,
            .noutput = w->noutput,
            .result = w->result,
            .body = w->body,
            .on_success = w->on_success,
            .on_failure = w->on_failure,
            .finally = w->finally,
            .span = add_span(b, w->span)};
        x->setting = add_settings(b, (PlanCode){.frame = FRAME_WORKFLOW, .owner = i}, w->settings, false);
        x->nsetting = f->settings.data[w->settings].n;
    }
}

/* --- regions --- */

static void add_slot(Build *b, TypeId type, uint32_t *at, uint32_t *slot) {
    *slot = *at;
    *at += plan_words(b->p, type);
    if (!b->p->rt.types->type[type].has_pointers) return;
    vec_push(&b->pointer, *slot);
    vec_push(&b->pointer, type);
}

static void lay_out_region(Build *b, RegionId id, RtRegion *x) {
    static const uint8_t kinds[] = {[REGION_BODY] = RT_BODY, [REGION_ARM] = RT_ARM, [REGION_ITEM] = RT_ITEM, [REGION_PASS] = RT_PASS,
        [REGION_TRIED] = RT_TRIED, [REGION_CAUGHT] = RT_CAUGHT, [REGION_HANDLER] = RT_HANDLER};
    const Flow *f = b->f;
    const FlowRegion *r = &f->region.data[id];
    *x = (RtRegion){.kind = kinds[r->kind], .name = r->name != 0 ? atom_cstr(f->atoms, r->name) : "", .workflow = r->workflow, .first = r->first,
        .n = r->n, .index_at = UINT32_MAX, .item_at = UINT32_MAX, .item2_at = UINT32_MAX, .state_at = UINT32_MAX, .failure_at = UINT32_MAX,
        .pointer = b->pointer.len};
    for (uint32_t i = 0; i < r->ninput; i++) add_slot(b, f->input.data[r->input + i].type, &x->words, &b->p->input_slot[r->input + i]);
    for (uint32_t i = 0; i < r->n; i++) add_slot(b, f->node.data[r->first + i].type, &x->words, &b->p->node_slot[r->first + i]);
    x->npointer = (b->pointer.len - x->pointer) / 2;
    const uint32_t *slot = b->p->input_slot + r->input;
    const FlowInput *input = f->input.data + r->input;
    uint32_t own = 0; /* leading inputs that the engine fills */
    while (own < r->ninput && input[own].from == OPND_ABSENT) own++;
    switch (r->kind) {
    case REGION_ITEM:
        x->index_at = slot[0];
        x->item_at = slot[1];
        x->item_words = plan_words(b->p, input[1].type);
        if (own > 2) {
            x->item2_at = slot[2];
            x->item2_words = plan_words(b->p, input[2].type);
        }
        break;
    case REGION_PASS: x->state_at = slot[0]; break;
    case REGION_CAUGHT: x->failure_at = slot[0]; break;
    case REGION_HANDLER:
        if (own > 0) x->failure_at = slot[0];
        break;
    case REGION_BODY:
    case REGION_ARM:
    case REGION_TRIED: break;
    }
}

static void plan_captures(Build *b, RegionId id, RtRegion *x) {
    const Flow *f = b->f;
    const FlowRegion *r = &f->region.data[id];
    x->capture = b->capture.len;
    for (uint32_t i = 0; i < r->ninput; i++) {
        const FlowInput *in = &f->input.data[r->input + i];
        if (in->from == OPND_ABSENT) continue;
        RtOpnd from = plan_opnd(b, (PlanCode){.frame = FRAME_REGION, .region = r->parent}, in->from);
        from.type = in->type; /* in handlers T? of a node's T: the engine tells whether there is a value */
        vec_push(&b->capture, ((RtCapture){from, b->p->input_slot[r->input + i]}));
    }
    x->ncapture = b->capture.len - x->capture;
}

static void plan_node(Build *b, NodeId id, RegionId region, RtNode *x) {
    static const uint8_t kinds[] = {[NODE_CALL] = RT_CALL, [NODE_SUB] = RT_SUB, [NODE_PICK] = RT_PICK, [NODE_EACH] = RT_EACH, [NODE_LOOP] = RT_LOOP,
        [NODE_TRY] = RT_TRY, [NODE_GATE] = RT_GATE, [NODE_LET] = RT_LET, [NODE_FAIL] = RT_FAILURE};
    const Flow *f = b->f;
    const FlowNode *n = &f->node.data[id];
    PlanCode code = {.frame = FRAME_REGION, .region = region, .node = id};
    *x = (RtNode){.kind = kinds[n->kind], .name = atom_cstr(f->atoms, n->name), .type = n->type, .slot = b->p->node_slot[id], .ref = n->ref,
        .arg = b->opnd.len, .narg = n->nargs, .region = n->region, .nregion = n->nregions, .span = add_span(b, f->node_span.data[id])};
    for (uint16_t i = 0; i < n->nargs; i++) {
        RtOpnd o = plan_opnd(b, code, f->opnd.data[n->arg + i]);
        vec_push(&b->opnd, o);
    }
    x->setting = add_settings(b, code, n->settings, true);
    x->nsetting = f->settings.data[n->settings].n;
    if (n->kind == NODE_CALL) {
        add_step_settings(b, n->ref, x->setting, x->nsetting);
        x->nsetting = b->setting.len - x->setting;
    }
    if (n->kind == NODE_SUB) {
        x->region = f->workflow.data[n->ref].body;
        x->nregion = 1;
    }
    if (n->kind == NODE_PICK || n->kind == NODE_EACH || n->kind == NODE_LOOP) {
        code.kind = CODE_DRIVER;
        x->driver = add_code(b, code);
    }
}

static void plan_edges(Build *b, RtNode *node) {
    const Flow *f = b->f;
    uint32_t n = f->node.len;
    uint32_t *at = wf_alloc_zero(((size_t)n + 2) * sizeof *at);
    for (uint32_t i = 0; i < f->edge.len; i++) at[f->edge.data[i].from + 1]++;
    for (uint32_t i = 0; i < n; i++) at[i + 1] += at[i];
    vec_reserve(&b->succ, f->edge.len + 1);
    b->succ.len = f->edge.len;
    for (uint32_t i = 0; i < n; i++) {
        node[i].succ = at[i];
        node[i].nsucc = at[i + 1] - at[i];
        node[i].npred = f->pred_at.data[i + 1] - f->pred_at.data[i];
    }
    for (uint32_t i = 0; i < f->edge.len; i++) b->succ.data[at[f->edge.data[i].from]++] = f->edge.data[i].to;
    free(at);
}

static void plan_fallbacks(Build *b, RtField *fields) {
    const Flow *f = b->f;
    for (uint32_t i = 0; i < f->fallback.len; i++) {
        const FlowDefault *d = &f->fallback.data[i];
        if (opnd_tag(d->value) != OPND_CONST) continue; /* computed ones are filled in by plan_eval_fallbacks */
        RtField *field = &fields[b->p->rt.types->type[d->type].first + d->field];
        RtWord *w = ARENA_ARRAY(&b->p->arena, RtWord, plan_words(b->p, field->type) + 1);
        plan_constant(b->p, &f->constant.data[opnd_index(d->value)], w);
        field->fallback = w;
    }
}

/* What decides the meaning of a run: the text form of the graph and the code of its steps. */
static uint64_t hash_flow(const Flow *f) {
    Buf text = BUF_INIT;
    flow_dump(&text, f);
    uint64_t h = hash_bytes(text.p, text.n);
    buf_free(&text);
    for (uint32_t i = 0; i < f->step.len; i++) h = hash_mix(h, hash_bytes(f->step.data[i].code.p, f->step.data[i].code.n));
    return h;
}

#define KEEP(b, v, T) (T *)keep(&(b)->p->arena, (b)->v.data, sizeof(T), (b)->v.len)
static void *keep(Arena *a, void *data, size_t size, uint32_t n) {
    void *p = arena_alloc(a, size * ((size_t)n + 1));
    if (n > 0) memcpy(p, data, size * n);
    free(data);
    return p;
}

void plan_build(Plan *p, const Flow *f, const char *project) {
    *p = (Plan){.flow = f};
    Build b = {.p = p, .f = f};
    RtField *fields;
    p->rt.types = layout_types(&p->arena, f, &fields);
    p->node_slot = ARENA_ARRAY(&p->arena, uint32_t, f->node.len + 1);
    p->input_slot = ARENA_ARRAY(&p->arena, uint32_t, f->input.len + 1);
    p->param_slot = ARENA_ARRAY(&p->arena, uint32_t, f->param.len + 1);
    for (uint32_t i = 0; i < f->expr.len; i++) add_span(&b, f->expr_span.data[i]); /* the span of expression i is i */
    RtStep *step = ARENA_ARRAY(&p->arena, RtStep, f->step.len + 1);
    p->rt.step = step;
    p->rt.nstep = f->step.len;
    for (uint32_t i = 0; i < f->step.len; i++) {
        const FlowStep *s = &f->step.data[i];
        step[i].words = lay_out_params(&b, s->param, s->nparam);
        lay_out_outputs(&b, s->output, s->noutput, s->result);
    }
    for (uint32_t i = 0; i < f->workflow.len; i++) {
        const FlowWorkflow *w = &f->workflow.data[i];
        lay_out_params(&b, w->param, w->nparam);
        lay_out_outputs(&b, w->output, w->noutput, w->result);
    }
    for (uint32_t i = 0; i < f->fn.len; i++) lay_out_params(&b, f->fn.data[i].param, f->fn.data[i].nparam);
    RtRegion *region = ARENA_ARRAY(&p->arena, RtRegion, f->region.len + 1);
    RtNode *node = ARENA_ARRAY(&p->arena, RtNode, f->node.len + 1);
    RtWorkflow *workflow = ARENA_ARRAY(&p->arena, RtWorkflow, f->workflow.len + 1);
    for (RegionId r = 1; r < f->region.len; r++) lay_out_region(&b, r, &region[r]);
    p->rt.param = plan_params(&b);
    plan_steps(&b, step);
    plan_workflows(&b, workflow);
    for (RegionId r = 1; r < f->region.len; r++) {
        plan_captures(&b, r, &region[r]);
        region[r].result = plan_opnd(&b, (PlanCode){.frame = FRAME_REGION, .region = r}, f->region.data[r].result);
        for (uint32_t i = 0; i < region[r].n; i++) plan_node(&b, region[r].first + i, r, &node[region[r].first + i]);
    }
    plan_edges(&b, node);
    plan_fallbacks(&b, fields);
    p->rt.node = node;
    p->rt.nnode = f->node.len;
    p->rt.region = region;
    p->rt.nregion = f->region.len;
    p->rt.workflow = workflow;
    p->rt.nworkflow = f->workflow.len;
    p->rt.main = f->main;
    p->rt.opnd = KEEP(&b, opnd, RtOpnd);
    p->rt.succ = KEEP(&b, succ, uint32_t);
    p->rt.pointer = KEEP(&b, pointer, uint32_t);
    p->rt.capture = KEEP(&b, capture, RtCapture);
    p->rt.constant = KEEP(&b, constant, RtWord);
    p->rt.setting = KEEP(&b, setting, RtSetting);
    p->rt.span = KEEP(&b, span, RtSpan);
    p->rt.ncode = p->code.len;
    p->rt.code = ARENA_ARRAY(&p->arena, RtCode, p->code.len + 1);
    p->rt.failure_type = f->failure;
    p->rt.hash = hash_flow(f);
    p->rt.project = project;
}

void plan_free(Plan *p) {
    vec_free(&p->code);
    arena_free(&p->arena);
}
