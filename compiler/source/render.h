/* Findings as text for people and as JSON for programs. */
#ifndef WF_SOURCE_RENDER_H
#define WF_SOURCE_RENDER_H

#include "compiler/source/diag.h"

typedef struct RenderOptions {
    bool color;   /* ANSI colours */
    bool unicode; /* box-drawing characters, else ASCII */
} RenderOptions;

/* Appends the rendering of one finding: header, snippets of every labelled line grouped by file, notes, help, the fix as a
   diff. Costs the lines shown. */
void render_text(Buf *out, Sources *s, const Diag *d, RenderOptions o);
/* Appends one finding in one line: path:line:col: severity: message [WF0123]. */
void render_line(Buf *out, Sources *s, const Diag *d);
/* Appends {"version":1,"diagnostics":[...]} and a newline. Positions as byte offsets and as line and column from 1. */
void render_json(Buf *out, Sources *s, const Diags *ds);

#endif
