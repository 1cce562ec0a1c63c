/* Delays between attempts. The engine waits all that its backoff can say: a duration that grows by a whole factor up to a cap. What is
   left of a delay, the container of the next attempt waits itself before it starts the step. Where all attempts have a limit together,
   it waits the whole: the engine waits before it looks whether another attempt is wanted at all. */
#include "compiler/backend/argo/argo.h"

#include <inttypes.h>
#include <math.h>

/* What @retry says, in milliseconds, and what the engine waits of it, in microseconds: half a millisecond is exact. */
typedef struct Delays {
    int64_t times, delay, most, first, cap;
    double factor;
    int growth;
    bool jitter;
} Delays;

static int64_t int_of(const Argo *g, const ArgoLeaf *l, Setting key, int64_t fallback) {
    const FlowConst *c = argo_constant(g, argo_setting(g, l, key));
    return c != NULL ? c->i : fallback;
}

bool argo_is_total(const Argo *g, const ArgoLeaf *l) {
    const FlowSetting *s = argo_setting(g, l, SET_TIMEOUT_TOTAL);
    return s != NULL && s->value != OPND_ABSENT && (argo_constant(g, s) != NULL || opnd_tag(s->value) != OPND_CONST);
}

/* Factors are 1 or more, so the first delay is the shortest; with jitter it is at least half of what it says. */
static Delays delays_of(const Argo *g, const ArgoLeaf *l) {
    const FlowConst *factor = argo_constant(g, argo_setting(g, l, SET_RETRY_FACTOR));
    Delays d = {.times = int_of(g, l, SET_RETRY, 0), .delay = int_of(g, l, SET_RETRY_DELAY, 0),
                .most = int_of(g, l, SET_RETRY_MAX_DELAY, 3600000), .factor = factor != NULL ? factor->f : 1, .growth = 1,
                .jitter = int_of(g, l, SET_RETRY_JITTER, 0) != 0};
    if (argo_is_total(g, l)) return d;
    d.cap = d.most * (d.jitter ? 500 : 1000);
    d.first = d.delay < d.most ? d.delay * (d.jitter ? 500 : 1000) : d.cap;
    if (d.factor == floor(d.factor) && d.times > 1 && d.first < d.cap) d.growth = (int)d.factor;
    return d;
}

const char *argo_duration(Argo *g, int64_t us) {
    if (us % 1000000 == 0) return arena_printf(&g->arena, "%" PRId64 "s", us / 1000000);
    if (us % 1000 == 0) return arena_printf(&g->arena, "%" PRId64 "ms", us / 1000);
    return arena_printf(&g->arena, "%" PRId64 "us", us);
}

static void put_backoff(Argo *g, const Delays *d) {
    YamlOut *y = &g->y;
    yaml_key(y, "backoff");
    yaml_flow_map(y);
    yaml_pair_z(y, "duration", argo_duration(g, d->first));
    if (d->growth > 1) yaml_pair_z(y, "factor", arena_printf(&g->arena, "%d", d->growth));
    if ((double)d->first * pow(d->growth, (double)(d->times - 1)) > (double)d->cap)
        yaml_pair_z(y, "cap", argo_duration(g, d->cap));
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
    if (d.first > 0) put_backoff(g, &d);
    yaml_end(y);
}

void argo_delays_spec(Argo *g, const ArgoLeaf *l, JsonOut *j) {
    Delays d = delays_of(g, l);
    bool rest = d.first == 0 || d.jitter || (d.factor > d.growth && d.times > 1 && d.first < d.cap);
    if (d.times == 0 || d.delay == 0 || d.most == 0 || !rest) return;
    json_key(j, "delays");
    JsonOut all = json_open(j->b, '[');
    json_item(&all);
    json_int(j->b, d.delay);
    json_item(&all);
    json_double(j->b, d.factor);
    json_item(&all);
    json_int(j->b, d.most);
    json_item(&all);
    json_bool(j->b, d.jitter);
    json_item(&all);
    json_double(j->b, (double)d.first / 1000);
    json_item(&all);
    json_int(j->b, d.growth);
    json_close(&all);
}
