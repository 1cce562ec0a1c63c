/* Files: whole reads, atomic writes, paths. Functions return 0 or an errno value. */
#ifndef WF_BASE_IO_H
#define WF_BASE_IO_H

#include "base/mem.h"
#include "base/str.h"

/* Reads a whole regular file, pipe or terminal; *out ends in a NUL that is not counted. Files above `limit` bytes give EFBIG.
   A directory gives EISDIR. *out is replaced; free it with buf_free, also after an error. */
int io_read_file(const char *path, size_t limit, Buf *out);
/* Reads from a descriptor to its end, in the same way. */
int io_read_fd(int fd, size_t limit, Buf *out);
/* Writes all of data, through short writes and EINTR. */
int io_write_all(int fd, Str data);
/* Replaces path by data as one step: a temporary file beside it, fsync, rename. On an error the old file is whole. */
int io_write_file(const char *path, Str data);
/* mkdir -p with mode 0777 less the umask. */
int io_mkdirs(const char *path);
/* Removes a file or a whole directory tree, without following links; made writable where needed. ENOENT counts as done. */
int io_remove_tree(const char *path);

/* dir "/" name, or name when it is absolute or dir is empty. NUL-terminated, in the arena. */
char *path_join(Arena *a, Str dir, Str name);
/* The part before the last '/', "." when there is none, "/" at the root. Borrowed from path. */
Str path_dir(Str path);
/* The part after the last '/'. Borrowed from path. */
Str path_base(Str path);
/* The path with "." and empty parts removed and "a/.." folded; lexical, no file is looked at. */
char *path_clean(Arena *a, Str path);

#endif
