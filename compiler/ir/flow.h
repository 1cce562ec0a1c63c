/* The flow graph (IR): what a checked program means, as arrays and ids. No pointers into the syntax tree; names are atoms,
   positions are spans. Text form: dump.c; invariants: verify.c.

   A region is a closed block: nothing inside refers to a node outside except through the region's inputs. Its nodes are
   contiguous and in topological order, ties by the order of the text, so that every edge goes from a lower to a higher id. */
#ifndef WF_IR_FLOW_H
#define WF_IR_FLOW_H

#include "compiler/ir/settings.h"
#include "compiler/source/source.h"
#include "compiler/type/lib.h"
#include "compiler/type/type.h"

typedef uint32_t NodeId, RegionId, ExprId;

/* An operand: 3-bit tag and 29-bit index. */
typedef uint32_t Opnd;
typedef enum OpndTag {
    OPND_NONE,  /* index 0 */
    OPND_CONST, /* Flow.constant */
    OPND_NODE,  /* value of a node of the same region */
    OPND_INPUT, /* input of the region; in a fn, step setting or exec argv: parameter of that fn or step */
    OPND_EXPR,  /* Flow.expr */
    OPND_LOCAL, /* local of the enclosing expression */
    OPND_FACT,  /* FlowFact */
} OpndTag;
static inline Opnd opnd(OpndTag tag, uint32_t index) { return (uint32_t)tag << 29 | index; }
static inline OpndTag opnd_tag(Opnd o) { return (OpndTag)(o >> 29); }
static inline uint32_t opnd_index(Opnd o) { return o & 0x1FFFFFFFu; }
#define OPND_ABSENT ((Opnd)0)

/* What a run knows about itself. Types in flow_fact_type. */
typedef enum FlowFact {
    FACT_RUN_ID,           /* string */
    FACT_RUN_TIME,         /* time: when the run was created */
    FACT_RUN_SCHEDULED_AT, /* time? */
    FACT_RUN_PARAMS,       /* json */
    FACT_RUN_STATUS,       /* string, in handlers: succeeded, failed, cancelled */
    FACT_RUN_DURATION,     /* duration, in handlers */
    FACT_RUN_FAILURES,     /* [Failure], in handlers, in order of the text */
    FACT_COUNT
} FlowFact;

typedef enum FlowCmp { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE } FlowCmp;

typedef enum FlowOp {
#define OP(name, text, lazy) FLOW_##name,
#include "compiler/ir/ops.def"
#undef OP
    FLOW_OP_COUNT
} FlowOp;

typedef struct FlowExpr {
    uint8_t op;    /* FlowOp */
    uint8_t cmp;   /* FlowCmp of CMP */
    uint16_t n;    /* operands */
    TypeId type;
    uint32_t a;    /* first operand in Flow.opnd; an operand's expression has a lower id than its user */
    uint32_t b;    /* see ops.def */
} FlowExpr;

typedef enum FlowConstKind { CONST_NONE, CONST_BOOL, CONST_INT, CONST_FLOAT, CONST_STRING, CONST_ENUM } FlowConstKind;

/* A scalar constant. CONST_NONE is `none` of an optional type; CONST_INT is also of duration, size, time; CONST_STRING also of
   json (then valid, minified JSON text). A list, map or record constant is an expression. */
typedef struct FlowConst {
    FlowConstKind kind;
    TypeId type;
    union {
        int64_t i; /* BOOL, INT, ENUM (index of the member) */
        double f;
        Str s;
    };
} FlowConst;

typedef enum FlowNodeKind {
    NODE_CALL, /* ref: step; operands: arguments in declared order, defaults filled in */
    NODE_SUB,  /* ref: workflow; operands likewise */
    NODE_PICK, /* operand: selector, an int: which child region runs; a missing else is an empty region that gives none */
    NODE_EACH, /* operands: source, second source or NONE; child: item region, its guard is the filter */
    NODE_LOOP, /* operands: first state, bound; child: pass region, its guard is `until` */
    NODE_TRY,  /* children: tried, caught */
    NODE_GATE, /* order only */
    NODE_LET,  /* operand: a shared pure value, evaluated once when its inputs are there */
    NODE_FAIL, /* operand: message (string) */
} FlowNodeKind;

typedef struct FlowNode {
    uint8_t kind;      /* FlowNodeKind */
    uint8_t flags;
    uint16_t nargs, nregions;
    Atom name;         /* unique in its region */
    TypeId type;       /* T_NOTHING: no value */
    uint32_t ref;
    uint32_t arg;      /* first operand in Flow.opnd */
    RegionId region;   /* first child; children are contiguous */
    uint32_t settings; /* index into Flow.settings of what stands on the call or statement; 0: none */
} FlowNode;

typedef enum EdgeKind { EDGE_DATA, EDGE_ORDER } EdgeKind;
typedef struct FlowEdge {
    NodeId from, to;
    EdgeKind kind;
} FlowEdge;

typedef enum RegionKind { REGION_BODY, REGION_ARM, REGION_ITEM, REGION_PASS, REGION_TRIED, REGION_CAUGHT, REGION_HANDLER } RegionKind;

/* What an input of a region is, in the order: params (BODY), or item values, then captures. */
typedef struct FlowInput {
    Atom name;
    TypeId type;
    Opnd from; /* the operand of the parent region that is captured; OPND_NONE for a parameter (BODY), the item's index, item
                  and second item (ITEM: always the first two or three inputs), the state (PASS: the first), the failure
                  (CAUGHT and handlers: the first) */
} FlowInput;

typedef struct FlowRegion {
    RegionKind kind;
    NodeId owner;        /* the node it is a child of; unused for BODY and HANDLER */
    RegionId parent;     /* 0 for BODY; the body for HANDLER */
    uint32_t workflow;   /* whose it is */
    NodeId first;
    uint32_t n;          /* nodes */
    uint32_t input, ninput; /* in Flow.input */
    Opnd result;         /* the value; OPND_NONE when the owner's type is T_NOTHING */
    Opnd guard;          /* ITEM: filter (true admits); PASS: until (true ends; tested before each pass); else NONE */
    Span span;
    Atom name;           /* of an arm: "promote", "then", "else"; else 0 */
} FlowRegion;

typedef struct FlowParam {
    Atom name;
    TypeId type;
    Opnd fallback; /* the default: a constant or an expression over nothing; NONE when required */
    bool load;     /* @load: the step's code gets the loaded object */
    bool ranged;   /* @range: within low and high, infinite where it is open */
    double low, high;
    Str pattern;   /* @pattern: RE2 that the whole text matches; p is NULL without */
    Span span;
    Str doc;
} FlowParam;

typedef enum StepBody { BODY_NONE, BODY_FENCE, BODY_EXEC, BODY_EXTERN, BODY_SUPPLIED } StepBody;

/* A body of a step on one engine: `on airflow operator "a.b.C" (x: x)`. */
typedef struct FlowTargetBody {
    uint32_t step;   /* whose it is */
    Atom engine, word;
    Str text;
    uint32_t arg, narg; /* in Flow.opnd, over the step's parameters */
    uint32_t argname;   /* first of the arguments' names in Flow.argname; 0: without a name */
    Span span;
} FlowTargetBody;

typedef struct FlowStep {
    Atom name;             /* as declared */
    Atom module;           /* alias-free name of its file: "std.http", "" for the main file, else the path */
    Span span;             /* of the name */
    uint32_t param, nparam;   /* in Flow.param */
    uint32_t output, noutput; /* in Flow.param; one unnamed output is called "out" */
    bool unnamed;          /* the single output has no name of its own */
    StepBody body;
    Atom lang;             /* of a fence */
    Str code;              /* a fence's code without common indentation, or the extern symbol */
    Span code_span;        /* of the code in the source */
    uint32_t code_line;    /* source line (from 1) of the code's first line */
    uint32_t code_indent;  /* bytes of indentation removed from each line */
    uint32_t argv, nargv;  /* of exec: operands in Flow.opnd over the inputs 0..nparam (parameters) and nparam.. (the paths of
                              the outputs, as strings) */
    uint32_t settings;     /* annotations; operands are over the parameters, the failure being input nparam (retry's `on`) */
    TypeId result;         /* what a call gives */
} FlowStep;

typedef struct FlowFn {
    Atom name, module;
    Span span;
    uint32_t param, nparam;
    TypeId result;
    Opnd body;       /* over INPUTs */
} FlowFn;

typedef struct FlowWorkflow {
    Atom name, module;
    Span span;
    uint32_t param, nparam;   /* the first inputs of the body region */
    uint32_t output, noutput; /* named outputs, or the one unnamed; in Flow.param */
    bool unnamed;
    TypeId result;
    RegionId body;
    RegionId on_success, on_failure, finally; /* 0: none */
    uint32_t settings;
    Str doc;
} FlowWorkflow;

/* A block `target NAME on ENGINE { name = value }`. */
typedef struct FlowTarget {
    Atom name, engine;
    Span span;
    uint32_t value, nvalue; /* in Flow.target_value */
} FlowTarget;
typedef struct FlowTargetValue {
    Atom name;
    Opnd value; /* a constant, or an expression over nothing */
    TypeId type;
    Span span;
} FlowTargetValue;

/* The default of a struct's field: an expression over nothing. */
typedef struct FlowDefault {
    TypeId type;
    uint32_t field;
    Opnd value;
} FlowDefault;

/* One annotation argument in force. */
typedef struct FlowSetting {
    Setting key;
    Opnd value; /* over the parameters of what it stands on */
    Span span;
} FlowSetting;
typedef struct FlowSettings {
    uint32_t first, n; /* in Flow.setting */
} FlowSettings;

typedef struct Flow {
    Atoms *atoms;  /* borrowed */
    Types *types;  /* borrowed */
    Sources *sources; /* borrowed */
    Arena arena;   /* texts */
    VEC(FlowNode) node;
    VEC(Span) node_span;
    VEC(FlowEdge) edge;   /* sorted by `to`, then `from`; each once (data wins over order) */
    VEC(uint32_t) pred_at; /* nodes + 1: edges of node i are edge[pred_at[i] .. pred_at[i+1]) */
    VEC(FlowExpr) expr;
    VEC(Span) expr_span;
    VEC(Opnd) opnd;
    VEC(FlowConst) constant;
    VEC(FlowRegion) region;  /* [0] unused */
    VEC(FlowInput) input;
    VEC(FlowParam) param;
    VEC(FlowStep) step;
    VEC(FlowFn) fn;
    VEC(FlowWorkflow) workflow;
    VEC(FlowDefault) fallback;
    VEC(FlowTargetBody) target_body;
    VEC(Atom) argname;
    VEC(FlowTarget) target;  /* of the main file */
    VEC(FlowTargetValue) target_value;
    VEC(FlowSetting) setting;
    VEC(FlowSettings) settings; /* [0] is empty */
    uint32_t main;              /* the workflow to run unless one is named */
    TypeId failure;             /* struct Failure of the prelude */
} Flow;

void flow_init(Flow *f, Atoms *atoms, Types *types, Sources *sources);
void flow_free(Flow *f);

static inline const Opnd *flow_opnds(const Flow *f, uint32_t first) { return f->opnd.data + first; }
/* The type of an operand inside `region` (0 in a fn or step, then `params` are its inputs). Locals are not known here: T_ERROR. */
TypeId flow_fact_type(const Flow *f, FlowFact fact);

ExprId flow_expr(Flow *f, FlowOp op, TypeId type, Span span, const Opnd *operands, uint16_t n, uint32_t b);
Opnd flow_const_int(Flow *f, TypeId type, int64_t v);
Opnd flow_const_float(Flow *f, double v);
Opnd flow_const_bool(Flow *f, bool v);
Opnd flow_const_string(Flow *f, TypeId type, Str s); /* s is copied */
Opnd flow_const_none(Flow *f, TypeId opt);
/* Sorts the edges, drops doubles, fills pred_at. O(edges log edges). */
void flow_index_edges(Flow *f);
/* The setting of a call (what stands on it wins) or its step; NULL when unset. */
const FlowSetting *flow_setting(const Flow *f, uint32_t settings, Setting key);

/* The text form, one node a line; the format is described in docs/ir.md. O(size). */
void flow_dump(Buf *out, const Flow *f);
/* True when all invariants hold; else false with the first broken one in `why`. O(size). */
bool flow_verify(const Flow *f, Buf *why);

#endif
