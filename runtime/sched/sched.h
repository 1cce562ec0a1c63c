/* The inside of a run, for the files of this folder.

   A Frame is one instance of a region: the values of its nodes and a counter of missing predecessors for each. A Control is an
   active PICK, EACH, LOOP, TRY or SUB, which opens frames; a Call is an active step call. All progress goes through one work
   queue, so that neither long chains nor deep nests recurse, and every node is looked at once when its last predecessor ends.

   Ownership: a frame owns its words; it is freed when its region has ended and its control has taken the result. A control
   lives until its node ends. Failures live in the result's arena. */
#ifndef WF_RUNTIME_SCHED_SCHED_H
#define WF_RUNTIME_SCHED_SCHED_H

#include "base/vec.h"
#include "runtime/exec/exec.h"
#include "runtime/sched/engine.h"
#include "runtime/value/rt.h"

#include <stdatomic.h>

typedef struct Sched Sched;
typedef struct Frame Frame;
typedef struct Control Control;
typedef struct Call Call;

/* One failed call (or control node whose value failed), in the result's arena. */
typedef struct Fail {
    struct Fail *next;
    EngineFailure f;
} Fail;
typedef struct FailList {
    Fail *first, *last;
} FailList;
/* Failures of one node of a frame or one item of an EACH, with its place in the text or its number. */
typedef struct FailAt {
    uint64_t order;
    FailList list;
} FailAt;
typedef VEC(FailAt) Fails;

typedef enum NodeState {
    NODE_WAITING, NODE_ACTIVE, NODE_DONE, NODE_FAILED,
    NODE_SKIPPED,   /* something before it failed */
    NODE_CANCELLED,
} NodeState;
enum { NODE_STATE = 7, NODE_POISONED = 8 }; /* of Frame.state: a predecessor did not end well */

typedef enum FrameRole { FRAME_BODY, FRAME_CHILD, FRAME_ON_SUCCESS, FRAME_ON_FAILURE, FRAME_FINALLY } FrameRole;

struct Frame {
    uint32_t region;
    FrameRole role;
    Frame *parent;      /* whose words captures come from; NULL of a run's body */
    Control *control;   /* that opened it */
    uint64_t number;    /* ITEM: index in the source; PASS: number of the pass, from 0 */
    uint64_t element;   /* ITEM: place in the result */
    Frame *prev, *next; /* frames of the same control */
    Control *controls;  /* active ones of its nodes */
    Call *calls;        /* active ones of its nodes */
    uint32_t open;      /* nodes that have not ended */
    bool cancelling;    /* nothing more starts */
    bool cancelled;     /* some node was cancelled, or not started because of that */
    Fails fails;
    const RtFacts *facts;
    uint32_t *left;     /* per node: predecessors that have not ended */
    uint8_t *state;     /* per node */
    RtWord words[];
};

typedef enum SubPhase { SUB_BODY, SUB_OUTCOME, SUB_FINALLY, SUB_ENDED } SubPhase;

struct Control {
    uint32_t node;      /* of frame; UINT32_MAX: the run itself */
    Frame *frame;       /* NULL of the run */
    Control *prev, *next; /* of the same frame */
    Frame *frames;      /* open ones */
    uint32_t nframes;
    Fails fails;
    bool cancelled, cancel_items;
    /* EACH */
    RtWord source[2];
    uint32_t source_type[2];
    uint64_t *admitted; /* NULL: all */
    uint64_t n, next_item, failed;
    uint64_t parallel;  /* 0: no limit of its own */
    double tolerate;
    bool tolerant, fail_fast, hungry;
    RtList *result;
    /* LOOP */
    RtWord *state;
    int64_t bound, pass;
    /* TRY */
    bool caught;
    /* SUB and the run */
    uint32_t workflow;
    SubPhase phase;
    Frame *body;        /* kept for its handlers */
    EngineStatus status;
    RtFacts facts;      /* of its handlers */
    bool own_facts;
    RtWord *outcome;    /* the value, kept while handlers run */
    int64_t started;
    int64_t timer;      /* monotonic deadline of @timeout, 0: none */
};

/* Calls that ask for the same, in the order they became ready. */
typedef struct Class {
    double cpu;
    int64_t memory, gpu, priority;
    uint32_t pool;      /* index + 1, 0: none */
    Call *first, *last; /* that wait */
    uint32_t n;         /* live calls, waiting or not */
} Class;

typedef struct Pool {
    char *name;
    int64_t slots, used;
} Pool;

typedef enum CallState { CALL_QUEUED, CALL_RUNNING, CALL_SLEEPING } CallState;

/* Annotation arguments of a call, evaluated when it becomes ready. */
typedef struct Policy {
    int64_t retry, delay, max_delay, timeout, total, disk;
    double factor;
    bool jitter;
    const RtSetting *on;     /* the predicate of @retry, or NULL */
} Policy;

struct Call {
    Frame *frame;
    uint32_t node;
    const RtStep *step;
    Call *prev, *next;       /* of the same frame */
    Call *ahead, *behind;    /* in its class */
    CallState state;
    uint32_t class;
    uint64_t order;          /* when it became ready */
    uint32_t attempt;        /* the current one, from 1 */
    int64_t first_start;     /* monotonic ms of the first attempt */
    int64_t wall_start;
    int64_t wake;            /* SLEEPING: monotonic ms */
    uint32_t heap;           /* SLEEPING: place in the heap */
    bool stopping, classed;
    uint64_t gpus;           /* devices it holds */
    char *path;
    Policy policy;
    Task *task;              /* RUNNING */
    RtWord args[];           /* step->words, counted */
};

typedef enum WorkKind { WORK_NODE, WORK_FRAME } WorkKind;
typedef struct Work {
    Frame *frame;
    uint32_t node;
    WorkKind kind;
} Work;

struct Sched {
    const RtPlan *plan;
    const EngineOptions *o;
    Store *store;            /* NULL: nothing is stored (tests of the flow alone) */
    bool publish;            /* record the run */
    int64_t run;             /* its number in the journal */
    const char *run_id;
    Runner runner;
    Rt rt;
    bool *compiled;          /* per region */
    bool one_step;           /* the body's only call takes the parameters as they are */
    RtFacts facts;
    struct { Work *data; uint32_t len, cap; uint32_t head; } work;
    Control *root;
    bool done;
    VEC(Class) classes;
    VEC(Pool) pools;
    VEC(Control *) hungry;   /* EACHs that may open more items */
    VEC(Call *) heap;        /* sleeping calls by wake time */
    VEC(Control *) timed;    /* SUBs and the run with a deadline */
    uint32_t *slot;          /* free ones */
    uint32_t nslot, nslots;
    uint32_t queued, running, passed_over;
    uint64_t order;
    double cpu, cpu_used;
    int64_t memory, memory_used, gpu, gpu_used;
    uint64_t gpus_busy;      /* bits of devices */
    uint64_t random;
    atomic_int *cancel;      /* engine_cancel calls */
    int cancel_seen;
    bool killed;
    Buf trouble;             /* why nothing can be recorded any more */
    EngineResult *result;
};

static inline const RtRegion *frame_region(const Sched *s, const Frame *f) { return &s->plan->region[f->region]; }

/* ---- frame.c ---- */
/* Opens a region instance: counters set, captures copied, its first nodes queued by frame_start. NULL after an internal error of
   the compiler or a failed capture; the error is then pending in s->rt. */
Frame *frame_open(Sched *s, Control *c, Frame *parent, uint32_t region, FrameRole role);
void frame_start(Sched *s, Frame *f);
void frame_free(Sched *s, Frame *f);
/* Evaluates an operand over `base`; `out` gets scratch or borrowed words. */
bool frame_eval(Sched *s, const RtFacts *facts, const RtWord *base, const RtOpnd *o, RtWord *out);
/* The value of an annotation argument: over the frame that holds what it stands on, or the arguments. */
static inline bool setting_eval(Sched *s, const Frame *f, const RtWord *args, const RtSetting *set, RtWord *out) {
    return frame_eval(s, f != NULL ? f->facts : &s->facts, set->outer ? f->words : args, &set->value, out);
}
static inline uint32_t opnd_words(const Sched *s, const RtOpnd *o) {
    return o->from == RT_FROM_NONE ? 0 : s->plan->types->type[o->type].words;
}
/* Stores a value into words of the frame, counted. */
void frame_store(Sched *s, uint32_t type, RtWord *to, const RtWord *value);
/* The path of a node: "trials[2].model". In `out`. */
void frame_path(const Sched *s, const Frame *f, uint32_t node, Buf *out);

/* ---- flow.c ---- */
void sched_push(Sched *s, WorkKind kind, Frame *f, uint32_t node);
/* Ends a node of f; what waited for it becomes ready. */
void node_end(Sched *s, Frame *f, uint32_t node, NodeState state);
/* The same after an error pending in s->rt, or with the failures of a list. */
void node_fail_value(Sched *s, Frame *f, uint32_t node);
void node_fail(Sched *s, Frame *f, uint32_t node, FailList list);
/* Works until nothing is ready. */
void flow_work(Sched *s);
/* Nothing more starts in the frames of c and below; what runs is stopped. */
void flow_cancel(Sched *s, Control *c);

/* ---- control.c ---- */
void control_start(Sched *s, Frame *f, uint32_t node);
void control_frame_ended(Sched *s, Frame *f);
/* Begins the run's body. */
void control_root(Sched *s, uint32_t workflow, const RtWord *params);
void control_free(Sched *s, Control *c);
/* Opens more items of hungry EACHs while few calls wait. */
void control_feed(Sched *s);

/* ---- handlers.c ---- */
/* Opens the body of c->workflow with its arguments (borrowed). */
void sub_start(Sched *s, Control *c, const RtWord *args);
void sub_frame_ended(Sched *s, Control *c, Frame *f);

/* ---- call.c ---- */
void call_start(Sched *s, Frame *f, uint32_t node);
void call_admit(Sched *s);
void call_task_ended(Sched *s, Task *t);
void call_stop(Sched *s, Call *c, TaskStop how);
void call_wake(Sched *s, int64_t now);

/* ---- task.c ---- */
/* Fills c->task for its next attempt on `slot`; false with the error pending. */
bool task_make(Sched *s, Call *c, uint32_t slot);
/* The value of a call from what its attempt left: words into `out`, scratch; false with the error pending (kind output). */
bool task_value(Sched *s, Call *c, RtWord *out);
void task_free(Task *t);
/* The setting of a call, or NULL. */
const RtSetting *setting_of(const Sched *s, uint32_t first, uint32_t n, uint32_t key);

/* ---- failure.c ---- */
Fail *fail_new(Sched *s);
void fails_add(Fails *to, uint64_t order, FailList list);
/* All of them in order, as one list. The Fails is emptied. */
FailList fails_take(Fails *from);
/* Where the node stands in the text. */
uint64_t fail_order(const Sched *s, uint32_t node);
/* The Failure struct of the language, scratch words. */
void fail_words(Sched *s, const Fail *f, RtWord *out);

/* ---- record.c: events and rows ---- */
void record_event(Sched *s, const EngineEvent *e);
void record_attempt(Sched *s, const Call *c, const Task *t);
void record_call(Sched *s, const Call *c, NodeState state, const Fail *fail, const RtWord *value);
void record_skipped(Sched *s, const Frame *f, uint32_t node, NodeState state);
void record_failed_node(Sched *s, const Frame *f, uint32_t node, const Fail *fail);
int64_t wall_ms(void);

/* ---- params.c ---- */
/* Decodes the parameters into `words` (counted). Faults are appended, one a line. Without a store files are only looked at. */
/* Whether a value is within the @range and matches the @pattern of its parameter; else false with the error in rt, which
   begins with `lead`. */
bool param_fits(Rt *rt, const RtParam *p, const RtWord *value, const char *lead);
/* The same for an argument of a call. */
bool argument_fits(Rt *rt, const RtParam *p, const RtWord *value);
bool params_read(Rt *rt, Store *store, const RtPlan *plan, const char *whose, uint32_t param, uint32_t nparam, const EngineOptions *o,
                 RtWord *words, Buf *why);
void params_json(const RtTypes *t, const RtParam *param, uint32_t n, const RtWord *words, Buf *out);
RtFile *params_file(Rt *rt, uint32_t type, Str path, Str object);

/* ---- support.c ---- */
/* False when what would run uses a construct that this engine does not support; told by name, one a line. */
bool support_check(const RtPlan *plan, uint32_t workflow, const RtStep *only, Buf *why);

/* ---- machine.c ---- */
uint32_t machine_cpus(void);
int64_t machine_memory(void);
int32_t machine_gpus(void);

/* Runs a plan on a runner: the scheduler without store and threads, for engine_run and tests. `params` are counted words. */
void sched_run(Sched *s, uint32_t workflow, const RtWord *params);

#endif
