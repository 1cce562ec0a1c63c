/* Region instances. */
#include "runtime/sched/sched.h"

#include <inttypes.h>
#include <stdlib.h>

/* The code of a region's operands is made when the region first opens. */
static bool compile(Sched *s, uint32_t region) {
    if (s->compiled[region] || s->plan->compile == NULL) return true;
    Buf why = BUF_INIT;
    bool ok = s->plan->compile(s->plan->compile_cx, region, &why);
    if (!ok) rt_error(&s->rt, "internal error: %s", buf_cstr(&why));
    buf_free(&why);
    s->compiled[region] = ok;
    return ok;
}

bool frame_eval(Sched *s, const RtFacts *facts, const RtWord *base, const RtOpnd *o, RtWord *out) {
    size_t bytes = o->words * sizeof *out;
    switch ((RtFrom)o->from) {
    case RT_FROM_NONE:
        return true;
    case RT_FROM_CONST:
        memcpy(out, s->plan->constant + o->at, bytes);
        return true;
    case RT_FROM_FRAME:
        memcpy(out, base + o->at, bytes);
        return true;
    case RT_FROM_CODE: {
        const RtCode *c = &s->plan->code[o->at];
        s->rt.facts = facts;
        return c->thunk(&s->rt, base, c->k, out) && !s->rt.failed;
    }
    case RT_FROM_FACT: {
        RtWord fact[2];
        s->rt.facts = facts;
        rt_fact(&s->rt, o->at, fact);
        memcpy(out, fact, bytes < sizeof fact ? bytes : sizeof fact);
        return true;
    }
    }
    return true;
}

void frame_store(Sched *s, uint32_t type, RtWord *to, const RtWord *value) {
    uint32_t words = s->plan->types->type[type].words;
    if (words == 0) return;
    memcpy(to, value, words * sizeof *to);
    rt_keep(s->plan->types, type, to);
}

/* on_failure and finally see the value of a node as an optional: none unless it ended well. True when `cap` is such a capture
   and was stored. */
static bool capture_maybe(Sched *s, Frame *f, const RtCapture *cap) {
    if (f->role != FRAME_ON_FAILURE && f->role != FRAME_FINALLY) return false;
    const RtType *opt = rt_type(s->plan->types, cap->from.type);
    if (cap->from.from != RT_FROM_FRAME || opt->kind != RT_OPT) return false;
    const RtRegion *body = frame_region(s, f->parent);
    for (uint32_t i = 0; i < body->n; i++) {
        const RtNode *n = &s->plan->node[body->first + i];
        if (n->slot != cap->from.at || rt_type(s->plan->types, n->type)->words == 0) continue;
        if (n->type == cap->from.type) return false;
        if ((f->parent->state[i] & NODE_STATE) != NODE_DONE) return true;
        frame_store(s, n->type, f->words + cap->to, f->parent->words + n->slot);
        if (!opt->pointer) f->words[cap->to + opt->words - 1].i = 1;
        return true;
    }
    return false;
}

static bool captures(Sched *s, Frame *f) {
    const RtRegion *r = frame_region(s, f);
    for (uint32_t i = 0; i < r->ncapture; i++) {
        const RtCapture *cap = &s->plan->capture[r->capture + i];
        if (capture_maybe(s, f, cap)) continue;
        RtWord value[opnd_words(s, &cap->from) + 1];
        if (!frame_eval(s, f->parent->facts, f->parent->words, &cap->from, value)) return false;
        frame_store(s, cap->from.type, f->words + cap->to, value);
    }
    return true;
}

Frame *frame_open(Sched *s, Control *c, Frame *parent, uint32_t region, FrameRole role) {
    if (!compile(s, region)) return NULL;
    const RtRegion *r = &s->plan->region[region];
    size_t words = r->words * sizeof(RtWord), left = r->n * sizeof(uint32_t);
    Frame *f = wf_alloc_zero(sizeof *f + words + left + r->n);
    f->region = region;
    f->role = role;
    f->parent = parent;
    f->control = c;
    f->facts = parent != NULL ? parent->facts : &s->facts;
    f->open = r->n;
    f->left = (uint32_t *)(void *)(f->words + r->words);
    f->state = (uint8_t *)(f->left + r->n);
    for (uint32_t i = 0; i < r->n; i++) f->left[i] = s->plan->node[r->first + i].npred;
    f->next = c->frames;
    if (f->next != NULL) f->next->prev = f;
    c->frames = f;
    c->nframes++;
    if (parent == NULL || captures(s, f)) return f;
    frame_free(s, f);
    return NULL;
}

void frame_start(Sched *s, Frame *f) {
    const RtRegion *r = frame_region(s, f);
    for (uint32_t i = 0; i < r->n; i++)
        if (f->left[i] == 0) sched_push(s, WORK_NODE, f, i);
    if (r->n == 0) sched_push(s, WORK_FRAME, f, 0);
}

void frame_free(Sched *s, Frame *f) {
    const RtRegion *r = frame_region(s, f);
    for (uint32_t i = 0; i < r->npointer; i++) {
        const uint32_t *p = s->plan->pointer + r->pointer + 2 * i;
        rt_drop(s->plan->types, p[1], f->words + p[0]);
    }
    if (f->prev != NULL) f->prev->next = f->next;
    else f->control->frames = f->next;
    if (f->next != NULL) f->next->prev = f->prev;
    f->control->nframes--;
    while (f->controls != NULL) control_free(s, f->controls);
    vec_free(&f->fails);
    free(f);
}

/* What a frame adds to the paths of its nodes, after the path of its control's node. */
static void put_frame(const Sched *s, const Frame *f, Buf *out) {
    const RtRegion *r = frame_region(s, f);
    switch ((RtRegionKind)r->kind) {
    case RT_BODY: case RT_ARM: case RT_TRIED: break;
    case RT_ITEM: case RT_PASS: buf_printf(out, "[%" PRIu64 "]", f->number); break;
    case RT_CAUGHT: buf_z(out, ".catch"); break;
    case RT_HANDLER: {
        const char *name = f->role == FRAME_ON_SUCCESS ? "on_success" : f->role == FRAME_ON_FAILURE ? "on_failure" : "finally";
        buf_printf(out, "%s%s", out->n > 0 ? "." : "", name);
        break;
    }
    }
}

void frame_path(const Sched *s, const Frame *f, uint32_t node, Buf *out) {
    /* From the node outwards, then written from the outside in. */
    VEC(const Frame *) chain = {0};
    for (const Frame *at = f; at != NULL; at = at->control->frame) vec_push(&chain, at);
    for (uint32_t i = chain.len; i > 0; i--) {
        const Frame *at = chain.data[i - 1];
        put_frame(s, at, out);
        uint32_t inner = i > 1 ? chain.data[i - 2]->control->node : node;
        if (out->n > 0) buf_addc(out, '.');
        buf_z(out, s->plan->node[frame_region(s, at)->first + inner].name);
    }
    vec_free(&chain);
}
