/* What a step finds when it starts (the step protocol, version 1): its variables, files and arguments. The code itself is never
   touched; see docs of the protocol in the language reference. */
#include "runtime/exec/exec_impl.h"

#include "base/io.h"
#include "base/json.h"
#include "base/vec.h"
#include "runtime/exec/shim.h"
#include "runtime/exec/spawn.h"
#include "runtime/value/rt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    VALUES_IN_ENV = 64 << 10,  /* JSON inputs are variables too while all together stay below this */
    TEXTS_IN_ENV = 1 << 20,    /* scalars are variables while all together stay below this: half of what Linux takes */
    ARG_MAX_ONE = 128 << 10,   /* Linux: one argument or variable */
    SPEC_IN_ENV = 60 << 10,
};

typedef struct Prep {
    Worker *w;
    Task *t;
    Launch *l;
    VEC(const char *) env, argv;
    bool shellish;            /* the code reads variables: bash, sh, exec */
    const char *code, *venv;
} Prep;

static void set(Prep *p, const char *name, const char *value) {
    vec_push(&p->env, arena_printf(&p->t->arena, "%s=%s", name, value));
}

static const char *env_or(const char *name, const char *fallback) {
    const char *v = getenv(name);
    return v != NULL && *v != '\0' ? v : fallback;
}

/* ---- the slot's folders and files ---- */

static bool make_slot(Worker *w, Task *t) {
    if (w->made) return true;
    static const char *const names[] = {"", "/in", "/out", "/work"};
    for (int i = 0; i < 4; i++) {
        const char *path = arena_printf(&t->arena, "%s%s", w->dir, names[i]);
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return exec_fail(t, RT_FAIL_LOST, "cannot make the directory %s: %s", path, strerror(errno));
        struct timespec never[2] = {{0}, {0}};
        utimensat(AT_FDCWD, path, never, 0);
    }
    w->made = true;
    return true;
}

static bool place_files(Prep *p) {
    Task *t = p->t;
    Store *s = p->w->exec->o.store;
    for (uint32_t i = 0; i < t->nfile; i++) {
        TaskFile *f = &t->file[i];
        Str dir = path_dir(str_of(f->path));
        Buf why = BUF_INIT;
        int error = io_mkdirs(arena_strndup(&t->arena, dir.p, dir.n));
        bool ok = error == 0 || (buf_printf(&why, "cannot make a directory for %s: %s", f->path, strerror(error)), false);
        ok = ok && store_view(s, f->sha256, f->is_dir, f->path, &why);
        struct stat st;
        if (ok && !f->is_dir && stat(f->path, &st) == 0) f->mtime[0] = st.st_mtim.tv_sec, f->mtime[1] = st.st_mtim.tv_nsec;
        if (!ok) exec_fail(t, RT_FAIL_LOST, "%s", buf_cstr(&why));
        buf_free(&why);
        if (!ok) return false;
    }
    return true;
}

static bool write_file(Task *t, const char *path, Str text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0444);
    int error = fd < 0 ? errno : io_write_all(fd, text);
    if (fd >= 0 && close(fd) != 0 && error == 0) error = errno;
    return error == 0 || exec_fail(t, RT_FAIL_LOST, "cannot write %s: %s", path, strerror(error));
}

static bool is_dir_output(const RtTypes *types, uint32_t type) {
    const RtType *y = rt_type(types, rt_unopt(types, type));
    return y->kind == RT_DIR || (y->kind == RT_LIST && y->has_file);
}

static bool make_outputs(Prep *p) {
    Task *t = p->t;
    for (uint32_t i = 0; i < t->step->noutput; i++) {
        TaskOutput *o = &t->output[i];
        if (!is_dir_output(t->plan->types, o->param->type)) continue;
        if (mkdir(o->path, 0777) != 0 && errno != EEXIST)
            return exec_fail(t, RT_FAIL_LOST, "cannot make the directory %s: %s", o->path, strerror(errno));
    }
    if (t->stdout_output < 0 || t->shell) return true;
    const char *path = t->output[t->stdout_output].path;
    p->l->out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return p->l->out >= 0 || exec_fail(t, RT_FAIL_LOST, "cannot write %s: %s", path, strerror(errno));
}

/* ---- variables ---- */

static bool has_nul(Str s) { return s.n > 0 && memchr(s.p, '\0', s.n) != NULL; }

/* A text that no variable holds is at $WF_INPUTS/NAME.json, as lists are. A secret is never written to a disk. */
static bool write_long(Prep *p, const TaskInput *in) {
    if (in->secret)
        return exec_fail(p->t, RT_FAIL_VALUE, "the secret `%s` has %zu bytes; a variable holds at most 128 KiB", in->param->name, in->text.n);
    Buf b = BUF_INIT;
    json_string(&b, in->text);
    bool ok = write_file(p->t, arena_printf(&p->t->arena, "%s/in/%s.json", p->w->dir, in->param->name), buf_view(&b));
    buf_free(&b);
    return ok;
}

/* One scalar or JSON input as a variable. `*used` counts the bytes of all. */
static bool set_input(Prep *p, const TaskInput *in, size_t *used) {
    const char *name = in->param->name;
    if (has_nul(in->text)) return exec_fail(p->t, RT_FAIL_VALUE, "the input `%s` holds U+0000, which a variable cannot", name);
    size_t n = strlen(name) + in->text.n + 2;
    if (n > ARG_MAX_ONE || *used + n > TEXTS_IN_ENV) return write_long(p, in);
    *used += n;
    vec_push(&p->env, arena_printf(&p->t->arena, "%s=%.*s", name, STR_ARG(in->text)));
    return true;
}

static bool is_compound(const RtTypes *types, uint32_t type) {
    RtKind k = (RtKind)rt_type(types, rt_unopt(types, type))->kind;
    return k == RT_LIST || k == RT_MAP || k == RT_STRUCT || k == RT_JSON;
}

static bool set_inputs(Prep *p, bool arrays) {
    Task *t = p->t;
    size_t json = 0, used = 0;
    for (uint32_t i = 0; i < t->step->nparam; i++)
        if (!t->input[i].none && is_compound(t->plan->types, t->input[i].param->type)) json += t->input[i].text.n;
    for (uint32_t i = 0; i < t->step->nparam; i++) {
        const TaskInput *in = &t->input[i];
        if (in->none) continue;
        bool compound = is_compound(t->plan->types, in->param->type);
        if (compound && !write_file(t, arena_printf(&t->arena, "%s/in/%s.json", p->w->dir, in->param->name), in->text)) return false;
        bool variable = !compound || (json < VALUES_IN_ENV && !(arrays && in->array) && !has_nul(in->text));
        if (variable && !set_input(p, in, &used)) return false;
    }
    for (uint32_t i = 0; i < t->step->noutput; i++) set(p, t->output[i].param->name, t->output[i].path);
    return true;
}

static void set_facts(Prep *p) {
    Task *t = p->t;
    set(p, "PATH", p->l->path);
    set(p, "HOME", env_or("HOME", "/"));
    set(p, "LANG", env_or("LANG", "C.UTF-8"));
    set(p, "TMPDIR", env_or("TMPDIR", "/tmp"));
    set(p, "WF_RUN_ID", t->run_id);
    set(p, "WF_STEP", t->path);
    set(p, "WF_ATTEMPT", arena_printf(&t->arena, "%u", t->attempt));
    set(p, "WF_IDEMPOTENCY_KEY", t->key);
    set(p, "WF_EVENTS", p->w->events_path);
    set(p, "WF_INPUTS", arena_printf(&t->arena, "%s/in", p->w->dir));
    if (p->code != NULL) set(p, "WF_CODE", p->code);
    if (p->venv != NULL) set(p, "VIRTUAL_ENV", p->venv);
    if (t->shell) set(p, "TERM", env_or("TERM", "dumb"));
}

/* ---- programs ---- */

/* Looking through PATH costs more than the rest of the preparation; steps of a run call the same few programs. */
static const char *find_cached(Worker *w, Arena *a, const char *name, const char *path) {
    if (w->found != NULL && strcmp(w->found_name, name) == 0 && strcmp(w->found_path, path) == 0) return w->found;
    const char *program = spawn_find(a, name, path);
    if (program == NULL || program == name) return program;
    free(w->found_name);
    free(w->found_path);
    free(w->found);
    w->found_name = wf_strdup(name);
    w->found_path = wf_strdup(path);
    return w->found = wf_strdup(program);
}

static bool find_program(Prep *p, const char *name, const char *what) {
    Task *t = p->t;
    const char *program = find_cached(p->w, &t->arena, name, p->l->path);
    if (program != NULL && strchr(name, '/') != NULL && name[0] != '/' && p->code != NULL) {
        const char *in_code = arena_printf(&t->arena, "%s/%s", p->code, name);
        if (access(in_code, X_OK) == 0) program = in_code;
    }
    if (program != NULL) {
        p->l->program = program;
        return true;
    }
    t->has_status = true;
    t->status = 127;
    return exec_fail(t, RT_FAIL_EXIT, "%s `%s` is not installed: no such program %s", what, name,
                     strchr(name, '/') != NULL ? "there" : "in PATH");
}

static void quote_shell(Buf *b, Str s) {
    buf_addc(b, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'')
            buf_z(b, "'\\''");
        else
            buf_addc(b, s.p[i]);
    }
    buf_addc(b, '\'');
}

/* What bash runs before the script: arrays cannot be handed over as variables, and a trap tells the line of a command that
   failed without a word. */
static bool bash_prelude(Prep *p, Buf *b) {
    Task *t = p->t;
    for (uint32_t i = 0; i < t->step->nparam; i++) {
        const TaskInput *in = &t->input[i];
        if (!in->array || in->none) continue;
        buf_printf(b, "%s=(", in->param->name);
        for (uint32_t k = 0; k < in->nitem; k++) {
            if (has_nul(in->item[k]))
                return exec_fail(t, RT_FAIL_VALUE, "the input `%s` holds U+0000, which a variable cannot", in->param->name);
            if (k > 0) buf_addc(b, ' ');
            quote_shell(b, in->item[k]);
        }
        buf_z(b, "); ");
    }
    if (b->n > ARG_MAX_ONE / 2) {
        const char *path = arena_printf(&t->arena, "%s/in/.bindings", p->w->dir);
        if (!write_file(t, path, buf_view(b))) return false;
        buf_clear(b);
        buf_z(b, ". ");
        quote_shell(b, str_of(path));
        buf_z(b, "; ");
    }
    buf_z(b, "set -E; trap 'printf \"{\\\"line\\\":%d}\\n\" \"$LINENO\" >>\"$WF_EVENTS\" 2>/dev/null || :' ERR; . \"$0\"");
    return true;
}

static bool bash_argv(Prep *p, const char *script) {
    Buf b = BUF_INIT;
    bool ok = bash_prelude(p, &b);
    const char *prelude = arena_strndup(&p->t->arena, b.p, b.n);
    buf_free(&b);
    const char *argv[] = {"bash", "-euo", "pipefail", "-c", prelude, script};
    vec_append(&p->argv, argv, 6);
    return ok;
}

/* ---- the description that the shims of Python and Node read ---- */

static void put_type(Buf *b, const RtTypes *types, uint32_t type) {
    static const char *const names[] = {
        [RT_NOTHING] = "nothing", [RT_BOOL] = "bool", [RT_INT] = "int", [RT_FLOAT] = "float", [RT_STRING] = "string",
        [RT_DURATION] = "duration", [RT_SIZE] = "size", [RT_TIME] = "time", [RT_JSON] = "json", [RT_SECRET] = "string",
        [RT_FILE] = "file", [RT_DIR] = "dir", [RT_ENUM] = "enum", [RT_STRUCT] = "struct", [RT_LIST] = "list", [RT_MAP] = "map",
        [RT_OPT] = "opt",
    };
    const RtType *y = rt_type(types, type);
    JsonOut j = json_open(b, '[');
    json_item(&j);
    json_z(b, names[y->kind]);
    if (y->kind == RT_FILE) {
        json_item(&j);
        json_z(b, y->format != NULL ? y->format : "");
    }
    if (y->kind == RT_LIST || y->kind == RT_MAP || y->kind == RT_OPT) {
        json_item(&j);
        put_type(b, types, y->inner);
    }
    if (y->kind == RT_STRUCT) {
        json_item(&j);
        json_z(b, y->name);
        json_item(&j);
        JsonOut fields = json_open(b, '[');
        for (uint32_t i = 0; i < y->n; i++) {
            const RtField *f = &types->field[y->first + i];
            json_item(&fields);
            JsonOut field = json_open(b, '[');
            json_item(&field);
            json_z(b, f->name);
            json_item(&field);
            json_z(b, f->foreign != NULL ? f->foreign : f->name);
            json_item(&field);
            put_type(b, types, f->type);
            json_close(&field);
        }
        json_close(&fields);
    }
    json_close(&j);
}

static void put_input(Buf *b, const Task *t, const TaskInput *in) {
    JsonOut j = json_open(b, '[');
    json_item(&j);
    json_z(b, in->param->name);
    json_item(&j);
    put_type(b, t->plan->types, in->param->type);
    json_item(&j);
    if (in->none)
        buf_z(b, "null");
    else if (is_compound(t->plan->types, in->param->type))
        buf_str(b, in->text);
    else
        json_string(b, in->text);
    json_item(&j);
    json_bool(b, in->param->load);
    json_close(&j);
}

static void put_spec(Buf *b, const Task *t, const char *script, Str file) {
    JsonOut j = json_open(b, '{');
    json_key(&j, "script");
    json_z(b, script);
    json_key(&j, "file");
    json_string(b, file);
    json_key(&j, "line");
    json_int(b, t->step->code_line);
    json_key(&j, "inputs");
    JsonOut list = json_open(b, '[');
    for (uint32_t i = 0; i < t->step->nparam; i++) {
        json_item(&list);
        put_input(b, t, &t->input[i]);
    }
    json_close(&list);
    json_key(&j, "outputs");
    list = json_open(b, '[');
    for (uint32_t i = 0; i < t->step->noutput; i++) {
        json_item(&list);
        JsonOut o = json_open(b, '[');
        json_item(&o);
        json_z(b, t->output[i].param->name);
        json_item(&o);
        put_type(b, t->plan->types, t->output[i].param->type);
        json_item(&o);
        json_z(b, t->output[i].path);
        json_item(&o);
        json_bool(b, (int32_t)i == t->stdout_output);
        json_close(&o);
    }
    json_close(&list);
    json_close(&j);
}

static bool shim_argv(Prep *p, const char *program, const char *shim, const char *script) {
    Task *t = p->t;
    Buf b = BUF_INIT;
    put_spec(&b, t, script, str_of(t->step->file != NULL ? t->step->file : ""));
    bool ok = true;
    if (b.n < SPEC_IN_ENV)
        set(p, "WF_SPEC", buf_cstr(&b));
    else {
        const char *path = arena_printf(&t->arena, "%s/in/.spec", p->w->dir);
        ok = write_file(t, path, buf_view(&b));
        set(p, "WF_SPEC_FILE", path);
    }
    buf_free(&b);
    vec_push(&p->argv, program);
    if (strcmp(program, "node") != 0) {
        /* Imported, not run as a script: Python caches the byte code of modules only. */
        Str dir = path_dir(str_of(shim));
        set(p, "WF_SHIM", arena_printf(&t->arena, "%.*s", STR_ARG(dir)));
        vec_push(&p->argv, "-c");
        vec_push(&p->argv, "import os, sys; sys.path[0] = os.environ.pop('WF_SHIM'); import wf_shim; del sys.path[0]; wf_shim.main()");
    } else
        vec_push(&p->argv, shim);
    return ok;
}

static bool python_program(Prep *p) {
    Task *t = p->t;
    if (p->venv != NULL) {
        p->l->program = arena_printf(&t->arena, "%s/bin/python", p->venv);
        return true;
    }
    return find_program(p, t->python != NULL ? arena_printf(&t->arena, "python%s", t->python) : "python3", "the interpreter");
}

/* Project code and the module `wf` for it. */
static bool python_path(Prep *p, Buf *why) {
    Arena *a = &p->t->arena;
    const char *wf = exec_script(p->w, a, "wf", "py", exec_python_wf(), why);
    if (wf == NULL) return exec_fail(p->t, RT_FAIL_LOST, "%s", buf_cstr(why));
    Str dir = path_dir(str_of(wf));
    set(p, "PYTHONPATH", arena_printf(a, "%s%s%.*s", p->code != NULL ? p->code : "", p->code != NULL ? ":" : "", STR_ARG(dir)));
    return true;
}

static bool fence_argv(Prep *p) {
    Task *t = p->t;
    const char *lang = t->step->lang;
    Buf why = BUF_INIT;
    bool python = strcmp(lang, "python") == 0 || strcmp(lang, "python3") == 0, node = strcmp(lang, "node") == 0 || strcmp(lang, "js") == 0;
    bool bash = strcmp(lang, "bash") == 0;
    if (!python && !node && !bash && strcmp(lang, "sh") != 0)
        return exec_fail(t, RT_FAIL_LOST, "steps in `%s` cannot be run here; bash, sh, python and node can", lang);
    const char *script = exec_script(p->w, &t->arena, t->step->name, python ? "py" : node ? "js" : "sh", t->step->code, &why);
    const char *shim = script == NULL ? NULL
                       : python       ? exec_script(p->w, &t->arena, "wf_shim", "py", exec_python_shim(), &why)
                       : node         ? exec_script(p->w, &t->arena, "wf_shim", "js", exec_node_shim(), &why)
                                      : "";
    bool ok = shim != NULL || exec_fail(t, RT_FAIL_LOST, "%s", buf_cstr(&why));
    ok = ok && ((!python && p->code == NULL) || python_path(p, &why));
    buf_free(&why);
    if (!ok) return false;
    p->l->script = script;
    if (python) {
        set(p, "PYTHONUNBUFFERED", "1");
        return python_program(p) && shim_argv(p, "python3", shim, script);
    }
    if (node) return find_program(p, "node", "the interpreter") && shim_argv(p, "node", shim, script);
    if (!set_inputs(p, bash) || !find_program(p, lang, "the interpreter")) return false;
    if (bash) return bash_argv(p, script);
    const char *argv[] = {"sh", "-eu", script};
    vec_append(&p->argv, argv, 3);
    return true;
}

static bool exec_argv(Prep *p) {
    Task *t = p->t;
    if (t->argv[0] == NULL || t->argv[0][0] == '\0') return exec_fail(t, RT_FAIL_VALUE, "the command is empty");
    Buf why = BUF_INIT;
    bool ok = p->code == NULL || python_path(p, &why);
    buf_free(&why);
    if (!ok || !set_inputs(p, false) || !find_program(p, t->argv[0], "the program")) return false;
    for (const char **a = t->argv; *a != NULL; a++) vec_push(&p->argv, *a);
    return true;
}

static bool shell_argv(Prep *p) {
    const char *shell = env_or("SHELL", "/bin/sh");
    vec_push(&p->argv, shell);
    return set_inputs(p, false) && find_program(p, shell, "the shell");
}

static bool project_files(Prep *p) {
    Task *t = p->t;
    Buf why = BUF_INIT;
    bool ok = true;
    if (t->ncode > 0) ok = (p->code = exec_code_dir(p->w, t, &why)) != NULL;
    if (ok && t->npackages > 0) ok = (p->venv = exec_venv(p->w, t, &why)) != NULL;
    if (!ok) exec_fail(t, exec_cancelled(p->w) ? RT_FAIL_CANCELLED : RT_FAIL_LOST, "%s", buf_cstr(&why));
    buf_free(&why);
    p->l->path = env_or("PATH", "/usr/local/bin:/usr/bin:/bin");
    if (p->venv != NULL) p->l->path = arena_printf(&t->arena, "%s/bin:%s", p->venv, p->l->path);
    return ok;
}

bool exec_prepare(Worker *w, Task *t, Launch *l) {
    Prep p = {.w = w, .t = t, .l = l};
    bool ok = make_slot(w, t) && project_files(&p) && place_files(&p) && make_outputs(&p);
    if (ok && (t->shell || t->step->body != RT_BODY_EXTERN)) {
        set_facts(&p);
        ok = t->shell ? shell_argv(&p) : t->step->body == RT_BODY_EXEC ? exec_argv(&p) : fence_argv(&p);
        vec_append(&p.env, t->env, t->nenv);
    }
    vec_push(&p.env, NULL);
    vec_push(&p.argv, NULL);
    l->env = memcpy(ARENA_ARRAY(&t->arena, const char *, p.env.len), p.env.data, p.env.len * sizeof *l->env);
    l->argv = memcpy(ARENA_ARRAY(&t->arena, const char *, p.argv.len), p.argv.data, p.argv.len * sizeof *l->argv);
    vec_free(&p.env);
    vec_free(&p.argv);
    return ok;
}
