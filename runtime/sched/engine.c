/* One run from its options to its result. */
#include "runtime/sched/engine_impl.h"

#include "base/units.h"
#include "runtime/sched/sched.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

struct Engine {
    Store *store;
    int wake;          /* eventfd: cancel was asked for */
    atomic_int cancel; /* how often */
};

Engine *engine_open(const char *dir, bool read_only, Buf *why) {
    Store *store = store_open(dir, read_only, why);
    if (store == NULL) return NULL;
    Engine *e = wf_alloc_zero(sizeof *e);
    e->store = store;
    e->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (e->wake >= 0) return e;
    buf_printf(why, "cannot make an event descriptor: %s", strerror(errno));
    engine_close(e);
    return NULL;
}

void engine_close(Engine *e) {
    if (e == NULL) return;
    if (e->wake >= 0) close(e->wake);
    store_close(e->store);
    free(e);
}

Store *engine_store(Engine *e) { return e->store; }

void engine_cancel(Engine *e) {
    atomic_fetch_add(&e->cancel, 1);
    uint64_t one = 1;
    ssize_t n = write(e->wake, &one, sizeof one);
    (void)n; /* full: it is readable already */
}

/* ---- the loop ---- */

static void note(Sched *s, const Note *n) {
    EngineEvent e = {.path = n->task->path, .step = n->task->step->name, .attempt = n->task->attempt, .time = n->time, .value = n->value,
                     .text = {n->text, n->n}, .on_stderr = n->on_stderr};
    switch (n->kind) {
    case NOTE_LINE: e.kind = EV_LOG; break;
    case NOTE_PROGRESS: e.kind = EV_PROGRESS; break;
    case NOTE_METRIC: e.kind = EV_METRIC; break;
    }
    record_event(s, &e);
}

static void cancel_asked(Sched *s) {
    int asked = s->cancel != NULL ? atomic_load(s->cancel) : 0;
    if (asked == s->cancel_seen || s->root == NULL) return;
    s->cancel_seen = asked;
    if (asked > 1) s->killed = true;
    flow_cancel(s, s->root);
}

/* @timeout of workflows. */
static void time_over(Sched *s, int64_t now) {
    for (uint32_t i = 0; i < s->timed.len; i++) {
        Control *c = s->timed.data[i];
        if (now < c->timer || c->phase != SUB_BODY) continue;
        s->timed.data[i--] = vec_pop(&s->timed);
        Buf path = BUF_INIT, limit = BUF_INIT;
        if (c->frame != NULL) frame_path(s, c->frame, c->node, &path);
        put_duration(&limit, c->timer - c->started);
        c->timer = 0;
        const RtSpan *at = &s->plan->span[s->plan->workflow[c->workflow].span];
        Fail *f = fail_new(s);
        f->f = (EngineFailure){.path = arena_strndup(&s->result->arena, path.n > 0 ? path.p : "", path.n), .step = "", .kind = RT_FAIL_TIMEOUT, .log = "",
                               .message = arena_printf(&s->result->arena, "stopped after its timeout of %s", buf_cstr(&limit)),
                               .file = at->file, .line = at->line, .col = at->col};
        fails_add(&c->fails, 0, (FailList){f, f});
        buf_free(&path);
        buf_free(&limit);
        flow_cancel(s, c);
    }
}

static int64_t next_timer(const Sched *s, int64_t now) {
    int64_t at = s->heap.len > 0 ? s->heap.data[0]->wake : INT64_MAX;
    for (uint32_t i = 0; i < s->timed.len; i++)
        if (s->timed.data[i]->phase == SUB_BODY && s->timed.data[i]->timer < at) at = s->timed.data[i]->timer;
    return at == INT64_MAX ? -1 : at <= now ? 0 : at - now;
}

/* Everything that can happen without waiting. */
static void progress(Sched *s) {
    do {
        flow_work(s);
        control_feed(s);
    } while (s->work.len > s->work.head);
    if (!s->done) call_admit(s);
}

/* What a workflow returns may hold them still. */
static void drop_facts(RtFacts *f) {
    rt_drop_text(f->run_id.p);
    rt_drop_text(f->params.p);
}

/* How long to wait: until the next timer, or the next tick. */
static int64_t pause_of(const Sched *s, int64_t now) {
    int64_t ms = next_timer(s, now), tick = s->o->tick;
    return tick > 0 && (ms < 0 || ms > tick) ? tick : ms;
}

void sched_run(Sched *s, uint32_t workflow, const RtWord *params) {
    int64_t ticked = s->runner.now(s->runner.cx);
    control_root(s, workflow, params);
    while (!s->done) {
        cancel_asked(s);
        progress(s);
        if (s->done || s->work.len > s->work.head) continue;
        Task *ended;
        Note *notes;
        s->runner.wait(s->runner.cx, pause_of(s, s->runner.now(s->runner.cx)), &ended, &notes);
        for (Note *next; notes != NULL; notes = next) {
            next = notes->next;
            note(s, notes);
            free(notes);
        }
        for (Task *next; ended != NULL; ended = next) {
            next = ended->next;
            call_task_ended(s, ended);
        }
        int64_t now = s->runner.now(s->runner.cx);
        call_wake(s, now);
        time_over(s, now);
        if (s->o->tick > 0 && now - ticked >= s->o->tick) {
            ticked = now;
            record_event(s, &(EngineEvent){.kind = EV_TICK, .path = "", .step = ""});
        }
        if (s->publish && s->cancel_seen == 0 && !store_healthy(s->store, &s->trouble)) {
            /* Nothing that runs from now on would be remembered. */
            s->cancel_seen = 1;
            flow_cancel(s, s->root);
        }
    }
    vec_free(&s->work);
    vec_free(&s->classes);
    vec_free(&s->pools);
    vec_free(&s->hungry);
    vec_free(&s->heap);
    vec_free(&s->timed);
}

/* ---- beginning ---- */

/* A plan whose main workflow is one call of a step, with the step's parameters as its own. */
typedef struct OneStep {
    RtPlan plan;
    RtNode node;
    RtRegion region[2];
    RtWorkflow workflow;
    uint32_t *pointer;
} OneStep;

static void one_step(OneStep *o, const RtPlan *plan, const RtStep *step) {
    const RtTypes *t = plan->types;
    o->pointer = wf_alloc_zero((step->nparam + 1) * 2 * sizeof *o->pointer);
    uint32_t n = 0;
    for (uint32_t i = 0; i < step->nparam; i++) {
        const RtParam *p = &plan->param[step->param + i];
        if (!rt_type(t, p->type)->has_pointers) continue;
        o->pointer[2 * n] = p->offset;
        o->pointer[2 * n++ + 1] = p->type;
    }
    const RtType *result = rt_type(t, step->result);
    if (result->has_pointers) {
        o->pointer[2 * n] = step->words;
        o->pointer[2 * n++ + 1] = step->result;
    }
    const char *dot = strrchr(step->name, '.');
    o->node = (RtNode){.kind = RT_CALL, .name = dot != NULL ? dot + 1 : step->name, .type = step->result, .slot = step->words,
                       .ref = (uint32_t)(step - plan->step), .setting = step->setting, .nsetting = step->nsetting, .span = step->span};
    o->region[1] = (RtRegion){.kind = RT_BODY, .name = "", .n = 1, .words = step->words + result->words, .index_at = UINT32_MAX,
                              .item_at = UINT32_MAX, .item2_at = UINT32_MAX, .state_at = UINT32_MAX, .failure_at = UINT32_MAX, .npointer = n,
                              .result = {result->words > 0 ? RT_FROM_FRAME : RT_FROM_NONE, step->result, step->words, result->words}};
    o->workflow = (RtWorkflow){.name = step->name, .param = step->param, .nparam = step->nparam, .output = step->output,
                               .noutput = step->noutput, .result = step->result, .body = 1, .span = step->span};
    o->plan = *plan;
    o->plan.node = &o->node;
    o->plan.nnode = 1;
    o->plan.region = o->region;
    o->plan.nregion = 2;
    o->plan.workflow = &o->workflow;
    o->plan.nworkflow = 1;
    o->plan.main = 0;
    o->plan.pointer = o->pointer;
}

static const RtStep *find_step(const RtPlan *plan, const char *name, Buf *why) {
    for (uint32_t i = 0; i < plan->nstep; i++)
        if (strcmp(plan->step[i].name, name) == 0) return &plan->step[i];
    buf_printf(why, "there is no step `%s`", name);
    const char *near = NULL;
    unsigned best = 3;
    for (uint32_t i = 0; i < plan->nstep; i++) {
        unsigned d = edit_distance(str_of(name), str_of(plan->step[i].name), 2);
        if (d < best && 2 * d <= strlen(name)) best = d, near = plan->step[i].name;
    }
    if (near != NULL) buf_printf(why, "; did you mean `%s`?", near);
    return NULL;
}

/* The code of defaults, settings and arguments, which belongs to no region. */
static bool compile_common(const RtPlan *plan, Buf *why) {
    return plan->compile == NULL || plan->compile(plan->compile_cx, 0, why);
}

static uint32_t words_of(const RtPlan *plan, uint32_t param, uint32_t nparam) {
    uint32_t words = 0;
    for (uint32_t i = 0; i < nparam; i++) {
        const RtParam *p = &plan->param[param + i];
        uint32_t end = p->offset + rt_type(plan->types, p->type)->words;
        if (end > words) words = end;
    }
    return words;
}

static void drop_params(const RtPlan *plan, const RtWorkflow *w, RtWord *words) {
    for (uint32_t i = 0; i < w->nparam; i++) {
        const RtParam *p = &plan->param[w->param + i];
        rt_drop(plan->types, p->type, words + p->offset);
    }
    free(words);
}

bool engine_check_params(const RtPlan *plan, const EngineOptions *o, Buf *why) {
    const RtStep *step = o->step != NULL ? find_step(plan, o->step, why) : NULL;
    if ((o->step != NULL && step == NULL) || !compile_common(plan, why)) return false;
    const RtWorkflow *w = &plan->workflow[o->workflow];
    RtWorkflow of_step = {0};
    if (step != NULL) of_step = (RtWorkflow){.name = step->name, .param = step->param, .nparam = step->nparam}, w = &of_step;
    RtWord *words = wf_alloc_zero((words_of(plan, w->param, w->nparam) + 1) * sizeof *words);
    Rt rt;
    rt_init(&rt, plan->types);
    bool ok = params_read(&rt, NULL, plan, w->name, w->param, w->nparam, o, words, why);
    rt_free(&rt);
    drop_params(plan, w, words);
    return ok;
}

static void new_id(char id[65]) {
    struct timespec now;
    struct tm tm;
    uint32_t r = 0;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r) r = (uint32_t)now.tv_nsec;
    static const char letters[] = "abcdefghjkmnpqrstvwxyz0123456789";
    snprintf(id, 65, "%04d%02d%02d-%02d%02d%02d-%c%c%c%c", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
             letters[r & 31], letters[r >> 5 & 31], letters[r >> 10 & 31], letters[r >> 15 & 31]);
}

static bool valid_id(const char *id) {
    size_t n = strlen(id);
    return n > 0 && n <= 64 && id[0] != '.' && strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == n;
}

/* What one run holds. */
typedef struct Setup {
    Engine *e;
    const RtPlan *plan;
    const EngineOptions *o;
    EngineResult *r;
    OneStep one;
    const RtStep *step;
    const RtWorkflow *workflow;
    uint32_t index;
    RtWord *params;
    Sched s;
    StoreLog *log;
    Exec *exec;
} Setup;

static bool read_parameters(Setup *u, Buf *why) {
    const RtWorkflow *w = u->workflow;
    u->params = wf_alloc_zero((words_of(u->plan, w->param, w->nparam) + 1) * sizeof *u->params);
    return params_read(&u->s.rt, u->e->store, u->plan, w->name, w->param, w->nparam, u->o, u->params, why);
}

static bool begin_record(Setup *u, Buf *why) {
    Sched *s = &u->s;
    Buf params = BUF_INIT;
    params_json(u->plan->types, u->plan->param + u->workflow->param, u->workflow->nparam, u->params, &params);
    s->facts = (RtFacts){.run_id = {.p = rt_own_text(str_of(u->r->run_id))}, .run_time = {.i = u->r->started},
                         .params = {.p = rt_own_text(buf_view(&params))},
                         .scheduled_at = {{.i = u->o->has_scheduled_at ? u->o->scheduled_at : 0}, {.i = u->o->has_scheduled_at}}};
    StoreRun row = {.id = u->r->run_id, .workflow = u->workflow->name, .source = u->plan->source ? u->plan->source : "", .params = buf_cstr(&params), .started = u->r->started};
    bool ok = !s->publish || store_run_begin(u->e->store, &row, &s->run, why);
    buf_free(&params);
    return ok;
}

static bool make_runner(Setup *u, Buf *why) {
    Sched *s = &u->s;
    const EngineOptions *o = u->o;
    if (s->publish) u->log = store_log_open(u->e->store, u->r->run_id);
    ExecOptions x = {.store = u->e->store, .log = u->log, .slots = s->nslots, .grace = o->grace > 0 ? o->grace : 10000,
                     .log_limit = o->log_limit > 0 ? o->log_limit : 16 << 20, .lines = o->log_events && o->event != NULL, .wake = u->e->wake};
    u->exec = exec_new(&x, why);
    if (u->exec == NULL) return false;
    s->runner = exec_runner(u->exec);
    return true;
}

static void make_sched(Setup *u) {
    Sched *s = &u->s;
    const EngineOptions *o = u->o;
    s->plan = u->plan;
    s->o = o;
    s->store = u->e->store;
    s->publish = !o->unpublished && !o->shell;
    s->run_id = u->r->run_id;
    s->result = u->r;
    s->cancel = &u->e->cancel;
    s->one_step = u->step != NULL;
    s->compiled = wf_alloc_zero(u->plan->nregion + 1);
    if (s->one_step) s->compiled[1] = true;
    uint32_t cpus = machine_cpus();
    s->nslots = s->nslot = o->shell ? 1 : o->jobs > 0 ? o->jobs : cpus;
    s->slot = wf_alloc(s->nslots * sizeof *s->slot);
    for (uint32_t i = 0; i < s->nslots; i++) s->slot[i] = s->nslots - 1 - i;
    s->cpu = o->cpu > 0 ? o->cpu : cpus;
    s->memory = o->memory > 0 ? o->memory : machine_memory();
    s->gpu = o->gpu >= 0 ? o->gpu : machine_gpus();
    s->random = (uint64_t)u->r->started * 0x9E3779B97F4A7C15u | 1;
}

static bool setup(Setup *u, Buf *why) {
    const EngineOptions *o = u->o;
    if (store_read_only(u->e->store)) {
        buf_z(why, "the store is open for reading only");
        return false;
    }
    if (o->run_id != NULL && !valid_id(o->run_id)) {
        buf_printf(why, "`%s` cannot be a run id: use 1 to 64 letters, digits, `_`, `-` and `.`", o->run_id);
        return false;
    }
    if (o->run_id != NULL) snprintf(u->r->run_id, sizeof u->r->run_id, "%s", o->run_id);
    else new_id(u->r->run_id);
    if (o->step != NULL) {
        u->step = find_step(u->plan, o->step, why);
        if (u->step == NULL || !compile_common(u->plan, why) || !support_check(u->plan, 0, u->step, why)) return false;
        one_step(&u->one, u->plan, u->step);
        u->plan = &u->one.plan;
    } else if (!compile_common(u->plan, why) || !support_check(u->plan, o->workflow, NULL, why))
        return false;
    u->index = u->step != NULL ? 0 : o->workflow;
    u->workflow = &u->plan->workflow[u->index];
    atomic_store(&u->e->cancel, 0);
    uint64_t n;
    if (read(u->e->wake, &n, sizeof n) < 0) n = 0;
    make_sched(u);
    u->r->started = wall_ms();
    return read_parameters(u, why) && begin_record(u, why) && make_runner(u, why);
}

static void outputs(Setup *u) {
    EngineResult *r = u->r;
    const RtWorkflow *w = u->workflow;
    r->types = u->plan->types;
    r->output_type = w->result;
    if (r->status == ENGINE_SUCCEEDED && r->output != NULL)
        params_json(r->types, u->plan->param + w->output, rt_type(r->types, w->result)->words > 0 ? w->noutput : 0, r->output, &r->outputs_json);
}

static void finish(Setup *u) {
    Sched *s = &u->s;
    EngineResult *r = u->r;
    r->ended = wall_ms();
    outputs(u);
    if (s->trouble.n > 0 && r->status != ENGINE_SUCCEEDED) r->status = ENGINE_FAILED;
    if (s->publish) {
        StoreRunEnd end = {.status = engine_status_name(r->status), .outputs = r->outputs_json.n > 0 ? buf_cstr(&r->outputs_json) : NULL,
                           .message = r->nfailure > 0 ? r->failure[0].message : NULL, .ended = r->ended, .succeeded = r->succeeded,
                           .failed = r->failed, .skipped = r->skipped, .cancelled = r->cancelled};
        Buf why = BUF_INIT;
        if (!store_run_end(s->store, s->run, &end, &why)) {
            /* The work is done, but nobody could find it again. */
            r->status = ENGINE_FAILED;
            EngineFailure *more = ARENA_ARRAY(&r->arena, EngineFailure, r->nfailure + 1);
            memcpy(more, r->failure, r->nfailure * sizeof *more);
            more[r->nfailure++] = (EngineFailure){.path = "", .step = "", .kind = RT_FAIL_LOST, .log = "", .message = arena_strndup(&r->arena, why.p, why.n)};
            r->failure = more;
        }
        buf_free(&why);
    }
    record_event(s, &(EngineEvent){.kind = EV_RUN_ENDED, .path = "", .step = "", .status = r->status, .duration = r->ended - r->started});
}

bool engine_run(Engine *e, const RtPlan *plan, const EngineOptions *o, EngineResult *r, Buf *why) {
    *r = (EngineResult){0};
    Setup u = {.e = e, .plan = plan, .o = o, .r = r};
    Sched *s = &u.s;
    rt_init(&s->rt, plan->types);
    bool ok = setup(&u, why);
    if (ok) {
        record_event(s, &(EngineEvent){.kind = EV_RUN_STARTED, .path = "", .step = ""});
        sched_run(s, u.index, u.params);
        finish(&u);
    }
    exec_free(u.exec);
    store_log_close(u.log);
    if (u.params != NULL) drop_params(u.plan, u.workflow, u.params);
    drop_facts(&s->facts);
    buf_free(&s->trouble);
    free(s->compiled);
    free(s->slot);
    free(u.one.pointer);
    rt_free(&s->rt);
    return ok;
}

void engine_result_free(EngineResult *r) {
    if (r->output != NULL) rt_drop(r->types, r->output_type, r->output);
    free(r->output);
    buf_free(&r->outputs_json);
    arena_free(&r->arena);
    *r = (EngineResult){0};
}
