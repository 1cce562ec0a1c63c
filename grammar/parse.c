/* The checks of a text as a whole, and the way from text to tree. */
#include "grammar/parse.h"

#include "grammar/parser.h"

/* Texts that are no WF at all get one finding and are not read. */
static bool check_text(Parse *p) {
    Str text = p->text;
    const char *nul = memchr(text.p, '\0', text.n);
    if (nul != NULL) {
        Diag *d = diag_add(p->diags, WF_E_binary_file, parse_span(p, (uint32_t)(nul - text.p), (uint32_t)(nul - text.p) + 1), "this is not a text file");
        diag_here(p->diags, d, "byte 0 here");
        return false;
    }
    size_t bad = utf8_valid(text.p, text.n);
    if (bad < text.n) {
        Diag *d = diag_add(p->diags, WF_E_invalid_utf8, parse_span(p, (uint32_t)bad, (uint32_t)bad + 1), "the file is not valid UTF-8");
        diag_here(p->diags, d, "byte 0x%02X here", (unsigned char)text.p[bad]);
        return false;
    }
    for (const char *cr = text.p, *end = text.p + text.n; (cr = memchr(cr, '\r', (size_t)(end - cr))) != NULL; cr++) {
        if (cr[1] == '\n') continue;
        uint32_t at = (uint32_t)(cr - text.p);
        Diag *d = diag_add(p->diags, WF_E_bad_line_end, parse_span(p, at, at + 1), "a line ends in a carriage return alone");
        diag_help(p->diags, d, "lines end in a line feed, or in carriage return and line feed");
        return true; /* once; the lexer takes it for a line's end */
    }
    return true;
}

static void note_pragma(void *ctx, uint32_t off) {
    Ast *ast = ctx;
    vec_push(&ast->pragmas, off);
}

/* A file has about one node for ten bytes; memory that stays untouched costs nothing. */
static void reserve(Ast *ast) {
    uint32_t bytes = (uint32_t)ast->text.n;
    vec_reserve(&ast->node, bytes / 8 + 16);
    vec_reserve(&ast->extra, bytes / 8 + 16);
}

bool parse_file(Ast *out, const Sources *s, FileId file, Atoms *atoms, Diags *diags) {
    ast_init(out, s, file, atoms);
    Parse p = {.build = {.ast = out}, .diags = diags, .file = file, .text = out->text, .errors_before = diags->nerrors};
    if (check_text(&p) && parser_open(&p)) {
        reserve(out);
        p.lexer = lexer_open(p.text, file, atoms, diags);
        p.lexer.pragma = note_pragma;
        p.lexer.pragma_ctx = out;
        feeder_run(&p);
        parser_close(&p);
    }
    if (out->root == 0) parser_finish(&p, 0, NO_LIST);
    vec_free(&p.build.pending);
    return diags->nerrors == p.errors_before;
}
