/* Expressions of constants. Only what cannot fail and has one obvious result is computed here: bool logic, choices by a constant
   condition, the text of constant strings and ints in interpolations. Arithmetic stays, so that its errors keep their place. */
#include "compiler/pass/pass.h"

#include <inttypes.h>
#include <stdio.h>

static const FlowConst *constant_of(const Flow *f, Opnd o) { return opnd_tag(o) == OPND_CONST ? &f->constant.data[opnd_index(o)] : NULL; }

static const FlowConst *bool_of(const Flow *f, Opnd o) {
    const FlowConst *c = constant_of(f, o);
    return c != NULL && c->kind == CONST_BOOL ? c : NULL;
}

static Opnd fold_text(Flow *f, Opnd o) {
    const FlowConst *c = constant_of(f, o);
    char digits[32];
    if (c == NULL || c->type != T_INT) return OPND_ABSENT;
    int n = snprintf(digits, sizeof digits, "%" PRId64, c->i);
    return flow_const_string(f, T_STRING, (Str){digits, (size_t)n});
}

/* All parts constant strings. */
static Opnd fold_concat(Flow *f, const FlowExpr *x) {
    Buf b = BUF_INIT;
    for (uint16_t i = 0; i < x->n; i++) {
        const FlowConst *c = constant_of(f, f->opnd.data[x->a + i]);
        if (c == NULL || c->kind != CONST_STRING) {
            buf_free(&b);
            return OPND_ABSENT;
        }
        buf_str(&b, c->s);
    }
    Opnd o = flow_const_string(f, T_STRING, (Str){buf_cstr(&b), b.n});
    buf_free(&b);
    return o;
}

static Opnd fold_expr(Flow *f, ExprId id) {
    const FlowExpr x = f->expr.data[id];
    const Opnd *o = f->opnd.data + x.a;
    const FlowConst *c = x.n > 0 ? bool_of(f, o[0]) : NULL;
    switch ((int)x.op) {
    case FLOW_NOT: return c != NULL ? flow_const_bool(f, !c->i) : OPND_ABSENT;
    case FLOW_AND: return c != NULL ? (c->i ? o[1] : o[0]) : OPND_ABSENT;
    case FLOW_OR: return c != NULL ? (c->i ? o[0] : o[1]) : OPND_ABSENT;
    case FLOW_IF: return c != NULL ? (c->i ? o[1] : o[2]) : OPND_ABSENT;
    case FLOW_TEXT: return fold_text(f, o[0]);
    case FLOW_CONCAT: return fold_concat(f, &x);
    default: return OPND_ABSENT;
    }
}

/* Operands have lower ids than their users, so one pass in the order of ids is enough. */
void pass_fold(Flow *f) {
    Opnd *to = wf_alloc_zero(((size_t)f->expr.len + 1) * sizeof *to);
    uint32_t n = f->expr.len;
    for (ExprId id = 0; id < n; id++) {
        for (uint16_t i = 0; i < f->expr.data[id].n; i++) {
            Opnd *o = &f->opnd.data[f->expr.data[id].a + i];
            if (opnd_tag(*o) == OPND_EXPR && to[opnd_index(*o)] != OPND_ABSENT) *o = to[opnd_index(*o)];
        }
        to[id] = fold_expr(f, id);
    }
#define FOLDED(o) (opnd_tag(o) == OPND_EXPR && to[opnd_index(o)] != OPND_ABSENT ? to[opnd_index(o)] : (o))
    for (uint32_t i = 0; i < f->opnd.len; i++) f->opnd.data[i] = FOLDED(f->opnd.data[i]);
    for (RegionId r = 1; r < f->region.len; r++) {
        f->region.data[r].result = FOLDED(f->region.data[r].result);
        f->region.data[r].guard = FOLDED(f->region.data[r].guard);
    }
    for (uint32_t i = 0; i < f->fn.len; i++) f->fn.data[i].body = FOLDED(f->fn.data[i].body);
    for (uint32_t i = 0; i < f->setting.len; i++) f->setting.data[i].value = FOLDED(f->setting.data[i].value);
    for (uint32_t i = 0; i < f->param.len; i++) f->param.data[i].fallback = FOLDED(f->param.data[i].fallback);
    for (uint32_t i = 0; i < f->input.len; i++) f->input.data[i].from = FOLDED(f->input.data[i].from);
#undef FOLDED
    free(to);
}
