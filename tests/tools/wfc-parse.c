/* Prints the tree of a file, or its syntax errors. Tests run it.
     wfc-parse [--json | --line | --unicode | --color | --time | --doc] FILE
   Exit status 0 with a tree, 1 with errors, 2 when the file cannot be read. */
#include "compiler/source/render.h"
#include "grammar/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void print_docs(Buf *out, const Ast *ast, NodeId id, Arena *arena) {
    Str doc = ast_doc_comment(ast, id, arena);
    if (doc.n == 0) return;
    Span at = ast_name_span(ast, id);
    buf_printf(out, "%s %.*s\n%.*s\n\n", ast_kind_name(ast_kind(ast, id)), (int)at.len, ast->text.p + at.off, STR_ARG(doc));
}

static void print_all_docs(Buf *out, const Ast *ast) {
    Arena arena = ARENA_INIT;
    for (NodeId id = 1; id < ast->node.len; id++)
        if (ast_kind(ast, id) <= AST_PARAM && ast_kind(ast, id) > AST_FILE) print_docs(out, ast, id, &arena);
    arena_free(&arena);
}

static void print_findings(Buf *out, Sources *s, Diags *ds, const char *mode) {
    RenderOptions o = {.color = !strcmp(mode, "--color"), .unicode = !strcmp(mode, "--unicode")};
    diags_sort(ds);
    if (!strcmp(mode, "--json")) {
        render_json(out, s, ds);
        return;
    }
    for (uint32_t i = 0; i < ds->list.len; i++) {
        if (!strcmp(mode, "--line")) {
            render_line(out, s, &ds->list.data[i]);
            continue;
        }
        if (i > 0) buf_addc(out, '\n');
        render_text(out, s, &ds->list.data[i], o);
    }
}

int main(int argc, char **argv) {
    const char *mode = argc == 3 ? argv[1] : "";
    if (argc < 2 || argc > 3) return fputs("usage: wfc-parse [MODE] FILE\n", stderr), 2;
    Sources s;
    Atoms atoms;
    Diags ds;
    Ast ast;
    FileId file;
    sources_init(&s);
    atoms_init(&atoms);
    diags_init(&ds);
    double start = now();
    int e = sources_read(&s, argv[argc - 1], &file);
    if (e != 0) return fprintf(stderr, "%s: %s\n", argv[argc - 1], strerror(e)), 2;
    double read = now();
    bool ok = parse_file(&ast, &s, file, &atoms, &ds);
    double parsed = now();
    Buf out = BUF_INIT;
    if (!strcmp(mode, "--time")) {
        struct rusage r;
        getrusage(RUSAGE_SELF, &r);
        printf("%.1f MB, read %.0f ms, parsed %.0f ms, %u nodes, %u words, %u names, peak %ld MB\n", (double)s.file[file].text.n / 1e6,
               (read - start) * 1e3, (parsed - read) * 1e3, ast.node.len, ast.extra.len, atoms.n, r.ru_maxrss / 1024);
    } else if (!ok) {
        print_findings(&out, &s, &ds, mode);
    } else if (!strcmp(mode, "--doc")) {
        print_all_docs(&out, &ast);
    } else {
        ast_dump(&out, &ast, ast.root);
    }
    fwrite(buf_cstr(&out), 1, out.n, stdout);
    buf_free(&out);
    ast_free(&ast);
    diags_free(&ds);
    atoms_free(&atoms);
    sources_free(&s);
    return ok ? 0 : 1;
}
