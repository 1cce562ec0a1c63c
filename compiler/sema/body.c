/* The bodies of declarations: defaults, constants, functions, steps, workflows, targets, tests. */
#include "compiler/sema/check.h"

#include <ctype.h>

Cx cx_open(Sema *s, uint32_t module, uint32_t owner) {
    return (Cx){.s = s, .m = module, .ast = &s->module.data[module].ast, .owner = owner, .first_local = s->local.len};
}

void cx_close(Cx *c) {
    scope_leave(c, 0);
    vec_free(&c->facts);
    vec_free(&c->undo);
}

static void check_defaults(Sema *s, uint32_t symbol) {
    const Symbol y = s->symbol.data[symbol];
    Cx c = cx_open(s, y.module, symbol);
    c.pure = "a default";
    c.in_default = true;
    for (uint32_t i = y.param; i < y.param + y.nparam; i++) {
        const SemaParam p = s->param.data[i];
        if (p.value == 0 || p.flags & (PF_PREDICATE | PF_PARAMS)) continue;
        NodeId type = ast_param(c.ast, p.node).type;
        check_as(&c, p.value, p.type, (Why){.span = ast_span(c.ast, type), .text = y.kind == SYM_STRUCT ? "the field has this type" : "the parameter has this type"});
    }
    cx_close(&c);
}

static void add_params(Cx *c, const Symbol *y) {
    Sema *s = c->s;
    for (uint32_t i = 0; i < y->nparam; i++) {
        const SemaParam p = s->param.data[y->param + i];
        check_name_form(s, p.name, ast_name_span(c->ast, p.node), "a parameter");
        bool twice = false;
        for (uint32_t k = 0; k < i; k++) twice |= s->param.data[y->param + k].name == p.name;
        if (twice) continue; /* reported with the signature */
        scope_add(c, (Local){.name = p.name, .kind = LOCAL_PARAM, .typed = true, .type = p.type, .span = ast_name_span(c->ast, p.node), .node = p.node, .index = i});
    }
}

/* @range(min: 1, max: 3) of a parameter with a default. */
static void check_range(Cx *c, NodeId range, NodeId fallback) {
    NodeId node[2] = {0};
    AstList args = ast_annotation(c->ast, range).args;
    uint32_t at = 0;
    AST_EACH(args, arg) {
        AstArg a = ast_arg(c->ast, arg);
        uint32_t i = a.name == 0 ? at++ : str_is(atom_str(c->s->atoms, a.name), "max");
        if (i < 2) node[i] = a.value;
    }
    double low, high, v;
    bool has_low = node[0] != 0 && number_of(c, node[0], &low), has_high = node[1] != 0 && number_of(c, node[1], &high);
    if (has_low && has_high && low > high) {
        error_at(c, WF_E_bad_setting, range, "@range ends before it begins: no value fits");
    } else if (fallback != 0 && number_of(c, fallback, &v) && ((has_low && v < low) || (has_high && v > high))) {
        Diag *d = error_at(c, WF_E_bad_setting, fallback, "the default is outside of the range");
        diag_label(c->s->diags, d, cx_span(c, range), "the range");
    }
}

static void check_param_annotations(Cx *c, const Symbol *y) {
    Sema *s = c->s;
    for (uint32_t i = 0; i < y->nparam; i++) {
        const SemaParam p = s->param.data[y->param + i];
        AstList annots = ast_param(c->ast, p.node).annots;
        check_annotations(c, annots, PLACE_PARAM, "a parameter");
        NodeId load = find_annotation(c, annots, "load"), range = find_annotation(c, annots, "range"), pattern = find_annotation(c, annots, "pattern");
        TypeKind k = kind_of(c, type_unopt(s->types, p.type));
        if (range != 0 && k != TY_INT && k != TY_FLOAT && p.type != T_ERROR) error_at(c, WF_E_bad_setting, range, "@range is for numbers, not `%s`", ty(c, p.type));
        if (pattern != 0 && k != TY_STRING && p.type != T_ERROR) error_at(c, WF_E_bad_setting, pattern, "@pattern is for strings, not `%s`", ty(c, p.type));
        if (range != 0) check_range(c, range, p.value);
        if (load == 0 || p.type == T_ERROR) continue;
        TypeId base = type_file_base(s->types, type_unopt(s->types, p.type));
        Str format = kind_of(c, base) == TY_FILE ? atom_str(s->atoms, type_at(s->types, base)->a) : STR("");
        static const char *const formats[] = {"csv", "parquet", "npy", "json", "jsonl", "txt", "joblib", "pt", "png"};
        bool known = false;
        for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) known |= str_is(format, formats[f]);
        if (!known || y->kind != SYM_STEP) {
            Diag *d = error_at(c, WF_E_bad_load, load, "@load cannot load `%s`", ty(c, p.type));
            diag_note(s->diags, d, "it loads files of the formats csv, parquet, npy, json, jsonl, txt, joblib, pt and png");
        }
    }
}

static void report_hidden_library(Cx *c, const Symbol *y, const char *what) {
    if (!is_lib_name(c->s, y->name) || y->module != 1) return;
    Diag *d = diag_add(c->s->diags, WF_E_hides_library, y->span, "%s `%s` hides the library function of that name in this file", what, name_z(c, y->name));
    diag_help(c->s->diags, d, "choose another name; as a method, `x.%s()` is the library's", name_z(c, y->name));
}

static void check_output_annotations(Cx *c, const Symbol *y) {
    for (uint32_t i = 0; i < y->noutput; i++) {
        NodeId node = c->s->param.data[y->output + i].node;
        if (node != 0) check_annotations(c, ast_param(c->ast, node).annots, 0, "an output");
    }
}

static void report_unused_params(Cx *c, const Symbol *y, const char *what) {
    for (uint32_t i = 0; i < y->nparam; i++) {
        const SemaParam *p = &c->s->param.data[y->param + i];
        uint32_t l = scope_find(c, p->name);
        if (l == NOT_FOUND || c->s->local.data[l].used || p->type == T_ERROR) continue;
        Diag *d = diag_add(c->s->diags, WF_E_unused_parameter, ast_name_span(c->ast, p->node), "parameter `%s` of %s `%s` is not used", name_z(c, p->name), what,
                           name_z(c, y->name));
        diag_help(c->s->diags, d, "remove it");
    }
}

/* --- constants and functions --- */

void check_constant(Sema *s, uint32_t symbol) {
    Symbol *y = &s->symbol.data[symbol];
    if (y->state != 0) return;
    y->state = 1;
    Cx c = cx_open(s, y->module, symbol);
    c.pure = "a constant";
    /* Names of the using scope are not visible here. */
    AstBinding b = ast_binding(c.ast, y->decl);
    TypeId want = b.type != 0 ? resolve_type(&c, b.type) : T_ERROR;
    TypeId t = want != T_ERROR ? check_as(&c, b.value, want, (Why){.span = ast_span(c.ast, b.type), .text = "the constant has this type"}) : check_value(&c, b.value, T_ERROR);
    if (want != T_ERROR) t = want;
    if (kind_of(&c, t) == TY_NONE) {
        error_at(&c, WF_E_unknown_element_type, b.value, "the type of this constant is not known: `none` of what?");
        t = T_ERROR;
    }
    cx_close(&c);
    s->symbol.data[symbol].type = t;
    s->symbol.data[symbol].state = 2;
}

static void check_fn(Sema *s, uint32_t symbol) {
    const Symbol y = s->symbol.data[symbol];
    Cx c = cx_open(s, y.module, symbol);
    c.pure = "a function";
    add_params(&c, &y);
    check_param_annotations(&c, &y);
    AstFn f = ast_fn(c.ast, y.decl);
    check_annotations(&c, f.annots, 0, "a function");
    check_as(&c, f.body, y.type, (Why){.span = ast_span(c.ast, f.output), .text = "the function gives this"});
    report_unused_params(&c, &y, "function");
    report_hidden_library(&c, &y, "function");
    cx_close(&c);
}

/* --- steps --- */

static void check_argv(Cx *c, const Symbol *y, AstList argv) {
    Sema *s = c->s;
    /* The name of an output stands for the path where the program writes it. */
    for (uint32_t i = 0; i < y->noutput; i++) {
        const SemaParam p = s->param.data[y->output + i];
        if (scope_find(c, p.name) != NOT_FOUND) continue; /* also a parameter: reported */
        Span span = p.node != 0 ? ast_name_span(c->ast, p.node) : y->span;
        uint32_t local = scope_add(c, (Local){.name = p.name, .kind = LOCAL_OUTPUT, .typed = true, .type = T_STRING, .span = span, .node = p.node, .index = i});
        if (p.node == 0) s->symbol.data[c->owner].target = local;
    }
    AST_EACH(argv, item) {
        TypeId t = check_value(c, item, T_ERROR);
        TypeId u = type_unopt(s->types, t);
        if (kind_of(c, u) == TY_LIST) u = type_inner(s->types, u);
        TypeKind k = kind_of(c, u);
        if (k == TY_RECORD || k == TY_STRUCT || k == TY_MAP || k == TY_JSON || k == TY_LIST || k == TY_OPT || k == TY_NONE) {
            Diag *d = error_at(c, WF_E_bad_argv, item, "`%s` cannot be an argument of a program", ty(c, t));
            diag_help(s->diags, d, "pass a field of it, or its JSON text by `.to_json()`");
        }
    }
}

static void check_stdout(Cx *c, const Symbol *y, AstStep x) {
    Sema *s = c->s;
    NodeId a = find_annotation(c, x.annots, "stdout");
    if (a == 0) return;
    AstList args = ast_annotation(c->ast, a).args;
    uint32_t found = NOT_FOUND;
    if (args.n == 0 && y->noutput == 1) found = 0;
    if (args.n == 1 && ast_is(c->ast, ast_arg(c->ast, args.at[0]).value, AST_STRING)) {
        Str want = ast_string(c->ast, ast_arg(c->ast, args.at[0]).value);
        for (uint32_t i = 0; i < y->noutput; i++)
            if (str_eq(atom_str(s->atoms, s->param.data[y->output + i].name), want)) found = i;
    }
    if (found == NOT_FOUND) {
        Diag *d = error_at(c, WF_E_bad_stdout, a, "@stdout names no output of step `%s`", name_z(c, y->name));
        if (y->noutput > 1) diag_help(s->diags, d, "say which: `@stdout(\"name\")`");
        return;
    }
    TypeKind k = kind_of(c, s->param.data[y->output + found].type);
    if (k == TY_DIR || k == TY_LIST) error_at(c, WF_E_bad_stdout, a, "what a step prints cannot be `%s`", ty(c, s->param.data[y->output + found].type));
}

/* `extern "path/lib.so:symbol"`: both parts are needed to find the function. */
static void check_extern(Cx *c, NodeId body) {
    NodeId symbol = ast_extern(c->ast, body).symbol;
    Str text = ast_string(c->ast, symbol);
    const char *colon = text.n > 0 ? memrchr(text.p, ':', text.n) : NULL;
    size_t at = colon != NULL ? (size_t)(colon - text.p) : 0, from = at + 1;
    while (from < text.n && (isalnum((unsigned char)text.p[from]) || text.p[from] == '_')) from++;
    if (at > 0 && from == text.n && at + 1 < text.n && !isdigit((unsigned char)text.p[at + 1])) return;
    Diag *d = error_at(c, WF_E_bad_extern, symbol, "this names no function of a library");
    diag_help(c->s->diags, d, "write `extern \"path/of/library.so:function\"`; the path starts at the project's directory");
}

/* An engine is known by the annotation that carries its own settings. */
static bool is_engine(const Sema *s, const Symbol *y) {
    return y->kind == SYM_ANNOTATION && y->nparam == 1 && str_is(atom_str(s->atoms, s->param.data[y->param].name), "settings");
}

static void check_engine(Cx *c, NodeId at, Atom engine) {
    Sema *s = c->s;
    Str known[16];
    int n = 0;
    Buf list = BUF_INIT;
    if (engine == 0) return; /* a syntax error that was reported */
    for (uint32_t i = 0; i < s->symbol.len && n < 16; i++) {
        const Symbol *y = &s->symbol.data[i];
        if (!is_engine(s, y)) continue;
        if (y->name == engine) {
            buf_free(&list);
            return;
        }
        buf_printf(&list, "%s`%s`", n > 0 ? ", " : "", name_z(c, y->name));
        known[n++] = atom_str(s->atoms, y->name);
    }
    Diag *d = error_at(c, WF_E_unknown_engine, at, "wfc does not know an engine `%s`", name_z(c, engine));
    int near = diag_nearest(atom_str(s->atoms, engine), known, n);
    if (near >= 0) diag_help(s->diags, d, "did you mean `%.*s`?", STR_ARG(known[near]));
    else diag_note(s->diags, d, "engines: %s", buf_cstr(&list));
    buf_free(&list);
}

static void check_step(Sema *s, uint32_t symbol) {
    const Symbol y = s->symbol.data[symbol];
    Cx c = cx_open(s, y.module, symbol);
    AstStep x = ast_step(c.ast, y.decl);
    add_params(&c, &y);
    check_param_annotations(&c, &y);
    for (uint32_t i = 0; i < y.noutput; i++) {
        const SemaParam p = s->param.data[y.output + i];
        for (uint32_t k = 0; k < y.nparam; k++) {
            if (s->param.data[y.param + k].name != p.name) continue;
            NodeId at = p.node != 0 ? p.node : s->param.data[y.param + k].node;
            Diag *d = diag_add(s->diags, WF_E_input_and_output, ast_name_span(c.ast, at), "`%s` is an input and an output of step `%s`", name_z(&c, p.name), name_z(&c, y.name));
            if (p.node == 0) diag_note(s->diags, d, "an output without a name is called `out` in the code");
            else diag_label(s->diags, d, ast_name_span(c.ast, s->param.data[y.param + k].node), "the input");
        }
    }
    check_output_annotations(&c, &y);
    check_annotations(&c, x.annots, PLACE_STEP, "a step");
    check_stdout(&c, &y, x);
    c.pure = "the arguments of a program";
    AST_EACH(x.targets, target) {
        AstTargetBody b = ast_target_body(c.ast, target);
        check_engine(&c, target, b.engine);
        AST_EACH(b.args, arg) check_expr(&c, ast_arg(c.ast, arg).value, T_ERROR);
    }
    /* Last: what it adds to the scope, the paths of the outputs, is for programs alone. */
    if (ast_is(c.ast, x.body, AST_EXEC)) {
        check_argv(&c, &y, ast_exec(c.ast, x.body).argv);
        report_unused_params(&c, &y, "step");
    }
    if (ast_is(c.ast, x.body, AST_EXTERN)) check_extern(&c, x.body);
    if (y.module == 1 || !s->module.data[y.module].embedded) check_script(&c, &y);
    report_hidden_library(&c, &y, "step");
    cx_close(&c);
}

/* --- workflows --- */

static void check_workflow(Sema *s, uint32_t symbol) {
    const Symbol y = s->symbol.data[symbol];
    Cx c = cx_open(s, y.module, symbol);
    AstWorkflow w = ast_workflow(c.ast, y.decl);
    add_params(&c, &y);
    check_param_annotations(&c, &y);
    check_output_annotations(&c, &y);
    check_annotations(&c, w.annots, PLACE_WORKFLOW, "a workflow");
    c.in_workflow = true;
    check_block(&c, w.body, T_NOTHING, WHY_NONE, true);
    report_hidden_library(&c, &y, "workflow");
    report_unused_params(&c, &y, "workflow");
    cx_close(&c);
}

static void check_bundle(Sema *s, uint32_t symbol) {
    const Symbol y = s->symbol.data[symbol];
    Cx c = cx_open(s, y.module, symbol);
    add_params(&c, &y);
    AstBundle b = ast_bundle(c.ast, y.decl);
    if (find_annotation(&c, b.parts, "tolerate"))
        error_at(&c, WF_E_annotation_misplaced, find_annotation(&c, b.parts, "tolerate"), "@tolerate cannot be part of a bundle: it changes the type of the loop");
    check_annotations(&c, b.parts, ~0u, "a bundle");
    cx_close(&c);
}

/* --- targets and tests --- */

static void check_target(Sema *s, uint32_t symbol) {
    const Symbol y = s->symbol.data[symbol];
    Cx c = cx_open(s, y.module, symbol);
    c.pure = "a target";
    check_engine(&c, y.decl, ast_target(c.ast, y.decl).engine);
    AstList body = ast_block(c.ast, ast_target(c.ast, y.decl).body).body;
    AST_EACH(body, stmt) {
        if (ast_is(c.ast, stmt, AST_BINDING)) {
            check_value(&c, ast_binding(c.ast, stmt).value, T_ERROR);
            AST_EACH(body, before) {
                if (before == stmt) break;
                if (!ast_is(c.ast, before, AST_BINDING) || ast_binding(c.ast, before).name != ast_binding(c.ast, stmt).name) continue;
                Diag *d = error_name(&c, WF_E_duplicate_name, stmt, "setting `%s` stands here twice", name_z(&c, ast_binding(c.ast, stmt).name));
                diag_label(s->diags, d, ast_name_span(c.ast, before), "the first");
                break;
            }
        } else if (!ast_is(c.ast, stmt, AST_ERROR)) {
            Diag *d = error_at(&c, WF_E_not_constant, stmt, "a target holds settings only");
            diag_help(s->diags, d, "write `name = value`");
        }
    }
    cx_close(&c);
}

static void check_given(Cx *c, NodeId stmt) {
    Sema *s = c->s;
    AstGiven g = ast_given(c->ast, stmt);
    uint32_t module = c->m, y = NOT_FOUND;
    Atom name = 0;
    if (ast_is(c->ast, g.callee, AST_NAME)) name = ast_name(c->ast, g.callee).name;
    if (ast_is(c->ast, g.callee, AST_MEMBER)) {
        AstMember m = ast_member(c->ast, g.callee);
        uint32_t import = ast_is(c->ast, m.object, AST_NAME) ? sema_lookup(s, c->m, NS_IMPORT, ast_name(c->ast, m.object).name) : NOT_FOUND;
        name = m.name;
        if (import != NOT_FOUND) {
            s->symbol.data[import].used = true;
            module = s->symbol.data[import].target;
        }
    }
    if (module != NOT_FOUND) y = sema_lookup(s, module, NS_CALLABLE, name);
    if (y == NOT_FOUND || (s->symbol.data[y].kind != SYM_STEP && s->symbol.data[y].kind != SYM_WORKFLOW)) {
        Diag *d = error_at(c, WF_E_unknown_callee, g.callee, "`given` answers a step or workflow, and none is called `%s`", name_z(c, name));
        uint32_t n;
        Atom *list = names_list(s, module == NOT_FOUND ? c->m : module, NS_CALLABLE, &n);
        suggest(s, d, ast_name_span(c->ast, g.callee), name, list, n, "declared here");
        return;
    }
    const Symbol x = s->symbol.data[y];
    s->symbol.data[y].used = true;
    check_args(c, stmt, g.args, y);
    if (x.type != T_NOTHING) check_as(c, g.value, x.type, (Why){.span = x.span, .text = "the step gives this"});
    else check_expr(c, g.value, T_NOTHING);
}

static void check_test(Sema *s, uint32_t module, NodeId test) {
    Cx c = cx_open(s, module, NOT_FOUND);
    c.in_test = true;
    AstTest t = ast_test(c.ast, test);
    AstList body = ast_block(c.ast, t.body).body;
    AST_EACH(body, stmt) if (ast_is(c.ast, stmt, AST_GIVEN)) check_given(&c, stmt);
    uint32_t index = 0;
    AST_EACH(body, stmt) {
        if (ast_is(c.ast, stmt, AST_BINDING)) {
            AstBinding b = ast_binding(c.ast, stmt);
            TypeId type = check_expr(&c, b.value, T_ERROR);
            /* The value of a workflow's call is a TestRun, whose members the test engine knows. */
            if (has_flag(&c, b.value, NF_WORK)) type = T_ERROR;
            scope_add(&c, (Local){.name = b.name, .kind = LOCAL_BINDING, .typed = true, .used = true, .type = type, .span = ast_name_span(c.ast, stmt),
                                  .node = stmt, .index = index, .block = t.body});
        } else if (ast_is(c.ast, stmt, AST_EXPECT)) {
            check_condition(&c, ast_expect(c.ast, stmt).value, "what is expected");
        } else if (ast_is(c.ast, stmt, AST_EXPR_STMT)) {
            check_expr(&c, ast_expr_stmt(c.ast, stmt).value, T_NOTHING);
        }
        index++;
    }
    cx_close(&c);
}

/* Declarations that are neither steps nor workflows take no annotations, but the parser lets them stand everywhere. */
static void check_other_annotations(Sema *s, uint32_t module, NodeId item) {
    Cx c = cx_open(s, module, NOT_FOUND);
    AstList annots = ast_annots(c.ast, item);
    switch ((int)ast_kind(c.ast, item)) {
    case AST_STRUCT: check_annotations(&c, annots, 0, "a struct"); break;
    case AST_ENUM: check_annotations(&c, annots, 0, "an enum"); break;
    case AST_ARTIFACT: check_annotations(&c, annots, 0, "an artifact"); break;
    case AST_BINDING: check_annotations(&c, annots, 0, "a constant"); break;
    case AST_IMPORT: check_annotations(&c, annots, 0, "an import"); break;
    case AST_TEST: check_annotations(&c, annots, 0, "a test"); break;
    case AST_TARGET: check_annotations(&c, annots, PLACE_TARGET, "a target"); break;
    default: break;
    }
    cx_close(&c);
}

void check_bodies(Sema *s, uint32_t module) {
    uint32_t first = s->module.data[module].first_symbol, n = s->module.data[module].nsymbols;
    for (uint32_t i = first; i < first + n; i++) {
        SymbolKind k = s->symbol.data[i].kind;
        forget_before(s, module, s->symbol.data[i].decl);
        if (k == SYM_STEP || k == SYM_FN || k == SYM_WORKFLOW || k == SYM_STRUCT || k == SYM_ANNOTATION || k == SYM_BUNDLE) check_defaults(s, i);
    }
    s->module.data[module].forgotten = 0;
    NodeId before = 0; /* the declaration before this one: its nodes are not needed any more */
    for (uint32_t i = first; i < first + n; i++) {
        forget_before(s, module, before);
        before = s->symbol.data[i].decl;
        switch (s->symbol.data[i].kind) {
        case SYM_CONST: check_constant(s, i); break;
        case SYM_FN: check_fn(s, i); break;
        case SYM_STEP: check_step(s, i); break;
        case SYM_WORKFLOW: check_workflow(s, i); break;
        case SYM_TARGET: check_target(s, i); break;
        case SYM_BUNDLE: check_bundle(s, i); break;
        case SYM_STRUCT:
        case SYM_ENUM:
        case SYM_ARTIFACT:
        case SYM_IMPORT:
        case SYM_ANNOTATION: break;
        }
    }
    const Ast *ast = &s->module.data[module].ast;
    AstList items = ast_file(ast, ast->root).items;
    AST_EACH(items, item) {
        check_other_annotations(s, module, item);
        if (ast_is(ast, item, AST_TEST)) check_test(s, module, item);
    }
}
