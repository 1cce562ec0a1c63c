#include "compiler/backend/eval/eval.h"

#include <math.h>

typedef struct Site {
    Plan *p;
    PlanCode code;
} Site;

/* One evaluation: what operands mean, and the locals. */
typedef struct Eval {
    Rt *rt;
    Plan *p;
    const PlanCode *code;   /* of a piece of code; NULL in a fn */
    const FlowFn *fn;
    const RtWord *frame;    /* of the code, or the arguments of the fn */
    RtWord **local;         /* by number */
    TypeId *type;           /* of locals */
    uint32_t nlocal;
} Eval;

static bool eval(Eval *e, Opnd o, RtWord *out);

static TypeId opnd_type(const Eval *e, Opnd o) {
    const Flow *f = e->p->flow;
    if (opnd_tag(o) == OPND_LOCAL) return e->type[opnd_index(o)];
    if (opnd_tag(o) == OPND_INPUT && e->fn != NULL) return f->param.data[e->fn->param + opnd_index(o)].type;
    static const PlanCode none = {.frame = FRAME_NOTHING};
    return plan_opnd_type(e->p, e->code ? e->code : &none, o, NULL);
}

static uint32_t words_of(const Eval *e, Opnd o) { return plan_words(e->p, opnd_type(e, o)); }

/* Memory for a value of the operand, in the scratch of the context. */
static RtWord *room(Eval *e, uint32_t words) { return rt_scratch(e->rt, (words + 1) * sizeof(RtWord)); }

static RtWord *value_of(Eval *e, Opnd o) {
    RtWord *w = room(e, words_of(e, o));
    return eval(e, o, w) ? w : NULL;
}

static void set_local(Eval *e, uint32_t number, TypeId type, RtWord *value) {
    if (number >= e->nlocal) {
        uint32_t n = number * 2 + 8;
        RtWord **local = rt_scratch(e->rt, n * sizeof *local);
        TypeId *types = rt_scratch(e->rt, n * sizeof *types);
        memset(local, 0, n * sizeof *local);
        memset(types, 0, n * sizeof *types);
        if (e->nlocal > 0) memcpy(local, e->local, e->nlocal * sizeof *local);
        if (e->nlocal > 0) memcpy(types, e->type, e->nlocal * sizeof *types);
        e->local = local;
        e->type = types;
        e->nlocal = n;
    }
    e->local[number] = value;
    e->type[number] = type;
}

/* --- arithmetic --- */

static bool overflow(Eval *e, uint32_t span) { return rt_trap_overflow(e->rt, span), false; }
static bool finite_or_trap(Eval *e, uint32_t span, double v, RtWord *out) {
    out->f = v;
    if (isfinite(v)) return true;
    return rt_trap_float(e->rt, span), false;
}

static bool int_op(Eval *e, FlowOp op, uint32_t span, int64_t a, int64_t b, RtWord *out) {
    switch ((int)op) {
    case FLOW_ADD_I: return !__builtin_add_overflow(a, b, &out->i) || overflow(e, span);
    case FLOW_SUB_I: return !__builtin_sub_overflow(a, b, &out->i) || overflow(e, span);
    case FLOW_MUL_I: return !__builtin_mul_overflow(a, b, &out->i) || overflow(e, span);
    case FLOW_FLOORDIV_I:
    case FLOW_MOD_I: {
        if (b == 0) return rt_trap_zero(e->rt, span), false;
        if (b == -1) { /* INT64_MIN / -1 does not fit */
            if (op == FLOW_MOD_I) return out->i = 0, true;
            return !__builtin_sub_overflow((int64_t)0, a, &out->i) || overflow(e, span);
        }
        int64_t q = a / b, r = a % b;
        if (r != 0 && (r < 0) != (b < 0)) q--, r += b;
        out->i = op == FLOW_FLOORDIV_I ? q : r;
        return true;
    }
    case FLOW_DIV_II:
        if (b == 0) return rt_trap_zero(e->rt, span), false;
        return finite_or_trap(e, span, (double)a / (double)b, out);
    default: return false;
    }
}

static bool float_op(Eval *e, FlowOp op, uint32_t span, double a, double b, RtWord *out) {
    switch ((int)op) {
    case FLOW_ADD_F: return finite_or_trap(e, span, a + b, out);
    case FLOW_SUB_F: return finite_or_trap(e, span, a - b, out);
    case FLOW_MUL_F: return finite_or_trap(e, span, a * b, out);
    case FLOW_DIV_F:
        if (b == 0) return rt_trap_zero(e->rt, span), false;
        return finite_or_trap(e, span, a / b, out);
    case FLOW_FLOORDIV_F:
    case FLOW_MOD_F: {
        if (b == 0) return rt_trap_zero(e->rt, span), false;
        /* As CPython's float_divmod: the remainder has the sign of the divisor. */
        double r = fmod(a, b), q = (a - r) / b;
        if (r != 0) {
            if ((b < 0) != (r < 0)) r += b, q -= 1;
        } else {
            r = copysign(0, b);
        }
        if (q != 0) {
            double floored = floor(q);
            if (q - floored > 0.5) floored += 1;
            q = floored;
        } else {
            q = copysign(0, a / b);
        }
        return finite_or_trap(e, span, op == FLOW_MOD_F ? r : q, out);
    }
    default: return false;
    }
}

/* A quantity times or divided by a float, to the nearest unit, ties to even. */
static bool scale(Eval *e, FlowOp op, uint32_t span, int64_t a, double b, RtWord *out) {
    if (op == FLOW_UNSCALE && b == 0) return rt_trap_zero(e->rt, span), false;
    double v = nearbyint(op == FLOW_SCALE ? (double)a * b : (double)a / b);
    if (!(v >= -0x1p63 && v < 0x1p63)) return overflow(e, span);
    out->i = (int64_t)v;
    return true;
}

static bool compare(Eval *e, const FlowExpr *x, RtWord *a, RtWord *b, RtWord *out) {
    TypeId t = opnd_type(e, e->p->flow->opnd.data[x->a]);
    if (x->cmp == CMP_EQ || x->cmp == CMP_NE) {
        out->i = rt_equal(e->rt, t, a, b) == (x->cmp == CMP_EQ);
        return true;
    }
    int64_t c = rt_compare(e->rt, t, a, b);
    switch ((FlowCmp)x->cmp) {
    case CMP_LT: out->i = c < 0; break;
    case CMP_LE: out->i = c <= 0; break;
    case CMP_GT: out->i = c > 0; break;
    case CMP_GE: out->i = c >= 0; break;
    case CMP_EQ:
    case CMP_NE: break;
    }
    return true;
}

/* --- optionals and structures --- */

static bool is_none(const Eval *e, TypeId opt, const RtWord *w) {
    const RtType *t = &e->p->rt.types->type[opt];
    return t->pointer ? w->p == NULL : w[t->words - 1].i == 0;
}

static void some(const Eval *e, TypeId opt, const RtWord *value, RtWord *out) {
    const RtType *t = &e->p->rt.types->type[opt];
    uint32_t inner = plan_words(e->p, t->inner);
    memmove(out, value, inner * sizeof *out);
    if (!t->pointer) out[inner].i = 1;
}

static bool record(Eval *e, const FlowExpr *x, const Opnd *o, RtWord *out) {
    const RtType *t = &e->p->rt.types->type[x->type];
    for (uint16_t i = 0; i < x->n; i++)
        if (!eval(e, o[i], out + e->p->rt.types->field[t->first + i].offset)) return false;
    return true;
}

static bool field(Eval *e, const FlowExpr *x, Opnd o, RtWord *out) {
    const RtType *t = &e->p->rt.types->type[opnd_type(e, o)];
    RtWord *v = value_of(e, o);
    if (v == NULL) return false;
    memcpy(out, v + e->p->rt.types->field[t->first + x->b].offset, plan_words(e->p, x->type) * sizeof *out);
    return true;
}

static bool make_list(Eval *e, const FlowExpr *x, const Opnd *o, RtWord *out) {
    uint32_t words = plan_words(e->p, type_inner(e->p->flow->types, x->type));
    RtList *l = rt_list(e->rt, x->type, x->n);
    for (uint16_t i = 0; i < x->n; i++)
        if (!eval(e, o[i], l->at + i * (size_t)words)) return false;
    out->p = l;
    return true;
}

static bool make_map(Eval *e, const FlowExpr *x, const Opnd *o, RtWord *out) {
    uint32_t words = plan_words(e->p, type_inner(e->p->flow->types, x->type)) + 1;
    RtWord *entries = room(e, words * (x->n / 2u));
    for (uint16_t i = 0; i < x->n; i++)
        if (!eval(e, o[i], entries + i / 2 * (size_t)words + i % 2)) return false;
    return rt_map(e->rt, x->type, x->n / 2, entries, out);
}

static bool index_of(Eval *e, const FlowExpr *x, const Opnd *o, uint32_t span, RtWord *out) {
    RtWord object, key;
    TypeId t = opnd_type(e, o[0]);
    if (!eval(e, o[0], &object) || !eval(e, o[1], &key)) return false;
    if (type_kind(e->p->flow->types, t) == TY_MAP) {
        if (rt_map_index(e->rt, t, &object, key.p, out)) return true;
        return rt_trap(e->rt, span), false;
    }
    const RtList *l = object.p;
    if (key.i < 0 || (uint64_t)key.i >= l->n) return rt_trap_index(e->rt, span, key.i, l->n), false;
    uint32_t words = plan_words(e->p, x->type);
    memcpy(out, l->at + (size_t)key.i * words, words * sizeof *out);
    return true;
}

static bool concat(Eval *e, const FlowExpr *x, const Opnd *o, RtWord *out) {
    RtText **parts = rt_scratch(e->rt, (x->n + 1u) * sizeof *parts);
    for (uint16_t i = 0; i < x->n; i++) {
        RtWord w;
        if (!eval(e, o[i], &w)) return false;
        parts[i] = w.p;
    }
    out->p = rt_concat(e->rt, parts, x->n);
    return true;
}

/* --- loops --- */

/* A list being gone through, with its item as local b + 1 and the index as local b. */
typedef struct Loop {
    const RtList *list, *second;
    uint32_t words, words2;
    uint32_t b;
    RtWord index;
} Loop;

static bool loop_open(Eval *e, Opnd source, uint32_t b, Loop *l) {
    RtWord w;
    if (!eval(e, source, &w)) return false;
    TypeId inner = type_inner(e->p->flow->types, opnd_type(e, source));
    *l = (Loop){.list = w.p, .words = plan_words(e->p, inner), .b = b};
    set_local(e, b, T_INT, &l->index);
    set_local(e, b + 1, inner, NULL);
    return true;
}

static void loop_at(Eval *e, Loop *l, uint64_t i) {
    l->index.i = (int64_t)i;
    e->local[l->b] = &l->index;
    e->local[l->b + 1] = (RtWord *)(uintptr_t)(l->list->at + i * l->words);
    if (l->second != NULL) e->local[l->b + 2] = (RtWord *)(uintptr_t)(l->second->at + i * l->words2);
}

static bool eval_for(Eval *e, const FlowExpr *x, const Opnd *o, uint32_t span, RtWord *out) {
    Loop l;
    if (!loop_open(e, o[0], x->b, &l)) return false;
    if (o[1] != OPND_ABSENT) {
        RtWord w;
        if (!eval(e, o[1], &w)) return false;
        TypeId inner = type_inner(e->p->flow->types, opnd_type(e, o[1]));
        l.second = w.p;
        l.words2 = plan_words(e->p, inner);
        set_local(e, x->b + 2, inner, NULL);
        if (l.second->n != l.list->n) return rt_trap_zip(e->rt, span, l.list->n, l.second->n), false;
    }
    uint32_t words = plan_words(e->p, type_inner(e->p->flow->types, x->type));
    RtList *r = rt_list(e->rt, x->type, l.list->n);
    uint64_t n = 0;
    for (uint64_t i = 0; i < l.list->n; i++) {
        RtWord admit = {.i = 1};
        loop_at(e, &l, i);
        if (o[2] != OPND_ABSENT && !eval(e, o[2], &admit)) return false;
        if (!admit.i) continue;
        loop_at(e, &l, i);
        if (!eval(e, o[3], r->at + n * words)) return false;
        n++;
    }
    r->n = n;
    out->p = r;
    return true;
}

/* any, all, find: until the predicate decides. */
static bool eval_search(Eval *e, const FlowExpr *x, const Opnd *o, RtWord *out) {
    Loop l;
    if (!loop_open(e, o[0], x->b, &l)) return false;
    memset(out, 0, plan_words(e->p, x->type) * sizeof *out);
    out->i = x->op == FLOW_ALL;
    for (uint64_t i = 0; i < l.list->n; i++) {
        RtWord hit;
        loop_at(e, &l, i);
        if (!eval(e, o[1], &hit)) return false;
        if ((x->op == FLOW_ALL) == (hit.i != 0)) continue;
        if (x->op == FLOW_FIND) {
            TypeId inner = type_inner(e->p->flow->types, opnd_type(e, o[0]));
            RtWord *item = (RtWord *)(uintptr_t)(l.list->at + i * l.words);
            if (inner == x->type) memcpy(out, item, l.words * sizeof *out);
            else some(e, x->type, item, out);
        } else {
            out->i = x->op == FLOW_ANY;
        }
        return true;
    }
    if (x->op == FLOW_FIND) out->i = 0;
    return true;
}

/* The keys of all elements. */
static RtWord *keys_of(Eval *e, Loop *l, Opnd key, TypeId *type, uint32_t *words) {
    RtWord *keys = NULL;
    *words = 0;
    *type = T_NOTHING;
    for (uint64_t i = 0; i < l->list->n; i++) {
        loop_at(e, l, i);
        if (keys == NULL) {
            *type = opnd_type(e, key);
            *words = plan_words(e->p, *type);
            keys = rt_scratch(e->rt, (l->list->n * *words + 1) * sizeof *keys);
        }
        if (!eval(e, key, keys + i * *words)) return NULL;
    }
    return keys != NULL ? keys : room(e, 0);
}

static bool eval_extreme(Eval *e, const FlowExpr *x, const Opnd *o, uint32_t span, RtWord *out) {
    Loop l;
    TypeId type;
    uint32_t words;
    if (!loop_open(e, o[0], x->b, &l)) return false;
    if (l.list->n == 0) return rt_trap_empty(e->rt, span), false;
    RtWord *keys = keys_of(e, &l, o[1], &type, &words);
    if (keys == NULL) return false;
    uint64_t best = 0;
    for (uint64_t i = 1; i < l.list->n; i++) {
        int64_t c = rt_compare(e->rt, type, keys + i * words, keys + best * words);
        if (x->op == FLOW_MAX_BY ? c > 0 : c < 0) best = i;
    }
    memcpy(out, l.list->at + best * l.words, l.words * sizeof *out);
    return true;
}

static bool eval_sort(Eval *e, const FlowExpr *x, const Opnd *o, RtWord *out) {
    Loop l;
    TypeId type;
    uint32_t words;
    RtWord descending;
    if (!loop_open(e, o[0], x->b, &l) || !eval(e, o[1], &descending)) return false;
    RtWord *keys = keys_of(e, &l, o[2], &type, &words);
    if (keys == NULL) return false;
    RtList *r = rt_list(e->rt, x->type, l.list->n);
    const uint64_t *order = l.list->n > 0 ? rt_order(e->rt, type, keys, l.list->n, descending.i) : NULL;
    for (uint64_t i = 0; i < l.list->n; i++) memcpy(r->at + i * l.words, l.list->at + order[i] * l.words, l.words * sizeof *r->at);
    out->p = r;
    return true;
}

static bool eval_group(Eval *e, const FlowExpr *x, const Opnd *o, RtWord *out) {
    Loop l;
    TypeId type;
    uint32_t words;
    if (!loop_open(e, o[0], x->b, &l)) return false;
    RtWord *keys = keys_of(e, &l, o[1], &type, &words);
    if (keys == NULL) return false;
    RtWord items = {.p = (void *)(uintptr_t)l.list};
    if (l.list->n == 0) { /* no key told its type */
        out->p = rt_list(e->rt, x->type, 0);
        return true;
    }
    return rt_groups(e->rt, x->type, opnd_type(e, o[0]), &items, type, keys, out);
}

static bool eval_fold(Eval *e, const FlowExpr *x, const Opnd *o, RtWord *out) {
    Loop l;
    uint32_t words = plan_words(e->p, x->type);
    if (!loop_open(e, o[0], x->b, &l) || !eval(e, o[1], out)) return false;
    RtWord *state = room(e, words), *next = room(e, words);
    memcpy(state, out, words * sizeof *out);
    set_local(e, x->b + 2, x->type, state);
    for (uint64_t i = 0; i < l.list->n; i++) {
        loop_at(e, &l, i);
        e->local[x->b + 2] = state;
        if (!eval(e, o[2], next)) return false;
        memcpy(state, next, words * sizeof *state);
    }
    memcpy(out, state, words * sizeof *out);
    return true;
}

static bool eval_repeat(Eval *e, const FlowExpr *x, const Opnd *o, RtWord *out) {
    uint32_t words = plan_words(e->p, x->type);
    RtWord max, done, *state = room(e, words), *next = room(e, words);
    if (!eval(e, o[0], state) || !eval(e, o[1], &max)) return false;
    for (int64_t i = 0; i < max.i; i++) {
        set_local(e, x->b, x->type, state);
        if (!eval(e, o[2], &done)) return false;
        if (done.i) break;
        e->local[x->b] = state;
        if (!eval(e, o[3], next)) return false;
        memcpy(state, next, words * sizeof *state);
    }
    memcpy(out, state, words * sizeof *out);
    return true;
}

/* --- calls --- */

static bool call_fn(Eval *e, const FlowExpr *x, const Opnd *o, RtWord *out) {
    const FlowFn *fn = &e->p->flow->fn.data[x->b];
    uint32_t words = 0;
    for (uint32_t i = 0; i < fn->nparam; i++) words += plan_words(e->p, e->p->flow->param.data[fn->param + i].type);
    RtWord *args = room(e, words);
    for (uint16_t i = 0; i < x->n; i++)
        if (!eval(e, o[i], args + e->p->param_slot[fn->param + i])) return false;
    Eval inner = {.rt = e->rt, .p = e->p, .fn = fn, .frame = args};
    return eval(&inner, fn->body, out);
}

static bool call_lib(Eval *e, const FlowExpr *x, const Opnd *o, uint32_t span, RtWord *out) {
    uint32_t types[5] = {x->type}, words = 0;
    for (uint16_t i = 0; i < x->n; i++) {
        types[i + 1] = opnd_type(e, o[i]);
        words += plan_words(e->p, types[i + 1]);
    }
    RtWord *args = room(e, words), *at = args;
    for (uint16_t i = 0; i < x->n; i++) {
        if (!eval(e, o[i], at)) return false;
        at += plan_words(e->p, types[i + 1]);
    }
    if (rt_lib(e->rt, x->b, types, args, out)) return true;
    return rt_trap(e->rt, span), false;
}

/* --- dispatch --- */

static bool eval_choice(Eval *e, const FlowExpr *x, const Opnd *o, RtWord *out) {
    RtWord c;
    if (x->op == FLOW_COALESCE) {
        TypeId opt = opnd_type(e, o[0]);
        RtWord *v = value_of(e, o[0]);
        if (v == NULL) return false;
        if (is_none(e, opt, v)) return eval(e, o[1], out);
        memcpy(out, v, plan_words(e->p, x->type) * sizeof *out);
        return true;
    }
    if (!eval(e, o[0], &c)) return false;
    if (x->op == FLOW_IF) return eval(e, c.i ? o[1] : o[2], out);
    if ((x->op == FLOW_AND) == (c.i == 0)) return out->i = c.i, true;
    return eval(e, o[1], out);
}

static bool eval_expr(Eval *e, ExprId id, RtWord *out) {
    const FlowExpr *x = &e->p->flow->expr.data[id];
    const Opnd *o = e->p->flow->opnd.data + x->a;
    RtWord a, b;
    switch ((FlowOp)x->op) {
    case FLOW_ADD_I:
    case FLOW_SUB_I:
    case FLOW_MUL_I:
    case FLOW_FLOORDIV_I:
    case FLOW_MOD_I:
    case FLOW_DIV_II: return eval(e, o[0], &a) && eval(e, o[1], &b) && int_op(e, (FlowOp)x->op, id, a.i, b.i, out);
    case FLOW_ADD_F:
    case FLOW_SUB_F:
    case FLOW_MUL_F:
    case FLOW_DIV_F:
    case FLOW_FLOORDIV_F:
    case FLOW_MOD_F: return eval(e, o[0], &a) && eval(e, o[1], &b) && float_op(e, (FlowOp)x->op, id, a.f, b.f, out);
    case FLOW_NEG_I: return eval(e, o[0], &a) && int_op(e, FLOW_SUB_I, id, 0, a.i, out);
    case FLOW_NEG_F:
        if (!eval(e, o[0], &a)) return false;
        out->f = -a.f;
        return true;
    case FLOW_SCALE:
    case FLOW_UNSCALE: return eval(e, o[0], &a) && eval(e, o[1], &b) && scale(e, (FlowOp)x->op, id, a.i, b.f, out);
    case FLOW_INT_TO_FLOAT:
        if (!eval(e, o[0], &a)) return false;
        out->f = (double)a.i;
        return true;
    case FLOW_CMP: {
        RtWord *l = value_of(e, o[0]), *r = l != NULL ? value_of(e, o[1]) : NULL;
        return r != NULL && compare(e, x, l, r, out);
    }
    case FLOW_NOT:
        if (!eval(e, o[0], &a)) return false;
        out->i = !a.i;
        return true;
    case FLOW_AND:
    case FLOW_OR:
    case FLOW_IF:
    case FLOW_COALESCE: return eval_choice(e, x, o, out);
    case FLOW_SOME: {
        RtWord *v = value_of(e, o[0]);
        if (v == NULL) return false;
        some(e, x->type, v, out);
        return true;
    }
    case FLOW_IS_NONE: {
        RtWord *v = value_of(e, o[0]);
        if (v == NULL) return false;
        out->i = is_none(e, opnd_type(e, o[0]), v);
        return true;
    }
    case FLOW_UNWRAP: {
        RtWord *v = value_of(e, o[0]);
        if (v == NULL) return false;
        memcpy(out, v, plan_words(e->p, x->type) * sizeof *out);
        return true;
    }
    case FLOW_RECORD: return record(e, x, o, out);
    case FLOW_FIELD: return field(e, x, o[0], out);
    case FLOW_LIST: return make_list(e, x, o, out);
    case FLOW_MAP: return make_map(e, x, o, out);
    case FLOW_INDEX: return index_of(e, x, o, id, out);
    case FLOW_CAST: return eval(e, o[0], out);
    case FLOW_TEXT: {
        RtWord *v = value_of(e, o[0]);
        if (v == NULL) return false;
        out->p = rt_text(e->rt, opnd_type(e, o[0]), v);
        return true;
    }
    case FLOW_CONCAT: return concat(e, x, o, out);
    case FLOW_ENCODE: {
        RtWord *v = value_of(e, o[0]);
        if (v == NULL) return false;
        if (rt_encode(e->rt, opnd_type(e, o[0]), v, out)) return true;
        return rt_trap(e->rt, id), false;
    }
    case FLOW_DECODE:
        if (!eval(e, o[0], &a)) return false;
        if (rt_decode(e->rt, x->type, &a, out)) return true;
        return rt_trap(e->rt, id), false;
    case FLOW_LET: {
        RtWord *v = value_of(e, o[0]);
        if (v == NULL) return false;
        set_local(e, x->b, opnd_type(e, o[0]), v);
        return eval(e, o[1], out);
    }
    case FLOW_FOR: return eval_for(e, x, o, id, out);
    case FLOW_ANY:
    case FLOW_ALL:
    case FLOW_FIND: return eval_search(e, x, o, out);
    case FLOW_MIN_BY:
    case FLOW_MAX_BY: return eval_extreme(e, x, o, id, out);
    case FLOW_SORT_BY: return eval_sort(e, x, o, out);
    case FLOW_GROUP_BY: return eval_group(e, x, o, out);
    case FLOW_FOLD: return eval_fold(e, x, o, out);
    case FLOW_REPEAT: return eval_repeat(e, x, o, out);
    case FLOW_CALL: return call_fn(e, x, o, out);
    case FLOW_LIB: return call_lib(e, x, o, id, out);
    case FLOW_OP_COUNT: break;
    }
    return false;
}

static bool eval(Eval *e, Opnd o, RtWord *out) {
    uint32_t i = opnd_index(o);
    uint32_t bytes = words_of(e, o) * (uint32_t)sizeof *out;
    switch (opnd_tag(o)) {
    case OPND_NONE: return true;
    case OPND_CONST: plan_constant(e->p, &e->p->flow->constant.data[i], out); return true;
    case OPND_NODE: memcpy(out, e->frame + e->p->node_slot[i], bytes); return true;
    case OPND_INPUT: {
        uint32_t at = e->fn != NULL ? e->p->param_slot[e->fn->param + i] : plan_input_offset(e->p, e->code, i);
        memcpy(out, e->frame + at, bytes);
        return true;
    }
    case OPND_EXPR: return eval_expr(e, i, out);
    case OPND_LOCAL: memcpy(out, e->local[i], bytes); return true;
    case OPND_FACT: rt_fact(e->rt, i, out); return true;
    }
    return false;
}

/* --- pieces of code --- */

static bool thunk(Rt *rt, const RtWord *frame, const RtWord *k, RtWord *out) {
    const Site *s = k->p;
    Eval e = {.rt = rt, .p = s->p, .code = &s->code, .frame = frame};
    return eval(&e, s->code.opnd, out);
}

static bool drive_pick(Rt *rt, const RtWord *frame, const RtWord *k) {
    const Site *s = k->p;
    Eval e = {.rt = rt, .p = s->p, .code = &s->code, .frame = frame};
    RtWord child;
    if (!eval(&e, s->p->flow->opnd.data[s->p->flow->node.data[s->code.node].arg], &child)) return false;
    rt_pick(rt, (uint32_t)child.i);
    return true;
}

/* The filter over all items, in a frame of the child region that holds what it captures. */
static bool filter_items(Eval *e, const FlowNode *node, const RtList *list[2], uint64_t n) {
    Plan *p = e->p;
    const FlowRegion *r = &p->flow->region.data[node->region];
    const RtRegion *layout = &p->rt.region[node->region];
    RtWord *inner = room(e, layout->words);
    for (uint32_t i = 0; i < r->ninput; i++) {
        const FlowInput *in = &p->flow->input.data[r->input + i];
        if (in->from != OPND_ABSENT && !eval(e, in->from, inner + p->input_slot[r->input + i])) return false;
    }
    PlanCode code = {.frame = FRAME_REGION, .region = node->region};
    Eval guard = {.rt = e->rt, .p = p, .code = &code, .frame = inner};
    uint64_t *admitted = rt_scratch(e->rt, (n + 1) * sizeof *admitted), k = 0;
    for (uint64_t i = 0; i < n; i++) {
        RtWord hit;
        inner[layout->index_at].i = (int64_t)i;
        memcpy(inner + layout->item_at, list[0]->at + i * layout->item_words, layout->item_words * sizeof *inner);
        if (list[1] != NULL) memcpy(inner + layout->item2_at, list[1]->at + i * layout->item2_words, layout->item2_words * sizeof *inner);
        if (!eval(&guard, r->guard, &hit)) return false;
        if (hit.i) admitted[k++] = i;
    }
    rt_each(e->rt, n, admitted, k);
    return true;
}

static bool drive_each(Rt *rt, const RtWord *frame, const RtWord *k) {
    const Site *s = k->p;
    const FlowNode *node = &s->p->flow->node.data[s->code.node];
    Eval e = {.rt = rt, .p = s->p, .code = &s->code, .frame = frame};
    const RtList *list[2] = {NULL, NULL};
    for (uint16_t i = 0; i < node->nargs; i++) {
        RtWord w;
        if (!eval(&e, s->p->flow->opnd.data[node->arg + i], &w)) return false;
        list[i] = w.p;
    }
    if (list[1] != NULL && list[1]->n != list[0]->n) {
        rt_trap_zip(rt, s->p->rt.node[s->code.node].span, list[0]->n, list[1]->n);
        return false;
    }
    if (s->p->flow->region.data[node->region].guard != OPND_ABSENT) return filter_items(&e, node, list, list[0]->n);
    rt_each(rt, list[0]->n, NULL, list[0]->n);
    return true;
}

/* Runs in the frame of the pass. */
static bool drive_loop(Rt *rt, const RtWord *frame, const RtWord *k) {
    const Site *s = k->p;
    RegionId region = s->p->flow->node.data[s->code.node].region;
    PlanCode code = {.frame = FRAME_REGION, .region = region};
    Eval e = {.rt = rt, .p = s->p, .code = &code, .frame = frame};
    RtWord done;
    if (!eval(&e, s->p->flow->region.data[region].guard, &done)) return false;
    rt_again(rt, !done.i);
    return true;
}

void eval_code(Plan *p, uint32_t code) {
    Site *s = ARENA_NEW(&p->arena, Site);
    *s = (Site){p, p->code.data[code]};
    RtWord *k = ARENA_NEW(&p->arena, RtWord);
    k->p = s;
    RtCode *c = &p->rt.code[code];
    c->k = k;
    if (s->code.kind == CODE_VALUE) {
        c->thunk = thunk;
        return;
    }
    switch ((int)p->flow->node.data[s->code.node].kind) {
    case NODE_PICK: c->driver = drive_pick; return;
    case NODE_EACH: c->driver = drive_each; return;
    case NODE_LOOP: c->driver = drive_loop; return;
    default: return;
    }
}

bool eval_once(Plan *p, Rt *rt, Opnd o, RtWord *out) {
    static const PlanCode nothing = {.frame = FRAME_NOTHING};
    Eval e = {.rt = rt, .p = p, .code = &nothing};
    return eval(&e, o, out);
}

static bool nothing_to_compile(void *cx, uint32_t region, Buf *why) {
    (void)cx;
    (void)region;
    (void)why;
    return true;
}

void eval_install(Plan *p) {
    for (uint32_t i = 0; i < p->code.len; i++) eval_code(p, i);
    p->rt.compile = nothing_to_compile;
    p->rt.compile_cx = p;
}
