#include "compiler/type/lib.h"

const LibRow lib_rows[LIB_COUNT] = {
#define LIB(id, name, signature, doc) [LIB_##id] = {name, signature, doc},
#include "compiler/type/lib.def"
#undef LIB
};
