#include "compiler/backend/emit/py_out.h"

#include "base/json.h"

#include <inttypes.h>

static bool shows(uint32_t c) {
    return (c >= 0x20 && c < 0x7F) || (c >= 0xA1 && c < 0xD800 && c != 0xAD && c != 0x61C && !(c >= 0x2000 && c <= 0x206F) && c != 0x3000) ||
           (c >= 0xE000 && c < 0xFE00) || (c >= 0x1F300 && c < 0x1FAF0);
}

/* One character inside quotes; newlines and quotes are the caller's. */
static size_t put_char(Buf *out, Str s, size_t i) {
    uint32_t c;
    unsigned n = utf8_decode(s.p + i, s.n - i, &c);
    if (n == 0) n = 1, c = 0xFFFD;
    if (c == '\\') buf_z(out, "\\\\");
    else if (shows(c)) buf_add(out, s.p + i, n);
    else if (c == '\t') buf_z(out, "\\t");
    else if (c == '\r') buf_z(out, "\\r");
    else if (c < 0x100) buf_printf(out, "\\x%02" PRIx32, c);
    else if (c < 0x10000) buf_printf(out, "\\u%04" PRIx32, c);
    else buf_printf(out, "\\U%08" PRIx32, c);
    return n;
}

/* How many characters from i on stand for themselves in either form of literal. */
static size_t plain_run(Str s, size_t i) {
    size_t from = i;
    while (i < s.n && s.p[i] >= ' ' && s.p[i] < 0x7F && s.p[i] != '"' && s.p[i] != '\\') i++;
    return i - from;
}

void py_string(Buf *out, Str s) {
    buf_addc(out, '"');
    for (size_t i = 0; i < s.n;) {
        size_t run = plain_run(s, i);
        buf_add(out, s.p + i, run);
        i += run;
        if (i == s.n) break;
        if (s.p[i] == '"' || s.p[i] == '\n') {
            buf_z(out, s.p[i] == '"' ? "\\\"" : "\\n");
            i++;
        } else
            i += put_char(out, s, i);
    }
    buf_addc(out, '"');
}

void py_block(Buf *out, Str s) {
    if (s.n == 0 || memchr(s.p, '\n', s.n) == NULL) {
        py_string(out, s);
        return;
    }
    buf_z(out, "\"\"\"\\\n");
    unsigned quotes = 0;
    for (size_t i = 0; i < s.n;) {
        if (s.p[i] == '"') {
            /* The third of a run would end the literal, as would one at the very end. */
            if (++quotes == 3 || i + 1 == s.n) buf_addc(out, '\\'), quotes = 0;
            buf_addc(out, '"');
            i++;
            continue;
        }
        size_t run = plain_run(s, i);
        buf_add(out, s.p + i, run);
        i += run;
        quotes = 0;
        if (run > 0) continue;
        if (s.p[i] == '\n') {
            buf_addc(out, '\n');
            i++;
        } else if (s.p[i] == '\t') {
            buf_addc(out, '\t');
            i++;
        } else
            i += put_char(out, s, i);
    }
    buf_z(out, "\"\"\"");
}

static void put_value(Buf *out, JsonIn *j, JsonKind k);

static void put_elements(Buf *out, JsonIn *j) {
    buf_addc(out, '[');
    for (bool first = true; json_element(j); first = false) {
        if (!first) buf_z(out, ", ");
        put_value(out, j, json_next(j));
    }
    buf_addc(out, ']');
}

static void put_members(Buf *out, JsonIn *j) {
    Str key;
    buf_addc(out, '{');
    for (bool first = true; json_member(j, &key); first = false) {
        if (!first) buf_z(out, ", ");
        py_string(out, key);
        buf_z(out, ": ");
        put_value(out, j, json_next(j));
    }
    buf_addc(out, '}');
}

static void put_value(Buf *out, JsonIn *j, JsonKind k) {
    switch (k) {
    case JSON_ERROR: return;
    case JSON_NULL: buf_z(out, "None"); return;
    case JSON_TRUE: buf_z(out, "True"); return;
    case JSON_FALSE: buf_z(out, "False"); return;
    case JSON_INT: json_int(out, j->i); return;
    case JSON_FLOAT: json_double(out, j->f); return;
    case JSON_STRING: py_string(out, j->s); return;
    case JSON_ARRAY: put_elements(out, j); return;
    case JSON_OBJECT: put_members(out, j); return;
    }
}

void py_json(Buf *out, Str json) {
    JsonIn j = json_in(json);
    put_value(out, &j, json_next(&j));
    json_in_free(&j);
}
