/* The engine's public interface: everything the command line, the tests and the daemon do with runs.

   An Engine is one open store (`.wfc/`): the journal of runs and the artifacts. It runs one plan at a time, from the thread that
   calls engine_run; callbacks are called on that thread only. Functions that can fail return false and append one line
   without a final newline to `why`; nothing here prints or exits. Times are milliseconds since 1970-01-01T00:00Z, durations
   are milliseconds. Texts in callbacks are valid during the callback. */
#ifndef WF_RUNTIME_SCHED_ENGINE_H
#define WF_RUNTIME_SCHED_ENGINE_H

#include "base/mem.h"
#include "runtime/abi/rt_plan.h"

typedef struct Engine Engine;

/* Opens the store in `dir` (usually "PROJECT/.wfc"). With read_only nothing is created and runs are refused, so that queries
   work beside a running engine and on read-only disks; otherwise the directory is made as needed. NULL with the reason in `why`. */
Engine *engine_open(const char *dir, bool read_only, Buf *why);
void engine_close(Engine *e); /* e may be NULL */

/* ---- running ---- */

/* One parameter as a user gave it. Text form by type: `true`, `0.3`, `30s`, `4GiB`, a member's name, RFC 3339; strings as they
   stand; a file or dir is a path, which is stored; lists, maps and structs are JSON. With `json` set the text is JSON for
   every type (files: a path as a string, or the object that engine_node_inputs gives). A secret is given by its name. */
typedef struct EngineParam {
    const char *name;
    Str text;
    bool json;
} EngineParam;

typedef enum EngineStatus { ENGINE_RUNNING, ENGINE_SUCCEEDED, ENGINE_FAILED, ENGINE_CANCELLED } EngineStatus;
/* "running", "succeeded", "failed", "cancelled" */
const char *engine_status_name(EngineStatus s);
/* "exit", "timeout", "memory", "lost", "output", "value", "fail", "cancelled" */
const char *engine_failure_name(RtFailure kind);

typedef struct EngineFailure {
    const char *path;    /* of the node: "trials[2].model"; "" when the run itself failed, before or after its nodes */
    const char *step;    /* declared name of the called step, or "" */
    RtFailure kind;
    bool has_code;
    int64_t code;        /* exit status, or 128 + signal */
    const char *message; /* one or more lines */
    const char *log;     /* the last lines that the attempt printed */
    uint32_t attempt;    /* from 1; 0: no attempt was made */
    const char *file;    /* place in the source, or NULL: the failing line of the code if known, else the call */
    uint32_t line, col;  /* from 1; col 0 when only the line is known */
} EngineFailure;

typedef enum EngineEventKind {
    EV_RUN_STARTED,   /* path "" */
    EV_NODE_READY,    /* a call waits for a slot or resources */
    EV_NODE_STARTED,  /* its attempt number `attempt` has been started */
    EV_ATTEMPT_FAILED,/* failure; another one follows after `duration` when `retry` is set */
    EV_NODE_SUCCEEDED,/* duration: of the last attempt */
    EV_NODE_FAILED,   /* failure; also of control nodes whose value failed (attempt 0) */
    EV_NODE_SKIPPED,  /* not run because of a failure before it */
    EV_NODE_CANCELLED,
    EV_LOG,           /* text: one line (or a part of a very long one) without its newline; on_stderr */
    EV_PROGRESS,      /* value: 0 to 1 */
    EV_METRIC,        /* text: name; value */
    EV_RUN_ENDING,    /* the body has ended with `status`; handlers follow when there are any */
    EV_RUN_ENDED,     /* status */
    EV_TICK,          /* path "": `tick` has passed */
} EngineEventKind;

typedef struct EngineEvent {
    EngineEventKind kind;
    const char *path; /* of the node */
    const char *step;
    uint32_t attempt;
    int64_t time;
    int64_t duration;
    bool retry, on_stderr;
    Str text;
    double value;
    EngineStatus status;
    const EngineFailure *failure;
} EngineEvent;

/* Appends the value of secret `name` to `value`; false when there is none, and then `value` may tell how to give it. */
typedef bool (*EngineSecretFn)(void *cx, const char *name, Buf *value);
typedef void (*EngineEventFn)(void *cx, const EngineEvent *event);

typedef struct EngineOptions {
    uint32_t workflow;       /* index in the plan; ignored with `step` */
    const char *step;        /* run only this step (RtStep.name); parameters are then the step's */
    const EngineParam *param;
    uint32_t nparam;         /* later ones win over earlier ones of the same name */
    Str inputs_json;         /* an object of parameters (engine_node_inputs, `--params file`), below `param`; or empty */
    bool unpublished;        /* with `step`: no run is recorded and nothing is kept but the outputs in the result */
    bool shell;              /* with `step`: $SHELL on this terminal, in the step's environment, instead of its code */
    uint32_t jobs;           /* attempts at once; 0: the CPUs of this machine */
    double cpu;              /* totals for @resources; 0: detected */
    int64_t memory;          /* bytes; 0: detected */
    int32_t gpu;             /* -1: detected */
    const char *run_id;      /* NULL: a new one; [A-Za-z0-9_.-]{1,64}, not used before */
    bool has_scheduled_at;
    int64_t scheduled_at;
    int64_t grace;           /* between TERM and KILL; 0: ten seconds */
    uint64_t log_limit;      /* bytes kept per attempt; 0: 16 MiB; the first part and the last 64 KiB stay */
    bool log_events;         /* whether EV_LOG is wanted */
    int64_t tick;            /* ms between two EV_TICK; 0: none are wanted */
    EngineSecretFn secret;   /* NULL: there are no secrets */
    EngineEventFn event;     /* may be NULL */
    void *cx;                /* of both */
} EngineOptions;

#define ENGINE_OPTIONS ((EngineOptions){.gpu = -1})

typedef struct EngineResult {
    EngineStatus status;
    char run_id[65];
    int64_t started, ended;
    uint32_t output_type; /* RT_NOTHING kind: no outputs */
    RtWord *output;       /* its words, when the run succeeded, else NULL */
    Buf outputs_json;     /* {"name": value} for each output; files as {"file","sha256","size","format",...} */
    EngineFailure *failure; /* uncaught ones, in the order of the text */
    uint32_t nfailure;
    uint32_t succeeded, failed, skipped, cancelled, retried; /* calls; retried: attempts beyond the first */
    const RtTypes *types;
    Arena arena;
} EngineResult;

/* Checks parameters without running anything: unknown names (with a suggestion), missing ones, texts that do not decode, files
   that cannot be read. All faults are appended, one a line. */
bool engine_check_params(const RtPlan *plan, const EngineOptions *o, Buf *why);

/* Runs the plan to its end and fills *r (free it with engine_result_free, also after false). True whenever the run took place,
   whatever its status; false when it could not begin: wrong parameters, a construct that is not supported yet, the store. */
bool engine_run(Engine *e, const RtPlan *plan, const EngineOptions *o, EngineResult *r, Buf *why);
void engine_result_free(EngineResult *r);

/* Safe in a signal handler. The first call cancels: running processes get TERM (KILL after the grace time), `finally` runs, the
   status is `cancelled`. The second kills everything at once, handlers too. */
void engine_cancel(Engine *e);

/* ---- questions ---- */

typedef struct EngineRun {
    const char *id, *workflow, *source; /* source: the main file, or "" */
    EngineStatus status; /* RUNNING of a run whose engine is gone is told as FAILED with the message "interrupted" */
    int64_t started, ended; /* ended 0: not yet */
    const char *params_json, *outputs_json; /* outputs_json may be NULL */
    const char *message;  /* of the first failure, or NULL */
    uint32_t succeeded, failed, skipped, cancelled;
} EngineRun;

typedef struct EngineNode {
    const char *run, *path, *step;
    const char *status;  /* running succeeded failed skipped cancelled */
    uint32_t attempts;
    int64_t started, ended;
    const char *outputs_json; /* of a node that succeeded */
    const char *kind, *message; /* of its failure, or NULL */
    bool has_code;
    int64_t code;
    const char *file;    /* as in EngineFailure */
    uint32_t line;
} EngineNode;

typedef struct EngineAttempt {
    const char *path;
    uint32_t attempt;
    const char *status, *kind, *message;
    bool has_code;
    int64_t code, started, ended;
    uint64_t log_bytes;
} EngineAttempt;

typedef struct EngineArtifact {
    const char *run, *path, *output; /* the node and the output that produced it */
    const char *sha256, *name, *format, *artifact; /* artifact: name of its nominal type, or "" */
    bool is_dir;
    uint64_t size;
    int64_t rows;        /* -1: not a table */
    const char *columns; /* JSON, or NULL */
    int64_t created;
} EngineArtifact;

/* Callbacks return false to stop early. */
typedef bool (*EngineRunFn)(void *cx, const EngineRun *run);
typedef bool (*EngineNodeFn)(void *cx, const EngineNode *node);
typedef bool (*EngineAttemptFn)(void *cx, const EngineAttempt *attempt);
typedef bool (*EngineArtifactFn)(void *cx, const EngineArtifact *artifact);
typedef bool (*EngineLogFn)(void *cx, const char *path, uint32_t attempt, bool on_stderr, int64_t time, Str bytes);

/* Newest first. */
bool engine_runs(Engine *e, uint32_t limit, EngineRunFn fn, void *cx, Buf *why);
/* The full id of a run named by its id, a unique prefix of it, or "last". */
bool engine_find_run(Engine *e, const char *name, char id[65], Buf *why);
bool engine_nodes(Engine *e, const char *run, EngineNodeFn fn, void *cx, Buf *why);         /* in the order they ended */
bool engine_attempts(Engine *e, const char *run, const char *path, EngineAttemptFn fn, void *cx, Buf *why); /* path NULL: all */
/* What the attempts of a node printed, in order; attempt 0: all; path NULL: the whole run, interleaved as it was printed. */
bool engine_log(Engine *e, const char *run, const char *path, uint32_t attempt, EngineLogFn fn, void *cx, Buf *why);
bool engine_artifacts(Engine *e, const char *run, EngineArtifactFn fn, void *cx, Buf *why); /* run NULL: of all runs */
/* The artifact named "RUN/node.output", "RUN/node" (its only file) or by a prefix of its SHA-256; given to fn once. */
bool engine_find_artifact(Engine *e, const char *name, EngineArtifactFn fn, void *cx, Buf *why);
/* Copies stored content to `dest`: a new file, or a new directory for a dir. An existing file is replaced in one step; an
   existing directory is refused. */
bool engine_copy_out(Engine *e, const char *sha256, bool is_dir, const char *dest, Buf *why);
/* The inputs of a recorded call as a JSON object for EngineOptions.inputs_json, and the name of its step. */
bool engine_node_inputs(Engine *e, const char *run, const char *path, Buf *inputs_json, Buf *step, Buf *why);

#endif
