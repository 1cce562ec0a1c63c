/* The store of a project, `.wfc/`: content-addressed objects, the journal of runs in SQLite and one log per run.

     lock            held by the one engine that may write
     journal.db      runs, nodes, attempts, artifacts (write-ahead log beside it)
     objects/ab/...  files by SHA-256, read-only; a directory is a manifest of its files
     logs/RUN        what steps printed, in records
     tmp/            scratch of running attempts; emptied when an engine opens the store
     code/ venvs/    scripts and virtual environments, by hash

   Functions that can fail return false and append one line to `why`. Objects may be put and linked from several threads at
   once; journal rows may be added from any thread; queries are for the engine's own thread. */
#ifndef WF_RUNTIME_STORE_STORE_H
#define WF_RUNTIME_STORE_STORE_H

#include "base/mem.h"
#include "base/str.h"

typedef struct Store Store;

Store *store_open(const char *dir, bool read_only, Buf *why);
void store_close(Store *s);
const char *store_dir(const Store *s);  /* absolute */
bool store_read_only(const Store *s);

/* ---- objects (objects.c) ---- */

typedef struct StoreObject {
    char sha256[65];
    bool is_dir;
    uint64_t size;  /* bytes; of a dir: of its files */
    uint64_t files; /* of a dir */
} StoreObject;

/* Stores a regular file. With `move` the file lies in the store's tmp/ and is taken by rename; otherwise it is copied. Durable
   when it returns. O(bytes), constant memory. */
bool store_put_file(Store *s, const char *path, bool move, StoreObject *out, Buf *why);
/* Stores a directory tree of regular files; links inside are followed, other kinds refused. */
bool store_put_dir(Store *s, const char *path, bool move, StoreObject *out, Buf *why);
bool store_put_bytes(Store *s, Str bytes, StoreObject *out, Buf *why);
/* Makes `dest` (which does not exist) a read-only view of the object: hard links where the file system allows, else copies. */
bool store_view(Store *s, const char *sha256, bool is_dir, const char *dest, Buf *why);
/* Copies the object to dest, writable; see engine_copy_out. */
bool store_copy_out(Store *s, const char *sha256, bool is_dir, const char *dest, Buf *why);
/* Whether the object is there, with its size in *size (of a dir: of its manifest). */
bool store_has(const Store *s, const char *sha256, uint64_t *size);
/* The path of a file object. NUL-terminated, in the arena. */
char *store_object_path(const Store *s, const char *sha256, Arena *a);
/* Forgets an object whose bytes were changed from outside. */
void store_forget(Store *s, const char *sha256);
/* SHA-256 of bytes as 64 hexadecimal digits and a NUL. */
void store_sha256(Str bytes, char out[65]);

/* ---- journal (journal.c): rows are queued and committed in groups by a thread ---- */

typedef struct StoreRun {
    const char *id, *workflow, *source, *params;
    int64_t started;
} StoreRun;
typedef struct StoreRunEnd {
    const char *status, *outputs, *message; /* outputs and message may be NULL */
    int64_t ended;
    uint32_t succeeded, failed, skipped, cancelled;
} StoreRunEnd;
typedef struct StoreNode {
    int64_t run;
    const char *path, *step, *status;
    const char *inputs, *outputs;  /* JSON or NULL */
    const char *kind, *message, *file; /* of a failure, or NULL */
    bool has_code;
    int64_t code, started, ended;
    uint32_t attempts, line;
} StoreNode;
typedef struct StoreAttempt {
    int64_t run;
    const char *path, *status, *kind, *message;
    uint32_t attempt;
    bool has_code;
    int64_t code, started, ended;
    uint64_t log_from, log_to, log_bytes; /* range of the run's log that holds its records */
} StoreAttempt;
typedef struct StoreArtifact {
    int64_t run;
    const char *path, *output, *sha256, *name, *format, *artifact, *columns;
    bool is_dir;
    uint64_t size;
    int64_t rows, created;
} StoreArtifact;

/* Records a new run at once (durable on return) and gives its number. An id used before is refused. */
bool store_run_begin(Store *s, const StoreRun *run, int64_t *number, Buf *why);
/* Queues; the texts are copied. A row of a node replaces an earlier one. */
void store_node(Store *s, const StoreNode *row);
void store_attempt(Store *s, const StoreAttempt *row);
void store_artifact(Store *s, const StoreArtifact *row);
/* Writes everything queued and the run's end; durable on return. */
bool store_run_end(Store *s, int64_t run, const StoreRunEnd *end, Buf *why);
/* False with the reason once a commit has failed: rows since then are lost. Cheap. */
bool store_healthy(Store *s, Buf *why);

/* ---- the log of a run (log.c) ---- */

typedef struct StoreLog StoreLog;
StoreLog *store_log_open(Store *s, const char *run);
void store_log_close(StoreLog *l);
typedef struct StoreLogRange {
    uint64_t from, to, bytes; /* from == to: nothing */
} StoreLogRange;
/* Appends bytes that one attempt printed, from any thread; the file is made with the first record. `range` is widened.
   False when the disk refuses (errno is set); the attempt goes on. */
bool store_log_put(StoreLog *l, uint64_t attempt_id, bool on_stderr, int64_t time, Str bytes, StoreLogRange *range);
/* A number that distinguishes attempts in the log: of the node's path and attempt. */
uint64_t store_log_id(const char *path, uint32_t attempt);
typedef bool (*StoreLogFn)(void *cx, uint64_t attempt_id, bool on_stderr, int64_t time, Str bytes);
/* Reads the records in [from, to), to 0: to the end. A log that does not exist is empty. */
bool store_log_read(Store *s, const char *run, uint64_t from, uint64_t to, StoreLogFn fn, void *cx, Buf *why);

/* ---- questions (query.c) ---- */

/* One row as text columns, NULL for SQL's NULL, in the order of the query; false stops. */
typedef bool (*StoreRowFn)(void *cx, const char *const *column);
typedef enum StoreQuery {
    STORE_RUNS,      /* limit -> id workflow source status started ended params outputs message succeeded failed skipped cancelled; newest first */
    STORE_RUN_IS,    /* id -> id */
    STORE_RUN_LIKE,  /* prefix -> id; at most two */
    STORE_NODES,     /* run -> run path step status attempts started ended outputs kind message code file line; by end */
    STORE_ATTEMPTS,  /* run path -> path attempt status kind message code started ended log_bytes log_from log_to */
    STORE_ARTIFACTS, /* run or NULL -> run path output sha256 name format artifact is_dir size rows columns created */
    STORE_ARTIFACT_OF, /* run path output-or-NULL -> the same */
    STORE_ARTIFACT_LIKE, /* prefix of a SHA-256 -> the same, one per content, at most two */
    STORE_INPUTS,    /* run path -> inputs step */
} StoreQuery;
/* A store without a journal has no rows. */
bool store_query(Store *s, StoreQuery q, const char *const *args, StoreRowFn fn, void *cx, Buf *why);
/* Whether another process is running something in this store now. */
bool store_busy(Store *s);

#endif
