/* Handlers: the body of a workflow is a template of its own then, and they wait for its end. */
#include "compiler/backend/argo/dag.h"

#include <stdlib.h>

/* The tasks of a handler that nothing in it waits for, ended in any way; appended to *ended and *leaves. */
static void add_ended(const char *task, Buf *ended, Buf *leaves) {
    buf_printf(ended, "%s(%s.Succeeded || %s.Failed || %s.Errored || %s.Skipped || %s.Omitted)", ended->n > 0 ? " && " : "", task,
               task, task, task, task);
    buf_printf(leaves, "%s%s", leaves->n > 0 ? " " : "", task);
}

typedef struct Handling {
    const ArgoDag *d;
    Buf ended, targets, failed; /* failed: an expression that is true when a call of a handler before has failed */
} Handling;

static void put_handler(Argo *g, Handling *h, RegionId region, const char *name, Start start, const char *status,
                        const char *failures, const char *failure) {
    const Flow *f = g->f;
    ArgoDag d = *h->d;
    d.path = arena_printf(&g->arena, "%s%s.", d.path, name);
    Scope s = dag_scope(g, &d, region, region);
    const FlowRegion *r = &f->region.data[region];
    s.status = status;
    s.failures = failures;
    for (uint32_t i = 0; i < r->ninput; i++) {
        Opnd from = f->input.data[r->input + i].from;
        uint32_t k = opnd_index(from);
        if (from == OPND_ABSENT) s.input[i] = failure;
        else if (opnd_tag(from) == OPND_NODE)
            s.input[i] = arena_printf(&g->arena, "tasks.values.outputs.parameters.%s", dag_node_name(g, k));
        else
            s.input[i] = arena_printf(&g->arena, "inputs.parameters.%s",
                                      atom_cstr(f->atoms, f->input.data[f->region.data[r->parent].input + k].name));
    }
    dag_name_nodes(&s, arena_printf(&g->arena, "%s--", argo_kebab(g, str_of(name))));
    dag_nodes(&s, start);
    for (uint32_t i = 0; i < r->n; i++) {
        const char *task = g->task[r->first + i];
        if (task == NULL) continue;
        add_ended(task, &h->ended, &h->targets);
        buf_printf(&h->failed, " || tasks['%s'].status in ['Failed', 'Error']", task);
    }
}

/* Runs the body, then `on success` or `on failure`, then `finally`. The DAG has failed when any of them has. */
void dag_handled(Argo *g, const ArgoDag *d) {
    const FlowWorkflow *w = &g->f->workflow.data[d->id];
    const char *body = arena_printf(&g->arena, "%s---body", d->name), *order = arena_printf(&g->arena, "%s.order", d->name);
    bool saves = argo_saves(g, d->id);
    Handling h = {.d = d};
    ArgoArgs args = {0}, values = {0}, failures = {0};
    dag_open_workflow(g, d);
    dag_open_tasks(g);
    if (d->at) dag_arg(&args, "_at", "{{inputs.parameters._at}}");
    dag_pass_params(g, &args);
    for (uint32_t i = 0; i < w->nparam; i++) {
        const char *name = atom_cstr(g->f->atoms, g->f->param.data[w->param + i].name);
        dag_arg(&args, name, arena_printf(&g->arena, "{{inputs.parameters.%s}}", name));
    }
    dag_task(g, "body", body, (Start){0}, NULL, &args);
    dag_add(g, (ArgoDag){DAG_BODY, d->id, body, d->path, d->at, false});
    Scope s = {.g = g, .dag = d, .region = w->body};
    const char *any = "(body.Succeeded || body.Failed || body.Errored)", *saved = "";
    if (saves) {
        dag_arg(&values, "_below", dag_path(&s, ""));
        dag_task(g, "values", arena_printf(&g->arena, "%s---values", d->name), (Start){any, NULL}, NULL, &values);
        saved = " && values.Succeeded";
    }
    argo_order_spec(g, order, w->body);
    dag_arg(&failures, "_below", dag_path(&s, ""));
    dag_arg(&failures, "_call", order);
    dag_arg(&failures, "_catch", "false");
    dag_task(g, "failures", "failures", (Start){"body.Failed || body.Errored", NULL}, NULL, &failures);
    g->gathers = true;
    buf_z(&h.targets, "body");
    const char *all = "tasks.failures.outputs.parameters.all", *first = "tasks.failures.outputs.parameters.out";
    if (w->on_success != 0) {
        Start start = {arena_printf(&g->arena, "body.Succeeded%s", saved), NULL};
        put_handler(g, &h, w->on_success, "on_success", start, "'\"succeeded\"'", "'[]'", "'null'");
    }
    if (w->on_failure != 0) {
        Start start = {arena_printf(&g->arena, "failures.Succeeded%s", saved), NULL};
        put_handler(g, &h, w->on_failure, "on_failure", start, "'\"failed\"'", all, first);
    }
    if (w->finally != 0) {
        const char *bad = "tasks.body.status != 'Succeeded'";
        const char *status = arena_printf(&g->arena, "(%s%s ? '\"failed\"' : '\"succeeded\"')", bad, buf_cstr(&h.failed));
        Start start = {arena_printf(&g->arena, "%s%s%s%s && (failures.Succeeded || failures.Omitted)", any, saved,
                                    h.ended.n > 0 ? " && " : "", buf_cstr(&h.ended)),
                       NULL};
        put_handler(g, &h, w->finally, "finally", start, status, arena_printf(&g->arena, "(%s ? %s : '[]')", bad, all),
                    arena_printf(&g->arena, "(%s ? %s : 'null')", bad, first));
    }
    yaml_end(&g->y);
    yaml_pair_z(&g->y, "target", buf_cstr(&h.targets));
    yaml_end(&g->y);
    dag_close(g, w->result != T_NOTHING ? "tasks.body.outputs.parameters.out" : NULL);
    if (saves) argo_write_values(g, d);
    buf_free(&h.ended);
    buf_free(&h.targets);
    buf_free(&h.failed);
}
