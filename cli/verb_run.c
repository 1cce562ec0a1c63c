/* wfc run: runs a workflow or one step. */
#include "cli/progress.h"
#include "cli/session.h"

#include "base/io.h"
#include "base/json.h"
#include "base/yaml.h"
#include "compiler/backend/graph/graph.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static Engine *running; /* for the signal handler */

/* Whoever asks a third time does not want to wait for anything, such as a function of a library that does not return: the
   journal tells the run as interrupted. */
static void on_signal(int sig) {
    static volatile sig_atomic_t times;
    if (++times > 2) _exit(128 + sig);
    if (running != NULL) engine_cancel(running);
}

static void catch_signals(Engine *e) {
    running = e;
    struct sigaction a = {.sa_handler = on_signal};
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* --- parameters --- */

/* --params: JSON, or YAML by the file's ending. */
static int read_params(const Cli *cli, Buf *json) {
    const char *path = cli_option(cli, "params");
    if (path == NULL) return 0;
    Buf text = BUF_INIT, why = BUF_INIT;
    int code = 0, e = io_read_file(path, 64 << 20, &text);
    Str name = str_of(path);
    bool yaml = str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml"));
    if (e != 0) {
        code = cli_error(EXIT_INTERNAL, "cannot read `%s`: %s", path, strerror(e));
    } else if (yaml) {
        if (!yaml_to_json(buf_view(&text), json, &why)) code = cli_error(EXIT_USAGE, "%s: %s", path, why.p);
    } else {
        buf_str(json, buf_view(&text));
    }
    size_t blank = strspn(buf_cstr(json), " \t\r\n");
    if (code == 0 && buf_cstr(json)[blank] != '{') code = cli_error(EXIT_USAGE, "%s: an object of parameters is expected", path);
    buf_free(&text);
    buf_free(&why);
    return code;
}

typedef VEC(EngineParam) Params;

static int given_params(const Cli *cli, Params *out) {
    for (uint32_t i = 0; i < cli->values.len; i++) {
        const CliValue *v = &cli->values.data[i];
        if (strcmp(v->option->name, "param") != 0 && strcmp(v->option->name, "set") != 0) continue;
        const char *eq = strchr(v->value, '=');
        if (eq == NULL || eq == v->value) return cli_usage(cli, "--%s is NAME=VALUE, not `%s`", v->option->name, v->value);
        char *name = wf_alloc((size_t)(eq - v->value) + 1);
        memcpy(name, v->value, (size_t)(eq - v->value));
        name[eq - v->value] = '\0';
        vec_push(out, ((EngineParam){.name = name, .text = str_of(eq + 1)}));
    }
    return 0;
}

static void free_params(Params *p) {
    for (uint32_t i = 0; i < p->len; i++) free((char *)(uintptr_t)p->data[i].name);
    vec_free(p);
}

/* --- choosing what to run --- */

static int find_workflow(const Cli *cli, const Session *s, uint32_t *index) {
    const char *name = cli_option(cli, "workflow");
    const RtPlan *p = &s->plan.rt;
    Buf names = BUF_INIT;
    int code = 0;
    *index = p->main;
    for (uint32_t i = 0; i < p->nworkflow; i++) buf_printf(&names, "%s`%s`", i ? ", " : "", p->workflow[i].name);
    if (name != NULL) {
        *index = UINT32_MAX;
        for (uint32_t i = 0; i < p->nworkflow; i++)
            if (strcmp(p->workflow[i].name, name) == 0) *index = i;
        if (*index == UINT32_MAX) code = cli_usage(cli, "there is no workflow `%s`; there is %s", name, names.n ? names.p : "none");
    } else if (*index == UINT32_MAX && p->nworkflow == 0) {
        code = cli_usage(cli, "the file declares no workflow; one of its steps is run by `FILE.wf:step`");
    } else if (*index == UINT32_MAX) {
        code = cli_usage(cli, "the file declares several workflows: choose one with --workflow: %s", names.p);
    }
    buf_free(&names);
    return code;
}

/* --- results --- */

/* `run_id` is NULL when the run was not recorded: then it cannot be named. */
static void put_failure(Buf *b, const EngineFailure *f, const Cli *cli, const char *run_id, const char *file) {
    bool color = cli->color_err;
    buf_printf(b, "\n%s%s%s failed: %s\n", color ? "\x1b[31m" : "", f->path[0] ? f->path : "the run", color ? "\x1b[0m" : "", f->message);
    if (f->file != NULL) {
        buf_printf(b, "  at %s:%u", f->file, f->line);
        if (f->col > 0) buf_printf(b, ":%u", f->col);
        buf_addc(b, '\n');
    }
    if (f->log != NULL && f->log[0]) {
        buf_z(b, "  it printed last:\n");
        for (const char *p = f->log; *p;) {
            size_t n = strcspn(p, "\n");
            buf_printf(b, "    %.*s\n", (int)n, p);
            p += n + (p[n] == '\n');
        }
    }
    if (f->attempt == 0 || run_id == NULL) return;
    bool elsewhere = strchr(file, '/') != NULL; /* then the store is not found from here */
    buf_printf(b, "  run it alone with the same inputs: wfc step %s%s%s/%s\n", elsewhere ? file : "", elsewhere ? " " : "", run_id, f->path);
}

/* A text alone is printed as it is, one of several lines below its name, everything else as NAME = JSON. */
static bool put_text_alone(Buf *b, const EngineResult *r) {
    JsonIn j = json_in(buf_view(&r->outputs_json));
    Str key;
    bool text = json_next(&j) == JSON_OBJECT && json_member(&j, &key) && json_next(&j) == JSON_STRING;
    Buf copy = BUF_INIT;
    if (text) buf_str(&copy, j.s);
    bool alone = text && !json_member(&j, &key) && json_end(&j);
    if (alone) {
        buf_str(b, buf_view(&copy));
        if (copy.n == 0 || copy.p[copy.n - 1] != '\n') buf_addc(b, '\n');
    }
    buf_free(&copy);
    json_in_free(&j);
    return alone;
}

/* A text of several lines, indented below its name. */
static void put_lines(Buf *b, Str s) {
    buf_z(b, ":\n");
    for (size_t i = 0; i < s.n;) {
        size_t n = i;
        while (n < s.n && s.p[n] != '\n') n++;
        buf_printf(b, "  %.*s\n", (int)(n - i), s.p + i);
        i = n + 1;
    }
}

static void put_outputs(Buf *b, const EngineResult *r) {
    if (put_text_alone(b, r)) return;
    JsonIn j = json_in(buf_view(&r->outputs_json));
    Str key;
    if (json_next(&j) == JSON_OBJECT)
        while (json_member(&j, &key)) {
            buf_str(b, key);
            while (j.at < j.text.n && j.text.p[j.at] == ' ') j.at++;
            size_t from = j.at;
            JsonIn look = json_in((Str){j.text.p + from, j.text.n - from});
            bool lines = json_next(&look) == JSON_STRING && memchr(look.s.p, '\n', look.s.n) != NULL;
            if (lines) put_lines(b, look.s);
            json_in_free(&look);
            if (!json_skip(&j)) break;
            if (lines) continue;
            buf_z(b, " = ");
            buf_add(b, j.text.p + from, j.at - from);
            buf_addc(b, '\n');
        }
    json_in_free(&j);
}

static void put_result_json(Buf *b, const EngineResult *r) {
    JsonOut o = json_open(b, '{');
    json_key(&o, "run");
    json_z(b, r->run_id);
    json_key(&o, "status");
    json_z(b, engine_status_name(r->status));
    json_key(&o, "started");
    json_int(b, r->started);
    json_key(&o, "ended");
    json_int(b, r->ended);
    json_key(&o, "outputs");
    if (r->status == ENGINE_SUCCEEDED && r->outputs_json.n > 0) buf_str(b, buf_view(&r->outputs_json));
    else buf_z(b, "null");
    json_key(&o, "failures");
    JsonOut list = json_open(b, '[');
    for (uint32_t i = 0; i < r->nfailure; i++) {
        const EngineFailure *f = &r->failure[i];
        json_item(&list);
        JsonOut x = json_open(b, '{');
        json_key(&x, "path");
        json_z(b, f->path);
        json_key(&x, "kind");
        json_z(b, engine_failure_name(f->kind));
        if (f->has_code) {
            json_key(&x, "code");
            json_int(b, f->code);
        }
        json_key(&x, "message");
        json_z(b, f->message);
        if (f->file != NULL) {
            json_key(&x, "file");
            json_z(b, f->file);
            json_key(&x, "line");
            json_int(b, f->line);
        }
        json_close(&x);
    }
    json_close(&list);
    json_key(&o, "calls");
    JsonOut calls = json_open(b, '{');
    const struct {
        const char *name;
        uint32_t n;
    } counts[] = {{"succeeded", r->succeeded}, {"failed", r->failed}, {"skipped", r->skipped}, {"cancelled", r->cancelled}, {"retried", r->retried}};
    for (size_t i = 0; i < 5; i++) {
        json_key(&calls, counts[i].name);
        json_int(b, counts[i].n);
    }
    json_close(&calls);
    json_close(&o);
    buf_addc(b, '\n');
}

/* Copies one returned file object out, below its path in the outputs: DIR/name or DIR/name.0, name.key ... */
static bool copy_file(Engine *e, Str object, const char *dest, Buf *why) {
    JsonIn j = json_in(object);
    Str key, sha = {0}, name = {0};
    bool is_dir = false;
    Arena tmp = ARENA_INIT;
    json_next(&j);
    while (json_member(&j, &key)) {
        bool is_sha = str_is(key, "sha256"), is_file = str_is(key, "file"), dir = str_is(key, "dir");
        size_t at = j.at;
        JsonKind k = json_next(&j);
        if (k == JSON_STRING && is_sha) sha = (Str){arena_strndup(&tmp, j.s.p, j.s.n), j.s.n};
        else if (k == JSON_STRING && is_file) name = (Str){arena_strndup(&tmp, j.s.p, j.s.n), j.s.n};
        else if (dir) is_dir = k == JSON_TRUE;
        else if (k == JSON_OBJECT || k == JSON_ARRAY) {
            j.at = at;
            j.depth--;
            json_skip(&j);
        }
    }
    json_in_free(&j);
    /* The ending of the stored name, so that the copy opens in the right program. */
    Str base = path_base(name);
    size_t dot = base.n;
    while (dot > 0 && base.p[dot - 1] != '.') dot--;
    char *full = is_dir || dot == 0 ? arena_printf(&tmp, "%s", dest) : arena_printf(&tmp, "%s.%.*s", dest, (int)(base.n - dot), base.p + dot);
    bool ok = sha.n == 64 && engine_copy_out(e, sha.p, is_dir, full, why);
    arena_free(&tmp);
    return ok;
}

/* Walks the outputs and copies every file in them. */
static bool copy_outputs(Engine *e, Str json, const char *dest, unsigned depth, Buf *why) {
    JsonIn j = json_in(json);
    bool ok = true;
    JsonKind k = json_next(&j);
    Str key;
    if (k == JSON_OBJECT && depth > 0) {
        bool is_file = false;
        JsonIn look = json_in(json);
        json_next(&look);
        while (json_member(&look, &key)) {
            is_file |= str_is(key, "sha256");
            json_skip(&look);
        }
        json_in_free(&look);
        if (is_file) {
            json_in_free(&j);
            return copy_file(e, json, dest, why);
        }
    }
    uint32_t i = 0;
    while (ok && (k == JSON_OBJECT ? json_member(&j, &key) : k == JSON_ARRAY && json_element(&j))) {
        Arena tmp = ARENA_INIT;
        char *name = k == JSON_OBJECT ? arena_strndup(&tmp, key.p, key.n) : arena_printf(&tmp, "%u", i++);
        char *path = arena_printf(&tmp, "%s%s%s", dest, depth == 0 ? "/" : ".", name);
        size_t from = j.at;
        ok = strchr(name, '/') == NULL && json_skip(&j) && copy_outputs(e, (Str){j.text.p + from, j.at - from}, path, depth + 1, why);
        arena_free(&tmp);
    }
    json_in_free(&j);
    return ok;
}

static int finish(Cli *cli, Engine *e, EngineResult *r, const char *file, bool recorded) {
    Buf out = BUF_INIT, err = BUF_INIT, why = BUF_INIT;
    int code = r->status == ENGINE_SUCCEEDED ? EXIT_FINE : EXIT_FINDINGS;
    const char *dir = cli_option(cli, "output");
    if (dir != NULL && r->status == ENGINE_SUCCEEDED) {
        int made = io_mkdirs(dir);
        if (made != 0) code = cli_error(EXIT_INTERNAL, "cannot make `%s`: %s", dir, strerror(made));
        else if (!copy_outputs(e, buf_view(&r->outputs_json), dir, 0, &why)) code = cli_error(EXIT_INTERNAL, "%s", buf_cstr(&why));
    }
    for (uint32_t i = 0; i < r->nfailure; i++) put_failure(&err, &r->failure[i], cli, recorded ? r->run_id : NULL, file);
    if (r->nfailure > 0) buf_addc(&err, '\n');
    if (recorded) buf_printf(&err, "run %s ", r->run_id);
    buf_printf(&err, "%s in ", engine_status_name(r->status));
    put_elapsed(&err, r->ended - r->started);
    buf_printf(&err, ": %u done", r->succeeded);
    if (r->failed) buf_printf(&err, ", %u failed", r->failed);
    if (r->skipped) buf_printf(&err, ", %u not run", r->skipped);
    if (r->cancelled) buf_printf(&err, ", %u cancelled", r->cancelled);
    if (r->retried) buf_printf(&err, ", %u tried again", r->retried);
    buf_addc(&err, '\n');
    if (cli_has(cli, "json")) {
        put_result_json(&out, r);
    } else {
        io_write_all(STDERR_FILENO, buf_view(&err));
        if (r->status == ENGINE_SUCCEEDED) put_outputs(&out, r);
    }
    if (!cli_out(buf_view(&out))) code = EXIT_INTERNAL;
    buf_free(&out);
    buf_free(&err);
    buf_free(&why);
    return code;
}

/* --- the verb --- */

static bool positive(const char *text, uint32_t *out) {
    char *end;
    errno = 0;
    unsigned long v = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || end == text || v == 0 || v > 4096) return false;
    *out = (uint32_t)v;
    return true;
}

static void on_event(void *cx, const EngineEvent *e);

typedef struct RunCx {
    Cli *cli;
    Progress *progress;
} RunCx;

static void on_event(void *cx, const EngineEvent *e) { progress_event(((RunCx *)cx)->progress, e); }
static bool on_secret(void *cx, const char *name, Buf *value) { return secret_value(((RunCx *)cx)->cli, name, value); }

/* What would run, without running it. */
static int dry_run(const Session *s, const EngineOptions *o) {
    Buf why = BUF_INIT, out = BUF_INIT;
    int code = EXIT_FINE;
    if (!engine_check_params(&s->plan.rt, o, &why)) {
        code = cli_error(EXIT_USAGE, "%s", why.p);
    } else {
        buf_printf(&out, "the parameters fit; %s%s\n", o->step != NULL ? "this step would run: " : "this would run:", o->step != NULL ? o->step : "");
        if (o->step == NULL) graph_text(&out, &s->program.flow, o->workflow);
        if (!cli_out(buf_view(&out))) code = EXIT_INTERNAL;
    }
    buf_free(&why);
    buf_free(&out);
    return code;
}

static int run_session(Cli *cli, Session *s, EngineOptions *o, const char *file) {
    Engine *e = session_engine(cli, s->project, false);
    if (e == NULL) return EXIT_INTERNAL;
    RunCx cx = {cli, progress_new(cli, cli_has(cli, "quiet") || cli_has(cli, "json"), cli_has(cli, "follow"))};
    o->event = on_event;
    o->secret = on_secret;
    o->cx = &cx;
    o->log_events = cli->tty_err || cli_has(cli, "follow");
    o->tick = cli->tty_err ? 200 : 0; /* the table of running steps moves while they say nothing */
    EngineResult r = {0};
    Buf why = BUF_INIT;
    catch_signals(e);
    bool began = engine_run(e, &s->plan.rt, o, &r, &why);
    running = NULL;
    progress_end(cx.progress);
    int code = began ? finish(cli, e, &r, file, !o->unpublished) : cli_error(EXIT_USAGE, "%s", buf_cstr(&why));
    engine_result_free(&r);
    progress_free(cx.progress);
    engine_close(e);
    buf_free(&why);
    return code;
}

static int dump_llvm(Session *s) {
    Buf out = BUF_INIT, why = BUF_INIT;
    int code = 0;
    if (!native_dump(&s->plan, &out, &why)) code = cli_error(EXIT_INTERNAL, "%s", buf_cstr(&why));
    else if (!cli_out(buf_view(&out))) code = EXIT_INTERNAL;
    buf_free(&out);
    buf_free(&why);
    return code;
}

static int with_session(Cli *cli, Session *s, const char *step, const char *file) {
    EngineOptions o = ENGINE_OPTIONS;
    Params params = {0};
    Buf json = BUF_INIT;
    const char *jobs = cli_option(cli, "jobs");
    int code = 0;
    if (jobs != NULL && !positive(jobs, &o.jobs)) code = cli_usage(cli, "--jobs is a number from 1 to 4096, not `%s`", jobs);
    if (code == 0 && step == NULL) code = find_workflow(cli, s, &o.workflow);
    if (code == 0) code = read_params(cli, &json);
    if (code == 0) code = given_params(cli, &params);
    if (code == 0) {
        o.step = step;
        o.param = params.data;
        o.nparam = params.len;
        o.inputs_json = buf_view(&json);
        o.run_id = cli_option(cli, "run-id");
        if (cli_has(cli, "dump-llvm")) code = dump_llvm(s);
        else code = cli_has(cli, "dry-run") ? dry_run(s, &o) : run_session(cli, s, &o, file);
    }
    free_params(&params);
    buf_free(&json);
    return code;
}

typedef struct SourceCx {
    const char *id;
    char *source;
} SourceCx;

static bool on_source(void *cx, const EngineRun *r) {
    SourceCx *x = cx;
    if (strcmp(r->id, x->id) != 0) return true;
    x->source = wf_strdup(r->source);
    return false;
}

/* The inputs of a recorded call, its step and the file that it was run from. */
typedef struct Recorded {
    Buf inputs, step;
    char *source;
} Recorded;

static int find_recorded(const Cli *cli, const char *project, const char *name, Recorded *out) {
    const char *slash = strchr(name, '/');
    if (slash == NULL) return cli_usage(cli, "a call is named by RUN/CALL, not `%s`", name);
    Engine *e = session_engine(cli, project, true);
    if (e == NULL) return EXIT_INTERNAL;
    Buf run = BUF_INIT, why = BUF_INIT;
    char id[65];
    buf_add(&run, name, (size_t)(slash - name));
    SourceCx source = {.id = id};
    bool ok = engine_find_run(e, buf_cstr(&run), id, &why) && engine_node_inputs(e, id, slash + 1, &out->inputs, &out->step, &why) &&
              engine_runs(e, UINT32_MAX, on_source, &source, &why);
    out->source = source.source;
    int code = ok ? 0 : cli_error(EXIT_FINDINGS, "%s", buf_cstr(&why));
    engine_close(e);
    buf_free(&run);
    buf_free(&why);
    return code;
}

/* The step of the file, as it is now, on the inputs that the call had. */
static int step_again(Cli *cli, Session *s, const Recorded *r, const char *file) {
    Params params = {0};
    int code = given_params(cli, &params);
    if (code == 0) {
        EngineOptions o = ENGINE_OPTIONS;
        o.step = r->step.p;
        o.inputs_json = buf_view(&r->inputs);
        o.param = params.data;
        o.nparam = params.len;
        o.unpublished = true;
        o.shell = cli_has(cli, "shell");
        code = run_session(cli, s, &o, file);
    }
    free_params(&params);
    return code;
}

static int run_step(Cli *cli) {
    if (cli->args.len != 1 && cli->args.len != 2) return cli_usage(cli, "name one call of a run");
    const char *file = cli->args.len == 2 ? cli->args.data[0] : NULL, *call = vec_last(&cli->args);
    Arena tmp = ARENA_INIT;
    Str dir = file != NULL ? path_dir(str_of(file)) : STR("");
    Recorded r = {0};
    int code = find_recorded(cli, file != NULL ? arena_strndup(&tmp, dir.p, dir.n) : NULL, call, &r);
    if (code == 0 && file == NULL) file = r.source;
    if (code == 0 && (file == NULL || file[0] == '\0')) code = cli_usage(cli, "the run came from no file: name one, as in `wfc step FILE %s`", call);
    if (code == 0) {
        Session s;
        code = session_open(&s, cli, file);
        if (code == 0) code = step_again(cli, &s, &r, file);
        session_close(&s);
    }
    buf_free(&r.inputs);
    buf_free(&r.step);
    free(r.source);
    arena_free(&tmp);
    return code;
}

const Verb verb_step = {
    .name = "step",
    .usage = "step [OPTIONS] [FILE] RUN/CALL",
    .summary = "runs one call of an earlier run again, with the code as it is now",
    .about = "Takes the inputs that the call had, runs today's code of its step on them and prints what it gives. Nothing is recorded and\n"
             "nothing is published. --shell opens a shell in the step's environment instead. Without FILE the file is the one that was run,\n"
             "and the run is looked for in the nearest `.wfc` in this directory or above.",
    .options = (const CliOption[]){
        {"set", 0, "NAME=VALUE", true, "replace an input"},
        {"shell", 0, NULL, false, "open $SHELL where the code would run"},
        {"follow", 'f', NULL, false, "print what the step prints"},
        {"json", 0, NULL, false, "print the result as JSON"},
        {"quiet", 'q', NULL, false, "print failures, one line about the run and the result only"},
        {"output", 'o', "DIR", false, "copy produced files into this directory"},
        {"secrets", 0, "DIR", false, "a directory with one file per secret"},
        {"store", 0, "DIR", false, "the store that holds the run"},
        {0}},
    .examples = (const CliExample[]){{"wfc step last/trials[2].model", "debug the call that failed"}, {0}},
    .run = run_step,
};

static int run(Cli *cli) {
    if (cli->args.len != 1) return cli_usage(cli, "name one file to run");
    /* FILE.wf:step names one step of the file. */
    char *path = wf_strdup(cli->args.data[0]), *colon = strrchr(path, ':');
    const char *step = NULL;
    if (colon != NULL && colon > path && strchr(colon, '/') == NULL && access(path, F_OK) != 0) {
        *colon = '\0';
        step = colon + 1;
    }
    Session s;
    int code = session_open(&s, cli, path);
    if (code == 0) code = with_session(cli, &s, step, path);
    session_close(&s);
    free(path);
    return code;
}

const Verb verb_run = {
    .name = "run",
    .usage = "run [OPTIONS] FILE[:STEP]",
    .summary = "runs a workflow, or one of its steps, on this machine",
    .about = "Checks the file, runs its workflow and prints what it returns. Progress and failures go to stderr. Inputs, outputs and logs\n"
             "are kept in `.wfc` beside the file. Ctrl-C cancels: running steps are asked to stop, `finally` runs; a second Ctrl-C kills.\n"
             "A secret named x is the variable WFC_SECRET_X, or the file x in the directory of --secrets.",
    .options = (const CliOption[]){
        {"param", 'p', "NAME=VALUE", true, "a parameter: true, 0.3, 30s, 4GiB, a text, a path; JSON for lists and structs"},
        {"params", 0, "FILE", false, "parameters from a JSON or YAML file"},
        {"workflow", 'w', "NAME", false, "which workflow, when the file declares several"},
        {"jobs", 'j', "N", false, "steps at once; the number of CPUs by default"},
        {"output", 'o', "DIR", false, "copy returned files into this directory"},
        {"dry-run", 'n', NULL, false, "check parameters and print what would run"},
        {"jit", 0, "WHEN", false, "native code for expressions: auto (where it pays), always, never"},
        {"dump-llvm", 0, NULL, false, "print the LLVM code of all expressions, run nothing"},
        {"follow", 'f', NULL, false, "print what the steps print"},
        {"quiet", 'q', NULL, false, "print failures, one line about the run and the result only"},
        {"json", 0, NULL, false, "print the result as JSON"},
        {"run-id", 0, "ID", false, "name the run"},
        {"secrets", 0, "DIR", false, "a directory with one file per secret"},
        {"store", 0, "DIR", false, "where runs are kept instead of `.wfc`"},
        {0}},
    .examples = (const CliExample[]){
        {"wfc run train.wf --param rates='[0.1, 0.3]' -o out", "run with one parameter given, and copy the returned files to out/"},
        {"wfc run train.wf:prepare --param mails=mails.csv", "run one step alone"},
        {0}},
    .run = run,
};
