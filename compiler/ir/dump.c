/* The text form of the flow graph. */
#include "compiler/ir/flow.h"

#include <inttypes.h>

static const char *const op_text[FLOW_OP_COUNT] = {
#define OP(name, text, lazy) [FLOW_##name] = text,
#include "compiler/ir/ops.def"
#undef OP
};

static const char *const cmp_text[] = {
    [CMP_EQ] = "==", [CMP_NE] = "!=", [CMP_LT] = "<", [CMP_LE] = "<=", [CMP_GT] = ">", [CMP_GE] = ">="};

static const char *const fact_text[FACT_COUNT] = {[FACT_RUN_ID] = "run.id",
    [FACT_RUN_TIME] = "run.time",
    [FACT_RUN_SCHEDULED_AT] = "run.scheduled_at",
    [FACT_RUN_PARAMS] = "run.params",
    [FACT_RUN_STATUS] = "run.status",
    [FACT_RUN_DURATION] = "run.duration",
    [FACT_RUN_FAILURES] = "run.failures"};

/* A string constant with quotes, escapes for control characters, and no more than 60 bytes of it. */
static void dump_text(Buf *out, Str s) {
    buf_addc(out, '"');
    for (size_t i = 0; i < s.n && i < 60; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '\n')
            buf_z(out, "\\n");
        else if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c < 0x20)
            buf_printf(out, "\\x%02x", c);
        else
            buf_addc(out, (char)c);
    }
    buf_z(out, s.n > 60 ? "\"..." : "\"");
}

static void dump_const(Buf *out, const Flow *f, const FlowConst *c) {
    char number[32];
    switch (c->kind) {
    case CONST_NONE: buf_z(out, "none"); return;
    case CONST_BOOL: buf_z(out, c->i ? "true" : "false"); return;
    case CONST_FLOAT: buf_add(out, number, format_double(c->f, number)); return;
    case CONST_STRING: dump_text(out, c->s); return;
    case CONST_ENUM: {
        uint32_t n;
        buf_z(out, atom_cstr(f->atoms, type_fields(f->types, c->type, &n)[c->i].name));
        return;
    }
    case CONST_INT:
        buf_printf(out, "%" PRId64, c->i);
        if (type_kind(f->types, c->type) == TY_DURATION) buf_z(out, "ms");
        if (type_kind(f->types, c->type) == TY_SIZE) buf_z(out, "B");
        return;
    }
}

static void dump_opnd(Buf *out, const Flow *f, Opnd o);

static void dump_expr(Buf *out, const Flow *f, ExprId id) {
    const FlowExpr *x = &f->expr.data[id];
    const Opnd *o = flow_opnds(f, x->a);
    if (x->op == FLOW_FIELD) {
        dump_opnd(out, f, o[0]);
        buf_printf(out, ".%u", x->b);
        return;
    }
    if (x->op == FLOW_CMP) {
        buf_addc(out, '(');
        dump_opnd(out, f, o[0]);
        buf_printf(out, " %s ", cmp_text[x->cmp]);
        dump_opnd(out, f, o[1]);
        buf_addc(out, ')');
        return;
    }
    if (x->op == FLOW_CALL)
        buf_z(out, atom_cstr(f->atoms, f->fn.data[x->b].name));
    else if (x->op == FLOW_LIB)
        buf_printf(out, "%s", lib_rows[x->b].name[0] ? lib_rows[x->b].name : lib_rows[x->b].doc);
    else
        buf_z(out, op_text[x->op]);
    if (x->op == FLOW_LET || (x->op >= FLOW_FOR && x->op <= FLOW_REPEAT)) buf_printf(out, " L%u", x->b);
    buf_addc(out, '(');
    for (uint16_t i = 0; i < x->n; i++) {
        if (i > 0) buf_z(out, ", ");
        dump_opnd(out, f, o[i]);
    }
    buf_addc(out, ')');
}

static void dump_opnd(Buf *out, const Flow *f, Opnd o) {
    uint32_t i = opnd_index(o);
    switch (opnd_tag(o)) {
    case OPND_NONE: buf_addc(out, '-'); return;
    case OPND_CONST: dump_const(out, f, &f->constant.data[i]); return;
    case OPND_NODE: buf_printf(out, "%%%u", i); return;
    case OPND_INPUT: buf_printf(out, "$%u", i); return;
    case OPND_EXPR: dump_expr(out, f, i); return;
    case OPND_LOCAL: buf_printf(out, "L%u", i); return;
    case OPND_FACT: buf_z(out, fact_text[i]); return;
    }
}

static void dump_settings(Buf *out, const Flow *f, uint32_t settings) {
    const FlowSettings *s = &f->settings.data[settings];
    for (uint32_t i = 0; i < s->n; i++) {
        const FlowSetting *x = &f->setting.data[s->first + i];
        buf_printf(out, " @%s", setting_annotation(x->key));
        if (setting_param(x->key)[0]) buf_printf(out, ".%s", setting_param(x->key));
        buf_addc(out, '=');
        dump_opnd(out, f, x->value);
    }
}

static void dump_qualified(Buf *out, const Flow *f, Atom module, Atom name) {
    if (module != 0) buf_printf(out, "%s.", atom_cstr(f->atoms, module));
    buf_z(out, atom_cstr(f->atoms, name));
}

static void dump_params(Buf *out, const Flow *f, uint32_t first, uint32_t n) {
    buf_addc(out, '(');
    for (uint32_t i = 0; i < n; i++) {
        const FlowParam *p = &f->param.data[first + i];
        buf_printf(out, "%s%s%s: ", i ? ", " : "", p->load ? "@load " : "", atom_cstr(f->atoms, p->name));
        type_print(out, f->types, p->type);
        if (p->fallback != OPND_ABSENT) {
            buf_z(out, " = ");
            dump_opnd(out, f, p->fallback);
        }
    }
    buf_addc(out, ')');
}

static void dump_node(Buf *out, const Flow *f, NodeId id) {
    static const char *const kinds[] = {[NODE_CALL] = "call", [NODE_SUB] = "sub", [NODE_PICK] = "pick", [NODE_EACH] = "each",
        [NODE_LOOP] = "loop", [NODE_TRY] = "try", [NODE_GATE] = "gate", [NODE_LET] = "let", [NODE_FAIL] = "fail"};
    const FlowNode *n = &f->node.data[id];
    buf_printf(out, "  %%%u %s ", id, kinds[n->kind]);
    if (n->kind == NODE_CALL) dump_qualified(out, f, f->step.data[n->ref].module, f->step.data[n->ref].name);
    if (n->kind == NODE_SUB) dump_qualified(out, f, f->workflow.data[n->ref].module, f->workflow.data[n->ref].name);
    if (n->kind == NODE_CALL || n->kind == NODE_SUB) buf_addc(out, ' ');
    buf_printf(out, "\"%s\" : ", atom_cstr(f->atoms, n->name));
    type_print(out, f->types, n->type);
    buf_z(out, " (");
    for (uint16_t i = 0; i < n->nargs; i++) {
        if (i > 0) buf_z(out, ", ");
        dump_opnd(out, f, flow_opnds(f, n->arg)[i]);
    }
    buf_addc(out, ')');
    for (uint16_t i = 0; i < n->nregions; i++) buf_printf(out, "%s region %u", i ? "," : " ->", n->region + i);
    const char *lead = " after ";
    for (uint32_t e = f->pred_at.data[id]; e < f->pred_at.data[id + 1]; e++)
        if (f->edge.data[e].kind == EDGE_ORDER) {
            buf_printf(out, "%s%%%u", lead, f->edge.data[e].from);
            lead = ", ";
        }
    dump_settings(out, f, n->settings);
    LineCol at = source_line_col(f->sources, f->node_span.data[id].file, f->node_span.data[id].off);
    buf_printf(out, "  #%u:%u\n", at.line, at.col);
}

static void dump_region(Buf *out, const Flow *f, RegionId id) {
    static const char *const kinds[] = {[REGION_BODY] = "body", [REGION_ARM] = "arm", [REGION_ITEM] = "item", [REGION_PASS] = "pass",
        [REGION_TRIED] = "tried", [REGION_CAUGHT] = "caught", [REGION_HANDLER] = "handler"};
    const FlowRegion *r = &f->region.data[id];
    buf_printf(out, "region %u %s", id, kinds[r->kind]);
    if (r->name != 0) buf_printf(out, " %s", atom_cstr(f->atoms, r->name));
    if (r->kind != REGION_BODY && r->kind != REGION_HANDLER) buf_printf(out, " of %%%u", r->owner);
    for (uint32_t i = 0; i < r->ninput; i++) {
        const FlowInput *x = &f->input.data[r->input + i];
        buf_printf(out, "%s$%u %s", i ? "  " : "   inputs ", i, atom_cstr(f->atoms, x->name));
        if (x->from != OPND_ABSENT) {
            buf_z(out, " = ");
            dump_opnd(out, f, x->from);
        }
    }
    buf_addc(out, '\n');
    for (uint32_t i = 0; i < r->n; i++) dump_node(out, f, r->first + i);
    if (r->guard != OPND_ABSENT) {
        buf_z(out, r->kind == REGION_PASS ? "  until " : "  filter ");
        dump_opnd(out, f, r->guard);
        buf_addc(out, '\n');
    }
    if (r->result != OPND_ABSENT) {
        buf_z(out, "  result ");
        dump_opnd(out, f, r->result);
        buf_addc(out, '\n');
    }
}

void flow_dump(Buf *out, const Flow *f) {
    static const char *const bodies[] = {[BODY_NONE] = "none", [BODY_FENCE] = "fence", [BODY_EXEC] = "exec", [BODY_EXTERN] = "extern",
        [BODY_SUPPLIED] = "supplied"};
    for (uint32_t i = 0; i < f->step.len; i++) {
        const FlowStep *s = &f->step.data[i];
        buf_z(out, "step ");
        dump_qualified(out, f, s->module, s->name);
        dump_params(out, f, s->param, s->nparam);
        buf_z(out, " -> ");
        dump_params(out, f, s->output, s->noutput);
        buf_printf(out, " %s", bodies[s->body]);
        if (s->body == BODY_FENCE) buf_printf(out, " %s %zu bytes", atom_cstr(f->atoms, s->lang), s->code.n);
        if (s->body == BODY_EXTERN) dump_text(out, s->code);
        if (s->body == BODY_EXEC) {
            buf_z(out, " [");
            for (uint32_t k = 0; k < s->nargv; k++) {
                if (k > 0) buf_z(out, ", ");
                dump_opnd(out, f, f->opnd.data[s->argv + k]);
            }
            buf_addc(out, ']');
        }
        dump_settings(out, f, s->settings);
        buf_addc(out, '\n');
    }
    for (uint32_t i = 0; i < f->fn.len; i++) {
        const FlowFn *x = &f->fn.data[i];
        buf_z(out, "fn ");
        dump_qualified(out, f, x->module, x->name);
        dump_params(out, f, x->param, x->nparam);
        buf_z(out, " -> ");
        type_print(out, f->types, x->result);
        buf_z(out, " = ");
        dump_opnd(out, f, x->body);
        buf_addc(out, '\n');
    }
    for (uint32_t i = 0; i < f->workflow.len; i++) {
        const FlowWorkflow *w = &f->workflow.data[i];
        buf_z(out, "workflow ");
        dump_qualified(out, f, w->module, w->name);
        dump_params(out, f, w->param, w->nparam);
        buf_z(out, " -> ");
        type_print(out, f->types, w->result);
        buf_printf(out, " region %u", w->body);
        if (w->on_success) buf_printf(out, " success %u", w->on_success);
        if (w->on_failure) buf_printf(out, " failure %u", w->on_failure);
        if (w->finally) buf_printf(out, " finally %u", w->finally);
        dump_settings(out, f, w->settings);
        buf_addc(out, '\n');
    }
    for (RegionId r = 1; r < f->region.len; r++) dump_region(out, f, r);
}
