#include "base/json.h"
#include "compiler/source/render.h"

#include <stdio.h>

static void put_position(JsonOut *j, Sources *s, const char *key, FileId file, uint32_t off) {
    LineCol lc = source_line_col(s, file, off);
    json_key(j, key);
    JsonOut p = json_open(j->b, '{');
    json_key(&p, "offset");
    json_int(j->b, off);
    json_key(&p, "line");
    json_int(j->b, lc.line);
    json_key(&p, "column");
    json_int(j->b, lc.col);
    json_close(&p);
}

static void put_span(JsonOut *j, Sources *s, Span at) {
    if (at.file == 0) return;
    json_key(j, "path");
    json_z(j->b, s->file[at.file].path);
    put_position(j, s, "start", at.file, at.off);
    put_position(j, s, "end", at.file, at.off + at.len);
}

static void put_place(JsonOut *list, Sources *s, Span at, const char *text) {
    json_item(list);
    JsonOut j = json_open(list->b, '{');
    put_span(&j, s, at);
    json_key(&j, "text");
    json_z(list->b, text);
    json_close(&j);
}

static void put_diag(Buf *out, Sources *s, const Diag *d) {
    JsonOut j = json_open(out, '{');
    char code[16];
    snprintf(code, sizeof code, "WF%04u", (unsigned)d->code);
    json_key(&j, "code");
    json_z(out, code);
    json_key(&j, "slug");
    json_z(out, diag_code_slug(d->code));
    json_key(&j, "severity");
    json_z(out, d->severity == SEV_ERROR ? "error" : "warning");
    json_key(&j, "message");
    json_z(out, d->message);
    put_span(&j, s, d->span);
    json_key(&j, "label");
    json_z(out, d->label);
    json_key(&j, "labels");
    JsonOut list = json_open(out, '[');
    for (uint32_t i = 0; i < d->labels.len; i++) put_place(&list, s, d->labels.data[i].span, d->labels.data[i].text);
    json_close(&list);
    json_key(&j, "notes");
    list = json_open(out, '[');
    for (uint32_t i = 0; i < d->notes.len; i++) {
        json_item(&list);
        json_z(out, d->notes.data[i]);
    }
    json_close(&list);
    if (d->help != NULL) {
        json_key(&j, "help");
        json_z(out, d->help);
    }
    if (d->edits.len > 0) {
        json_key(&j, "fix");
        JsonOut fix = json_open(out, '{');
        json_key(&fix, "safe");
        json_bool(out, !d->unsafe_fix);
        json_key(&fix, "edits");
        list = json_open(out, '[');
        for (uint32_t i = 0; i < d->edits.len; i++) put_place(&list, s, d->edits.data[i].span, d->edits.data[i].text);
        json_close(&list);
        json_close(&fix);
    }
    json_close(&j);
}

void render_json(Buf *out, Sources *s, const Diags *ds) {
    JsonOut j = json_open(out, '{');
    json_key(&j, "version");
    json_int(out, 1);
    json_key(&j, "diagnostics");
    JsonOut list = json_open(out, '[');
    for (uint32_t i = 0; i < ds->list.len; i++) {
        json_item(&list);
        put_diag(out, s, &ds->list.data[i]);
    }
    json_close(&list);
    json_close(&j);
    buf_addc(out, '\n');
}
