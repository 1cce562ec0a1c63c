/* Lists, maps and the operations that go through them. */
#include "compiler/backend/jit/gen.h"

static TypeId inner_of(const Gen *g, TypeId type) { return type_inner(g->f->types, type); }

/* --- making and indexing --- */

/* A list of constants stands in the module. */
static LLVMValueRef constant_list(Gen *g, const FlowExpr *x, const Opnd *o) {
    Module *m = g->m;
    if (x->n == 0 || gen_nwords(g, inner_of(g, x->type)) != 1) return NULL;
    for (uint16_t i = 0; i < x->n; i++)
        if (opnd_tag(o[i]) != OPND_CONST) return NULL;
    LLVMValueRef *item = gen_val(g, x->n).w;
    for (uint16_t i = 0; i < x->n; i++) item[i] = gen_value1(g, o[i]);
    LLVMValueRef part[4] = {gen_id(g, RT_STATIC), gen_id(g, 0), gen_int(g, x->n), LLVMConstArray2(LLVMTypeOf(item[0]), item, x->n)};
    return module_constant(m, LLVMConstStructInContext(m->cx, part, 4, false), "list");
}

static Val make_list(Gen *g, const FlowExpr *x, const Opnd *o) {
    LLVMValueRef v_list = constant_list(g, x, o);
    if (v_list != NULL) return gen_one(g, v_list);
    uint32_t words = gen_nwords(g, inner_of(g, x->type));
    v_list = GEN_CALL(g, ABI_rt_list, gen_id(g, x->type), gen_int(g, x->n));
    for (uint16_t i = 0; i < x->n; i++) {
        Val v = gen_value(g, o[i]);
        gen_store(g, gen_element(g, v_list, gen_int(g, i), words), v);
    }
    return gen_one(g, v_list);
}

static Val make_map(Gen *g, const FlowExpr *x, const Opnd *o, uint32_t span) {
    uint32_t words = gen_nwords(g, inner_of(g, x->type)) + 1;
    LLVMValueRef v_entries = GEN_CALL(g, ABI_rt_scratch, gen_int(g, (int64_t)words * (x->n / 2) * 8 + 8));
    for (uint16_t i = 0; i < x->n; i++) {
        Val v = gen_value(g, o[i]);
        gen_store(g, gen_at(g, v_entries, gen_int(g, i / 2 * (int64_t)words + i % 2)), v);
    }
    LLVMValueRef v_out = gen_buffer(g, BUFFER_OUT, 1);
    gen_check(g, GEN_CALL(g, ABI_rt_map, gen_id(g, x->type), gen_int(g, x->n / 2), v_entries, v_out), TRAP_NAME, span);
    return gen_load(g, x->type, v_out);
}

static Val index_of(Gen *g, const FlowExpr *x, const Opnd *o, uint32_t span) {
    TypeId type = gen_type(g, o[0]);
    LLVMValueRef v_object = gen_value1(g, o[0]), v_key = gen_value1(g, o[1]);
    if (type_kind(g->f->types, type) == TY_MAP) {
        LLVMValueRef v_map = gen_spill(g, BUFFER_ARGS, gen_one(g, v_object)), v_out = gen_buffer(g, BUFFER_OUT, gen_nwords(g, x->type));
        gen_check(g, GEN_CALL(g, ABI_rt_map_index, gen_id(g, type), v_map, v_key, v_out), TRAP_NAME, span);
        return gen_load(g, x->type, v_out);
    }
    LLVMValueRef v_n = gen_count(g, v_object);
    LLVMBasicBlockRef b_ok;
    if (gen_unless(g, LLVMBuildICmp(g->b, LLVMIntULT, v_key, v_n, ""), &b_ok)) { /* a negative one is a large unsigned one */
        GEN_CALL(g, ABI_rt_trap_index, gen_id(g, span), v_key, v_n);
        gen_failed(g, b_ok);
    }
    return gen_load(g, x->type, gen_element(g, v_object, v_key, gen_nwords(g, x->type)));
}

/* --- consumers of streams --- */

typedef struct Consumer {
    const FlowExpr *x;
    const Opnd *o;
    uint32_t span;
    Stream *s;
    Slot result;
    Slot done;   /* of a search that may not stop: 1 when it is decided */
    Slot key;    /* of the best so far */
    TypeId key_type;
} Consumer;

static void bind(Gen *g, const Consumer *c, Val item) {
    gen_local(g, c->x->b, T_INT, gen_one(g, c->s->v_index));
    gen_local(g, c->x->b + 1, c->s->type, item);
}

static void emit_list(Gen *g, Stream *s, void *cx) {
    Consumer *c = cx;
    gen_set1(g, c->result, stream_list(g, s, c->x->type));
}

/* any, all, find: until the predicate decides. When a stage may still fail at a later element the loop goes on without asking. */
static void search_item(Gen *g, void *cx, Val item) {
    Consumer *c = cx;
    bool stops = c->s->fails == 0;
    LLVMBasicBlockRef b_hit = gen_block(g, "hit"), b_ask = gen_block(g, "ask"), b_on = gen_block(g, "on");
    if (stops) {
        gen_jump(g, b_ask, b_ask);
    } else {
        LLVMValueRef v_done = gen_bool(g, gen_get1(g, c->done));
        LLVMBuildCondBr(g->b, v_done, b_on, b_ask);
        gen_begin(g, b_ask);
    }
    bind(g, c, item);
    LLVMValueRef v_hit = gen_bool(g, gen_value1(g, c->o[1]));
    if (c->x->op == FLOW_ALL) v_hit = LLVMBuildNot(g->b, v_hit, "");
    gen_branch(g, v_hit, b_hit, b_on);
    if (c->x->op == FLOW_FIND) gen_set(g, c->result, c->s->type == c->x->type ? item : gen_some(g, c->x->type, item));
    else gen_set1(g, c->result, gen_int(g, c->x->op == FLOW_ANY));
    if (!stops) gen_set1(g, c->done, gen_int(g, 1));
    gen_jump(g, stops ? c->s->b_end : b_on, b_on);
}

static void emit_search(Gen *g, Stream *s, void *cx) {
    Consumer *c = cx;
    c->s = s;
    c->done = gen_slot(g, T_BOOL);
    gen_set1(g, c->done, gen_int(g, 0));
    if (c->x->op == FLOW_FIND) gen_set(g, c->result, gen_zero(g, c->x->type));
    else gen_set1(g, c->result, gen_int(g, c->x->op == FLOW_ALL));
    stream_run(g, s, search_item, c);
}

/* min_by, max_by: the first element of the best key. */
static void better_item(Gen *g, void *cx, Val item) {
    Consumer *c = cx;
    bind(g, c, item);
    Val key = gen_value(g, c->o[1]);
    if (c->key.a == NULL) {
        c->key_type = gen_type(g, c->o[1]);
        c->key = gen_slot(g, c->key_type);
    }
    LLVMBasicBlockRef b_compare = gen_block(g, "compare"), b_take = gen_block(g, "take"), b_on = gen_block(g, "on");
    LLVMValueRef v_later = gen_bool(g, gen_get1(g, c->done));
    LLVMBuildCondBr(g->b, v_later, b_compare, b_take);
    gen_begin(g, b_compare);
    LLVMValueRef v_better = gen_compare(g, c->x->op == FLOW_MAX_BY ? CMP_GT : CMP_LT, c->key_type, key, gen_get(g, c->key));
    gen_branch(g, v_better, b_take, b_on);
    gen_set(g, c->key, key);
    gen_set(g, c->result, item);
    gen_set1(g, c->done, gen_int(g, 1));
    gen_jump(g, b_on, b_on);
}

static void emit_extreme(Gen *g, Stream *s, void *cx) {
    Consumer *c = cx;
    c->s = s;
    c->done = gen_slot(g, T_BOOL);
    c->key = (Slot){0};
    gen_set1(g, c->done, gen_int(g, 0));
    gen_set(g, c->result, gen_zero(g, c->x->type));
    stream_run(g, s, better_item, c);
    gen_check(g, gen_bool(g, gen_get1(g, c->done)), TRAP_EMPTY, c->span);
}

static void fold_item(Gen *g, void *cx, Val item) {
    Consumer *c = cx;
    bind(g, c, item);
    gen_local(g, c->x->b + 2, c->x->type, gen_get(g, c->result));
    gen_set(g, c->result, gen_value(g, c->o[2]));
}

static void emit_fold(Gen *g, Stream *s, void *cx) {
    Consumer *c = cx;
    c->s = s;
    gen_set(g, c->result, gen_value(g, c->o[1]));
    stream_run(g, s, fold_item, c);
}

static Val consume(Gen *g, ExprId id, Opnd list, bool fails, StreamEmit emit) {
    const FlowExpr *x = &g->f->expr.data[id];
    Consumer c = {.x = x, .o = g->f->opnd.data + x->a, .span = id, .result = gen_slot(g, x->type)};
    stream_consume(g, list, fails, emit, &c);
    return gen_get(g, c.result);
}

/* --- keys --- */

typedef struct Keys {
    const FlowExpr *x;
    Opnd key;
    Stream *s;
    LLVMValueRef v_keys;
    Slot room;      /* set by the first element, when the type of keys is known */
    TypeId type;
    Slot at;
} Keys;

static void put_key(Gen *g, void *cx, Val item) {
    Keys *k = cx;
    gen_local(g, k->x->b, T_INT, gen_one(g, k->s->v_index));
    gen_local(g, k->x->b + 1, k->s->type, item);
    k->type = gen_type(g, k->key);
    Val key = gen_value(g, k->key);
    LLVMValueRef v_at = gen_get1(g, k->at);
    gen_store(g, gen_at(g, k->v_keys, v_at), key);
    gen_set1(g, k->at, LLVMBuildAdd(g->b, v_at, gen_int(g, key.n), ""));
}

/* The keys of all elements of a list, in scratch memory. */
static Keys keys_of(Gen *g, const FlowExpr *x, Stream *s, Opnd key) {
    Keys k = {.x = x, .key = key, .s = s, .at = gen_slot(g, T_INT)};
    /* The type of the key is known with that of the item. */
    gen_local(g, x->b, T_INT, gen_one(g, gen_int(g, 0)));
    gen_local(g, x->b + 1, s->type, (Val){0});
    uint32_t words = gen_nwords(g, gen_type(g, key));
    LLVMValueRef v_bytes = LLVMBuildMul(g->b, LLVMBuildAdd(g->b, s->v_n, gen_int(g, 1), ""), gen_int(g, (int64_t)(words + 1) * 8), "");
    k.v_keys = GEN_CALL(g, ABI_rt_scratch, v_bytes);
    gen_set1(g, k.at, gen_int(g, 0));
    stream_run(g, s, put_key, &k);
    return k;
}

static Stream whole_list(Gen *g, Opnd list) {
    Stream s = {.base = BASE_LIST, .type = inner_of(g, gen_type(g, list))};
    s.base_type = s.type;
    s.v_list = gen_value1(g, list);
    s.v_n = gen_count(g, s.v_list);
    return s;
}

/* Copies the element that the order names. */
typedef struct Sorting {
    LLVMValueRef v_from, v_to, v_order;
    Stream *s;
} Sorting;

static void put_sorted(Gen *g, void *cx, Val item) {
    const Sorting *x = cx;
    uint32_t words = item.n;
    LLVMValueRef v_which = LLVMBuildLoad2(g->b, g->m->t_i64, gen_at(g, x->v_order, x->s->v_index), "");
    gen_store(g, gen_element(g, x->v_to, x->s->v_index, words), gen_load(g, x->s->type, gen_element(g, x->v_from, v_which, words)));
}

static Val sort_by(Gen *g, const FlowExpr *x, const Opnd *o) {
    Stream s = whole_list(g, o[0]);
    LLVMValueRef v_down = gen_value1(g, o[1]);
    Keys k = keys_of(g, x, &s, o[2]);
    Sorting sort = {s.v_list, GEN_CALL(g, ABI_rt_list, gen_id(g, x->type), s.v_n), NULL, &s};
    sort.v_order = GEN_CALL(g, ABI_rt_order, gen_id(g, k.type), k.v_keys, s.v_n, v_down);
    stream_run(g, &s, put_sorted, &sort);
    return gen_one(g, sort.v_to);
}

static Val group_by(Gen *g, const FlowExpr *x, const Opnd *o, uint32_t span) {
    Stream s = whole_list(g, o[0]);
    Keys k = keys_of(g, x, &s, o[1]);
    LLVMValueRef v_items = gen_spill(g, BUFFER_ARGS, gen_one(g, s.v_list)), v_out = gen_buffer(g, BUFFER_OUT, 1);
    LLVMValueRef v_ok = GEN_CALL(g, ABI_rt_groups, gen_id(g, x->type), gen_id(g, gen_type(g, o[0])), v_items, gen_id(g, k.type), k.v_keys, v_out);
    gen_check(g, v_ok, TRAP_NAME, span);
    return gen_load(g, x->type, v_out);
}

static Val repeat(Gen *g, const FlowExpr *x, const Opnd *o) {
    Slot state = gen_slot(g, x->type), i = gen_slot(g, T_INT);
    gen_set(g, state, gen_value(g, o[0]));
    LLVMValueRef v_max = gen_value1(g, o[1]);
    LLVMBasicBlockRef b_head = gen_block(g, "head"), b_test = gen_block(g, "test"), b_body = gen_block(g, "body"), b_end = gen_block(g, "end");
    gen_set1(g, i, gen_int(g, 0));
    gen_jump(g, b_head, b_head);
    LLVMValueRef v_i = gen_get1(g, i);
    gen_branch(g, LLVMBuildICmp(g->b, LLVMIntSLT, v_i, v_max, ""), b_test, b_end);
    gen_local(g, x->b, x->type, gen_get(g, state));
    LLVMValueRef v_done = gen_bool(g, gen_value1(g, o[2]));
    LLVMBuildCondBr(g->b, v_done, b_end, b_body);
    gen_begin(g, b_body);
    gen_set(g, state, gen_value(g, o[3]));
    gen_set1(g, i, LLVMBuildNSWAdd(g->b, v_i, gen_int(g, 1), ""));
    gen_jump(g, b_head, b_end);
    return gen_get(g, state);
}

Val gen_list_op(Gen *g, ExprId id) {
    const FlowExpr *x = &g->f->expr.data[id];
    const Opnd *o = g->f->opnd.data + x->a;
    PlanFacts *facts = g->m->facts;
    switch ((int)x->op) {
    case FLOW_LIST: return make_list(g, x, o);
    case FLOW_MAP: return make_map(g, x, o, id);
    case FLOW_INDEX: return index_of(g, x, o, id);
    case FLOW_FOR: return consume(g, id, opnd(OPND_EXPR, id), false, emit_list);
    case FLOW_ANY:
    case FLOW_ALL:
    case FLOW_FIND: return consume(g, id, o[0], may_fail(facts, o[1]), emit_search);
    case FLOW_MIN_BY:
    case FLOW_MAX_BY: return consume(g, id, o[0], may_fail(facts, o[1]), emit_extreme);
    case FLOW_FOLD: return consume(g, id, o[0], may_fail(facts, o[1]) || may_fail(facts, o[2]), emit_fold);
    case FLOW_SORT_BY: return sort_by(g, x, o);
    case FLOW_GROUP_BY: return group_by(g, x, o, id);
    case FLOW_REPEAT: return repeat(g, x, o);
    default: abort();
    }
}
