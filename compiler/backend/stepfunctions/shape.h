/* The order of nodes as chains and parallel branches, which is all that a state machine can say: a state has one successor, and
   what runs in parallel begins and ends together. */
#ifndef WF_BACKEND_STEPFUNCTIONS_SHAPE_H
#define WF_BACKEND_STEPFUNCTIONS_SHAPE_H

#include "compiler/ir/flow.h"

typedef enum ShapeKind {
    SHAPE_NODE,
    SHAPE_SERIES,   /* each node of a child comes before every node of the next one */
    SHAPE_PARALLEL, /* no node of a child comes before one of another */
    SHAPE_LEVELS,   /* neither holds: children are nodes, or parallel nodes,
        by the length of the longest way to them; a node comes
                       before some of those in later levels only */
} ShapeKind;

typedef struct Shape {
    ShapeKind kind;
    NodeId node;
    struct Shape *child; /* in the order of the text where they are parallel */
    uint32_t n;
} Shape;

/* Which nodes of a region come before which, through any others. */
typedef struct Order {
    NodeId first;
    uint32_t n;
    uint32_t words;   /* of a row */
    uint64_t *before; /* row b, bit a: a comes before b */
} Order;

/* Freed by order_free. O(nodes * edges / 64). */
Order order_of(const Flow *f, RegionId region);
void order_free(Order *o);
bool order_before(const Order *o, NodeId a, NodeId b);

/* The shape of some nodes of the region, ascending, at least one. Lives in the arena. Unique: a set of nodes is split into the
   parts that have no order between them, or else into those between which all is ordered, and so on (Möhring 1989).
   O(nodes^2) a level. */
Shape shape_of(Arena *a, const Flow *f, const Order *o, const NodeId *nodes, uint32_t n);

#endif
