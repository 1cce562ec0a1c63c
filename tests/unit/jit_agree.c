/* Native code agrees with the reference evaluator on random graphs: same words, or the same error at the same place; drivers ask
   for the same. JIT_AGREE=SEED,COUNT runs others than the usual ones. */
#include "compiler/backend/eval/eval.h"
#include "compiler/backend/jit/jit.h"
#include "runtime/value/rt.h"
#include "tests/unit/jit_random.h"

#include <stdlib.h>

static const JitSymbol symbols[] = {
#define RT_ABI(result, name, ...) {#name, (void (*)(void))name},
#include "runtime/abi/rt_abi.def"
#undef RT_ABI
};

typedef struct Outcome {
    bool ok;
    uint32_t span;
    Buf text;    /* the value as JSON, or the error, or what a driver asked for */
} Outcome;

typedef struct Both {
    Random random;
    Plan plan;
    Rt rt;
    RtFacts facts;
    RtCode *evaluated;
    RtWord *frame;        /* of region 1 */
    uint64_t seed;
    uint32_t compared, failed;
} Both;

static void note_control(const Both *b, Buf *out) {
    const RtControl *c = &b->rt.control;
    buf_printf(out, "child %u n %llu k %llu more %d", c->child, (unsigned long long)c->n, (unsigned long long)c->k, c->more);
    for (uint64_t i = 0; c->admitted != NULL && i < c->k; i++) buf_printf(out, " %llu", (unsigned long long)c->admitted[i]);
}

static void run_code(Both *b, RtCode code, uint32_t index, const RtWord *frame, RtWord *value, Outcome *out) {
    const PlanCode *c = &b->plan.code.data[index];
    RtWord words[64] = {0};
    *out = (Outcome){.span = RT_NO_SPAN};
    b->rt.control = (RtControl){0};
    out->ok = c->kind == CODE_VALUE ? code.thunk(&b->rt, frame, code.k, words) : code.driver(&b->rt, frame, code.k);
    if (out->ok != !b->rt.failed) buf_z(&out->text, "the result and the pending error disagree; ");
    if (!out->ok) {
        out->span = b->rt.span;
        buf_str(&out->text, buf_view(&b->rt.error));
    } else if (c->kind == CODE_VALUE) {
        TypeId type = plan_opnd_type(&b->plan, c, c->opnd, NULL);
        rt_put_json(&out->text, b->plan.rt.types, type, words, &(RtEncode){.mode = RT_JSON_DATA});
        if (value != NULL) {
            memcpy(value, words, plan_words(&b->plan, type) * sizeof *value);
            rt_keep(b->plan.rt.types, type, value);
        }
    } else {
        note_control(b, &out->text);
    }
    rt_clear_error(&b->rt);
    rt_scratch_reset(&b->rt);
}

/* Runs a piece of code both ways. True when it gave a value, which is kept in `value`. */
static bool compare(Both *b, uint32_t index, const RtWord *frame, RtWord *value) {
    Outcome want, got;
    run_code(b, b->evaluated[index], index, frame, value, &want);
    run_code(b, b->plan.rt.code[index], index, frame, NULL, &got);
    b->compared++;
    b->failed += !want.ok;
    if (want.ok != got.ok || want.span != got.span || !str_eq(buf_view(&want.text), buf_view(&got.text))) {
        test_failures++;
        fprintf(stderr, "seed %llu, code %u:\n  evaluator: %s %s at %u\n  native:    %s %s at %u\n", (unsigned long long)b->seed, index, want.ok ? "value" : "error",
            buf_cstr(&want.text), want.span, got.ok ? "value" : "error", buf_cstr(&got.text), got.span);
    }
    bool ok = want.ok;
    buf_free(&want.text);
    buf_free(&got.text);
    return ok;
}

static void evaluate(Both *b, Opnd o, TypeId type, RtWord *out) {
    if (!eval_once(&b->plan, &b->rt, o, out)) abort(); /* of constants */
    rt_keep(b->plan.rt.types, type, out);
    rt_scratch_reset(&b->rt);
}

/* The frame of a LOOP's pass: its state and captures. */
static void compare_loop(Both *b, NodeId node) {
    const RtNode *n = &b->plan.rt.node[node];
    const RtRegion *r = &b->plan.rt.region[n->region];
    const FlowRegion *flow = &b->random.f.region.data[n->region];
    RtWord *frame = wf_alloc_zero((r->words + 1) * sizeof *frame);
    TypeId state = b->random.f.input.data[flow->input].type;
    Opnd first = leaf(&b->random, state);
    evaluate(b, first, state, frame + r->state_at);
    for (uint32_t i = 0; i < r->ncapture; i++) {
        const RtCapture *c = &b->plan.rt.capture[r->capture + i];
        memcpy(frame + c->to, b->frame + c->from.at, c->from.words * sizeof *frame);
    }
    compare(b, n->driver, frame, NULL);
    rt_drop(b->plan.rt.types, state, frame + r->state_at);
    free(frame);
}

static void compare_node(Both *b, NodeId node) {
    const RtNode *n = &b->plan.rt.node[node];
    RtWord *slot = b->frame + n->slot;
    if (n->kind == RT_LOOP) compare_loop(b, node);
    else if (n->kind != RT_LET) compare(b, n->driver, b->frame, NULL);
    if (n->kind != RT_LET) return;
    RtOpnd o = b->plan.rt.opnd[n->arg];
    if (o.from == RT_FROM_CODE && compare(b, o.at, b->frame, slot)) return;
    evaluate(b, b->random.fallback.data[node], n->type, slot);
}

static void run_flow(Both *b, const JitApi *api, uint64_t seed) {
    *b = (Both){.seed = seed, .compared = b->compared, .failed = b->failed};
    random_flow(&b->random, seed, 40);
    plan_build(&b->plan, &b->random.f, ".");
    eval_install(&b->plan);
    uint32_t n = b->plan.code.len;
    b->evaluated = wf_alloc((n + 1) * sizeof *b->evaluated);
    memcpy(b->evaluated, b->plan.rt.code, n * sizeof *b->evaluated);
    for (uint32_t i = 0; i < n; i++) b->plan.code.data[i].hot = seed % 2 == 0; /* both levels see everything */
    rt_init(&b->rt, b->plan.rt.types);
    b->facts.run_id.p = rt_own_text(STR("20260101-000000-test"));
    b->rt.facts = &b->facts;
    Buf why = BUF_INIT;
    JitOptions o = {.symbols = symbols, .nsymbols = sizeof symbols / sizeof *symbols};
    Jit *jit = api->install(&b->plan, &o, &why);
    bool ok = jit != NULL;
    for (uint32_t r = 0; ok && r < b->plan.rt.nregion; r++) ok = b->plan.rt.compile(b->plan.rt.compile_cx, r, &why);
    if (!ok) {
        fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, buf_cstr(&why));
        exit(1);
    }
    b->frame = wf_alloc_zero((b->plan.rt.region[1].words + 1) * sizeof *b->frame);
    for (uint32_t i = 0; i < b->random.given.len; i++)
        evaluate(b, b->random.given.data[i], b->random.f.input.data[i].type, b->frame + b->plan.input_slot[i]);
    for (NodeId i = 0; i < b->random.f.node.len; i++) compare_node(b, i);
    for (uint32_t i = 0; i < b->random.given.len; i++) rt_drop(b->plan.rt.types, b->random.f.input.data[i].type, b->frame + b->plan.input_slot[i]);
    for (NodeId i = 0; i < b->random.f.node.len; i++)
        if (b->plan.rt.node[i].kind == RT_LET) rt_drop(b->plan.rt.types, b->plan.rt.node[i].type, b->frame + b->plan.rt.node[i].slot);
    rt_free(&b->rt);
    free(b->facts.run_id.p);
    free(b->frame);
    free(b->evaluated);
    api->dispose(jit);
    plan_free(&b->plan);
    random_free(&b->random);
    buf_free(&why);
}

int main(void) {
    uint64_t seed = 1, count = 100;
    const char *given = getenv("JIT_AGREE");
    if (given != NULL && sscanf(given, "%" SCNu64 ",%" SCNu64, &seed, &count) < 1) return 2;
    Both b = {0};
    for (uint64_t i = 0; i < count && test_failures < 10; i++) run_flow(&b, &wfc_jit_api, seed + i);
    fprintf(stderr, "%u pieces of code, %u of them fail\n", b.compared, b.failed);
    CHECK(given != NULL || (b.compared > 2000 && b.failed > 200));
    return test_end();
}
