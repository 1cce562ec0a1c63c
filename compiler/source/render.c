#include "compiler/source/render.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TAB = 4,        /* columns between tab stops */
    WIDTH = 120,    /* columns of a source line that are shown at most */
    SHOWN_MAX = 64, /* lines of one finding that are shown at most */
    BYTE_ORDER_MARK = 0xFEFF,
};

typedef enum Ink { INK_NONE, INK_BOLD, INK_ERROR, INK_WARNING, INK_SECOND, INK_ADDED, INK_REMOVED, INK_HELP } Ink;

typedef struct Painter {
    Buf *out;
    Sources *s;
    RenderOptions o;
    Ink primary;
    unsigned gutter; /* width of the line numbers */
} Painter;

static void ink(Painter *p, Ink k) {
    static const char *const code[] = {
        [INK_NONE] = "\033[0m",        [INK_BOLD] = "\033[1m",    [INK_ERROR] = "\033[1;31m", [INK_WARNING] = "\033[1;33m",
        [INK_SECOND] = "\033[1;34m",   [INK_ADDED] = "\033[32m",  [INK_REMOVED] = "\033[31m", [INK_HELP] = "\033[1;36m",
    };
    if (p->o.color) buf_z(p->out, code[k]);
}

static void inked(Painter *p, Ink k, const char *text) {
    ink(p, k);
    buf_z(p->out, text);
    ink(p, INK_NONE);
}

/* --- a source line as the terminal shows it --- */

/* Width of the character at z[0..n) when it begins in column col, and its bytes in *len. */
static uint32_t char_width(const char *z, size_t n, uint32_t col, unsigned *len) {
    unsigned char c = (unsigned char)*z;
    *len = 1;
    if (c == '\t') return TAB - col % TAB;
    if (c < 0x80) return 1;
    uint32_t cp;
    unsigned k = utf8_decode(z, n, &cp);
    if (k == 0) return 1;
    *len = k;
    return cp == BYTE_ORDER_MARK ? 0 : (uint32_t)utf8_width(z, k);
}

/* The column, from 0, in which byte `at` of the line is shown. */
static uint32_t column_of(Str line, size_t at) {
    uint32_t col = 0;
    unsigned len;
    for (size_t i = 0; i < line.n && i < at; i += len) col += char_width(line.p + i, line.n - i, col, &len);
    return col;
}

/* Adds columns [from, to) of the line: tabs become blanks, control characters and bytes that are not UTF-8 a replacement. */
static void put_columns(Painter *p, Str line, uint32_t from, uint32_t to) {
    uint32_t col = 0;
    unsigned len;
    for (size_t i = 0; i < line.n && col < to; i += len) {
        uint32_t w = char_width(line.p + i, line.n - i, col, &len), next = col + w;
        unsigned char c = (unsigned char)line.p[i];
        if (col >= from && next <= to) {
            uint32_t cp = 0;
            if (c == '\t') buf_pad(p->out, ' ', w);
            else if (c < 0x20 || c == 0x7F || (c >= 0x80 && utf8_decode(line.p + i, line.n - i, &cp) == 0))
                buf_z(p->out, p->o.unicode ? "\xEF\xBF\xBD" : "?");
            else if (c < 0x80 || cp != BYTE_ORDER_MARK) buf_add(p->out, line.p + i, len);
        } else if (next > from && col < to) {
            buf_pad(p->out, ' ', (next < to ? next : to) - (col > from ? col : from)); /* a character cut by an edge */
        }
        col = next;
    }
}

/* The part of a long line that is shown: around columns [first, last), cut marks included. */
typedef struct Window {
    uint32_t from, to; /* columns of the line */
    bool cut_left, cut_right;
} Window;

static Window window_for(Str line, uint32_t first, uint32_t last) {
    uint32_t all = column_of(line, line.n);
    if (all <= WIDTH) return (Window){0, all, false, false};
    if (last > first + WIDTH / 2) last = first + WIDTH / 2;
    uint32_t middle = first + (last - first) / 2, from = middle > WIDTH / 2 ? middle - WIDTH / 2 : 0;
    if (from + WIDTH > all) from = all > WIDTH ? all - WIDTH : 0;
    uint32_t to = from + WIDTH < all ? from + WIDTH : all;
    return (Window){from, to, from > 0, to < all};
}

static void put_window(Painter *p, Str line, Window w) {
    if (w.cut_left) buf_z(p->out, "...");
    put_columns(p, line, w.from, w.to);
    if (w.cut_right) buf_z(p->out, "...");
}

/* Where column col of the line stands on the screen. */
static uint32_t screen(Window w, uint32_t col) {
    uint32_t shift = w.cut_left ? 3 : 0;
    if (col < w.from) return 0;
    return shift + (col > w.to ? w.to : col) - w.from;
}

static void trim_right(Buf *b) {
    while (b->n > 0 && b->p[b->n - 1] == ' ') b->p[--b->n] = '\0';
}

static void end_line(Painter *p) {
    if (!p->o.color) trim_right(p->out);
    buf_addc(p->out, '\n');
}

static void gutter(Painter *p, uint32_t line, const char *bar) {
    ink(p, INK_SECOND);
    if (line > 0) buf_printf(p->out, "%*u ", (int)p->gutter, line);
    else buf_pad(p->out, ' ', p->gutter + 1);
    buf_z(p->out, bar);
    ink(p, INK_NONE);
}

static const char *bar(const Painter *p) { return p->o.unicode ? "\xE2\x94\x82" : "|"; }

/* --- labelled lines --- */

typedef struct Mark {
    FileId file;
    uint32_t line, off, end; /* bytes of the line */
    bool primary;
    const char *text;
    uint32_t more;  /* last line, when the span goes on after this one */
    uint32_t from, to; /* columns on the screen, set while the line is printed */
} Mark;

typedef VEC(Mark) Marks;

static void add_mark(Sources *s, Marks *marks, Span span, bool primary, const char *text) {
    if (span.file == 0) return;
    LineCol lc = source_line_col(s, span.file, span.off);
    uint32_t start = source_line_start(s, span.file, lc.line), len = (uint32_t)source_line(s, span.file, lc.line).n;
    uint32_t off = span.off - start < len ? span.off - start : len;
    uint32_t end = off + span.len < len ? off + span.len : len;
    uint32_t last = span.len > 0 ? source_line_col(s, span.file, span.off + span.len - 1).line : lc.line;
    Mark m = {span.file, lc.line, off, end, primary, text, last > lc.line && off + span.len > len + 2 ? last : 0, 0, 0};
    vec_push(marks, m);
}

/* In the order they are shown: the primary's file first, then by line, then by column. */
static int compare_marks(const void *a, const void *b) {
    const Mark *x = a, *y = b;
    if (x->line != y->line) return x->line < y->line ? -1 : 1;
    if (x->off != y->off) return x->off < y->off ? -1 : 1;
    return (int)y->primary - (int)x->primary;
}

static void group_by_file(Marks *marks) {
    uint32_t done = 0;
    while (done < marks->len) {
        FileId file = marks->data[done].file;
        uint32_t n = done;
        for (uint32_t i = done; i < marks->len; i++) {
            if (marks->data[i].file != file) continue;
            Mark m = marks->data[i];
            memmove(marks->data + n + 1, marks->data + n, (i - n) * sizeof m);
            marks->data[n++] = m;
        }
        qsort(marks->data + done, n - done, sizeof *marks->data, compare_marks);
        done = n;
    }
}

static const char *mark_text(const Mark *m, char buf[96]) {
    if (m->more == 0) return m->text;
    snprintf(buf, 96, "%.60s%s(up to line %u)", m->text, *m->text ? " " : "", m->more);
    return buf;
}

/* One row below a line: a bar under each of the first n marks that still has a text to show. */
static uint32_t put_bars(Painter *p, const Mark *m, uint32_t n, uint32_t upto) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (*m[i].text == '\0' && m[i].more == 0) continue;
        if (m[i].from < at || m[i].from >= upto) continue;
        buf_pad(p->out, ' ', m[i].from - at);
        inked(p, m[i].primary ? p->primary : INK_SECOND, bar(p));
        at = m[i].from + 1;
    }
    return at;
}

static void put_underlines(Painter *p, const Mark *m, uint32_t n) {
    uint32_t width = 0;
    for (uint32_t i = 0; i < n; i++)
        if (m[i].to > width) width = m[i].to;
    char *row = wf_alloc(width + 1);
    memset(row, ' ', width);
    for (unsigned pass = 0; pass < 2; pass++) /* the primary mark goes over the others */
        for (uint32_t i = 0; i < n; i++)
            if (m[i].primary == (pass == 1)) memset(row + m[i].from, pass ? '^' : '-', m[i].to - m[i].from);
    Ink now = INK_NONE;
    for (uint32_t i = 0; i < width; i++) {
        Ink want = row[i] == '^' ? p->primary : row[i] == '-' ? INK_SECOND : INK_NONE;
        if (want != now) ink(p, want);
        now = want;
        buf_addc(p->out, row[i]);
    }
    if (now != INK_NONE) ink(p, INK_NONE);
    free(row);
}

/* The line, its underlines, and the labels: the rightmost beside its underline, the others hanging below from right to left. */
static void put_marked_line(Painter *p, Mark *m, uint32_t n) {
    Str line = source_line(p->s, m->file, m->line);
    uint32_t first = UINT32_MAX, last = 0;
    for (uint32_t i = 0; i < n; i++) {
        m[i].from = column_of(line, m[i].off);
        m[i].to = column_of(line, m[i].end);
        if (m[i].from < first) first = m[i].from;
        if (m[i].to > last) last = m[i].to;
    }
    Window w = window_for(line, first, last);
    for (uint32_t i = 0; i < n; i++) {
        m[i].from = screen(w, m[i].from);
        m[i].to = screen(w, m[i].to);
        if (m[i].to <= m[i].from) m[i].to = m[i].from + 1; /* an empty span is one caret */
    }
    gutter(p, m->line, bar(p));
    buf_addc(p->out, ' ');
    put_window(p, line, w);
    end_line(p);

    char text[96];
    gutter(p, 0, bar(p));
    buf_addc(p->out, ' ');
    put_underlines(p, m, n);
    uint32_t hanging = n;
    const Mark *right = &m[n - 1];
    bool alone = n < 2 || m[n - 2].to <= right->from;
    if (alone) {
        hanging = n - 1;
        const char *t = mark_text(right, text);
        if (*t != '\0') {
            buf_addc(p->out, ' ');
            inked(p, right->primary ? p->primary : INK_SECOND, t);
        }
    }
    end_line(p);
    for (uint32_t i = hanging, rows = 0; i-- > 0;) {
        const char *t = mark_text(&m[i], text);
        if (*t == '\0') continue;
        if (rows++ == 0) {
            gutter(p, 0, bar(p));
            buf_addc(p->out, ' ');
            put_bars(p, m, hanging, UINT32_MAX);
            end_line(p);
        }
        gutter(p, 0, bar(p));
        buf_addc(p->out, ' ');
        buf_pad(p->out, ' ', m[i].from - put_bars(p, m, i, m[i].from));
        inked(p, m[i].primary ? p->primary : INK_SECOND, t);
        end_line(p);
    }
}

/* A line between two marked ones: shown when it is the only one, else an ellipsis. */
static void put_gap(Painter *p, const Mark *before, const Mark *after) {
    if (after->line == before->line + 2) {
        Str line = source_line(p->s, after->file, after->line - 1);
        gutter(p, after->line - 1, bar(p));
        buf_addc(p->out, ' ');
        put_window(p, line, window_for(line, 0, 0));
        end_line(p);
    } else if (after->line > before->line + 1) {
        buf_z(p->out, "...\n");
    }
}

static void put_place(Painter *p, FileId file, uint32_t off, bool first) {
    LineCol lc = source_line_col(p->s, file, off);
    buf_pad(p->out, ' ', p->gutter);
    inked(p, INK_SECOND, p->o.unicode ? (first ? " \xE2\x95\xAD\xE2\x94\x80 " : " \xE2\x94\x9C\xE2\x94\x80 ") : first ? "--> " : "::: ");
    buf_printf(p->out, "%s:%u:%u\n", p->s->file[file].path, lc.line, lc.col);
}

static void put_snippets(Painter *p, const Diag *d, Marks *marks) {
    FileId file = 0;
    for (uint32_t i = 0, n, shown = 0; i < marks->len && shown < SHOWN_MAX; i += n, shown++) {
        Mark *m = &marks->data[i];
        for (n = 1; i + n < marks->len && marks->data[i + n].file == m->file && marks->data[i + n].line == m->line;) n++;
        if (m->file != file) {
            uint32_t off = m->file == d->span.file ? d->span.off : source_line_start(p->s, m->file, m->line) + m->off;
            put_place(p, m->file, off, file == 0);
            gutter(p, 0, bar(p));
            end_line(p);
            file = m->file;
        } else {
            put_gap(p, m - 1, m);
        }
        put_marked_line(p, m, n);
    }
}

/* --- the fix as a diff --- */

static int compare_edits(const void *a, const void *b) {
    const DiagEdit *const *x = a, *const *y = b;
    if ((*x)->span.file != (*y)->span.file) return (*x)->span.file < (*y)->span.file ? -1 : 1;
    if ((*x)->span.off != (*y)->span.off) return (*x)->span.off < (*y)->span.off ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

/* Takes the first line off *text; false when nothing is left. */
static bool next_line(Str *text, Str *line) {
    if (text->p == NULL) return false;
    const char *nl = text->n > 0 ? memchr(text->p, '\n', text->n) : NULL;
    *line = (Str){text->p, nl ? (size_t)(nl - text->p) : text->n};
    *text = nl ? (Str){nl + 1, text->n - line->n - 1} : (Str){0};
    if (line->n > 0 && line->p[line->n - 1] == '\r') line->n--;
    return true;
}

static void put_diff_line(Painter *p, uint32_t number, char sign, Str line, uint32_t focus) {
    gutter(p, number, "");
    ink(p, sign == '+' ? INK_ADDED : sign == '-' ? INK_REMOVED : INK_NONE);
    buf_printf(p->out, "%c ", sign);
    put_window(p, line, window_for(line, focus, focus));
    ink(p, INK_NONE);
    end_line(p);
}

/* Takes the last line off *text; false when nothing is left. */
static bool last_line(Str *text, Str *line) {
    if (text->p == NULL) return false;
    const char *nl = text->n > 0 ? memrchr(text->p, '\n', text->n) : NULL;
    *line = nl ? (Str){nl + 1, text->n - (size_t)(nl - text->p) - 1} : *text;
    *text = nl ? (Str){text->p, (size_t)(nl - text->p)} : (Str){0};
    return true;
}

/* Shows old and new as lines; equal lines at both ends are left out, except one for context when nothing is removed. */
static void put_diff(Painter *p, uint32_t line, Str old, Str new, uint32_t focus) {
    Str o, n, rest_old = old, rest_new = new, context = {0};
    while (next_line(&rest_old, &o) && next_line(&rest_new, &n) && str_eq(o, n)) {
        context = o;
        old = rest_old;
        new = rest_new;
        line++;
    }
    for (rest_old = old, rest_new = new; last_line(&rest_old, &o) && last_line(&rest_new, &n) && str_eq(o, n);) {
        old = rest_old;
        new = rest_new;
    }
    if (old.p == NULL && context.p != NULL) put_diff_line(p, line - 1, ' ', context, focus);
    for (uint32_t at = line; next_line(&old, &o); at++) put_diff_line(p, at, '-', o, focus);
    for (uint32_t at = line; next_line(&new, &n); at++) put_diff_line(p, at, '+', n, focus);
}

static void put_fix(Painter *p, const Diag *d) {
    uint32_t n = d->edits.len;
    const DiagEdit **edit = wf_alloc(n * sizeof *edit);
    for (uint32_t i = 0; i < n; i++) edit[i] = &d->edits.data[i];
    qsort(edit, n, sizeof *edit, compare_edits);
    for (uint32_t i = 0, k; i < n; i += k) {
        Span at = edit[i]->span;
        uint32_t first = source_line_col(p->s, at.file, at.off).line;
        uint32_t last = source_line_col(p->s, at.file, at.off + at.len).line;
        for (k = 1; i + k < n && edit[i + k]->span.file == at.file; k++) { /* edits of neighbouring lines are shown together */
            Span next = edit[i + k]->span;
            if (source_line_col(p->s, at.file, next.off).line > last + 1) break;
            last = source_line_col(p->s, at.file, next.off + next.len).line;
        }
        uint32_t from = source_line_start(p->s, at.file, first);
        Str text = p->s->file[at.file].text, end = source_line(p->s, at.file, last);
        uint32_t to = (uint32_t)(end.p - text.p + (ptrdiff_t)end.n), done = from;
        if (end.p < text.p || end.p > text.p + text.n) to = (uint32_t)text.n;
        Buf new = BUF_INIT;
        for (uint32_t j = i; j < i + k; j++) {
            if (edit[j]->span.off > done) buf_add(&new, text.p + done, edit[j]->span.off - done);
            buf_z(&new, edit[j]->text);
            if (edit[j]->span.off + edit[j]->span.len > done) done = edit[j]->span.off + edit[j]->span.len;
        }
        if (to > done) buf_add(&new, text.p + done, to - done);
        put_diff(p, first, (Str){text.p + from, to - from}, (Str){buf_cstr(&new), new.n},
                 column_of((Str){text.p + from, to - from}, at.off - from));
        buf_free(&new);
        if (i + k < n) buf_z(p->out, "...\n");
    }
    free(edit);
}

/* Lines of a note after the first stand under the first. */
static void put_note(Painter *p, const char *text) {
    buf_pad(p->out, ' ', p->gutter + 1);
    inked(p, INK_SECOND, "=");
    inked(p, INK_BOLD, " note");
    buf_z(p->out, ": ");
    for (; *text; text++) {
        buf_addc(p->out, *text);
        if (*text == '\n') buf_pad(p->out, ' ', p->gutter + 9);
    }
    buf_addc(p->out, '\n');
}

static unsigned gutter_width(Sources *s, const Diag *d, const Marks *marks) {
    uint32_t line = 1;
    for (uint32_t i = 0; i < marks->len; i++)
        if (marks->data[i].line > line) line = marks->data[i].line;
    for (uint32_t i = 0; i < d->edits.len; i++) {
        Span at = d->edits.data[i].span;
        uint32_t last = source_line_col(s, at.file, at.off + at.len).line;
        if (last > line) line = last;
    }
    unsigned n = 1;
    for (; line >= 10; line /= 10) n++;
    return n;
}

void render_text(Buf *out, Sources *s, const Diag *d, RenderOptions o) {
    Marks marks = {0};
    add_mark(s, &marks, d->span, true, d->label);
    for (uint32_t i = 0; i < d->labels.len; i++) add_mark(s, &marks, d->labels.data[i].span, false, d->labels.data[i].text);
    group_by_file(&marks);
    Painter p = {out, s, o, d->severity == SEV_ERROR ? INK_ERROR : INK_WARNING, gutter_width(s, d, &marks)};

    ink(&p, p.primary);
    buf_printf(out, "%s[WF%04u]", d->severity == SEV_ERROR ? "error" : "warning", (unsigned)d->code);
    ink(&p, INK_NONE);
    ink(&p, INK_BOLD);
    buf_printf(out, ": %s", d->message);
    ink(&p, INK_NONE);
    buf_addc(out, '\n');
    put_snippets(&p, d, &marks);
    for (uint32_t i = 0; i < d->notes.len; i++) put_note(&p, d->notes.data[i]);
    if (d->help != NULL || d->edits.len > 0) {
        inked(&p, INK_HELP, "help");
        buf_printf(out, ": %s%s\n", d->help ? d->help : "change it so", d->unsafe_fix && d->edits.len ? " (check this change)" : "");
    }
    if (d->edits.len > 0) put_fix(&p, d);
    vec_free(&marks);
}

void render_line(Buf *out, Sources *s, const Diag *d) {
    if (d->span.file != 0) {
        LineCol lc = source_line_col(s, d->span.file, d->span.off);
        buf_printf(out, "%s:%u:%u: ", s->file[d->span.file].path, lc.line, lc.col);
    }
    buf_printf(out, "%s: %s [WF%04u]\n", d->severity == SEV_ERROR ? "error" : "warning", d->message, (unsigned)d->code);
}
