/* The native back end: pieces of code of a plan become machine code through LLVM. A shared library of its own, which the program
   opens only when it wants native code; nothing else links LLVM. */
#ifndef WF_BACKEND_JIT_JIT_H
#define WF_BACKEND_JIT_JIT_H

#include "compiler/backend/plan/plan.h"

/* A runtime function by name: all that native code may call. */
typedef struct JitSymbol {
    const char *name;
    void (*address)(void);
} JitSymbol;

typedef struct JitOptions {
    const JitSymbol *symbols; /* a row for each of rt_abi.def */
    uint32_t nsymbols;
    bool hot_only;            /* leave code that is not PlanCode.hot as it is */
} JitOptions;

typedef struct Jit Jit;

/* What the library exports, as `wfc_jit_api`. */
typedef struct JitApi {
    uint32_t version; /* JIT_API_VERSION of the library */
    /* Sets RtPlan.compile to one that compiles a region's code when the region opens. NULL with the reason in `why`. The plan,
       and the values that its code made, must not be used after dispose: constants lie in the code's memory. */
    Jit *(*install)(Plan *p, const JitOptions *o, Buf *why);
    void (*dispose)(Jit *j);
    /* Appends the optimised LLVM code of everything in the plan; runs nothing. Deterministic on one machine. */
    bool (*dump)(Plan *p, const JitOptions *o, Buf *out, Buf *why);
} JitApi;

#define JIT_API_VERSION 1u
#define JIT_API_SYMBOL "wfc_jit_api"
extern const JitApi wfc_jit_api;

#endif
