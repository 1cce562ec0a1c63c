/* Hashing for tables: XXH3 of Yann Collet's xxHash, inlined. Not for content ids. */
#ifndef WF_BASE_HASH_H
#define WF_BASE_HASH_H

#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t hash_bytes(const void *p, size_t n) { return XXH3_64bits(p, n); }
/* Folds x into h; the finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
static inline uint64_t hash_mix(uint64_t h, uint64_t x) {
    uint64_t z = (h ^ x) + 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

#endif
