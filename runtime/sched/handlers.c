/* Workflows as calls: the body, then `on success` or `on failure`, then `finally`. The run itself is one without a node. */
#include "runtime/sched/sched.h"

#include <stdlib.h>

static void next_phase(Sched *s, Control *c);

/* The failure of the workflow itself: of its value, its time, its handlers' captures. */
static FailList own_failure(Sched *s, Control *c, uint32_t span) {
    Fail *fail = fail_new(s);
    Buf path = BUF_INIT;
    if (c->frame != NULL) frame_path(s, c->frame, c->node, &path);
    const RtSpan *at = &s->plan->span[s->rt.span != RT_NO_SPAN ? s->rt.span : span];
    fail->f = (EngineFailure){.path = arena_strndup(&s->result->arena, path.n > 0 ? path.p : "", path.n), .step = "", .kind = s->rt.kind,
                              .message = arena_strndup(&s->result->arena, s->rt.error.p, s->rt.error.n), .log = "",
                              .file = at->file, .line = at->line, .col = at->col};
    buf_free(&path);
    rt_clear_error(&s->rt);
    return (FailList){fail, fail};
}

static const RtWorkflow *workflow_of(const Sched *s, const Control *c) { return &s->plan->workflow[c->workflow]; }

static bool apply_settings(Sched *s, Control *c, uint32_t first, uint32_t n, const RtWord *args) {
    for (uint32_t i = 0; i < n; i++) {
        const RtSetting *set = &s->plan->setting[first + i];
        RtWord v[2] = {{0}, {0}};
        if (set->key == SET_FAIL_FAST) c->fail_fast = true;
        if (set->key != SET_TIMEOUT && set->key != SET_TIMEOUT_TOTAL) continue;
        if (!setting_eval(s, c->frame, args, set, v)) return false;
        if (set->value.from == RT_FROM_NONE || !rt_some(s->plan->types, set->value.type, v)) continue;
        int64_t at = c->started + v->i;
        if (c->timer == 0) vec_push(&s->timed, c);
        if (c->timer == 0 || at < c->timer) c->timer = at;
    }
    return true;
}

/* What stands on the workflow and on the call of it. */
static bool settings(Sched *s, Control *c, const RtWord *args) {
    const RtWorkflow *w = workflow_of(s, c);
    if (!apply_settings(s, c, w->setting, w->nsetting, args)) return false;
    if (c->frame == NULL) return true;
    const RtNode *node = &s->plan->node[frame_region(s, c->frame)->first + c->node];
    return apply_settings(s, c, node->setting, node->nsetting, args);
}

void sub_start(Sched *s, Control *c, const RtWord *args) {
    const RtWorkflow *w = workflow_of(s, c);
    c->started = s->runner.now(s->runner.cx);
    Frame *f = settings(s, c, args) ? frame_open(s, c, c->frame, w->body, FRAME_BODY) : NULL;
    if (f == NULL) {
        c->status = ENGINE_FAILED;
        fails_add(&c->fails, 0, own_failure(s, c, w->span));
        c->phase = SUB_FINALLY;
        next_phase(s, c);
        return;
    }
    c->body = f;
    for (uint32_t i = 0; i < w->nparam; i++) {
        const RtParam *p = &s->plan->param[w->param + i];
        frame_store(s, p->type, f->words + p->offset, args + p->offset);
    }
    frame_start(s, f);
}

/* What handlers know of the run. */
static void make_facts(Sched *s, Control *c) {
    const RtFacts *base = c->frame != NULL ? c->frame->facts : &s->facts;
    uint32_t words = rt_type(s->plan->types, s->plan->failure_type)->words;
    uint64_t n = 0;
    for (uint32_t i = 0; i < c->fails.len; i++)
        for (const Fail *f = c->fails.data[i].list.first; f != NULL; f = f == c->fails.data[i].list.last ? NULL : f->next) n++;
    RtList *l = wf_alloc_zero(sizeof *l + n * words * sizeof(RtWord));
    l->obj.rc = 1;
    l->n = n;
    n = 0;
    for (uint32_t i = 0; i < c->fails.len; i++)
        for (const Fail *f = c->fails.data[i].list.first; f != NULL; f = f == c->fails.data[i].list.last ? NULL : f->next) {
            RtWord value[words + 1];
            fail_words(s, f, value);
            frame_store(s, s->plan->failure_type, l->at + n++ * words, value);
        }
    c->facts = *base;
    c->facts.status.p = rt_own_text(str_of(engine_status_name(c->status)));
    c->facts.duration.i = s->runner.now(s->runner.cx) - c->started;
    c->facts.failures.p = l;
    c->own_facts = true;
}

static void drop_facts(Sched *s, Control *c) {
    if (!c->own_facts) return;
    RtList *l = c->facts.failures.p;
    uint32_t words = rt_type(s->plan->types, s->plan->failure_type)->words;
    for (uint64_t i = 0; i < l->n; i++) rt_drop(s->plan->types, s->plan->failure_type, l->at + i * words);
    free(l);
    rt_drop_text(c->facts.status.p);
    c->own_facts = false;
}

static void open_handler(Sched *s, Control *c, uint32_t region, FrameRole role) {
    Frame *f = frame_open(s, c, c->body, region, role);
    if (f == NULL) {
        c->status = ENGINE_FAILED;
        fails_add(&c->fails, UINT64_MAX, own_failure(s, c, workflow_of(s, c)->span));
        next_phase(s, c);
        return;
    }
    f->facts = &c->facts;
    uint32_t at = frame_region(s, f)->failure_at;
    if (at != UINT32_MAX && c->fails.len > 0) {
        uint32_t words = rt_type(s->plan->types, s->plan->failure_type)->words;
        RtWord failure[words + 1];
        fail_words(s, c->fails.data[0].list.first, failure);
        frame_store(s, s->plan->failure_type, f->words + at, failure);
        if (role == FRAME_FINALLY) f->words[at + words].i = 1; /* there it is a Failure? */
    }
    frame_start(s, f);
}

static void run_ended(Sched *s, Control *c, FailList list) {
    s->done = true;
    s->result->status = c->status;
    uint32_t n = 0;
    for (const Fail *f = list.first; f != NULL; f = f->next) n++;
    s->result->failure = ARENA_ARRAY(&s->result->arena, EngineFailure, n + 1);
    for (const Fail *f = list.first; f != NULL; f = f->next) s->result->failure[s->result->nfailure++] = f->f;
    if (c->status == ENGINE_SUCCEEDED) {
        s->result->output = c->outcome;
        c->outcome = NULL;
    }
    control_free(s, c);
    s->root = NULL;
}

static void sub_ended(Sched *s, Control *c) {
    drop_facts(s, c);
    FailList list = fails_take(&c->fails);
    if (c->frame == NULL) {
        run_ended(s, c, list);
        return;
    }
    Frame *f = c->frame;
    uint32_t node = c->node;
    EngineStatus status = c->status;
    const RtNode *n = &s->plan->node[frame_region(s, f)->first + node];
    if (status == ENGINE_SUCCEEDED && c->outcome != NULL) frame_store(s, n->type, f->words + n->slot, c->outcome);
    control_free(s, c);
    if (status == ENGINE_FAILED && list.first != NULL)
        node_fail(s, f, node, list);
    else
        node_end(s, f, node, status == ENGINE_SUCCEEDED ? NODE_DONE : NODE_CANCELLED);
}

static void next_phase(Sched *s, Control *c) {
    const RtWorkflow *w = workflow_of(s, c);
    c->phase++;
    if (c->phase == SUB_OUTCOME) {
        uint32_t region = c->status == ENGINE_SUCCEEDED ? w->on_success : c->status == ENGINE_FAILED ? w->on_failure : 0;
        if (region != 0 && !s->killed) {
            open_handler(s, c, region, c->status == ENGINE_SUCCEEDED ? FRAME_ON_SUCCESS : FRAME_ON_FAILURE);
            return;
        }
        c->phase++;
    }
    if (c->phase == SUB_FINALLY && w->finally != 0 && !s->killed) {
        open_handler(s, c, w->finally, FRAME_FINALLY);
        return;
    }
    c->phase = SUB_ENDED;
    sub_ended(s, c);
}

/* The order of failures inside the body is lost once they are one list: they are one entry. */
static void body_ended(Sched *s, Control *c, Frame *f) {
    const RtWorkflow *w = workflow_of(s, c);
    bool stopped = c->frame != NULL ? c->frame->cancelling : s->cancel_seen > 0;
    c->status = ENGINE_SUCCEEDED;
    /* What the workflow failed with by itself (its time was over) stands in c->fails already. */
    FailList list = fails_take(&f->fails);
    if (list.first != NULL) {
        FailList own = fails_take(&c->fails);
        fails_add(&c->fails, 0, list);
        fails_add(&c->fails, 1, own);
    }
    if (c->fails.len > 0) c->status = stopped ? ENGINE_CANCELLED : ENGINE_FAILED;
    else if (f->cancelled) c->status = ENGINE_CANCELLED;
    if (c->status == ENGINE_SUCCEEDED) {
        const RtOpnd *result = &frame_region(s, f)->result;
        uint32_t words = rt_type(s->plan->types, w->result)->words;
        RtWord value[words + opnd_words(s, result) + 1];
        memset(value, 0, sizeof value);
        if (!frame_eval(s, f->facts, f->words, result, value)) {
            c->status = ENGINE_FAILED;
            fails_add(&c->fails, 0, own_failure(s, c, w->span));
        } else {
            c->outcome = wf_alloc_zero((words + 1) * sizeof *c->outcome);
            frame_store(s, w->result, c->outcome, value);
        }
    }
    if (c->frame == NULL) record_event(s, &(EngineEvent){.kind = EV_RUN_ENDING, .path = "", .step = "", .status = c->status});
    if (w->on_success != 0 || w->on_failure != 0 || w->finally != 0) make_facts(s, c);
}

void sub_frame_ended(Sched *s, Control *c, Frame *f) {
    if (f->role == FRAME_BODY) {
        body_ended(s, c, f);
    } else {
        if (f->fails.len > 0) {
            c->status = ENGINE_FAILED;
            fails_add(&c->fails, UINT64_MAX, fails_take(&f->fails));
        }
        frame_free(s, f);
    }
    rt_scratch_reset(&s->rt);
    next_phase(s, c);
}
