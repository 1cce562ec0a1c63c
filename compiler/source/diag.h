/* The one model of a finding, whoever reports it; rendered as text or JSON by render.h. */
#ifndef WF_SOURCE_DIAG_H
#define WF_SOURCE_DIAG_H

#include "base/vec.h"
#include "compiler/source/source.h"

typedef enum Severity { SEV_ERROR, SEV_WARNING } Severity;

/* Stable codes, one row each in codes.def: DIAG(number, severity, slug). WF_E_slug is the number. Texts that `wfc explain`
   prints stand in compiler/explain/WFnnnn.md. */
typedef enum DiagCode {
#define DIAG(number, severity, slug) WF_E_##slug = number,
#include "compiler/source/codes.def"
#undef DIAG
} DiagCode;

typedef struct DiagLabel {
    Span span;
    const char *text; /* may be "" */
} DiagLabel;

typedef struct DiagEdit {
    Span span;        /* replaced; empty to insert */
    const char *text; /* the replacement */
} DiagEdit;

typedef struct Diag {
    DiagCode code;
    Severity severity;
    const char *message; /* one line, names entities and types, no final full stop */
    Span span;           /* the smallest culprit */
    const char *label;   /* text under the primary span; may be "" */
    VEC(DiagLabel) labels;      /* in reading order */
    VEC(const char *) notes;    /* "note: ..." lines */
    const char *help;           /* what to do, or NULL */
    VEC(DiagEdit) edits;        /* the help as a change of the text; shown as a diff */
    bool unsafe_fix;            /* the edits may change what the program does */
} Diag;

/* Collects the findings of one compilation; texts live in its arena. */
typedef struct Diags {
    Arena arena;
    VEC(Diag) list;
    uint32_t nerrors, nwarnings;
    uint32_t muted; /* while above 0, findings are dropped */
} Diags;

void diags_init(Diags *d);
void diags_free(Diags *d);

/* Adds a finding with the severity of its code. The pointer is valid until the next diag_add; use it with the functions
   below:  Diag *x = diag_add(ds, WF_E_unknown_name, span, "unknown name `%s`", z); diag_note(ds, x, ...);  */
Diag *diag_add(Diags *ds, DiagCode code, Span span, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void diag_here(Diags *ds, Diag *d, const char *fmt, ...) __attribute__((format(printf, 3, 4))); /* text under the primary span */
void diag_label(Diags *ds, Diag *d, Span span, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void diag_note(Diags *ds, Diag *d, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void diag_help(Diags *ds, Diag *d, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Adds an edit to the fix. `text` is formatted. */
void diag_edit(Diags *ds, Diag *d, Span span, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Forgets the findings from index n on. */
void diags_truncate(Diags *ds, uint32_t n);
/* Sorts by file, offset, code; equal findings at equal places become one. */
void diags_sort(Diags *ds);

Severity diag_code_severity(DiagCode code);
const char *diag_code_slug(DiagCode code); /* "unknown-name" */
/* The code of "WF0123" or "0123" or a slug, or 0. */
DiagCode diag_code_parse(Str text);

/* The candidate nearest to `name` for "did you mean", or -1. Distance at most a third of the longer name, at least 1 allowed
   from three letters on; the first of equals. O(n * length^2). */
int diag_nearest(Str name, const Str *candidates, int n);

#endif
