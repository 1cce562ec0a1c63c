/* Formats by their first bytes, JSON whole, tables in the files beside this one. */
#include "runtime/store/verify_impl.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool verify_wrong(Verify *v, const char *fmt, ...) {
    if (v->why->n > 0) return false;
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(v->why, fmt, ap);
    va_end(ap);
    return false;
}

const RtField *verify_column(const Verify *v, Str name, uint32_t *index) {
    for (uint32_t i = 0; i < v->type->n; i++) {
        const RtField *f = &v->types->field[v->type->first + i];
        if (str_is(name, f->foreign != NULL ? f->foreign : f->name)) {
            *index = i;
            return f;
        }
    }
    return NULL;
}

bool verify_all_there(Verify *v, const bool *seen) {
    for (uint32_t i = 0; i < v->type->n; i++) {
        const RtField *f = &v->types->field[v->type->first + i];
        if (seen[i]) continue;
        return verify_wrong(v, "it has no column `%s`", f->foreign != NULL ? f->foreign : f->name);
    }
    return true;
}

void verify_put_column(Verify *v, Str name, const char *type) {
    Buf *b = &v->facts->columns;
    buf_z(b, b->n == 0 ? "[[" : ",[");
    json_string(b, name);
    buf_addc(b, ',');
    json_z(b, type);
    buf_addc(b, ']');
}

const char *verify_type_name(const Verify *v, uint32_t type) { return v->types->type[type].name; }

/* ---- first bytes ---- */

typedef struct Magic {
    const char *format;
    unsigned at;
    const char *bytes;
    unsigned n;
    const char *what;
} Magic;

static const Magic magic[] = {
    {"png", 0, "\x89PNG\r\n\x1a\n", 8, "a PNG image"}, {"jpg", 0, "\xff\xd8\xff", 3, "a JPEG image"},
    {"jpeg", 0, "\xff\xd8\xff", 3, "a JPEG image"},    {"gif", 0, "GIF8", 4, "a GIF image"},
    {"webp", 8, "WEBP", 4, "a WebP image"},            {"pdf", 0, "%PDF-", 5, "a PDF document"},
    {"gz", 0, "\x1f\x8b", 2, "gzip data"},             {"gzip", 0, "\x1f\x8b", 2, "gzip data"},
    {"tgz", 0, "\x1f\x8b", 2, "gzip data"},            {"tar.gz", 0, "\x1f\x8b", 2, "gzip data"},
    {"bz2", 0, "BZh", 3, "bzip2 data"},                {"xz", 0, "\xfd" "7zXZ", 5, "xz data"},
    {"zst", 0, "\x28\xb5\x2f\xfd", 4, "zstd data"},    {"zip", 0, "PK", 2, "a zip archive"},
    {"npz", 0, "PK", 2, "a zip archive"},              {"xlsx", 0, "PK", 2, "a zip archive"},
    {"tar", 257, "ustar", 5, "a tar archive"},         {"sqlite", 0, "SQLite format 3", 16, "an SQLite database"},
};

static bool starts(Verify *v, const Magic *m) {
    char head[300] = {0};
    ssize_t n = pread(v->fd, head, sizeof head, 0);
    if (n >= (ssize_t)(m->at + m->n) && memcmp(head + m->at, m->bytes, m->n) == 0) return true;
    if (n == 0) return verify_wrong(v, "it is empty, and not %s", m->what);
    return verify_wrong(v, "it is not %s", m->what);
}

/* ---- npy ---- */

/* "\x93NUMPY", version, length of the header, a Python dictionary: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), } */
static bool npy(Verify *v) {
    unsigned char head[12];
    if (pread(v->fd, head, sizeof head, 0) < 10 || memcmp(head, "\x93NUMPY", 6) != 0) return verify_wrong(v, "it is not a NumPy array");
    size_t at = head[6] >= 2 ? 12 : 10, n = head[6] >= 2 ? (size_t)head[8] | (size_t)head[9] << 8 | (size_t)head[10] << 16 | (size_t)head[11] << 24
                                                         : (size_t)head[8] | (size_t)head[9] << 8;
    char text[4096];
    if (n >= sizeof text) return verify_wrong(v, "its NumPy header is too long");
    if (pread(v->fd, text, n, (off_t)at) != (ssize_t)n) return verify_wrong(v, "its NumPy header is cut off");
    text[n] = '\0';
    const char *descr = strstr(text, "'descr'"), *shape = strstr(text, "'shape'");
    if (descr == NULL || shape == NULL || strstr(text, "'fortran_order'") == NULL) return verify_wrong(v, "its NumPy header is damaged");
    if (strncmp(descr, "'descr': '|O'", 13) == 0) return verify_wrong(v, "it holds pickled Python objects, not numbers");
    const char *open = strchr(shape, '(');
    if (open != NULL && isdigit((unsigned char)open[1])) v->facts->rows = strtoll(open + 1, NULL, 10);
    return true;
}

/* ---- JSON ---- */

static bool json(Verify *v) {
    Buf b = BUF_INIT;
    if (lseek(v->fd, 0, SEEK_SET) != 0) return verify_wrong(v, "cannot read it: %s", strerror(errno));
    int error = io_read_fd(v->fd, (size_t)4 << 30, &b);
    if (error != 0) {
        buf_free(&b);
        return verify_wrong(v, "cannot read it: %s", strerror(error));
    }
    bool ok = v->type->n > 0 ? verify_json_rows(v, buf_view(&b)) : true;
    JsonIn j = json_in(buf_view(&b));
    if (ok && v->type->n == 0 && !(json_skip(&j) && json_end(&j))) ok = verify_wrong(v, "it is not JSON: %s at byte %zu", j.error, j.at);
    json_in_free(&j);
    buf_free(&b);
    return ok;
}

/* ---- by format ---- */

static bool by_format(Verify *v) {
    const char *f = v->type->format != NULL ? v->type->format : "";
    if (strcmp(f, "csv") == 0) return verify_separated(v, ',');
    if (strcmp(f, "tsv") == 0) return verify_separated(v, '\t');
    if (strcmp(f, "json") == 0) return json(v);
    if (strcmp(f, "jsonl") == 0 || strcmp(f, "ndjson") == 0) return verify_json_lines(v);
    if (strcmp(f, "parquet") == 0) return verify_parquet(v);
    if (strcmp(f, "npy") == 0) return npy(v);
    for (size_t i = 0; i < sizeof magic / sizeof *magic; i++)
        if (strcmp(f, magic[i].format) == 0) return starts(v, &magic[i]);
    return true;
}

bool verify_file(const char *path, const RtTypes *types, uint32_t type, VerifyFacts *facts, Buf *why) {
    Buf text = BUF_INIT;
    Verify v = {.types = types, .type = &types->type[type], .facts = facts, .why = &text};
    v.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool ok = v.fd >= 0 || verify_wrong(&v, "cannot read it: %s", strerror(errno));
    ok = ok && by_format(&v);
    if (v.fd >= 0) close(v.fd);
    if (facts->columns.n > 0) buf_addc(&facts->columns, ']');
    if (!ok) {
        Str name = path_base(str_of(path));
        buf_printf(why, "%.*s is declared as %s, but ", STR_ARG(name), types->type[type].name);
        buf_str(why, buf_view(&text));
    }
    buf_free(&text);
    return ok;
}
