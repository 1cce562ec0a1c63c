/* Writing a workflow as a state machine: what the parts of this folder share.

   The data of a machine, and of each item of a Map, is one object:
     $.c   run (id, time, params), at (what stands before the paths of calls), in (parameters or captured values), and of an item
           index, item, second
     $.v   by node: {"o": {"ok", "value", "failures"}}, null before it has run
     $.r   after a Parallel: {"ok", "failures"} of each branch
     $.e   {"o": {"failures"}} on the way to where failures go
   Nothing fails inside a Map or Parallel, which would end what runs beside it: a failure is a value until its region has ended.
   With @fail_fast that is what is wanted: items and branches fail, with their failures as JSON text. */
#ifndef WF_BACKEND_STEPFUNCTIONS_ASL_H
#define WF_BACKEND_STEPFUNCTIONS_ASL_H

#include "base/json.h"
#include "compiler/backend/emit/py_expr.h"
#include "compiler/backend/emit/target.h"
#include "compiler/backend/stepfunctions/shape.h"

/* One instance of a region: a workflow that is called twice is written twice. */
typedef struct Scope Scope;
struct Scope {
    const Scope *up;   /* of the parent region; of a called workflow's body: the caller's */
    RegionId region;
    NodeId call;       /* of a called workflow's body: the call, in `up` */
    const char *name;  /* begins the names of its states and the static paths of its nodes: "trials." */
    const char *key;   /* begins its keys in $.v: "sub__" */
    const char *at;    /* path of the text that begins the paths of its nodes, "trials[2]"; NULL: nothing does */
    const char *tail;  /* and what stands between that and a node's name: "match." */
    const char *path;  /* begins the paths of its nodes without the numbers of items and passes: "trials.match." */
    const char *end;   /* of handlers: the key of {"status", "failures"} in $.v */
    const Shape *shape; /* of its nodes, once `shaped`; NULL when none has states */
    Order *order;
    bool shaped;
    uint8_t *stands; /* by node of the region: what asl_stands has found, 0 not yet, 1 no, 2 yes */
};

/* Where failures go: a state, and whether anything went there. */
typedef struct Exit {
    const char *state;
    bool used;
} Exit;

typedef VEC(const char *) Names;

/* A machine, or what runs as one: a branch of a Parallel, the items of a Map. */
typedef struct Level {
    JsonOut states;
    Names *keys;   /* written to $.v so far; branches share those of what is around them */
    bool *parallel; /* whether keys must be null at first, since a branch may end without having written them */
} Level;

typedef struct Mark {
    size_t at;
    Span span;
} Mark;

typedef struct Asl {
    TargetCx *cx;
    const Flow *flow;
    Arena arena;
    Buf json;        /* the machine, without layout */
    VEC(Mark) mark;
    Level level;     /* being written */
    Exit *exit;
    bool hot;        /* inside @fail_fast: a failure ends the Map or Parallel around it at once */
    bool item;       /* inside an item of a Map */
    uint8_t *kept;   /* by node: a handler looks at its value, so that it must have a place in $.v */
    Buf units, calls, order; /* entries of the Python module */
    const char *workflow;
} Asl;

/* --- operand.c --- */

/* The operand behind names: captured inputs, arguments of called workflows, bindings that are another's field. */
void asl_resolve(const Asl *a, const Scope **s, Opnd *o);
/* Appends the JSONPath of a value that stands in the data as it is; false when it must be computed. */
bool asl_path(const Asl *a, const Scope *s, Opnd o, Buf *out);
TypeId asl_type(const Asl *a, const Scope *s, Opnd o);
/* Writes the field of a payload template; false, and nothing, when the value must be computed. */
bool asl_field(const Asl *a, const Scope *s, JsonOut *j, const char *key, Opnd o);
/* Whether asl_field can. */
bool asl_simple(const Asl *a, const Scope *s, Opnd o);
/* Appends the fields of a rule of Choice that holds when the operand is true; false when it must be computed. */
bool asl_rule(const Asl *a, const Scope *s, Opnd o, Buf *out);
/* Writes {"parts": ..., "item": ...}: the values that the operands refer to, by the names under which asl_python finds them. */
void asl_leaves(Asl *a, const Scope *s, JsonOut *j, const char *key, const Opnd *o, uint32_t n);
/* Appends the operand as Python over the dict `d` of those values, in JSON form when `encoded`. `all` are the operands given to
   asl_leaves. */
void asl_python(Asl *a, const Scope *s, Buf *out, Opnd o, const Opnd *all, uint32_t n, bool encoded);
/* A string in JSON in which no `${` stands: templates of states are substituted as text by the tools that create them. */
void asl_string(Buf *out, Str s);
/* The key in $.c.in of a captured value of an item; a later one of the same name gets its number. */
const char *asl_input_name(const Asl *a, const FlowRegion *r, uint32_t i);
/* Appends the filter of a loop as a function of the index and the items in JSON form. */
void asl_python_guard(Asl *a, const Scope *s, Buf *out, RegionId item, const Opnd *all, uint32_t n);

/* --- state.c --- */

const char *asl_node_name(const Asl *a, const Scope *s, NodeId n);  /* "trials.model" */
const char *asl_node_key(const Asl *a, const Scope *s, NodeId n);   /* "model": where its value stands in $.v */
/* The name of a state: `base`, or "base: what"; a hash in place of the end of one that is longer than 80 characters. */
const char *asl_name(const Asl *a, const char *base, const char *what);
void asl_key(Asl *a, const char *key); /* a key in $.v that is written */
void asl_mark(Asl *a, Span span);

JsonOut asl_state(Asl *a, const char *name, const char *type);
void asl_put(Asl *a, JsonOut *j, const char *key, const char *value); /* a string of ours */
void asl_path_field(Asl *a, JsonOut *j, const char *key, const char *value); /* key.$ */
/* key or key.$: the text of `format` with each {} replaced by the value of a path; constant when there are none. */
void asl_format(Asl *a, JsonOut *j, const char *key, const char *format, const char *const *path, int n);
/* The path of a node, "trials[2].model", as a format over the scope's `at`; of the block itself when node is "". */
const char *asl_path_format(Asl *a, const Scope *s, const char *node);
void asl_node_path(Asl *a, const Scope *s, JsonOut *j, const char *key, const char *node);
/* A setting of the target, or a ${placeholder}. */
void asl_setting(Asl *a, JsonOut *j, const char *key, const char *setting);
/* Where failures go is used; its name. */
const char *asl_fail(Asl *a);
/* A call of the function: what it does is in the fields that the caller adds to the payload, which is open when this returns. */
typedef struct Invoke {
    JsonOut state, parameters, payload;
} Invoke;
Invoke asl_invoke(Asl *a, const char *name, const char *what);
/* Closes it: its answer goes to $.v.KEY.o, then `next`; when the function cannot be called, the node is lost. */
void asl_invoke_end(Asl *a, Invoke *i, const char *key, const char *base, const char *next);
/* The same with a result of its own. */
void asl_invoke_result(Asl *a, Invoke *i, const char *selector, const char *path, const char *base, const char *next);
void asl_catch(Asl *a, JsonOut *j, const char *path, const char *next);
/* Closes a Task of lambda or s3 in the same way; its result goes where its ResultPath says. */
void asl_task_end(Asl *a, JsonOut *j, const char *service, const char *base, const char *next);
/* The states after one that left an outcome in $.v.KEY.o: `next` when it is ok, else where failures go. The name of the first. */
const char *asl_check_name(const Asl *a, const char *base);
void asl_check(Asl *a, const Scope *s, const char *base, const char *node, const char *key, const char *next);
/* The parts of it: "base: failed", which takes the failures of $.v.KEY.o along, and "base: lost", which makes one. */
void asl_failed(Asl *a, const Scope *s, const char *base, const char *node, const char *key);
void asl_lost(Asl *a, const Scope *s, const char *base, const char *node, const char *fail);
/* Where failures go at the end of an item or branch that is hot: two states, the first called `name`, that fail with them; and
   the state after the Map or Parallel that takes them up again, to which asl_hot_catch leads. */
void asl_hot_end(Asl *a, const char *name);
void asl_hot_catch(Asl *a, JsonOut *j, const char *base);
void asl_hot_caught(Asl *a, const char *base);
/* Writes the first $.v: keys without a value, or none. */
void asl_null_values(Asl *a, const Names *keys, bool nulls);
/* Stores the operand's value at $.v.KEY.o.value in the state `name`, computed where it must be. */
void asl_value(Asl *a, const Scope *s, const char *name, const char *node, const char *key, Opnd o, const char *next);

/* The same, always computed; `wrapper` is NULL or the beginning of a call in Python around it. */
void asl_compute(Asl *a, const Scope *s, const char *name, const char *node, const char *key, Opnd o, const char *wrapper,
                 const char *next);

/* --- node.c --- */

/* Whether argument i of a called workflow must be computed before the call. */
bool asl_argument_computed(const Asl *a, const Scope *s, NodeId n, uint32_t i);
bool asl_stands(const Asl *a, const Scope *s, NodeId n); /* whether the node has states */
const char *asl_entry(Asl *a, const Scope *s, NodeId n, const char *next); /* the name of its first state */
void asl_node(Asl *a, const Scope *s, NodeId n, const char *next);
bool asl_node_stops(Asl *a, const Scope *s, NodeId n); /* whether nothing ever comes after it */
/* The key of a call's file in the store, with the prefix of the target when whole. */
void asl_object_key(Asl *a, const Scope *s, JsonOut *j, const char *key, const char *node, const char *file, bool whole);

/* Whether loops that stand in no other run their items as executions of their own. */
bool asl_distributes(const TargetCx *cx);

/* --- run.c --- */

const char *asl_runner(const TargetCx *cx); /* "ecs", "batch" or "lambda" */
/* What stands on the call, or else on its step; NULL when unset. */
const FlowSetting *asl_call_setting(const Flow *f, NodeId n, Setting key);
/* @image of the call, its step or the workflow that it stands in; NULL when none has it. */
const FlowSetting *asl_image(const Flow *f, uint32_t workflow, NodeId n);
/* The definition that the setting `images` names for it. */
bool asl_image_definition(const TargetCx *cx, const FlowSetting *image, Str *out);
uint32_t asl_retries(const Asl *a, NodeId n);
/* The smallest size of Fargate that holds so many CPUs and MiB. */
bool asl_fargate_size(double cpu, int64_t memory, int *units, int64_t *mib);
/* Retry, as @retry says. */
void asl_policy(Asl *a, JsonOut *j, NodeId n);
/* The state that runs an attempt; then `next`, whatever became of it. */
void asl_run(Asl *a, const Scope *s, NodeId n, const char *base, const char *next);

/* --- region.c --- */

/* The nodes of a region and then, where `key` is not NULL, its value to $.v.KEY in the state `value`; then `next`. */
const char *asl_region_entry(Asl *a, const Scope *s, const char *value, const char *next);
void asl_region(Asl *a, const Scope *s, const char *value, const char *key, const char *next);
/* Whether the nodes of the region cannot all end well, since one of them is a `fail`. */
bool asl_region_stops(Asl *a, const Scope *s);
/* The body of a workflow and its handlers. `base` begins the names of its states; its value goes to $.v.KEY. */
const char *asl_workflow_entry(Asl *a, const Scope *s, const char *base, const char *next);
void asl_workflow(Asl *a, const Scope *s, const char *base, const char *key, const char *next);

/* Whether `run.duration` stands in the workflow. */
bool asl_uses_duration(const Flow *f, uint32_t workflow);

/* --- files --- */

void asl_machine(Asl *a);
size_t asl_definition_size(TargetCx *cx); /* without layout */
enum { ASL_MAX_DEFINITION = 1 << 20 }; /* bytes that the service takes */
void asl_module(Asl *a, EmitOut *files, Buf *out); /* NAME.py, the last of the files */
void asl_module_call(Asl *a, const Scope *s, NodeId n, const Opnd *o, uint32_t no);
const char *asl_step_constant(const Asl *a, uint32_t step);
bool asl_schedule(Asl *a, Buf *out);     /* NAME.schedule.json; false when there is no schedule */
void asl_check_target(TargetCx *cx);
void asl_check_schedule(TargetCx *cx);
void asl_emit(TargetCx *cx, EmitOut *out);
/* JSON with an indentation of 2, what fits a line on one; offsets of the marks are moved along. */
void asl_pretty(Buf *out, Str json, Mark *mark, uint32_t nmark);

extern const Capability asl_caps[];
extern const TargetSetting asl_settings[];

#endif
