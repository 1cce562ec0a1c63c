/* The tasks of a workflow, in the order of the text. Their names tell the blocks that they stand in; see wf_airflow.py. */
#include "compiler/backend/airflow/airflow.h"
#include "compiler/backend/emit/py_out.h"

#include <inttypes.h>

enum { LINE_WIDTH = 120 };

static void put_region(Writer *w, const Block *b);
static void put_workflow(Writer *w, const Block *body, const char *name);

static const FlowRegion *region_of(const Writer *w, const Block *b) { return &w->f->region.data[b->region]; }

/* --- pieces --- */

static const char *id_of(Writer *w, const Block *b, const FlowNode *n) {
    return arena_printf(&w->arena, "%s%s", b->id, atom_cstr(w->f->atoms, n->name));
}

static const char *join(Writer *w, const char *a, const char *b) { return arena_printf(&w->arena, "%s%s", a, b); }

static void open_line(Writer *w, const char *method, const char *name) {
    w->line = w->b->n;
    vec_clear(&w->comma);
    buf_printf(w->b, "flow.%s(\"%s\"", method, name);
}

static void open_call(Writer *w, NodeId id, const char *method, const char *name) {
    emit_mark(w->out, w->f->node_span.data[id]);
    open_line(w, method, name);
}

/* Between two arguments. */
static void comma(Writer *w) {
    vec_push(&w->comma, w->b->n);
    buf_z(w->b, ", ");
}

/* Ends a call; one that is too long for a line gets a line for each argument. */
static void close_call(Writer *w) {
    buf_z(w->b, ")\n");
    if (w->b->n - w->line <= LINE_WIDTH || w->comma.len == 0) return;
    Buf text = BUF_INIT;
    size_t at = w->line;
    for (uint32_t i = 0; i < w->comma.len; i++) {
        buf_add(&text, w->b->p + at, w->comma.data[i] - at);
        buf_z(&text, ",\n    ");
        at = w->comma.data[i] + 2;
    }
    buf_add(&text, w->b->p + at, w->b->n - at - 2);
    buf_z(&text, ",\n)\n");
    w->b->n = w->line;
    buf_str(w->b, buf_view(&text));
    buf_free(&text);
}

/* `, after=["a", "b"]`: the nodes before it; the first of a block need none. */
static void put_after(Writer *w, const Block *b, NodeId id) {
    const Flow *f = w->f;
    uint32_t first = f->pred_at.data[id], end = f->pred_at.data[id + 1];
    if (first == end) return;
    comma(w);
    buf_z(w->b, "after=[");
    for (uint32_t i = first; i < end; i++) {
        if (i > first) buf_z(w->b, ", ");
        py_z(w->b, id_of(w, b, &f->node.data[f->edge.data[i].from]));
    }
    buf_addc(w->b, ']');
}

/* `, lambda v: ...` of the block's value, if it has one. */
static void put_result(Writer *w, const Block *b) {
    Opnd result = region_of(w, b)->result;
    if (result == OPND_ABSENT) return;
    comma(w);
    aw_lambda(w, b, result);
}

/* --- calls --- */

static int64_t int_of(Writer *w, const FlowNode *n, Setting key, int64_t fallback) {
    bool on_call;
    const FlowSetting *s = airflow_setting(w->f, n, key, &on_call);
    const FlowConst *c = s != NULL ? airflow_const(w->f, s->value) : NULL;
    return c != NULL && c->kind != CONST_NONE ? c->i : fallback;
}

static void put_lambda_setting(Writer *w, const Block *b, const FlowNode *n, Setting key, const char *name) {
    bool on_call;
    const FlowSetting *s = airflow_setting(w->f, n, key, &on_call);
    const FlowConst *c = s != NULL ? airflow_const(w->f, s->value) : NULL;
    if (s == NULL || s->value == OPND_ABSENT || (c != NULL && c->kind == CONST_NONE)) return;
    comma(w);
    buf_printf(w->b, "%s=", name);
    if (on_call) aw_raw_lambda(w, b, s->value);
    else aw_step_lambda(w, &w->f->step.data[n->ref], s->value);
}

static void put_retry(Writer *w, const FlowNode *n) {
    int64_t times = int_of(w, n, SET_RETRY, 0), delay = int_of(w, n, SET_RETRY_DELAY, 0);
    if (times <= 0) return;
    bool on_call;
    const FlowSetting *factor = airflow_setting(w->f, n, SET_RETRY_FACTOR, &on_call);
    const FlowSetting *on = airflow_setting(w->f, n, SET_RETRY_ON, &on_call);
    const FlowConst *c = factor != NULL ? airflow_const(w->f, factor->value) : NULL;
    comma(w);
    buf_printf(w->b, "retry=Retry(%" PRId64, times);
    if (delay != 0) buf_printf(w->b, ", delay=%" PRId64, delay);
    if (c != NULL && c->kind == CONST_FLOAT && c->f != 1.0) {
        char text[32];
        buf_z(w->b, ", factor=");
        buf_add(w->b, text, format_double(c->f, text));
    }
    int64_t most = int_of(w, n, SET_RETRY_MAX_DELAY, 3600000);
    if (delay != 0 && most != 3600000) buf_printf(w->b, ", max_delay=%" PRId64, most);
    if (int_of(w, n, SET_RETRY_JITTER, 0)) buf_z(w->b, ", jitter=True");
    if (on != NULL && opnd_tag(on->value) == OPND_EXPR) {
        buf_z(w->b, ", on=");
        aw_predicate(w, on_call ? NULL : &w->f->step.data[n->ref], on->value);
    }
    buf_addc(w->b, ')');
}

/* What Airflow itself decides about a task. */
static void put_policies(Writer *w, const Block *b, const FlowNode *n) {
    bool on_call;
    const FlowSetting *pool = airflow_setting(w->f, n, SET_POOL, &on_call);
    const FlowSetting *priority = airflow_setting(w->f, n, SET_PRIORITY, &on_call);
    put_retry(w, n);
    put_lambda_setting(w, b, n, SET_TIMEOUT, "timeout");
    put_lambda_setting(w, b, n, SET_TIMEOUT_TOTAL, "total");
    if (target_body(w->cx, n->ref) == NULL) put_lambda_setting(w, b, n, SET_ENV, "env");
    if (pool != NULL) {
        comma(w);
        buf_z(w->b, "pool=");
        aw_constant(w, pool->value);
    }
    if (priority != NULL) {
        comma(w);
        buf_printf(w->b, "priority_weight=%" PRId64 ", weight_rule=\"absolute\"", int_of(w, n, SET_PRIORITY, 1));
    }
    aw_own(w, flow_setting(w->f, w->f->step.data[n->ref].settings, SET_AIRFLOW), ", ", "");
    size_t at_pod = w->b->n;
    if (aw_pod(w, n, ", executor_config=")) vec_push(&w->comma, at_pod);
    /* Of the innermost loop: so many instances of the task at once. */
    const Block *at = b;
    while (at != NULL && region_of(w, at)->kind != REGION_ITEM) at = at->around;
    if (at == NULL) return;
    const FlowNode *loop = &w->f->node.data[region_of(w, at)->owner];
    const FlowSetting *most = flow_setting(w->f, loop->settings, SET_PARALLEL);
    const FlowConst *c = most != NULL ? airflow_const(w->f, most->value) : NULL;
    if (c == NULL) return;
    comma(w);
    buf_printf(w->b, "max_active_tis_per_dagrun=%" PRId64, c->i);
}

static void put_call(Writer *w, const Block *b, NodeId id) {
    const FlowNode *n = &w->f->node.data[id];
    open_call(w, id, "call", id_of(w, b, n));
    buf_printf(w->b, ", %s", w->step_name[n->ref]);
    comma(w);
    aw_inputs(w, b, flow_opnds(w->f, n->arg), w->f->step.data[n->ref].param, n->nargs);
    put_after(w, b, id);
    put_policies(w, b, n);
    close_call(w);
}

/* --- blocks --- */

/* The arms of a match may be called alike: the second `case` is `case-2`. */
static const char *arm_name(Writer *w, const FlowNode *n, uint16_t arm) {
    Atom name = w->f->region.data[n->region + arm].name;
    uint16_t same = 0;
    for (uint16_t i = 0; i < arm; i++) same = (uint16_t)(same + (w->f->region.data[n->region + i].name == name));
    const char *z = atom_cstr(w->f->atoms, name);
    return same == 0 ? z : arena_printf(&w->arena, "%s-%u", z, same + 1u);
}

static void put_pick(Writer *w, const Block *b, NodeId id) {
    const FlowNode *n = &w->f->node.data[id];
    const char *name = id_of(w, b, n);
    Block *arm = ARENA_ARRAY(&w->arena, Block, n->nregions);
    open_call(w, id, "choose", name);
    for (uint16_t i = 0; i < n->nregions; i++) {
        const char *z = arm_name(w, n, i);
        buf_printf(w->b, i > 0 ? ", \"%s\"" : ", [\"%s\"", z);
        arm[i] = (Block){.parent = b, .around = b, .region = n->region + i, .end = b->end,
                         .id = arena_printf(&w->arena, "%s.%s.", name, z)};
    }
    buf_addc(w->b, ']');
    comma(w);
    aw_raw_lambda(w, b, flow_opnds(w->f, n->arg)[0]);
    put_after(w, b, id);
    close_call(w);
    for (uint16_t i = 0; i < n->nregions; i++) put_region(w, &arm[i]);
    open_line(w, "join", name);
    for (uint16_t i = 0; i < n->nregions; i++) {
        comma(w);
        if (region_of(w, &arm[i])->result == OPND_ABSENT) buf_z(w->b, "None");
        else aw_lambda(w, &arm[i], region_of(w, &arm[i])->result);
    }
    close_call(w);
}

static void put_each(Writer *w, const Block *b, NodeId id) {
    const FlowNode *n = &w->f->node.data[id];
    const Opnd *o = flow_opnds(w->f, n->arg);
    const char *name = id_of(w, b, n);
    Block item = {.parent = b, .around = b, .region = n->region, .id = join(w, name, "."), .own = name, .end = b->end};
    open_call(w, id, "each", name);
    comma(w);
    aw_lambda(w, b, o[0]);
    if (n->nargs > 1 && o[1] != OPND_ABSENT) {
        comma(w);
        buf_z(w->b, "second=");
        aw_lambda(w, b, o[1]);
    }
    if (region_of(w, &item)->guard != OPND_ABSENT) {
        comma(w);
        buf_z(w->b, "admit=");
        aw_raw_lambda(w, &item, region_of(w, &item)->guard);
    }
    put_after(w, b, id);
    close_call(w);
    put_region(w, &item);
    const FlowSetting *share = flow_setting(w->f, n->settings, SET_TOLERATE);
    const FlowConst *c = share != NULL ? airflow_const(w->f, share->value) : NULL;
    open_line(w, "gather", name);
    put_result(w, &item);
    if (c != NULL) {
        char text[32];
        comma(w);
        buf_z(w->b, "tolerate=");
        buf_add(w->b, text, format_double(c->f, text));
    }
    close_call(w);
}

static void put_loop(Writer *w, const Block *b, NodeId id) {
    const FlowNode *n = &w->f->node.data[id];
    const char *name = id_of(w, b, n);
    int64_t bound = airflow_const(w->f, flow_opnds(w->f, n->arg)[1])->i, most = bound > 0 ? bound : 0;
    Block *pass = ARENA_ARRAY(&w->arena, Block, most + 1);
    for (int64_t i = 0; i <= most; i++) {
        const char *own = arena_printf(&w->arena, "%s-%" PRId64, name, i);
        pass[i] = (Block){.parent = b, .around = b, .region = n->region, .own = own, .end = b->end,
                          .id = arena_printf(&w->arena, "%s.%" PRId64 ".", name, i)};
        open_call(w, id, "passes", name);
        buf_printf(w->b, ", %" PRId64, i);
        comma(w);
        if (i == 0) aw_lambda(w, b, flow_opnds(w->f, n->arg)[0]);
        else aw_lambda(w, &pass[i - 1], region_of(w, pass)->result);
        if (i < most) {
            comma(w);
            aw_raw_lambda(w, &pass[i], region_of(w, pass)->guard);
        }
        if (i == 0) put_after(w, b, id);
        close_call(w);
        if (i < most) put_region(w, &pass[i]);
    }
    buf_printf(w->b, "flow.repeated(\"%s\", %" PRId64 ")\n", name, most);
}

static void put_try(Writer *w, const Block *b, NodeId id) {
    const FlowNode *n = &w->f->node.data[id];
    const char *name = id_of(w, b, n);
    Block tried = {.parent = b, .around = b, .region = n->region, .id = join(w, name, "."), .end = b->end};
    Block caught = {.parent = b, .around = b, .region = n->region + 1, .end = b->end,
                    .id = join(w, name, ".catch."), .own = join(w, name, "-catch")};
    open_call(w, id, "begin", name);
    put_after(w, b, id);
    close_call(w);
    put_region(w, &tried);
    open_line(w, "catch", name);
    put_result(w, &tried);
    close_call(w);
    put_region(w, &caught);
    open_line(w, "caught", name);
    put_result(w, &caught);
    close_call(w);
}

static void put_sub(Writer *w, const Block *b, NodeId id) {
    const FlowNode *n = &w->f->node.data[id];
    const FlowWorkflow *x = &w->f->workflow.data[n->ref];
    const char *name = id_of(w, b, n);
    Block body = {.around = b, .region = x->body, .id = join(w, name, "."), .own = join(w, name, "-begin")};
    open_call(w, id, "begin", name);
    comma(w);
    aw_inputs(w, b, flow_opnds(w->f, n->arg), x->param, n->nargs);
    aw_limits(w, ", limits=", x->param, x->nparam, "");
    put_after(w, b, id);
    close_call(w);
    put_workflow(w, &body, name);
}

static void put_value(Writer *w, const Block *b, NodeId id) {
    const FlowNode *n = &w->f->node.data[id];
    bool fail = n->kind == NODE_FAIL;
    open_call(w, id, fail ? "fail" : n->kind == NODE_LET ? "value" : "gate", id_of(w, b, n));
    if (n->kind != NODE_GATE) {
        comma(w);
        if (fail) aw_raw_lambda(w, b, flow_opnds(w->f, n->arg)[0]);
        else aw_lambda(w, b, flow_opnds(w->f, n->arg)[0]);
    }
    put_after(w, b, id);
    close_call(w);
}

static void put_node(Writer *w, const Block *b, NodeId id) {
    switch ((FlowNodeKind)w->f->node.data[id].kind) {
    case NODE_CALL: put_call(w, b, id); return;
    case NODE_SUB: put_sub(w, b, id); return;
    case NODE_PICK: put_pick(w, b, id); return;
    case NODE_EACH: put_each(w, b, id); return;
    case NODE_LOOP: put_loop(w, b, id); return;
    case NODE_TRY: put_try(w, b, id); return;
    case NODE_GATE: case NODE_LET: case NODE_FAIL: put_value(w, b, id); return;
    }
}

/* --- regions --- */

typedef struct Placed {
    uint64_t at;
    NodeId id;
} Placed;

static int placed_cmp(const void *a, const void *b) {
    const Placed *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The nodes in the order of the text, which is that of failures as well. */
static void put_region(Writer *w, const Block *b) {
    const FlowRegion *r = region_of(w, b);
    Placed *list = wf_alloc((r->n + 1) * sizeof *list);
    for (uint32_t i = 0; i < r->n; i++) list[i] = (Placed){w->f->node_span.data[r->first + i].off, r->first + i};
    qsort(list, r->n, sizeof *list, placed_cmp);
    for (uint32_t i = 0; i < r->n; i++) put_node(w, b, list[i].id);
    free(list);
}

static void put_handler(Writer *w, const Block *body, RegionId region, const char *name, const char *end) {
    if (region == 0) return;
    Block *b = ARENA_NEW(&w->arena, Block);
    *b = (Block){.parent = body, .around = body->around, .region = region, .own = end, .end = end,
                 .id = arena_printf(&w->arena, "%s%s.", body->id, name)};
    put_region(w, b);
}

/* The body, its handlers and its value; `name` is that of the node that calls it, "" for the run. */
static void put_workflow(Writer *w, const Block *body, const char *name) {
    const FlowWorkflow *x = &w->f->workflow.data[region_of(w, body)->workflow];
    put_region(w, body);
    bool handlers = x->on_success != 0 || x->on_failure != 0 || x->finally != 0;
    open_line(w, handlers ? "end" : "result", name);
    put_result(w, body);
    close_call(w);
    if (!handlers) return;
    const char *end = join(w, *name != '\0' ? name : "return", "-end");
    put_handler(w, body, x->on_success, "on-success", end);
    put_handler(w, body, x->on_failure, "on-failure", end);
    if (x->finally != 0) buf_printf(w->b, "flow.finish(\"%s\")\n", name);
    put_handler(w, body, x->finally, "finally", end);
    buf_printf(w->b, "flow.ended(\"%s\")\n", name);
}

void aw_tasks(Writer *w) {
    Block body = {.region = w->f->workflow.data[w->cx->workflow].body, .id = ""};
    put_workflow(w, &body, "");
}

/* --- counting --- */

static uint64_t count_region(const Flow *f, RegionId id, size_t name, AirflowSize *size);

static uint64_t count_workflow(const Flow *f, uint32_t index, size_t name, AirflowSize *size) {
    const FlowWorkflow *x = &f->workflow.data[index];
    RegionId regions[] = {x->body, x->on_success, x->on_failure, x->finally};
    uint64_t n = 3;
    for (int i = 0; i < 4; i++)
        if (regions[i] != 0) n += count_region(f, regions[i], name + (i > 0 ? sizeof "on-success" : 0), size);
    return n;
}

/* The tasks of a node, whose block's names have `name` bytes in common. */
static uint64_t count_node(const Flow *f, NodeId id, size_t name, AirflowSize *size) {
    const FlowNode *x = &f->node.data[id];
    uint64_t n = 1;
    name += atom_str(f->atoms, x->name).n + 1;
    if (name > AIRFLOW_NAME && !size->too_long) *size = (AirflowSize){.too_long = true, .node = id};
    for (uint16_t k = 0; k < x->nregions; k++) {
        Atom arm = f->region.data[x->region + k].name;
        n += 1 + count_region(f, x->region + k, name + (arm != 0 ? atom_str(f->atoms, arm).n + 1 : sizeof "catch"), size);
    }
    if (x->kind == NODE_SUB) n += count_workflow(f, x->ref, name, size);
    const FlowConst *bound = x->kind == NODE_LOOP ? airflow_const(f, flow_opnds(f, x->arg)[1]) : NULL;
    return bound != NULL && bound->i > 0 ? n * (uint64_t)bound->i : n;
}

static uint64_t count_region(const Flow *f, RegionId id, size_t name, AirflowSize *size) {
    const FlowRegion *r = &f->region.data[id];
    uint64_t n = 0;
    for (uint32_t i = 0; i < r->n && n <= AIRFLOW_TASKS && !size->too_long; i++) n += count_node(f, r->first + i, name, size);
    return n;
}

AirflowSize airflow_size(const Flow *f, uint32_t workflow) {
    AirflowSize size = {0};
    size.tasks = count_workflow(f, workflow, 0, &size);
    return size;
}
