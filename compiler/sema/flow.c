/* Blocks, branches, loops, handlers, order. */
#include "compiler/sema/check.h"

void inherit_work(Cx *c, NodeId e, NodeId part) {
    if (part != 0) set_flag(c, e, cx_mod(c)->flag[part] & (NF_WORK | NF_EFFECT));
}

/* --- statements --- */

/* A value in a place where it is used, or T_NOTHING wanted where it is dropped. */
static TypeId check_part(Cx *c, NodeId e, TypeId want, Why why) {
    c->whole = e;
    if (ast_is(c->ast, e, AST_BLOCK)) return check_block(c, e, want, why, false);
    if (want == T_NOTHING) {
        TypeId t = check_expr(c, e, T_NOTHING);
        if (type_has(c->s->types, t, TYF_SECRET)) return check_value(c, e, T_ERROR);
        return t;
    }
    if (want == T_ERROR) {
        TypeId t = check_expr(c, e, T_ERROR);
        return kind_of(c, t) == TY_NOTHING ? t : type_has(c->s->types, t, TYF_SECRET) ? check_value(c, e, T_ERROR) : t;
    }
    return check_as(c, e, want, why);
}

/* What the annotations of a statement stand on. */
static void check_statement_annotations(Cx *c, AstList annots, NodeId value) {
    if (annots.n == 0) return;
    if (ast_is(c->ast, value, AST_FOR)) {
        check_annotations(c, annots, PLACE_LOOP, "a loop");
        return;
    }
    if (ast_is(c->ast, value, AST_CALL)) {
        check_annotations(c, annots, PLACE_CALL, "a call");
        return;
    }
    Diag *d = error_at(c, WF_E_annotation_without_call, annots.at[0], "this annotation stands on no call and no loop");
    diag_label(c->s->diags, d, cx_span(c, value), "it applies to the call or loop that is the whole right side");
    diag_help(c->s->diags, d, "name the call: bind it on a line of its own, below the annotation");
}

static void check_binding(Cx *c, NodeId stmt) {
    Sema *s = c->s;
    AstBinding b = ast_binding(c->ast, stmt);
    uint32_t id = ref_index(cx_mod(c)->ref[stmt]);
    TypeId want = b.type != 0 ? resolve_type(c, b.type) : T_ERROR;
    TypeId t;
    bool tolerate = find_annotation(c, b.annots, "tolerate") != 0 && ast_is(c->ast, b.value, AST_FOR);
    c->whole = b.value;
    if (want != T_ERROR && !tolerate)
        t = check_as(c, b.value, want, (Why){.span = cx_span(c, b.type), .text = "the binding has this type"}) == T_ERROR ? T_ERROR : want;
    else if (b.type != 0 && !tolerate)
        t = (check_part(c, b.value, T_ERROR, WHY_NONE), T_ERROR);
    else
        t = check_part(c, b.value, T_ERROR, WHY_NONE);
    if (tolerate && kind_of(c, t) == TY_LIST) {
        t = set_type(c, b.value, type_list(s->types, type_opt(s->types, type_inner(s->types, t))));
        if (want != T_ERROR && !type_fits(s->types, t, want)) {
            report_mismatch(c, b.value, t, want, (Why){.span = cx_span(c, b.type), .text = "the binding has this type"});
            t = want;
        }
    }
    if (kind_of(c, t) == TY_NONE) {
        Diag *d = error_at(c, WF_E_unknown_element_type, b.value, "the type of `%s` is not known: `none` of what?", name_z(c, b.name));
        diag_help(s->diags, d, "give the binding a type: `%s: string? = none`", name_z(c, b.name));
        t = T_ERROR;
    }
    if (kind_of(c, t) == TY_NOTHING && !has_flag(c, b.value, NF_WORK)) {
        error_at(c, WF_E_no_value, b.value, "this gives no value to bind");
        t = T_ERROR;
    }
    s->local.data[id].type = t;
    s->local.data[id].typed = true;
    set_type(c, stmt, t);
    set_flag(c, stmt, cx_mod(c)->flag[b.value] & (NF_WORK | NF_EFFECT));
    check_statement_annotations(c, b.annots, b.value);
}

static void report_unused_value(Cx *c, NodeId value) {
    if (has_flag(c, value, NF_WORK) || get_type(c, value) == T_ERROR || ast_is(c->ast, value, AST_NAME)) return;
    if (ast_is(c->ast, value, AST_CHAIN)) return;
    Diag *d = error_at(c, WF_E_unused_value, value, "this value is not used");
    if (ast_is(c->ast, value, AST_BINARY) && ast_op(c->ast, value) == OP_EQ)
        diag_help(c->s->diags, d, "`==` compares; `=` binds a name");
    else
        diag_help(c->s->diags, d, "bind it to a name, or remove the line");
}

typedef struct BlockCx {
    NodeId block;
    bool body;       /* of a workflow */
    TypeId want;     /* of the block's value */
    Why why;
    NodeId last;     /* the statement that is its value, or 0 */
    TypeId value;
} BlockCx;

static void check_return(Cx *c, BlockCx *b, NodeId stmt, bool is_last) {
    Sema *s = c->s;
    AstReturn r = ast_return(c->ast, stmt);
    if (!b->body) {
        Diag *d = error_at(c, WF_E_return_misplaced, stmt, "`return` may only be the last statement of a workflow");
        diag_help(s->diags, d, "the value of a block is its last line, without `return`");
        check_expr(c, r.value, T_ERROR);
        b->value = T_ERROR;
        return;
    }
    if (!is_last) {
        Diag *d = error_at(c, WF_E_return_misplaced, stmt, "`return` must be the last statement of its workflow");
        diag_note(s->diags, d, "a workflow does not end early: use `if`, whose branches are values");
    }
    const Symbol *y = c->owner != NOT_FOUND ? &s->symbol.data[c->owner] : NULL;
    if (y == NULL || y->kind != SYM_WORKFLOW) {
        check_expr(c, r.value, T_ERROR);
        return;
    }
    if (y->noutput == 0) {
        TypeId t = check_expr(c, r.value, T_ERROR); /* before the finding, which another one would move */
        Diag *d = error_at(c, WF_E_bad_outputs, stmt, "workflow `%s` declares no outputs", name_z(c, y->name));
        diag_label(s->diags, d, y->span, "declared here");
        if (t != T_ERROR) diag_help(s->diags, d, "declare what it gives: `-> %s`", ty(c, t));
        return;
    }
    NodeId output = ast_workflow(c->ast, y->decl).output, tolerate = find_annotation(c, r.annots, "tolerate");
    c->whole = r.value;
    check_as(c, r.value, y->type, (Why){.span = cx_span(c, output), .text = "the workflow gives this"});
    check_statement_annotations(c, r.annots, r.value);
    if (tolerate != 0 && ast_is(c->ast, r.value, AST_FOR)) {
        Diag *d = error_at(c, WF_E_annotation_misplaced, tolerate, "@tolerate changes the type of the loop, which needs a name then");
        diag_help(s->diags, d, "bind the loop to a name and return that");
    }
    set_type(c, stmt, y->type);
    set_flag(c, stmt, cx_mod(c)->flag[r.value] & (NF_WORK | NF_EFFECT));
}

/* `on failure e`, without the block. */
static Span handler_head(const Cx *c, NodeId stmt) {
    Span span = cx_span(c, stmt);
    span.len = ast_node(c->ast, ast_handler(c->ast, stmt).body)->off - span.off;
    while (span.len > 1 && c->ast->text.p[span.off + span.len - 1] == ' ') span.len--;
    return span;
}

static void check_handler(Cx *c, BlockCx *b, NodeId stmt) {
    Sema *s = c->s;
    AstHandler h = ast_handler(c->ast, stmt);
    check_annotations(c, h.annots, 0, "a handler");
    Str event = atom_str(s->atoms, h.event);
    bool failure = str_is(event, "failure"), success = str_is(event, "success"), final = str_is(event, "finally");
    if (!b->body) diag_add(s->diags, WF_E_handler_misplaced, handler_head(c, stmt), "handlers stand directly in a workflow, not in a block");
    if (!failure && !success && !final) {
        Diag *d = diag_add(s->diags, WF_E_handler_misplaced, handler_head(c, stmt), "there is no handler `on %s`", event.p);
        Atom names[] = {atom_z(s->atoms, "failure"), atom_z(s->atoms, "success")};
        suggest(s, d, handler_head(c, stmt), h.event, names, 2, "handlers");
        d->edits.len = 0;
        success = h.var == 0; /* bindings have their types, so that nothing else is said of them */
        failure = h.var != 0;
    }
    if (h.var != 0 && !failure) error_at(c, WF_E_handler_misplaced, h.var, "only `on failure` has a failure to name");
    /* In `on success` every binding has its value; in the other two a binding may be none. */
    uint32_t mark = scope_mark(c);
    VEC(uint32_t) changed = {0};
    if (!success)
        for (uint32_t i = 0; i < mark; i++) {
            Local *l = &s->local.data[c->undo.data[i]];
            if (l->kind != LOCAL_BINDING || l->block != b->block || l->type == T_ERROR || l->type == T_NOTHING) continue;
            vec_push(&changed, c->undo.data[i]);
            vec_push(&changed, l->type);
            l->type = type_opt(s->types, l->type);
        }
    if (h.var != 0)
        scope_add(c, (Local){.name = ast_local(c->ast, h.var).name, .kind = LOCAL_CATCH, .typed = true, .type = s->failure,
                             .span = cx_span(c, h.var), .node = h.var});
    bool before = c->in_handler;
    c->in_handler = true;
    check_block(c, h.body, T_NOTHING, WHY_NONE, false);
    c->in_handler = before;
    scope_leave(c, mark);
    for (uint32_t i = 0; i < changed.len; i += 2) s->local.data[changed.data[i]].type = changed.data[i + 1];
    vec_free(&changed);
}

static void check_statement(Cx *c, BlockCx *b, NodeId stmt, bool is_last) {
    switch ((int)ast_kind(c->ast, stmt)) {
    case AST_BINDING: check_binding(c, stmt); return;
    case AST_EXPR_STMT: {
        AstExprStmt x = ast_expr_stmt(c->ast, stmt);
        bool is_value = is_last && !b->body && b->want != T_NOTHING;
        TypeId t = check_part(c, x.value, is_value ? b->want : T_NOTHING, b->why);
        if (find_annotation(c, x.annots, "tolerate") != 0 && ast_is(c->ast, x.value, AST_FOR) && kind_of(c, t) == TY_LIST)
            t = set_type(c, x.value, type_list(c->s->types, type_opt(c->s->types, type_inner(c->s->types, t))));
        set_type(c, stmt, t);
        set_flag(c, stmt, cx_mod(c)->flag[x.value] & (NF_WORK | NF_EFFECT));
        if (is_value)
            b->value = t;
        else if (!is_last || b->body) /* the last line of a block is its value: what drops the block is told */
            report_unused_value(c, x.value);
        check_statement_annotations(c, x.annots, x.value);
        return;
    }
    case AST_RETURN: check_return(c, b, stmt, is_last); return;
    case AST_HANDLER: check_handler(c, b, stmt); return;
    case AST_EXPECT:
        check_condition(c, ast_expect(c->ast, stmt).value, "what is expected");
        return;
    default: return; /* GIVEN is checked by the test; ERROR was reported */
    }
}

static void missing_return(Cx *c, NodeId block) {
    Sema *s = c->s;
    const Symbol *y = &s->symbol.data[c->owner];
    if (y->noutput == 0) return;
    Span end = cx_span(c, block);
    end.off += end.len - 1;
    end.len = 1;
    Diag *d = diag_add(s->diags, WF_E_return_missing, end, "workflow `%s` ends without giving `%s`", name_z(c, y->name), ty(c, y->type));
    diag_label(s->diags, d, cx_span(c, ast_workflow(c->ast, y->decl).output), "declared here");
    diag_help(s->diags, d, "end it with `return ...`");
}

static void check_handlers_once(Cx *c, AstList stmts) {
    NodeId seen[3] = {0};
    AST_EACH(stmts, stmt) {
        if (!ast_is(c->ast, stmt, AST_HANDLER)) continue;
        Str event = atom_str(c->s->atoms, ast_handler(c->ast, stmt).event);
        int i = str_is(event, "failure") ? 0 : str_is(event, "success") ? 1 : str_is(event, "finally") ? 2 : -1;
        if (i < 0) continue; /* reported */
        if (seen[i] != 0) {
            Diag *d = diag_add(c->s->diags, WF_E_handler_misplaced, handler_head(c, stmt), "this workflow has two handlers of that kind");
            diag_label(c->s->diags, d, handler_head(c, seen[i]), "the first");
        }
        seen[i] = stmt;
    }
}

TypeId check_block(Cx *c, NodeId block, TypeId want, Why why, bool body) {
    AstList stmts = ast_block(c->ast, block).body;
    uint32_t mark = scope_mark(c), index = 0;
    AST_EACH(stmts, stmt) {
        if (ast_is(c->ast, stmt, AST_BINDING)) {
            AstBinding b = ast_binding(c->ast, stmt);
            scope_add(c, (Local){.name = b.name, .kind = LOCAL_BINDING, .span = ast_name_span(c->ast, stmt), .node = stmt, .index = index, .block = block});
        }
        index++;
    }
    BlockCx b = {.block = block, .body = body, .want = want, .why = why, .value = T_NOTHING};
    /* Handlers see every binding, so they come after the rest; `return` is the last of the rest. */
    NodeId last = 0;
    AST_EACH(stmts, stmt) if (!ast_is(c->ast, stmt, AST_HANDLER)) last = stmt;
    uint32_t *order = block_order(c, block, stmts);
    set_ref(c, block, REF_NONE, c->s->order.len);
    vec_push(&c->s->order, order);
    for (uint32_t i = 0; i < stmts.n; i++)
        if (!ast_is(c->ast, stmts.at[order[i]], AST_HANDLER)) check_statement(c, &b, stmts.at[order[i]], stmts.at[order[i]] == last);
    AST_EACH(stmts, stmt) if (ast_is(c->ast, stmt, AST_HANDLER)) check_statement(c, &b, stmt, false);
    if (body) {
        check_handlers_once(c, stmts);
        bool returns = ast_is(c->ast, last, AST_ERROR);
        AST_EACH(stmts, stmt) returns |= ast_is(c->ast, stmt, AST_RETURN); /* one that is not the last was reported */
        if (!returns) missing_return(c, block);
    }
    AST_EACH(stmts, stmt) inherit_work(c, block, stmt);
    check_effects(c, block, stmts);
    scope_leave(c, mark);
    bool has_error = false;
    AST_EACH(stmts, stmt) has_error |= ast_is(c->ast, stmt, AST_ERROR);
    TypeId t = has_error && b.value == T_NOTHING ? T_ERROR : b.value;
    /* A wanted value of an empty block, or one that ends with a binding. */
    if (want != T_ERROR && want != T_NOTHING && t == T_NOTHING && kind_of(c, want) != TY_NONE) {
        report_mismatch(c, last != 0 ? last : block, T_NOTHING, want, why);
        t = T_ERROR;
    }
    return set_type(c, block, t);
}

/* --- branches --- */

typedef struct Join {
    TypeId type; /* T_ERROR: none yet */
    NodeId from;
    bool wrong, any;
} Join;

/* The line that is the value of a block; anything else is its own value. */
static NodeId branch_value(const Cx *c, NodeId e) {
    if (!ast_is(c->ast, e, AST_BLOCK)) return e;
    AstList stmts = ast_block(c->ast, e).body;
    if (stmts.n == 0) return e;
    NodeId last = stmts.at[stmts.n - 1];
    return ast_is(c->ast, last, AST_EXPR_STMT) ? ast_expr_stmt(c->ast, last).value : last;
}

static void join_branch(Cx *c, Join *j, NodeId branch, TypeId t) {
    if (t == T_ERROR) {
        j->wrong = true;
    } else if (!j->any) {
        j->type = t;
        j->from = branch;
        j->any = true;
    } else if (!j->wrong) {
        TypeId x = kind_of(c, t) == TY_NOTHING || kind_of(c, j->type) == TY_NOTHING ? (t == j->type ? t : t == T_NEVER ? j->type : j->type == T_NEVER ? t : T_ERROR)
                                                                                    : type_join(c->s->types, j->type, t);
        if (x == T_ERROR) {
            NodeId at = branch_value(c, branch), from = branch_value(c, j->from);
            bool none = kind_of(c, t) == TY_NOTHING, other_none = kind_of(c, j->type) == TY_NOTHING;
            Diag *d = none         ? error_at(c, WF_E_no_common_type, at, "this branch gives no value, an earlier one `%s`", ty(c, j->type))
                      : other_none ? error_at(c, WF_E_no_common_type, at, "this branch gives `%s`, an earlier one no value", ty(c, t))
                                   : error_at(c, WF_E_no_common_type, at, "this branch gives `%s`, an earlier one `%s`", ty(c, t), ty(c, j->type));
            diag_label(c->s->diags, d, cx_span(c, from), other_none ? "no value" : "`%s`", ty(c, j->type));
            if (none || other_none) diag_help(c->s->diags, d, "the value of a block is its last line");
            j->wrong = true;
        }
        j->type = x;
    }
}

TypeId check_if(Cx *c, NodeId e, TypeId want) {
    Sema *s = c->s;
    AstIf x = ast_if(c->ast, e);
    check_condition(c, x.cond, "the condition of `if`");
    lint_condition(c, x.cond);
    bool guided = want != T_ERROR && want != T_NOTHING;
    TypeId branch = guided && x.otherwise == 0 ? type_unopt(s->types, want) : want;
    Join j = {0};
    uint32_t facts = c->facts.len;
    facts_of(c, x.cond, true);
    join_branch(c, &j, x.then, check_part(c, x.then, branch, WHY_NONE));
    c->facts.len = facts;
    if (x.otherwise != 0) {
        facts_of(c, x.cond, false);
        TypeId t = check_part(c, x.otherwise, branch, WHY_NONE);
        if (want != T_NOTHING) join_branch(c, &j, x.otherwise, t);
        c->facts.len = facts;
    }
    inherit_work(c, e, x.cond);
    inherit_work(c, e, x.then);
    inherit_work(c, e, x.otherwise);
    if (want == T_NOTHING) return T_NOTHING;
    if (j.wrong) return T_ERROR;
    if (guided && j.type != T_NOTHING && j.type != T_NEVER) j.type = branch;
    if (x.otherwise == 0) return j.type == T_NEVER ? T_NOTHING : type_opt(s->types, j.type);
    return j.type;
}

typedef struct Match {
    TypeId subject, inner; /* inner: without the optional */
    bool none, rest;       /* covered: none, everything by `_` */
    bool yes, no;          /* true, false */
    bool wrong;            /* a pattern was reported: what it was meant to cover is not known */
    uint64_t *member;      /* bits of enum members */
    uint32_t nmember;
    VEC(NodeId) literals;
} Match;

static bool same_literal(const Ast *ast, NodeId a, NodeId b) {
    if (ast_is(ast, a, AST_NEGATE) != ast_is(ast, b, AST_NEGATE)) return false;
    if (ast_is(ast, a, AST_NEGATE)) a = ast_negate(ast, a).value, b = ast_negate(ast, b).value;
    if (ast_is(ast, a, AST_INT) && ast_is(ast, b, AST_INT)) return ast_int(ast, a) == ast_int(ast, b);
    return ast_is(ast, a, AST_STRING) && ast_is(ast, b, AST_STRING) && str_eq(ast_string(ast, a), ast_string(ast, b));
}

static void repeated(Cx *c, NodeId pattern) {
    Diag *d = error_at(c, WF_E_duplicate_pattern, pattern, "this case is covered by an arm before");
    diag_help(c->s->diags, d, "remove it: the first arm that fits is taken");
}

/* A name or Type.member as a pattern. */
static void check_member_pattern(Cx *c, Match *m, NodeId p) {
    Sema *s = c->s;
    if (m->subject == T_ERROR) return;
    Atom name = ast_is(c->ast, p, AST_NAME) ? ast_name(c->ast, p).name : ast_member(c->ast, p).name;
    if (ast_is(c->ast, p, AST_MEMBER)) {
        TypeId t = check_expr(c, p, T_ERROR);
        if (t == T_ERROR) return;
        if (t != m->inner) {
            error_at(c, WF_E_bad_pattern, p, "`%s` is matched, not `%s`", ty(c, m->subject), ty(c, t));
            return;
        }
    }
    set_flag(c, p, NF_CALLEE);
    if (kind_of(c, m->inner) != TY_ENUM) {
        Diag *d = error_at(c, WF_E_bad_pattern, p, "`%s` is no pattern for `%s`", name_z(c, name), ty(c, m->subject));
        diag_note(s->diags, d, "patterns are members of enums, literals, `none` and `_`; they bind no names");
        return;
    }
    int at = type_field_index(s->types, m->inner, name);
    if (at < 0) {
        Diag *d = error_at(c, WF_E_unknown_member, p, "enum `%s` has no member `%s`", ty(c, m->inner), name_z(c, name));
        uint32_t n;
        const TypeField *f = type_fields(s->types, m->inner, &n);
        Atom *names = ARENA_ARRAY(&s->diags->arena, Atom, n);
        for (uint32_t i = 0; i < n; i++) names[i] = f[i].name;
        diag_label(s->diags, d, type_def(s->types, m->inner)->span, "declared here");
        suggest(s, d, ast_name_span(c->ast, p), name, names, n, "members");
        return;
    }
    set_ref(c, p, REF_MEMBER, (uint32_t)at);
    if (m->member[at / 64] >> at % 64 & 1)
        repeated(c, p);
    else
        m->nmember++;
    m->member[at / 64] |= (uint64_t)1 << at % 64;
}

static void check_pattern_kind(Cx *c, Match *m, NodeId p) {
    TypeKind k = kind_of(c, m->inner);
    if (m->rest) {
        repeated(c, p);
        return;
    }
    switch ((int)ast_kind(c->ast, p)) {
    case AST_WILD:
        m->rest = true;
        return;
    case AST_NONE:
        if (m->subject != T_ERROR && kind_of(c, m->subject) != TY_OPT) error_at(c, WF_E_bad_pattern, p, "`%s` is never none", ty(c, m->subject));
        if (m->none) repeated(c, p);
        m->none = true;
        return;
    case AST_BOOL: {
        bool v = ast_bool(c->ast, p);
        if (m->subject != T_ERROR && k != TY_BOOL) error_at(c, WF_E_bad_pattern, p, "`%s` is matched, not a bool", ty(c, m->subject));
        if (v ? m->yes : m->no) repeated(c, p);
        if (v) m->yes = true;
        else m->no = true;
        return;
    }
    case AST_INT:
    case AST_NEGATE:
    case AST_STRING: {
        bool text = ast_is(c->ast, p, AST_STRING);
        if (m->subject != T_ERROR && k != (text ? TY_STRING : TY_INT))
            error_at(c, WF_E_bad_pattern, p, "`%s` is matched, not %s", ty(c, m->subject), text ? "a string" : "an int");
        set_type(c, p, text ? T_STRING : T_INT);
        for (uint32_t i = 0; i < m->literals.len; i++)
            if (same_literal(c->ast, m->literals.data[i], p)) {
                repeated(c, p);
                break;
            }
        vec_push(&m->literals, p);
        return;
    }
    case AST_NAME:
    case AST_MEMBER: check_member_pattern(c, m, p); return;
    default: return;
    }
}

static void check_pattern(Cx *c, Match *m, NodeId p) {
    uint32_t errors = c->s->diags->nerrors;
    check_pattern_kind(c, m, p);
    m->wrong |= c->s->diags->nerrors != errors;
}

static void check_exhaustive(Cx *c, Match *m, NodeId e, NodeId wild) {
    Sema *s = c->s;
    TypeKind k = kind_of(c, m->inner);
    if (m->subject == T_ERROR || m->wrong) return;
    bool optional = kind_of(c, m->subject) == TY_OPT;
    uint32_t n = 0;
    const TypeField *f = k == TY_ENUM ? type_fields(s->types, m->inner, &n) : NULL;
    bool inner_done = k == TY_ENUM ? m->nmember == n : k == TY_BOOL ? m->yes && m->no : false;
    bool done = inner_done && (!optional || m->none);
    if (m->rest && done) {
        error_at(c, WF_E_unreachable_arm, wild, "`_` is never reached: every case has an arm");
        return;
    }
    if (m->rest || done) return;
    Diag *d = error_at(c, WF_E_match_not_exhaustive, ast_match(c->ast, e).subject, "`match` on `%s` does not cover every case", ty(c, m->subject));
    if (k == TY_ENUM) {
        diag_label(s->diags, d, type_def(s->types, m->inner)->span, "declared here");
        Buf b = BUF_INIT;
        for (uint32_t i = 0; i < n; i++)
            if (!(m->member[i / 64] >> i % 64 & 1)) buf_printf(&b, "%s`%s`", b.n ? ", " : "", name_z(c, f[i].name));
        if (optional && !m->none) buf_printf(&b, "%s`none`", b.n ? ", " : "");
        diag_note(s->diags, d, "missing: %s", buf_cstr(&b));
        buf_free(&b);
    } else if (k == TY_BOOL) {
        Buf b = BUF_INIT;
        if (!m->yes) buf_z(&b, "`true`");
        if (!m->no) buf_printf(&b, "%s`false`", b.n ? ", " : "");
        if (optional && !m->none) buf_printf(&b, "%s`none`", b.n ? ", " : "");
        diag_note(s->diags, d, "missing: %s", buf_cstr(&b));
        buf_free(&b);
    } else {
        diag_help(s->diags, d, "add an arm `_ => ...` for all the rest");
    }
}

TypeId check_match(Cx *c, NodeId e, TypeId want) {
    Sema *s = c->s;
    AstMatch x = ast_match(c->ast, e);
    Match m = {.subject = check_value(c, x.subject, T_ERROR)};
    m.inner = type_unopt(s->types, m.subject);
    TypeKind k = kind_of(c, m.inner);
    if (m.subject != T_ERROR && k != TY_ENUM && k != TY_BOOL && k != TY_INT && k != TY_STRING && kind_of(c, m.subject) != TY_OPT) {
        Diag *d = error_at(c, WF_E_bad_pattern, x.subject, "`%s` cannot be matched", ty(c, m.subject));
        diag_note(s->diags, d, "`match` takes enums, bools, ints, strings and optionals; use `if` for the rest");
        m.subject = m.inner = T_ERROR;
    }
    uint32_t n = 0;
    if (k == TY_ENUM) type_fields(s->types, m.inner, &n);
    m.member = ARENA_ARRAY(&s->arena, uint64_t, n / 64 + 1);
    Join j = {0};
    NodeId wild = e;
    uint32_t facts = c->facts.len;
    AST_EACH(x.arms, arm) {
        AstArm a = ast_arm(c->ast, arm);
        bool can_be_none = false;
        AST_EACH(a.patterns, p) {
            if (ast_is(c->ast, p, AST_WILD)) wild = p;
            can_be_none |= ast_is(c->ast, p, AST_NONE) || (ast_is(c->ast, p, AST_WILD) && !m.none);
            check_pattern(c, &m, p);
        }
        if (kind_of(c, m.subject) == TY_OPT && !can_be_none) vec_push(&c->facts, x.subject);
        TypeId t = check_part(c, a.body, want, WHY_NONE);
        c->facts.len = facts;
        if (want != T_NOTHING) join_branch(c, &j, a.body, t);
        set_type(c, arm, t);
        inherit_work(c, e, a.body);
    }
    inherit_work(c, e, x.subject);
    check_exhaustive(c, &m, e, wild);
    vec_free(&m.literals);
    if (want == T_NOTHING) return T_NOTHING;
    if (j.wrong) return T_ERROR;
    if (want != T_ERROR && j.type != T_NOTHING && j.type != T_NEVER) return want;
    return j.type;
}

/* --- loops --- */

static TypeId loop_element(Cx *c, AstFor x, TypeId t) {
    Sema *s = c->s;
    TypeKind k = kind_of(c, t);
    if (t == T_ERROR || k == TY_LIST) return t == T_ERROR ? T_ERROR : type_inner(s->types, t);
    Diag *d = error_at(c, WF_E_bad_loop_source, x.source, "`for` goes through a list, not `%s`", ty(c, t));
    Span end = cx_span(c, x.source);
    end.off += end.len;
    end.len = 0;
    if (k == TY_MAP) {
        diag_help(s->diags, d, "go through its entries: `for k, v in m.entries()`");
        diag_edit(s->diags, d, end, ".entries()");
    } else if (k == TY_INT) {
        diag_help(s->diags, d, "`range(n)` is the list of 0 to n - 1");
    } else if (k == TY_OPT) {
        diag_help(s->diags, d, "give a list for none: `?? []`");
    } else if (k == TY_JSON) {
        diag_help(s->diags, d, "decode it first: `j as [json]`");
        diag_edit(s->diags, d, end, " as [json]");
    } else if (k == TY_DIR) {
        diag_help(s->diags, d, "a step that lists the directory can give `[file]`");
    }
    return T_ERROR;
}

static void add_loop_vars(Cx *c, AstFor x, TypeId element) {
    Sema *s = c->s;
    bool pairs = false;
    if (x.vars.n == 2) {
        Ref r = cx_mod(c)->ref[x.source];
        pairs = ast_is(c->ast, x.source, AST_CALL) && ref_tag(r) == REF_LIB &&
                (ref_index(r) == LIB_ENUMERATE || ref_index(r) == LIB_ZIP || ref_index(r) == LIB_ENTRIES);
        if (!pairs && element != T_ERROR) {
            Diag *d = error_at(c, WF_E_bad_loop_source, x.source, "two loop variables need pairs");
            diag_help(s->diags, d, "`xs.enumerate()` gives index and element, `zip(xs, ys)` elements of two lists, `m.entries()` key and value");
        }
    } else if (x.vars.n > 2) {
        error_at(c, WF_E_bad_loop_source, x.vars.at[2], "a loop has one or two variables");
    }
    uint32_t i = 0;
    AST_EACH(x.vars, var) {
        TypeId t = element;
        if (x.vars.n > 1) {
            uint32_t n;
            t = T_ERROR;
            if (pairs && element != T_ERROR && i < 2) t = type_fields(s->types, element, &n)[i].type;
        }
        scope_add(c, (Local){.name = ast_local(c->ast, var).name, .kind = LOCAL_LOOP, .typed = true, .type = t, .span = cx_span(c, var),
                             .node = var, .index = i++});
    }
}

TypeId check_for(Cx *c, NodeId e, TypeId want) {
    Sema *s = c->s;
    AstFor x = ast_for(c->ast, e);
    TypeId t = check_value(c, x.source, T_ERROR);
    TypeId element = loop_element(c, x, t);
    uint32_t mark = scope_mark(c), facts = c->facts.len;
    add_loop_vars(c, x, element);
    if (x.filter != 0) {
        const char *before = c->pure;
        if (c->pure == NULL) c->pure = "the filter of a loop";
        check_condition(c, x.filter, "the filter of a loop");
        lint_condition(c, x.filter);
        c->pure = before;
        facts_of(c, x.filter, true);
    }
    TypeId w = want == T_NOTHING ? T_NOTHING : T_ERROR;
    if (kind_of(c, type_unopt(s->types, want)) == TY_LIST) w = type_inner(s->types, type_unopt(s->types, want));
    TypeId body = check_block(c, x.body, w, WHY_NONE, false);
    c->facts.len = facts;
    scope_leave(c, mark);
    inherit_work(c, e, x.source);
    inherit_work(c, e, x.body);
    if (want == T_NOTHING) return T_NOTHING;
    if (body == T_NOTHING) return T_NOTHING;
    if (body == T_ERROR || t == T_ERROR) return T_ERROR;
    if (kind_of(c, body) == TY_NONE) {
        error_at(c, WF_E_unknown_element_type, x.body, "the type of this loop's elements is not known");
        return T_ERROR;
    }
    return type_list(s->types, w != T_ERROR ? w : body);
}

TypeId check_repeat(Cx *c, NodeId e, TypeId want) {
    AstRepeat x = ast_repeat(c->ast, e);
    bool guided = want != T_ERROR && want != T_NOTHING;
    TypeId t = guided ? check_as(c, x.first, want, WHY_NONE) : check_value(c, x.first, T_ERROR);
    if (guided && t != T_ERROR) t = want;
    if (kind_of(c, t) == TY_NONE) {
        Diag *d = error_at(c, WF_E_unknown_element_type, x.first, "the type of the loop's state is not known: `none` of what?");
        diag_help(c->s->diags, d, "give the binding a type: `x: string? = repeat ...`");
        t = T_ERROR;
    }
    check_as(c, x.max, T_INT, WHY_NONE);
    if (ast_is(c->ast, x.max, AST_INT) && ast_int(c->ast, x.max) <= 0)
        error_at(c, WF_E_constant_error, x.max, "the bound of `repeat` must be above 0");
    uint32_t mark = scope_mark(c), facts = c->facts.len;
    scope_add(c, (Local){.name = ast_local(c->ast, x.var).name, .kind = LOCAL_STATE, .typed = true, .type = t, .span = cx_span(c, x.var), .node = x.var});
    const char *before = c->pure;
    if (c->pure == NULL) c->pure = "the condition of a loop";
    check_condition(c, x.until, "the condition of `until`");
    lint_condition(c, x.until);
    c->pure = before;
    facts_of(c, x.until, false);
    check_block(c, x.body, t, (Why){.span = cx_span(c, x.first), .text = "the state begins with this value"}, false);
    c->facts.len = facts;
    scope_leave(c, mark);
    inherit_work(c, e, x.first);
    inherit_work(c, e, x.max);
    inherit_work(c, e, x.body);
    return t;
}

TypeId check_try(Cx *c, NodeId e, TypeId want) {
    Sema *s = c->s;
    AstTry x = ast_try(c->ast, e);
    Join j = {0};
    TypeId t = check_part(c, x.body, want, WHY_NONE);
    if (want != T_NOTHING) join_branch(c, &j, x.body, t);
    if (!has_flag(c, x.body, NF_WORK) && t != T_ERROR) {
        Diag *d = error_at(c, WF_E_unreachable_arm, x.handler, "`catch` is never reached: nothing in the block can fail");
        diag_note(s->diags, d, "only calls of steps and workflows are caught");
    }
    uint32_t mark = scope_mark(c);
    scope_add(c, (Local){.name = ast_local(c->ast, x.var).name, .kind = LOCAL_CATCH, .typed = true, .type = s->failure, .span = cx_span(c, x.var),
                         .node = x.var});
    t = check_part(c, x.handler, want, WHY_NONE);
    scope_leave(c, mark);
    if (want != T_NOTHING) join_branch(c, &j, x.handler, t);
    inherit_work(c, e, x.body);
    inherit_work(c, e, x.handler);
    if (want == T_NOTHING) return T_NOTHING;
    if (j.wrong) return T_ERROR;
    if (want != T_ERROR && j.type != T_NOTHING && j.type != T_NEVER) return want;
    return j.type;
}

/* --- order --- */

/* Whether an operand of `>>` holds work or names some. */
static bool is_work(const Cx *c, NodeId e, bool left) {
    if (has_flag(c, e, NF_WORK)) return true;
    while (left && ast_is(c->ast, e, AST_MEMBER)) e = ast_member(c->ast, e).object;
    if (!ast_is(c->ast, e, AST_NAME)) return false;
    Ref r = cx_mod(c)->ref[e];
    if (ref_tag(r) != REF_LOCAL) return false;
    const Local *l = &c->s->local.data[ref_index(r)];
    return l->kind == LOCAL_BINDING && has_flag(c, ast_binding(c->ast, l->node).value, NF_WORK);
}

static TypeId check_operand(Cx *c, NodeId e, TypeId want, bool left, bool placed) {
    TypeId t = check_expr(c, e, want);
    if (placed && t != T_ERROR && !is_work(c, e, left)) {
        Diag *d = error_at(c, WF_E_nothing_to_order, e, "nothing to order: this is a value");
        diag_note(c->s->diags, d, "`>>` stands between calls, blocks, and names bound to them");
    }
    return t;
}

TypeId check_chain(Cx *c, NodeId e, TypeId want) {
    AstList parts = ast_chain(c->ast, e).parts;
    TypeId t = T_NOTHING;
    bool placed = c->pure == NULL && c->whole == e;
    uint32_t errors = c->s->diags->nerrors;
    c->whole = 0;
    for (uint32_t i = 0; i < parts.n; i++) {
        NodeId part = parts.at[i];
        bool left = i == 0, last = i + 1 == parts.n;
        if (ast_is(c->ast, part, AST_LIST)) {
            AstList items = ast_list_expr(c->ast, part).items;
            if (items.n == 0 && placed) error_at(c, WF_E_nothing_to_order, part, "nothing to order: this group is empty");
            AST_EACH(items, item) {
                check_operand(c, item, T_NOTHING, left, placed);
                inherit_work(c, e, item);
            }
            set_type(c, part, T_NOTHING);
            t = T_NOTHING;
        } else {
            t = check_operand(c, part, last ? want : T_NOTHING, left, placed);
            inherit_work(c, e, part);
        }
    }
    if (!placed && c->s->diags->nerrors == errors) {
        Diag *d = c->pure != NULL ? error_at(c, WF_E_order_misplaced, e, "`>>` cannot stand in %s", c->pure)
                                  : error_at(c, WF_E_order_misplaced, e, "`>>` orders whole statements, not a part of one");
        if (c->pure == NULL) diag_help(c->s->diags, d, "bind it to a name on a line of its own: `x = a >> b`");
    }
    set_flag(c, e, NF_WORK);
    return placed ? t : T_ERROR;
}
