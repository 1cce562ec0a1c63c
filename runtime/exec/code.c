/* Scripts and project files, kept under code/ by the hash of their content, so that a step that runs a thousand times has one
   script file and one copy of its project files. */
#include "runtime/exec/exec_impl.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *exec_script(Worker *w, Arena *a, const char *name, const char *ext, Str code, Buf *why) {
    const char *base = strrchr(name, '.');
    XXH128_hash_t h = XXH3_128bits(code.p, code.n);
    const char *dir = arena_printf(a, "%s/code/%016llx%016llx", store_dir(w->exec->o.store), (unsigned long long)h.high64, (unsigned long long)h.low64);
    const char *path = arena_printf(a, "%s/%s.%s", dir, base != NULL ? base + 1 : name, ext);
    if (access(path, R_OK) == 0) return path;
    int error = io_mkdirs(dir);
    if (error == 0) error = io_write_file(path, code);
    if (error == 0) return path;
    buf_printf(why, "cannot write %s: %s", path, strerror(error));
    return NULL;
}

/* ---- globs ---- */

/* `*` and `?` match within a name, `**` any number of names. Both texts are relative paths. */
static bool glob_match(const char *g, const char *s) {
    const char *star = NULL, *again = NULL; /* where to go on after the last single star */
    for (;;) {
        if (g[0] == '*' && g[1] == '*') {
            const char *rest = g[2] == '/' ? g + 3 : g + 2;
            if (*rest == '\0') return true;
            for (const char *at = s;; at++) {
                if (glob_match(rest, at)) return true;
                at = strchr(at, '/');
                if (at == NULL) return false;
            }
        }
        if (*g == '*') {
            star = ++g;
            again = s;
        } else if (*s != '\0' && (*g == *s || (*g == '?' && *s != '/'))) {
            g++;
            s++;
        } else if (*s == '\0' && *g == '\0') {
            return true;
        } else if (star != NULL && *again != '\0' && *again != '/') {
            g = star;
            s = ++again;
        } else {
            return false;
        }
    }
}

typedef struct CodeFile {
    const char *path; /* relative to the project */
    char sha256[65];
    bool executable;
} CodeFile;
typedef VEC(CodeFile) CodeFiles;

static int code_cmp(const void *a, const void *b) { return strcmp(((const CodeFile *)a)->path, ((const CodeFile *)b)->path); }

static bool wanted(const Task *t, const char *path) {
    for (uint32_t i = 0; i < t->ncode; i++)
        if (glob_match(t->code[i], path)) return true;
    return false;
}

/* Directories that hold no sources: our own store, version control, caches. */
static bool is_noise(const char *name) {
    static const char *const noise[] = {".", "..", ".wfc", ".git", "__pycache__", "node_modules"};
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++)
        if (strcmp(name, noise[i]) == 0) return true;
    return false;
}

static bool list_code(Task *t, CodeFiles *out, Buf *why) {
    VEC(const char *) todo = {0};
    vec_push(&todo, "");
    bool ok = true;
    while (ok && todo.len > 0) {
        const char *rel = vec_pop(&todo);
        const char *full = arena_printf(&t->arena, "%s/%s", t->plan->project, rel);
        DIR *d = opendir(full);
        if (d == NULL) {
            buf_printf(why, "cannot read %s: %s", full, strerror(errno));
            ok = false;
            break;
        }
        for (struct dirent *e; (e = readdir(d)) != NULL;) {
            if (is_noise(e->d_name)) continue;
            const char *path = *rel != '\0' ? arena_printf(&t->arena, "%s/%s", rel, e->d_name) : arena_strndup(&t->arena, e->d_name, strlen(e->d_name));
            struct stat st;
            if (fstatat(dirfd(d), e->d_name, &st, 0) != 0) continue;
            if (S_ISDIR(st.st_mode) && e->d_type != DT_LNK) vec_push(&todo, path);
            if (S_ISREG(st.st_mode) && wanted(t, path)) vec_push(out, ((CodeFile){.path = path, .executable = (st.st_mode & 0111) != 0}));
        }
        closedir(d);
    }
    vec_free(&todo);
    if (out->len > 1) qsort(out->data, out->len, sizeof *out->data, code_cmp);
    return ok;
}

static bool copy_code(Task *t, const CodeFile *f, const char *dir, Buf *why) {
    const char *from = arena_printf(&t->arena, "%s/%s", t->plan->project, f->path);
    char *to = arena_printf(&t->arena, "%s/%s", dir, f->path);
    Str parent = path_dir(str_of(to));
    Buf bytes = BUF_INIT;
    int error = io_mkdirs(arena_strndup(&t->arena, parent.p, parent.n));
    if (error == 0) error = io_read_file(from, (size_t)1 << 32, &bytes);
    int fd = error == 0 ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, f->executable ? 0555 : 0444) : -1;
    if (error == 0) error = fd < 0 ? errno : io_write_all(fd, buf_view(&bytes));
    if (fd >= 0) close(fd);
    buf_free(&bytes);
    if (error != 0) buf_printf(why, "cannot copy %s to %s: %s", from, to, strerror(error));
    return error == 0;
}

/* The hash of names, modes and contents. */
static bool code_key(Task *t, CodeFiles *files, char key[65], Buf *why) {
    Buf all = BUF_INIT, bytes = BUF_INIT;
    bool ok = true;
    for (uint32_t i = 0; ok && i < files->len; i++) {
        CodeFile *f = &files->data[i];
        const char *path = arena_printf(&t->arena, "%s/%s", t->plan->project, f->path);
        int error = io_read_file(path, (size_t)1 << 32, &bytes);
        if (error != 0) buf_printf(why, "cannot read %s: %s", path, strerror(error));
        ok = error == 0;
        store_sha256(buf_view(&bytes), f->sha256);
        buf_printf(&all, "%s%c%s%c", f->path, f->executable ? 1 : 0, f->sha256, 0);
    }
    if (ok) store_sha256(buf_view(&all), key);
    buf_free(&all);
    buf_free(&bytes);
    return ok;
}

static const char *make_code_dir(Worker *w, Task *t, CodeFiles *files, Buf *why) {
    char key[65];
    if (!code_key(t, files, key, why)) return NULL;
    const char *dir = arena_printf(&t->arena, "%s/code/%s", store_dir(w->exec->o.store), key);
    if (access(dir, F_OK) == 0) return dir;
    const char *temp = arena_printf(&t->arena, "%s/tmp/code.%d.%u", store_dir(w->exec->o.store), (int)getpid(), w->slot);
    bool ok = true;
    for (uint32_t i = 0; ok && i < files->len; i++) ok = copy_code(t, &files->data[i], temp, why);
    if (ok && rename(temp, dir) != 0 && errno != EEXIST && errno != ENOTEMPTY) {
        buf_printf(why, "cannot make %s: %s", dir, strerror(errno));
        ok = false;
    }
    io_remove_tree(temp);
    return ok ? dir : NULL;
}

const char *exec_code_dir(Worker *w, Task *t, Buf *why) {
    pthread_mutex_lock(&w->exec->code_lock);
    CodeFiles files = {0};
    const char *dir = NULL;
    if (list_code(t, &files, why)) {
        if (files.len > 0)
            dir = make_code_dir(w, t, &files, why);
        else
            buf_printf(why, "@code(\"%s\"%s) names no file of %s", t->code[0], t->ncode > 1 ? ", ..." : "", t->plan->project);
    }
    vec_free(&files);
    pthread_mutex_unlock(&w->exec->code_lock);
    return dir;
}
