/* Airflow: a workflow as NAME.py, whose tasks wf_airflow.py builds and runs. What the parts of the emitter share. */
#ifndef WF_BACKEND_AIRFLOW_AIRFLOW_H
#define WF_BACKEND_AIRFLOW_AIRFLOW_H

#include "compiler/backend/emit/py_expr.h"
#include "compiler/backend/emit/target.h"

/* Most passes of a `repeat`, most tasks of a DAG, most bytes of a task's name without what we add. */
enum { AIRFLOW_PASSES = 100, AIRFLOW_TASKS = 20000, AIRFLOW_NAME = 230 };

/* A region where it is written. A workflow that is called twice, and a pass, stand there more than once. */
typedef struct Block {
    const struct Block *parent; /* in which its captures stand; NULL for the body of a workflow */
    const struct Block *around; /* in which it stands itself, also the body of a workflow that is called */
    RegionId region;
    const char *id;             /* what the names of its tasks begin with: "", "trials.", "match.hold." */
    const char *own;            /* the task that has what is its own: inputs of a workflow, the failure, the state; or its loop */
    const char *end;            /* of a workflow with handlers, in its handlers: the task that knows how the body ended */
} Block;

typedef struct Writer {
    TargetCx *cx;
    const Flow *f;
    EmitOut *out;
    Buf *b;
    Arena arena;
    const char **step_name; /* by step, NULL unless it is used */
    size_t line;            /* where the call that is being written begins, */
    VEC(size_t) comma;      /* and where its arguments end */
    VEC(TypeId) type;       /* structs and enums that the text names */
} Writer;

/* --- expressions.c --- */

/* A lambda over the values that tasks see, `lambda v: ...`, of the operand in its public form; NULL block: of a step's setting. */
void aw_lambda(Writer *w, const Block *b, Opnd o);
/* The same of a value as expressions see it: a condition, a number of milliseconds. */
void aw_raw_lambda(Writer *w, const Block *b, Opnd o);
/* `lambda v: {"a": ..., "b": ...}` of operands with the names of parameters. */
void aw_inputs(Writer *w, const Block *b, const Opnd *o, uint32_t param, uint32_t n);
/* An operand over nothing in its public form: a default. */
void aw_constant(Writer *w, Opnd o);
/* What stands on a step: a lambda over its inputs (`v.input("x")`), in the form of expressions. */
void aw_step_lambda(Writer *w, const FlowStep *s, Opnd o);
/* `lambda v, e: ...`: the test of a failure, of a step or (NULL) of a call. */
void aw_predicate(Writer *w, const FlowStep *s, Opnd o);
/* `lambda v: [...]`: the arguments of an `exec`. */
void aw_argv(Writer *w, const FlowStep *s);
/* `lambda v: {"sql": v["query"], ...}`: the arguments of an operator. */
void aw_arguments(Writer *w, const FlowTargetBody *b);
/* A type as the shim reads it; structs and enums by the names of constants, which aw_types writes. */
void aw_type(Writer *w, TypeId t);
void aw_types(Writer *w);
/* The functions that the workflow uses. */
void aw_functions(Writer *w, const uint8_t *used);

/* --- steps.c --- */

void aw_steps(Writer *w, const uint8_t *used);
/* The JSON schema of a parameter, for the form that starts a run. */
void aw_schema(Buf *json, const Flow *f, TypeId t, Str doc);

/* --- tasks.c --- */

/* The tasks of the workflow. O(size of what is written). */
void aw_tasks(Writer *w);

typedef struct AirflowSize {
    uint64_t tasks;   /* above AIRFLOW_TASKS it is not counted further */
    bool too_long;    /* a name would be longer than AIRFLOW_NAME: */
    NodeId node;      /* that of this node */
} AirflowSize;
AirflowSize airflow_size(const Flow *f, uint32_t workflow);

/* `"limits": {...}` or `, limits={...}` and so on: what @range and @pattern say of parameters, between those texts; or nothing. */
void aw_limits(Writer *w, const char *before, uint32_t param, uint32_t n, const char *after);

/* --- own.c --- */

/* Reports what is wrong with an `@airflow(...)`, on a workflow or on a step; NULL: nothing. */
void airflow_own_check(TargetCx *cx, const FlowSetting *s, bool dag);
/* Its settings as arguments, each between the two texts. */
void aw_own(Writer *w, const FlowSetting *s, const char *before, const char *after);

/* --- operator.c --- */

/* Reports what is wrong with a body `on airflow ...` and its step; and with settings for it, those of the step or of a call. */
void airflow_operator_check(TargetCx *cx, const FlowTargetBody *b);
void airflow_operator_settings(TargetCx *cx, uint32_t step, uint32_t settings);
/* Whether a step that is used has such a body. */
bool airflow_has_operator(const TargetCx *cx, const Used *used);

/* --- pod.c --- */

/* Whether the setting is one of those that the Kubernetes executor alone reads. */
bool airflow_of_pod(Setting key);
/* `pod(...)` behind the text, when any of them stands on the call or its step, or (NULL) on the workflow; otherwise nothing, and
   false: tasks without any have what the workflow has. */
bool aw_pod(Writer *w, const FlowNode *call, const char *before);

/* --- dag.c --- */

void airflow_emit(TargetCx *cx, EmitOut *out);
/* The setting that holds for a call: an annotation on it replaces the step's of the same name. */
const FlowSetting *airflow_setting(const Flow *f, const FlowNode *call, Setting key, bool *on_call);
/* The operand as a constant, or NULL. */
const FlowConst *airflow_const(const Flow *f, Opnd o);

/* The bytes of wf_airflow.py, and of wf_operator.py. */
Str airflow_runtime(void);
Str airflow_operator_runtime(void);

#endif
