/* The states of each kind of node. Their names begin with the node's static path. */
#include "compiler/backend/emit/py_out.h"
#include "compiler/backend/stepfunctions/asl.h"

#include <inttypes.h>
#include <stdlib.h>

static const FlowNode *node_at(const Asl *a, NodeId n) { return &a->flow->node.data[n]; }
static Opnd operand(const Asl *a, NodeId n, uint32_t i) {
    return i < node_at(a, n)->nargs ? flow_opnds(a->flow, node_at(a, n)->arg)[i] : OPND_ABSENT;
}
static const char *plain_name(const Asl *a, NodeId n) { return atom_cstr(a->flow->atoms, node_at(a, n)->name); }

/* A binding that is another value's field, or a constant, needs no state. */
static bool is_alias(const Asl *a, const Scope *s, NodeId n) {
    const Scope *at = s;
    Opnd o = operand(a, n, 0);
    asl_resolve(a, &at, &o);
    Buf path = BUF_INIT;
    bool alias = opnd_tag(o) == OPND_CONST ? asl_simple(a, at, o) : asl_path(a, at, o, &path);
    buf_free(&path);
    return alias;
}

bool asl_stands(const Asl *a, const Scope *s, NodeId n) {
    const FlowNode *x = node_at(a, n);
    if (x->kind == NODE_GATE) return false;
    if (x->kind != NODE_LET || a->kept[n]) return true;
    /* Kept, since bindings of bindings would be looked at again and again. */
    Scope *known = (Scope *)s;
    const FlowRegion *r = &a->flow->region.data[s->region];
    if (known->stands == NULL) known->stands = ARENA_ARRAY((Arena *)&a->arena, uint8_t, r->n + 1);
    uint8_t *found = &known->stands[n - r->first];
    if (*found == 0) *found = is_alias(a, s, n) ? 1 : 2;
    return *found == 2;
}

/* --- calls --- */

/* What a call's arguments and what stands on it refer to. Malloc'ed. */
static Opnd *call_operands(const Asl *a, NodeId n, uint32_t *count) {
    static const Setting settings[] = {SET_TIMEOUT, SET_TIMEOUT_TOTAL, SET_ENV};
    const FlowNode *x = node_at(a, n);
    Opnd *o = wf_alloc((x->nargs + 4u) * sizeof *o);
    *count = 0;
    for (uint32_t i = 0; i < x->nargs; i++) o[(*count)++] = operand(a, n, i);
    for (int i = 0; i < 3; i++) {
        const FlowSetting *y = flow_setting(a->flow, x->settings, settings[i]);
        if (y != NULL) o[(*count)++] = y->value;
    }
    return o;
}

void asl_object_key(Asl *a, const Scope *s, JsonOut *j, const char *key, const char *node, const char *file, bool whole) {
    Str prefix = STR("");
    if (whole) target_string(a->cx, "prefix", &prefix);
    const char *path[2] = {"$.c.run.id", s->at};
    const char *format = arena_printf(&a->arena, "%.*s%s{}/%s%s", STR_ARG(prefix), prefix.n > 0 ? "/" : "",
                                      asl_path_format(a, s, node), file);
    asl_format(a, j, key, format, path, s->at != NULL ? 2 : 1);
}

/* What a container reads first, or a function is called with. */
static void put_order(Asl *a, const Scope *s, JsonOut *body, NodeId n, const char *base) {
    uint32_t count;
    Opnd *o = call_operands(a, n, &count);
    asl_put(a, body, "call", base);
    asl_node_path(a, s, body, "node", plain_name(a, n));
    asl_path_field(a, body, "run", "$.c.run.id");
    asl_leaves(a, s, body, "d", o, count);
    free(o);
}

static void inputs_state(Asl *a, const Scope *s, NodeId n, const char *base) {
    JsonOut j = asl_state(a, asl_name(a, base, "inputs"), "Task");
    asl_put(a, &j, "Resource", "arn:aws:states:::aws-sdk:s3:putObject");
    json_key(&j, "Parameters");
    JsonOut p = json_open(&a->json, '{');
    asl_setting(a, &p, "Bucket", "bucket");
    asl_object_key(a, s, &p, "Key", plain_name(a, n), "/in.json", true);
    json_key(&p, "Body");
    JsonOut body = json_open(&a->json, '{');
    put_order(a, s, &body, n, base);
    json_close(&body);
    json_close(&p);
    json_key(&j, "ResultPath");
    buf_z(&a->json, "null");
    asl_task_end(a, &j, "s3", base, base);
}

static void outcome_state(Asl *a, const Scope *s, NodeId n, const char *base, const char *key) {
    JsonOut j = asl_state(a, asl_name(a, base, "outcome"), "Task");
    asl_put(a, &j, "Resource", "arn:aws:states:::aws-sdk:s3:getObject");
    json_key(&j, "Parameters");
    JsonOut p = json_open(&a->json, '{');
    asl_setting(a, &p, "Bucket", "bucket");
    asl_object_key(a, s, &p, "Key", plain_name(a, n), "/outcome.json", true);
    json_close(&p);
    json_key(&j, "ResultSelector");
    JsonOut r = json_open(&a->json, '{');
    asl_path_field(a, &r, "o", "States.StringToJson($.Body)");
    json_close(&r);
    asl_put(a, &j, "ResultPath", arena_printf(&a->arena, "$.v.%s", key));
    asl_task_end(a, &j, "s3", base, asl_check_name(a, base));
}

/* A function answers with the outcome itself. It raises an error to be called again; after the last time the outcome stands in
   the store. */
static void function_state(Asl *a, const Scope *s, NodeId n, const char *base, const char *key) {
    JsonOut j = asl_state(a, base, "Task");
    asl_put(a, &j, "Resource", "arn:aws:states:::lambda:invoke");
    json_key(&j, "Parameters");
    JsonOut p = json_open(&a->json, '{');
    asl_setting(a, &p, "FunctionName", "function");
    json_key(&p, "Payload");
    JsonOut payload = json_open(&a->json, '{');
    asl_put(a, &payload, "do", "call");
    put_order(a, s, &payload, n, base);
    json_close(&payload);
    json_close(&p);
    json_key(&j, "ResultSelector");
    buf_z(&a->json, "{\"o.$\":\"$.Payload\"}");
    asl_put(a, &j, "ResultPath", arena_printf(&a->arena, "$.v.%s", key));
    asl_policy(a, &j, n);
    asl_catch(a, &j, "$.e", asl_name(a, base, "outcome"));
    asl_put(a, &j, "Next", asl_check_name(a, base));
    json_close(&j);
}

static bool by_function(const Asl *a) { return strcmp(asl_runner(a->cx), "lambda") == 0; }

static void call(Asl *a, const Scope *s, NodeId n, const char *next) {
    const char *base = asl_node_name(a, s, n), *key = asl_node_key(a, s, n);
    if (!by_function(a)) inputs_state(a, s, n, base);
    asl_mark(a, a->flow->node_span.data[n]);
    if (by_function(a)) function_state(a, s, n, base, key);
    else asl_run(a, s, n, base, asl_name(a, base, "outcome"));
    outcome_state(a, s, n, base, key);
    asl_key(a, key);
    asl_check(a, s, base, plain_name(a, n), key, next);
    uint32_t count;
    Opnd *o = call_operands(a, n, &count);
    asl_module_call(a, s, n, o, count);
    free(o);
}

/* --- regions in place --- */

/* A region in place of the node: its states and keys begin with `name`, the paths of its calls with `path`. */
static Scope *inside(Asl *a, const Scope *s, RegionId region, const char *name, const char *path) {
    Scope *x = ARENA_NEW(&a->arena, Scope);
    *x = (Scope){.up = s, .region = region, .call = UINT32_MAX, .at = s->at, .end = s->end};
    x->name = arena_printf(&a->arena, "%s%s.", s->name, name);
    x->path = arena_printf(&a->arena, "%s%s.", s->path, path);
    x->tail = arena_printf(&a->arena, "%s%s.", s->tail, path);
    Buf key = BUF_INIT;
    buf_z(&key, s->key);
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '.') buf_z(&key, "__");
        else buf_addc(&key, *c);
    }
    x->key = arena_printf(&a->arena, "%s__", buf_cstr(&key));
    buf_free(&key);
    return x;
}

/* Arms are told apart by their names, and by their numbers where two are called alike or have none. */
static const Scope *arm_scope(Asl *a, const Scope *s, NodeId n, uint32_t i) {
    const FlowNode *x = node_at(a, n);
    Atom name = a->flow->region.data[x->region + i].name;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    bool word = name != 0 && strspn(atom_cstr(a->flow->atoms, name), letters) == atom_str(a->flow->atoms, name).n;
    for (uint32_t k = 0; k < x->nregions; k++) word = word && (k == i || a->flow->region.data[x->region + k].name != name);
    const char *arm = word ? atom_cstr(a->flow->atoms, name) : arena_printf(&a->arena, "case%u", i);
    return inside(a, s, x->region + i, arena_printf(&a->arena, "%s.%s", plain_name(a, n), arm), plain_name(a, n));
}

static const char *value_key(const Asl *a, const Scope *s, NodeId n) {
    return node_at(a, n)->type == T_NOTHING ? NULL : asl_node_key(a, s, n);
}

static const char *region_value(Asl *a, const Scope *inner) {
    return asl_name(a, arena_printf(&a->arena, "%.*s", (int)strlen(inner->name) - 1, inner->name), "value");
}

static const char *inner_entry(Asl *a, const Scope *inner, const char *key, const char *next) {
    return asl_region_entry(a, inner, key != NULL ? region_value(a, inner) : NULL, next);
}

static void inner_region(Asl *a, const Scope *inner, const char *key, const char *next) {
    asl_region(a, inner, key != NULL ? region_value(a, inner) : NULL, key, next);
}

/* --- branches --- */

typedef struct Case {
    Buf rule; /* empty of the last, which is for all else */
    uint32_t arm;
} Case;

/* How a branch is chosen: by rules over the data, or by those over the number that "x: which" computes. */
typedef struct Selector {
    VEC(Case) cases;
    bool native;
} Selector;

static void selector_free(Selector *x) {
    for (uint32_t i = 0; i < x->cases.len; i++) buf_free(&x->cases.data[i].rule);
    vec_free(&x->cases);
}

static bool constant_arm(const Asl *a, Opnd o, uint32_t *arm) {
    if (opnd_tag(o) != OPND_CONST) return false;
    *arm = (uint32_t)a->flow->constant.data[opnd_index(o)].i;
    return true;
}

/* The cases of a selector that is a chain of conditions with constant results. */
static bool native_cases(const Asl *a, const Scope *s, Opnd o, Selector *x) {
    const Flow *f = a->flow;
    Case one = {0};
    for (;;) {
        asl_resolve(a, &s, &o);
        if (constant_arm(a, o, &one.arm)) {
            vec_push(&x->cases, one);
            return true;
        }
        if (opnd_tag(o) != OPND_EXPR || f->expr.data[opnd_index(o)].op != FLOW_IF) return false;
        const Opnd *part = flow_opnds(f, f->expr.data[opnd_index(o)].a);
        if (!constant_arm(a, part[1], &one.arm)) return false;
        vec_push(&x->cases, one);
        if (!asl_rule(a, s, part[0], &vec_last(&x->cases).rule)) return false;
        o = part[2];
    }
}

static Selector selector_of(const Asl *a, const Scope *s, NodeId n) {
    Selector x = {0};
    x.native = native_cases(a, s, operand(a, n, 0), &x);
    if (x.native) return x;
    selector_free(&x);
    for (uint32_t i = 0; i < node_at(a, n)->nregions; i++) {
        Case one = {.arm = i};
        buf_printf(&one.rule, "\"Variable\":\"$.v.%s__which__.o.value\",\"NumericEquals\":%u", asl_node_key(a, s, n), i);
        vec_push(&x.cases, one);
    }
    return x;
}

static const char *pick_entry(Asl *a, const Scope *s, NodeId n, const char *next) {
    Selector x = selector_of(a, s, n);
    const char *base = asl_node_name(a, s, n), *name = x.native ? base : asl_name(a, base, "which");
    if (x.cases.len == 1) name = inner_entry(a, arm_scope(a, s, n, x.cases.data[0].arm), value_key(a, s, n), next);
    selector_free(&x);
    return name;
}

static void put_choice(Asl *a, NodeId n, const char *base, const Selector *which, const char *const *entry) {
    asl_mark(a, a->flow->node_span.data[n]);
    JsonOut j = asl_state(a, base, "Choice");
    json_key(&j, "Choices");
    JsonOut list = json_open(&a->json, '[');
    for (uint32_t i = 0; i + 1 < which->cases.len; i++) {
        const Case *one = &which->cases.data[i];
        json_item(&list);
        buf_printf(&a->json, "{%.*s,\"Next\":", STR_ARG(buf_view(&one->rule)));
        json_z(&a->json, entry[one->arm]);
        buf_addc(&a->json, '}');
    }
    json_close(&list);
    asl_put(a, &j, "Default", entry[vec_last(&which->cases).arm]);
    json_close(&j);
}

/* A choice that is made already has no state; arms that nothing leads to are left out. */
static void pick(Asl *a, const Scope *s, NodeId n, const char *next) {
    const FlowNode *x = node_at(a, n);
    const char *base = asl_node_name(a, s, n), *key = asl_node_key(a, s, n), *value = value_key(a, s, n);
    Selector which = selector_of(a, s, n);
    if (!which.native && which.cases.len > 1)
        asl_value(a, s, asl_name(a, base, "which"), plain_name(a, n), arena_printf(&a->arena, "%s__which__", key),
                  operand(a, n, 0), base);
    const Scope **arm = ARENA_ARRAY(&a->arena, const Scope *, x->nregions);
    const char **entry = ARENA_ARRAY(&a->arena, const char *, x->nregions);
    for (uint32_t i = 0; i < which.cases.len; i++) {
        uint32_t k = which.cases.data[i].arm;
        if (arm[k] == NULL) arm[k] = arm_scope(a, s, n, k);
        entry[k] = inner_entry(a, arm[k], value, next);
    }
    if (which.cases.len > 1) put_choice(a, n, base, &which, entry);
    for (uint32_t i = 0; i < x->nregions; i++)
        if (arm[i] != NULL) inner_region(a, arm[i], value, next);
    selector_free(&which);
}

static bool pick_stops(Asl *a, const Scope *s, NodeId n) {
    Selector which = selector_of(a, s, n);
    bool stops = true;
    for (uint32_t i = 0; stops && i < which.cases.len; i++)
        stops = asl_region_stops(a, arm_scope(a, s, n, which.cases.data[i].arm));
    selector_free(&which);
    return stops;
}

/* --- try --- */

static const Scope *tried_scope(Asl *a, const Scope *s, NodeId n) {
    return inside(a, s, node_at(a, n)->region, plain_name(a, n), plain_name(a, n));
}

static const Scope *caught_scope(Asl *a, const Scope *s, NodeId n) {
    const char *name = arena_printf(&a->arena, "%s.catch", plain_name(a, n));
    return inside(a, s, node_at(a, n)->region + 1, name, name);
}

static void try_node(Asl *a, const Scope *s, NodeId n, const char *next) {
    const char *base = asl_node_name(a, s, n), *key = asl_node_key(a, s, n), *value = value_key(a, s, n);
    const Scope *tried = tried_scope(a, s, n), *caught = caught_scope(a, s, n);
    Exit handler = {asl_name(a, base, "catch"), false}, *around = a->exit;
    bool hot = a->hot;
    a->exit = &handler;
    a->hot = false;
    inner_region(a, tried, value, next);
    a->exit = around;
    a->hot = hot;
    if (!handler.used) return; /* nothing in it can fail */
    const char *first = arena_printf(&a->arena, "%s__caught__", key);
    JsonOut j = asl_state(a, handler.state, "Pass");
    asl_put(a, &j, "InputPath", "$.e.o.failures[0]");
    asl_put(a, &j, "ResultPath", arena_printf(&a->arena, "$.v.%s", first));
    asl_put(a, &j, "Next", inner_entry(a, caught, value, next));
    json_close(&j);
    asl_key(a, first);
    inner_region(a, caught, value, next);
}

/* --- loops --- */

/* How a Map gets its items: a path, and how it reads the parts of one. */
typedef struct Source {
    bool computed; /* by "x: list" into $.v.KEY__list */
    bool tuples;   /* items are {"i", "x", "y"} */
} Source;

static Source source_of(const Asl *a, const Scope *s, NodeId n) {
    const FlowRegion *r = &a->flow->region.data[node_at(a, n)->region];
    Source x = {.tuples = operand(a, n, 1) != OPND_ABSENT || r->guard != OPND_ABSENT};
    Buf path = BUF_INIT;
    x.computed = x.tuples || !asl_path(a, s, operand(a, n, 0), &path);
    buf_free(&path);
    return x;
}

static const char *each_entry(Asl *a, const Scope *s, NodeId n) {
    const char *base = asl_node_name(a, s, n);
    return source_of(a, s, n).computed ? asl_name(a, base, "list") : base;
}

/* An item of a Map: its own data, which the selector makes. */
static const Scope *item_scope(Asl *a, const Scope *s, NodeId n) {
    Scope *x = ARENA_NEW(&a->arena, Scope);
    *x = (Scope){.up = s, .region = node_at(a, n)->region, .call = UINT32_MAX, .key = "", .at = "$.c.at", .tail = ""};
    x->name = arena_printf(&a->arena, "%s.", asl_node_name(a, s, n));
    x->path = arena_printf(&a->arena, "%s%s.", s->path, plain_name(a, n));
    return x;
}

static void item_selector(Asl *a, const Scope *s, NodeId n, Source source, const Names *keys, bool nulls) {
    const Flow *f = a->flow;
    const FlowRegion *r = &f->region.data[node_at(a, n)->region];
    static const char *const plain[] = {"$$.Map.Item.Index", "$$.Map.Item.Value"};
    static const char *const tuple[] = {"$$.Map.Item.Value.i", "$$.Map.Item.Value.x", "$$.Map.Item.Value.y"};
    const char *const *part = source.tuples ? tuple : plain;
    JsonOut item = json_open(&a->json, '{');
    json_key(&item, "c");
    JsonOut c = json_open(&a->json, '{');
    asl_path_field(a, &c, "run", "$.c.run");
    const char *path[2] = {s->at, part[0]};
    asl_format(a, &c, "at", arena_printf(&a->arena, "%s[{}]", asl_path_format(a, s, plain_name(a, n))),
               s->at != NULL ? path : path + 1, s->at != NULL ? 2 : 1);
    static const char *const names[] = {"index", "item", "second"};
    uint32_t k = 0;
    for (; k < r->ninput && f->input.data[r->input + k].from == OPND_ABSENT; k++) asl_path_field(a, &c, names[k], part[k]);
    json_key(&c, "in");
    JsonOut in = json_open(&a->json, '{');
    for (; k < r->ninput; k++) asl_field(a, s, &in, asl_input_name(a, r, k), f->input.data[r->input + k].from);
    json_close(&in);
    json_close(&c);
    json_key(&item, "v");
    asl_null_values(a, keys, nulls);
    json_close(&item);
}

bool asl_distributes(const TargetCx *cx) {
    Str mode;
    return target_string(cx, "map", &mode) && str_is(mode, "distributed");
}

/* What an item gives, with its number where the service keeps no order. */
static void item_end(Asl *a, const char *name, bool ok, bool value, bool numbered) {
    JsonOut j = asl_state(a, name, "Pass");
    json_key(&j, "Parameters");
    JsonOut p = json_open(&a->json, '{');
    json_key(&p, "ok");
    json_bool(&a->json, ok);
    if (numbered) asl_path_field(a, &p, "i", "$.c.index");
    if (!ok) {
        asl_path_field(a, &p, "failures", "$.e.o.failures");
    } else if (value) {
        asl_path_field(a, &p, "value", "$.v.result__.o.value");
    }
    json_close(&p);
    json_key(&j, "End");
    json_bool(&a->json, true);
    json_close(&j);
}

/* {"StartAt", "States"} of one item. `nulls` tells whether its keys must be null at first. Returns whether it may fail. */
static bool item_machine(Asl *a, const Scope *s, NodeId n, bool distributed, Names *keys, bool *nulls) {
    const Scope *item = item_scope(a, s, n);
    const char *base = asl_node_name(a, s, n), *done = asl_name(a, base, "item done"), *failed = asl_name(a, base, "item failed");
    bool value = node_at(a, n)->type != T_NOTHING;
    const char *result = value ? asl_name(a, base, "item value") : NULL;
    Level around = a->level;
    Exit exit = {failed, false}, *out = a->exit;
    bool inner = a->item;
    JsonOut m = json_open(&a->json, '{');
    json_key(&m, "ProcessorConfig");
    buf_z(&a->json, distributed ? "{\"Mode\":\"DISTRIBUTED\",\"ExecutionType\":\"STANDARD\"}" : "{\"Mode\":\"INLINE\"}");
    asl_put(a, &m, "StartAt", asl_region_entry(a, item, result, done));
    json_key(&m, "States");
    a->level = (Level){.states = json_open(&a->json, '{'), .keys = keys, .parallel = nulls};
    a->exit = &exit;
    a->item = true;
    asl_region(a, item, result, value ? "result__" : NULL, done);
    if (!asl_region_stops(a, item)) item_end(a, done, true, value, distributed);
    if (exit.used && a->hot) asl_hot_end(a, failed);
    else if (exit.used) item_end(a, failed, false, value, distributed);
    json_close(&a->level.states);
    json_close(&m);
    a->level = around;
    a->exit = out;
    a->item = inner;
    return exit.used;
}

/* The elements that the filter admits, or pairs, as {"i", "x", "y"}; else the list. */
static void list_unit(Asl *a, const Scope *s, NodeId n, const char *name, bool tuples, const Opnd *all, uint32_t nall) {
    const FlowRegion *r = &a->flow->region.data[node_at(a, n)->region];
    Buf *u = &a->units;
    buf_z(u, "    ");
    json_z(u, name);
    buf_z(u, ": lambda d: ");
    if (!tuples) {
        asl_python(a, s, u, operand(a, n, 0), all, nall, true);
        buf_z(u, ",\n");
        return;
    }
    bool zipped = operand(a, n, 1) != OPND_ABSENT;
    buf_printf(u, "wf.tuples(");
    asl_python(a, s, u, operand(a, n, 0), all, nall, true);
    buf_z(u, ", ");
    if (zipped) asl_python(a, s, u, operand(a, n, 1), all, nall, true);
    else buf_z(u, "None");
    if (r->guard != OPND_ABSENT) {
        buf_z(u, ", ");
        asl_python_guard(a, s, u, node_at(a, n)->region, all, nall);
    }
    buf_z(u, "),\n");
}

static void list_state(Asl *a, const Scope *s, NodeId n, Source source) {
    const FlowRegion *r = &a->flow->region.data[node_at(a, n)->region];
    const char *base = asl_node_name(a, s, n), *name = asl_name(a, base, "list");
    const char *key = arena_printf(&a->arena, "%s__list__", asl_node_key(a, s, n));
    uint32_t count = 0;
    Opnd *o = wf_alloc((r->ninput + 2) * sizeof *o);
    for (uint32_t i = 0; i < 2; i++)
        if (operand(a, n, i) != OPND_ABSENT) o[count++] = operand(a, n, i);
    for (uint32_t i = 0; r->guard != OPND_ABSENT && i < r->ninput; i++)
        if (a->flow->input.data[r->input + i].from != OPND_ABSENT) o[count++] = a->flow->input.data[r->input + i].from;
    list_unit(a, s, n, name, source.tuples, o, count);
    Invoke i = asl_invoke(a, name, "compute");
    asl_put(a, &i.payload, "unit", name);
    asl_node_path(a, s, &i.payload, "node", plain_name(a, n));
    asl_leaves(a, s, &i.payload, "d", o, count);
    asl_invoke_end(a, &i, key, name, asl_check_name(a, name));
    asl_check(a, s, name, plain_name(a, n), key, base);
    free(o);
}

static void put_concurrency(Asl *a, const Scope *s, JsonOut *j, NodeId n) {
    const FlowSetting *y = flow_setting(a->flow, node_at(a, n)->settings, SET_PARALLEL);
    if (y == NULL) return;
    if (opnd_tag(y->value) == OPND_CONST) {
        json_key(j, "MaxConcurrency");
        json_int(&a->json, a->flow->constant.data[opnd_index(y->value)].i);
        return;
    }
    Buf path = BUF_INIT;
    if (asl_path(a, s, y->value, &path)) asl_put(a, j, "MaxConcurrencyPath", buf_cstr(&path));
    buf_free(&path);
}

static void gather_state(Asl *a, const Scope *s, NodeId n, const char *base, const char *key, const char *next) {
    const char *name = asl_name(a, base, "gather");
    const FlowSetting *y = flow_setting(a->flow, node_at(a, n)->settings, SET_TOLERATE);
    Invoke i = asl_invoke(a, name, "gather");
    asl_path_field(a, &i.payload, "items", arena_printf(&a->arena, "$.v.%s", key));
    if (y != NULL) asl_field(a, s, &i.payload, "tolerate", y->value);
    asl_invoke_end(a, &i, key, name, asl_check_name(a, name));
    asl_check(a, s, name, plain_name(a, n), key, next);
}

static void each(Asl *a, const Scope *s, NodeId n, const char *next) {
    const char *base = asl_node_name(a, s, n), *key = asl_node_key(a, s, n);
    Source source = source_of(a, s, n);
    if (source.computed) list_state(a, s, n, source);
    asl_mark(a, a->flow->node_span.data[n]);
    JsonOut j = asl_state(a, base, "Map");
    Buf path = BUF_INIT;
    if (source.computed) buf_printf(&path, "$.v.%s__list__.o.value", key);
    else asl_path(a, s, operand(a, n, 0), &path);
    asl_put(a, &j, "ItemsPath", buf_cstr(&path));
    buf_free(&path);
    put_concurrency(a, s, &j, n);
    json_key(&j, "ItemProcessor");
    Names keys = {0};
    bool nulls = false, around = a->hot, distributed = !a->item && asl_distributes(a->cx);
    const FlowNode *x = node_at(a, n);
    a->hot = (around || flow_setting(a->flow, x->settings, SET_FAIL_FAST) != NULL) &&
        flow_setting(a->flow, x->settings, SET_TOLERATE) == NULL;
    bool ends = item_machine(a, s, n, distributed, &keys, &nulls) && a->hot;
    a->hot = around;
    json_key(&j, "ItemSelector");
    item_selector(a, s, n, source, &keys, nulls);
    vec_free(&keys);
    asl_put(a, &j, "ResultPath", arena_printf(&a->arena, "$.v.%s", key));
    if (ends) asl_hot_catch(a, &j, base);
    if (distributed) asl_catch(a, &j, "$.e", asl_name(a, base, "lost"));
    asl_put(a, &j, "Next", asl_name(a, base, "gather"));
    json_close(&j);
    if (ends) asl_hot_caught(a, base);
    if (distributed) asl_lost(a, s, base, plain_name(a, n), asl_fail(a));
    gather_state(a, s, n, base, key, next);
}

/* --- repeat --- */

typedef struct Loop {
    const char *base, *key, *n, *at, *max; /* the state's name and key, keys of the counter, the path and the bound */
} Loop;

static Loop loop_of(Asl *a, const Scope *s, NodeId n) {
    const char *key = asl_node_key(a, s, n);
    return (Loop){asl_node_name(a, s, n), key, arena_printf(&a->arena, "%s__n__", key), arena_printf(&a->arena, "%s__at__", key),
                  arena_printf(&a->arena, "%s__max__", key)};
}

static void counter(Asl *a, const Loop *l, const char *name, bool first, const char *next) {
    JsonOut j = asl_state(a, name, "Pass");
    json_key(&j, "Parameters");
    JsonOut p = json_open(&a->json, '{');
    if (first) {
        json_key(&p, "n");
        json_int(&a->json, 0);
    } else {
        asl_path_field(a, &p, "n", arena_printf(&a->arena, "States.MathAdd($.v.%s.n, 1)", l->n));
    }
    json_close(&p);
    asl_put(a, &j, "ResultPath", arena_printf(&a->arena, "$.v.%s", l->n));
    asl_put(a, &j, "Next", next);
    json_close(&j);
    asl_key(a, l->n);
}

static const Scope *pass_scope(Asl *a, const Scope *s, NodeId n, const Loop *l) {
    Scope *x = inside(a, s, node_at(a, n)->region, plain_name(a, n), plain_name(a, n));
    x->at = arena_printf(&a->arena, "$.v.%s.path", l->at);
    x->tail = "";
    return x;
}

static void put_pass_path(Asl *a, const Scope *s, NodeId n, const Loop *l, const char *name, const char *next) {
    const char *count = arena_printf(&a->arena, "$.v.%s.n", l->n), *path[2] = {s->at, count};
    JsonOut j = asl_state(a, name, "Pass");
    json_key(&j, "Parameters");
    JsonOut p = json_open(&a->json, '{');
    asl_format(a, &p, "path", arena_printf(&a->arena, "%s[{}]", asl_path_format(a, s, plain_name(a, n))),
               s->at != NULL ? path : path + 1, s->at != NULL ? 2 : 1);
    json_close(&p);
    asl_put(a, &j, "ResultPath", arena_printf(&a->arena, "$.v.%s", l->at));
    asl_put(a, &j, "Next", next);
    json_close(&j);
    asl_key(a, l->at);
}

/* The choice between another pass and the end: the bound first, then `until`, as the language tests them. */
static void put_again(Asl *a, NodeId n, const Loop *l, const char *until, const char *more, const char *next) {
    Opnd bound = operand(a, n, 1);
    bool constant = opnd_tag(bound) == OPND_CONST;
    JsonOut j = asl_state(a, l->base, "Choice");
    json_key(&j, "Choices");
    JsonOut list = json_open(&a->json, '[');
    json_item(&list);
    JsonOut rule = json_open(&a->json, '{');
    asl_put(a, &rule, "Variable", arena_printf(&a->arena, "$.v.%s.n", l->n));
    json_key(&rule, constant ? "NumericGreaterThanEquals" : "NumericGreaterThanEqualsPath");
    if (constant) json_int(&a->json, a->flow->constant.data[opnd_index(bound)].i);
    else json_z(&a->json, arena_printf(&a->arena, "$.v.%s.o.value", l->max));
    asl_put(a, &rule, "Next", next);
    json_close(&rule);
    if (until != NULL && until[0] != '\0') {
        json_item(&list);
        buf_printf(&a->json, "{%s,\"Next\":", until);
        json_z(&a->json, next);
        buf_addc(&a->json, '}');
    }
    json_close(&list);
    asl_put(a, &j, "Default", more);
    json_close(&j);
}

static void loop(Asl *a, const Scope *s, NodeId n, const char *next) {
    Loop l = loop_of(a, s, n);
    Opnd guard = a->flow->region.data[node_at(a, n)->region].guard, bound = operand(a, n, 1);
    const Scope *pass = pass_scope(a, s, n, &l);
    const char *zero = asl_name(a, l.base, "zero"), *start = asl_name(a, l.base, "pass"), *count = asl_name(a, l.base, "count");
    const char *until = asl_name(a, l.base, "until"), *value = asl_name(a, l.base, "value"), *max = asl_name(a, l.base, "max");
    bool fixed = opnd_tag(bound) == OPND_CONST;
    asl_value(a, s, asl_name(a, l.base, "first"), plain_name(a, n), l.key, operand(a, n, 0), fixed ? zero : max);
    if (!fixed) asl_value(a, s, max, plain_name(a, n), l.max, bound, zero);
    counter(a, &l, zero, true, l.base);
    Buf rule = BUF_INIT;
    bool native = guard == OPND_ABSENT || asl_rule(a, pass, guard, &rule);
    asl_mark(a, a->flow->node_span.data[n]);
    put_again(a, n, &l, guard == OPND_ABSENT || !native ? NULL : buf_cstr(&rule), native ? start : until, next);
    buf_free(&rule);
    if (!native) {
        const char *key = arena_printf(&a->arena, "%s__until__", l.key), *enough = asl_name(a, l.base, "enough?");
        asl_value(a, pass, until, plain_name(a, n), key, guard, enough);
        JsonOut j = asl_state(a, enough, "Choice");
        json_key(&j, "Choices");
        buf_printf(&a->json, "[{\"Variable\":\"$.v.%s.o.value\",\"BooleanEquals\":true,\"Next\":", key);
        json_z(&a->json, next);
        buf_z(&a->json, "}]");
        asl_put(a, &j, "Default", start);
        json_close(&j);
    }
    put_pass_path(a, s, n, &l, start, asl_region_entry(a, pass, value, count));
    asl_region(a, pass, value, l.key, count);
    if (!asl_region_stops(a, pass)) counter(a, &l, count, false, l.base);
}

/* --- called workflows --- */

static const Scope *sub_scope(Asl *a, const Scope *s, NodeId n) {
    const FlowWorkflow *w = &a->flow->workflow.data[node_at(a, n)->ref];
    Scope *x = inside(a, s, w->body, plain_name(a, n), plain_name(a, n));
    x->call = n;
    x->end = NULL;
    return x;
}

/* `wf.limited("x", [0, 5, None], ` when the parameter has a @range or @pattern, else NULL. */
static const char *limits_of(const Asl *a, const FlowWorkflow *w, uint32_t i) {
    Buf json = BUF_INIT, text = BUF_INIT;
    const char *kept = NULL;
    if (py_limits_json(&json, a->flow, w->param + i, 1)) {
        buf_z(&text, "wf.limited(");
        py_json(&text, buf_view(&json));
        buf_z(&text, ", ");
        kept = arena_printf((Arena *)&a->arena, "%s", buf_cstr(&text));
    }
    buf_free(&json);
    buf_free(&text);
    return kept;
}

bool asl_argument_computed(const Asl *a, const Scope *s, NodeId n, uint32_t i) {
    return !asl_simple(a, s, operand(a, n, i)) || limits_of(a, &a->flow->workflow.data[node_at(a, n)->ref], i) != NULL;
}

/* The argument from number i on that must be computed, or UINT32_MAX. */
static uint32_t computed_argument(const Asl *a, const Scope *s, NodeId n, uint32_t i) {
    for (; i < node_at(a, n)->nargs; i++)
        if (asl_argument_computed(a, s, n, i)) return i;
    return UINT32_MAX;
}

static const char *argument_name(Asl *a, const Scope *s, NodeId n, uint32_t i) {
    const FlowWorkflow *w = &a->flow->workflow.data[node_at(a, n)->ref];
    const char *param = atom_cstr(a->flow->atoms, a->flow->param.data[w->param + i].name);
    return asl_name(a, asl_node_name(a, s, n), arena_printf(&a->arena, "argument %s", param));
}

static const char *sub_entry(Asl *a, const Scope *s, NodeId n, const char *next) {
    uint32_t i = computed_argument(a, s, n, 0);
    if (i != UINT32_MAX) return argument_name(a, s, n, i);
    return asl_workflow_entry(a, sub_scope(a, s, n), asl_node_name(a, s, n), next);
}

static void sub(Asl *a, const Scope *s, NodeId n, const char *next) {
    const FlowWorkflow *w = &a->flow->workflow.data[node_at(a, n)->ref];
    const Scope *body = sub_scope(a, s, n);
    const char *base = asl_node_name(a, s, n);
    for (uint32_t i = computed_argument(a, s, n, 0); i != UINT32_MAX;) {
        uint32_t after = computed_argument(a, s, n, i + 1);
        const char *key = arena_printf(&a->arena, "%s%s__in__", body->key,
                                       atom_cstr(a->flow->atoms, a->flow->param.data[w->param + i].name));
        asl_compute(a, s, argument_name(a, s, n, i), plain_name(a, n), key, operand(a, n, i), limits_of(a, w, i),
                    after != UINT32_MAX ? argument_name(a, s, n, after) : asl_workflow_entry(a, body, base, next));
        i = after;
    }
    asl_workflow(a, body, base, value_key(a, s, n), next);
}

/* --- fail --- */

static void fail_node(Asl *a, const Scope *s, NodeId n) {
    const char *base = asl_node_name(a, s, n);
    Opnd message = operand(a, n, 0);
    buf_z(&a->units, "    ");
    json_z(&a->units, base);
    buf_z(&a->units, ": lambda d: wf.fail(");
    asl_python(a, s, &a->units, message, &message, 1, false);
    buf_z(&a->units, "),\n");
    asl_mark(a, a->flow->node_span.data[n]);
    Invoke i = asl_invoke(a, base, "compute");
    asl_put(a, &i.payload, "unit", base);
    asl_node_path(a, s, &i.payload, "node", plain_name(a, n));
    asl_leaves(a, s, &i.payload, "d", &message, 1);
    const char *key = asl_node_key(a, s, n), *failed = asl_name(a, base, "failed");
    asl_invoke_end(a, &i, key, base, failed);
    asl_failed(a, s, base, plain_name(a, n), key);
}

/* --- all --- */

const char *asl_entry(Asl *a, const Scope *s, NodeId n, const char *next) {
    const char *base = asl_node_name(a, s, n);
    switch ((FlowNodeKind)node_at(a, n)->kind) {
    case NODE_CALL: return by_function(a) ? base : asl_name(a, base, "inputs");
    case NODE_SUB: return sub_entry(a, s, n, next);
    case NODE_PICK: return pick_entry(a, s, n, next);
    case NODE_EACH: return each_entry(a, s, n);
    case NODE_LOOP: return asl_name(a, base, "first");
    case NODE_TRY: return inner_entry(a, tried_scope(a, s, n), value_key(a, s, n), next);
    case NODE_LET: case NODE_FAIL: case NODE_GATE: break;
    }
    return base;
}

bool asl_node_stops(Asl *a, const Scope *s, NodeId n) {
    const FlowNode *x = node_at(a, n);
    switch ((FlowNodeKind)x->kind) {
    case NODE_FAIL: return true;
    case NODE_PICK: return pick_stops(a, s, n);
    case NODE_TRY: return asl_region_stops(a, tried_scope(a, s, n)) && asl_region_stops(a, caught_scope(a, s, n));
    case NODE_SUB: return asl_region_stops(a, sub_scope(a, s, n));
    case NODE_CALL: case NODE_EACH: case NODE_LOOP: case NODE_LET: case NODE_GATE: break;
    }
    return false;
}

void asl_node(Asl *a, const Scope *s, NodeId n, const char *next) {
    buf_z(&a->order, "    ");
    json_z(&a->order, arena_printf(&a->arena, "%s%s", s->path, plain_name(a, n)));
    buf_printf(&a->order, ": %u,\n", a->flow->node_span.data[n].off);
    switch ((FlowNodeKind)node_at(a, n)->kind) {
    case NODE_CALL: call(a, s, n, next); return;
    case NODE_SUB: sub(a, s, n, next); return;
    case NODE_PICK: pick(a, s, n, next); return;
    case NODE_EACH: each(a, s, n, next); return;
    case NODE_LOOP: loop(a, s, n, next); return;
    case NODE_TRY: try_node(a, s, n, next); return;
    case NODE_LET:
        asl_mark(a, a->flow->node_span.data[n]);
        asl_value(a, s, asl_node_name(a, s, n), plain_name(a, n), asl_node_key(a, s, n), operand(a, n, 0), next);
        return;
    case NODE_FAIL: fail_node(a, s, n); return;
    case NODE_GATE: return;
    }
}
