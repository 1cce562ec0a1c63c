/* Shared by the files of lowering. */
#ifndef WF_IR_LOWERING_H
#define WF_IR_LOWERING_H

#include "compiler/ir/lower.h"

#define NONE UINT32_MAX

/* What a local stands for in the region being lowered. */
typedef struct Env {
    Opnd opnd;
    bool loose;     /* a pure expression that is no node yet */
    uint32_t locals; /* how many it has */
    bool set;
    uint32_t first, n; /* nodes (temporary numbers) that are the work of a binding, in Lower.work */
} Env;

/* A region that waits to be lowered. */
typedef struct Pending {
    RegionId region;
    uint32_t module;
    NodeId body;       /* BLOCK or expression; 0: empty, gives none */
    NodeId construct;  /* FOR, REPEAT, TRY, HANDLER ...; 0: an arm or a workflow's body */
    TypeId type;       /* of the value */
    uint32_t locals, nlocals; /* in Lower.captured: what the inputs after the first `special` are */
    uint32_t special;
} Pending;

typedef struct Lower {
    Flow *f;
    Sema *s;
    uint32_t m;              /* module of the tree being lowered */
    const Ast *ast;
    uint32_t *step, *fn, *workflow; /* by symbol: index in the flow, or NONE */
    Env *env;                /* by local */
    VEC(Pending) pending;
    VEC(uint32_t) captured;  /* locals */
    uint32_t *mark, stamp;   /* by local: the stamp of the last region that captured it */
    VEC(uint32_t) work;
    /* the region being lowered; 0 in a fn, step or default */
    RegionId region;
    VEC(FlowNode) node;      /* with temporary numbers */
    VEC(Span) span;
    VEC(bool) bound;         /* named by a binding */
    VEC(FlowEdge) order;     /* by `>>`, temporary numbers */
    uint32_t opnd_from, input_from; /* what was added since belongs to the region */
    uint32_t next_local;     /* of the expression being lowered */
    unsigned loops;          /* loops around the expression being lowered */
    VEC(uint16_t) height;    /* of expressions, by id; filled up when asked */
    uint32_t nparam_inputs;  /* INPUT of the first output's path in argv; of the failure in settings */
} Lower;

static inline Module *lw_mod(const Lower *l) { return &l->s->module.data[l->m]; }
static inline TypeId lw_type(const Lower *l, NodeId e) { return lw_mod(l)->type[e]; }
static inline Ref lw_ref(const Lower *l, NodeId e) { return lw_mod(l)->ref[e]; }
static inline bool lw_flag(const Lower *l, NodeId e, unsigned flag) { return e != 0 && (lw_mod(l)->flag[e] & flag) != 0; }
static inline Span lw_span(const Lower *l, NodeId e) { return ast_span(l->ast, e); }
static inline TypeKind lw_kind(const Lower *l, TypeId t) { return type_kind(l->s->types, t); }

/* --- lower_expr.c --- */
/* An expression as an operand of the type `want`; T_NOTHING: its own type. Work in it becomes nodes of the region. */
Opnd lower_expr(Lower *l, NodeId e, TypeId want);
/* The same as the root of an expression: locals are numbered from 0. */
Opnd lower_root(Lower *l, NodeId e, TypeId want);
Opnd convert(Lower *l, Opnd o, TypeId from, TypeId to, Span span);
/* The default of a parameter or field, which may stand in another file. */
Opnd lower_default(Lower *l, uint32_t module, NodeId value, TypeId want);
Opnd op1(Lower *l, FlowOp op, TypeId type, Span span, Opnd a);
Opnd op2(Lower *l, FlowOp op, TypeId type, Span span, Opnd a, Opnd b);
Opnd op3(Lower *l, FlowOp op, TypeId type, Span span, Opnd a, Opnd b, Opnd c);
void set_env(Lower *l, uint32_t local, Opnd o);
/* The condition under which an arm of a `match` is taken. */
Opnd arm_condition(Lower *l, AstArm arm, Opnd subject, TypeId type);
/* Sets the environment of loop variables. `index`, `item`, `item2` are operands; how the source is read stands in *form. */
typedef enum LoopForm { LOOP_PLAIN, LOOP_ENUMERATE, LOOP_ZIP, LOOP_PAIRS } LoopForm;
LoopForm loop_form(const Lower *l, AstFor x, NodeId source[2]);
void bind_loop_vars(Lower *l, AstFor x, LoopForm form, Opnd index, Opnd item, Opnd item2);

/* --- lower_call.c --- */
Opnd lower_call(Lower *l, NodeId e);
Opnd lower_lib(Lower *l, NodeId e);

/* --- lower_flow.c --- */
/* A branch, loop or `try` that holds work, as a node; its value. */
Opnd lower_construct(Lower *l, NodeId e);
bool is_construct(const Lower *l, NodeId e);
uint32_t add_node(Lower *l, FlowNodeKind kind, Atom name, TypeId type, uint32_t ref, const Opnd *args, uint16_t n, Span span);
/* A loose binding becomes a node of its own. */
Opnd materialize(Lower *l, uint32_t local);
void lower_pending(Lower *l);
void lower_handlers(Lower *l, uint32_t workflow, NodeId body);

/* --- lower.c --- */
uint32_t step_of(Lower *l, uint32_t symbol);
uint32_t fn_of(Lower *l, uint32_t symbol);
uint32_t workflow_of(Lower *l, uint32_t symbol);
/* Settings of what stands on a statement, over the region's operands; the test of a failure is over the failure as INPUT 0. */
uint32_t lower_settings(Lower *l, AstList annots);

#endif
