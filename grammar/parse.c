/* The checks of a text as a whole, and the way from text to tree. */
#include "grammar/parse.h"

#include "grammar/parser.h"

#include <sys/mman.h>

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

/* Page faults are a tenth of the time for a large file; only whole huge pages inside the block are asked for. */
static void prefer_huge_pages(void *p, size_t bytes) {
    const uintptr_t page = 2 << 20;
    uintptr_t from = ((uintptr_t)p + page - 1) & ~(page - 1), to = ((uintptr_t)p + bytes) & ~(page - 1);
    if (to > from) madvise((void *)from, to - from, MADV_HUGEPAGE);
}

/* A file has about one node for eight bytes; memory that stays untouched costs nothing. */
static void reserve(Ast *ast) {
    uint32_t bytes = (uint32_t)ast->text.n;
    vec_reserve(&ast->node, bytes / 7 + 16);
    vec_reserve(&ast->extra, bytes / 5 + 16);
    prefer_huge_pages(ast->node.data, ast->node.cap * sizeof *ast->node.data);
    prefer_huge_pages(ast->extra.data, ast->extra.cap * sizeof *ast->extra.data);
}

static void run(Parse *p, const ParserEngine *engine) {
    p->engine = engine;
    p->lexer = lexer_open(p->text, p->file, p->build.ast->atoms, p->diags);
    p->lexer.pragma = note_pragma;
    p->lexer.pragma_ctx = p->build.ast;
    if (!engine->open(p)) return;
    feeder_run(p);
    engine->close(p);
    vec_free(&p->build.pending);
}

bool parse_file(Ast *out, const Sources *s, FileId file, Atoms *atoms, Diags *diags) {
    ast_init(out, s, file, atoms);
    Parse p = {.build = {.ast = out}, .diags = diags, .file = file, .text = out->text, .errors_before = diags->nerrors};
    const Parse fresh = p;
    if (check_text(&p)) {
        uint32_t findings = diags->list.len;
        reserve(out);
        run(&p, &parser_quick);
        if (diags->list.len > findings) {
            diags_truncate(diags, findings);
            ast_free(out);
            ast_init(out, s, file, atoms);
            p = fresh;
            run(&p, &parser_careful);
        }
    }
    if (out->root == 0) parser_finish(&p, 0, NO_LIST);
    vec_free(&p.build.pending);
    return diags->nerrors == p.errors_before;
}
