/* Starting one process. */
#ifndef WF_RUNTIME_EXEC_SPAWN_H
#define WF_RUNTIME_EXEC_SPAWN_H

#include "base/mem.h"
#include "base/str.h"

#include <sys/types.h>

enum { SPAWN_STACK = 64 << 10 };

typedef struct Spawn {
    const char *path;        /* of the program, as found by spawn_find */
    char *const *argv, *const *env;
    const char *cwd;
    int in, out, err;        /* descriptors to become 0, 1, 2 */
    bool foreground;         /* stays in our process group and on the terminal */
    char *stack;             /* SPAWN_STACK bytes, of the calling thread */
    /* results */
    pid_t pid;
    int pidfd;
} Spawn;

/* Starts the process in a process group of its own, to be killed when the calling thread ends. Returns 0 or an errno value:
   why the directory could not be entered or the program not executed. Does not copy the address space: the cost does not
   depend on the size of the caller. */
int spawn_start(Spawn *s);

/* The program `name` in the directories of `path` ("a:b"), or itself when it holds a '/'. NULL with errno set when there is none
   that can be executed. */
const char *spawn_find(Arena *a, const char *name, const char *path);

#endif
