#include "base/io.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static Arena arena;
static char *dir; /* a folder of this run alone */

static const char *in_dir(const char *name) { return path_join(&arena, str_of(dir), str_of(name)); }

static void paths(void) {
    static const char *const rows[][2] = {
        {"", "."}, {".", "."}, {"./", "."}, {"/", "/"}, {"//", "/"}, {"/.", "/"}, {"/..", "/"}, {"/../a", "/a"}, {"a/..", "."},
        {"a/../..", ".."}, {"../..", "../.."}, {"../a/../b", "../b"}, {"a//b/./c/", "a/b/c"}, {"a/b/../../c", "c"},
        {"/a/b/../../../c", "/c"}, {"...", "..."}, {"..a/b..", "..a/b.."}, {"../../a/..", "../.."}, {"./../x", "../x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *got = path_clean(&arena, str_of(rows[i][0]));
        CHECK_Z(got, rows[i][1]);
        CHECK_Z(path_clean(&arena, str_of(got)), got); /* clean stays clean */
    }
    CHECK_Z(path_join(&arena, STR("a"), STR("b")), "a/b");
    CHECK_Z(path_join(&arena, STR("a/"), STR("b")), "a/b");
    CHECK_Z(path_join(&arena, STR(""), STR("b")), "b");
    CHECK_Z(path_join(&arena, STR("a"), STR("/b")), "/b");
    CHECK_STR(path_dir(STR("a/b/c")), "a/b");
    CHECK_STR(path_dir(STR("a//b")), "a");
    CHECK_STR(path_dir(STR("a")), ".");
    CHECK_STR(path_dir(STR("/a")), "/");
    CHECK_STR(path_dir(STR("///a")), "/");
    CHECK_STR(path_base(STR("a/b.c")), "b.c");
    CHECK_STR(path_base(STR("a/")), "");
}

static void reads(void) {
    Buf b = BUF_INIT;
    CHECK_INT(io_read_file(in_dir("absent"), 100, &b), ENOENT);
    CHECK_INT(io_read_file(dir, 100, &b), EISDIR);
    for (size_t n = 0; n < 9000; n = n * 2 + 1) {
        char text[9000];
        memset(text, 'x', sizeof text);
        CHECK_INT(io_write_file(in_dir("f"), (Str){text, n}), 0);
        CHECK_INT(io_read_file(in_dir("f"), n, &b), 0);
        CHECK_INT(b.n, n);
        CHECK(b.p[b.n] == '\0' && (n == 0 || b.p[n - 1] == 'x'));
        if (n > 0) CHECK_INT(io_read_file(in_dir("f"), n - 1, &b), EFBIG);
    }
    /* A pipe has no size: written in odd pieces, read to its end. */
    for (int limit = 0; limit < 2; limit++) {
        int fd[2];
        CHECK_INT(pipe(fd), 0);
        pid_t child = fork();
        if (child == 0) {
            signal(SIGPIPE, SIG_IGN);
            close(fd[0]);
            for (int i = 0; i < 1000; i++)
                if (io_write_all(fd[1], (Str){"0123456789abcdefghijklmnopqrstuvwxyz", (size_t)i % 37}) != 0) break;
            _exit(0);
        }
        close(fd[1]);
        CHECK_INT(io_read_fd(fd[0], limit ? 5000 : 1 << 20, &b), limit ? EFBIG : 0);
        if (!limit) CHECK_INT(b.n, 17982);
        close(fd[0]);
        waitpid(child, NULL, 0);
    }
    buf_free(&b);
}

static int entries(const char *path) {
    char command[600];
    snprintf(command, sizeof command, "exit $(ls -A '%s' | wc -l)", path);
    int status = system(command);
    return WEXITSTATUS(status);
}

static void writes(void) {
    char *home = path_join(&arena, str_of(dir), STR("w")), *file = path_join(&arena, str_of(home), STR("file"));
    Buf b = BUF_INIT, big = BUF_INIT;
    CHECK_INT(io_mkdirs(home), 0);
    CHECK_INT(io_write_file(file, STR("old")), 0);
    CHECK_INT(io_write_file(path_join(&arena, str_of(home), STR("no/such/file")), STR("x")), ENOENT);
    CHECK_INT(io_write_file(home, STR("x")), EISDIR);
    CHECK_INT(io_remove_tree(path_join(&arena, str_of(dir), STR("w.1.tmp"))), 0);

    /* A disk that fills up after 4 KiB: the old file is whole and nothing is left beside it. */
    buf_pad(&big, 'y', 1 << 20);
    struct rlimit whole, small;
    CHECK_INT(getrlimit(RLIMIT_FSIZE, &whole), 0);
    small = whole;
    small.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &small), 0);
    int e = io_write_file(file, buf_view(&big));
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &whole), 0);
    CHECK_INT(e, EFBIG);
    CHECK_INT(io_read_file(file, 100, &b), 0);
    CHECK_STR(buf_view(&b), "old");
    CHECK_INT(entries(home), 1);

    int full = open("/dev/full", O_WRONLY);
    CHECK_INT(io_write_all(full, STR("x")), ENOSPC);
    close(full);

    CHECK_INT(io_write_file(file, buf_view(&big)), 0);
    CHECK_INT(io_read_file(file, 1 << 20, &b), 0);
    CHECK(str_eq(buf_view(&b), buf_view(&big)));
    buf_free(&b);
    buf_free(&big);
}

static void folders(void) {
    char *tree = path_join(&arena, str_of(dir), STR("tree"));
    CHECK_INT(io_mkdirs(path_join(&arena, str_of(tree), STR("a/b//c/"))), 0);
    CHECK_INT(io_mkdirs(path_join(&arena, str_of(tree), STR("a/b"))), 0);
    CHECK_INT(io_write_file(path_join(&arena, str_of(tree), STR("f")), STR("")), 0);
    CHECK_INT(io_mkdirs(path_join(&arena, str_of(tree), STR("f"))), ENOTDIR);
    CHECK_INT(io_mkdirs(path_join(&arena, str_of(tree), STR("f/g"))), ENOTDIR);
    /* What a link points at survives the removal of the link. */
    char *outside = path_join(&arena, str_of(dir), STR("outside"));
    CHECK_INT(io_mkdirs(outside), 0);
    CHECK_INT(symlink(outside, path_join(&arena, str_of(tree), STR("link"))), 0);
    CHECK_INT(chmod(path_join(&arena, str_of(tree), STR("a/b")), 0), 0);
    CHECK_INT(io_remove_tree(tree), 0);
    CHECK(access(tree, F_OK) != 0);
    CHECK(access(outside, F_OK) == 0);
    CHECK_INT(io_remove_tree(tree), 0);
}

int main(void) {
    char name[] = "/tmp/wfc-unit-XXXXXX";
    dir = mkdtemp(name);
    CHECK(dir != NULL);
    if (dir != NULL) {
        paths();
        reads();
        writes();
        folders();
        CHECK_INT(io_remove_tree(dir), 0);
    }
    arena_free(&arena);
    return test_end();
}
