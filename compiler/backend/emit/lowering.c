#include "compiler/backend/emit/py_expr.h"

static const char *const libs[] = {
#define LOWER_LIB(id, python) [LIB_##id] = python,
#define LOWER_OP(id, python)
#include "compiler/backend/emit/lowering.def"
#undef LOWER_LIB
#undef LOWER_OP
};

static const char *const ops[] = {
#define LOWER_LIB(id, python)
#define LOWER_OP(id, python) [FLOW_##id] = python,
#include "compiler/backend/emit/lowering.def"
#undef LOWER_LIB
#undef LOWER_OP
};

enum {
    LIB_ROWS = 0
#define LOWER_LIB(id, python) +1
#define LOWER_OP(id, python)
#include "compiler/backend/emit/lowering.def"
#undef LOWER_LIB
#undef LOWER_OP
    ,
    OP_ROWS = 0
#define LOWER_LIB(id, python)
#define LOWER_OP(id, python) +1
#include "compiler/backend/emit/lowering.def"
#undef LOWER_LIB
#undef LOWER_OP
};
_Static_assert((int)LIB_ROWS == (int)LIB_COUNT, "a function of compiler/type/lib.def has no row in lowering.def");
_Static_assert((int)OP_ROWS == (int)FLOW_OP_COUNT, "an operation of compiler/ir/ops.def has no row in lowering.def");

const char *lowering_of(const FlowExpr *x) { return x->op == FLOW_LIB ? libs[x->b] : ops[x->op]; }
