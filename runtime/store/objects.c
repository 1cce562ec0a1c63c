/* Content-addressed objects. A file becomes an object by rename; a directory is stored file by file with a manifest, whose text
   is an object of its own and whose hash is the directory's:
     wfdir 1
     f <sha256> <size> "path"     (x: executable)
     d "path"                     (a directory that holds nothing)
   in byte order of the paths. */
#include "runtime/store/store_impl.h"

#include "base/io.h"
#include "base/json.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 1 << 17 };

static void hex(const unsigned char *digest, char out[65]) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 32; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[64] = '\0';
}

void store_sha256(Str bytes, char out[65]) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_Digest(bytes.n > 0 ? bytes.p : "", bytes.n, digest, NULL, EVP_sha256(), NULL);
    hex(digest, out);
}

char *store_object_path(const Store *s, const char *sha256, Arena *a) {
    return arena_printf(a, "%s/objects/%.2s/%s", s->dir, sha256, sha256 + 2);
}

bool store_has(const Store *s, const char *sha256, uint64_t *size) {
    Arena a = ARENA_INIT;
    struct stat st;
    bool there = stat(store_object_path(s, sha256, &a), &st) == 0;
    arena_free(&a);
    if (there && size != NULL) *size = (uint64_t)st.st_size;
    return there;
}

void store_forget(Store *s, const char *sha256) {
    Arena a = ARENA_INIT;
    unlink(store_object_path(s, sha256, &a));
    arena_free(&a);
}

static bool io_error(Buf *why, const char *what, const char *path, int error) {
    buf_printf(why, "cannot %s %s: %s", what, path, strerror(error));
    return false;
}

/* Hashes `from` to its end, copying to `to` unless that is negative. Returns 0 or an errno value. */
static int hash_fd(int from, int to, char sha256[65], uint64_t *size) {
    EVP_MD_CTX *cx = EVP_MD_CTX_new();
    char *block = wf_alloc(BLOCK);
    unsigned char digest[EVP_MAX_MD_SIZE];
    int error = cx != NULL && EVP_DigestInit_ex(cx, EVP_sha256(), NULL) == 1 ? 0 : ENOMEM;
    *size = 0;
    while (error == 0) {
        ssize_t n = read(from, block, BLOCK);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) error = errno;
        if (n <= 0) break;
        EVP_DigestUpdate(cx, block, (size_t)n);
        *size += (uint64_t)n;
        if (to >= 0) error = io_write_all(to, (Str){block, (size_t)n});
    }
    if (error == 0) {
        EVP_DigestFinal_ex(cx, digest, NULL);
        hex(digest, sha256);
    }
    EVP_MD_CTX_free(cx);
    free(block);
    return error;
}

/* Renames a finished temporary file to its object's name; an object that is there already wins. */
static bool publish(Store *s, Arena *a, const char *temp, const char *sha256, Buf *why) {
    char *path = store_object_path(s, sha256, a);
    struct stat st;
    if (stat(path, &st) == 0) {
        unlink(temp);
        return true;
    }
    if (rename(temp, path) == 0) return true;
    if (errno == ENOENT) {
        char *dir = arena_printf(a, "%s/objects/%.2s", s->dir, sha256);
        if (mkdir(dir, 0777) != 0 && errno != EEXIST) return io_error(why, "make the directory", dir, errno);
        if (rename(temp, path) == 0) return true;
    }
    int error = errno;
    unlink(temp);
    return io_error(why, "store", path, error);
}

static bool put_copy(Store *s, Arena *a, int from, const char *path, StoreObject *out, Buf *why) {
    char *temp = store_temp(s, a);
    int to = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (to < 0) return io_error(why, "write", temp, errno);
    int error = hash_fd(from, to, out->sha256, &out->size);
    if (error == 0 && fdatasync(to) != 0) error = errno;
    if (close(to) != 0 && error == 0) error = errno;
    if (error != 0) {
        unlink(temp);
        return io_error(why, "store", path, error);
    }
    return publish(s, a, temp, out->sha256, why);
}

static bool put_moved(Store *s, Arena *a, int from, const char *path, const struct stat *st, StoreObject *out, Buf *why) {
    int error = hash_fd(from, -1, out->sha256, &out->size);
    if (error == 0 && store_has(s, out->sha256, NULL)) {
        unlink(path);
        return true;
    }
    /* A file with other names could be changed through them later. */
    if (error == 0 && st->st_nlink > 1) {
        if (lseek(from, 0, SEEK_SET) != 0) return io_error(why, "read", path, errno);
        return put_copy(s, a, from, path, out, why);
    }
    if (error == 0 && (fchmod(from, 0444) != 0 || fdatasync(from) != 0)) error = errno;
    return error == 0 ? publish(s, a, path, out->sha256, why) : io_error(why, "store", path, error);
}

static bool put_file(Store *s, Arena *a, const char *path, bool move, StoreObject *out, Buf *why) {
    *out = (StoreObject){0};
    struct stat link, st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return io_error(why, "read", path, errno);
    bool ok = false;
    if (fstat(fd, &st) != 0 || lstat(path, &link) != 0)
        io_error(why, "read", path, errno);
    else if (!S_ISREG(st.st_mode))
        buf_printf(why, "%s is not a regular file", path);
    else
        ok = move && S_ISREG(link.st_mode) ? put_moved(s, a, fd, path, &st, out, why) : put_copy(s, a, fd, path, out, why);
    close(fd);
    return ok;
}

bool store_put_file(Store *s, const char *path, bool move, StoreObject *out, Buf *why) {
    Arena a = ARENA_INIT;
    bool ok = put_file(s, &a, path, move, out, why);
    arena_free(&a);
    return ok;
}

bool store_put_bytes(Store *s, Str bytes, StoreObject *out, Buf *why) {
    *out = (StoreObject){.size = bytes.n};
    store_sha256(bytes, out->sha256);
    if (store_has(s, out->sha256, NULL)) return true;
    Arena a = ARENA_INIT;
    char *temp = store_temp(s, &a);
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    bool ok = fd >= 0 || io_error(why, "write", temp, errno);
    if (ok) {
        int error = io_write_all(fd, bytes);
        if (error == 0 && fdatasync(fd) != 0) error = errno;
        close(fd);
        ok = error == 0 ? publish(s, &a, temp, out->sha256, why) : (unlink(temp), io_error(why, "write", temp, error));
    }
    arena_free(&a);
    return ok;
}

/* ---- directories ---- */

typedef struct Entry {
    char *path; /* relative */
    char kind;  /* f x d */
    bool link;
} Entry;
typedef VEC(Entry) Entries;

static int entry_cmp(const void *a, const void *b) { return strcmp(((const Entry *)a)->path, ((const Entry *)b)->path); }

/* Lists one directory of the tree: files to `out`, its directories to `todo`. */
static bool list_dir(Arena *a, const char *root, const char *rel, Entries *out, Entries *todo, Buf *why) {
    char *full = *rel ? arena_printf(a, "%s/%s", root, rel) : arena_strndup(a, root, strlen(root));
    DIR *d = opendir(full);
    if (d == NULL) return io_error(why, "read", full, errno);
    bool ok = true, any = false;
    for (struct dirent *e; ok && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        any = true;
        char *path = *rel ? arena_printf(a, "%s/%s", rel, e->d_name) : arena_strndup(a, e->d_name, strlen(e->d_name));
        struct stat st, link;
        if (fstatat(dirfd(d), e->d_name, &st, 0) != 0 || fstatat(dirfd(d), e->d_name, &link, AT_SYMLINK_NOFOLLOW) != 0)
            ok = io_error(why, "read", arena_printf(a, "%s/%s", root, path), errno);
        else if (S_ISREG(st.st_mode))
            vec_push(out, ((Entry){path, (st.st_mode & 0111) != 0 ? 'x' : 'f', S_ISLNK(link.st_mode)}));
        else if (S_ISDIR(st.st_mode) && S_ISDIR(link.st_mode))
            vec_push(todo, ((Entry){path, 'd', false}));
        else {
            buf_printf(why, "%s in it is neither a file nor a directory", path);
            ok = false;
        }
    }
    closedir(d);
    if (ok && !any && *rel) vec_push(out, ((Entry){arena_strndup(a, rel, strlen(rel)), 'd', false}));
    return ok;
}

static bool list_tree(Arena *a, const char *root, Entries *out, Buf *why) {
    Entries todo = {0};
    vec_push(&todo, ((Entry){"", 'd', false}));
    bool ok = true;
    while (ok && todo.len > 0) {
        Entry e = vec_pop(&todo);
        ok = list_dir(a, root, e.path, out, &todo, why);
    }
    vec_free(&todo);
    if (out->len > 1) qsort(out->data, out->len, sizeof *out->data, entry_cmp);
    return ok;
}

bool store_put_dir(Store *s, const char *path, bool move, StoreObject *out, Buf *why) {
    Arena a = ARENA_INIT;
    Entries all = {0};
    Buf manifest = BUF_INIT;
    *out = (StoreObject){.is_dir = true};
    buf_z(&manifest, "wfdir 1\n");
    bool ok = list_tree(&a, path, &all, why);
    /* What a link points to may be another file of the tree, and must stay until the link is read. */
    for (uint32_t i = 0; ok && i < all.len; i++) move = move && !all.data[i].link;
    for (uint32_t i = 0; ok && i < all.len; i++) {
        const Entry *e = &all.data[i];
        StoreObject file = {0};
        if (e->kind != 'd') {
            ok = put_file(s, &a, arena_printf(&a, "%s/%s", path, e->path), move, &file, why);
            buf_printf(&manifest, "%c %s %" PRIu64 " ", e->kind, file.sha256, file.size);
            out->size += file.size;
            out->files++;
        } else
            buf_z(&manifest, "d ");
        json_z(&manifest, e->path);
        buf_addc(&manifest, '\n');
    }
    StoreObject text;
    ok = ok && store_put_bytes(s, buf_view(&manifest), &text, why);
    if (ok) memcpy(out->sha256, text.sha256, sizeof out->sha256);
    buf_free(&manifest);
    vec_free(&all);
    arena_free(&a);
    return ok;
}

/* ---- views and copies ---- */

static bool copy_file(const char *from, const char *to, int mode, Buf *why) {
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0) return io_error(why, "read", from, errno);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    int error = out < 0 ? errno : 0;
    char *block = wf_alloc(BLOCK);
    for (ssize_t n; error == 0 && (n = read(in, block, BLOCK)) != 0;) {
        if (n > 0)
            error = io_write_all(out, (Str){block, (size_t)n});
        else if (errno != EINTR)
            error = errno;
    }
    free(block);
    close(in);
    if (out >= 0 && close(out) != 0 && error == 0) error = errno;
    if (error == 0) return true;
    if (out >= 0) unlink(to);
    return io_error(why, "write", to, error);
}

static bool place(Store *s, Arena *a, const char *sha256, bool executable, bool copy, const char *dest, Buf *why) {
    char *from = store_object_path(s, sha256, a);
    int mode = copy ? (executable ? 0777 : 0666) : executable ? 0555 : 0444;
    if (!copy && !executable && link(from, dest) == 0) return true;
    if (access(from, F_OK) != 0) {
        buf_printf(why, "the stored content %.12s is gone from %s", sha256, s->dir);
        return false;
    }
    return copy_file(from, dest, mode, why);
}

/* One line of a manifest, read into its parts. */
static bool manifest_line(Str line, char *kind, char sha256[65], JsonIn *path) {
    if (line.n < 4) return false;
    *kind = line.p[0];
    size_t at = 2;
    if (*kind != 'd') {
        if (line.n < 68) return false;
        memcpy(sha256, line.p + 2, 64);
        sha256[64] = '\0';
        at = 67;
        while (at < line.n && line.p[at] != ' ') at++;
        at++;
    }
    if (at >= line.n) return false;
    *path = json_in((Str){line.p + at, line.n - at});
    return json_next(path) == JSON_STRING;
}

static bool make_parents(Arena *a, char *path, Buf *why) {
    Str dir = path_dir(str_of(path));
    int error = io_mkdirs(arena_strndup(a, dir.p, dir.n));
    return error == 0 || io_error(why, "make the directory", path, error);
}

static bool place_dir(Store *s, Arena *a, const char *sha256, bool copy, const char *dest, Buf *why) {
    Buf text = BUF_INIT;
    char *path = store_object_path(s, sha256, a);
    int error = io_read_file(path, (size_t)1 << 32, &text);
    bool ok = error == 0 || io_error(why, "read", path, error);
    if (ok && mkdir(dest, 0777) != 0) ok = io_error(why, "make the directory", dest, errno);
    size_t at = ok ? (size_t)(strchr(text.p, '\n') != NULL ? strchr(text.p, '\n') - text.p + 1 : 0) : 0;
    Arena line_arena = ARENA_INIT;
    while (ok && at < text.n) {
        const char *end = memchr(text.p + at, '\n', text.n - at);
        Str line = {text.p + at, (size_t)((end != NULL ? end : text.p + text.n) - (text.p + at))};
        at += line.n + 1;
        char kind, sha[65];
        JsonIn name = {0};
        ok = manifest_line(line, &kind, sha, &name);
        if (!ok) buf_printf(why, "the stored directory %.12s is damaged", sha256);
        arena_reset(&line_arena);
        char *to = ok ? path_join(&line_arena, str_of(dest), name.s) : NULL;
        if (ok && kind == 'd')
            ok = (error = io_mkdirs(to)) == 0 || io_error(why, "make the directory", to, error);
        else if (ok)
            ok = make_parents(&line_arena, to, why) && place(s, &line_arena, sha, kind == 'x', copy, to, why);
        json_in_free(&name);
    }
    arena_free(&line_arena);
    buf_free(&text);
    return ok;
}

bool store_view(Store *s, const char *sha256, bool is_dir, const char *dest, Buf *why) {
    Arena a = ARENA_INIT;
    bool ok = is_dir ? place_dir(s, &a, sha256, false, dest, why) : place(s, &a, sha256, false, false, dest, why);
    arena_free(&a);
    return ok;
}

bool store_copy_out(Store *s, const char *sha256, bool is_dir, const char *dest, Buf *why) {
    Arena a = ARENA_INIT;
    bool ok;
    if (is_dir) {
        ok = place_dir(s, &a, sha256, true, dest, why);
    } else {
        char *temp = arena_printf(&a, "%s.%d.tmp", dest, (int)getpid());
        ok = place(s, &a, sha256, false, true, temp, why);
        if (ok && rename(temp, dest) != 0) {
            int error = errno;
            unlink(temp);
            ok = io_error(why, "write", dest, error);
        }
    }
    arena_free(&a);
    return ok;
}
