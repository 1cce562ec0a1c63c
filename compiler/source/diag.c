#include "compiler/source/diag.h"

#include <stdio.h>
#include <stdlib.h>

void diags_init(Diags *d) { *d = (Diags){0}; }

static void diag_release(Diag *d) {
    vec_free(&d->labels);
    vec_free(&d->notes);
    vec_free(&d->edits);
}

void diags_free(Diags *d) {
    for (uint32_t i = 0; i < d->list.len; i++) diag_release(&d->list.data[i]);
    vec_free(&d->list);
    arena_free(&d->arena);
    *d = (Diags){0};
}

static const char *format(Diags *ds, const char *fmt, va_list ap) {
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *p = arena_alloc(&ds->arena, (size_t)(n < 0 ? 0 : n) + 1);
    if (n >= 0) vsnprintf(p, (size_t)n + 1, fmt, again);
    else p[0] = '\0';
    va_end(again);
    return p;
}

#define FORMAT(into)                    \
    do {                                \
        va_list ap;                     \
        va_start(ap, fmt);              \
        (into) = format(ds, fmt, ap);   \
        va_end(ap);                     \
    } while (0)

Diag *diag_add(Diags *ds, DiagCode code, Span span, const char *fmt, ...) {
    Diag d = {.code = code, .severity = diag_code_severity(code), .span = span, .label = ""};
    FORMAT(d.message);
    /* A muted finding takes a slot of the list that the next one overwrites, so that callers need not ask. */
    vec_push(&ds->list, d);
    Diag *at = &vec_last(&ds->list);
    if (ds->muted > 0) ds->list.len--;
    else if (d.severity == SEV_ERROR) ds->nerrors++;
    else ds->nwarnings++;
    return at;
}

/* What a caller adds to a muted finding is dropped: nothing would free it. */
static bool is_muted(const Diags *ds, const Diag *d) { return d == ds->list.data + ds->list.len; }

void diag_here(Diags *ds, Diag *d, const char *fmt, ...) {
    if (!is_muted(ds, d)) FORMAT(d->label);
}

void diag_label(Diags *ds, Diag *d, Span span, const char *fmt, ...) {
    if (is_muted(ds, d)) return;
    DiagLabel l = {.span = span};
    FORMAT(l.text);
    vec_push(&d->labels, l);
}

void diag_note(Diags *ds, Diag *d, const char *fmt, ...) {
    if (is_muted(ds, d)) return;
    const char *text;
    FORMAT(text);
    vec_push(&d->notes, text);
}

void diag_help(Diags *ds, Diag *d, const char *fmt, ...) {
    if (!is_muted(ds, d)) FORMAT(d->help);
}

void diag_edit(Diags *ds, Diag *d, Span span, const char *fmt, ...) {
    if (is_muted(ds, d)) return;
    DiagEdit e = {.span = span};
    FORMAT(e.text);
    vec_push(&d->edits, e);
}

void diags_truncate(Diags *ds, uint32_t n) {
    while (ds->list.len > n) {
        Diag d = vec_pop(&ds->list);
        if (d.severity == SEV_ERROR) ds->nerrors--;
        else ds->nwarnings--;
        diag_release(&d);
    }
}

static int compare(const void *a, const void *b) {
    const Diag *x = a, *y = b;
    if (x->span.file != y->span.file) return x->span.file < y->span.file ? -1 : 1;
    if (x->span.off != y->span.off) return x->span.off < y->span.off ? -1 : 1;
    if (x->code != y->code) return x->code < y->code ? -1 : 1;
    if (x->span.len != y->span.len) return x->span.len < y->span.len ? -1 : 1;
    return strcmp(x->message, y->message);
}

void diags_sort(Diags *ds) {
    if (ds->list.len == 0) return;
    qsort(ds->list.data, ds->list.len, sizeof *ds->list.data, compare);
    uint32_t n = 1;
    for (uint32_t i = 1; i < ds->list.len; i++) {
        Diag *d = &ds->list.data[i];
        if (compare(&ds->list.data[n - 1], d) != 0) {
            ds->list.data[n++] = *d;
            continue;
        }
        if (d->severity == SEV_ERROR) ds->nerrors--;
        else ds->nwarnings--;
        diag_release(d);
    }
    ds->list.len = n;
}

typedef struct CodeRow {
    uint16_t number;
    uint16_t severity;
    const char *slug; /* with underscores */
} CodeRow;

static const CodeRow code_rows[] = {
#define DIAG(number, severity, slug) {number, severity, #slug},
#include "compiler/source/codes.def"
#undef DIAG
};

enum { NCODES = sizeof code_rows / sizeof *code_rows };

static const CodeRow *code_row(DiagCode code) {
    for (size_t i = 0; i < NCODES; i++)
        if (code_rows[i].number == code) return &code_rows[i];
    return NULL;
}

Severity diag_code_severity(DiagCode code) {
    const CodeRow *r = code_row(code);
    return r != NULL ? (Severity)r->severity : SEV_ERROR;
}

/* Slugs are written with hyphens, which the names in codes.def cannot hold. Each call writes the same bytes again. */
const char *diag_code_slug(DiagCode code) {
    static char slugs[NCODES][48];
    const CodeRow *r = code_row(code);
    if (r == NULL) return "";
    char *out = slugs[r - code_rows];
    for (size_t i = 0; i + 1 < sizeof slugs[0] && r->slug[i] != '\0'; i++) out[i] = r->slug[i] == '_' ? '-' : r->slug[i];
    return out;
}

DiagCode diag_code_parse(Str text) {
    for (size_t i = 0; i < NCODES; i++) {
        char number[16];
        DiagCode code = (DiagCode)code_rows[i].number;
        snprintf(number, sizeof number, "WF%04u", code_rows[i].number);
        if (str_is(text, number) || str_is(text, number + 2)) return code;
        if (str_is(text, diag_code_slug(code)) || str_is(text, code_rows[i].slug)) return code;
    }
    return (DiagCode)0;
}

int diag_nearest(Str name, const Str *candidates, int n) {
    int best = -1;
    unsigned best_distance = 64;
    for (int i = 0; i < n; i++) {
        size_t longer = name.n > candidates[i].n ? name.n : candidates[i].n;
        unsigned limit = (unsigned)(longer < 200 ? longer : 0) / 3;
        unsigned d = edit_distance(name, candidates[i], limit);
        if (d <= limit && d < best_distance) {
            best = i;
            best_distance = d;
        }
    }
    return best;
}
