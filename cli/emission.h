/* Writing a checked program for a target: shared by `compile` and `check --target`. */
#ifndef WF_CLI_EMISSION_H
#define WF_CLI_EMISSION_H

#include "cli/program.h"
#include "compiler/backend/emit/target.h"

/* The target that `name` means in the program: a `target` block of its main file, or an engine with the only block there is for
   it. cx->target and cx->block are set. False after printing why not. */
bool emission_target(TargetCx *cx, const Program *p, const char *name);

/* The workflows to write: the one called `only`, else each of the main file that no other calls. Indexes in *out, which the caller
   frees; false after printing why there is none. */
typedef VEC(uint32_t) WorkflowList;
bool emission_workflows(const Program *p, const char *only, WorkflowList *out);

#endif
