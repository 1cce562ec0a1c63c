/* Types of expressions. */
#include "compiler/sema/check.h"

TypeId check_value(Cx *c, NodeId e, TypeId want) {
    TypeId t = check_expr(c, e, want);
    if (kind_of(c, t) == TY_NOTHING) {
        Diag *d = error_at(c, WF_E_no_value, e, "a value is needed here, but this gives none");
        if (ast_is(c->ast, e, AST_CALL)) diag_note(c->s->diags, d, "what is called declares no outputs");
        return T_ERROR;
    }
    if (type_has(c->s->types, t, TYF_SECRET)) {
        Diag *d = error_at(c, WF_E_secret_leak, e, "a secret would leak here");
        diag_note(c->s->diags, d, "a secret can be named and passed to a parameter declared `secret string`, nothing else");
        return T_ERROR;
    }
    return t;
}

TypeId check_as(Cx *c, NodeId e, TypeId want, Why why) {
    TypeId t;
    if (type_kind(c->s->types, type_unopt(c->s->types, want)) == TY_SECRET) {
        t = check_expr(c, e, want);
        if (t == T_STRING) {
            Diag *d = error_at(c, WF_E_secret_leak, e, "expected a secret, found a plain string");
            diag_note(c->s->diags, d, "what stands in the text or in a parameter is no secret any more");
            diag_help(c->s->diags, d, "use `secret(\"name\")`, or a parameter declared `secret string`");
            label_why(c, d, why);
            return T_ERROR;
        }
    } else {
        t = check_value(c, e, want);
    }
    if (!type_fits(c->s->types, t, want)) {
        report_mismatch(c, e, t, want, why);
        return T_ERROR;
    }
    return t;
}

void check_condition(Cx *c, NodeId e, const char *what) {
    TypeId t = check_value(c, e, T_BOOL);
    if (t == T_ERROR || t == T_BOOL || t == T_NEVER) return;
    Diag *d = error_at(c, WF_E_type_mismatch, e, "%s must be a bool, not `%s`", what, ty(c, t));
    TypeKind k = kind_of(c, t);
    Span end = cx_span(c, e);
    end.off += end.len;
    end.len = 0;
    const char *test = k == TY_OPT && type_unopt(c->s->types, t) == T_BOOL ? " ?? false" : k == TY_OPT ? " != none" : k == TY_STRING ? " != \"\"" : k == TY_INT ? " != 0" : NULL;
    if (k == TY_LIST || k == TY_MAP) test = ".len() > 0";
    if (test == NULL) return;
    diag_help(c->s->diags, d, "there is no truth of other values: write the test");
    if (is_postfix(c->ast, e)) diag_edit(c->s->diags, d, end, "%s", test);
}

/* --- names --- */

/* The type of a local, with what is known of it here. */
static TypeId local_type(Cx *c, NodeId e, uint32_t id) {
    Local *l = &c->s->local.data[id];
    l->used = true;
    if (l->uses < 2) l->uses++;
    set_ref(c, e, REF_LOCAL, id);
    TypeId t = l->type;
    if (kind_of(c, t) == TY_OPT && fact_known(c, e)) {
        set_flag(c, e, NF_NARROWED);
        return type_inner(c->s->types, t);
    }
    return t;
}

static bool is_enum_member(Cx *c, TypeId want, Atom name, uint32_t *index) {
    want = type_unopt(c->s->types, want);
    if (kind_of(c, want) != TY_ENUM) return false;
    int i = type_field_index(c->s->types, want, name);
    if (i < 0) return false;
    *index = (uint32_t)i;
    return true;
}

/* Words of other languages, used as a name. */
static const struct {
    const char *wrong, *right;
} value_words[] = {{"null", "none"}, {"nil", "none"}, {"undefined", "none"}, {"this", NULL}, {"self", NULL}};

/* A name of a block beside this one in the same declaration: branches, loops and lambdas are scopes. */
static bool report_out_of_scope(Cx *c, NodeId e, Atom name) {
    Sema *s = c->s;
    static const char *const visible[] = {[LOCAL_BINDING] = "bound here, visible in its own block only", [LOCAL_LOOP] = "visible in its loop only",
        [LOCAL_STATE] = "visible in its loop only", [LOCAL_CATCH] = "visible in its own block only", [LOCAL_LAMBDA] = "visible in its lambda only"};
    for (uint32_t i = s->local.len; i-- > c->first_local;) {
        const Local l = s->local.data[i];
        if (l.name != name || l.kind == LOCAL_PARAM || l.kind == LOCAL_OUTPUT) continue;
        Diag *d = error_at(c, WF_E_name_out_of_scope, e, "`%s` is not visible here", name_z(c, name));
        diag_label(s->diags, d, l.span, "%s", visible[l.kind]);
        if (l.kind == LOCAL_BINDING) diag_help(s->diags, d, "make it the value of the block: `%s = if c { ... } else { ... }`", name_z(c, name));
        return true;
    }
    return false;
}

static TypeId unknown_name(Cx *c, NodeId e, Atom name, TypeId want) {
    Sema *s = c->s;
    if (sema_lookup(s, c->m, NS_CALLABLE, name) != NOT_FOUND || is_lib_name(s, name)) {
        Diag *d = error_at(c, WF_E_callable_as_value, e, "`%s` is called, it is no value", name_z(c, name));
        uint32_t y = sema_lookup(s, c->m, NS_CALLABLE, name);
        if (y != NOT_FOUND) {
            s->symbol.data[y].used = true;
            diag_label(s->diags, d, s->symbol.data[y].span, "declared here");
        }
        diag_help(s->diags, d, "call it: `%s(...)`", name_z(c, name));
        return T_ERROR;
    }
    if (use_import(c, name) != NOT_FOUND) {
        Diag *d = error_at(c, WF_E_callable_as_value, e, "`%s` is an import, it is no value", name_z(c, name));
        diag_help(s->diags, d, "use what it declares: `%s.name(...)`", name_z(c, name));
        return T_ERROR;
    }
    for (uint32_t i = 0; c->in_default && i < s->symbol.data[c->owner].nparam; i++)
        if (s->param.data[s->symbol.data[c->owner].param + i].name == name) {
            error_at(c, WF_E_not_constant, e, "a default cannot use `%s`: it is known before any call", name_z(c, name));
            return T_ERROR;
        }
    if (report_out_of_scope(c, e, name)) return T_ERROR;
    Diag *d = error_at(c, WF_E_unknown_name, e, "unknown name `%s`", name_z(c, name));
    for (size_t i = 0; i < sizeof value_words / sizeof *value_words; i++)
        if (str_is(atom_str(s->atoms, name), value_words[i].wrong) && value_words[i].right != NULL) {
            diag_help(s->diags, d, "no value is written `%s`", value_words[i].right);
            diag_edit(s->diags, d, cx_span(c, e), "%s", value_words[i].right);
            return T_ERROR;
        }
    /* A member of an enum, where no type is wanted that says so. */
    for (uint32_t i = 0; i < s->symbol.len; i++) {
        const Symbol *y = &s->symbol.data[i];
        if (y->kind != SYM_ENUM || (y->module != c->m && y->module != 0) || type_field_index(s->types, y->type, name) < 0) continue;
        diag_label(s->diags, d, y->span, "enum `%s` has a member of that name", name_z(c, y->name));
        diag_help(s->diags, d, "write `%s.%s`", name_z(c, y->name), name_z(c, name));
        diag_edit(s->diags, d, cx_span(c, e), "%s.%s", name_z(c, y->name), name_z(c, name));
        return T_ERROR;
    }
    uint32_t n, k = 0;
    Atom *list = scope_list(c, &n);
    uint32_t nv;
    Atom *values = names_list(s, c->m, NS_VALUE, &nv);
    TypeId enum_type = type_unopt(s->types, want);
    uint32_t nm = 0;
    const TypeField *members = kind_of(c, enum_type) == TY_ENUM ? type_fields(s->types, enum_type, &nm) : NULL;
    Atom *all = ARENA_ARRAY(&s->diags->arena, Atom, n + nv + nm);
    for (uint32_t i = 0; i < nm; i++) all[k++] = members[i].name;
    for (uint32_t i = 0; i < n; i++) all[k++] = list[i];
    for (uint32_t i = 0; i < nv; i++) {
        uint32_t y = sema_lookup(s, c->m, NS_VALUE, values[i]);
        if (y != NOT_FOUND && s->symbol.data[y].kind == SYM_CONST) all[k++] = values[i];
    }
    suggest(s, d, cx_span(c, e), name, all, k, nm > 0 ? diag_text(c, "members of `%s` and values here", ty(c, enum_type)) : "values here");
    return T_ERROR;
}

TypeId use_constant(Cx *c, NodeId e, uint32_t symbol) {
    Sema *s = c->s;
    check_constant(s, symbol);
    s->symbol.data[symbol].used = true;
    set_ref(c, e, REF_SYMBOL, symbol);
    SymbolKind owner = c->owner != NOT_FOUND ? s->symbol.data[c->owner].kind : SYM_WORKFLOW;
    if (owner == SYM_CONST || owner == SYM_FN || owner == SYM_STRUCT) vec_push(&s->call, ((SemaCall){c->owner, symbol, e}));
    return s->symbol.data[symbol].type;
}

static TypeId check_name(Cx *c, NodeId e, TypeId want) {
    Sema *s = c->s;
    Atom name = ast_name(c->ast, e).name;
    uint32_t local = scope_find(c, name), member;
    bool is_member = is_enum_member(c, want, name, &member);
    if (local != NOT_FOUND) {
        if (is_member && !type_fits(s->types, s->local.data[local].type, want)) {
            Diag *d = error_at(c, WF_E_ambiguous_member, e, "`%s` is a value here and a member of `%s`", name_z(c, name), ty(c, want));
            diag_label(s->diags, d, s->local.data[local].span, "the value");
            diag_help(s->diags, d, "write `%s.%s` for the member", ty(c, type_unopt(s->types, want)), name_z(c, name));
            s->local.data[local].used = true;
            return T_ERROR;
        }
        return local_type(c, e, local);
    }
    uint32_t y = sema_lookup(s, c->m, NS_VALUE, name);
    if (y != NOT_FOUND && s->symbol.data[y].kind == SYM_CONST) {
        return use_constant(c, e, y);
    }
    if (is_member) {
        set_ref(c, e, REF_MEMBER, member);
        return type_unopt(s->types, want);
    }
    return unknown_name(c, e, name, want);
}

/* --- operators --- */

static bool is_number(TypeKind k) { return k == TY_INT || k == TY_FLOAT; }
static bool is_quantity(TypeKind k) { return k == TY_DURATION || k == TY_SIZE; }

static TypeId arithmetic_type(AstOp op, TypeKind a, TypeKind b) {
    if (is_number(a) && is_number(b)) {
        if (op == OP_DIV) return T_FLOAT;
        return a == TY_INT && b == TY_INT ? T_INT : T_FLOAT;
    }
    if ((op == OP_ADD || op == OP_SUB) && a == b && is_quantity(a)) return (TypeId)a;
    if ((op == OP_ADD || op == OP_SUB) && a == TY_TIME && b == TY_DURATION) return T_TIME;
    if (op == OP_ADD && a == TY_DURATION && b == TY_TIME) return T_TIME;
    if (op == OP_SUB && a == TY_TIME && b == TY_TIME) return T_DURATION;
    if (op == OP_MUL && is_quantity(a) && is_number(b)) return (TypeId)a;
    if (op == OP_MUL && is_number(a) && is_quantity(b)) return (TypeId)b;
    if (op == OP_DIV && is_quantity(a) && is_number(b)) return (TypeId)a;
    if (op == OP_DIV && a == b && is_quantity(a)) return T_FLOAT;
    return T_ERROR;
}

static TypeId bad_operands(Cx *c, NodeId e, TypeId a, TypeId b) {
    Sema *s = c->s;
    AstBinary x = ast_binary(c->ast, e);
    const char *op = ast_op_text(ast_op(c->ast, e));
    Diag *d = diag_add(s->diags, WF_E_bad_operand, ast_op_span(c->ast, e), "`%s` cannot take `%s` and `%s`", op, ty(c, a), ty(c, b));
    diag_label(s->diags, d, cx_span(c, x.left), "`%s`", ty(c, a));
    diag_label(s->diags, d, cx_span(c, x.right), "`%s`", ty(c, b));
    TypeKind ka = kind_of(c, a), kb = kind_of(c, b);
    if (ka == TY_OPT || kb == TY_OPT) {
        diag_help(s->diags, d, "give a value for none with `??` first");
    } else if (ast_op(c->ast, e) == OP_ADD && (ka == TY_STRING || kb == TY_STRING)) {
        diag_help(s->diags, d, "strings are put together by interpolation: \"${a}${b}\"");
    } else if (ast_op(c->ast, e) == OP_ADD && ka == TY_LIST && kb == TY_LIST) {
        diag_help(s->diags, d, "lists are put together by `.concat(...)`");
    } else if ((ka == TY_ENUM && kb == TY_STRING) || (ka == TY_STRING && kb == TY_ENUM)) {
        diag_help(s->diags, d, "members of an enum are written without quotes");
    } else if ((is_quantity(ka) && is_number(kb)) || (is_number(ka) && is_quantity(kb))) {
        diag_help(s->diags, d, "give the number a unit, such as `%s`", ka == TY_SIZE || kb == TY_SIZE ? "1MiB" : "30s");
    }
    return T_ERROR;
}

static void constant_division(Cx *c, NodeId e) {
    AstBinary x = ast_binary(c->ast, e);
    AstOp op = ast_op(c->ast, e);
    if ((op == OP_DIV || op == OP_FLOOR || op == OP_MOD) && ast_is(c->ast, x.right, AST_INT) && ast_int(c->ast, x.right) == 0)
        error_at(c, WF_E_constant_error, x.right, "division by zero");
}

static TypeId check_arithmetic(Cx *c, NodeId e) {
    AstBinary x = ast_binary(c->ast, e);
    TypeId a = check_value(c, x.left, T_ERROR), b = check_value(c, x.right, T_ERROR);
    if (a == T_ERROR || b == T_ERROR) return T_ERROR;
    TypeId t = arithmetic_type(ast_op(c->ast, e), kind_of(c, a), kind_of(c, b));
    if (t == T_ERROR) return bad_operands(c, e, a, b);
    constant_division(c, e);
    return t;
}

/* A bare name that is no value takes its type, of an enum, from the other side. */
static bool wants_other(const Cx *c, NodeId e) {
    if (ast_is(c->ast, e, AST_NONE)) return true;
    return ast_is(c->ast, e, AST_NAME) && scope_find(c, ast_name(c->ast, e).name) == NOT_FOUND &&
           sema_lookup(c->s, c->m, NS_VALUE, ast_name(c->ast, e).name) == NOT_FOUND;
}

static TypeId check_comparison(Cx *c, NodeId e) {
    Sema *s = c->s;
    AstBinary x = ast_binary(c->ast, e);
    AstOp op = ast_op(c->ast, e);
    bool equality = op == OP_EQ || op == OP_NE;
    bool right_first = wants_other(c, x.left) && !wants_other(c, x.right);
    /* A narrowed value is compared with none as the optional it was, so that the test can be called redundant. */
    TypeId a, b;
    if (right_first) {
        b = check_value(c, x.right, T_ERROR);
        a = check_value(c, x.left, b);
    } else {
        a = check_value(c, x.left, T_ERROR);
        b = check_value(c, x.right, a);
    }
    if (a == T_ERROR || b == T_ERROR) return T_BOOL;
    bool none_left = ast_is(c->ast, x.left, AST_NONE), none_right = ast_is(c->ast, x.right, AST_NONE);
    if (equality && (none_left || none_right)) { /* of any type, also of one that cannot be compared otherwise */
        NodeId other = none_right ? x.left : x.right;
        TypeId t = none_right ? a : b;
        if (kind_of(c, t) != TY_OPT && kind_of(c, t) != TY_NONE) {
            bool narrowed = has_flag(c, other, NF_NARROWED);
            Diag *d = narrowed ? error_at(c, WF_E_redundant_test, e, "this is never none here")
                               : error_at(c, WF_E_redundant_test, e, "`%s` is never none: the test is always %s", ty(c, t), op == OP_NE ? "true" : "false");
            if (narrowed) diag_note(s->diags, d, "a test around it has shown that already");
        }
        return T_BOOL;
    }
    TypeId j = type_join(s->types, a, b);
    if (j == T_ERROR) return bad_operands(c, e, a, b), T_BOOL;
    if (!type_has(s->types, j, equality ? TYF_EQ : TYF_ORD)) {
        Diag *d = diag_add(s->diags, WF_E_not_comparable, ast_op_span(c->ast, e), "`%s` values cannot be compared with `%s`", ty(c, j), ast_op_text(op));
        if (type_has(s->types, j, TYF_FILE)) diag_help(s->diags, d, "compare what they hold by `.sha256`");
        if (kind_of(c, j) == TY_OPT) diag_help(s->diags, d, "give a value for none with `??` first");
        if (kind_of(c, j) == TY_JSON) diag_help(s->diags, d, "decode it first, with `as`");
    }
    return T_BOOL;
}

static TypeId check_logic(Cx *c, NodeId e) {
    AstBinary x = ast_binary(c->ast, e);
    bool is_and = ast_op(c->ast, e) == OP_AND;
    const char *before = c->pure;
    check_condition(c, x.left, is_and ? "the left of `and`" : "the left of `or`");
    uint32_t facts = c->facts.len;
    facts_of(c, x.left, is_and);
    if (c->pure == NULL) c->pure = is_and ? "the right of `and`, which may not be evaluated" : "the right of `or`, which may not be evaluated";
    check_condition(c, x.right, is_and ? "the right of `and`" : "the right of `or`");
    c->pure = before;
    c->facts.len = facts;
    return T_BOOL;
}

static TypeId check_else(Cx *c, NodeId e, TypeId want) {
    Sema *s = c->s;
    AstBinary x = ast_binary(c->ast, e);
    TypeId a = check_value(c, x.left, want == T_ERROR ? T_ERROR : type_opt(s->types, want));
    const char *before = c->pure;
    if (c->pure == NULL) c->pure = "the right of `??`, which may not be evaluated";
    TypeId inner = type_unopt(s->types, a);
    if (kind_of(c, a) == TY_NONE) inner = want;
    TypeId b = check_value(c, x.right, want != T_ERROR ? want : inner);
    c->pure = before;
    if (a == T_ERROR || b == T_ERROR) return T_ERROR;
    if (kind_of(c, a) != TY_OPT && kind_of(c, a) != TY_NONE) {
        Diag *d = diag_add(s->diags, WF_E_redundant_default, ast_op_span(c->ast, e), "the left of `??` is `%s`, which is never none", ty(c, a));
        Span cut = cx_span(c, x.left);
        Span all = cx_span(c, e);
        cut.off += cut.len;
        cut.len = all.off + all.len - cut.off;
        diag_help(s->diags, d, "remove the default");
        diag_edit(s->diags, d, cut, "%s", "");
        return a;
    }
    if (kind_of(c, a) == TY_NONE) return b;
    TypeId j = type_join(s->types, inner, b);
    if (j == T_ERROR) {
        report_mismatch(c, x.right, b, inner, (Why){.span = cx_span(c, x.left), .type = a});
        return T_ERROR;
    }
    return j;
}

/* --- literals and structures --- */

static TypeId check_list(Cx *c, NodeId e, TypeId want) {
    Sema *s = c->s;
    AstList items = ast_list_expr(c->ast, e).items;
    TypeId w = type_unopt(s->types, want), element = T_ERROR;
    if (kind_of(c, w) == TY_LIST) element = type_inner(s->types, w);
    if (kind_of(c, w) == TY_JSON) element = T_JSON;
    if (items.n == 0 && element == T_ERROR) {
        if (want != T_ERROR) return T_NONE == want ? T_ERROR : type_list(s->types, T_NEVER);
        Diag *d = error_at(c, WF_E_unknown_element_type, e, "the type of this empty list's elements is not known");
        diag_help(s->diags, d, "give the binding a type: `xs: [float] = []`");
        return T_ERROR;
    }
    if (element != T_ERROR) {
        bool wrong = false;
        AST_EACH(items, item) wrong |= check_as(c, item, element, WHY_NONE) == T_ERROR;
        AST_EACH(items, item) inherit_work(c, e, item);
        return wrong ? T_ERROR : type_list(s->types, element);
    }
    TypeId join = T_ERROR;
    NodeId first = 0;
    bool wrong = false;
    AST_EACH(items, item) {
        TypeId t = check_value(c, item, join);
        inherit_work(c, e, item);
        if (t == T_ERROR) {
            wrong = true;
            continue;
        }
        TypeId j = first == 0 ? t : type_join(s->types, join, t);
        if (j == T_ERROR) {
            Diag *d = error_at(c, WF_E_no_common_type, item, "this element is `%s`, the ones before are `%s`", ty(c, t), ty(c, join));
            diag_label(s->diags, d, cx_span(c, first), "`%s`", ty(c, join));
            diag_note(s->diags, d, "a list holds values of one type; a record `(a: 1, b: \"x\")` holds several");
            return T_ERROR;
        }
        join = j;
        if (first == 0) first = item;
    }
    if (wrong || join == T_ERROR) return T_ERROR;
    if (kind_of(c, join) == TY_NONE) {
        error_at(c, WF_E_unknown_element_type, e, "the type of this list's elements is not known");
        return T_ERROR;
    }
    return type_list(s->types, join);
}

static TypeId check_map(Cx *c, NodeId e, TypeId want) {
    Sema *s = c->s;
    AstList entries = ast_map(c->ast, e).entries;
    TypeId w = type_unopt(s->types, want), element = T_ERROR;
    if (kind_of(c, w) == TY_MAP) element = type_inner(s->types, w);
    if (kind_of(c, w) == TY_JSON) element = T_JSON;
    if (entries.n == 0 && element == T_ERROR) {
        if (want != T_ERROR) return type_map(s->types, T_NEVER);
        Diag *d = error_at(c, WF_E_unknown_element_type, e, "the type of this empty map's values is not known");
        diag_help(s->diags, d, "give the binding a type: `m: [string: int] = [:]`");
        return T_ERROR;
    }
    TypeId join = T_ERROR;
    bool wrong = false;
    AST_EACH(entries, entry) {
        AstEntry x = ast_entry(c->ast, entry);
        wrong |= check_as(c, x.key, T_STRING, (Why){.span = cx_span(c, e), .text = "the keys of a map are strings"}) == T_ERROR;
        TypeId t = element != T_ERROR ? check_as(c, x.value, element, WHY_NONE) : check_value(c, x.value, join);
        inherit_work(c, e, x.key);
        inherit_work(c, e, x.value);
        wrong |= t == T_ERROR;
        if (wrong || element != T_ERROR) continue;
        TypeId j = join == T_ERROR ? t : type_join(s->types, join, t);
        if (j == T_ERROR) {
            Diag *d = error_at(c, WF_E_no_common_type, x.value, "this value is `%s`, the ones before are `%s`", ty(c, t), ty(c, join));
            diag_label(s->diags, d, cx_span(c, ast_entry(c->ast, entries.at[0]).value), "`%s`", ty(c, join));
            return T_ERROR;
        }
        join = j;
    }
    if (wrong) return T_ERROR;
    return type_map(s->types, element != T_ERROR ? element : join);
}

/* A record; where a record or struct of the same fields is wanted, its fields are checked against those. */
static TypeId check_record(Cx *c, NodeId e, TypeId want) {
    Sema *s = c->s;
    AstList list = ast_record(c->ast, e).fields;
    TypeId w = type_unopt(s->types, want);
    uint32_t nw = 0;
    if (kind_of(c, w) == TY_RECORD || kind_of(c, w) == TY_STRUCT) type_fields(s->types, w, &nw);
    TypeField *f = ARENA_ARRAY(&s->arena, TypeField, list.n);
    uint32_t n = 0, hits = 0;
    bool wrong = false;
    AST_EACH(list, item) {
        AstNamed x = ast_named(c->ast, item);
        int at = nw > 0 ? type_field_index(s->types, w, x.name) : -1;
        TypeId element = at >= 0 ? type_fields(s->types, w, &nw)[at].type : T_ERROR;
        TypeId t = check_value(c, x.value, element);
        inherit_work(c, e, x.value);
        set_type(c, item, t);
        bool twice = false;
        for (uint32_t i = 0; i < n; i++) twice |= f[i].name == x.name;
        if (twice) {
            error_at(c, WF_E_duplicate_argument, item, "field `%s` is given twice", name_z(c, x.name));
            wrong = true;
            continue;
        }
        if (kind_of(c, t) == TY_NONE && at < 0) {
            error_at(c, WF_E_unknown_element_type, x.value, "the type of this field is not known: `none` of what?");
            t = T_ERROR;
        }
        if (at >= 0 && type_fits(s->types, t, element)) hits++;
        wrong |= t == T_ERROR;
        f[n++] = (TypeField){.name = x.name, .type = t};
    }
    if (wrong) return T_ERROR;
    if (nw > 0 && hits == nw && n == nw) return w;
    return type_record(s->types, f, (uint16_t)n);
}

static TypeId check_text(Cx *c, NodeId e) {
    AstList parts = ast_text(c->ast, e).parts;
    AST_EACH(parts, part) {
        if (ast_has(c->ast, part, AST_PART)) {
            set_type(c, part, T_STRING);
            continue;
        }
        TypeId t = check_value(c, part, T_ERROR);
        inherit_work(c, e, part);
        TypeKind k = kind_of(c, t);
        if (t == T_ERROR || is_number(k) || is_quantity(k) || k == TY_BOOL || k == TY_STRING || k == TY_TIME || k == TY_ENUM || k == TY_NEVER)
            continue;
        Diag *d = error_at(c, WF_E_bad_interpolation, part, "`%s` cannot be part of a string", ty(c, t));
        if (k == TY_OPT || k == TY_NONE) {
            Span end = cx_span(c, part);
            end.off += end.len;
            end.len = 0;
            bool text = type_unopt(c->s->types, t) == T_STRING;
            diag_help(c->s->diags, d, text ? "give a text for none" : "give a value for none with `??`, or test it: `if x != none { ... }`");
            if (text) diag_edit(c->s->diags, d, end, " ?? \"\"");
        } else if (type_has(c->s->types, t, TYF_FILE)) {
            diag_note(c->s->diags, d, "files have no path outside the steps that use them; `.name`, `.uri` and `.sha256` are strings");
        } else {
            diag_help(c->s->diags, d, "`.to_json()` writes it as JSON text");
        }
    }
    return T_STRING;
}

/* The index of a list or map. */
static void check_key(Cx *c, AstIndex x, TypeId t) {
    bool list = kind_of(c, t) == TY_LIST;
    TypeId want = list ? T_INT : T_STRING, key = check_value(c, x.key, want);
    if (type_fits(c->s->types, key, want)) return;
    if (type_unopt(c->s->types, key) == want) {
        report_mismatch(c, x.key, key, want, WHY_NONE);
        return;
    }
    Diag *d = error_at(c, WF_E_bad_index, x.key, "a %s is indexed by `%s`, not `%s`", list ? "list" : "map", ty(c, want), ty(c, key));
    diag_label(c->s->diags, d, cx_span(c, x.object), "this is `%s`", ty(c, t));
}

static TypeId check_index(Cx *c, NodeId e) {
    Sema *s = c->s;
    AstIndex x = ast_index(c->ast, e);
    TypeId t = check_value(c, x.object, T_ERROR);
    bool optional = ast_has(c->ast, e, AST_OPTIONAL);
    if (optional && kind_of(c, t) == TY_OPT) t = type_inner(s->types, t);
    TypeKind k = kind_of(c, t);
    if (t == T_ERROR) return check_value(c, x.key, T_ERROR), T_ERROR;
    if (k == TY_JSON) {
        TypeId key = check_value(c, x.key, T_ERROR);
        if (key == T_ERROR) return T_ERROR;
        if (key != T_STRING && key != T_INT) {
            error_at(c, WF_E_bad_index, x.key, "json is indexed by a string or an int, not `%s`", ty(c, key));
            return T_ERROR;
        }
        LibId id = key == T_STRING ? optional ? LIB_JSON_KEY_OPT : LIB_JSON_KEY : optional ? LIB_JSON_AT_OPT : LIB_JSON_AT;
        set_ref(c, e, REF_LIB, id);
        return optional ? type_opt(s->types, T_JSON) : T_JSON;
    }
    if (k == TY_LIST || k == TY_MAP) {
        check_key(c, x, t);
        if (optional) {
            Diag *d = error_at(c, WF_E_bad_index, e, "`?[` is for json");
            diag_help(s->diags, d, "`.get(...)` gives an optional");
            return T_ERROR;
        }
        return type_inner(s->types, t);
    }
    check_value(c, x.key, T_ERROR);
    Diag *d = error_at(c, WF_E_bad_index, x.object, "`%s` cannot be indexed", ty(c, t));
    if (k == TY_RECORD || k == TY_STRUCT) diag_help(s->diags, d, "fields are read by name: `x.field`");
    if (k == TY_OPT) diag_help(s->diags, d, "give a value for none with `??` first");
    if (k == TY_STRING) diag_help(s->diags, d, "`.slice(from, to)` takes a part of a string");
    return T_ERROR;
}

static TypeId check_conversion(Cx *c, NodeId e) {
    Sema *s = c->s;
    AstAs x = ast_as(c->ast, e);
    TypeId to = resolve_type(c, x.type);
    TypeId from = check_value(c, x.value, to == T_JSON ? T_ERROR : to);
    inherit_work(c, e, x.value);
    if (from == T_ERROR || to == T_ERROR) return to;
    TypeKind f = kind_of(c, from), t = kind_of(c, to);
    if (type_fits(s->types, from, to)) return to;
    if (f == TY_JSON && !type_has(s->types, to, TYF_FILE | TYF_SECRET)) return to;
    if ((f == TY_FILE || f == TY_DIR || f == TY_ARTIFACT) && (t == TY_FILE || t == TY_DIR || t == TY_ARTIFACT)) {
        TypeId fb = type_file_base(s->types, from), tb = type_file_base(s->types, to);
        if (kind_of(c, fb) == kind_of(c, tb) && (type_at(s->types, fb)->a == 0 || type_at(s->types, tb)->a == 0 ||
                                                 type_at(s->types, fb)->a == type_at(s->types, tb)->a))
            return to;
    }
    Diag *d = diag_add(s->diags, WF_E_bad_conversion, ast_op_span(c->ast, e), "`%s` cannot become `%s`", ty(c, from), ty(c, to));
    diag_label(s->diags, d, cx_span(c, x.value), "`%s`", ty(c, from));
    if (f == TY_OPT) {
        diag_help(s->diags, d, "give a value for none with `??` first");
    } else if (to == T_INT || to == T_FLOAT || to == T_STRING) {
        diag_help(s->diags, d, "`%s(x)` converts; `as` only decodes json and tags files", to == T_INT ? "int" : to == T_FLOAT ? "float" : "string");
    } else if (f == TY_JSON) {
        diag_note(s->diags, d, "`%s` holds a file, which JSON cannot", ty(c, to));
    } else {
        diag_note(s->diags, d, "`as` decodes json, and checks and tags files");
    }
    return to;
}

static TypeId check_with(Cx *c, NodeId e) {
    Sema *s = c->s;
    AstWith x = ast_with(c->ast, e);
    TypeId t = check_value(c, x.value, T_ERROR);
    inherit_work(c, e, x.value);
    TypeKind k = kind_of(c, t);
    if (t != T_ERROR && k != TY_STRUCT && k != TY_RECORD) {
        Diag *d = error_at(c, WF_E_bad_change, x.value, "only a struct or a record can be copied with changes, not `%s`", ty(c, t));
        if (k == TY_OPT) diag_help(s->diags, d, "test it first: `if x != none { x with (...) }`");
        t = T_ERROR;
    }
    uint32_t n = 0;
    uint64_t seen = 0;
    AST_EACH(x.changes, change) {
        AstNamed named = ast_named(c->ast, change);
        int at = t == T_ERROR ? -1 : type_field_index(s->types, t, named.name);
        if (at < 0) {
            check_value(c, named.value, T_ERROR);
            if (t == T_ERROR) continue;
            Diag *d = error_name(c, WF_E_unknown_member, change, "`%s` has no field `%s`", ty(c, t), name_z(c, named.name));
            const TypeField *f = type_fields(s->types, t, &n);
            Atom *names = ARENA_ARRAY(&s->diags->arena, Atom, n);
            for (uint32_t i = 0; i < n; i++) names[i] = f[i].name;
            suggest(s, d, ast_name_span(c->ast, change), named.name, names, n, "fields");
            continue;
        }
        if (at < 64 && (seen >> at & 1)) error_at(c, WF_E_duplicate_argument, change, "field `%s` is changed twice", name_z(c, named.name));
        if (at < 64) seen |= (uint64_t)1 << at;
        check_as(c, named.value, type_fields(s->types, t, &n)[at].type, WHY_NONE);
        inherit_work(c, e, named.value);
    }
    return t;
}

static TypeId check_negate(Cx *c, NodeId e) {
    NodeId value = ast_negate(c->ast, e).value;
    TypeId t = check_value(c, value, T_ERROR);
    inherit_work(c, e, value);
    TypeKind k = kind_of(c, t);
    if (t == T_ERROR || is_number(k) || k == TY_DURATION) return t;
    error_at(c, WF_E_bad_operand, e, "`-` cannot take `%s`", ty(c, t));
    return T_ERROR;
}

static TypeId check_binary(Cx *c, NodeId e, TypeId want) {
    AstBinary x = ast_binary(c->ast, e);
    TypeId t = T_ERROR;
    switch (ast_op(c->ast, e)) {
    case OP_OR:
    case OP_AND: t = check_logic(c, e); break;
    case OP_EQ:
    case OP_NE:
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE: t = check_comparison(c, e); break;
    case OP_ELSE: t = check_else(c, e, want); break;
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_FLOOR:
    case OP_MOD: t = check_arithmetic(c, e); break;
    }
    inherit_work(c, e, x.left);
    inherit_work(c, e, x.right);
    return t;
}

static TypeId check_kind(Cx *c, NodeId e, TypeId want) {
    switch ((int)ast_kind(c->ast, e)) {
    case AST_NAME: return check_name(c, e, want);
    case AST_INT: return T_INT;
    case AST_FLOAT: return T_FLOAT;
    case AST_DURATION: return T_DURATION;
    case AST_SIZE: return T_SIZE;
    case AST_BOOL: return T_BOOL;
    case AST_NONE: return kind_of(c, want) == TY_OPT ? want : T_NONE;
    case AST_STRING:
    case AST_FENCE: return T_STRING;
    case AST_TEXT: return check_text(c, e);
    case AST_LIST: return check_list(c, e, want);
    case AST_MAP: return check_map(c, e, want);
    case AST_RECORD: return check_record(c, e, want);
    case AST_MEMBER: return check_member(c, e, want);
    case AST_CALL: return check_call(c, e, want);
    case AST_NOT: {
        NodeId value = ast_not(c->ast, e).value;
        check_condition(c, value, "the operand of `not`");
        inherit_work(c, e, value);
        return T_BOOL;
    }
    case AST_NEGATE:
        if (ast_is(c->ast, ast_negate(c->ast, e).value, AST_INT)) return set_type(c, ast_negate(c->ast, e).value, T_INT);
        return check_negate(c, e);
    case AST_BINARY: return check_binary(c, e, want);
    case AST_INDEX: {
        TypeId t = check_index(c, e);
        inherit_work(c, e, ast_index(c->ast, e).object);
        inherit_work(c, e, ast_index(c->ast, e).key);
        return t;
    }
    case AST_AS: return check_conversion(c, e);
    case AST_WITH: return check_with(c, e);
    case AST_IF: return check_if(c, e, want);
    case AST_MATCH: return check_match(c, e, want);
    case AST_FOR: return check_for(c, e, want);
    case AST_REPEAT: return check_repeat(c, e, want);
    case AST_TRY: return check_try(c, e, want);
    case AST_CHAIN: return check_chain(c, e, want);
    case AST_BLOCK: return check_block(c, e, want, WHY_NONE, false);
    case AST_TYPE_WORD: {
        Diag *d = error_at(c, WF_E_callable_as_value, e, "`%s` is a type, not a value", name_z(c, ast_type_word(c->ast, e).name));
        diag_help(c->s->diags, d, "build one with `%s(...)`, or name a member of an enum", name_z(c, ast_type_word(c->ast, e).name));
        return T_ERROR;
    }
    case AST_LAMBDA: {
        Diag *d = error_at(c, WF_E_lambda_misplaced, e, "a lambda may only be the argument of a library function");
        diag_help(c->s->diags, d, "declare it: `fn name(x: T) -> U = ...`");
        return T_ERROR;
    }
    case AST_WILD: error_at(c, WF_E_bad_pattern, e, "`_` is a pattern, not a value"); return T_ERROR;
    default: return T_ERROR; /* an ERROR node, reported by the parser */
    }
}

TypeId check_expr(Cx *c, NodeId e, TypeId want) {
    if (e == 0) return T_ERROR;
    return set_type(c, e, check_kind(c, e, want));
}
