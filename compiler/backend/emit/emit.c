/* Files being written, and where their lines come from. */
#include "base/json.h"
#include "compiler/backend/emit/target.h"

#include <stdlib.h>

Buf *emit_file(EmitOut *out, const char *path) {
    vec_push(&out->file, ((EmitFile){.path = wf_strdup(path)}));
    return &vec_last(&out->file).text;
}

void emit_mark(EmitOut *out, Span span) {
    uint32_t file = out->file.len - 1;
    size_t at = vec_last(&out->file).text.n;
    if (out->mark.len > 0 && vec_last(&out->mark).file == file && vec_last(&out->mark).at == at) out->mark.len--;
    vec_push(&out->mark, ((EmitMark){file, at, span}));
}

bool emit_has_marks(const EmitOut *out, uint32_t file) {
    for (uint32_t i = 0; i < out->mark.len; i++)
        if (out->mark.data[i].file == file) return true;
    return false;
}

void emit_source_map(Buf *json, const EmitOut *out, uint32_t file, Sources *sources) {
    const EmitFile *f = &out->file.data[file];
    JsonOut j = json_open(json, '{');
    json_key(&j, "version");
    json_int(json, 1);
    json_key(&j, "file");
    json_z(json, f->path);
    json_key(&j, "mappings");
    JsonOut rows = json_open(json, '[');
    size_t at = 0, line = 1;
    for (uint32_t i = 0; i < out->mark.len; i++) {
        const EmitMark *m = &out->mark.data[i];
        if (m->file != file || m->span.file == 0) continue;
        for (; at < m->at && at < f->text.n; at++) line += f->text.p[at] == '\n';
        LineCol from = source_line_col(sources, m->span.file, m->span.off);
        json_item(&rows);
        JsonOut row = json_open(json, '{');
        json_key(&row, "line");
        json_int(json, (int64_t)line);
        json_key(&row, "source");
        json_z(json, sources->file[m->span.file].path);
        json_key(&row, "source_line");
        json_int(json, from.line);
        json_key(&row, "source_column");
        json_int(json, from.col);
        json_close(&row);
    }
    json_close(&rows);
    json_close(&j);
    buf_addc(json, '\n');
}

void emit_free(EmitOut *out) {
    for (uint32_t i = 0; i < out->file.len; i++) {
        free(out->file.data[i].path);
        buf_free(&out->file.data[i].text);
    }
    vec_free(&out->file);
    vec_free(&out->mark);
}
