/* Whether a file is what its type says: its format, its columns, the values in them. One pass, constant memory. */
#ifndef WF_RUNTIME_STORE_VERIFY_H
#define WF_RUNTIME_STORE_VERIFY_H

#include "runtime/abi/rt_value.h"

typedef struct VerifyFacts {
    int64_t rows; /* of a table, else -1 */
    Buf columns;  /* JSON [["name","type"],...] as found; empty when not known. Freed by the caller. */
} VerifyFacts;

/* `type` is a FILE type. False with what is wrong and where in `why`: "line 7: column `amount`: \"x\" is not a float". Formats
   that are not known here are not looked into. */
bool verify_file(const char *path, const RtTypes *types, uint32_t type, VerifyFacts *facts, Buf *why);

#endif
