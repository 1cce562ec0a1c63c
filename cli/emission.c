#include "cli/emission.h"

#include <stdlib.h>

static bool unknown(const Program *p, const char *name) {
    Str known[64];
    int n = 0;
    Buf list = BUF_INIT;
    for (int i = 0; targets[i] != NULL; i++) {
        known[n++] = str_of(targets[i]->name);
        buf_printf(&list, "%s%s", i > 0 ? ", " : "", targets[i]->name);
    }
    for (uint32_t i = 0; i < p->flow.target.len && n < 64; i++) known[n++] = atom_str(p->flow.atoms, p->flow.target.data[i].name);
    int near = diag_nearest(str_of(name), known, n);
    if (near >= 0) cli_error(0, "there is no target `%s`; did you mean `%.*s`?", name, STR_ARG(known[near]));
    else cli_error(0, "there is no target `%s`; there are: %s", name, buf_cstr(&list));
    buf_free(&list);
    return false;
}

static bool of_block(TargetCx *cx, const Program *p, uint32_t block) {
    const FlowTarget *t = &p->flow.target.data[block];
    const char *engine = atom_cstr(p->flow.atoms, t->engine);
    cx->target = target_find(engine);
    cx->block = block;
    if (cx->target != NULL) return true;
    cli_error(0, "the block `target %s on %s` names an engine that wfc does not know", atom_cstr(p->flow.atoms, t->name), engine);
    return false;
}

bool emission_target(TargetCx *cx, const Program *p, const char *name) {
    for (uint32_t i = 0; i < p->flow.target.len; i++)
        if (str_is(atom_str(p->flow.atoms, p->flow.target.data[i].name), name)) return of_block(cx, p, i);
    cx->target = target_find(name);
    cx->block = UINT32_MAX;
    if (cx->target == NULL) return unknown(p, name);
    for (uint32_t i = 0; i < p->flow.target.len; i++) {
        if (!str_is(atom_str(p->flow.atoms, p->flow.target.data[i].engine), name)) continue;
        if (cx->block != UINT32_MAX) {
            cli_error(0, "the file has several targets on %s; name one: `--target %s` or `--target %s`", name,
                      atom_cstr(p->flow.atoms, p->flow.target.data[cx->block].name), atom_cstr(p->flow.atoms, p->flow.target.data[i].name));
            return false;
        }
        cx->block = i;
    }
    return true;
}

bool emission_workflows(const Program *p, const char *only, WorkflowList *out) {
    const Flow *f = &p->flow;
    uint8_t *called = wf_alloc_zero(f->workflow.len + 1);
    for (uint32_t i = 0; i < f->node.len; i++)
        if (f->node.data[i].kind == NODE_SUB) called[f->node.data[i].ref] = 1;
    for (uint32_t i = 0; i < f->workflow.len; i++) {
        if (f->workflow.data[i].module != 0) continue;
        bool wanted = only != NULL ? str_is(atom_str(f->atoms, f->workflow.data[i].name), only) : !called[i];
        if (wanted) vec_push(out, i);
    }
    free(called);
    if (out->len > 0) return true;
    if (only != NULL) cli_error(0, "the file declares no workflow `%s`", only);
    else cli_error(0, "the file declares no workflow");
    return false;
}
