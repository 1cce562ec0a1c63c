/* Runs with real processes: values in and out in every language, and what is said when code fails. */
#include "tests/unit/runtime_run.h"

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
    begin("exec");
    test_values();
    test_outputs();
    test_failures_of_code();
    return end();
}
