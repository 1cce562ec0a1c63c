/* DAG templates: tasks, the blocks of a workflow, its handlers. */
#ifndef WF_BACKEND_ARGO_DAG_H
#define WF_BACKEND_ARGO_DAG_H

#include "compiler/backend/argo/argo.h"

/* What the first tasks of a block wait for. */
typedef struct Start {
    const char *depends, *when; /* NULL: nothing */
} Start;

/* --- tasks.c --- */

const char *dag_node_name(const Argo *g, NodeId id);
/* The path of a node, as a value of the parameter _node. */
const char *dag_path(Scope *s, const char *node);
/* The path of the block itself: of its owner, item or pass. */
const char *dag_own_path(Scope *s);
void dag_arg(ArgoArgs *a, const char *name, const char *value);
void dag_artifact(ArgoArgs *a, const char *name, const char *value, ArgKind kind);
/* Writes a task, and frees its arguments. `template` is one of this document, or NAME/TEMPLATE of another WorkflowTemplate; `items` is
   the list of a loop, or NULL. */
void dag_task(Argo *g, const char *name, const char *template, Start start, const char *items, ArgoArgs *args);
const char *dag_succeeded(Argo *g, const char *task);
/* The path of the output of a task. */
const char *dag_output(Argo *g, const char *task);
/* The name of an expression of a task. */
const char *dag_spec(Scope *s, const char *task);
/* A task that computes the operand for the node of the path; gives its name. */
const char *dag_compute(Scope *s, const char *task, const char *path, Opnd o, Start start);
/* The value of the operand as an argument; when it has to be computed, by a task of the name, which *start then waits for. */
const char *dag_value(Scope *s, const char *task, const char *path, Opnd o, Start *start);
/* What a node waits for: the nodes before it, or what the first of its block wait for. */
Start dag_start(Scope *s, NodeId id, Start first);
/* Waits for all calls of a region. */
Start dag_after_all(Scope *s, RegionId region, Start first);

typedef void CaptureFn(void *cx, const char *name, Opnd from);
/* The inputs of `n` child regions that come from outside, each once, with the parameter that carries it. */
void dag_each_capture(Argo *g, RegionId first, uint32_t n, CaptureFn *use, void *cx);
/* Passes them to the template of the node. */
void dag_pass_captures(Scope *s, NodeId node, RegionId first, uint32_t n, Start *start, ArgoArgs *args);
/* The same values under the same names, for a template that calls itself or one of its own. */
void dag_forward_captures(Argo *g, RegionId first, uint32_t n, ArgoArgs *args);
void dag_list_capture(void *cx, const char *name, Opnd from);
/* What the inputs of a region are inside the template; `first` is the first region of its owner. */
Scope dag_scope(Argo *g, const ArgoDag *d, RegionId first, RegionId region);
void dag_pass_params(Argo *g, ArgoArgs *args);
/* What templates know of the run is handed on to those inside. */
void dag_pass_facts(Scope *s, ArgoArgs *args);
void dag_add(Argo *g, ArgoDag d);

/* --- nodes.c --- */

/* Gives the nodes of a region their tasks; what is only an expression gets none. */
void dag_name_nodes(Scope *s, const char *prefix);
void dag_nodes(Scope *s, Start first);
/* The result of a region as an expression, by a task of the name when it has to be computed. */
const char *dag_result(Scope *s, const char *task, Start first);

/* --- dag.c --- */

/* Opens a template with its inputs: its own, and what regions capture. */
void dag_open(Argo *g, const ArgoDag *d, const char *const *own, RegionId first, uint32_t n);
void dag_open_workflow(Argo *g, const ArgoDag *d);
void dag_open_tasks(Argo *g);
void dag_close_tasks(Argo *g);
/* The output `out` by an expression, NULL for none, and the end of the template. */
void dag_close(Argo *g, const char *expression);

/* --- handlers.c --- */

void dag_handled(Argo *g, const ArgoDag *d);

#endif
