/* Tables in text: CSV and TSV after RFC 4180, JSON lines, arrays of objects. Every value of a declared column is read. */
#include "runtime/store/verify_impl.h"

#include "runtime/value/rt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- values in text ---- */

static bool is_whole(Str s) {
    int64_t i;
    double d;
    if (rt_read_int(s, &i)) return true;
    return rt_read_float(s, &d) && d >= -0x1p63 && d < 0x1p63 && d == (double)(int64_t)d; /* 3.0, as pandas writes gaps in integers */
}

static bool is_bool(Str s) {
    static const char *const words[] = {"true", "false", "True", "False", "TRUE", "FALSE", "1", "0"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_is(s, words[i])) return true;
    return false;
}

static bool is_time(Str s) {
    int64_t t;
    return rt_read_time(s, &t);
}

static bool cell_fits(const RtTypes *types, uint32_t type, Str s) {
    const RtType *y = &types->type[type];
    int64_t i;
    double d;
    switch ((RtKind)y->kind) {
    case RT_OPT: return s.n == 0 || cell_fits(types, y->inner, s);
    case RT_INT: return is_whole(s);
    case RT_FLOAT: return rt_read_float(s, &d);
    case RT_BOOL: return is_bool(s);
    case RT_DURATION: return rt_read_duration(s, &i);
    case RT_SIZE: return rt_read_size(s, &i) || is_whole(s);
    case RT_TIME: return is_time(s);
    case RT_ENUM: return rt_read_enum(types, type, s) >= 0;
    case RT_STRING: case RT_JSON: case RT_SECRET: case RT_NOTHING: case RT_FILE: case RT_DIR: case RT_STRUCT: case RT_LIST: case RT_MAP: return true;
    }
    return true;
}

static bool wrong_cell(Verify *v, uint64_t line, const RtField *f, Str s) {
    Buf quoted = BUF_INIT;
    json_string(&quoted, s.n > 60 ? (Str){s.p, 60} : s);
    const char *name = f->foreign != NULL ? f->foreign : f->name;
    if (s.n == 0)
        verify_wrong(v, "in line %" PRIu64 " the column `%s` is empty, which %s does not allow", line, name, verify_type_name(v, f->type));
    else
        verify_wrong(v, "in line %" PRIu64 " the column `%s` has %s, which is not of type %s", line, name, buf_cstr(&quoted), verify_type_name(v, f->type));
    buf_free(&quoted);
    return false;
}

/* ---- reading in blocks ---- */

typedef struct Reader {
    int fd;
    char *block;
    size_t at, n;
    int error;
} Reader;
enum { BLOCK = 1 << 17 };

static int refill(Reader *r) {
    ssize_t n;
    do n = read(r->fd, r->block, BLOCK);
    while (n < 0 && errno == EINTR);
    if (n < 0) r->error = errno;
    r->at = 0;
    r->n = n > 0 ? (size_t)n : 0;
    return r->n > 0 ? (unsigned char)r->block[r->at++] : -1;
}

static inline int next(Reader *r) { return r->at < r->n ? (unsigned char)r->block[r->at++] : refill(r); }
static inline void back(Reader *r) { r->at--; } /* of the byte just read */

/* ---- CSV ---- */

typedef struct Csv {
    Verify *v;
    Reader r;
    char separator;
    Buf cell;
    uint64_t line;   /* of the record's first byte, from 1 */
    uint64_t lines;  /* newlines read */
    const RtField **column; /* per position: the declared column or NULL */
    uint32_t ncolumn, cap;
} Csv;

typedef enum CellEnd { CELL_MORE, CELL_ROW, CELL_FILE, CELL_BAD } CellEnd;

static CellEnd after_cell(Csv *c, int ch) {
    if (ch == c->separator) return CELL_MORE;
    if (ch == '\r') {
        ch = next(&c->r);
        if (ch != '\n' && ch >= 0) back(&c->r);
        ch = '\n';
    }
    if (ch == '\n') {
        c->lines++;
        return CELL_ROW;
    }
    return CELL_FILE;
}

static CellEnd quoted_cell(Csv *c) {
    for (int ch; (ch = next(&c->r)) >= 0;) {
        if (ch == '\n') c->lines++;
        if (ch != '"') {
            buf_addc(&c->cell, (char)ch);
            continue;
        }
        ch = next(&c->r);
        if (ch == '"') {
            buf_addc(&c->cell, '"');
            continue;
        }
        if (ch < 0 || ch == c->separator || ch == '\n' || ch == '\r') return after_cell(c, ch);
        verify_wrong(c->v, "in line %" PRIu64 " text follows a closing quote", c->line);
        return CELL_BAD;
    }
    verify_wrong(c->v, "a quoted value that begins in line %" PRIu64 " is not closed", c->line);
    return CELL_BAD;
}

static CellEnd cell(Csv *c) {
    buf_clear(&c->cell);
    int ch = next(&c->r);
    if (ch == '"') return quoted_cell(c);
    for (; ch >= 0 && ch != c->separator && ch != '\n' && ch != '\r'; ch = next(&c->r)) buf_addc(&c->cell, (char)ch);
    return after_cell(c, ch);
}

static Str cell_text(const Csv *c) { return c->cell.n > 0 ? buf_view(&c->cell) : STR(""); }

static bool header(Csv *c, bool *over) {
    Verify *v = c->v;
    bool *seen = wf_alloc_zero(v->type->n + 1);
    CellEnd end = CELL_MORE;
    bool ok = true;
    while (ok && end == CELL_MORE) {
        end = cell(c);
        if (end == CELL_BAD) {
            ok = false;
            break;
        }
        Str name = cell_text(c);
        if (c->ncolumn == 0 && str_starts(name, STR("\xEF\xBB\xBF"))) name = (Str){name.p + 3, name.n - 3};
        if (c->ncolumn == 0 && end == CELL_FILE && name.n == 0) ok = verify_wrong(v, "it is empty: a table has a header line");
        uint32_t index;
        const RtField *f = verify_column(v, name, &index);
        if (f != NULL && seen[index]) ok = verify_wrong(v, "it has two columns `%.*s`", STR_ARG(name));
        if (f != NULL) seen[index] = true;
        if (c->ncolumn == c->cap) {
            c->cap = c->cap * 2 + 16;
            c->column = wf_realloc(c->column, c->cap * sizeof *c->column);
        }
        c->column[c->ncolumn++] = f;
        if (ok) verify_put_column(v, name, f != NULL ? verify_type_name(v, f->type) : "string");
    }
    *over = end == CELL_FILE;
    ok = ok && verify_all_there(v, seen);
    free(seen);
    return ok;
}

/* One record; *over at the end of the file, where an empty last line is none. */
static bool record(Csv *c, bool *over, bool *counted) {
    uint32_t i = 0;
    CellEnd end = CELL_MORE;
    c->line = c->lines + 1;
    *counted = true;
    while (end == CELL_MORE) {
        end = cell(c);
        if (end == CELL_BAD) return false;
        Str s = cell_text(c);
        if (i == 0 && end != CELL_MORE && s.n == 0 && (c->ncolumn > 1 || end == CELL_FILE)) { /* a blank line */
            *counted = false;
            *over = end == CELL_FILE;
            return true;
        }
        const RtField *f = i < c->ncolumn ? c->column[i] : NULL;
        if (f != NULL && !cell_fits(c->v->types, f->type, s)) return wrong_cell(c->v, c->line, f, s);
        i++;
    }
    *over = end == CELL_FILE;
    return i == c->ncolumn || verify_wrong(c->v, "line %" PRIu64 " has %u value%s where the header has %u", c->line, i, i == 1 ? "" : "s", c->ncolumn);
}

bool verify_separated(Verify *v, char separator) {
    Csv c = {.v = v, .separator = separator, .r = {.fd = v->fd, .block = wf_alloc(BLOCK)}, .line = 1};
    bool over = false, ok = header(&c, &over);
    int64_t rows = 0;
    while (ok && !over) {
        bool counted;
        ok = record(&c, &over, &counted);
        rows += ok && counted;
    }
    if (c.r.error != 0) ok = verify_wrong(v, "cannot read it: %s", strerror(c.r.error));
    v->facts->rows = rows;
    buf_free(&c.cell);
    free(c.column);
    free(c.r.block);
    return ok;
}

/* ---- JSON ---- */

/* Whether a JSON value of kind k is of the type; scalars stand in j, containers are read. */
static bool json_fits(Verify *v, JsonIn *j, JsonKind k, uint32_t type) {
    const RtType *y = &v->types->type[type];
    int64_t i;
    switch ((RtKind)y->kind) {
    case RT_OPT: return k == JSON_NULL || json_fits(v, j, k, y->inner);
    case RT_INT: return k == JSON_INT || (k == JSON_FLOAT && j->f >= -0x1p63 && j->f < 0x1p63 && j->f == (double)(int64_t)j->f);
    case RT_FLOAT: return k == JSON_INT || k == JSON_FLOAT;
    case RT_BOOL: return k == JSON_TRUE || k == JSON_FALSE;
    case RT_STRING: return k == JSON_STRING;
    case RT_DURATION: return k == JSON_STRING && rt_read_duration(j->s, &i);
    case RT_SIZE: return k == JSON_INT || (k == JSON_STRING && rt_read_size(j->s, &i));
    case RT_TIME: return k == JSON_STRING && rt_read_time(j->s, &i);
    case RT_ENUM: return k == JSON_STRING && rt_read_enum(v->types, type, j->s) >= 0;
    case RT_LIST: return k == JSON_ARRAY;
    case RT_MAP: case RT_STRUCT: return k == JSON_OBJECT;
    case RT_NOTHING: case RT_JSON: case RT_SECRET: case RT_FILE: case RT_DIR: return true;
    }
    return true;
}

/* Reads on after json_next gave k. */
static bool json_rest(JsonIn *j, JsonKind k) {
    Str key;
    if (k == JSON_OBJECT)
        while (json_member(j, &key))
            if (!json_skip(j)) return false;
    if (k == JSON_ARRAY)
        while (json_element(j))
            if (!json_skip(j)) return false;
    return j->error == NULL;
}

/* One object, whose opener was read, as a row. */
static bool json_row(Verify *v, JsonIn *j, const char *unit, uint64_t row) {
    bool seen[v->type->n + 1];
    memset(seen, 0, sizeof seen);
    Str key;
    while (json_member(j, &key)) {
        uint32_t index;
        const RtField *f = verify_column(v, key, &index);
        if (f == NULL) {
            if (!json_skip(j)) break;
            continue;
        }
        seen[index] = true;
        JsonKind k = json_next(j);
        if (k == JSON_ERROR) break;
        if (!json_fits(v, j, k, f->type))
            return verify_wrong(v, "in %s %" PRIu64 " the column `%s` is not of type %s", unit, row, f->name, verify_type_name(v, f->type));
        if (!json_rest(j, k)) break;
    }
    if (j->error != NULL) return verify_wrong(v, "%s %" PRIu64 " is not JSON: %s", unit, row, j->error);
    for (uint32_t i = 0; i < v->type->n; i++) {
        const RtField *f = &v->types->field[v->type->first + i];
        if (!seen[i] && v->types->type[f->type].kind != RT_OPT)
            return verify_wrong(v, "%s %" PRIu64 " has no `%s`", unit, row, f->foreign != NULL ? f->foreign : f->name);
    }
    return true;
}

static void declared_columns(Verify *v) {
    for (uint32_t i = 0; i < v->type->n; i++) {
        const RtField *f = &v->types->field[v->type->first + i];
        verify_put_column(v, str_of(f->foreign != NULL ? f->foreign : f->name), verify_type_name(v, f->type));
    }
}

static bool json_line(Verify *v, Str text, uint64_t line) {
    JsonIn j = json_in(text);
    JsonKind k = json_next(&j);
    bool ok;
    if (v->type->n > 0)
        ok = k == JSON_OBJECT ? json_row(v, &j, "line", line) : verify_wrong(v, "line %" PRIu64 " is not a JSON object", line);
    else
        ok = (k != JSON_ERROR && json_rest(&j, k)) || verify_wrong(v, "line %" PRIu64 " is not JSON: %s", line, j.error);
    if (ok && !json_end(&j)) ok = verify_wrong(v, "line %" PRIu64 " is not JSON: %s", line, j.error);
    json_in_free(&j);
    return ok;
}

static bool is_blank(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r') return false;
    return true;
}

bool verify_json_lines(Verify *v) {
    Reader r = {.fd = v->fd, .block = wf_alloc(BLOCK)};
    Buf line = BUF_INIT;
    uint64_t number = 1;
    int64_t rows = 0;
    bool ok = true;
    for (int ch = 0; ok && ch >= 0; number++) {
        buf_clear(&line);
        while ((ch = next(&r)) >= 0 && ch != '\n') buf_addc(&line, (char)ch);
        Str text = line.n > 0 ? buf_view(&line) : STR("");
        if (is_blank(text)) continue;
        ok = json_line(v, text, number);
        rows++;
    }
    if (r.error != 0) ok = verify_wrong(v, "cannot read it: %s", strerror(r.error));
    v->facts->rows = rows;
    declared_columns(v);
    buf_free(&line);
    free(r.block);
    return ok;
}

bool verify_json_rows(Verify *v, Str text) {
    JsonIn j = json_in(text);
    uint64_t row = 0;
    bool ok = json_next(&j) == JSON_ARRAY || verify_wrong(v, "it is not a JSON array of objects");
    while (ok && json_element(&j)) {
        row++;
        ok = json_next(&j) == JSON_OBJECT ? json_row(v, &j, "row", row) : verify_wrong(v, "row %" PRIu64 " is not a JSON object", row);
    }
    if (ok && !json_end(&j)) ok = verify_wrong(v, "it is not JSON: %s at byte %zu", j.error, j.at);
    v->facts->rows = (int64_t)row;
    declared_columns(v);
    json_in_free(&j);
    return ok;
}
