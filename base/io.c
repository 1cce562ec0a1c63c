#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int io_read_fd(int fd, size_t limit, Buf *out) {
    buf_clear(out);
    struct stat st;
    if (fstat(fd, &st) != 0) return errno;
    if (S_ISDIR(st.st_mode)) return EISDIR;
    size_t want = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size + 1 : 4096;
    if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > limit) return EFBIG;
    for (;;) {
        if (out->cap - out->n <= want) {
            out->cap = out->n + want + 1;
            out->p = wf_realloc(out->p, out->cap);
        }
        ssize_t n = read(fd, out->p + out->n, out->cap - out->n - 1);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) break;
        out->n += (size_t)n;
        if (out->n > limit) return EFBIG;
        if (out->cap - out->n < 2) want = out->n;
        else want = 0;
    }
    out->p[out->n] = '\0';
    return 0;
}

int io_read_file(const char *path, size_t limit, Buf *out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    int e = io_read_fd(fd, limit, out);
    close(fd);
    return e;
}

int io_write_all(int fd, Str data) {
    while (data.n > 0) {
        ssize_t n = write(fd, data.p, data.n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        data.p += n;
        data.n -= (size_t)n;
    }
    return 0;
}

int io_write_file(const char *path, Str data) {
    static atomic_uint count; /* several threads may write one path at once */
    Buf tmp = BUF_INIT;
    buf_printf(&tmp, "%s.%ld-%u.tmp", path, (long)getpid(), atomic_fetch_add(&count, 1));
    int fd = open(tmp.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), e = 0;
    if (fd < 0) {
        e = errno;
        buf_free(&tmp);
        return e;
    }
    e = io_write_all(fd, data);
    if (e == 0 && fsync(fd) != 0) e = errno;
    if (close(fd) != 0 && e == 0) e = errno;
    if (e == 0 && rename(tmp.p, path) != 0) e = errno;
    if (e != 0) unlink(tmp.p);
    buf_free(&tmp);
    return e;
}

int io_mkdirs(const char *path) {
    Buf b = BUF_INIT;
    buf_z(&b, path);
    int e = 0;
    for (size_t i = 1; i <= b.n && e == 0; i++) {
        if (b.p[i] != '/' && b.p[i] != '\0') continue;
        char c = b.p[i];
        b.p[i] = '\0';
        if (mkdir(b.p, 0777) != 0 && errno != EEXIST) e = errno;
        b.p[i] = c;
    }
    buf_free(&b);
    struct stat st;
    if (e == 0 && stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) e = ENOTDIR;
    return e;
}

static int remove_at(int dir, const char *name) {
    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT) return 0;
    if (errno != EISDIR && errno != EPERM && errno != EACCES) return errno;
    int why = errno;
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && fchmodat(dir, name, 0700, 0) == 0)
        fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return errno == ENOTDIR ? why : errno;
    struct stat st;
    if (fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700) (void)fchmod(fd, 0700);
    DIR *d = fdopendir(fd);
    if (d == NULL) {
        why = errno;
        close(fd);
        return why;
    }
    int e = 0;
    for (struct dirent *x; e == 0 && (x = readdir(d)) != NULL;)
        if (strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0) e = remove_at(fd, x->d_name);
    closedir(d);
    if (e == 0 && unlinkat(dir, name, AT_REMOVEDIR) != 0) e = errno;
    return e;
}

int io_remove_tree(const char *path) { return remove_at(AT_FDCWD, path); }

char *path_join(Arena *a, Str dir, Str name) {
    if (dir.n == 0 || (name.n > 0 && name.p[0] == '/')) return arena_strndup(a, name.p, name.n);
    bool slash = dir.p[dir.n - 1] == '/';
    return arena_printf(a, "%.*s%s%.*s", STR_ARG(dir), slash ? "" : "/", STR_ARG(name));
}

Str path_dir(Str path) {
    while (path.n > 0 && path.p[path.n - 1] != '/') path.n--;
    if (path.n == 0) return STR(".");
    while (path.n > 1 && path.p[path.n - 1] == '/') path.n--;
    return path;
}

Str path_base(Str path) {
    size_t i = path.n;
    while (i > 0 && path.p[i - 1] != '/') i--;
    return (Str){path.p + i, path.n - i};
}

char *path_clean(Arena *a, Str path) {
    char *out = arena_alloc(a, path.n + 2);
    bool root = path.n > 0 && path.p[0] == '/';
    size_t n = 0, floor = root ? 1 : 0;
    if (root) out[n++] = '/';
    for (size_t i = 0; i < path.n;) {
        size_t from = i;
        while (i < path.n && path.p[i] != '/') i++;
        Str part = {path.p + from, i - from};
        while (i < path.n && path.p[i] == '/') i++;
        if (part.n == 0 || str_is(part, ".")) continue;
        if (str_is(part, "..")) {
            if (n > floor) {
                while (n > floor && out[n - 1] != '/') n--;
                if (n > floor) n--; /* the slash */
                continue;
            }
            if (root) continue;
            if (n > 0) out[n++] = '/';
            memcpy(out + n, "..", 2);
            n += 2;
            floor = n;
            continue;
        }
        if (n > 0 && out[n - 1] != '/') out[n++] = '/';
        memcpy(out + n, part.p, part.n);
        n += part.n;
    }
    if (n == 0) out[n++] = '.';
    out[n] = '\0';
    return out;
}
