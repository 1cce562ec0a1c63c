/* Opening and closing: folders, the lock, left-overs. */
#include "runtime/store/store_impl.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const char *store_dir(const Store *s) { return s->dir; }
bool store_read_only(const Store *s) { return s->read_only; }

char *store_path(const Store *s, Arena *a, const char *name) { return arena_printf(a, "%s/%s", s->dir, name); }

char *store_temp(Store *s, Arena *a) {
    return arena_printf(a, "%s/tmp/%d.%llu", s->dir, (int)getpid(), (unsigned long long)atomic_fetch_add(&s->temp, 1));
}

/* One engine writes at a time: SQLite of Debian 12 may corrupt a log that two connections checkpoint. */
static bool take_lock(Store *s, Arena *a, Buf *why) {
    char *path = store_path(s, a, "lock");
    s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (s->lock < 0) {
        buf_printf(why, "cannot open %s: %s", path, strerror(errno));
        return false;
    }
    /* A reader that asks whether the store is busy holds the lock for a moment. */
    bool taken = false;
    for (int i = 0; i < 20 && !(taken = flock(s->lock, LOCK_EX | LOCK_NB) == 0); i++) usleep(5000);
    if (!taken) {
        char pid[32] = "";
        ssize_t n = read(s->lock, pid, sizeof pid - 1);
        pid[n > 0 ? n : 0] = '\0';
        buf_printf(why, "another run is using %s%s%s; wait for it to end, or use another store", s->dir, n > 0 ? ", process " : "", pid);
        return false;
    }
    char pid[32];
    int n = snprintf(pid, sizeof pid, "%d", (int)getpid());
    if (ftruncate(s->lock, 0) != 0 || write(s->lock, pid, (size_t)n) != n) {
        buf_printf(why, "cannot write %s: %s", path, strerror(errno));
        return false;
    }
    return true;
}

static bool make_folders(Store *s, Arena *a, Buf *why) {
    static const char *const folders[] = {"objects", "logs", "tmp", "code", "venvs"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *path = store_path(s, a, folders[i]);
        int error = io_mkdirs(path);
        if (error != 0) {
            buf_printf(why, "cannot make the directory %s: %s", path, strerror(error));
            return false;
        }
    }
    return true;
}

/* What an engine that was killed left behind. */
static bool empty_tmp(Store *s, Arena *a, Buf *why) {
    char *tmp = store_path(s, a, "tmp");
    if (rmdir(tmp) == 0 || errno == ENOENT || io_remove_tree(tmp) == 0)
        if (mkdir(tmp, 0777) == 0 || errno == EEXIST) return true;
    buf_printf(why, "cannot empty %s: %s", tmp, strerror(errno));
    return false;
}

Store *store_open(const char *dir, bool read_only, Buf *why) {
    Store *s = wf_alloc_zero(sizeof *s);
    s->lock = -1;
    s->read_only = read_only;
    Arena a = ARENA_INIT;
    bool ok = true;
    int error = read_only ? 0 : io_mkdirs(dir);
    char *real = realpath(dir, NULL);
    if (error != 0 || (real == NULL && !read_only)) {
        buf_printf(why, "cannot make the directory %s: %s", dir, strerror(error != 0 ? error : errno));
        ok = false;
    }
    s->dir = real != NULL ? real : wf_strdup(dir);
    if (ok && !read_only)
        ok = take_lock(s, &a, why) && make_folders(s, &a, why) && empty_tmp(s, &a, why) &&
             (s->journal = journal_open(s, why)) != NULL;
    arena_free(&a);
    if (ok) return s;
    store_close(s);
    return NULL;
}

void store_close(Store *s) {
    if (s == NULL) return;
    journal_close(s->journal);
    if (s->reader != NULL) sqlite3_close(s->reader);
    if (s->lock >= 0) close(s->lock);
    free(s->dir);
    free(s);
}

bool store_busy(Store *s) {
    if (s->lock >= 0) return false;
    Arena a = ARENA_INIT;
    int fd = open(store_path(s, &a, "lock"), O_RDONLY | O_CLOEXEC);
    arena_free(&a);
    if (fd < 0) return false;
    bool busy = flock(fd, LOCK_SH | LOCK_NB) != 0;
    close(fd);
    return busy;
}
