/* The log of a run: records of {attempt, time, length and stream, bytes}, appended by the threads that read steps' output. One
   file a run and none a step: making and deleting a file costs more than a small process on some file systems. */
#include "runtime/store/store_impl.h"

#include "base/hash.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

typedef struct Record {
    uint64_t attempt;
    int64_t time;
    uint32_t bytes, on_stderr;
} Record;

struct StoreLog {
    char *path;
    int fd; /* -1 until something is printed */
    uint64_t at;
    pthread_mutex_t lock;
};

static char *log_path(const Store *s, Arena *a, const char *run) { return arena_printf(a, "%s/logs/%s", s->dir, run); }

StoreLog *store_log_open(Store *s, const char *run) {
    StoreLog *l = wf_alloc_zero(sizeof *l);
    Arena a = ARENA_INIT;
    l->path = wf_strdup(log_path(s, &a, run));
    arena_free(&a);
    l->fd = -1;
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

void store_log_close(StoreLog *l) {
    if (l == NULL) return;
    if (l->fd >= 0) close(l->fd);
    pthread_mutex_destroy(&l->lock);
    free(l->path);
    free(l);
}

uint64_t store_log_id(const char *path, uint32_t attempt) { return hash_mix(hash_bytes(path, strlen(path)), attempt); }

/* A record that the disk cut short is taken back, so that the rest of the log stays readable. */
static bool append(StoreLog *l, const Record *r, Str bytes) {
    if (l->fd < 0) l->fd = open(l->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (l->fd < 0) return false;
    struct iovec part[2] = {{(void *)(uintptr_t)r, sizeof *r}, {(void *)(uintptr_t)bytes.p, bytes.n}};
    ssize_t n = pwritev(l->fd, part, 2, (off_t)l->at);
    if (n == (ssize_t)(sizeof *r + bytes.n)) return true;
    int error = n < 0 ? errno : ENOSPC;
    if (ftruncate(l->fd, (off_t)l->at) != 0) error = errno;
    errno = error;
    return false;
}

bool store_log_put(StoreLog *l, uint64_t attempt_id, bool on_stderr, int64_t time, Str bytes, StoreLogRange *range) {
    Record r = {attempt_id, time, (uint32_t)bytes.n, on_stderr};
    pthread_mutex_lock(&l->lock);
    uint64_t from = l->at;
    bool ok = append(l, &r, bytes);
    if (ok) l->at += sizeof r + bytes.n;
    uint64_t to = l->at;
    pthread_mutex_unlock(&l->lock);
    if (!ok) return false;
    if (range->from == range->to) range->from = from;
    range->to = to;
    range->bytes += bytes.n;
    return true;
}

bool store_log_read(Store *s, const char *run, uint64_t from, uint64_t to, StoreLogFn fn, void *cx, Buf *why) {
    Arena a = ARENA_INIT;
    const char *path = log_path(s, &a, run);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 || errno == ENOENT;
    if (!ok) buf_printf(why, "cannot read %s: %s", path, strerror(errno));
    Buf bytes = BUF_INIT;
    Record r;
    while (fd >= 0 && (to == 0 || from < to) && pread(fd, &r, sizeof r, (off_t)from) == (ssize_t)sizeof r) {
        buf_clear(&bytes);
        buf_pad(&bytes, 0, r.bytes);
        if (pread(fd, bytes.p, r.bytes, (off_t)(from + sizeof r)) != (ssize_t)r.bytes) break;
        from += sizeof r + r.bytes;
        if (!fn(cx, r.attempt, r.on_stderr != 0, r.time, buf_view(&bytes))) break;
    }
    buf_free(&bytes);
    if (fd >= 0) close(fd);
    arena_free(&a);
    return ok;
}
