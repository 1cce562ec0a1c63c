/* Tasks, what they wait for, and what they are given. */
#include "compiler/backend/argo/dag.h"
#include "compiler/backend/argo/leaf.h"

#include <stdlib.h>

const char *argo_kebab(Argo *g, Str name) {
    char *s = arena_strndup(&g->arena, name.p, name.n);
    for (char *c = s; *c != '\0'; c++)
        if (*c == '_') *c = '-';
    return s;
}

const char *dag_node_name(const Argo *g, NodeId id) { return atom_cstr(g->f->atoms, g->f->node.data[id].name); }

const char *dag_path(Scope *s, const char *node) {
    return arena_printf(&s->g->arena, "%s%s%s", s->dag->at ? "{{inputs.parameters._at}}" : "", s->dag->path, node);
}

const char *dag_own_path(Scope *s) {
    Argo *g = s->g;
    const char *path = s->dag->path;
    size_t n = strlen(path);
    if (g->f->region.data[s->region].kind == REGION_CAUGHT) n -= strlen("catch.");
    if (n == 0) return s->dag->at ? "{{=inputs.parameters._at[:-1]}}" : "";
    return arena_printf(&g->arena, "%s%.*s", s->dag->at ? "{{inputs.parameters._at}}" : "", (int)(n - 1), path);
}

void dag_arg(ArgoArgs *a, const char *name, const char *value) { vec_push(&a->list, ((ArgoArg){name, value, ARG_PARAMETER})); }

void dag_artifact(ArgoArgs *a, const char *name, const char *value, ArgKind kind) {
    vec_push(&a->list, ((ArgoArg){name, value, kind}));
}

/* --- tasks --- */

/* Whether arguments are short enough to be read on one line. */
static bool is_short(const ArgoArgs *args) {
    enum { LINE = 90 };
    size_t n = 0;
    for (uint32_t i = 0; i < args->list.len; i++) n += strlen(args->list.data[i].name) + strlen(args->list.data[i].value);
    return n + 20 * args->list.len < LINE;
}

static void put_artifact(Argo *g, const ArgoArg *a) {
    if (a->kind == ARG_FROM) {
        yaml_pair_z(&g->y, "from", a->value);
        yaml_pair_bool(&g->y, "optional", true);
        return;
    }
    leaf_stored(g, a->value);
}

static void put_args(Argo *g, const ArgoArgs *args, const char *key, bool artifacts) {
    YamlOut *y = &g->y;
    bool any = false;
    for (uint32_t i = 0; i < args->list.len; i++) {
        const ArgoArg *a = &args->list.data[i];
        if ((a->kind != ARG_PARAMETER) != artifacts) continue;
        if (!any) {
            yaml_key(y, key);
            yaml_list(y);
        }
        any = true;
        yaml_flow_map(y);
        yaml_pair_z(y, "name", a->name);
        if (artifacts) put_artifact(g, a);
        else yaml_pair_z(y, "value", a->value);
        yaml_end(y);
    }
    if (any) yaml_end(y);
}

static void put_template(Argo *g, const char *template) {
    const char *slash = strchr(template, '/');
    if (slash == NULL) {
        yaml_pair_z(&g->y, "template", template);
        return;
    }
    yaml_key(&g->y, "templateRef");
    yaml_flow_map(&g->y);
    yaml_pair(&g->y, "name", (Str){template, (size_t)(slash - template)});
    yaml_pair_z(&g->y, "template", slash + 1);
    yaml_end(&g->y);
}

void dag_task(Argo *g, const char *name, const char *template, Start start, const char *items, ArgoArgs *args) {
    YamlOut *y = &g->y;
    yaml_map(y);
    yaml_pair_z(y, "name", name);
    put_template(g, template);
    if (start.depends != NULL) yaml_pair_z(y, "depends", start.depends);
    if (start.when != NULL) yaml_pair_z(y, "when", start.when);
    if (items != NULL) yaml_pair_z(y, "withParam", items);
    if (args->list.len > 0) {
        yaml_key(y, "arguments");
        if (is_short(args)) yaml_flow_map(y);
        else yaml_map(y);
        put_args(g, args, "parameters", false);
        put_args(g, args, "artifacts", true);
        yaml_end(y);
    }
    yaml_end(y);
    vec_free(&args->list);
}

const char *dag_succeeded(Argo *g, const char *task) { return arena_printf(&g->arena, "%s.Succeeded", task); }

const char *dag_spec(Scope *s, const char *task) { return arena_printf(&s->g->arena, "%s.%s", s->dag->name, task); }

/* A task that computes the operand; gives its name. */
const char *dag_compute(Scope *s, const char *task, const char *path, Opnd o, Start start) {
    Argo *g = s->g;
    ArgoArgs args = {0};
    const char *spec = dag_spec(s, task);
    dag_arg(&args, "_node", path);
    dag_arg(&args, "_call", spec);
    dag_arg(&args, "_values", argo_computation(s, spec, o, true));
    dag_task(g, task, "compute", start, NULL, &args);
    g->computes = true;
    return task;
}

const char *dag_output(Argo *g, const char *task) { return arena_printf(&g->arena, "tasks.%s.outputs.parameters.out", task); }

/* The value of the operand as an argument; when it has to be computed, by a task of the name, which *start then waits for. */
const char *dag_value(Scope *s, const char *task, const char *path, Opnd o, Start *start) {
    const char *tag = argo_tag(s, o);
    if (tag != NULL) return tag;
    dag_compute(s, task, path, o, *start);
    *start = (Start){start->depends != NULL ? arena_printf(&s->g->arena, "%s && %s.Succeeded", start->depends, task)
                                            : dag_succeeded(s->g, task),
                     NULL};
    return arena_printf(&s->g->arena, "{{%s}}", dag_output(s->g, task));
}

/* --- what a node waits for --- */

typedef struct Tasks {
    VEC(const char *) list;
} Tasks;

static void add_tasks(Argo *g, NodeId id, Tasks *t) {
    if (g->task[id] == NULL) {
        for (uint32_t e = g->f->pred_at.data[id]; e < g->f->pred_at.data[id + 1]; e++) add_tasks(g, g->f->edge.data[e].from, t);
        return;
    }
    for (uint32_t i = 0; i < t->list.len && t->list.len < 64; i++)
        if (t->list.data[i] == g->task[id]) return;
    vec_push(&t->list, g->task[id]);
}

static const char *join(Argo *g, Tasks *t) {
    Buf b = BUF_INIT;
    for (uint32_t i = 0; i < t->list.len; i++) buf_printf(&b, "%s%s.Succeeded", i > 0 ? " && " : "", t->list.data[i]);
    const char *all = t->list.len > 0 ? arena_strndup(&g->arena, b.p, b.n) : NULL;
    buf_free(&b);
    vec_free(&t->list);
    return all;
}

Start dag_start(Scope *s, NodeId id, Start first) {
    Tasks t = {0};
    const Flow *f = s->g->f;
    for (uint32_t e = f->pred_at.data[id]; e < f->pred_at.data[id + 1]; e++) add_tasks(s->g, f->edge.data[e].from, &t);
    const char *depends = join(s->g, &t);
    return depends != NULL ? (Start){depends, NULL} : first;
}

/* Waits for all calls of a region: those that nothing in it waits for are the last. */
Start dag_after_all(Scope *s, RegionId region, Start first) {
    const Flow *f = s->g->f;
    const FlowRegion *r = &f->region.data[region];
    uint8_t *followed = wf_alloc_zero(r->n + 1);
    Tasks t = {0};
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t e = f->pred_at.data[r->first + i]; e < f->pred_at.data[r->first + i + 1]; e++)
            followed[f->edge.data[e].from - r->first] = 1;
    for (uint32_t i = 0; i < r->n; i++)
        if (!followed[i]) add_tasks(s->g, r->first + i, &t);
    free(followed);
    const char *depends = join(s->g, &t);
    return depends != NULL ? (Start){depends, NULL} : first;
}

/* --- captures --- */

/* The parameter that carries an input of a child region into the template of its owner. */
static const char *capture_name(Argo *g, RegionId first, RegionId region, uint32_t input) {
    const Flow *f = g->f;
    const FlowInput *in = &f->input.data[f->region.data[region].input + input];
    const char *name = atom_cstr(f->atoms, in->name);
    for (RegionId r = first; r < region; r++)
        for (uint32_t i = 0; i < f->region.data[r].ninput; i++) {
            const FlowInput *other = &f->input.data[f->region.data[r].input + i];
            if (other->name == in->name && other->from != in->from)
                return arena_printf(&g->arena, "%s--%u", name, region - first + 1);
        }
    return name;
}

static bool captured_before(const Flow *f, RegionId first, RegionId region, uint32_t input) {
    Opnd from = f->input.data[f->region.data[region].input + input].from;
    for (RegionId r = first; r < region; r++)
        for (uint32_t i = 0; i < f->region.data[r].ninput; i++)
            if (f->input.data[f->region.data[r].input + i].from == from &&
                f->input.data[f->region.data[r].input + i].name == f->input.data[f->region.data[region].input + input].name)
                return true;
    return false;
}

void dag_each_capture(Argo *g, RegionId first, uint32_t n, CaptureFn *use, void *cx) {
    const Flow *f = g->f;
    for (RegionId r = first; r < first + n; r++)
        for (uint32_t i = 0; i < f->region.data[r].ninput; i++) {
            Opnd from = f->input.data[f->region.data[r].input + i].from;
            if (from != OPND_ABSENT && !captured_before(f, first, r, i)) use(cx, capture_name(g, first, r, i), from);
        }
}

typedef struct Passing {
    Scope *s;
    NodeId node;
    Start *start;
    ArgoArgs *args;
} Passing;

static void pass_capture(void *cx, const char *name, Opnd from) {
    Passing *p = cx;
    Argo *g = p->s->g;
    const char *task = arena_printf(&g->arena, "%s--%s", g->task[p->node], argo_kebab(g, str_of(name)));
    dag_arg(p->args, name, dag_value(p->s, task, dag_path(p->s, dag_node_name(g, p->node)), from, p->start));
}

void dag_pass_captures(Scope *s, NodeId node, RegionId first, uint32_t n, Start *start, ArgoArgs *args) {
    dag_each_capture(s->g, first, n, pass_capture, &(Passing){s, node, start, args});
}

typedef struct Forwarding {
    Argo *g;
    ArgoArgs *args;
} Forwarding;

static void forward_capture(void *cx, const char *name, Opnd from) {
    (void)from;
    Forwarding *f = cx;
    dag_arg(f->args, name, arena_printf(&f->g->arena, "{{inputs.parameters.%s}}", name));
}

void dag_forward_captures(Argo *g, RegionId first, uint32_t n, ArgoArgs *args) {
    dag_each_capture(g, first, n, forward_capture, &(Forwarding){g, args});
}

void dag_list_capture(void *cx, const char *name, Opnd from) {
    (void)from;
    YamlOut *y = cx;
    yaml_flow_map(y);
    yaml_pair_z(y, "name", name);
    yaml_end(y);
}

/* --- scopes --- */

Scope dag_scope(Argo *g, const ArgoDag *d, RegionId first, RegionId region) {
    const FlowRegion *r = &g->f->region.data[region];
    Scope s = {.g = g, .region = region, .dag = d, .input = ARENA_ARRAY(&g->arena, const char *, r->ninput + 1)};
    static const char *const item[] = {"inputs.parameters._index", "inputs.parameters._item", "inputs.parameters._item2"};
    uint32_t specials = 0;
    for (uint32_t i = 0; i < r->ninput; i++) {
        const FlowInput *in = &g->f->input.data[r->input + i];
        if (in->from != OPND_ABSENT || r->kind == REGION_BODY) {
            s.input[i] = arena_printf(&g->arena, "inputs.parameters.%s", capture_name(g, first, region, i));
        } else if (r->kind == REGION_ITEM) {
            s.input[i] = item[specials++];
        } else {
            s.input[i] = r->kind == REGION_PASS ? "inputs.parameters._state" : "tasks.try--failure.outputs.parameters.out";
        }
    }
    if (d->facts) {
        s.status = "inputs.parameters._status";
        s.failures = "inputs.parameters._failures";
    }
    return s;
}

void dag_pass_params(Argo *g, ArgoArgs *args) {
    if (g->params) dag_arg(args, "_params", "{{inputs.parameters._params}}");
}

/* What templates know of the run is handed on to those inside. */
void dag_pass_facts(Scope *s, ArgoArgs *args) {
    dag_pass_params(s->g, args);
    if (s->status == NULL) return;
    dag_arg(args, "_status", arena_printf(&s->g->arena, "{{=%s}}", s->status));
    dag_arg(args, "_failures", arena_printf(&s->g->arena, "{{=%s}}", s->failures));
}

void dag_add(Argo *g, ArgoDag d) { vec_push(&g->dag, d); }
