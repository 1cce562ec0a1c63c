#include "runtime/exec/shim.h"

/* The assembler copies the files in as they are; SHIM_DIR comes from the build. */
#define EMBED(name, file)                                                                    \
    __asm__(".section .rodata\n.global " #name "\n.hidden " #name "\n" #name ":\n"          \
            ".incbin \"" SHIM_DIR "/" file "\"\n.global " #name "_end\n.hidden " #name "_end\n" \
            #name "_end:\n.byte 0\n.previous\n");                                            \
    extern const char name[], name##_end[]

EMBED(wf_python_shim, "wf_shim.py");
EMBED(wf_node_shim, "wf_shim.js");
EMBED(wf_python_wf, "wf.py");

Str exec_python_shim(void) { return (Str){wf_python_shim, (size_t)(wf_python_shim_end - wf_python_shim)}; }
Str exec_node_shim(void) { return (Str){wf_node_shim, (size_t)(wf_node_shim_end - wf_node_shim)}; }
Str exec_python_wf(void) { return (Str){wf_python_wf, (size_t)(wf_python_wf_end - wf_python_wf)}; }
