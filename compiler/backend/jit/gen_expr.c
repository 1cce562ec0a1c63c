/* Expressions without lists: arithmetic, comparison, choice, structures, text, calls. The evaluator says what each means. */
#include "compiler/backend/jit/gen.h"

/* --- arithmetic --- */

/* Whether the builder has computed the condition already. What follows a failure that is certain may be a poison constant. */
static bool known(LLVMValueRef v_cond, bool value) { return LLVMIsAConstantInt(v_cond) && LLVMConstIntGetZExtValue(v_cond) == value; }

static LLVMValueRef checked(Gen *g, const char *intrinsic, LLVMValueRef v_a, LLVMValueRef v_b, uint32_t span) {
    LLVMValueRef v_pair = gen_intrinsic(g, intrinsic, g->m->t_i64, (LLVMValueRef[]){v_a, v_b}, 2);
    LLVMValueRef v_result = LLVMBuildExtractValue(g->b, v_pair, 0, ""), v_over = LLVMBuildExtractValue(g->b, v_pair, 1, "");
    gen_check_not(g, v_over, TRAP_OVERFLOW, span);
    return v_result;
}

static LLVMValueRef f_const(const Gen *g, double v) { return LLVMConstReal(g->m->t_f, v); }
static LLVMValueRef f_call(Gen *g, const char *name, LLVMValueRef v) { return gen_intrinsic(g, name, g->m->t_f, &v, 1); }
static LLVMValueRef f_sign(Gen *g, LLVMValueRef v_size, LLVMValueRef v_sign) {
    return gen_intrinsic(g, "llvm.copysign", g->m->t_f, (LLVMValueRef[]){v_size, v_sign}, 2);
}

static LLVMValueRef check_finite(Gen *g, LLVMValueRef v, uint32_t span) {
    LLVMValueRef v_ok = LLVMBuildFCmp(g->b, LLVMRealOLT, f_call(g, "llvm.fabs", v), f_const(g, __builtin_inf()), "");
    gen_check(g, v_ok, TRAP_FLOAT, span);
    return v;
}

static void not_zero(Gen *g, LLVMValueRef v_divisor, uint32_t span) {
    LLVMValueRef v_ok = LLVMGetTypeKind(LLVMTypeOf(v_divisor)) == LLVMDoubleTypeKind
        ? LLVMBuildFCmp(g->b, LLVMRealUNE, v_divisor, f_const(g, 0), "")
        : LLVMBuildICmp(g->b, LLVMIntNE, v_divisor, gen_int(g, 0), "");
    if (!known(v_ok, true)) gen_check(g, v_ok, TRAP_ZERO, span);
}

/* Towards minus infinity, the remainder with the sign of the divisor. The machine's division of INT64_MIN by -1 faults: -1 is
   replaced by 1 for the division, whose remainder is then 0 as it should be. */
static LLVMValueRef int_division(Gen *g, FlowOp op, LLVMValueRef v_a, LLVMValueRef v_b, uint32_t span) {
    LLVMBuilderRef b = g->b;
    not_zero(g, v_b, span);
    LLVMValueRef v_minus = LLVMBuildICmp(b, LLVMIntEQ, v_b, gen_int(g, -1), "");
    LLVMValueRef v_by = LLVMBuildSelect(b, v_minus, gen_int(g, 1), v_b, "");
    if (op == FLOW_FLOORDIV_I) {
        LLVMValueRef v_least = LLVMBuildICmp(b, LLVMIntEQ, v_a, gen_int(g, INT64_MIN), "");
        LLVMValueRef v_over = LLVMBuildAnd(b, v_minus, v_least, "");
        if (!known(v_over, false)) gen_check_not(g, v_over, TRAP_OVERFLOW, span);
    }
    LLVMValueRef v_r = LLVMBuildSRem(b, v_a, v_by, ""), v_q = op == FLOW_MOD_I ? NULL : LLVMBuildSDiv(b, v_a, v_by, "");
    if (op == FLOW_MOD_I && LLVMIsAConstantInt(v_by) && LLVMConstIntGetSExtValue(v_by) > 0) { /* the common case, in less code */
        LLVMValueRef v_below = LLVMBuildICmp(b, LLVMIntSLT, v_r, gen_int(g, 0), "");
        return LLVMBuildSelect(b, v_below, LLVMBuildAdd(b, v_r, v_by, ""), v_r, "");
    }
    LLVMValueRef v_signs = LLVMBuildICmp(b, LLVMIntSLT, LLVMBuildXor(b, v_r, v_by, ""), gen_int(g, 0), "");
    LLVMValueRef v_mend = LLVMBuildAnd(b, LLVMBuildICmp(b, LLVMIntNE, v_r, gen_int(g, 0), ""), v_signs, "");
    if (op == FLOW_MOD_I) return LLVMBuildAdd(b, v_r, LLVMBuildSelect(b, v_mend, v_by, gen_int(g, 0), ""), "");
    v_q = LLVMBuildSub(b, v_q, gen_word(g, v_mend), "");
    return LLVMBuildSelect(b, v_minus, LLVMBuildSub(b, gen_int(g, 0), v_a, ""), v_q, "");
}

/* As CPython's float_divmod. */
static LLVMValueRef float_division(Gen *g, FlowOp op, LLVMValueRef v_a, LLVMValueRef v_b, uint32_t span) {
    LLVMBuilderRef b = g->b;
    LLVMValueRef v_zero = f_const(g, 0);
    not_zero(g, v_b, span);
    LLVMValueRef v_r = LLVMBuildFRem(b, v_a, v_b, "");
    LLVMValueRef v_q = LLVMBuildFDiv(b, LLVMBuildFSub(b, v_a, v_r, ""), v_b, "");
    LLVMValueRef v_rest = LLVMBuildFCmp(b, LLVMRealUNE, v_r, v_zero, "");
    LLVMValueRef v_signs = LLVMBuildXor(b, LLVMBuildFCmp(b, LLVMRealOLT, v_b, v_zero, ""), LLVMBuildFCmp(b, LLVMRealOLT, v_r, v_zero, ""), "");
    LLVMValueRef v_mend = LLVMBuildAnd(b, v_rest, v_signs, "");
    if (op == FLOW_MOD_F) {
        LLVMValueRef v_mended = LLVMBuildSelect(b, v_mend, LLVMBuildFAdd(b, v_r, v_b, ""), v_r, "");
        return check_finite(g, LLVMBuildSelect(b, v_rest, v_mended, f_sign(g, v_zero, v_b), ""), span);
    }
    v_q = LLVMBuildSelect(b, v_mend, LLVMBuildFSub(b, v_q, f_const(g, 1), ""), v_q, "");
    LLVMValueRef v_floor = f_call(g, "llvm.floor", v_q);
    LLVMValueRef v_far = LLVMBuildFCmp(b, LLVMRealOGT, LLVMBuildFSub(b, v_q, v_floor, ""), f_const(g, 0.5), "");
    LLVMValueRef v_near = LLVMBuildSelect(b, v_far, LLVMBuildFAdd(b, v_floor, f_const(g, 1), ""), v_floor, "");
    LLVMValueRef v_none = f_sign(g, v_zero, LLVMBuildFDiv(b, v_a, v_b, ""));
    return check_finite(g, LLVMBuildSelect(b, LLVMBuildFCmp(b, LLVMRealUNE, v_q, v_zero, ""), v_near, v_none, ""), span);
}

static LLVMValueRef scale(Gen *g, FlowOp op, LLVMValueRef v_a, LLVMValueRef v_b, uint32_t span) {
    LLVMBuilderRef b = g->b;
    LLVMValueRef v_f = LLVMBuildSIToFP(b, v_a, g->m->t_f, "");
    if (op == FLOW_UNSCALE) not_zero(g, v_b, span);
    LLVMValueRef v = f_call(g, "llvm.nearbyint", op == FLOW_SCALE ? LLVMBuildFMul(b, v_f, v_b, "") : LLVMBuildFDiv(b, v_f, v_b, ""));
    LLVMValueRef v_low = LLVMBuildFCmp(b, LLVMRealOGE, v, f_const(g, -0x1p63), ""), v_high = LLVMBuildFCmp(b, LLVMRealOLT, v, f_const(g, 0x1p63), "");
    gen_check(g, LLVMBuildAnd(b, v_low, v_high, ""), TRAP_OVERFLOW, span);
    return LLVMBuildFPToSI(b, v, g->m->t_i64, "");
}

static LLVMValueRef arithmetic(Gen *g, const FlowExpr *x, const Opnd *o, uint32_t span) {
    FlowOp op = (FlowOp)x->op;
    LLVMBuilderRef b = g->b;
    LLVMValueRef v_a = gen_value1(g, o[0]), v_b = x->n > 1 ? gen_value1(g, o[1]) : NULL;
    switch ((int)op) {
    case FLOW_ADD_I: return checked(g, "llvm.sadd.with.overflow", v_a, v_b, span);
    case FLOW_SUB_I: return checked(g, "llvm.ssub.with.overflow", v_a, v_b, span);
    case FLOW_MUL_I: return checked(g, "llvm.smul.with.overflow", v_a, v_b, span);
    case FLOW_NEG_I: return checked(g, "llvm.ssub.with.overflow", gen_int(g, 0), v_a, span);
    case FLOW_FLOORDIV_I:
    case FLOW_MOD_I: return int_division(g, op, v_a, v_b, span);
    case FLOW_ADD_F: return check_finite(g, LLVMBuildFAdd(b, v_a, v_b, ""), span);
    case FLOW_SUB_F: return check_finite(g, LLVMBuildFSub(b, v_a, v_b, ""), span);
    case FLOW_MUL_F: return check_finite(g, LLVMBuildFMul(b, v_a, v_b, ""), span);
    case FLOW_DIV_F: not_zero(g, v_b, span); return check_finite(g, LLVMBuildFDiv(b, v_a, v_b, ""), span);
    case FLOW_FLOORDIV_F:
    case FLOW_MOD_F: return float_division(g, op, v_a, v_b, span);
    case FLOW_NEG_F: return LLVMBuildFNeg(b, v_a, "");
    case FLOW_DIV_II:
        not_zero(g, v_b, span);
        v_a = LLVMBuildSIToFP(b, v_a, g->m->t_f, "");
        return check_finite(g, LLVMBuildFDiv(b, v_a, LLVMBuildSIToFP(b, v_b, g->m->t_f, ""), ""), span);
    case FLOW_SCALE:
    case FLOW_UNSCALE: return scale(g, op, v_a, v_b, span);
    case FLOW_INT_TO_FLOAT: return LLVMBuildSIToFP(b, v_a, g->m->t_f, "");
    case FLOW_NOT: return gen_word(g, LLVMBuildICmp(b, LLVMIntEQ, v_a, gen_int(g, 0), ""));
    default: return NULL;
    }
}

/* --- comparison --- */

bool gen_is_scalar(const Gen *g, TypeId type) { return gen_nwords(g, type) == 1 && gen_words(g, type)[0] != 'p'; }

LLVMValueRef gen_compare(Gen *g, FlowCmp cmp, TypeId type, Val a, Val b) {
    static const LLVMIntPredicate of_int[] = {[CMP_EQ] = LLVMIntEQ, [CMP_NE] = LLVMIntNE, [CMP_LT] = LLVMIntSLT, [CMP_LE] = LLVMIntSLE,
        [CMP_GT] = LLVMIntSGT, [CMP_GE] = LLVMIntSGE};
    static const LLVMRealPredicate of_float[] = {[CMP_EQ] = LLVMRealOEQ, [CMP_NE] = LLVMRealUNE, [CMP_LT] = LLVMRealOLT, [CMP_LE] = LLVMRealOLE,
        [CMP_GT] = LLVMRealOGT, [CMP_GE] = LLVMRealOGE};
    if (gen_is_scalar(g, type)) {
        if (gen_words(g, type)[0] == 'f') return LLVMBuildFCmp(g->b, of_float[cmp], a.w[0], b.w[0], "");
        return LLVMBuildICmp(g->b, of_int[cmp], a.w[0], b.w[0], "");
    }
    LLVMValueRef v_a = gen_spill(g, BUFFER_ARGS, a), v_b = gen_spill(g, BUFFER_OTHER, b);
    if (cmp == CMP_EQ) return GEN_CALL(g, ABI_rt_equal, gen_id(g, type), v_a, v_b);
    if (cmp == CMP_NE) return LLVMBuildNot(g->b, GEN_CALL(g, ABI_rt_equal, gen_id(g, type), v_a, v_b), "");
    LLVMValueRef v_c = GEN_CALL(g, ABI_rt_compare, gen_id(g, type), v_a, v_b);
    return LLVMBuildICmp(g->b, of_int[cmp], v_c, gen_int(g, 0), "");
}

/* --- choice --- */

LLVMValueRef gen_is_none(Gen *g, TypeId opt, Val v) {
    LLVMValueRef v_mark = v.w[v.n - 1];
    (void)opt;
    return LLVMBuildICmp(g->b, LLVMIntEQ, v_mark, LLVMConstNull(LLVMTypeOf(v_mark)), "");
}

Val gen_some(Gen *g, TypeId opt, Val inner) {
    uint32_t n = gen_nwords(g, opt);
    Val v = gen_val(g, n);
    memcpy(v.w, inner.w, inner.n * sizeof *v.w);
    if (inner.n < n) v.w[n - 1] = gen_int(g, 1);
    return v;
}

/* One of two operands, into the slot; goes on after both. */
static Val choose(Gen *g, TypeId type, LLVMValueRef v_cond, Opnd yes, Opnd no) {
    Slot s = gen_slot(g, type);
    LLVMBasicBlockRef b_yes = gen_block(g, "yes"), b_no = gen_block(g, "no"), b_join = gen_block(g, "join");
    gen_branch(g, v_cond, b_yes, b_no);
    gen_set(g, s, gen_value(g, yes));
    gen_jump(g, b_join, b_no);
    gen_set(g, s, gen_value(g, no));
    gen_jump(g, b_join, b_join);
    return gen_get(g, s);
}

/* Keeps the first value where v_keep, else evaluates the operand. */
static Val otherwise(Gen *g, TypeId type, Val first, LLVMValueRef v_keep, Opnd other) {
    Slot s = gen_slot(g, type);
    LLVMBasicBlockRef b_other = gen_block(g, "other"), b_join = gen_block(g, "join");
    gen_set(g, s, gen_part(first, 0, gen_nwords(g, type)));
    LLVMBuildCondBr(g->b, v_keep, b_join, b_other);
    gen_begin(g, b_other);
    gen_set(g, s, gen_value(g, other));
    gen_jump(g, b_join, b_join);
    return gen_get(g, s);
}

static Val choice(Gen *g, const FlowExpr *x, const Opnd *o) {
    Val v = gen_value(g, o[0]);
    if (x->op == FLOW_IF) return choose(g, x->type, gen_bool(g, v.w[0]), o[1], o[2]);
    if (x->op == FLOW_COALESCE) {
        LLVMValueRef v_none = gen_is_none(g, gen_type(g, o[0]), v);
        return otherwise(g, x->type, v, LLVMBuildNot(g->b, v_none, ""), o[1]);
    }
    LLVMValueRef v_true = gen_bool(g, v.w[0]);
    return otherwise(g, x->type, v, x->op == FLOW_OR ? v_true : LLVMBuildNot(g->b, v_true, ""), o[1]);
}

/* --- structures and text --- */

static Val record(Gen *g, const FlowExpr *x, const Opnd *o) {
    const RtType *t = &g->p->rt.types->type[x->type];
    Val v = gen_zero(g, x->type);
    for (uint16_t i = 0; i < x->n; i++) {
        Val part = gen_value(g, o[i]);
        memcpy(v.w + g->p->rt.types->field[t->first + i].offset, part.w, part.n * sizeof *v.w);
    }
    return v;
}

static Val field(Gen *g, const FlowExpr *x, Opnd o) {
    const RtType *t = &g->p->rt.types->type[gen_type(g, o)];
    return gen_part(gen_value(g, o), g->p->rt.types->field[t->first + x->b].offset, gen_nwords(g, x->type));
}

/* An expression's conversion by the runtime: 0 of encode, 1 of decode. */
static Val convert(Gen *g, const FlowExpr *x, Opnd o, uint32_t span) {
    Val v = gen_value(g, o);
    TypeId type = x->op == FLOW_ENCODE ? gen_type(g, o) : x->type;
    LLVMValueRef v_in = gen_spill(g, BUFFER_ARGS, v), v_out = gen_buffer(g, BUFFER_OUT, gen_nwords(g, x->type));
    gen_check(g, GEN_CALL(g, x->op == FLOW_ENCODE ? ABI_rt_encode : ABI_rt_decode, gen_id(g, type), v_in, v_out), TRAP_NAME, span);
    return gen_load(g, x->type, v_out);
}

static Val concat(Gen *g, const FlowExpr *x, const Opnd *o) {
    Val parts = gen_val(g, x->n);
    for (uint16_t i = 0; i < x->n; i++) parts.w[i] = gen_value1(g, o[i]);
    LLVMValueRef v_parts = gen_spill(g, BUFFER_ARGS, parts);
    return gen_one(g, GEN_CALL(g, ABI_rt_concat, v_parts, gen_int(g, x->n)));
}

static Val call_fn(Gen *g, const FlowExpr *x, const Opnd *o);

static Val value_of_expr(Gen *g, ExprId id) {
    const FlowExpr *x = &g->f->expr.data[id];
    const Opnd *o = g->f->opnd.data + x->a;
    switch ((FlowOp)x->op) {
    case FLOW_ADD_I: case FLOW_SUB_I: case FLOW_MUL_I: case FLOW_FLOORDIV_I: case FLOW_MOD_I: case FLOW_NEG_I: case FLOW_ADD_F:
    case FLOW_SUB_F: case FLOW_MUL_F: case FLOW_DIV_F: case FLOW_FLOORDIV_F: case FLOW_MOD_F: case FLOW_NEG_F: case FLOW_DIV_II:
    case FLOW_SCALE: case FLOW_UNSCALE: case FLOW_INT_TO_FLOAT: case FLOW_NOT: return gen_one(g, arithmetic(g, x, o, id));
    case FLOW_CMP: {
        Val a = gen_value(g, o[0]), b = gen_value(g, o[1]);
        return gen_one(g, gen_word(g, gen_compare(g, (FlowCmp)x->cmp, gen_type(g, o[0]), a, b)));
    }
    case FLOW_AND: case FLOW_OR: case FLOW_IF: case FLOW_COALESCE: return choice(g, x, o);
    case FLOW_SOME: return gen_some(g, x->type, gen_value(g, o[0]));
    case FLOW_IS_NONE: return gen_one(g, gen_word(g, gen_is_none(g, gen_type(g, o[0]), gen_value(g, o[0]))));
    case FLOW_UNWRAP: return gen_part(gen_value(g, o[0]), 0, gen_nwords(g, x->type));
    case FLOW_RECORD: return record(g, x, o);
    case FLOW_FIELD: return field(g, x, o[0]);
    case FLOW_CAST: return gen_value(g, o[0]);
    case FLOW_TEXT: {
        LLVMValueRef v_in = gen_spill(g, BUFFER_ARGS, gen_value(g, o[0]));
        return gen_one(g, GEN_CALL(g, ABI_rt_text, gen_id(g, gen_type(g, o[0])), v_in));
    }
    case FLOW_CONCAT: return concat(g, x, o);
    case FLOW_ENCODE: case FLOW_DECODE: return convert(g, x, o[0], id);
    case FLOW_LET: {
        Val v = gen_value(g, o[0]);
        gen_local(g, x->b, gen_type(g, o[0]), v);
        return gen_value(g, o[1]);
    }
    case FLOW_LIST: case FLOW_MAP: case FLOW_INDEX: case FLOW_FOR: case FLOW_ANY: case FLOW_ALL: case FLOW_FIND: case FLOW_MIN_BY:
    case FLOW_MAX_BY: case FLOW_SORT_BY: case FLOW_GROUP_BY: case FLOW_FOLD: case FLOW_REPEAT: return gen_list_op(g, id);
    case FLOW_CALL: return call_fn(g, x, o);
    case FLOW_LIB: return gen_lib(g, id);
    case FLOW_OP_COUNT: break;
    }
    abort();
}

/* --- operands --- */

static Val constant(Gen *g, uint32_t index) {
    const FlowConst *c = &g->f->constant.data[index];
    switch (c->kind) {
    case CONST_NONE: return gen_zero(g, c->type);
    case CONST_BOOL:
    case CONST_INT:
    case CONST_ENUM: return gen_one(g, gen_int(g, c->i));
    case CONST_FLOAT: return gen_one(g, f_const(g, c->f));
    case CONST_STRING: return gen_one(g, module_text(g->m, index));
    }
    abort();
}

static Val in_frame(Gen *g, TypeId type, uint32_t offset) { return gen_load(g, type, gen_at(g, g->v_frame, gen_int(g, offset))); }

Val gen_value(Gen *g, Opnd o) {
    uint32_t i = opnd_index(o);
    switch (opnd_tag(o)) {
    case OPND_NONE: return (Val){0};
    case OPND_CONST: return constant(g, i);
    case OPND_NODE: return in_frame(g, gen_type(g, o), g->p->node_slot[i]);
    case OPND_INPUT:
        if (g->input != NULL) return g->input[i];
        return in_frame(g, gen_type(g, o), plan_input_offset(g->p, g->code, i));
    case OPND_EXPR: return value_of_expr(g, i);
    case OPND_LOCAL: return g->local.data[i].val;
    case OPND_FACT: {
        LLVMValueRef v_out = gen_buffer(g, BUFFER_OUT, gen_nwords(g, gen_type(g, o)));
        GEN_CALL(g, ABI_rt_fact, gen_id(g, i), v_out);
        return gen_load(g, gen_type(g, o), v_out);
    }
    }
    abort();
}

LLVMValueRef gen_value1(Gen *g, Opnd o) { return gen_value(g, o).w[0]; }

/* --- calls --- */

/* The context, the words of the arguments, where the words of the result go; it returns whether it went well. Small code is
   selected without the selection graph only when nothing but single words is returned. */
static LLVMTypeRef fn_type(Module *m, const FlowFn *fn, const FlowParam *param) {
    uint32_t n = 1, words = 0;
    for (uint32_t i = 0; i < fn->nparam; i++) words += plan_words(m->p, param[i].type);
    LLVMTypeRef *t = ARENA_ARRAY(&m->arena, LLVMTypeRef, words + 2);
    t[0] = m->t_ptr;
    for (uint32_t i = 0; i < fn->nparam; i++)
        for (const char *w = m->facts->words[param[i].type]; *w != '\0'; w++) t[n++] = word_type(m, *w);
    t[n++] = m->t_ptr;
    return LLVMFunctionType(m->t_i1, t, n, false);
}

static LLVMValueRef declare_fn(Module *m, uint32_t index) {
    const FlowFn *fn = &m->f->fn.data[index];
    if (m->fn[index] != NULL) return m->fn[index];
    m->fn_type[index] = fn_type(m, fn, m->f->param.data + fn->param);
    char *name = arena_printf(&m->arena, "fn_%u_%s", index, atom_cstr(m->f->atoms, fn->name));
    m->fn[index] = LLVMAddFunction(m->m, name, m->fn_type[index]);
    module_mark(m, m->fn[index]);
    return m->fn[index];
}

bool gen_is_fn_name(const char *name) { return strncmp(name, "fn_", 3) == 0 && name[3] >= '0' && name[3] <= '9'; }

void gen_shared_fn(Module *m, uint32_t index) {
    declare_fn(m, index);
    vec_push(&m->fn_todo, index);
}

/* A fn to be called: a copy of the module's own, which can be inlined, or one that another module holds for all. */
static LLVMValueRef callee(Module *m, uint32_t index) {
    if (m->fn[index] != NULL) return m->fn[index];
    LLVMValueRef fn = declare_fn(m, index);
    if (m->own_fns > 0) {
        m->own_fns--;
        LLVMSetLinkage(fn, LLVMInternalLinkage);
        vec_push(&m->fn_todo, index);
    } else if (!m->queue->asked[index]) {
        m->queue->asked[index] = true;
        vec_push(&m->queue->todo, index);
    }
    return fn;
}

static Val call_fn(Gen *g, const FlowExpr *x, const Opnd *o) {
    uint32_t words = 0, n = 1;
    for (uint16_t i = 0; i < x->n; i++) words += gen_nwords(g, gen_type(g, o[i]));
    LLVMValueRef *args = gen_val(g, words + 2).w;
    args[0] = g->v_rt;
    for (uint16_t i = 0; i < x->n; i++) {
        Val v = gen_value(g, o[i]);
        memcpy(args + n, v.w, v.n * sizeof *args);
        n += v.n;
    }
    LLVMValueRef v_out = args[n++] = gen_result(g, gen_nwords(g, x->type));
    LLVMValueRef v_fn = callee(g->m, x->b), v_ok = LLVMBuildCall2(g->b, g->m->fn_type[x->b], v_fn, args, n, "");
    LLVMBasicBlockRef b_ok = gen_block(g, "ok");
    gen_branch(g, v_ok, b_ok, g->b_retry != NULL ? g->b_retry : g->b_fail);
    return gen_load(g, x->type, v_out);
}
