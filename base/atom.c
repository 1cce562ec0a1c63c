#include "base/atom.h"

#include "base/hash.h"

#include <stdlib.h>

void atoms_init(Atoms *a) {
    *a = (Atoms){.cap = 256, .mask = 511};
    a->name = wf_alloc(a->cap * sizeof *a->name);
    a->slot = wf_alloc_zero(((size_t)a->mask + 1) * sizeof *a->slot);
    a->name[a->n++] = (Str){"", 0};
}

void atoms_free(Atoms *a) {
    arena_free(&a->text);
    free(a->name);
    free(a->slot);
    *a = (Atoms){0};
}

/* The slot that holds s, or the free one where it belongs. */
static uint32_t probe(const Atoms *a, Str s, uint64_t h) {
    uint32_t i = (uint32_t)h & a->mask;
    while (a->slot[i] != 0) {
        if (a->slot[i] >> 32 == h >> 32 && str_eq(a->name[(uint32_t)a->slot[i]], s)) break;
        i = (i + 1) & a->mask;
    }
    return i;
}

static void grow(Atoms *a) {
    a->mask = a->mask * 2 + 1;
    free(a->slot);
    a->slot = wf_alloc_zero(((size_t)a->mask + 1) * sizeof *a->slot);
    for (uint32_t x = 1; x < a->n; x++) {
        uint64_t h = hash_bytes(a->name[x].p, a->name[x].n);
        uint32_t i = (uint32_t)h & a->mask;
        while (a->slot[i] != 0) i = (i + 1) & a->mask;
        a->slot[i] = (h >> 32) << 32 | x;
    }
}

Atom atom_of(Atoms *a, Str s) {
    if (s.n == 0) return 0;
    uint64_t h = hash_bytes(s.p, s.n);
    uint32_t i = probe(a, s, h);
    if (a->slot[i] != 0) return (Atom)a->slot[i];
    if (a->n == a->cap) a->name = wf_realloc(a->name, (size_t)(a->cap *= 2) * sizeof *a->name);
    Atom x = a->n++;
    a->name[x] = (Str){arena_strndup(&a->text, s.p, s.n), s.n};
    a->slot[i] = (h >> 32) << 32 | x;
    if (a->n > a->mask / 2) grow(a);
    return x;
}

Atom atom_z(Atoms *a, const char *z) { return atom_of(a, str_of(z)); }

Atom atom_find(const Atoms *a, Str s) {
    if (s.n == 0) return 0;
    return (Atom)a->slot[probe(a, s, hash_bytes(s.p, s.n))];
}
