/* Strings. Positions and lengths count code points. */
#include "runtime/value/lib.h"

#include "runtime/value/regex.h"

#include <openssl/sha.h>

bool lib_len_string(const LibCall *c) {
    Str s = lib_str(c->args);
    return c->out->i = (int64_t)utf8_count(s.p, s.n), true;
}

/* Where part stands in s from `from` on, or s.n. */
static size_t find(Str s, Str part, size_t from) {
    const char *hit = from <= s.n ? memmem(s.p + from, s.n - from, part.p, part.n) : NULL;
    return hit != NULL ? (size_t)(hit - s.p) : s.n;
}

bool lib_contains_string(const LibCall *c) {
    Str s = lib_str(c->args), part = lib_str(c->args + 1);
    return c->out->i = part.n == 0 || find(s, part, 0) < s.n, true;
}

static RtList *texts(const LibCall *c, uint64_t n) {
    RtList *l = rt_list(c->rt, c->types[0], n);
    c->out->p = l;
    return l;
}

bool lib_split(const LibCall *c) {
    Str s = lib_str(c->args), by = lib_str(c->args + 1);
    if (by.n == 0) return rt_error(c->rt, "`split` by an empty string");
    uint64_t n = 1, k = 0;
    for (size_t i = find(s, by, 0); i < s.n; i = find(s, by, i + by.n)) n++;
    RtList *l = texts(c, n);
    for (size_t from = 0;;) {
        size_t i = find(s, by, from);
        l->at[k++].p = rt_new_text(c->rt, (Str){s.p + from, i - from});
        if (k == n) return true;
        from = i + by.n;
    }
}

bool lib_lines(const LibCall *c) {
    Str s = lib_str(c->args);
    uint64_t n = 0, k = 0;
    for (size_t i = 0; i < s.n; i++) n += s.p[i] == '\n';
    if (s.n > 0 && s.p[s.n - 1] != '\n') n++;
    RtList *l = texts(c, n);
    for (size_t from = 0; k < n;) {
        size_t i = from;
        while (i < s.n && s.p[i] != '\n') i++;
        size_t end = i > from && s.p[i - 1] == '\r' ? i - 1 : i;
        l->at[k++].p = rt_new_text(c->rt, (Str){s.p + from, end - from});
        from = i + 1;
    }
    return true;
}

static bool take(const LibCall *c, Buf *b) {
    bool ok = lib_text(c, buf_view(b));
    buf_free(b);
    return ok;
}

bool lib_join(const LibCall *c) {
    const RtList *l = c->args[0].p;
    Str by = lib_str(c->args + 1);
    Buf b = BUF_INIT;
    for (uint64_t i = 0; i < l->n; i++) {
        if (i > 0) buf_str(&b, by);
        buf_str(&b, lib_str(l->at + i));
    }
    return take(c, &b);
}

static bool change_case(const LibCall *c, char from, char to, int by) {
    Str s = lib_str(c->args);
    RtText *t = rt_new_text(c->rt, s);
    for (uint64_t i = 0; i < t->n; i++)
        if (t->s[i] >= from && t->s[i] <= to) t->s[i] = (char)(t->s[i] + by);
    return c->out->p = t, true;
}
bool lib_lower(const LibCall *c) { return change_case(c, 'A', 'Z', 'a' - 'A'); }
bool lib_upper(const LibCall *c) { return change_case(c, 'a', 'z', 'A' - 'a'); }

static bool blank(char ch) { return ch == ' ' || (ch >= '\t' && ch <= '\r'); }

bool lib_trim(const LibCall *c) {
    Str s = lib_str(c->args);
    while (s.n > 0 && blank(s.p[0])) s.p++, s.n--;
    while (s.n > 0 && blank(s.p[s.n - 1])) s.n--;
    return lib_text(c, s);
}

bool lib_starts_with(const LibCall *c) { return c->out->i = str_starts(lib_str(c->args), lib_str(c->args + 1)), true; }
bool lib_ends_with(const LibCall *c) { return c->out->i = str_ends(lib_str(c->args), lib_str(c->args + 1)), true; }

bool lib_replace(const LibCall *c) {
    Str s = lib_str(c->args), old = lib_str(c->args + 1), new = lib_str(c->args + 2);
    if (old.n == 0) return rt_error(c->rt, "`replace` of an empty string");
    Buf b = BUF_INIT;
    for (size_t from = 0; from <= s.n;) {
        size_t i = find(s, old, from);
        buf_add(&b, s.p + from, i - from);
        if (i == s.n) break;
        buf_str(&b, new);
        from = i + old.n;
    }
    return take(c, &b);
}

bool lib_matches(const LibCall *c) {
    Buf why = BUF_INIT;
    int hit = regex_full_match(lib_str(c->args), lib_str(c->args + 1), &why);
    if (hit < 0) rt_error(c->rt, "`matches`: %s", buf_cstr(&why));
    buf_free(&why);
    return c->out->i = hit > 0, hit >= 0;
}

bool lib_extract(const LibCall *c) {
    Buf why = BUF_INIT;
    Str found;
    int hit = regex_find(lib_str(c->args), lib_str(c->args + 1), &found, &why);
    if (hit < 0) rt_error(c->rt, "`extract`: %s", buf_cstr(&why));
    buf_free(&why);
    c->out->p = hit > 0 ? rt_new_text(c->rt, found) : NULL;
    return hit >= 0;
}

bool lib_slice_string(const LibCall *c) {
    Str s = lib_str(c->args);
    int64_t from = c->args[1].i, to = c->args[2].i, at = 0;
    size_t i = 0, start = s.n;
    if (from < 0) from = 0;
    if (to < from) to = from;
    for (; i < s.n && at < to; at++) {
        if (at == from) start = i;
        do i++;
        while (i < s.n && ((unsigned char)s.p[i] & 0xC0) == 0x80);
    }
    if (start > i) start = i;
    return lib_text(c, (Str){s.p + start, i - start});
}

bool lib_repeated(const LibCall *c) {
    Str s = lib_str(c->args);
    int64_t n = c->args[1].i;
    if (n > 0 && s.n > 0 && (uint64_t)n > ((uint64_t)1 << 30) / s.n) return rt_error(c->rt, "`repeated`: the text would be longer than 1 GiB");
    Buf b = BUF_INIT;
    for (int64_t i = 0; i < n; i++) buf_str(&b, s);
    return take(c, &b);
}

bool lib_sha256(const LibCall *c) {
    Str s = lib_str(c->args);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)s.p, s.n, digest);
    Buf b = BUF_INIT;
    for (size_t i = 0; i < sizeof digest; i++) buf_printf(&b, "%02x", digest[i]);
    return take(c, &b);
}

static size_t last_slash(Str s) {
    size_t i = s.n;
    while (i > 0 && s.p[i - 1] != '/') i--;
    return i;
}

bool lib_basename(const LibCall *c) {
    Str s = lib_str(c->args);
    size_t i = last_slash(s);
    return lib_text(c, (Str){s.p + i, s.n - i});
}

bool lib_dirname(const LibCall *c) {
    Str s = lib_str(c->args);
    size_t i = last_slash(s);
    if (i == 0) return lib_text(c, STR("."));
    return lib_text(c, (Str){s.p, i == 1 ? 1 : i - 1});
}
