/* Any bytes become a tree whose nodes stand in the text, with errors exactly when the parser says so; every error renders. */
#include "compiler/source/render.h"
#include "grammar/parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Walk {
    const Ast *ast;
    NodeId parent;
    unsigned depth;
} Walk;

/* Children are lower than their parents, so that passes may recurse. */
static void check_child(void *ctx, NodeId child) {
    Walk *w = ctx;
    if (child == 0 || child >= w->ast->node.len || w->depth > AST_MAX_HEIGHT) abort();
    if (ast_node(w->ast, child)->height >= ast_node(w->ast, w->parent)->height) abort();
    ast_children(w->ast, child, check_child, &(Walk){w->ast, child, w->depth + 1});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Sources sources;
    Atoms atoms;
    Diags diags;
    Ast ast;
    sources_init(&sources);
    atoms_init(&atoms);
    diags_init(&diags);
    FileId file = sources_add(&sources, STR("fuzz.wf"), (Str){(const char *)data, size});

    bool ok = parse_file(&ast, &sources, file, &atoms, &diags);
    if (ok != (diags.nerrors == 0) || !ast_is(&ast, ast.root, AST_FILE)) abort();
    for (NodeId id = 1; id < ast.node.len; id++) {
        const AstNode *n = ast_node(&ast, id);
        if (n->off > n->end || n->end > size || n->kind >= AST_NKINDS || n->height > AST_MAX_HEIGHT) abort();
        Span name = ast_name_span(&ast, id);
        if (name.off > size || name.len > size - name.off) abort();
    }
    if (ok) ast_children(&ast, ast.root, check_child, &(Walk){&ast, ast.root, 1});
    Buf out = BUF_INIT;
    ast_dump(&out, &ast, ast.root);

    diags_sort(&diags);
    buf_clear(&out);
    for (uint32_t i = 0; i < diags.list.len && i < 20; i++) {
        render_text(&out, &sources, &diags.list.data[i], (RenderOptions){.color = i & 1, .unicode = i & 2});
        render_line(&out, &sources, &diags.list.data[i]);
    }
    render_json(&out, &sources, &diags);
    if (utf8_valid(out.p, out.n) != out.n) abort();

    buf_free(&out);
    ast_free(&ast);
    diags_free(&diags);
    atoms_free(&atoms);
    sources_free(&sources);
    return 0;
}
