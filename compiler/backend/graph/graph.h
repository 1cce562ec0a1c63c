/* Pictures of a workflow: as text, DOT, Mermaid, JSON and SVG. All come from the flow graph, in the order of the text, and are
   the same bytes for the same graph. */
#ifndef WF_BACKEND_GRAPH_GRAPH_H
#define WF_BACKEND_GRAPH_GRAPH_H

#include "compiler/ir/flow.h"

typedef struct GraphFormat {
    const char *name; /* "text", "dot", "mermaid", "json", "svg" */
    void (*write)(Buf *out, const Flow *f, uint32_t workflow);
} GraphFormat;

extern const GraphFormat graph_formats[]; /* ended by a row without a name */

void graph_text(Buf *out, const Flow *f, uint32_t workflow);
void graph_dot(Buf *out, const Flow *f, uint32_t workflow);
void graph_mermaid(Buf *out, const Flow *f, uint32_t workflow);
void graph_json(Buf *out, const Flow *f, uint32_t workflow);
/* Layers by the longest path, crossings reduced by barycentres (Sugiyama, Tagawa, Toda 1981), then nodes are moved towards the
   mean of their neighbours. O(sweeps * edges log edges); an edge over several layers is drawn as one curve. */
void graph_svg(Buf *out, const Flow *f, uint32_t workflow);

/* The name of the step or workflow that a node calls, or what it is: "for each". Appends to out. */
void graph_callee(Buf *out, const Flow *f, NodeId node);
/* The node's name. */
const char *graph_name(const Flow *f, NodeId node);
/* Whether the node is shown: pure values and gates are looked through. */
bool graph_shown(const Flow *f, NodeId node);
/* The shown nodes that come directly before a shown node, through what is not shown; each once, ascending. Malloc'ed. */
NodeId *graph_before(const Flow *f, NodeId node, uint32_t *n);
/* "then", "promote", "each item": what a child region is called in a picture. */
const char *graph_region_label(const Flow *f, RegionId region);
/* The handlers of a workflow in a fixed order: 0, or the region; *text is "on success", "on failure", "finally". */
enum { GRAPH_HANDLERS = 3 };
RegionId graph_handler(const FlowWorkflow *w, int i, const char **text);

#endif
