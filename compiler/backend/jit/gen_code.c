/* Functions: thunks, drivers, fns. */
#include "compiler/backend/jit/gen.h"

#include <stdio.h>

static void begin(Gen *g, Module *m, LLVMValueRef fn) {
    *g = (Gen){.m = m, .p = m->p, .f = m->f, .fn = fn};
    LLVMBasicBlockRef b_start = gen_block(g, "start");
    g->b_fail = gen_block(g, "fail");
    g->entry = LLVMCreateBuilderInContext(m->cx);
    g->b = LLVMCreateBuilderInContext(m->cx);
    gen_begin(g, b_start);
    g->v_rt = LLVMGetParam(fn, 0);
}

static LLVMValueRef truth(const Gen *g, bool v) { return LLVMConstInt(g->m->t_i1, v, false); }

/* Ends it with where failures go. */
static void end(Gen *g) {
    gen_begin(g, g->b_fail);
    LLVMBuildRet(g->b, truth(g, false));
    LLVMDisposeBuilder(g->b);
    LLVMDisposeBuilder(g->entry);
    vec_free(&g->local);
    vec_free(&g->trap);
}

/* --- fns --- */

static void gen_fn(Module *m, uint32_t index) {
    const FlowFn *fn = &m->f->fn.data[index];
    Gen g;
    begin(&g, m, m->fn[index]);
    g.in_fn = fn;
    Val *input = ARENA_ARRAY(&m->arena, Val, fn->nparam + 1);
    uint32_t at = 1;
    for (uint32_t i = 0; i < fn->nparam; i++) {
        input[i] = gen_val(&g, plan_words(m->p, m->f->param.data[fn->param + i].type));
        for (uint32_t k = 0; k < input[i].n; k++) input[i].w[k] = LLVMGetParam(g.fn, at++);
    }
    g.input = input;
    Val v = gen_value(&g, fn->body);
    gen_store(&g, LLVMGetParam(g.fn, at), v);
    LLVMBuildRet(g.b, truth(&g, true));
    end(&g);
}

void gen_fns(Module *m) {
    while (m->fn_todo.len > 0) {
        uint32_t index = vec_pop(&m->fn_todo);
        gen_fn(m, index);
    }
}

/* --- drivers --- */

static void drive_pick(Gen *g, const FlowNode *node) {
    LLVMValueRef v_child = gen_value1(g, g->f->opnd.data[node->arg]);
    GEN_CALL(g, ABI_rt_pick, LLVMBuildTrunc(g->b, v_child, g->m->t_i32, ""));
}

typedef struct Filter {
    Stream s;
    const FlowRegion *region;
    Val *input;          /* of the item region: index, item, second item, what it captures */
    LLVMValueRef v_admitted;
    Slot k;
} Filter;

/* The guard is in the text of the item region: its operands are that region's inputs. */
static void admit_item(Gen *g, void *cx, Val item) {
    Filter *x = cx;
    PlanCode inner = {.frame = FRAME_REGION, .region = (RegionId)(x->region - g->f->region.data)};
    const PlanCode *outer = g->code;
    x->input[0] = gen_one(g, x->s.v_index);
    x->input[1] = item;
    if (x->s.v_second != NULL)
        x->input[2] = gen_load(g, x->s.second_type, gen_element(g, x->s.v_second, x->s.v_index, gen_nwords(g, x->s.second_type)));
    g->code = &inner;
    g->input = x->input;
    LLVMValueRef v_hit = gen_bool(g, gen_value1(g, x->region->guard));
    g->code = outer;
    g->input = NULL;
    LLVMBasicBlockRef b_hit = gen_block(g, "hit"), b_on = gen_block(g, "on");
    gen_branch(g, v_hit, b_hit, b_on);
    LLVMValueRef v_k = gen_get1(g, x->k);
    LLVMBuildStore(g->b, x->s.v_index, gen_at(g, x->v_admitted, v_k));
    gen_set1(g, x->k, LLVMBuildNUWAdd(g->b, v_k, gen_int(g, 1), ""));
    gen_jump(g, b_on, b_on);
}

static void drive_each(Gen *g, const FlowNode *node) {
    const Opnd *o = g->f->opnd.data + node->arg;
    Filter x = {.region = plan_child(g->p, g->code->node)};
    bool two = node->nargs > 1 && o[1] != OPND_ABSENT;
    x.s.base_type = x.s.type = type_inner(g->f->types, gen_type(g, o[0]));
    x.s.v_list = gen_value1(g, o[0]);
    x.s.v_second = two ? gen_value1(g, o[1]) : NULL;
    x.s.v_n = gen_count(g, x.s.v_list);
    if (two) {
        x.s.second_type = type_inner(g->f->types, gen_type(g, o[1]));
        LLVMValueRef v_other = gen_count(g, x.s.v_second);
        LLVMBasicBlockRef b_ok;
        if (gen_unless(g, LLVMBuildICmp(g->b, LLVMIntEQ, x.s.v_n, v_other, ""), &b_ok)) {
            GEN_CALL(g, ABI_rt_trap_zip, gen_id(g, g->p->rt.node[g->code->node].span), x.s.v_n, v_other);
            gen_failed(g, b_ok);
        }
    }
    if (x.region->guard == OPND_ABSENT) {
        GEN_CALL(g, ABI_rt_each, x.s.v_n, LLVMConstNull(g->m->t_ptr), x.s.v_n);
        return;
    }
    x.input = ARENA_ARRAY(&g->m->arena, Val, x.region->ninput + 1);
    for (uint32_t i = 0; i < x.region->ninput; i++) {
        const FlowInput *in = &g->f->input.data[x.region->input + i];
        if (in->from != OPND_ABSENT) x.input[i] = gen_value(g, in->from);
    }
    LLVMValueRef v_bytes = LLVMBuildMul(g->b, LLVMBuildAdd(g->b, x.s.v_n, gen_int(g, 1), ""), gen_int(g, 8), "");
    x.v_admitted = GEN_CALL(g, ABI_rt_scratch, v_bytes);
    x.k = gen_slot(g, T_INT);
    gen_set1(g, x.k, gen_int(g, 0));
    stream_run(g, &x.s, admit_item, &x);
    GEN_CALL(g, ABI_rt_each, x.s.v_n, x.v_admitted, gen_get1(g, x.k));
}

/* Reads the frame of the pass. */
static void drive_loop(Gen *g, const FlowNode *node) {
    PlanCode pass = {.frame = FRAME_REGION, .region = node->region};
    g->code = &pass;
    LLVMValueRef v_done = gen_bool(g, gen_value1(g, g->f->region.data[node->region].guard));
    GEN_CALL(g, ABI_rt_again, gen_word(g, LLVMBuildNot(g->b, v_done, "")));
    g->code = NULL;
}

static void drive(Gen *g, const FlowNode *node) {
    switch ((FlowNodeKind)node->kind) {
    case NODE_PICK: drive_pick(g, node); return;
    case NODE_EACH: drive_each(g, node); return;
    case NODE_LOOP: drive_loop(g, node); return;
    case NODE_CALL: case NODE_SUB: case NODE_TRY: case NODE_GATE: case NODE_LET: case NODE_FAIL: return; /* have no driver */
    }
}

/* --- pieces of code --- */

void gen_code(Module *m, uint32_t code) {
    const PlanCode *c = &m->p->code.data[code];
    bool is_value = c->kind == CODE_VALUE;
    LLVMTypeRef param[4] = {m->t_ptr, m->t_ptr, m->t_ptr, m->t_ptr};
    char name[32];
    snprintf(name, sizeof name, "wf_%u", code);
    LLVMValueRef fn = LLVMAddFunction(m->m, name, LLVMFunctionType(m->t_i1, param, is_value ? 4 : 3, false));
    module_mark(m, fn);
    Gen g;
    begin(&g, m, fn);
    g.v_frame = LLVMGetParam(fn, 1);
    g.code = c;
    if (is_value) gen_store(&g, LLVMGetParam(fn, 3), gen_value(&g, c->opnd));
    else drive(&g, &m->f->node.data[c->node]);
    LLVMBuildRet(g.b, truth(&g, true));
    end(&g);
}
