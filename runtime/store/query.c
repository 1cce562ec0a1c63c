/* Questions to the journal, on a connection of their own that never writes. */
#include "runtime/store/store_impl.h"

#include <errno.h>
#include <sqlite3.h>
#include <unistd.h>

#define ARTIFACT "SELECT r.id, a.path, a.output, a.sha256, a.name, a.format, a.artifact, a.is_dir, a.size, a.rows, a.columns, a.created" \
                 " FROM artifacts a JOIN runs r ON r.n = a.run "

static const struct {
    const char *sql;
    int nargs;
} queries[] = {
    [STORE_RUNS] = {"SELECT id, workflow, source, status, started, ended, params, outputs, message, succeeded, failed, skipped, cancelled"
                    " FROM runs ORDER BY n DESC LIMIT ?1", 1},
    [STORE_RUN_IS] = {"SELECT id FROM runs WHERE id = ?1", 1},
    [STORE_RUN_LIKE] = {"SELECT id FROM runs WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2", 1},
    [STORE_NODES] = {"SELECT r.id, n.path, n.step, n.status, n.attempts, n.started, n.ended, n.outputs, n.kind, n.message, n.code, n.file,"
                     " n.line FROM nodes n JOIN runs r ON r.n = n.run WHERE r.id = ?1 ORDER BY n.ended IS NULL, n.ended, n.started, n.path", 1},
    [STORE_ATTEMPTS] = {"SELECT a.path, a.attempt, a.status, a.kind, a.message, a.code, a.started, a.ended, a.log_bytes, a.log_from, a.log_to"
                        " FROM attempts a JOIN runs r ON r.n = a.run WHERE r.id = ?1 AND (?2 IS NULL OR a.path = ?2)"
                        " ORDER BY a.ended, a.path, a.attempt", 2},
    [STORE_ARTIFACTS] = {ARTIFACT "WHERE ?1 IS NULL OR r.id = ?1 ORDER BY a.n", 1},
    [STORE_ARTIFACT_OF] = {ARTIFACT "WHERE r.id = ?1 AND a.path = ?2 AND (?3 IS NULL OR a.output = ?3) ORDER BY a.n", 3},
    [STORE_ARTIFACT_LIKE] = {ARTIFACT "WHERE substr(a.sha256, 1, length(?1)) = ?1 GROUP BY a.sha256 LIMIT 2", 1},
    [STORE_INPUTS] = {"SELECT n.inputs, n.step FROM nodes n JOIN runs r ON r.n = n.run WHERE r.id = ?1 AND n.path = ?2", 2},
};

/* On a disk that cannot be written the write-ahead log's index cannot be made; such a journal does not change either. */
static bool open_reader(Store *s, const char *path, Buf *why) {
    Arena a = ARENA_INIT;
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
    bool ok = sqlite3_open_v2(path, &s->reader, flags, NULL) == SQLITE_OK &&
              sqlite3_exec(s->reader, "SELECT 1 FROM sqlite_master", NULL, NULL, NULL) == SQLITE_OK;
    if (!ok && access(s->dir, W_OK) != 0) {
        sqlite3_close(s->reader);
        ok = sqlite3_open_v2(arena_printf(&a, "file:%s?immutable=1", path), &s->reader, flags, NULL) == SQLITE_OK &&
             sqlite3_exec(s->reader, "SELECT 1 FROM sqlite_master", NULL, NULL, NULL) == SQLITE_OK;
    }
    if (!ok) {
        buf_printf(why, "cannot read %s: %s", path, s->reader != NULL ? sqlite3_errmsg(s->reader) : "out of memory");
        sqlite3_close(s->reader);
        s->reader = NULL;
    } else
        sqlite3_busy_timeout(s->reader, 10000);
    arena_free(&a);
    return ok;
}

bool store_query(Store *s, StoreQuery q, const char *const *args, StoreRowFn fn, void *cx, Buf *why) {
    Arena a = ARENA_INIT;
    const char *path = store_path(s, &a, "journal.db");
    bool none = s->reader == NULL && access(path, F_OK) != 0 && errno == ENOENT;
    bool ok = none || s->reader != NULL || open_reader(s, path, why);
    arena_free(&a);
    if (none || !ok) return ok;
    sqlite3_stmt *stmt = NULL;
    ok = sqlite3_prepare_v2(s->reader, queries[q].sql, -1, &stmt, NULL) == SQLITE_OK;
    for (int i = 0; ok && i < queries[q].nargs; i++) sqlite3_bind_text(stmt, i + 1, args[i], -1, SQLITE_STATIC);
    int rc = SQLITE_DONE;
    while (ok && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        enum { COLUMNS_MAX = 16 };
        const char *column[COLUMNS_MAX];
        int n = sqlite3_column_count(stmt);
        for (int i = 0; i < n && i < COLUMNS_MAX; i++) column[i] = (const char *)sqlite3_column_text(stmt, i);
        if (!fn(cx, column)) break;
    }
    if (!ok || (rc != SQLITE_DONE && rc != SQLITE_ROW)) {
        buf_printf(why, "cannot read the journal: %s", sqlite3_errmsg(s->reader));
        ok = false;
    }
    sqlite3_finalize(stmt);
    return ok;
}
