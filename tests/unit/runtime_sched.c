/* The scheduler on a runner without processes: a virtual clock, attempts that end in random order. */
#include "tests/unit/plan_builder.h"
#include "tests/unit/test.h"

#include "runtime/sched/sched.h"

#include <stdlib.h>

/* ---- the runner: a step's code is "dur=5 fail=2 code=7 out=3 hang" ---- */

typedef struct Fake {
    int64_t now;
    uint64_t random;
    VEC(Task *) running;
    VEC(int64_t) until;
    uint32_t most;     /* at once */
    Buf trace;         /* paths in the order of their ends */
    Sched *s;
    int64_t cancel_at; /* when the run is cancelled; 0: never */
    atomic_int cancel;
} Fake;

static int64_t option(const Task *t, const char *name, int64_t otherwise) {
    const char *at = strstr(t->step->code.p, name);
    return at != NULL ? strtoll(at + strlen(name), NULL, 10) : otherwise;
}

static void fake_start(void *cx, Task *t) {
    Fake *f = cx;
    int64_t dur = option(t, "dur=", (int64_t)(test_random(&f->random) % 50) + 1);
    bool timed_out = t->timeout > 0 && (dur > t->timeout || strstr(t->step->code.p, "hang") != NULL);
    if (strstr(t->step->code.p, "hang") != NULL) dur = 1000000;
    vec_push(&f->running, t);
    vec_push(&f->until, f->now + (timed_out ? t->timeout : dur));
    if (f->running.len > f->most) f->most = f->running.len;
    t->ok = true;
    if (timed_out) t->ok = false, t->kind = RT_FAIL_TIMEOUT, t->message = "too long";
    else if (t->attempt <= option(t, "fail=", 0)) {
        t->ok = false;
        t->kind = RT_FAIL_EXIT;
        t->message = arena_printf(&t->arena, "attempt %u failed", t->attempt);
        t->has_status = true;
        t->status = option(t, "code=", 1);
    }
    for (uint32_t i = 0; i < t->step->noutput; i++) {
        Str text = t->step->nparam > 0 ? t->input[0].text : STR("7");
        int64_t out = option(t, "out=", INT64_MIN);
        if (out != INT64_MIN) text = str_of(arena_printf(&t->arena, "%lld", (long long)out));
        if (strstr(t->step->code.p, "add1")) text = str_of(arena_printf(&t->arena, "%lld", strtoll(t->input[0].text.p, NULL, 10) + 1));
        /* Fails for one input. */
        if (t->step->nparam > 0 && strtoll(t->input[0].text.p, NULL, 10) == option(t, "bad=", INT64_MIN)) {
            t->ok = false;
            t->kind = RT_FAIL_EXIT;
            t->message = "bad input";
        }
        t->output[i].text = text;
    }
}

static void fake_stop(void *cx, Task *t, TaskStop how) {
    Fake *f = cx;
    (void)how;
    t->ok = false;
    t->kind = RT_FAIL_CANCELLED;
    t->message = "cancelled";
    for (uint32_t i = 0; i < f->running.len; i++)
        if (f->running.data[i] == t) f->until.data[i] = f->now;
}

static void fake_wait(void *cx, int64_t timeout, Task **ended, Note **notes) {
    Fake *f = cx;
    *ended = NULL;
    *notes = NULL;
    uint32_t next = UINT32_MAX;
    for (uint32_t i = 0; i < f->running.len; i++)
        if (next == UINT32_MAX || f->until.data[i] < f->until.data[next]) next = i;
    int64_t at = next == UINT32_MAX ? INT64_MAX : f->until.data[next];
    if (timeout >= 0 && f->now + timeout < at) at = f->now + timeout, next = UINT32_MAX;
    if (f->cancel_at != 0 && f->cancel_at <= at && atomic_load(&f->cancel) == 0) {
        if (f->cancel_at > f->now) f->now = f->cancel_at;
        atomic_store(&f->cancel, 1);
        return;
    }
    if (at == INT64_MAX) {
        fprintf(stderr, "the scheduler waits for nothing\n");
        abort();
    }
    f->now = at;
    if (next == UINT32_MAX) return;
    Task *t = f->running.data[next];
    t->duration = 1;
    f->running.data[next] = vec_last(&f->running);
    f->until.data[next] = vec_last(&f->until);
    (void)vec_pop(&f->running);
    (void)vec_pop(&f->until);
    buf_printf(&f->trace, "%s%s", f->trace.n > 0 ? " " : "", t->path);
    *ended = t;
}

static int64_t fake_now(void *cx) { return ((Fake *)cx)->now; }
static const char *fake_dir(void *cx, uint32_t slot) {
    (void)cx, (void)slot;
    return "/slot";
}

/* ---- one run ---- */

static Fake fake;
static EngineResult result;
static uint64_t seed = 1;
static int64_t cancel_at;
static Buf events;

static void on_event(void *cx, const EngineEvent *e) {
    (void)cx;
    if (e->kind == EV_ATTEMPT_FAILED && e->retry) buf_printf(&events, "%s@%lld+%lld ", e->path, (long long)fake.now, (long long)e->duration);
    if (e->kind == EV_NODE_SKIPPED) buf_printf(&events, "%s:skipped ", e->path);
    if (e->kind == EV_NODE_CANCELLED) buf_printf(&events, "%s:cancelled ", e->path);
}

static void run(PlanBuilder *b, uint32_t jobs) {
    engine_result_free(&result);
    vec_free(&fake.running);
    vec_free(&fake.until);
    buf_free(&fake.trace);
    buf_clear(&events);
    const RtPlan *plan = b->plan.types != NULL ? &b->plan : pb_plan(b);
    EngineOptions o = ENGINE_OPTIONS;
    o.event = on_event;
    fake = (Fake){.now = 1000, .random = seed, .cancel_at = cancel_at};
    Sched s = {.plan = plan, .o = &o, .run_id = "r", .result = &result, .cancel = &fake.cancel, .cpu = 4, .memory = 1 << 30, .gpu = 1,
               .nslot = jobs, .nslots = jobs, .random = 88172645463325252u};
    s.runner = (Runner){&fake, fake_start, fake_stop, fake_wait, fake_now, fake_dir};
    s.compiled = wf_alloc_zero(plan->nregion + 1);
    s.slot = wf_alloc(jobs * sizeof *s.slot);
    for (uint32_t i = 0; i < jobs; i++) s.slot[i] = i;
    rt_init(&s.rt, plan->types);
    RtWord none[8] = {{0}};
    sched_run(&s, plan->main, none);
    result.types = plan->types;
    result.output_type = plan->workflow[plan->main].result;
    CHECK_INT(s.cpu_used * 1000, 0);
    CHECK_INT(s.memory_used + s.gpu_used + s.running + s.queued, 0);
    free(s.compiled);
    free(s.slot);
    rt_free(&s.rt);
}

static void output_is(int line, const char *json) {
    Buf b = BUF_INIT;
    if (result.output != NULL) rt_put_json(&b, result.types, result.output_type, result.output, &(RtEncode){.mode = RT_JSON_DATA});
    else buf_z(&b, engine_status_name(result.status));
    if (strcmp(buf_cstr(&b), json) != 0) {
        test_failures++;
        fprintf(stderr, "line %d (seed %llu): %s, not %s\n", line, (unsigned long long)seed, buf_cstr(&b), json);
        for (uint32_t i = 0; i < result.nfailure; i++) fprintf(stderr, "  %s: %s\n", result.failure[i].path, result.failure[i].message);
    }
    buf_free(&b);
}
#define OUTPUT(json) output_is(__LINE__, json)

static void failures_are(int line, const char *want) {
    Buf b = BUF_INIT;
    for (uint32_t i = 0; i < result.nfailure; i++) buf_printf(&b, "%s%s", i > 0 ? " " : "", result.failure[i].path);
    if (strcmp(buf_cstr(&b), want) != 0) {
        test_failures++;
        fprintf(stderr, "line %d (seed %llu): failures are \"%s\", not \"%s\"\n", line, (unsigned long long)seed, buf_cstr(&b), want);
    }
    buf_free(&b);
}
#define FAILURES(want) failures_are(__LINE__, want)

static void done(PlanBuilder *b) {
    engine_result_free(&result);
    pb_free(b);
}

/* A step int -> int of that code, and one without anything. */
static uint32_t step_of(PlanBuilder *b, const char *code) {
    uint32_t s = pb_step(b, "step", "fake", code);
    pb_param(b, "a", PB_INT);
    pb_output(b, "out", PB_INT);
    return s;
}
static uint32_t plain(PlanBuilder *b, const char *code) { return pb_step(b, "plain", "fake", code); }

/* ---- code ---- */

static bool sum_list(Rt *rt, const RtWord *frame, const RtWord *k, RtWord *out) {
    (void)rt;
    const RtList *l = frame[k->i].p;
    out->i = 0;
    for (uint64_t i = 0; i < l->n; i++) out->i += l->at[i].i;
    return true;
}
static bool range10(Rt *rt, const RtWord *frame, const RtWord *k, RtWord *out) {
    (void)frame;
    RtList *l = rt_list(rt, PB_INTS, (uint64_t)k->i);
    for (int64_t i = 0; i < k->i; i++) l->at[i].i = i * 10;
    out->p = l;
    return true;
}
static bool trap(Rt *rt, const RtWord *frame, const RtWord *k, RtWord *out) {
    (void)frame, (void)out;
    rt_trap_zero(rt, (uint32_t)k->i);
    return false;
}
static bool each_all(Rt *rt, const RtWord *frame, const RtWord *k) {
    const RtList *l = frame[k->i].p;
    rt_each(rt, l->n, NULL, l->n);
    return true;
}
/* Every second element, from the first. */
static bool each_even(Rt *rt, const RtWord *frame, const RtWord *k) {
    const RtList *l = frame[k->i].p;
    uint64_t n = (l->n + 1) / 2, *at = rt_scratch(rt, n * sizeof *at + 1);
    for (uint64_t i = 0; i < n; i++) at[i] = 2 * i;
    rt_each(rt, l->n, at, n);
    return true;
}
static bool pick_by(Rt *rt, const RtWord *frame, const RtWord *k) {
    rt_pick(rt, frame[k->i].i > 20 ? 0 : 1);
    return true;
}
static bool until_5(Rt *rt, const RtWord *frame, const RtWord *k) {
    rt_again(rt, frame[k->i].i < 5);
    return true;
}
static bool code_is_75(Rt *rt, const RtWord *frame, const RtWord *k, RtWord *out) {
    (void)rt;
    const RtWord *failure = frame + k->i; /* step, kind, code, code?, message, log */
    out->i = failure[2].i == 75 && failure[3].i == 1;
    return true;
}

/* ---- tests ---- */

static void test_chain_and_failure(void) {
    PlanBuilder b;
    pb_init(&b);
    uint32_t good = step_of(&b, "add1"), bad = plain(&b, "fail=9");
    pb_begin(&b, RT_BODY);
    uint32_t first = pb_call(&b, "first", good);
    pb_operand(&b, pb_int(&b, PB_INT, 3));
    uint32_t second = pb_call(&b, "second", good);
    pb_operand(&b, pb_value(&b, first));
    pb_edge(&b, first, second);
    uint32_t broken = pb_call(&b, "broken", bad);
    uint32_t after = pb_call(&b, "after", bad);
    pb_edge(&b, broken, after);
    uint32_t late = pb_call(&b, "late", bad);
    pb_edge(&b, after, late);
    uint32_t worse = pb_call(&b, "worse", bad);
    (void)worse;
    pb_workflow(&b, "main", pb_end(&b, pb_value(&b, second)), PB_INT);
    for (seed = 1; seed < 20; seed++) {
        run(&b, 2);
        CHECK_INT(result.status, ENGINE_FAILED);
        FAILURES("broken worse");
        CHECK_INT(result.succeeded, 2);
        CHECK_INT(result.skipped, 2);
        CHECK(fake.most <= 2);
    }
    CHECK(strstr(buf_cstr(&events), "after:skipped late:skipped") != NULL);
    done(&b);
}

/* for x in [0, 10, 20 ...] { a = add1(x); b = add1(a); b } summed. */
static void each_plan(PlanBuilder *b, uint32_t step, int64_t n, RtDriver driver, uint32_t key, RtOpnd setting) {
    pb_begin(b, RT_ITEM);
    b->open.index_at = pb_slot(b, PB_INT);
    b->open.item_at = pb_slot(b, PB_INT);
    b->open.item_words = 1;
    uint32_t one = pb_call(b, "one", step);
    pb_operand(b, pb_frame(b, PB_INT, b->open.item_at));
    uint32_t two = pb_call(b, "two", step);
    pb_operand(b, pb_value(b, one));
    pb_edge(b, one, two);
    uint32_t item = pb_end(b, pb_value(b, two));
    pb_begin(b, RT_BODY);
    uint32_t xs = (uint32_t)(pb_node(b, RT_LET, "xs", PB_INTS) - b->node.data);
    pb_operand(b, pb_thunk(b, PB_INTS, range10, n));
    RtNode *each = pb_node(b, RT_EACH, "trials", PB_INTS);
    uint32_t node = b->node.len - 1;
    each->region = item;
    each->nregion = 1;
    each->driver = pb_driver(b, driver, pb_at(b, xs));
    pb_operand(b, pb_value(b, xs));
    pb_operand(b, PB_NO_RESULT);
    if (key != SET_COUNT) pb_setting(b, key, setting);
    pb_edge(b, xs, node);
    pb_workflow(b, "main", pb_end(b, pb_value(b, node)), PB_INTS);
}

static void test_each(void) {
    PlanBuilder b;
    pb_init(&b);
    each_plan(&b, step_of(&b, "add1"), 5, each_all, SET_COUNT, PB_NO_RESULT);
    for (seed = 1; seed < 50; seed++) {
        run(&b, 3);
        OUTPUT("[2,12,22,32,42]");
    }
    done(&b);
    pb_init(&b);
    each_plan(&b, step_of(&b, "add1"), 5, each_even, SET_COUNT, PB_NO_RESULT);
    run(&b, 3);
    OUTPUT("[2,22,42]");
    CHECK(strstr(fake.trace.p, "trials[4].two") != NULL);
    done(&b);
    pb_init(&b);
    each_plan(&b, step_of(&b, "add1"), 0, each_all, SET_COUNT, PB_NO_RESULT);
    run(&b, 3);
    OUTPUT("[]");
    done(&b);
    pb_init(&b);
    each_plan(&b, step_of(&b, "add1 dur=10"), 2000, each_all, SET_PARALLEL, pb_int(&b, PB_INT, 2));
    run(&b, 8);
    CHECK_INT(result.status, ENGINE_SUCCEEDED);
    CHECK_INT(fake.most, 2);
    done(&b);
    pb_init(&b);
    each_plan(&b, step_of(&b, "add1 bad=20"), 5, each_all, SET_COUNT, PB_NO_RESULT);
    for (seed = 1; seed < 20; seed++) {
        run(&b, 3);
        CHECK_INT(result.status, ENGINE_FAILED);
        FAILURES("trials[2].one");
        CHECK_INT(result.succeeded, 8);
    }
    done(&b);
    pb_init(&b);
    each_plan(&b, step_of(&b, "add1 bad=20 dur=5"), 50, each_all, SET_FAIL_FAST, pb_int(&b, PB_BOOL, 1));
    run(&b, 3);
    CHECK_INT(result.status, ENGINE_FAILED);
    FAILURES("trials[2].one");
    CHECK(result.succeeded < 8);
    done(&b);
}

/* @fail_fast on a workflow: a failure inside a loop ends what runs beside the loop. */
static void test_fail_fast(void) {
    PlanBuilder b;
    pb_init(&b);
    each_plan(&b, step_of(&b, "add1 bad=20 dur=5"), 5, each_all, SET_COUNT, PB_NO_RESULT);
    uint32_t hang = plain(&b, "hang");
    /* A node more for the body, which was the last region. */
    RtRegion *body = &vec_last(&b.region);
    vec_push(&b.node, ((RtNode){.kind = RT_CALL, .name = "beside", .ref = hang, .setting = b.setting.len, .span = pb_span(&b, 99)}));
    body->n++;
    RtWorkflow *w = &vec_last(&b.workflow);
    w->setting = b.setting.len;
    w->nsetting = 1;
    vec_push(&b.setting, ((RtSetting){.key = SET_FAIL_FAST, .value = pb_int(&b, PB_BOOL, 1)}));
    run(&b, 6);
    CHECK_INT(result.status, ENGINE_FAILED);
    FAILURES("trials[2].one");
    CHECK(strstr(buf_cstr(&fake.trace), "beside") != NULL && fake.now < 1100);
    done(&b);
}

static void test_tolerate(void) {
    PlanBuilder b;
    for (int share = 0; share < 2; share++) {
        pb_init(&b);
        uint32_t opts = pb_list(&b, PB_OPT_INT);
        each_plan(&b, step_of(&b, "add1 bad=20"), 5, each_all, SET_TOLERATE, pb_float(&b, share == 0 ? 0.1 : 0.2));
        vec_last(&b.node).type = opts;
        vec_last(&b.workflow).result = opts;
        run(&b, 3);
        if (share == 0) FAILURES("trials[2].one");
        else OUTPUT("[2,12,null,32,42]");
        done(&b);
    }
}

static uint32_t arm(PlanBuilder *b, uint32_t step, int64_t value, RtRegionKind kind, const char *name) {
    pb_begin(b, kind);
    b->open.name = name;
    if (kind == RT_CAUGHT) b->open.failure_at = pb_slot(b, PB_FAILURE);
    uint32_t call = pb_call(b, "work", step);
    pb_operand(b, pb_int(b, PB_INT, value));
    return pb_end(b, pb_value(b, call));
}

static void test_pick(void) {
    for (int64_t x = 19; x <= 20; x++) {
        PlanBuilder b;
        pb_init(&b);
        uint32_t step = step_of(&b, "add1");
        uint32_t yes = arm(&b, step, 100, RT_ARM, "then");
        arm(&b, step, 200, RT_ARM, "else");
        pb_begin(&b, RT_BODY);
        uint32_t in = pb_call(&b, "in", step);
        pb_operand(&b, pb_int(&b, PB_INT, x));
        RtNode *pick = pb_node(&b, RT_PICK, "if", PB_INT);
        uint32_t node = b.node.len - 1;
        pick->region = yes;
        pick->nregion = 2;
        pick->driver = pb_driver(&b, pick_by, pb_at(&b, in));
        pb_edge(&b, in, node);
        pb_workflow(&b, "main", pb_end(&b, pb_value(&b, node)), PB_INT);
        run(&b, 1);
        OUTPUT(x == 20 ? "101" : "201");
        CHECK(strstr(fake.trace.p, "in if.work") != NULL);
        done(&b);
    }
}

static void test_loop(void) {
    for (int64_t max = 0; max <= 20; max += 4) {
        PlanBuilder b;
        pb_init(&b);
        uint32_t step = step_of(&b, "add1");
        pb_begin(&b, RT_PASS);
        b.open.state_at = pb_slot(&b, PB_INT);
        uint32_t next = pb_call(&b, "next", step);
        pb_operand(&b, pb_frame(&b, PB_INT, 0));
        uint32_t pass = pb_end(&b, pb_value(&b, next));
        pb_begin(&b, RT_BODY);
        RtNode *loop = pb_node(&b, RT_LOOP, "s", PB_INT);
        uint32_t node = b.node.len - 1;
        loop->region = pass;
        loop->nregion = 1;
        loop->driver = pb_driver(&b, until_5, 0);
        pb_operand(&b, pb_int(&b, PB_INT, 0));
        pb_operand(&b, pb_int(&b, PB_INT, max));
        pb_workflow(&b, "main", pb_end(&b, pb_value(&b, node)), PB_INT);
        run(&b, 1);
        OUTPUT(max == 0 ? "0" : max == 4 ? "4" : "5");
        if (max > 0) CHECK(str_starts(buf_view(&fake.trace), STR("s[0].next s[1].next")));
        done(&b);
    }
}

static void test_try(void) {
    for (int fails = 0; fails < 2; fails++) {
        PlanBuilder b;
        pb_init(&b);
        uint32_t bad = step_of(&b, fails ? "fail=1 code=75" : "add1"), good = step_of(&b, "add1");
        uint32_t tried = arm(&b, bad, 1, RT_TRIED, "");
        /* The handler's value is the exit code of what it caught. */
        pb_begin(&b, RT_CAUGHT);
        b.open.failure_at = pb_slot(&b, PB_FAILURE);
        uint32_t call = pb_call(&b, "work", good);
        pb_operand(&b, pb_frame(&b, PB_INT, b.open.failure_at + 2));
        pb_end(&b, pb_value(&b, call));
        pb_begin(&b, RT_BODY);
        RtNode *n = pb_node(&b, RT_TRY, "x", PB_INT);
        uint32_t node = b.node.len - 1;
        n->region = tried;
        n->nregion = 2;
        pb_workflow(&b, "main", pb_end(&b, pb_value(&b, node)), PB_INT);
        run(&b, 1);
        OUTPUT(fails ? "76" : "2");
        CHECK_Z(buf_cstr(&fake.trace), fails ? "x.work x.catch.work" : "x.work");
        done(&b);
    }
}

static void test_retry(void) {
    PlanBuilder b;
    pb_init(&b);
    uint32_t flaky = plain(&b, "fail=3 dur=10 code=75");
    pb_begin(&b, RT_BODY);
    pb_call(&b, "flaky", flaky);
    pb_setting(&b, SET_RETRY, pb_int(&b, PB_INT, 3));
    pb_setting(&b, SET_RETRY_DELAY, pb_int(&b, PB_DURATION, 100));
    pb_setting(&b, SET_RETRY_FACTOR, pb_float(&b, 2));
    pb_setting(&b, SET_RETRY_MAX_DELAY, pb_int(&b, PB_DURATION, 300));
    pb_setting(&b, SET_RETRY_ON, pb_thunk(&b, PB_BOOL, code_is_75, 0));
    pb_workflow(&b, "main", pb_end(&b, PB_NO_RESULT), PB_NOTHING);
    run(&b, 1);
    CHECK_INT(result.status, ENGINE_SUCCEEDED);
    CHECK_Z(buf_cstr(&events), "flaky@1010+100 flaky@1120+200 flaky@1330+300 ");
    CHECK_INT(result.retried, 3);
    done(&b);
    pb_init(&b);
    flaky = plain(&b, "fail=3 dur=10 code=74");
    pb_begin(&b, RT_BODY);
    pb_call(&b, "flaky", flaky);
    pb_setting(&b, SET_RETRY, pb_int(&b, PB_INT, 3));
    pb_setting(&b, SET_RETRY_ON, pb_thunk(&b, PB_BOOL, code_is_75, 0));
    pb_workflow(&b, "main", pb_end(&b, PB_NO_RESULT), PB_NOTHING);
    run(&b, 1);
    FAILURES("flaky");
    CHECK_INT(result.retried, 0);
    done(&b);
    pb_init(&b);
    flaky = plain(&b, "hang");
    pb_begin(&b, RT_BODY);
    pb_call(&b, "slow", flaky);
    pb_setting(&b, SET_RETRY, pb_int(&b, PB_INT, 5));
    pb_setting(&b, SET_TIMEOUT, pb_int(&b, PB_DURATION, 100));
    pb_setting(&b, SET_TIMEOUT_TOTAL, pb_int(&b, PB_DURATION, 250));
    pb_workflow(&b, "main", pb_end(&b, PB_NO_RESULT), PB_NOTHING);
    run(&b, 1);
    FAILURES("slow");
    CHECK_INT(result.failure[0].kind, RT_FAIL_TIMEOUT);
    CHECK_INT(result.retried, 2);
    CHECK_INT(fake.now, 1250);
    done(&b);
}

static void test_admission(void) {
    static const struct {
        uint32_t key;
        int64_t value;
        uint32_t most;
    } cases[] = {{SET_MEMORY, 400 << 20, 2}, {SET_GPU, 1, 1}, {SET_MEMORY, 1 << 30, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        PlanBuilder b;
        pb_init(&b);
        uint32_t s = plain(&b, "dur=10");
        pb_begin(&b, RT_BODY);
        for (int k = 0; k < 6; k++) {
            pb_call(&b, pb_name(&b, "c@", PB_INT), s);
            pb_setting(&b, cases[i].key, pb_int(&b, PB_INT, cases[i].value));
        }
        pb_workflow(&b, "main", pb_end(&b, PB_NO_RESULT), PB_NOTHING);
        run(&b, 5);
        CHECK_INT(result.status, ENGINE_SUCCEEDED);
        CHECK_INT(fake.most, cases[i].most);
        done(&b);
    }
    PlanBuilder b;
    pb_init(&b);
    uint32_t s = plain(&b, "dur=10");
    pb_begin(&b, RT_BODY);
    pb_call(&b, "big", s);
    pb_setting(&b, SET_GPU, pb_int(&b, PB_INT, 2));
    for (int k = 0; k < 4; k++) {
        pb_call(&b, "pooled", s);
        pb_setting(&b, SET_POOL, pb_string(&b, "db"));
        pb_setting(&b, SET_POOL_SLOTS, pb_int(&b, PB_INT, 2));
    }
    pb_workflow(&b, "main", pb_end(&b, PB_NO_RESULT), PB_NOTHING);
    run(&b, 5);
    FAILURES("big");
    CHECK(strstr(result.failure[0].message, "gpu: 2, but 1 are offered") != NULL);
    CHECK_INT(fake.most, 2);
    done(&b);
}

/* A workflow whose body calls `code`, with all three handlers. */
static uint32_t with_handlers(PlanBuilder *b, const char *name, const char *code, const char *handler_code) {
    uint32_t s = step_of(b, code), h = plain(b, handler_code);
    pb_begin(b, RT_BODY);
    uint32_t in = pb_call(b, "in", s);
    pb_operand(b, pb_int(b, PB_INT, 1));
    uint32_t at = pb_at(b, in), body = pb_end(b, pb_value(b, in));
    static const char *const names[] = {"won", "lost", "cleanup"};
    uint32_t region[3];
    for (int i = 0; i < 3; i++) {
        pb_begin(b, RT_HANDLER);
        /* The body's value, as T in on_success and T? in the others. */
        if (i == 0) pb_capture(b, pb_frame(b, PB_INT, at));
        else {
            RtOpnd maybe = pb_frame(b, PB_OPT_INT, at);
            maybe.words = 1;
            pb_capture(b, maybe);
        }
        if (i == 1) b->open.failure_at = pb_slot(b, PB_FAILURE);
        pb_call(b, names[i], h);
        region[i] = pb_end(b, PB_NO_RESULT);
    }
    uint32_t w = pb_workflow(b, name, body, PB_INT);
    b->workflow.data[w].on_success = region[0];
    b->workflow.data[w].on_failure = region[1];
    b->workflow.data[w].finally = region[2];
    return w;
}

static void test_handlers(void) {
    PlanBuilder b;
    pb_init(&b);
    with_handlers(&b, "main", "add1", "dur=1");
    run(&b, 1);
    OUTPUT("2");
    CHECK_Z(buf_cstr(&fake.trace), "in on_success.won finally.cleanup");
    done(&b);
    pb_init(&b);
    with_handlers(&b, "main", "fail=1", "dur=1");
    run(&b, 1);
    FAILURES("in");
    CHECK_Z(buf_cstr(&fake.trace), "in on_failure.lost finally.cleanup");
    done(&b);
    pb_init(&b);
    with_handlers(&b, "main", "add1", "fail=1");
    run(&b, 1);
    FAILURES("on_success.won finally.cleanup");
    done(&b);
    pb_init(&b);
    with_handlers(&b, "main", "hang", "dur=5");
    cancel_at = 1500;
    run(&b, 1);
    cancel_at = 0;
    CHECK_INT(result.status, ENGINE_CANCELLED);
    CHECK_Z(buf_cstr(&fake.trace), "in finally.cleanup");
    done(&b);
}

static void test_sub(void) {
    for (int fails = 0; fails < 2; fails++) {
        PlanBuilder b;
        pb_init(&b);
        uint32_t inner = with_handlers(&b, "inner", fails ? "fail=1" : "add1", "dur=1"), add = step_of(&b, "add1");
        pb_begin(&b, RT_BODY);
        RtNode *sub = pb_node(&b, RT_SUB, "part", PB_INT);
        uint32_t node = b.node.len - 1;
        sub->ref = inner;
        uint32_t after = pb_call(&b, "after", add);
        pb_operand(&b, pb_value(&b, node));
        pb_edge(&b, node, after);
        pb_workflow(&b, "main", pb_end(&b, pb_value(&b, after)), PB_INT);
        run(&b, 1);
        if (fails) FAILURES("part.in");
        else OUTPUT("3");
        CHECK_Z(buf_cstr(&fake.trace), fails ? "part.in part.on_failure.lost part.finally.cleanup"
                                             : "part.in part.on_success.won part.finally.cleanup after");
        done(&b);
    }
}

static void test_values(void) {
    PlanBuilder b;
    pb_init(&b);
    uint32_t line = pb_span(&b, 55), s = plain(&b, "dur=1");
    pb_begin(&b, RT_BODY);
    pb_node(&b, RT_LET, "bad", PB_INT);
    uint32_t let = b.node.len - 1;
    pb_operand(&b, pb_thunk(&b, PB_INT, trap, line));
    uint32_t user = pb_call(&b, "user", s);
    pb_edge(&b, let, user);
    pb_node(&b, RT_FAILURE, "fail", PB_NOTHING);
    pb_operand(&b, pb_string(&b, "on purpose"));
    pb_workflow(&b, "main", pb_end(&b, PB_NO_RESULT), PB_NOTHING);
    run(&b, 1);
    FAILURES("bad fail");
    CHECK_INT(result.failure[0].kind, RT_FAIL_VALUE);
    CHECK_INT(result.failure[0].line, 55);
    CHECK_Z(result.failure[0].message, "division by zero");
    CHECK_INT(result.failure[1].kind, RT_FAIL_FAIL);
    CHECK_Z(result.failure[1].message, "on purpose");
    CHECK_INT(result.skipped, 1);
    done(&b);
    pb_init(&b);
    pb_begin(&b, RT_BODY);
    pb_node(&b, RT_LET, "xs", PB_INTS);
    let = b.node.len - 1;
    pb_operand(&b, pb_thunk(&b, PB_INTS, range10, 100));
    pb_workflow(&b, "main", pb_end(&b, pb_thunk(&b, PB_INT, sum_list, pb_at(&b, let))), PB_INT);
    run(&b, 1);
    OUTPUT("49500");
    done(&b);
}

static void test_cancel(void) {
    for (seed = 1; seed < 40; seed++) {
        PlanBuilder b;
        pb_init(&b);
        each_plan(&b, step_of(&b, "add1"), 30, each_all, SET_COUNT, PB_NO_RESULT);
        cancel_at = 1000 + (int64_t)seed * 3;
        run(&b, 3);
        CHECK_INT(result.status, ENGINE_CANCELLED);
        CHECK_INT(result.nfailure, 0);
        CHECK(result.succeeded < 60);
        done(&b);
    }
    cancel_at = 0;
}

/* 200,000 nodes in a row and 50,000 nested... of what needs no process: neither may recurse. */
static void test_long_chain(void) {
    PlanBuilder b;
    pb_init(&b);
    pb_begin(&b, RT_BODY);
    uint32_t prev = UINT32_MAX;
    for (int i = 0; i < 200000; i++) {
        pb_node(&b, RT_GATE, "gate", PB_NOTHING);
        uint32_t node = b.node.len - 1;
        if (prev != UINT32_MAX) pb_edge(&b, prev, node);
        prev = node;
    }
    pb_workflow(&b, "main", pb_end(&b, PB_NO_RESULT), PB_NOTHING);
    run(&b, 1);
    CHECK_INT(result.status, ENGINE_SUCCEEDED);
    done(&b);
}

int main(void) {
    test_chain_and_failure();
    seed = 1;
    test_each();
    seed = 1;
    test_fail_fast();
    test_tolerate();
    test_pick();
    test_loop();
    test_try();
    test_retry();
    test_admission();
    test_handlers();
    test_sub();
    test_values();
    test_cancel();
    test_long_chain();
    engine_result_free(&result);
    vec_free(&fake.running);
    vec_free(&fake.until);
    buf_free(&fake.trace);
    buf_free(&events);
    return test_end();
}
