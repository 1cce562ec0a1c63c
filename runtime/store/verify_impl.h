/* The inside of the verification of files. */
#ifndef WF_RUNTIME_STORE_VERIFY_IMPL_H
#define WF_RUNTIME_STORE_VERIFY_IMPL_H

#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "runtime/store/verify.h"

typedef struct Verify {
    const RtTypes *types;
    const RtType *type; /* a FILE; its fields are the declared columns */
    VerifyFacts *facts;
    Buf *why;           /* continues "x.csv is declared as ..., but " */
    int fd;
} Verify;

/* Says what is wrong, unless that was said already; always false. */
bool verify_wrong(Verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The declared column of that name in the file, or NULL. */
const RtField *verify_column(const Verify *v, Str name, uint32_t *index);
/* False when a declared column was not seen; `seen` by index of the column. */
bool verify_all_there(Verify *v, const bool *seen);
/* Adds a column to the facts. */
void verify_put_column(Verify *v, Str name, const char *type);
const char *verify_type_name(const Verify *v, uint32_t type);

/* ---- tables.c ---- */
bool verify_separated(Verify *v, char separator);
bool verify_json_lines(Verify *v);
bool verify_json_rows(Verify *v, Str text); /* an array of objects */

/* ---- parquet.c ---- */
bool verify_parquet(Verify *v);

#endif
