/* What the table of capabilities cannot tell: values that must be known when the files are written, and the engine's limits. */
#include "compiler/backend/argo/argo.h"
#include "compiler/backend/argo/emit.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum {
    MOST_PASSES = 90,      /* templates nest at most 100 deep */
    MOST_ITEMS = 200,      /* of lists of templates and tasks, by the CustomResourceDefinitions */
    MOST_BYTES = 1 << 20,  /* of an object in the cluster's store */
};

static const FlowConst *constant(const Flow *f, const FlowSetting *s) {
    return opnd_tag(s->value) == OPND_CONST ? &f->constant.data[opnd_index(s->value)] : NULL;
}

static void need_constant(TargetCx *cx, const FlowSetting *s) {
    Diag *d = diag_add(cx->diags, WF_E_target_limit, s->span, "`@%s` of %s needs a constant here", setting_annotation(s->key),
                       cx->target->title);
    diag_help(cx->diags, d,
              "its fields are written before a run: use a constant, or a parameter of the step where the step reads it itself");
}

/* Settings that become fields of the template. */
static bool is_field(Setting key) {
    static const Setting fields[] = {SET_RETRY,      SET_RETRY_DELAY, SET_RETRY_FACTOR, SET_RETRY_MAX_DELAY, SET_CPU,
                                     SET_MEMORY,     SET_GPU,         SET_DISK,         SET_IMAGE,           SET_POOL,
                                     SET_POOL_SLOTS, SET_PARALLEL,    SET_TOLERATE,     SET_CONCURRENCY,
                                     SET_CACHE};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i] == key) return true;
    return false;
}

static void bad_setting(TargetCx *cx, const char *name, const char *what) {
    const FlowTarget *t = &cx->flow->target.data[cx->block];
    for (uint32_t i = 0; i < t->nvalue; i++) {
        const FlowTargetValue *v = &cx->flow->target_value.data[t->value + i];
        if (!str_is(atom_str(cx->flow->atoms, v->name), name)) continue;
        diag_add(cx->diags, WF_E_target_setting, v->span, "setting `%s` of %s %s", name, cx->target->title, what);
    }
}

static void check_block(TargetCx *cx) {
    static const char *const strategies[] = {"OnPodCompletion", "OnPodSuccess", "OnWorkflowCompletion", "OnWorkflowSuccess"};
    int64_t ttl;
    Str strategy;
    if (target_int(cx, "ttl", &ttl) && (ttl < 0 || (ttl + 999) / 1000 > INT32_MAX))
        bad_setting(cx, "ttl", "is a time of up to 2147483647 seconds");
    if (!target_string(cx, "pod_gc", &strategy)) return;
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++)
        if (str_is(strategy, strategies[i])) return;
    bad_setting(cx, "pod_gc", "is OnPodCompletion, OnPodSuccess, OnWorkflowCompletion or OnWorkflowSuccess");
}

/* Whether the operand is of the values of a region. */
static bool has_leaf(const Flow *f, Opnd o) {
    if (opnd_tag(o) != OPND_EXPR) return opnd_tag(o) != OPND_CONST && opnd_tag(o) != OPND_LOCAL;
    const FlowExpr *x = &f->expr.data[opnd_index(o)];
    for (uint16_t i = 0; i < x->n; i++)
        if (has_leaf(f, flow_opnds(f, x->a)[i])) return true;
    return false;
}

static void check_value(TargetCx *cx, const FlowSetting *s, const FlowConst *c) {
    bool bad = (s->key == SET_RETRY_JITTER || s->key == SET_SCHEDULE_CATCHUP) && c->kind == CONST_BOOL && c->i != 0;
    bad = bad || (s->key == SET_RETRY_FACTOR && c->kind == CONST_FLOAT && (c->f < 1 || c->f != floor(c->f)));
    bad = bad || (s->key == SET_CONCURRENCY_KEY && c->kind != CONST_NONE);
    if (bad) target_refuse(cx, s->span, CAP_OF(s->key));
}

static void check_settings(TargetCx *cx, uint32_t settings, bool on_call) {
    const Flow *f = cx->flow;
    const FlowSettings *all = &f->settings.data[settings];
    const FlowSetting *overlap = NULL, *schedule = NULL, *most = NULL;
    for (uint32_t i = 0; i < all->n; i++) {
        const FlowSetting *s = &f->setting.data[all->first + i];
        const FlowConst *c = constant(f, s);
        if (c == NULL && s->value != OPND_ABSENT && (is_field(s->key) || (on_call && has_leaf(f, s->value))))
            need_constant(cx, s);
        if (c != NULL) check_value(cx, s, c);
        if (c == NULL && s->key == SET_CONCURRENCY_KEY) target_refuse(cx, s->span, CAP_OF(SET_CONCURRENCY_KEY));
        if (s->key == SET_CONCURRENCY_OVERLAP) overlap = s;
        if (s->key == SET_CONCURRENCY) most = s;
        if (s->key == SET_SCHEDULE) schedule = s;
    }
    if (overlap == NULL || constant(f, overlap)->i == OVERLAP_WAIT) return;
    if (schedule == NULL || constant(f, most)->i != 1) target_refuse(cx, overlap->span, CAP_OF(SET_CONCURRENCY_OVERLAP));
}

static void refuse_cache(TargetCx *cx, const FlowSetting *s, const char *what, const char *help) {
    Diag *d = diag_add(cx->diags, WF_E_target_limit, s->span, "%s has no `@cache` for a step %s", cx->target->title, what);
    diag_help(cx->diags, d, "%s", help);
}

/* A step as it stands, or as a call with settings of its own has it. With retryStrategy, a node that is found in the cache never
   lets the controller of 4.0.5 finish the Workflow. */
static void check_cache(TargetCx *cx, uint32_t step, uint32_t settings) {
    const Flow *f = cx->flow;
    const FlowStep *s = &f->step.data[step];
    const Argo g = {.f = f};
    const ArgoLeaf l = {step, settings, NULL};
    const FlowSetting *cache = argo_setting(&g, &l, SET_CACHE);
    if (cache == NULL) return;
    if (argo_setting(&g, &l, SET_RETRY) != NULL)
        refuse_cache(cx, cache, "with `@retry`", "a run that finds the value does not end there: leave one of the two out");
    if (argo_setting(&g, &l, SET_CODE) != NULL)
        refuse_cache(cx, cache, "with `@code`", "a change of these files would go unseen there: leave one of the two out");
    for (uint32_t i = 0; i < s->noutput; i++)
        if (type_has(f->types, f->param.data[s->output + i].type, TYF_FILE)) {
            refuse_cache(cx, cache, "that gives files", "they belong to the run that made them: leave it out for this target");
            return;
        }
}

/* The engine compares priorities of Workflows as numbers of 32 bits. */
static void check_priority(TargetCx *cx, const FlowWorkflow *w) {
    const FlowSetting *s = flow_setting(cx->flow, w->settings, SET_PRIORITY);
    if (s == NULL) return;
    const FlowConst *c = constant(cx->flow, s);
    if (c == NULL) need_constant(cx, s);
    else if (c->kind == CONST_INT && (c->i < INT32_MIN || c->i > INT32_MAX))
        diag_add(cx->diags, WF_E_target_limit, s->span, "%s has priorities from %" PRId32 " to %" PRId32, cx->target->title,
                 INT32_MIN, INT32_MAX);
}

static bool has_value(const Flow *f, const FlowExpr *with, Atom name) {
    uint32_t n;
    const TypeField *field = with != NULL ? type_fields(f->types, with->type, &n) : NULL;
    for (uint16_t i = 0; with != NULL && i < with->n; i++)
        if (field[i].name == name) return true;
    return false;
}

/* The server passes the value of an expression on with JSON's escapes in it: whether the character has none. */
static bool passes(const char *t) {
    return (unsigned char)*t >= ' ' && *t != '"' && *t != '\\' && strncmp(t, "\u2028", 3) != 0 && strncmp(t, "\u2029", 3) != 0;
}

static void check_event_values(TargetCx *cx, const FlowSetting *with, const FlowExpr *x) {
    const Flow *f = cx->flow;
    uint32_t n;
    const TypeField *field = type_fields(f->types, x->type, &n);
    Arena arena = ARENA_INIT;
    for (uint16_t i = 0; i < x->n; i++) {
        const char *t = emit_given(&arena, f, flow_opnds(f, x->a)[i], field[i].type);
        while (passes(t)) t++;
        if (*t == '\0') continue;
        Diag *d = diag_add(cx->diags, WF_E_target_limit, with->span, "an event of %s cannot give `%s` this value",
                           cx->target->title, atom_cstr(f->atoms, field[i].name));
        diag_help(cx->diags, d,
                  "the server would pass quotes, backslashes and line breaks on escaped: make the value the parameter's default");
    }
    arena_free(&arena);
}

static void check_trigger(TargetCx *cx, const FlowWorkflow *w) {
    const Flow *f = cx->flow;
    const FlowSetting *on = flow_setting(f, w->settings, SET_TRIGGER_ON), *with = flow_setting(f, w->settings, SET_TRIGGER_WITH);
    if (on == NULL || constant(f, on) == NULL) return;
    Str name = constant(f, on)->s;
    size_t i = 0;
    while (i < name.n && (isalnum((unsigned char)name.p[i]) || strchr("-._", name.p[i]) != NULL)) i++;
    if (i < name.n || name.n == 0)
        diag_add(cx->diags, WF_E_target_limit, on->span, "the name of an event of %s has letters, digits and `-._`",
                 cx->target->title);
    const FlowExpr *x = with != NULL ? emit_record(f, with->value) : NULL;
    if (x != NULL) check_event_values(cx, with, x);
    for (i = 0; i < w->nparam; i++) {
        const FlowParam *p = &f->param.data[w->param + i];
        if (p->fallback != OPND_ABSENT || has_value(f, x, p->name)) continue;
        Diag *d = diag_add(cx->diags, WF_E_target_limit, on->span, "the event gives parameter `%s` no value",
                           atom_cstr(f->atoms, p->name));
        diag_help(cx->diags, d, "give it one by `with`, or a default: what an event carries is not passed on");
    }
}

/* What stands on a workflow holds for the run; there is nothing for a called one that it could be written to. */
static void check_workflow(TargetCx *cx, uint32_t settings, bool root, bool handlers) {
    const FlowSettings *all = &cx->flow->settings.data[settings];
    for (uint32_t i = 0; i < all->n; i++) {
        const FlowSetting *s = &cx->flow->setting.data[all->first + i];
        bool limit = s->key == SET_TIMEOUT && s->value != OPND_ABSENT &&
                     !(constant(cx->flow, s) != NULL && constant(cx->flow, s)->kind == CONST_NONE);
        bool place = s->key == SET_IMAGE || s->key == SET_SERVICE_ACCOUNT || s->key == SET_NODE_SELECTOR || s->key == SET_RETRY ||
                     s->key == SET_CACHE;
        if (!(limit && (!root || handlers)) && !(place && !root)) continue;
        Diag *d = diag_add(cx->diags, WF_E_target_limit, s->span, "%s has no `@%s` for %s", cx->target->title,
                           setting_annotation(s->key), root ? "a run with handlers" : "a workflow that is called");
        diag_help(cx->diags, d, "%s",
                  root ? "what it ends runs no handlers: put it on the steps" : "put it on the steps of that workflow");
    }
}

static void check_node(TargetCx *cx, NodeId id) {
    const Flow *f = cx->flow;
    const FlowNode *n = &f->node.data[id];
    check_settings(cx, n->settings, true);
    bool own = flow_setting(f, n->settings, SET_CACHE) != NULL || flow_setting(f, n->settings, SET_RETRY) != NULL;
    if (n->kind == NODE_CALL && own) check_cache(cx, n->ref, n->settings);
    if (n->kind == NODE_SUB) check_workflow(cx, n->settings, false, false);
    if (n->kind != NODE_LOOP) return;
    Opnd bound = flow_opnds(f, n->arg)[1];
    if (opnd_tag(bound) == OPND_CONST && f->constant.data[opnd_index(bound)].i <= MOST_PASSES) return;
    Diag *d = diag_add(cx->diags, WF_E_target_limit, f->node_span.data[id], "%s repeats at most %d times", cx->target->title,
                       MOST_PASSES);
    diag_help(
        cx->diags, d,
        "a pass is a template inside that of the one before, and they nest at most 100 deep: give `max` a constant up to %d",
        MOST_PASSES);
}

/* The image of the target's own steps has Python and shells. */
static void check_image(TargetCx *cx, const FlowStep *s) {
    Str image;
    if (s->body != BODY_FENCE || !str_is(atom_str(cx->flow->atoms, s->lang), "node")) return;
    if (flow_setting(cx->flow, s->settings, SET_IMAGE) != NULL || target_string(cx, "image", &image)) return;
    Diag *d = diag_add(cx->diags, WF_E_target_image, s->span, "step `%s` needs an image with node and Python",
                       atom_cstr(cx->flow->atoms, s->name));
    diag_help(cx->diags, d, "give it `@image(\"...\")`, or all steps one by `target NAME on argo { image = \"...\" }`");
}

/* The names of Kubernetes are shorter than those of the language. */
static void check_name(TargetCx *cx) {
    enum { LONGEST = 52 };
    const FlowWorkflow *w = &cx->flow->workflow.data[cx->workflow];
    Str name = atom_str(cx->flow->atoms, w->name);
    if (name.n <= LONGEST) return;
    diag_add(cx->diags, WF_E_target_name, w->span,
             "the name of the workflow has %zu characters; a scheduled one of %s has up to %d", name.n, cx->target->title,
             LONGEST);
}

/* The most lines that begin with `item` after a line that begins with `head`, until one that begins with `end`. */
static uint32_t most_items(Str text, const char *head, const char *item, const char *end) {
    uint32_t most = 0, now = 0;
    bool inside = false;
    for (size_t at = 0; at < text.n;) {
        Str line = {text.p + at, text.n - at};
        const char *newline = memchr(line.p, '\n', line.n);
        if (newline != NULL) line.n = (size_t)(newline - line.p);
        at += line.n + 1;
        if (str_starts(line, str_of(end))) inside = false;
        if (str_starts(line, str_of(head))) inside = true, now = 0;
        else if (inside && str_starts(line, str_of(item))) now++;
        if (now > most) most = now;
    }
    return most;
}

/* Sizes are those of what is written, so it is written once for them. */
static void check_size(TargetCx *cx) {
    EmitOut out = {0};
    const FlowWorkflow *w = &cx->flow->workflow.data[cx->workflow];
    argo_emit(cx, &out);
    Str text = buf_view(&out.file.data[0].text);
    uint32_t templates = most_items(text, "  templates:", "  - name: ", "---"),
             tasks = most_items(text, "      tasks:", "      - name: ", "  - name: ");
    if (templates > MOST_ITEMS || tasks > MOST_ITEMS) {
        Diag *d = diag_add(cx->diags, WF_E_target_limit, w->span, "the workflow needs %u %s; %s takes up to %d",
                           templates > MOST_ITEMS ? templates : tasks, templates > MOST_ITEMS ? "templates" : "tasks in one DAG",
                           cx->target->title, MOST_ITEMS);
        diag_help(cx->diags, d, "put parts of it into workflows of their own and call those%s",
                  templates > MOST_ITEMS ? " from another file" : "");
    }
    if (text.n > MOST_BYTES)
        diag_add(cx->diags, WF_E_target_limit, w->span,
                 "the workflow is written in %zu bytes; an object of a cluster has up to %d", text.n, MOST_BYTES);
    emit_free(&out);
}

void argo_check(TargetCx *cx) {
    const Flow *f = cx->flow;
    Used used = target_used(f, cx->workflow);
    uint32_t before = cx->diags->nerrors;
    check_block(cx);
    check_name(cx);
    check_priority(cx, &f->workflow.data[cx->workflow]);
    check_trigger(cx, &f->workflow.data[cx->workflow]);
    for (uint32_t i = 0; i < f->workflow.len; i++)
        if (used.workflow[i]) {
            const FlowWorkflow *w = &f->workflow.data[i];
            check_settings(cx, w->settings, false);
            check_workflow(cx, w->settings, i == cx->workflow, w->on_success != 0 || w->on_failure != 0 || w->finally != 0);
        }
    for (uint32_t i = 0; i < f->step.len; i++)
        if (used.step[i]) {
            check_settings(cx, f->step.data[i].settings, false);
            check_image(cx, &f->step.data[i]);
            check_cache(cx, i, 0);
        }
    for (RegionId r = 1; r < f->region.len; r++)
        for (uint32_t i = 0; used.workflow[f->region.data[r].workflow] && i < f->region.data[r].n; i++)
            check_node(cx, f->region.data[r].first + i);
    used_free(&used);
    if (cx->diags->nerrors == before) check_size(cx);
}
