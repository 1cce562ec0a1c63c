/* Tokens and comments of any bytes stand in the text in order, without overlap, with blanks alone between them, and come to an end;
   strings decode, fences hold their parts. */
#include "compiler/source/render.h"
#include "grammar/lexer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_gap(Str gap) {
    for (size_t i = 0; i < gap.n; i++)
        if (strchr(" \t\r\n", gap.p[i]) == NULL || gap.p[i] == '\0') abort();
}

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

    Str text = sources.file[file].text;
    Arena arena = ARENA_INIT;
    Token t;
    uint32_t at = (uint32_t)((const char *)lexer.at - text.p); /* behind a byte order mark */
    for (size_t count = 0;; count++) {
        lexer_next(&lexer, &t);
        if (t.off < at || t.end < t.off || t.end > size || count > 2 * size + 2) abort();
        check_gap((Str){text.p + at, t.off - at});
        if (t.escapes) lexer_decode(&arena, (Str){text.p + t.off, t.end - t.off}, file, t.off, &diags);
        if (t.kind == TOK_EOF) break;
        if (t.kind == TOK_FENCE && (t.body < t.off || t.body > t.end)) abort();
        at = t.end;
    }
    lexer_next(&lexer, &t);
    if (t.kind != TOK_EOF) abort();
    arena_free(&arena);

    for (uint32_t i = 0; i < diags.list.len; i++) {
        Span s = diags.list.data[i].span;
        if (s.file != file || s.off > size || s.len > size - s.off) abort();
    }
    diags_free(&diags);
    atoms_free(&atoms);
    sources_free(&sources);
    return 0;
}
