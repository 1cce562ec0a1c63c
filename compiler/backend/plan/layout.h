/* Inside of plan/. */
#ifndef WF_BACKEND_PLAN_LAYOUT_H
#define WF_BACKEND_PLAN_LAYOUT_H

#include "compiler/backend/plan/plan.h"

/* All types of the flow; *fields is the array behind RtTypes.field, still writable. */
RtTypes *layout_types(Arena *arena, const Flow *f, RtField **fields);

#endif
