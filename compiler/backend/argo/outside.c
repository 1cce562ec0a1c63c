/* Steps that a template of the cluster does, or a person: for that, a template that suspends. Around it stand containers of the shim:
   one computes what it is given, one checks what it gave, one says that it has failed.

   The template NAME of the step is a DAG of `given` and `attempt`; NAME---attempt, which is what @retry repeats, calls the template
   and then one of the other two. */
#include "compiler/backend/argo/dag.h"
#include "compiler/backend/argo/leaf.h"

const FlowTargetBody argo_supplied;

const FlowTargetBody **argo_outside(const TargetCx *cx) {
    const Flow *f = cx->flow;
    const FlowTargetBody **of = wf_alloc_zero((f->step.len + 1) * sizeof *of);
    for (uint32_t i = 0; i < f->step.len; i++) {
        of[i] = target_body(cx, i);
        if (of[i] == NULL && f->step.data[i].body == BODY_SUPPLIED) of[i] = &argo_supplied;
    }
    return of;
}

bool argo_template_name(Str text, Str *name, Str *template) {
    const char *slash = memchr(text.p, '/', text.n);
    if (slash == NULL) return false;
    *name = (Str){text.p, (size_t)(slash - text.p)};
    *template = (Str){slash + 1, text.n - name->n - 1};
    Str part[] = {*name, *template};
    for (int i = 0; i < 2; i++) {
        if (part[i].n == 0 || part[i].n > 253) return false;
        for (size_t k = 0; k < part[i].n; k++) {
            char c = part[i].p[k];
            bool small = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
            if (!small && !(i == 0 ? c == '.' : (c >= 'A' && c <= 'Z') || c == '_')) return false;
        }
    }
    return true;
}

TypeId argo_argument_type(const Flow *f, uint32_t step, Opnd o) {
    PyExpr e = {.flow = f, .step = &f->step.data[step], .beyond = T_STRING};
    TypeId t = py_type_of(&e, o);
    py_done(&e);
    return t;
}

static const char *inner(Argo *g, const ArgoLeaf *l, const char *part) {
    return arena_printf(&g->arena, "%s---%s", l->name, part);
}

/* The artifact of an output in the container that checks it; the file of values is one, too, and is named values. */
static const char *artifact_name(Argo *g, uint32_t param) {
    return arena_printf(&g->arena, "_%s", atom_cstr(g->f->atoms, g->f->param.data[param].name));
}

static const char *param_name(const Argo *g, uint32_t param) { return atom_cstr(g->f->atoms, g->f->param.data[param].name); }

/* How much the template is given: of a person all that the step is. */
static uint32_t arguments(const Argo *g, const ArgoLeaf *l) {
    const FlowTargetBody *b = g->outside[l->step];
    return b == &argo_supplied ? g->f->step.data[l->step].nparam : b->narg;
}

static const char *argument_name(const Argo *g, const ArgoLeaf *l, uint32_t i) {
    const FlowTargetBody *b = g->outside[l->step];
    if (b == &argo_supplied) return param_name(g, g->f->step.data[l->step].param + i);
    return atom_cstr(g->f->atoms, g->f->argname.data[b->argname + i]);
}

static bool is_file(const Argo *g, const ArgoLeaf *l, uint32_t i) {
    const FlowTargetBody *b = g->outside[l->step];
    return b != &argo_supplied && argo_files(g->f, argo_argument_type(g->f, l->step, g->f->opnd.data[b->arg + i])) != FILES_NONE;
}

/* Hands an input of the template on under the same name. */
static void forward(Argo *g, ArgoArgs *args, const char *name) {
    dag_arg(args, name, arena_printf(&g->arena, "{{inputs.parameters.%s}}", name));
}

/* Opens a template and its inputs, which begin with the path of the node. */
static void open_template(Argo *g, const char *name) {
    yaml_map(&g->y);
    yaml_pair_z(&g->y, "name", name);
    leaf_open(g, "inputs", "parameters");
    leaf_parameter(g, "_node");
}

/* --- the step --- */

static void put_step(Argo *g, const ArgoLeaf *l) {
    const FlowStep *s = &g->f->step.data[l->step];
    uint32_t n = arguments(g, l);
    ArgoArgs given = {0}, attempt = {0};
    open_template(g, l->name);
    for (uint32_t i = 0; i < s->nparam; i++) leaf_parameter(g, param_name(g, s->param + i));
    leaf_close(g);
    dag_open_tasks(g);
    forward(g, &given, "_node");
    for (uint32_t i = 0; i < s->nparam; i++) forward(g, &given, param_name(g, s->param + i));
    dag_task(g, "given", inner(g, l, "given"), (Start){0}, NULL, &given);
    forward(g, &attempt, "_node");
    for (uint32_t i = 0; i < n; i++) {
        const char *name = argument_name(g, l, i);
        dag_arg(&attempt, name, arena_printf(&g->arena, "{{tasks.given.outputs.parameters.%s}}", name));
    }
    dag_task(g, "attempt", inner(g, l, "attempt"), (Start){"given.Succeeded", NULL}, NULL, &attempt);
    dag_close_tasks(g);
    dag_close(g, s->noutput > 0 ? "tasks.attempt.outputs.parameters.out" : NULL);
}

static void put_attempt(Argo *g, const ArgoLeaf *l) {
    const Flow *f = g->f;
    const FlowStep *s = &f->step.data[l->step];
    const FlowTargetBody *b = g->outside[l->step];
    const char *template = b == &argo_supplied ? inner(g, l, "asked") : arena_strndup(&g->arena, b->text.p, b->text.n);
    const char *task = b == &argo_supplied ? "asked" : "called";
    /* Its status, exit code and outputs. The first part fails where tasks are not known yet, so that the tag stays. */
    const char *ended = arena_printf(&g->arena, "{{=sprig.b64enc(tasks.%s.status + ' ' + toJson(tasks.%s))}}", task, task);
    uint32_t n = arguments(g, l);
    ArgoArgs called = {0}, taken = {0}, failed = {0};
    open_template(g, inner(g, l, "attempt"));
    for (uint32_t i = 0; i < n; i++) leaf_parameter(g, argument_name(g, l, i));
    leaf_close(g);
    argo_put_retry(g, l);
    dag_open_tasks(g);
    for (uint32_t i = 0; i < n; i++) {
        const char *name = argument_name(g, l, i);
        if (is_file(g, l, i)) dag_artifact(&called, name, arena_printf(&g->arena, "{{inputs.parameters.%s}}", name), ARG_KEY);
        else forward(g, &called, name);
    }
    if (b == &argo_supplied) forward(g, &called, "_node");
    dag_task(g, task, template, (Start){0}, NULL, &called);
    forward(g, &taken, "_node");
    dag_arg(&taken, "_ended", ended);
    for (uint32_t i = 0; i < s->noutput; i++) {
        uint32_t param = s->output + i;
        if (argo_files(f, f->param.data[param].type) == FILES_NONE) continue;
        const char *from = arena_printf(&g->arena, "{{tasks.called.outputs.artifacts.%s}}", param_name(g, param));
        dag_artifact(&taken, artifact_name(g, param), from, ARG_FROM);
    }
    dag_task(g, "taken", inner(g, l, "taken"), (Start){dag_succeeded(g, task), NULL}, NULL, &taken);
    forward(g, &failed, "_node");
    dag_arg(&failed, "_ended", ended);
    Start bad = {arena_printf(&g->arena, "%s.Failed || %s.Errored", task, task), NULL};
    dag_task(g, "failed", inner(g, l, "failed"), bad, NULL, &failed);
    dag_close_tasks(g);
    dag_close(g, s->noutput > 0 ? "tasks.taken.outputs.parameters.out" : NULL);
}

/* --- the containers --- */

/* Closes the parameters of a container's inputs, and opens its artifacts with the file of values. */
static void put_values(Argo *g, const char *lines) {
    yaml_end(&g->y);
    yaml_key(&g->y, "artifacts");
    yaml_list(&g->y);
    leaf_values(g, lines);
}

/* Closes the inputs, and writes the container. The path of the node is in the variable. */
static void put_container(Argo *g, const ArgoLeaf *l, const char *mode, const char *variable) {
    leaf_close(g);
    leaf_container(g);
    leaf_command(g, mode, l->name);
    yaml_key(&g->y, "env");
    yaml_list(&g->y);
    leaf_pair(g, variable, "{{inputs.parameters._node}}");
    leaf_close(g);
}

static void put_failure(Argo *g) {
    yaml_key(&g->y, "artifacts");
    yaml_list(&g->y);
    leaf_failure(g, "{{inputs.parameters._node}}");
    yaml_end(&g->y);
}

/* What the template is given, as texts: the values of the arguments, of files their keys. */
static void put_given(Argo *g, const ArgoLeaf *l) {
    const FlowStep *s = &g->f->step.data[l->step];
    uint32_t n = arguments(g, l);
    Buf lines = BUF_INIT;
    open_template(g, inner(g, l, "given"));
    for (uint32_t i = 0; i < s->nparam; i++) {
        const char *name = param_name(g, s->param + i);
        leaf_parameter(g, name);
        buf_printf(&lines, "%s {{inputs.parameters.%s}}\n", name, name);
    }
    put_values(g, lines.n > 0 ? buf_cstr(&lines) : "\n");
    put_container(g, l, "given", "WF_NODE");
    if (n > 0 || g->fails) {
        yaml_key(&g->y, "outputs");
        yaml_map(&g->y);
        if (n > 0) {
            yaml_key(&g->y, "parameters");
            yaml_list(&g->y);
        }
        for (uint32_t i = 0; i < n; i++) {
            const char *name = argument_name(g, l, i);
            leaf_out(g, name, arena_printf(&g->arena, "/wf/out/params/%s", name));
        }
        if (n > 0) yaml_end(&g->y);
        if (g->fails) put_failure(g);
        yaml_end(&g->y);
    }
    yaml_end(&g->y);
    buf_free(&lines);
}

/* Where the container finds what the template gave for an output that is a file. */
static const char *output_path(Argo *g, uint32_t param) {
    const Types *types = g->f->types;
    TypeId t = type_file_base(types, g->f->param.data[param].type);
    Atom format = type_kind(types, t) == TY_FILE ? type_at(types, t)->a : 0;
    return arena_printf(&g->arena, "/wf/in/%s%s%s", param_name(g, param), format != 0 ? "." : "",
                        format != 0 ? atom_cstr(g->f->atoms, format) : "");
}

/* An artifact that the template has left, in whatever archive, as a file or folder. */
static void put_given_artifact(Argo *g, uint32_t param) {
    yaml_flow_map(&g->y);
    yaml_pair_z(&g->y, "name", artifact_name(g, param));
    yaml_pair_z(&g->y, "path", output_path(g, param));
    yaml_pair_bool(&g->y, "optional", true);
    yaml_end(&g->y);
}

static void put_taken(Argo *g, const ArgoLeaf *l) {
    const Flow *f = g->f;
    const FlowStep *s = &f->step.data[l->step];
    open_template(g, inner(g, l, "taken"));
    leaf_parameter(g, "_ended");
    put_values(g, "ended {{inputs.parameters._ended}}\n");
    for (uint32_t i = 0; i < s->noutput; i++)
        if (argo_files(f, f->param.data[s->output + i].type) != FILES_NONE) put_given_artifact(g, s->output + i);
    put_container(g, l, "taken", "WF_STEP");
    leaf_outputs(g, l);
    yaml_end(&g->y);
}

static void put_failed(Argo *g, const ArgoLeaf *l) {
    open_template(g, inner(g, l, "failed"));
    leaf_parameter(g, "_ended");
    put_values(g, "ended {{inputs.parameters._ended}}\n");
    put_container(g, l, "failed", "WF_STEP");
    if (g->fails) {
        yaml_key(&g->y, "outputs");
        yaml_map(&g->y);
        put_failure(g);
        yaml_end(&g->y);
    }
    yaml_end(&g->y);
}

/* --- people --- */

static void put_choices(Argo *g, uint32_t param) {
    const Types *types = g->f->types;
    TypeId t = g->f->param.data[param].type;
    TypeKind k = type_kind(types, t);
    uint32_t n;
    if (k != TY_BOOL && k != TY_ENUM) return;
    yaml_key(&g->y, "enum");
    yaml_list(&g->y);
    if (k == TY_BOOL) {
        yaml_z(&g->y, "true");
        yaml_z(&g->y, "false");
    } else {
        const TypeField *member = type_fields(types, t, &n);
        for (uint32_t i = 0; i < n; i++) yaml_str(&g->y, atom_str(g->f->atoms, member[i].name));
    }
    yaml_end(&g->y);
}

/* A parameter that a person gives, or that is only shown and need not be given again. */
static void put_supplied(Argo *g, const char *name, bool shown) {
    yaml_flow_map(&g->y);
    yaml_pair_z(&g->y, "name", name);
    yaml_key(&g->y, "valueFrom");
    yaml_map(&g->y);
    yaml_key(&g->y, "supplied");
    yaml_map(&g->y);
    yaml_end(&g->y);
    if (shown) yaml_pair_z(&g->y, "default", "");
    yaml_end(&g->y);
    yaml_end(&g->y);
}

/* The template that suspends. The form of the engine's page has a field for each input and sends all of them as outputs, so that each
   output is an input as well, and each input an output. */
static void put_asked(Argo *g, const ArgoLeaf *l) {
    const FlowStep *s = &g->f->step.data[l->step];
    YamlOut *y = &g->y;
    yaml_map(y);
    yaml_pair_z(y, "name", inner(g, l, "asked"));
    yaml_key(y, "inputs");
    yaml_map(y);
    yaml_key(y, "parameters");
    yaml_list(y);
    leaf_parameter(g, "_node");
    for (uint32_t i = 0; i < s->nparam; i++) leaf_parameter(g, param_name(g, s->param + i));
    for (uint32_t i = 0; i < s->noutput; i++) {
        yaml_flow_map(y);
        yaml_pair_z(y, "name", param_name(g, s->output + i));
        yaml_pair_z(y, "default", "");
        put_choices(g, s->output + i);
        if (g->f->param.data[s->output + i].doc.n > 0) yaml_pair(y, "description", g->f->param.data[s->output + i].doc);
        yaml_end(y);
    }
    leaf_close(g);
    yaml_key(y, "suspend");
    yaml_map(y);
    yaml_end(y);
    yaml_key(y, "outputs");
    yaml_map(y);
    yaml_key(y, "parameters");
    yaml_list(y);
    for (uint32_t i = 0; i < s->noutput; i++) put_supplied(g, param_name(g, s->output + i), false);
    put_supplied(g, "_node", true);
    for (uint32_t i = 0; i < s->nparam; i++) put_supplied(g, param_name(g, s->param + i), true);
    leaf_close(g);
    yaml_end(y);
}

/* --- all --- */

void argo_write_outside(Argo *g, const ArgoLeaf *l) {
    const FlowTargetBody *b = g->outside[l->step];
    emit_mark(g->out, b == &argo_supplied ? g->f->step.data[l->step].span : b->span);
    put_step(g, l);
    put_attempt(g, l);
    if (b == &argo_supplied) put_asked(g, l);
    put_given(g, l);
    put_taken(g, l);
    put_failed(g, l);
}
