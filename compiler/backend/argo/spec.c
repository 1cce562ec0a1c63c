/* What the shim reads beside the values: expressions in Python, descriptions of steps, the order of calls. */
#include "compiler/backend/argo/argo.h"
#include "compiler/backend/emit/py_out.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>

Buf *argo_note(Argo *g, const char *name) {
    vec_push(&g->expr, ((ArgoText){.name = name}));
    return &vec_last(&g->expr).text;
}

/* --- leaves of operands --- */

typedef struct Leaves {
    VEC(Opnd) list;
} Leaves;

static void find_leaves(const Flow *f, Opnd o, Leaves *l) {
    OpndTag tag = opnd_tag(o);
    if (tag == OPND_EXPR) {
        const FlowExpr *x = &f->expr.data[opnd_index(o)];
        for (uint16_t i = 0; i < x->n; i++) find_leaves(f, flow_opnds(f, x->a)[i], l);
    }
    if (tag != OPND_NODE && tag != OPND_INPUT && tag != OPND_FACT) return;
    for (uint32_t i = 0; i < l->list.len; i++)
        if (l->list.data[i] == o) return;
    vec_push(&l->list, o);
}

/* The name of a leaf in Python. No name of the language ends with an underscore, so it is never a keyword or a function. */
static void leaf_name(const Scope *s, Opnd o, Buf *out) {
    const Flow *f = s->g->f;
    uint32_t i = opnd_index(o);
    const FlowRegion *r = &f->region.data[s->region];
    if (opnd_tag(o) == OPND_NODE) buf_printf(out, "%s_", atom_cstr(f->atoms, f->node.data[i].name));
    else if (opnd_tag(o) == OPND_INPUT) buf_printf(out, "%s_%u_", atom_cstr(f->atoms, f->input.data[r->input + i].name), i);
    else buf_printf(out, "run_%u_", i);
}

static void put_leaf(PyExpr *e, Opnd o) { leaf_name(e->cx, o, e->out); }

static PyExpr printer(Scope *s, Buf *out) {
    return (PyExpr){.flow = s->g->f, .out = out, .region = s->region, .leaf = put_leaf, .cx = s};
}

/* The values of the leaves: lines `NAME TEXT`, or an object. */
static const char *put_values(Scope *s, const Leaves *l, bool lines) {
    Buf b = BUF_INIT;
    if (!lines) buf_addc(&b, '{');
    for (uint32_t i = 0; i < l->list.len; i++) {
        if (!lines) buf_z(&b, i > 0 ? ", \"" : "\"");
        leaf_name(s, l->list.data[i], &b);
        buf_printf(&b, lines ? " %s\n" : "\": %s", argo_tag(s, l->list.data[i]));
    }
    if (!lines) buf_addc(&b, '}');
    const char *values = arena_strndup(&s->g->arena, b.p != NULL ? b.p : "", b.n);
    buf_free(&b);
    return values;
}

const char *argo_computation(Scope *s, const char *name, Opnd o, bool lines) {
    Leaves l = {0};
    find_leaves(s->g->f, o, &l);
    VEC(PyInput) inputs = {0};
    PyExpr e = printer(s, NULL);
    for (uint32_t i = 0; i < l.list.len; i++) {
        Buf b = BUF_INIT;
        leaf_name(s, l.list.data[i], &b);
        vec_push(&inputs, ((PyInput){arena_strndup(&s->g->arena, b.p, b.n), py_type_of(&e, l.list.data[i])}));
        buf_free(&b);
    }
    py_compute(argo_note(s->g, name), &e, o, inputs.data, inputs.len, NULL);
    const char *values = put_values(s, &l, lines);
    py_done(&e);
    vec_free(&inputs);
    vec_free(&l.list);
    return values;
}

/* --- loops --- */

static void put_functions(PyExpr *e, JsonOut *j, const uint8_t *used) {
    Buf text = BUF_INIT, *around = e->out;
    e->out = &text;
    for (uint32_t i = 0; i < e->flow->fn.len; i++)
        if (used[i]) py_fn(e, i, 0);
    json_key(j, "functions");
    json_string(j->b, buf_view(&text));
    e->out = around;
    buf_free(&text);
}

/* The inputs of the item's region seen from inside its filter: the row, or what its captures are outside. */
typedef struct Filter {
    Scope *outer;
    RegionId region;
    uint32_t rows;
} Filter;

static void put_filter_leaf(PyExpr *e, Opnd o) {
    const Filter *x = e->cx;
    const Flow *f = e->flow;
    static const char *const row[] = {"i_", "x_", "y_"};
    if (opnd_tag(o) == OPND_INPUT && opnd_index(o) < 1 + x->rows) {
        buf_z(e->out, row[opnd_index(o)]);
        return;
    }
    if (opnd_tag(o) == OPND_INPUT) o = f->input.data[f->region.data[x->region].input + opnd_index(o)].from;
    leaf_name(x->outer, o, e->out);
}

static void filter_leaves(const Flow *f, const FlowRegion *item, uint32_t rows, Leaves *l) {
    Leaves inner = {0};
    find_leaves(f, item->guard, &inner);
    for (uint32_t i = 0; i < inner.list.len; i++) {
        Opnd o = inner.list.data[i];
        if (opnd_tag(o) == OPND_INPUT && opnd_index(o) < 1 + rows) continue;
        find_leaves(f, opnd_tag(o) == OPND_INPUT ? f->input.data[item->input + opnd_index(o)].from : o, l);
    }
    vec_free(&inner.list);
}

static void put_sources(Scope *s, JsonOut *j, PyExpr *e, const Opnd *a, uint32_t rows) {
    const Flow *f = s->g->f;
    Buf text = BUF_INIT;
    e->out = &text;
    json_key(j, "sources");
    JsonOut list = json_open(j->b, '[');
    for (uint32_t i = 0; i < rows; i++) {
        buf_clear(&text);
        py_expr(e, a[i]);
        json_item(&list);
        json_string(j->b, buf_view(&text));
    }
    json_close(&list);
    json_key(j, "types");
    list = json_open(j->b, '[');
    for (uint32_t i = 0; i < rows; i++) {
        json_item(&list);
        py_type_json(j->b, f, type_inner(f->types, py_type_of(e, a[i])));
    }
    json_close(&list);
    buf_free(&text);
}

static void put_filter(Scope *s, JsonOut *j, const FlowRegion *item, RegionId region, uint32_t rows, uint8_t *used) {
    Buf text = BUF_INIT;
    Filter x = {s, region, rows};
    PyExpr e = {.flow = s->g->f, .out = &text, .region = region, .leaf = put_filter_leaf, .cx = &x};
    buf_z(&text, rows == 2 ? "lambda i_, x_, y_: " : "lambda i_, x_: ");
    py_expr(&e, item->guard);
    py_done(&e);
    py_fns_used(s->g->f, item->guard, used);
    json_key(j, "filter");
    json_string(j->b, buf_view(&text));
    buf_free(&text);
}

const char *argo_items_spec(Scope *s, const char *name, NodeId each) {
    const Flow *f = s->g->f;
    const FlowNode *n = &f->node.data[each];
    const Opnd *a = flow_opnds(f, n->arg);
    const FlowRegion *item = &f->region.data[n->region];
    uint32_t rows = n->nargs > 1 && a[1] != OPND_ABSENT ? 2 : 1;
    Leaves l = {0};
    uint8_t *used = wf_alloc_zero(f->fn.len + 1);
    for (uint32_t i = 0; i < rows; i++) {
        find_leaves(f, a[i], &l);
        py_fns_used(f, a[i], used);
    }
    if (item->guard != OPND_ABSENT) filter_leaves(f, item, rows, &l);
    Buf *b = argo_note(s->g, name);
    JsonOut j = json_open(b, '{');
    PyExpr e = printer(s, NULL);
    json_key(&j, "inputs");
    JsonOut list = json_open(b, '[');
    for (uint32_t i = 0; i < l.list.len; i++) {
        Buf leaf = BUF_INIT;
        leaf_name(s, l.list.data[i], &leaf);
        json_item(&list);
        JsonOut input = json_open(b, '[');
        json_item(&input);
        json_string(b, buf_view(&leaf));
        json_item(&input);
        py_type_json(b, f, py_type_of(&e, l.list.data[i]));
        json_close(&input);
        buf_free(&leaf);
    }
    json_close(&list);
    put_sources(s, &j, &e, a, rows);
    if (item->guard != OPND_ABSENT) put_filter(s, &j, item, n->region, rows, used);
    put_functions(&e, &j, used);
    json_close(&j);
    const char *values = put_values(s, &l, true);
    py_done(&e);
    free(used);
    vec_free(&l.list);
    return values;
}

void argo_gather_spec(Argo *g, const char *name, NodeId each) {
    Buf *b = argo_note(g, name);
    const FlowSetting *share = flow_setting(g->f, g->f->node.data[each].settings, SET_TOLERATE);
    JsonOut j = json_open(b, '{');
    json_key(&j, "tolerate");
    if (share != NULL) json_double(b, g->f->constant.data[opnd_index(share->value)].f);
    else json_int(b, 0);
    json_close(&j);
}

bool argo_limits_spec(Argo *g, const char *name, uint32_t workflow, Buf *lines) {
    const Flow *f = g->f;
    const FlowWorkflow *w = &f->workflow.data[workflow];
    Buf limits = BUF_INIT;
    if (!py_limits_json(&limits, f, w->param, w->nparam)) return false;
    JsonOut j = json_open(argo_note(g, name), '{');
    json_key(&j, "limits");
    buf_str(j.b, buf_view(&limits));
    json_key(&j, "inputs");
    JsonOut list = json_open(j.b, '[');
    for (uint32_t i = 0; i < w->nparam; i++) {
        const FlowParam *p = &f->param.data[w->param + i];
        json_item(&list);
        JsonOut one = json_open(j.b, '[');
        json_item(&one);
        json_string(j.b, atom_str(f->atoms, p->name));
        json_item(&one);
        py_type_json(j.b, f, p->type);
        json_close(&one);
        buf_printf(lines, "%s {{inputs.parameters.%s}}\n", atom_cstr(f->atoms, p->name), atom_cstr(f->atoms, p->name));
    }
    json_close(&list);
    json_close(&j);
    buf_free(&limits);
    return true;
}

/* --- the order of calls --- */

static void put_order(const Flow *f, JsonOut *j, RegionId region);

/* What is caught is told apart in paths. */
static void put_block(const Flow *f, JsonOut *j, RegionId region) {
    if (f->region.data[region].kind != REGION_CAUGHT) {
        put_order(f, j, region);
        return;
    }
    json_key(j, "catch");
    JsonOut at = json_open(j->b, '[');
    json_item(&at);
    json_int(j->b, f->region.data[region].span.off);
    json_item(&at);
    JsonOut inner = json_open(j->b, '{');
    put_order(f, &inner, region);
    json_close(&inner);
    json_close(&at);
}

static void put_place(const Flow *f, JsonOut *j, NodeId id) {
    const FlowNode *n = &f->node.data[id];
    json_key_str(j, atom_str(f->atoms, n->name));
    JsonOut at = json_open(j->b, '[');
    json_item(&at);
    json_int(j->b, f->node_span.data[id].off);
    if (n->nregions > 0 || n->kind == NODE_SUB) {
        json_item(&at);
        JsonOut inner = json_open(j->b, '{');
        for (uint16_t i = 0; i < n->nregions; i++) put_block(f, &inner, n->region + i);
        if (n->kind == NODE_SUB) put_order(f, &inner, f->workflow.data[n->ref].body);
        json_close(&inner);
    }
    json_close(&at);
}

static void put_order(const Flow *f, JsonOut *j, RegionId region) {
    const FlowRegion *r = &f->region.data[region];
    for (uint32_t i = 0; i < r->n; i++) put_place(f, j, r->first + i);
}

void argo_order_spec(Argo *g, const char *name, RegionId region) {
    JsonOut j = json_open(argo_note(g, name), '{');
    put_order(g->f, &j, region);
    json_close(&j);
}

/* --- steps --- */

const char *argo_script_name(Argo *g, const ArgoLeaf *l) {
    const FlowStep *s = &g->f->step.data[l->step];
    if (s->body != BODY_FENCE || g->outside[l->step] != NULL) return NULL;
    Str lang = atom_str(g->f->atoms, s->lang);
    const char *ext = str_is(lang, "python") ? "py" : str_is(lang, "node") ? "js" : "sh";
    return arena_printf(&g->arena, "%s.%s", l->name, ext);
}

static void put_param(PyExpr *e, Opnd o) {
    const FlowStep *s = e->step;
    uint32_t i = opnd_index(o);
    if (i < s->nparam) {
        buf_z(e->out, "v[");
        py_z(e->out, atom_cstr(e->flow->atoms, e->flow->param.data[s->param + i].name));
        buf_addc(e->out, ']');
    } else if (type_kind(e->flow->types, e->beyond) == TY_STRING) {
        buf_z(e->out, "v[");
        py_z(e->out, atom_cstr(e->flow->atoms, e->flow->param.data[s->output + i - s->nparam].name));
        buf_addc(e->out, ']');
    } else {
        buf_addc(e->out, 'e');
    }
}

typedef struct StepOut {
    Argo *g;
    const ArgoLeaf *l;
    const FlowStep *s;
    JsonOut j;
    uint8_t *used;
} StepOut;

static void put_setting(StepOut *x, Setting key, const char *name) {
    const FlowSetting *v = argo_setting(x->g, x->l, key);
    if (v == NULL || v->value == OPND_ABSENT || x->g->outside[x->l->step] != NULL) return;
    Buf text = BUF_INIT;
    PyExpr e = {.flow = x->g->f, .out = &text, .step = x->s, .beyond = x->g->f->failure, .leaf = put_param};
    py_expr(&e, v->value);
    py_done(&e);
    py_fns_used(x->g->f, v->value, x->used);
    json_key(&x->j, name);
    json_string(x->j.b, buf_view(&text));
    buf_free(&text);
}

/* What a template of the cluster is given: [name, expression, type] each. A person is shown what the step is given. */
static void put_arguments(StepOut *x, const FlowTargetBody *b) {
    const Flow *f = x->g->f;
    Buf text = BUF_INIT;
    if (b == &argo_supplied) return;
    json_key(&x->j, "template");
    json_string(x->j.b, b->text);
    json_key(&x->j, "arguments");
    JsonOut list = json_open(x->j.b, '[');
    for (uint32_t i = 0; i < b->narg; i++) {
        Opnd o = f->opnd.data[b->arg + i];
        PyExpr e = {.flow = f, .out = &text, .step = x->s, .beyond = T_STRING, .leaf = put_param};
        buf_clear(&text);
        py_expr(&e, o);
        py_fns_used(f, o, x->used);
        json_item(&list);
        JsonOut one = json_open(x->j.b, '[');
        json_item(&one);
        json_string(x->j.b, atom_str(f->atoms, f->argname.data[b->argname + i]));
        json_item(&one);
        json_string(x->j.b, buf_view(&text));
        json_item(&one);
        py_type_json(x->j.b, f, py_type_of(&e, o));
        json_close(&one);
        py_done(&e);
    }
    json_close(&list);
    buf_free(&text);
}

static void put_body(StepOut *x) {
    const FlowStep *s = x->s;
    const Flow *f = x->g->f;
    if (x->g->outside[x->l->step] != NULL) {
        put_arguments(x, x->g->outside[x->l->step]);
        return;
    }
    Str lang = s->body == BODY_EXEC ? STR("exec") : atom_str(f->atoms, s->lang);
    json_key(&x->j, "body");
    json_string(x->j.b, lang);
    if (s->body == BODY_FENCE) {
        json_key(&x->j, "code_file");
        json_z(x->j.b, argo_script_name(x->g, x->l));
        json_key(&x->j, "file");
        Str path = str_of(f->sources->file[s->span.file].path);
        json_string(x->j.b, x->g->unit ? path_base(path) : path); /* what others refer to is the same wherever it is compiled */
        json_key(&x->j, "line");
        json_int(x->j.b, s->code_line);
        return;
    }
    Buf text = BUF_INIT;
    PyExpr e = {.flow = f, .out = &text, .step = s, .beyond = T_STRING, .leaf = put_param};
    py_argv(&e);
    py_done(&e);
    for (uint32_t i = 0; i < s->nargv; i++) py_fns_used(f, f->opnd.data[s->argv + i], x->used);
    json_key(&x->j, "argv");
    json_string(x->j.b, buf_view(&text));
    buf_free(&text);
}

static void put_params(StepOut *x, const char *key, uint32_t first, uint32_t n, bool outputs) {
    const Flow *f = x->g->f;
    const FlowSetting *printed = argo_setting(x->g, x->l, SET_STDOUT);
    Str which = printed != NULL ? f->constant.data[opnd_index(printed->value)].s : STR("");
    json_key(&x->j, key);
    JsonOut list = json_open(x->j.b, '[');
    for (uint32_t i = 0; i < n; i++) {
        const FlowParam *p = &f->param.data[first + i];
        json_item(&list);
        JsonOut one = json_open(x->j.b, '[');
        json_item(&one);
        json_string(x->j.b, atom_str(f->atoms, p->name));
        json_item(&one);
        py_type_json(x->j.b, f, p->type);
        json_item(&one);
        json_bool(x->j.b, outputs ? printed != NULL && (which.n == 0 || str_eq(which, atom_str(f->atoms, p->name))) : p->load);
        json_close(&one);
    }
    json_close(&list);
}

/* What @range and @pattern say of parameters. */
static void put_limits(const Argo *g, JsonOut *j, uint32_t first, uint32_t n) {
    Buf limits = BUF_INIT;
    if (py_limits_json(&limits, g->f, first, n)) {
        json_key(j, "limits");
        buf_str(j->b, buf_view(&limits));
    }
    buf_free(&limits);
}

static void put_step(Argo *g, const ArgoLeaf *l, Buf *out) {
    const Flow *f = g->f;
    StepOut x = {g, l, &f->step.data[l->step], json_open(out, '{'), wf_alloc_zero(f->fn.len + 1)};
    json_key(&x.j, "step");
    json_string(out, atom_str(f->atoms, x.s->name));
    put_body(&x);
    put_params(&x, "inputs", x.s->param, x.s->nparam, false);
    put_params(&x, "outputs", x.s->output, x.s->noutput, true);
    put_limits(g, &x.j, x.s->param, x.s->nparam);
    json_key(&x.j, "single");
    json_bool(out, x.s->noutput == 1);
    put_setting(&x, SET_TIMEOUT, "timeout");
    put_setting(&x, SET_TIMEOUT_TOTAL, "total");
    put_setting(&x, SET_RETRY_ON, "on");
    argo_delays_spec(g, l, &x.j);
    put_setting(&x, SET_ENV, "env");
    put_setting(&x, SET_PACKAGES, "packages_text");
    put_setting(&x, SET_PYTHON, "python_text");
    if (argo_setting(g, l, SET_CODE) != NULL && g->outside[l->step] == NULL) {
        json_key(&x.j, "code_dir");
        json_z(out, g->code_dir);
    }
    PyExpr e = {.flow = f, .leaf = put_param, .step = x.s};
    put_functions(&e, &x.j, x.used);
    py_done(&e);
    json_close(&x.j);
    free(x.used);
}

/* --- keys of the cache --- */

/* Appends what names the bytes. Only the author of the workflow chooses them, so that nobody gains by two that agree. */
static void put_digest(Buf *out, Str bytes) {
    XXH128_hash_t h = XXH3_128bits(bytes.p, bytes.n);
    buf_printf(out, "%016" PRIx64 "%016" PRIx64, h.high64, h.low64);
}

/* Of what computes arguments inside a step's container. */
static const char *digest_computing(Argo *g) {
    Buf all = BUF_INIT, digest = BUF_INIT;
    buf_str(&all, g->cx->shim);
    buf_str(&all, g->cx->node_shim);
    for (uint32_t i = 0; i < g->expr.len; i++) {
        buf_printf(&all, "\n%s ", g->expr.data[i].name);
        buf_str(&all, buf_view(&g->expr.data[i].text));
    }
    put_digest(&digest, buf_view(&all));
    const char *text = arena_strndup(&g->arena, digest.p, digest.n);
    buf_free(&all);
    buf_free(&digest);
    return text;
}

const char *argo_cache_key(Argo *g, const ArgoLeaf *l) {
    const FlowStep *s = &g->f->step.data[l->step];
    const FlowConst *image = argo_image(g, l);
    Buf step = BUF_INIT, key = BUF_INIT;
    if (g->computing == NULL) g->computing = digest_computing(g);
    put_step(g, l, &step);
    buf_printf(&step, "\n%s\n", g->computing);
    buf_str(&step, image != NULL ? image->s : str_of(g->image));
    buf_addc(&step, '\n');
    if (s->body == BODY_FENCE) buf_str(&step, s->code);
    put_digest(&key, buf_view(&step));
    for (uint32_t i = 0; i < s->nparam; i++) { /* they are JSON: a blank between them cannot be mistaken */
        const char *name = atom_cstr(g->f->atoms, g->f->param.data[s->param + i].name);
        buf_z(&key, i == 0 ? "-{{=sprig.sha256sum(" : " + ' ' + ");
        argo_path(&key, arena_printf(&g->arena, "inputs.parameters.%s", name));
    }
    if (s->nparam > 0) buf_z(&key, ")}}");
    const char *text = arena_strndup(&g->arena, key.p, key.n);
    buf_free(&step);
    buf_free(&key);
    return text;
}

void argo_steps_spec(Argo *g, Buf *out) {
    const Flow *f = g->f;
    buf_z(out, "{");
    for (uint32_t i = 0; i < g->leaf.len; i++) {
        buf_z(out, i > 0 ? ",\n" : "\n");
        json_z(out, g->leaf.data[i].name);
        buf_z(out, ": ");
        put_step(g, &g->leaf.data[i], out);
    }
    const FlowWorkflow *w = &f->workflow.data[g->cx->workflow];
    if (w->nparam > 0 && !g->unit) {
        buf_printf(out, "%s\n\"%s\": ", g->leaf.len > 0 ? "," : "", g->root);
        JsonOut j = json_open(out, '{');
        put_limits(g, &j, w->param, w->nparam);
        json_key(&j, "params");
        JsonOut list = json_open(out, '[');
        for (uint32_t i = 0; i < w->nparam; i++) {
            const FlowParam *p = &f->param.data[w->param + i];
            json_item(&list);
            JsonOut one = json_open(out, '{');
            json_key(&one, "name");
            json_string(out, atom_str(f->atoms, p->name));
            json_key(&one, "type");
            py_type_json(out, f, p->type);
            json_close(&one);
        }
        json_close(&list);
        json_close(&j);
    }
    buf_z(out, "\n}\n");
}
