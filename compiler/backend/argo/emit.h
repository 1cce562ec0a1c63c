/* The emitter for Argo Workflows, behind its row in the table of targets. */
#ifndef WF_BACKEND_ARGO_EMIT_H
#define WF_BACKEND_ARGO_EMIT_H

#include "compiler/backend/emit/target.h"

enum { OVERLAP_WAIT = 1 }; /* of the prelude's enum Overlap { skip, wait, cancel } */

void argo_check(TargetCx *cx);
void argo_emit(TargetCx *cx, EmitOut *out);
/* A constant operand as JSON. */
void emit_constant(Buf *out, const Flow *f, Opnd o);

#endif
