/* How grammar actions make nodes: MAKE(KIND, slots...) with the slots in the order of ast.def. */
#ifndef WF_GRAMMAR_BUILD_H
#define WF_GRAMMAR_BUILD_H

#include "compiler/ast/ast.h"

typedef struct Loc {
    uint32_t off, end;
} Loc;

/* A list under construction: n ids from `start` on in Builder.pending. Lists nest like the text, so all that stands above the
   end of a list belongs to lists that error recovery abandoned. */
typedef struct ListValue {
    uint32_t start, n;
} ListValue;

typedef union Value {
    uint32_t id; /* an Atom or NodeId */
    ListValue list;
} Value;

typedef struct Builder {
    Ast *ast;
    VEC(uint32_t) pending;
    bool too_deep;    /* a node above AST_MAX_HEIGHT was asked for */
    Loc deep_at;
} Builder;

static inline ListValue list_none(Builder *b) { return (ListValue){b->pending.len, 0}; }

static inline ListValue list_add(Builder *b, ListValue list, NodeId id) {
    if (b->pending.len > list.start + list.n) b->pending.len = list.start + list.n;
    vec_push(&b->pending, id);
    list.n++;
    return list;
}

static inline ListValue list_one(Builder *b, NodeId id) { return list_add(b, list_none(b), id); }

typedef struct Slot {
    bool is_list, is_node;
    uint32_t word;
    ListValue list;
} Slot;

#define ATOM(x) ((Slot){.word = (x)})
#define NODE(x) ((Slot){.is_node = true, .word = (x)})
#define LIST(x) ((Slot){.is_list = true, .list = (x)})

/* Moves a finished list to Ast.extra and returns its place; *height grows to that of its highest node. */
static inline uint32_t list_close(Builder *b, ListValue list, unsigned *height) {
    if (list.n == 0) return 0;
    const uint32_t *ids = b->pending.data + list.start;
    for (uint32_t i = 0; i < list.n; i++) {
        unsigned h = ast_node(b->ast, ids[i])->height;
        if (h > *height) *height = h;
    }
    uint32_t at = b->ast->extra.len;
    vec_reserve(&b->ast->extra, list.n + 1);
    b->ast->extra.data[at] = list.n;
    memcpy(b->ast->extra.data + at + 1, ids, list.n * sizeof *ids);
    b->ast->extra.len = at + list.n + 1;
    if (b->pending.len > list.start) b->pending.len = list.start;
    return at;
}

static inline __attribute__((always_inline)) NodeId build(Builder *b, AstKind kind, Loc at, unsigned n, const Slot *slots) {
    uint32_t word[6] = {0};
    unsigned height = 0;
#pragma GCC unroll 6 /* so that the slots stay in registers */
    for (unsigned i = 0; i < n; i++) {
        if (slots[i].is_list) {
            word[i] = list_close(b, slots[i].list, &height);
            continue;
        }
        word[i] = slots[i].word;
        if (!slots[i].is_node) continue;
        unsigned h = ast_node(b->ast, word[i])->height;
        if (h > height) height = h;
    }
    if (n > 2) {
        uint32_t record = b->ast->extra.len;
        vec_append(&b->ast->extra, word + 1, n - 1);
        word[1] = record;
    }
    if (height >= AST_MAX_HEIGHT && !b->too_deep) {
        b->too_deep = true;
        b->deep_at = at;
    }
    return ast_add(b->ast, kind, at.off, at.end, word[0], word[1], height < AST_MAX_HEIGHT ? height : AST_MAX_HEIGHT - 1);
}

/* For grammar actions: the node spans the whole rule, or begins at another symbol (behind annotations). */
#define MAKE(KIND, ...) MAKE_LOC(KIND, yyloc, __VA_ARGS__)
#define MAKE_FROM(first, KIND, ...) MAKE_LOC(KIND, ((Loc){(first).off, yyloc.end}), __VA_ARGS__)
#define MAKE_LOC(KIND, loc, ...)                                                              \
    build(&parse->build, AST_##KIND, loc, sizeof((Slot[]){__VA_ARGS__}) / sizeof(Slot), (const Slot[]){__VA_ARGS__})
#define NO_LIST ((ListValue){0, 0})

static inline NodeId with_op(Builder *b, NodeId id, AstOp op) {
    b->ast->node.data[id].op = (uint8_t)op;
    return id;
}

static inline NodeId with_flag(Builder *b, NodeId id, unsigned flag) {
    b->ast->node.data[id].flags = (b->ast->node.data[id].flags | flag) & 63;
    return id;
}

#endif
