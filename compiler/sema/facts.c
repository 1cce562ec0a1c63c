/* What tests prove about optionals, and conditions that are known at compile time. */
#include "compiler/sema/check.h"

/* Paths are a name followed by fields; they are compared as written. */
static bool same_path(const Ast *ast, NodeId a, NodeId b) {
    while (ast_is(ast, a, AST_MEMBER) && ast_is(ast, b, AST_MEMBER)) {
        AstMember x = ast_member(ast, a), y = ast_member(ast, b);
        if (x.name != y.name) return false;
        a = x.object;
        b = y.object;
    }
    return ast_is(ast, a, AST_NAME) && ast_is(ast, b, AST_NAME) && ast_name(ast, a).name == ast_name(ast, b).name;
}

static bool is_path(const Ast *ast, NodeId e) {
    while (ast_is(ast, e, AST_MEMBER)) e = ast_member(ast, e).object;
    return ast_is(ast, e, AST_NAME);
}

bool fact_known(const Cx *c, NodeId path) {
    for (uint32_t i = c->facts.len; i-- > 0;)
        if (same_path(c->ast, c->facts.data[i], path)) return true;
    return false;
}

static void push_path(Cx *c, NodeId e) {
    if (!is_path(c->ast, e)) return;
    vec_push(&c->facts, e);
    /* a?.b != none proves a != none as well. */
    for (NodeId x = e; ast_is(c->ast, x, AST_MEMBER); x = ast_member(c->ast, x).object)
        if (ast_has(c->ast, x, AST_OPTIONAL)) vec_push(&c->facts, ast_member(c->ast, x).object);
}

void facts_of(Cx *c, NodeId cond, bool outcome) {
    if (ast_is(c->ast, cond, AST_NOT)) {
        facts_of(c, ast_not(c->ast, cond).value, !outcome);
        return;
    }
    if (!ast_is(c->ast, cond, AST_BINARY)) return;
    AstBinary x = ast_binary(c->ast, cond);
    AstOp op = ast_op(c->ast, cond);
    if ((op == OP_AND && outcome) || (op == OP_OR && !outcome)) {
        facts_of(c, x.left, outcome);
        facts_of(c, x.right, outcome);
    } else if ((op == OP_NE && outcome) || (op == OP_EQ && !outcome)) {
        if (ast_is(c->ast, x.right, AST_NONE)) push_path(c, x.left);
        if (ast_is(c->ast, x.left, AST_NONE)) push_path(c, x.right);
    }
}

static bool literal_int(const Cx *c, NodeId e, int64_t *v) {
    if (ast_is(c->ast, e, AST_INT)) return *v = ast_int(c->ast, e), true;
    if (ast_is(c->ast, e, AST_NEGATE) && ast_is(c->ast, ast_negate(c->ast, e).value, AST_INT))
        return *v = (int64_t)(0 - (uint64_t)ast_int(c->ast, ast_negate(c->ast, e).value)), true;
    return false;
}

static int compare_literals(const Cx *c, AstOp op, NodeId left, NodeId right) {
    int64_t a, b;
    int order;
    if (literal_int(c, left, &a) && literal_int(c, right, &b))
        order = (a > b) - (a < b);
    else if (ast_is(c->ast, left, AST_STRING) && ast_is(c->ast, right, AST_STRING))
        order = str_cmp(ast_string(c->ast, left), ast_string(c->ast, right));
    else
        return -1;
    switch (op) {
    case OP_EQ: return order == 0;
    case OP_NE: return order != 0;
    case OP_LT: return order < 0;
    case OP_LE: return order <= 0;
    case OP_GT: return order > 0;
    case OP_GE: return order >= 0;
    case OP_OR:
    case OP_AND:
    case OP_ELSE:
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_FLOOR:
    case OP_MOD: return -1;
    }
    return -1;
}

int const_bool(const Cx *c, NodeId e) {
    if (ast_is(c->ast, e, AST_BOOL)) return ast_bool(c->ast, e);
    if (ast_is(c->ast, e, AST_NOT)) {
        int v = const_bool(c, ast_not(c->ast, e).value);
        return v < 0 ? -1 : !v;
    }
    if (!ast_is(c->ast, e, AST_BINARY)) return -1;
    AstBinary x = ast_binary(c->ast, e);
    AstOp op = ast_op(c->ast, e);
    if (op == OP_AND || op == OP_OR) {
        int a = const_bool(c, x.left), b = const_bool(c, x.right), decides = op == OP_OR;
        if (a == decides || b == decides) return decides;
        return a >= 0 && b >= 0 ? !decides : -1;
    }
    return compare_literals(c, op, x.left, x.right);
}

void lint_condition(Cx *c, NodeId e) {
    int v = const_bool(c, e);
    if (v < 0) return;
    Diag *d = error_at(c, WF_E_constant_condition, e, "this condition is always %s", v ? "true" : "false");
    diag_help(c->s->diags, d, "a parameter with a default can be changed at each run: `enabled: bool = %s`", v ? "true" : "false");
}
