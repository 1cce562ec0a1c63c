#include "base/str.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

int str_cmp(Str a, Str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

static void buf_room(Buf *b, size_t n) {
    if (b->cap - b->n > n) return; /* one byte stays for the NUL */
    size_t want = b->n + n + 1, cap = b->cap * 2;
    if (cap < want) cap = want;
    if (cap < 64) cap = 64;
    b->p = wf_realloc(b->p, cap);
    b->cap = cap;
}

void buf_add(Buf *b, const char *p, size_t n) {
    buf_room(b, n);
    if (n > 0) memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void buf_addc(Buf *b, char c) {
    buf_room(b, 1);
    b->p[b->n++] = c;
    b->p[b->n] = '\0';
}

void buf_pad(Buf *b, char c, size_t n) {
    buf_room(b, n);
    memset(b->p + b->n, c, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void buf_vprintf(Buf *b, const char *fmt, va_list ap) {
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n > 0) {
        buf_room(b, (size_t)n);
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void buf_printf(Buf *b, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

const char *buf_cstr(Buf *b) {
    if (b->p == NULL) buf_room(b, 0);
    b->p[b->n] = '\0';
    return b->p;
}

void buf_clear(Buf *b) {
    b->n = 0;
    if (b->p != NULL) b->p[0] = '\0';
}

void buf_free(Buf *b) {
    free(b->p);
    *b = BUF_INIT;
}

size_t format_double(double v, char out[32]) {
    char digits[32];
    int precision = 1;
    do snprintf(digits, sizeof digits, "%.*e", precision - 1, v);
    while (strtod(digits, NULL) != v && ++precision <= 17);
    /* digits is [-]d[.ddd]e[+-]xx; Python's repr writes the exponent form below 1e-4 and from 1e16 on. */
    char *e = strchr(digits, 'e');
    int exponent = atoi(e + 1);
    if (exponent >= -4 && exponent < 16) {
        int decimals = precision - 1 - exponent;
        return (size_t)snprintf(out, 32, "%.*f", decimals > 1 ? decimals : 1, v);
    }
    *e = '\0';
    return (size_t)snprintf(out, 32, "%se%c%02d", digits, exponent < 0 ? '-' : '+', abs(exponent));
}

unsigned edit_distance(Str a, Str b, unsigned cap) {
    enum { MAX = 63 };
    if (a.n > MAX || b.n > MAX) return cap + 1;
    unsigned row[3][MAX + 1]; /* rows i-2, i-1, i in turn */
    for (size_t j = 0; j <= b.n; j++) row[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++) {
        unsigned *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            unsigned d = up[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            if (up[j] + 1 < d) d = up[j] + 1;
            if (now[j - 1] + 1 < d) d = now[j - 1] + 1;
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] && up2[j - 2] + 1 < d)
                d = up2[j - 2] + 1;
            now[j] = d;
        }
    }
    unsigned d = row[a.n % 3][b.n];
    return d > cap ? cap + 1 : d;
}

unsigned utf8_decode(const char *s, size_t n, uint32_t *cp) {
    const unsigned char *p = (const unsigned char *)s;
    if (p[0] < 0x80) return *cp = p[0], 1;
    unsigned len = p[0] >= 0xC2 && p[0] <= 0xDF ? 2 : p[0] >= 0xE0 && p[0] <= 0xEF ? 3 : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4 : 0;
    if (len == 0 || len > n) return 0;
    uint32_t v = p[0] & (0xFFu >> (len + 1));
    for (unsigned i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        v = v << 6 | (p[i] & 0x3Fu);
    }
    if ((len == 3 && v < 0x800) || (len == 4 && v < 0x10000) || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF)) return 0;
    *cp = v;
    return len;
}

unsigned utf8_encode(uint32_t cp, char out[4]) {
    if (cp < 0x80) return out[0] = (char)cp, 1;
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

size_t utf8_valid(const char *p, size_t n) {
    size_t i = 0;
    while (i < n) {
        uint64_t word;
        if (i + 8 <= n && (memcpy(&word, p + i, 8), (word & 0x8080808080808080u) == 0)) {
            i += 8;
            continue;
        }
        uint32_t cp;
        unsigned len = utf8_decode(p + i, n - i, &cp);
        if (len == 0) return i;
        i += len;
    }
    return n;
}

size_t utf8_count(const char *p, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += ((unsigned char)p[i] & 0xC0) != 0x80;
    return count;
}

/* Blocks of Unicode 15 that matter in practice; ambiguous characters count as narrow. */
static unsigned width_of(uint32_t c) {
    static const uint32_t zero[][2] = {{0x300, 0x36F}, {0x483, 0x489}, {0x591, 0x5BD}, {0x610, 0x61A}, {0x64B, 0x65F},
        {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
    static const uint32_t wide[][2] = {{0x1100, 0x115F}, {0x231A, 0x231B}, {0x2E80, 0x303E}, {0x3041, 0x33FF},
        {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xA000, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},
        {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
    for (size_t i = 0; i < sizeof zero / sizeof *zero; i++)
        if (c >= zero[i][0] && c <= zero[i][1]) return 0;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (c >= wide[i][0] && c <= wide[i][1]) return 2;
    return 1;
}

size_t utf8_width(const char *p, size_t n) {
    size_t w = 0;
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        unsigned len = utf8_decode(p + i, n - i, &cp);
        w += len == 0 ? 1 : cp < 0x300 ? 1 : width_of(cp);
        i += len == 0 ? 1 : len;
    }
    return w;
}
