/* The graph of a block: statements, what they use, what `>>` puts before what. Cycles, order of checking, effects without order.

   Vertices are the statements and, for a statement that is a chain `a >> b`, those of its operands that are no names. An edge
   goes from what must be finished first. The uses of a statement are found by one scan over its nodes, which stand together in
   the tree's array: children come before their parents, statements in the order of the text. */
#include "compiler/sema/check.h"

#include <stdlib.h>

typedef struct Edge {
    uint32_t from, to;
    NodeId at;    /* the name, or the operand that comes after */
    bool order;   /* by `>>` */
} Edge;

typedef VEC(uint32_t) Ids;

typedef struct Graph {
    Cx *c;
    NodeId block;
    AstList stmts;
    uint32_t n;           /* vertices */
    VEC(NodeId) operand;  /* of vertex stmts.n + i */
    VEC(uint32_t) owner;  /* its statement */
    VEC(Edge) edge;
    bool chains, forward;
    uint32_t *out_at, *out; /* edges by `from`: out[out_at[v] .. out_at[v + 1]) */
} Graph;

static uint32_t first_offset(const Cx *c, NodeId stmt) {
    AstList annots = ast_annots(c->ast, stmt);
    uint32_t off = ast_node(c->ast, stmt)->off;
    AST_EACH(annots, a) if (ast_node(c->ast, a)->off < off) off = ast_node(c->ast, a)->off;
    return off;
}

/* The statement of this block that binds the name, or NOT_FOUND. */
static uint32_t bound_in(const Graph *g, NodeId name) {
    uint32_t l = scope_find(g->c, ast_name(g->c->ast, name).name);
    if (l == NOT_FOUND) return NOT_FOUND;
    const Local *x = &g->c->s->local.data[l];
    return x->kind == LOCAL_BINDING && x->block == g->block ? x->index : NOT_FOUND;
}

/* Adds an edge to `to` for each name below `root` that the block binds. */
static void add_uses(Graph *g, NodeId root, uint32_t off, uint32_t to) {
    Cx *c = g->c;
    const AstNode *node = c->ast->node.data;
    uint8_t *flag = cx_mod(c)->flag;
    for (NodeId id = root; id > 0 && node[id].off >= off; id--) {
        if (node[id].kind == AST_CALL) {
            NodeId callee = ast_call(c->ast, id).callee;
            if (node[callee].kind == AST_NAME) flag[callee] |= NF_CALLEE;
        } else if (node[id].kind == AST_ARM) {
            AstList patterns = ast_arm(c->ast, id).patterns;
            AST_EACH(patterns, p) if (node[p].kind == AST_NAME) flag[p] |= NF_CALLEE;
        } else if (node[id].kind == AST_NAME && !(flag[id] & NF_CALLEE)) {
            uint32_t from = bound_in(g, id);
            if (from == NOT_FOUND) continue;
            g->forward |= from >= to;
            vec_push(&g->edge, ((Edge){from, to, id, false}));
        }
    }
}

static uint32_t operand_vertex(Graph *g, NodeId operand, uint32_t stmt) {
    if (ast_is(g->c->ast, operand, AST_NAME)) return bound_in(g, operand);
    uint32_t v = g->n++;
    vec_push(&g->operand, operand);
    vec_push(&g->owner, stmt);
    add_uses(g, operand, ast_node(g->c->ast, operand)->off, v);
    return v;
}

/* One part of a chain as vertices; names that the block does not bind have none. */
static void part_ids(Graph *g, NodeId part, uint32_t stmt, Ids *out, Ids *nodes) {
    AstList items = {&part, 1};
    if (ast_is(g->c->ast, part, AST_LIST)) items = ast_list_expr(g->c->ast, part).items;
    for (uint32_t i = 0; i < items.n; i++) {
        uint32_t v = operand_vertex(g, items.at[i], stmt);
        if (v == NOT_FOUND) continue;
        vec_push(out, v);
        vec_push(nodes, items.at[i]);
    }
}

static void add_chain(Graph *g, NodeId chain, uint32_t stmt) {
    AstList parts = ast_chain(g->c->ast, chain).parts;
    Ids before = {0}, now = {0}, nodes = {0};
    g->chains = true;
    for (uint32_t i = 0; i < parts.n; i++) {
        vec_clear(&now);
        vec_clear(&nodes);
        part_ids(g, parts.at[i], stmt, &now, &nodes);
        for (uint32_t a = 0; a < before.len; a++)
            for (uint32_t b = 0; b < now.len; b++) vec_push(&g->edge, ((Edge){before.data[a], now.data[b], nodes.data[b], true}));
        for (uint32_t b = 0; b < now.len; b++) vec_push(&g->edge, ((Edge){now.data[b], stmt, nodes.data[b], false}));
        Ids swap = before;
        before = now;
        now = swap;
    }
    vec_free(&before);
    vec_free(&now);
    vec_free(&nodes);
}

static NodeId statement_value(const Cx *c, NodeId stmt) {
    switch ((int)ast_kind(c->ast, stmt)) {
    case AST_BINDING: return ast_binding(c->ast, stmt).value;
    case AST_EXPR_STMT: return ast_expr_stmt(c->ast, stmt).value;
    case AST_RETURN: return ast_return(c->ast, stmt).value;
    default: return 0;
    }
}

static void graph_build(Graph *g) {
    Cx *c = g->c;
    g->n = g->stmts.n;
    for (uint32_t i = 0; i < g->stmts.n; i++) {
        NodeId stmt = g->stmts.at[i], value = statement_value(c, stmt);
        if (ast_is(c->ast, stmt, AST_HANDLER)) continue; /* handlers come after everything */
        if (ast_is(c->ast, value, AST_CHAIN)) {
            add_chain(g, value, i);
            AstList annots = ast_annots(c->ast, stmt);
            AST_EACH(annots, a) add_uses(g, a, ast_node(c->ast, a)->off, i);
        } else {
            add_uses(g, stmt, first_offset(c, stmt), i);
        }
    }
}

static void graph_index(Graph *g) {
    g->out_at = wf_alloc_zero(((size_t)g->n + 2) * sizeof *g->out_at);
    g->out = wf_alloc(((size_t)g->edge.len + 1) * sizeof *g->out);
    for (uint32_t i = 0; i < g->edge.len; i++) g->out_at[g->edge.data[i].from + 1]++;
    for (uint32_t v = 0; v < g->n; v++) g->out_at[v + 1] += g->out_at[v];
    uint32_t *at = wf_alloc(((size_t)g->n + 1) * sizeof *at);
    memcpy(at, g->out_at, ((size_t)g->n + 1) * sizeof *at);
    for (uint32_t i = 0; i < g->edge.len; i++) g->out[at[g->edge.data[i].from]++] = i;
    free(at);
}

static void graph_free(Graph *g) {
    vec_free(&g->operand);
    vec_free(&g->owner);
    vec_free(&g->edge);
    free(g->out_at);
    free(g->out);
}

/* --- cycles --- */

static const char *vertex_name(const Graph *g, uint32_t v) {
    Cx *c = g->c;
    if (v >= g->stmts.n) {
        NodeId o = g->operand.data[v - g->stmts.n];
        if (ast_is(c->ast, o, AST_CALL)) {
            NodeId callee = ast_call(c->ast, o).callee;
            return diag_text(c, "%.*s(...)", STR_ARG(source_text(c->s->sources, cx_span(c, callee))));
        }
        return "this block";
    }
    NodeId stmt = g->stmts.at[v];
    if (ast_is(c->ast, stmt, AST_BINDING)) return name_z(c, ast_binding(c->ast, stmt).name);
    return "this statement";
}

/* The shortest cycle through `start` inside the component: breadth-first; edges in order. Returns their number. */
static uint32_t shortest_cycle(const Graph *g, uint32_t start, const uint32_t *component, uint32_t *via, Ids *queue, Ids *path) {
    vec_clear(queue);
    vec_clear(path);
    vec_push(queue, start);
    uint32_t closing = NOT_FOUND;
    for (uint32_t q = 0; q < queue->len && closing == NOT_FOUND; q++) {
        uint32_t v = queue->data[q];
        for (uint32_t k = g->out_at[v]; k < g->out_at[v + 1]; k++) {
            const Edge *e = &g->edge.data[g->out[k]];
            if (e->to == start) {
                closing = g->out[k];
                break;
            }
            if (component[e->to] != component[start] || via[e->to] != NOT_FOUND) continue;
            via[e->to] = g->out[k];
            vec_push(queue, e->to);
        }
    }
    for (uint32_t e = closing; e != NOT_FOUND;) {
        vec_push(path, e);
        uint32_t v = g->edge.data[e].from;
        e = v == start ? NOT_FOUND : via[v];
    }
    for (uint32_t q = 1; q < queue->len; q++) via[queue->data[q]] = NOT_FOUND;
    return path->len;
}

static void report_cycle(Graph *g, const Ids *path) {
    Cx *c = g->c;
    Sema *s = c->s;
    /* The path was collected backwards: its last edge is the first. */
    Buf names = BUF_INIT;
    for (uint32_t i = path->len; i-- > 0;) {
        const Edge *e = &g->edge.data[path->data[i]];
        if (e->from >= g->stmts.n && e->to < g->stmts.n && g->owner.data[e->from - g->stmts.n] == e->to) continue;
        buf_printf(&names, "%s%s", names.n ? " -> " : "", vertex_name(g, e->from));
    }
    const Edge *first = &g->edge.data[path->data[path->len - 1]];
    buf_printf(&names, " -> %s", vertex_name(g, first->from));
    Diag *d = path->len == 1 ? error_at(c, WF_E_cycle_of_values, first->at, "`%s` waits for itself", vertex_name(g, first->from))
                             : error_at(c, WF_E_cycle_of_values, first->at, "these wait for each other: %s", names.p);
    buf_free(&names);
    for (uint32_t i = path->len; i-- > 0;) {
        const Edge *e = &g->edge.data[path->data[i]];
        const char *from = vertex_name(g, e->from), *to = vertex_name(g, e->to);
        const char *text = e->order ? diag_text(c, "`%s` runs after `%s` by this `>>`", to, from)
                           : e->from == e->to ? diag_text(c, "`%s` uses itself here", to)
                                              : diag_text(c, "`%s` uses `%s` here", to, from);
        if (e->from >= g->stmts.n && !e->order) continue; /* an operand and the chain it is part of */
        if (e == first)
            diag_here(s->diags, d, "%s", text);
        else
            diag_label(s->diags, d, cx_span(c, e->at), "%s", text);
    }
    diag_note(s->diags, d, "the order of lines does not matter: names may be used before they are bound, but not in a circle");
}

/* Strongly connected components (Tarjan 1972), with a stack of our own; component ids by vertex. */
static uint32_t components(const Graph *g, uint32_t *component) {
    uint32_t *index = wf_alloc_zero(((size_t)g->n + 1) * sizeof *index), *low = wf_alloc(((size_t)g->n + 1) * sizeof *low);
    uint32_t *edge = wf_alloc(((size_t)g->n + 1) * sizeof *edge);
    Ids stack = {0}, calls = {0};
    uint32_t next = 1, count = 0;
    for (uint32_t v = 0; v < g->n; v++) component[v] = NOT_FOUND;
    for (uint32_t root = 0; root < g->n; root++) {
        if (index[root] != 0) continue;
        vec_push(&calls, root);
        while (calls.len > 0) {
            uint32_t v = vec_last(&calls);
            if (index[v] == 0) {
                index[v] = low[v] = next++;
                edge[v] = g->out_at[v];
                vec_push(&stack, v);
            }
            bool deeper = false;
            for (; edge[v] < g->out_at[v + 1]; edge[v]++) {
                uint32_t w = g->edge.data[g->out[edge[v]]].to;
                if (index[w] == 0) {
                    vec_push(&calls, w);
                    deeper = true;
                    break;
                }
                if (component[w] == NOT_FOUND && index[w] < low[v]) low[v] = index[w];
            }
            if (deeper) continue;
            (void)vec_pop(&calls);
            if (calls.len > 0 && low[v] < low[vec_last(&calls)]) low[vec_last(&calls)] = low[v];
            if (low[v] != index[v]) continue;
            uint32_t w;
            do component[w = vec_pop(&stack)] = count;
            while (w != v);
            count++;
        }
    }
    free(index);
    free(low);
    free(edge);
    vec_free(&stack);
    vec_free(&calls);
    return count;
}

enum { EXHAUSTIVE = 64 }; /* components up to this size are searched from each vertex for the shortest cycle */

static void find_cycles(Graph *g) {
    uint32_t *component = wf_alloc(((size_t)g->n + 1) * sizeof *component), *via = wf_alloc(((size_t)g->n + 1) * sizeof *via);
    uint32_t count = components(g, component);
    uint32_t *size = wf_alloc_zero(((size_t)count + 1) * sizeof *size);
    Ids queue = {0}, path = {0}, best = {0};
    bool *self = wf_alloc_zero((size_t)count + 1);
    for (uint32_t v = 0; v < g->n; v++) size[component[v]]++, via[v] = NOT_FOUND;
    for (uint32_t i = 0; i < g->edge.len; i++)
        if (g->edge.data[i].from == g->edge.data[i].to) self[component[g->edge.data[i].from]] = true;
    for (uint32_t v = 0; v < g->n; v++) {
        uint32_t k = component[v];
        if (size[k] == 0 || (size[k] == 1 && !self[k])) continue;
        vec_clear(&best);
        for (uint32_t w = v; w < g->n; w++) {
            if (component[w] != k) continue;
            if (shortest_cycle(g, w, component, via, &queue, &path) > 0 && (best.len == 0 || path.len < best.len)) {
                vec_clear(&best);
                vec_append(&best, path.data, path.len);
            }
            if (size[k] > EXHAUSTIVE) break;
        }
        if (best.len > 0) report_cycle(g, &best);
        size[k] = 0; /* each component once */
    }
    free(component);
    free(via);
    free(size);
    free(self);
    vec_free(&queue);
    vec_free(&path);
    vec_free(&best);
}

/* Statements after what they use, in the order of the text otherwise; cycles are cut. Depth-first with a stack of our own. */
static void sort_statements(const Graph *g, uint32_t *order) {
    uint32_t n = g->stmts.n, *in_at = wf_alloc_zero(((size_t)n + 2) * sizeof *in_at), *in = wf_alloc(((size_t)g->edge.len + 1) * sizeof *in);
    uint8_t *state = wf_alloc_zero((size_t)n + 1);
    Ids stack = {0};
    uint32_t k = 0;
    /* Data edges into operands count for the statement they are part of. */
#define STMT(v) ((v) < n ? (v) : g->owner.data[(v) - n])
    for (uint32_t i = 0; i < g->edge.len; i++)
        if (!g->edge.data[i].order) in_at[STMT(g->edge.data[i].to) + 1]++;
    for (uint32_t v = 0; v < n; v++) in_at[v + 1] += in_at[v];
    uint32_t *at = wf_alloc(((size_t)n + 1) * sizeof *at);
    memcpy(at, in_at, ((size_t)n + 1) * sizeof *at);
    for (uint32_t i = 0; i < g->edge.len; i++)
        if (!g->edge.data[i].order) in[at[STMT(g->edge.data[i].to)]++] = STMT(g->edge.data[i].from);
#undef STMT
    memcpy(at, in_at, ((size_t)n + 1) * sizeof *at);
    for (uint32_t root = 0; root < n; root++) {
        if (state[root] != 0) continue;
        vec_push(&stack, root);
        state[root] = 1;
        while (stack.len > 0) {
            uint32_t v = vec_last(&stack);
            bool deeper = false;
            while (at[v] < in_at[v + 1] && !deeper) {
                uint32_t w = in[at[v]++];
                if (state[w] != 0) continue;
                state[w] = 1;
                vec_push(&stack, w);
                deeper = true;
            }
            if (deeper) continue;
            order[k++] = v;
            (void)vec_pop(&stack);
        }
    }
    free(in_at);
    free(in);
    free(state);
    free(at);
    vec_free(&stack);
}

/* `a >> b` where b uses a anyway. */
static void lint_redundant_order(Graph *g) {
    Cx *c = g->c;
    for (uint32_t i = 0; i < g->edge.len; i++) {
        const Edge *e = &g->edge.data[i];
        if (!e->order) continue;
        for (uint32_t k = g->out_at[e->from]; k < g->out_at[e->from + 1]; k++) {
            const Edge *d = &g->edge.data[g->out[k]];
            if (d->order || d->to != e->to || d->from == d->to) continue;
            Diag *x = error_at(c, WF_E_redundant_order, e->at, "this `>>` changes nothing: `%s` uses `%s` anyway", vertex_name(g, e->to), vertex_name(g, e->from));
            diag_label(c->s->diags, x, cx_span(c, d->at), "`%s` is used here", vertex_name(g, e->from));
            break;
        }
    }
}

uint32_t *block_order(Cx *c, NodeId block, AstList stmts) {
    Graph g = {.c = c, .block = block, .stmts = stmts};
    uint32_t *order = ARENA_ARRAY(&c->s->arena, uint32_t, stmts.n + 1);
    for (uint32_t i = 0; i < stmts.n; i++) order[i] = i;
    graph_build(&g);
    if (g.chains || g.forward) {
        graph_index(&g);
        find_cycles(&g);
        sort_statements(&g, order);
        if (g.chains) lint_redundant_order(&g);
    }
    graph_free(&g);
    return order;
}

/* --- effects --- */

static bool vertex_effects(const Graph *g, uint32_t v) {
    const Cx *c = g->c;
    if (v >= g->stmts.n) return has_flag(c, g->operand.data[v - g->stmts.n], NF_EFFECT);
    NodeId value = statement_value(c, g->stmts.at[v]);
    return value != 0 && !ast_is(c->ast, value, AST_CHAIN) && has_flag(c, value, NF_EFFECT);
}

/* Operands in one group `[a, b]` are told to run side by side. */
static void mark_groups(const Graph *g, bool *grouped) {
    const Cx *c = g->c;
    for (uint32_t i = 0; i < g->operand.len; i++) {
        NodeId chain = statement_value(c, g->stmts.at[g->owner.data[i]]);
        AstList parts = ast_chain(c->ast, chain).parts;
        AST_EACH(parts, part)
            if (ast_is(c->ast, part, AST_LIST)) {
                AstList items = ast_list_expr(c->ast, part).items;
                AST_EACH(items, item) if (item == g->operand.data[i] && items.n > 1) grouped[i] = true;
            }
    }
}

void check_effects(Cx *c, NodeId block, AstList stmts) {
    Sema *s = c->s;
    uint32_t effects = 0;
    AST_EACH(stmts, stmt) effects += has_flag(c, stmt, NF_EFFECT) && !ast_is(c->ast, stmt, AST_HANDLER);
    if (effects < 2) return;
    Graph g = {.c = c, .block = block, .stmts = stmts};
    graph_build(&g);
    graph_index(&g);
    /* The number of effects on the longest path to each vertex, in topological order (Kahn 1962). Two effects of one number
       have no order between them. */
    uint32_t *rank = wf_alloc_zero(((size_t)g.n + 1) * sizeof *rank), *waits = wf_alloc_zero(((size_t)g.n + 1) * sizeof *waits);
    uint32_t *seen = wf_alloc(((size_t)g.n + 2) * sizeof *seen);
    bool *grouped = wf_alloc_zero((size_t)g.operand.len + 1);
    mark_groups(&g, grouped);
    for (uint32_t v = 0; v < g.n + 2; v++) seen[v] = NOT_FOUND;
    for (uint32_t i = 0; i < g.edge.len; i++) waits[g.edge.data[i].to]++;
    Ids ready = {0};
    for (uint32_t v = 0; v < g.n; v++)
        if (waits[v] == 0) vec_push(&ready, v);
    uint32_t first = NOT_FOUND, second = NOT_FOUND;
    for (uint32_t q = 0; q < ready.len && first == NOT_FOUND; q++) {
        uint32_t v = ready.data[q];
        if (vertex_effects(&g, v) && !(v >= stmts.n && grouped[v - stmts.n])) {
            rank[v]++;
            if (seen[rank[v]] != NOT_FOUND) {
                first = seen[rank[v]];
                second = v;
            }
            seen[rank[v]] = v;
        }
        for (uint32_t k = g.out_at[v]; k < g.out_at[v + 1]; k++) {
            uint32_t w = g.edge.data[g.out[k]].to;
            if (rank[v] > rank[w]) rank[w] = rank[v];
            if (--waits[w] == 0) vec_push(&ready, w);
        }
    }
    if (first != NOT_FOUND) {
        NodeId a = first < stmts.n ? stmts.at[first] : g.operand.data[first - stmts.n], b = second < stmts.n ? stmts.at[second] : g.operand.data[second - stmts.n];
        if (ast_node(c->ast, a)->off > ast_node(c->ast, b)->off) {
            NodeId t = a;
            a = b;
            b = t;
        }
        Diag *d = error_at(c, WF_E_unordered_effects, b, "nothing orders this effect and the one above: they may run at once");
        diag_label(s->diags, d, cx_span(c, a), "the other effect");
        diag_help(s->diags, d, "order them with `a >> b`, or say that they run side by side: `x >> [a, b]`");
    }
    free(rank);
    free(waits);
    free(seen);
    free(grouped);
    vec_free(&ready);
    graph_free(&g);
}
