#include "runtime/exec/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Child {
    const Spawn *s;
    sigset_t none;     /* a step starts with no signal blocked, whatever its thread blocks */
    pid_t parent;
    volatile int error;
} Child;

/* Runs in the parent's memory while the parent's thread is suspended: system calls only, and no sanitizer's bookkeeping. */
__attribute__((no_sanitize("address", "undefined"))) static int child_main(void *arg) {
    Child *c = arg;
    const Spawn *s = c->s;
    for (int sig = 1; sig < 32; sig++)
        if (sig != SIGKILL && sig != SIGSTOP) {
            struct sigaction act = {.sa_handler = SIG_DFL};
            sigaction(sig, &act, NULL);
        }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != c->parent) _exit(127);
    if (!s->foreground) setpgid(0, 0);
    /* Sources are moved out of the way of 0 to 2 first: one of them may be among these. */
    int fd[3] = {s->in, s->out, s->err};
    for (int i = 0; i < 3; i++)
        if (fd[i] < 3 && fd[i] != i && (fd[i] = fcntl(fd[i], F_DUPFD, 3)) < 0) goto failed;
    for (int i = 0; i < 3; i++) {
        if (fd[i] == i ? fcntl(i, F_SETFD, 0) < 0 : dup2(fd[i], i) < 0) goto failed;
    }
    syscall(SYS_close_range, 3U, ~0U, 0U);
    if (chdir(s->cwd) != 0) goto failed;
    sigprocmask(SIG_SETMASK, &c->none, NULL);
    execve(s->path, s->argv, s->env);
failed:
    c->error = errno;
    _exit(127);
}

int spawn_start(Spawn *s) {
    Child c = {.s = s, .parent = getpid()};
    sigset_t all, before;
    sigfillset(&all);
    sigemptyset(&c.none);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int pidfd = -1;
    pid_t pid = clone(child_main, s->stack + SPAWN_STACK, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &c, &pidfd);
    int error = pid < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0 && c.error != 0) {
        error = c.error;
        siginfo_t info;
        while (waitid(P_PID, (id_t)pid, &info, WEXITED) != 0 && errno == EINTR) {}
        close(pidfd);
    }
    s->pid = pid;
    s->pidfd = pidfd;
    return error;
}

static bool executable(const char *path) {
    struct stat st;
    return access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

const char *spawn_find(Arena *a, const char *name, const char *path) {
    if (strchr(name, '/') != NULL) return name;
    for (const char *at = path; *at != '\0';) {
        size_t n = strcspn(at, ":");
        const char *full = arena_printf(a, "%.*s/%s", (int)n, at, name);
        if (n > 0 && executable(full)) return full;
        at += n + (at[n] == ':');
    }
    errno = ENOENT;
    return NULL;
}
