/* What the engine runs: the flow graph laid out for execution. Tables and ids only; the engine knows nothing of the compiler.
   Made by compiler/backend/plan from the flow graph; read-only while it runs. */
#ifndef WF_RUNTIME_ABI_RT_PLAN_H
#define WF_RUNTIME_ABI_RT_PLAN_H

#include "compiler/ir/settings.h"
#include "runtime/abi/rt_abi.h"

/* An expression as code: reads the frame, writes `out`; false when it failed (the error is pending in rt). `k` holds the
   offsets, constants and places that distinguish it from expressions of the same shape. Pure. */
typedef bool (*RtThunk)(Rt *rt, const RtWord *frame, const RtWord *k, RtWord *out);
/* The control of a PICK, EACH or LOOP node: computes and calls rt_pick, rt_each or rt_again; false when that failed. PICK and
   EACH read the frame of their own region. LOOP reads the frame of the pass that is about to start, its state and captures in
   place, and calls rt_again with the negation of `until`; the engine evaluates the node's operands (first state, bound) once,
   counts the passes and does not ask once the bound is reached. */
typedef bool (*RtDriver)(Rt *rt, const RtWord *frame, const RtWord *k);

typedef struct RtCode {
    union {
        RtThunk thunk;
        RtDriver driver;
    };
    const RtWord *k;
} RtCode;

/* Where an operand's words come from. */
typedef enum RtFrom {
    RT_FROM_NONE,
    RT_FROM_CONST, /* at: index of the first word in RtPlan.constant */
    RT_FROM_FRAME, /* at: offset in words */
    RT_FROM_CODE,  /* at: index in RtPlan.code */
    RT_FROM_FACT,  /* at: FlowFact */
} RtFrom;

typedef struct RtOpnd {
    uint8_t from;  /* RtFrom */
    uint32_t type;
    uint32_t at;
    uint32_t words;
} RtOpnd;

/* RT_LET is a pure value: evaluated on the spot when its inputs are there; it has no attempt and no record. RT_FAILURE fails
   with its message. */
typedef enum RtNodeKind { RT_CALL, RT_SUB, RT_PICK, RT_EACH, RT_LOOP, RT_TRY, RT_GATE, RT_LET, RT_FAILURE } RtNodeKind;

typedef struct RtNode {
    uint8_t kind;      /* RtNodeKind */
    const char *name;  /* of the binding or step; unique in its region */
    uint32_t type;     /* of its value; RT_NOTHING: none */
    uint32_t slot;     /* word offset of its value in the frame */
    uint32_t ref;      /* CALL: step; SUB: workflow */
    uint32_t arg, narg; /* operands in RtPlan.opnd */
    uint32_t region, nregion; /* children, contiguous; SUB: the body of the workflow */
    uint32_t driver;   /* PICK, EACH, LOOP: index in RtPlan.code */
    uint32_t succ, nsucc; /* successors, node ids in RtPlan.succ */
    uint32_t npred;
    uint32_t setting, nsetting; /* of the call or statement, then those of its step not set here; operands over the arguments:
                                   see RtSetting */
    uint32_t span;
} RtNode;

/* An annotation argument in force. The operand reads a frame that holds the parameters' words in order and then, for
   SET_RETRY_ON, the Failure; with `outer`, which what stands on a call itself has, the frame of the node's region (and for
   SET_RETRY_ON the Failure alone). */
typedef struct RtSetting {
    uint32_t key; /* Setting */
    bool outer;
    RtOpnd value;
} RtSetting;

typedef enum RtRegionKind { RT_BODY, RT_ARM, RT_ITEM, RT_PASS, RT_TRIED, RT_CAUGHT, RT_HANDLER } RtRegionKind;

/* A capture: words copied from the parent's frame, constants or code into the new frame when it opens. The parent of a handler
   is the body; on_failure and finally see a node's value of type T as T?: such a capture is RT_FROM_FRAME with the node's slot,
   `type` the T? and `words` those of T, and the engine sets the presence word when T? has one more word than T. */
typedef struct RtCapture {
    RtOpnd from;
    uint32_t to; /* word offset */
} RtCapture;

typedef struct RtRegion {
    uint8_t kind;          /* RtRegionKind */
    const char *name;      /* of an arm */
    uint32_t workflow;
    uint32_t first, n;     /* nodes */
    uint32_t words;        /* of a frame */
    uint32_t capture, ncapture;
    /* Where the engine puts what it knows itself, as word offsets; UINT32_MAX: not used.
       ITEM: index, item, second item. PASS: state. CAUGHT, HANDLER: failure. */
    uint32_t index_at, item_at, item2_at, state_at, failure_at;
    uint32_t item_words, item2_words;
    RtOpnd result;         /* RT_FROM_NONE when there is no value */
    uint32_t pointer, npointer; /* (offset, type) pairs in RtPlan.pointer of all slots that hold counted objects */
} RtRegion;

typedef struct RtParam {
    const char *name;
    uint32_t type;
    uint32_t offset;    /* words, in the frame of arguments */
    RtOpnd fallback;    /* RT_FROM_NONE when required */
    bool load;          /* @load */
    bool ranged;        /* @range: within low and high, infinite where it is open */
    double low, high;
    Str pattern;        /* @pattern; p is NULL without */
    bool secret;
    uint32_t span;
    const char *doc;
} RtParam;

typedef enum RtBody { RT_BODY_NONE, RT_BODY_FENCE, RT_BODY_EXEC, RT_BODY_EXTERN, RT_BODY_SUPPLIED } RtBody;

typedef struct RtStep {
    const char *name;   /* "std.http.download", "prepare" */
    uint32_t param, nparam, output, noutput; /* in RtPlan.param; outputs' offsets are in the result */
    uint32_t words;     /* of all arguments */
    uint32_t result;    /* type of a call's value */
    uint8_t body;       /* RtBody */
    const char *lang;   /* of a fence: "bash" "sh" "python" "node" */
    Str code;           /* fence: the script; extern: the symbol */
    bool in_project;    /* its code works in the project's directory, as the standard library's does: relative paths start there */
    const char *file;   /* source path */
    uint32_t code_line; /* line of the script's first line in that file */
    uint32_t code_indent;
    uint32_t argv, nargv; /* of exec, operands in RtPlan.opnd over a frame of the arguments followed by one string word per
                             output: its path */
    uint32_t setting, nsetting;
    uint32_t span;
} RtStep;

typedef struct RtWorkflow {
    const char *name;
    uint32_t param, nparam, output, noutput;
    uint32_t result;
    uint32_t body;                           /* region */
    uint32_t on_success, on_failure, finally; /* regions; 0: none */
    uint32_t setting, nsetting;              /* over the parameters */
    uint32_t span;
} RtWorkflow;

typedef struct RtSpan {
    const char *file;
    uint32_t line, col; /* from 1 */
    uint32_t end_col;   /* of the span's last line part shown */
} RtSpan;

typedef struct RtPlan {
    const RtTypes *types;
    const RtNode *node;
    uint32_t nnode;
    const RtRegion *region; /* [0] unused */
    uint32_t nregion;
    const RtOpnd *opnd;
    const uint32_t *succ, *pointer;
    const RtCapture *capture;
    const RtWord *constant;
    const RtSetting *setting;
    const RtParam *param;
    const RtStep *step;
    uint32_t nstep;
    const RtWorkflow *workflow;
    uint32_t nworkflow, main;
    const RtSpan *span;
    RtCode *code;           /* filled by `compile` */
    uint32_t ncode;
    uint32_t failure_type;  /* struct Failure: step: string, kind: FailureKind, code: int?, message: string, log: string */
    uint64_t hash;          /* of everything that decides what a run does, for resuming */
    /* Makes the code of a region's operands and drivers (0: of settings, argv and defaults); called before it first opens.
       False: internal error, text in `why`. */
    bool (*compile)(void *cx, uint32_t region, Buf *why);
    void *compile_cx;
    const char *source;     /* the main file, absolute: what a run remembers of where it came from; NULL: nowhere */
    const char *project;    /* directory that @code, include and relative paths of the run refer to */
} RtPlan;

#endif
