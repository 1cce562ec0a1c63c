/* One process from its start to its end: what it prints is cut into lines, kept in the run's log and shown; what it says on
   WF_EVENTS is passed on; it is stopped when its time is over or the run is cancelled; nothing of its group outlives it. */
#include "runtime/exec/exec_impl.h"

#include "base/json.h"
#include "base/units.h"
#include "runtime/exec/spawn.h"
#include "runtime/value/rt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    READ_SIZE = 64 << 10,
    LINE_MAX_BYTES = 16 << 10, /* a longer line is cut */
    TAIL_SIZE = 64 << 10,      /* kept of what exceeds the limit */
    TAIL_LINES = 20,           /* shown of a failed attempt */
    EVENT_MAX = 1 << 20,
    DRAIN_MS = 100,            /* for what is still in the pipes of a process that ended */
};

typedef struct Stream {
    int fd;
    bool on_stderr;
    Buf line; /* the part after the last newline */
} Stream;

typedef struct Process {
    Worker *w;
    Task *t;
    Spawn spawn;
    Stream stream[2];
    Buf event;        /* WF_EVENTS up to the last newline */
    Buf tail;         /* the last lines printed, both streams */
    Buf late;         /* what came after the limit: its end */
    uint64_t kept, dropped;
    uint64_t log_id;
    uint32_t line;    /* of the code that failed, as the step told */
    char *reported;   /* its message */
    bool out_of_memory, bad_output; /* as the shim told */
    bool timed_out;
    int64_t deadline, kill_at; /* monotonic ms, 0: none */
    TaskStop stopped;
    siginfo_t end;
    char *block;
} Process;

static void remember(Buf *tail, Str s, size_t limit) {
    if (s.n > limit) {
        s.p += s.n - limit;
        s.n = limit;
    }
    if (tail->n + s.n > 2 * limit) {
        size_t keep = limit < tail->n ? limit : tail->n;
        memmove(tail->p, tail->p + tail->n - keep, keep);
        tail->n = keep;
    }
    buf_str(tail, s);
}

static void put_log(Process *p, bool on_stderr, Str s) {
    Exec *e = p->w->exec;
    if (e->o.log == NULL) return;
    store_log_put(e->o.log, p->log_id, on_stderr, exec_wall_ms(), s, &p->t->log);
}

/* Complete lines of one stream. */
static void lines(Process *p, bool on_stderr, Str s) {
    Buf masked = BUF_INIT;
    if (p->t->nsecret > 0) {
        exec_mask(p->t, s, &masked);
        s = buf_view(&masked);
    }
    Exec *e = p->w->exec;
    remember(&p->tail, s, 8192);
    if (p->kept + s.n <= e->o.log_limit) {
        put_log(p, on_stderr, s);
        p->kept += s.n;
    } else {
        p->dropped += s.n;
        remember(&p->late, s, TAIL_SIZE);
    }
    if (e->o.lines && p->dropped == 0)
        for (size_t at = 0; at < s.n;) {
            const char *end = memchr(s.p + at, '\n', s.n - at);
            size_t n = end != NULL ? (size_t)(end - (s.p + at)) : s.n - at;
            exec_note(p->w, p->t, NOTE_LINE, on_stderr, 0, (Str){s.p + at, n});
            at += n + 1;
        }
    buf_free(&masked);
}

static void printed(Process *p, Stream *s, Str bytes) {
    const char *last = memrchr(bytes.p, '\n', bytes.n);
    size_t whole = last != NULL ? (size_t)(last - bytes.p) + 1 : 0;
    if (whole > 0) {
        if (s->line.n > 0) {
            buf_add(&s->line, bytes.p, whole);
            lines(p, s->on_stderr, buf_view(&s->line));
            buf_clear(&s->line);
        } else
            lines(p, s->on_stderr, (Str){bytes.p, whole});
    }
    buf_add(&s->line, bytes.p + whole, bytes.n - whole);
    if (s->line.n >= LINE_MAX_BYTES) {
        lines(p, s->on_stderr, buf_view(&s->line));
        buf_clear(&s->line);
    }
}

/* Reads what is there, which poll has promised; closes at the end. */
static void read_stream(Process *p, Stream *s) {
    if (s->fd < 0) return;
    ssize_t n = read(s->fd, p->block, READ_SIZE);
    if (n > 0) printed(p, s, (Str){p->block, (size_t)n});
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close(s->fd);
        s->fd = -1;
    }
}

/* {"progress": 0.4}, {"metric": "loss", "value": 0.3}; and what our own shims add: {"line": 7}, {"error": "...", "line": 7}. */
static void event(Process *p, Str text) {
    JsonIn j = json_in(text);
    Str key;
    bool progress = false;
    double value = 0;
    Buf metric = BUF_INIT, error = BUF_INIT;
    if (json_next(&j) == JSON_OBJECT)
        while (json_member(&j, &key)) {
            bool is_value = str_is(key, "value") || str_is(key, "progress"), is_line = str_is(key, "line");
            Buf *to = str_is(key, "metric") ? &metric : str_is(key, "error") ? &error : NULL;
            progress = progress || str_is(key, "progress");
            if (str_is(key, "memory")) p->out_of_memory = true;
            if (str_is(key, "output")) p->bad_output = true;
            if (!is_value && !is_line && to == NULL) {
                json_skip(&j);
                continue;
            }
            JsonKind k = json_next(&j);
            if (is_value && (k == JSON_INT || k == JSON_FLOAT)) value = j.f;
            if (is_line && k == JSON_INT && j.i > 0 && j.i < UINT32_MAX) p->line = (uint32_t)j.i;
            if (to != NULL && k == JSON_STRING) buf_str(to, j.s);
        }
    if (json_end(&j)) {
        if (progress) exec_note(p->w, p->t, NOTE_PROGRESS, false, value, STR(""));
        if (metric.n > 0) exec_note(p->w, p->t, NOTE_METRIC, false, value, buf_view(&metric));
        if (error.n > 0) {
            Buf masked = BUF_INIT;
            exec_mask(p->t, buf_view(&error), &masked);
            free(p->reported);
            p->reported = wf_strdup(buf_cstr(&masked));
            buf_free(&masked);
        }
    }
    json_in_free(&j);
    buf_free(&metric);
    buf_free(&error);
}

static void read_events(Process *p) {
    ssize_t n;
    while ((n = read(p->w->event_read, p->block, READ_SIZE)) > 0) {
        if (p->event.n < EVENT_MAX) buf_add(&p->event, p->block, (size_t)n);
        size_t at = 0;
        const char *end;
        while ((end = memchr(p->event.p + at, '\n', p->event.n - at)) != NULL) {
            event(p, (Str){p->event.p + at, (size_t)(end - p->event.p) - at});
            at = (size_t)(end - p->event.p) + 1;
        }
        memmove(p->event.p, p->event.p + at, p->event.n - at);
        p->event.n -= at;
        if (p->event.n >= EVENT_MAX) buf_clear(&p->event); /* a line of that length is no event */
    }
}

static void signal_group(Process *p, int sig) {
    if (p->spawn.foreground)
        kill(p->spawn.pid, sig);
    else
        kill(-p->spawn.pid, sig);
}

static void stop(Process *p, TaskStop how) {
    if (p->stopped >= how) return;
    p->stopped = how;
    signal_group(p, how == TASK_KILL ? SIGKILL : SIGTERM);
    /* A stopped process acts on TERM only when it goes on. */
    if (how == TASK_TERM) {
        signal_group(p, SIGCONT);
        p->kill_at = exec_mono_ms() + p->w->exec->o.grace;
    } else
        p->kill_at = 0;
}

static int wait_ms(const Process *p, int64_t now) {
    int64_t at = p->kill_at != 0 ? p->kill_at : p->deadline;
    if (at == 0) return -1;
    int64_t ms = at - now;
    return ms < 0 ? 0 : ms > 3600000 ? 3600000 : (int)ms;
}

static void timers(Process *p) {
    int64_t now = exec_mono_ms();
    if (p->deadline != 0 && now >= p->deadline && p->stopped == TASK_GO) {
        p->timed_out = true;
        p->deadline = 0;
        stop(p, TASK_TERM);
    }
    if (p->kill_at != 0 && now >= p->kill_at) stop(p, TASK_KILL);
}

/* Until the process has ended. */
static void supervise(Process *p) {
    struct pollfd fd[5];
    bool ended = false;
    while (!ended) {
        fd[0] = (struct pollfd){.fd = p->spawn.pidfd, .events = POLLIN};
        fd[1] = (struct pollfd){.fd = p->w->control, .events = POLLIN};
        fd[2] = (struct pollfd){.fd = p->w->event_read, .events = POLLIN};
        fd[3] = (struct pollfd){.fd = p->stream[0].fd, .events = POLLIN};
        fd[4] = (struct pollfd){.fd = p->stream[1].fd, .events = POLLIN};
        bool timed = p->deadline != 0 || p->kill_at != 0;
        if (poll(fd, 5, timed ? wait_ms(p, exec_mono_ms()) : -1) < 0) continue;
        if (timed) timers(p);
        if (fd[1].revents != 0) {
            uint64_t n;
            if (read(p->w->control, &n, sizeof n) < 0) n = 0;
        }
        TaskStop want = (TaskStop)atomic_load(&p->w->stop);
        if (want != TASK_GO) stop(p, want);
        if (fd[2].revents != 0) read_events(p);
        if (fd[3].revents != 0) read_stream(p, &p->stream[0]);
        if (fd[4].revents != 0) read_stream(p, &p->stream[1]);
        ended = fd[0].revents != 0;
    }
}

/* The process is a zombie and still holds its group's number: the rest of the group can be killed without hitting a stranger. */
static void reap(Process *p) {
    if (!p->spawn.foreground) kill(-p->spawn.pid, SIGKILL);
    while (waitid(P_PIDFD, (id_t)p->spawn.pidfd, &p->end, WEXITED) != 0 && errno == EINTR) {}
    close(p->spawn.pidfd);
}

/* Reads the pipes to their end, but waits no longer for a process that left the group with them. */
static void drain(Process *p) {
    int64_t until = 0;
    for (int i = 0; i < 2; i++) {
        Stream *s = &p->stream[i];
        while (s->fd >= 0) {
            struct pollfd fd = {.fd = s->fd, .events = POLLIN};
            if (poll(&fd, 1, 0) == 0) {
                int64_t now = exec_mono_ms();
                if (until == 0) until = now + DRAIN_MS;
                if (now >= until || poll(&fd, 1, (int)(until - now)) == 0) break;
            }
            read_stream(p, s);
        }
        if (s->fd >= 0) close(s->fd);
        s->fd = -1;
        if (s->line.n > 0) lines(p, s->on_stderr, buf_view(&s->line));
        buf_free(&s->line);
    }
    read_events(p);
}

/* The end of an output that exceeded the limit, after a line that says how much is missing. */
static void finish_log(Process *p) {
    if (p->dropped > 0) {
        Str late = buf_view(&p->late);
        if (late.n > TAIL_SIZE) late = (Str){late.p + late.n - TAIL_SIZE, TAIL_SIZE};
        Buf notice = BUF_INIT;
        buf_printf(&notice, "... %llu bytes of output were not kept (the limit is %llu per attempt) ...\n",
                   (unsigned long long)(p->dropped - late.n), (unsigned long long)p->w->exec->o.log_limit);
        put_log(p, true, buf_view(&notice));
        put_log(p, false, late);
        buf_free(&notice);
    }
    Str tail = buf_view(&p->tail);
    size_t from = tail.n, count = 0;
    while (from > 0 && !(tail.p[from - 1] == '\n' && from < tail.n && ++count >= TAIL_LINES)) from--;
    p->t->tail = arena_strndup(&p->t->arena, tail.n > 0 ? tail.p + from : "", tail.n - from);
}

static void outcome(Process *p) {
    Task *t = p->t;
    int status = p->end.si_status;
    bool exited = p->end.si_code == CLD_EXITED;
    if (p->timed_out) {
        Buf limit = BUF_INIT;
        put_duration(&limit, t->timeout);
        exec_fail(t, RT_FAIL_TIMEOUT, "stopped after its timeout of %s", buf_cstr(&limit));
        buf_free(&limit);
        return;
    }
    if (p->stopped != TASK_GO) {
        exec_fail(t, RT_FAIL_CANCELLED, "cancelled");
        return;
    }
    if (exited && status == 0) return;
    t->has_status = true;
    t->status = exited ? status : 128 + status;
    bool killed = exited ? status == 128 + SIGKILL : status == SIGKILL;
    if (p->out_of_memory || (killed && exec_oom_kills() > p->w->exec->oom_before))
        exec_fail(t, RT_FAIL_MEMORY, killed ? "killed by the kernel: out of memory" : "out of memory");
    else if (exited && status > 128 && sigabbrev_np(status - 128) != NULL) /* how shells tell what happened to a command */
        exec_fail(t, RT_FAIL_EXIT, "exit status %d (a command was killed by SIG%s)", status, sigabbrev_np(status - 128));
    else if (exited)
        exec_fail(t, p->bad_output ? RT_FAIL_OUTPUT : RT_FAIL_EXIT, "exit status %d", status);
    else
        exec_fail(t, RT_FAIL_EXIT, "killed by signal %d (SIG%s, %s)", status, sigabbrev_np(status), strsignal(status));
}

static bool open_streams(Process *p, int child[2]) {
    Task *t = p->t;
    child[0] = child[1] = -1;
    if (p->spawn.foreground) return true;
    for (int i = 0; i < 2; i++) {
        int fd[2];
        p->stream[i].on_stderr = i == 1;
        if (i == 0 && p->spawn.out >= 0) continue;
        if (pipe2(fd, O_CLOEXEC) != 0) return exec_fail(t, RT_FAIL_LOST, "cannot make a pipe: %s", strerror(errno));
        p->stream[i].fd = fd[0];
        child[i] = fd[1];
        *(i == 0 ? &p->spawn.out : &p->spawn.err) = fd[1];
    }
    return true;
}

/* Why the kernel found the arguments and variables too long: one of them (128 KiB each), or all together. */
static void too_long(Task *t, const Launch *l) {
    enum { ONE = 128 << 10 };
    size_t total = 0, n;
    for (uint32_t i = 0; l->argv[i] != NULL; i++) {
        total += n = strlen(l->argv[i]) + 1;
        if (n <= ONE) continue;
        const char *input = NULL;
        for (uint32_t k = 0; k < t->step->nparam && input == NULL; k++)
            if (t->input[k].text.n == n - 1 && memcmp(t->input[k].text.p, l->argv[i], n - 1) == 0) input = t->input[k].param->name;
        exec_fail(t, RT_FAIL_VALUE, "argument %u of the command%s%s%s has %zu bytes; an argument holds at most 128 KiB: pass it as a file", i,
                  input != NULL ? " (the input `" : "", input != NULL ? input : "", input != NULL ? "`)" : "", n - 1);
        return;
    }
    for (uint32_t i = 0; l->env[i] != NULL; i++) {
        total += n = strlen(l->env[i]) + 1;
        if (n <= ONE) continue;
        exec_fail(t, RT_FAIL_VALUE, "the variable `%.*s` has %zu bytes; a variable holds at most 128 KiB", (int)strcspn(l->env[i], "="), l->env[i], n - 1);
        return;
    }
    exec_fail(t, RT_FAIL_VALUE, "the arguments and variables of the step have %.1f MB together; this machine allows %.1f MB: pass them as a file",
              (double)total / 1e6, (double)sysconf(_SC_ARG_MAX) / 1e6);
}

/* A program that was just written is busy while a process that another thread is starting still has its descriptor: until that
   one's exec, which is soon. */
static int start_program(Spawn *s) {
    enum { TRIES = 100, PAUSE_US = 2000 };
    int error;
    for (int i = 0; (error = spawn_start(s)) == ETXTBSY && i < TRIES; i++) usleep(PAUSE_US);
    return error;
}

static bool start(Process *p, Launch *l) {
    Task *t = p->t;
    int child[2];
    bool ok = open_streams(p, child);
    if (p->spawn.foreground)
        p->spawn.in = 0, p->spawn.out = 1, p->spawn.err = 2;
    else
        p->spawn.in = p->w->exec->null;
    int error = ok ? start_program(&p->spawn) : 0;
    for (int i = 0; i < 2; i++)
        if (child[i] >= 0) close(child[i]);
    if (ok && error == 0) return true;
    if (ok && error == E2BIG) too_long(t, l);
    if (ok && error != E2BIG) {
        t->has_status = true;
        t->status = error == ENOENT ? 127 : 126;
        if (error == ENOEXEC)
            exec_fail(t, RT_FAIL_EXIT, "%s is not a program; a script needs a first line such as #!/bin/sh", l->program);
        else
            exec_fail(t, RT_FAIL_EXIT, "cannot start %s: %s", l->program, strerror(error));
    }
    for (int i = 0; i < 2; i++)
        if (p->stream[i].fd >= 0) close(p->stream[i].fd);
    return false;
}

void exec_process(Worker *w, Task *t, Launch *l) {
    Process p = {.w = w, .t = t, .stream = {{.fd = -1}, {.fd = -1}}, .log_id = store_log_id(t->path, t->attempt)};
    const char *cwd = t->step->in_project ? t->plan->project : arena_printf(&t->arena, "%s/work", w->dir);
    p.spawn = (Spawn){.path = l->program, .argv = (char *const *)(uintptr_t)l->argv, .env = (char *const *)(uintptr_t)l->env, .cwd = cwd,
                      .in = -1, .out = l->out, .err = -1, .foreground = t->shell, .stack = w->stack};
    p.block = wf_alloc(READ_SIZE);
    while (read(w->event_read, p.block, READ_SIZE) > 0) {} /* of a process that outlived its attempt */
    if (start(&p, l)) {
        if (t->timeout > 0) p.deadline = exec_mono_ms() + t->timeout;
        supervise(&p);
        reap(&p);
        drain(&p);
        finish_log(&p);
        outcome(&p);
    }
    if (!t->ok && t->tail == NULL) t->tail = "";
    if (!t->ok) exec_blame(t, l, p.line, p.reported);
    free(p.reported);
    free(p.block);
    buf_free(&p.event);
    buf_free(&p.tail);
    buf_free(&p.late);
}
