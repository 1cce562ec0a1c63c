#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void json_string(Buf *b, Str s) {
    buf_addc(b, '"');
    size_t from = 0;
    for (size_t i = 0; i < s.n;) {
        unsigned char c = (unsigned char)s.p[i];
        uint32_t cp;
        unsigned len = c < 0x80 ? 1 : utf8_decode(s.p + i, s.n - i, &cp);
        /* U+007F and U+2028/9 are legal JSON and are kept. */
        if (len > 0 && c >= 0x20 && c != '"' && c != '\\') {
            i += len;
            continue;
        }
        buf_add(b, s.p + from, i - from);
        if (len == 0)
            buf_z(b, "\xEF\xBF\xBD");
        else if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else if (c == '\n')
            buf_z(b, "\\n");
        else if (c == '\r')
            buf_z(b, "\\r");
        else if (c == '\t')
            buf_z(b, "\\t");
        else
            buf_printf(b, "\\u%04x", c);
        from = ++i;
    }
    buf_add(b, s.p + from, s.n - from);
    buf_addc(b, '"');
}

void json_int(Buf *b, int64_t v) { buf_printf(b, "%" PRId64, v); }

void json_double(Buf *b, double v) {
    char text[32];
    buf_add(b, text, format_double(v, text));
}

JsonOut json_open(Buf *b, char open) {
    buf_addc(b, open);
    return (JsonOut){b, false, open == '{' ? '}' : ']'};
}

void json_item(JsonOut *j) {
    if (j->some) buf_addc(j->b, ',');
    j->some = true;
}

void json_key_str(JsonOut *j, Str key) {
    json_item(j);
    json_string(j->b, key);
    buf_addc(j->b, ':');
}

void json_key(JsonOut *j, const char *key) { json_key_str(j, str_of(key)); }

void json_close(JsonOut *j) { buf_addc(j->b, j->close); }

enum { DEPTH_MAX = 512 };

JsonIn json_in(Str text) { return (JsonIn){.text = text}; }

void json_in_free(JsonIn *j) { buf_free(&j->scratch); }

static JsonKind bad(JsonIn *j, const char *why) {
    if (j->error == NULL) j->error = why;
    return JSON_ERROR;
}

static int peek(const JsonIn *j) { return j->at < j->text.n ? (unsigned char)j->text.p[j->at] : -1; }

static void blanks(JsonIn *j) {
    int c;
    while ((c = peek(j)) == ' ' || c == '\t' || c == '\n' || c == '\r') j->at++;
}

static bool hex4(JsonIn *j, uint32_t *out) {
    uint32_t v = 0;
    for (int i = 0; i < 4; i++, j->at++) {
        int c = peek(j);
        if (c >= '0' && c <= '9')
            v = v * 16 + (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            v = v * 16 + (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return bad(j, "a \\u escape takes four hexadecimal digits"), false;
    }
    return *out = v, true;
}

static bool escape(JsonIn *j) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c = peek(j);
    if (c >= 0) j->at++;
    const char *hit = c > 0 ? strchr(from, c) : NULL;
    if (hit != NULL) return buf_addc(&j->scratch, to[hit - from]), true;
    if (c != 'u') return bad(j, "unknown escape in a string"), false;
    uint32_t v, low;
    if (!hex4(j, &v)) return false;
    if (v >= 0xDC00 && v <= 0xDFFF) return bad(j, "half of a surrogate pair"), false;
    if (v >= 0xD800 && v <= 0xDBFF) {
        if (peek(j) != '\\' || j->at + 1 >= j->text.n || j->text.p[j->at + 1] != 'u')
            return bad(j, "half of a surrogate pair"), false;
        j->at += 2;
        if (!hex4(j, &low)) return false;
        if (low < 0xDC00 || low > 0xDFFF) return bad(j, "half of a surrogate pair"), false;
        v = 0x10000 + ((v - 0xD800) << 10) + (low - 0xDC00);
    }
    char utf8[4];
    buf_add(&j->scratch, utf8, utf8_encode(v, utf8));
    return true;
}

static bool string(JsonIn *j) {
    size_t from = ++j->at;
    bool copied = false;
    for (;;) {
        int c = peek(j);
        if (c < 0) return bad(j, "a string without its closing quote"), false;
        if (c < 0x20) return bad(j, "a control character in a string"), false;
        if (c == '"') break;
        if (c == '\\') {
            if (!copied) buf_clear(&j->scratch), copied = true;
            buf_add(&j->scratch, j->text.p + from, j->at - from);
            j->at++;
            if (!escape(j)) return false;
            from = j->at;
            continue;
        }
        uint32_t cp;
        unsigned len = c < 0x80 ? 1 : utf8_decode(j->text.p + j->at, j->text.n - j->at, &cp);
        if (len == 0) return bad(j, "bytes that are not UTF-8"), false;
        j->at += len;
    }
    if (copied) {
        buf_add(&j->scratch, j->text.p + from, j->at - from);
        j->s = buf_view(&j->scratch);
    } else {
        j->s = (Str){j->text.p + from, j->at - from};
    }
    j->at++;
    return true;
}

static JsonKind number(JsonIn *j) {
    size_t from = j->at;
    bool whole = true;
    if (peek(j) == '-') j->at++;
    if (peek(j) == '0')
        j->at++;
    else if (peek(j) >= '1' && peek(j) <= '9')
        while (peek(j) >= '0' && peek(j) <= '9') j->at++;
    else
        return bad(j, "not a JSON value");
    if (peek(j) == '.') {
        whole = false;
        j->at++;
        if (peek(j) < '0' || peek(j) > '9') return bad(j, "a digit must follow the decimal point");
        while (peek(j) >= '0' && peek(j) <= '9') j->at++;
    }
    if (peek(j) == 'e' || peek(j) == 'E') {
        whole = false;
        j->at++;
        if (peek(j) == '+' || peek(j) == '-') j->at++;
        if (peek(j) < '0' || peek(j) > '9') return bad(j, "a digit must follow the exponent's sign");
        while (peek(j) >= '0' && peek(j) <= '9') j->at++;
    }
    /* The text may end right here without a NUL: convert from a copy. */
    size_t n = j->at - from;
    char small[64], *copy = n < sizeof small ? small : malloc(n + 1);
    if (copy == NULL) return bad(j, "a number too long to read");
    memcpy(copy, j->text.p + from, n);
    copy[n] = '\0';
    errno = 0;
    JsonKind kind = JSON_FLOAT;
    if (whole) {
        j->i = strtoll(copy, NULL, 10);
        if (errno == 0) kind = JSON_INT;
    }
    j->f = kind == JSON_INT ? (double)j->i : strtod(copy, NULL);
    if (copy != small) free(copy);
    if (j->f - j->f != 0) return bad(j, "a number out of the range of a double");
    return kind;
}

JsonKind json_next(JsonIn *j) {
    if (j->error != NULL) return JSON_ERROR;
    blanks(j);
    int c = peek(j);
    static const struct {
        const char *word;
        JsonKind kind;
    } words[] = {{"null", JSON_NULL}, {"true", JSON_TRUE}, {"false", JSON_FALSE}};
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i].word);
        if (c == words[i].word[0] && j->text.n - j->at >= n && memcmp(j->text.p + j->at, words[i].word, n) == 0) {
            j->at += n;
            return words[i].kind;
        }
    }
    switch (c) {
    case -1: return bad(j, "the text ends where a value is expected");
    case '"': return string(j) ? JSON_STRING : JSON_ERROR;
    case '{':
    case '[':
        if (++j->depth > DEPTH_MAX) return bad(j, "nested more than 512 deep");
        j->at++;
        j->first = true;
        return c == '{' ? JSON_OBJECT : JSON_ARRAY;
    default: return number(j);
    }
}

/* Steps over the comma before the next part of an object or array; false at its closer or on an error. */
static bool part(JsonIn *j, char close) {
    if (j->error != NULL) return false;
    blanks(j);
    int c = peek(j);
    bool first = j->first;
    j->first = false;
    if (c == close) {
        j->at++;
        j->depth--;
        return false;
    }
    if (first) return true;
    if (c != ',') return bad(j, close == '}' ? "expected ',' or '}'" : "expected ',' or ']'"), false;
    j->at++;
    return true;
}

bool json_element(JsonIn *j) { return part(j, ']'); }

bool json_member(JsonIn *j, Str *key) {
    if (!part(j, '}')) return false;
    blanks(j);
    if (peek(j) != '"') return bad(j, "a member's name must be a string"), false;
    if (!string(j)) return false;
    *key = j->s;
    blanks(j);
    if (peek(j) != ':') return bad(j, "expected ':' after a member's name"), false;
    j->at++;
    return true;
}

bool json_skip(JsonIn *j) {
    /* Iterative: the bits of a stack of openers, objects as 1. */
    uint64_t stack[DEPTH_MAX / 64 + 1] = {0};
    unsigned base = j->depth;
    for (;;) {
        JsonKind k = json_next(j);
        if (k == JSON_ERROR) return false;
        if (k == JSON_OBJECT)
            stack[j->depth / 64] |= (uint64_t)1 << j->depth % 64;
        else if (k == JSON_ARRAY)
            stack[j->depth / 64] &= ~((uint64_t)1 << j->depth % 64);
        for (;;) {
            if (j->depth == base) return true;
            Str key;
            bool object = stack[j->depth / 64] >> j->depth % 64 & 1;
            if (object ? json_member(j, &key) : json_element(j)) break;
            if (j->error != NULL) return false;
        }
    }
}

bool json_end(JsonIn *j) {
    if (j->error != NULL) return false;
    blanks(j);
    if (j->at < j->text.n) bad(j, "text after the end of the value");
    return j->error == NULL;
}

bool json_minify(Str text, Buf *out, const char **error, size_t *at) {
    JsonIn j = json_in(text);
    bool object[DEPTH_MAX + 1];
    bool fresh[DEPTH_MAX + 1];
    for (;;) {
        size_t from;
        blanks(&j);
        from = j.at;
        JsonKind k = json_next(&j);
        if (k == JSON_ERROR) break;
        if (k == JSON_STRING)
            json_string(out, j.s);
        else if (k == JSON_OBJECT || k == JSON_ARRAY) {
            object[j.depth] = k == JSON_OBJECT;
            fresh[j.depth] = true;
            buf_addc(out, k == JSON_OBJECT ? '{' : '[');
        } else if (k == JSON_INT)
            json_int(out, j.i);
        else if (k == JSON_FLOAT && isfinite(j.f))
            json_double(out, j.f);
        else
            buf_add(out, text.p + from, j.at - from);
        bool more = false;
        while (!more && j.error == NULL && j.depth > 0) {
            unsigned d = j.depth;
            Str key;
            more = object[d] ? json_member(&j, &key) : json_element(&j);
            if (more) {
                if (!fresh[d]) buf_addc(out, ',');
                fresh[d] = false;
                if (object[d]) {
                    json_string(out, key);
                    buf_addc(out, ':');
                }
            } else if (j.error == NULL) {
                buf_addc(out, object[d] ? '}' : ']');
            }
        }
        if (!more) break;
    }
    bool ok = json_end(&j);
    *error = j.error;
    *at = j.at;
    json_in_free(&j);
    return ok;
}
