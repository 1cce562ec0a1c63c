/* Shared by the files of sema/: the state of a check and its parts. */
#ifndef WF_SEMA_CHECK_H
#define WF_SEMA_CHECK_H

#include "compiler/sema/sema.h"

#define NOT_FOUND UINT32_MAX

/* Why a type is wanted: shown as the second label of a mismatch. */
typedef struct Why {
    Span span;        /* file 0: none, unless `param` is set */
    const char *text;
    TypeId type;      /* says "this is `T`" instead of the text */
    uint32_t param, module; /* param: index in Sema.param + 1 of a declaration in the module */
} Why;
#define WHY_NONE ((Why){0})

/* What is being checked: one step, fn, workflow, default or constant. */
typedef struct Cx {
    Sema *s;
    uint32_t m; /* module */
    const Ast *ast;
    uint32_t owner;      /* symbol, or NOT_FOUND */
    uint32_t first_local; /* of this declaration */
    bool in_workflow;    /* calls of steps are allowed */
    bool in_test;
    bool in_default;     /* of a parameter or field */
    bool in_handler;     /* run.status, run.duration, run.failures are known */
    NodeId whole;        /* the expression that is a whole statement, binding, `return` or branch: it may be a chain */
    const char *pure;    /* why no call may stand here ("a lambda"), or NULL */
    VEC(NodeId) facts;   /* paths known to have a value */
    VEC(uint32_t) undo;  /* locals brought into scope, in order */
} Cx;

static inline Module *cx_mod(const Cx *c) { return &c->s->module.data[c->m]; }
static inline const char *name_z(const Cx *c, Atom a) { return atom_cstr(c->s->atoms, a); }
static inline const char *ty(Cx *c, TypeId t) { return type_z(&c->s->diags->arena, c->s->types, t); }
static inline Span cx_span(const Cx *c, NodeId n) { return ast_span(c->ast, n); }
static inline TypeKind kind_of(const Cx *c, TypeId t) { return type_kind(c->s->types, t); }
static inline TypeId set_type(Cx *c, NodeId n, TypeId t) { return cx_mod(c)->type[n] = t; }
static inline TypeId get_type(const Cx *c, NodeId n) { return cx_mod(c)->type[n]; }
static inline void set_flag(Cx *c, NodeId n, unsigned f) { cx_mod(c)->flag[n] |= (uint8_t)f; }
static inline bool has_flag(const Cx *c, NodeId n, unsigned f) { return (cx_mod(c)->flag[n] & f) != 0; }
static inline void set_ref(Cx *c, NodeId n, RefTag tag, uint32_t i) { cx_mod(c)->ref[n] = ref_make(tag, i); }
Diag *error_at(Cx *c, DiagCode code, NodeId n, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The same at the name that a node declares or reads: `f` of x.f. */
Diag *error_name(Cx *c, DiagCode code, NodeId n, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* A text in the arena of the findings. */
const char *diag_text(Cx *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- names.c --- */
void names_init(Sema *s);
void names_free(Sema *s);
/* Adds a name; false when there is one already (*other is its symbol). */
bool names_add(Sema *s, uint32_t module, NameSpace space, Atom name, uint32_t symbol, uint32_t *other);
/* The local of that name in scope, or NOT_FOUND. */
uint32_t scope_find(const Cx *c, Atom name);
/* Brings a local into scope; reports a name that is visible already or has a bad form. Returns the local. */
uint32_t scope_add(Cx *c, Local l);
static inline uint32_t scope_mark(const Cx *c) { return c->undo.len; }
void scope_leave(Cx *c, uint32_t mark); /* back to the mark; unused locals are reported */
void check_name_form(Sema *s, Atom name, Span span, const char *what);
/* Adds "did you mean" as an edit of `span`, and the closed list of candidates when it is short. `what`: "steps". */
void suggest(Sema *s, Diag *d, Span span, Atom wrong, const Atom *candidates, uint32_t n, const char *what);
/* All names of a module's name space, own and the prelude's, sorted. In the arena of the findings. */
Atom *names_list(Sema *s, uint32_t module, NameSpace space, uint32_t *n);
/* The import that this module calls `name`, which counts as used from now on; NOT_FOUND when there is none. */
uint32_t use_import(Cx *c, Atom name);
Atom *scope_list(Cx *c, uint32_t *n);

/* --- declare.c --- */
TypeId resolve_type(Cx *c, NodeId node);
void declare_module(Sema *s, uint32_t module);     /* names of declarations */
void declare_types(Sema *s, uint32_t module);      /* bodies of structs, enums, artifacts */
void declare_signatures(Sema *s, uint32_t module); /* parameters and outputs */
void check_type_cycles(Sema *s);

/* --- body.c --- */
Cx cx_open(Sema *s, uint32_t module, uint32_t owner);
void cx_close(Cx *c);
void check_bodies(Sema *s, uint32_t module);
/* Without Sema.keep: gives back what the tables hold of nodes below `node`, and all locals. The declarations of a file are
   checked in the order of the text, which is that of their nodes. */
void forget_before(Sema *s, uint32_t module, NodeId node);
/* Checks a constant now if it was not yet, so that its type is known; T_ERROR while that is under way: check_cycles reports it. */
void check_constant(Sema *s, uint32_t symbol);

/* --- cycles.c --- */
void check_cycles(Sema *s);

/* --- expr.c, mismatch.c --- */
/* The type of an expression. `want` guides literals, enum members and branches; T_ERROR wants nothing. Does not report a
   mismatch with `want`. */
TypeId check_expr(Cx *c, NodeId e, TypeId want);
/* The same, and reports when the type does not fit `want`. */
TypeId check_as(Cx *c, NodeId e, TypeId want, Why why);
void report_mismatch(Cx *c, NodeId e, TypeId have, TypeId want, Why why);
/* The type of a constant whose name stands at e. */
TypeId use_constant(Cx *c, NodeId e, uint32_t symbol);
void check_condition(Cx *c, NodeId e, const char *what);
/* Whether `.f()`, ` as T` and the like can be written behind an expression as it stands. */
bool is_postfix(const Ast *ast, NodeId e);
/* An expression that must be a value: not nothing, not secret. */
TypeId check_value(Cx *c, NodeId e, TypeId want);

/* --- facts.c --- */
void facts_of(Cx *c, NodeId cond, bool outcome); /* pushes what a condition's outcome proves */
bool fact_known(const Cx *c, NodeId path);
int const_bool(const Cx *c, NodeId e);           /* 1, 0, or -1 when not known at compile time */
void lint_condition(Cx *c, NodeId e);            /* constant conditions, tests of what is known */

/* --- call.c --- */
TypeId check_call(Cx *c, NodeId call, TypeId want);
TypeId check_member(Cx *c, NodeId member, TypeId want);
/* Checks arguments against the parameters of a symbol. */
void check_args(Cx *c, NodeId at, AstList args, uint32_t symbol);
void label_why(Cx *c, Diag *d, Why why);

/* --- library.c --- */
void libs_init(Sema *s);
void libs_free(Sema *s);
TypeId check_lib_call(Cx *c, NodeId call, Atom name, NodeId object, AstList args, TypeId want);
bool is_lib_name(const Sema *s, Atom name);

/* --- flow.c --- */
TypeId check_block(Cx *c, NodeId block, TypeId want, Why why, bool workflow_body);
TypeId check_if(Cx *c, NodeId e, TypeId want);
TypeId check_match(Cx *c, NodeId e, TypeId want);
TypeId check_for(Cx *c, NodeId e, TypeId want);
TypeId check_repeat(Cx *c, NodeId e, TypeId want);
TypeId check_try(Cx *c, NodeId e, TypeId want);
TypeId check_chain(Cx *c, NodeId e, TypeId want);
void inherit_work(Cx *c, NodeId e, NodeId part);

/* --- graph.c --- */
/* The order in which the statements of a block can be checked, by their data; reports cycles through data and `>>`. The result
   has stmts.n entries, in the arena of c->s. */
uint32_t *block_order(Cx *c, NodeId block, AstList stmts);
/* Warns of two calls with effects and no order between them; after the statements are checked. */
void check_effects(Cx *c, NodeId block, AstList stmts);

/* --- annot.c --- */
typedef enum Place {
    PLACE_STEP = 1, PLACE_CALL = 2, PLACE_LOOP = 4, PLACE_WORKFLOW = 8, PLACE_PARAM = 16, PLACE_FIELD = 32, PLACE_TARGET = 64
} Place;
/* Checks annotations that stand on something of that place; parameters are in scope where they may be used. */
void check_annotations(Cx *c, AstList annots, unsigned place, const char *what);
/* The annotation of that name, or 0. */
NodeId find_annotation(const Cx *c, AstList annots, const char *name);
unsigned place_parse(Str name);
/* The value of a number, duration or size that is written as a literal. */
bool number_of(const Cx *c, NodeId e, double *v);
/* The rule that the values of an annotation's parameter follow beyond their type; 0: none. */
uint32_t value_rule(const char *annotation, const char *param);

/* --- script.c --- */
void check_script(Cx *c, const Symbol *step); /* names that a process would choke on, Python pitfalls */

/* --- cron.c --- */
/* NULL when the five-field expression or @daily ... is valid, else what is wrong; *never: it is valid but never fires. */
const char *cron_check(Str text, bool *never);
bool timezone_known(Str name);

/* --- unused.c --- */
void check_unused(Sema *s);
void apply_allowances(Sema *s);
/* Takes away what follows from other findings only. The findings are sorted. */
void drop_consequences(Sema *s);

#endif
