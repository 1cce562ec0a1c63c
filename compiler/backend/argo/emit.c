/* The documents: the WorkflowTemplate, its schedules and event, a ConfigMap with scripts and expressions; and the shim's. */
#include "compiler/backend/argo/argo.h"
#include "compiler/backend/argo/emit.h"
#include "compiler/backend/argo/leaf.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>

void argo_open_document(Argo *g, const char *api, const char *kind, const char *name) {
    YamlOut *y = &g->y;
    Str namespace;
    yaml_document(y);
    yaml_map(y);
    yaml_pair_z(y, "apiVersion", api);
    yaml_pair_z(y, "kind", kind);
    yaml_key(y, "metadata");
    yaml_map(y);
    yaml_pair_z(y, "name", name);
    if (target_string(g->cx, "namespace", &namespace)) yaml_pair(y, "namespace", namespace);
}

static bool uses_params(const Flow *f) {
    Opnd fact = opnd(OPND_FACT, FACT_RUN_PARAMS);
    for (uint32_t i = 0; i < f->opnd.len; i++)
        if (f->opnd.data[i] == fact) return true;
    for (RegionId r = 1; r < f->region.len; r++)
        if (f->region.data[r].result == fact || f->region.data[r].guard == fact) return true;
    return false;
}

/* What the workflow makes necessary: records of failures, and values that are kept for handlers. */
static void find_needs(Argo *g) {
    const Flow *f = g->f;
    Used used = target_used(f, g->cx->workflow);
    for (RegionId r = 1; r < f->region.len; r++) {
        const FlowRegion *region = &f->region.data[r];
        if (!used.workflow[region->workflow]) continue;
        g->fails = g->fails || region->kind == REGION_HANDLER;
        for (uint32_t i = 0; i < region->n; i++) g->fails = g->fails || f->node.data[region->first + i].kind == NODE_TRY;
        for (uint32_t i = 0; region->kind == REGION_HANDLER && i < region->ninput; i++) {
            Opnd from = f->input.data[region->input + i].from;
            if (opnd_tag(from) == OPND_NODE) g->saved[opnd_index(from)] = 1;
        }
    }
    used_free(&used);
    g->params = uses_params(f);
}

/* --- the template --- */

static void put_defaults(Argo *g) {
    YamlOut *y = &g->y;
    static const char *const mounts[][2] = {{"wf", "/wf/bin"}, {"flow", "/wf/flow"}, {"out", "/wf/out"}};
    enum { MOUNTS = sizeof mounts / sizeof *mounts, OUT = MOUNTS - 1 };
    yaml_key(y, "templateDefaults");
    yaml_map(y);
    yaml_key(y, "container");
    yaml_map(y);
    yaml_pair_z(y, "image", g->image);
    yaml_key(y, "env");
    yaml_list(y);
    yaml_flow_map(y);
    yaml_pair_z(y, "name", "WF_RUN_ID");
    yaml_pair_z(y, "value", "{{workflow.name}}");
    yaml_end(y);
    yaml_flow_map(y);
    yaml_pair_z(y, "name", "WF_KEY");
    yaml_pair_z(y, "value", arena_printf(&g->arena, "%s/{{workflow.uid}}/{{pod.name}}", g->prefix));
    yaml_end(y);
    yaml_end(y);
    yaml_key(y, "volumeMounts");
    yaml_list(y);
    for (int i = 0; i < MOUNTS; i++) {
        yaml_flow_map(y);
        yaml_pair_z(y, "name", mounts[i][0]);
        yaml_pair_z(y, "mountPath", mounts[i][1]);
        yaml_end(y);
    }
    yaml_end(y);
    yaml_end(y);
    yaml_end(y);
    yaml_key(y, "volumes");
    yaml_list(y);
    for (int i = 0; i < OUT; i++) {
        yaml_flow_map(y);
        yaml_pair_z(y, "name", mounts[i][0]);
        yaml_key(y, "configMap");
        yaml_flow_map(y);
        yaml_pair_z(y, "name", i == 0 ? "wf-shim" : arena_printf(&g->arena, "%s-flow", g->root));
        yaml_end(y);
        yaml_end(y);
    }
    yaml_flow_map(y); /* a folder that a container may write to whoever runs it */
    yaml_pair_z(y, "name", mounts[OUT][0]);
    yaml_key(y, "emptyDir");
    yaml_flow_map(y);
    yaml_end(y);
    yaml_end(y);
    yaml_end(y);
}

void emit_constant(Buf *out, const Flow *f, Opnd o) {
    if (opnd_tag(o) == OPND_CONST) {
        const_json(out, f, &f->constant.data[opnd_index(o)]);
        return;
    }
    if (opnd_tag(o) != OPND_EXPR) return;
    const FlowExpr *x = &f->expr.data[opnd_index(o)];
    const Opnd *a = flow_opnds(f, x->a);
    uint32_t n;
    if (x->op == FLOW_LIST) {
        JsonOut j = json_open(out, '[');
        for (uint16_t i = 0; i < x->n; i++) {
            json_item(&j);
            emit_constant(out, f, a[i]);
        }
        json_close(&j);
    } else if (x->op == FLOW_RECORD) {
        const TypeField *field = type_fields(f->types, x->type, &n);
        JsonOut j = json_open(out, '{');
        for (uint16_t i = 0; i < x->n; i++) {
            json_key_str(&j, atom_str(f->atoms, field[i].foreign != 0 ? field[i].foreign : field[i].name));
            emit_constant(out, f, a[i]);
        }
        json_close(&j);
    } else if (x->op == FLOW_MAP) {
        JsonOut j = json_open(out, '{');
        for (uint16_t i = 0; i + 1 < x->n; i = (uint16_t)(i + 2)) {
            json_key_str(&j, f->constant.data[opnd_index(a[i])].s);
            emit_constant(out, f, a[i + 1]);
        }
        json_close(&j);
    } else if (x->n == 1) {
        emit_constant(out, f, a[0]); /* SOME, CAST, ENCODE */
    }
}

const char *emit_given(Arena *arena, const Flow *f, Opnd o, TypeId type) {
    Buf json = BUF_INIT;
    const FlowConst *c = opnd_tag(o) == OPND_CONST ? &f->constant.data[opnd_index(o)] : NULL;
    if (c != NULL && type_kind(f->types, c->type) == TY_SECRET) return arena_strndup(arena, c->s.p, c->s.n);
    emit_constant(&json, f, o);
    Str t = buf_view(&json);
    JsonIn in = json_in(t);
    if (type_kind(f->types, type_unopt(f->types, type)) != TY_JSON && json_next(&in) == JSON_STRING) t = in.s;
    const char *text = arena_strndup(arena, t.p, t.n);
    json_in_free(&in);
    buf_free(&json);
    return text;
}

static void put_arguments(Argo *g) {
    const FlowWorkflow *w = &g->f->workflow.data[g->cx->workflow];
    YamlOut *y = &g->y;
    if (w->nparam == 0) return;
    yaml_key(y, "arguments");
    yaml_map(y);
    yaml_key(y, "parameters");
    yaml_list(y);
    for (uint32_t i = 0; i < w->nparam; i++) {
        const FlowParam *p = &g->f->param.data[w->param + i];
        const char *text = p->fallback != OPND_ABSENT ? emit_given(&g->arena, g->f, p->fallback, p->type) : NULL;
        yaml_flow_map(y);
        yaml_pair_z(y, "name", atom_cstr(g->f->atoms, p->name));
        if (text != NULL) yaml_pair_z(y, "value", text);
        if (p->doc.n > 0) yaml_pair(y, "description", p->doc);
        yaml_end(y);
    }
    yaml_end(y);
    yaml_end(y);
}

const FlowExpr *emit_record(const Flow *f, Opnd o) {
    while (opnd_tag(o) == OPND_EXPR) {
        const FlowExpr *x = &f->expr.data[opnd_index(o)];
        if (x->op == FLOW_RECORD) return x;
        if (x->n != 1) return NULL;
        o = flow_opnds(f, x->a)[0]; /* CAST, ENCODE */
    }
    return NULL;
}

static void put_event_value(Argo *g, const char *text) {
    Buf literal = BUF_INIT;
    argo_literal(&literal, text);
    yaml_key(&g->y, "valueFrom");
    yaml_flow_map(&g->y);
    yaml_pair(&g->y, "event", buf_view(&literal));
    yaml_end(&g->y);
    buf_free(&literal);
}

/* The parameters that a schedule or an event gives: a record. `event` writes texts as expressions of the event's binding. */
static void put_with(Argo *g, Opnd o, bool event) {
    const FlowExpr *x = emit_record(g->f, o);
    if (x == NULL) return;
    YamlOut *y = &g->y;
    uint32_t n;
    const TypeField *field = type_fields(g->f->types, x->type, &n);
    yaml_key(y, "arguments");
    yaml_map(y);
    yaml_key(y, "parameters");
    yaml_list(y);
    for (uint16_t i = 0; i < x->n; i++) {
        const char *text = emit_given(&g->arena, g->f, flow_opnds(g->f, x->a)[i], field[i].type);
        yaml_flow_map(y);
        yaml_pair(y, "name", atom_str(g->f->atoms, field[i].name));
        if (event) put_event_value(g, text);
        else yaml_pair_z(y, "value", text);
        yaml_end(y);
    }
    yaml_end(y);
    yaml_end(y);
}

/* The workflow itself, over the parameters that were read. */
static void put_main_task(Argo *g) {
    const FlowWorkflow *w = &g->f->workflow.data[g->cx->workflow];
    YamlOut *y = &g->y;
    yaml_map(y);
    yaml_pair_z(y, "name", g->root);
    yaml_pair_z(y, "template", g->root);
    if (w->nparam > 0) yaml_pair_z(y, "depends", "params.Succeeded");
    if (w->nparam > 0 || g->params) {
        yaml_key(y, "arguments");
        yaml_map(y);
        yaml_key(y, "parameters");
        yaml_list(y);
        if (g->params) leaf_pair(g, "_params", w->nparam > 0 ? "{{tasks.params.outputs.parameters._params}}" : "{}");
        for (uint32_t i = 0; i < w->nparam; i++) {
            const char *name = atom_cstr(g->f->atoms, g->f->param.data[w->param + i].name);
            leaf_pair(g, name, arena_printf(&g->arena, "{{tasks.params.outputs.parameters.%s}}", name));
        }
        yaml_end(y);
        yaml_end(y);
    }
    yaml_end(y);
}

/* The entry point: reads the parameters, runs the workflow, gives its value. */
static void put_main(Argo *g) {
    const FlowWorkflow *w = &g->f->workflow.data[g->cx->workflow];
    YamlOut *y = &g->y;
    yaml_map(y);
    yaml_pair_z(y, "name", "main");
    yaml_key(y, "dag");
    yaml_map(y);
    yaml_key(y, "tasks");
    yaml_list(y);
    if (w->nparam > 0) {
        yaml_flow_map(y);
        yaml_pair_z(y, "name", "params");
        yaml_pair_z(y, "template", "params");
        yaml_end(y);
    }
    put_main_task(g);
    yaml_end(y);
    yaml_end(y);
    if (w->result != T_NOTHING) {
        yaml_key(y, "outputs");
        yaml_map(y);
        yaml_key(y, "parameters");
        yaml_list(y);
        yaml_flow_map(y);
        yaml_pair_z(y, "name", "result");
        yaml_key(y, "valueFrom");
        yaml_flow_map(y);
        yaml_pair_z(y, "parameter", arena_printf(&g->arena, "{{tasks.%s.outputs.parameters.out}}", g->root));
        yaml_end(y);
        yaml_end(y);
        yaml_end(y);
        yaml_end(y);
    }
    yaml_end(y);
}

/* --- how many at once --- */

/* Whether @concurrency is what the schedule does with its own runs. */
static bool replaces(const Argo *g) {
    const FlowConst *overlap =
        argo_constant(g, flow_setting(g->f, g->f->workflow.data[g->cx->workflow].settings, SET_CONCURRENCY_OVERLAP));
    return overlap != NULL && overlap->i != OVERLAP_WAIT;
}

static void put_semaphore(Argo *g, const char *map, const char *key, int64_t n) {
    YamlOut *y = &g->y;
    argo_open_document(g, "v1", "ConfigMap", map);
    yaml_end(y);
    yaml_key(y, "data");
    yaml_flow_map(y);
    yaml_pair_z(y, key, arena_printf(&g->arena, "%" PRId64, n));
    yaml_end(y);
    yaml_end(y);
}

void argo_note_leaves(Argo *g) {
    for (uint32_t i = 0; i < g->leaf.len; i++)
        vec_push(&g->units->leaf, ((ArgoLeaf){g->leaf.data[i].step, g->leaf.data[i].settings, NULL}));
}

static void put_semaphores(Argo *g) {
    const FlowConst *most = argo_constant(g, flow_setting(g->f, g->f->workflow.data[g->cx->workflow].settings, SET_CONCURRENCY));
    const ArgoLeaf *leaf = g->units->leaf.data;
    uint32_t n = g->units->leaf.len;
    if (most != NULL && !replaces(g)) put_semaphore(g, arena_printf(&g->arena, "%s-runs", g->root), "max", most->i);
    for (uint32_t i = 0; i < n; i++) {
        const FlowConst *pool = argo_constant(g, argo_setting(g, &leaf[i], SET_POOL));
        int64_t slots = 0;
        bool before = false;
        for (uint32_t k = 0; pool != NULL && k < n; k++) {
            const FlowConst *other = argo_constant(g, argo_setting(g, &leaf[k], SET_POOL)),
                            *size = argo_constant(g, argo_setting(g, &leaf[k], SET_POOL_SLOTS));
            if (other == NULL || !str_eq(other->s, pool->s)) continue;
            before = before || k < i;
            if (size != NULL) slots = size->i;
        }
        if (pool != NULL && !before) put_semaphore(g, argo_pool(g, pool->s), "slots", slots > 0 ? slots : 1);
    }
}

static const FlowConst *scheduled(const Argo *g, Setting key, const FlowSetting *from, const FlowSetting *to) {
    for (const FlowSetting *x = from; x < to; x++)
        if (x->key == key) return argo_constant(g, x);
    return NULL;
}

/* The queue of the controller knows only what stands in the Workflow itself, not in the template that it refers to. */
static const FlowConst *priority_of(const Argo *g) {
    return argo_constant(g, flow_setting(g->f, g->f->workflow.data[g->cx->workflow].settings, SET_PRIORITY));
}

/* One CronWorkflow for each @schedule: rows of settings between two cron expressions belong together. */
static void put_schedule(Argo *g, const FlowSetting *from, const FlowSetting *to, unsigned number) {
    static const char *const policies[] = {"Forbid", "Allow", "Replace"};
    YamlOut *y = &g->y;
    const FlowConst *zone = scheduled(g, SET_SCHEDULE_TIMEZONE, from, to);
    const FlowConst *overlap =
        argo_constant(g, flow_setting(g->f, g->f->workflow.data[g->cx->workflow].settings, SET_CONCURRENCY_OVERLAP));
    argo_open_document(g, "argoproj.io/v1alpha1", "CronWorkflow",
                  number == 1 ? g->root : arena_printf(&g->arena, "%s-%u", g->root, number));
    yaml_end(y);
    yaml_key(y, "spec");
    yaml_map(y);
    yaml_key(y, "schedules");
    yaml_flow_list(y);
    yaml_str(y, argo_constant(g, from)->s);
    yaml_end(y);
    yaml_pair(y, "timezone", zone != NULL ? zone->s : STR("UTC"));
    yaml_pair_z(y, "concurrencyPolicy", policies[overlap != NULL && overlap->i < 3 ? overlap->i : OVERLAP_WAIT]);
    yaml_key(y, "workflowSpec");
    yaml_map(y);
    if (priority_of(g) != NULL) yaml_pair_int(y, "priority", priority_of(g)->i);
    yaml_key(y, "workflowTemplateRef");
    yaml_flow_map(y);
    yaml_pair_z(y, "name", g->root);
    yaml_end(y);
    for (const FlowSetting *x = from; x < to; x++)
        if (x->key == SET_SCHEDULE_WITH && opnd_tag(x->value) == OPND_EXPR) put_with(g, x->value, false);
    yaml_end(y);
    yaml_end(y);
    yaml_end(y);
}

static void put_schedules(Argo *g) {
    const FlowSettings *s = &g->f->settings.data[g->f->workflow.data[g->cx->workflow].settings];
    const FlowSetting *all = g->f->setting.data + s->first;
    unsigned number = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        if (all[i].key != SET_SCHEDULE) continue;
        uint32_t end = i + 1;
        while (end < s->n && all[end].key != SET_SCHEDULE) end++;
        put_schedule(g, all + i, all + end, ++number);
    }
}

/* What is left of a Workflow that has ended. */
static void put_life(Argo *g) {
    YamlOut *y = &g->y;
    int64_t ttl;
    Str strategy;
    if (target_int(g->cx, "ttl", &ttl)) {
        yaml_key(y, "ttlStrategy");
        yaml_flow_map(y);
        yaml_pair_int(y, "secondsAfterCompletion", (ttl + 999) / 1000);
        yaml_end(y);
    }
    if (target_string(g->cx, "pod_gc", &strategy)) {
        yaml_key(y, "podGC");
        yaml_flow_map(y);
        yaml_pair(y, "strategy", strategy);
        yaml_end(y);
    }
}

/* What submits the workflow when the event of @trigger is sent to the server. */
static void put_trigger(Argo *g) {
    const FlowWorkflow *w = &g->f->workflow.data[g->cx->workflow];
    const FlowConst *on = argo_constant(g, flow_setting(g->f, w->settings, SET_TRIGGER_ON));
    const FlowSetting *with = flow_setting(g->f, w->settings, SET_TRIGGER_WITH);
    YamlOut *y = &g->y;
    Buf selector = BUF_INIT;
    if (on == NULL) return;
    buf_z(&selector, "discriminator == ");
    argo_literal(&selector, arena_strndup(&g->arena, on->s.p, on->s.n));
    argo_open_document(g, "argoproj.io/v1alpha1", "WorkflowEventBinding", g->root);
    yaml_end(y);
    yaml_key(y, "spec");
    yaml_map(y);
    yaml_key(y, "event");
    yaml_flow_map(y);
    yaml_pair(y, "selector", buf_view(&selector));
    yaml_end(y);
    yaml_key(y, "submit");
    yaml_map(y);
    yaml_key(y, "workflowTemplateRef");
    yaml_flow_map(y);
    yaml_pair_z(y, "name", g->root);
    yaml_end(y);
    if (with != NULL) put_with(g, with->value, true);
    yaml_end(y);
    yaml_end(y);
    yaml_end(y);
    buf_free(&selector);
}

void argo_put_description(Argo *g, const FlowWorkflow *w) {
    if (w->doc.n == 0) return;
    yaml_key(&g->y, "annotations");
    yaml_map(&g->y);
    yaml_pair(&g->y, "workflows.argoproj.io/description", w->doc);
    yaml_end(&g->y);
}

void argo_write_templates(Argo *g) {
    for (uint32_t i = 0; i < g->dag.len; i++) argo_write_dag(g, i);
    argo_write_leaves(g);
    argo_write_helpers(g);
}

static void put_template(Argo *g) {
    const FlowWorkflow *w = &g->f->workflow.data[g->cx->workflow];
    YamlOut *y = &g->y;
    Str account;
    const FlowConst *own = argo_constant(g, flow_setting(g->f, w->settings, SET_SERVICE_ACCOUNT));
    const FlowConst *each = argo_constant(g, flow_setting(g->f, w->settings, SET_TIMEOUT)),
                    *total = argo_constant(g, flow_setting(g->f, w->settings, SET_TIMEOUT_TOTAL)),
                    *limit = each == NULL || (total != NULL && total->i < each->i) ? total : each; /* a run has one attempt */
    emit_mark(g->out, w->span);
    argo_open_document(g, "argoproj.io/v1alpha1", "WorkflowTemplate", g->root);
    argo_put_map(g, "labels", flow_setting(g->f, w->settings, SET_LABEL));
    argo_put_description(g, w);
    yaml_end(y);
    yaml_key(y, "spec");
    yaml_map(y);
    yaml_pair_z(y, "entrypoint", "main");
    if (own != NULL) yaml_pair(y, "serviceAccountName", own->s);
    else if (target_string(g->cx, "service_account", &account)) yaml_pair(y, "serviceAccountName", account);
    argo_put_map(g, "nodeSelector", flow_setting(g->f, w->settings, SET_NODE_SELECTOR));
    if (limit != NULL) yaml_pair_int(y, "activeDeadlineSeconds", (limit->i + 999) / 1000);
    put_life(g);
    if (flow_setting(g->f, w->settings, SET_CONCURRENCY) != NULL && !replaces(g))
        argo_put_semaphore(g, arena_printf(&g->arena, "%s-runs", g->root), "max");
    put_arguments(g);
    put_defaults(g);
    yaml_key(y, "templates");
    yaml_list(y);
    put_main(g);
    if (w->nparam > 0) argo_write_params(g);
    vec_push(&g->dag, ((ArgoDag){DAG_WORKFLOW, g->cx->workflow, g->root, "", false, false}));
    argo_write_templates(g);
    yaml_end(y);
    yaml_end(y);
    yaml_end(y);
}

/* --- the ConfigMaps --- */

void argo_put_flow(Argo *g) {
    YamlOut *y = &g->y;
    Buf text = BUF_INIT;
    argo_open_document(g, "v1", "ConfigMap", arena_printf(&g->arena, "%s-flow", g->root));
    yaml_end(y);
    yaml_key(y, "data");
    yaml_map(y);
    for (uint32_t i = 0; i < g->leaf.len; i++) {
        const char *name = argo_script_name(g, &g->leaf.data[i]);
        if (name == NULL) continue;
        yaml_key(y, name);
        yaml_block(y, g->f->step.data[g->leaf.data[i].step].code);
    }
    argo_steps_spec(g, &text);
    yaml_key(y, "steps.json");
    yaml_block(y, buf_view(&text));
    buf_clear(&text);
    buf_addc(&text, '{');
    for (uint32_t i = 0; i < g->expr.len; i++) {
        buf_z(&text, i > 0 ? ",\n" : "\n");
        json_z(&text, g->expr.data[i].name);
        buf_z(&text, ": ");
        buf_str(&text, buf_view(&g->expr.data[i].text));
    }
    buf_z(&text, "\n}\n");
    yaml_key(y, "expressions.json");
    yaml_block(y, buf_view(&text));
    buf_free(&text);
    yaml_end(y);
    yaml_end(y);
}

static void put_shim(Argo *g, EmitOut *out) {
    g->y = yaml_open(emit_file(out, "wf-shim.yaml"));
    YamlOut *y = &g->y;
    argo_open_document(g, "v1", "ConfigMap", "wf-shim");
    yaml_end(y);
    yaml_key(y, "data");
    yaml_map(y);
    yaml_key(y, "wf_shim.py");
    yaml_block(y, g->cx->shim);
    yaml_key(y, "wf_shim.js");
    yaml_block(y, g->cx->node_shim);
    yaml_end(y);
    yaml_end(y);
    buf_addc(y->out, '\n');
}

void argo_close(Argo *g) {
    for (uint32_t i = 0; i < g->expr.len; i++) buf_free(&g->expr.data[i].text);
    free(g->called);
    vec_free(&g->dag);
    vec_free(&g->leaf);
    vec_free(&g->expr);
    arena_free(&g->arena);
}

static void free_shared(Argo *g) {
    free(g->task);
    free(g->text);
    free(g->saved);
    free(g->outside);
    free(g->units->name);
    vec_free(&g->units->order);
    vec_free(&g->units->leaf);
    arena_free(&g->units->arena);
}

static const char *string_setting(Argo *g, const char *name, const char *fallback) {
    Str s;
    return target_string(g->cx, name, &s) ? arena_strndup(&g->arena, s.p, s.n) : fallback;
}

void argo_emit(TargetCx *cx, EmitOut *out) {
    const Flow *f = cx->flow;
    ArgoUnits units = {.out = out, .name = wf_alloc_zero((f->workflow.len + 1) * sizeof *units.name)};
    Argo g = {.cx = cx,
              .f = f,
              .out = out,
              .workflow = cx->workflow,
              .units = &units,
              .task = wf_alloc_zero((f->node.len + 1) * sizeof *g.task),
              .text = wf_alloc_zero((f->node.len + 1) * sizeof *g.text),
              .called = wf_alloc_zero(f->workflow.len + 1),
              .saved = wf_alloc_zero(f->node.len + 1),
              .outside = argo_outside(cx)};
    g.root = argo_kebab(&g, atom_str(f->atoms, f->workflow.data[cx->workflow].name));
    g.image = string_setting(&g, "image", ARGO_PYTHON_IMAGE);
    g.python_image = string_setting(&g, "python_image", g.image);
    g.prefix = string_setting(&g, "prefix", "wf");
    g.code_dir = string_setting(&g, "code_dir", "/code");
    find_needs(&g);
    Buf *text = emit_file(out, arena_printf(&g.arena, "%s.yaml", g.root));
    g.y = yaml_open(text);
    yaml_comment(&g.y, str_of(arena_printf(&g.arena, "%s, written by wfc from %.*s. Run it:", g.root, STR_ARG(cx->source))));
    const FlowConst *priority = priority_of(&g);
    const char *option = priority != NULL ? arena_printf(&g.arena, " --priority %" PRId64, priority->i) : "";
    yaml_comment(&g.y, str_of(arena_printf(&g.arena, "  argo submit --from workflowtemplate/%s%s", g.root, option)));
    put_template(&g);
    argo_note_leaves(&g);
    argo_write_units(&g);
    put_semaphores(&g);
    put_schedules(&g);
    put_trigger(&g);
    argo_put_flow(&g);
    buf_addc(text, '\n');
    put_shim(&g, out);
    free_shared(&g);
    argo_close(&g);
}
