#include "compiler/backend/emit/yaml_out.h"

#include <inttypes.h>
#include <stdio.h>

YamlOut yaml_open(Buf *out) { return (YamlOut){.out = out}; }

static YamlLevel *top(YamlOut *y) { return y->depth > 0 ? &y->level[y->depth - 1] : NULL; }

void yaml_document(YamlOut *y) {
    if (y->out->n > 0 && y->out->p[y->out->n - 1] != '\n') buf_addc(y->out, '\n');
    buf_z(y->out, "---\n");
    y->after_key = y->after_dash = false;
}

static void new_line(YamlOut *y, int indent) {
    if (y->out->n > 0 && y->out->p[y->out->n - 1] != '\n') buf_addc(y->out, '\n');
    buf_pad(y->out, ' ', (size_t)indent);
}

/* What must stand before a value: a comma, "- ", a blank after the key. */
static void before_value(YamlOut *y, bool collection) {
    YamlLevel *l = top(y);
    if (l == NULL) return;
    if (l->flow) {
        if (l->list && l->some) buf_z(y->out, ", ");
        if (!l->list) buf_addc(y->out, ' ');
    } else if (l->list) {
        new_line(y, l->indent);
        buf_z(y->out, "- ");
        y->after_dash = collection;
    } else if (!collection) {
        buf_addc(y->out, ' ');
    }
    l->some = true;
}

static void open_level(YamlOut *y, bool list, bool flow) {
    YamlLevel *up = top(y);
    flow = flow || (up != NULL && up->flow);
    before_value(y, !flow);
    int indent = up == NULL ? 0 : up->list ? up->indent + 2 : list ? up->indent : up->indent + 2;
    if (y->depth == YAML_DEPTH) y->depth--; /* callers' structures are of known depth; never reached */
    y->level[y->depth++] = (YamlLevel){.list = list, .flow = flow, .keyed = y->after_key, .indent = indent};
    y->after_key = false;
    if (flow) buf_addc(y->out, list ? '[' : '{');
}

void yaml_map(YamlOut *y) { open_level(y, false, false); }
void yaml_list(YamlOut *y) { open_level(y, true, false); }
void yaml_flow_map(YamlOut *y) { open_level(y, false, true); }
void yaml_flow_list(YamlOut *y) { open_level(y, true, true); }

void yaml_end(YamlOut *y) {
    YamlLevel l = y->level[--y->depth];
    if (l.flow) {
        buf_addc(y->out, l.list ? ']' : '}');
    } else if (!l.some) {
        if (l.keyed) buf_addc(y->out, ' ');
        buf_z(y->out, l.list ? "[]" : "{}");
    }
    y->after_dash = false;
    if (y->depth == 0 && y->out->n > 0 && y->out->p[y->out->n - 1] != '\n') buf_addc(y->out, '\n');
}

/* Words that YAML 1.1 readers take for other types. */
static bool is_word(Str s) {
    static const char *const taken[] = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"};
    if (s.n == 0 || s.n > 64 || !((s.p[0] | 32) >= 'a' && (s.p[0] | 32) <= 'z')) return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c | 32) >= 'a' && (c | 32) <= 'z', digit = c >= '0' && c <= '9';
        if (!letter && !digit && c != '_' && c != '-' && c != '.' && c != '/') return false;
    }
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strlen(taken[i]) == s.n && strncasecmp(taken[i], s.p, s.n) == 0) return false;
    return true;
}

static bool printable(uint32_t c) {
    return (c >= 0x20 && c < 0x7F) || (c >= 0xA0 && c < 0xD800 && c != 0xAD && !(c >= 0x2000 && c <= 0x206F) && c != 0x3000) ||
           (c >= 0xE000 && c < 0xFE00) || (c >= 0x1F300 && c < 0x1FAF0);
}

void yaml_comment(YamlOut *y, Str s) {
    buf_z(y->out, "# ");
    for (size_t i = 0; i < s.n;) {
        uint32_t c;
        unsigned n = utf8_decode(s.p + i, s.n - i, &c);
        if (n == 0 || !printable(c)) buf_addc(y->out, ' ');
        else buf_add(y->out, s.p + i, n);
        i += n == 0 ? 1 : n;
    }
    buf_addc(y->out, '\n');
}

static void quoted(Buf *out, Str s) {
    buf_addc(out, '"');
    for (size_t i = 0; i < s.n;) {
        size_t from = i;
        while (i < s.n && s.p[i] >= ' ' && s.p[i] < 0x7F && s.p[i] != '"' && s.p[i] != '\\') i++;
        buf_add(out, s.p + from, i - from);
        if (i == s.n) break;
        uint32_t c;
        unsigned n = utf8_decode(s.p + i, s.n - i, &c);
        if (n == 0) n = 1, c = 0xFFFD;
        if (c == '"' || c == '\\') {
            buf_addc(out, '\\');
            buf_addc(out, (char)c);
        } else if (c == '\n') {
            buf_z(out, "\\n");
        } else if (c == '\t') {
            buf_z(out, "\\t");
        } else if (printable(c)) {
            buf_add(out, s.p + i, n);
        } else if (c < 0x100) {
            buf_printf(out, "\\x%02" PRIX32, c);
        } else if (c < 0x10000) {
            buf_printf(out, "\\u%04" PRIX32, c);
        } else {
            buf_printf(out, "\\U%08" PRIX32, c);
        }
        i += n;
    }
    buf_addc(out, '"');
}

void yaml_key_str(YamlOut *y, Str key) {
    YamlLevel *l = top(y);
    if (l->flow) {
        if (l->some) buf_z(y->out, ", ");
    } else if (y->after_dash) {
        y->after_dash = false; /* the first key stands behind the dash */
    } else if (l->some || l->keyed || y->depth > 1) {
        new_line(y, l->indent);
    }
    l->some = true;
    if (is_word(key)) buf_str(y->out, key);
    else quoted(y->out, key);
    buf_addc(y->out, ':');
    y->after_key = true;
}

void yaml_key(YamlOut *y, const char *key) { yaml_key_str(y, str_of(key)); }

static void scalar(YamlOut *y) {
    before_value(y, false);
    y->after_key = false;
}

void yaml_str(YamlOut *y, Str s) {
    scalar(y);
    quoted(y->out, s);
}

void yaml_int(YamlOut *y, int64_t v) {
    scalar(y);
    buf_printf(y->out, "%" PRId64, v);
}

void yaml_bool(YamlOut *y, bool v) {
    scalar(y);
    buf_z(y->out, v ? "true" : "false");
}

/* A literal block keeps text whose lines are printable and whose first line does not begin with a blank (which would need an
   indentation indicator). */
static bool fits_block(Str s) {
    if (s.n == 0 || memchr(s.p, '\n', s.n) == NULL || s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\n') return false;
    for (size_t i = 0; i < s.n;) {
        uint32_t c;
        unsigned n = utf8_decode(s.p + i, s.n - i, &c);
        if (n == 0 || (c != '\n' && c != '\t' && !printable(c))) return false;
        i += n;
    }
    return true;
}

void yaml_block(YamlOut *y, Str s) {
    YamlLevel *l = top(y);
    if (l == NULL || l->flow || !fits_block(s)) {
        yaml_str(y, s);
        return;
    }
    scalar(y);
    size_t ends = 0;
    while (ends < s.n && s.p[s.n - 1 - ends] == '\n') ends++;
    buf_z(y->out, ends == 0 ? "|-" : ends == 1 ? "|" : "|+");
    int indent = l->indent + 2;
    for (size_t i = 0; i < s.n;) {
        const char *end = memchr(s.p + i, '\n', s.n - i);
        size_t n = end != NULL ? (size_t)(end - s.p) - i : s.n - i;
        buf_addc(y->out, '\n');
        if (n > 0) buf_pad(y->out, ' ', (size_t)indent);
        buf_add(y->out, s.p + i, n);
        i += n + 1;
    }
    buf_addc(y->out, '\n');
}

void yaml_pair(YamlOut *y, const char *key, Str value) {
    yaml_key(y, key);
    yaml_str(y, value);
}

void yaml_pair_int(YamlOut *y, const char *key, int64_t v) {
    yaml_key(y, key);
    yaml_int(y, v);
}

void yaml_pair_bool(YamlOut *y, const char *key, bool v) {
    yaml_key(y, key);
    yaml_bool(y, v);
}
