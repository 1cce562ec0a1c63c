/* The nodes of a region as tasks. */
#include "compiler/backend/argo/dag.h"

#include <stdlib.h>

static void put_call(Scope *s, NodeId id, Start start) {
    Argo *g = s->g;
    const Flow *f = g->f;
    const FlowNode *n = &f->node.data[id];
    const FlowStep *step = &f->step.data[n->ref];
    ArgoArgs args = {0};
    dag_arg(&args, "_node", dag_path(s, dag_node_name(g, id)));
    for (uint32_t i = 0; i < step->nparam; i++) {
        const FlowParam *p = &f->param.data[step->param + i];
        Opnd o = flow_opnds(f, n->arg)[i];
        const char *param = atom_cstr(f->atoms, p->name),
                   *task = arena_printf(&g->arena, "%s--%s", g->task[id], argo_kebab(g, str_of(param)));
        const char *tag = argo_tag(s, o), *key = NULL;
        /* What the engine itself reads, keys of files and names of secrets, cannot be computed in the container. */
        bool fetched = g->outside[n->ref] == NULL && argo_files(f, p->type) != FILES_NONE;
        bool secret = g->outside[n->ref] == NULL && type_has(f->types, p->type, TYF_SECRET);
        if (fetched) key = argo_key(s, o, p->type);
        if (secret || (fetched && key == NULL)) {
            tag = dag_value(s, task, dag_path(s, dag_node_name(g, id)), o, &start);
            if (fetched) key = arena_printf(&g->arena, "{{=jsonpath(tasks['%s'].outputs.parameters.out, '$[\"uri\"]')}}", task);
        } else if (tag == NULL) {
            const char *spec = dag_spec(s, task);
            tag = arena_printf(&g->arena, "=%s %s", spec, argo_computation(s, spec, o, false));
        }
        dag_arg(&args, param, tag);
        if (key != NULL) dag_arg(&args, arena_printf(&g->arena, "_%s_uri", param), key);
    }
    dag_task(g, g->task[id], argo_leaf(g, n->ref, n->settings), start, NULL, &args);
}

static void put_sub(Scope *s, NodeId id, Start start) {
    Argo *g = s->g;
    const Flow *f = g->f;
    const FlowNode *n = &f->node.data[id];
    const FlowWorkflow *w = &f->workflow.data[n->ref];
    ArgoArgs args = {0};
    dag_arg(&args, "_at", arena_printf(&g->arena, "%s.", dag_path(s, dag_node_name(g, id))));
    dag_pass_params(g, &args);
    for (uint32_t i = 0; i < w->nparam; i++) {
        const char *param = atom_cstr(f->atoms, f->param.data[w->param + i].name);
        const char *task = arena_printf(&g->arena, "%s--%s", g->task[id], argo_kebab(g, str_of(param)));
        dag_arg(&args, param, dag_value(s, task, dag_path(s, dag_node_name(g, id)), flow_opnds(f, n->arg)[i], &start));
    }
    const char *template = argo_kebab(g, atom_str(f->atoms, w->name));
    if (argo_is_unit(g, n->ref)) template = arena_printf(&g->arena, "%s/%s", argo_unit(g, n->ref), template);
    else if (!g->called[n->ref]) dag_add(g, (ArgoDag){DAG_WORKFLOW, n->ref, template, "", true, false});
    g->called[n->ref] = 1;
    dag_task(g, g->task[id], template, start, NULL, &args);
}

/* Passes what comes before the paths of a template's nodes, and gives what it has to add itself: not the number of a pass. */
static const char *pass_at(Scope *s, ArgoArgs *args) {
    const char *path = s->dag->path;
    if (!s->dag->at) return path;
    bool pass = strstr(path, "{{") != NULL;
    dag_arg(args, "_at", pass ? dag_path(s, "") : "{{inputs.parameters._at}}");
    return pass ? "" : path;
}

/* A node whose regions have a template of its own. */
static void put_block(Scope *s, NodeId id, Start start, int kind, ArgoArgs *args) {
    Argo *g = s->g;
    const FlowNode *n = &g->f->node.data[id];
    const char *template = arena_printf(&g->arena, "%s--%s", s->dag->name, g->task[id]);
    const char *path = pass_at(s, args);
    dag_pass_facts(s, args);
    dag_pass_captures(s, id, n->region, n->nregions, &start, args);
    dag_add(g, (ArgoDag){kind == NODE_PICK ? DAG_PICK : DAG_TRY, id, template,
                         arena_printf(&g->arena, "%s%s.", path, dag_node_name(g, id)), s->dag->at, s->status != NULL});
    dag_task(g, g->task[id], template, start, NULL, args);
}

static void put_pick(Scope *s, NodeId id, Start start) {
    ArgoArgs args = {0};
    const char *task = arena_printf(&s->g->arena, "%s--case", s->g->task[id]);
    dag_arg(&args, "_case",
            dag_value(s, task, dag_path(s, dag_node_name(s->g, id)), flow_opnds(s->g->f, s->g->f->node.data[id].arg)[0], &start));
    put_block(s, id, start, NODE_PICK, &args);
}

static void put_loop(Scope *s, NodeId id, Start start) {
    Argo *g = s->g;
    const FlowNode *n = &g->f->node.data[id];
    const Opnd *a = flow_opnds(g->f, n->arg);
    const char *template = arena_printf(&g->arena, "%s--%s", s->dag->name, g->task[id]);
    ArgoArgs args = {0};
    dag_arg(&args, "_at", dag_path(s, dag_node_name(g, id)));
    dag_arg(&args, "_pass", "0");
    dag_arg(&args, "_most",
            dag_value(s, arena_printf(&g->arena, "%s--max", g->task[id]), dag_path(s, dag_node_name(g, id)), a[1], &start));
    dag_arg(&args, "_state",
            dag_value(s, arena_printf(&g->arena, "%s--first", g->task[id]), dag_path(s, dag_node_name(g, id)), a[0], &start));
    dag_pass_facts(s, &args);
    dag_pass_captures(s, id, n->region, 1, &start, &args);
    dag_add(g, (ArgoDag){DAG_PASS, id, template, "[{{inputs.parameters._pass}}].", true, s->status != NULL});
    dag_task(g, g->task[id], template, start, NULL, &args);
}

/* A container computes the items, as the engine needs them with their indexes; a DAG of its own goes through them. */
static void put_each(Scope *s, NodeId id, Start start) {
    Argo *g = s->g;
    const char *task = g->task[id], *items = arena_printf(&g->arena, "%s--items", task), *spec = dag_spec(s, items);
    const char *template = arena_printf(&g->arena, "%s--%s", s->dag->name, task);
    ArgoArgs args = {0}, inner = {0};
    dag_arg(&args, "_node", dag_path(s, dag_node_name(g, id)));
    dag_arg(&args, "_call", spec);
    dag_arg(&args, "_values", argo_items_spec(s, spec, id));
    dag_task(g, items, "compute", start, NULL, &args);
    g->computes = true;
    start = (Start){dag_succeeded(g, items), NULL};
    const char *path = pass_at(s, &inner);
    dag_pass_facts(s, &inner);
    dag_arg(&inner, "_items", arena_printf(&g->arena, "{{%s}}", dag_output(g, items)));
    dag_pass_captures(s, id, g->f->node.data[id].region, 1, &start, &inner);
    dag_add(g, (ArgoDag){DAG_EACH, id, template, path, s->dag->at, s->status != NULL});
    dag_task(g, task, template, start, NULL, &inner);
}

static void put_fail(Scope *s, NodeId id, Start start) {
    Argo *g = s->g;
    const char *spec = dag_spec(s, g->task[id]), *inner = arena_printf(&g->arena, "%s.message", spec);
    Opnd o = flow_opnds(g->f, g->f->node.data[id].arg)[0];
    const char *tag = argo_tag(s, o);
    if (tag == NULL) tag = arena_printf(&g->arena, "=%s %s", inner, argo_computation(s, inner, o, false));
    buf_z(argo_note(g, spec), "{\"fail\": true}");
    ArgoArgs args = {0};
    dag_arg(&args, "_node", dag_path(s, dag_node_name(g, id)));
    dag_arg(&args, "_call", spec);
    dag_arg(&args, "_values", arena_printf(&g->arena, "message %s\n", tag));
    dag_task(g, g->task[id], "compute", start, NULL, &args);
    g->computes = true;
}

/* Keeps the value of a node for the handlers of its workflow. */
static void put_save(Scope *s, NodeId id) {
    Argo *g = s->g;
    ArgoArgs args = {0};
    dag_arg(&args, "_node", dag_path(s, dag_node_name(g, id)));
    dag_arg(&args, "_call", "value");
    dag_arg(&args, "_values", arena_printf(&g->arena, "value {{%s}}\n", dag_output(g, g->task[id])));
    dag_task(g, arena_printf(&g->arena, "%s--save", g->task[id]), "save", (Start){dag_succeeded(g, g->task[id]), NULL}, NULL,
             &args);
    g->saves = true;
}

static void put_kind(Scope *s, NodeId id, Start start) {
    Argo *g = s->g;
    const FlowNode *n = &g->f->node.data[id];
    switch ((FlowNodeKind)n->kind) {
    case NODE_CALL: put_call(s, id, start); return;
    case NODE_SUB: put_sub(s, id, start); return;
    case NODE_PICK: put_pick(s, id, start); return;
    case NODE_EACH: put_each(s, id, start); return;
    case NODE_LOOP: put_loop(s, id, start); return;
    case NODE_TRY: put_block(s, id, start, NODE_TRY, &(ArgoArgs){0}); return;
    case NODE_LET: dag_compute(s, g->task[id], dag_path(s, dag_node_name(g, id)), flow_opnds(g->f, n->arg)[0], start); return;
    case NODE_FAIL: put_fail(s, id, start); return;
    case NODE_GATE: return;
    }
}

static void put_node(Scope *s, NodeId id, Start first) {
    if (s->g->task[id] == NULL) return;
    emit_mark(s->g->out, s->g->f->node_span.data[id]);
    put_kind(s, id, dag_start(s, id, first));
    if (s->g->saved[id]) put_save(s, id);
}

/* Gives the nodes of a region their tasks; what is only an expression gets none. */
void dag_name_nodes(Scope *s, const char *prefix) {
    Argo *g = s->g;
    const FlowRegion *r = &g->f->region.data[s->region];
    enum { SHORT = 120 };
    for (NodeId id = r->first; id < r->first + r->n; id++) {
        const FlowNode *n = &g->f->node.data[id];
        Buf b = BUF_INIT;
        if (n->kind == NODE_LET && !g->saved[id] && argo_expr(s, flow_opnds(g->f, n->arg)[0], &b) && b.n <= SHORT) {
            g->text[id] = arena_strndup(&g->arena, b.p, b.n);
        } else if (n->kind != NODE_GATE) {
            g->task[id] = arena_printf(&g->arena, "%s%s", prefix, argo_kebab(g, atom_str(g->f->atoms, n->name)));
        }
        buf_free(&b);
    }
}

void dag_nodes(Scope *s, Start first) {
    const FlowRegion *r = &s->g->f->region.data[s->region];
    for (uint32_t i = 0; i < r->n; i++) put_node(s, r->first + i, first);
}

/* The result of a region as an expression, by a task of the name when it has to be computed. */
const char *dag_result(Scope *s, const char *task, Start first) {
    Argo *g = s->g;
    Opnd o = g->f->region.data[s->region].result;
    Buf b = BUF_INIT;
    if (argo_expr(s, o, &b)) {
        const char *text = arena_strndup(&g->arena, b.p, b.n);
        buf_free(&b);
        return text;
    }
    buf_free(&b);
    dag_compute(s, task, dag_own_path(s), o, dag_after_all(s, s->region, first));
    argo_path(&b, dag_output(g, task));
    const char *text = arena_strndup(&g->arena, b.p, b.n);
    buf_free(&b);
    return text;
}
