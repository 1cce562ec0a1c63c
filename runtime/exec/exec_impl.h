/* The inside of the real runner, for the files of this folder. */
#ifndef WF_RUNTIME_EXEC_EXEC_IMPL_H
#define WF_RUNTIME_EXEC_EXEC_IMPL_H

#include "runtime/exec/exec.h"

#include <pthread.h>
#include <stdatomic.h>

/* One slot: a thread, its folder and its event pipe, all kept from attempt to attempt. */
typedef struct Worker {
    struct Exec *exec;
    uint32_t slot;
    pthread_t thread;
    bool started;
    pthread_cond_t wake;
    Task *task;          /* to do; under exec->lock */
    atomic_int stop;     /* TaskStop for the current task */
    int control;         /* eventfd: look at `stop` */
    int event_read, event_write; /* where WF_EVENTS leads */
    char *dir;           /* tmp/slot.PID.SLOT */
    bool made;           /* dir, in/, out/ and work/ exist */
    bool filled;         /* in/ or out/ may hold something */
    char *stack;         /* SPAWN_STACK bytes */
    char *found_name, *found_path, *found; /* the last program looked up, in which PATH, and where it is */
    char *events_path;
} Worker;

struct Exec {
    ExecOptions o;
    Worker *worker;      /* o.slots */
    pthread_mutex_t lock;
    Task *ended, **ended_end;
    Note *note, **note_end;
    uint32_t notes;      /* in the list */
    bool quit;
    int wake;            /* eventfd: something is in the lists */
    atomic_bool waiting; /* the scheduler sleeps and wants to be woken */
    int null;            /* /dev/null, the input of all steps */
    uint64_t oom_before; /* kills by the kernel for lack of memory when the run began */
    pthread_mutex_t code_lock;
};

/* Everything an attempt is started with; texts in the task's arena. */
typedef struct Launch {
    const char *program;
    const char **argv, **env;
    const char *script;   /* path of the script as messages name it, or NULL */
    int out;              /* descriptor for stdout when an output takes it, else -1 */
    const char *path;     /* PATH of the step */
} Launch;

/* False when the attempt cannot start: t->kind and t->message tell why. (prepare.c) */
bool exec_prepare(Worker *w, Task *t, Launch *l);
/* Starts the process, reads what it prints until it has ended, kills what it left behind. Sets the outcome. (process.c) */
void exec_process(Worker *w, Task *t, Launch *l);
/* Calls the function of an `extern` step on this thread. (extern.c) */
void exec_extern(Worker *w, Task *t);
/* Stores and checks the outputs of a process that ended well. (collect.c) */
void exec_collect(Worker *w, Task *t);
/* Names the line of the code that failed and words the message. `line` is what the step's shell or shim reported, 0: nothing;
   `reported` its message, or NULL. (blame.c) */
void exec_blame(Task *t, const Launch *l, uint32_t line, const char *reported);
/* The folder of project files that the globs name, made once per content; NULL with the reason in `why`. (code.c) */
const char *exec_code_dir(Worker *w, Task *t, Buf *why);
/* The path of a script with these bytes; made once per content. (code.c) */
const char *exec_script(Worker *w, Arena *a, const char *name, const char *ext, Str code, Buf *why);
/* The virtual environment with the task's packages; made once. (venv.c) */
const char *exec_venv(Worker *w, Task *t, Buf *why);

/* Sets a failure; always false. */
bool exec_fail(Task *t, RtFailure kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Hands a note to the scheduler. */
void exec_note(Worker *w, Task *t, NoteKind kind, bool on_stderr, double value, Str text);
int64_t exec_wall_ms(void);
int64_t exec_mono_ms(void);
/* Kills by the kernel for lack of memory since it booted. */
uint64_t exec_oom_kills(void);
static inline bool exec_cancelled(Worker *w) { return atomic_load(&w->stop) != TASK_GO; }

#endif
