/* Calls: of steps, workflows, functions, struct constructors and built-in forms; members of values. */
#include "compiler/sema/check.h"

#include <errno.h>

#include "base/io.h"

static uint32_t find_param(const Sema *s, uint32_t param, uint32_t n, Atom name) {
    for (uint32_t i = 0; i < n; i++)
        if (s->param.data[param + i].name == name) return i;
    return NOT_FOUND;
}

void sema_match_args(const Sema *s, const Ast *ast, AstList args, uint32_t param, uint32_t nparam, NodeId *out) {
    memset(out, 0, nparam * sizeof *out);
    uint32_t at = 0;
    AST_EACH(args, node) {
        AstArg a = ast_arg(ast, node);
        uint32_t i = a.name == 0 ? at++ : find_param(s, param, nparam, a.name);
        if (i < nparam && out[i] == 0) out[i] = a.value;
    }
}

/* "step `fit`", for messages. */
static const char *symbol_what(Cx *c, uint32_t symbol) {
    const Symbol *y = &c->s->symbol.data[symbol];
    if (y->kind == SYM_BUNDLE) return diag_text(c, "@%s", name_z(c, y->name));
    const char *kind = y->kind == SYM_STEP ? "step" : y->kind == SYM_WORKFLOW ? "workflow" : y->kind == SYM_FN ? "function" : "struct";
    return diag_text(c, "%s `%s`", kind, name_z(c, y->name));
}

static const char *param_word(const Sema *s, uint32_t symbol) { return s->symbol.data[symbol].kind == SYM_STRUCT ? "field" : "parameter"; }

static void unknown_param(Cx *c, NodeId arg, Atom name, uint32_t symbol) {
    Sema *s = c->s;
    uint32_t param = s->symbol.data[symbol].param, n = s->symbol.data[symbol].nparam;
    Diag *d = diag_add(s->diags, WF_E_unknown_argument, ast_name_span(c->ast, arg), "%s has no %s `%s`", symbol_what(c, symbol),
                       param_word(s, symbol), name_z(c, name));
    Atom *names = ARENA_ARRAY(&s->diags->arena, Atom, n);
    for (uint32_t i = 0; i < n; i++) names[i] = s->param.data[param + i].name;
    diag_label(s->diags, d, s->symbol.data[symbol].span, "declared here");
    suggest(s, d, ast_name_span(c->ast, arg), name, names, n, s->symbol.data[symbol].kind == SYM_STRUCT ? "fields" : "parameters");
}

static void report_missing(Cx *c, NodeId at, uint32_t symbol, const uint8_t *given) {
    Sema *s = c->s;
    const Symbol y = s->symbol.data[symbol];
    Buf names = BUF_INIT;
    uint32_t n = 0;
    TypeId type = T_ERROR;
    for (uint32_t i = 0; i < y.nparam; i++) {
        const SemaParam *p = &s->param.data[y.param + i];
        if (given[i] || p->value != 0) continue;
        buf_printf(&names, "%s`%s`", n++ ? ", " : "", name_z(c, p->name));
        type = p->type;
    }
    if (n > 0) {
        Diag *d = error_at(c, WF_E_missing_argument, at, "%s needs %s %s", symbol_what(c, symbol), n == 1 ? "a value for" : "values for", names.p);
        diag_label(s->diags, d, y.span, "declared here");
        if (n == 1 && kind_of(c, type) == TY_OPT) diag_help(s->diags, d, "an optional without a default must be given: pass `none` if there is no value");
    }
    buf_free(&names);
}

/* The parameter an argument is for, or NOT_FOUND after reporting. */
static uint32_t place_arg(Cx *c, NodeId node, AstArg a, uint32_t symbol, uint32_t nargs, uint32_t *position, bool *named) {
    Sema *s = c->s;
    const Symbol y = s->symbol.data[symbol];
    if (a.name == 0) {
        if (*named) error_at(c, WF_E_argument_order, node, "an argument without a name cannot follow one with a name");
        uint32_t i = (*position)++;
        if (i < y.nparam) return i;
        if (i == y.nparam) {
            Diag *d = error_at(c, WF_E_too_many_arguments, node, "%s takes %u argument%s, not %u", symbol_what(c, symbol), y.nparam, y.nparam == 1 ? "" : "s", nargs);
            diag_label(s->diags, d, y.span, "declared here");
        }
    } else {
        *named = true;
        uint32_t i = find_param(s, y.param, y.nparam, a.name);
        if (i != NOT_FOUND) return i;
        unknown_param(c, node, a.name, symbol);
    }
    if (!c->in_test || !ast_is(c->ast, a.value, AST_WILD)) check_expr(c, a.value, T_ERROR);
    return NOT_FOUND;
}

void check_args(Cx *c, NodeId at, AstList args, uint32_t symbol) {
    Sema *s = c->s;
    const Symbol y = s->symbol.data[symbol];
    uint8_t small[64], *given = y.nparam <= sizeof small ? small : ARENA_ARRAY(&s->arena, uint8_t, y.nparam);
    memset(given, 0, y.nparam);
    uint32_t position = 0;
    bool named = false, wrong = false;
    AST_EACH(args, node) {
        AstArg a = ast_arg(c->ast, node);
        uint32_t i = place_arg(c, node, a, symbol, args.n, &position, &named);
        if (i == NOT_FOUND) {
            wrong = true;
            continue;
        }
        const SemaParam p = s->param.data[y.param + i];
        if (given[i]) error_at(c, WF_E_duplicate_argument, node, "%s `%s` is given twice", param_word(s, symbol), name_z(c, p.name));
        given[i] = 1;
        if (c->in_test && ast_is(c->ast, a.value, AST_WILD)) continue;
        check_as(c, a.value, p.type, (Why){.param = y.param + i + 1, .module = y.module});
        inherit_work(c, at, a.value);
    }
    if (!wrong) report_missing(c, at, symbol, given);
}

/* --- built-in forms --- */

static bool one_string(Cx *c, NodeId call, AstList args, const char *name, Str *text) {
    NodeId value = args.n == 1 ? ast_arg(c->ast, args.at[0]).value : 0;
    if (!ast_is(c->ast, value, AST_STRING) || ast_arg(c->ast, args.at[0]).name != 0) {
        Diag *d = error_at(c, WF_E_not_constant, call, "`%s` takes one string literal", name);
        diag_help(c->s->diags, d, "it is read at compile time: write `%s(\"...\")`", name);
        return false;
    }
    set_type(c, value, T_STRING);
    *text = ast_string(c->ast, value);
    return true;
}

static TypeId check_include(Cx *c, NodeId call, AstList args) {
    Sema *s = c->s;
    Str name;
    if (!one_string(c, call, args, "include", &name)) return T_STRING;
    Arena tmp = ARENA_INIT;
    Str file = str_of(s->sources->file[c->ast->file].path);
    char *path = path_clean(&tmp, str_of(path_join(&tmp, path_dir(file), name)));
    Buf text = BUF_INIT;
    int e = memchr(name.p, '\0', name.n) != NULL ? EINVAL : io_read_file(path, 16 << 20, &text);
    if (e != 0) {
        Diag *d = error_at(c, WF_E_bad_include, call, "cannot include `%s`: %s", path, strerror(e));
        diag_note(s->diags, d, "paths are relative to the file that includes");
    } else if (utf8_valid(text.p, text.n) != text.n || memchr(text.p, '\0', text.n) != NULL) {
        error_at(c, WF_E_bad_include, call, "`%s` is not UTF-8 text", path);
    } else {
        vec_push(&s->included, ((Included){c->m, call, {arena_strndup(&s->arena, text.p, text.n), text.n}}));
    }
    buf_free(&text);
    arena_free(&tmp);
    return T_STRING;
}

Str sema_included(const Sema *s, uint32_t module, NodeId call) {
    for (uint32_t i = 0; i < s->included.len; i++)
        if (s->included.data[i].module == module && s->included.data[i].call == call) return s->included.data[i].text;
    return STR("");
}

static void call_not_allowed(Cx *c, NodeId call, const char *what) {
    Diag *d = error_at(c, WF_E_call_not_allowed, call, "%s cannot be called in %s", what, c->pure);
    if (strstr(c->pure, "lambda") != NULL)
        diag_help(c->s->diags, d, "a `for` calls it for each element: `for x in xs { ... }`");
    else if (strstr(c->pure, "may not be evaluated") != NULL)
        diag_help(c->s->diags, d, "use `if c { ... } else { ... }`, whose branches may call steps");
    else if (c->in_workflow)
        diag_help(c->s->diags, d, "call it on a line before and use its value here");
    else
        diag_help(c->s->diags, d, "steps are called in workflows only");
}

static TypeId check_builtin(Cx *c, NodeId call, AstList args, Str name) {
    Str text;
    if (str_is(name, "fail")) {
        set_ref(c, call, REF_BUILTIN, BUILTIN_FAIL);
        set_flag(c, call, NF_WORK);
        if (!c->in_workflow && !c->in_test)
            call_not_allowed(c, call, "`fail`");
        else if (c->pure != NULL)
            call_not_allowed(c, call, "`fail`");
        if (args.n != 1 || ast_arg(c->ast, args.at[0]).name != 0) {
            error_at(c, WF_E_missing_argument, call, "`fail` takes one argument, the message");
            return T_NEVER;
        }
        check_as(c, args.at[0], T_STRING, WHY_NONE);
        return T_NEVER;
    }
    if (str_is(name, "secret")) {
        set_ref(c, call, REF_BUILTIN, BUILTIN_SECRET);
        if (!one_string(c, call, args, "secret", &text)) return T_ERROR;
        if (str_is_name(text)) return T_SECRET;
        Diag *d = error_at(c, WF_E_bad_secret_name, call, text.n > 0 ? "a secret cannot have this name" : "a secret needs a name");
        diag_help(c->s->diags, d, "small letters, digits and `_`, beginning with a letter: `secret(\"api_token\")`");
        return T_ERROR;
    }
    if (str_is(name, "include")) {
        set_ref(c, call, REF_BUILTIN, BUILTIN_INCLUDE);
        return check_include(c, call, args);
    }
    if (str_is(name, "sample_file") && c->in_test) {
        set_ref(c, call, REF_BUILTIN, BUILTIN_SAMPLE_FILE);
        one_string(c, call, args, "sample_file", &text);
        return T_NEVER; /* fits any file type */
    }
    return T_NOTHING;
}

static bool is_builtin(const Cx *c, Str name) {
    return str_is(name, "fail") || str_is(name, "secret") || str_is(name, "include") || (c->in_test && str_is(name, "sample_file"));
}

/* --- callables --- */

static TypeId call_symbol(Cx *c, NodeId call, AstList args, uint32_t id) {
    Sema *s = c->s;
    Symbol y = s->symbol.data[id];
    s->symbol.data[id].used = true;
    set_ref(c, call, REF_SYMBOL, id);
    bool defaults = y.kind == SYM_STRUCT && args.n < y.nparam; /* their values are computed */
    if (c->owner != NOT_FOUND && (y.kind == SYM_WORKFLOW || y.kind == SYM_FN || defaults)) vec_push(&s->call, ((SemaCall){c->owner, id, call}));
    if (y.kind == SYM_ENUM || y.kind == SYM_ARTIFACT) {
        Diag *d = error_at(c, WF_E_value_as_callable, call, "`%s` cannot be called", name_z(c, y.name));
        NodeId only = args.n == 1 ? ast_arg(c->ast, args.at[0]).value : 0;
        if (y.kind == SYM_ENUM) {
            diag_help(s->diags, d, "name a member: `%s.member`", name_z(c, y.name));
            if (ast_is(c->ast, only, AST_NAME) && type_field_index(s->types, y.type, ast_name(c->ast, only).name) >= 0) {
                diag_edit(s->diags, d, cx_span(c, call), "%s.%s", name_z(c, y.name), name_z(c, ast_name(c->ast, only).name));
                return T_ERROR;
            }
        } else {
            diag_help(s->diags, d, "tag a file: `x as %s`", name_z(c, y.name));
            if (is_postfix(c->ast, only)) {
                Span text = cx_span(c, only);
                diag_edit(s->diags, d, cx_span(c, call), "%.*s as %s", (int)text.len, c->ast->text.p + text.off, name_z(c, y.name));
            }
        }
        AST_EACH(args, arg) check_expr(c, ast_arg(c->ast, arg).value, T_ERROR);
        return T_ERROR;
    }
    if (y.kind == SYM_STEP || y.kind == SYM_WORKFLOW) {
        set_flag(c, call, y.effects ? NF_WORK | NF_EFFECT : NF_WORK);
        if (c->pure != NULL)
            call_not_allowed(c, call, symbol_what(c, id));
        else if (!c->in_workflow && !c->in_test) {
            Diag *d = error_at(c, WF_E_call_not_allowed, call, "%s can be called in a workflow only", symbol_what(c, id));
            diag_label(s->diags, d, y.span, "declared here");
        }
    }
    if (y.kind == SYM_STRUCT && args.n > 0 && ast_arg(c->ast, args.at[0]).name == 0 && y.nparam > 0) {
        Diag *d = error_at(c, WF_E_argument_order, args.at[0], "fields of a struct are given by name");
        diag_help(s->diags, d, "write `%s(%s: ...)`", name_z(c, y.name), name_z(c, s->param.data[y.param].name));
    }
    check_args(c, call, args, id);
    return y.type;
}

static TypeId unknown_callee(Cx *c, NodeId call, NodeId at, Atom name, uint32_t module, AstList args) {
    Sema *s = c->s;
    AST_EACH(args, arg) {
        NodeId value = ast_arg(c->ast, arg).value;
        if (!ast_is(c->ast, value, AST_LAMBDA)) check_expr(c, value, T_ERROR);
    }
    set_flag(c, call, NF_WORK); /* whatever was meant, no "unused" is to follow */
    if (module == c->m && (scope_find(c, name) != NOT_FOUND || sema_lookup(s, c->m, NS_VALUE, name) != NOT_FOUND)) {
        Diag *d = error_at(c, WF_E_value_as_callable, at, "`%s` is a value, it cannot be called", name_z(c, name));
        if (scope_find(c, name) != NOT_FOUND) {
            Local *l = &s->local.data[scope_find(c, name)];
            l->used = true;
            diag_label(s->diags, d, l->span, "it is this value");
        }
        return T_ERROR;
    }
    Span span = ast_name_span(c->ast, at);
    Diag *d;
    if (module != c->m)
        d = diag_add(s->diags, WF_E_unknown_callee, span, "`%s` declares no `%s`", name_z(c, s->module.data[module].name), name_z(c, name));
    else
        d = diag_add(s->diags, WF_E_unknown_callee, span, "no step, function or workflow is called `%s`", name_z(c, name));
    static const struct {
        const char *wrong, *help;
    } words[] = {{"print", "steps print; in a workflow values are shown by `wfc run`"}, {"str", "`string(x)`, or an interpolation"},
        {"enumerate", "write it as a method: `for i, x in xs.enumerate()`"}, {"open", "files are opened in the code of a step"},
        {"append", "lists do not change: `xs.concat([x])`, or a `for` whose value is the list"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (module == c->m && str_is(atom_str(s->atoms, name), words[i].wrong)) {
            diag_help(s->diags, d, "%s", words[i].help);
            return T_ERROR;
        }
    uint32_t n;
    Atom *list = names_list(s, module, NS_CALLABLE, &n);
    suggest(s, d, span, name, list, n, module == c->m ? "declared here" : "it declares");
    return T_ERROR;
}

/* The module an object names, when it is an import's alias and not a value. */
static uint32_t import_of(Cx *c, NodeId object) {
    Sema *s = c->s;
    if (!ast_is(c->ast, object, AST_NAME)) return NOT_FOUND;
    Atom name = ast_name(c->ast, object).name;
    if (scope_find(c, name) != NOT_FOUND) return NOT_FOUND;
    uint32_t y = use_import(c, name);
    if (y == NOT_FOUND) return NOT_FOUND;
    set_ref(c, object, REF_MODULE, s->symbol.data[y].target);
    return y;
}

/* A word that looks like a module of the standard library which is not imported. */
static bool report_missing_import(Cx *c, NodeId object, AstList args) {
    Sema *s = c->s;
    if (!ast_is(c->ast, object, AST_NAME)) return false;
    Atom name = ast_name(c->ast, object).name;
    if (scope_find(c, name) != NOT_FOUND || sema_lookup(s, c->m, NS_VALUE, name) != NOT_FOUND) return false;
    const char *path = diag_text(c, "std/%s.wf", name_z(c, name));
    for (const EmbeddedFile *f = s->embedded; f->path != NULL; f++) {
        if (strcmp(f->path, path) != 0) continue;
        Diag *d = error_at(c, WF_E_unknown_name, object, "`%s` is not imported", name_z(c, name));
        diag_help(s->diags, d, "import it at the top of the file");
        diag_edit(s->diags, d, (Span){c->ast->file, 0, 0}, "import std.%s\n", name_z(c, name));
        AST_EACH(args, arg) {
            NodeId value = ast_arg(c->ast, arg).value;
            if (!ast_is(c->ast, value, AST_LAMBDA)) check_expr(c, value, T_ERROR);
        }
        return true;
    }
    return false;
}

TypeId check_call(Cx *c, NodeId call, TypeId want) {
    Sema *s = c->s;
    AstCall x = ast_call(c->ast, call);
    if (ast_is(c->ast, x.callee, AST_NAME)) {
        set_flag(c, x.callee, NF_CALLEE);
        Atom name = ast_name(c->ast, x.callee).name;
        uint32_t y = sema_lookup(s, c->m, NS_CALLABLE, name);
        if (y != NOT_FOUND) return call_symbol(c, call, x.args, y);
        if (is_builtin(c, atom_str(s->atoms, name))) return check_builtin(c, call, x.args, atom_str(s->atoms, name));
        if (is_lib_name(s, name)) return check_lib_call(c, call, name, 0, x.args, want);
        return unknown_callee(c, call, x.callee, name, c->m, x.args);
    }
    if (ast_is(c->ast, x.callee, AST_TYPE_WORD)) {
        Atom name = ast_type_word(c->ast, x.callee).name;
        uint32_t y = sema_lookup(s, c->m, NS_TYPE, name);
        if (y == NOT_FOUND) y = sema_lookup(s, 0, NS_TYPE, name);
        if (y != NOT_FOUND) return call_symbol(c, call, x.args, y);
        Diag *d = error_at(c, WF_E_unknown_type, x.callee, "unknown type `%s`", name_z(c, name));
        uint32_t n;
        Atom *list = names_list(s, c->m, NS_TYPE, &n);
        suggest(s, d, cx_span(c, x.callee), name, list, n, "types");
        AST_EACH(x.args, arg) check_expr(c, ast_arg(c->ast, arg).value, T_ERROR);
        return T_ERROR;
    }
    if (ast_is(c->ast, x.callee, AST_MEMBER)) {
        AstMember m = ast_member(c->ast, x.callee);
        uint32_t import = import_of(c, m.object);
        if (import != NOT_FOUND) {
            uint32_t module = s->symbol.data[import].target;
            if (module == NOT_FOUND) { /* the import was reported */
                AST_EACH(x.args, arg) check_expr(c, ast_arg(c->ast, arg).value, T_ERROR);
                set_flag(c, call, NF_WORK);
                return T_ERROR;
            }
            uint32_t y = sema_lookup(s, module, NS_CALLABLE, m.name);
            if (y == NOT_FOUND) y = sema_lookup(s, module, NS_TYPE, m.name);
            if (y != NOT_FOUND) return call_symbol(c, call, x.args, y);
            return unknown_callee(c, call, x.callee, m.name, module, x.args);
        }
        if (report_missing_import(c, m.object, x.args)) return set_flag(c, call, NF_WORK), T_ERROR;
        return check_lib_call(c, call, m.name, m.object, x.args, want);
    }
    TypeId t = check_expr(c, x.callee, T_ERROR);
    AST_EACH(x.args, arg) check_expr(c, ast_arg(c->ast, arg).value, T_ERROR);
    if (t != T_ERROR) error_at(c, WF_E_value_as_callable, x.callee, "`%s` cannot be called", ty(c, t));
    return T_ERROR;
}

/* --- members --- */

static const char *const run_names[RUN_FACT_COUNT] = {"id", "time", "scheduled_at", "params", "status", "duration", "failures"};

static TypeId run_member(Cx *c, NodeId e, Atom name) {
    Sema *s = c->s;
    for (uint32_t i = 0; i < RUN_FACT_COUNT; i++) {
        if (!str_is(atom_str(s->atoms, name), run_names[i])) continue;
        set_ref(c, e, REF_FACT, i);
        SymbolKind owner = c->owner != NOT_FOUND ? s->symbol.data[c->owner].kind : SYM_CONST;
        if ((owner != SYM_WORKFLOW && owner != SYM_STEP) || c->in_default) {
            const char *where = c->in_default ? "a default" : owner == SYM_FN ? "a function" : owner == SYM_TARGET ? "a target" : c->in_test ? "a test" : "a constant";
            Diag *d = error_at(c, WF_E_not_constant, e, "`run.%s` is not known in %s", run_names[i], where);
            diag_help(s->diags, d, "workflows know their run: pass it as an argument");
            return T_ERROR;
        }
        switch ((RunFact)i) {
        case RUN_ID: return T_STRING;
        case RUN_TIME: return T_TIME;
        case RUN_SCHEDULED_AT:
            if (!fact_known(c, e)) return type_opt(s->types, T_TIME);
            set_flag(c, e, NF_NARROWED);
            return T_TIME;
        case RUN_PARAMS: return T_JSON;
        case RUN_STATUS:
        case RUN_DURATION:
        case RUN_FAILURES:
            if (!c->in_handler) {
                Diag *d = error_name(c, WF_E_unknown_member, e, "`run.%s` is known in handlers only", run_names[i]);
                diag_help(s->diags, d, "use it in `on success`, `on failure` or `finally`");
                return T_ERROR;
            }
            return i == RUN_STATUS ? T_STRING : i == RUN_DURATION ? T_DURATION : type_list(s->types, s->failure);
        case RUN_FACT_COUNT: break;
        }
    }
    Diag *d = error_name(c, WF_E_unknown_member, e, "`run` has no `%s`", name_z(c, name));
    Atom names[RUN_FACT_COUNT];
    for (uint32_t i = 0; i < RUN_FACT_COUNT; i++) names[i] = atom_z(s->atoms, run_names[i]);
    suggest(s, d, ast_name_span(c->ast, e), name, names, RUN_FACT_COUNT, "members");
    return T_ERROR;
}

/* Type.member, or module.Type.member. */
static bool enum_member(Cx *c, NodeId e, TypeId *out) {
    Sema *s = c->s;
    AstMember x = ast_member(c->ast, e);
    uint32_t y = NOT_FOUND;
    if (ast_is(c->ast, x.object, AST_TYPE_WORD)) {
        Atom name = ast_type_word(c->ast, x.object).name;
        y = sema_lookup(s, c->m, NS_TYPE, name);
        if (y == NOT_FOUND) y = sema_lookup(s, 0, NS_TYPE, name);
        if (y == NOT_FOUND) {
            Diag *d = error_at(c, WF_E_unknown_type, x.object, "unknown type `%s`", name_z(c, name));
            uint32_t n;
            Atom *list = names_list(s, c->m, NS_TYPE, &n);
            suggest(s, d, cx_span(c, x.object), name, list, n, "types");
            return *out = T_ERROR, true;
        }
    } else if (ast_is(c->ast, x.object, AST_MEMBER)) {
        AstMember inner = ast_member(c->ast, x.object);
        uint32_t import = import_of(c, inner.object);
        if (import == NOT_FOUND) return false;
        uint32_t module = s->symbol.data[import].target;
        if (module == NOT_FOUND) return *out = T_ERROR, true;
        y = sema_lookup(s, module, NS_TYPE, inner.name);
        if (y == NOT_FOUND) {
            error_at(c, WF_E_unknown_type, x.object, "`%s` declares no type `%s`", name_z(c, s->module.data[module].name), name_z(c, inner.name));
            return *out = T_ERROR, true;
        }
    } else {
        return false;
    }
    s->symbol.data[y].used = true;
    TypeId t = s->symbol.data[y].type;
    int at = s->symbol.data[y].kind == SYM_ENUM ? type_field_index(s->types, t, x.name) : -1;
    if (at >= 0) {
        set_ref(c, e, REF_MEMBER, (uint32_t)at);
        return *out = t, true;
    }
    Diag *d = error_name(c, WF_E_unknown_member, e, "%s `%s` has no member `%s`", s->symbol.data[y].kind == SYM_ENUM ? "enum" : "type",
                       name_z(c, s->symbol.data[y].name), name_z(c, x.name));
    if (s->symbol.data[y].kind == SYM_ENUM) {
        uint32_t n;
        const TypeField *f = type_fields(s->types, t, &n);
        Atom *names = ARENA_ARRAY(&s->diags->arena, Atom, n);
        for (uint32_t i = 0; i < n; i++) names[i] = f[i].name;
        suggest(s, d, ast_name_span(c->ast, e), x.name, names, n, "members");
    } else if (s->symbol.data[y].kind == SYM_STRUCT) {
        diag_help(s->diags, d, "a field is read from a value: `x.%s`", name_z(c, x.name));
    }
    return *out = T_ERROR, true;
}

static const struct {
    const char *name;
    LibId id;
    TypeId type;
} file_props[] = {{"size", LIB_FILE_SIZE, T_SIZE}, {"name", LIB_FILE_NAME, T_STRING}, {"sha256", LIB_FILE_SHA256, T_STRING},
    {"uri", LIB_FILE_URI, T_STRING}, {"rows", LIB_FILE_ROWS, T_INT}};

static TypeId file_member(Cx *c, NodeId e, TypeId t, Atom name) {
    Sema *s = c->s;
    enum { N = sizeof file_props / sizeof *file_props };
    Atom names[N];
    TypeId base = type_file_base(s->types, t);
    Str format = base == T_ERROR ? STR("") : atom_str(s->atoms, type_at(s->types, base)->a);
    bool table = type_at(s->types, base)->n > 0 || str_is(format, "csv") || str_is(format, "tsv") || str_is(format, "parquet") || str_is(format, "jsonl");
    for (uint32_t i = 0; i < N; i++) {
        names[i] = atom_z(s->atoms, file_props[i].name);
        if (names[i] != name) continue;
        if (file_props[i].id == LIB_FILE_ROWS && !table) {
            Diag *d = error_name(c, WF_E_unknown_member, e, "`%s` has no `rows`: it is not known to be a table", ty(c, t));
            diag_help(s->diags, d, "declare its format or columns: `file \"csv\" { ... }`");
            return T_ERROR;
        }
        set_ref(c, e, REF_LIB, file_props[i].id);
        return file_props[i].type;
    }
    Diag *d = error_name(c, WF_E_unknown_member, e, "`%s` has no `%s`", ty(c, t), name_z(c, name));
    suggest(s, d, ast_name_span(c->ast, e), name, names, N, "members");
    return T_ERROR;
}

/* Functions that stand where a member was written: x.len. */
static bool function_without_call(Cx *c, NodeId e, Atom name) {
    if (!is_lib_name(c->s, name)) return false;
    Diag *d = error_name(c, WF_E_unknown_member, e, "`%s` is a function: call it", name_z(c, name));
    Span end = cx_span(c, e);
    end.off += end.len;
    end.len = 0;
    diag_help(c->s->diags, d, "write `.%s()`", name_z(c, name));
    diag_edit(c->s->diags, d, end, "()");
    return true;
}

/* lib.name */
static TypeId import_member(Cx *c, NodeId e, AstMember x, uint32_t import) {
    Sema *s = c->s;
    uint32_t module = s->symbol.data[import].target;
    if (module == NOT_FOUND) return T_ERROR;
    uint32_t y = sema_lookup(s, module, NS_VALUE, x.name);
    if (y != NOT_FOUND && s->symbol.data[y].kind == SYM_CONST) return use_constant(c, e, y);
    bool callable = sema_lookup(s, module, NS_CALLABLE, x.name) != NOT_FOUND;
    Diag *d = error_name(c, callable ? WF_E_callable_as_value : WF_E_unknown_member, e, callable ? "`%s.%s` is called, it is no value" : "`%s` declares no value `%s`",
                       name_z(c, callable ? s->symbol.data[import].name : s->module.data[module].name), name_z(c, x.name));
    if (callable) {
        diag_help(s->diags, d, "call it: `%s.%s(...)`", name_z(c, s->symbol.data[import].name), name_z(c, x.name));
        return T_ERROR;
    }
    uint32_t n, m;
    Atom *values = names_list(s, module, NS_VALUE, &n), *calls = names_list(s, module, NS_CALLABLE, &m);
    Atom *all = ARENA_ARRAY(&s->diags->arena, Atom, n + m);
    memcpy(all, values, n * sizeof *all);
    memcpy(all + n, calls, m * sizeof *all);
    suggest(s, d, ast_name_span(c->ast, e), x.name, all, n + m, "it declares");
    return T_ERROR;
}

TypeId check_member(Cx *c, NodeId e, TypeId want) {
    (void)want;
    Sema *s = c->s;
    AstMember x = ast_member(c->ast, e);
    TypeId t;
    if (enum_member(c, e, &t)) return t;
    if (ast_is(c->ast, x.object, AST_NAME) && str_is(atom_str(s->atoms, ast_name(c->ast, x.object).name), "run") &&
        scope_find(c, ast_name(c->ast, x.object).name) == NOT_FOUND) {
        set_flag(c, x.object, NF_CALLEE);
        return run_member(c, e, x.name);
    }
    uint32_t import = import_of(c, x.object);
    if (import != NOT_FOUND) return import_member(c, e, x, import);
    t = check_value(c, x.object, T_ERROR);
    inherit_work(c, e, x.object);
    if (t == T_ERROR) return T_ERROR;
    bool optional = ast_has(c->ast, e, AST_OPTIONAL), opt = kind_of(c, t) == TY_OPT;
    if (opt && !optional) {
        Diag *d = error_at(c, WF_E_optional_value, x.object, "this is `%s`, which may be none", ty(c, t));
        diag_help(s->diags, d, "read it with `?.`, which gives none then, or test it: `if x != none { ... }`");
        return T_ERROR;
    }
    if (optional && !opt) {
        Diag *d = error_at(c, WF_E_redundant_test, e, "`%s` is never none: `?.` is not needed", ty(c, t));
        Span mark = ast_name_span(c->ast, e);
        mark.off -= 2;
        mark.len = 2;
        diag_help(s->diags, d, "write `.%s`", name_z(c, x.name));
        if (str_eq(source_text(s->sources, mark), STR("?."))) diag_edit(s->diags, d, mark, ".");
    }
    TypeId inner = type_unopt(s->types, t);
    TypeKind k = kind_of(c, inner);
    TypeId field = T_ERROR;
    if (k == TY_RECORD || k == TY_STRUCT) {
        int at = type_field_index(s->types, inner, x.name);
        uint32_t n;
        const TypeField *f = type_fields(s->types, inner, &n);
        if (at < 0) {
            if (function_without_call(c, e, x.name)) return T_ERROR;
            Diag *d = error_name(c, WF_E_unknown_member, e, "`%s` has no field `%s`", ty(c, inner), name_z(c, x.name));
            Atom *names = ARENA_ARRAY(&s->diags->arena, Atom, n);
            for (uint32_t i = 0; i < n; i++) names[i] = f[i].name;
            if (k == TY_STRUCT) diag_label(s->diags, d, type_def(s->types, inner)->span, "declared here");
            suggest(s, d, ast_name_span(c->ast, e), x.name, names, n, k == TY_STRUCT ? "fields" : "fields or outputs");
            return T_ERROR;
        }
        set_ref(c, e, REF_FIELD, (uint32_t)at);
        field = f[at].type;
    } else if (k == TY_FILE || k == TY_DIR || k == TY_ARTIFACT) {
        field = file_member(c, e, inner, x.name);
    } else {
        if (function_without_call(c, e, x.name)) return T_ERROR;
        Diag *d = error_name(c, WF_E_unknown_member, e, "`%s` has no members", ty(c, inner));
        if (k == TY_JSON) diag_help(s->diags, d, "a member of a JSON object is read by `j[\"%s\"]`", name_z(c, x.name));
        if (k == TY_MAP) diag_help(s->diags, d, "an entry of a map is read by `m[\"%s\"]`", name_z(c, x.name));
        if (k == TY_LIST) diag_note(s->diags, d, "it is a list: take an element first, or use `.map(x => x.%s)`", name_z(c, x.name));
        return T_ERROR;
    }
    if (field == T_ERROR) return T_ERROR;
    if (optional && opt) return type_opt(s->types, field);
    if (kind_of(c, field) == TY_OPT && fact_known(c, e)) {
        set_flag(c, e, NF_NARROWED);
        return type_inner(s->types, field);
    }
    return field;
}
