/* Attempts as processes. The scheduler fills a Task, a Runner performs it and hands it back: the real one (exec_new) has a
   thread per slot, so that starting, reading, hashing and checking of several attempts use several CPUs; tests have another. */
#ifndef WF_RUNTIME_EXEC_EXEC_H
#define WF_RUNTIME_EXEC_EXEC_H

#include "runtime/abi/rt_plan.h"
#include "runtime/store/store.h"

/* Stored content that the step sees at `path`. */
typedef struct TaskFile {
    const char *sha256, *path;
    bool is_dir;
    int64_t mtime[2]; /* of the content before the attempt, to find out whether the step changed it */
} TaskFile;

typedef struct TaskInput {
    const RtParam *param;
    bool none;            /* an optional without a value */
    bool secret;
    bool array;           /* a list of scalars or files: `item` holds their texts */
    Str text;             /* scalars: their text; files: the path; else JSON with paths for files */
    Str *item;
    uint32_t nitem;
} TaskInput;

/* What was found at an output. Files of a [file] are several. */
typedef struct TaskStored {
    StoreObject object;
    const char *name;
    int64_t rows;
    const char *columns; /* JSON or NULL */
} TaskStored;
typedef struct TaskOutput {
    const RtParam *param;
    const char *path;     /* where the step writes; absolute */
    bool none;            /* optional and not written */
    bool given;           /* `none` or `text` is set, there is no file to read */
    Str text;             /* of values */
    TaskStored *stored;   /* of file, dir and [file] */
    uint32_t nstored;
} TaskOutput;

typedef enum TaskStop { TASK_GO, TASK_TERM, TASK_KILL } TaskStop;

typedef struct Task {
    Arena arena;             /* of all texts here; the runner may add to it until it hands the task back */
    void *owner;             /* the scheduler's */
    const RtPlan *plan;
    const RtStep *step;
    const char *run_id, *path;
    char key[65];            /* idempotency key */
    uint32_t attempt, slot;
    const char *dir;         /* of the slot: in/ out/ work/ */
    TaskInput *input;        /* step->nparam */
    TaskOutput *output;      /* step->noutput */
    TaskFile *file;
    uint32_t nfile;
    const char **argv;       /* of exec, NULL-terminated */
    const char **env;        /* declared variables, "NAME=value" */
    uint32_t nenv;
    Str *secret;             /* values never to be shown */
    uint32_t nsecret;
    const char **code, **packages; /* globs and requirements */
    uint32_t ncode, npackages;
    const char *python;      /* "3.11", or NULL */
    int32_t stdout_output;   /* index of the output that the step prints, or -1 */
    int64_t timeout;         /* ms; 0: none */
    bool shell;              /* an interactive shell in place of the code */
    /* the outcome */
    bool ok;
    RtFailure kind;
    bool has_status;
    int64_t status;          /* exit status, or 128 + signal */
    const char *message;
    uint32_t line;           /* in step->file, or 0 */
    const char *tail;        /* last lines printed */
    int64_t started, ended;  /* wall clock, ms */
    int64_t duration;        /* ms */
    StoreLogRange log;
    struct Task *next;
} Task;

/* Something a running attempt says. */
typedef enum NoteKind { NOTE_LINE, NOTE_PROGRESS, NOTE_METRIC } NoteKind;
typedef struct Note {
    struct Note *next;
    NoteKind kind;
    Task *task;
    bool on_stderr;
    double value;
    int64_t time;
    size_t n;
    char text[]; /* NUL-terminated */
} Note;

typedef struct Runner {
    void *cx;
    /* Begins an attempt on a slot that is free. */
    void (*start)(void *cx, Task *t);
    /* Asks a running attempt to end (TERM, and KILL after the grace time) or ends it now. */
    void (*stop)(void *cx, Task *t, TaskStop how);
    /* Waits until a task ends, a note is there, exec_wake is called or `timeout` ms have passed (-1: for ever). Gives what is
       there: lists in the order of time; notes of a task come before it. The caller frees notes with free(). */
    void (*wait)(void *cx, int64_t timeout, Task **ended, Note **notes);
    int64_t (*now)(void *cx); /* monotonic ms */
    /* The directory of a slot, for the paths that a task's texts name. */
    const char *(*slot_dir)(void *cx, uint32_t slot);
} Runner;

typedef struct ExecOptions {
    Store *store;
    StoreLog *log;     /* NULL: nothing is kept */
    uint32_t slots;
    int64_t grace;     /* ms between TERM and KILL */
    uint64_t log_limit;
    bool lines;        /* whether NOTE_LINE is wanted */
    int wake;          /* a descriptor (eventfd) that ends a wait when readable, or -1 */
} ExecOptions;

/* The real runner. Threads are started as slots are used. NULL with the reason in `why`. */
typedef struct Exec Exec;
Exec *exec_new(const ExecOptions *o, Buf *why);
Runner exec_runner(Exec *e);
void exec_free(Exec *e); /* no task is running */

/* --- mask.c --- */

/* Adds a secret to those that are replaced by *** in what the step prints and reports, its lines as well. */
void exec_hide(Task *t, Str secret);
/* Appends `s` with the task's secrets replaced. O(size * secrets). */
void exec_mask(const Task *t, Str s, Buf *out);
/* Replaces them in the message of a failure, and what a refused output held. */
void exec_mask_message(Task *t);

#endif
