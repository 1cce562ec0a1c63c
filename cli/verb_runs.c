/* wfc runs, logs, artifacts: what earlier runs left. */
#include "cli/progress.h"
#include "cli/session.h"

#include "base/io.h"
#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* What a listing collects. */
typedef struct List {
    Buf out;
    bool json;
    uint32_t n;
} List;

static List list_open(bool json) {
    List l = {.json = json};
    return l;
}

static void list_item(List *l) {
    if (l->json && l->n == 0) buf_addc(&l->out, '[');
    if (l->json && l->n > 0) buf_addc(&l->out, ',');
    l->n++;
}

static int list_close(List *l, Engine *e, bool ok, Buf *why) {
    int code = EXIT_FINE;
    if (l->json) buf_z(&l->out, l->n == 0 ? "[]\n" : "]\n");
    if (!ok) code = cli_error(EXIT_FINDINGS, "%s", buf_cstr(why));
    else if (!cli_out(buf_view(&l->out))) code = EXIT_INTERNAL;
    buf_free(&l->out);
    buf_free(why);
    engine_close(e);
    return code;
}

static void put_time(Buf *b, int64_t ms) {
    time_t t = (time_t)(ms / 1000);
    struct tm tm;
    char text[32];
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", localtime_r(&t, &tm));
    buf_z(b, text);
}

static void key_text(JsonOut *o, const char *key, const char *value) {
    json_key(o, key);
    if (value != NULL) json_z(o->b, value);
    else buf_z(o->b, "null");
}

static void key_raw(JsonOut *o, const char *key, const char *json) {
    json_key(o, key);
    buf_z(o->b, json != NULL && json[0] ? json : "null");
}

static void key_int(JsonOut *o, const char *key, int64_t v) {
    json_key(o, key);
    json_int(o->b, v);
}

static bool positive(const char *text, uint32_t *out) {
    char *end;
    unsigned long v = strtoul(text, &end, 10);
    *out = (uint32_t)v;
    return *end == '\0' && end != text && v > 0 && v <= 1000000;
}

/* --- runs --- */

static bool on_run(void *cx, const EngineRun *r) {
    List *l = cx;
    list_item(l);
    if (l->json) {
        JsonOut o = json_open(&l->out, '{');
        key_text(&o, "run", r->id);
        key_text(&o, "workflow", r->workflow);
        key_text(&o, "status", engine_status_name(r->status));
        key_int(&o, "started", r->started);
        key_int(&o, "ended", r->ended);
        key_raw(&o, "params", r->params_json);
        key_raw(&o, "outputs", r->outputs_json);
        key_text(&o, "message", r->message);
        json_close(&o);
        return true;
    }
    Buf time = BUF_INIT;
    if (r->ended > 0) put_elapsed(&time, r->ended - r->started);
    buf_printf(&l->out, "%-24s %-18s %-10s ", r->id, r->workflow, engine_status_name(r->status));
    put_time(&l->out, r->started);
    buf_printf(&l->out, " %8s", buf_cstr(&time));
    if (r->message != NULL && r->status != ENGINE_SUCCEEDED) buf_printf(&l->out, "  %.*s", (int)strcspn(r->message, "\n"), r->message);
    buf_addc(&l->out, '\n');
    buf_free(&time);
    return true;
}

static bool on_node(void *cx, const EngineNode *n) {
    List *l = cx;
    list_item(l);
    if (l->json) {
        JsonOut o = json_open(&l->out, '{');
        key_text(&o, "path", n->path);
        key_text(&o, "step", n->step);
        key_text(&o, "status", n->status);
        key_int(&o, "attempts", n->attempts);
        key_int(&o, "started", n->started);
        key_int(&o, "ended", n->ended);
        key_raw(&o, "outputs", n->outputs_json);
        key_text(&o, "kind", n->kind);
        key_text(&o, "message", n->message);
        json_close(&o);
        return true;
    }
    Buf time = BUF_INIT;
    if (n->ended > 0 && n->started > 0) put_elapsed(&time, n->ended - n->started);
    /* "lib/steps.wf.train" is called "steps.train", as in the source. */
    const char *slash = strrchr(n->step, '/'), *step = slash != NULL ? slash + 1 : n->step, *dot = strrchr(step, '.');
    bool project = dot != NULL && dot - step >= 3 && strncmp(dot - 3, ".wf", 3) == 0;
    Buf name = BUF_INIT;
    buf_printf(&name, "%.*s%s", project ? (int)(dot - 3 - step) : (int)strlen(step), step, project ? dot : "");
    buf_printf(&l->out, "%-32s %-20s %-10s %8s", n->path, buf_cstr(&name), n->status, buf_cstr(&time));
    buf_free(&name);
    if (n->attempts > 1) buf_printf(&l->out, "  %u attempts", n->attempts);
    if (n->message != NULL) buf_printf(&l->out, "  %.*s", (int)strcspn(n->message, "\n"), n->message);
    buf_addc(&l->out, '\n');
    buf_free(&time);
    return true;
}

static int run_runs(Cli *cli) {
    if (cli->args.len > 1) return cli_usage(cli, "name one run, or none");
    uint32_t limit = 20;
    const char *given = cli_option(cli, "limit");
    if (given != NULL && !positive(given, &limit)) return cli_usage(cli, "--limit is a number above 0, not `%s`", given);
    Engine *e = session_engine(cli, NULL, true);
    if (e == NULL) return EXIT_INTERNAL;
    Buf why = BUF_INIT;
    List l = list_open(cli_has(cli, "json"));
    char id[65];
    bool ok;
    if (cli->args.len == 0) ok = engine_runs(e, limit, on_run, &l, &why);
    else ok = engine_find_run(e, cli->args.data[0], id, &why) && engine_nodes(e, id, on_node, &l, &why);
    return list_close(&l, e, ok, &why);
}

const Verb verb_runs = {
    .name = "runs",
    .usage = "runs [OPTIONS] [RUN]",
    .summary = "lists earlier runs, or the calls of one",
    .about = "Newest first. RUN is the id of a run, the beginning of one, or `last`. The store is the nearest `.wfc` in this directory or\n"
             "above.",
    .options = (const CliOption[]){
        {"limit", 0, "N", false, "at most so many, 20 by default"},
        {"json", 0, NULL, false, "print JSON"},
        {"store", 0, "DIR", false, "the store to read"},
        {0}},
    .examples = (const CliExample[]){{"wfc runs", "the last twenty runs"}, {"wfc runs last", "what the last run did"}, {0}},
    .run = run_runs,
};

/* --- logs --- */

typedef struct LogCx {
    List l;
    bool prefix;
} LogCx;

static bool on_log(void *cx, const char *path, uint32_t attempt, bool on_stderr, int64_t time, Str bytes) {
    LogCx *x = cx;
    if (x->l.json) {
        list_item(&x->l);
        JsonOut o = json_open(&x->l.out, '{');
        key_text(&o, "path", path);
        key_int(&o, "attempt", attempt);
        key_text(&o, "stream", on_stderr ? "stderr" : "stdout");
        key_int(&o, "time", time);
        json_key(&o, "text");
        json_string(&x->l.out, bytes);
        json_close(&o);
    } else if (x->prefix) {
        for (size_t i = 0; i < bytes.n;) {
            size_t n = i;
            while (n < bytes.n && bytes.p[n] != '\n') n++;
            buf_printf(&x->l.out, "%s | ", path);
            buf_add(&x->l.out, bytes.p + i, n - i);
            buf_addc(&x->l.out, '\n');
            i = n + 1;
        }
    } else {
        buf_str(&x->l.out, bytes);
    }
    if (x->l.json || x->l.out.n < 1 << 16) return true;
    bool ok = cli_out(buf_view(&x->l.out));
    buf_clear(&x->l.out);
    return ok;
}

/* "RUN/path" or "RUN". The path stays in the argument. */
static bool split_name(Engine *e, const char *name, char id[65], const char **path, Buf *why) {
    const char *slash = strchr(name, '/');
    Buf run = BUF_INIT;
    buf_add(&run, name, slash ? (size_t)(slash - name) : strlen(name));
    bool ok = engine_find_run(e, buf_cstr(&run), id, why);
    buf_free(&run);
    *path = slash ? slash + 1 : NULL;
    return ok;
}

typedef struct Sought {
    const char *path;
    bool found;
    uint32_t attempts;
} Sought;

static bool on_sought(void *cx, const EngineNode *n) {
    Sought *s = cx;
    s->found = strcmp(n->path, s->path) == 0;
    s->attempts = n->attempts;
    return !s->found;
}

/* A call or attempt that printed nothing and one that does not exist have the same log. Attempt 0 is any. */
static bool has_call(Engine *e, const char *run, const char *path, uint32_t attempt, Buf *why) {
    Sought s = {.path = path};
    if (!engine_nodes(e, run, on_sought, &s, why)) return false;
    if (!s.found) buf_printf(why, "the run %s has no call `%s`", run, path);
    else if (attempt > s.attempts) buf_printf(why, "`%s` of the run %s has no attempt %u; its last one is %u", path, run, attempt, s.attempts);
    return s.found && attempt <= s.attempts;
}

static int run_logs(Cli *cli) {
    if (cli->args.len != 1) return cli_usage(cli, "name one run");
    const char *given = cli_option(cli, "attempt"), *path;
    uint32_t attempt = 0;
    if (given != NULL && !positive(given, &attempt)) return cli_usage(cli, "--attempt is a number above 0, not `%s`", given);
    Engine *e = session_engine(cli, NULL, true);
    if (e == NULL) return EXIT_INTERNAL;
    Buf why = BUF_INIT;
    char id[65];
    LogCx x = {.l = list_open(cli_has(cli, "json"))};
    bool ok = split_name(e, cli->args.data[0], id, &path, &why);
    x.prefix = path == NULL;
    if (ok && path != NULL) ok = has_call(e, id, path, attempt, &why);
    if (ok) ok = engine_log(e, id, path, attempt, on_log, &x, &why);
    return list_close(&x.l, e, ok, &why);
}

const Verb verb_logs = {
    .name = "logs",
    .usage = "logs [OPTIONS] RUN[/CALL]",
    .summary = "prints what the steps of a run printed",
    .about = "Of the whole run, in the order in which it was printed, or of one call.",
    .options = (const CliOption[]){
        {"attempt", 0, "N", false, "of this attempt only"},
        {"json", 0, NULL, false, "print JSON"},
        {"store", 0, "DIR", false, "the store to read"},
        {0}},
    .examples = (const CliExample[]){{"wfc logs last", "everything that the last run printed"}, {"wfc logs last/trials[2].model", "what one call printed"}, {0}},
    .run = run_logs,
};

/* --- artifacts --- */

static bool on_artifact(void *cx, const EngineArtifact *a) {
    List *l = cx;
    list_item(l);
    if (l->json) {
        JsonOut o = json_open(&l->out, '{');
        key_text(&o, "run", a->run);
        key_text(&o, "path", a->path);
        key_text(&o, "output", a->output);
        key_text(&o, "sha256", a->sha256);
        key_text(&o, "name", a->name);
        key_text(&o, "format", a->format);
        key_text(&o, "artifact", a->artifact);
        json_key(&o, "dir");
        json_bool(&l->out, a->is_dir);
        key_int(&o, "size", (int64_t)a->size);
        key_int(&o, "rows", a->rows);
        key_int(&o, "created", a->created);
        json_close(&o);
        return true;
    }
    buf_printf(&l->out, "%.12s  %-14s %10llu  %s/%s.%s", a->sha256, a->artifact[0] ? a->artifact : a->is_dir ? "dir" : "file", (unsigned long long)a->size, a->run,
               a->path, a->output);
    if (a->rows >= 0) buf_printf(&l->out, "  %lld rows", (long long)a->rows);
    buf_addc(&l->out, '\n');
    return true;
}

typedef struct Found {
    char sha256[65];
    bool is_dir;
} Found;

static bool on_found(void *cx, const EngineArtifact *a) {
    Found *f = cx;
    snprintf(f->sha256, sizeof f->sha256, "%s", a->sha256);
    f->is_dir = a->is_dir;
    return true;
}

static int run_artifacts(Cli *cli) {
    if (cli->args.len > 1) return cli_usage(cli, "name one run or artifact, or none");
    const char *dest = cli_option(cli, "output"), *name = cli->args.len > 0 ? cli->args.data[0] : NULL;
    if (dest != NULL && name == NULL) return cli_usage(cli, "--output needs the artifact to copy");
    Engine *e = session_engine(cli, NULL, true);
    if (e == NULL) return EXIT_INTERNAL;
    Buf why = BUF_INIT;
    List l = list_open(cli_has(cli, "json"));
    bool ok;
    char id[65];
    if (dest != NULL) {
        Found f = {0};
        ok = engine_find_artifact(e, name, on_found, &f, &why) && engine_copy_out(e, f.sha256, f.is_dir, dest, &why);
    } else if (name != NULL && (strchr(name, '/') != NULL || !engine_find_run(e, name, id, &why))) {
        Buf none = why; /* why it is not a run; it may be an artifact */
        why = BUF_INIT;
        ok = engine_find_artifact(e, name, on_artifact, &l, &why);
        if (!ok && none.n > 0 && str_starts(buf_view(&why), STR("there is no artifact"))) {
            buf_clear(&why);
            if (str_starts(buf_view(&none), STR("there is no run"))) buf_printf(&why, "there is no run and no artifact `%s`", name);
            else buf_str(&why, buf_view(&none));
        }
        buf_free(&none);
    } else {
        ok = engine_artifacts(e, name != NULL ? id : NULL, on_artifact, &l, &why);
    }
    return list_close(&l, e, ok, &why);
}

const Verb verb_artifacts = {
    .name = "artifacts",
    .usage = "artifacts [OPTIONS] [RUN | ARTIFACT]",
    .summary = "lists the files that runs produced, or copies one out",
    .about = "Of all runs, of one, or one alone. An artifact is named by RUN/CALL.OUTPUT, by RUN/CALL when the call has one, or by the\n"
             "beginning of its SHA-256.",
    .options = (const CliOption[]){
        {"output", 'o', "PATH", false, "copy the artifact there"},
        {"json", 0, NULL, false, "print JSON"},
        {"store", 0, "DIR", false, "the store to read"},
        {0}},
    .examples = (const CliExample[]){{"wfc artifacts last", "the files of the last run"}, {"wfc artifacts last/split.train -o train.csv", "copy one out"}, {0}},
    .run = run_artifacts,
};
