/* Lowering of expressions. */
#include "compiler/ir/lowering.h"

Opnd op1(Lower *l, FlowOp op, TypeId type, Span span, Opnd a) { return opnd(OPND_EXPR, flow_expr(l->f, op, type, span, &a, 1, 0)); }

Opnd op2(Lower *l, FlowOp op, TypeId type, Span span, Opnd a, Opnd b) {
    Opnd o[2] = {a, b};
    return opnd(OPND_EXPR, flow_expr(l->f, op, type, span, o, 2, 0));
}

Opnd op3(Lower *l, FlowOp op, TypeId type, Span span, Opnd a, Opnd b, Opnd c) {
    Opnd o[3] = {a, b, c};
    return opnd(OPND_EXPR, flow_expr(l->f, op, type, span, o, 3, 0));
}

static Opnd op_b(Lower *l, FlowOp op, TypeId type, Span span, const Opnd *o, uint16_t n, uint32_t b) {
    return opnd(OPND_EXPR, flow_expr(l->f, op, type, span, o, n, b));
}

static Opnd field_of(Lower *l, Opnd o, TypeId type, uint32_t index, Span span) { return op_b(l, FLOW_FIELD, type, span, &o, 1, index); }

static Opnd compare(Lower *l, FlowCmp cmp, Span span, Opnd a, Opnd b) {
    Opnd x = op2(l, FLOW_CMP, T_BOOL, span, a, b);
    l->f->expr.data[opnd_index(x)].cmp = (uint8_t)cmp;
    return x;
}

void set_env(Lower *l, uint32_t local, Opnd o) { l->env[local] = (Env){.opnd = o, .set = true}; }

static bool is_simple(Opnd o) { return opnd_tag(o) != OPND_EXPR; }

/* An operand that may be read several times: itself, or a local with *value to be bound by let_end. */
static Opnd let_begin(Lower *l, Opnd value) { return is_simple(value) ? value : opnd(OPND_LOCAL, l->next_local++); }

static Opnd let_end(Lower *l, Opnd value, Opnd name, Opnd body, TypeId type, Span span) {
    if (name == value) return body;
    Opnd o[2] = {value, body};
    return op_b(l, FLOW_LET, type, span, o, 2, opnd_index(name));
}

static Opnd convert_opt(Lower *l, Opnd o, TypeId from, TypeId to, Span span) {
    Types *t = l->s->types;
    TypeId inner = type_inner(t, to);
    if (lw_kind(l, from) == TY_NONE) return flow_const_none(l->f, to);
    if (lw_kind(l, from) != TY_OPT) return op1(l, FLOW_SOME, to, span, convert(l, o, from, inner, span));
    if (type_same_repr_fits(t, from, to)) return op1(l, FLOW_CAST, to, span, o);
    Opnd x = let_begin(l, o);
    Opnd some = op1(l, FLOW_SOME, to, span, convert(l, op1(l, FLOW_UNWRAP, type_inner(t, from), span, x), type_inner(t, from), inner, span));
    Opnd body = op3(l, FLOW_IF, to, span, op1(l, FLOW_IS_NONE, T_BOOL, span, x), flow_const_none(l->f, to), some);
    return let_end(l, o, x, body, to, span);
}

static Opnd convert_struct(Lower *l, Opnd o, TypeId from, TypeId to, Span span) {
    Types *t = l->s->types;
    uint32_t n, m;
    type_fields(t, to, &n);
    Opnd *fields = wf_alloc((n + 1) * sizeof *fields), x = let_begin(l, o);
    for (uint32_t i = 0; i < n; i++) {
        TypeField want = type_fields(t, to, &n)[i];
        uint32_t at = (uint32_t)type_field_index(t, from, want.name);
        TypeId have = type_fields(t, from, &m)[at].type;
        fields[i] = convert(l, field_of(l, x, have, at, span), have, want.type, span);
    }
    Opnd r = op_b(l, FLOW_RECORD, to, span, fields, (uint16_t)n, 0);
    free(fields);
    return let_end(l, o, x, r, to, span);
}

Opnd convert(Lower *l, Opnd o, TypeId from, TypeId to, Span span) {
    if (from == to || to == T_NOTHING || lw_kind(l, from) == TY_NEVER || lw_kind(l, from) == TY_NOTHING) return o;
    if (lw_kind(l, to) == TY_OPT) return convert_opt(l, o, from, to, span);
    if (from == T_INT && to == T_FLOAT) {
        if (opnd_tag(o) == OPND_CONST) return flow_const_float(l->f, (double)l->f->constant.data[opnd_index(o)].i);
        return op1(l, FLOW_INT_TO_FLOAT, T_FLOAT, span, o);
    }
    if (to == T_JSON) return op1(l, FLOW_ENCODE, T_JSON, span, o);
    if (lw_kind(l, from) == TY_RECORD && lw_kind(l, to) == TY_STRUCT) return convert_struct(l, o, from, to, span);
    return op1(l, FLOW_CAST, to, span, o);
}

Opnd lower_default(Lower *l, uint32_t module, NodeId value, TypeId want) {
    uint32_t m = l->m;
    const Ast *ast = l->ast;
    l->m = module;
    l->ast = &l->s->module.data[module].ast;
    Opnd o = lower_expr(l, value, want);
    l->m = m;
    l->ast = ast;
    return o;
}

/* --- names and members --- */

static Opnd lower_local(Lower *l, NodeId e, uint32_t id) {
    Env *x = &l->env[id];
    Opnd o = x->opnd;
    if (x->loose) {
        /* Used once and outside of loops it becomes part of its user, unless their locals would clash. */
        bool inlined = l->s->local.data[id].uses == 1 && l->loops == 0 && (x->locals == 0 || l->next_local == 0);
        if (!inlined) o = materialize(l, id);
        else if (l->next_local < x->locals) l->next_local = x->locals;
    }
    if (lw_flag(l, e, NF_NARROWED)) o = op1(l, FLOW_UNWRAP, lw_type(l, e), lw_span(l, e), o);
    return o;
}

static Opnd lower_constant(Lower *l, uint32_t symbol) {
    const Symbol *y = &l->s->symbol.data[symbol];
    NodeId value = ast_binding(&l->s->module.data[y->module].ast, y->decl).value;
    return lower_default(l, y->module, value, y->type);
}

static Opnd enum_const(Lower *l, TypeId type, uint32_t member) { return flow_const_int(l->f, type, member); }

static Opnd lower_name(Lower *l, NodeId e) {
    Ref r = lw_ref(l, e);
    switch (ref_tag(r)) {
    case REF_LOCAL: return lower_local(l, e, ref_index(r));
    case REF_SYMBOL: return lower_constant(l, ref_index(r));
    case REF_MEMBER: return enum_const(l, lw_type(l, e), ref_index(r));
    case REF_NONE:
    case REF_FIELD:
    case REF_LIB:
    case REF_FACT:
    case REF_MODULE:
    case REF_BUILTIN: return OPND_ABSENT;
    }
    return OPND_ABSENT;
}

static Opnd read_member(Lower *l, NodeId e, Opnd object, TypeId type, TypeId *out) {
    Ref r = lw_ref(l, e);
    Types *t = l->s->types;
    if (ref_tag(r) == REF_LIB) {
        *out = ref_index(r) == LIB_FILE_SIZE ? T_SIZE : ref_index(r) == LIB_FILE_ROWS ? T_INT : T_STRING;
        return op_b(l, FLOW_LIB, *out, lw_span(l, e), &object, 1, ref_index(r));
    }
    uint32_t n;
    *out = type_fields(t, type, &n)[ref_index(r)].type;
    return field_of(l, object, *out, ref_index(r), lw_span(l, e));
}

static Opnd lower_member(Lower *l, NodeId e) {
    Types *t = l->s->types;
    Ref r = lw_ref(l, e);
    Span span = lw_span(l, e);
    TypeId type = lw_type(l, e);
    if (ref_tag(r) == REF_MEMBER) return enum_const(l, type, ref_index(r));
    if (ref_tag(r) == REF_SYMBOL) return lower_constant(l, ref_index(r));
    if (ref_tag(r) == REF_FACT) {
        Opnd o = opnd(OPND_FACT, ref_index(r));
        return lw_flag(l, e, NF_NARROWED) ? op1(l, FLOW_UNWRAP, type, span, o) : o;
    }
    NodeId object = ast_member(l->ast, e).object;
    TypeId ot = lw_type(l, object), field;
    Opnd o = lower_expr(l, object, T_NOTHING);
    if (lw_kind(l, ot) == TY_OPT) {
        Opnd x = let_begin(l, o);
        Opnd v = read_member(l, e, op1(l, FLOW_UNWRAP, type_inner(t, ot), span, x), type_inner(t, ot), &field);
        TypeId result = type_opt(t, field);
        v = convert(l, v, field, result, span);
        v = op3(l, FLOW_IF, result, span, op1(l, FLOW_IS_NONE, T_BOOL, span, x), flow_const_none(l->f, result), v);
        o = let_end(l, o, x, v, result, span);
        field = result;
    } else {
        o = read_member(l, e, o, ot, &field);
    }
    return lw_flag(l, e, NF_NARROWED) ? op1(l, FLOW_UNWRAP, type, span, o) : o;
}

/* --- operators --- */

static Opnd lower_arithmetic(Lower *l, NodeId e) {
    AstBinary x = ast_binary(l->ast, e);
    TypeId a = lw_type(l, x.left), b = lw_type(l, x.right), type = lw_type(l, e);
    Span span = ast_op_span(l->ast, e);
    AstOp op = ast_op(l->ast, e);
    static const FlowOp on_int[] = {[OP_ADD] = FLOW_ADD_I, [OP_SUB] = FLOW_SUB_I, [OP_MUL] = FLOW_MUL_I, [OP_DIV] = FLOW_DIV_II, [OP_FLOOR] = FLOW_FLOORDIV_I, [OP_MOD] = FLOW_MOD_I};
    static const FlowOp on_float[] = {[OP_ADD] = FLOW_ADD_F, [OP_SUB] = FLOW_SUB_F, [OP_MUL] = FLOW_MUL_F, [OP_DIV] = FLOW_DIV_F, [OP_FLOOR] = FLOW_FLOORDIV_F, [OP_MOD] = FLOW_MOD_F};
    bool number_a = a == T_INT || a == T_FLOAT, number_b = b == T_INT || b == T_FLOAT;
    if (number_a && number_b && (a == T_FLOAT || b == T_FLOAT))
        return op2(l, on_float[op], type, span, lower_expr(l, x.left, T_FLOAT), lower_expr(l, x.right, T_FLOAT));
    if (number_a != number_b) { /* a quantity and a number */
        NodeId quantity = number_a ? x.right : x.left, number = number_a ? x.left : x.right;
        bool whole = lw_type(l, number) == T_INT;
        /* Operands keep the order of the text, so that the first error is the first in the text. */
        Opnd q, n;
        if (number_a) n = lower_expr(l, number, op == OP_MUL && whole ? T_INT : T_FLOAT), q = lower_expr(l, quantity, T_NOTHING);
        else q = lower_expr(l, quantity, T_NOTHING), n = lower_expr(l, number, op == OP_MUL && whole ? T_INT : T_FLOAT);
        return op2(l, op == OP_DIV ? FLOW_UNSCALE : whole ? FLOW_MUL_I : FLOW_SCALE, type, span, q, n);
    }
    return op2(l, on_int[op], type, span, lower_expr(l, x.left, T_NOTHING), lower_expr(l, x.right, T_NOTHING));
}

static Opnd lower_comparison(Lower *l, NodeId e) {
    AstBinary x = ast_binary(l->ast, e);
    TypeId a = lw_type(l, x.left), b = lw_type(l, x.right);
    Span span = ast_op_span(l->ast, e);
    static const FlowCmp cmps[] = {[OP_EQ] = CMP_EQ, [OP_NE] = CMP_NE, [OP_LT] = CMP_LT, [OP_LE] = CMP_LE, [OP_GT] = CMP_GT, [OP_GE] = CMP_GE};
    FlowCmp cmp = cmps[ast_op(l->ast, e)];
    bool none_a = ast_is(l->ast, x.left, AST_NONE), none_b = ast_is(l->ast, x.right, AST_NONE);
    if (none_a || none_b) {
        NodeId other = none_b ? x.left : x.right;
        if (lw_kind(l, lw_type(l, other)) != TY_OPT) return flow_const_bool(l->f, (cmp == CMP_EQ) == (none_a && none_b));
        Opnd none = op1(l, FLOW_IS_NONE, T_BOOL, span, lower_expr(l, other, T_NOTHING));
        return cmp == CMP_EQ ? none : op1(l, FLOW_NOT, T_BOOL, span, none);
    }
    TypeId j = type_join(l->s->types, a, b);
    return compare(l, cmp, span, lower_expr(l, x.left, j), lower_expr(l, x.right, j));
}

static Opnd lower_else(Lower *l, NodeId e) {
    Types *t = l->s->types;
    AstBinary x = ast_binary(l->ast, e);
    TypeId a = lw_type(l, x.left), type = lw_type(l, e);
    Span span = ast_op_span(l->ast, e);
    if (lw_kind(l, a) == TY_NONE) return lower_expr(l, x.right, type);
    if (lw_kind(l, a) != TY_OPT) return lower_expr(l, x.left, type);
    return op2(l, FLOW_COALESCE, type, span, lower_expr(l, x.left, type_opt(t, type)), lower_expr(l, x.right, type));
}

static Opnd lower_binary(Lower *l, NodeId e) {
    AstBinary x = ast_binary(l->ast, e);
    switch (ast_op(l->ast, e)) {
    case OP_OR: return op2(l, FLOW_OR, T_BOOL, lw_span(l, e), lower_expr(l, x.left, T_BOOL), lower_expr(l, x.right, T_BOOL));
    case OP_AND: return op2(l, FLOW_AND, T_BOOL, lw_span(l, e), lower_expr(l, x.left, T_BOOL), lower_expr(l, x.right, T_BOOL));
    case OP_EQ:
    case OP_NE:
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE: return lower_comparison(l, e);
    case OP_ELSE: return lower_else(l, e);
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_FLOOR:
    case OP_MOD: return lower_arithmetic(l, e);
    }
    return OPND_ABSENT;
}

static Opnd lower_negate(Lower *l, NodeId e) {
    NodeId value = ast_negate(l->ast, e).value;
    TypeId t = lw_type(l, e);
    if (ast_is(l->ast, value, AST_INT)) return flow_const_int(l->f, T_INT, (int64_t)(0 - (uint64_t)ast_int(l->ast, value)));
    if (ast_is(l->ast, value, AST_FLOAT)) return flow_const_float(l->f, -ast_float(l->ast, value));
    return op1(l, t == T_FLOAT ? FLOW_NEG_F : FLOW_NEG_I, t, lw_span(l, e), lower_expr(l, value, T_NOTHING));
}

/* --- structures --- */

static Opnd lower_list(Lower *l, NodeId e) {
    AstList items = ast_list_expr(l->ast, e).items;
    TypeId type = lw_type(l, e), element = type_inner(l->s->types, type);
    Opnd *o = wf_alloc((items.n + 1) * sizeof *o);
    for (uint32_t i = 0; i < items.n; i++) o[i] = lower_expr(l, items.at[i], element);
    /* An operation takes 65,535 operands: longer lists are put together from parts. */
    enum { PART = 60000 };
    Opnd r = op_b(l, FLOW_LIST, type, lw_span(l, e), o, (uint16_t)(items.n < PART ? items.n : PART), 0);
    for (uint32_t at = PART; at < items.n; at += PART) {
        Opnd part = op_b(l, FLOW_LIST, type, lw_span(l, e), o + at, (uint16_t)(items.n - at < PART ? items.n - at : PART), 0);
        Opnd two[2] = {r, part};
        r = op_b(l, FLOW_LIB, type, lw_span(l, e), two, 2, LIB_CONCAT);
    }
    free(o);
    return r;
}

static Opnd lower_map(Lower *l, NodeId e) {
    AstList entries = ast_map(l->ast, e).entries;
    TypeId type = lw_type(l, e), element = type_inner(l->s->types, type);
    Opnd *o = wf_alloc((2 * (size_t)entries.n + 1) * sizeof *o);
    uint16_t n = 0;
    AST_EACH(entries, entry) {
        if (n >= 60000) break;
        AstEntry x = ast_entry(l->ast, entry);
        o[n++] = lower_expr(l, x.key, T_STRING);
        o[n++] = lower_expr(l, x.value, element);
    }
    Opnd r = op_b(l, FLOW_MAP, type, lw_span(l, e), o, n, 0);
    free(o);
    return r;
}

static Opnd lower_record(Lower *l, NodeId e) {
    Types *t = l->s->types;
    AstList list = ast_record(l->ast, e).fields;
    TypeId type = lw_type(l, e);
    uint32_t n;
    type_fields(t, type, &n);
    Opnd *o = wf_alloc_zero((n + 1) * sizeof *o);
    AST_EACH(list, item) {
        AstNamed x = ast_named(l->ast, item);
        int at = type_field_index(t, type, x.name);
        if (at >= 0) o[at] = lower_expr(l, x.value, type_fields(t, type, &n)[at].type);
    }
    Opnd r = op_b(l, FLOW_RECORD, type, lw_span(l, e), o, (uint16_t)n, 0);
    free(o);
    return r;
}

static Opnd lower_with(Lower *l, NodeId e) {
    Types *t = l->s->types;
    AstWith x = ast_with(l->ast, e);
    TypeId type = lw_type(l, e);
    Span span = lw_span(l, e);
    uint32_t n;
    type_fields(t, type, &n);
    Opnd object = lower_expr(l, x.value, T_NOTHING), name = let_begin(l, object);
    Opnd *o = wf_alloc_zero((n + 1) * sizeof *o);
    AST_EACH(x.changes, change) {
        AstNamed c = ast_named(l->ast, change);
        int at = type_field_index(t, type, c.name);
        if (at >= 0) o[at] = lower_expr(l, c.value, type_fields(t, type, &n)[at].type);
    }
    for (uint32_t i = 0; i < n; i++)
        if (o[i] == OPND_ABSENT) o[i] = field_of(l, name, type_fields(t, type, &n)[i].type, i, span);
    Opnd r = op_b(l, FLOW_RECORD, type, span, o, (uint16_t)n, 0);
    free(o);
    return let_end(l, object, name, r, type, span);
}

static Opnd lower_text(Lower *l, NodeId e) {
    AstList parts = ast_text(l->ast, e).parts;
    Opnd *o = wf_alloc((parts.n + 1) * sizeof *o);
    for (uint32_t i = 0; i < parts.n; i++) {
        if (ast_has(l->ast, parts.at[i], AST_PART)) {
            o[i] = flow_const_string(l->f, T_STRING, ast_string(l->ast, parts.at[i]));
            continue;
        }
        o[i] = lower_expr(l, parts.at[i], T_NOTHING);
        if (lw_type(l, parts.at[i]) != T_STRING) o[i] = op1(l, FLOW_TEXT, T_STRING, lw_span(l, parts.at[i]), o[i]);
    }
    Opnd r = op_b(l, FLOW_CONCAT, T_STRING, lw_span(l, e), o, (uint16_t)parts.n, 0);
    free(o);
    return r;
}

static Opnd lower_index(Lower *l, NodeId e) {
    AstIndex x = ast_index(l->ast, e);
    Span span = lw_span(l, e);
    TypeId type = lw_type(l, e), ot = lw_type(l, x.object);
    Ref r = lw_ref(l, e);
    Opnd o = lower_expr(l, x.object, T_NOTHING);
    if (ref_tag(r) != REF_LIB) {
        TypeId key = lw_kind(l, ot) == TY_LIST ? T_INT : T_STRING;
        return op2(l, FLOW_INDEX, type, span, o, lower_expr(l, x.key, key));
    }
    Opnd name = let_begin(l, o), object = name;
    bool optional = lw_kind(l, ot) == TY_OPT;
    if (optional) object = op1(l, FLOW_UNWRAP, T_JSON, span, name);
    Opnd args[2] = {object, lower_expr(l, x.key, T_NOTHING)};
    Opnd v = op_b(l, FLOW_LIB, type, span, args, 2, ref_index(r));
    if (optional) v = op3(l, FLOW_IF, type, span, op1(l, FLOW_IS_NONE, T_BOOL, span, name), flow_const_none(l->f, type), v);
    return let_end(l, o, name, v, type, span);
}

static Opnd lower_as(Lower *l, NodeId e) {
    AstAs x = ast_as(l->ast, e);
    TypeId from = lw_type(l, x.value), to = lw_type(l, e);
    Span span = lw_span(l, e);
    Opnd o = lower_expr(l, x.value, T_NOTHING);
    if (type_fits(l->s->types, from, to)) return convert(l, o, from, to, span);
    return op1(l, from == T_JSON ? FLOW_DECODE : FLOW_CAST, to, span, o);
}

/* --- branches and loops without work --- */

static Opnd lower_if(Lower *l, NodeId e, TypeId want) {
    AstIf x = ast_if(l->ast, e);
    Span span = lw_span(l, e);
    Opnd c = lower_expr(l, x.cond, T_BOOL), a = lower_expr(l, x.then, want);
    Opnd b = x.otherwise != 0 ? lower_expr(l, x.otherwise, want) : flow_const_none(l->f, want);
    return op3(l, FLOW_IF, want, span, c, a, b);
}

Opnd arm_condition(Lower *l, AstArm arm, Opnd subject, TypeId type) {
    Types *t = l->s->types;
    TypeId inner = type_unopt(t, type);
    bool optional = inner != type;
    Opnd any = OPND_ABSENT;
    AST_EACH(arm.patterns, p) {
        Span span = lw_span(l, p);
        Opnd test, value = optional ? op1(l, FLOW_UNWRAP, inner, span, subject) : subject;
        if (ast_is(l->ast, p, AST_WILD)) return OPND_ABSENT;
        if (ast_is(l->ast, p, AST_NONE)) {
            test = op1(l, FLOW_IS_NONE, T_BOOL, span, subject);
        } else {
            Opnd literal;
            if (ast_is(l->ast, p, AST_NAME) || ast_is(l->ast, p, AST_MEMBER))
                literal = enum_const(l, inner, ref_index(lw_ref(l, p)));
            else
                literal = lower_expr(l, p, T_NOTHING);
            test = compare(l, CMP_EQ, span, value, literal);
            if (optional) test = op2(l, FLOW_AND, T_BOOL, span, op1(l, FLOW_NOT, T_BOOL, span, op1(l, FLOW_IS_NONE, T_BOOL, span, subject)), test);
        }
        any = any == OPND_ABSENT ? test : op2(l, FLOW_OR, T_BOOL, span, any, test);
    }
    return any;
}

static Opnd lower_match(Lower *l, NodeId e, TypeId want) {
    AstMatch x = ast_match(l->ast, e);
    TypeId type = lw_type(l, x.subject);
    Span span = lw_span(l, e);
    Opnd subject = lower_expr(l, x.subject, T_NOTHING), name = let_begin(l, subject);
    uint32_t n = x.arms.n;
    Opnd *cond = wf_alloc((n + 1) * sizeof *cond), *value = wf_alloc((n + 1) * sizeof *value);
    for (uint32_t i = 0; i < n; i++) {
        AstArm arm = ast_arm(l->ast, x.arms.at[i]);
        cond[i] = arm_condition(l, arm, name, type);
        value[i] = lower_expr(l, arm.body, want);
    }
    /* The match is exhaustive, so the last arm needs no test. */
    Opnd r = value[n - 1];
    for (uint32_t i = n - 1; i-- > 0;) r = cond[i] == OPND_ABSENT ? value[i] : op3(l, FLOW_IF, want, span, cond[i], value[i], r);
    free(cond);
    free(value);
    return let_end(l, subject, name, r, want, span);
}

LoopForm loop_form(const Lower *l, AstFor x, NodeId source[2]) {
    source[0] = x.source;
    source[1] = 0;
    if (x.vars.n < 2) return LOOP_PLAIN;
    NodeId args[4], object = 0, callee = ast_call(l->ast, x.source).callee;
    LibId id = (LibId)ref_index(lw_ref(l, x.source));
    if (ast_is(l->ast, callee, AST_MEMBER)) object = ast_member(l->ast, callee).object;
    sema_lib_args(l->s, l->ast, id, object, ast_call(l->ast, x.source).args, args);
    if (id == LIB_ENUMERATE) {
        source[0] = args[0];
        return LOOP_ENUMERATE;
    }
    if (id == LIB_ZIP) {
        source[0] = args[0];
        source[1] = args[1];
        return LOOP_ZIP;
    }
    return LOOP_PAIRS;
}

void bind_loop_vars(Lower *l, AstFor x, LoopForm form, Opnd index, Opnd item, Opnd item2) {
    uint32_t a = ref_index(lw_ref(l, x.vars.at[0])), b = x.vars.n > 1 ? ref_index(lw_ref(l, x.vars.at[1])) : 0;
    Span span = lw_span(l, x.vars.at[0]);
    switch (form) {
    case LOOP_PLAIN: set_env(l, a, item); return;
    case LOOP_ENUMERATE:
        set_env(l, a, index);
        set_env(l, b, item);
        return;
    case LOOP_ZIP:
        set_env(l, a, item);
        set_env(l, b, item2);
        return;
    case LOOP_PAIRS:
        set_env(l, a, field_of(l, item, l->s->local.data[a].type, 0, span));
        set_env(l, b, field_of(l, item, l->s->local.data[b].type, 1, span));
        return;
    }
}

static Opnd lower_for(Lower *l, NodeId e) {
    AstFor x = ast_for(l->ast, e);
    NodeId source[2];
    LoopForm form = loop_form(l, x, source);
    TypeId type = lw_type(l, e);
    Opnd o[4] = {lower_expr(l, source[0], T_NOTHING), source[1] ? lower_expr(l, source[1], T_NOTHING) : OPND_ABSENT, OPND_ABSENT, OPND_ABSENT};
    uint32_t b = l->next_local;
    l->next_local += 3;
    bind_loop_vars(l, x, form, opnd(OPND_LOCAL, b), opnd(OPND_LOCAL, b + 1), opnd(OPND_LOCAL, b + 2));
    l->loops++;
    if (x.filter != 0) o[2] = lower_expr(l, x.filter, T_BOOL);
    TypeId element = type_inner(l->s->types, type);
    o[3] = lower_expr(l, x.body, element);
    l->loops--;
    return op_b(l, FLOW_FOR, type, lw_span(l, e), o, 4, b);
}

static Opnd lower_repeat(Lower *l, NodeId e) {
    AstRepeat x = ast_repeat(l->ast, e);
    TypeId type = lw_type(l, e);
    Opnd o[4] = {lower_expr(l, x.first, type), lower_expr(l, x.max, T_INT), OPND_ABSENT, OPND_ABSENT};
    uint32_t b = l->next_local++;
    set_env(l, ref_index(lw_ref(l, x.var)), opnd(OPND_LOCAL, b));
    l->loops++;
    o[2] = lower_expr(l, x.until, T_BOOL);
    o[3] = lower_expr(l, x.body, type);
    l->loops--;
    return op_b(l, FLOW_REPEAT, type, lw_span(l, e), o, 4, b);
}

/* A block without work: its bindings become locals around its value. */
static Opnd lower_pure_block(Lower *l, NodeId e, TypeId want) {
    AstList stmts = ast_block(l->ast, e).body;
    const uint32_t *order = l->s->order.data[ref_index(lw_ref(l, e))];
    typedef struct Bound {
        Opnd value, name;
    } Bound;
    Bound *bound = wf_alloc((stmts.n + 1) * sizeof *bound);
    uint32_t n = 0;
    Opnd r = OPND_ABSENT;
    NodeId last = stmts.n > 0 ? stmts.at[stmts.n - 1] : 0;
    for (uint32_t i = 0; i < stmts.n; i++) {
        NodeId stmt = stmts.at[order[i]];
        if (!ast_is(l->ast, stmt, AST_BINDING)) continue;
        uint32_t local = ref_index(lw_ref(l, stmt));
        if (!l->s->local.data[local].used) continue;
        Opnd value = lower_expr(l, ast_binding(l->ast, stmt).value, l->s->local.data[local].type);
        Opnd name = let_begin(l, value);
        set_env(l, local, name);
        if (name != value) bound[n++] = (Bound){value, name};
    }
    if (ast_is(l->ast, last, AST_EXPR_STMT)) r = lower_expr(l, ast_expr_stmt(l->ast, last).value, want);
    while (n-- > 0) r = let_end(l, bound[n].value, bound[n].name, r, want, lw_span(l, e));
    free(bound);
    return r;
}

static Opnd lower_raw(Lower *l, NodeId e) {
    TypeId type = lw_type(l, e);
    switch ((int)ast_kind(l->ast, e)) {
    case AST_NAME: return lower_name(l, e);
    case AST_MEMBER: return lower_member(l, e);
    case AST_INT:
    case AST_DURATION:
    case AST_SIZE: return flow_const_int(l->f, type, ast_int(l->ast, e));
    case AST_FLOAT: return flow_const_float(l->f, ast_float(l->ast, e));
    case AST_BOOL: return flow_const_bool(l->f, ast_bool(l->ast, e));
    case AST_NONE: return lw_kind(l, type) == TY_OPT ? flow_const_none(l->f, type) : OPND_ABSENT;
    case AST_STRING: return flow_const_string(l->f, T_STRING, ast_string(l->ast, e));
    case AST_FENCE: return flow_const_string(l->f, T_STRING, ast_fence_text(l->ast, e, &l->f->arena));
    case AST_TEXT: return lower_text(l, e);
    case AST_LIST: return lower_list(l, e);
    case AST_MAP: return lower_map(l, e);
    case AST_RECORD: return lower_record(l, e);
    case AST_WITH: return lower_with(l, e);
    case AST_CALL: return lower_call(l, e);
    case AST_NOT: return op1(l, FLOW_NOT, T_BOOL, lw_span(l, e), lower_expr(l, ast_not(l->ast, e).value, T_BOOL));
    case AST_NEGATE: return lower_negate(l, e);
    case AST_BINARY: return lower_binary(l, e);
    case AST_INDEX: return lower_index(l, e);
    case AST_AS: return lower_as(l, e);
    case AST_IF: return lower_if(l, e, type);
    case AST_MATCH: return lower_match(l, e, type);
    case AST_FOR: return lower_for(l, e);
    case AST_REPEAT: return lower_repeat(l, e);
    case AST_TRY: return lower_expr(l, ast_try(l->ast, e).body, type);
    case AST_BLOCK: return lower_pure_block(l, e, type);
    default: return OPND_ABSENT;
    }
}

Opnd lower_expr(Lower *l, NodeId e, TypeId want) {
    Opnd o = is_construct(l, e) ? lower_construct(l, e) : lower_raw(l, e);
    if (o == OPND_ABSENT && want != T_NOTHING && lw_kind(l, want) == TY_OPT) return flow_const_none(l->f, want);
    return convert(l, o, lw_type(l, e), want, lw_span(l, e));
}

Opnd lower_root(Lower *l, NodeId e, TypeId want) {
    uint32_t next = l->next_local;
    unsigned loops = l->loops;
    l->next_local = 0;
    l->loops = 0;
    Opnd o = lower_expr(l, e, want);
    l->next_local = next;
    l->loops = loops;
    return o;
}
