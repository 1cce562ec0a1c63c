/* Names, types and rules: what a program means, in side tables beside its syntax trees. Nothing is written into the trees. */
#ifndef WF_SEMA_SEMA_H
#define WF_SEMA_SEMA_H

#include "base/embed.h"
#include "compiler/ast/ast.h"
#include "compiler/source/diag.h"
#include "compiler/type/lib.h"
#include "compiler/type/type.h"

/* What a node refers to: 4-bit tag and 28-bit index. */
typedef uint32_t Ref;
typedef enum RefTag {
    REF_NONE,
    REF_LOCAL,   /* Sema.local: parameter, binding, loop variable ... */
    REF_SYMBOL,  /* Sema.symbol: a constant; for a CALL the step, fn, workflow or struct */
    REF_MEMBER,  /* index of the enum member in its type */
    REF_FIELD,   /* index of the field in the object's type */
    REF_LIB,     /* LibId: of a CALL, of an INDEX into json, of a file's property */
    REF_FACT,    /* RunFact of run.x */
    REF_MODULE,  /* Sema.module: an import's alias */
    REF_BUILTIN, /* of a CALL: Builtin */
} RefTag;
static inline Ref ref_make(RefTag tag, uint32_t index) { return (uint32_t)tag << 28 | index; }
static inline RefTag ref_tag(Ref r) { return (RefTag)(r >> 28); }
static inline uint32_t ref_index(Ref r) { return r & 0x0FFFFFFFu; }

typedef enum Builtin { BUILTIN_FAIL, BUILTIN_SECRET, BUILTIN_INCLUDE, BUILTIN_SAMPLE_FILE } Builtin;

/* Members of `run`, in the order of the flow graph's FlowFact. */
typedef enum RunFact {
    RUN_ID, RUN_TIME, RUN_SCHEDULED_AT, RUN_PARAMS, RUN_STATUS, RUN_DURATION, RUN_FAILURES, RUN_FACT_COUNT
} RunFact;

enum { /* flags of nodes */
    NF_WORK = 1,     /* holds a call of a step or workflow, or `fail` */
    NF_NARROWED = 2, /* an optional that tests proved to have a value: its type is T, that of the path T? */
    NF_CALLEE = 4,   /* a NAME that is the callee of a CALL, or a pattern: no use of a value */
    NF_EFFECT = 8,   /* holds a call of a step without outputs: it exists for its effects */
};

typedef enum SymbolKind {
    SYM_STEP, SYM_FN, SYM_WORKFLOW, SYM_CONST, SYM_STRUCT, SYM_ENUM, SYM_ARTIFACT, SYM_IMPORT, SYM_ANNOTATION, SYM_BUNDLE, SYM_TARGET
} SymbolKind;

enum { PF_LOAD = 1, PF_CONST = 2, PF_PREDICATE = 4, PF_PARAMS = 8, PF_RULE_SHIFT = 8 /* above: the rule of its values, see annot.c */ };

/* A parameter or output of a symbol, or a field of a struct. */
typedef struct SemaParam {
    Atom name;
    TypeId type;
    NodeId node;  /* PARAM; 0 of an unnamed output */
    NodeId value; /* default, or 0 */
    uint32_t flags;
} SemaParam;

typedef struct Symbol {
    SymbolKind kind;
    uint8_t state;  /* of checking a constant or fn: 0 not yet, 1 under way, 2 done */
    bool used;
    bool unnamed;   /* the single output has no name */
    bool effects;   /* a step without outputs, or a workflow without */
    uint32_t module;
    NodeId decl;
    Atom name;
    Span span;      /* of the name */
    uint32_t param, nparam;   /* in Sema.param; of a struct: its fields */
    uint32_t output, noutput;
    TypeId type;    /* of a call, a constant; the nominal type */
    uint32_t target; /* IMPORT: module; ANNOTATION: mask of places; STEP: the local of an unnamed output in its argv */
} Symbol;

typedef enum LocalKind { LOCAL_PARAM, LOCAL_OUTPUT, LOCAL_BINDING, LOCAL_LOOP, LOCAL_STATE, LOCAL_CATCH, LOCAL_LAMBDA } LocalKind;

typedef struct Local {
    Atom name;
    uint8_t kind; /* LocalKind */
    bool used, typed;
    uint16_t uses; /* of a binding: how often its name stands, at most 2 */
    TypeId type;
    Span span;
    NodeId node;    /* BINDING, PARAM or LOCAL; 0 of an unnamed output */
    uint32_t index; /* PARAM, OUTPUT: position; BINDING: statement in its block; LOOP: 0 or 1 */
    NodeId block;   /* BINDING: the block */
    uint32_t hides; /* local + 1 that it hides, which was reported; else 0 */
} Local;

/* One file. Tables are by NodeId. */
typedef struct Module {
    FileId file;
    Ast ast;
    Atom name;      /* "std.http", 0 of the main file, else the path */
    bool embedded;  /* of the standard library */
    bool loading;   /* its imports are being read */
    TypeId *type;   /* of expressions and type nodes */
    Ref *ref;       /* a LOCAL, BINDING or PARAM node: the local it declares */
    uint8_t *flag;
    uint32_t first_symbol, nsymbols;
    NodeId forgotten; /* nodes below have no entries any more */
} Module;

/* What must be known of the symbol `to` to compute `from`: a call of a workflow or function in the body of another, the use of
   a constant, the defaults of a struct. */
typedef struct SemaCall {
    uint32_t from, to; /* symbols */
    NodeId call;
} SemaCall;

/* A file that another one imports. */
typedef struct SemaImport {
    uint32_t from, to; /* modules */
    Span at;
} SemaImport;

typedef struct Included {
    uint32_t module;
    NodeId call;
    Str text;
} Included;

typedef struct Sema {
    Sources *sources;
    Atoms *atoms;
    Diags *diags;
    Types *types;
    Arena arena;
    VEC(Module) module; /* [0]: the prelude; [1]: the main file */
    VEC(Symbol) symbol;
    VEC(SemaParam) param;
    VEC(Local) local;
    VEC(Included) included; /* texts of include("...") */
    VEC(uint32_t *) order;  /* by the ref of a BLOCK: its statements in the order of their data */
    TypeId failure;         /* struct Failure */
    const EmbeddedFile *embedded;
    bool keep;              /* the tables stay, for lowering; else memory is given back declaration by declaration */
    VEC(SemaCall) call;     /* by what they stand in */
    VEC(SemaImport) import;
    struct SemaNames *names;
    struct LibTable *lib;
} Sema;

/* Reads the prelude and the main file, loads what they import, checks everything. Findings go to diags; false when one of them
   is an error. `embedded` holds "prelude.wf" and "std/<name>.wf". After it the tables are complete for every file that was read;
   on errors, wrong expressions have T_ERROR. Without `keep` the tables by node and the locals are not there afterwards, which
   halves the memory of a check. Costs: linear in the text, times the depth of nested blocks. */
bool sema_check(Sema *s, Sources *sources, Atoms *atoms, Types *types, Diags *diags, const EmbeddedFile *embedded, FileId main, bool keep);
void sema_free(Sema *s);

/* Symbol of that name in a module's name space of values and callables, types, annotations or imports; UINT32_MAX: none. */
typedef enum NameSpace { NS_CALLABLE, NS_VALUE, NS_TYPE, NS_ANNOTATION, NS_IMPORT } NameSpace;
uint32_t sema_lookup(const Sema *s, uint32_t module, NameSpace space, Atom name);

/* The text that an include call stands for. */
Str sema_included(const Sema *s, uint32_t module, NodeId call);

/* Parameters of a library function, for checking, lowering and documentation. */
typedef struct LibParam {
    const char *name;
    TypeId type; /* may hold TY_VAR; of a lambda: T_NOTHING */
    bool lambda;
    uint8_t nlambda;
    TypeId lambda_param[2], lambda_result;
    const char *fallback; /* text of the default, or NULL */
} LibParam;
typedef struct LibSig {
    uint32_t nparam;
    LibParam param[4];
    TypeId result;
} LibSig;
const LibSig *sema_lib(const Sema *s, LibId id);
/* The types that the arguments of a checked call are converted to; `have` are their own, T_NOTHING for lambdas and what is left
   out. */
void sema_lib_types(Sema *s, LibId id, const TypeId *have, TypeId *want);
/* The arguments of a library call by parameter (0: left out). `object` is that of a method, or 0. */
void sema_lib_args(const Sema *s, const Ast *ast, LibId id, NodeId object, AstList args, NodeId out[4]);
/* The argument of each parameter by index, 0 where it is left out; nothing is reported. */
void sema_match_args(const Sema *s, const Ast *ast, AstList args, uint32_t param, uint32_t nparam, NodeId *out);

#endif
