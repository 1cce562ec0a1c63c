/* Regions: their shape as states, and workflows with their handlers. */
#include "compiler/backend/stepfunctions/asl.h"

#include <stdlib.h>

/* --- shapes --- */

/* The shape of the region's nodes that have states; NULL when none has. */
static const Shape *shape_in(Asl *a, const Scope *s) {
    Scope *x = (Scope *)s;
    if (x->shaped) return x->shape;
    const FlowRegion *r = &a->flow->region.data[s->region];
    NodeId *nodes = wf_alloc(sizeof *nodes * (r->n + 1));
    uint32_t n = 0;
    for (NodeId i = r->first; i < r->first + r->n; i++)
        if (asl_stands(a, s, i)) nodes[n++] = i;
    if (n > 0) {
        Order o = order_of(a->flow, s->region);
        Shape *shape = ARENA_NEW(&a->arena, Shape);
        *shape = shape_of(&a->arena, a->flow, &o, nodes, n);
        x->shape = shape;
        x->order = ARENA_NEW(&a->arena, Order);
        *x->order = o;
        size_t bytes = sizeof *o.before * o.words * (o.n + 1);
        x->order->before = arena_alloc(&a->arena, bytes);
        memcpy(x->order->before, o.before, bytes);
        order_free(&o);
    }
    free(nodes);
    x->shaped = true;
    return x->shape;
}

static NodeId first_node(const Shape *x) { return x->kind == SHAPE_NODE ? x->node : first_node(&x->child[0]); }

static const char *first_name(const Asl *a, const Shape *x) {
    return atom_cstr(a->flow->atoms, a->flow->node.data[first_node(x)].name);
}

/* "trials.(a | b)": the first node of each branch. */
static const char *parallel_name(const Asl *a, const Scope *s, const Shape *x) {
    Buf name = BUF_INIT;
    buf_printf(&name, "%s(", s->name);
    for (uint32_t i = 0; i < x->n; i++)
        buf_printf(&name, "%s%s", i > 0 ? " | " : "", first_name(a, &x->child[i]));
    buf_addc(&name, ')');
    const char *kept = asl_name(a, arena_printf((Arena *)&a->arena, "%s", buf_cstr(&name)), NULL);
    buf_free(&name);
    return kept;
}

static const char *shape_entry(Asl *a, const Scope *s, const Shape *x, const char *next) {
    switch (x->kind) {
    case SHAPE_NODE: return asl_entry(a, s, x->node, next);
    case SHAPE_SERIES:
        for (uint32_t i = x->n; i > 0; i--) next = shape_entry(a, s, &x->child[i - 1], next);
        return next;
    case SHAPE_PARALLEL: return parallel_name(a, s, x);
    case SHAPE_LEVELS: return parallel_name(a, s, &x->child[0]);
    }
    return next;
}

/* --- what never ends well --- */

static bool shape_stops(Asl *a, const Scope *s, const Shape *x) {
    if (x->kind == SHAPE_NODE) return asl_node_stops(a, s, x->node);
    for (uint32_t i = 0; i < x->n; i++)
        if (shape_stops(a, s, &x->child[i])) return true;
    return false;
}

bool asl_region_stops(Asl *a, const Scope *s) {
    const Shape *x = shape_in(a, s);
    return x != NULL && shape_stops(a, s, x);
}

/* --- parallel --- */

/* One Parallel: all of a shape, or one level. */
typedef struct Fork {
    const char *name;
    const Shape *branch;
    uint32_t n;
    uint32_t number;          /* of its first branch: its key in $.r */
    const Shape *const *done; /* LEVELS: the nodes of earlier levels, by number */
    bool last;                /* of its levels: failures are looked at after it */
    bool used;                /* a branch may fail, */
    bool stops;               /* or always does */
} Fork;

static void branch_end(Asl *a, const char *name, bool ok, bool failed, uint32_t first) {
    JsonOut j = asl_state(a, name, "Pass");
    json_key(&j, "Parameters");
    JsonOut p = json_open(&a->json, '{');
    json_key(&p, "r");
    JsonOut r = json_open(&a->json, '{');
    json_key(&r, "ok");
    json_bool(&a->json, ok);
    if (failed) {
        asl_path_field(a, &r, "failures", "$.e.o.failures");
    } else {
        json_key(&r, "failures");
        buf_z(&a->json, "[]");
    }
    json_close(&r);
    json_key(&p, "v");
    JsonOut v = json_open(&a->json, '{');
    for (uint32_t i = first; i < a->level.keys->len; i++) {
        const char *key = a->level.keys->data[i];
        uint32_t k = first;
        while (strcmp(a->level.keys->data[k], key) != 0) k++;
        if (k == i) asl_path_field(a, &v, key, arena_printf(&a->arena, "$.v.%s", key));
    }
    json_close(&v);
    json_close(&p);
    json_key(&j, "End");
    json_bool(&a->json, true);
    json_close(&j);
}

/* Whether all nodes of earlier levels that come before this one have ended well. */
static void put_guard(Asl *a, const Scope *s, const Fork *f, NodeId n, const char *name, const char *ready, const char *skipped) {
    JsonOut j = asl_state(a, name, "Choice");
    json_key(&j, "Choices");
    buf_z(&a->json, "[{\"And\":");
    JsonOut all = json_open(&a->json, '[');
    for (uint32_t i = 0; i < f->number; i++) {
        if (!order_before(s->order, f->done[i]->node, n)) continue;
        json_item(&all);
        buf_printf(&a->json, "{\"Variable\":\"$.r.b%u.ok\",\"BooleanEquals\":true}", i);
    }
    json_close(&all);
    buf_z(&a->json, ",\"Next\":");
    json_z(&a->json, ready);
    buf_z(&a->json, "}]");
    asl_put(a, &j, "Default", skipped);
    json_close(&j);
}

static void shape_states(Asl *a, const Scope *s, const Shape *x, const char *next);

static void branch(Asl *a, const Scope *s, Fork *f, uint32_t i) {
    const Shape *x = &f->branch[i];
    const char *head = first_name(a, x);
    const char *done = asl_name(a, f->name, arena_printf(&a->arena, "%s done", head));
    const char *failed = asl_name(a, f->name, arena_printf(&a->arena, "%s failed", head));
    const char *ready = asl_name(a, f->name, arena_printf(&a->arena, "%s ready?", head));
    const char *skipped = asl_name(a, f->name, arena_printf(&a->arena, "%s skipped", head));
    const char *entry = shape_entry(a, s, x, done);
    uint32_t first = a->level.keys->len;
    Level around = a->level;
    Exit exit = {failed, false}, *out = a->exit;
    JsonOut m = json_open(&a->json, '{');
    bool guarded = f->done != NULL && f->number > 0;
    asl_put(a, &m, "StartAt", guarded ? ready : entry);
    json_key(&m, "States");
    a->level.states = json_open(&a->json, '{');
    a->exit = &exit;
    if (guarded) put_guard(a, s, f, x->node, ready, entry, skipped);
    shape_states(a, s, x, done);
    bool stops = shape_stops(a, s, x);
    if (!stops) branch_end(a, done, true, false, first);
    if (exit.used && a->hot) asl_hot_end(a, failed);
    else if (exit.used) branch_end(a, failed, false, true, first);
    if (guarded) branch_end(a, skipped, false, false, first);
    json_close(&a->level.states);
    json_close(&m);
    a->level.states = around.states;
    a->exit = out;
    f->used = f->used || exit.used;
    f->stops = f->stops || stops;
}

enum { NESTED = 8 }; /* intrinsics inside each other; the service allows ten */

/* Takes what the branches have written over into $.v, and their ends into $.r. */
static void merge(Asl *a, const Fork *f, const char *next) {
    for (uint32_t from = 0; from < f->n; from += NESTED) {
        uint32_t to = from + NESTED < f->n ? from + NESTED : f->n;
        const char *name = asl_name(a, f->name, from == 0 ? "merge" : arena_printf(&a->arena, "merge %u", from / NESTED + 1));
        JsonOut j = asl_state(a, name, "Pass");
        json_key(&j, "Parameters");
        JsonOut p = json_open(&a->json, '{');
        asl_path_field(a, &p, "c", "$.c");
        Buf v = BUF_INIT;
        for (uint32_t i = from; i < to; i++) buf_z(&v, "States.JsonMerge(");
        buf_z(&v, "$.v");
        for (uint32_t i = from; i < to; i++) buf_printf(&v, ", $.p[%u].v, false)", i);
        asl_path_field(a, &p, "v", buf_cstr(&v));
        buf_free(&v);
        if (to < f->n) asl_path_field(a, &p, "p", "$.p");
        if (from > 0) {
            asl_path_field(a, &p, "r", "$.r");
        } else {
            json_key(&p, "r");
            JsonOut r = json_open(&a->json, '{');
            for (uint32_t i = 0; f->done != NULL && i < f->number; i++)
                asl_path_field(a, &r, arena_printf(&a->arena, "b%u", i), arena_printf(&a->arena, "$.r.b%u", i));
            for (uint32_t i = 0; i < f->n; i++)
                asl_path_field(a, &r, arena_printf(&a->arena, "b%u", f->number + i), arena_printf(&a->arena, "$.p[%u].r", i));
            json_close(&r);
        }
        json_close(&p);
        asl_put(a, &j, "Next", to < f->n ? asl_name(a, f->name, arena_printf(&a->arena, "merge %u", to / NESTED + 1)) : next);
        json_close(&j);
    }
}

static void put_failures(Asl *a, const Scope *s, const char *base) {
    const char *fail = asl_fail(a);
    Invoke i = asl_invoke(a, asl_name(a, base, "failures"), "failures");
    asl_path_field(a, &i.payload, "of", "$.r");
    asl_invoke_result(a, &i, "{\"o.$\":\"$.Payload\"}", "$.e", base, fail);
    asl_lost(a, s, base, "", fail);
}

/* All branches have ended: on, or where failures go with those of all. */
static void check_branches(Asl *a, const Scope *s, const char *base, uint32_t n, const char *next) {
    const char *failures = asl_name(a, base, "failures");
    JsonOut j = asl_state(a, asl_check_name(a, base), "Choice");
    json_key(&j, "Choices");
    buf_z(&a->json, "[{\"And\":");
    JsonOut all = json_open(&a->json, '[');
    for (uint32_t i = 0; i < n; i++) {
        json_item(&all);
        buf_printf(&a->json, "{\"Variable\":\"$.r.b%u.ok\",\"BooleanEquals\":true}", i);
    }
    json_close(&all);
    buf_z(&a->json, ",\"Next\":");
    json_z(&a->json, next);
    buf_z(&a->json, "}]");
    asl_put(a, &j, "Default", failures);
    json_close(&j);
    put_failures(a, s, base);
}

static void fork_states(Asl *a, const Scope *s, Fork *f, const char *next) {
    *a->level.parallel = true;
    JsonOut j = asl_state(a, f->name, "Parallel");
    json_key(&j, "Branches");
    JsonOut list = json_open(&a->json, '[');
    for (uint32_t i = 0; i < f->n; i++) {
        json_item(&list);
        branch(a, s, f, i);
    }
    json_close(&list);
    asl_put(a, &j, "ResultPath", "$.p");
    bool ends = f->used && a->hot, check = f->used && f->last && !a->hot;
    if (ends) asl_hot_catch(a, &j, f->name);
    asl_put(a, &j, "Next", asl_name(a, f->name, "merge"));
    json_close(&j);
    if (ends) asl_hot_caught(a, f->name);
    merge(a, f, !check ? next : f->stops ? asl_name(a, f->name, "failures") : asl_check_name(a, f->name));
    if (check && f->stops) put_failures(a, s, f->name);
    else if (check) check_branches(a, s, f->name, f->number + f->n, next);
}

static void level_states(Asl *a, const Scope *s, const Shape *x, const char *next) {
    uint32_t total = 0;
    for (uint32_t i = 0; i < x->n; i++) total += x->child[i].n;
    const Shape **done = ARENA_ARRAY(&a->arena, const Shape *, total);
    Fork f = {.done = done};
    for (uint32_t i = 0; i < x->n; i++) {
        const Shape *one = &x->child[i];
        f.name = parallel_name(a, s, one);
        f.branch = one->child;
        f.n = one->n;
        f.last = i + 1 == x->n;
        fork_states(a, s, &f, f.last ? next : parallel_name(a, s, &x->child[i + 1]));
        for (uint32_t k = 0; k < one->n; k++) done[f.number++] = &one->child[k];
    }
}

static void shape_states(Asl *a, const Scope *s, const Shape *x, const char *next) {
    switch (x->kind) {
    case SHAPE_NODE: asl_node(a, s, x->node, next); return;
    case SHAPE_SERIES: {
        const char **after = ARENA_ARRAY(&a->arena, const char *, x->n);
        for (uint32_t i = x->n; i > 0; i--) {
            after[i - 1] = next;
            next = shape_entry(a, s, &x->child[i - 1], next);
        }
        for (uint32_t i = 0; i < x->n; i++) {
            shape_states(a, s, &x->child[i], after[i]);
            if (shape_stops(a, s, &x->child[i])) return; /* nothing leads to what follows */
        }
        return;
    }
    case SHAPE_PARALLEL: {
        Fork f = {.name = parallel_name(a, s, x), .branch = x->child, .n = x->n, .last = true};
        fork_states(a, s, &f, next);
        return;
    }
    case SHAPE_LEVELS: level_states(a, s, x, next); return;
    }
}

const char *asl_region_entry(Asl *a, const Scope *s, const char *value, const char *next) {
    const Shape *x = shape_in(a, s);
    if (value != NULL) next = value;
    return x == NULL ? next : shape_entry(a, s, x, next);
}

void asl_region(Asl *a, const Scope *s, const char *value, const char *key, const char *next) {
    const Shape *x = shape_in(a, s);
    if (x != NULL) shape_states(a, s, x, value != NULL ? value : next);
    if (value != NULL && (x == NULL || !shape_stops(a, s, x)))
        asl_value(a, s, value, "", key, a->flow->region.data[s->region].result, next);
}

/* --- workflows --- */

typedef struct Handlers {
    const FlowWorkflow *w;
    const Scope *body;
    const char *base, *end;          /* the key of {"status", "failures", "first"} */
    const char *after, *fail;        /* states that the end of all leads to */
    const char *finally;             /* its entry, or NULL */
    bool failed;                     /* something leads to `fail` */
} Handlers;

static bool has_handlers(const FlowWorkflow *w) { return (w->on_success | w->on_failure | w->finally) != 0; }

static const FlowWorkflow *workflow_of(const Asl *a, const Scope *s) {
    return &a->flow->workflow.data[a->flow->region.data[s->region].workflow];
}

static const Scope *handler_scope(Asl *a, const Handlers *h, RegionId region, const char *name) {
    Scope *x = ARENA_NEW(&a->arena, Scope);
    *x = (Scope){.up = h->body, .region = region, .call = UINT32_MAX, .at = h->body->at, .end = h->end};
    x->name = arena_printf(&a->arena, "%s%s.", h->body->name, name);
    x->path = arena_printf(&a->arena, "%s%s.", h->body->path, name);
    x->key = arena_printf(&a->arena, "%s%s__", h->body->key, name);
    x->tail = arena_printf(&a->arena, "%s%s.", h->body->tail, name);
    return x;
}

static bool is_duration(const Flow *f, Opnd o) {
    if (opnd_tag(o) == OPND_FACT) return opnd_index(o) == FACT_RUN_DURATION;
    if (opnd_tag(o) != OPND_EXPR) return false;
    const FlowExpr *x = &f->expr.data[opnd_index(o)];
    for (uint16_t i = 0; i < x->n; i++)
        if (is_duration(f, flow_opnds(f, x->a)[i])) return true;
    return false;
}

bool asl_uses_duration(const Flow *f, uint32_t workflow) {
    for (RegionId r = 1; r < f->region.len; r++) {
        const FlowRegion *x = &f->region.data[r];
        if (x->workflow != workflow) continue;
        if (is_duration(f, x->result) || is_duration(f, x->guard)) return true;
        for (uint32_t i = 0; i < x->ninput; i++)
            if (is_duration(f, f->input.data[x->input + i].from)) return true;
        for (NodeId n = x->first; n < x->first + x->n; n++)
            for (uint16_t i = 0; i < f->node.data[n].nargs; i++)
                if (is_duration(f, flow_opnds(f, f->node.data[n].arg)[i])) return true;
    }
    return false;
}

/* What handlers see of the end. Only the function has a clock. */
static void put_end(Asl *a, const Handlers *h, const char *name, bool ok, const char *next) {
    const char *end = arena_printf(&a->arena, "$.v.%s", h->end);
    asl_key(a, h->end);
    if (asl_uses_duration(a->flow, a->flow->region.data[h->body->region].workflow)) {
        Invoke i = asl_invoke(a, name, "end");
        asl_put(a, &i.payload, "status", ok ? "succeeded" : "failed");
        asl_path_field(a, &i.payload, "since", "$.c.run.time");
        if (!ok) asl_path_field(a, &i.payload, "failures", "$.e.o.failures");
        const char *fail = asl_fail(a);
        asl_invoke_result(a, &i, "{\"status.$\":\"$.Payload.status\",\"failures.$\":\"$.Payload.failures\","
                                 "\"first.$\":\"$.Payload.first\",\"duration.$\":\"$.Payload.duration\"}",
                          end, name, next);
        asl_lost(a, h->body, name, "", fail);
        return;
    }
    JsonOut j = asl_state(a, name, "Pass");
    json_key(&j, "Parameters");
    buf_z(&a->json, ok ? "{\"status\":\"succeeded\",\"failures\":[],\"first\":null}"
                       : "{\"status\":\"failed\",\"failures.$\":\"$.e.o.failures\",\"first.$\":\"$.e.o.failures[0]\"}");
    asl_put(a, &j, "ResultPath", end);
    asl_put(a, &j, "Next", next);
    json_close(&j);
}

/* A handler: its failures go behind those of the workflow. */
static void handler(Asl *a, Handlers *h, RegionId region, const char *name, const char *next, const char *failed_next) {
    const Scope *s = handler_scope(a, h, region, name);
    const char *base = arena_printf(&a->arena, "%s%s", h->body->name, name);
    Exit exit = {asl_name(a, base, "failed"), false}, *around = a->exit;
    bool hot = a->hot;
    a->exit = &exit;
    a->hot = false;
    asl_region(a, s, NULL, NULL, next);
    a->exit = around;
    a->hot = hot;
    if (!exit.used) return;
    Invoke i = asl_invoke(a, exit.state, "append");
    asl_path_field(a, &i.payload, "first", arena_printf(&a->arena, "$.v.%s.failures", h->end));
    asl_path_field(a, &i.payload, "then", "$.e.o.failures");
    bool timed = asl_uses_duration(a->flow, a->flow->region.data[h->body->region].workflow);
    if (timed) asl_path_field(a, &i.payload, "duration", arena_printf(&a->arena, "$.v.%s.duration", h->end));
    const char *selector = arena_printf(&a->arena, "{\"status\":\"failed\",\"failures.$\":\"$.Payload.failures\","
                                                   "\"first.$\":\"$.Payload.failures[0]\"%s}",
                                        timed ? ",\"duration.$\":\"$.Payload.duration\"" : "");
    asl_invoke_result(a, &i, selector, arena_printf(&a->arena, "$.v.%s", h->end), base, failed_next);
    asl_lost(a, h->body, base, name, failed_next);
    h->failed = h->failed || failed_next == h->fail;
}

static const char *handler_entry(Asl *a, const Handlers *h, RegionId region, const char *name, const char *next) {
    return region == 0 ? next : asl_region_entry(a, handler_scope(a, h, region, name), NULL, next);
}

/* After `finally`, by the status. */
static void put_last(Asl *a, const Handlers *h, const char *name) {
    JsonOut j = asl_state(a, name, "Choice");
    json_key(&j, "Choices");
    buf_printf(&a->json, "[{\"Variable\":\"$.v.%s.status\",\"StringEquals\":\"succeeded\",\"Next\":", h->end);
    json_z(&a->json, h->after);
    buf_z(&a->json, "}]");
    asl_put(a, &j, "Default", h->fail);
    json_close(&j);
}

static void put_fail(Asl *a, const Handlers *h) {
    JsonOut j = asl_state(a, h->fail, "Pass");
    json_key(&j, "Parameters");
    JsonOut p = json_open(&a->json, '{');
    asl_path_field(a, &p, "failures", arena_printf(&a->arena, "$.v.%s.failures", h->end));
    json_close(&p);
    asl_put(a, &j, "ResultPath", "$.e.o");
    asl_put(a, &j, "Next", asl_fail(a));
    json_close(&j);
}

static void handled(Asl *a, Handlers *h, bool ends, bool body_fails, const char *succeeded, const char *failed) {
    const FlowWorkflow *w = h->w;
    const char *last = asl_name(a, h->base, "ended");
    const char *ok_next = w->finally != 0 ? handler_entry(a, h, w->finally, "finally", last) : h->after;
    const char *bad_next = w->finally != 0 ? ok_next : h->fail;
    if (ends) put_end(a, h, succeeded, true, handler_entry(a, h, w->on_success, "on_success", ok_next));
    if (ends && w->on_success != 0) handler(a, h, w->on_success, "on_success", ok_next, bad_next);
    if (body_fails) {
        put_end(a, h, failed, false, handler_entry(a, h, w->on_failure, "on_failure", bad_next));
        if (w->on_failure != 0) handler(a, h, w->on_failure, "on_failure", bad_next, bad_next);
        h->failed = h->failed || bad_next == h->fail;
    }
    if (w->finally != 0) {
        handler(a, h, w->finally, "finally", last, h->fail);
        put_last(a, h, last);
        h->failed = true;
    }
    if (h->failed) put_fail(a, h);
}

const char *asl_workflow_entry(Asl *a, const Scope *s, const char *base, const char *next) {
    const FlowWorkflow *w = workflow_of(a, s);
    if (has_handlers(w)) next = asl_name(a, base, "succeeded");
    return asl_region_entry(a, s, w->result != T_NOTHING ? asl_name(a, base, "value") : NULL, next);
}

void asl_workflow(Asl *a, const Scope *s, const char *base, const char *key, const char *next) {
    const FlowWorkflow *w = workflow_of(a, s);
    const char *value = w->result != T_NOTHING ? asl_name(a, base, "value") : NULL;
    bool hot = a->hot;
    a->hot = hot || flow_setting(a->flow, w->settings, SET_FAIL_FAST) != NULL;
    if (!has_handlers(w)) {
        asl_region(a, s, value, key, next);
        a->hot = hot;
        return;
    }
    *a->level.parallel = true;
    const char *succeeded = asl_name(a, base, "succeeded");
    Exit exit = {asl_name(a, base, "failed"), false}, *around = a->exit;
    Handlers h = {.w = w, .body = s, .base = base, .end = arena_printf(&a->arena, "%send__", s->key), .after = next,
                  .fail = asl_name(a, base, "fail")};
    a->exit = &exit;
    asl_region(a, s, value, key, succeeded);
    a->exit = around;
    a->hot = hot;
    handled(a, &h, !asl_region_stops(a, s), exit.used, succeeded, exit.state);
}
