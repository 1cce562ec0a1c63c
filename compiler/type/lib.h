/* The library of pure functions: names, signatures and documentation. */
#ifndef WF_TYPE_LIB_H
#define WF_TYPE_LIB_H

typedef enum LibId {
#define LIB(id, name, signature, doc) LIB_##id,
#include "compiler/type/lib.def"
#undef LIB
    LIB_COUNT
} LibId;

typedef struct LibRow {
    const char *name, *signature, *doc;
} LibRow;
extern const LibRow lib_rows[LIB_COUNT];

#endif
