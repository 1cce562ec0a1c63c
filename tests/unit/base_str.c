#include "base/str.h"
#include "tests/unit/test.h"

#include <math.h>
#include <stdlib.h>

static void slices(void) {
    CHECK(str_eq(STR(""), (Str){NULL, 0}));
    CHECK(!str_eq(STR("a"), STR("ab")));
    CHECK(str_starts(STR("abc"), STR("ab")) && !str_starts(STR("a"), STR("ab")));
    CHECK(str_ends(STR("abc"), STR("bc")) && !str_ends(STR("c"), STR("bc")));
    CHECK(str_cmp(STR("a"), STR("ab")) < 0 && str_cmp(STR("b"), STR("ab")) > 0 && str_cmp(STR("\xFF"), STR("a")) > 0);
    CHECK_INT(str_cmp((Str){NULL, 0}, STR("")), 0);
}

static void buffers(void) {
    Buf b = BUF_INIT;
    CHECK_Z(buf_cstr(&b), "");
    for (int i = 0; i < 1000; i++) buf_printf(&b, "%d,", i);
    CHECK_INT(b.n, 3890);
    CHECK(b.p[b.n] == '\0');
    buf_clear(&b);
    CHECK_Z(buf_cstr(&b), "");
    buf_pad(&b, 'x', 63); /* exactly at the edge of the first allocation */
    buf_addc(&b, 'y');
    CHECK(b.n == 64 && b.p[63] == 'y' && b.p[64] == '\0');
    buf_add(&b, NULL, 0);
    CHECK_INT(b.n, 64);
    buf_free(&b);
}

static unsigned distance(const char *a, const char *b) { return edit_distance(str_of(a), str_of(b), 100); }

static void distances(void) {
    CHECK_INT(distance("", ""), 0);
    CHECK_INT(distance("", "abc"), 3);
    CHECK_INT(distance("kitten", "sitting"), 3);
    CHECK_INT(distance("ab", "ba"), 1);
    CHECK_INT(distance("ca", "abc"), 3); /* optimal string alignment; unrestricted Damerau would give 2 */
    CHECK_INT(distance("recieve", "receive"), 1);
    CHECK_INT(edit_distance(STR("abcdef"), STR("uvwxyz"), 2), 3);
    char longest[64], beyond[65];
    memset(longest, 'a', sizeof longest);
    memset(beyond, 'a', sizeof beyond);
    CHECK_INT(edit_distance((Str){longest, 63}, (Str){longest, 63}, 5), 0);
    CHECK_INT(edit_distance((Str){longest, 63}, STR(""), 100), 63);
    CHECK_INT(edit_distance((Str){beyond, 64}, (Str){beyond, 64}, 5), 6);
    /* Symmetric, zero only for equals, never above the longer length. */
    uint64_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        char a[8], b[8];
        size_t n = test_random(&seed) % 8, m = test_random(&seed) % 8;
        for (size_t i = 0; i < n; i++) a[i] = (char)('a' + test_random(&seed) % 3);
        for (size_t i = 0; i < m; i++) b[i] = (char)('a' + test_random(&seed) % 3);
        Str x = {a, n}, y = {b, m};
        unsigned d = edit_distance(x, y, 100);
        CHECK(d == edit_distance(y, x, 100));
        CHECK((d == 0) == str_eq(x, y));
        CHECK(d <= (n > m ? n : m) && d >= (n > m ? n - m : m - n));
    }
}

static void utf8(void) {
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        if (cp >= 0xD800 && cp <= 0xDFFF) continue;
        char text[4];
        unsigned n = utf8_encode(cp, text);
        uint32_t back = 0;
        if (utf8_decode(text, n, &back) != n || back != cp || utf8_valid(text, n) != n || utf8_count(text, n) != 1) {
            fprintf(stderr, "U+%04X does not come back\n", cp);
            test_failures++;
            return;
        }
        for (unsigned cut = 1; cut < n; cut++) CHECK(utf8_decode(text, cut, &back) == 0);
    }
    static const char *const bad[] = {"\x80", "\xBF", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
                                      "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF", "\xC3(", "\xE2\x82("};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint32_t cp;
        CHECK(utf8_decode(bad[i], strlen(bad[i]), &cp) == 0);
        /* At every position relative to the eight-byte steps of the fast path. */
        for (size_t before = 0; before < 17; before++) {
            char text[32];
            memset(text, 'a', sizeof text);
            memcpy(text + before, bad[i], strlen(bad[i]));
            CHECK(utf8_valid(text, sizeof text) == before);
        }
    }
    CHECK_INT(utf8_width("e\xCC\x81", 3), 1);              /* combining */
    CHECK_INT(utf8_width("\xE6\xBC\xA2\xF0\x9F\x98\x80", 7), 4); /* wide, emoji */
    CHECK_INT(utf8_width("\xFF\xFE", 2), 2);
    CHECK_INT(utf8_width("", 0), 0);
}

static void format_edges(void) {
    static const struct {
        double v;
        const char *want;
    } rows[] = {{0.0, "0.0"}, {-0.0, "-0.0"}, {1, "1.0"}, {0.1, "0.1"}, {1e16, "1e+16"}, {1e15, "1000000000000000.0"},
                {123456789012345680.0, "1.2345678901234568e+17"}, {9999999999999998.0, "9999999999999998.0"}, {1e-4, "0.0001"},
                {1e-5, "1e-05"}, {5e-324, "5e-324"}, {1.7976931348623157e308, "1.7976931348623157e+308"},
                {2.2250738585072014e-308, "2.2250738585072014e-308"}, {1.0 / 3, "0.3333333333333333"}, {-1.5e300, "-1.5e+300"},
                {1e22, "1e+22"}, {1e23, "1e+23"}, {9007199254740993.0, "9007199254740992.0"}, {100, "100.0"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[32];
        size_t n = format_double(rows[i].v, text);
        CHECK_Z(text, rows[i].want);
        CHECK_INT(n, strlen(text));
    }
}

/* Against Python's repr on 100,000 doubles: half random bits, half short decimals. */
static void format_against_python(void) {
    static const char script[] =
        "/usr/bin/python3 -c 'import sys\n"
        "for n, line in enumerate(sys.stdin):\n"
        "    bits, text = line.split()\n"
        "    want = repr(float.fromhex(bits))\n"
        "    if want != text: sys.exit(f\"{bits}: {text}, Python has {want}\")\n"
        "sys.exit(0 if n == 99999 else f\"only {n + 1} lines\")'";
    FILE *python = popen(script, "w");
    CHECK(python != NULL);
    if (python == NULL) return;
    uint64_t seed = 42;
    for (int i = 0; i < 100000; i++) {
        double v;
        if (i % 2 == 0) {
            do {
                uint64_t bits = test_random(&seed);
                memcpy(&v, &bits, sizeof v);
            } while (!isfinite(v));
        } else {
            v = (double)(int64_t)(test_random(&seed) % 2000000 - 1000000) / pow(10, (double)(test_random(&seed) % 12));
        }
        char text[32];
        format_double(v, text);
        fprintf(python, "%a %s\n", v, text);
    }
    CHECK_INT(pclose(python), 0);
}

int main(void) {
    slices();
    buffers();
    distances();
    utf8();
    format_edges();
    format_against_python();
    return test_end();
}
