/* Library functions: the small ones become code, those over lists consume streams; the rest, and every failure, is rt_lib's. */
#include "compiler/backend/jit/gen.h"

#include "compiler/type/lib.h"

#include <float.h>

static const FlowExpr *expr_at(const Gen *g, ExprId id) { return &g->f->expr.data[id]; }
static const Opnd *operands(const Gen *g, ExprId id) { return g->f->opnd.data + expr_at(g, id)->a; }
static TypeId argument_type(const Gen *g, ExprId id, uint32_t i) { return gen_type(g, operands(g, id)[i]); }

/* --- the library itself --- */

static Val arguments(Gen *g, ExprId id) {
    const FlowExpr *x = expr_at(g, id);
    uint32_t words = 0, n = 0;
    for (uint16_t i = 0; i < x->n; i++) words += gen_nwords(g, argument_type(g, id, i));
    Val all = gen_val(g, words);
    for (uint16_t i = 0; i < x->n; i++) {
        Val v = gen_value(g, operands(g, id)[i]);
        memcpy(all.w + n, v.w, v.n * sizeof *v.w);
        n += v.n;
    }
    return all;
}

/* Calls the library; v_out receives where the result lies, the value is whether it went well. */
static LLVMValueRef call_library(Gen *g, ExprId id, Val args, LLVMValueRef *v_out) {
    const FlowExpr *x = expr_at(g, id);
    LLVMValueRef type[8] = {gen_id(g, x->type)};
    for (uint16_t i = 0; i < x->n; i++) type[i + 1] = gen_id(g, argument_type(g, id, i));
    LLVMValueRef v_types = module_constant(g->m, LLVMConstArray2(g->m->t_i32, type, x->n + 1u), "types");
    LLVMValueRef v_args = gen_spill(g, BUFFER_ARGS, args);
    *v_out = gen_buffer(g, BUFFER_OUT, gen_nwords(g, x->type));
    return GEN_CALL(g, ABI_rt_lib, gen_id(g, x->b), v_types, v_args, *v_out);
}

static Val by_library(Gen *g, ExprId id, Val args) {
    LLVMValueRef v_out;
    gen_check(g, call_library(g, id, args, &v_out), TRAP_NAME, id);
    return gen_load(g, expr_at(g, id)->type, v_out);
}

void gen_lib_check(Gen *g, LLVMValueRef v_ok, ExprId id, Val args) {
    LLVMBasicBlockRef b_ok;
    LLVMValueRef v_out;
    if (!gen_unless(g, v_ok, &b_ok)) return;
    call_library(g, id, args, &v_out);
    GEN_CALL(g, ABI_rt_trap, gen_id(g, id));
    gen_failed(g, b_ok);
}

/* A list with which the library fails as it would with the one that was never made. */
static Val witness(Gen *g, LLVMValueRef *item, uint32_t n) {
    LLVMTypeRef type = n > 0 ? LLVMTypeOf(item[0]) : g->m->t_i64;
    LLVMValueRef part[4] = {gen_id(g, RT_STATIC), gen_id(g, 0), gen_int(g, n), LLVMConstArray2(type, item, n)};
    return gen_one(g, module_constant(g->m, LLVMConstStructInContext(g->m->cx, part, 4, false), "witness"));
}

/* --- scalars --- */

static LLVMValueRef f_const(const Gen *g, double v) { return LLVMConstReal(g->m->t_f, v); }
static LLVMValueRef f_call(Gen *g, const char *name, LLVMValueRef v) { return gen_intrinsic(g, name, g->m->t_f, &v, 1); }

static Val abs_int(Gen *g, ExprId id) {
    Val x = arguments(g, id);
    gen_lib_check(g, LLVMBuildICmp(g->b, LLVMIntNE, x.w[0], gen_int(g, INT64_MIN), ""), id, x);
    LLVMValueRef v_below = LLVMBuildICmp(g->b, LLVMIntSLT, x.w[0], gen_int(g, 0), "");
    return gen_one(g, LLVMBuildSelect(g->b, v_below, LLVMBuildSub(g->b, gen_int(g, 0), x.w[0], ""), x.w[0], ""));
}

static Val abs_float(Gen *g, ExprId id) { return gen_one(g, f_call(g, "llvm.fabs", arguments(g, id).w[0])); }

static Val to_int(Gen *g, ExprId id, const char *rounding) {
    Val x = arguments(g, id);
    LLVMValueRef v = f_call(g, rounding, x.w[0]);
    LLVMValueRef v_low = LLVMBuildFCmp(g->b, LLVMRealOGE, v, f_const(g, -0x1p63), "");
    LLVMValueRef v_high = LLVMBuildFCmp(g->b, LLVMRealOLT, v, f_const(g, 0x1p63), "");
    gen_lib_check(g, LLVMBuildAnd(g->b, v_low, v_high, ""), id, x);
    return gen_one(g, LLVMBuildFPToSI(g->b, v, g->m->t_i64, ""));
}
static Val round_float(Gen *g, ExprId id) { return to_int(g, id, "llvm.nearbyint"); }
static Val floor_float(Gen *g, ExprId id) { return to_int(g, id, "llvm.floor"); }
static Val ceil_float(Gen *g, ExprId id) { return to_int(g, id, "llvm.ceil"); }
static Val int_of_float(Gen *g, ExprId id) { return to_int(g, id, "llvm.trunc"); }

static Val square_root(Gen *g, ExprId id) {
    Val x = arguments(g, id);
    gen_lib_check(g, LLVMBuildFCmp(g->b, LLVMRealUGE, x.w[0], f_const(g, 0), ""), id, x);
    return gen_one(g, f_call(g, "llvm.sqrt", x.w[0]));
}

static Val seconds(Gen *g, ExprId id) {
    LLVMValueRef v_ms = LLVMBuildSIToFP(g->b, arguments(g, id).w[0], g->m->t_f, "");
    return gen_one(g, LLVMBuildFDiv(g->b, v_ms, f_const(g, 1000), ""));
}

static Val same_word(Gen *g, ExprId id) { return arguments(g, id); }

static Val pick(Gen *g, LLVMValueRef v_first, Val a, Val b) {
    Val v = gen_val(g, a.n);
    for (uint32_t i = 0; i < a.n; i++) v.w[i] = LLVMBuildSelect(g->b, v_first, a.w[i], b.w[i], "");
    return v;
}

/* The second of two where it is better, so that of equals the first stays. */
static Val choose(Gen *g, ExprId id, FlowCmp better) {
    TypeId type = expr_at(g, id)->type;
    uint32_t n = gen_nwords(g, type);
    Val all = arguments(g, id), a = gen_part(all, 0, n), b = gen_part(all, n, n);
    return pick(g, gen_compare(g, better, type, b, a), b, a);
}
static Val min_two(Gen *g, ExprId id) { return choose(g, id, CMP_LT); }
static Val max_two(Gen *g, ExprId id) { return choose(g, id, CMP_GT); }

static Val clamp(Gen *g, ExprId id) {
    TypeId type = expr_at(g, id)->type;
    uint32_t n = gen_nwords(g, type);
    Val all = arguments(g, id), x = gen_part(all, 0, n), low = gen_part(all, n, n), high = gen_part(all, 2 * n, n);
    gen_lib_check(g, gen_compare(g, CMP_GE, type, high, low), id, all);
    LLVMValueRef v_below = gen_compare(g, CMP_LT, type, x, low), v_above = gen_compare(g, CMP_GT, type, x, high);
    return pick(g, v_below, low, pick(g, v_above, high, x));
}

/* --- elements --- */

static Val len_map(Gen *g, ExprId id) { return gen_one(g, gen_count(g, arguments(g, id).w[0])); }

static Val end_of_list(Gen *g, ExprId id, bool last) {
    Val list = arguments(g, id);
    LLVMValueRef v_n = gen_count(g, list.w[0]);
    gen_lib_check(g, gen_bool(g, v_n), id, list);
    LLVMValueRef v_at = last ? LLVMBuildSub(g->b, v_n, gen_int(g, 1), "") : gen_int(g, 0);
    TypeId type = expr_at(g, id)->type;
    return gen_load(g, type, gen_element(g, list.w[0], v_at, gen_nwords(g, type)));
}
static Val first_of(Gen *g, ExprId id) { return end_of_list(g, id, false); }
static Val last_of(Gen *g, ExprId id) { return end_of_list(g, id, true); }

static Val get_of_list(Gen *g, ExprId id) {
    TypeId type = expr_at(g, id)->type, inner = type_inner(g->f->types, argument_type(g, id, 0));
    Val args = arguments(g, id);
    Slot s = gen_slot(g, type);
    LLVMBasicBlockRef b_there = gen_block(g, "there"), b_on = gen_block(g, "on");
    gen_set(g, s, gen_zero(g, type));
    gen_branch(g, LLVMBuildICmp(g->b, LLVMIntULT, args.w[1], gen_count(g, args.w[0]), ""), b_there, b_on);
    Val item = gen_load(g, inner, gen_element(g, args.w[0], args.w[1], gen_nwords(g, inner)));
    gen_set(g, s, inner == type ? item : gen_some(g, type, item));
    gen_jump(g, b_on, b_on);
    return gen_get(g, s);
}

/* --- consumers of streams --- */

typedef struct Reduction {
    ExprId id;
    Stream *s;
    Slot result, n, over, best;
    Val wanted;
} Reduction;

static void add_int(Gen *g, void *cx, Val item) {
    const Reduction *r = cx;
    LLVMValueRef v_pair = gen_intrinsic(g, "llvm.sadd.with.overflow", g->m->t_i64, (LLVMValueRef[]){gen_get1(g, r->result), item.w[0]}, 2);
    LLVMValueRef v_over = gen_word(g, LLVMBuildExtractValue(g->b, v_pair, 1, ""));
    gen_set1(g, r->result, LLVMBuildExtractValue(g->b, v_pair, 0, ""));
    gen_set1(g, r->over, LLVMBuildOr(g->b, gen_get1(g, r->over), v_over, ""));
}

/* An overflow is told at the end: until then a later element may fail, which comes first. */
static void emit_sum_int(Gen *g, Stream *s, void *cx) {
    Reduction *r = cx;
    r->over = gen_slot(g, T_INT);
    gen_set1(g, r->result, gen_int(g, 0));
    gen_set1(g, r->over, gen_int(g, 0));
    stream_run(g, s, add_int, r);
    LLVMValueRef v_fits = LLVMBuildICmp(g->b, LLVMIntEQ, gen_get1(g, r->over), gen_int(g, 0), "");
    gen_lib_check(g, v_fits, r->id, witness(g, (LLVMValueRef[]){gen_int(g, INT64_MAX), gen_int(g, 1)}, 2));
}

static void add_float(Gen *g, void *cx, Val item) {
    const Reduction *r = cx;
    LLVMValueRef v = item.w[0];
    if (LLVMGetTypeKind(LLVMTypeOf(v)) != LLVMDoubleTypeKind) v = LLVMBuildSIToFP(g->b, v, g->m->t_f, "");
    gen_set1(g, r->result, LLVMBuildFAdd(g->b, gen_get1(g, r->result), v, ""));
    gen_set1(g, r->n, LLVMBuildNUWAdd(g->b, gen_get1(g, r->n), gen_int(g, 1), ""));
}

static void check_finite(Gen *g, const Reduction *r) {
    LLVMValueRef v_size = f_call(g, "llvm.fabs", gen_get1(g, r->result));
    LLVMValueRef v_ok = LLVMBuildFCmp(g->b, LLVMRealOLT, v_size, f_const(g, __builtin_inf()), "");
    gen_lib_check(g, v_ok, r->id, witness(g, (LLVMValueRef[]){f_const(g, DBL_MAX), f_const(g, DBL_MAX)}, 2));
}

static void sum_floats(Gen *g, Stream *s, Reduction *r) {
    r->n = gen_slot(g, T_INT);
    gen_set1(g, r->result, f_const(g, 0));
    gen_set1(g, r->n, gen_int(g, 0));
    stream_run(g, s, add_float, r);
}

static void emit_sum_float(Gen *g, Stream *s, void *cx) {
    sum_floats(g, s, cx);
    check_finite(g, cx);
}

/* The sum of ints as floats is always finite. */
static void emit_mean(Gen *g, Stream *s, void *cx) {
    Reduction *r = cx;
    sum_floats(g, s, r);
    LLVMValueRef v_n = gen_get1(g, r->n);
    gen_lib_check(g, gen_bool(g, v_n), r->id, witness(g, NULL, 0));
    if (expr_at(g, r->id)->b == LIB_MEAN_FLOAT) check_finite(g, r);
    gen_set1(g, r->result, LLVMBuildFDiv(g->b, gen_get1(g, r->result), LLVMBuildUIToFP(g->b, v_n, g->m->t_f, ""), ""));
}

static void count_item(Gen *g, void *cx, Val item) {
    const Reduction *r = cx;
    (void)item;
    gen_set1(g, r->result, LLVMBuildNUWAdd(g->b, gen_get1(g, r->result), gen_int(g, 1), ""));
}

static void emit_len(Gen *g, Stream *s, void *cx) {
    const Reduction *r = cx;
    gen_set1(g, r->result, gen_int(g, 0));
    if (!s->filtered && s->fails == 0) gen_set1(g, r->result, s->v_n);
    else stream_run(g, s, count_item, cx);
}

static void best_item(Gen *g, void *cx, Val item) {
    const Reduction *r = cx;
    TypeId type = expr_at(g, r->id)->type;
    LLVMBasicBlockRef b_compare = gen_block(g, "compare"), b_take = gen_block(g, "take"), b_on = gen_block(g, "on");
    LLVMValueRef v_later = gen_bool(g, gen_get1(g, r->n));
    LLVMBuildCondBr(g->b, v_later, b_compare, b_take);
    gen_begin(g, b_compare);
    FlowCmp better = expr_at(g, r->id)->b == LIB_MAX_LIST ? CMP_GT : CMP_LT;
    gen_branch(g, gen_compare(g, better, type, item, gen_get(g, r->result)), b_take, b_on);
    gen_set(g, r->result, item);
    gen_set1(g, r->n, gen_int(g, 1));
    gen_jump(g, b_on, b_on);
}

static void emit_best(Gen *g, Stream *s, void *cx) {
    Reduction *r = cx;
    r->n = gen_slot(g, T_INT);
    gen_set1(g, r->n, gen_int(g, 0));
    gen_set(g, r->result, gen_zero(g, expr_at(g, r->id)->type));
    stream_run(g, s, best_item, r);
    gen_lib_check(g, gen_bool(g, gen_get1(g, r->n)), r->id, witness(g, NULL, 0));
}

static void compare_item(Gen *g, void *cx, Val item) {
    const Reduction *r = cx;
    bool stops = r->s->fails == 0;
    LLVMBasicBlockRef b_hit = gen_block(g, "hit"), b_on = gen_block(g, "on");
    gen_branch(g, gen_compare(g, CMP_EQ, r->s->type, item, r->wanted), b_hit, b_on);
    gen_set1(g, r->result, gen_int(g, 1));
    gen_jump(g, stops ? r->s->b_end : b_on, b_on);
}

static void emit_contains(Gen *g, Stream *s, void *cx) {
    Reduction *r = cx;
    r->s = s;
    r->wanted = gen_value(g, operands(g, r->id)[1]);
    gen_set1(g, r->result, gen_int(g, 0));
    stream_run(g, s, compare_item, r);
}

static Val reduce(Gen *g, ExprId id, StreamEmit emit, bool fails) {
    Reduction r = {.id = id, .result = gen_slot(g, expr_at(g, id)->type)};
    stream_consume(g, operands(g, id)[0], fails, emit, &r);
    return gen_get(g, r.result);
}
static Val len_list(Gen *g, ExprId id) { return reduce(g, id, emit_len, false); }
static Val sum_int(Gen *g, ExprId id) { return reduce(g, id, emit_sum_int, false); }
static Val sum_float(Gen *g, ExprId id) { return reduce(g, id, emit_sum_float, false); }
static Val mean(Gen *g, ExprId id) { return reduce(g, id, emit_mean, false); }
static Val best(Gen *g, ExprId id) { return reduce(g, id, emit_best, false); }
static Val contains(Gen *g, ExprId id) { return reduce(g, id, emit_contains, may_fail(g->m->facts, operands(g, id)[1])); }

Val gen_lib(Gen *g, ExprId id) {
    static Val (*const inlined[LIB_COUNT])(Gen *, ExprId) = {[LIB_LEN_LIST] = len_list, [LIB_LEN_MAP] = len_map, [LIB_SUM_INT] = sum_int,
        [LIB_SUM_FLOAT] = sum_float, [LIB_SUM_DURATION] = sum_int, [LIB_SUM_SIZE] = sum_int, [LIB_MEAN_INT] = mean, [LIB_MEAN_FLOAT] = mean,
        [LIB_MIN_LIST] = best, [LIB_MAX_LIST] = best, [LIB_MIN] = min_two, [LIB_MAX] = max_two, [LIB_FIRST] = first_of, [LIB_LAST] = last_of,
        [LIB_CONTAINS_LIST] = contains, [LIB_GET_LIST] = get_of_list, [LIB_ABS_INT] = abs_int, [LIB_ABS_FLOAT] = abs_float,
        [LIB_ABS_DURATION] = abs_int, [LIB_ROUND] = round_float, [LIB_FLOOR] = floor_float, [LIB_CEIL] = ceil_float, [LIB_SQRT] = square_root,
        [LIB_CLAMP] = clamp, [LIB_INT_OF_FLOAT] = int_of_float, [LIB_SECONDS] = seconds, [LIB_BYTES] = same_word};
    uint32_t lib = expr_at(g, id)->b;
    if (inlined[lib] != NULL) return inlined[lib](g, id);
    return by_library(g, id, arguments(g, id));
}
