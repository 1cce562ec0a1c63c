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

/* Most names are short: those of 4 to 16 bytes compare and hash as two words that may overlap. */
static inline uint64_t word_at(const char *p) {
    uint64_t w;
    memcpy(&w, p, 8);
    return w;
}

static inline uint32_t half_at(const char *p) {
    uint32_t w;
    memcpy(&w, p, 4);
    return w;
}

static inline uint64_t hash_name(Str s) {
    if (s.n > 16 || s.n < 4) return hash_bytes(s.p, s.n);
    uint64_t a = s.n >= 8 ? word_at(s.p) : half_at(s.p), b = s.n >= 8 ? word_at(s.p + s.n - 8) : half_at(s.p + s.n - 4);
    return hash_mix(a * 0x9FB21C651E98DF25u ^ s.n, b);
}

static inline bool same_name(Str a, Str b) {
    if (a.n != b.n) return false;
    if (a.n > 16 || a.n < 4) return str_eq(a, b);
    if (a.n < 8) return half_at(a.p) == half_at(b.p) && half_at(a.p + a.n - 4) == half_at(b.p + b.n - 4);
    return word_at(a.p) == word_at(b.p) && word_at(a.p + a.n - 8) == word_at(b.p + b.n - 8);
}

/* The slot that holds s, or the free one where it belongs. */
static uint32_t probe(const Atoms *a, Str s, uint64_t h) {
    uint32_t i = (uint32_t)h & a->mask;
    while (a->slot[i] != 0) {
        if (a->slot[i] >> 32 == h >> 32 && same_name(a->name[(uint32_t)a->slot[i]], s)) break;
        i = (i + 1) & a->mask;
    }
    return i;
}

static void grow(Atoms *a) {
    a->mask = a->mask * 2 + 1;
    free(a->slot);
    a->slot = wf_alloc_zero(((size_t)a->mask + 1) * sizeof *a->slot);
    for (uint32_t x = 1; x < a->n; x++) {
        uint64_t h = hash_name(a->name[x]);
        uint32_t i = (uint32_t)h & a->mask;
        while (a->slot[i] != 0) i = (i + 1) & a->mask;
        a->slot[i] = (h >> 32) << 32 | x;
    }
}

Atom atom_of(Atoms *a, Str s) {
    if (s.n == 0) return 0;
    uint64_t h = hash_name(s);
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
    return (Atom)a->slot[probe(a, s, hash_name(s))];
}
