#include "base/atom.h"
#include "base/mem.h"
#include "base/vec.h"
#include "tests/unit/test.h"

#include <setjmp.h>

static void arenas(void) {
    Arena a = ARENA_INIT;
    enum { N = 20000 };
    char **kept = wf_alloc(N * sizeof *kept);
    uint64_t seed = 3;
    for (int i = 0; i < N; i++) {
        size_t n = test_random(&seed) % 300 + sizeof(int);
        kept[i] = arena_alloc(&a, n);
        CHECK((uintptr_t)kept[i] % 16 == 0);
        memset(kept[i], i, n);
        memcpy(kept[i], &i, sizeof i);
    }
    for (int i = 0; i < N; i++) {
        int back;
        memcpy(&back, kept[i], sizeof back);
        if (back != i) {
            CHECK_INT(back, i);
            break;
        }
    }
    free(kept);
    char *big = arena_alloc_zero(&a, 5 << 20); /* larger than the largest chunk */
    CHECK(big[0] == 0 && big[(5 << 20) - 1] == 0);
    memset(big, 1, 5 << 20);
    arena_reset(&a);
    CHECK_INT(a.used, 0);
    CHECK_Z(arena_printf(&a, "%s-%d", "x", 42), "x-42");
    CHECK_Z(arena_strndup(&a, "abcdef", 3), "abc");
    CHECK_Z(arena_strndup(&a, NULL, 0), "");
    arena_free(&a);
    CHECK(a.chunk == NULL);
    arena_free(&a); /* twice is harmless */
    arena_reset(&a);
}

static jmp_buf out_of_memory;
static size_t refused;
static void on_oom(size_t bytes) {
    refused = bytes;
    longjmp(out_of_memory, 1);
}

static void exhaustion(void) {
    Arena a = ARENA_INIT;
    wf_set_oom_handler(on_oom);
    volatile int reached = 0; /* sizes whose rounding or header would wrap around must reach the handler as well */
    if (setjmp(out_of_memory) == 0)
        arena_alloc(&a, SIZE_MAX);
    else
        reached++;
    if (setjmp(out_of_memory) == 0)
        arena_alloc(&a, SIZE_MAX - 20);
    else
        reached++;
    CHECK_INT(reached, 2);
    CHECK(refused > 0);
    wf_set_oom_handler(NULL);
    arena_free(&a);
}

static void atoms(void) {
    Atoms t;
    atoms_init(&t);
    CHECK_INT(atom_z(&t, ""), 0);
    CHECK_INT(atom_find(&t, STR("nothing")), 0);
    enum { N = 50000 };
    for (int i = 0; i < N; i++) {
        char name[32];
        snprintf(name, sizeof name, "name_%d", i);
        CHECK_INT(atom_z(&t, name), i + 1); /* ids count up */
        memset(name, 'x', sizeof name - 1);  /* the text was copied */
    }
    for (int i = 0; i < N; i++) {
        char name[32];
        snprintf(name, sizeof name, "name_%d", i);
        CHECK_INT(atom_z(&t, name), i + 1);
        CHECK_INT(atom_find(&t, str_of(name)), i + 1);
        CHECK_Z(atom_cstr(&t, (Atom)(i + 1)), name);
    }
    Atom nul = atom_of(&t, (Str){"a\0b", 3});
    CHECK(nul != atom_z(&t, "a") && atom_str(&t, nul).n == 3);
    atoms_free(&t);
}

static void vectors(void) {
    VEC(int) v = {0};
    for (int i = 0; i < 1000; i++) vec_push(&v, i);
    CHECK_INT(v.len, 1000);
    CHECK_INT(vec_pop(&v), 999);
    CHECK_INT(vec_last(&v), 998);
    int more[] = {7, 8, 9};
    vec_append(&v, more, 3);
    vec_append(&v, more, 0);
    CHECK_INT(vec_last(&v), 9);
    CHECK_INT(v.data[500], 500);
    vec_clear(&v);
    CHECK_INT(v.len, 0);
    vec_free(&v);
    CHECK(v.data == NULL && v.cap == 0);
}

int main(void) {
    arenas();
    exhaustion();
    atoms();
    vectors();
    return test_end();
}
