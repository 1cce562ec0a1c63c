#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static WfOomHandler oom_handler;

void wf_set_oom_handler(WfOomHandler h) { oom_handler = h; }

static void *checked(void *p, size_t bytes) {
    if (p == NULL) {
        if (oom_handler != NULL) oom_handler(bytes);
        abort();
    }
    return p;
}

void *wf_alloc(size_t bytes) { return checked(malloc(bytes ? bytes : 1), bytes); }
void *wf_alloc_zero(size_t bytes) { return checked(calloc(1, bytes ? bytes : 1), bytes); }
void *wf_realloc(void *p, size_t bytes) { return checked(realloc(p, bytes ? bytes : 1), bytes); }

char *wf_strdup(const char *s) {
    size_t n = strlen(s) + 1;
    return memcpy(wf_alloc(n), s, n);
}

typedef struct ArenaChunk {
    struct ArenaChunk *older;
    size_t bytes; /* of the chunk's data */
    _Alignas(16) char data[];
} ArenaChunk;

enum { CHUNK_MIN = 4096, CHUNK_MAX = 1 << 20 };

void *arena_alloc(Arena *a, size_t bytes) {
    if (bytes > SIZE_MAX - sizeof(ArenaChunk) - 15) checked(NULL, bytes); /* rounding or the header would wrap around */
    size_t n = (bytes + 15) & ~(size_t)15;
    if (a->chunk == NULL || (size_t)(a->end - a->at) < n) {
        size_t size = a->chunk == NULL ? CHUNK_MIN : a->chunk->bytes * 2;
        if (size > CHUNK_MAX) size = CHUNK_MAX;
        if (size < n) size = n;
        ArenaChunk *c = wf_alloc(sizeof *c + size);
        c->older = a->chunk;
        c->bytes = size;
        a->chunk = c;
        a->at = c->data;
        a->end = c->data + size;
    }
    void *p = a->at;
    a->at += n;
    a->used += n;
    return p;
}

void *arena_alloc_zero(Arena *a, size_t bytes) { return memset(arena_alloc(a, bytes), 0, bytes); }

char *arena_strndup(Arena *a, const char *s, size_t n) {
    char *p = arena_alloc(a, n + 1);
    if (n > 0) memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

char *arena_printf(Arena *a, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1);
    if (n >= 0)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    else
        p[0] = '\0';
    va_end(again);
    return p;
}

void arena_reset(Arena *a) {
    ArenaChunk *c = a->chunk;
    a->used = 0;
    if (c == NULL) return;
    for (ArenaChunk *o = c->older, *next; o != NULL; o = next) {
        next = o->older;
        free(o);
    }
    c->older = NULL;
    a->at = c->data;
    a->end = c->data + c->bytes;
}

void arena_free(Arena *a) {
    for (ArenaChunk *c = a->chunk, *next; c != NULL; c = next) {
        next = c->older;
        free(c);
    }
    *a = ARENA_INIT;
}
