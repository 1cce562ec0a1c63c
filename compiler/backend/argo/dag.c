/* Regions as DAG templates. A block whose nodes can stand in the DAG of its owner stands there: the arms of a branch and what
   follows a catch start by `when` and `depends`. Items, passes, what is tried, and workflows have templates of their own. */
#include "compiler/backend/argo/dag.h"

#include <stdlib.h>

enum { MOST_INPUTS = 255 };

void dag_open(Argo *g, const ArgoDag *d, const char *const *own, RegionId first, uint32_t n) {
    YamlOut *y = &g->y;
    yaml_map(y);
    yaml_pair_z(y, "name", d->name);
    bool any = d->at || d->facts || g->params || own[0] != NULL;
    for (RegionId r = first; r < first + n && !any; r++)
        for (uint32_t i = 0; i < g->f->region.data[r].ninput; i++)
            any = any || g->f->input.data[g->f->region.data[r].input + i].from != OPND_ABSENT;
    if (!any) return;
    yaml_key(y, "inputs");
    yaml_flow_map(y);
    yaml_key(y, "parameters");
    yaml_list(y);
    if (d->at) dag_list_capture(y, "_at", 0);
    if (g->params) dag_list_capture(y, "_params", 0);
    if (d->facts) dag_list_capture(y, "_status", 0);
    if (d->facts) dag_list_capture(y, "_failures", 0);
    for (; *own != NULL; own++) dag_list_capture(y, *own, 0);
    dag_each_capture(g, first, n, dag_list_capture, y);
    yaml_end(y);
    yaml_end(y);
}

void dag_open_tasks(Argo *g) {
    yaml_key(&g->y, "dag");
    yaml_map(&g->y);
    yaml_pair_bool(&g->y, "failFast", false);
    yaml_key(&g->y, "tasks");
    yaml_list(&g->y);
}

/* A DAG has at least one task. */
void dag_close_tasks(Argo *g) {
    if (!g->y.level[g->y.depth - 1].some) {
        dag_task(g, "nothing", "nothing", (Start){0}, NULL, &(ArgoArgs){0});
        g->nothing = true;
    }
    yaml_end(&g->y);
    yaml_end(&g->y);
}

/* The output `out` by an expression, NULL for none, and the end of the template. */
void dag_close(Argo *g, const char *expression) {
    YamlOut *y = &g->y;
    if (expression != NULL) {
        yaml_key(y, "outputs");
        yaml_flow_map(y);
        yaml_key(y, "parameters");
        yaml_list(y);
        yaml_map(y);
        yaml_pair_z(y, "name", "out");
        yaml_key(y, "valueFrom");
        yaml_flow_map(y);
        yaml_pair_z(y, "expression", expression);
        yaml_end(y);
        yaml_end(y);
        yaml_end(y);
        yaml_end(y);
    }
    yaml_end(y);
}

static bool has_value(const Argo *g, NodeId id) { return g->f->node.data[id].type != T_NOTHING; }

void dag_open_workflow(Argo *g, const ArgoDag *d) {
    const FlowWorkflow *w = &g->f->workflow.data[d->id];
    const char *own[MOST_INPUTS + 1] = {NULL};
    for (uint32_t i = 0; i < w->nparam && i < MOST_INPUTS; i++)
        own[i] = atom_cstr(g->f->atoms, g->f->param.data[w->param + i].name);
    dag_open(g, d, own, w->body, 1);
}

/* The limits of the parameters of a workflow that is called; those of a run are checked when they are read. */
static Start put_limits(Scope *s, uint32_t workflow) {
    Argo *g = s->g;
    Buf lines = BUF_INIT;
    const char *spec = dag_spec(s, "workflow--limits");
    if (!argo_limits_spec(g, spec, workflow, &lines)) return (Start){0};
    ArgoArgs args = {0};
    dag_arg(&args, "_node", dag_own_path(s));
    dag_arg(&args, "_call", spec);
    dag_arg(&args, "_values", arena_strndup(&g->arena, lines.p, lines.n));
    dag_task(g, "workflow--limits", "compute", (Start){0}, NULL, &args);
    g->computes = true;
    buf_free(&lines);
    return (Start){"workflow--limits.Succeeded", NULL};
}

static void write_body(Argo *g, const ArgoDag *d) {
    const FlowWorkflow *w = &g->f->workflow.data[d->id];
    dag_open_workflow(g, d);
    dag_open_tasks(g);
    Scope s = dag_scope(g, d, w->body, w->body);
    Start start = d->id == g->cx->workflow ? (Start){0} : put_limits(&s, d->id);
    dag_name_nodes(&s, "");
    dag_nodes(&s, start);
    const char *out = w->result != T_NOTHING ? dag_result(&s, "workflow--value", start) : NULL;
    dag_close_tasks(g);
    dag_close(g, out);
}

static void write_workflow(Argo *g, const ArgoDag *d) {
    const FlowWorkflow *w = &g->f->workflow.data[d->id];
    if (w->on_success != 0 || w->on_failure != 0 || w->finally != 0) dag_handled(g, d);
    else write_body(g, d);
}

/* --- blocks --- */

static const char *arm_name(Argo *g, RegionId first, uint32_t n, RegionId arm) {
    const Flow *f = g->f;
    Atom name = f->region.data[arm].name;
    bool alone = name != 0;
    for (RegionId other = first; other < first + n; other++)
        alone = alone && (other == arm || f->region.data[other].name != name);
    return alone ? argo_kebab(g, atom_str(f->atoms, name)) : arena_printf(&g->arena, "arm%u", arm - first);
}

/* The nodes of an arm whose names occur in another one are told apart by the arm's. */
static const char *arm_prefix(Argo *g, RegionId first, uint32_t n, RegionId arm) {
    const Flow *f = g->f;
    const FlowRegion *r = &f->region.data[arm];
    for (RegionId other = first; other < first + n; other++)
        for (uint32_t i = 0; other != arm && i < f->region.data[other].n; i++)
            for (uint32_t k = 0; k < r->n; k++)
                if (f->node.data[f->region.data[other].first + i].name == f->node.data[r->first + k].name)
                    return arena_printf(&g->arena, "%s---", arm_name(g, first, n, arm));
    return "";
}

static void write_pick(Argo *g, const ArgoDag *d) {
    const FlowNode *n = &g->f->node.data[d->id];
    dag_open(g, d, (const char *const[]){"_case", NULL}, n->region, n->nregions);
    dag_open_tasks(g);
    Buf out = BUF_INIT;
    for (uint16_t i = 0; i < n->nregions; i++) {
        Scope s = dag_scope(g, d, n->region, n->region + i);
        Start when = {NULL, arena_printf(&g->arena, "{{=inputs.parameters._case == '%u'}}", i)};
        const char *prefix = arm_prefix(g, n->region, n->nregions, n->region + i);
        dag_name_nodes(&s, prefix);
        dag_nodes(&s, when);
        if (!has_value(g, d->id)) continue;
        if (i + 1 < n->nregions) buf_printf(&out, "inputs.parameters._case == '%u' ? ", i);
        buf_z(&out, dag_result(&s, arena_printf(&g->arena, "arm%u--value", i), when));
        if (i + 1 < n->nregions) buf_z(&out, " : ");
    }
    dag_close_tasks(g);
    dag_close(g, has_value(g, d->id) ? buf_cstr(&out) : NULL);
    buf_free(&out);
}

static bool is_tolerant(const Argo *g, NodeId each) {
    return flow_setting(g->f, g->f->node.data[each].settings, SET_TOLERATE) != NULL;
}

static bool has_second(const Argo *g, NodeId each) {
    const FlowNode *n = &g->f->node.data[each];
    return n->nargs > 1 && flow_opnds(g->f, n->arg)[1] != OPND_ABSENT;
}

static void put_gather(Scope *s, const ArgoDag *d) {
    Argo *g = s->g;
    ArgoArgs args = {0};
    const char *spec = dag_spec(s, "gather");
    argo_gather_spec(g, spec, d->id);
    dag_arg(&args, "_node", dag_path(s, dag_node_name(g, d->id)));
    dag_arg(&args, "_call", spec);
    dag_arg(&args, "_values", "parts {{=tasks.each.outputs.parameters.out ?? ''}}\n");
    dag_task(g, "gather", "compute", (Start){"each.Succeeded || each.Skipped", NULL}, NULL, &args);
    g->computes = true;
}

/* What `out` of a loop is: the engine makes a list of the texts of its items' values, each a string. */
static const char JOINED[] =
    "tasks.each.status == 'Skipped' ? '[]' : "
    "'[' + join(map(fromJSON(tasks.each.outputs.parameters.out), fromJSON(#)), ',') + ']'";

/* Goes through the items. Failures that are tolerated are counted in a container. */
static void write_each(Argo *g, const ArgoDag *d) {
    const FlowNode *n = &g->f->node.data[d->id];
    const FlowSetting *most = flow_setting(g->f, n->settings, SET_PARALLEL);
    const char *item = arena_printf(&g->arena, "%s---item", d->name), *template = item;
    dag_open(g, d, (const char *const[]){"_items", NULL}, n->region, 1);
    if (most != NULL) yaml_pair_int(&g->y, "parallelism", g->f->constant.data[opnd_index(most->value)].i);
    dag_open_tasks(g);
    Scope s = dag_scope(g, d, n->region, n->region);
    ArgoArgs args = {0};
    dag_arg(&args, "_at", dag_path(&s, arena_printf(&g->arena, "%s[{{item.i}}].", dag_node_name(g, d->id))));
    dag_pass_facts(&s, &args);
    dag_arg(&args, "_index", "{{item.i}}");
    dag_arg(&args, "_item", "{{=item.v[1:-1]}}");
    if (has_second(g, d->id)) dag_arg(&args, "_item2", "{{=item.w[1:-1]}}");
    dag_forward_captures(g, n->region, 1, &args);
    dag_add(g, (ArgoDag){DAG_ITEM, d->id, item, "", true, d->facts});
    if (is_tolerant(g, d->id)) {
        template = arena_printf(&g->arena, "%s---tolerant", d->name);
        dag_add(g, (ArgoDag){DAG_TOLERANT, d->id, template, item, true, d->facts});
    }
    dag_task(g, "each", template, (Start){0}, "{{inputs.parameters._items}}", &args);
    if (is_tolerant(g, d->id)) put_gather(&s, d);
    dag_close_tasks(g);
    const char *out = is_tolerant(g, d->id) ? "tasks.gather.outputs.parameters.out" : JOINED;
    dag_close(g, has_value(g, d->id) ? out : NULL);
}

static void write_item(Argo *g, const ArgoDag *d) {
    const FlowNode *n = &g->f->node.data[d->id];
    dag_open(g, d, (const char *const[]){"_index", "_item", has_second(g, d->id) ? "_item2" : NULL, NULL}, n->region, 1);
    dag_open_tasks(g);
    Scope s = dag_scope(g, d, n->region, n->region);
    dag_name_nodes(&s, "");
    dag_nodes(&s, (Start){0});
    const char *value = dag_result(&s, "result--value", (Start){0});
    dag_close_tasks(g);
    if (is_tolerant(g, d->id)) value = arena_printf(&g->arena, "'[' + inputs.parameters._index + ',' + %s + ']'", value);
    dag_close(g, has_value(g, d->id) || is_tolerant(g, d->id) ? arena_printf(&g->arena, "toJson(%s)", value) : NULL);
}

/* An item whose failure does not count: it gives its index alone then. */
static void write_tolerant(Argo *g, const ArgoDag *d) {
    const FlowNode *n = &g->f->node.data[d->id];
    bool two = has_second(g, d->id);
    dag_open(g, d, (const char *const[]){"_index", "_item", two ? "_item2" : NULL, NULL}, n->region, 1);
    dag_open_tasks(g);
    ArgoDag inner = *d;
    inner.path = "";
    Scope s = dag_scope(g, &inner, n->region, n->region);
    ArgoArgs args = {0};
    dag_arg(&args, "_at", "{{inputs.parameters._at}}");
    dag_pass_facts(&s, &args);
    dag_arg(&args, "_index", "{{inputs.parameters._index}}");
    dag_arg(&args, "_item", "{{inputs.parameters._item}}");
    if (two) dag_arg(&args, "_item2", "{{inputs.parameters._item2}}");
    dag_forward_captures(g, n->region, 1, &args);
    dag_task(g, "item", d->path, (Start){0}, NULL, &args);
    dag_task(g, "nothing", "nothing", (Start){"item.Failed || item.Errored", NULL}, NULL, &(ArgoArgs){0});
    g->nothing = true;
    dag_close_tasks(g);
    dag_close(
        g, "tasks.item.status == 'Succeeded' ? tasks.item.outputs.parameters.out : toJson('[' + inputs.parameters._index + ']')");
}

static void write_pass(Argo *g, const ArgoDag *d) {
    const FlowNode *n = &g->f->node.data[d->id];
    const FlowRegion *r = &g->f->region.data[n->region];
    dag_open(g, d, (const char *const[]){"_pass", "_most", "_state", NULL}, n->region, 1);
    dag_open_tasks(g);
    Scope s = dag_scope(g, d, n->region, n->region);
    const char *full = "int(inputs.parameters._pass) >= int(inputs.parameters._most)", *until;
    Start start = {0};
    Buf b = BUF_INIT;
    if (argo_condition(&s, r->guard, &b)) {
        until = arena_strndup(&g->arena, b.p, b.n);
    } else {
        dag_compute(&s, "pass--until", "{{inputs.parameters._at}}", r->guard,
                    (Start){NULL, arena_printf(&g->arena, "{{=!(%s)}}", full)});
        until = "tasks['pass--until'].outputs.parameters.out == 'true'";
        start.depends = "pass--until.Succeeded";
    }
    buf_free(&b);
    const char *done = arena_printf(&g->arena, "%s || %s", full, until);
    start.when = arena_printf(&g->arena, "{{=!(%s)}}", done);
    dag_name_nodes(&s, "");
    dag_nodes(&s, start);
    ArgoArgs args = {0};
    Start next = dag_after_all(&s, n->region, start);
    dag_arg(&args, "_at", "{{inputs.parameters._at}}");
    dag_arg(&args, "_pass", "{{=int(inputs.parameters._pass) + 1}}");
    dag_arg(&args, "_most", "{{inputs.parameters._most}}");
    dag_arg(&args, "_state", dag_value(&s, "pass--value", dag_own_path(&s), r->result, &next));
    dag_pass_facts(&s, &args);
    dag_forward_captures(g, n->region, 1, &args);
    dag_task(g, "pass--next", d->name, next, NULL, &args);
    dag_close_tasks(g);
    dag_close(g, arena_printf(&g->arena, "%s ? inputs.parameters._state : tasks['pass--next'].outputs.parameters.out", done));
}

static void write_tried(Argo *g, const ArgoDag *d) {
    const FlowNode *n = &g->f->node.data[d->id];
    dag_open(g, d, (const char *const[]){NULL}, n->region, 1);
    dag_open_tasks(g);
    Scope s = dag_scope(g, d, n->region, n->region);
    dag_name_nodes(&s, "");
    dag_nodes(&s, (Start){0});
    const char *out = has_value(g, d->id) ? dag_result(&s, "result--value", (Start){0}) : NULL;
    dag_close_tasks(g);
    dag_close(g, out);
}

static void write_try(Argo *g, const ArgoDag *d) {
    const FlowNode *n = &g->f->node.data[d->id];
    dag_open(g, d, (const char *const[]){NULL}, n->region, 2);
    dag_open_tasks(g);
    ArgoDag handler = *d;
    handler.path = arena_printf(&g->arena, "%scatch.", d->path);
    Scope tried = dag_scope(g, d, n->region, n->region), caught = dag_scope(g, &handler, n->region, n->region + 1);
    const char *template = arena_printf(&g->arena, "%s---body", d->name), *spec = arena_printf(&g->arena, "%s.order", d->name);
    ArgoArgs args = {0}, failure = {0};
    if (d->at) dag_arg(&args, "_at", "{{inputs.parameters._at}}");
    dag_pass_facts(&tried, &args);
    dag_forward_captures(g, n->region, 1, &args);
    dag_task(g, "try--body", template, (Start){0}, NULL, &args);
    dag_add(g, (ArgoDag){DAG_TRIED, d->id, template, d->path, d->at, d->facts});
    argo_order_spec(g, spec, n->region);
    dag_arg(&failure, "_below", dag_path(&tried, ""));
    dag_arg(&failure, "_call", spec);
    dag_arg(&failure, "_catch", "true");
    dag_task(g, "try--failure", "failures", (Start){"try--body.Failed || try--body.Errored", NULL}, NULL, &failure);
    g->gathers = true;
    Start start = {"try--failure.Succeeded", NULL};
    dag_name_nodes(&caught, "");
    dag_nodes(&caught, start);
    const char *out = has_value(g, d->id) ? dag_result(&caught, "result--value", start) : NULL;
    dag_close_tasks(g);
    if (out != NULL)
        out = arena_printf(&g->arena, "tasks['try--body'].status == 'Succeeded' ? tasks['try--body'].outputs.parameters.out : %s",
                           out);
    dag_close(g, out);
}

void argo_write_dag(Argo *g, uint32_t index) {
    const ArgoDag d = g->dag.data[index];
    switch (d.kind) {
    case DAG_WORKFLOW: write_workflow(g, &d); return;
    case DAG_BODY: write_body(g, &d); return;
    case DAG_TOLERANT: write_tolerant(g, &d); return;
    case DAG_PICK: write_pick(g, &d); return;
    case DAG_EACH: write_each(g, &d); return;
    case DAG_ITEM: write_item(g, &d); return;
    case DAG_PASS: write_pass(g, &d); return;
    case DAG_TRY: write_try(g, &d); return;
    case DAG_TRIED: write_tried(g, &d); return;
    }
}
