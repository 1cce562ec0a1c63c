#include "compiler/backend/airflow/airflow.h"

/* The assembler copies the file in as it is; AIRFLOW_DIR comes from the build. */
__asm__(".section .rodata\n.global wf_airflow_runtime\n.hidden wf_airflow_runtime\nwf_airflow_runtime:\n"
        ".incbin \"" AIRFLOW_DIR "/wf_airflow.py\"\n"
        ".global wf_airflow_runtime_end\n.hidden wf_airflow_runtime_end\nwf_airflow_runtime_end:\n.byte 0\n.previous\n");
extern const char wf_airflow_runtime[], wf_airflow_runtime_end[];

Str airflow_runtime(void) { return (Str){wf_airflow_runtime, (size_t)(wf_airflow_runtime_end - wf_airflow_runtime)}; }
