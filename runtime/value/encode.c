/* Values as JSON text. */
#include "runtime/value/rt.h"

#include "base/json.h"

#include <inttypes.h>

static void put_file(Buf *b, const RtFile *f, const RtEncode *how) {
    if (how->mode == RT_JSON_PATHS) {
        Buf path = BUF_INIT;
        how->path(how->cx, f, &path);
        json_string(b, buf_view(&path));
        buf_free(&path);
        return;
    }
    JsonOut j = json_open(b, '{');
    json_key(&j, "file");
    json_string(b, rt_str(f->name));
    json_key(&j, "sha256");
    json_z(b, f->sha256);
    json_key(&j, "size");
    json_int(b, (int64_t)f->size);
    if (f->is_dir) {
        json_key(&j, "dir");
        json_bool(b, true);
    }
    if (f->format != NULL && f->format->n > 0) {
        json_key(&j, "format");
        json_string(b, rt_str(f->format));
    }
    if (f->rows >= 0) {
        json_key(&j, "rows");
        json_int(b, f->rows);
    }
    if (f->columns != NULL) {
        json_key(&j, "columns");
        buf_str(b, rt_str(f->columns));
    }
    json_close(&j);
}

static void put_quoted(Buf *b, const RtTypes *t, uint32_t type, const RtWord *w) {
    buf_addc(b, '"'); /* durations, sizes, times and member names hold nothing to escape */
    rt_put_text(b, t, type, w);
    buf_addc(b, '"');
}

static void put_struct(Buf *b, const RtTypes *t, const RtType *y, const RtWord *w, const RtEncode *how) {
    JsonOut j = json_open(b, '{');
    for (uint32_t i = 0; i < y->n; i++) {
        const RtField *f = &t->field[y->first + i];
        json_key(&j, f->foreign != NULL ? f->foreign : f->name);
        rt_put_json(b, t, f->type, w + f->offset, how);
    }
    json_close(&j);
}

static void put_list(Buf *b, const RtTypes *t, uint32_t inner, const RtList *l, const RtEncode *how) {
    uint32_t words = rt_type(t, inner)->words;
    JsonOut j = json_open(b, '[');
    for (uint64_t i = 0; i < l->n; i++) {
        json_item(&j);
        rt_put_json(b, t, inner, l->at + i * words, how);
    }
    json_close(&j);
}

static void put_map(Buf *b, const RtTypes *t, uint32_t inner, const RtMap *m, const RtEncode *how) {
    uint32_t stride = 1 + rt_type(t, inner)->words;
    JsonOut j = json_open(b, '{');
    for (uint64_t i = 0; i < m->n; i++) {
        json_key_str(&j, rt_str(m->at[i * stride].p));
        rt_put_json(b, t, inner, m->at + i * stride + 1, how);
    }
    json_close(&j);
}

void rt_put_json(Buf *b, const RtTypes *t, uint32_t type, const RtWord *w, const RtEncode *how) {
    const RtType *y = rt_type(t, type);
    switch ((RtKind)y->kind) {
    case RT_NOTHING: buf_z(b, "null"); return;
    case RT_BOOL: json_bool(b, w->i != 0); return;
    case RT_INT: json_int(b, w->i); return;
    case RT_FLOAT: json_double(b, w->f); return;
    case RT_STRING: json_string(b, rt_str(w->p)); return;
    case RT_JSON: buf_str(b, rt_str(w->p)); return;
    case RT_SECRET: {
        JsonOut j = json_open(b, '{');
        json_key(&j, "secret");
        json_string(b, rt_str(w->p));
        json_close(&j);
        return;
    }
    case RT_DURATION: case RT_SIZE: case RT_TIME: put_quoted(b, t, type, w); return;
    case RT_ENUM: {
        const RtField *f = &t->field[y->first + (uint32_t)w->i];
        json_z(b, f->foreign != NULL ? f->foreign : f->name);
        return;
    }
    case RT_FILE: case RT_DIR: put_file(b, w->p, how); return;
    case RT_STRUCT: put_struct(b, t, y, w, how); return;
    case RT_LIST: put_list(b, t, y->inner, w->p, how); return;
    case RT_MAP: put_map(b, t, y->inner, w->p, how); return;
    case RT_OPT:
        if (rt_some(t, type, w))
            rt_put_json(b, t, y->inner, w, how);
        else
            buf_z(b, "null");
        return;
    }
}

bool rt_encode(Rt *rt, uint32_t type, const RtWord *value, RtWord *out) {
    if (rt_type(rt->types, type)->kind == RT_JSON) {
        *out = *value;
        return true;
    }
    Buf b = BUF_INIT;
    rt_put_json(&b, rt->types, type, value, &(RtEncode){.mode = RT_JSON_DATA});
    out->p = rt_new_text(rt, buf_view(&b));
    buf_free(&b);
    return true;
}
