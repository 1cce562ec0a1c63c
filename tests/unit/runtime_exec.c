/* Runs with real processes: the step protocol from start to end. */
#include "tests/unit/plan_builder.h"
#include "tests/unit/test.h"

#include "base/io.h"
#include "runtime/sched/engine.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char store_path[64];
static Engine *engine;
static EngineResult result;
static Buf why, logged;

static bool keep_log(void *cx, const char *path, uint32_t attempt, bool on_stderr, int64_t time, Str bytes) {
    (void)cx, (void)path, (void)attempt, (void)on_stderr, (void)time;
    buf_str(&logged, bytes);
    return true;
}

/* Runs and leaves the result in `result`, the log in `logged`. */
static void run(PlanBuilder *b, EngineOptions o) {
    engine_result_free(&result);
    buf_clear(&why);
    buf_clear(&logged);
    const RtPlan *plan = b->plan.types != NULL ? &b->plan : pb_plan(b);
    o.workflow = plan->main;
    if (o.grace == 0) o.grace = 300;
    if (!engine_run(engine, plan, &o, &result, &why)) fprintf(stderr, "not run: %s\n", buf_cstr(&why));
    else if (!o.unpublished) CHECK(engine_log(engine, result.run_id, NULL, 0, keep_log, NULL, &why));
}

static void ok(int line) {
    if (result.status == ENGINE_SUCCEEDED) return;
    test_failures++;
    fprintf(stderr, "line %d: the run is %s\n", line, engine_status_name(result.status));
    for (uint32_t i = 0; i < result.nfailure; i++)
        fprintf(stderr, "  %s: %s\n%s\n", result.failure[i].path, result.failure[i].message, result.failure[i].log);
}
#define OK() ok(__LINE__)

static void failed(int line, RtFailure kind, const char *message, uint32_t at) {
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
static void single(PlanBuilder *b, uint32_t step, uint32_t nargs, const RtOpnd *args) {
    pb_begin(b, RT_BODY);
    uint32_t call = pb_call(b, "call", step);
    for (uint32_t i = 0; i < nargs; i++) pb_operand(b, args[i]);
    uint32_t type = b->step.data[step].result;
    uint32_t body = pb_end(b, pb_words(b, type) > 0 ? pb_value(b, call) : PB_NO_RESULT);
    pb_workflow(b, "main", body, type);
}

/* Runs a script without inputs and with one output of a type (PB_NOTHING: none). */
static void script(const char *lang, const char *code, uint32_t type) {
    PlanBuilder b;
    pb_init(&b);
    uint32_t s = pb_step(&b, "task", lang, code);
    if (type != PB_NOTHING) pb_output(&b, "out", type);
    single(&b, s, 0, NULL);
    run(&b, ENGINE_OPTIONS);
    pb_free(&b);
    result.types = NULL;
}

static void value_is(int line, const char *json) {
    Str want = str_of(json);
    if (str_eq(buf_view(&result.outputs_json), want)) return;
    test_failures++;
    fprintf(stderr, "line %d: outputs are %s, not %s\n", line, buf_cstr(&result.outputs_json), json);
}
#define VALUE(json) (OK(), value_is(__LINE__, json))

/* The result outlives the builder only when it holds no objects. */
static void forget(PlanBuilder *b) {
    engine_result_free(&result);
    pb_free(b);
}

static void test_values(void) {
    static const struct {
        const char *lang, *code, *want;
    } same[] = {
        {"bash", "echo -n \"$a|$b|$c|${d-unset}|${s[*]}|$(cat $WF_INPUTS/s.json)\" > $out", "1|2.5|x y|unset|p q r|[\\\"p q\\\",\\\"r\\\"]"},
        {"sh", "printf '%s' \"$a|$b|$c|${d-unset}|$s\" > $out", "1|2.5|x y|unset|[\\\"p q\\\",\\\"r\\\"]"},
        {"python", "out = f'{a!r}|{b!r}|{c}|{d}|{s}'", "1|2.5|x y|None|['p q', 'r']"},
        {"node", "var out = `${a}|${b}|${c}|${d}|${JSON.stringify(s)}`", "1|2.5|x y|null|[\\\"p q\\\",\\\"r\\\"]"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        PlanBuilder b;
        pb_init(&b);
        uint32_t s = pb_step(&b, "task", same[i].lang, same[i].code);
        pb_param(&b, "a", PB_INT);
        pb_param(&b, "b", PB_FLOAT);
        pb_param(&b, "c", PB_STRING);
        pb_param(&b, "d", PB_OPT_INT);
        pb_param(&b, "s", PB_STRINGS);
        pb_output(&b, "out", PB_STRING);
        RtWord none[2] = {{0}, {0}}, texts[2] = {{.p = pb_text(&b, "p q")}, {.p = pb_text(&b, "r")}};
        RtOpnd args[] = {pb_int(&b, PB_INT, 1), pb_float(&b, 2.5), pb_string(&b, "x y"), pb_const(&b, PB_OPT_INT, none),
                         pb_const(&b, PB_STRINGS, &(RtWord){.p = pb_list_of(&b, texts, 2, 1)})};
        single(&b, s, 5, args);
        run(&b, ENGINE_OPTIONS);
        Buf want = BUF_INIT;
        buf_printf(&want, "{\"out\":\"%s\"}", same[i].want);
        VALUE(buf_cstr(&want));
        buf_free(&want);
        forget(&b);
    }
}

static void simple(const char *lang, const char *code, uint32_t type, const char *want, int line) {
    PlanBuilder b;
    pb_init(&b);
    uint32_t s = pb_step(&b, "task", lang, code);
    pb_output(&b, "out", type);
    single(&b, s, 0, NULL);
    run(&b, ENGINE_OPTIONS);
    ok(line);
    value_is(line, want);
    forget(&b);
}
#define SIMPLE(lang, code, type, want) simple(lang, code, type, want, __LINE__)

static void test_outputs(void) {
    SIMPLE("bash", "echo 42 > $out", PB_INT, "{\"out\":42}");
    SIMPLE("bash", "echo 3.0 > $out", PB_INT, "{\"out\":3}");
    SIMPLE("bash", "echo 1h30m > $out", PB_DURATION, "{\"out\":\"1h30m\"}");
    SIMPLE("bash", "printf 'a\\n\\n' > $out", PB_STRING, "{\"out\":\"a\\n\"}");
    SIMPLE("bash", "echo '[1, 2,3]' > $out", PB_INTS, "{\"out\":[1,2,3]}");
    SIMPLE("bash", "true", PB_OPT_INT, "{\"out\":null}");
    SIMPLE("python", "out = 2 ** 40", PB_INT, "{\"out\":1099511627776}");
    SIMPLE("python", "import datetime\nout = datetime.timedelta(minutes=90)", PB_DURATION, "{\"out\":\"1h30m\"}");
    SIMPLE("python", "out = {'a': [1, None, 'x']}", PB_JSON, "{\"out\":{\"a\":[1,null,\"x\"]}}");
    SIMPLE("python", "out = 'line\\n'", PB_STRING, "{\"out\":\"line\\n\"}");
    SIMPLE("node", "const out = [1, 2]", PB_INTS, "{\"out\":[1,2]}");
    script("bash", "true", PB_INT);
    FAILED(RT_FAIL_OUTPUT, "without writing its output `out` (int)", 0);
    script("bash", "echo x > $out", PB_INT);
    FAILED(RT_FAIL_OUTPUT, "output `out`: expected int", 0);
    script("python", "out = float('nan')", PB_FLOAT);
    FAILED(RT_FAIL_OUTPUT, "output `out` is NaN", 0);
    script("python", "out = 'x'", PB_INT);
    FAILED(RT_FAIL_OUTPUT, "output `out`: expected int, got str 'x'", 0);
    script("python", "pass", PB_INT);
    FAILED(RT_FAIL_OUTPUT, "did not assign its output `out`", 0);
}

static void test_failures_of_code(void) {
    script("bash", "true\nfalse\necho no", PB_NOTHING);
    FAILED(RT_FAIL_EXIT, "exit status 1", 11);
    script("bash", "f() {\n  false\n}\n\nf", PB_NOTHING);
    FAILED(RT_FAIL_EXIT, "exit status 1", 11);
    script("bash", "echo a\necho $nope", PB_NOTHING);
    FAILED(RT_FAIL_EXIT, "nope: unbound variable", 11);
    script("bash", "echo a\nno_such_program", PB_NOTHING);
    FAILED(RT_FAIL_EXIT, "no_such_program: command not found", 11);
    script("bash", "false | true", PB_NOTHING);
    FAILED(RT_FAIL_EXIT, "exit status 1", 10);
    script("bash", "exit 3", PB_NOTHING);
    FAILED(RT_FAIL_EXIT, "exit status 3", 0);
    CHECK_INT(result.failure[0].code, 3);
    script("bash", "kill -SEGV $$", PB_NOTHING);
    FAILED(RT_FAIL_EXIT, "killed by signal 11 (SIGSEGV", 0);
    CHECK_INT(result.failure[0].code, 139);
    script("sh", "true\nno_such_program", PB_NOTHING);
    FAILED(RT_FAIL_EXIT, "no_such_program: not found", 11);
    script("python", "x = 1\ndef f():\n    raise ValueError('bad')\nf()", PB_NOTHING);
    FAILED(RT_FAIL_EXIT, "ValueError: bad", 12);
    CHECK(strstr(buf_cstr(&logged), "File \"test.wf\", line 13") != NULL);
    script("python", "x = 1\nif x\n", PB_NOTHING);
    FAILED(RT_FAIL_EXIT, "SyntaxError", 11);
    script("python", "import sys\nsys.exit(4)", PB_NOTHING);
    FAILED(RT_FAIL_EXIT, "exit status 4", 0);
    script("python", "x = []\nx.append(' ' * 10**14)", PB_NOTHING);
    FAILED(RT_FAIL_MEMORY, "out of memory", 11);
    script("node", "let x = 1;\nnull.foo;", PB_NOTHING);
    FAILED(RT_FAIL_EXIT, "TypeError", 11);
    script("cobol", "x", PB_NOTHING);
    FAILED(RT_FAIL_LOST, "steps in `cobol` cannot be run here", 0);
}

int main(void) {
    snprintf(store_path, sizeof store_path, "/tmp/wfc-exec-test-%d", (int)getpid());
    engine = engine_open(store_path, false, &why);
    if (engine == NULL) {
        fprintf(stderr, "%s\n", buf_cstr(&why));
        return 1;
    }
    test_values();
    test_outputs();
    test_failures_of_code();
    engine_result_free(&result);
    engine_close(engine);
    io_remove_tree(store_path);
    buf_free(&why);
    buf_free(&logged);
    return test_end();
}
