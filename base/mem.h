/* Allocation that cannot return NULL, and the arena most of the compiler lives in. */
#ifndef WF_BASE_MEM_H
#define WF_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

/* malloc, realloc and strdup that never return NULL: when memory is exhausted they call the handler set by
   wf_set_oom_handler, and abort if it returns. The result is freed with free(). */
void *wf_alloc(size_t bytes);
void *wf_alloc_zero(size_t bytes);
void *wf_realloc(void *p, size_t bytes);
char *wf_strdup(const char *s);

typedef void (*WfOomHandler)(size_t bytes);
void wf_set_oom_handler(WfOomHandler h);

/* A region of memory released as a whole. Chunks double up to 1 MiB, so n allocations cost O(n) and waste less than
   half. Not thread-safe. */
typedef struct Arena {
    struct ArenaChunk *chunk; /* newest chunk, or NULL */
    char *at, *end;           /* free part of the newest chunk */
    size_t used;              /* bytes handed out */
} Arena;

#define ARENA_INIT ((Arena){0})

/* Memory of `bytes` bytes aligned to 16, not zeroed, valid until arena_free or arena_reset. */
void *arena_alloc(Arena *a, size_t bytes);
void *arena_alloc_zero(Arena *a, size_t bytes);
/* A NUL-terminated copy of s[0..n). */
char *arena_strndup(Arena *a, const char *s, size_t n);
/* printf into the arena; the result is NUL-terminated. */
char *arena_printf(Arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Forgets all allocations but keeps the newest chunk, so that a loop of reset and alloc costs no malloc. */
void arena_reset(Arena *a);
void arena_free(Arena *a);

#define ARENA_NEW(a, T) ((T *)arena_alloc_zero((a), sizeof(T)))
#define ARENA_ARRAY(a, T, n) ((T *)arena_alloc_zero((a), sizeof(T) * (size_t)(n)))

#endif
