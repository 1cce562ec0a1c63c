/* The pipeline of passes over the flow graph. The order of the rows is the order in which they run. */
#ifndef WF_PASS_PASS_H
#define WF_PASS_PASS_H

#include "compiler/ir/flow.h"

typedef struct Pass {
    const char *name; /* --dump-after=<name> */
    const char *doc;
    void (*run)(Flow *f);
} Pass;

extern const Pass passes[]; /* ended by a row without a name */

/* Runs the passes, up to and with `until` when it is not NULL ("lower" runs none). In debug builds (no NDEBUG) the graph is
   verified before the first and after each. False when it is broken: `why` names the pass and the invariant. */
bool passes_run(Flow *f, const char *until, Buf *why);
/* Whether `name` is "lower" or that of a pass. */
bool pass_known(const char *name);

/* fold.c: constants are computed, branches on constants are taken. */
void pass_fold(Flow *f);
/* order.c: order edges that data edges imply are removed. */
void pass_order(Flow *f);

#endif
