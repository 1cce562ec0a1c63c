/* The text of scalars, both ways. */
#include "runtime/value/rt.h"

#include "base/json.h"
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Days since 1970-01-01 of a proleptic Gregorian date and back, after Howard Hinnant's public-domain algorithms. */
static int64_t days_of(int64_t y, unsigned m, unsigned d) {
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400, doy = (153 * (int64_t)(m > 2 ? m - 3 : m + 9) + 2) / 5 + (int64_t)d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void date_of(int64_t days, int64_t *y, unsigned *m, unsigned *d) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097, yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    *d = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    *m = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    *y = yoe + era * 400 + (*m <= 2);
}

void rt_put_time(Buf *b, int64_t ms) {
    int64_t day = ms / 86400000, rest = ms % 86400000;
    if (rest < 0) rest += 86400000, day--;
    int64_t y;
    unsigned m, d;
    date_of(day, &y, &m, &d);
    buf_printf(b, "%04" PRId64 "-%02u-%02uT%02d:%02d:%02d.%03dZ", y, m, d, (int)(rest / 3600000), (int)(rest / 60000 % 60),
               (int)(rest / 1000 % 60), (int)(rest % 1000));
}

void rt_put_text(Buf *b, const RtTypes *t, uint32_t type, const RtWord *w) {
    const RtType *y = rt_type(t, type);
    switch ((RtKind)y->kind) {
    case RT_NOTHING: return;
    case RT_BOOL: buf_z(b, w->i ? "true" : "false"); return;
    case RT_INT: buf_printf(b, "%" PRId64, w->i); return;
    case RT_FLOAT: {
        char text[32];
        buf_add(b, text, format_double(w->f, text));
        return;
    }
    case RT_STRING: case RT_JSON: case RT_SECRET: buf_str(b, rt_str(w->p)); return;
    case RT_DURATION: put_duration(b, w->i); return;
    case RT_SIZE: put_size(b, w->i); return;
    case RT_TIME: rt_put_time(b, w->i); return;
    case RT_ENUM: buf_z(b, t->field[y->first + (uint32_t)w->i].name); return;
    case RT_FILE: case RT_DIR: buf_str(b, rt_str(((const RtFile *)w->p)->name)); return;
    case RT_OPT:
        if (rt_some(t, type, w)) rt_put_text(b, t, y->inner, w);
        return;
    case RT_STRUCT: case RT_LIST: case RT_MAP: rt_put_json(b, t, type, w, &(RtEncode){.mode = RT_JSON_DATA}); return;
    }
}

RtText *rt_text(Rt *rt, uint32_t type, const RtWord *value) {
    const RtType *y = rt_type(rt->types, type);
    if (y->kind == RT_STRING || y->kind == RT_JSON) return value->p;
    Buf b = BUF_INIT;
    rt_put_text(&b, rt->types, type, value);
    RtText *r = rt_new_text(rt, buf_view(&b));
    buf_free(&b);
    return r;
}

RtText *rt_concat(Rt *rt, RtText *const *parts, uint64_t n) {
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < n; i++) bytes += parts[i]->n;
    RtText *r = rt_scratch(rt, sizeof *r + bytes + 1);
    r->obj = (RtObj){0};
    r->n = bytes;
    char *at = r->s;
    for (uint64_t i = 0; i < n; i++) {
        memcpy(at, parts[i]->s, parts[i]->n);
        at += parts[i]->n;
    }
    *at = '\0';
    return r;
}

/* Reads digits (with '_' between them) from *at on; false when there are none or they exceed uint64. */
static bool digits(Str s, size_t *at, uint64_t *out) {
    size_t from = *at;
    uint64_t v = 0;
    while (*at < s.n && (isdigit((unsigned char)s.p[*at]) || (s.p[*at] == '_' && *at > from))) {
        if (s.p[*at] != '_' &&
            (__builtin_mul_overflow(v, UINT64_C(10), &v) || __builtin_add_overflow(v, (uint64_t)(s.p[*at] - '0'), &v)))
            return false;
        ++*at;
    }
    *out = v;
    return *at > from && s.p[*at - 1] != '_';
}

static bool signed_of(uint64_t v, bool minus, int64_t *out) {
    if (v > (uint64_t)INT64_MAX + (minus ? 1 : 0)) return false;
    *out = minus ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

bool rt_read_int(Str s, int64_t *out) {
    size_t at = 0;
    uint64_t v;
    bool minus = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (minus || s.p[0] == '+')) at = 1;
    return digits(s, &at, &v) && at == s.n && signed_of(v, minus, out);
}

bool rt_read_float(Str s, double *out) {
    char text[400];
    if (s.n == 0 || s.n >= sizeof text) return false;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '_' && i > 0 && isdigit((unsigned char)s.p[i - 1])) continue;
        /* Decimal only: strtod would also take hexadecimal, "inf", "nan" and blanks. */
        if (!isdigit((unsigned char)c) && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E') return false;
        text[n++] = c;
    }
    text[n] = '\0';
    char *end;
    *out = strtod(text, &end);
    return n > 0 && *end == '\0' && isfinite(*out);
}

static bool unit_at(Str s, size_t *at, const Unit *units, int n, int64_t *factor) {
    size_t from = *at;
    while (*at < s.n && isalpha((unsigned char)s.p[*at])) ++*at;
    Str name = {s.p + from, *at - from};
    for (int i = 0; i < n; i++)
        if (str_is(name, units[i].name)) {
            *factor = units[i].factor;
            return true;
        }
    return false;
}

bool rt_read_duration(Str s, int64_t *ms) {
    size_t at = 0;
    bool minus = s.n > 0 && s.p[0] == '-';
    if (minus) at = 1;
    uint64_t sum = 0, v;
    int64_t factor, last = INT64_MAX;
    if (at == s.n) return false;
    while (at < s.n) { /* units fall, so that "1m1h" is not a duration */
        if (!digits(s, &at, &v) || !unit_at(s, &at, duration_units, NUNITS_DURATION, &factor) || factor >= last) return false;
        if (__builtin_mul_overflow(v, (uint64_t)factor, &v) || __builtin_add_overflow(sum, v, &sum)) return false;
        last = factor;
    }
    return signed_of(sum, minus, ms);
}

bool rt_read_size(Str s, int64_t *bytes) {
    size_t at = 0;
    bool minus = s.n > 0 && s.p[0] == '-';
    if (minus) at = 1;
    uint64_t v;
    int64_t factor;
    return digits(s, &at, &v) && unit_at(s, &at, size_units, NUNITS_SIZE, &factor) && at == s.n &&
           !__builtin_mul_overflow(v, (uint64_t)factor, &v) && signed_of(v, minus, bytes);
}

/* Reads exactly n digits. */
static bool fixed(Str s, size_t *at, unsigned n, unsigned *out) {
    unsigned v = 0;
    for (unsigned i = 0; i < n; i++, ++*at) {
        if (*at >= s.n || !isdigit((unsigned char)s.p[*at])) return false;
        v = v * 10 + (unsigned)(s.p[*at] - '0');
    }
    *out = v;
    return true;
}

static bool is_at(Str s, size_t *at, const char *any) {
    if (*at >= s.n || strchr(any, s.p[*at]) == NULL) return false;
    ++*at;
    return true;
}

static bool offset_at(Str s, size_t *at, int64_t *minutes) {
    *minutes = 0;
    if (is_at(s, at, "Zz")) return true;
    bool minus = *at < s.n && s.p[*at] == '-';
    unsigned h, m;
    if (!is_at(s, at, "+-") || !fixed(s, at, 2, &h) || !is_at(s, at, ":") || !fixed(s, at, 2, &m) || h > 23 || m > 59) return false;
    *minutes = (minus ? -1 : 1) * (int64_t)(h * 60 + m);
    return true;
}

bool rt_read_time(Str s, int64_t *ms) {
    size_t at = 0;
    unsigned y, mo, d, h, mi, sec, milli = 0;
    int64_t offset;
    if (!fixed(s, &at, 4, &y) || !is_at(s, &at, "-") || !fixed(s, &at, 2, &mo) || !is_at(s, &at, "-") || !fixed(s, &at, 2, &d) ||
        !is_at(s, &at, "Tt ") || !fixed(s, &at, 2, &h) || !is_at(s, &at, ":") || !fixed(s, &at, 2, &mi) || !is_at(s, &at, ":") ||
        !fixed(s, &at, 2, &sec))
        return false;
    if (is_at(s, &at, ".")) {
        unsigned digit, scale = 100;
        if (!fixed(s, &at, 1, &digit)) return false;
        do {
            milli += digit * scale;
            scale /= 10;
        } while (fixed(s, &at, 1, &digit));
    }
    if (!offset_at(s, &at, &offset) || at != s.n) return false;
    static const unsigned char length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (mo < 1 || mo > 12 || d < 1 || h > 23 || mi > 59 || sec > 59) return false;
    bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    if (d > (unsigned)length[mo - 1] + (mo == 2 && leap ? 1 : 0)) return false;
    *ms = (days_of(y, mo, d) * 1440 + h * 60 + mi - offset) * 60000 + sec * 1000 + milli;
    return true;
}

int64_t rt_read_enum(const RtTypes *t, uint32_t type, Str s) {
    const RtType *y = rt_type(t, type);
    for (uint32_t i = 0; i < y->n; i++) {
        const RtField *f = &t->field[y->first + i];
        if (str_is(s, f->name) || (f->foreign != NULL && str_is(s, f->foreign))) return i;
    }
    return -1;
}

static void put_members(Buf *b, const RtTypes *t, uint32_t type) {
    const RtType *y = rt_type(t, type);
    for (uint32_t i = 0; i < y->n; i++) buf_printf(b, "%s%s", i > 0 ? ", " : "", t->field[y->first + i].name);
}

/* "expected X, got "text"", with the members of an enum. */
bool rt_read_secret(Rt *rt, Str s, RtWord *out) {
    if (!str_is_name(s))
        return rt_error(rt, "expected the name of a secret, such as api_token: its value is the variable WFC_SECRET_API_TOKEN");
    out->p = rt_new_text(rt, s);
    return true;
}

static bool wrong_text(Rt *rt, uint32_t type, const char *example, Str s) {
    Buf b = BUF_INIT, quoted = BUF_INIT;
    buf_printf(&b, "expected %s", rt_type(rt->types, type)->name);
    if (rt_type(rt->types, type)->kind == RT_ENUM) {
        buf_z(&b, " (");
        put_members(&b, rt->types, type);
        buf_z(&b, ")");
    } else if (example != NULL)
        buf_printf(&b, " such as %s", example);
    json_string(&quoted, s.n > 80 ? (Str){s.p, 80} : s);
    rt_error(rt, "%s, got %s", buf_cstr(&b), buf_cstr(&quoted));
    buf_free(&b);
    buf_free(&quoted);
    return false;
}

bool rt_read_text(Rt *rt, uint32_t type, Str s, RtWord *out) {
    const RtType *y = rt_type(rt->types, type);
    switch ((RtKind)y->kind) {
    case RT_NOTHING:
        return rt_error(rt, "no value is expected");
    case RT_BOOL:
        if (!str_is(s, "true") && !str_is(s, "false")) return wrong_text(rt, type, "true or false", s);
        out->i = str_is(s, "true");
        return true;
    case RT_INT:
        return rt_read_int(s, &out->i) || wrong_text(rt, type, "42", s);
    case RT_FLOAT:
        return rt_read_float(s, &out->f) || wrong_text(rt, type, "0.3", s);
    case RT_DURATION:
        return rt_read_duration(s, &out->i) || wrong_text(rt, type, "30s or 1h30m", s);
    case RT_SIZE:
        return rt_read_size(s, &out->i) || wrong_text(rt, type, "512MiB or 16GB", s);
    case RT_TIME:
        return rt_read_time(s, &out->i) || wrong_text(rt, type, "2026-01-31T12:00:00Z", s);
    case RT_ENUM:
        out->i = rt_read_enum(rt->types, type, s);
        return out->i >= 0 || wrong_text(rt, type, NULL, s);
    case RT_SECRET:
        return rt_read_secret(rt, s, out);
    case RT_STRING:
        if (utf8_valid(s.p, s.n) != s.n) return rt_error(rt, "the text is not valid UTF-8 at byte %zu", utf8_valid(s.p, s.n));
        out->p = rt_new_text(rt, s);
        return true;
    case RT_FILE: case RT_DIR:
        if (rt->file == NULL) return rt_error(rt, "no file can be given here");
        out->p = rt->file(rt, type, s, (Str){0});
        return out->p != NULL;
    case RT_OPT:
        memset(out, 0, y->words * sizeof *out);
        if (str_is(s, "none") && rt_type(rt->types, y->inner)->kind != RT_STRING) return true;
        if (!rt_read_text(rt, y->inner, s, out)) return false;
        if (!y->pointer) out[y->words - 1].i = 1;
        return true;
    case RT_JSON: case RT_STRUCT: case RT_LIST: case RT_MAP:
        return rt_read_json(rt, type, s, out);
    }
    return false;
}
