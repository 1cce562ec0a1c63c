/* Circles of calls, constants and imports: the shortest one, with the line of each of its edges. */
#include "compiler/sema/check.h"

#include <stdlib.h>

typedef struct Edge {
    uint32_t from, to;
    uint32_t source; /* in Sema.call or Sema.import */
} Edge;

typedef struct Graph {
    uint32_t n;     /* vertices: symbols or modules */
    VEC(Edge) edge;
    uint32_t *at;   /* edges of vertex v: at[v] .. at[v + 1] */
    uint8_t *live;  /* may be on a cycle */
    void (*report)(Sema *s, const struct Graph *g, const uint32_t *path, uint32_t n); /* the path's last edge is its first */
} Graph;

static int by_from(const void *a, const void *b) {
    const Edge *x = a, *y = b;
    return x->from != y->from ? (x->from < y->from ? -1 : 1) : x->source < y->source ? -1 : x->source > y->source;
}

/* Takes away, again and again, what calls nothing that is left. */
static void prune(Graph *g) {
    uint32_t n = g->n;
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

static const char *symbol_name(const Sema *s, uint32_t symbol) { return atom_cstr(s->atoms, s->symbol.data[symbol].name); }

static void report_calls(Sema *s, const Graph *g, const uint32_t *path, uint32_t n) {
    bool constants = false, structs = false;
    Buf names = BUF_INIT;
    for (uint32_t i = n; i-- > 0;) {
        uint32_t from = g->edge.data[path[i]].from;
        constants |= s->symbol.data[from].kind == SYM_CONST;
        structs |= s->symbol.data[from].kind == SYM_STRUCT;
        buf_printf(&names, "%s -> ", symbol_name(s, from));
    }
    const Edge *first = &g->edge.data[path[n - 1]];
    buf_z(&names, symbol_name(s, first->from));
    bool workflow = s->symbol.data[first->from].kind == SYM_WORKFLOW;
    Diag *d = NULL;
    for (uint32_t i = n; i-- > 0;) {
        const Edge *e = &g->edge.data[path[i]];
        Span at = ast_span(&s->module.data[s->symbol.data[e->from].module].ast, s->call.data[e->source].call);
        const char *verb = s->symbol.data[e->to].kind == SYM_CONST ? "uses" : "calls";
        if (e == first) {
            if (constants || structs)
                d = diag_add(s->diags, WF_E_cycle_of_constants, at, "%s need each other in a circle: %s", structs ? "values" : "constants", names.p);
            else
                d = diag_add(s->diags, workflow ? WF_E_cycle_of_workflows : WF_E_cycle_of_functions, at, "%s call each other in a circle: %s",
                             workflow ? "workflows" : "functions", names.p);
            diag_here(s->diags, d, "`%s` %s `%s` here", symbol_name(s, e->from), verb, symbol_name(s, e->to));
        } else {
            diag_label(s->diags, d, at, "`%s` %s `%s` here", symbol_name(s, e->from), verb, symbol_name(s, e->to));
        }
    }
    buf_free(&names);
    if (workflow) diag_help(s->diags, d, "use `repeat` for a bounded loop");
    else if (!constants && !structs) diag_help(s->diags, d, "functions are total: use `fold`, `map` or another function of the library");
}

static void report_imports(Sema *s, const Graph *g, const uint32_t *path, uint32_t n) {
    Buf names = BUF_INIT;
    const Edge *first = &g->edge.data[path[n - 1]];
    for (uint32_t i = n; i-- > 0;) buf_printf(&names, "%s -> ", s->sources->file[s->module.data[g->edge.data[path[i]].from].file].path);
    buf_z(&names, s->sources->file[s->module.data[first->from].file].path);
    Diag *d = diag_add(s->diags, WF_E_cycle_of_imports, s->import.data[first->source].at, n == 1 ? "this file imports itself" : "files import each other in a circle: %s",
                       names.p);
    if (n > 1) diag_here(s->diags, d, "imports `%s`", s->sources->file[s->module.data[first->to].file].path);
    for (uint32_t i = n - 1; i-- > 0;) {
        const Edge *e = &g->edge.data[path[i]];
        diag_label(s->diags, d, s->import.data[e->source].at, "imports `%s`", s->sources->file[s->module.data[e->to].file].path);
    }
    diag_help(s->diags, d, n == 1 ? "remove the import: what a file declares is there without it" : "put what both need into a third file");
    buf_free(&names);
}

/* The shortest way from v back to v, breadth-first. The vertices of the way are done: what else leads to them is the same
   mistake. */
static void search(Sema *s, Graph *g, uint32_t v, uint32_t *via, uint8_t *done) {
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
    if (path.len > 0) g->report(s, g, path.data, path.len);
    for (uint32_t q = 1; q < queue.len; q++) via[queue.data[q]] = NOT_FOUND;
    vec_free(&queue);
    vec_free(&path);
}

/* Each cycle of a component once, beginning at its first vertex. */
static void find_cycles(Sema *s, Graph *g) {
    uint32_t n = g->n;
    if (g->edge.len > 0) {
        qsort(g->edge.data, g->edge.len, sizeof *g->edge.data, by_from);
        g->at = wf_alloc_zero(((size_t)n + 2) * sizeof *g->at);
        g->live = wf_alloc_zero((size_t)n + 1);
        for (uint32_t i = 0; i < g->edge.len; i++) g->at[g->edge.data[i].from + 1]++;
        for (uint32_t v = 0; v < n; v++) g->at[v + 1] += g->at[v];
        prune(g);
        uint32_t *via = wf_alloc(((size_t)n + 1) * sizeof *via);
        uint8_t *done = wf_alloc_zero((size_t)n + 1);
        for (uint32_t v = 0; v < n; v++) via[v] = NOT_FOUND;
        for (uint32_t v = 0; v < n; v++)
            if (g->live[v] && !done[v]) search(s, g, v, via, done);
        free(via);
        free(done);
    }
    free(g->at);
    free(g->live);
    vec_free(&g->edge);
}

void check_cycles(Sema *s) {
    Graph g = {.n = s->symbol.len, .report = report_calls};
    for (uint32_t i = 0; i < s->call.len; i++) { /* those in steps' arguments and annotations cannot lead back */
        const SemaCall *x = &s->call.data[i];
        SymbolKind from = s->symbol.data[x->from].kind;
        if (from == SYM_WORKFLOW || from == SYM_FN || from == SYM_CONST || from == SYM_STRUCT) vec_push(&g.edge, ((Edge){x->from, x->to, i}));
    }
    find_cycles(s, &g);
    g = (Graph){.n = s->module.len, .report = report_imports};
    for (uint32_t i = 0; i < s->import.len; i++) vec_push(&g.edge, ((Edge){s->import.data[i].from, s->import.data[i].to, i}));
    find_cycles(s, &g);
}
