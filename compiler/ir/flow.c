#include "compiler/ir/flow.h"

#include <stdlib.h>

void flow_init(Flow *f, Atoms *atoms, Types *types, Sources *sources) {
    *f = (Flow){.atoms = atoms, .types = types, .sources = sources};
    vec_push(&f->region, (FlowRegion){0});
    vec_push(&f->settings, (FlowSettings){0});
}

void flow_free(Flow *f) {
    arena_free(&f->arena);
    vec_free(&f->node);
    vec_free(&f->node_span);
    vec_free(&f->edge);
    vec_free(&f->pred_at);
    vec_free(&f->expr);
    vec_free(&f->expr_span);
    vec_free(&f->opnd);
    vec_free(&f->constant);
    vec_free(&f->region);
    vec_free(&f->input);
    vec_free(&f->param);
    vec_free(&f->step);
    vec_free(&f->fn);
    vec_free(&f->workflow);
    vec_free(&f->fallback);
    vec_free(&f->target_body);
    vec_free(&f->argname);
    vec_free(&f->target);
    vec_free(&f->target_value);
    vec_free(&f->setting);
    vec_free(&f->settings);
    *f = (Flow){0};
}

TypeId flow_fact_type(const Flow *f, FlowFact fact) {
    switch (fact) {
    case FACT_RUN_ID:
    case FACT_RUN_STATUS: return T_STRING;
    case FACT_RUN_TIME: return T_TIME;
    case FACT_RUN_SCHEDULED_AT: return type_opt(f->types, T_TIME);
    case FACT_RUN_PARAMS: return T_JSON;
    case FACT_RUN_DURATION: return T_DURATION;
    case FACT_RUN_FAILURES: return type_list(f->types, f->failure);
    case FACT_COUNT: break;
    }
    return T_ERROR;
}

ExprId flow_expr(Flow *f, FlowOp op, TypeId type, Span span, const Opnd *operands, uint16_t n, uint32_t b) {
    FlowExpr x = {.op = (uint8_t)op, .n = n, .type = type, .a = f->opnd.len, .b = b};
    vec_append(&f->opnd, operands, n);
    vec_push(&f->expr, x);
    vec_push(&f->expr_span, span);
    return f->expr.len - 1;
}

static Opnd constant(Flow *f, FlowConst c) {
    vec_push(&f->constant, c);
    return opnd(OPND_CONST, f->constant.len - 1);
}

Opnd flow_const_int(Flow *f, TypeId type, int64_t v) {
    FlowConstKind kind = type_kind(f->types, type) == TY_ENUM ? CONST_ENUM : CONST_INT;
    return constant(f, (FlowConst){.kind = kind, .type = type, .i = v});
}

Opnd flow_const_float(Flow *f, double v) { return constant(f, (FlowConst){.kind = CONST_FLOAT, .type = T_FLOAT, .f = v}); }

Opnd flow_const_bool(Flow *f, bool v) { return constant(f, (FlowConst){.kind = CONST_BOOL, .type = T_BOOL, .i = v}); }

Opnd flow_const_string(Flow *f, TypeId type, Str s) {
    return constant(f, (FlowConst){.kind = CONST_STRING, .type = type, .s = {arena_strndup(&f->arena, s.p, s.n), s.n}});
}

Opnd flow_const_none(Flow *f, TypeId opt) { return constant(f, (FlowConst){.kind = CONST_NONE, .type = opt}); }

static int edge_order(const void *a, const void *b) {
    const FlowEdge *x = a, *y = b;
    if (x->to != y->to) return x->to < y->to ? -1 : 1;
    if (x->from != y->from) return x->from < y->from ? -1 : 1;
    return (int)x->kind - (int)y->kind; /* data first, so that it wins */
}

void flow_index_edges(Flow *f) {
    if (f->edge.len > 0) qsort(f->edge.data, f->edge.len, sizeof *f->edge.data, edge_order);
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->edge.len; i++) {
        const FlowEdge *e = &f->edge.data[i];
        if (n > 0 && f->edge.data[n - 1].from == e->from && f->edge.data[n - 1].to == e->to) continue;
        f->edge.data[n++] = *e;
    }
    f->edge.len = n;
    vec_clear(&f->pred_at);
    uint32_t at = 0;
    for (uint32_t node = 0; node <= f->node.len; node++) {
        while (at < n && f->edge.data[at].to < node) at++;
        vec_push(&f->pred_at, at);
    }
}

const FlowSetting *flow_setting(const Flow *f, uint32_t settings, Setting key) {
    const FlowSettings *s = &f->settings.data[settings];
    for (uint32_t i = 0; i < s->n; i++)
        if (f->setting.data[s->first + i].key == key) return &f->setting.data[s->first + i];
    return NULL;
}

static const struct {
    const char *annotation, *param;
} setting_names[SET_COUNT] = {
#define SETTING(key, annotation, param) [SET_##key] = {annotation, param},
#include "compiler/ir/settings.def"
#undef SETTING
};

const char *setting_annotation(Setting s) { return setting_names[s].annotation; }
const char *setting_param(Setting s) { return setting_names[s].param; }
