/* Source texts and positions in them. A Span is the only form of position; lines and columns are computed when printed. */
#ifndef WF_SOURCE_SOURCE_H
#define WF_SOURCE_SOURCE_H

#include "base/mem.h"
#include "base/str.h"

typedef uint32_t FileId; /* index into Sources; 0 is no file */

typedef struct Span {
    FileId file;
    uint32_t off, len; /* bytes */
} Span;

#define SPAN_NONE ((Span){0})
/* The smallest span that covers both; of one file. */
Span span_cover(Span a, Span b);

typedef struct SourceFile {
    char *path;  /* as the user wrote it, or "std/http.wf" for embedded files */
    Str text;    /* NUL-terminated; never moves while the Sources live */
    bool embedded;
    char *owned; /* the text's memory when sources_read made it */
    uint32_t *line; /* offsets of line starts, made on first use */
    uint32_t nlines;
} SourceFile;

/* All texts of one compilation. */
typedef struct Sources {
    SourceFile *file; /* [0] is unused */
    uint32_t n, cap;
    Arena arena;
} Sources;

enum { SOURCE_MAX = 256 << 20 }; /* bytes in one file; larger ones are refused with EFBIG */

void sources_init(Sources *s);
void sources_free(Sources *s);
/* Adds a text that was read already; path and text are copied. */
FileId sources_add(Sources *s, Str path, Str text);
/* Adds a text that outlives s, without a copy; text.p[text.n] must be NUL. */
FileId sources_add_static(Sources *s, Str path, Str text);
/* Reads path and adds it. Returns 0 and the id in *id, or an errno value. */
int sources_read(Sources *s, const char *path, FileId *id);
/* The file of that path if it was added, else 0. O(files). */
FileId sources_find(const Sources *s, Str path);
Str source_text(const Sources *s, Span span);

typedef struct LineCol {
    uint32_t line, col; /* from 1; col counts code points */
} LineCol;
/* O(log lines) after a first O(size). */
LineCol source_line_col(Sources *s, FileId file, uint32_t off);
/* Text of line `line` (from 1) without its end; empty beyond the last. */
Str source_line(Sources *s, FileId file, uint32_t line);
/* Offset of the first byte of `line`. */
uint32_t source_line_start(Sources *s, FileId file, uint32_t line);

#endif
