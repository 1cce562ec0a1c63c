#include "compiler/source/source.h"

#include "base/io.h"

#include <errno.h>
#include <stdlib.h>

Span span_cover(Span a, Span b) {
    uint32_t off = a.off < b.off ? a.off : b.off;
    uint32_t end_a = a.off + a.len, end_b = b.off + b.len;
    return (Span){a.file, off, (end_a > end_b ? end_a : end_b) - off};
}

void sources_init(Sources *s) {
    *s = (Sources){.n = 1, .cap = 16};
    s->file = wf_alloc_zero(s->cap * sizeof *s->file);
}

void sources_free(Sources *s) {
    for (uint32_t i = 1; i < s->n; i++) {
        free(s->file[i].line);
        free(s->file[i].owned);
    }
    free(s->file);
    arena_free(&s->arena);
    *s = (Sources){0};
}

FileId sources_add_static(Sources *s, Str path, Str text) {
    if (s->n == s->cap) s->file = wf_realloc(s->file, (size_t)(s->cap *= 2) * sizeof *s->file);
    s->file[s->n] = (SourceFile){.path = arena_strndup(&s->arena, path.p, path.n), .text = text};
    return s->n++;
}

FileId sources_add(Sources *s, Str path, Str text) {
    return sources_add_static(s, path, (Str){arena_strndup(&s->arena, text.p, text.n), text.n});
}

int sources_read(Sources *s, const char *path, FileId *id) {
    Buf text = BUF_INIT;
    int e = io_read_file(path, SOURCE_MAX, &text);
    if (e != 0) {
        buf_free(&text);
        return e;
    }
    (void)buf_cstr(&text); /* an empty file has a text, too */
    *id = sources_add_static(s, str_of(path), (Str){text.p ? text.p : "", text.n});
    s->file[*id].owned = text.p;
    return 0;
}

FileId sources_find(const Sources *s, Str path) {
    for (FileId i = 1; i < s->n; i++)
        if (str_is(path, s->file[i].path)) return i;
    return 0;
}

Str source_text(const Sources *s, Span span) {
    if (span.file == 0) return (Str){"", 0};
    return (Str){s->file[span.file].text.p + span.off, span.len};
}

/* Lines end in \n, \r\n or a lone \r, so that a position always stands where an editor shows it. */
static void find_lines(SourceFile *f) {
    uint32_t n = 0, cap = 0;
    const char *p = f->text.p, *end = p + f->text.n;
    for (;;) {
        if (n == cap) f->line = wf_realloc(f->line, (size_t)(cap = cap ? cap * 2 : 64) * sizeof *f->line);
        f->line[n++] = (uint32_t)(p - f->text.p);
        while (p < end && *p != '\n' && *p != '\r') p++;
        if (p == end) break;
        p += *p == '\r' && p[1] == '\n' ? 2 : 1;
    }
    f->nlines = n;
}

static SourceFile *with_lines(Sources *s, FileId file) {
    SourceFile *f = &s->file[file];
    if (f->line == NULL) find_lines(f);
    return f;
}

LineCol source_line_col(Sources *s, FileId file, uint32_t off) {
    if (file == 0) return (LineCol){1, 1};
    SourceFile *f = with_lines(s, file);
    uint32_t lo = 0, hi = f->nlines; /* the answer is in [lo, hi) */
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (f->line[mid] <= off) lo = mid;
        else hi = mid;
    }
    const char *p = f->text.p + f->line[lo], *at = f->text.p + (off < f->text.n ? off : f->text.n);
    if (lo == 0 && str_starts(f->text, STR("\xEF\xBB\xBF")) && at - p >= 3) p += 3;
    uint32_t col = 1;
    for (; p < at; p++)
        if (((unsigned char)*p & 0xC0) != 0x80) col++; /* counts bytes that are not UTF-8 nearly right, too */
    return (LineCol){lo + 1, col};
}

uint32_t source_line_start(Sources *s, FileId file, uint32_t line) {
    SourceFile *f = with_lines(s, file);
    return line == 0 ? 0 : line > f->nlines ? (uint32_t)f->text.n : f->line[line - 1];
}

Str source_line(Sources *s, FileId file, uint32_t line) {
    SourceFile *f = with_lines(s, file);
    if (line == 0 || line > f->nlines) return (Str){"", 0};
    uint32_t from = f->line[line - 1], to = line < f->nlines ? f->line[line] : (uint32_t)f->text.n;
    while (to > from && (f->text.p[to - 1] == '\n' || f->text.p[to - 1] == '\r')) to--;
    return (Str){f->text.p + from, to - from};
}
