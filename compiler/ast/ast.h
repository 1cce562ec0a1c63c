/* The syntax tree of one file: what the parser makes and every later pass reads.

   Nodes are 20-byte records in one array, named by 32-bit ids; lists and wide nodes live in one array of words. ast.def is the
   list of kinds; for each kind with slots it gives a struct and a reader:

       AstFor f = ast_for(ast, id);          f.vars, f.source, f.filter, f.body
       AST_EACH(f.vars, var) { ... }         var: the NodeId of each

   A tree is at most AST_MAX_HEIGHT levels high, whatever the text, so passes may recurse over it. After parsing it never changes.
   It borrows the text from Sources and the names from Atoms; both must outlive it. */
#ifndef WF_AST_AST_H
#define WF_AST_AST_H

#include "base/atom.h"
#include "base/vec.h"
#include "compiler/source/source.h"

typedef uint32_t NodeId; /* index into Ast.node; 0 is none */

enum { AST_MAX_HEIGHT = 1000 };

typedef enum AstKind {
#define AST(KIND, View, view, at, slots) AST_##KIND,
#define AST_LEAF(KIND, view, at) AST_##KIND,
#include "compiler/ast/ast.def"
#undef AST
#undef AST_LEAF
    AST_NKINDS
} AstKind;

/* Operators of BINARY: AST_OP(NAME, text). */
#define AST_OPS(AST_OP) \
    AST_OP(OR, "or")    \
    AST_OP(AND, "and")  \
    AST_OP(EQ, "==")    \
    AST_OP(NE, "!=")    \
    AST_OP(LT, "<")     \
    AST_OP(LE, "<=")    \
    AST_OP(GT, ">")     \
    AST_OP(GE, ">=")    \
    AST_OP(ELSE, "??")  \
    AST_OP(ADD, "+")    \
    AST_OP(SUB, "-")    \
    AST_OP(MUL, "*")    \
    AST_OP(DIV, "/")    \
    AST_OP(FLOOR, "//") \
    AST_OP(MOD, "%")

typedef enum AstOp {
#define AST_OP(NAME, text) OP_##NAME,
    AST_OPS(AST_OP)
#undef AST_OP
} AstOp;

/* Flags of a node. */
enum {
    AST_OPTIONAL = 1, /* MEMBER, INDEX: ?. and ?[ */
    AST_VARIADIC = 2, /* STEP, ANNOTATION_DECL and others with parameters: declared as (...) */
    AST_PAREN = 4,    /* an expression that stood in parentheses; its span is without them */
    AST_DECODED = 8,  /* STRING: had escapes, the value is strings[a] */
    AST_PART = 16,    /* STRING: a part of a TEXT, its span has no quotes */
};

typedef struct AstNode {
    uint8_t kind;          /* AstKind */
    uint8_t op;            /* AstOp, of BINARY */
    uint16_t flags : 6;    /* AST_OPTIONAL ... */
    uint16_t height : 10;  /* 1 for a leaf, else 1 more than the highest child */
    uint32_t off, end;     /* bytes in the text */
    uint32_t a, b;         /* see ast.def */
} AstNode;

/* Ids of a list; valid as long as the tree. */
typedef struct AstList {
    const uint32_t *at;
    uint32_t n;
} AstList;
/* Runs the statement after it for each id; `list` is a variable or a view's field. */
#define AST_EACH(list, id) \
    for (NodeId id##_i_ = 0, id = 0; id##_i_ < (list).n && (id = (list).at[id##_i_], true); id##_i_++)

typedef struct Ast {
    FileId file;
    Str text;         /* the file's, borrowed from Sources */
    Atoms *atoms;     /* borrowed */
    NodeId root;      /* FILE; set also when the text has errors */
    VEC(AstNode) node;       /* [0] is unused */
    VEC(uint32_t) extra;     /* [0] is 0: the empty list */
    VEC(Str) strings;        /* values of strings with escapes, in the arena */
    VEC(uint32_t) pragmas;   /* offsets of comments that begin `# wfc:`, in order */
    Arena arena;
} Ast;

void ast_init(Ast *ast, const Sources *s, FileId file, Atoms *atoms);
void ast_free(Ast *ast);

static inline const AstNode *ast_node(const Ast *ast, NodeId id) { return ast->node.data + id; }
static inline AstKind ast_kind(const Ast *ast, NodeId id) { return (AstKind)ast->node.data[id].kind; }
static inline bool ast_is(const Ast *ast, NodeId id, AstKind k) { return id && ast->node.data[id].kind == k; }
static inline bool ast_has(const Ast *ast, NodeId id, unsigned flag) { return (ast->node.data[id].flags & flag) != 0; }
static inline AstOp ast_op(const Ast *ast, NodeId id) { return (AstOp)ast->node.data[id].op; }
static inline Span ast_span(const Ast *ast, NodeId id) {
    const AstNode *n = ast->node.data + id;
    return (Span){ast->file, n->off, n->end - n->off};
}
/* The list whose count stands at extra[at]. */
static inline AstList ast_list_at(const Ast *ast, uint32_t at) {
    return (AstList){ast->extra.data + at + 1, ast->extra.data[at]};
}

/* One struct per kind with its slots by name, and ast_<kind>() that reads it. */
#define AST_TYPE_atom Atom
#define AST_TYPE_node NodeId
#define AST_TYPE_list AstList
#define AST_TYPE_word uint32_t
#define A(type, name) AST_TYPE_##type name;
#define B(type, name) AST_TYPE_##type name;
#define X(i, type, name) AST_TYPE_##type name;
#define AST(KIND, View, view, at, slots) \
    typedef struct View {                \
        slots                            \
    } View;
#define AST_LEAF(KIND, view, at)
#include "compiler/ast/ast.def"
#undef AST
#undef A
#undef B
#undef X

#define AST_READ_atom(word) (word)
#define AST_READ_node(word) (word)
#define AST_READ_word(word) (word)
#define AST_READ_list(word) ast_list_at(ast, (word))
#define A(type, name) .name = AST_READ_##type(n->a),
#define B(type, name) .name = AST_READ_##type(n->b),
#define X(i, type, name) .name = AST_READ_##type(ast->extra.data[n->b + (i)]),
#define AST(KIND, View, view, at, slots)                            \
    static inline View ast_##view(const Ast *ast, NodeId id) {      \
        const AstNode *n = ast->node.data + id;                     \
        return (View){slots};                                       \
    }
#include "compiler/ast/ast.def"
#undef AST
#undef AST_LEAF
#undef A
#undef B
#undef X

/* The value of INT, DURATION (milliseconds) and SIZE (bytes). */
static inline int64_t ast_int(const Ast *ast, NodeId id) {
    const AstNode *n = ast->node.data + id;
    return (int64_t)((uint64_t)n->b << 32 | n->a);
}
static inline double ast_float(const Ast *ast, NodeId id) {
    int64_t bits = ast_int(ast, id);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}
static inline bool ast_bool(const Ast *ast, NodeId id) { return ast->node.data[id].a != 0; }
/* The decoded text of a STRING; valid as long as the tree and its text. */
Str ast_string(const Ast *ast, NodeId id);

/* An argument, field or change: the name of a NAMED, else 0, and the value. `id` may be any node. */
typedef struct AstArg {
    Atom name;
    NodeId value;
} AstArg;
static inline AstArg ast_arg(const Ast *ast, NodeId id) {
    const AstNode *n = ast->node.data + id;
    return n->kind == AST_NAMED ? (AstArg){n->a, n->b} : (AstArg){0, id};
}

/* The annotations of a declaration, parameter or statement; empty for kinds that have none. */
AstList ast_annots(const Ast *ast, NodeId id);
/* The name in the node's first atom slot, or 0. */
Atom ast_name_of(const Ast *ast, NodeId id);
/* Where the name of a node stands (see name_at in ast.def); the node's span when it has none. O(distance to the name). */
Span ast_name_span(const Ast *ast, NodeId id);
/* Where the operator of BINARY and AS stands. */
Span ast_op_span(const Ast *ast, NodeId id);
/* The names of an annotation's `@module.name`, without its arguments. */
Span ast_annotation_span(const Ast *ast, NodeId id);
/* The name of a kind as the dump writes it, "expr_stmt". */
const char *ast_kind_name(AstKind k);
const char *ast_op_text(AstOp op);

/* The lines of a FENCE as they stand in the file, from the first after the tag up to the closing line. */
Str ast_fence_raw(const Ast *ast, NodeId id);
/* The same without the indentation that all its lines have in common (blank lines do not count and become empty): line n of
   the result is line n of the raw text. Borrowed from the text when nothing had to be removed, else in the arena. */
Str ast_fence_text(const Ast *ast, NodeId id, Arena *arena);
/* How many bytes ast_fence_text takes off each line. */
uint32_t ast_fence_indent(const Ast *ast, NodeId id);

/* The comment lines directly above a declaration or parameter (above its annotations when it has some), without `#` and one
   blank, joined by newlines; pragmas are left out. Empty when there are none. In the arena. O(length of the comment). */
Str ast_doc_comment(const Ast *ast, NodeId id, Arena *arena);

/* Calls visit(ctx, child) for each child node in slot order. */
void ast_children(const Ast *ast, NodeId id, void (*visit)(void *ctx, NodeId child), void *ctx);

/* Appends the tree below id, one node a line, indented; each child line begins with its slot. */
void ast_dump(Buf *out, const Ast *ast, NodeId id);

/* --- for the parser --- */

/* Adds a node and returns its id. `height` is that of the highest child. */
static inline NodeId ast_add(Ast *ast, AstKind kind, uint32_t off, uint32_t end, uint32_t a, uint32_t b, unsigned height) {
    NodeId id = ast->node.len;
    AstNode n = {.kind = (uint8_t)kind, .height = (height + 1) & 1023, .off = off, .end = end, .a = a, .b = b};
    vec_push(&ast->node, n);
    return id;
}

#endif
