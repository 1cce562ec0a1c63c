/* From checked syntax trees to the flow graph. */
#ifndef WF_IR_LOWER_H
#define WF_IR_LOWER_H

#include "compiler/ir/flow.h"
#include "compiler/sema/sema.h"

/* Lowers every workflow of the main file, and what they use of other files. The program has passed sema_check without errors.
   The flow's main workflow is the only one that no other calls, else UINT32_MAX. Linear in the text, times the depth of nested
   regions. */
void lower_program(Flow *f, Sema *s);

#endif
