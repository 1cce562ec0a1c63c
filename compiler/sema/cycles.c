/* Workflows and functions that call each other in a circle. */
#include "compiler/sema/check.h"

#include <stdlib.h>

typedef SemaCall CallEdge;

typedef struct Calls {
    VEC(CallEdge) edge;
    uint32_t *at;   /* edges of symbol v: at[v] .. at[v + 1] */
    uint8_t *live;  /* may be on a cycle */
} Calls;

static int by_from(const void *a, const void *b) {
    const CallEdge *x = a, *y = b;
    return x->from != y->from ? (x->from < y->from ? -1 : 1) : x->call < y->call ? -1 : x->call > y->call;
}

/* Takes away, again and again, what calls nothing that is left. */
static void prune(const Sema *s, Calls *g) {
    uint32_t n = s->symbol.len;
    uint32_t *out = wf_alloc_zero(((size_t)n + 1) * sizeof *out), *in_at = wf_alloc_zero(((size_t)n + 2) * sizeof *in_at);
    uint32_t *in = wf_alloc(((size_t)g->edge.len + 1) * sizeof *in);
    for (uint32_t i = 0; i < g->edge.len; i++) out[g->edge.data[i].from]++, in_at[g->edge.data[i].to + 1]++;
    for (uint32_t v = 0; v < n; v++) in_at[v + 1] += in_at[v];
    uint32_t *at = wf_alloc(((size_t)n + 1) * sizeof *at);
    memcpy(at, in_at, ((size_t)n + 1) * sizeof *at);
    for (uint32_t i = 0; i < g->edge.len; i++) in[at[g->edge.data[i].to]++] = g->edge.data[i].from;
    VEC(uint32_t) work = {0};
    for (uint32_t v = 0; v < n; v++)
        if (out[v] == 0) vec_push(&work, v);
    memset(g->live, 1, n);
    while (work.len > 0) {
        uint32_t v = vec_pop(&work);
        g->live[v] = 0;
        for (uint32_t k = in_at[v]; k < in_at[v + 1]; k++)
            if (--out[in[k]] == 0) vec_push(&work, in[k]);
    }
    vec_free(&work);
    free(out);
    free(in_at);
    free(in);
    free(at);
}

static void report(Sema *s, const Calls *g, const uint32_t *path, uint32_t n) {
    const Symbol *first = &s->symbol.data[g->edge.data[path[n - 1]].from];
    bool fn = first->kind == SYM_FN;
    Buf names = BUF_INIT;
    for (uint32_t i = n; i-- > 0;) buf_printf(&names, "%s -> ", atom_cstr(s->atoms, s->symbol.data[g->edge.data[path[i]].from].name));
    const CallEdge *e = &g->edge.data[path[n - 1]];
    Diag *d = diag_add(s->diags, fn ? WF_E_cycle_of_functions : WF_E_cycle_of_workflows, ast_span(&s->module.data[first->module].ast, e->call),
                       "%s call each other in a circle: %s%s", fn ? "functions" : "workflows", names.p, atom_cstr(s->atoms, first->name));
    buf_free(&names);
    for (uint32_t i = n; i-- > 0;) {
        e = &g->edge.data[path[i]];
        const Symbol *from = &s->symbol.data[e->from], *to = &s->symbol.data[e->to];
        const char *a = atom_cstr(s->atoms, from->name), *b = atom_cstr(s->atoms, to->name);
        if (i == n - 1)
            diag_here(s->diags, d, "`%s` calls `%s` here", a, b);
        else
            diag_label(s->diags, d, ast_span(&s->module.data[from->module].ast, e->call), "`%s` calls `%s` here", a, b);
    }
    diag_help(s->diags, d, fn ? "functions are total: use `fold`, `map` or another function of the library" : "use `repeat` for a bounded loop");
}

/* The shortest way from v back to v, breadth-first. */
static void search(Sema *s, Calls *g, uint32_t v, uint32_t *via, uint8_t *done) {
    VEC(uint32_t) queue = {0};
    VEC(uint32_t) path = {0};
    uint32_t closing = NOT_FOUND;
    vec_push(&queue, v);
    for (uint32_t q = 0; q < queue.len && closing == NOT_FOUND; q++)
        for (uint32_t k = g->at[queue.data[q]]; k < g->at[queue.data[q] + 1]; k++) {
            uint32_t to = g->edge.data[k].to;
            if (to == v) {
                closing = k;
                break;
            }
            if (!g->live[to] || via[to] != NOT_FOUND) continue;
            via[to] = k;
            vec_push(&queue, to);
        }
    for (uint32_t e = closing; e != NOT_FOUND; e = g->edge.data[e].from == v ? NOT_FOUND : via[g->edge.data[e].from]) {
        vec_push(&path, e);
        done[g->edge.data[e].from] = 1;
    }
    if (path.len > 0) report(s, g, path.data, path.len);
    for (uint32_t q = 1; q < queue.len; q++) via[queue.data[q]] = NOT_FOUND;
    vec_free(&queue);
    vec_free(&path);
}

void check_call_cycles(Sema *s) {
    uint32_t n = s->symbol.len;
    Calls g = {0};
    for (uint32_t i = 0; i < s->call.len; i++) { /* those in steps' arguments and annotations cannot lead back */
        SymbolKind from = s->symbol.data[s->call.data[i].from].kind;
        if (from == SYM_WORKFLOW || from == SYM_FN) vec_push(&g.edge, s->call.data[i]);
    }
    if (g.edge.len > 0) {
        qsort(g.edge.data, g.edge.len, sizeof *g.edge.data, by_from);
        g.at = wf_alloc_zero(((size_t)n + 2) * sizeof *g.at);
        g.live = wf_alloc_zero((size_t)n + 1);
        for (uint32_t i = 0; i < g.edge.len; i++) g.at[g.edge.data[i].from + 1]++;
        for (uint32_t v = 0; v < n; v++) g.at[v + 1] += g.at[v];
        prune(s, &g);
        uint32_t *via = wf_alloc(((size_t)n + 1) * sizeof *via);
        uint8_t *done = wf_alloc_zero((size_t)n + 1);
        for (uint32_t v = 0; v < n; v++) via[v] = NOT_FOUND;
        for (uint32_t v = 0; v < n; v++)
            if (g.live[v] && !done[v]) search(s, &g, v, via, done);
        free(via);
        free(done);
    }
    free(g.at);
    free(g.live);
    vec_free(&g.edge);
}
