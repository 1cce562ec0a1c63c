/* Streams: a list that is made only to be gone through is never made. `for` expressions over one another become stages of one loop;
   a range becomes a counter. README.md tells why a loop may be made twice. */
#include "compiler/backend/jit/gen.h"

#include "compiler/type/lib.h"

static const Opnd *operands(const Gen *g, const FlowExpr *x) { return g->f->opnd.data + x->a; }

static void base_list(Gen *g, Stream *s, LLVMValueRef v_list, TypeId element) {
    s->base = BASE_LIST;
    s->v_list = v_list;
    s->v_second = NULL;
    s->v_n = gen_count(g, v_list);
    s->base_type = s->type = element;
}

/* The number of elements, as the library counts them. */
static LLVMValueRef range_length(Gen *g, LLVMValueRef v_from, LLVMValueRef v_to, LLVMValueRef v_step) {
    LLVMBuilderRef b = g->b;
    LLVMValueRef v_zero = gen_int(g, 0), v_one = gen_int(g, 1);
    LLVMValueRef v_up = LLVMBuildICmp(b, LLVMIntSGT, v_step, v_zero, "");
    LLVMValueRef v_low = LLVMBuildSelect(b, v_up, v_from, v_to, ""), v_high = LLVMBuildSelect(b, v_up, v_to, v_from, "");
    LLVMValueRef v_size = LLVMBuildSelect(b, v_up, v_step, LLVMBuildSub(b, v_zero, v_step, ""), "");
    /* A step of 0 was refused before; the division must not fault where its result is not used. */
    LLVMValueRef v_by = LLVMBuildSelect(b, LLVMBuildICmp(b, LLVMIntEQ, v_size, v_zero, ""), v_one, v_size, "");
    LLVMValueRef v_steps = LLVMBuildUDiv(b, LLVMBuildSub(b, LLVMBuildSub(b, v_high, v_low, ""), v_one, ""), v_by, "");
    LLVMValueRef v_some = LLVMBuildICmp(b, LLVMIntSLT, v_low, v_high, "");
    return LLVMBuildSelect(b, v_some, LLVMBuildAdd(b, v_steps, v_one, ""), v_zero, "");
}

static void base_range(Gen *g, Stream *s, ExprId id) {
    const FlowExpr *x = &g->f->expr.data[id];
    const Opnd *o = operands(g, x);
    Val args = gen_val(g, x->n);
    for (uint16_t i = 0; i < x->n; i++) args.w[i] = gen_value1(g, o[i]);
    s->base = BASE_RANGE;
    s->v_second = NULL;
    s->v_from = x->n > 1 ? args.w[0] : gen_int(g, 0);
    s->v_step = x->n > 2 ? args.w[2] : gen_int(g, 1);
    if (x->n > 2) gen_lib_check(g, gen_bool(g, s->v_step), id, args);
    s->v_n = range_length(g, s->v_from, args.w[x->n > 1 ? 1 : 0], s->v_step);
    gen_lib_check(g, LLVMBuildICmp(g->b, LLVMIntULE, s->v_n, gen_int(g, (int64_t)1 << 32), ""), id, args);
    s->base_type = s->type = T_INT;
}

static void base_two(Gen *g, Stream *s, ExprId id) {
    const Opnd *o = operands(g, &g->f->expr.data[id]);
    TypeId first = type_inner(g->f->types, gen_type(g, o[0]));
    LLVMValueRef v_first = gen_value1(g, o[0]), v_second = gen_value1(g, o[1]);
    base_list(g, s, v_first, first);
    s->v_second = v_second;
    s->second_type = type_inner(g->f->types, gen_type(g, o[1]));
    LLVMBasicBlockRef b_ok;
    LLVMValueRef v_n = gen_count(g, v_second);
    if (!gen_unless(g, LLVMBuildICmp(g->b, LLVMIntEQ, s->v_n, v_n, ""), &b_ok)) return;
    GEN_CALL(g, ABI_rt_trap_zip, gen_id(g, id), s->v_n, v_n);
    gen_failed(g, b_ok);
}

static bool stage_filters(const Gen *g, const FlowExpr *x) { return operands(g, x)[2] != OPND_ABSENT; }
static TypeId stage_type(const Gen *g, const FlowExpr *x) { return type_inner(g->f->types, x->type); }

static void add_stage(Gen *g, Stream *s, const FlowExpr *x) {
    const Opnd *o = operands(g, x);
    s->stage[s->nstage++] = x;
    s->filtered |= stage_filters(g, x);
    s->fails += may_fail(g->m->facts, o[2]) || may_fail(g->m->facts, o[3]);
    s->type = stage_type(g, x);
}

void stream_open(Gen *g, Opnd list, Stream *s) {
    const FlowExpr **chain = NULL;
    uint32_t n = 0;
    *s = (Stream){0};
    for (Opnd at = list; opnd_tag(at) == OPND_EXPR && g->f->expr.data[opnd_index(at)].op == FLOW_FOR; n++) at = operands(g, &g->f->expr.data[opnd_index(at)])[0];
    chain = ARENA_ARRAY(&g->m->arena, const FlowExpr *, n + 1);
    s->stage = ARENA_ARRAY(&g->m->arena, const FlowExpr *, n + 1);
    uint32_t k = 0;
    Opnd at = list;
    bool two = false;
    ExprId id = 0;
    while (k < n && !two) {
        id = opnd_index(at);
        chain[k++] = &g->f->expr.data[id];
        two = operands(g, chain[k - 1])[1] != OPND_ABSENT;
        at = operands(g, chain[k - 1])[0];
    }
    if (two) {
        base_two(g, s, id);
    } else if (opnd_tag(at) == OPND_EXPR && g->f->expr.data[opnd_index(at)].op == FLOW_LIB &&
               (g->f->expr.data[opnd_index(at)].b == LIB_RANGE || g->f->expr.data[opnd_index(at)].b == LIB_RANGE_FROM ||
                g->f->expr.data[opnd_index(at)].b == LIB_RANGE_STEP)) {
        base_range(g, s, opnd_index(at));
    } else {
        TypeId type = gen_type(g, at);
        base_list(g, s, gen_value1(g, at), type_inner(g->f->types, type));
    }
    while (k > 0) add_stage(g, s, chain[--k]);
}

/* --- the loop --- */

/* Binds the locals of a stage, filters, and gives what it makes of the item. */
static Val run_stage(Gen *g, const Stream *s, uint32_t k, LLVMValueRef v_index, Val item, TypeId type, LLVMValueRef v_base, LLVMBasicBlockRef b_next) {
    const FlowExpr *x = s->stage[k];
    const Opnd *o = operands(g, x);
    gen_local(g, x->b, T_INT, gen_one(g, v_index));
    gen_local(g, x->b + 1, type, item);
    if (k == 0 && s->v_second != NULL)
        gen_local(g, x->b + 2, s->second_type, gen_load(g, s->second_type, gen_element(g, s->v_second, v_base, gen_nwords(g, s->second_type))));
    if (o[2] != OPND_ABSENT) {
        LLVMValueRef v_admit = gen_bool(g, gen_value1(g, o[2]));
        gen_branch(g, v_admit, gen_block(g, "admit"), b_next);
    }
    return gen_value(g, o[3]);
}

static Val base_item(Gen *g, const Stream *s, LLVMValueRef v_i) {
    if (s->base == BASE_RANGE) return gen_one(g, LLVMBuildAdd(g->b, s->v_from, LLVMBuildMul(g->b, v_i, s->v_step, ""), ""));
    return gen_load(g, s->base_type, gen_element(g, s->v_list, v_i, gen_nwords(g, s->base_type)));
}

void stream_run(Gen *g, Stream *s, StreamSink sink, void *cx) {
    Slot i = gen_slot(g, T_INT), *passed = ARENA_ARRAY(&g->m->arena, Slot, s->nstage + 1);
    for (uint32_t k = 0; k < s->nstage; k++) {
        if (!stage_filters(g, s->stage[k])) continue;
        passed[k] = gen_slot(g, T_INT);
        gen_set1(g, passed[k], gen_int(g, 0));
    }
    gen_set1(g, i, gen_int(g, 0));
    LLVMBasicBlockRef b_head = gen_block(g, "head"), b_body = gen_block(g, "body"), b_next = gen_block(g, "next"), b_end = gen_block(g, "end");
    s->b_end = b_end;
    gen_jump(g, b_head, b_head);
    LLVMValueRef v_i = gen_get1(g, i), v_index = v_i;
    gen_branch(g, LLVMBuildICmp(g->b, LLVMIntULT, v_i, s->v_n, ""), b_body, b_end);
    Val item = base_item(g, s, v_i);
    TypeId type = s->base_type;
    for (uint32_t k = 0; k < s->nstage; k++) {
        item = run_stage(g, s, k, v_index, item, type, v_i, b_next);
        type = stage_type(g, s->stage[k]);
        if (!stage_filters(g, s->stage[k])) continue;
        v_index = gen_get1(g, passed[k]);
        gen_set1(g, passed[k], LLVMBuildAdd(g->b, v_index, gen_int(g, 1), ""));
    }
    s->v_index = v_index;
    sink(g, cx, item);
    gen_jump(g, b_next, b_next);
    gen_set1(g, i, LLVMBuildNUWAdd(g->b, v_i, gen_int(g, 1), ""));
    gen_jump(g, b_head, b_end);
}

/* --- making the list after all --- */

typedef struct Filling {
    LLVMValueRef v_list;
    Slot n;
    uint32_t words;
} Filling;

static void put_element(Gen *g, void *cx, Val item) {
    const Filling *x = cx;
    LLVMValueRef v_n = gen_get1(g, x->n);
    gen_store(g, gen_element(g, x->v_list, v_n, x->words), item);
    gen_set1(g, x->n, LLVMBuildNUWAdd(g->b, v_n, gen_int(g, 1), ""));
}

LLVMValueRef stream_list(Gen *g, Stream *s, TypeId list_type) {
    if (s->nstage == 0 && s->base == BASE_LIST) return s->v_list;
    Filling x = {GEN_CALL(g, ABI_rt_list, gen_id(g, list_type), s->v_n), gen_slot(g, T_INT), gen_nwords(g, s->type)};
    gen_set1(g, x.n, gen_int(g, 0));
    stream_run(g, s, put_element, &x);
    if (s->filtered) LLVMBuildStore(g->b, gen_get1(g, x.n), gen_at(g, x.v_list, gen_int(g, 1)));
    return x.v_list;
}

/* Makes the list of each stage but keeps none. */
static void collapse(Gen *g, Stream *s) {
    for (uint32_t k = 0; k < s->nstage; k++) {
        Stream one = *s;
        one.stage = s->stage + k;
        one.nstage = 1;
        one.filtered = stage_filters(g, s->stage[k]);
        one.type = stage_type(g, s->stage[k]);
        base_list(g, s, stream_list(g, &one, s->stage[k]->type), one.type);
    }
    s->nstage = 0;
    s->fails = 0;
    s->filtered = false;
}

void stream_consume(Gen *g, Opnd list, bool fails, StreamEmit emit, void *cx) {
    Stream s;
    stream_open(g, list, &s);
    bool free_order = s.nstage == 0 || s.fails + fails <= 1;
    if (free_order || g->b_retry != NULL) {
        emit(g, &s, cx);
        return;
    }
    if (g->exact) {
        collapse(g, &s);
        emit(g, &s, cx);
        return;
    }
    LLVMBasicBlockRef b_retry = gen_block(g, "retry"), b_join = gen_block(g, "join");
    Stream again = s;
    g->b_retry = b_retry;
    emit(g, &s, cx);
    g->b_retry = NULL;
    gen_jump(g, b_join, b_retry);
    g->exact = true;
    gen_call(g, ABI_rt_forget, NULL, 0);
    collapse(g, &again);
    emit(g, &again, cx);
    g->exact = false;
    gen_jump(g, b_join, b_join);
}
