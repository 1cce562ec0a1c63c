/* Order edges that data edges imply. */
#include "compiler/pass/pass.h"

/* `a >> b` is implied when b waits for a through data alone: directly, or through one node between. Longer ways are left: to
   find them all is a transitive reduction, which is not linear. */
void pass_order(Flow *f) {
    uint32_t k = 0;
    bool *dead = wf_alloc_zero(f->edge.len + 1);
    for (uint32_t i = 0; i < f->edge.len; i++) {
        const FlowEdge *e = &f->edge.data[i];
        if (e->kind != EDGE_ORDER) continue;
        for (uint32_t p = f->pred_at.data[e->to]; p < f->pred_at.data[e->to + 1] && !dead[i]; p++) {
            const FlowEdge *via = &f->edge.data[p];
            if (via->kind != EDGE_DATA || f->pred_at.data[via->from + 1] - f->pred_at.data[via->from] > 16) continue;
            for (uint32_t q = f->pred_at.data[via->from]; q < f->pred_at.data[via->from + 1]; q++)
                dead[i] |= f->edge.data[q].kind == EDGE_DATA && f->edge.data[q].from == e->from;
        }
    }
    for (uint32_t i = 0; i < f->edge.len; i++)
        if (!dead[i]) f->edge.data[k++] = f->edge.data[i];
    f->edge.len = k;
    free(dead);
    flow_index_edges(f);
}
