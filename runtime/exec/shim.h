/* The programs that bind a step's inputs and outputs in other languages, embedded at build time. */
#ifndef WF_RUNTIME_EXEC_SHIM_H
#define WF_RUNTIME_EXEC_SHIM_H

#include "base/str.h"

Str exec_python_shim(void);
/* The same with what tasks on other engines need: wf_shim.py as emitters write it. */
Str exec_task_shim(void);
Str exec_node_shim(void);
/* The module `wf` of project code in Python. */
Str exec_python_wf(void);

#endif
