/* The work queue: nodes whose predecessors have ended, and regions whose nodes have. */
#include "runtime/sched/sched.h"

#include <stdlib.h>

void sched_push(Sched *s, WorkKind kind, Frame *f, uint32_t node) {
    if (s->work.head == s->work.len) s->work.head = s->work.len = 0;
    vec_push(&s->work, ((Work){f, node, kind}));
}

static void poison_or_release(Sched *s, Frame *f, uint32_t node, bool poison) {
    if (poison) f->state[node] |= NODE_POISONED;
    if (--f->left[node] == 0) sched_push(s, WORK_NODE, f, node);
}

void node_end(Sched *s, Frame *f, uint32_t node, NodeState state) {
    const RtRegion *r = frame_region(s, f);
    const RtNode *n = &s->plan->node[r->first + node];
    f->state[node] = (uint8_t)((f->state[node] & NODE_POISONED) | state);
    if (state == NODE_CANCELLED) f->cancelled = true;
    for (uint32_t i = 0; i < n->nsucc; i++) poison_or_release(s, f, s->plan->succ[n->succ + i] - r->first, state != NODE_DONE);
    if (--f->open == 0) sched_push(s, WORK_FRAME, f, 0);
}

/* @fail_fast of a workflow or loop: a failure anywhere inside ends what runs beside it, at once. Not if it may still be caught
   or tolerated. */
static void fail_fast(Sched *s, const Frame *f) {
    for (const Frame *at = f; at != NULL; at = at->control->frame) {
        Control *c = at->control;
        bool handler = at->role != FRAME_BODY && at->role != FRAME_CHILD;
        bool caught = frame_region(s, at)->kind == RT_TRIED;
        if (handler || caught || c->tolerant) return;
        if (c->fail_fast && !c->cancel_items) flow_cancel(s, c);
    }
}

void node_fail(Sched *s, Frame *f, uint32_t node, FailList list) {
    fails_add(&f->fails, fail_order(s, frame_region(s, f)->first + node), list);
    fail_fast(s, f);
    node_end(s, f, node, NODE_FAILED);
}

void node_fail_value(Sched *s, Frame *f, uint32_t node) {
    Fail *fail = fail_new(s);
    const RtNode *n = &s->plan->node[frame_region(s, f)->first + node];
    Buf path = BUF_INIT;
    frame_path(s, f, node, &path);
    const RtSpan *at = &s->plan->span[s->rt.span != RT_NO_SPAN ? s->rt.span : n->span];
    fail->f = (EngineFailure){.path = arena_strndup(&s->result->arena, path.p, path.n), .kind = s->rt.kind, .log = "", .step = "",
                              .message = arena_strndup(&s->result->arena, s->rt.error.p, s->rt.error.n),
                              .file = at->file, .line = at->line, .col = at->col};
    if (n->kind == RT_CALL && !s->one_step) fail->f.step = s->plan->step[n->ref].name;
    buf_free(&path);
    rt_clear_error(&s->rt);
    record_failed_node(s, f, node, fail);
    node_fail(s, f, node, (FailList){fail, fail});
}

static void let(Sched *s, Frame *f, uint32_t node, const RtNode *n) {
    RtWord value[rt_type(s->plan->types, n->type)->words + 1];
    if (!frame_eval(s, f->facts, f->words, &s->plan->opnd[n->arg], value)) {
        node_fail_value(s, f, node);
        return;
    }
    frame_store(s, n->type, f->words + n->slot, value);
    node_end(s, f, node, NODE_DONE);
}

static void failure(Sched *s, Frame *f, uint32_t node, const RtNode *n) {
    RtWord message;
    if (frame_eval(s, f->facts, f->words, &s->plan->opnd[n->arg], &message)) {
        const RtText *text = message.p;
        rt_error(&s->rt, "%.*s", (int)text->n, text->s);
        s->rt.kind = RT_FAIL_FAIL;
    }
    node_fail_value(s, f, node);
}

static void node_ready(Sched *s, Frame *f, uint32_t node) {
    const RtNode *n = &s->plan->node[frame_region(s, f)->first + node];
    if (f->state[node] & NODE_POISONED || f->cancelling) {
        NodeState state = f->cancelling ? NODE_CANCELLED : NODE_SKIPPED;
        if (n->kind == RT_CALL) record_skipped(s, f, node, state);
        node_end(s, f, node, state);
        return;
    }
    f->state[node] = NODE_ACTIVE;
    switch ((RtNodeKind)n->kind) {
    case RT_CALL: call_start(s, f, node); break;
    case RT_LET: let(s, f, node, n); break;
    case RT_GATE: node_end(s, f, node, NODE_DONE); break;
    case RT_FAILURE: failure(s, f, node, n); break;
    case RT_SUB: case RT_PICK: case RT_EACH: case RT_LOOP: case RT_TRY: control_start(s, f, node); break;
    }
    rt_scratch_reset(&s->rt);
}

void flow_work(Sched *s) {
    while (s->work.head < s->work.len) {
        Work w = s->work.data[s->work.head++];
        if (w.kind == WORK_NODE)
            node_ready(s, w.frame, w.node);
        else
            control_frame_ended(s, w.frame);
    }
    s->work.head = s->work.len = 0;
}

void flow_cancel(Sched *s, Control *top) {
    VEC(Control *) todo = {0};
    vec_push(&todo, top);
    while (todo.len > 0) {
        Control *c = vec_pop(&todo);
        c->cancel_items = true;
        for (Frame *f = c->frames; f != NULL; f = f->next) {
            /* `finally` runs after a cancellation; only a kill ends it. */
            if (f->role == FRAME_FINALLY && !s->killed) continue;
            f->cancelling = true;
            for (Call *call = f->calls, *next; call != NULL; call = next) {
                next = call->next;
                call_stop(s, call, s->killed ? TASK_KILL : TASK_TERM);
            }
            for (Control *inner = f->controls; inner != NULL; inner = inner->next) vec_push(&todo, inner);
        }
    }
    vec_free(&todo);
}
