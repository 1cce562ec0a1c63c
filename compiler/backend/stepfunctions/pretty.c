/* The layout of JSON: what fits a line stands on one. */
#include "compiler/backend/stepfunctions/asl.h"

enum { WIDTH = 118 };

typedef struct Pretty {
    Buf *out;
    const char *p, *base;
    Mark *mark;
    uint32_t nmark, next;
} Pretty;

/* The end of the value at p, which is valid and has no blanks. */
static const char *value_end(const char *p) {
    int depth = 0;
    for (;; p++) {
        if (*p == '"')
            for (p++; *p != '"'; p++) p += *p == '\\';
        depth += *p == '{' || *p == '[';
        depth -= *p == '}' || *p == ']';
        if (depth == 0 && (p[1] == ',' || p[1] == '}' || p[1] == ']' || p[1] == ':' || p[1] == '\0')) return p + 1;
    }
}

static void move_marks(Pretty *x) {
    for (; x->next < x->nmark && x->mark[x->next].at <= (size_t)(x->p - x->base); x->next++) x->mark[x->next].at = x->out->n;
}

/* Copies the value with a blank behind each comma and colon. */
static void on_one_line(Pretty *x, const char *end) {
    while (x->p < end) {
        if (*x->p == '"') {
            const char *from = x->p;
            for (x->p++; *x->p != '"'; x->p++) x->p += *x->p == '\\';
            buf_add(x->out, from, (size_t)(x->p + 1 - from));
        } else {
            buf_addc(x->out, *x->p);
            if (*x->p == ',' || *x->p == ':') buf_addc(x->out, ' ');
        }
        x->p++;
    }
}

static void value(Pretty *x, size_t indent, size_t column) {
    const char *end = value_end(x->p);
    size_t blanks = 0;
    for (const char *p = x->p; p < end; p++) blanks += *p == ',' || *p == ':';
    char open = *x->p;
    if ((open != '{' && open != '[') || column + (size_t)(end - x->p) + blanks <= WIDTH) {
        on_one_line(x, end);
        return;
    }
    buf_addc(x->out, *x->p++);
    while (*x->p != '}' && *x->p != ']') {
        buf_addc(x->out, '\n');
        buf_pad(x->out, ' ', indent + 2);
        move_marks(x);
        size_t at = indent + 2;
        if (open == '{') {
            const char *key = value_end(x->p);
            at += (size_t)(key - x->p) + 2;
            buf_add(x->out, x->p, (size_t)(key - x->p));
            buf_z(x->out, ": ");
            x->p = key + 1;
        }
        value(x, indent + 2, at);
        if (*x->p == ',') buf_addc(x->out, *x->p++);
    }
    buf_addc(x->out, '\n');
    buf_pad(x->out, ' ', indent);
    buf_addc(x->out, *x->p++);
}

void asl_pretty(Buf *out, Str json, Mark *mark, uint32_t nmark) {
    Pretty x = {.out = out, .p = json.p, .base = json.p, .mark = mark, .nmark = nmark};
    value(&x, 0, 0);
    buf_addc(out, '\n');
    for (; x.next < nmark; x.next++) mark[x.next].at = out->n;
}
