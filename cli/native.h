/* Native code: when it is wanted, and the library that makes it, which is opened only then. */
#ifndef WF_CLI_NATIVE_H
#define WF_CLI_NATIVE_H

#include "cli/cli.h"
#include "compiler/backend/jit/jit.h"

typedef enum NativePolicy {
    NATIVE_AUTO,   /* code that is hot; the library is opened when a region with such code opens */
    NATIVE_ALWAYS,
    NATIVE_NEVER,
} NativePolicy;

typedef struct Native {
    const JitApi *api; /* of the opened library, or NULL */
    Jit *jit;
    Plan *plan;
    bool *hot; /* by region: whether it has such code */
} Native;

/* --jit; 0, or the exit code after printing what is wrong. */
int native_policy(const Cli *cli, NativePolicy *out);
/* Decides how the plan's code is made; the plan evaluates all of it before. False with the reason in `why`: the library is wanted
   now and cannot be had. `n` stays where it is until native_close. */
bool native_open(Native *n, Plan *p, NativePolicy policy, Buf *why);
void native_close(Native *n);
/* Appends the LLVM code of the whole plan. */
bool native_dump(Plan *p, Buf *out, Buf *why);

#endif
