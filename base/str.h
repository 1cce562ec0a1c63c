/* String slices and a growable text buffer. */
#ifndef WF_BASE_STR_H
#define WF_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Borrowed bytes, not NUL-terminated. */
typedef struct Str {
    const char *p;
    size_t n;
} Str;

#define STR(lit) ((Str){"" lit, sizeof(lit) - 1})
static inline Str str_of(const char *z) { return (Str){z, z ? strlen(z) : 0}; }
static inline bool str_eq(Str a, Str b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }
static inline bool str_is(Str a, const char *z) { return str_eq(a, str_of(z)); }
/* Whether it is a name as values of the language have: [a-z][a-z0-9_]*, up to 63 characters. */
static inline bool str_is_name(Str a) {
    bool name = a.n > 0 && a.n <= 63 && a.p[0] >= 'a' && a.p[0] <= 'z';
    for (size_t i = 1; name && i < a.n; i++)
        name = (a.p[i] >= 'a' && a.p[i] <= 'z') || (a.p[i] >= '0' && a.p[i] <= '9') || a.p[i] == '_';
    return name;
}
static inline bool str_starts(Str a, Str prefix) { return a.n >= prefix.n && memcmp(a.p, prefix.p, prefix.n) == 0; }
static inline bool str_ends(Str a, Str suffix) {
    return a.n >= suffix.n && memcmp(a.p + a.n - suffix.n, suffix.p, suffix.n) == 0;
}
/* Byte order, as memcmp; a prefix sorts first. */
int str_cmp(Str a, Str b);
/* printf arguments of a slice: printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).n, (s).p

/* A text under construction; zero-initialised is empty. p is NUL-terminated once anything was added. */
typedef struct Buf {
    char *p;
    size_t n, cap;
} Buf;

#define BUF_INIT ((Buf){0})

void buf_add(Buf *b, const char *p, size_t n);
void buf_addc(Buf *b, char c);
void buf_pad(Buf *b, char c, size_t n); /* n times c */
void buf_printf(Buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(Buf *b, const char *fmt, va_list ap);
static inline void buf_str(Buf *b, Str s) { buf_add(b, s.p, s.n); }
static inline void buf_z(Buf *b, const char *z) { buf_add(b, z, strlen(z)); }
/* The text as a NUL-terminated string; "" when empty. Valid until the next change. */
const char *buf_cstr(Buf *b);
static inline Str buf_view(const Buf *b) { return (Str){b->p, b->n}; }
void buf_clear(Buf *b); /* empty, memory kept */
void buf_free(Buf *b);

/* The shortest decimal text that reads back as the same double, in Python's repr layout ("0.1", "1e+16", "2.0").
   Finite values only. Writes at most 32 bytes with the NUL and returns the length. */
size_t format_double(double v, char out[32]);

/* The edit distance of Damerau and Levenshtein with adjacent transpositions ("optimal string alignment"), or cap + 1 when
   it exceeds cap. O(a.n * b.n); names longer than 63 bytes count as too far. */
unsigned edit_distance(Str a, Str b, unsigned cap);

/* Decodes the UTF-8 code point at p[0..n), n > 0. Returns its length in bytes, or 0 if the bytes there are not valid UTF-8
   (overlong forms, surrogates and values above U+10FFFF are not). */
unsigned utf8_decode(const char *p, size_t n, uint32_t *cp);
/* Encodes cp (a valid scalar value) and returns the length, 1 to 4. */
unsigned utf8_encode(uint32_t cp, char out[4]);
/* Offset of the first byte that is not valid UTF-8, or n when all are. O(n). */
size_t utf8_valid(const char *p, size_t n);
/* The number of code points of valid UTF-8. O(n). */
size_t utf8_count(const char *p, size_t n);
/* Terminal columns of the text: 0 for combining marks, 2 for wide East Asian characters and emoji, else 1. */
size_t utf8_width(const char *p, size_t n);

#ifdef __cplusplus
}
#endif

#endif
