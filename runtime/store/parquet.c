/* Parquet by its footer: the schema and the number of rows, in Thrift's compact protocol. No data is read. */
#include "runtime/store/verify_impl.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Thrift compact: a cursor over the footer; `bad` once it ends too soon. */
typedef struct Thrift {
    const unsigned char *p, *end;
    bool bad;
    unsigned depth;
} Thrift;

enum { T_STOP, T_TRUE, T_FALSE, T_I8, T_I16, T_I32, T_I64, T_DOUBLE, T_BINARY, T_LIST, T_SET, T_MAP, T_STRUCT };
enum { THRIFT_DEPTH = 32 };

static unsigned byte(Thrift *t) {
    if (t->p >= t->end) {
        t->bad = true;
        return 0;
    }
    return *t->p++;
}

static uint64_t varint(Thrift *t) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned b = byte(t);
        v |= (uint64_t)(b & 127) << shift;
        if (b < 128) return v;
    }
    t->bad = true;
    return 0;
}

static int64_t zigzag(Thrift *t) {
    uint64_t v = varint(t);
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static Str binary(Thrift *t) {
    uint64_t n = varint(t);
    if (n > (uint64_t)(t->end - t->p)) {
        t->bad = true;
        return STR("");
    }
    Str s = {(const char *)t->p, (size_t)n};
    t->p += n;
    return s;
}

/* The next field of a struct: its type, T_STOP at the end; *id is the last one's and becomes this one's. */
static unsigned field(Thrift *t, int *id) {
    unsigned head = byte(t);
    if (t->bad || head == 0) return T_STOP;
    *id = head >> 4 != 0 ? *id + (int)(head >> 4) : (int)zigzag(t);
    return head & 15;
}

static uint64_t list(Thrift *t, unsigned *type) {
    unsigned head = byte(t);
    *type = head & 15;
    uint64_t n = head >> 4 == 15 ? varint(t) : head >> 4;
    if (n > (uint64_t)(t->end - t->p)) t->bad = true; /* an element has at least a byte */
    return t->bad ? 0 : n;
}

static void skip(Thrift *t, unsigned type);

static void skip_struct(Thrift *t) {
    int id = 0;
    unsigned type;
    while ((type = field(t, &id)) != T_STOP && !t->bad) skip(t, type);
}

/* In a collection a bool is a byte; in a struct its value is its type. */
static void skip_element(Thrift *t, unsigned type) {
    if (type == T_TRUE || type == T_FALSE) byte(t);
    else skip(t, type);
}

static void skip_list(Thrift *t) {
    unsigned type;
    uint64_t n = list(t, &type);
    for (uint64_t i = 0; i < n && !t->bad; i++) skip_element(t, type);
}

static void skip_map(Thrift *t) {
    uint64_t n = varint(t);
    if (n > (uint64_t)(t->end - t->p)) t->bad = true; /* an entry has at least two bytes */
    unsigned types = n > 0 ? byte(t) : 0;
    for (uint64_t i = 0; i < n && !t->bad; i++) {
        skip_element(t, types >> 4);
        skip_element(t, types & 15);
    }
}

static void skip(Thrift *t, unsigned type) {
    if (++t->depth > THRIFT_DEPTH) t->bad = true;
    if (!t->bad) {
        if (type == T_I8) byte(t);
        else if (type == T_I16 || type == T_I32 || type == T_I64) varint(t);
        else if (type == T_DOUBLE) for (int i = 0; i < 8; i++) byte(t);
        else if (type == T_BINARY) binary(t);
        else if (type == T_LIST || type == T_SET) skip_list(t);
        else if (type == T_MAP) skip_map(t);
        else if (type == T_STRUCT) skip_struct(t);
        else if (type != T_TRUE && type != T_FALSE) t->bad = true;
    }
    t->depth--;
}

/* SchemaElement: 1 type, 3 repetition, 4 name, 5 children, 6 converted type, 10 logical type. */
typedef struct Element {
    int64_t type, repetition, children, converted;
    Str name;
} Element;

enum { PQ_BOOLEAN, PQ_INT32, PQ_INT64, PQ_INT96, PQ_FLOAT, PQ_DOUBLE, PQ_BYTES, PQ_FIXED };
enum { PQ_OPTIONAL = 1 };

static Element element(Thrift *t) {
    Element e = {.type = -1, .converted = -1, .name = STR("")};
    int id = 0;
    unsigned type;
    while ((type = field(t, &id)) != T_STOP && !t->bad) {
        if (id == 1 && type == T_I32) e.type = zigzag(t);
        else if (id == 3 && type == T_I32) e.repetition = zigzag(t);
        else if (id == 4 && type == T_BINARY) e.name = binary(t);
        else if (id == 5 && type == T_I32) e.children = zigzag(t);
        else if (id == 6 && type == T_I32) e.converted = zigzag(t);
        else skip(t, type);
    }
    return e;
}

static const char *found_type(const Element *e) {
    if (e->children > 0) return "json";
    switch (e->type) {
    case PQ_BOOLEAN: return "bool";
    case PQ_INT32: case PQ_INT64: return e->converted == 9 || e->converted == 10 ? "time" : "int"; /* timestamps */
    case PQ_INT96: return "time";
    case PQ_FLOAT: case PQ_DOUBLE: return "float";
    default: return "string";
    }
}

/* A file may mark every column as optional, as pandas does, and hold no gap: that is not an error. */
static bool fits(const Verify *v, const Element *e, uint32_t type) {
    const RtType *y = &v->types->type[type];
    const char *found = found_type(e);
    switch ((RtKind)y->kind) {
    case RT_OPT: return fits(v, e, y->inner);
    case RT_INT: case RT_SIZE: return strcmp(found, "int") == 0;
    case RT_FLOAT: return strcmp(found, "float") == 0 || strcmp(found, "int") == 0;
    case RT_BOOL: return strcmp(found, "bool") == 0;
    case RT_STRING: case RT_ENUM: case RT_DURATION: return strcmp(found, "string") == 0;
    case RT_TIME: return strcmp(found, "time") == 0 || strcmp(found, "int") == 0;
    case RT_NOTHING: case RT_JSON: case RT_SECRET: case RT_FILE: case RT_DIR: case RT_STRUCT: case RT_LIST: case RT_MAP: return true;
    }
    return true;
}

static bool schema(Verify *v, Thrift *t) {
    unsigned type;
    uint64_t n = list(t, &type);
    bool *seen = wf_alloc_zero(v->type->n + 1);
    bool ok = type == T_STRUCT && n > 0;
    uint64_t inside = 0; /* elements below a nested column that are still to come */
    if (ok) (void)element(t); /* the root */
    for (uint64_t i = 1; ok && i < n && !t->bad; i++) {
        Element e = element(t);
        uint64_t children = e.children > 0 ? (uint64_t)e.children : 0;
        if (inside > 0) {
            inside += children - 1;
            continue;
        }
        inside = children;
        uint32_t index;
        const RtField *f = verify_column(v, e.name, &index);
        verify_put_column(v, e.name, f != NULL ? verify_type_name(v, f->type) : found_type(&e));
        if (f == NULL) continue;
        seen[index] = true;
        if (!fits(v, &e, f->type))
            ok = verify_wrong(v, "its column `%.*s` is of type %s, not %s", STR_ARG(e.name), found_type(&e), verify_type_name(v, f->type));
    }
    ok = ok && !t->bad && verify_all_there(v, seen);
    free(seen);
    return ok;
}

/* FileMetaData: 2 schema, 3 number of rows. */
static bool footer(Verify *v, Thrift *t) {
    int id = 0;
    unsigned type;
    while ((type = field(t, &id)) != T_STOP && !t->bad) {
        if (id == 2 && type == T_LIST) {
            if (!schema(v, t)) return false;
        } else if (id == 3 && type == T_I64)
            v->facts->rows = zigzag(t);
        else
            skip(t, type);
    }
    return !t->bad && v->facts->columns.n > 0;
}

bool verify_parquet(Verify *v) {
    struct stat st;
    unsigned char head[4], tail[8];
    if (fstat(v->fd, &st) != 0 || st.st_size < 12 || pread(v->fd, head, 4, 0) != 4 || pread(v->fd, tail, 8, st.st_size - 8) != 8 ||
        memcmp(head, "PAR1", 4) != 0 || memcmp(tail + 4, "PAR1", 4) != 0)
        return verify_wrong(v, "it is not a Parquet file");
    uint64_t n = (uint64_t)tail[0] | (uint64_t)tail[1] << 8 | (uint64_t)tail[2] << 16 | (uint64_t)tail[3] << 24;
    if (n > (uint64_t)st.st_size - 12) return verify_wrong(v, "its Parquet footer is damaged");
    unsigned char *bytes = wf_alloc(n);
    bool ok = pread(v->fd, bytes, n, st.st_size - 8 - (off_t)n) == (ssize_t)n;
    Thrift t = {.p = bytes, .end = bytes + n};
    ok = ok && footer(v, &t);
    free(bytes);
    return ok || verify_wrong(v, "its Parquet footer is damaged");
}
