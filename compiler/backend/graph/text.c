/* Pictures as text: an indented outline, DOT, Mermaid, JSON. */
#include "compiler/backend/graph/graph.h"

#include "base/json.h"

#include <stdlib.h>

/* --- outline --- */

static void outline(Buf *out, const Flow *f, RegionId id, unsigned depth) {
    const FlowRegion *r = &f->region.data[id];
    for (NodeId n = r->first; n < r->first + r->n; n++) {
        if (!graph_shown(f, n)) continue;
        buf_pad(out, ' ', depth * 2);
        buf_printf(out, "%s: ", graph_name(f, n));
        graph_callee(out, f, n);
        uint32_t k;
        NodeId *before = graph_before(f, n, &k);
        for (uint32_t i = 0; i < k; i++) buf_printf(out, "%s%s", i ? ", " : "  after ", graph_name(f, before[i]));
        free(before);
        buf_addc(out, '\n');
        for (uint16_t i = 0; i < f->node.data[n].nregions; i++) {
            RegionId child = f->node.data[n].region + i;
            if (f->region.data[child].n == 0) continue;
            buf_pad(out, ' ', depth * 2 + 2);
            buf_printf(out, "(%s)\n", graph_region_label(f, child));
            outline(out, f, child, depth + 2);
        }
    }
}

void graph_text(Buf *out, const Flow *f, uint32_t workflow) {
    const FlowWorkflow *w = &f->workflow.data[workflow];
    buf_printf(out, "%s(", atom_cstr(f->atoms, w->name));
    for (uint32_t i = 0; i < w->nparam; i++) {
        buf_printf(out, "%s%s: ", i ? ", " : "", atom_cstr(f->atoms, f->param.data[w->param + i].name));
        type_print(out, f->types, f->param.data[w->param + i].type);
    }
    buf_addc(out, ')');
    if (w->result != T_NOTHING) {
        buf_z(out, " -> ");
        type_print(out, f->types, w->result);
    }
    buf_addc(out, '\n');
    outline(out, f, w->body, 1);
    for (int i = 0; i < GRAPH_HANDLERS; i++) {
        const char *text;
        RegionId r = graph_handler(w, i, &text);
        if (r == 0) continue;
        buf_printf(out, "  (%s)\n", text);
        outline(out, f, r, 2);
    }
}

/* --- DOT --- */

/* A quoted string of DOT; what it would read as an escape stays text. */
static void dot_string(Buf *out, const char *z) {
    buf_addc(out, '"');
    for (; *z; z++) {
        if (*z == '"' || *z == '\\') buf_addc(out, '\\');
        buf_addc(out, *z);
    }
    buf_addc(out, '"');
}

/* A node that stands for a region in edges: its first shown one. */
static NodeId anchor(const Flow *f, RegionId r) {
    for (NodeId n = f->region.data[r].first; n < f->region.data[r].first + f->region.data[r].n; n++)
        if (graph_shown(f, n)) return n;
    return UINT32_MAX;
}

static void dot_region(Buf *out, const Flow *f, RegionId id, unsigned depth);

static void dot_children(Buf *out, const Flow *f, NodeId n, unsigned depth) {
    const FlowNode *x = &f->node.data[n];
    for (uint16_t i = 0; i < x->nregions; i++) {
        RegionId child = x->region + i;
        NodeId first = anchor(f, child);
        if (first == UINT32_MAX) continue;
        buf_pad(out, ' ', depth * 2);
        buf_printf(out, "subgraph cluster_r%u {\n", child);
        buf_pad(out, ' ', depth * 2 + 2);
        buf_z(out, "label=");
        dot_string(out, graph_region_label(f, child));
        buf_z(out, "; style=rounded;\n");
        dot_region(out, f, child, depth + 1);
        buf_pad(out, ' ', depth * 2);
        buf_z(out, "}\n");
        buf_pad(out, ' ', depth * 2);
        buf_printf(out, "n%u -> n%u [style=dashed, lhead=cluster_r%u];\n", n, first, child);
    }
}

static void dot_region(Buf *out, const Flow *f, RegionId id, unsigned depth) {
    const FlowRegion *r = &f->region.data[id];
    for (NodeId n = r->first; n < r->first + r->n; n++) {
        if (!graph_shown(f, n)) continue;
        const FlowNode *x = &f->node.data[n];
        Buf callee = BUF_INIT;
        graph_callee(&callee, f, n);
        buf_pad(out, ' ', depth * 2);
        buf_printf(out, "n%u [label=", n);
        dot_string(out, graph_name(f, n));
        buf_printf(out, ", shape=%s, tooltip=", x->kind == NODE_PICK ? "diamond" : x->nregions > 0 ? "hexagon" : "box");
        dot_string(out, buf_cstr(&callee));
        buf_z(out, "];\n");
        buf_free(&callee);
        uint32_t k;
        NodeId *before = graph_before(f, n, &k);
        for (uint32_t i = 0; i < k; i++) {
            buf_pad(out, ' ', depth * 2);
            buf_printf(out, "n%u -> n%u;\n", before[i], n);
        }
        free(before);
        dot_children(out, f, n, depth);
    }
}

void graph_dot(Buf *out, const Flow *f, uint32_t workflow) {
    const FlowWorkflow *w = &f->workflow.data[workflow];
    buf_z(out, "digraph ");
    dot_string(out, atom_cstr(f->atoms, w->name));
    buf_z(out, " {\n  compound=true;\n  node [fontname=\"sans-serif\", style=rounded];\n");
    dot_region(out, f, w->body, 1);
    for (int i = 0; i < GRAPH_HANDLERS; i++) {
        const char *text;
        RegionId r = graph_handler(w, i, &text);
        if (r == 0) continue;
        buf_printf(out, "  subgraph cluster_r%u {\n    label=\"%s\"; style=dotted;\n", r, text);
        dot_region(out, f, r, 2);
        buf_z(out, "  }\n");
    }
    buf_z(out, "}\n");
}

/* --- Mermaid --- */

static void mermaid_region(Buf *out, const Flow *f, RegionId id, unsigned depth) {
    const FlowRegion *r = &f->region.data[id];
    for (NodeId n = r->first; n < r->first + r->n; n++) {
        if (!graph_shown(f, n)) continue;
        const FlowNode *x = &f->node.data[n];
        const char *open = x->kind == NODE_PICK ? "{" : x->nregions > 0 ? "{{" : "[", *close = x->kind == NODE_PICK ? "}" : x->nregions > 0 ? "}}" : "]";
        buf_pad(out, ' ', depth * 2);
        buf_printf(out, "n%u%s%s%s\n", n, open, graph_name(f, n), close); /* names are letters, digits and `_`: nothing to escape */
        uint32_t k;
        NodeId *before = graph_before(f, n, &k);
        for (uint32_t i = 0; i < k; i++) {
            buf_pad(out, ' ', depth * 2);
            buf_printf(out, "n%u --> n%u\n", before[i], n);
        }
        free(before);
        for (uint16_t i = 0; i < x->nregions; i++) {
            RegionId child = x->region + i;
            if (anchor(f, child) == UINT32_MAX) continue;
            buf_pad(out, ' ', depth * 2);
            buf_printf(out, "subgraph r%u [%s]\n", child, graph_region_label(f, child));
            mermaid_region(out, f, child, depth + 1);
            buf_pad(out, ' ', depth * 2);
            buf_z(out, "end\n");
            buf_pad(out, ' ', depth * 2);
            buf_printf(out, "n%u -.-> r%u\n", n, child);
        }
    }
}

void graph_mermaid(Buf *out, const Flow *f, uint32_t workflow) {
    const FlowWorkflow *w = &f->workflow.data[workflow];
    buf_z(out, "flowchart TD\n");
    mermaid_region(out, f, w->body, 1);
    for (int i = 0; i < GRAPH_HANDLERS; i++) {
        const char *text;
        RegionId r = graph_handler(w, i, &text);
        if (r == 0) continue;
        buf_printf(out, "  subgraph r%u [%s]\n", r, text);
        mermaid_region(out, f, r, 2);
        buf_z(out, "  end\n");
    }
}

/* --- JSON --- */

static void json_type(Buf *out, const Flow *f, TypeId t) {
    Buf b = BUF_INIT;
    type_print(&b, f->types, t);
    json_string(out, buf_view(&b));
    buf_free(&b);
}

static void json_region(Buf *out, const Flow *f, RegionId id);

static void json_node(Buf *out, const Flow *f, NodeId n) {
    const FlowNode *x = &f->node.data[n];
    Buf callee = BUF_INIT;
    graph_callee(&callee, f, n);
    JsonOut o = json_open(out, '{');
    json_key(&o, "id");
    json_int(out, n);
    json_key(&o, "name");
    json_z(out, graph_name(f, n));
    json_key(&o, "calls");
    json_string(out, buf_view(&callee));
    buf_free(&callee);
    json_key(&o, "type");
    json_type(out, f, x->type);
    Span span = f->node_span.data[n];
    json_key(&o, "file");
    json_z(out, f->sources->file[span.file].path);
    json_key(&o, "line");
    json_int(out, source_line_col(f->sources, span.file, span.off).line);
    json_key(&o, "after");
    JsonOut after = json_open(out, '[');
    uint32_t k;
    NodeId *before = graph_before(f, n, &k);
    for (uint32_t i = 0; i < k; i++) {
        json_item(&after);
        json_int(out, before[i]);
    }
    free(before);
    json_close(&after);
    json_key(&o, "blocks");
    JsonOut blocks = json_open(out, '[');
    for (uint16_t i = 0; i < x->nregions; i++) {
        json_item(&blocks);
        JsonOut b = json_open(out, '{');
        json_key(&b, "label");
        json_z(out, graph_region_label(f, x->region + i));
        json_key(&b, "nodes");
        json_region(out, f, x->region + i);
        json_close(&b);
    }
    json_close(&blocks);
    json_close(&o);
}

static void json_region(Buf *out, const Flow *f, RegionId id) {
    const FlowRegion *r = &f->region.data[id];
    JsonOut list = json_open(out, '[');
    for (NodeId n = r->first; n < r->first + r->n; n++) {
        if (!graph_shown(f, n)) continue;
        json_item(&list);
        json_node(out, f, n);
    }
    json_close(&list);
}

void graph_json(Buf *out, const Flow *f, uint32_t workflow) {
    const FlowWorkflow *w = &f->workflow.data[workflow];
    JsonOut o = json_open(out, '{');
    json_key(&o, "workflow");
    json_z(out, atom_cstr(f->atoms, w->name));
    json_key(&o, "params");
    JsonOut params = json_open(out, '[');
    for (uint32_t i = 0; i < w->nparam; i++) {
        const FlowParam *p = &f->param.data[w->param + i];
        json_item(&params);
        JsonOut x = json_open(out, '{');
        json_key(&x, "name");
        json_z(out, atom_cstr(f->atoms, p->name));
        json_key(&x, "type");
        json_type(out, f, p->type);
        json_key(&x, "required");
        json_bool(out, p->fallback == OPND_ABSENT);
        json_close(&x);
    }
    json_close(&params);
    json_key(&o, "returns");
    json_type(out, f, w->result);
    json_key(&o, "nodes");
    json_region(out, f, w->body);
    static const char *const keys[GRAPH_HANDLERS] = {"on_success", "on_failure", "finally"};
    for (int i = 0; i < GRAPH_HANDLERS; i++) {
        const char *text;
        RegionId r = graph_handler(w, i, &text);
        if (r == 0) continue;
        json_key(&o, keys[i]);
        json_region(out, f, r);
    }
    json_close(&o);
    buf_addc(out, '\n');
}
