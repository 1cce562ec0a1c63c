/* Durations and sizes as the language writes them. */
#ifndef WF_BASE_UNITS_H
#define WF_BASE_UNITS_H

#include "base/str.h"

typedef struct Unit {
    const char *name;
    int64_t factor;
} Unit;

/* Largest first, as they are printed; behind the first SIZE_BINARY sizes come decimal ones, which are only read. */
enum { SIZE_BINARY = 7, NUNITS_DURATION = 6, NUNITS_SIZE = 13 };
extern const Unit duration_units[NUNITS_DURATION]; /* factors in milliseconds */
extern const Unit size_units[NUNITS_SIZE];         /* factors in bytes */

void put_duration(Buf *b, int64_t ms);  /* "1h30m", "500ms", "0s"; units d h m s ms */
void put_size(Buf *b, int64_t bytes);   /* the largest binary unit that is exact: "4GiB", "1536MiB", "1000B" */

#endif
