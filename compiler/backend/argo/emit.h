/* The emitter for Argo Workflows, behind its row in the table of targets. */
#ifndef WF_BACKEND_ARGO_EMIT_H
#define WF_BACKEND_ARGO_EMIT_H

#include "compiler/backend/emit/target.h"

enum { OVERLAP_WAIT = 1 }; /* of the prelude's enum Overlap { skip, wait, cancel } */

#define ARGO_PYTHON_IMAGE "python:3.11-slim"

void argo_check(TargetCx *cx);
void argo_emit(TargetCx *cx, EmitOut *out);
/* A constant operand as JSON. */
void emit_constant(Buf *out, const Flow *f, Opnd o);
/* The text of a constant for a parameter of the type, as a user would give it, in the arena. */
const char *emit_given(Arena *arena, const Flow *f, Opnd o, TypeId type);
/* The record behind conversions of an operand; NULL when it is none. */
const FlowExpr *emit_record(const Flow *f, Opnd o);

#endif
