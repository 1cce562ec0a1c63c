/* Typed pieces of Python source. Whatever stands in a text, the literal evaluates to exactly it. */
#ifndef WF_BACKEND_EMIT_PY_OUT_H
#define WF_BACKEND_EMIT_PY_OUT_H

#include "base/str.h"

/* A string literal in double quotes on one line; characters that do not print, and those that change how text is shown
   (bidirectional marks), are escaped. */
void py_string(Buf *out, Str s);
static inline void py_z(Buf *out, const char *z) { py_string(out, str_of(z)); }
/* A string literal that keeps the lines of a script readable: triple quotes, first line behind the opening ones. Falls back to
   py_string for text without a newline. The text is not indented: its lines begin in column 0. */
void py_block(Buf *out, Str s);
/* JSON text as the Python expression of the same value: true becomes True. `json` is valid. */
void py_json(Buf *out, Str json);

#endif
