/* Words, slots, memory and failures of a function under construction. */
#include "compiler/backend/jit/gen.h"

/* --- values --- */

TypeId gen_type(const Gen *g, Opnd o) {
    static const PlanCode none = {.frame = FRAME_NOTHING};
    if (opnd_tag(o) == OPND_LOCAL) return g->local.data[opnd_index(o)].type;
    if (opnd_tag(o) == OPND_INPUT && g->in_fn != NULL) return g->f->param.data[g->in_fn->param + opnd_index(o)].type;
    return plan_opnd_type(g->p, g->code != NULL ? g->code : &none, o, NULL);
}

const char *gen_words(const Gen *g, TypeId type) { return g->m->facts->words[type]; }
uint32_t gen_nwords(const Gen *g, TypeId type) { return plan_words(g->p, type); }

Val gen_val(Gen *g, uint32_t n) { return (Val){ARENA_ARRAY(&g->m->arena, LLVMValueRef, n + 1), n}; }

Val gen_one(Gen *g, LLVMValueRef v) {
    Val x = gen_val(g, 1);
    x.w[0] = v;
    return x;
}

Val gen_part(Val v, uint32_t from, uint32_t n) { return (Val){v.w + from, n}; }

Val gen_zero(Gen *g, TypeId type) {
    const char *words = gen_words(g, type);
    Val v = gen_val(g, gen_nwords(g, type));
    for (uint32_t i = 0; i < v.n; i++) v.w[i] = LLVMConstNull(word_type(g->m, words[i]));
    return v;
}

LLVMValueRef gen_int(const Gen *g, int64_t v) { return LLVMConstInt(g->m->t_i64, (unsigned long long)v, true); }
LLVMValueRef gen_id(const Gen *g, uint32_t v) { return LLVMConstInt(g->m->t_i32, v, false); }
LLVMValueRef gen_bool(Gen *g, LLVMValueRef v_word) {
    if (LLVMIsAZExtInst(v_word)) return LLVMGetOperand(v_word, 0); /* a word that gen_word just made */
    return LLVMBuildICmp(g->b, LLVMIntNE, v_word, gen_int(g, 0), "");
}
LLVMValueRef gen_word(Gen *g, LLVMValueRef v_bool) { return LLVMBuildZExt(g->b, v_bool, g->m->t_i64, ""); }

void gen_local(Gen *g, uint32_t number, TypeId type, Val v) {
    while (g->local.len <= number) vec_push(&g->local, ((Local){0}));
    g->local.data[number] = (Local){type, v};
}

/* --- slots --- */

/* At the start of the function, whatever was generated since. */
static LLVMValueRef reserve(Gen *g, LLVMTypeRef type) {
    LLVMBasicBlockRef b_entry = LLVMGetEntryBasicBlock(g->fn);
    LLVMPositionBuilder(g->entry, b_entry, LLVMGetFirstInstruction(b_entry));
    return LLVMBuildAlloca(g->entry, type, "");
}

Slot gen_slot(Gen *g, TypeId type) {
    Slot s = {.words = gen_words(g, type), .n = gen_nwords(g, type)};
    s.a = ARENA_ARRAY(&g->m->arena, LLVMValueRef, s.n + 1);
    for (uint32_t i = 0; i < s.n; i++) s.a[i] = reserve(g, word_type(g->m, s.words[i]));
    return s;
}

void gen_set(Gen *g, Slot s, Val v) {
    for (uint32_t i = 0; i < s.n; i++) LLVMBuildStore(g->b, v.w[i], s.a[i]);
}

Val gen_get(Gen *g, Slot s) {
    Val v = gen_val(g, s.n);
    for (uint32_t i = 0; i < s.n; i++) v.w[i] = LLVMBuildLoad2(g->b, word_type(g->m, s.words[i]), s.a[i], "");
    return v;
}

LLVMValueRef gen_get1(Gen *g, Slot s) { return gen_get(g, s).w[0]; }
void gen_set1(Gen *g, Slot s, LLVMValueRef v) { gen_set(g, s, (Val){&v, 1}); }

/* --- memory --- */

LLVMValueRef gen_at(Gen *g, LLVMValueRef v_base, LLVMValueRef v_words) {
    return LLVMBuildInBoundsGEP2(g->b, g->m->t_i64, v_base, &v_words, 1, "");
}

static LLVMValueRef word_at(Gen *g, LLVMValueRef v_base, uint32_t i) { return i == 0 ? v_base : gen_at(g, v_base, gen_int(g, i)); }

Val gen_load(Gen *g, TypeId type, LLVMValueRef v_at) {
    const char *words = gen_words(g, type);
    Val v = gen_val(g, gen_nwords(g, type));
    for (uint32_t i = 0; i < v.n; i++) v.w[i] = LLVMBuildLoad2(g->b, word_type(g->m, words[i]), word_at(g, v_at, i), "");
    return v;
}

void gen_store(Gen *g, LLVMValueRef v_at, Val v) {
    for (uint32_t i = 0; i < v.n; i++) LLVMBuildStore(g->b, v.w[i], word_at(g, v_at, i));
}

LLVMValueRef gen_buffer(Gen *g, BufferId id, uint32_t words) {
    if (words > BUFFER_WORDS) return GEN_CALL(g, ABI_rt_scratch, gen_int(g, (int64_t)words * 8));
    if (g->buffer[id] == NULL) g->buffer[id] = reserve(g, array_of(g->m, g->m->t_i64, BUFFER_WORDS));
    return g->buffer[id];
}

LLVMValueRef gen_result(Gen *g, uint32_t words) {
    if (g->m->hot && words <= BUFFER_WORDS) return reserve(g, array_of(g->m, g->m->t_i64, words + (words == 0)));
    return gen_buffer(g, BUFFER_OUT, words);
}

LLVMValueRef gen_spill(Gen *g, BufferId id, Val v) {
    LLVMValueRef v_at = gen_buffer(g, id, v.n);
    gen_store(g, v_at, v);
    return v_at;
}

LLVMValueRef gen_count(Gen *g, LLVMValueRef v_list) { return LLVMBuildLoad2(g->b, g->m->t_i64, gen_at(g, v_list, gen_int(g, 1)), ""); }

LLVMValueRef gen_element(Gen *g, LLVMValueRef v_list, LLVMValueRef v_index, uint32_t words) {
    LLVMValueRef v_first = gen_at(g, v_list, gen_int(g, 2));
    if (words == 1) return gen_at(g, v_first, v_index);
    return gen_at(g, v_first, LLVMBuildMul(g->b, v_index, gen_int(g, words), ""));
}

_Static_assert(offsetof(RtList, n) == 8 && offsetof(RtList, at) == 16, "gen_count and gen_element");
_Static_assert(offsetof(RtMap, n) == 8, "gen_count");
_Static_assert(offsetof(RtText, n) == 8 && offsetof(RtText, s) == 16, "module_text");

/* --- control --- */

LLVMBasicBlockRef gen_block(Gen *g, const char *name) { return LLVMAppendBasicBlockInContext(g->m->cx, g->fn, name); }
void gen_begin(Gen *g, LLVMBasicBlockRef b) { LLVMPositionBuilderAtEnd(g->b, b); }

void gen_jump(Gen *g, LLVMBasicBlockRef to, LLVMBasicBlockRef next) {
    LLVMBuildBr(g->b, to);
    gen_begin(g, next);
}

void gen_branch(Gen *g, LLVMValueRef v_cond, LLVMBasicBlockRef yes, LLVMBasicBlockRef no) {
    LLVMBuildCondBr(g->b, v_cond, yes, no);
    gen_begin(g, yes);
}

static void build_trap(Gen *g, TrapKind kind, LLVMValueRef v_span) {
    static const AbiId call[] = {[TRAP_OVERFLOW] = ABI_rt_trap_overflow, [TRAP_ZERO] = ABI_rt_trap_zero, [TRAP_FLOAT] = ABI_rt_trap_float,
        [TRAP_EMPTY] = ABI_rt_trap_empty, [TRAP_NAME] = ABI_rt_trap};
    GEN_CALL(g, call[kind], v_span);
    LLVMBuildBr(g->b, g->b_fail);
}

/* The block that fails with the trap: in hot code one for each place and kind, so that nothing is done for it before; in code that
   runs once one for each kind, which is less to compile: the places come by a phi node. To be branched to from here. */
static LLVMBasicBlockRef trap_block(Gen *g, TrapKind kind, uint32_t span) {
    LLVMBasicBlockRef b_here = LLVMGetInsertBlock(g->b);
    Trap *t = NULL;
    for (uint32_t i = g->trap.len; i-- > 0 && t == NULL;)
        if (g->trap.data[i].kind == kind && (!g->m->hot || g->trap.data[i].span == span)) t = &g->trap.data[i];
    if (t == NULL) {
        vec_push(&g->trap, ((Trap){span, kind, gen_block(g, "trap"), NULL}));
        t = &vec_last(&g->trap);
        gen_begin(g, t->b);
        if (!g->m->hot) t->v_span = LLVMBuildPhi(g->b, g->m->t_i32, "");
        build_trap(g, kind, g->m->hot ? gen_id(g, span) : t->v_span);
        gen_begin(g, b_here);
    }
    LLVMValueRef v_span = gen_id(g, span);
    if (t->v_span != NULL) LLVMAddIncoming(t->v_span, &v_span, &b_here, 1);
    return t->b;
}

void gen_check(Gen *g, LLVMValueRef v_ok, TrapKind kind, uint32_t span) {
    LLVMBasicBlockRef b_ok = gen_block(g, "ok");
    gen_branch(g, v_ok, b_ok, g->b_retry != NULL ? g->b_retry : trap_block(g, kind, span));
}

void gen_check_not(Gen *g, LLVMValueRef v_bad, TrapKind kind, uint32_t span) {
    LLVMBasicBlockRef b_ok = gen_block(g, "ok");
    LLVMBuildCondBr(g->b, v_bad, g->b_retry != NULL ? g->b_retry : trap_block(g, kind, span), b_ok);
    gen_begin(g, b_ok);
}

bool gen_unless(Gen *g, LLVMValueRef v_ok, LLVMBasicBlockRef *b_ok) {
    *b_ok = gen_block(g, "ok");
    if (g->b_retry != NULL) {
        gen_branch(g, v_ok, *b_ok, g->b_retry);
        return false;
    }
    LLVMBasicBlockRef b_bad = gen_block(g, "bad");
    LLVMBuildCondBr(g->b, v_ok, *b_ok, b_bad);
    gen_begin(g, b_bad);
    return true;
}

void gen_failed(Gen *g, LLVMBasicBlockRef b_ok) {
    LLVMBuildBr(g->b, g->b_fail);
    gen_begin(g, b_ok);
}
