/* The inside of a Store, for the files of this folder. */
#ifndef WF_RUNTIME_STORE_STORE_IMPL_H
#define WF_RUNTIME_STORE_STORE_IMPL_H

#include "runtime/store/store.h"

#include <pthread.h>
#include <stdatomic.h>

struct sqlite3;
typedef struct Journal Journal;

struct Store {
    char *dir;
    bool read_only;
    int lock;                 /* descriptor of the lock file, or -1 */
    atomic_uint_fast64_t temp; /* numbers temporary names */
    Journal *journal;         /* the writer, or NULL */
    struct sqlite3 *reader;   /* opened by the first query, or NULL */
};

/* Opens the journal for writing, making or migrating its tables, and starts its thread. */
Journal *journal_open(Store *s, Buf *why);
void journal_close(Journal *j);

/* A fresh name under tmp/, in the arena. */
char *store_temp(Store *s, Arena *a);
char *store_path(const Store *s, Arena *a, const char *name);

#endif
