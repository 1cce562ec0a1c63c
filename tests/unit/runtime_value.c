/* Values: text of scalars both ways, JSON both ways, order, groups, maps, counting. */
#include "tests/unit/plan_builder.h"

#include "base/units.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static PlanBuilder b;
static Rt rt;
static uint32_t scores, opt_scores, list_scores, map_int, colour, list_list, groups, list_groups;

static void types(void) {
    pb_init(&b);
    colour = pb_enum(&b, "Colour");
    pb_field(&b, "red", NULL, PB_NOTHING, NULL);
    pb_field(&b, "deep_blue", "deepBlue", PB_NOTHING, NULL);
    static RtWord seven = {.i = 7};
    scores = pb_struct(&b, "Scores");
    pb_field(&b, "accuracy", NULL, PB_FLOAT, NULL);
    pb_field(&b, "max_depth", "maxDepth", PB_INT, &seven);
    pb_field(&b, "note", NULL, PB_OPT_STRING, NULL);
    pb_field(&b, "limit", NULL, PB_OPT_INT, NULL);
    opt_scores = pb_opt(&b, scores);
    list_scores = pb_list(&b, scores);
    map_int = pb_map(&b, PB_INT);
    list_list = pb_list(&b, PB_STRINGS);
    groups = pb_struct(&b, "(items: [int], key: string)");
    pb_field(&b, "items", NULL, PB_INTS, NULL);
    pb_field(&b, "key", NULL, PB_STRING, NULL);
    list_groups = pb_list(&b, groups);
    pb_plan(&b);
    rt_init(&rt, &b.types);
}

/* What JSON becomes when it is decoded and encoded again, or the error. */
static void json(uint32_t type, const char *text, const char *want, int line) {
    RtWord w[16];
    memset(w, 0xEE, sizeof w);
    Buf out = BUF_INIT;
    if (rt_read_json(&rt, type, str_of(text), w)) {
        rt_keep(&b.types, type, w);
        rt_scratch_reset(&rt);
        rt_put_json(&out, &b.types, type, w, &(RtEncode){.mode = RT_JSON_DATA});
        rt_drop(&b.types, type, w);
    } else
        buf_str(&out, buf_view(&rt.error));
    if (strcmp(buf_cstr(&out), want) != 0) {
        test_failures++;
        fprintf(stderr, "line %d: %s\n    not %s\n", line, buf_cstr(&out), want);
    }
    rt_clear_error(&rt);
    rt_scratch_reset(&rt);
    buf_free(&out);
}
#define JSON(type, text, want) json(type, text, want, __LINE__)

static void test_json(void) {
    JSON(PB_INT, " 3.0 ", "3");
    JSON(PB_INT, "1e3", "1000");
    JSON(PB_INT, "3.5", "$: expected int, got 3.5");
    JSON(PB_INT, "9223372036854775807", "9223372036854775807");
    JSON(PB_INT, "9223372036854775808", "$: expected int, got 9.223372036854776e+18");
    JSON(PB_FLOAT, "1", "1.0");
    JSON(PB_FLOAT, "NaN", "$: not a JSON value at byte 0");
    JSON(PB_FLOAT, "1e999", "$: a number out of the range of a double at byte 5");
    JSON(PB_BOOL, "1", "$: expected bool, got 1");
    JSON(PB_STRING, "\"a\\u00e9\\ud83d\\ude00\"", "\"aé😀\"");
    JSON(PB_STRING, "null", "$: expected string, got null");
    JSON(PB_DURATION, "\"90m\"", "\"1h30m\"");
    JSON(PB_DURATION, "5", "$: expected duration, got 5");
    JSON(PB_SIZE, "1024", "\"1KiB\"");
    JSON(PB_TIME, "\"2026-01-02T03:04:05+01:00\"", "\"2026-01-02T02:04:05.000Z\"");
    JSON(PB_JSON, " { \"a\" : [ 1 , null ] } ", "{\"a\":[1,null]}");
    JSON(PB_JSON, "-0.50", "-0.5");
    JSON(PB_OPT_INT, "null", "null");
    JSON(PB_OPT_INT, "0", "0");
    JSON(PB_OPT_STRING, "\"\"", "\"\"");
    JSON(PB_INTS, "[1,2.0,-3]", "[1,2,-3]");
    JSON(PB_INTS, "[1,\"x\"]", "$[1]: expected int, got \"x\"");
    JSON(PB_INTS, "[1,]", "$[1]: not a JSON value at byte 3");
    JSON(list_list, "[[\"a\"],[]]", "[[\"a\"],[]]");
    JSON(map_int, "{\"b\":1,\"a\":2,\"b\":3}", "{\"a\":2,\"b\":3}");
    JSON(map_int, "{\"b\":{}}", "$.b: expected int, got an object");
    JSON(colour, "\"deepBlue\"", "\"deepBlue\"");
    JSON(colour, "\"deep_blue\"", "\"deepBlue\"");
    JSON(colour, "\"green\"", "$: expected Colour, got \"green\"");
    JSON(scores, "{\"accuracy\":1,\"other\":[{}],\"note\":\"n\"}", "{\"accuracy\":1.0,\"maxDepth\":7,\"note\":\"n\",\"limit\":null}");
    JSON(scores, "{\"limit\":4,\"maxDepth\":2,\"accuracy\":0.5}", "{\"accuracy\":0.5,\"maxDepth\":2,\"note\":null,\"limit\":4}");
    JSON(scores, "{}", "$: the field `accuracy` is missing");
    JSON(scores, "{\"accuracy\":1,\"accuracy\":2}", "$: the member `accuracy` stands twice");
    JSON(list_scores, "[{\"accuracy\":1},{\"accuracy\":{}}]", "$[1].accuracy: expected float, got an object");
    JSON(opt_scores, "null", "null");
    JSON(opt_scores, "{\"accuracy\":1}", "{\"accuracy\":1.0,\"maxDepth\":7,\"note\":null,\"limit\":null}");
    JSON(PB_INT, "1 2", "$: text after the end of the value at byte 2");
    JSON(PB_FILE, "\"x\"", "$: expected file, got \"x\"");
}

static void text(uint32_t type, const char *in, const char *want, int line) {
    RtWord w[4] = {{0}, {0}, {0}, {0}};
    Buf out = BUF_INIT;
    if (rt_read_text(&rt, type, str_of(in), w)) rt_put_text(&out, &b.types, type, w);
    else buf_str(&out, buf_view(&rt.error));
    if (strcmp(buf_cstr(&out), want) != 0) {
        test_failures++;
        fprintf(stderr, "line %d: %s, not %s\n", line, buf_cstr(&out), want);
    }
    rt_clear_error(&rt);
    rt_scratch_reset(&rt);
    buf_free(&out);
}
#define TEXT(type, in, want) text(type, in, want, __LINE__)

static void test_text(void) {
    TEXT(PB_DURATION, "0s", "0s");
    TEXT(PB_DURATION, "500ms", "500ms");
    TEXT(PB_DURATION, "1h30m", "1h30m");
    TEXT(PB_DURATION, "-90s", "-1m30s");
    TEXT(PB_DURATION, "1w", "7d");
    TEXT(PB_DURATION, "25h1ms", "1d1h1ms");
    TEXT(PB_DURATION, "1m1h", "expected duration such as 30s or 1h30m, got \"1m1h\"");
    TEXT(PB_DURATION, "5", "expected duration such as 30s or 1h30m, got \"5\"");
    TEXT(PB_SIZE, "4GiB", "4GiB");
    TEXT(PB_SIZE, "1536MiB", "1536MiB");
    TEXT(PB_SIZE, "1kB", "1000B");
    TEXT(PB_SIZE, "0B", "0B");
    TEXT(PB_SIZE, "16EiB", "expected size such as 512MiB or 16GB, got \"16EiB\"");
    TEXT(PB_TIME, "2024-02-29T23:59:59.5Z", "2024-02-29T23:59:59.500Z");
    TEXT(PB_TIME, "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z");
    TEXT(PB_TIME, "2023-02-29T00:00:00Z", "expected time such as 2026-01-31T12:00:00Z, got \"2023-02-29T00:00:00Z\"");
    TEXT(PB_FLOAT, "1e-7", "1e-07");
    TEXT(PB_FLOAT, "0.1", "0.1");
    TEXT(PB_FLOAT, "inf", "expected float such as 0.3, got \"inf\"");
    TEXT(PB_FLOAT, "0x10", "expected float such as 0.3, got \"0x10\"");
    TEXT(PB_INT, "1_000", "1000");
    TEXT(PB_INT, "-9223372036854775808", "-9223372036854775808");
    TEXT(PB_INT, "9223372036854775808", "expected int such as 42, got \"9223372036854775808\"");
    TEXT(PB_BOOL, "yes", "expected bool such as true or false, got \"yes\"");
    TEXT(colour, "green", "expected Colour (red, deep_blue), got \"green\"");
    TEXT(colour, "red", "red");
    TEXT(PB_OPT_INT, "none", "");
    TEXT(PB_OPT_INT, "3", "3");
    TEXT(PB_OPT_STRING, "none", "none");
    TEXT(PB_STRING, "\xff", "the text is not valid UTF-8 at byte 0");
    TEXT(PB_INTS, "[1]", "[1]");
    Buf out = BUF_INIT;
    put_duration(&out, INT64_MIN);
    put_size(&out, INT64_MIN);
    CHECK_Z(buf_cstr(&out), "-106751991167d7h12m55s808ms-8EiB");
    buf_free(&out);
    /* Every instant of a few thousand years, in steps that meet all months. */
    for (int64_t t = -100000000000000; t < 200000000000000; t += INT64_C(1000000007) * 1009) {
        Buf s = BUF_INIT;
        rt_put_time(&s, t);
        int64_t back;
        if (s.n == 24 && s.p[0] != '-') CHECK(rt_read_time(buf_view(&s), &back) && back == t);
        buf_free(&s);
    }
}

static void test_order(void) {
    int64_t keys[] = {3, 1, 2, 1, 3};
    const uint64_t *at = rt_order(&rt, PB_INT, (const RtWord *)(const void *)keys, 5, 0);
    static const uint64_t up[] = {1, 3, 2, 0, 4}, down[] = {0, 4, 2, 1, 3};
    CHECK(memcmp(at, up, sizeof up) == 0);
    at = rt_order(&rt, PB_INT, (const RtWord *)(const void *)keys, 5, 1);
    CHECK(memcmp(at, down, sizeof down) == 0);
    RtWord names[4];
    static const char *const texts[] = {"b", "a", "b", "c"};
    for (int i = 0; i < 4; i++) names[i].p = pb_text(&b, texts[i]);
    int64_t numbers[] = {1, 2, 3, 4};
    RtWord items = {.p = pb_list_of(&b, (const RtWord *)(const void *)numbers, 4, 1)}, out;
    CHECK(rt_groups(&rt, list_groups, PB_INTS, &items, PB_STRING, names, &out));
    Buf s = BUF_INIT;
    rt_put_json(&s, &b.types, list_groups, &out, &(RtEncode){.mode = RT_JSON_DATA});
    CHECK_Z(buf_cstr(&s), "[{\"items\":[1,3],\"key\":\"b\"},{\"items\":[2],\"key\":\"a\"},{\"items\":[4],\"key\":\"c\"}]");
    buf_free(&s);
    RtWord map, value;
    CHECK(rt_read_json(&rt, map_int, STR("{\"x\":1,\"y\":2}"), &map));
    CHECK(rt_map_index(&rt, map_int, &map, pb_text(&b, "y"), &value) && value.i == 2);
    CHECK(!rt_map_index(&rt, map_int, &map, pb_text(&b, "z"), &value));
    CHECK_STR(buf_view(&rt.error), "the map has no entry \"z\"");
    rt_clear_error(&rt);
    RtWord p[7], q[7];
    CHECK(rt_read_json(&rt, scores, STR("{\"accuracy\":1,\"note\":\"a\"}"), p) && rt_read_json(&rt, scores, STR("{\"accuracy\":1,\"note\":\"b\"}"), q));
    CHECK(rt_equal(&rt, scores, p, p) && !rt_equal(&rt, scores, p, q) && rt_compare(&rt, scores, p, q) < 0);
    rt_scratch_reset(&rt);
}

static void test_traps(void) {
    rt_trap_index(&rt, 4, -1, 3);
    CHECK_STR(buf_view(&rt.error), "there is no element -1 in a list of 3");
    rt_trap_zero(&rt, 9);
    CHECK_INT(rt.span, 4); /* the first one wins */
    CHECK_STR(buf_view(&rt.error), "there is no element -1 in a list of 3");
    rt_clear_error(&rt);
    RtText *parts[] = {pb_text(&b, "a"), pb_text(&b, ""), pb_text(&b, "bc")};
    CHECK_Z(rt_concat(&rt, parts, 3)->s, "abc");
    rt_scratch_reset(&rt);
}

int main(void) {
    types();
    test_json();
    test_text();
    test_order();
    test_traps();
    rt_free(&rt);
    pb_free(&b);
    return test_end();
}
