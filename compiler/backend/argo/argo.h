/* The parts of the emitter for Argo Workflows.

   Each region that needs one becomes a DAG template; each step a container template; everything that the engine cannot compute
   itself a call of the template `compute`. A value travels as a parameter that holds its JSON in a form that the engine's
   substitutions leave alone (argo_text in the shim); files are JSON too, and are fetched by the key in it. */
#ifndef WF_BACKEND_ARGO_ARGO_H
#define WF_BACKEND_ARGO_ARGO_H

#include "compiler/backend/emit/py_expr.h"
#include "compiler/backend/emit/target.h"
#include "compiler/backend/emit/yaml_out.h"

#include "base/json.h"

/* A text for the ConfigMap of the workflow: an expression or a script, by its name. */
typedef struct ArgoText {
    const char *name;
    Buf text;
} ArgoText;

/* A container template to write: a step, with what stands on one call of it. */
typedef struct ArgoLeaf {
    uint32_t step, settings;
    const char *name;
} ArgoLeaf;

/* A DAG template to write. */
typedef struct ArgoDag {
    enum { DAG_WORKFLOW, DAG_BODY, DAG_PICK, DAG_EACH, DAG_ITEM, DAG_TOLERANT, DAG_PASS, DAG_TRY, DAG_TRIED } kind;
    uint32_t id;        /* the workflow, or the node that it stands for */
    const char *name;
    const char *path;   /* what comes before the names of its nodes in their paths, behind the parameter _at */
    bool at;            /* has the parameter _at */
    bool facts;         /* has the parameters _status and _failures: it is of a handler */
} ArgoDag;

/* What all documents of one emission share of workflows of other files. */
typedef struct ArgoUnits {
    EmitOut *out;
    Arena arena;
    const char **name;   /* of their WorkflowTemplates, by workflow; NULL: not called yet */
    VEC(uint32_t) order; /* the workflows, those that others call before them */
    VEC(ArgoLeaf) leaf;  /* the steps of all documents, without their names */
} ArgoUnits;

/* The writing of one WorkflowTemplate with its ConfigMap. */
typedef struct Argo {
    TargetCx *cx;
    EmitOut *out;
    const Flow *f;
    Arena arena;
    YamlOut y;
    uint32_t workflow;     /* the one that it is of */
    const char *root;      /* the name of the WorkflowTemplate */
    bool unit;             /* it is of another file: others refer to it, and its parameters are no Workflow's */
    ArgoUnits *units;
    const char *image;     /* has Python */
    const char *python_image; /* brings Python to images of steps that are not in Python; "" for none */
    const char *prefix;    /* of keys in the artifact store */
    const char *code_dir;  /* where images hold the files of @code, or NULL */
    const char **task;     /* the task of a node, by node */
    const char **text;     /* what its value is, when it is no task but an expression, by node */
    uint8_t *called;       /* workflows that others call, by workflow */
    VEC(ArgoDag) dag;      /* in the order of writing; grows while they are written */
    VEC(ArgoLeaf) leaf;
    VEC(ArgoText) expr, script;
    uint8_t *saved;        /* nodes whose values handlers use, by node */
    const FlowTargetBody **outside; /* what a step is that no container of ours does, by step; NULL: it has code */
    const char *computing; /* a digest of all expressions, once a step is cached */
    bool fails;            /* containers leave records of their failures */
    bool computes, gathers, saves, nothing; /* templates that are needed beside those of steps */
    bool params;           /* run.params is used: every DAG has the parameter _params */
} Argo;

/* Where an operand stands: a region inside one DAG template, and what its inputs are there. */
typedef struct Scope {
    Argo *g;
    RegionId region;
    const char **input; /* paths such as "inputs.parameters.rate", by input of the region */
    const ArgoDag *dag;
    const char *status, *failures; /* in handlers: expressions for run.status and run.failures; else NULL */
} Scope;

/* An argument of a task: a parameter, or an artifact by its key in the store or by the task that gave it. */
typedef enum ArgKind { ARG_PARAMETER, ARG_KEY, ARG_FROM } ArgKind;
typedef struct ArgoArg {
    const char *name, *value;
    ArgKind kind;
} ArgoArg;
typedef struct ArgoArgs {
    VEC(ArgoArg) list;
} ArgoArgs;

/* --- text.c: expressions of expr-lang over JSON texts --- */

/* Appends JSON as argo_text of the shim writes it. `inside` keeps it free of "}}", for use in a tag. */
void argo_json(Buf *out, Str json, bool inside);
/* Appends a literal of expr-lang. */
void argo_literal(Buf *out, const char *text);
/* Appends a path; segments that cannot stand as they are in brackets. */
void argo_path(Buf *out, const char *path);
/* Appends an expression that gives the JSON text of the operand; false, with nothing appended, when there is no exact one. */
bool argo_expr(Scope *s, Opnd o, Buf *out);
/* The same of a condition, as a bool of expr-lang. */
bool argo_condition(Scope *s, Opnd o, Buf *out);
/* The value of an argument, in the arena: a tag or JSON; NULL when there is no exact one. */
const char *argo_tag(Scope *s, Opnd o);
/* The path of a leaf in this scope, or NULL when it is not a plain one. */
const char *argo_leaf_path(Scope *s, Opnd o);
/* An expression for the store's key of a file operand, in a tag, in the arena; NULL when it has to be computed first. */
const char *argo_key(Scope *s, Opnd o, TypeId type);

/* --- spec.c: what the shim reads --- */

/* Notes the computation of the operand under the name, and gives the object of its values, `{"x_": {{...}}}`, in the arena. */
const char *argo_computation(Scope *s, const char *name, Opnd o, bool lines);
/* The items of a loop, and the gathering of their values. */
const char *argo_items_spec(Scope *s, const char *name, NodeId each);
void argo_gather_spec(Argo *g, const char *name, NodeId each);
/* The check of a workflow's parameters and the values that it needs; false when nothing is to be checked. */
bool argo_limits_spec(Argo *g, const char *name, uint32_t workflow, Buf *lines);
/* The order of the calls of a region, for failures. */
void argo_order_spec(Argo *g, const char *name, RegionId region);
void argo_steps_spec(Argo *g, Buf *out);
Buf *argo_note(Argo *g, const char *name);
/* What tells apart the values of a cached step, when all expressions are noted: a tag, in the arena. */
const char *argo_cache_key(Argo *g, const ArgoLeaf *l);
/* The name of the file of a step's script, in the arena. */
const char *argo_script_name(Argo *g, const ArgoLeaf *l);

/* --- outside.c --- */

/* What stands for the body of a step whose outputs a person supplies. */
extern const FlowTargetBody argo_supplied;
/* The body of each step on this target that is no code, by step; NULL where it has none. Malloc'ed. */
const FlowTargetBody **argo_outside(const TargetCx *cx);
/* Splits what stands behind `on argo template`; false when it is not NAME/TEMPLATE. */
bool argo_template_name(Str text, Str *name, Str *template);
/* The type of an argument of such a body. */
TypeId argo_argument_type(const Flow *f, uint32_t step, Opnd o);
/* The templates around what does the step. */
void argo_write_outside(Argo *g, const ArgoLeaf *l);

/* --- units.c --- */

/* Whether a workflow that is called has a WorkflowTemplate of its own: it is of another file. */
bool argo_is_unit(const Argo *g, uint32_t workflow);
/* The name of that WorkflowTemplate. Writes it once, without effect, to know what it will be. */
const char *argo_unit(Argo *g, uint32_t workflow);
/* Writes those that have been named. */
void argo_write_units(Argo *g);

/* --- emit.c --- */

/* Opens a document and its metadata. */
void argo_open_document(Argo *g, const char *api, const char *kind, const char *name);
/* The annotation that describes a workflow, in its metadata. */
void argo_put_description(Argo *g, const FlowWorkflow *w);
/* The templates that are known, and those that they need. */
void argo_write_templates(Argo *g);
/* The ConfigMap with scripts and expressions. */
void argo_put_flow(Argo *g);
/* Keeps what is to be known of the steps of a document when all are written. */
void argo_note_leaves(Argo *g);
/* Frees what is of one document alone. */
void argo_close(Argo *g);

/* --- retry.c --- */

/* A duration of so many microseconds, as Go reads it, in the arena. */
const char *argo_duration(Argo *g, int64_t us);
/* The field retryStrategy of a template. */
void argo_put_retry(Argo *g, const ArgoLeaf *l);
/* Whether a limit holds for all attempts of a step together. */
bool argo_is_total(const Argo *g, const ArgoLeaf *l);
/* The delays, when its container has to wait a part of them: [delay, factor, max_delay, jitter, what the engine waits the first time,
   the factor by which that grows], in milliseconds. */
void argo_delays_spec(Argo *g, const ArgoLeaf *l, JsonOut *j);

/* --- dag.c --- */

void argo_write_dag(Argo *g, uint32_t index);
/* A name in the form of names of Kubernetes, in the arena. */
const char *argo_kebab(Argo *g, Str name);

/* --- leaf.c --- */

/* The name of the template of a step for a call with these settings. */
const char *argo_leaf(Argo *g, uint32_t step, uint32_t settings);
/* The template that gives the saved values of the workflow's nodes. */
void argo_write_values(Argo *g, const ArgoDag *d);
bool argo_saves(const Argo *g, uint32_t workflow);
void argo_write_leaves(Argo *g);
void argo_write_params(Argo *g);
void argo_write_helpers(Argo *g);
/* Whether values of the type are fetched into the container, and under one key. */
typedef enum ArgoFiles { FILES_NONE, FILES_ONE, FILES_MANY } ArgoFiles;
ArgoFiles argo_files(const Flow *f, TypeId t);
/* The setting of a call or its step. */
const FlowSetting *argo_setting(const Argo *g, const ArgoLeaf *l, Setting key);
/* The image that is named for it, or for all steps of the workflow; NULL for none. */
const FlowConst *argo_image(const Argo *g, const ArgoLeaf *l);
/* Its constant; NULL for none. */
const FlowConst *argo_constant(const Argo *g, const FlowSetting *s);
void argo_put_map(Argo *g, const char *key, const FlowSetting *s);
void argo_put_semaphore(Argo *g, const char *map, const char *key);
/* The name of the ConfigMap of a pool, in the arena. */
const char *argo_pool(Argo *g, Str name);

#endif
