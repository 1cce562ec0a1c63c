/* Runs with real processes: files, directories, time limits, cancellation, what is recorded. */
#include "tests/unit/runtime_run.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

/* file "csv" { id: int, name: string? } */
static uint32_t table_type(PlanBuilder *b) {
    uint32_t t = pb_file(b, "csv", "file \"csv\" { id: int, name: string? }");
    pb_field(b, "id", NULL, PB_INT, NULL);
    pb_field(b, "name", NULL, PB_OPT_STRING, NULL);
    return t;
}

static void table(const char *code, RtFailure kind, const char *message, int line) {
    PlanBuilder b;
    pb_init(&b);
    uint32_t t = table_type(&b), s = pb_step(&b, "task", "bash", code);
    pb_output(&b, "out", t);
    single(&b, s, 0, NULL);
    run(&b, ENGINE_OPTIONS);
    if (message == NULL) {
        ok(line);
        CHECK(strstr(buf_cstr(&result.outputs_json), "\"rows\":2") != NULL);
        CHECK(strstr(buf_cstr(&result.outputs_json), "\"columns\":[[\"id\",\"int\"],[\"name\",\"string?\"],[\"x\",\"string\"]]") != NULL);
    } else
        failed(line, kind, message, 0);
    forget(&b);
}

static void test_tables(void) {
    table("printf 'id,name,x\\n1,\"a, b\",\\n2,,y\\n' > $out", RT_FAIL_EXIT, NULL, __LINE__);
    table("printf 'id,nome\\n' > $out", RT_FAIL_OUTPUT, "it has no column `name`", __LINE__);
    table("printf 'id,name\\n1,a\\nx,b\\n' > $out", RT_FAIL_OUTPUT, "in line 3 the column `id` has \"x\", which is not of type int", __LINE__);
    table("printf 'id,name\\n1\\n' > $out", RT_FAIL_OUTPUT, "line 2 has 1 value where the header has 2", __LINE__);
    table("printf 'id,name\\n1,\"a\\n' > $out", RT_FAIL_OUTPUT, "quoted value that begins in line 2 is not closed", __LINE__);
    table("touch $out", RT_FAIL_OUTPUT, "it is empty", __LINE__);
    table("true", RT_FAIL_OUTPUT, "without writing its output `out`", __LINE__);
}

static void test_files_between_steps(void) {
    PlanBuilder b;
    pb_init(&b);
    uint32_t csv = table_type(&b), made = b.type.len;
    (void)made;
    uint32_t make = pb_step(&b, "make", "bash", "printf 'id,name\\n1,a\\n' > $train");
    pb_output(&b, "train", csv);
    uint32_t many = pb_step(&b, "many", "bash", "echo 1 > $out/b.txt; echo 2 > $out/a.txt");
    pb_output(&b, "out", PB_FILES);
    uint32_t tree = pb_step(&b, "tree", "python", "(out / 'x').mkdir()\n(out / 'x' / 'y').write_text('deep')");
    pb_output(&b, "out", PB_DIR);
    uint32_t use = pb_step(&b, "use", "bash",
                           "test \"${train##*/}\" = train.csv; test ! -w $train || test $(id -u) = 0\n"
                           "echo \"$(tail -1 $train) ${#files[@]} $(cat ${files[0]} ${files[1]} | tr '\\n' ' ')$(cat $dir/x/y)\" > $out");
    pb_param(&b, "train", csv);
    pb_param(&b, "files", PB_FILES);
    pb_param(&b, "dir", PB_DIR);
    pb_output(&b, "out", PB_STRING);
    pb_begin(&b, RT_BODY);
    uint32_t a = pb_call(&b, "a", make), m = pb_call(&b, "m", many), t = pb_call(&b, "t", tree), u = pb_call(&b, "u", use);
    vec_last(&b.node).arg = b.opnd.len;
    pb_operand(&b, pb_value(&b, a));
    pb_operand(&b, pb_value(&b, m));
    pb_operand(&b, pb_value(&b, t));
    pb_edge(&b, a, u);
    pb_edge(&b, m, u);
    pb_edge(&b, t, u);
    pb_workflow(&b, "main", pb_end(&b, pb_value(&b, u)), PB_STRING);
    run(&b, ENGINE_OPTIONS);
    VALUE("{\"out\":\"1,a 2 2 1 deep\"}");
    forget(&b);
}

static void test_exec(void) {
    PlanBuilder b;
    pb_init(&b);
    uint32_t s = pb_exec(&b, "words");
    pb_param(&b, "xs", PB_STRINGS);
    pb_param(&b, "no", PB_OPT_INT);
    pb_output(&b, "out", PB_STRING);
    pb_arg(&b, pb_string(&b, "sh"));
    pb_arg(&b, pb_string(&b, "-c"));
    pb_arg(&b, pb_string(&b, "o=$1; shift; echo $# \"$@\" > $o"));
    pb_arg(&b, pb_string(&b, "sh"));
    pb_arg(&b, pb_frame(&b, PB_STRING, 3)); /* the path of out */
    pb_arg(&b, pb_frame(&b, PB_STRINGS, 0));
    pb_arg(&b, pb_frame(&b, PB_OPT_INT, 1));
    pb_arg(&b, pb_float(&b, 0.5));
    RtWord texts[2] = {{.p = pb_text(&b, "p q")}, {.p = pb_text(&b, "r")}}, none[2] = {{0}, {0}};
    RtOpnd args[] = {pb_const(&b, PB_STRINGS, &(RtWord){.p = pb_list_of(&b, texts, 2, 1)}), pb_const(&b, PB_OPT_INT, none)};
    single(&b, s, 2, args);
    run(&b, ENGINE_OPTIONS);
    VALUE("{\"out\":\"3 p q r 0.5\"}");
    forget(&b);
    pb_init(&b);
    s = pb_exec(&b, "missing");
    pb_arg(&b, pb_string(&b, "no-such-program-here"));
    single(&b, s, 0, NULL);
    run(&b, ENGINE_OPTIONS);
    FAILED(RT_FAIL_EXIT, "`no-such-program-here` is not installed", 0);
    forget(&b);
}

/* A step of one setting. */
static void with_setting(const char *lang, const char *code, uint32_t type, uint32_t key, RtOpnd (*value)(PlanBuilder *), PlanBuilder *b, EngineOptions o) {
    pb_init(b);
    uint32_t s = pb_step(b, "task", lang, code);
    if (type != PB_NOTHING) pb_output(b, "out", type);
    pb_begin(b, RT_BODY);
    uint32_t call = pb_call(b, "call", s);
    if (key != SET_COUNT) pb_setting(b, key, value(b));
    pb_workflow(b, "main", pb_end(b, type != PB_NOTHING ? pb_value(b, call) : PB_NO_RESULT), type);
    run(b, o);
}

static RtOpnd ms200(PlanBuilder *b) { return pb_int(b, PB_DURATION, 200); }
static RtOpnd empty(PlanBuilder *b) { return pb_string(b, ""); }
static RtOpnd code_glob(PlanBuilder *b) {
    return pb_const(b, PB_STRINGS, &(RtWord){.p = pb_list_of(b, &(RtWord){.p = pb_text(b, "lib/**/*.py")}, 1, 1)});
}
static RtOpnd variables(PlanBuilder *b) {
    RtMap *m = arena_alloc(&b->arena, sizeof *m + 2 * sizeof(RtWord));
    m->obj = (RtObj){.rc = RT_STATIC};
    m->n = 1;
    m->at[0].p = pb_text(b, "COLOR");
    m->at[1].p = pb_text(b, "deep red");
    return pb_const(b, PB_ENV, &(RtWord){.p = m});
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Whether the process has ended; it may wait to be reaped by the system. */
static bool is_gone(pid_t pid) {
    Buf stat = BUF_INIT;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    bool gone = false;
    for (int i = 0; i < 100 && !gone; i++) {
        gone = io_read_file(path, 4096, &stat) != 0 || strstr(stat.p, ") Z ") != NULL || strstr(stat.p, ") X ") != NULL;
        if (!gone) usleep(10000);
    }
    buf_free(&stat);
    return gone;
}

static void test_limits(void) {
    PlanBuilder b;
    int64_t from = now_ms();
    with_setting("bash", "trap '' TERM\nsleep 30 &\nwait; sleep 30", PB_NOTHING, SET_TIMEOUT, ms200, &b, (EngineOptions){.gpu = -1, .grace = 100});
    FAILED(RT_FAIL_TIMEOUT, "stopped after its timeout of 200ms", 0);
    CHECK(now_ms() - from < 5000);
    forget(&b);
    from = now_ms();
    with_setting("bash", "sleep 30 &\necho $! > $out", PB_INT, SET_COUNT, NULL, &b, ENGINE_OPTIONS);
    OK();
    CHECK(now_ms() - from < 5000);
    if (result.output != NULL) CHECK(is_gone((pid_t)result.output->i));
    forget(&b);
    with_setting("python", "import sys\nfor i in range(300000):\n    sys.stdout.write('line %07d\\n' % i)", PB_NOTHING, SET_COUNT, NULL, &b,
                 (EngineOptions){.gpu = -1, .log_limit = 100000});
    OK();
    CHECK(logged.n > 100000 && logged.n < 250000);
    CHECK(strstr(logged.p, "bytes of output were not kept") != NULL && strstr(logged.p, "line 0299999") != NULL);
    forget(&b);
    with_setting("bash", "echo hello; echo world", PB_STRING, SET_STDOUT, empty, &b, ENGINE_OPTIONS);
    VALUE("{\"out\":\"hello\\nworld\"}");
    forget(&b);
    with_setting("bash", "echo \"$COLOR\" > $out; env | grep -c . > /dev/null", PB_STRING, SET_ENV, variables, &b, ENGINE_OPTIONS);
    VALUE("{\"out\":\"deep red\"}");
    forget(&b);
}

static void test_environment(void) {
    PlanBuilder b;
    setenv("SHOULD_NOT_BE_SEEN", "1", 1);
    with_setting("bash", "env | cut -d= -f1 | grep -v '^_$' | sort | tr '\\n' ' ' > $out; pwd >&2; touch junk", PB_STRING, SET_COUNT, NULL, &b, ENGINE_OPTIONS);
    VALUE("{\"out\":\"HOME LANG PATH PWD SHLVL TMPDIR WF_ATTEMPT WF_EVENTS WF_IDEMPOTENCY_KEY WF_INPUTS WF_RUN_ID WF_STEP out \"}");
    forget(&b);
    with_setting("bash", "ls | wc -l > $out", PB_INT, SET_COUNT, NULL, &b, (EngineOptions){.gpu = -1, .jobs = 1});
    VALUE("{\"out\":0}");
    forget(&b);
}

static void test_code(void) {
    char project[] = "/tmp/wfc-project-XXXXXX";
    CHECK(mkdtemp(project) != NULL);
    Buf path = BUF_INIT;
    buf_printf(&path, "%s/lib/deep", project);
    io_mkdirs(buf_cstr(&path));
    buf_z(&path, "/helper.py");
    io_write_file(buf_cstr(&path), STR("import wf\ndef f():\n    wf.metric('loss', 0.5)\n    return 41\n"));
    PlanBuilder b;
    pb_init(&b);
    uint32_t s = pb_step(&b, "task", "python", "from lib.deep.helper import f\nwf.progress(0.5)\nout = f() + 1");
    pb_output(&b, "out", PB_INT);
    pb_begin(&b, RT_BODY);
    uint32_t call = pb_call(&b, "call", s);
    pb_setting(&b, SET_CODE, code_glob(&b));
    pb_workflow(&b, "main", pb_end(&b, pb_value(&b, call)), PB_INT);
    pb_plan(&b);
    b.plan.project = project;
    run(&b, ENGINE_OPTIONS);
    VALUE("{\"out\":42}");
    io_remove_tree(buf_cstr(&path));
    run(&b, ENGINE_OPTIONS);
    FAILED(RT_FAIL_LOST, "names no file", 0);
    forget(&b);
    io_remove_tree(project);
    buf_free(&path);
}

static void *cancel_soon(void *arg) {
    (void)arg;
    usleep(200000);
    engine_cancel(engine);
    return NULL;
}

static void test_cancel(void) {
    PlanBuilder b;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, cancel_soon, NULL) == 0);
    int64_t from = now_ms();
    with_setting("bash", "sleep 30", PB_NOTHING, SET_COUNT, NULL, &b, ENGINE_OPTIONS);
    pthread_join(thread, NULL);
    CHECK_INT(result.status, ENGINE_CANCELLED);
    CHECK_INT(result.cancelled, 1);
    CHECK(now_ms() - from < 5000);
    forget(&b);
}

static bool secret(void *cx, const char *name, Buf *value) {
    (void)cx;
    buf_printf(value, "hunter2-%s", name);
    return true;
}

static void test_secrets(void) {
    PlanBuilder b;
    pb_init(&b);
    uint32_t s = pb_step(&b, "task", "bash", "echo \"token is $token.\"; echo ${#token} > $out");
    pb_param(&b, "token", PB_SECRET);
    pb_output(&b, "out", PB_INT);
    RtOpnd name = pb_string(&b, "api");
    name.type = PB_SECRET;
    single(&b, s, 1, &name);
    run(&b, (EngineOptions){.gpu = -1, .secret = secret});
    VALUE("{\"out\":11}");
    CHECK_Z(buf_cstr(&logged), "token is ***.\n");
    run(&b, ENGINE_OPTIONS);
    FAILED(RT_FAIL_VALUE, "there is no secret `api`", 0);
    forget(&b);
}

/* ---- parameters, one step, questions ---- */

static void params(PlanBuilder *b, const EngineParam *p, uint32_t n, const char *want, int line) {
    buf_clear(&why);
    EngineOptions o = ENGINE_OPTIONS;
    o.param = p;
    o.nparam = n;
    o.workflow = b->plan.main;
    bool fine = engine_check_params(&b->plan, &o, &why);
    if (fine != (*want == '\0') || strcmp(buf_cstr(&why), want) != 0) {
        test_failures++;
        fprintf(stderr, "line %d: %s\n", line, buf_cstr(&why));
    }
}

static void test_params(void) {
    PlanBuilder b;
    pb_init(&b);
    pb_begin(&b, RT_BODY);
    pb_slot(&b, PB_FLOAT);
    pb_slot(&b, PB_STRINGS);
    pb_slot(&b, PB_OPT_INT);
    pb_workflow(&b, "train", pb_end(&b, pb_frame(&b, PB_FLOAT, 0)), PB_FLOAT);
    pb_workflow_param(&b, "rate", PB_FLOAT, PB_NO_RESULT);
    pb_workflow_param(&b, "tags", PB_STRINGS, pb_const(&b, PB_STRINGS, &(RtWord){.p = pb_list_of(&b, NULL, 0, 1)}));
    pb_workflow_param(&b, "limit", PB_OPT_INT, pb_const(&b, PB_OPT_INT, (RtWord[2]){{0}, {0}}));
    pb_plan(&b);
    EngineParam good[] = {{"rate", STR("0.25"), false}, {"tags", STR("[\"a\"]"), false}, {"limit", STR("none"), false}};
    EngineParam bad[] = {{"rat", STR("0.25"), false}, {"tags", STR("[1]"), false}, {"limit", STR("x"), false}};
    params(&b, good, 3, "", __LINE__);
    params(&b, bad, 3,
           "train has no parameter `rat`; did you mean `rate`?\n"
           "parameter `rate` of train (float): a value is required, as in `--param rate=VALUE`\n"
           "parameter `tags` of train ([string]): $[0]: expected string, got 1; a list is written as JSON, as in `[1, 2]` or `[\"a\", \"b\"]`\n"
           "parameter `limit` of train (int?): expected int such as 42, got \"x\"", __LINE__);
    EngineOptions o = ENGINE_OPTIONS;
    o.param = good;
    o.nparam = 1;
    run(&b, o);
    VALUE("{\"out\":0.25}");
    forget(&b);
}

typedef struct Seen {
    char sha256[65], path[80], status[20];
    uint32_t n;
} Seen;
static bool see_artifact(void *cx, const EngineArtifact *a) {
    Seen *s = cx;
    snprintf(s->sha256, sizeof s->sha256, "%s", a->sha256);
    snprintf(s->path, sizeof s->path, "%s.%s %s %lld", a->path, a->output, a->name, (long long)a->rows);
    s->n++;
    return true;
}
static bool see_node(void *cx, const EngineNode *n) {
    Seen *s = cx;
    snprintf(s->path, sizeof s->path, "%s %s %u", n->path, n->step, n->attempts);
    snprintf(s->status, sizeof s->status, "%s", n->status);
    s->n++;
    return true;
}
static bool see_run(void *cx, const EngineRun *r) {
    Seen *s = cx;
    snprintf(s->path, sizeof s->path, "%s %s", r->workflow, r->params_json);
    snprintf(s->status, sizeof s->status, "%s", engine_status_name(r->status));
    s->n++;
    return true;
}

static void test_questions(void) {
    PlanBuilder b;
    pb_init(&b);
    uint32_t csv = table_type(&b), s = pb_step(&b, "copy", "bash", "echo working; cat $from > $out; echo 3,c >> $out");
    pb_param(&b, "from", csv);
    pb_output(&b, "out", csv);
    pb_begin(&b, RT_BODY);
    uint32_t in = pb_slot(&b, csv), call = pb_call(&b, "call", s);
    pb_operand(&b, pb_frame(&b, csv, in));
    pb_workflow(&b, "main", pb_end(&b, pb_value(&b, call)), csv);
    pb_workflow_param(&b, "from", csv, PB_NO_RESULT);
    Buf file = BUF_INIT, copy = BUF_INIT, inputs = BUF_INIT, step = BUF_INIT, content = BUF_INIT;
    buf_printf(&file, "%s/mails.csv", store_path);
    buf_printf(&copy, "%s/copy.csv", store_path);
    io_write_file(buf_cstr(&file), STR("id,name\n1,a\n"));
    EngineParam p = {"from", buf_view(&file), false};
    EngineOptions o = ENGINE_OPTIONS;
    o.param = &p;
    o.nparam = 1;
    o.run_id = "first";
    run(&b, o);
    OK();
    char id[65];
    CHECK(engine_find_run(engine, "fir", id, &why));
    CHECK_Z(id, "first");
    CHECK(!engine_find_run(engine, "nope", id, &why));
    CHECK_Z(buf_cstr(&why), "there is no run `nope`");
    Seen seen = {0};
    CHECK(engine_nodes(engine, "first", see_node, &seen, &why));
    CHECK_Z(seen.path, "call copy 1");
    CHECK_Z(seen.status, "succeeded");
    CHECK(engine_runs(engine, 1, see_run, &seen, &why));
    CHECK(strstr(seen.path, "main {\"from\":{\"file\":\"mails.csv\"") != NULL);
    seen.n = 0;
    CHECK(engine_find_artifact(engine, "first/call.out", see_artifact, &seen, &why));
    CHECK_Z(seen.path, "call.out out.csv 2");
    CHECK_INT(seen.n, 1);
    CHECK(engine_copy_out(engine, seen.sha256, false, buf_cstr(&copy), &why));
    CHECK_INT(io_read_file(buf_cstr(&copy), 1000, &content), 0);
    CHECK_Z(buf_cstr(&content), "id,name\n1,a\n3,c\n");
    CHECK_Z(buf_cstr(&logged), "working\n");
    CHECK(engine_node_inputs(engine, "first", "call", &inputs, &step, &why));
    CHECK_Z(buf_cstr(&step), "copy");
    o = (EngineOptions){.gpu = -1, .step = "copy", .inputs_json = buf_view(&inputs), .unpublished = true};
    run(&b, o);
    OK();
    CHECK(strstr(buf_cstr(&result.outputs_json), seen.sha256) != NULL);
    o.run_id = "first";
    o.unpublished = false;
    buf_clear(&why);
    engine_result_free(&result);
    CHECK(!engine_run(engine, &b.plan, &o, &result, &why));
    CHECK_Z(buf_cstr(&why), "there is a run first already");
    buf_free(&file);
    buf_free(&copy);
    buf_free(&inputs);
    buf_free(&step);
    buf_free(&content);
    forget(&b);
}

static void test_many(void) {
    PlanBuilder b;
    pb_init(&b);
    uint32_t s = pb_exec(&b, "noop");
    pb_arg(&b, pb_string(&b, "true"));
    pb_begin(&b, RT_BODY);
    for (int i = 0; i < 300; i++) pb_call(&b, arena_printf(&b.arena, "n%d", i), s);
    pb_workflow(&b, "main", pb_end(&b, PB_NO_RESULT), PB_NOTHING);
    run(&b, (EngineOptions){.gpu = -1, .jobs = 8});
    OK();
    CHECK_INT(result.succeeded, 300);
    Seen seen = {0};
    CHECK(engine_nodes(engine, result.run_id, see_node, &seen, &why));
    CHECK_INT(seen.n, 300);
    forget(&b);
}

int main(void) {
    begin("files");
    test_tables();
    test_files_between_steps();
    test_exec();
    test_limits();
    test_environment();
    test_code();
    test_cancel();
    test_secrets();
    test_params();
    test_questions();
    test_many();
    return end();
}
