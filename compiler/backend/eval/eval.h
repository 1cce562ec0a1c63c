/* The reference evaluator: expressions and drivers of a plan, computed by walking the flow graph. Slow and obvious; what native
   code must agree with, and what runs where native code does not pay or was not built. */
#ifndef WF_BACKEND_EVAL_EVAL_H
#define WF_BACKEND_EVAL_EVAL_H

#include "compiler/backend/plan/plan.h"

/* Fills RtPlan.code[i] so that it is evaluated here; memory from the plan's arena. */
void eval_code(Plan *p, uint32_t code);
/* Sets RtPlan.compile to one that does so for every piece of code. */
void eval_install(Plan *p);
/* Evaluates an operand over nothing now; false with the error pending in rt. The result is scratch of rt. */
bool eval_once(Plan *p, Rt *rt, Opnd o, RtWord *out);

#endif
