/* Workflows of other files. Each is a WorkflowTemplate of its own with its ConfigMap, to which all callers refer, so that it is in
   the cluster once. Its name ends with a digest of what is written, so that another version, or another caller's settings, never
   change what a workflow does that is there already.

   Volumes and defaults of a template that is referred to do not come along: they are those of the Workflow that runs, which are
   written alike for all; only the volume of scripts is its own. */
#include "compiler/backend/argo/argo.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdlib.h>

bool argo_is_unit(const Argo *g, uint32_t workflow) {
    const Flow *f = g->f;
    return f->workflow.data[workflow].module != f->workflow.data[g->workflow].module;
}

static void put_template(Argo *u) {
    const FlowWorkflow *w = &u->f->workflow.data[u->workflow];
    YamlOut *y = &u->y;
    emit_mark(u->out, w->span);
    argo_open_document(u, "argoproj.io/v1alpha1", "WorkflowTemplate", u->root);
    argo_put_description(u, w);
    yaml_end(y);
    yaml_key(y, "spec");
    yaml_map(y);
    yaml_key(y, "templates");
    yaml_list(y);
    const char *name = argo_kebab(u, atom_str(u->f->atoms, w->name));
    vec_push(&u->dag, ((ArgoDag){DAG_WORKFLOW, u->workflow, name, "", true, false}));
    argo_write_templates(u);
    yaml_end(y);
    yaml_end(y);
    yaml_end(y);
}

/* Appends the documents of the workflow to the last file of `out`. */
static void write_unit(const Argo *g, uint32_t workflow, const char *name, EmitOut *out) {
    Argo u = {.cx = g->cx,
              .f = g->f,
              .out = out,
              .y = yaml_open(&vec_last(&out->file).text),
              .workflow = workflow,
              .root = name,
              .unit = true,
              .image = g->image,
              .python_image = g->python_image,
              .prefix = g->prefix,
              .code_dir = g->code_dir,
              .task = g->task,
              .text = g->text,
              .saved = g->saved,
              .outside = g->outside,
              .units = g->units,
              .called = wf_alloc_zero(g->f->workflow.len + 1),
              .fails = true, /* a caller may catch what fails in it */
              .params = g->params};
    put_template(&u);
    argo_put_flow(&u);
    if (out == g->units->out) argo_note_leaves(&u);
    argo_close(&u);
}

const char *argo_unit(Argo *g, uint32_t workflow) {
    ArgoUnits *units = g->units;
    if (units->name[workflow] != NULL) return units->name[workflow];
    EmitOut scratch = {0};
    const char *base = argo_kebab(g, atom_str(g->f->atoms, g->f->workflow.data[workflow].name));
    emit_file(&scratch, base);
    write_unit(g, workflow, base, &scratch);
    Str text = buf_view(&scratch.file.data[0].text);
    uint64_t digest = XXH3_64bits(text.p, text.n);
    units->name[workflow] = arena_printf(&units->arena, "%s-%016" PRIx64, base, digest);
    vec_push(&units->order, workflow);
    emit_free(&scratch);
    return units->name[workflow];
}

void argo_write_units(Argo *g) {
    for (uint32_t i = 0; i < g->units->order.len; i++) {
        uint32_t workflow = g->units->order.data[i];
        write_unit(g, workflow, g->units->name[workflow], g->out);
    }
}
