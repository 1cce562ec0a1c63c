/* What the tree tells besides its nodes: places of names and operators, doc comments, fences, pragmas; and long chains. */
#include "grammar/parse.h"
#include "tests/unit/test.h"

static Sources s;
static Atoms atoms;
static Diags ds;

static Ast parse(const char *text) {
    Ast ast;
    FileId file = sources_add(&s, STR("t.wf"), str_of(text));
    CHECK(parse_file(&ast, &s, file, &atoms, &ds));
    return ast;
}

static NodeId item(const Ast *ast, uint32_t i) { return ast_file(ast, ast->root).items.at[i]; }

static void places(void) {
    Ast ast = parse("@a.retry(2)\nstep  run(x: int) -> int\nsupplied\na = (x) # y\n  + lib.f(z)\nimport std.http as h\n");
    CHECK_STR(source_text(&s, ast_name_span(&ast, item(&ast, 0))), "run");
    CHECK_STR(source_text(&s, ast_annotation_span(&ast, ast_annots(&ast, item(&ast, 0)).at[0])), "@a.retry");
    AstStep step = ast_step(&ast, item(&ast, 0));
    CHECK_INT(step.params.n, 1);
    CHECK_STR(source_text(&s, ast_name_span(&ast, step.params.at[0])), "x");
    NodeId sum = ast_binding(&ast, item(&ast, 1)).value;
    CHECK_STR(source_text(&s, ast_op_span(&ast, sum)), "+");
    CHECK(ast_has(&ast, ast_binary(&ast, sum).left, AST_PAREN));
    CHECK_STR(source_text(&s, ast_name_span(&ast, ast_call(&ast, ast_binary(&ast, sum).right).callee)), "f");
    CHECK_STR(source_text(&s, ast_name_span(&ast, item(&ast, 2))), "h");
    CHECK_STR(atom_str(&atoms, ast_name_of(&ast, item(&ast, 2))), "h");
    ast_free(&ast);
}

static void comments(void) {
    Arena arena = ARENA_INIT;
    Ast ast = parse("# Not this.\n\n# First line.\n#\n# wfc: allow(WF0401) because\n#  Indented.\n@retry(2)\nstep f(\n  # A number.\n  x: int, y: int)\nsupplied\n");
    CHECK_STR(ast_doc_comment(&ast, item(&ast, 0), &arena), "First line.\n\n Indented.");
    AstList params = ast_step(&ast, item(&ast, 0)).params;
    CHECK_STR(ast_doc_comment(&ast, params.at[0], &arena), "A number.");
    CHECK_STR(ast_doc_comment(&ast, params.at[1], &arena), "");
    CHECK_INT(ast.pragmas.len, 1);
    CHECK(str_starts((Str){ast.text.p + ast.pragmas.data[0], 7}, STR("# wfc: ")));
    arena_free(&arena);
    ast_free(&ast);
}

static void fences(void) {
    Arena arena = ARENA_INIT;
    Ast ast = parse("a = ```sql\n    x\n\n      y\r\n    ```\nb = ~~~t\n~~~\n");
    NodeId a = ast_binding(&ast, item(&ast, 0)).value, b = ast_binding(&ast, item(&ast, 1)).value;
    CHECK_STR(ast_fence_raw(&ast, a), "    x\n\n      y\r\n");
    CHECK_STR(ast_fence_text(&ast, a, &arena), "x\n\n  y\r\n");
    CHECK_INT(ast_fence_indent(&ast, a), 4);
    CHECK_STR(ast_fence_text(&ast, b, &arena), "");
    arena_free(&arena);
    ast_free(&ast);
}

static void chains(void) {
    Buf text = BUF_INIT;
    buf_z(&text, "a = x");
    for (int i = 1; i < 100000; i++) buf_z(&text, " >> y");
    Ast ast = parse(buf_cstr(&text));
    NodeId chain = ast_binding(&ast, item(&ast, 0)).value;
    AstList parts = ast_chain(&ast, chain).parts;
    CHECK_INT(parts.n, 100000);
    CHECK_INT(ast_node(&ast, chain)->height, 2);
    CHECK(ast_is(&ast, parts.at[99999], AST_NAME));
    CHECK(ast.extra.len < 500000);
    buf_free(&text);
    ast_free(&ast);
}

int main(void) {
    sources_init(&s);
    atoms_init(&atoms);
    diags_init(&ds);
    places();
    comments();
    fences();
    chains();
    diags_free(&ds);
    atoms_free(&atoms);
    sources_free(&s);
    return test_end();
}
