/* Tokens of any bytes stand in the text in order, without overlap, and come to an end; fences and strings hold their parts. */
#include "compiler/source/render.h"
#include "grammar/lexer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Sources sources;
    Atoms atoms;
    Diags diags;
    sources_init(&sources);
    atoms_init(&atoms);
    diags_init(&diags);
    FileId file = sources_add(&sources, STR("fuzz.wf"), (Str){(const char *)data, size});
    Lexer lexer = lexer_open(sources.file[file].text, file, &atoms, &diags);
    lexer.comments = true;

    uint32_t at = 0;
    for (size_t count = 0;; count++) {
        Token t = lexer_next(&lexer);
        if (t.off < at || t.end < t.off || t.end > size || count > 2 * size + 2) abort();
        if (t.kind == TOK_EOF) break;
        if (t.kind == TOK_FENCE && (t.body < t.off || t.body > t.end)) abort();
        at = t.end;
    }
    if (lexer_next(&lexer).kind != TOK_EOF) abort();

    for (uint32_t i = 0; i < diags.list.len; i++) {
        Span s = diags.list.data[i].span;
        if (s.file != file || s.off > size || s.len > size - s.off) abort();
    }
    diags_free(&diags);
    atoms_free(&atoms);
    sources_free(&sources);
    return 0;
}
