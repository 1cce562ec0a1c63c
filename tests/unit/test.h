/* What the unit tests share: each is a program that prints every failed check and exits with 1 if there was one. */
#ifndef WF_TESTS_UNIT_TEST_H
#define WF_TESTS_UNIT_TEST_H

#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>

static int test_failures;

#define CHECK(cond) \
    ((cond) ? (void)0 : (void)(test_failures++, fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond)))

#define CHECK_INT(got, want) test_int((int64_t)(got), (int64_t)(want), __FILE__, __LINE__, #got)
#define CHECK_STR(got, want) test_str((got), str_of(want), __FILE__, __LINE__, #got)
#define CHECK_Z(got, want) test_str(str_of(got), str_of(want), __FILE__, __LINE__, #got)

static inline void test_int(int64_t got, int64_t want, const char *file, int line, const char *what) {
    if (got == want) return;
    test_failures++;
    fprintf(stderr, "%s:%d: %s is %" PRId64 ", not %" PRId64 "\n", file, line, what, got, want);
}

static inline void test_str(Str got, Str want, const char *file, int line, const char *what) {
    if (str_eq(got, want)) return;
    test_failures++;
    fprintf(stderr, "%s:%d: %s is \"%.*s\", not \"%.*s\"\n", file, line, what, STR_ARG(got), STR_ARG(want));
}

/* SplitMix64 (Steele, Lea, Flood 2014): the same numbers in every run. */
static inline uint64_t test_random(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline int test_end(void) {
    if (test_failures > 0) fprintf(stderr, "%d checks failed\n", test_failures);
    return test_failures > 0;
}

#endif
