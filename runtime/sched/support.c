/* Constructs that check and compile but that this engine cannot run yet: refused by name before anything starts. */
#include "runtime/sched/sched.h"

#include <stdlib.h>

typedef struct Support {
    const RtPlan *plan;
    Buf *why;
    bool *seen_region, *seen_step, *seen_workflow;
    VEC(uint32_t) todo; /* regions */
} Support;

static void refuse(Support *p, uint32_t span, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void refuse(Support *p, uint32_t span, const char *fmt, ...) {
    const RtSpan *at = &p->plan->span[span];
    if (p->why->n > 0) buf_addc(p->why, '\n');
    if (at->file != NULL && at->line > 0) buf_printf(p->why, "%s:%u: ", at->file, at->line);
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(p->why, fmt, ap);
    va_end(ap);
}

static const char *unsupported(Setting key) {
    switch (key) {
    case SET_CACHE: return "cache";
    case SET_ISOLATE: return "isolate";
    case SET_IMAGE: return "image";
    case SET_ENTRYPOINT: return "entrypoint";
    case SET_NETWORK: return "network";
    case SET_WRITABLE: return "writable";
    case SET_MOUNT: return "mount";
    case SET_SERVICE_PORT: return "service";
    case SET_TRIGGER_ON: return "trigger";
    case SET_RETRY: case SET_RETRY_DELAY: case SET_RETRY_FACTOR: case SET_RETRY_MAX_DELAY: case SET_RETRY_JITTER: case SET_RETRY_ON:
    case SET_TIMEOUT: case SET_TIMEOUT_TOTAL: case SET_CPU: case SET_MEMORY: case SET_GPU: case SET_DISK: case SET_ENV: case SET_CODE:
    case SET_PACKAGES: case SET_PYTHON: case SET_STDOUT: case SET_SERVICE_READY: case SET_PARALLEL: case SET_TOLERATE: case SET_FAIL_FAST:
    case SET_CONCURRENCY: case SET_CONCURRENCY_OVERLAP: case SET_CONCURRENCY_KEY: case SET_POOL: case SET_POOL_SLOTS: case SET_PRIORITY:
    case SET_SCHEDULE: case SET_SCHEDULE_TIMEZONE: case SET_SCHEDULE_CATCHUP: case SET_SCHEDULE_WITH: case SET_TRIGGER_WITH: case SET_NOTIFY:
    case SET_NOTIFY_ON: case SET_CONFIG: case SET_OWNER: case SET_TAGS: case SET_LABEL: case SET_NODE_SELECTOR: case SET_SERVICE_ACCOUNT:
    case SET_ARGO: case SET_AIRFLOW: case SET_STEPFUNCTIONS: case SET_COUNT: return NULL;
    }
    return NULL;
}

static void settings(Support *p, uint32_t first, uint32_t n, uint32_t span, const char *what, const char *name) {
    for (uint32_t i = 0; i < n; i++) {
        const char *annotation = unsupported((Setting)p->plan->setting[first + i].key);
        if (annotation != NULL) refuse(p, span, "@%s of %s `%s` is not supported yet in local runs", annotation, what, name);
    }
}

/* Files inside a struct or map cannot be collected from one text. */
static bool collectable(const RtTypes *t, uint32_t type) {
    const RtType *y = rt_type(t, rt_unopt(t, type));
    if (!y->has_file || y->kind == RT_FILE || y->kind == RT_DIR) return true;
    return y->kind == RT_LIST && rt_type(t, y->inner)->kind == RT_FILE;
}

/* What would need a process of the step's own. */
static void in_process(Support *p, const RtStep *s, uint32_t first, uint32_t n, uint32_t span) {
    for (uint32_t i = 0; i < n; i++) {
        Setting key = (Setting)p->plan->setting[first + i].key;
        const char *what = key == SET_TIMEOUT || key == SET_TIMEOUT_TOTAL ? "timeout" : key == SET_ENV ? "env" : key == SET_CODE ? "code"
                           : key == SET_PACKAGES ? "packages" : key == SET_STDOUT ? "stdout" : NULL;
        if (what != NULL && p->plan->setting[first + i].value.from != RT_FROM_NONE)
            refuse(p, span, "@%s has no effect on the step `%s`: an `extern` function runs inside the engine", what, s->name);
    }
}

static void step(Support *p, uint32_t index, uint32_t span) {
    if (p->seen_step[index]) return;
    p->seen_step[index] = true;
    const RtStep *s = &p->plan->step[index];
    switch ((RtBody)s->body) {
    case RT_BODY_NONE: refuse(p, span, "the step `%s` has no body that runs here", s->name); break;
    case RT_BODY_SUPPLIED: refuse(p, span, "the step `%s` is `supplied`, which is not supported yet in local runs", s->name); break;
    case RT_BODY_FENCE: case RT_BODY_EXEC: case RT_BODY_EXTERN: break;
    }
    if (s->body == RT_BODY_EXTERN) in_process(p, s, s->setting, s->nsetting, span);
    settings(p, s->setting, s->nsetting, span, "the step", s->name);
    for (uint32_t i = 0; i < s->noutput; i++) {
        const RtParam *o = &p->plan->param[s->output + i];
        if (!collectable(p->plan->types, o->type))
            refuse(p, o->span, "the output `%s` of the step `%s` has files inside a value, which is not supported yet: make them outputs", o->name, s->name);
    }
}

static void push(Support *p, uint32_t region) {
    if (region == 0 || p->seen_region[region]) return;
    p->seen_region[region] = true;
    vec_push(&p->todo, region);
}

static void workflow(Support *p, uint32_t index) {
    if (p->seen_workflow[index]) return;
    p->seen_workflow[index] = true;
    const RtWorkflow *w = &p->plan->workflow[index];
    settings(p, w->setting, w->nsetting, w->span, "the workflow", w->name);
    push(p, w->body);
    push(p, w->on_success);
    push(p, w->on_failure);
    push(p, w->finally);
}

static void node(Support *p, const RtNode *n) {
    if (n->kind == RT_CALL) {
        step(p, n->ref, n->span);
        /* What stands on the call itself; the step's own were told once. */
        const RtStep *s = &p->plan->step[n->ref];
        for (uint32_t i = 0; i < n->nsetting; i++) {
            uint32_t key = p->plan->setting[n->setting + i].key;
            bool own = false;
            for (uint32_t k = 0; k < s->nsetting && !own; k++) own = p->plan->setting[s->setting + k].key == key;
            if (!own) settings(p, n->setting + i, 1, n->span, "the call", n->name);
            if (!own && s->body == RT_BODY_EXTERN) in_process(p, s, n->setting + i, 1, n->span);
        }
    } else if (n->kind == RT_SUB) {
        workflow(p, n->ref);
    } else
        for (uint32_t i = 0; i < n->nregion; i++) push(p, n->region + i);
}

bool support_check(const RtPlan *plan, uint32_t main, const RtStep *only, Buf *why) {
    Buf out = BUF_INIT;
    Support p = {.plan = plan, .why = &out, .seen_region = wf_alloc_zero(plan->nregion + 1), .seen_step = wf_alloc_zero(plan->nstep + 1),
                 .seen_workflow = wf_alloc_zero(plan->nworkflow + 1)};
    if (only != NULL)
        step(&p, (uint32_t)(only - plan->step), only->span);
    else
        workflow(&p, main);
    while (p.todo.len > 0) {
        const RtRegion *r = &plan->region[vec_pop(&p.todo)];
        for (uint32_t i = 0; i < r->n; i++) node(&p, &plan->node[r->first + i]);
    }
    free(p.seen_region);
    free(p.seen_step);
    free(p.seen_workflow);
    vec_free(&p.todo);
    bool ok = out.n == 0;
    if (!ok) buf_str(why, buf_view(&out));
    buf_free(&out);
    return ok;
}
