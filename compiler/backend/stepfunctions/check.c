/* What the table of capabilities alone cannot tell. */
#include "compiler/backend/stepfunctions/asl.h"

#include <ctype.h>
#include <stdlib.h>

static void refuse(TargetCx *cx, Span span, const char *what, const char *help) {
    diag_help(cx->diags, diag_add(cx->diags, WF_E_target_limit, span, "%s", what), "%s", help);
}

static const FlowConst *constant(const Flow *f, const FlowSetting *y) {
    return y != NULL && opnd_tag(y->value) == OPND_CONST ? &f->constant.data[opnd_index(y->value)] : NULL;
}

/* --- settings of the target --- */

static void check_characters(TargetCx *cx, const char *name, const char *allowed, const char *what) {
    Str s;
    if (!target_string(cx, name, &s)) return;
    size_t i = 0;
    while (i < s.n && (isalnum((unsigned char)s.p[i]) || strchr(allowed, s.p[i]) != NULL)) i++;
    if (i < s.n) target_bad_setting(cx, name, what);
}

static void check_block(TargetCx *cx) {
    Str runner, map;
    check_characters(cx, "bucket", "-.", "may hold letters, digits, `-` and `.`");
    check_characters(cx, "prefix", "-._/", "may hold letters, digits and `-._/`");
    if (target_string(cx, "runner", &runner) && !str_is(runner, "ecs") && !str_is(runner, "batch") && !str_is(runner, "lambda"))
        target_bad_setting(cx, "runner", "is \"ecs\", \"batch\" or \"lambda\"");
    if (target_string(cx, "map", &map) && !str_is(map, "inline") && !str_is(map, "distributed"))
        target_bad_setting(cx, "map", "is \"inline\" or \"distributed\"");
}

/* --- annotations --- */

static const Setting constants[] = {SET_RETRY, SET_RETRY_DELAY, SET_RETRY_FACTOR, SET_RETRY_MAX_DELAY, SET_RETRY_JITTER,
                                    SET_CPU, SET_MEMORY, SET_GPU};

static void check_size(TargetCx *cx, NodeId n) {
    const Flow *f = cx->flow;
    const FlowSetting *cpu = asl_call_setting(f, n, SET_CPU), *memory = asl_call_setting(f, n, SET_MEMORY),
        *gpu = asl_call_setting(f, n, SET_GPU);
    const FlowConst *c = constant(f, cpu), *m = constant(f, memory);
    const char *runner = asl_runner(cx);
    int units;
    int64_t mib;
    static const char batch[] = "use `runner = \"batch\"` in a `target` block";
    Span span = cpu != NULL ? cpu->span : memory != NULL ? memory->span : SPAN_NONE;
    double cpus = c != NULL ? c->f : 0;
    int64_t most = m != NULL ? (m->i + (1 << 20) - 1) >> 20 : 0;
    if (gpu != NULL && strcmp(runner, "batch") != 0) refuse(cx, gpu->span, "Fargate and Lambda have no GPUs", batch);
    if ((c != NULL || m != NULL) && strcmp(runner, "lambda") == 0)
        refuse(cx, span, "what a function may use stands in its configuration",
               "use `runner = \"ecs\"` in a `target` block, or leave @resources out");
    else if (strcmp(runner, "ecs") == 0 && !asl_fargate_size(cpus, most, &units, &mib))
        refuse(cx, span, "Fargate has at most 16 CPUs and 120 GiB", batch);
}

static void check_image(TargetCx *cx, uint32_t workflow, NodeId n) {
    const FlowSetting *image = asl_image(cx->flow, workflow, n);
    Str definition;
    if (image == NULL || (strcmp(asl_runner(cx), "lambda") != 0 && asl_image_definition(cx, image, &definition))) return;
    Diag *d = diag_add(cx->diags, WF_E_target_image, image->span, "no definition is known for this image");
    diag_help(cx->diags, d, "name one in a block: target NAME on stepfunctions { images = [\"IMAGE\": \"TASK DEFINITION\"] }");
}

static void check_call(TargetCx *cx, uint32_t workflow, NodeId n) {
    const Flow *f = cx->flow;
    check_image(cx, workflow, n);
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        const FlowSetting *y = asl_call_setting(f, n, constants[i]);
        if (y == NULL || opnd_tag(y->value) == OPND_CONST) continue;
        Buf help = BUF_INIT;
        buf_printf(&help, "write the value of @%s(%s:) as a constant", setting_annotation(constants[i]),
                   setting_param(constants[i]));
        refuse(cx, y->span, "Step Functions needs a constant here", buf_cstr(&help));
        buf_free(&help);
    }
    check_size(cx, n);
}

/* The failures of an item that is an execution do not reach the Map that it ends. */
static void refuse_distributed(TargetCx *cx, const FlowSetting *y) {
    if (y != NULL)
        refuse(cx, y->span, "items that are executions of their own do not end at the first failure",
               "leave @fail_fast or the setting `map` out");
}

static void check_loop(TargetCx *cx, NodeId n, bool *distributed) {
    const Flow *f = cx->flow;
    if (asl_distributes(cx) && flow_setting(f, f->node.data[n].settings, SET_TOLERATE) == NULL) {
        refuse_distributed(cx, flow_setting(f, f->node.data[n].settings, SET_FAIL_FAST));
        *distributed = true;
    }
    const FlowSetting *y = flow_setting(f, f->node.data[n].settings, SET_PARALLEL);
    if (y != NULL && opnd_tag(y->value) == OPND_EXPR)
        refuse(cx, y->span, "Step Functions needs a constant or a value here",
               "bind the expression to a name outside of the loop's annotation");
}

static void check_workflow(TargetCx *cx, uint32_t index) {
    const Flow *f = cx->flow;
    const FlowWorkflow *w = &f->workflow.data[index];
    const FlowSetting *y = flow_setting(f, w->settings, SET_TIMEOUT), *total = flow_setting(f, w->settings, SET_TIMEOUT_TOTAL);
    if (index != cx->workflow && asl_uses_duration(f, index)) {
        Diag *d = diag_add(cx->diags, WF_E_target_limit, w->span,
                           "Step Functions cannot tell how long the called workflow `%s` has run",
                           atom_cstr(f->atoms, w->name));
        diag_help(cx->diags, d, "use `run.duration` in the workflow that is started only");
    }
    if (total != NULL) y = total;
    if (y == NULL) return;
    const FlowConst *x = constant(f, y);
    if (index != cx->workflow) {
        refuse(cx, y->span, "a called workflow has no time limit in Step Functions",
               "put @timeout on its steps");
    } else if (x == NULL || x->kind != CONST_INT || x->i <= 0 || x->i % 1000 != 0 || total != NULL) {
        refuse(cx, y->span, "the time of an execution is a constant of whole seconds",
               "write @timeout(10m), for example");
    } else if (w->on_failure != 0 || w->finally != 0) {
        refuse(cx, y->span, "an execution whose time is over runs no handlers",
               "put @timeout on the steps, or leave the handlers out");
    }
}

/* What branches have given is lost when one of them ends all. */
static void check_handlers(TargetCx *cx, RegionId r) {
    const Flow *f = cx->flow;
    const FlowRegion *x = &f->region.data[r];
    if (x->kind != REGION_HANDLER || flow_setting(f, f->workflow.data[x->workflow].settings, SET_FAIL_FAST) == NULL) return;
    for (uint32_t i = 0; i < x->ninput; i++) {
        Opnd from = f->input.data[x->input + i].from;
        if (opnd_tag(from) != OPND_NODE) continue;
        const char *name = atom_cstr(f->atoms, f->node.data[opnd_index(from)].name);
        Diag *d = diag_add(cx->diags, WF_E_target_limit, x->span, "with @fail_fast, handlers cannot see `%s` on Step Functions",
                           name);
        diag_help(cx->diags, d, "leave @fail_fast out, or let the step keep what the handler needs");
    }
}

static void check_sub(TargetCx *cx, NodeId n) {
    const FlowSetting *y = flow_setting(cx->flow, cx->flow->node.data[n].settings, SET_TIMEOUT);
    if (y != NULL) refuse(cx, y->span, "a called workflow has no time limit in Step Functions",
               "put @timeout on its steps");
}

/* --- order --- */

/* What each node of a level waits for although nothing asks for it. */
static void tell_level(TargetCx *cx, const Order *o, const Shape *above, const Shape *level) {
    const Flow *f = cx->flow;
    for (uint32_t i = 0; i < level->n; i++) {
        NodeId n = level->child[i].node;
        Buf names = BUF_INIT;
        for (uint32_t k = 0; k < above->n; k++) {
            if (order_before(o, above->child[k].node, n)) continue;
            buf_printf(&names, "%s`%s`", names.n > 0 ? ", " : "", atom_cstr(f->atoms, f->node.data[above->child[k].node].name));
        }
        if (names.n > 0) {
            const char *name = atom_cstr(f->atoms, f->node.data[n].name);
            Diag *d = diag_add(cx->diags, WF_E_target_order, f->node_span.data[n], "on Step Functions `%s` also waits for %s",
                               name, buf_cstr(&names));
            diag_note(cx->diags, d, "its order is neither a chain nor branches that join; "
                                    "only waiting is longer, values and failures are the same");
            if (cx->strict) d->severity = SEV_ERROR, cx->diags->nerrors++, cx->diags->nwarnings--;
        }
        buf_free(&names);
    }
}

static void tell_shape(TargetCx *cx, const Order *o, const Shape *x) {
    for (uint32_t i = 0; i < x->n && x->kind != SHAPE_LEVELS; i++) tell_shape(cx, o, &x->child[i]);
    for (uint32_t i = 1; x->kind == SHAPE_LEVELS && i < x->n; i++) tell_level(cx, o, &x->child[i - 1], &x->child[i]);
}

static void check_order(TargetCx *cx, RegionId r) {
    const FlowRegion *x = &cx->flow->region.data[r];
    Arena a = ARENA_INIT;
    NodeId *nodes = wf_alloc(sizeof *nodes * (x->n + 1));
    uint32_t n = 0;
    for (NodeId i = x->first; i < x->first + x->n; i++)
        if (cx->flow->node.data[i].kind != NODE_GATE && cx->flow->node.data[i].kind != NODE_LET) nodes[n++] = i;
    if (n > 0) {
        Order o = order_of(cx->flow, r);
        Shape s = shape_of(&a, cx->flow, &o, nodes, n);
        tell_shape(cx, &o, &s);
        order_free(&o);
    }
    free(nodes);
    arena_free(&a);
}

/* --- all --- */

/* What is far larger than the service takes is not written to be measured. */
enum { MAX_CALLS = 2000 };

static void check_definition(TargetCx *cx, uint32_t calls) {
    const FlowWorkflow *w = &cx->flow->workflow.data[cx->workflow];
    size_t size = calls > MAX_CALLS ? 0 : asl_definition_size(cx);
    if (calls <= MAX_CALLS && size <= ASL_MAX_DEFINITION) return;
    Diag *d = diag_add(cx->diags, WF_E_target_limit, w->span, "the definition of `%s` would be larger than 1 MiB",
                       atom_cstr(cx->flow->atoms, w->name));
    if (size > 0) diag_note(cx->diags, d, "its %u calls take %zu bytes", calls, size);
    else diag_note(cx->diags, d, "it has %u calls, of about 2 KiB each", calls);
    diag_help(cx->diags, d, "divide the workflow, or write repeated calls as a loop");
}

void asl_check_target(TargetCx *cx) {
    const Flow *f = cx->flow;
    Used used = target_used(f, cx->workflow);
    uint32_t calls = 0, before = cx->diags->nerrors;
    bool distributed = false;
    check_block(cx);
    for (uint32_t i = 0; i < f->workflow.len; i++)
        if (used.workflow[i]) check_workflow(cx, i);
    for (RegionId r = 1; r < f->region.len; r++) {
        const FlowRegion *x = &f->region.data[r];
        if (!used.workflow[x->workflow]) continue;
        check_handlers(cx, r);
        for (NodeId n = x->first; n < x->first + x->n; n++) {
            calls += f->node.data[n].kind == NODE_CALL;
            if (f->node.data[n].kind == NODE_CALL) check_call(cx, x->workflow, n);
            if (f->node.data[n].kind == NODE_EACH) check_loop(cx, n, &distributed);
            if (f->node.data[n].kind == NODE_SUB) check_sub(cx, n);
        }
    }
    for (uint32_t i = 0; i < f->workflow.len && distributed; i++)
        if (used.workflow[i]) refuse_distributed(cx, flow_setting(f, f->workflow.data[i].settings, SET_FAIL_FAST));
    asl_check_schedule(cx);
    if (calls <= MAX_CALLS)
        for (RegionId r = 1; r < f->region.len; r++)
            if (used.workflow[f->region.data[r].workflow]) check_order(cx, r);
    if (cx->diags->nerrors == before) check_definition(cx, calls);
    used_free(&used);
}
