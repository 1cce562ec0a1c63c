/* A program ready to run: checked, lowered, laid out, with code for its expressions. Shared by the verbs that run things. */
#ifndef WF_CLI_SESSION_H
#define WF_CLI_SESSION_H

#include "cli/native.h"
#include "cli/program.h"
#include "compiler/backend/plan/plan.h"
#include "runtime/sched/engine.h"

typedef struct Session {
    Program program;
    Plan plan;
    bool planned;
    char *project; /* directory of the main file */
    char *source;  /* the main file, absolute */
    Native native;
} Session;

/* Reads, checks and lays out `path`. Findings are printed to stderr. 0, or the exit code. */
int session_open(Session *s, const Cli *cli, const char *path);
void session_close(Session *s);

/* Opens the store of --store, or `.wfc` beside the project. NULL after printing why. */
Engine *session_engine(const Cli *cli, const char *project, bool read_only);

/* The directory of --store, or that of the nearest `.wfc` in this directory or above, or ".wfc". In the arena. */
const char *cli_store_dir(const Cli *cli, Arena *a, const char *project);

/* The value of a secret, cx being the Cli: the variable WFC_SECRET_<NAME> in upper case, or the file of that name in the directory
   of --secrets, less its final newline. Without one `value` tells how to give it. */
bool secret_value(void *cx, const char *name, Buf *value);

#endif
