/* Running hand-made plans with real processes, and saying what came out. */
#ifndef WF_TESTS_UNIT_RUNTIME_RUN_H
#define WF_TESTS_UNIT_RUNTIME_RUN_H

#include "tests/unit/plan_builder.h"
#include "tests/unit/test.h"

#include "base/io.h"
#include "runtime/sched/engine.h"

#include <stdlib.h>
#include <unistd.h>

static char store_path[64];
static Engine *engine;
static EngineResult result;
static Buf why, logged;

static inline bool keep_log(void *cx, const char *path, uint32_t attempt, bool on_stderr, int64_t time, Str bytes) {
    (void)cx, (void)path, (void)attempt, (void)on_stderr, (void)time;
    buf_str(&logged, bytes);
    return true;
}

/* Runs and leaves the result in `result`, the log in `logged`. */
static inline void run(PlanBuilder *b, EngineOptions o) {
    engine_result_free(&result);
    buf_clear(&why);
    buf_clear(&logged);
    const RtPlan *plan = b->plan.types != NULL ? &b->plan : pb_plan(b);
    o.workflow = plan->main;
    if (o.grace == 0) o.grace = 300;
    if (!engine_run(engine, plan, &o, &result, &why)) fprintf(stderr, "not run: %s\n", buf_cstr(&why));
    else if (!o.unpublished) CHECK(engine_log(engine, result.run_id, NULL, 0, keep_log, NULL, &why));
}

static inline void ok(int line) {
    if (result.status == ENGINE_SUCCEEDED) return;
    test_failures++;
    fprintf(stderr, "line %d: the run is %s\n", line, engine_status_name(result.status));
    for (uint32_t i = 0; i < result.nfailure; i++)
        fprintf(stderr, "  %s: %s\n%s\n", result.failure[i].path, result.failure[i].message, result.failure[i].log);
}
#define OK() ok(__LINE__)

static inline void failed(int line, RtFailure kind, const char *message, uint32_t at) {
    if (result.nfailure != 1) {
        test_failures++;
        fprintf(stderr, "line %d: %u failures, status %s\n", line, result.nfailure, engine_status_name(result.status));
        return;
    }
    const EngineFailure *f = &result.failure[0];
    if (f->kind == kind && strstr(f->message, message) != NULL && (at == 0 || f->line == at)) return;
    test_failures++;
    fprintf(stderr, "line %d: got kind %s, line %u: %s\n%s\n", line, engine_failure_name(f->kind), f->line, f->message, f->log);
}
#define FAILED(kind, message, at) failed(__LINE__, kind, message, at)

/* One step called once by a workflow whose value is the step's. */
static inline void single(PlanBuilder *b, uint32_t step, uint32_t nargs, const RtOpnd *args) {
    pb_begin(b, RT_BODY);
    uint32_t call = pb_call(b, "call", step);
    for (uint32_t i = 0; i < nargs; i++) pb_operand(b, args[i]);
    uint32_t type = b->step.data[step].result;
    uint32_t body = pb_end(b, pb_words(b, type) > 0 ? pb_value(b, call) : PB_NO_RESULT);
    pb_workflow(b, "main", body, type);
}

/* Runs a script without inputs and with one output of a type (PB_NOTHING: none). */
static inline void script(const char *lang, const char *code, uint32_t type) {
    PlanBuilder b;
    pb_init(&b);
    uint32_t s = pb_step(&b, "task", lang, code);
    if (type != PB_NOTHING) pb_output(&b, "out", type);
    single(&b, s, 0, NULL);
    run(&b, ENGINE_OPTIONS);
    pb_free(&b);
    result.types = NULL;
}

static inline void value_is(int line, const char *json) {
    Str want = str_of(json);
    if (str_eq(buf_view(&result.outputs_json), want)) return;
    test_failures++;
    fprintf(stderr, "line %d: outputs are %s, not %s\n", line, buf_cstr(&result.outputs_json), json);
}
#define VALUE(json) (OK(), value_is(__LINE__, json))

/* The result outlives the builder only when it holds no objects. */
static inline void forget(PlanBuilder *b) {
    engine_result_free(&result);
    pb_free(b);
}

static inline void begin(const char *name) {
    snprintf(store_path, sizeof store_path, "/tmp/wfc-%s-%d", name, (int)getpid());
    engine = engine_open(store_path, false, &why);
    if (engine != NULL) return;
    fprintf(stderr, "%s\n", buf_cstr(&why));
    exit(1);
}

static inline int end(void) {
    engine_result_free(&result);
    engine_close(engine);
    io_remove_tree(store_path);
    buf_free(&why);
    buf_free(&logged);
    return test_end();
}

#endif
