#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/test.h"

#include <stdlib.h>

/* A copy that ends where the text ends, so that a read beyond it is one that ASan sees. */
static char *tight(Str s) {
    char *p = wf_alloc(s.n ? s.n : 1);
    if (s.n) memcpy(p, s.p, s.n);
    return p;
}

static const char *minify(Str in, Buf *out) {
    char *copy = tight(in);
    const char *error = NULL;
    size_t at = 0;
    buf_clear(out);
    bool ok = json_minify((Str){copy, in.n}, out, &error, &at);
    CHECK(ok == (error == NULL));
    CHECK(at <= in.n);
    JsonIn j = json_in((Str){copy, in.n});
    bool skipped = json_skip(&j) && json_end(&j); /* the other walker must agree */
    CHECK(skipped == ok);
    json_in_free(&j);
    free(copy);
    return error;
}

static void accepts(const char *in, const char *want) {
    Buf out = BUF_INIT;
    const char *error = minify(str_of(in), &out);
    if (error != NULL) {
        test_failures++;
        fprintf(stderr, "%s: refused: %s\n", in, error);
    } else {
        CHECK_STR(buf_view(&out), want);
    }
    buf_free(&out);
}

static void refuses(Str in, const char *why) {
    Buf out = BUF_INIT;
    const char *error = minify(in, &out);
    CHECK_Z(error ? error : "(accepted)", why);
    buf_free(&out);
}

static void valid_texts(void) {
    accepts(" null ", "null");
    accepts("[ ]", "[]");
    accepts("{ }", "{}");
    accepts("[1, [2, [], {}], {\"a\": {\"b\": [null]}} ]\n", "[1,[2,[],{}],{\"a\":{\"b\":[null]}}]");
    accepts("-0.0e+5", "-0.0");
    accepts("9223372036854775807", "9223372036854775807");
    accepts("123456789012345678901234567890", "1.2345678901234568e+29");
    accepts("\"\\u00e9\\ud83d\\ude00\\/\\b\\u0000\"", "\"\xC3\xA9\xF0\x9F\x98\x80/\\u0008\\u0000\"");
    accepts("\"\"", "\"\"");
}

static void hostile_texts(void) {
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "the text ends where a value is expected"},
        {"nul", "not a JSON value"},
        {"nullx", "text after the end of the value"},
        {"1 2", "text after the end of the value"},
        {"01", "text after the end of the value"},
        {"+1", "not a JSON value"},
        {"-", "not a JSON value"},
        {".5", "not a JSON value"},
        {"1.", "a digit must follow the decimal point"},
        {"1e", "a digit must follow the exponent's sign"},
        {"1e999", "a number out of the range of a double"},
        {"NaN", "not a JSON value"},
        {"'a'", "not a JSON value"},
        {"[1,]", "not a JSON value"},
        {"[1 2]", "expected ',' or ']'"},
        {"[,1]", "not a JSON value"},
        {"[", "the text ends where a value is expected"},
        {"]", "not a JSON value"},
        {"[}", "not a JSON value"},
        {"{]", "a member's name must be a string"},
        {"{\"a\":1,}", "a member's name must be a string"},
        {"{\"a\" 1}", "expected ':' after a member's name"},
        {"{\"a\":1 \"b\":2}", "expected ',' or '}'"},
        {"{1:2}", "a member's name must be a string"},
        {"\"abc", "a string without its closing quote"},
        {"\"abc\\", "unknown escape in a string"},
        {"\"\\x\"", "unknown escape in a string"},
        {"\"\\u12", "a \\u escape takes four hexadecimal digits"},
        {"\"\\ud800\"", "half of a surrogate pair"},
        {"\"\\udc00\"", "half of a surrogate pair"},
        {"\"\\ud800\\u0041\"", "half of a surrogate pair"},
        {"\"\n\"", "a control character in a string"},
        {"\"\xFF\"", "bytes that are not UTF-8"},
        {"\"\xC0\x80\"", "bytes that are not UTF-8"},
        {"\"\xED\xA0\x80\"", "bytes that are not UTF-8"},
        {"\"\xF0\x9F\x98", "bytes that are not UTF-8"},
        {"\xEF\xBB\xBF{}", "not a JSON value"},
        {"// c\n1", "not a JSON value"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) refuses(str_of(bad[i].text), bad[i].why);
    refuses((Str){"\"\0\"", 3}, "a control character in a string");
    refuses((Str){"\"\\\0\"", 4}, "unknown escape in a string");

    Buf deep = BUF_INIT;
    buf_pad(&deep, '[', 512);
    buf_pad(&deep, ']', 512);
    accepts(deep.p, deep.p);
    buf_clear(&deep);
    buf_pad(&deep, '[', 513);
    refuses(buf_view(&deep), "nested more than 512 deep");
    buf_clear(&deep);
    for (int i = 0; i < 100000; i++) buf_z(&deep, "{\"\":");
    refuses(buf_view(&deep), "nested more than 512 deep");
    /* A number of a million digits, at the end of the text, is one out of range and no overrun. */
    buf_clear(&deep);
    buf_pad(&deep, '9', 1000000);
    refuses(buf_view(&deep), "a number out of the range of a double");
    buf_free(&deep);
}

/* Each prefix and each one-byte change of a valid text: no crash, and both walkers agree. */
static void mutations(void) {
    static const char text[] = "{\"k\\u00e9y\": [1, -2.5e3, \"a\\n\\ud83d\\ude00\", true, null], \"x\": {\"y\": []}}";
    Buf out = BUF_INIT;
    for (size_t n = 0; n < sizeof text - 1; n++) CHECK(minify((Str){text, n}, &out) != NULL);
    char copy[sizeof text];
    for (size_t i = 0; i < sizeof text - 1; i++)
        for (int c = 0; c < 256; c++) {
            memcpy(copy, text, sizeof text);
            copy[i] = (char)c;
            minify((Str){copy, sizeof text - 1}, &out);
        }
    buf_free(&out);
}

static void numbers(void) {
    JsonIn j = json_in(STR("[-9223372036854775808, 9223372036854775808, 1.0, 0.1]"));
    CHECK_INT(json_next(&j), JSON_ARRAY);
    CHECK(json_element(&j));
    CHECK_INT(json_next(&j), JSON_INT);
    CHECK(j.i == INT64_MIN && j.f == -0x1p63);
    CHECK(json_element(&j));
    CHECK_INT(json_next(&j), JSON_FLOAT);
    CHECK(j.f == 0x1p63);
    CHECK(json_element(&j));
    CHECK_INT(json_next(&j), JSON_FLOAT);
    CHECK(json_element(&j));
    CHECK_INT(json_next(&j), JSON_FLOAT);
    CHECK(j.f == 0.1);
    CHECK(!json_element(&j));
    CHECK(json_end(&j));
    json_in_free(&j);
}

static void members_and_errors_stick(void) {
    JsonIn j = json_in(STR("{\"a\": 1, \"b\\t\": [true], \"c\": x}"));
    Str key;
    CHECK_INT(json_next(&j), JSON_OBJECT);
    CHECK(json_member(&j, &key));
    CHECK_STR(key, "a");
    CHECK_INT(json_next(&j), JSON_INT);
    CHECK(json_member(&j, &key));
    CHECK_STR(key, "b\t");
    CHECK(json_skip(&j));
    CHECK(json_member(&j, &key));
    CHECK_STR(key, "c");
    CHECK_INT(json_next(&j), JSON_ERROR);
    CHECK_INT(j.at, 29);
    CHECK(!json_member(&j, &key) && !json_element(&j) && !json_skip(&j) && !json_end(&j));
    CHECK_INT(json_next(&j), JSON_ERROR);
    json_in_free(&j);
}

static void writer(void) {
    Buf b = BUF_INIT;
    JsonOut o = json_open(&b, '{');
    json_key(&o, "a\"\\");
    json_int(&b, INT64_MIN);
    json_key(&o, "l");
    JsonOut l = json_open(&b, '[');
    json_item(&l);
    json_double(&b, 2);
    json_item(&l);
    json_bool(&b, false);
    json_close(&l);
    json_key(&o, "s");
    json_string(&b, (Str){"\x01\n\r\t\x7F\xFFz\xE2\x80\xA8\0", 11});
    json_close(&o);
    CHECK_STR(buf_view(&b), "{\"a\\\"\\\\\":-9223372036854775808,\"l\":[2.0,false],"
                            "\"s\":\"\\u0001\\n\\r\\t\x7F\xEF\xBF\xBDz\xE2\x80\xA8\\u0000\"}");
    accepts(b.p, b.p);
    buf_free(&b);
}

/* Any bytes written as a string are valid JSON; valid UTF-8 comes back unchanged. */
static void strings_round_trip(void) {
    uint64_t seed = 1;
    Buf in = BUF_INIT, out = BUF_INIT;
    for (int round = 0; round < 20000; round++) {
        buf_clear(&in);
        buf_clear(&out);
        for (uint64_t n = test_random(&seed) % 12; n > 0; n--) {
            static const char *const bits[] = {"a", "\"", "\\", "\n", "\xC3\xA9", "\xF0\x9F\x98\x80", "\xE2\x82", "\x80", "\x1F"};
            buf_z(&in, bits[test_random(&seed) % (sizeof bits / sizeof *bits)]);
        }
        json_string(&out, buf_view(&in));
        JsonIn j = json_in(buf_view(&out));
        CHECK_INT(json_next(&j), JSON_STRING);
        CHECK(json_end(&j));
        CHECK(utf8_valid(j.s.p, j.s.n) == j.s.n);
        if (in.n && utf8_valid(in.p, in.n) == in.n) CHECK(str_eq(j.s, buf_view(&in)));
        json_in_free(&j);
    }
    buf_free(&in);
    buf_free(&out);
}

int main(void) {
    valid_texts();
    hostile_texts();
    mutations();
    numbers();
    members_and_errors_stick();
    writer();
    strings_round_trip();
    return test_end();
}
