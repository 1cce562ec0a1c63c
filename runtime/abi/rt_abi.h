/* The functions that native code may call, and nothing else: one row each in rt_abi.def. */
#ifndef WF_RUNTIME_ABI_RT_ABI_H
#define WF_RUNTIME_ABI_RT_ABI_H

#include "runtime/abi/rt_value.h"

/* One evaluation context: types, scratch memory, the pending error. Not shared between threads. */
typedef struct Rt Rt;

/* Kinds of failure, in the order of `enum FailureKind` of the prelude. */
typedef enum RtFailure {
    RT_FAIL_EXIT, RT_FAIL_TIMEOUT, RT_FAIL_MEMORY, RT_FAIL_LOST, RT_FAIL_OUTPUT, RT_FAIL_VALUE, RT_FAIL_FAIL, RT_FAIL_CANCELLED
} RtFailure;

/* What a run knows about itself, in the order of the flow graph's FlowFact. */
typedef enum RtFact {
    RT_FACT_RUN_ID, RT_FACT_RUN_TIME, RT_FACT_RUN_SCHEDULED_AT, RT_FACT_RUN_PARAMS, RT_FACT_RUN_STATUS, RT_FACT_RUN_DURATION,
    RT_FACT_RUN_FAILURES, RT_FACT_COUNT
} RtFact;

#define RT_ABI(result, name, ...) result name(__VA_ARGS__);
#include "runtime/abi/rt_abi.def"
#undef RT_ABI

#endif
