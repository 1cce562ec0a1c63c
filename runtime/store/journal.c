/* The journal's writer: rows are queued by any thread and written by one, which waits a few milliseconds for company before it
   commits. A commit per row would cost more than the small processes it records. */
#include "runtime/store/store_impl.h"

#include "base/vec.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>

enum { SCHEMA_VERSION = 2, LINGER_MS = 8 };

static const char schema[] =
    "CREATE TABLE runs (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, workflow TEXT NOT NULL, source TEXT, status TEXT NOT NULL,"
    " started INTEGER NOT NULL, ended INTEGER, params TEXT, outputs TEXT, message TEXT,"
    " succeeded INTEGER DEFAULT 0, failed INTEGER DEFAULT 0, skipped INTEGER DEFAULT 0, cancelled INTEGER DEFAULT 0);"
    "CREATE TABLE nodes (run INTEGER NOT NULL, path TEXT NOT NULL, step TEXT, status TEXT NOT NULL, attempts INTEGER, started INTEGER,"
    " ended INTEGER, inputs TEXT, outputs TEXT, kind TEXT, message TEXT, code INTEGER, file TEXT, line INTEGER,"
    " PRIMARY KEY (run, path)) WITHOUT ROWID;"
    "CREATE TABLE attempts (run INTEGER NOT NULL, path TEXT NOT NULL, attempt INTEGER NOT NULL, status TEXT NOT NULL, kind TEXT,"
    " message TEXT, code INTEGER, started INTEGER, ended INTEGER, log_from INTEGER, log_to INTEGER, log_bytes INTEGER,"
    " PRIMARY KEY (run, path, attempt)) WITHOUT ROWID;"
    "CREATE TABLE artifacts (n INTEGER PRIMARY KEY, run INTEGER NOT NULL, path TEXT NOT NULL, output TEXT NOT NULL, sha256 TEXT NOT NULL,"
    " name TEXT, format TEXT, artifact TEXT, is_dir INTEGER, size INTEGER, rows INTEGER, columns TEXT, created INTEGER);"
    "CREATE INDEX artifacts_run ON artifacts (run, path);"
    "CREATE INDEX artifacts_sha256 ON artifacts (sha256);"
    "PRAGMA user_version = 2;";

static const char interrupted[] =
    "UPDATE nodes SET status = 'failed', kind = 'lost', message = 'interrupted'"
    " WHERE status = 'running' AND run IN (SELECT n FROM runs WHERE status = 'running');"
    "UPDATE runs SET status = 'failed', message = 'interrupted' WHERE status = 'running';";

typedef enum JournalOp { OP_RUN_BEGIN, OP_NODE, OP_ATTEMPT, OP_ARTIFACT, OP_RUN_END, OP_COUNT } JournalOp;

static const char *const statements[OP_COUNT] = {
    [OP_RUN_BEGIN] = "INSERT INTO runs (id, workflow, source, params, status, started) VALUES (?1, ?2, ?3, ?4, 'running', ?5)",
    [OP_NODE] = "INSERT OR REPLACE INTO nodes (run, path, step, status, inputs, outputs, kind, message, file, code, started, ended,"
                " attempts, line) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    [OP_ATTEMPT] = "INSERT OR REPLACE INTO attempts (run, path, status, kind, message, attempt, code, started, ended, log_from, log_to,"
                   " log_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [OP_ARTIFACT] = "INSERT INTO artifacts (run, path, output, sha256, name, format, artifact, columns, is_dir, size, rows, created)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [OP_RUN_END] = "UPDATE runs SET status = ?2, outputs = ?3, message = ?4, ended = ?5, succeeded = ?6, failed = ?7, skipped = ?8,"
                   " cancelled = ?9 WHERE n = ?1",
};

/* A value to bind: text when `s` is set, NULL when `null`, else a number. */
typedef struct Cell {
    const char *s;
    int64_t i;
    bool null;
} Cell;
typedef struct Row {
    JournalOp op;
    uint32_t n, first; /* cells */
} Row;

/* Rows and their texts, filled by producers while the writer works on the other one. */
typedef struct Batch {
    VEC(Row) row;
    VEC(Cell) cell;
    Arena text;
} Batch;

struct Journal {
    sqlite3 *db;
    sqlite3_stmt *stmt[OP_COUNT];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    Batch batch[2];
    int filling;
    bool stop, urgent;       /* urgent: somebody waits for the commit */
    uint64_t queued, written; /* rows ever */
    char *error;             /* of the first failed commit, or NULL */
};

static Cell text(const char *s) { return (Cell){s, 0, s == NULL}; }
static Cell number(int64_t i) { return (Cell){NULL, i, false}; }
static Cell optional(bool some, int64_t i) { return (Cell){NULL, i, !some}; }

/* Copies a row into the batch being filled. */
static uint64_t enqueue(Journal *j, JournalOp op, const Cell *cell, uint32_t n, bool urgent) {
    pthread_mutex_lock(&j->lock);
    Batch *b = &j->batch[j->filling];
    bool first = b->row.len == 0;
    vec_push(&b->row, ((Row){op, n, b->cell.len}));
    for (uint32_t i = 0; i < n; i++) {
        Cell c = cell[i];
        if (c.s != NULL) c.s = arena_strndup(&b->text, c.s, strlen(c.s));
        vec_push(&b->cell, c);
    }
    uint64_t id = ++j->queued;
    j->urgent = j->urgent || urgent;
    if (first || urgent) pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    return id;
}

static bool step_row(Journal *j, const Batch *b, const Row *r) {
    sqlite3_stmt *s = j->stmt[r->op];
    for (uint32_t i = 0; i < r->n; i++) {
        const Cell *c = &b->cell.data[r->first + i];
        if (c->null)
            sqlite3_bind_null(s, (int)i + 1);
        else if (c->s != NULL)
            sqlite3_bind_text(s, (int)i + 1, c->s, -1, SQLITE_STATIC);
        else
            sqlite3_bind_int64(s, (int)i + 1, c->i);
    }
    bool ok = sqlite3_step(s) == SQLITE_DONE;
    sqlite3_reset(s);
    return ok;
}

static bool write_batch(Journal *j, const Batch *b) {
    bool ok = sqlite3_exec(j->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
    for (uint32_t i = 0; ok && i < b->row.len; i++) ok = step_row(j, b, &b->row.data[i]);
    return ok && sqlite3_exec(j->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

/* A disk that is full may have room again soon: the step that filled it ends, and what it left is removed. */
static char *write_patiently(Journal *j, const Batch *b) {
    enum { TRIES = 20, PAUSE_MS = 100 };
    for (int i = 1;; i++) {
        if (write_batch(j, b)) return NULL;
        int code = sqlite3_errcode(j->db);
        char *error = wf_strdup(sqlite3_errmsg(j->db));
        if (sqlite3_get_autocommit(j->db) == 0) sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
        if (code != SQLITE_FULL || i == TRIES) return error;
        free(error);
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
    }
}

static void clear_batch(Batch *b) {
    vec_clear(&b->row);
    vec_clear(&b->cell);
    arena_reset(&b->text);
}

static void linger(Journal *j) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LINGER_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) until.tv_sec++, until.tv_nsec -= 1000000000L;
    while (!j->urgent && !j->stop && pthread_cond_timedwait(&j->wake, &j->lock, &until) == 0) {}
}

static void *writer(void *arg) {
    Journal *j = arg;
    pthread_mutex_lock(&j->lock);
    for (;;) {
        while (j->batch[j->filling].row.len == 0 && !j->stop) pthread_cond_wait(&j->wake, &j->lock);
        if (j->batch[j->filling].row.len == 0) break;
        linger(j);
        Batch *b = &j->batch[j->filling];
        uint64_t upto = j->queued;
        j->filling ^= 1;
        j->urgent = false;
        pthread_mutex_unlock(&j->lock);
        char *error = write_patiently(j, b);
        clear_batch(b);
        pthread_mutex_lock(&j->lock);
        j->written = upto;
        if (j->error == NULL)
            j->error = error;
        else
            free(error);
        pthread_cond_broadcast(&j->done);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

/* Waits until row `id` is written. */
static bool await(Journal *j, uint64_t id, Buf *why) {
    pthread_mutex_lock(&j->lock);
    while (j->written < id) pthread_cond_wait(&j->done, &j->lock);
    if (j->error != NULL) buf_printf(why, "cannot record the run: %s", j->error);
    bool ok = j->error == NULL;
    pthread_mutex_unlock(&j->lock);
    return ok;
}

static bool migrate(sqlite3 *db, Buf *why) {
    sqlite3_stmt *s = NULL;
    int version = -1;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        version = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    if (version == SCHEMA_VERSION) return true;
    if (version > 0) {
        buf_printf(why, "the store was written by %s wfc: its journal has version %d, this one knows %d; --store names another",
                   version > SCHEMA_VERSION ? "a newer" : "an older", version, SCHEMA_VERSION);
        return false;
    }
    return version == 0 && sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

static bool prepare(Journal *j, const char *path, Buf *why) {
    bool ok = sqlite3_open_v2(path, &j->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK;
    if (ok) sqlite3_busy_timeout(j->db, 10000);
    ok = ok && sqlite3_exec(j->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL, NULL, NULL) == SQLITE_OK &&
         migrate(j->db, why) &&
         /* The lock is ours: whoever wrote these is gone. */
         sqlite3_exec(j->db, interrupted, NULL, NULL, NULL) == SQLITE_OK;
    for (int i = 0; ok && i < OP_COUNT; i++)
        ok = sqlite3_prepare_v3(j->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &j->stmt[i], NULL) == SQLITE_OK;
    if (!ok && why->n == 0) buf_printf(why, "cannot open %s: %s", path, j->db != NULL ? sqlite3_errmsg(j->db) : "out of memory");
    return ok;
}

Journal *journal_open(Store *s, Buf *why) {
    Journal *j = wf_alloc_zero(sizeof *j);
    Arena a = ARENA_INIT;
    bool ok = prepare(j, store_path(s, &a, "journal.db"), why);
    arena_free(&a);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->wake, &attr);
    pthread_cond_init(&j->done, &attr);
    pthread_condattr_destroy(&attr);
    if (ok && pthread_create(&j->thread, NULL, writer, j) == 0) return j;
    if (ok) buf_z(why, "cannot start a thread");
    j->stop = true;
    j->thread = 0;
    journal_close(j);
    return NULL;
}

void journal_close(Journal *j) {
    if (j == NULL) return;
    if (j->thread != 0) {
        pthread_mutex_lock(&j->lock);
        j->stop = true;
        pthread_cond_signal(&j->wake);
        pthread_mutex_unlock(&j->lock);
        pthread_join(j->thread, NULL);
    }
    for (int i = 0; i < OP_COUNT; i++) sqlite3_finalize(j->stmt[i]);
    sqlite3_close(j->db);
    for (int i = 0; i < 2; i++) {
        vec_free(&j->batch[i].row);
        vec_free(&j->batch[i].cell);
        arena_free(&j->batch[i].text);
    }
    pthread_mutex_destroy(&j->lock);
    pthread_cond_destroy(&j->wake);
    pthread_cond_destroy(&j->done);
    free(j->error);
    free(j);
}

bool store_healthy(Store *s, Buf *why) {
    pthread_mutex_lock(&s->journal->lock);
    const char *error = s->journal->error;
    if (error != NULL) buf_printf(why, "cannot record the run: %s", error);
    pthread_mutex_unlock(&s->journal->lock);
    return error == NULL;
}

static bool known(void *cx, const char *const *column) {
    (void)column;
    *(bool *)cx = true;
    return false;
}

bool store_run_begin(Store *s, const StoreRun *r, int64_t *number_out, Buf *why) {
    bool used = false;
    if (!store_query(s, STORE_RUN_IS, &r->id, known, &used, why)) return false;
    if (used) {
        buf_printf(why, "there is a run %s already", r->id);
        return false;
    }
    Cell c[] = {text(r->id), text(r->workflow), text(r->source), text(r->params), number(r->started)};
    if (!await(s->journal, enqueue(s->journal, OP_RUN_BEGIN, c, 5, true), why)) return false;
    *number_out = sqlite3_last_insert_rowid(s->journal->db);
    return true;
}

void store_node(Store *s, const StoreNode *r) {
    Cell c[] = {number(r->run), text(r->path), text(r->step), text(r->status), text(r->inputs), text(r->outputs), text(r->kind),
                text(r->message), text(r->file), optional(r->has_code, r->code), number(r->started), optional(r->ended != 0, r->ended),
                number(r->attempts), optional(r->file != NULL, r->line)};
    enqueue(s->journal, OP_NODE, c, 14, false);
}

void store_attempt(Store *s, const StoreAttempt *r) {
    Cell c[] = {number(r->run), text(r->path), text(r->status), text(r->kind), text(r->message), number(r->attempt),
                optional(r->has_code, r->code), number(r->started), number(r->ended), number((int64_t)r->log_from),
                number((int64_t)r->log_to), number((int64_t)r->log_bytes)};
    enqueue(s->journal, OP_ATTEMPT, c, 12, false);
}

void store_artifact(Store *s, const StoreArtifact *r) {
    Cell c[] = {number(r->run), text(r->path), text(r->output), text(r->sha256), text(r->name), text(r->format), text(r->artifact),
                text(r->columns), number(r->is_dir), number((int64_t)r->size), number(r->rows), number(r->created)};
    enqueue(s->journal, OP_ARTIFACT, c, 12, false);
}

bool store_run_end(Store *s, int64_t run, const StoreRunEnd *e, Buf *why) {
    Cell c[] = {number(run), text(e->status), text(e->outputs), text(e->message), number(e->ended), number(e->succeeded),
                number(e->failed), number(e->skipped), number(e->cancelled)};
    return await(s->journal, enqueue(s->journal, OP_RUN_END, c, 9, true), why);
}
