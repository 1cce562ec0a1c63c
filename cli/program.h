/* A program from its file to the flow graph. */
#ifndef WF_CLI_PROGRAM_H
#define WF_CLI_PROGRAM_H

#include "cli/cli.h"
#include "compiler/ir/flow.h"
#include "compiler/sema/sema.h"
#include "compiler/source/render.h"

typedef struct Program {
    Sources sources;
    Atoms atoms;
    Types types;
    Diags diags;
    Sema sema;
    Flow flow;
    FileId file;
    bool checked, lowered;
} Program;

/* Reads and checks `path` ("-": standard input, named `name` in messages); `keep` when it will be lowered. Returns an errno value
   when it cannot be read. */
int program_check(Program *p, const char *path, const char *name, bool keep);
/* Lowers a checked program without errors and runs the passes up to `until` (NULL: all); in debug builds the graph is verified
   after each. False: internal error, in `why`. */
bool program_lower(Program *p, const char *until, Buf *why);
void program_free(Program *p);

/* Prints the errors to stderr and, where there are none, the warnings; after errors a line that nothing was `done`: "run". */
void program_explain(Program *p, const Cli *cli, const char *done);

/* Prints findings to stdout, as text or in the format; returns the exit code. `deny` makes warnings count. */
int program_report(Program *p, const Cli *cli, const char *format, bool deny);

#endif
