/* The threads behind the slots. */
#include "runtime/exec/exec_impl.h"

#include "base/io.h"
#include "runtime/exec/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NOTES_MAX = 1 << 16 };

static int64_t clock_ms(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
int64_t exec_wall_ms(void) { return clock_ms(CLOCK_REALTIME); }
int64_t exec_mono_ms(void) { return clock_ms(CLOCK_MONOTONIC); }

uint64_t exec_oom_kills(void) {
    Buf b = BUF_INIT;
    uint64_t n = 0;
    if (io_read_file("/proc/vmstat", 1 << 20, &b) == 0) {
        const char *at = strstr(b.p, "\noom_kill ");
        if (at != NULL) n = strtoull(at + 10, NULL, 10);
    }
    buf_free(&b);
    return n;
}

bool exec_fail(Task *t, RtFailure kind, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    Buf b = BUF_INIT;
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    t->ok = false;
    t->kind = kind;
    t->message = arena_strndup(&t->arena, buf_cstr(&b), b.n);
    buf_free(&b);
    return false;
}

/* Under the lock. */
static void rouse(Exec *e) {
    if (!atomic_exchange(&e->waiting, false)) return;
    uint64_t one = 1;
    while (write(e->wake, &one, sizeof one) < 0 && errno == EINTR) {}
}

void exec_note(Worker *w, Task *t, NoteKind kind, bool on_stderr, double value, Str text) {
    Note *n = wf_alloc(sizeof *n + text.n + 1);
    *n = (Note){.kind = kind, .task = t, .on_stderr = on_stderr, .value = value, .time = exec_wall_ms(), .n = text.n};
    if (text.n > 0) memcpy(n->text, text.p, text.n);
    n->text[text.n] = '\0';
    Exec *e = w->exec;
    pthread_mutex_lock(&e->lock);
    if (++e->notes > NOTES_MAX && kind == NOTE_LINE) { /* nobody reads that fast; the log keeps the line */
        pthread_mutex_unlock(&e->lock);
        free(n);
        return;
    }
    *e->note_end = n;
    e->note_end = &n->next;
    rouse(e);
    pthread_mutex_unlock(&e->lock);
}

static void perform(Worker *w, Task *t) {
    Launch l = {.out = -1};
    t->started = exec_wall_ms();
    int64_t from = exec_mono_ms();
    t->ok = true;
    if (exec_prepare(w, t, &l)) {
        if (t->step->body == RT_BODY_EXTERN && !t->shell) exec_extern(w, t);
        else exec_process(w, t, &l);
        if (t->ok && !t->shell) exec_collect(w, t);
    }
    if (l.out >= 0) close(l.out);
    t->ended = exec_wall_ms();
    t->duration = exec_mono_ms() - from;
}

/* A step's own directory is the slot's, emptied when the attempt used it: a fresh one per step would cost more than many steps. A time
   stamp of 0 marks an empty one, because any change sets it to now. */
static void clean(Worker *w) {
    if (!w->made) return;
    Buf path = BUF_INIT;
    static const char *const names[] = {"work", "in", "out"};
    int n = w->filled ? 3 : 1;
    w->filled = false;
    for (int i = 0; i < n; i++) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s", w->dir, names[i]);
        struct stat st;
        if (stat(buf_cstr(&path), &st) == 0 && st.st_mtim.tv_sec == 0 && S_ISDIR(st.st_mode)) continue;
        io_remove_tree(buf_cstr(&path));
        mkdir(buf_cstr(&path), 0777);
        utimensat(AT_FDCWD, buf_cstr(&path), (struct timespec[2]){{0}, {0}}, 0);
    }
    buf_free(&path);
}

static void *worker_main(void *arg) {
    Worker *w = arg;
    Exec *e = w->exec;
    pthread_mutex_lock(&e->lock);
    for (;;) {
        while (w->task == NULL && !e->quit) pthread_cond_wait(&w->wake, &e->lock);
        if (w->task == NULL) break;
        Task *t = w->task;
        pthread_mutex_unlock(&e->lock);
        perform(w, t);
        w->filled = w->filled || t->nfile > 0 || t->step->noutput > 0 || t->step->nparam > 0;
        clean(w);
        pthread_mutex_lock(&e->lock);
        w->task = NULL;
        t->next = NULL;
        *e->ended_end = t;
        e->ended_end = &t->next;
        rouse(e);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

/* The thread and what it needs; signals are for the program's main thread. */
static bool start_worker(Worker *w) {
    int pipe_fd[2];
    w->control = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->control < 0 || pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) != 0) return false;
    w->event_read = pipe_fd[0];
    w->event_write = pipe_fd[1];
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), w->event_write);
    w->events_path = wf_strdup(path);
    w->stack = mmap(NULL, SPAWN_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (w->stack == MAP_FAILED) {
        w->stack = NULL;
        return false;
    }
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    w->started = pthread_create(&w->thread, NULL, worker_main, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w->started;
}

static void runner_start(void *cx, Task *t) {
    Exec *e = cx;
    Worker *w = &e->worker[t->slot];
    atomic_store(&w->stop, TASK_GO);
    if (!w->started && !start_worker(w)) {
        exec_fail(t, RT_FAIL_LOST, "cannot start a thread for the attempt: %s", strerror(errno));
        pthread_mutex_lock(&e->lock);
        *e->ended_end = t;
        e->ended_end = &t->next;
        rouse(e);
        pthread_mutex_unlock(&e->lock);
        return;
    }
    pthread_mutex_lock(&e->lock);
    w->task = t;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&e->lock);
}

static void runner_stop(void *cx, Task *t, TaskStop how) {
    Exec *e = cx;
    Worker *w = &e->worker[t->slot];
    if (atomic_load(&w->stop) >= (int)how) return;
    atomic_store(&w->stop, (int)how);
    uint64_t one = 1;
    if (w->started)
        while (write(w->control, &one, sizeof one) < 0 && errno == EINTR) {}
}

static void take(Exec *e, Task **ended, Note **notes) {
    *ended = e->ended;
    *notes = e->note;
    e->ended = NULL;
    e->ended_end = &e->ended;
    e->note = NULL;
    e->note_end = &e->note;
    e->notes = 0;
}

static void runner_wait(void *cx, int64_t timeout, Task **ended, Note **notes) {
    Exec *e = cx;
    pthread_mutex_lock(&e->lock);
    if (e->ended == NULL && e->note == NULL && timeout != 0) {
        atomic_store(&e->waiting, true);
        pthread_mutex_unlock(&e->lock);
        struct pollfd fd[2] = {{.fd = e->wake, .events = POLLIN}, {.fd = e->o.wake, .events = POLLIN}};
        int ms = timeout < 0 ? -1 : timeout > 86400000 ? 86400000 : (int)timeout;
        poll(fd, 2, ms);
        uint64_t n;
        if (read(e->wake, &n, sizeof n) < 0) n = 0;
        pthread_mutex_lock(&e->lock);
        atomic_store(&e->waiting, false);
    }
    take(e, ended, notes);
    pthread_mutex_unlock(&e->lock);
}

static int64_t runner_now(void *cx) {
    (void)cx;
    return exec_mono_ms();
}

static const char *runner_slot_dir(void *cx, uint32_t slot) { return ((Exec *)cx)->worker[slot].dir; }

Exec *exec_new(const ExecOptions *o, Buf *why) {
    Exec *e = wf_alloc_zero(sizeof *e);
    e->o = *o;
    e->ended_end = &e->ended;
    e->note_end = &e->note;
    pthread_mutex_init(&e->lock, NULL);
    pthread_mutex_init(&e->code_lock, NULL);
    e->worker = wf_alloc_zero(o->slots * sizeof *e->worker);
    e->oom_before = exec_oom_kills();
    for (uint32_t i = 0; i < o->slots; i++) {
        Worker *w = &e->worker[i];
        *w = (Worker){.exec = e, .slot = i, .control = -1, .event_read = -1, .event_write = -1};
        pthread_cond_init(&w->wake, NULL);
        Buf dir = BUF_INIT;
        buf_printf(&dir, "%s/tmp/slot.%d.%u", store_dir(o->store), (int)getpid(), i);
        w->dir = wf_strdup(buf_cstr(&dir));
        buf_free(&dir);
    }
    e->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    e->null = e->wake >= 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
    if (e->null >= 0) return e;
    buf_printf(why, "cannot open %s: %s", e->wake >= 0 ? "/dev/null" : "an event descriptor", strerror(errno));
    exec_free(e);
    return NULL;
}

static void free_worker(Worker *w) {
    if (w->started) pthread_join(w->thread, NULL);
    if (w->control >= 0) close(w->control);
    if (w->event_read >= 0) close(w->event_read);
    if (w->event_write >= 0) close(w->event_write);
    if (w->stack != NULL) munmap(w->stack, SPAWN_STACK);
    if (w->made) io_remove_tree(w->dir);
    pthread_cond_destroy(&w->wake);
    free(w->dir);
    free(w->events_path);
    free(w->found_name);
    free(w->found_path);
    free(w->found);
}

void exec_free(Exec *e) {
    if (e == NULL) return;
    pthread_mutex_lock(&e->lock);
    e->quit = true;
    for (uint32_t i = 0; i < e->o.slots; i++) pthread_cond_signal(&e->worker[i].wake);
    pthread_mutex_unlock(&e->lock);
    for (uint32_t i = 0; i < e->o.slots; i++) free_worker(&e->worker[i]);
    for (Note *n = e->note, *next; n != NULL; n = next) {
        next = n->next;
        free(n);
    }
    if (e->wake >= 0) close(e->wake);
    if (e->null >= 0) close(e->null);
    pthread_mutex_destroy(&e->lock);
    pthread_mutex_destroy(&e->code_lock);
    free(e->worker);
    free(e);
}

Runner exec_runner(Exec *e) {
    return (Runner){.cx = e, .start = runner_start, .stop = runner_stop, .wait = runner_wait, .now = runner_now,
                    .slot_dir = runner_slot_dir};
}
