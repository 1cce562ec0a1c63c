#include "compiler/backend/graph/graph.h"

#include <stdlib.h>

const GraphFormat graph_formats[] = {
    {"text", graph_text}, {"dot", graph_dot}, {"mermaid", graph_mermaid}, {"json", graph_json}, {"svg", graph_svg}, {0},
};

const char *graph_name(const Flow *f, NodeId id) { return atom_cstr(f->atoms, f->node.data[id].name); }

void graph_callee(Buf *out, const Flow *f, NodeId id) {
    static const char *const kinds[] = {[NODE_CALL] = "", [NODE_SUB] = "", [NODE_PICK] = "choice", [NODE_EACH] = "for each", [NODE_LOOP] = "repeat",
        [NODE_TRY] = "try", [NODE_GATE] = "gate", [NODE_LET] = "value", [NODE_FAIL] = "fail"};
    const FlowNode *n = &f->node.data[id];
    Atom module = 0, name = 0;
    if (n->kind == NODE_CALL) module = f->step.data[n->ref].module, name = f->step.data[n->ref].name;
    if (n->kind == NODE_SUB) module = f->workflow.data[n->ref].module, name = f->workflow.data[n->ref].name;
    if (name == 0) {
        buf_z(out, kinds[n->kind]);
        return;
    }
    if (module != 0) {
        /* A file of the project goes by its name: "lib/steps.wf" is "steps". */
        Str m = atom_str(f->atoms, module);
        if (str_ends(m, STR(".wf"))) {
            m.n -= 3;
            while (memchr(m.p, '/', m.n) != NULL) m.p++, m.n--;
        }
        buf_str(out, m);
        buf_addc(out, '.');
    }
    buf_z(out, atom_cstr(f->atoms, name));
}

bool graph_shown(const Flow *f, NodeId id) { return f->node.data[id].kind != NODE_LET && f->node.data[id].kind != NODE_GATE; }

static int by_id(const void *a, const void *b) {
    NodeId x = *(const NodeId *)a, y = *(const NodeId *)b;
    return (x > y) - (x < y);
}

NodeId *graph_before(const Flow *f, NodeId id, uint32_t *n) {
    VEC(NodeId) work = {0};
    VEC(NodeId) out = {0};
    vec_push(&work, id);
    for (uint32_t i = 0; i < work.len; i++) { /* what is not shown is looked through; it has lower ids, so this ends */
        NodeId at = work.data[i];
        for (uint32_t e = f->pred_at.data[at]; e < f->pred_at.data[at + 1]; e++) {
            NodeId from = f->edge.data[e].from;
            if (graph_shown(f, from)) vec_push(&out, from);
            else vec_push(&work, from);
        }
    }
    vec_free(&work);
    if (out.len > 1) qsort(out.data, out.len, sizeof *out.data, by_id);
    *n = 0;
    for (uint32_t i = 0; i < out.len; i++)
        if (*n == 0 || out.data[*n - 1] != out.data[i]) out.data[(*n)++] = out.data[i];
    return out.data;
}

const char *graph_region_label(const Flow *f, RegionId id) {
    const FlowRegion *r = &f->region.data[id];
    switch (r->kind) {
    case REGION_ARM: return r->name != 0 ? atom_cstr(f->atoms, r->name) : "case";
    case REGION_ITEM: return "each item";
    case REGION_PASS: return "each pass";
    case REGION_TRIED: return "try";
    case REGION_CAUGHT: return "catch";
    case REGION_HANDLER:
        if (r->name == 0) return "handler";
        if (str_is(atom_str(f->atoms, r->name), "success")) return "on success";
        if (str_is(atom_str(f->atoms, r->name), "failure")) return "on failure";
        return atom_cstr(f->atoms, r->name);
    case REGION_BODY: return "";
    }
    return "";
}

RegionId graph_handler(const FlowWorkflow *w, int i, const char **text) {
    static const char *const texts[GRAPH_HANDLERS] = {"on success", "on failure", "finally"};
    const RegionId regions[GRAPH_HANDLERS] = {w->on_success, w->on_failure, w->finally};
    *text = texts[i];
    return regions[i];
}
