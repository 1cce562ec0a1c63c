/* Step calls: policy, admission, attempts, retries. */
#include "runtime/sched/sched.h"

#include "base/units.h"

#include <math.h>
#include <stdlib.h>
#include <sys/statvfs.h>

static const RtNode *node_of(const Sched *s, const Call *c) { return &s->plan->node[frame_region(s, c->frame)->first + c->node]; }

/* A call that waits longer than so many admissions of others is served before them. */
enum { PATIENCE = 64 };

/* ---- becoming ready ---- */

static void call_free(Sched *s, Call *c) {
    if (c->classed) s->classes.data[c->class].n--;
    for (uint32_t i = 0; i < c->step->nparam; i++) {
        const RtParam *p = &s->plan->param[c->step->param + i];
        rt_drop(s->plan->types, p->type, c->args + p->offset);
    }
    if (c->prev != NULL) c->prev->next = c->next;
    else c->frame->calls = c->next;
    if (c->next != NULL) c->next->prev = c->prev;
    if (c->task != NULL) task_free(c->task);
    free(c->path);
    free(c);
}

static Call *call_new(Sched *s, Frame *f, uint32_t node) {
    const RtNode *n = &s->plan->node[frame_region(s, f)->first + node];
    const RtStep *step = &s->plan->step[n->ref];
    Call *c = wf_alloc_zero(sizeof *c + step->words * sizeof(RtWord));
    c->frame = f;
    c->node = node;
    c->step = step;
    c->next = f->calls;
    if (c->next != NULL) c->next->prev = c;
    f->calls = c;
    Buf path = BUF_INIT;
    frame_path(s, f, node, &path);
    c->path = wf_strdup(buf_cstr(&path));
    buf_free(&path);
    return c;
}

static bool arguments(Sched *s, Call *c) {
    const RtNode *n = node_of(s, c);
    for (uint32_t i = 0; i < c->step->nparam; i++) {
        const RtParam *p = &s->plan->param[c->step->param + i];
        RtWord value[rt_type(s->plan->types, p->type)->words + 1];
        RtOpnd same = {RT_FROM_FRAME, p->type, p->offset, rt_type(s->plan->types, p->type)->words};
        const RtOpnd *o = s->one_step ? &same : &s->plan->opnd[n->arg + i];
        if (!frame_eval(s, c->frame->facts, c->frame->words, o, value)) return false;
        frame_store(s, p->type, c->args + p->offset, value);
    }
    return true;
}

static uint32_t pool_of(Sched *s, const char *name, int64_t slots) {
    for (uint32_t i = 0; i < s->pools.len; i++)
        if (strcmp(s->pools.data[i].name, name) == 0) {
            if (slots > 0) s->pools.data[i].slots = slots;
            return i + 1;
        }
    vec_push(&s->pools, ((Pool){arena_strndup(&s->result->arena, name, strlen(name)), slots > 0 ? slots : 1, 0}));
    return s->pools.len;
}

/* One annotation argument, evaluated, into the policy or the class. */
static void apply(Call *c, Class *k, const char **pool, int64_t *slots, const RtSetting *set, const RtWord *w) {
    switch ((Setting)set->key) {
    case SET_RETRY: c->policy.retry = w->i; break;
    case SET_RETRY_DELAY: c->policy.delay = w->i; break;
    case SET_RETRY_FACTOR: c->policy.factor = w->f; break;
    case SET_RETRY_MAX_DELAY: c->policy.max_delay = w->i; break;
    case SET_RETRY_JITTER: c->policy.jitter = w->i != 0; break;
    case SET_TIMEOUT: c->policy.timeout = w->i; break;
    case SET_TIMEOUT_TOTAL: c->policy.total = w->i; break;
    case SET_CPU: k->cpu = w->f; break;
    case SET_MEMORY: k->memory = w->i; break;
    case SET_GPU: k->gpu = w->i; break;
    case SET_DISK: c->policy.disk = w->i; break;
    case SET_POOL: *pool = ((const RtText *)w->p)->s; break;
    case SET_POOL_SLOTS: *slots = w->i; break;
    case SET_PRIORITY: k->priority = w->i; break;
    case SET_RETRY_ON: case SET_IMAGE: case SET_ENTRYPOINT: case SET_ENV: case SET_CODE: case SET_PACKAGES: case SET_PYTHON: case SET_STDOUT:
    case SET_CACHE: case SET_ISOLATE: case SET_NETWORK: case SET_WRITABLE: case SET_MOUNT: case SET_SERVICE_PORT: case SET_SERVICE_READY:
    case SET_PARALLEL: case SET_TOLERATE: case SET_FAIL_FAST: case SET_CONCURRENCY: case SET_CONCURRENCY_OVERLAP:
    case SET_CONCURRENCY_KEY: case SET_SCHEDULE: case SET_SCHEDULE_TIMEZONE: case SET_SCHEDULE_CATCHUP: case SET_SCHEDULE_WITH:
    case SET_TRIGGER_ON: case SET_TRIGGER_WITH: case SET_NOTIFY: case SET_NOTIFY_ON: case SET_CONFIG: case SET_OWNER: case SET_TAGS:
    case SET_LABEL: case SET_NODE_SELECTOR: case SET_SERVICE_ACCOUNT: case SET_ARGO: case SET_AIRFLOW: case SET_STEPFUNCTIONS:
    case SET_COUNT: break;
    }
}

static bool offered(Sched *s, const Class *k) {
    if (k->cpu > s->cpu) return rt_error(&s->rt, "the step needs cpu: %g, but only %g are offered here", k->cpu, s->cpu);
    if (k->gpu > s->gpu)
        return rt_error(&s->rt, "the step needs gpu: %lld, but %lld are offered here", (long long)k->gpu, (long long)s->gpu);
    if (k->memory <= s->memory) return true;
    Buf want = BUF_INIT, have = BUF_INIT;
    put_size(&want, k->memory);
    put_size(&have, s->memory);
    rt_error(&s->rt, "the step needs memory: %s, but only %s are offered here", buf_cstr(&want), buf_cstr(&have));
    buf_free(&want);
    buf_free(&have);
    return false;
}

/* Room on the disk of the store is looked at once, when the call becomes ready: it is not ours to reserve. */
static bool has_disk(Sched *s, int64_t want) {
    struct statvfs st;
    if (want == 0 || s->store == NULL || statvfs(store_dir(s->store), &st) != 0) return true;
    int64_t have = (int64_t)(st.f_bavail * st.f_frsize);
    if (want <= have) return true;
    Buf w = BUF_INIT, h = BUF_INIT;
    put_size(&w, want);
    put_size(&h, have / (1 << 20) * (1 << 20));
    rt_error(&s->rt, "the step needs disk: %s, but only %s are free in %s", buf_cstr(&w), buf_cstr(&h), store_dir(s->store));
    buf_free(&w);
    buf_free(&h);
    return false;
}

static bool policy(Sched *s, Call *c, Class *k) {
    const RtNode *n = node_of(s, c);
    const char *pool = NULL;
    int64_t slots = 0;
    c->policy.factor = 1;
    c->policy.max_delay = 3600000;
    for (uint32_t i = 0; i < n->nsetting; i++) {
        const RtSetting *set = &s->plan->setting[n->setting + i];
        if (set->key == SET_RETRY_ON) { /* evaluated when an attempt has failed; a constant means always */
            if (set->value.from == RT_FROM_CODE) c->policy.on = set;
            continue;
        }
        RtWord w[opnd_words(s, &set->value) + 1];
        if (!setting_eval(s, c->frame, c->args, set, w)) return false;
        if (set->value.from != RT_FROM_NONE && rt_some(s->plan->types, set->value.type, w)) apply(c, k, &pool, &slots, set, w);
    }
    if (pool != NULL) k->pool = pool_of(s, pool, slots);
    return offered(s, k) && has_disk(s, c->policy.disk);
}

/* The class of calls that ask for the same; one that nobody is in any more is used again, so that there are never more than
   live calls. */
static uint32_t class_of(Sched *s, const Class *k) {
    uint32_t spare = s->classes.len;
    for (uint32_t i = 0; i < s->classes.len; i++) {
        Class *c = &s->classes.data[i];
        if (c->cpu == k->cpu && c->memory == k->memory && c->gpu == k->gpu && c->pool == k->pool && c->priority == k->priority) {
            c->n++;
            return i;
        }
        if (c->n == 0) spare = i;
    }
    if (spare == s->classes.len) vec_push(&s->classes, *k);
    s->classes.data[spare] = *k;
    s->classes.data[spare].n = 1;
    return spare;
}

static void enqueue(Sched *s, Call *c) {
    Class *k = &s->classes.data[c->class];
    c->state = CALL_QUEUED;
    c->order = ++s->order;
    c->behind = NULL;
    c->ahead = k->last;
    if (k->last != NULL) k->last->behind = c;
    else k->first = c;
    k->last = c;
    s->queued++;
}

static void dequeue(Sched *s, Call *c) {
    Class *k = &s->classes.data[c->class];
    if (c->ahead != NULL) c->ahead->behind = c->behind;
    else k->first = c->behind;
    if (c->behind != NULL) c->behind->ahead = c->ahead;
    else k->last = c->ahead;
    c->ahead = c->behind = NULL;
    s->queued--;
}

void call_start(Sched *s, Frame *f, uint32_t node) {
    Call *c = call_new(s, f, node);
    Class k = {0};
    if (!arguments(s, c) || !policy(s, c, &k)) {
        call_free(s, c);
        node_fail_value(s, f, node);
        return;
    }
    c->class = class_of(s, &k);
    c->classed = true;
    enqueue(s, c);
    record_event(s, &(EngineEvent){.kind = EV_NODE_READY, .path = c->path, .step = c->step->name});
}

/* ---- ends ---- */

static void call_end_value(Sched *s, Call *c) {
    Frame *f = c->frame;
    uint32_t node = c->node;
    call_free(s, c);
    node_fail_value(s, f, node);
}

static void call_cancelled(Sched *s, Call *c) {
    record_call(s, c, NODE_CANCELLED, NULL, NULL);
    Frame *f = c->frame;
    uint32_t node = c->node;
    call_free(s, c);
    node_end(s, f, node, NODE_CANCELLED);
}

/* ---- admission ---- */

static bool fits(const Sched *s, const Class *k) {
    const Pool *p = k->pool > 0 ? &s->pools.data[k->pool - 1] : NULL;
    return s->cpu_used + k->cpu <= s->cpu + 1e-9 && s->memory_used + k->memory <= s->memory && s->gpu_used + k->gpu <= s->gpu &&
           (p == NULL || p->used < p->slots);
}

static void hold(Sched *s, Call *c, int sign) {
    const Class *k = &s->classes.data[c->class];
    s->cpu_used += sign * k->cpu;
    s->memory_used += sign * k->memory;
    s->gpu_used += sign * k->gpu;
    if (k->pool > 0) s->pools.data[k->pool - 1].used += sign;
    if (sign < 0) s->gpus_busy &= ~c->gpus;
    if (sign < 0) c->gpus = 0;
    for (int64_t i = 0, want = k->gpu; sign > 0 && i < 64 && want > 0; i++)
        if ((s->gpus_busy >> i & 1) == 0) s->gpus_busy |= UINT64_C(1) << i, c->gpus |= UINT64_C(1) << i, want--;
    s->running = (uint32_t)((int64_t)s->running + sign);
}

static bool before(const Class *a, const Class *b) {
    return a->priority != b->priority ? a->priority > b->priority : a->first->order < b->first->order;
}

/* The class whose first call starts next: the highest priority, then the longest wait, of those that fit now; none while a
   call that was passed over too often is waiting for room. */
static Class *choose(Sched *s) {
    Class *oldest = NULL, *best = NULL;
    for (uint32_t i = 0; i < s->classes.len; i++) {
        Class *k = &s->classes.data[i];
        if (k->first == NULL) continue;
        if (oldest == NULL || before(k, oldest)) oldest = k;
        if (fits(s, k) && (best == NULL || before(k, best))) best = k;
    }
    if (best == NULL || best == oldest) {
        s->passed_over = 0;
        return best;
    }
    return ++s->passed_over > PATIENCE && s->running > 0 ? NULL : best;
}

static void start_attempt(Sched *s, Call *c) {
    uint32_t slot = s->slot[--s->nslot];
    int64_t now = s->runner.now(s->runner.cx);
    if (c->attempt == 0) {
        c->first_start = now;
        c->wall_start = wall_ms();
    }
    c->attempt++;
    hold(s, c, 1);
    if (!task_make(s, c, slot)) {
        s->slot[s->nslot++] = slot;
        hold(s, c, -1);
        call_end_value(s, c);
        return;
    }
    c->state = CALL_RUNNING;
    c->task->timeout = c->policy.timeout;
    if (c->policy.total > 0) {
        int64_t left = c->policy.total - (now - c->first_start);
        if (left < 1) left = 1;
        if (c->task->timeout == 0 || left < c->task->timeout) c->task->timeout = left;
    }
    record_event(s, &(EngineEvent){.kind = EV_NODE_STARTED, .path = c->path, .step = c->step->name, .attempt = c->attempt});
    if (c->attempt == 1) record_call(s, c, NODE_ACTIVE, NULL, NULL);
    s->runner.start(s->runner.cx, c->task);
}

void call_admit(Sched *s) {
    while (s->nslot > 0 && s->queued > 0) {
        Class *k = choose(s);
        if (k == NULL) return;
        Call *c = k->first;
        dequeue(s, c);
        start_attempt(s, c);
        rt_scratch_reset(&s->rt);
    }
}

/* ---- the heap of sleeping calls ---- */

static void heap_set(Sched *s, uint32_t i, Call *c) {
    s->heap.data[i] = c;
    c->heap = i;
}

static void heap_up(Sched *s, uint32_t i) {
    Call *c = s->heap.data[i];
    for (; i > 0 && s->heap.data[(i - 1) / 2]->wake > c->wake; i = (i - 1) / 2) heap_set(s, i, s->heap.data[(i - 1) / 2]);
    heap_set(s, i, c);
}

static void heap_down(Sched *s, uint32_t i) {
    Call *c = s->heap.data[i];
    for (uint32_t k; (k = 2 * i + 1) < s->heap.len; i = k) {
        if (k + 1 < s->heap.len && s->heap.data[k + 1]->wake < s->heap.data[k]->wake) k++;
        if (s->heap.data[k]->wake >= c->wake) break;
        heap_set(s, i, s->heap.data[k]);
    }
    heap_set(s, i, c);
}

static void heap_remove(Sched *s, Call *c) {
    uint32_t i = c->heap;
    Call *last = vec_pop(&s->heap);
    if (last == c) return;
    heap_set(s, i, last);
    heap_up(s, i);
    heap_down(s, last->heap);
}

void call_wake(Sched *s, int64_t now) {
    while (s->heap.len > 0 && s->heap.data[0]->wake <= now) {
        Call *c = s->heap.data[0];
        heap_remove(s, c);
        enqueue(s, c);
    }
}

/* ---- attempts ---- */

static uint64_t random_next(Sched *s) {
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random;
}

static int64_t delay_of(Sched *s, const Call *c) {
    double d = (double)c->policy.delay * pow(c->policy.factor, c->attempt - 1);
    if (!(d < (double)c->policy.max_delay)) d = (double)c->policy.max_delay;
    if (c->policy.jitter) d *= 0.5 + (double)(random_next(s) >> 11) * 0x1p-54; /* between half of it and all */
    return (int64_t)d;
}

/* Whether `on` wants this failure retried; an error in it is the call's failure. */
static bool predicate(Sched *s, Call *c, const Fail *f, bool *wanted) {
    *wanted = true;
    if (c->policy.on == NULL) return true;
    uint32_t words = rt_type(s->plan->types, s->plan->failure_type)->words;
    RtWord base[c->step->words + words + 1], result = {.i = 0};
    memcpy(base, c->args, c->step->words * sizeof *base);
    fail_words(s, f, base + c->step->words);
    /* What stands on the call itself reads the failure alone. */
    const RtWord *frame = c->policy.on->outer ? base + c->step->words : base;
    if (!frame_eval(s, c->frame->facts, frame, &c->policy.on->value, &result)) return false;
    *wanted = result.i != 0;
    return true;
}

static Fail *fail_of(Sched *s, const Call *c, const Task *t) {
    Fail *f = fail_new(s);
    const RtSpan *at = &s->plan->span[node_of(s, c)->span];
    f->f = (EngineFailure){.path = arena_strndup(&s->result->arena, c->path, strlen(c->path)), .step = c->step->name, .kind = t->kind,
                           .has_code = t->has_status, .code = t->status, .attempt = c->attempt, .file = at->file, .line = at->line, .col = at->col};
    f->f.message = arena_strndup(&s->result->arena, t->message, strlen(t->message));
    const char *tail = t->tail != NULL ? t->tail : "";
    f->f.log = arena_strndup(&s->result->arena, tail, strlen(tail));
    if (t->line > 0 && c->step->file != NULL) f->f.file = c->step->file, f->f.line = t->line, f->f.col = 0;
    return f;
}

static bool retry(Sched *s, Call *c, const Fail *f) {
    bool wanted;
    if (c->attempt > c->policy.retry || c->frame->cancelling || f->f.kind == RT_FAIL_VALUE) return false;
    if (!predicate(s, c, f, &wanted) || !wanted) return false;
    int64_t delay = delay_of(s, c), now = s->runner.now(s->runner.cx);
    if (c->policy.total > 0 && now + delay - c->first_start >= c->policy.total) return false;
    record_event(s, &(EngineEvent){.kind = EV_ATTEMPT_FAILED, .path = c->path, .step = c->step->name, .attempt = c->attempt, .retry = true,
                                   .duration = delay, .failure = &f->f});
    s->result->retried++;
    c->state = CALL_SLEEPING;
    c->wake = now + delay;
    vec_push(&s->heap, c);
    heap_up(s, s->heap.len - 1);
    return true;
}

static void attempt_failed(Sched *s, Call *c) {
    Task *t = c->task;
    Fail *f = fail_of(s, c, t);
    task_free(t);
    c->task = NULL;
    if (retry(s, c, f)) return;
    if (s->rt.failed) { /* in the predicate */
        call_end_value(s, c);
        return;
    }
    record_call(s, c, NODE_FAILED, f, NULL);
    Frame *frame = c->frame;
    uint32_t node = c->node;
    call_free(s, c);
    node_fail(s, frame, node, (FailList){f, f});
}

void call_task_ended(Sched *s, Task *t) {
    Call *c = t->owner;
    const RtNode *n = node_of(s, c);
    s->slot[s->nslot++] = t->slot;
    hold(s, c, -1);
    RtWord value[rt_type(s->plan->types, c->step->result)->words + 1];
    if (t->ok && !t->shell && !task_value(s, c, value)) {
        t->ok = false;
        t->kind = RT_FAIL_OUTPUT;
        t->message = arena_strndup(&t->arena, s->rt.error.p, s->rt.error.n);
        rt_clear_error(&s->rt);
    }
    if (!t->ok) exec_mask_message(t);
    record_attempt(s, c, t);
    if (!t->ok && (c->stopping || t->kind == RT_FAIL_CANCELLED)) {
        call_cancelled(s, c);
    } else if (!t->ok) {
        attempt_failed(s, c);
    } else {
        record_call(s, c, NODE_DONE, NULL, value);
        if (!t->shell) frame_store(s, n->type, c->frame->words + n->slot, value);
        Frame *f = c->frame;
        uint32_t node = c->node;
        call_free(s, c);
        node_end(s, f, node, NODE_DONE);
    }
    rt_scratch_reset(&s->rt);
}

void call_stop(Sched *s, Call *c, TaskStop how) {
    switch (c->state) {
    case CALL_RUNNING:
        c->stopping = true;
        s->runner.stop(s->runner.cx, c->task, how);
        break;
    case CALL_QUEUED:
        dequeue(s, c);
        call_cancelled(s, c);
        break;
    case CALL_SLEEPING:
        heap_remove(s, c);
        call_cancelled(s, c);
        break;
    }
}
