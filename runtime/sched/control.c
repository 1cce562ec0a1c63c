/* Nodes with child regions: branches, loops, try, sub-workflows. */
#include "runtime/sched/sched.h"

#include <math.h>
#include <stdlib.h>

static const RtNode *node_of(const Sched *s, const Control *c) {
    return &s->plan->node[frame_region(s, c->frame)->first + c->node];
}

static Control *control_new(Frame *f, uint32_t node) {
    Control *c = wf_alloc_zero(sizeof *c);
    c->node = node;
    c->frame = f;
    if (f != NULL) {
        c->next = f->controls;
        if (c->next != NULL) c->next->prev = c;
        f->controls = c;
    }
    return c;
}

static void drop_result(const RtTypes *t, uint32_t list_type, RtList *l) {
    RtWord w = {.p = l};
    rt_drop(t, list_type, &w);
}

void control_free(Sched *s, Control *c) {
    const RtTypes *t = s->plan->types;
    while (c->frames != NULL) frame_free(s, c->frames);
    for (int i = 0; i < 2; i++)
        if (c->source[i].p != NULL) rt_drop(t, c->source_type[i], &c->source[i]);
    if (c->result != NULL) drop_result(t, node_of(s, c)->type, c->result);
    if (c->state != NULL) rt_drop(t, s->plan->opnd[node_of(s, c)->arg].type, c->state);
    if (c->outcome != NULL) rt_drop(t, s->plan->workflow[c->workflow].result, c->outcome);
    free(c->admitted);
    free(c->state);
    free(c->outcome);
    vec_free(&c->fails);
    for (uint32_t i = 0; c->hungry && i < s->hungry.len; i++)
        if (s->hungry.data[i] == c) s->hungry.data[i] = NULL;
    for (uint32_t i = 0; c->timer != 0 && i < s->timed.len; i++)
        if (s->timed.data[i] == c) s->timed.data[i--] = vec_pop(&s->timed);
    if (c->frame != NULL) {
        if (c->prev != NULL) c->prev->next = c->next;
        else c->frame->controls = c->next;
        if (c->next != NULL) c->next->prev = c->prev;
    }
    free(c);
}

static void end(Sched *s, Control *c, NodeState state) {
    Frame *f = c->frame;
    uint32_t node = c->node;
    control_free(s, c);
    node_end(s, f, node, state);
}

static void end_failed(Sched *s, Control *c, FailList list) {
    Frame *f = c->frame;
    uint32_t node = c->node;
    control_free(s, c);
    node_fail(s, f, node, list);
}

/* After an error pending in s->rt. */
static void end_value(Sched *s, Control *c) {
    Frame *f = c->frame;
    uint32_t node = c->node;
    control_free(s, c);
    node_fail_value(s, f, node);
}

/* The failure of a frame whose nodes ended well but whose value could not be computed. */
static FailList value_failure(Sched *s, Frame *f) {
    Control *c = f->control;
    Fail *fail = fail_new(s);
    Buf path = BUF_INIT;
    frame_path(s, c->frame, c->node, &path);
    RtRegionKind kind = (RtRegionKind)frame_region(s, f)->kind;
    if (kind == RT_ITEM || kind == RT_PASS) buf_printf(&path, "[%llu]", (unsigned long long)f->number);
    const RtSpan *at = &s->plan->span[s->rt.span != RT_NO_SPAN ? s->rt.span : node_of(s, c)->span];
    fail->f = (EngineFailure){.path = arena_strndup(&s->result->arena, path.p, path.n), .step = "", .kind = s->rt.kind, .log = "",
                              .message = arena_strndup(&s->result->arena, s->rt.error.p, s->rt.error.n),
                              .file = at->file, .line = at->line, .col = at->col};
    buf_free(&path);
    rt_clear_error(&s->rt);
    record_failed_node(s, c->frame, c->node, fail);
    return (FailList){fail, fail};
}

static bool run_driver(Sched *s, Frame *f, const RtNode *n) {
    const RtCode *code = &s->plan->code[n->driver];
    s->rt.facts = f->facts;
    s->rt.control = (RtControl){0};
    return code->driver(&s->rt, f->words, code->k) && !s->rt.failed;
}

/* Opens the only frame of a branch. */
static bool branch(Sched *s, Control *c, uint32_t region) {
    Frame *f = frame_open(s, c, c->frame, region, FRAME_CHILD);
    if (f == NULL) return false;
    frame_start(s, f);
    return true;
}

/* ---- LOOP ---- */

static void loop_end(Sched *s, Control *c) {
    const RtNode *n = node_of(s, c);
    frame_store(s, n->type, c->frame->words + n->slot, c->state);
    end(s, c, NODE_DONE);
}

static void loop_next(Sched *s, Control *c) {
    const RtNode *n = node_of(s, c);
    if (c->pass >= c->bound) {
        loop_end(s, c);
        return;
    }
    Frame *f = frame_open(s, c, c->frame, n->region, FRAME_CHILD);
    if (f == NULL) {
        end_value(s, c);
        return;
    }
    const RtRegion *r = frame_region(s, f);
    f->number = (uint64_t)c->pass;
    if (r->state_at != UINT32_MAX) frame_store(s, s->plan->opnd[n->arg].type, f->words + r->state_at, c->state);
    if (!run_driver(s, f, n)) {
        end_value(s, c);
    } else if (!s->rt.control.more) {
        loop_end(s, c);
    } else
        frame_start(s, f);
}

static void loop_start(Sched *s, Control *c, const RtNode *n) {
    const RtOpnd *first = &s->plan->opnd[n->arg], *bound = first + 1;
    RtWord state[opnd_words(s, first) + 1], max;
    if (!frame_eval(s, c->frame->facts, c->frame->words, first, state) ||
        !frame_eval(s, c->frame->facts, c->frame->words, bound, &max)) {
        end_value(s, c);
        return;
    }
    c->state = wf_alloc_zero((opnd_words(s, first) + 1) * sizeof(RtWord));
    frame_store(s, first->type, c->state, state);
    c->bound = max.i;
    loop_next(s, c);
}

static void loop_pass_ended(Sched *s, Control *c, Frame *f) {
    const RtOpnd *result = &frame_region(s, f)->result;
    uint32_t type = s->plan->opnd[node_of(s, c)->arg].type;
    RtWord state[opnd_words(s, result) + 1];
    if (!frame_eval(s, f->facts, f->words, result, state)) {
        FailList l = value_failure(s, f);
        end_failed(s, c, l);
        return;
    }
    RtWord old[opnd_words(s, result) + 1];
    memcpy(old, c->state, rt_type(s->plan->types, type)->words * sizeof *old);
    frame_store(s, type, c->state, state);
    rt_drop(s->plan->types, type, old);
    frame_free(s, f);
    rt_scratch_reset(&s->rt);
    c->pass++;
    loop_next(s, c);
}

/* ---- EACH ---- */

static void each_hungry(Sched *s, Control *c) {
    if (c->hungry) return;
    c->hungry = true;
    vec_push(&s->hungry, c);
}

static void each_end(Sched *s, Control *c) {
    const RtNode *n = node_of(s, c);
    bool tolerated = c->tolerant && (double)c->failed <= floor(c->tolerate * (double)c->n + 1e-9);
    if (c->fails.len > 0 && !tolerated) {
        FailList l = fails_take(&c->fails);
        end_failed(s, c, l);
    } else if (c->cancelled || c->next_item < c->n) {
        end(s, c, NODE_CANCELLED);
    } else {
        if (rt_type(s->plan->types, n->type)->words > 0) {
            c->frame->words[n->slot].p = c->result;
            c->result = NULL;
        }
        end(s, c, NODE_DONE);
    }
}

static bool each_over(const Control *c) { return c->nframes == 0 && (c->next_item == c->n || c->cancel_items || c->frame->cancelling); }

/* Opens one item. */
static bool each_open(Sched *s, Control *c) {
    const RtTypes *t = s->plan->types;
    uint64_t element = c->next_item++, index = c->admitted != NULL ? c->admitted[element] : element;
    Frame *f = frame_open(s, c, c->frame, node_of(s, c)->region, FRAME_CHILD);
    if (f == NULL) return false;
    const RtRegion *r = frame_region(s, f);
    f->number = index;
    f->element = element;
    uint32_t at[2] = {r->item_at, r->item2_at};
    if (r->index_at != UINT32_MAX) f->words[r->index_at].i = (int64_t)index;
    for (int i = 0; i < 2; i++) {
        const RtList *l = c->source[i].p;
        if (at[i] == UINT32_MAX || l == NULL) continue;
        uint32_t inner = rt_type(t, c->source_type[i])->inner;
        frame_store(s, inner, f->words + at[i], l->at + index * rt_type(t, inner)->words);
    }
    frame_start(s, f);
    return true;
}

void control_feed(Sched *s) {
    /* Enough to keep every slot busy; a list of a million items must not be a million frames. */
    uint32_t want = 2 * s->nslots + 16;
    for (uint32_t i = 0; i < s->hungry.len && s->queued < want;) {
        Control *c = s->hungry.data[i];
        uint32_t opened = 0;
        while (c != NULL && opened < want && c->next_item < c->n && !c->cancel_items && !c->frame->cancelling &&
               (c->parallel == 0 || c->nframes < c->parallel)) {
            opened++;
            if (!each_open(s, c)) {
                break; /* the error is pending */
            }
        }
        if (c != NULL && opened == want) return; /* go on when these have been looked at */
        s->hungry.data[i] = vec_last(&s->hungry);
        (void)vec_pop(&s->hungry);
        if (c == NULL) continue;
        c->hungry = false;
        if (s->rt.failed)
            end_value(s, c);
        else if (each_over(c))
            each_end(s, c);
    }
}

static bool each_sources(Sched *s, Control *c, const RtNode *n) {
    for (uint32_t i = 0; i < n->narg && i < 2; i++) {
        const RtOpnd *o = &s->plan->opnd[n->arg + i];
        if (o->from == RT_FROM_NONE) continue;
        RtWord list;
        if (!frame_eval(s, c->frame->facts, c->frame->words, o, &list)) return false;
        c->source_type[i] = o->type;
        frame_store(s, o->type, &c->source[i], &list);
    }
    return true;
}

static bool each_settings(Sched *s, Control *c, const RtNode *n) {
    for (uint32_t i = 0; i < n->nsetting; i++) {
        const RtSetting *set = &s->plan->setting[n->setting + i];
        if (set->key != SET_PARALLEL && set->key != SET_TOLERATE && set->key != SET_FAIL_FAST) continue;
        RtWord w[2];
        if (!setting_eval(s, c->frame, c->frame->words, set, w)) return false;
        if (set->key == SET_PARALLEL) {
            if (w->i < 1) return rt_error(&s->rt, "@parallel(%lld): at least one item must run at once", (long long)w->i);
            c->parallel = (uint64_t)w->i;
        } else if (set->key == SET_TOLERATE) {
            c->tolerant = true;
            c->tolerate = w->f;
        } else
            c->fail_fast = true;
    }
    return true;
}

static void each_start(Sched *s, Control *c, const RtNode *n) {
    if (!each_settings(s, c, n) || !each_sources(s, c, n) || !run_driver(s, c->frame, n)) {
        end_value(s, c);
        return;
    }
    const RtControl *asked = &s->rt.control;
    c->n = asked->k;
    if (asked->admitted != NULL) {
        c->admitted = wf_alloc(asked->k * sizeof *c->admitted);
        memcpy(c->admitted, asked->admitted, asked->k * sizeof *c->admitted);
    }
    const RtType *list = rt_type(s->plan->types, n->type);
    if (list->words > 0) {
        c->result = wf_alloc_zero(sizeof *c->result + c->n * rt_type(s->plan->types, list->inner)->words * sizeof(RtWord));
        c->result->obj.rc = 1;
        c->result->n = c->n;
    }
    each_hungry(s, c);
}

static bool each_element(Sched *s, Control *c, Frame *f) {
    const RtOpnd *result = &frame_region(s, f)->result;
    const RtTypes *t = s->plan->types;
    RtWord value[opnd_words(s, result) + 1];
    if (!frame_eval(s, f->facts, f->words, result, value)) return false;
    if (c->result == NULL) return true;
    uint32_t inner = rt_type(t, node_of(s, c)->type)->inner;
    const RtType *element = rt_type(t, inner);
    RtWord *to = c->result->at + f->element * element->words;
    frame_store(s, result->type, to, value);
    /* @tolerate makes elements optional. */
    if (element->kind == RT_OPT && inner != result->type && !element->pointer) to[element->words - 1].i = 1;
    return true;
}

static void each_item_ended(Sched *s, Control *c, Frame *f) {
    if (f->fails.len > 0)
        fails_add(&c->fails, f->element, fails_take(&f->fails)), c->failed++;
    else if (f->cancelled)
        c->cancelled = true;
    else if (!each_element(s, c, f))
        fails_add(&c->fails, f->element, value_failure(s, f)), c->failed++;
    /* An item fails at once when a node of it does, except when only its value could not be computed. */
    bool first_failure = c->failed > 0 && c->fail_fast && !c->cancel_items;
    frame_free(s, f);
    rt_scratch_reset(&s->rt);
    if (first_failure) flow_cancel(s, c);
    if (c->hungry) return;
    if (each_over(c)) each_end(s, c);
    else if (c->next_item < c->n) each_hungry(s, c);
}

/* ---- TRY ---- */

static void try_tried_failed(Sched *s, Control *c, Frame *f) {
    FailList list = fails_take(&f->fails);
    frame_free(s, f);
    if (c->frame->cancelling) {
        end(s, c, NODE_CANCELLED);
        return;
    }
    c->caught = true;
    Frame *handler = frame_open(s, c, c->frame, node_of(s, c)->region + 1, FRAME_CHILD);
    if (handler == NULL) {
        end_value(s, c);
        return;
    }
    const RtRegion *r = frame_region(s, handler);
    if (r->failure_at != UINT32_MAX) {
        RtWord words[rt_type(s->plan->types, s->plan->failure_type)->words + 1];
        fail_words(s, list.first, words);
        frame_store(s, s->plan->failure_type, handler->words + r->failure_at, words);
    }
    frame_start(s, handler);
}

/* The end of a branch, and of both halves of a try. */
static void branch_ended(Sched *s, Control *c, Frame *f) {
    const RtNode *n = node_of(s, c);
    if (f->fails.len > 0) {
        if (n->kind == RT_TRY && !c->caught) {
            try_tried_failed(s, c, f);
            return;
        }
        FailList l = fails_take(&f->fails);
        end_failed(s, c, l);
        return;
    }
    if (f->cancelled) {
        end(s, c, NODE_CANCELLED);
        return;
    }
    const RtOpnd *result = &frame_region(s, f)->result;
    RtWord value[opnd_words(s, result) + 1];
    if (!frame_eval(s, f->facts, f->words, result, value)) {
        FailList l = value_failure(s, f);
        if (n->kind == RT_TRY && !c->caught) {
            fails_add(&f->fails, 0, l);
            try_tried_failed(s, c, f);
        } else
            end_failed(s, c, l);
        return;
    }
    if (result->from != RT_FROM_NONE) frame_store(s, n->type, c->frame->words + n->slot, value);
    end(s, c, NODE_DONE);
}

/* ---- all ---- */

static void sub_node(Sched *s, Control *c, const RtNode *n) {
    const RtWorkflow *w = &s->plan->workflow[n->ref];
    uint32_t words = 0;
    for (uint32_t i = 0; i < w->nparam; i++) {
        const RtParam *p = &s->plan->param[w->param + i];
        uint32_t end_at = p->offset + rt_type(s->plan->types, p->type)->words;
        if (end_at > words) words = end_at;
    }
    RtWord args[words + 1];
    memset(args, 0, sizeof args);
    for (uint32_t i = 0; i < n->narg; i++) {
        const RtParam *p = &s->plan->param[w->param + i];
        if (!frame_eval(s, c->frame->facts, c->frame->words, &s->plan->opnd[n->arg + i], args + p->offset) ||
            !argument_fits(&s->rt, p, args + p->offset)) {
            end_value(s, c);
            return;
        }
    }
    c->workflow = n->ref;
    sub_start(s, c, args);
}

void control_start(Sched *s, Frame *f, uint32_t node) {
    Control *c = control_new(f, node);
    const RtNode *n = node_of(s, c);
    switch ((RtNodeKind)n->kind) {
    case RT_PICK:
        if (!run_driver(s, f, n) || !branch(s, c, n->region + s->rt.control.child)) end_value(s, c);
        break;
    case RT_TRY:
        if (!branch(s, c, n->region)) end_value(s, c);
        break;
    case RT_EACH: each_start(s, c, n); break;
    case RT_LOOP: loop_start(s, c, n); break;
    case RT_SUB: sub_node(s, c, n); break;
    case RT_CALL: case RT_GATE: case RT_LET: case RT_FAILURE: break;
    }
}

void control_frame_ended(Sched *s, Frame *f) {
    Control *c = f->control;
    RtNodeKind kind = c->frame == NULL ? RT_SUB : (RtNodeKind)node_of(s, c)->kind;
    switch (kind) {
    case RT_PICK: case RT_TRY: branch_ended(s, c, f); break;
    case RT_EACH: each_item_ended(s, c, f); break;
    case RT_LOOP: {
        if (f->fails.len > 0) {
            FailList l = fails_take(&f->fails);
            end_failed(s, c, l);
        } else if (f->cancelled || c->frame->cancelling)
            end(s, c, NODE_CANCELLED);
        else
            loop_pass_ended(s, c, f);
        break;
    }
    case RT_SUB: sub_frame_ended(s, c, f); break;
    case RT_CALL: case RT_GATE: case RT_LET: case RT_FAILURE: break;
    }
    rt_scratch_reset(&s->rt);
}

void control_root(Sched *s, uint32_t workflow, const RtWord *params) {
    s->root = control_new(NULL, UINT32_MAX);
    s->root->workflow = workflow;
    sub_start(s, s->root, params);
}
