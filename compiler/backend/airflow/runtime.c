#include "compiler/backend/airflow/airflow.h"

/* The assembler copies a file in as it is; AIRFLOW_DIR comes from the build. */
#define FILE_BYTES(name, file)                                                              \
    __asm__(".section .rodata\n.global " #name "\n.hidden " #name "\n" #name ":\n"          \
            ".incbin \"" AIRFLOW_DIR "/" file "\"\n"                                        \
            ".global " #name "_end\n.hidden " #name "_end\n" #name "_end:\n.byte 0\n.previous\n"); \
    extern const char name[], name##_end[]

FILE_BYTES(wf_airflow_runtime, "wf_airflow.py");
FILE_BYTES(wf_airflow_operator, "wf_operator.py");

Str airflow_runtime(void) { return (Str){wf_airflow_runtime, (size_t)(wf_airflow_runtime_end - wf_airflow_runtime)}; }
Str airflow_operator_runtime(void) { return (Str){wf_airflow_operator, (size_t)(wf_airflow_operator_end - wf_airflow_operator)}; }
