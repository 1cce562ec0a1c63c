/* Growable arrays: VEC(T) declares one, zero-initialised is empty, vec_free releases it. Lengths are 32 bits, as every id is. */
#ifndef WF_BASE_VEC_H
#define WF_BASE_VEC_H

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define VEC(T)             \
    struct {               \
        T *data;           \
        uint32_t len, cap; \
    }

/* Makes room for n more elements; amortised O(1) per element. */
#define vec_reserve(v, n) \
    ((v)->data = vec_grow_((v)->data, (v)->len, &(v)->cap, (uint32_t)(n), sizeof *(v)->data))
#define vec_push(v, x) (vec_reserve(v, 1), (v)->data[(v)->len++] = (x))
#define vec_pop(v) ((v)->data[--(v)->len])
#define vec_last(v) ((v)->data[(v)->len - 1])
#define vec_append(v, src, n)                                                             \
    do {                                                                                  \
        uint32_t vec_n_ = (uint32_t)(n);                                                  \
        vec_reserve(v, vec_n_);                                                           \
        if (vec_n_) memcpy((v)->data + (v)->len, (src), sizeof *(v)->data * (size_t)vec_n_); \
        (v)->len += vec_n_;                                                               \
    } while (0)
#define vec_free(v) (free((v)->data), (v)->data = NULL, (v)->len = (v)->cap = 0)
#define vec_clear(v) ((v)->len = 0)

static inline void *vec_grow_(void *data, uint32_t len, uint32_t *cap, uint32_t more, size_t size) {
    if (*cap - len >= more) return data;
    uint64_t want = (uint64_t)len + more, next = *cap < 8 ? 8 : (uint64_t)*cap + *cap / 2;
    if (next < want) next = want;
    if (next > UINT32_MAX) abort(); /* ids are 32 bits; inputs are refused long before */
    *cap = (uint32_t)next;
    return wf_realloc(data, (size_t)next * size);
}

#endif
