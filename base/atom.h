/* Interned names: equal texts have equal 32-bit atoms, so that names compare as integers. */
#ifndef WF_BASE_ATOM_H
#define WF_BASE_ATOM_H

#include "base/mem.h"
#include "base/str.h"

typedef uint32_t Atom; /* 0 is no name */

typedef struct Atoms {
    Arena text;
    Str *name;       /* by atom; name[0] is empty */
    uint32_t n, cap; /* of name */
    uint64_t *slot;  /* hash tag << 32 | atom; 0 is free; open addressing, linear probing */
    uint32_t mask;
} Atoms;

void atoms_init(Atoms *a);
void atoms_free(Atoms *a);
/* The atom of s; s is copied when new. Expected O(s.n). */
Atom atom_of(Atoms *a, Str s);
Atom atom_z(Atoms *a, const char *z);
/* The atom of s if it was interned before, else 0. */
Atom atom_find(const Atoms *a, Str s);
/* The text, NUL-terminated, valid until atoms_free. */
static inline Str atom_str(const Atoms *a, Atom x) { return a->name[x]; }
static inline const char *atom_cstr(const Atoms *a, Atom x) { return a->name[x].p; }

#endif
