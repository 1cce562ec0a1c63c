/* What the grammar's actions need beyond making a node. */
#include "grammar/parser.h"

void parser_finish(Parse *parse, NodeId edition, ListValue items) {
    Loc all = {0, (uint32_t)parse->text.n};
    parse->build.ast->root = MAKE_LOC(FILE, all, NODE(edition), LIST(items));
}

Atom parser_atom(Parse *p, const char *z) { return atom_z(p->build.ast->atoms, z); }

Atom parser_join(Parse *p, Atom left, Atom right) {
    Buf path = BUF_INIT;
    buf_str(&path, atom_str(p->build.ast->atoms, left));
    buf_addc(&path, '.');
    buf_str(&path, atom_str(p->build.ast->atoms, right));
    Atom joined = atom_of(p->build.ast->atoms, buf_view(&path));
    buf_free(&path);
    return joined;
}

Atom parser_last_part(Parse *p, Atom path) {
    Str s = atom_str(p->build.ast->atoms, path);
    size_t i = s.n;
    while (i > 0 && s.p[i - 1] != '.') i--;
    return i == 0 ? path : atom_of(p->build.ast->atoms, (Str){s.p + i, s.n - i});
}

NodeId parser_format(Parse *parse, Atom name, NodeId string, Loc first, Loc last) {
    Loc at = {first.off, last.end};
    Atom format = atom_of(parse->build.ast->atoms, ast_string(parse->build.ast, string));
    return MAKE_LOC(TYPE_FORMAT, at, ATOM(name), ATOM(format));
}

ListValue parser_prepend(Parse *p, NodeId node, ListValue list) {
    p->build.pending.len = list.start + list.n;
    vec_push(&p->build.pending, 0);
    uint32_t *ids = p->build.pending.data + list.start;
    memmove(ids + 1, ids, list.n * sizeof *ids);
    ids[0] = node;
    return (ListValue){list.start, list.n + 1};
}

ListValue parser_concat(Parse *p, ListValue left, ListValue right) {
    uint32_t *ids = p->build.pending.data;
    memmove(ids + left.start + left.n, ids + right.start, right.n * sizeof *ids);
    left.n += right.n;
    p->build.pending.len = left.start + left.n;
    return left;
}

/* Head and tail are 0 where the literal text is empty. */
ListValue parser_text(Parse *p, NodeId head, ListValue parts, NodeId tail) {
    if (head != 0) parts = parser_prepend(p, head, parts);
    return tail != 0 ? list_add(&p->build, parts, tail) : parts;
}

bool parser_negate_literal(Parse *p, NodeId literal, Loc at) {
    AstNode *n = &p->build.ast->node.data[literal];
    if ((n->kind != AST_INT && n->kind != AST_FLOAT) || n->flags & AST_PAREN) return false;
    uint64_t bits = (uint64_t)n->b << 32 | n->a;
    bits = n->kind == AST_INT ? 0 - bits : bits ^ (uint64_t)1 << 63;
    n->a = (uint32_t)bits;
    n->b = (uint32_t)(bits >> 32);
    n->off = at.off;
    return true;
}

/* A chain keeps room for a power of two of parts, so that one of n operators costs O(n). */
NodeId parser_chain(Parse *parse, NodeId left, NodeId right, Loc at) {
    Ast *ast = parse->build.ast;
    const AstNode *n = ast_node(ast, left);
    if (n->kind != AST_CHAIN || n->flags & AST_PAREN)
        return MAKE_LOC(CHAIN, at, LIST(list_add(&parse->build, list_one(&parse->build, left), right)));
    uint32_t list = n->a, count = ast->extra.data[list];
    if ((count & (count - 1)) == 0) {
        uint32_t moved = ast->extra.len;
        vec_reserve(&ast->extra, 2 * count + 1);
        memcpy(ast->extra.data + moved, ast->extra.data + list, (count + 1) * sizeof *ast->extra.data);
        ast->extra.len += 2 * count + 1;
        list = moved;
    }
    ast->extra.data[list] = count + 1;
    ast->extra.data[list + 1 + count] = right;
    AstNode *chain = &ast->node.data[left];
    unsigned height = ast_node(ast, right)->height + 1u;
    if (height > chain->height) chain->height = height & 1023;
    chain->a = list;
    chain->end = at.end;
    if (height > AST_MAX_HEIGHT && !parse->build.too_deep) {
        parse->build.too_deep = true;
        parse->build.deep_at = at;
    }
    return left;
}
