/* The constructs that a workflow uses against the capability table of a target. */
#ifndef WF_BACKEND_EMIT_CAPS_H
#define WF_BACKEND_EMIT_CAPS_H

#include "compiler/backend/emit/target.h"

/* Reports what the target's table refuses, each at its line. O(size of the flow, times the depth of calls between workflows). */
void caps_check(TargetCx *cx);

#endif
