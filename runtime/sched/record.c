/* What is told while a run goes on: events to the caller, rows to the journal. */
#include "runtime/sched/sched.h"

#include "base/json.h"

#include <time.h>

int64_t wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *engine_status_name(EngineStatus status) {
    switch (status) {
    case ENGINE_RUNNING: return "running";
    case ENGINE_SUCCEEDED: return "succeeded";
    case ENGINE_FAILED: return "failed";
    case ENGINE_CANCELLED: return "cancelled";
    }
    return "";
}

const char *engine_failure_name(RtFailure kind) {
    switch (kind) {
    case RT_FAIL_EXIT: return "exit";
    case RT_FAIL_TIMEOUT: return "timeout";
    case RT_FAIL_MEMORY: return "memory";
    case RT_FAIL_LOST: return "lost";
    case RT_FAIL_OUTPUT: return "output";
    case RT_FAIL_VALUE: return "value";
    case RT_FAIL_FAIL: return "fail";
    case RT_FAIL_CANCELLED: return "cancelled";
    }
    return "";
}

static const char *state_name(NodeState state) {
    switch (state) {
    case NODE_WAITING: case NODE_ACTIVE: return "running";
    case NODE_DONE: return "succeeded";
    case NODE_FAILED: return "failed";
    case NODE_SKIPPED: return "skipped";
    case NODE_CANCELLED: return "cancelled";
    }
    return "";
}

void record_event(Sched *s, const EngineEvent *e) {
    if (s->o->event == NULL) return;
    EngineEvent copy = *e;
    if (copy.time == 0) copy.time = wall_ms();
    s->o->event(s->o->cx, &copy);
}

void record_attempt(Sched *s, const Call *c, const Task *t) {
    if (!s->publish) return;
    store_attempt(s->store, &(StoreAttempt){
        .run = s->run, .path = c->path, .attempt = t->attempt, .started = t->started, .ended = t->ended,
        .status = t->ok ? "succeeded" : t->kind == RT_FAIL_CANCELLED || c->stopping ? "cancelled" : "failed",
        .kind = t->ok ? NULL : engine_failure_name(t->kind), .message = t->ok ? NULL : t->message,
        .has_code = t->has_status, .code = t->status,
        .log_from = t->log.from, .log_to = t->log.to, .log_bytes = t->log.bytes});
}

/* {"name": value} of words that lie at their parameters' offsets. */
void params_json(const RtTypes *t, const RtParam *param, uint32_t n, const RtWord *words, Buf *out) {
    JsonOut j = json_open(out, '{');
    for (uint32_t i = 0; i < n; i++) {
        json_key(&j, param[i].name);
        rt_put_json(out, t, param[i].type, words + param[i].offset, &(RtEncode){.mode = RT_JSON_DATA});
    }
    json_close(&j);
}

static void artifact(Sched *s, const Call *c, const RtParam *p, uint32_t type, const RtFile *f) {
    const RtType *y = rt_type(s->plan->types, type);
    store_artifact(s->store, &(StoreArtifact){
        .run = s->run, .path = c->path, .output = p->name, .sha256 = f->sha256, .name = f->name->s,
        .format = f->format != NULL ? f->format->s : "", .artifact = y->artifact != NULL ? y->artifact : "",
        .columns = f->columns != NULL ? f->columns->s : NULL, .is_dir = f->is_dir, .size = f->size, .rows = f->rows, .created = wall_ms()});
}

static void artifacts(Sched *s, const Call *c, const RtWord *value) {
    const RtTypes *t = s->plan->types;
    for (uint32_t i = 0; i < c->step->noutput; i++) {
        const RtParam *p = &s->plan->param[c->step->output + i];
        const RtWord *w = value + p->offset;
        uint32_t type = rt_unopt(t, p->type);
        const RtType *y = rt_type(t, type);
        if (!y->has_file || !rt_some(t, p->type, w)) continue;
        if (y->kind == RT_FILE || y->kind == RT_DIR) artifact(s, c, p, type, w->p);
        if (y->kind != RT_LIST) continue;
        const RtList *l = w->p;
        for (uint64_t k = 0; k < l->n; k++) artifact(s, c, p, y->inner, l->at[k].p);
    }
}

static void count(Sched *s, NodeState state) {
    switch (state) {
    case NODE_DONE: s->result->succeeded++; break;
    case NODE_FAILED: s->result->failed++; break;
    case NODE_SKIPPED: s->result->skipped++; break;
    case NODE_CANCELLED: s->result->cancelled++; break;
    case NODE_WAITING: case NODE_ACTIVE: break;
    }
}

/* Large inputs are often those of many calls: they are stored once, by content, and named "@SHA256". */
static void put_aside(Sched *s, Buf *json) {
    enum { INPUTS_IN_JOURNAL = 32 << 10 };
    if (json->n <= INPUTS_IN_JOURNAL) return;
    StoreObject object;
    Buf why = BUF_INIT;
    if (store_put_bytes(s->store, buf_view(json), &object, &why)) {
        buf_clear(json);
        buf_printf(json, "@%s", object.sha256);
    }
    buf_free(&why);
}

static void call_row(Sched *s, const Call *c, NodeState state, const Fail *fail, const RtWord *value) {
    Buf inputs = BUF_INIT, outputs = BUF_INIT;
    bool ended = state != NODE_ACTIVE;
    if (ended && c->step->nparam > 0) params_json(s->plan->types, s->plan->param + c->step->param, c->step->nparam, c->args, &inputs);
    put_aside(s, &inputs);
    if (state == NODE_DONE && c->step->noutput > 0)
        params_json(s->plan->types, s->plan->param + c->step->output, c->step->noutput, value, &outputs);
    StoreNode row = {.run = s->run, .path = c->path, .step = c->step->name, .status = state_name(state), .attempts = c->attempt,
                     .started = c->wall_start, .ended = ended ? wall_ms() : 0,
                     .inputs = !ended ? NULL : inputs.n > 0 ? buf_cstr(&inputs) : "{}", .outputs = outputs.n > 0 ? buf_cstr(&outputs) : NULL};
    if (fail != NULL) {
        row.kind = engine_failure_name(fail->f.kind);
        row.message = fail->f.message;
        row.has_code = fail->f.has_code;
        row.code = fail->f.code;
        row.file = fail->f.file;
        row.line = fail->f.line;
    }
    store_node(s->store, &row);
    if (state == NODE_DONE) artifacts(s, c, value);
    buf_free(&inputs);
    buf_free(&outputs);
}

void record_call(Sched *s, const Call *c, NodeState state, const Fail *fail, const RtWord *value) {
    if (s->publish) call_row(s, c, state, fail, value);
    count(s, state);
    if (state == NODE_ACTIVE) return;
    EngineEvent e = {.kind = state == NODE_DONE     ? EV_NODE_SUCCEEDED
                             : state == NODE_FAILED ? EV_NODE_FAILED
                                                    : EV_NODE_CANCELLED,
                     .path = c->path, .step = c->step->name, .attempt = c->attempt,
                     .duration = c->task != NULL ? c->task->duration : 0, .failure = fail != NULL ? &fail->f : NULL};
    if (fail != NULL) record_event(s, &(EngineEvent){.kind = EV_ATTEMPT_FAILED, .path = c->path, .step = c->step->name,
                                                     .attempt = c->attempt, .failure = &fail->f});
    record_event(s, &e);
}

void record_skipped(Sched *s, const Frame *f, uint32_t node, NodeState state) {
    count(s, state);
    if (!s->publish && s->o->event == NULL) return;
    Buf path = BUF_INIT;
    frame_path(s, f, node, &path);
    const RtNode *n = &s->plan->node[frame_region(s, f)->first + node];
    const char *step = s->plan->step[n->ref].name;
    if (s->publish)
        store_node(s->store, &(StoreNode){.run = s->run, .path = buf_cstr(&path), .step = step, .status = state_name(state), .ended = wall_ms()});
    record_event(s, &(EngineEvent){.kind = state == NODE_SKIPPED ? EV_NODE_SKIPPED : EV_NODE_CANCELLED, .path = buf_cstr(&path), .step = step});
    buf_free(&path);
}

void record_failed_node(Sched *s, const Frame *f, uint32_t node, const Fail *fail) {
    const RtNode *n = &s->plan->node[frame_region(s, f)->first + node];
    if (n->kind == RT_CALL) s->result->failed++;
    if (s->publish)
        store_node(s->store, &(StoreNode){.run = s->run, .path = fail->f.path, .step = fail->f.step, .status = "failed", .started = wall_ms(),
                                          .ended = wall_ms(), .kind = engine_failure_name(fail->f.kind), .message = fail->f.message,
                                          .file = fail->f.file, .line = fail->f.line});
    record_event(s, &(EngineEvent){.kind = EV_NODE_FAILED, .path = fail->f.path, .step = fail->f.step, .failure = &fail->f});
}
