/* What a step that ended well has produced: stored, checked against the declaration, or refused. */
#include "runtime/exec/exec_impl.h"

#include "base/io.h"
#include "base/vec.h"
#include "runtime/store/verify.h"
#include "runtime/value/rt.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { VALUE_MAX = 1 << 30 }; /* bytes of the text of one value */

static bool missing(Task *t, const TaskOutput *o) {
    const RtType *y = rt_type(t->plan->types, o->param->type);
    return exec_fail(t, RT_FAIL_OUTPUT, "the step ended without writing its output `%s` (%s)", o->param->name, y->name);
}

/* What stands at the path of an output in place of what is declared. */
static bool misplaced(Task *t, const TaskOutput *o, const char *name, const struct stat *st) {
    const char *what = S_ISDIR(st->st_mode) ? "a directory" : S_ISREG(st->st_mode) ? "a file" : S_ISLNK(st->st_mode) ? "a link that leads nowhere"
                       : S_ISFIFO(st->st_mode) ? "a pipe" : "a device or socket";
    const RtType *y = rt_type(t->plan->types, o->param->type);
    if (name != NULL) return exec_fail(t, RT_FAIL_OUTPUT, "output `%s` is declared as %s, but %s in it is %s", o->param->name, y->name, name, what);
    return exec_fail(t, RT_FAIL_OUTPUT, "output `%s` is declared as %s, but it is %s", o->param->name, y->name, what);
}

/* Checks and stores one file at `path`. */
static bool store_file(Worker *w, Task *t, const TaskOutput *o, uint32_t type, const char *path, const char *name, bool move, TaskStored *out) {
    Buf why = BUF_INIT;
    VerifyFacts facts = {.rows = -1};
    RtFailure kind = RT_FAIL_OUTPUT;
    bool ok = verify_file(path, t->plan->types, type, &facts, &why);
    if (ok) {
        ok = store_put_file(w->exec->o.store, path, move, &out->object, &why);
        kind = RT_FAIL_LOST;
    }
    if (ok) {
        out->name = arena_strndup(&t->arena, name, strlen(name));
        out->rows = facts.rows;
        out->columns = facts.columns.n > 0 ? arena_strndup(&t->arena, facts.columns.p, facts.columns.n) : NULL;
    } else
        exec_fail(t, kind, kind == RT_FAIL_OUTPUT ? "output `%s`: %s" : "cannot store output `%s`: %s", o->param->name, buf_cstr(&why));
    buf_free(&facts.columns);
    buf_free(&why);
    return ok;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool collect_file(Worker *w, Task *t, TaskOutput *o, uint32_t type, bool optional) {
    struct stat st;
    if (stat(o->path, &st) != 0) {
        if (lstat(o->path, &st) == 0) return misplaced(t, o, NULL, &st);
        o->none = optional && errno == ENOENT;
        return o->none || missing(t, o);
    }
    if (!S_ISREG(st.st_mode)) return misplaced(t, o, NULL, &st);
    o->stored = ARENA_NEW(&t->arena, TaskStored);
    o->nstored = 1;
    return store_file(w, t, o, type, o->path, base_name(o->path), true, o->stored);
}

static bool is_link(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static int name_cmp(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

typedef VEC(char *) Names;

static bool list_names(Task *t, const TaskOutput *o, Names *out) {
    struct stat st;
    DIR *d = opendir(o->path);
    if (d == NULL && lstat(o->path, &st) == 0 && !S_ISDIR(st.st_mode)) return misplaced(t, o, NULL, &st);
    if (d == NULL) return missing(t, o);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) vec_push(out, arena_strndup(&t->arena, e->d_name, strlen(e->d_name)));
    closedir(d);
    if (out->len > 1) qsort(out->data, out->len, sizeof *out->data, name_cmp);
    return true;
}

static bool collect_dir(Worker *w, Task *t, TaskOutput *o, bool optional) {
    Names names = {0};
    bool ok = list_names(t, o, &names);
    o->none = ok && optional && names.len == 0;
    vec_free(&names);
    if (!ok || o->none) return ok;
    Buf why = BUF_INIT;
    o->stored = ARENA_NEW(&t->arena, TaskStored);
    o->nstored = 1;
    o->stored->name = o->param->name;
    o->stored->rows = -1;
    ok = store_put_dir(w->exec->o.store, o->path, true, &o->stored->object, &why);
    if (!ok) exec_fail(t, RT_FAIL_OUTPUT, "output `%s`: %s", o->param->name, buf_cstr(&why));
    buf_free(&why);
    return ok;
}

/* [file]: the files of the directory in byte order of their names. */
static bool collect_files(Worker *w, Task *t, TaskOutput *o, uint32_t inner, bool optional) {
    Names names = {0};
    bool ok = list_names(t, o, &names);
    o->none = ok && optional && names.len == 0;
    o->stored = ARENA_ARRAY(&t->arena, TaskStored, names.len + 1);
    bool links = false; /* perhaps from one to another: then none is moved away */
    for (uint32_t i = 0; ok && !links && i < names.len; i++) links = is_link(arena_printf(&t->arena, "%s/%s", o->path, names.data[i]));
    for (uint32_t i = 0; ok && !o->none && i < names.len; i++) {
        const char *path = arena_printf(&t->arena, "%s/%s", o->path, names.data[i]);
        struct stat st;
        if ((stat(path, &st) != 0 && lstat(path, &st) == 0) || !S_ISREG(st.st_mode)) ok = misplaced(t, o, names.data[i], &st);
        ok = ok && store_file(w, t, o, inner, path, names.data[i], !links, &o->stored[i]);
        o->nstored += ok;
    }
    vec_free(&names);
    return ok;
}

static bool collect_value(Task *t, TaskOutput *o, bool optional) {
    Buf b = BUF_INIT;
    int error = io_read_file(o->path, VALUE_MAX, &b);
    bool ok = error == 0;
    if (error == ENOENT) {
        o->none = optional;
        ok = optional || missing(t, o);
    } else if (error != 0)
        ok = exec_fail(t, RT_FAIL_OUTPUT, "output `%s`: cannot read it: %s", o->param->name, strerror(error));
    else {
        size_t n = b.n;
        if (n > 0 && b.p[n - 1] == '\n') n--;
        o->text = (Str){arena_strndup(&t->arena, b.p, n), n};
    }
    buf_free(&b);
    return ok;
}

/* Inputs are shared with the store by link: a step that wrote to one has damaged it for everybody. */
static bool inputs_intact(Worker *w, Task *t) {
    for (uint32_t i = 0; i < t->nfile; i++) {
        const TaskFile *f = &t->file[i];
        struct stat st;
        if (f->is_dir || stat(f->path, &st) != 0) continue;
        if (st.st_mtim.tv_sec == f->mtime[0] && st.st_mtim.tv_nsec == f->mtime[1]) continue;
        store_forget(w->exec->o.store, f->sha256);
        return exec_fail(t, RT_FAIL_OUTPUT, "the step changed its input %s, which is read-only", base_name(f->path));
    }
    return true;
}

static bool collect(Worker *w, Task *t, TaskOutput *o) {
    const RtTypes *types = t->plan->types;
    bool optional = rt_type(types, o->param->type)->kind == RT_OPT;
    uint32_t type = rt_unopt(types, o->param->type);
    const RtType *y = rt_type(types, type);
    if (y->kind == RT_FILE) return collect_file(w, t, o, type, optional);
    if (y->kind == RT_DIR) return collect_dir(w, t, o, optional);
    if (y->kind == RT_LIST && y->has_file) return collect_files(w, t, o, y->inner, optional);
    return collect_value(t, o, optional);
}

/* Files are moved into the store, so what may be a link to another output goes first. */
static int turn_of(const Task *t, const TaskOutput *o) {
    const RtType *y = rt_type(t->plan->types, rt_unopt(t->plan->types, o->param->type));
    return is_link(o->path) ? 0 : y->kind == RT_FILE ? 2 : 1;
}

void exec_collect(Worker *w, Task *t) {
    bool ok = inputs_intact(w, t);
    for (int turn = 0; turn < 3; turn++)
        for (uint32_t i = 0; ok && i < t->step->noutput; i++)
            if (!t->output[i].given && turn_of(t, &t->output[i]) == turn) ok = collect(w, t, &t->output[i]);
}
