/* Delays between attempts. The engine waits all that its backoff can say: a duration that grows by a whole factor up to a cap. What is
   left of a delay, the container of the next attempt waits itself before it starts the step. */
#include "compiler/backend/argo/argo.h"

#include <inttypes.h>
#include <math.h>

/* What @retry says, in milliseconds, and how it is shared. */
typedef struct Delays {
    int64_t times, most;
    double delay, factor;
    bool jitter;
    bool grows; /* the engine's backoff has the factor */
} Delays;

static int64_t int_of(const Argo *g, const ArgoLeaf *l, Setting key, int64_t fallback) {
    const FlowConst *c = argo_constant(g, argo_setting(g, l, key));
    return c != NULL ? c->i : fallback;
}

static Delays delays_of(const Argo *g, const ArgoLeaf *l) {
    const FlowConst *factor = argo_constant(g, argo_setting(g, l, SET_RETRY_FACTOR));
    Delays d = {.times = int_of(g, l, SET_RETRY, 0), .most = int_of(g, l, SET_RETRY_MAX_DELAY, 3600000),
                .delay = (double)int_of(g, l, SET_RETRY_DELAY, 0), .factor = factor != NULL ? factor->f : 1,
                .jitter = int_of(g, l, SET_RETRY_JITTER, 0) != 0};
    d.grows = d.factor == floor(d.factor);
    return d;
}

/* Factors are 1 or more, so the first delay is the shortest. Half of it is an exact number of microseconds. */
static int64_t first_wait(const Delays *d) {
    int64_t us = (d->delay < (double)d->most ? (int64_t)d->delay : d->most) * 1000;
    return d->jitter ? us / 2 : us;
}

const char *argo_duration(Argo *g, int64_t us) {
    if (us % 1000000 == 0) return arena_printf(&g->arena, "%" PRId64 "s", us / 1000000);
    if (us % 1000 == 0) return arena_printf(&g->arena, "%" PRId64 "ms", us / 1000);
    return arena_printf(&g->arena, "%" PRId64 "us", us);
}

static void put_backoff(Argo *g, const Delays *d) {
    YamlOut *y = &g->y;
    bool grows = d->grows && d->factor > 1 && d->times > 1 && d->delay < (double)d->most;
    yaml_key(y, "backoff");
    yaml_flow_map(y);
    yaml_pair_z(y, "duration", argo_duration(g, first_wait(d)));
    if (grows) yaml_pair_z(y, "factor", arena_printf(&g->arena, "%d", (int)d->factor));
    if (grows && d->delay * pow(d->factor, (double)(d->times - 1)) > (double)d->most)
        yaml_pair_z(y, "cap", argo_duration(g, d->jitter ? d->most * 500 : d->most * 1000));
    yaml_end(y);
}

void argo_put_retry(Argo *g, const ArgoLeaf *l) {
    Delays d = delays_of(g, l);
    if (argo_setting(g, l, SET_RETRY) == NULL) return;
    YamlOut *y = &g->y;
    yaml_key(y, "retryStrategy");
    yaml_map(y);
    yaml_pair_z(y, "limit", arena_printf(&g->arena, "%" PRId64, d.times));
    yaml_pair_z(y, "retryPolicy", "Always");
    yaml_pair_z(y, "expression", "lastRetry.exitCode != '2'");
    if (first_wait(&d) > 0) put_backoff(g, &d);
    yaml_end(y);
}

void argo_wait_spec(Argo *g, const ArgoLeaf *l, JsonOut *j) {
    Delays d = delays_of(g, l);
    if (d.times == 0 || first_wait(&d) == 0 || (!d.jitter && (d.grows || d.times == 1))) return;
    json_key(j, "wait");
    JsonOut wait = json_open(j->b, '[');
    json_item(&wait);
    json_int(j->b, (int64_t)d.delay);
    json_item(&wait);
    json_double(j->b, d.factor);
    json_item(&wait);
    json_int(j->b, d.most);
    json_item(&wait);
    json_bool(j->b, d.jitter);
    json_item(&wait);
    json_bool(j->b, d.grows);
    json_close(&wait);
}
