#include "runtime/exec/shim.h"

/* The assembler copies the files in as they are; SHIM_DIR comes from the build. */
#define EMBED(name, file)                                                                    \
    __asm__(".section .rodata\n.global " #name "\n.hidden " #name "\n" #name ":\n"          \
            ".incbin \"" SHIM_DIR "/" file "\"\n.global " #name "_end\n.hidden " #name "_end\n" \
            #name "_end:\n.byte 0\n.previous\n");                                            \
    extern const char name[], name##_end[]

/* One file with the same bytes on every other engine; its first part alone is what runs here. */
__asm__(".section .rodata\n.global wf_task_shim\n.hidden wf_task_shim\nwf_task_shim:\n"
        ".incbin \"" SHIM_DIR "/wf_shim.py\"\n.global wf_python_shim_end\n.hidden wf_python_shim_end\nwf_python_shim_end:\n"
        ".incbin \"" SHIM_DIR "/wf_expr.py\"\n.incbin \"" SHIM_DIR "/wf_task.py\"\n"
        ".incbin \"" SHIM_DIR "/wf_python.py\"\n.incbin \"" SHIM_DIR "/wf_argo.py\"\n"
        ".incbin \"" SHIM_DIR "/wf_stepfunctions.py\"\n"
        ".global wf_task_shim_end\n.hidden wf_task_shim_end\nwf_task_shim_end:\n.byte 0\n.previous\n");
extern const char wf_task_shim[], wf_task_shim_end[], wf_python_shim_end[];
EMBED(wf_node_shim, "wf_shim.js");
EMBED(wf_python_wf, "wf.py");

Str exec_python_shim(void) { return (Str){wf_task_shim, (size_t)(wf_python_shim_end - wf_task_shim)}; }
Str exec_task_shim(void) { return (Str){wf_task_shim, (size_t)(wf_task_shim_end - wf_task_shim)}; }
Str exec_node_shim(void) { return (Str){wf_node_shim, (size_t)(wf_node_shim_end - wf_node_shim)}; }
Str exec_python_wf(void) { return (Str){wf_python_wf, (size_t)(wf_python_wf_end - wf_python_wf)}; }
