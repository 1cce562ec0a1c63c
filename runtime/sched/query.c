/* Questions about recorded runs. */
#include "runtime/sched/engine_impl.h"
#include "runtime/sched/sched.h"

#include "base/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static int64_t number(const char *s) { return s != NULL ? strtoll(s, NULL, 10) : 0; }
static const char *text(const char *s) { return s != NULL ? s : ""; }

/* ---- runs ---- */

typedef struct Runs {
    EngineRunFn fn;
    void *cx;
    bool busy;
} Runs;

static EngineStatus status_of(const char *name) {
    if (strcmp(name, "succeeded") == 0) return ENGINE_SUCCEEDED;
    if (strcmp(name, "failed") == 0) return ENGINE_FAILED;
    if (strcmp(name, "cancelled") == 0) return ENGINE_CANCELLED;
    return ENGINE_RUNNING;
}

static bool run_row(void *cx, const char *const *c) {
    const Runs *r = cx;
    EngineRun run = {.id = c[0], .workflow = text(c[1]), .source = text(c[2]), .status = status_of(c[3]), .started = number(c[4]), .ended = number(c[5]),
                     .params_json = text(c[6]), .outputs_json = c[7], .message = c[8], .succeeded = (uint32_t)number(c[9]),
                     .failed = (uint32_t)number(c[10]), .skipped = (uint32_t)number(c[11]), .cancelled = (uint32_t)number(c[12])};
    if (run.status == ENGINE_RUNNING && !r->busy) run.status = ENGINE_FAILED, run.message = "interrupted";
    return r->fn(r->cx, &run);
}

bool engine_runs(Engine *e, uint32_t limit, EngineRunFn fn, void *cx, Buf *why) {
    char most[16];
    snprintf(most, sizeof most, "%u", limit);
    Runs r = {fn, cx, store_busy(engine_store(e))};
    return store_query(engine_store(e), STORE_RUNS, (const char *const[]){most}, run_row, &r, why);
}

typedef struct Found {
    char id[65];
    uint32_t n;
} Found;

static bool found_run(void *cx, const char *const *c) {
    Found *f = cx;
    snprintf(f->id, sizeof f->id, "%s", c[0]);
    f->n++;
    return true;
}

bool engine_find_run(Engine *e, const char *name, char id[65], Buf *why) {
    Found f = {.n = 0};
    bool last = strcmp(name, "last") == 0;
    if (!store_query(engine_store(e), last ? STORE_RUNS : STORE_RUN_IS, (const char *const[]){last ? "1" : name}, found_run, &f, why)) return false;
    if (f.n == 0 && !last && !store_query(engine_store(e), STORE_RUN_LIKE, &name, found_run, &f, why)) return false;
    if (f.n == 1) {
        memcpy(id, f.id, sizeof f.id);
        return true;
    }
    if (last) buf_z(why, "no run is recorded yet");
    else buf_printf(why, f.n == 0 ? "there is no run `%s`" : "more than one run begins with `%s`", name);
    return false;
}

/* ---- nodes ---- */

typedef struct Nodes {
    EngineNodeFn fn;
    void *cx;
    bool busy;
} Nodes;

static bool node_row(void *cx, const char *const *c) {
    const Nodes *n = cx;
    EngineNode node = {.run = c[0], .path = c[1], .step = text(c[2]), .status = c[3], .attempts = (uint32_t)number(c[4]), .started = number(c[5]),
                       .ended = number(c[6]), .outputs_json = c[7], .kind = c[8], .message = c[9], .has_code = c[10] != NULL,
                       .code = number(c[10]), .file = c[11], .line = (uint32_t)number(c[12])};
    if (strcmp(node.status, "running") == 0 && !n->busy) node.status = "failed", node.kind = "lost", node.message = "interrupted";
    return n->fn(n->cx, &node);
}

bool engine_nodes(Engine *e, const char *run, EngineNodeFn fn, void *cx, Buf *why) {
    Nodes n = {fn, cx, store_busy(engine_store(e))};
    return store_query(engine_store(e), STORE_NODES, &run, node_row, &n, why);
}

typedef struct Attempts {
    EngineAttemptFn fn;
    void *cx;
} Attempts;

static bool attempt_row(void *cx, const char *const *c) {
    const Attempts *a = cx;
    EngineAttempt attempt = {.path = c[0], .attempt = (uint32_t)number(c[1]), .status = c[2], .kind = c[3], .message = c[4],
                             .has_code = c[5] != NULL, .code = number(c[5]), .started = number(c[6]), .ended = number(c[7]),
                             .log_bytes = (uint64_t)number(c[8])};
    return a->fn(a->cx, &attempt);
}

bool engine_attempts(Engine *e, const char *run, const char *path, EngineAttemptFn fn, void *cx, Buf *why) {
    Attempts a = {fn, cx};
    return store_query(engine_store(e), STORE_ATTEMPTS, (const char *const[]){run, path}, attempt_row, &a, why);
}

/* ---- logs ---- */

typedef struct LogKey {
    uint64_t id, from, to;
    char *path;
    uint32_t attempt;
} LogKey;

typedef struct Logs {
    VEC(LogKey) key;
    uint32_t *slot; /* hash table of keys by id: index + 1 */
    uint32_t mask;
    uint32_t only;  /* attempt, 0: all */
    EngineLogFn fn;
    void *cx;
    const char *path; /* NULL: all */
} Logs;

static bool log_attempt(void *cx, const char *const *c) {
    Logs *l = cx;
    uint32_t attempt = (uint32_t)number(c[1]);
    if (number(c[8]) == 0 || (l->only != 0 && l->only != attempt)) return true;
    vec_push(&l->key, ((LogKey){store_log_id(c[0], attempt), (uint64_t)number(c[9]), (uint64_t)number(c[10]), wf_strdup(c[0]), attempt}));
    return true;
}

static void index_keys(Logs *l) {
    l->mask = 15;
    while (l->mask < 2 * l->key.len) l->mask = 2 * l->mask + 1;
    l->slot = wf_alloc_zero(((size_t)l->mask + 1) * sizeof *l->slot);
    for (uint32_t i = 0; i < l->key.len; i++) {
        uint32_t at = (uint32_t)l->key.data[i].id & l->mask;
        while (l->slot[at] != 0) at = (at + 1) & l->mask;
        l->slot[at] = i + 1;
    }
}

static bool log_record(void *cx, uint64_t id, bool on_stderr, int64_t time, Str bytes) {
    const Logs *l = cx;
    for (uint32_t at = (uint32_t)id & l->mask; l->slot[at] != 0; at = (at + 1) & l->mask) {
        const LogKey *k = &l->key.data[l->slot[at] - 1];
        if (k->id == id) return l->fn(l->cx, k->path, k->attempt, on_stderr, time, bytes);
    }
    return true;
}

bool engine_log(Engine *e, const char *run, const char *path, uint32_t attempt, EngineLogFn fn, void *cx, Buf *why) {
    Logs l = {.only = attempt, .fn = fn, .cx = cx, .path = path};
    bool ok = store_query(engine_store(e), STORE_ATTEMPTS, (const char *const[]){run, path}, log_attempt, &l, why);
    index_keys(&l);
    uint64_t from = UINT64_MAX, to = 0;
    for (uint32_t i = 0; i < l.key.len; i++) {
        if (l.key.data[i].from < from) from = l.key.data[i].from;
        if (l.key.data[i].to > to) to = l.key.data[i].to;
    }
    if (ok && l.key.len > 0) ok = store_log_read(engine_store(e), run, from, to, log_record, &l, why);
    for (uint32_t i = 0; i < l.key.len; i++) free(l.key.data[i].path);
    vec_free(&l.key);
    free(l.slot);
    return ok;
}

/* ---- artifacts ---- */

typedef struct Artifacts {
    EngineArtifactFn fn;
    void *cx;
    uint32_t n;
} Artifacts;

static bool artifact_row(void *cx, const char *const *c) {
    Artifacts *a = cx;
    EngineArtifact f = {.run = c[0], .path = c[1], .output = c[2], .sha256 = c[3], .name = text(c[4]), .format = text(c[5]), .artifact = text(c[6]),
                        .is_dir = number(c[7]) != 0, .size = (uint64_t)number(c[8]), .rows = number(c[9]), .columns = c[10], .created = number(c[11])};
    a->n++;
    return a->fn(a->cx, &f);
}

bool engine_artifacts(Engine *e, const char *run, EngineArtifactFn fn, void *cx, Buf *why) {
    Artifacts a = {fn, cx, 0};
    return store_query(engine_store(e), STORE_ARTIFACTS, &run, artifact_row, &a, why);
}

static bool just_count(void *cx, const EngineArtifact *f) {
    (void)cx;
    (void)f;
    return true;
}

/* Gives the only row of the query, or says how many there are. */
static bool only_one(Engine *e, StoreQuery q, const char *const *args, const char *name, EngineArtifactFn fn, void *cx, Buf *why) {
    Artifacts counted = {just_count, NULL, 0}, given = {fn, cx, 0};
    if (!store_query(engine_store(e), q, args, artifact_row, &counted, why)) return false;
    if (counted.n == 1) return store_query(engine_store(e), q, args, artifact_row, &given, why);
    buf_printf(why, counted.n == 0 ? "there is no artifact `%s`" : "`%s` names several artifacts; add `.OUTPUT` or more of the hash", name);
    return false;
}

bool engine_find_artifact(Engine *e, const char *name, EngineArtifactFn fn, void *cx, Buf *why) {
    const char *slash = strchr(name, '/');
    if (slash == NULL) return only_one(e, STORE_ARTIFACT_LIKE, &name, name, fn, cx, why);
    Arena a = ARENA_INIT;
    char run[65];
    bool ok = engine_find_run(e, arena_strndup(&a, name, (size_t)(slash - name)), run, why);
    if (ok) {
        /* A node's own path may hold dots: the whole of it is tried first. */
        Artifacts counted = {just_count, NULL, 0};
        const char *args[] = {run, slash + 1, NULL};
        ok = store_query(engine_store(e), STORE_ARTIFACT_OF, args, artifact_row, &counted, why);
        const char *dot = strrchr(slash + 1, '.');
        if (ok && counted.n == 0 && dot != NULL) {
            args[1] = arena_strndup(&a, slash + 1, (size_t)(dot - slash - 1));
            args[2] = dot + 1;
        }
        ok = ok && only_one(e, STORE_ARTIFACT_OF, args, name, fn, cx, why);
    }
    arena_free(&a);
    return ok;
}

bool engine_copy_out(Engine *e, const char *sha256, bool is_dir, const char *dest, Buf *why) {
    struct stat st;
    bool there = lstat(dest, &st) == 0;
    if (there && (is_dir || S_ISDIR(st.st_mode))) {
        buf_printf(why, "%s exists already", dest);
        return false;
    }
    return store_copy_out(engine_store(e), sha256, is_dir, dest, why);
}

typedef struct Inputs {
    Buf *json, *step;
    bool found, recorded;
} Inputs;

static bool inputs_row(void *cx, const char *const *c) {
    Inputs *i = cx;
    i->found = true;
    i->recorded = c[0] != NULL;
    if (c[0] != NULL) buf_z(i->json, c[0]);
    buf_z(i->step, text(c[1]));
    return false;
}

/* Replaces "@SHA256" by the stored text. */
static bool read_aside(Store *s, Buf *json, Buf *why) {
    Arena a = ARENA_INIT;
    const char *path = store_object_path(s, json->p + 1, &a);
    int error = io_read_file(path, (size_t)4 << 30, json);
    if (error != 0) buf_printf(why, "cannot read %s: %s", path, strerror(error));
    arena_free(&a);
    return error == 0;
}

bool engine_node_inputs(Engine *e, const char *run, const char *path, Buf *inputs_json, Buf *step, Buf *why) {
    Inputs i = {inputs_json, step, false, false};
    if (!store_query(engine_store(e), STORE_INPUTS, (const char *const[]){run, path}, inputs_row, &i, why)) return false;
    if (i.found && i.recorded) return inputs_json->p[0] != '@' || read_aside(engine_store(e), inputs_json, why);
    buf_printf(why, i.found ? "the inputs of `%s` in run %s were not recorded: it did not start" : "the run %s has no call `%s`", i.found ? path : run, i.found ? run : path);
    return false;
}
