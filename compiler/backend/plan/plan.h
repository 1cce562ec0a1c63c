/* The flow graph laid out for execution: the plan that the engine runs, and what must become code. */
#ifndef WF_BACKEND_PLAN_PLAN_H
#define WF_BACKEND_PLAN_PLAN_H

#include "compiler/ir/flow.h"
#include "runtime/abi/rt_plan.h"

typedef enum CodeKind {
    CODE_VALUE,  /* RtThunk: the words of `opnd` */
    CODE_DRIVER, /* RtDriver of `node` */
} CodeKind;

/* Where the operands of a piece of code find their words. */
typedef enum FrameKind {
    FRAME_REGION,  /* inputs and nodes of `region` */
    FRAME_STEP,    /* the parameters of step `owner`, then one word per output (argv) or the Failure (settings) */
    FRAME_WORKFLOW,/* the parameters of workflow `owner` */
    FRAME_FAILURE, /* the Failure alone */
    FRAME_NOTHING, /* defaults */
} FrameKind;

/* One piece of code, by its index in RtPlan.code. */
typedef struct PlanCode {
    CodeKind kind;
    FrameKind frame;
    RegionId region; /* it is compiled before this region opens; 0: before the run */
    uint32_t owner;
    Opnd opnd;
    NodeId node;
    bool hot;        /* runs once per item or pass, or holds a loop: worth optimising */
} PlanCode;

typedef struct Plan {
    RtPlan rt;
    const Flow *flow;     /* borrowed */
    Arena arena;
    VEC(PlanCode) code;   /* as RtPlan.code */
    uint32_t *node_slot;  /* by NodeId: word offset in its region's frame */
    uint32_t *input_slot; /* by index in Flow.input */
    uint32_t *param_slot; /* by index in Flow.param: word offset in the frame of arguments, or in the record of outputs */
} Plan;

/* Lays out a verified graph. `project` is the directory that relative paths of the run refer to; it and the flow must outlive
   the plan. The code pointers are empty: a back end fills them through RtPlan.compile. Linear. */
void plan_build(Plan *p, const Flow *flow, const char *project);
void plan_free(Plan *p);

/* The words of a type. */
static inline uint32_t plan_words(const Plan *p, TypeId t) { return p->rt.types->type[t].words; }
/* Word offset of an INPUT of a piece of code, in the frame it reads. */
uint32_t plan_input_offset(const Plan *p, const PlanCode *code, uint32_t input);
/* The type of an operand of a piece of code; `local` gives those of locals (by number) and may be NULL when there are none. */
TypeId plan_opnd_type(const Plan *p, const PlanCode *code, Opnd o, const TypeId *local);
/* The words of a scalar constant; text is static. */
void plan_constant(Plan *p, const FlowConst *c, RtWord *out);
/* An EACH driver's view of the items: the guard of the child region reads inputs that are captured from the operands here, the
   index and the items of the sources. */
const FlowRegion *plan_child(const Plan *p, NodeId node);

#endif
