/* Expressions as Python source with the exact meaning of the language: the form in which every target can evaluate everything.
   The text refers to the shim of the step protocol as `wf`.

   Values inside expressions: bool, int, float, str, None, list, dict (maps in the order of their keys, structs and records by the
   names of their fields), enum members as their names, durations and times as ints of milliseconds, sizes as ints of bytes, json as what
   json.loads gives, files as the dict that stands for them. Between tasks values travel as JSON in the language's public form
   (durations as "30s", foreign names of fields and members): wf.decode and wf.encode with the type convert where the two differ. */
#ifndef WF_BACKEND_EMIT_PY_EXPR_H
#define WF_BACKEND_EMIT_PY_EXPR_H

#include "compiler/ir/flow.h"

typedef struct PyExpr PyExpr;
struct PyExpr {
    const Flow *flow;
    Buf *out;
    RegionId region;   /* whose inputs INPUT means, */
    const FlowStep *step; /* or the step whose parameters it means; those beyond are of the type `beyond`: */
    TypeId beyond;        /* T_STRING in argv (paths of outputs), Flow.failure in the predicate of @retry, */
    const FlowFn *fn;     /* or the function (set by py_fn) */
    /* Writes the value, as expressions see it, of an operand NODE, INPUT or FACT; see py_decoded. In a function INPUT is
       written by name without it. */
    void (*leaf)(PyExpr *e, Opnd o);
    /* Writes the name of a function, NULL: as declared, with the module's name before it when it is another file's. */
    void (*fn_name)(PyExpr *e, uint32_t fn);
    /* Writes the expression of a type for the shim, NULL: the literal of py_type. */
    void (*type)(PyExpr *e, TypeId t);
    void *cx;
    VEC(TypeId) local; /* types of the locals in scope, by number; freed by py_done */
};

/* Writes the operand. O(size of the expression). */
void py_expr(PyExpr *e, Opnd o);
/* Frees what the printer holds. */
void py_done(PyExpr *e);
/* The type of an operand in the printer's scope. */
TypeId py_type_of(const PyExpr *e, Opnd o);

/* Writes the list of arguments of an `exec` step: `["python3", "-m", *wf.arg(["float"], v["rate"])]`, where `leaf` writes the inputs and the
   paths of outputs (INPUT from nparam on). */
void py_argv(PyExpr *e);

/* Writes `def NAME(a, b):` and its return, each line behind `indent` blanks. */
void py_fn(PyExpr *e, uint32_t fn, int indent);
/* The functions that an operand uses, and those they use, marked in a byte array by index of Flow.fn. */
void py_fns_used(const Flow *f, Opnd o, uint8_t *used);

/* Writes the description, as JSON, of a computation that wf.compute(spec, values) makes: {"inputs": [[name, type]], "functions": text, "result":
   text, "type": type}. `leaf` writes the inputs by their names; e->out is used and restored. `fns` marks functions that the text of
   the leaves uses beside those of the operand; NULL: none. O(size of the operand and its functions). */
typedef struct PyInput {
    const char *name;
    TypeId type;
} PyInput;
void py_compute(Buf *json, PyExpr *e, Opnd o, const PyInput *inputs, uint32_t n, const uint8_t *fns);

/* Whether values of the type look different inside expressions and as JSON between tasks. */
bool py_differs(const Flow *f, TypeId t);
/* Writes `wf.decode(TYPE, text)`, or just the text when the forms agree; and the same for wf.encode around an operand. */
void py_decoded(PyExpr *e, TypeId t, const char *text);
void py_encoded(PyExpr *e, TypeId t, Opnd o);
/* The type as the shim reads it: ["list", ["int"]]; struct fields as [name, foreign, type] or with a default in JSON form. */
void py_type(Buf *out, const Flow *f, TypeId t);
/* The same as JSON text. */
void py_type_json(Buf *out, const Flow *f, TypeId t);

/* What @range and @pattern say of parameters, as JSON for wf.check_limits: {name: [low, high, pattern]}, null where open. False, and nothing
   is written, when they say nothing. */
bool py_limits_json(Buf *out, const Flow *f, uint32_t first, uint32_t n);

/* A constant as JSON in the public form. */
void const_json(Buf *out, const Flow *f, const FlowConst *c);

/* The row of an expression in lowering.def. */
const char *lowering_of(const FlowExpr *x);

#endif
