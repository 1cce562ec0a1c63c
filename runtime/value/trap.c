/* Errors, facts and the answers of drivers. */
#include "runtime/value/rt.h"

#include <inttypes.h>

void rt_trap(Rt *rt, uint32_t span) {
    if (!rt->failed) rt_error(rt, "the value could not be computed");
    if (rt->span == RT_NO_SPAN) rt->span = span;
}

void rt_trap_overflow(Rt *rt, uint32_t span) {
    rt_error(rt, "the result does not fit 64 bits");
    rt_trap(rt, span);
}

void rt_trap_zero(Rt *rt, uint32_t span) {
    rt_error(rt, "division by zero");
    rt_trap(rt, span);
}

void rt_trap_float(Rt *rt, uint32_t span) {
    rt_error(rt, "the result is not a finite number");
    rt_trap(rt, span);
}

void rt_trap_index(Rt *rt, uint32_t span, int64_t index, uint64_t n) {
    rt_error(rt, "there is no element %" PRId64 " in a list of %" PRIu64, index, n);
    rt_trap(rt, span);
}

void rt_trap_empty(Rt *rt, uint32_t span) {
    rt_error(rt, "an empty list has no such element");
    rt_trap(rt, span);
}

void rt_trap_zip(Rt *rt, uint32_t span, uint64_t a, uint64_t b) {
    rt_error(rt, "lists of different lengths, %" PRIu64 " and %" PRIu64 ", cannot be walked together", a, b);
    rt_trap(rt, span);
}

void rt_forget(Rt *rt) { rt_clear_error(rt); }

void rt_fact(Rt *rt, uint32_t fact, RtWord *out) {
    const RtFacts *f = rt->facts;
    switch ((RtFact)fact) {
    case RT_FACT_RUN_ID: out[0] = f->run_id; break;
    case RT_FACT_RUN_TIME: out[0] = f->run_time; break;
    case RT_FACT_RUN_SCHEDULED_AT: out[0] = f->scheduled_at[0], out[1] = f->scheduled_at[1]; break;
    case RT_FACT_RUN_PARAMS: out[0] = f->params; break;
    case RT_FACT_RUN_STATUS: out[0] = f->status; break;
    case RT_FACT_RUN_DURATION: out[0] = f->duration; break;
    case RT_FACT_RUN_FAILURES: out[0] = f->failures; break;
    case RT_FACT_COUNT: break;
    }
}

void rt_pick(Rt *rt, uint32_t child) { rt->control.child = child; }

void rt_each(Rt *rt, uint64_t n, const uint64_t *admitted, uint64_t k) {
    rt->control.n = n;
    rt->control.admitted = admitted;
    rt->control.k = k;
}

void rt_again(Rt *rt, int64_t more) { rt->control.more = more != 0; }
