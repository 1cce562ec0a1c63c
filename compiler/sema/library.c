/* Library functions: their signatures, read from lib.def, and calls of them. */
#include "compiler/sema/check.h"

#include <stdlib.h>

typedef struct LibTable {
    LibSig sig[LIB_COUNT];
    Atom name[LIB_COUNT];
} LibTable;
#define TABLE(s) ((LibTable *)(s)->lib)

/* --- reading signatures --- */

typedef struct SigIn {
    Sema *s;
    const char *p;
} SigIn;

static void blanks(SigIn *in) { in->p += strspn(in->p, " "); }

static bool eat(SigIn *in, const char *word) {
    blanks(in);
    size_t n = strlen(word);
    if (strncmp(in->p, word, n) != 0) return false;
    in->p += n;
    return true;
}

static Str word(SigIn *in) {
    blanks(in);
    size_t n = strspn(in->p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    Str w = {in->p, n};
    in->p += n;
    return w;
}

static TypeId sig_type(SigIn *in) {
    Sema *s = in->s;
    TypeId t = T_ERROR;
    if (eat(in, "[")) {
        if (eat(in, "string:"))
            t = type_map(s->types, sig_type(in));
        else
            t = type_list(s->types, sig_type(in));
        eat(in, "]");
    } else if (eat(in, "(")) {
        TypeField f[4];
        uint16_t n = 0;
        do {
            f[n].name = atom_of(s->atoms, word(in));
            f[n].foreign = 0;
            eat(in, ":");
            f[n++].type = sig_type(in);
        } while (eat(in, ","));
        eat(in, ")");
        t = type_record(s->types, f, n);
    } else {
        static const struct {
            const char *name;
            TypeId type;
        } names[] = {{"int", T_INT}, {"float", T_FLOAT}, {"bool", T_BOOL}, {"string", T_STRING}, {"duration", T_DURATION},
            {"size", T_SIZE}, {"time", T_TIME}, {"json", T_JSON}, {"file", T_FILE}};
        Str w = word(in);
        if (w.n == 1 && w.p[0] >= 'A' && w.p[0] <= 'Z') t = type_var(s->types, (uint32_t)w.p[0]);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (str_is(w, names[i].name)) t = names[i].type;
    }
    while (eat(in, "?")) t = type_opt(s->types, t);
    return t;
}

/* (a: T, f: (T) -> U, n: int = 0) -> R */
static void read_sig(Sema *s, const char *text, LibSig *sig) {
    SigIn in = {s, text};
    eat(&in, "(");
    while (!eat(&in, ")")) {
        LibParam *p = &sig->param[sig->nparam++];
        Str w = word(&in);
        p->name = arena_strndup(&s->arena, w.p, w.n);
        eat(&in, ":");
        blanks(&in);
        /* "(T) -> U" and "(U, T) -> U" are lambdas; records in parameters stand inside lists. */
        if (*in.p == '(') {
            p->lambda = true;
            p->type = T_NOTHING;
            eat(&in, "(");
            do p->lambda_param[p->nlambda++] = sig_type(&in);
            while (eat(&in, ","));
            eat(&in, ")");
            eat(&in, "->");
            p->lambda_result = sig_type(&in);
        } else {
            p->type = sig_type(&in);
        }
        if (eat(&in, "=")) {
            blanks(&in);
            size_t n = strcspn(in.p, ",)");
            p->fallback = arena_strndup(&s->arena, in.p, n);
            in.p += n;
        }
        eat(&in, ",");
    }
    eat(&in, "->");
    sig->result = sig_type(&in);
}

void libs_init(Sema *s) {
    LibTable *t = wf_alloc_zero(sizeof *t);
    s->lib = (struct LibTable *)t;
    for (int i = 0; i < LIB_COUNT; i++) {
        read_sig(s, lib_rows[i].signature, &t->sig[i]);
        t->name[i] = atom_z(s->atoms, lib_rows[i].name);
    }
}

void libs_free(Sema *s) {
    free(s->lib);
    s->lib = NULL;
}

const LibSig *sema_lib(const Sema *s, LibId id) { return &TABLE(s)->sig[id]; }

bool is_lib_name(const Sema *s, Atom name) {
    for (int i = 0; name != 0 && i < LIB_COUNT; i++)
        if (TABLE(s)->name[i] == name) return true;
    return false;
}

/* --- matching --- */

typedef struct Vars {
    TypeId of[26]; /* by letter; T_ERROR: open */
} Vars;

static TypeId *var_at(const Sema *s, Vars *v, TypeId var) { return &v->of[type_at(s->types, var)->a - 'A']; }

static bool var_allows(const Sema *s, TypeId var, TypeId t) {
    TypeKind k = type_kind(s->types, t);
    switch ((char)type_at(s->types, var)->a) {
    case 'K': return type_has(s->types, t, TYF_ORD);
    case 'E': return type_has(s->types, t, TYF_EQ);
    case 'S':
        return k == TY_BOOL || k == TY_INT || k == TY_FLOAT || k == TY_STRING || k == TY_DURATION || k == TY_SIZE || k == TY_TIME || k == TY_ENUM;
    default: return k != TY_NOTHING && !type_has(s->types, t, TYF_SECRET);
    }
}

/* The pattern with its variables replaced; T_ERROR while one is open. */
static TypeId substitute(Sema *s, TypeId pattern, Vars *v) {
    if (!type_has(s->types, pattern, TYF_VAR)) return pattern;
    TypeId inner;
    switch ((int)type_kind(s->types, pattern)) {
    case TY_VAR: return *var_at(s, v, pattern);
    case TY_LIST:
        inner = substitute(s, type_inner(s->types, pattern), v);
        return inner == T_ERROR ? T_ERROR : type_list(s->types, inner);
    case TY_MAP:
        inner = substitute(s, type_inner(s->types, pattern), v);
        return inner == T_ERROR ? T_ERROR : type_map(s->types, inner);
    case TY_OPT:
        inner = substitute(s, type_inner(s->types, pattern), v);
        return inner == T_ERROR ? T_ERROR : type_opt(s->types, inner);
    case TY_RECORD: {
        uint32_t n;
        TypeField out[4];
        const TypeField *f = type_fields(s->types, pattern, &n);
        for (uint32_t i = 0; i < n; i++) out[i] = f[i];
        for (uint32_t i = 0; i < n; i++)
            if ((out[i].type = substitute(s, out[i].type, v)) == T_ERROR) return T_ERROR;
        return type_record(s->types, out, (uint16_t)n);
    }
    default: return pattern;
    }
}

/* Whether t has the shape of the pattern; binds open variables. */
static bool unify(Sema *s, TypeId pattern, TypeId t, Vars *v) {
    if (!type_has(s->types, pattern, TYF_VAR)) return pattern == t;
    TypeKind k = type_kind(s->types, pattern);
    if (k == TY_VAR) {
        TypeId *slot = var_at(s, v, pattern);
        if (*slot != T_ERROR) return *slot == t;
        if (!var_allows(s, pattern, t)) return false;
        *slot = t;
        return true;
    }
    if (type_kind(s->types, t) != k) return false;
    if (k == TY_RECORD) {
        uint32_t n, m;
        type_fields(s->types, pattern, &n);
        type_fields(s->types, t, &m);
        if (n != m) return false;
        for (uint32_t i = 0; i < n; i++) {
            TypeField f = type_fields(s->types, pattern, &n)[i], g = type_fields(s->types, t, &m)[i];
            if (f.name != g.name || !unify(s, f.type, g.type, v)) return false;
        }
        return true;
    }
    return unify(s, type_inner(s->types, pattern), type_inner(s->types, t), v);
}

/* --- calls --- */

/* The arguments by parameter (object first), or false when they cannot be those of the signature. */
/* Lambdas stand only where the signature has one. */
static bool place_args(const Cx *c, const LibSig *sig, NodeId object, AstList args, NodeId *out) {
    memset(out, 0, 4 * sizeof *out);
    uint32_t at = 0;
    if (object != 0) out[at++] = object;
    AST_EACH(args, node) {
        AstArg a = ast_arg(c->ast, node);
        uint32_t i = at;
        if (a.name == 0)
            at++;
        else
            for (i = 0; i < sig->nparam && !str_is(atom_str(c->s->atoms, a.name), sig->param[i].name); i++) {}
        if (i >= sig->nparam || out[i] != 0) return false;
        out[i] = a.value;
    }
    for (uint32_t i = 0; i < sig->nparam; i++)
        if (out[i] == 0 && sig->param[i].fallback == NULL) return false;
    for (uint32_t i = 0; i < sig->nparam; i++)
        if (out[i] != 0 && ast_is(c->ast, out[i], AST_LAMBDA) != sig->param[i].lambda) return false;
    return true;
}

void sema_lib_args(const Sema *s, const Ast *ast, LibId id, NodeId object, AstList args, NodeId out[4]) {
    const Cx c = {.s = (Sema *)(uintptr_t)s, .ast = ast};
    place_args(&c, sema_lib(s, id), object, args, out);
}

void sema_lib_types(Sema *s, LibId id, const TypeId *have, TypeId *want) {
    const LibSig *sig = sema_lib(s, id);
    Vars v = {0};
    for (uint32_t i = 0; i < sig->nparam; i++) {
        want[i] = T_NOTHING;
        if (sig->param[i].lambda || have[i] == T_NOTHING) continue;
        TypeId t = substitute(s, sig->param[i].type, &v);
        if (t == T_ERROR) {
            unify(s, sig->param[i].type, have[i], &v);
            t = substitute(s, sig->param[i].type, &v);
        }
        want[i] = t == T_ERROR ? have[i] : t;
    }
}

static TypeId check_lambda(Cx *c, NodeId lambda, const LibParam *p, Vars *v, const char *function) {
    Sema *s = c->s;
    AstLambda x = ast_lambda(c->ast, lambda);
    if (x.params.n != p->nlambda) {
        error_at(c, WF_E_lambda_misplaced, lambda, "`%s` wants a lambda of %u parameter%s, not %u", function, p->nlambda, p->nlambda == 1 ? "" : "s", x.params.n);
        return T_ERROR;
    }
    uint32_t mark = scope_mark(c), i = 0;
    AST_EACH(x.params, param) {
        TypeId t = substitute(s, p->lambda_param[i], v);
        scope_add(c, (Local){.name = ast_local(c->ast, param).name, .kind = LOCAL_LAMBDA, .typed = true, .type = t, .span = cx_span(c, param),
                             .node = param, .index = i++});
    }
    const char *before = c->pure;
    if (c->pure == NULL) c->pure = "a lambda";
    TypeId want = substitute(s, p->lambda_result, v), t;
    if (want == T_BOOL) {
        uint32_t errors = s->diags->nerrors;
        check_condition(c, x.body, diag_text(c, "the lambda of `%s`", function));
        t = s->diags->nerrors == errors ? T_BOOL : T_ERROR;
    } else if (want != T_ERROR) {
        t = check_as(c, x.body, want, WHY_NONE);
        if (t != T_ERROR) t = want;
    } else {
        t = check_value(c, x.body, T_ERROR);
        if (t != T_ERROR && (kind_of(c, t) == TY_NONE || !unify(s, p->lambda_result, t, v))) {
            Diag *d = error_at(c, WF_E_type_mismatch, x.body, "`%s` cannot use a key of type `%s`", function, ty(c, t));
            if (kind_of(c, t) == TY_OPT) diag_help(s->diags, d, "give a value for none with `??`");
            t = T_ERROR;
        }
    }
    c->pure = before;
    scope_leave(c, mark);
    set_type(c, lambda, t);
    return t;
}

/* The types of this function's first parameters, for a note. */
static void note_overloads(Cx *c, Diag *d, Atom name) {
    for (int i = 0; i < LIB_COUNT; i++)
        if (TABLE(c->s)->name[i] == name) diag_note(c->s->diags, d, "%s%s: %s", lib_rows[i].name, lib_rows[i].signature, lib_rows[i].doc);
}

static TypeId no_such_method(Cx *c, NodeId at, Atom name, TypeId t) {
    Sema *s = c->s;
    static const struct {
        const char *wrong, *help;
    } words[] = {{"append", "lists do not change: `xs.concat([x])`, or a `for` whose value is the list"},
        {"push", "lists do not change: `xs.concat([x])`, or a `for` whose value is the list"},
        {"extend", "lists do not change: `xs.concat(ys)`"}, {"add", "values do not change: `xs.concat([x])`"},
        {"insert", "lists do not change: build a new one with `concat` and `slice`"},
        {"pop", "lists do not change: `.last()` reads, `.take(xs.len() - 1)` is the rest"},
        {"update", "maps do not change: `m.merge(n)`"}, {"items", "the entries of a map are `m.entries()`"},
        {"strip", "it is called `trim`"}, {"size", "it is called `len`"}, {"length", "it is called `len`"}, {"count", "it is called `len`"},
        {"startswith", "it is called `starts_with`"}, {"endswith", "it is called `ends_with`"}};
    Span span = ast_name_span(c->ast, at);
    Diag *d = NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_is(atom_str(s->atoms, name), words[i].wrong)) {
            bool changes = strstr(words[i].help, "do not change") != NULL;
            d = diag_add(s->diags, changes ? WF_E_mutation : WF_E_no_such_function, span, "`%s` has no `%s`", ty(c, t), name_z(c, name));
            diag_help(s->diags, d, "%s", words[i].help);
            return T_ERROR;
        }
    if (sema_lookup(s, c->m, NS_CALLABLE, name) != NOT_FOUND) {
        d = diag_add(s->diags, WF_E_no_such_function, span, "`%s` is no method: only library functions are", name_z(c, name));
        diag_label(s->diags, d, s->symbol.data[sema_lookup(s, c->m, NS_CALLABLE, name)].span, "declared here");
        diag_help(s->diags, d, "call it as `%s(x, ...)`", name_z(c, name));
        return T_ERROR;
    }
    d = diag_add(s->diags, WF_E_no_such_function, span, "no library function is called `%s`", name_z(c, name));
    Atom *all = ARENA_ARRAY(&s->diags->arena, Atom, LIB_COUNT);
    uint32_t n = 0;
    for (int i = 0; i < LIB_COUNT; i++)
        if (TABLE(s)->name[i] != 0 && (n == 0 || all[n - 1] != TABLE(s)->name[i])) all[n++] = TABLE(s)->name[i];
    suggest(s, d, span, name, all, n, "functions");
    return T_ERROR;
}

/* Checks the arguments that were not checked yet, with nothing wanted, so that their own mistakes are reported. */
static void check_rest(Cx *c, NodeId object, AstList args, NodeId done) {
    if (object != 0 && object != done) check_expr(c, object, T_ERROR);
    AST_EACH(args, arg) {
        NodeId value = ast_arg(c->ast, arg).value;
        if (value != done && !ast_is(c->ast, value, AST_LAMBDA)) check_expr(c, value, T_ERROR);
    }
}

static TypeId check_with_sig(Cx *c, NodeId call, LibId id, NodeId *arg, NodeId first, TypeId first_type, Vars *v) {
    Sema *s = c->s;
    const LibSig *sig = sema_lib(s, id);
    bool wrong = false;
    for (uint32_t i = 0; i < sig->nparam; i++) {
        const LibParam *p = &sig->param[i];
        if (arg[i] == 0 || p->lambda) continue;
        TypeId want = substitute(s, p->type, v);
        TypeId t = arg[i] == first ? first_type : want != T_ERROR ? check_as(c, arg[i], want, WHY_NONE) : check_value(c, arg[i], T_ERROR);
        if (t == T_ERROR) {
            wrong = true;
        } else if (want == T_ERROR && !unify(s, p->type, t, v)) {
            error_at(c, WF_E_type_mismatch, arg[i], "`%s` cannot take `%s` here", lib_rows[id].name, ty(c, t));
            wrong = true;
        } else if (want != T_ERROR && !type_fits(s->types, t, want)) {
            report_mismatch(c, arg[i], t, want, WHY_NONE);
            wrong = true;
        }
        inherit_work(c, call, arg[i]);
    }
    for (uint32_t i = 0; i < sig->nparam && !wrong; i++)
        if (arg[i] != 0 && sig->param[i].lambda) wrong |= check_lambda(c, arg[i], &sig->param[i], v, lib_rows[id].name) == T_ERROR;
    set_ref(c, call, REF_LIB, id);
    if (id == LIB_ZIP && ast_is(c->ast, arg[0], AST_LIST) && ast_is(c->ast, arg[1], AST_LIST)) {
        uint32_t a = ast_list_expr(c->ast, arg[0]).items.n, b = ast_list_expr(c->ast, arg[1]).items.n;
        if (a != b) error_at(c, WF_E_constant_error, call, "`zip` of %u and %u elements: the lists must be of one length", a, b);
    }
    if (wrong) return T_ERROR;
    return substitute(s, sig->result, v);
}

/* Arguments whose number, names or lambdas are those of no overload; said of the last overload. */
static Diag *wrong_arguments(Cx *c, Atom name, NodeId callee, NodeId object, AstList args) {
    Sema *s = c->s;
    const char *z = name_z(c, name);
    uint32_t most = 0, given = args.n + (object != 0), self = object != 0;
    const LibSig *sig = NULL;
    for (int id = 0; id < LIB_COUNT; id++) {
        if (TABLE(s)->name[id] != name) continue;
        sig = sema_lib(s, (LibId)id);
        if (sig->nparam > most) most = sig->nparam;
    }
    AST_EACH(args, arg) {
        Atom a = ast_arg(c->ast, arg).name;
        bool known = a == 0;
        for (int id = 0; id < LIB_COUNT && !known; id++)
            for (uint32_t i = 0; TABLE(s)->name[id] == name && i < sema_lib(s, (LibId)id)->nparam; i++)
                known |= str_is(atom_str(s->atoms, a), sema_lib(s, (LibId)id)->param[i].name);
        if (!known) return error_name(c, WF_E_unknown_argument, arg, "`%s` has no parameter `%s`", z, name_z(c, a));
    }
    if (given > most)
        return most == self ? error_at(c, WF_E_too_many_arguments, args.at[0], "`%s` takes no arguments", z)
                            : error_at(c, WF_E_too_many_arguments, args.at[most - self], "`%s` takes at most %u argument%s", z, most - self, most - self == 1 ? "" : "s");
    NodeId out[4];
    place_args(c, sig, object, args, out);
    for (uint32_t i = 0; i < sig->nparam; i++) {
        if (out[i] == 0 && sig->param[i].fallback == NULL) return error_name(c, WF_E_missing_argument, callee, "`%s` needs a value for `%s`", z, sig->param[i].name);
        if (out[i] != 0 && ast_is(c->ast, out[i], AST_LAMBDA) != sig->param[i].lambda)
            return error_at(c, WF_E_lambda_misplaced, out[i], sig->param[i].lambda ? "`%s` wants a lambda here" : "`%s` wants no lambda here", z);
    }
    return error_name(c, WF_E_missing_argument, callee, "these are not the arguments of `%s`", z);
}

/* xs.map(f): the name of something callable where a lambda is wanted. */
static bool report_wanted_lambda(Cx *c, Atom name, NodeId object, AstList args) {
    Sema *s = c->s;
    for (int id = 0; id < LIB_COUNT; id++) {
        if (TABLE(s)->name[id] != name) continue;
        const LibSig *sig = sema_lib(s, (LibId)id);
        for (uint32_t i = 0; i < args.n; i++) {
            NodeId value = ast_arg(c->ast, args.at[i]).value;
            uint32_t at = i + (object != 0);
            if (at >= sig->nparam || !sig->param[at].lambda || sig->param[at].nlambda != 1 || !ast_is(c->ast, value, AST_NAME)) continue;
            Atom f = ast_name(c->ast, value).name;
            if (scope_find(c, f) != NOT_FOUND || (sema_lookup(s, c->m, NS_CALLABLE, f) == NOT_FOUND && !is_lib_name(s, f))) continue;
            Diag *d = error_at(c, WF_E_callable_as_value, value, "`%s` is called, it is no value; `%s` wants a lambda", name_z(c, f), name_z(c, name));
            diag_help(s->diags, d, "call it in a lambda");
            diag_edit(s->diags, d, cx_span(c, value), "x => %s(x)", name_z(c, f));
            return true;
        }
    }
    return false;
}

static void report_no_overload(Cx *c, Atom name, NodeId callee, NodeId object, NodeId first, TypeId t, AstList args) {
    Sema *s = c->s;
    bool shape = false; /* some overload takes such arguments, whatever their types */
    for (int id = 0; id < LIB_COUNT; id++) {
        NodeId arg[4];
        shape |= TABLE(s)->name[id] == name && place_args(c, sema_lib(s, (LibId)id), object, args, arg);
    }
    Diag *d;
    if (shape) {
        if (kind_of(c, t) == TY_OPT) {
            d = error_at(c, WF_E_optional_value, first, "`%s` cannot take `%s`, which may be none", name_z(c, name), ty(c, t));
            diag_help(s->diags, d, "give a value for none with `??`, or test it: `if x != none { ... }`");
        } else {
            d = error_at(c, WF_E_type_mismatch, first, "`%s` cannot take `%s`", name_z(c, name), ty(c, t));
        }
        if (kind_of(c, t) == TY_LIST && kind_of(c, type_inner(s->types, t)) == TY_OPT) diag_help(s->diags, d, "`.compact()` drops what is none");
    } else {
        d = wrong_arguments(c, name, callee, object, args);
    }
    note_overloads(c, d, name);
}

TypeId check_lib_call(Cx *c, NodeId call, Atom name, NodeId object, AstList args, TypeId want) {
    (void)want;
    Sema *s = c->s;
    NodeId first = object != 0 ? object : args.n > 0 ? ast_arg(c->ast, args.at[0]).value : 0;
    NodeId callee = ast_call(c->ast, call).callee;
    TypeId t = T_ERROR;
    if (first != 0 && !ast_is(c->ast, first, AST_LAMBDA)) t = check_value(c, first, T_ERROR);
    if (!is_lib_name(s, name)) {
        check_rest(c, object, args, first);
        if (t == T_ERROR) return T_ERROR;
        return no_such_method(c, callee, name, t);
    }
    if (object != 0 && ast_has(c->ast, callee, AST_OPTIONAL)) {
        Diag *d = error_at(c, WF_E_optional_value, callee, "a function is not called through `?.`");
        diag_help(s->diags, d, "give a value for none with `??` first, or test it");
        check_rest(c, object, args, first);
        return T_ERROR;
    }
    if (t == T_ERROR) { /* the first argument is wrong and was reported, or is missing */
        check_rest(c, object, args, first);
        if (ast_is(c->ast, first, AST_LAMBDA)) {
            Diag *d = error_at(c, WF_E_lambda_misplaced, first, "`%s` takes a value first, not a lambda", name_z(c, name));
            note_overloads(c, d, name);
        }
        if (first == 0) {
            Diag *d = error_at(c, WF_E_missing_argument, call, "`%s` needs an argument", name_z(c, name));
            note_overloads(c, d, name);
        }
        return T_ERROR;
    }
    /* Exact matches of the first argument win over those that need int to float or an artifact's base. */
    for (int pass = 0; pass < 2; pass++)
        for (int id = 0; id < LIB_COUNT; id++) {
            if (TABLE(s)->name[id] != name) continue;
            const LibSig *sig = sema_lib(s, (LibId)id);
            NodeId arg[4];
            Vars v = {0};
            if (!place_args(c, sig, object, args, arg) || arg[0] != first) continue;
            bool ok = pass == 0 ? unify(s, sig->param[0].type, t, &v)
                                : !type_has(s->types, sig->param[0].type, TYF_VAR) && type_fits(s->types, t, sig->param[0].type);
            if (ok) return check_with_sig(c, call, (LibId)id, arg, first, t, &v);
        }
    if (report_wanted_lambda(c, name, object, args)) return T_ERROR;
    check_rest(c, object, args, first);
    report_no_overload(c, name, callee, object, first, t, args);
    return T_ERROR;
}
