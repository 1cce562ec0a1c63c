/* Virtual environments of @packages, one per interpreter and set of requirements, made on first use and kept. */
#include "runtime/exec/exec_impl.h"

#include "base/io.h"
#include "runtime/exec/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs a command to its end with all output in `log`; false when it cannot start or fails. */
static bool command(Worker *w, Arena *a, const char *const *argv, const char *log) {
    const char *path = getenv("PATH") != NULL ? getenv("PATH") : "/usr/bin:/bin";
    const char *program = spawn_find(a, argv[0], path);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    Spawn s = {.path = program, .argv = (char *const *)(uintptr_t)argv, .env = environ, .cwd = "/", .in = null, .out = out, .err = out, .stack = w->stack};
    bool ok = program != NULL && out >= 0 && null >= 0 && spawn_start(&s) == 0;
    siginfo_t end = {0};
    if (ok) {
        struct pollfd fd[2] = {{.fd = s.pidfd, .events = POLLIN}, {.fd = w->control, .events = POLLIN}};
        uint64_t n;
        while (!exec_cancelled(w) && fd[0].revents == 0)
            if (poll(fd, 2, -1) > 0 && fd[1].revents != 0 && read(w->control, &n, sizeof n) < 0) n = 0;
        kill(-s.pid, SIGKILL); /* of a process that has ended: what it left behind */
        while (waitid(P_PIDFD, (id_t)s.pidfd, &end, WEXITED) != 0 && errno == EINTR) {}
        close(s.pidfd);
        ok = end.si_code == CLD_EXITED && end.si_status == 0;
    }
    if (out >= 0) close(out);
    if (null >= 0) close(null);
    return ok;
}

/* The last lines of a file. */
static void put_tail(Buf *out, const char *path, unsigned lines) {
    Buf b = BUF_INIT;
    if (io_read_file(path, 64 << 20, &b) == 0) {
        while (b.n > 0 && (b.p[b.n - 1] == '\n' || b.p[b.n - 1] == ' ')) b.n--;
        size_t from = b.n;
        for (unsigned seen = 0; from > 0; from--)
            if (b.p[from - 1] == '\n' && ++seen == lines) break;
        buf_add(out, b.p + from, b.n - from);
    }
    buf_free(&b);
}

static bool build(Worker *w, Task *t, const char *python, const char *dir, Buf *why) {
    Arena *a = &t->arena;
    const char *log = arena_printf(a, "%s.log", dir), *pip = arena_printf(a, "%s/bin/pip", dir);
    io_remove_tree(dir);
    unlink(log);
    if (!command(w, a, (const char *const[]){python, "-m", "venv", dir, NULL}, log)) {
        buf_printf(why, "cannot make a virtual environment with %s: ", python);
        put_tail(why, log, 5);
        return false;
    }
    const char **argv = ARENA_ARRAY(a, const char *, t->npackages + 8);
    const char *head[] = {pip, "install", "--disable-pip-version-check", "--no-input", "--progress-bar=off"};
    memcpy(argv, head, sizeof head);
    for (uint32_t i = 0; i < t->npackages; i++) argv[5 + i] = t->packages[i];
    if (command(w, a, argv, log)) return true;
    Buf tail = BUF_INIT;
    put_tail(&tail, log, 12);
    t->tail = arena_strndup(a, buf_cstr(&tail), tail.n);
    buf_free(&tail);
    /* pip's last complaint is the reason; notices of new versions may follow it. */
    const char *error = NULL;
    for (const char *at = t->tail; (at = strstr(at, "ERROR: ")) != NULL; at += 7) error = at + 7;
    buf_printf(why, "pip could not install the packages: %.*s", error != NULL ? (int)strcspn(error, "\n") : 0, error != NULL ? error : "");
    if (error == NULL) put_tail(why, log, 1);
    io_remove_tree(dir);
    return false;
}

/* Other threads and other engines that need the same environment wait here. */
static const char *locked(Worker *w, Task *t, const char *python, const char *dir, Buf *why) {
    Arena *a = &t->arena;
    const char *ready = arena_printf(a, "%s/.ready", dir), *lock = arena_printf(a, "%s.lock", dir);
    if (access(ready, F_OK) == 0) return dir;
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        buf_printf(why, "cannot write %s: %s", lock, strerror(errno));
        return NULL;
    }
    while (flock(fd, LOCK_EX) != 0 && errno == EINTR) {}
    bool ok = access(ready, F_OK) == 0 || (build(w, t, python, dir, why) && io_write_file(ready, STR("")) == 0);
    close(fd);
    return ok ? dir : NULL;
}

const char *exec_venv(Worker *w, Task *t, Buf *why) {
    const char *python = t->python != NULL ? arena_printf(&t->arena, "python%s", t->python) : "python3";
    const char *path = spawn_find(&t->arena, python, getenv("PATH") != NULL ? getenv("PATH") : "/usr/bin:/bin");
    if (path == NULL) {
        buf_printf(why, "the interpreter `%s` is not installed", python);
        return NULL;
    }
    Buf key = BUF_INIT;
    buf_printf(&key, "%s%c", path, 0);
    for (uint32_t i = 0; i < t->npackages; i++) buf_printf(&key, "%s%c", t->packages[i], 0);
    char sha256[65];
    store_sha256(buf_view(&key), sha256);
    buf_free(&key);
    const char *dir = arena_printf(&t->arena, "%s/venvs/%.32s", store_dir(w->exec->o.store), sha256);
    return locked(w, t, path, dir, why);
}
