/* Lowering of calls: steps, workflows, functions, constructors, the library. */
#include "compiler/ir/lowering.h"

static Opnd op_n(Lower *l, FlowOp op, TypeId type, Span span, const Opnd *o, uint32_t n, uint32_t b) {
    return opnd(OPND_EXPR, flow_expr(l->f, op, type, span, o, (uint16_t)n, b));
}

/* Arguments in declared order, defaults filled in. Malloc'ed. */
static Opnd *lower_args(Lower *l, const Symbol *y, AstList args) {
    NodeId *node = wf_alloc((y->nparam + 1) * sizeof *node);
    Opnd *o = wf_alloc((y->nparam + 1) * sizeof *o);
    sema_match_args(l->s, l->ast, args, y->param, y->nparam, node);
    for (uint32_t i = 0; i < y->nparam; i++) {
        const SemaParam p = l->s->param.data[y->param + i];
        o[i] = node[i] != 0 ? lower_expr(l, node[i], p.type) : lower_default(l, y->module, p.value, p.type);
    }
    free(node);
    return o;
}

static Atom callee_name(const Lower *l, NodeId e) {
    NodeId callee = ast_call(l->ast, e).callee;
    return ast_is(l->ast, callee, AST_MEMBER) ? ast_member(l->ast, callee).name : ast_name(l->ast, callee).name;
}

static Opnd call_symbol(Lower *l, NodeId e, uint32_t symbol) {
    const Symbol y = l->s->symbol.data[symbol];
    Opnd *args = lower_args(l, &y, ast_call(l->ast, e).args), r = OPND_ABSENT;
    Span span = lw_span(l, e);
    switch (y.kind) {
    case SYM_STEP: r = opnd(OPND_NODE, add_node(l, NODE_CALL, callee_name(l, e), y.type, step_of(l, symbol), args, (uint16_t)y.nparam, span)); break;
    case SYM_WORKFLOW: r = opnd(OPND_NODE, add_node(l, NODE_SUB, callee_name(l, e), y.type, workflow_of(l, symbol), args, (uint16_t)y.nparam, span)); break;
    case SYM_FN: r = op_n(l, FLOW_CALL, y.type, span, args, y.nparam, fn_of(l, symbol)); break;
    case SYM_STRUCT: r = op_n(l, FLOW_RECORD, y.type, span, args, y.nparam, 0); break;
    case SYM_CONST:
    case SYM_ENUM:
    case SYM_ARTIFACT:
    case SYM_IMPORT:
    case SYM_ANNOTATION:
    case SYM_BUNDLE:
    case SYM_TARGET: break;
    }
    free(args);
    return r;
}

Opnd lower_call(Lower *l, NodeId e) {
    Ref r = lw_ref(l, e);
    if (ref_tag(r) == REF_SYMBOL) return call_symbol(l, e, ref_index(r));
    if (ref_tag(r) == REF_LIB) return lower_lib(l, e);
    AstList args = ast_call(l->ast, e).args;
    switch ((Builtin)ref_index(r)) {
    case BUILTIN_FAIL: {
        Opnd message = lower_expr(l, ast_arg(l->ast, args.at[0]).value, T_STRING);
        return opnd(OPND_NODE, add_node(l, NODE_FAIL, atom_z(l->s->atoms, "fail"), T_NEVER, 0, &message, 1, lw_span(l, e)));
    }
    case BUILTIN_SECRET: return flow_const_string(l->f, T_SECRET, ast_string(l->ast, ast_arg(l->ast, args.at[0]).value));
    case BUILTIN_INCLUDE: return flow_const_string(l->f, T_STRING, sema_included(l->s, l->m, e));
    case BUILTIN_SAMPLE_FILE: return OPND_ABSENT; /* in tests only, which are not lowered */
    }
    return OPND_ABSENT;
}

/* --- library functions --- */

/* A lambda's body with its parameters bound to locals. */
static Opnd lower_lambda(Lower *l, NodeId lambda, const Opnd *params, TypeId want) {
    AstLambda x = ast_lambda(l->ast, lambda);
    uint32_t i = 0;
    AST_EACH(x.params, param) set_env(l, ref_index(lw_ref(l, param)), params[i++]);
    l->loops++;
    Opnd o = lower_expr(l, x.body, want);
    l->loops--;
    return o;
}

/* Functions that go through a list with a lambda are operations with locals. */
static Opnd lower_loop(Lower *l, NodeId e, LibId id, const NodeId *arg) {
    TypeId type = lw_type(l, e);
    Span span = lw_span(l, e);
    Types *t = l->s->types;
    Opnd source = lower_expr(l, arg[0], T_NOTHING), extra = OPND_ABSENT;
    TypeId result = T_NOTHING; /* of the lambda; T_NOTHING: its own */
    if (id == LIB_FOLD) extra = lower_expr(l, arg[1], type);
    if (id == LIB_SORT_BY) extra = arg[2] != 0 ? lower_expr(l, arg[2], T_BOOL) : flow_const_bool(l->f, false);
    uint32_t b = l->next_local;
    l->next_local += 3;
    Opnd index = opnd(OPND_LOCAL, b), item = opnd(OPND_LOCAL, b + 1), state = opnd(OPND_LOCAL, b + 2);
    (void)index;
    if (id == LIB_FILTER || id == LIB_ANY || id == LIB_ALL || id == LIB_FIND) result = T_BOOL;
    if (id == LIB_MAP) result = type_inner(t, type);
    if (id == LIB_FOLD) result = type;
    Opnd params[2] = {item, OPND_ABSENT};
    if (id == LIB_FOLD) params[0] = state, params[1] = item;
    NodeId lambda = id == LIB_FOLD ? arg[2] : arg[1];
    Opnd body = lower_lambda(l, lambda, params, result);
    Opnd four[4] = {source, OPND_ABSENT, OPND_ABSENT, body}, three[3] = {source, extra, body}, two[2] = {source, body};
    switch ((int)id) {
    case LIB_MAP: return op_n(l, FLOW_FOR, type, span, four, 4, b);
    case LIB_FILTER:
        four[2] = body;
        four[3] = item;
        return op_n(l, FLOW_FOR, type, span, four, 4, b);
    case LIB_ANY: return op_n(l, FLOW_ANY, type, span, two, 2, b);
    case LIB_ALL: return op_n(l, FLOW_ALL, type, span, two, 2, b);
    case LIB_FIND: return op_n(l, FLOW_FIND, type, span, two, 2, b);
    case LIB_MIN_BY: return op_n(l, FLOW_MIN_BY, type, span, two, 2, b);
    case LIB_MAX_BY: return op_n(l, FLOW_MAX_BY, type, span, two, 2, b);
    case LIB_GROUP_BY: return op_n(l, FLOW_GROUP_BY, type, span, two, 2, b);
    case LIB_SORT_BY: return op_n(l, FLOW_SORT_BY, type, span, three, 3, b);
    case LIB_FOLD: return op_n(l, FLOW_FOLD, type, span, three, 3, b);
    default: return OPND_ABSENT;
    }
}

static Opnd lower_fallback(Lower *l, const char *text) {
    if (strcmp(text, "false") == 0) return flow_const_bool(l->f, false);
    return flow_const_string(l->f, T_STRING, STR(""));
}

Opnd lower_lib(Lower *l, NodeId e) {
    AstCall x = ast_call(l->ast, e);
    LibId id = (LibId)ref_index(lw_ref(l, e));
    const LibSig *sig = sema_lib(l->s, id);
    NodeId arg[4], object = ast_is(l->ast, x.callee, AST_MEMBER) ? ast_member(l->ast, x.callee).object : 0;
    sema_lib_args(l->s, l->ast, id, object, x.args, arg);
    for (uint32_t i = 0; i < sig->nparam; i++)
        if (sig->param[i].lambda) return lower_loop(l, e, id, arg);
    TypeId have[4] = {T_NOTHING, T_NOTHING, T_NOTHING, T_NOTHING}, want[4];
    for (uint32_t i = 0; i < sig->nparam; i++)
        if (arg[i] != 0) have[i] = lw_type(l, arg[i]);
    sema_lib_types(l->s, id, have, want);
    Opnd o[4];
    for (uint32_t i = 0; i < sig->nparam; i++) o[i] = arg[i] != 0 ? lower_expr(l, arg[i], want[i]) : lower_fallback(l, sig->param[i].fallback);
    TypeId type = lw_type(l, e);
    Span span = lw_span(l, e);
    if (id == LIB_INT_TO_FLOAT) return op1(l, FLOW_INT_TO_FLOAT, T_FLOAT, span, o[0]);
    if (id == LIB_TO_JSON) return op1(l, FLOW_CAST, T_STRING, span, convert(l, o[0], have[0], T_JSON, span));
    if (id == LIB_STRING) return have[0] == T_STRING ? o[0] : op1(l, FLOW_TEXT, T_STRING, span, o[0]);
    return op_n(l, FLOW_LIB, type, span, o, sig->nparam, id);
}
