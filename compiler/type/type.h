/* The types of WF, hash-consed: equal types have equal ids. Shared by the checks and the flow graph. */
#ifndef WF_TYPE_TYPE_H
#define WF_TYPE_TYPE_H

#include "base/atom.h"
#include "base/vec.h"
#include "compiler/source/source.h"

typedef uint32_t TypeId;

typedef enum TypeKind {
    TY_ERROR,   /* of a wrong expression; converts to and from everything, so that one mistake is reported once */
    TY_NOTHING, /* no value: a call without outputs */
    TY_NEVER,   /* of `fail`; fits any type */
    TY_NONE,    /* of the literal `none` where no type is wanted yet */
    TY_BOOL,
    TY_INT,
    TY_FLOAT,
    TY_STRING,
    TY_DURATION, /* int64 milliseconds */
    TY_SIZE,     /* int64 bytes */
    TY_TIME,     /* int64 milliseconds since 1970-01-01T00:00Z */
    TY_JSON,
    TY_SECRET,   /* secret string */
    TY_DIR,
    TY_FILE,     /* format and columns may be open */
    TY_ARTIFACT, /* nominal */
    TY_ENUM,     /* nominal */
    TY_STRUCT,   /* nominal */
    TY_RECORD,   /* structural: fields sorted by name */
    TY_LIST,
    TY_MAP,      /* string keys */
    TY_OPT,      /* never of TY_OPT */
    TY_VAR,      /* a variable of a library function's signature */
    TY_COUNT
} TypeKind;

enum { /* ids of the types that have only one */
    T_ERROR = TY_ERROR, T_NOTHING = TY_NOTHING, T_NEVER = TY_NEVER, T_NONE = TY_NONE, T_BOOL = TY_BOOL, T_INT = TY_INT,
    T_FLOAT = TY_FLOAT, T_STRING = TY_STRING, T_DURATION = TY_DURATION, T_SIZE = TY_SIZE, T_TIME = TY_TIME,
    T_JSON = TY_JSON, T_SECRET = TY_SECRET, T_DIR = TY_DIR, T_FILE = TY_FILE, /* file of any format */
};

enum { /* what a type holds anywhere inside */
    TYF_ERROR = 1, TYF_FILE = 2, TYF_SECRET = 4, TYF_VAR = 8,
    TYF_ORD = 16, /* can be compared with < */
    TYF_EQ = 32,  /* can be compared with == */
};

typedef struct TypeField {
    Atom name;
    TypeId type;
    Atom foreign; /* name in files and JSON by @name("..."), or 0 */
} TypeField;

typedef struct Type {
    uint8_t kind;  /* TypeKind */
    uint8_t flags; /* TYF_ */
    uint16_t n;    /* columns or fields of TY_FILE, TY_RECORD */
    uint32_t a;    /* element of LIST, MAP, OPT; format atom of FILE (0: any); def of ARTIFACT, ENUM, STRUCT; index of VAR */
    uint32_t b;    /* first of its fields in Types.field, for FILE and RECORD */
} Type;

/* A nominal type: one per declaration. */
typedef struct TypeDef {
    Atom name;     /* as declared */
    Atom module;   /* its file's canonical path, so that equal names of two files are told apart in messages */
    Span span;     /* of the name */
    TypeKind kind; /* TY_ARTIFACT, TY_ENUM or TY_STRUCT */
    TypeId base;   /* what an artifact is: a file or dir type, or another artifact */
    uint32_t first, n; /* fields of a struct in declared order, or members of an enum (types unused), in Types.field */
    uint32_t decl; /* the declaring symbol, for the checks */
} TypeDef;

typedef struct Types {
    VEC(Type) type;
    VEC(TypeField) field;
    VEC(TypeDef) def;
    uint32_t *slot; /* hash table of ids + 1 */
    uint32_t mask;
    Atoms *atoms;
} Types;

void types_init(Types *t, Atoms *atoms);
void types_free(Types *t);

static inline const Type *type_at(const Types *t, TypeId id) { return &t->type.data[id]; }
static inline TypeKind type_kind(const Types *t, TypeId id) { return (TypeKind)t->type.data[id].kind; }
static inline bool type_has(const Types *t, TypeId id, unsigned flags) { return (t->type.data[id].flags & flags) != 0; }

TypeId type_list(Types *t, TypeId element);
TypeId type_map(Types *t, TypeId element);
TypeId type_opt(Types *t, TypeId inner);                                   /* T?? is T?; of nothing and never too */
TypeId type_file(Types *t, Atom format, const TypeField *columns, uint16_t n); /* columns keep their order */
TypeId type_record(Types *t, const TypeField *fields, uint16_t n);         /* sorts a copy by name; names are distinct */
TypeId type_var(Types *t, uint32_t index);
/* A new nominal type. The def's base, fields and members may be filled in later with type_def_fields. */
TypeId type_nominal(Types *t, TypeKind kind, Atom name, Atom module, Span span, uint32_t decl);
void type_def_fields(Types *t, TypeId nominal, const TypeField *fields, uint32_t n);
/* Computes the flags of nominal types once all are filled in; recursive structs are refused by the checks before. */
void types_seal(Types *t);

static inline TypeDef *type_def(const Types *t, TypeId id) { return &t->def.data[t->type.data[id].a]; }
static inline TypeId type_inner(const Types *t, TypeId id) { return t->type.data[id].a; } /* of LIST, MAP, OPT */
static inline TypeId type_unopt(const Types *t, TypeId id) { return type_kind(t, id) == TY_OPT ? type_inner(t, id) : id; }
/* Fields of a STRUCT (declared order) or RECORD (sorted), columns of a FILE, members of an ENUM. */
const TypeField *type_fields(const Types *t, TypeId id, uint32_t *n);
/* Index of the field, member or column, or -1. */
int type_field_index(const Types *t, TypeId id, Atom name);
/* What an artifact is in the end: a TY_FILE or TY_DIR type; other types are themselves. */
TypeId type_file_base(const Types *t, TypeId id);

/* Implicit conversion A <= B: int to float, T to T?, never and none, artifact to its base, wider tables to narrower ones,
   a record to a struct of the same fields, T to json without files or secrets inside; lists, maps and records elementwise only
   by the artifact and column rules. O(size of the types). */
bool type_fits(const Types *t, TypeId from, TypeId to);
/* As type_fits, but only by rules that keep the representation: artifacts and columns. */
bool type_same_repr_fits(const Types *t, TypeId from, TypeId to);
/* The common type of two branches, or T_ERROR. B if A <= B, A if B <= A, join of A? with B is join(A, B)?. */
TypeId type_join(Types *t, TypeId a, TypeId b);

/* Appends the type as a user writes it: `[float]`, `file "csv" { a: int }`, `Model`, `(a: int, b: string)?`. */
void type_print(Buf *out, const Types *t, TypeId id);
/* The same as a string in the arena. */
const char *type_z(Arena *a, const Types *t, TypeId id);

#endif
