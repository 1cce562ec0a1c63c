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
    pid_t parent;
    volatile int error;
} Child;

/* The kernel's own struct; zeros are the default action. */
typedef struct KernelSigaction {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
} KernelSigaction;

/* Runs in the parent's memory while the parent's thread is suspended: raw system calls, because the library's wrappers may keep
   books (sanitizers do) that belong to the parent. A step starts with no signal blocked and none handled or ignored. */
__attribute__((no_sanitize("address", "undefined", "thread"))) static int child_main(void *arg) {
    Child *c = arg;
    const Spawn *s = c->s;
    KernelSigaction plain = {0};
    uint64_t none = 0;
    for (int sig = 1; sig < 32; sig++)
        if (sig != SIGKILL && sig != SIGSTOP) syscall(SYS_rt_sigaction, sig, &plain, NULL, sizeof none);
    syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (syscall(SYS_getppid) != c->parent) syscall(SYS_exit_group, 127);
    if (!s->foreground) syscall(SYS_setpgid, 0, 0);
    /* Sources are moved out of the way of 0 to 2 first: one of them may be among these. */
    long fd[3] = {s->in, s->out, s->err};
    bool ok = true;
    for (int i = 0; ok && i < 3; i++)
        if (fd[i] < 3 && fd[i] != i) ok = (fd[i] = syscall(SYS_fcntl, fd[i], F_DUPFD, 3L)) >= 0;
    for (int i = 0; ok && i < 3; i++) ok = (fd[i] == i ? syscall(SYS_fcntl, i, F_SETFD, 0L) : syscall(SYS_dup3, fd[i], i, 0)) >= 0;
    syscall(SYS_close_range, 3U, ~0U, 0U);
    ok = ok && syscall(SYS_chdir, s->cwd) == 0;
    if (ok) {
        syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
        syscall(SYS_execve, s->path, s->argv, s->env);
    }
    c->error = errno;
    syscall(SYS_exit_group, 127);
    return 127;
}

int spawn_start(Spawn *s) {
    Child c = {.s = s, .parent = getpid()};
    sigset_t all, before;
    sigfillset(&all);
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
