/* What the table of capabilities cannot tell: values that must be known when the files are written, and the engine's limits. */
#include "compiler/backend/argo/argo.h"
#include "compiler/backend/argo/emit.h"

#include <ctype.h>
#include <inttypes.h>
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

static void check_block(TargetCx *cx) {
    static const char *const strategies[] = {"OnPodCompletion", "OnPodSuccess", "OnWorkflowCompletion", "OnWorkflowSuccess"};
    int64_t ttl;
    Str strategy;
    if (target_int(cx, "ttl", &ttl) && (ttl < 0 || (ttl + 999) / 1000 > INT32_MAX))
        target_bad_setting(cx, "ttl", "is a time of up to 2147483647 seconds");
    if (!target_string(cx, "pod_gc", &strategy)) return;
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++)
        if (str_is(strategy, strategies[i])) return;
    target_bad_setting(cx, "pod_gc", "is OnPodCompletion, OnPodSuccess, OnWorkflowCompletion or OnWorkflowSuccess");
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
    bool bad = s->key == SET_SCHEDULE_CATCHUP && c->kind == CONST_BOOL && c->i != 0;
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
        bool limit = (s->key == SET_TIMEOUT || s->key == SET_TIMEOUT_TOTAL) && s->value != OPND_ABSENT &&
                     !(constant(cx->flow, s) != NULL && constant(cx->flow, s)->kind == CONST_NONE);
        if (limit && root && !handlers && constant(cx->flow, s) == NULL) need_constant(cx, s);
        bool place = s->key == SET_IMAGE || s->key == SET_SERVICE_ACCOUNT || s->key == SET_NODE_SELECTOR || s->key == SET_RETRY ||
                     s->key == SET_CACHE;
        if (!(limit && (!root || handlers)) && !(place && !root)) continue;
        Diag *d = diag_add(cx->diags, WF_E_target_limit, s->span, "%s has no `@%s` for %s", cx->target->title,
                           setting_annotation(s->key), root ? "a run with handlers" : "a workflow that is called");
        diag_help(cx->diags, d, "%s",
                  root ? "what it ends runs no handlers: put it on the steps" : "put it on the steps of that workflow");
    }
}

/* --- steps that a template of the cluster does, or a person --- */

static void refuse_body(TargetCx *cx, Span span, const char *what, const char *help) {
    Diag *d = diag_add(cx->diags, WF_E_target_limit, span, "a template of the cluster %s", what);
    diag_help(cx->diags, d, "%s", help);
}

/* What is passed to the template and what it gives are texts, and a text cannot be absent. */
static void check_passed(TargetCx *cx, TypeId t, Span span, bool output) {
    const Types *types = cx->flow->types;
    if (type_has(types, t, TYF_SECRET))
        refuse_body(cx, span, "is not passed secrets", "its parameters are shown: let that template read the Secret of the cluster");
    else if (type_kind(types, t) == TY_OPT)
        refuse_body(cx, span, output ? "always gives its outputs" : "always gets its arguments",
                    output ? "leave the `?` out" : "give the value of `none` by `??`");
    else if (argo_files(cx->flow, t) == FILES_MANY)
        refuse_body(cx, span, output ? "gives files one by one" : "gets files one by one",
                    "files inside lists, maps and structs are no artifacts of the engine");
    else if (!output && type_kind(types, type_file_base(types, t)) == TY_DIR)
        refuse_body(cx, span, "gets no directories", "the store holds the files of one apart: pack it into a file by a step before");
}

/* What says something about the step's own code means nothing there; the rest has to be kept, of delays what the engine waits. */
static bool is_kept_outside(const TargetCx *cx, const FlowSetting *s) {
    static const Setting kept[] = {SET_RETRY,    SET_RETRY_DELAY, SET_RETRY_MAX_DELAY, SET_CODE,
                                   SET_PACKAGES, SET_PYTHON,      SET_STDOUT,          SET_PRIORITY};
    const FlowConst *c = constant(cx->flow, s);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (kept[i] == s->key) return true;
    if (s->key == SET_RETRY_FACTOR) return c != NULL && c->f < 1e9 && c->f == (double)(int64_t)c->f;
    if (s->key == SET_RETRY_JITTER) return c != NULL && c->i == 0;
    return cx->target->caps[CAP_OF(s->key)].level == CAP_IGNORED;
}

static void check_outside(TargetCx *cx, uint32_t settings, bool person) {
    const FlowSettings *all = &cx->flow->settings.data[settings];
    for (uint32_t i = 0; i < all->n; i++) {
        const FlowSetting *s = &cx->flow->setting.data[all->first + i];
        bool given = s->value != OPND_ABSENT || s->key == SET_CACHE; /* which says something without a value as well */
        if (is_kept_outside(cx, s) || !given) continue;
        const char *param = setting_param(s->key);
        Diag *d = diag_add(cx->diags, WF_E_target_limit, s->span, "%s has no `@%s%s%s%s` for a step that %s", cx->target->title,
                           setting_annotation(s->key), param[0] != '\0' ? "(" : "", param, param[0] != '\0' ? ":)" : "",
                           person ? "a person does" : "a template of the cluster does");
        diag_help(cx->diags, d, person ? "leave it out: nothing runs there" : "write it in that template, or leave it out");
    }
}

static void check_argument(TargetCx *cx, const FlowTargetBody *b, uint32_t i) {
    const Flow *f = cx->flow;
    Atom name = f->argname.data[b->argname + i];
    if (name == 0) {
        refuse_body(cx, b->span, "has names for its parameters", "write `NAME: value` for each argument");
        return;
    }
    for (uint32_t k = 0; k < i; k++)
        if (f->argname.data[b->argname + k] == name) {
            diag_add(cx->diags, WF_E_target_limit, b->span, "argument `%s` is given twice", atom_cstr(f->atoms, name));
            return;
        }
    check_passed(cx, argo_argument_type(f, b->step, f->opnd.data[b->arg + i]), b->span, false);
}

static void check_body(TargetCx *cx, const FlowTargetBody *b) {
    const Flow *f = cx->flow;
    const FlowStep *s = &f->step.data[b->step];
    Str name, template;
    for (const FlowTargetBody *other = b; other > f->target_body.data && other[-1].step == b->step; other--)
        if (other[-1].engine == b->engine) {
            Diag *d = diag_add(cx->diags, WF_E_target_construct, b->span, "the step has a body for %s already", cx->target->title);
            diag_label(cx->diags, d, other[-1].span, "here");
            return;
        }
    if (!str_is(atom_str(f->atoms, b->word), "template") || !argo_template_name(b->text, &name, &template)) {
        Diag *d = diag_add(cx->diags, WF_E_target_construct, b->span, "%s has no such body", cx->target->title);
        diag_help(cx->diags, d, "it is `on argo template \"NAME/TEMPLATE\" (...)`: the template TEMPLATE of the WorkflowTemplate NAME");
        return;
    }
    for (uint32_t i = 0; i < b->narg; i++) check_argument(cx, b, i);
    for (uint32_t i = 0; i < s->noutput; i++) {
        const FlowParam *p = &f->param.data[s->output + i];
        check_passed(cx, p->type, p->span, true);
    }
    check_outside(cx, s->settings, false);
}

/* What a person sees and gives are texts of the Workflow. */
static void check_supplied(TargetCx *cx, const FlowStep *s) {
    const Flow *f = cx->flow;
    for (uint32_t i = 0; i < s->nparam; i++) {
        const FlowParam *p = &f->param.data[s->param + i];
        if (!type_has(f->types, p->type, TYF_SECRET)) continue;
        Diag *d = diag_add(cx->diags, WF_E_target_limit, p->span, "%s shows people what a step is given, and this is a secret",
                           cx->target->title);
        diag_help(cx->diags, d, "leave the parameter out");
    }
    for (uint32_t i = 0; i < s->noutput; i++) {
        const FlowParam *p = &f->param.data[s->output + i];
        bool file = type_has(f->types, p->type, TYF_FILE);
        if (!file && type_kind(f->types, p->type) != TY_OPT) continue;
        Diag *d = diag_add(cx->diags, WF_E_target_limit, p->span, "%s lets people supply %s", cx->target->title,
                           file ? "values, no files" : "all outputs or none");
        diag_help(cx->diags, d, "%s", file ? "let them supply where it lies, and read it by a step" : "leave the `?` out");
    }
    check_outside(cx, s->settings, true);
}

/* --- all --- */

static void check_node(TargetCx *cx, NodeId id, const FlowTargetBody **outside) {
    const Flow *f = cx->flow;
    const FlowNode *n = &f->node.data[id];
    check_settings(cx, n->settings, true);
    if (n->kind == NODE_CALL && outside[n->ref] != NULL) {
        check_outside(cx, n->settings, outside[n->ref] == &argo_supplied);
        return;
    }
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
    if (flow_setting(cx->flow, cx->flow->workflow.data[cx->workflow].settings, SET_IMAGE) != NULL) return;
    Diag *d = diag_add(cx->diags, WF_E_target_image, s->span, "step `%s` needs an image with node",
                       atom_cstr(cx->flow->atoms, s->name));
    diag_help(cx->diags, d, "give it `@image(\"...\")`, or all steps one with node and Python by `target NAME on argo { image = \"...\" }`");
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

static size_t largest_document(Str text) {
    size_t most = 0;
    while (text.n > 0) {
        const char *end = memmem(text.p, text.n, "\n---\n", 5);
        size_t n = end != NULL ? (size_t)(end - text.p) + 5 : text.n;
        if (n > most) most = n;
        text.p += n;
        text.n -= n;
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
    size_t most = largest_document(text);
    if (most > MOST_BYTES) {
        Diag *d = diag_add(cx->diags, WF_E_target_limit, w->span,
                           "the workflow needs an object of %zu bytes; one of a cluster has up to %d", most, MOST_BYTES);
        diag_help(cx->diags, d, "put parts of it into workflows of another file and call those");
    }
    emit_free(&out);
}

void argo_check(TargetCx *cx) {
    const Flow *f = cx->flow;
    Used used = target_used(f, cx->workflow);
    const FlowTargetBody **outside = argo_outside(cx);
    uint32_t before = cx->diags->nerrors;
    check_block(cx);
    check_name(cx);
    check_priority(cx, &f->workflow.data[cx->workflow]);
    check_trigger(cx, &f->workflow.data[cx->workflow]);
    target_each_body(cx, &used, check_body);
    for (uint32_t i = 0; i < f->workflow.len; i++)
        if (used.workflow[i]) {
            const FlowWorkflow *w = &f->workflow.data[i];
            check_settings(cx, w->settings, false);
            check_workflow(cx, w->settings, i == cx->workflow, w->on_success != 0 || w->on_failure != 0 || w->finally != 0);
        }
    for (uint32_t i = 0; i < f->step.len; i++)
        if (used.step[i]) {
            check_settings(cx, f->step.data[i].settings, false);
            if (outside[i] == &argo_supplied) check_supplied(cx, &f->step.data[i]);
            if (outside[i] != NULL) continue;
            check_image(cx, &f->step.data[i]);
            check_cache(cx, i, 0);
        }
    for (RegionId r = 1; r < f->region.len; r++)
        for (uint32_t i = 0; used.workflow[f->region.data[r].workflow] && i < f->region.data[r].n; i++)
            check_node(cx, f->region.data[r].first + i, outside);
    free(outside);
    used_free(&used);
    if (cx->diags->nerrors == before) check_size(cx);
}
