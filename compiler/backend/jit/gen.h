/* Inside the native back end: one module, one function under construction.

   A value is a list of words in SSA form, each of the class of its word: i64 for integers and bools, double, ptr. What changes in
   loops and branches are slots, stack words that mem2reg turns into SSA form. A failure branches to a block that names the place
   and returns false, so generators never see one: they go on in the block where all went well. */
#ifndef WF_BACKEND_JIT_GEN_H
#define WF_BACKEND_JIT_GEN_H

#include "compiler/backend/jit/jit.h"

#include <llvm-c/Core.h>

typedef enum AbiId {
#define RT_ABI(result, name, ...) ABI_##name,
#include "runtime/abi/rt_abi.def"
#undef RT_ABI
    ABI_COUNT
} AbiId;

/* What is known of a plan, for all modules. */
typedef struct PlanFacts {
    Plan *p;
    const char **words; /* by TypeId: the classes of its words, 'i' 'f' 'p' */
    uint8_t *trap;      /* by ExprId: 0 not looked at, 1 cannot fail, 2 may fail */
} PlanFacts;

void facts_init(PlanFacts *x, Plan *p);
void facts_free(PlanFacts *x);
/* Whether computing the operand may fail. Amortised O(1) per expression. */
bool may_fail(PlanFacts *x, Opnd o);

/* fns that modules call but do not hold, one queue for code that runs once and one for the rest. */
typedef struct FnQueue {
    bool *asked;        /* by index in Flow.fn */
    VEC(uint32_t) todo; /* asked for, not yet in a module */
} FnQueue;

typedef struct Module {
    PlanFacts *facts;
    Plan *p;
    const Flow *f;
    LLVMContextRef cx;
    LLVMModuleRef m;
    LLVMTypeRef t_i1, t_i8, t_i32, t_i64, t_f, t_ptr;
    LLVMTypeRef abi_type[ABI_COUNT];
    LLVMValueRef abi[ABI_COUNT]; /* declared when first called */
    LLVMValueRef *fn;            /* by index in Flow.fn, or NULL */
    LLVMTypeRef *fn_type;
    VEC(uint32_t) fn_todo;       /* of its own: declared, not yet defined */
    bool hot;
    FnQueue *queue;
    uint32_t own_fns;            /* how many more it may hold itself */
    LLVMValueRef *text;          /* by index in Flow.constant, or NULL */
    Arena arena;
} Module;

void module_init(Module *m, PlanFacts *facts, LLVMContextRef cx, const char *name, bool hot, FnQueue *queue, uint32_t own_fns);
void module_free(Module *m); /* not the LLVM module */
LLVMTypeRef word_type(const Module *m, char word);
LLVMTypeRef array_of(const Module *m, LLVMTypeRef t, uint64_t n);
/* A private constant. */
LLVMValueRef module_constant(Module *m, LLVMValueRef value, const char *name);
/* The attributes of every function, here or in the runtime: a bool is one of C; nothing unwinds. */
void module_mark(Module *m, LLVMValueRef fn);
/* The static RtText of a string constant. */
LLVMValueRef module_text(Module *m, uint32_t constant);
/* Generates the code number `code` as the function wf_<code>. */
void gen_code(Module *m, uint32_t code);
/* Generates the fns that were called, as far as the module holds them itself; the others are in the queue. */
void gen_fns(Module *m);
/* Makes the module the one that holds the fn for others: gen_fns generates it. */
void gen_shared_fn(Module *m, uint32_t index);
/* Whether the name is that of a fn. */
bool gen_is_fn_name(const char *name);

typedef struct Val {
    LLVMValueRef *w;
    uint32_t n;
} Val;

typedef struct Slot {
    LLVMValueRef *a;
    const char *words;
    uint32_t n;
} Slot;

typedef struct Local {
    TypeId type;
    Val val;
} Local;

typedef enum TrapKind { TRAP_OVERFLOW, TRAP_ZERO, TRAP_FLOAT, TRAP_EMPTY, TRAP_NAME } TrapKind;
typedef struct Trap {
    uint32_t span;
    TrapKind kind;
    LLVMBasicBlockRef b;
    LLVMValueRef v_span;     /* a phi node, or NULL: of one place */
} Trap;

typedef enum BufferId { BUFFER_ARGS, BUFFER_OUT, BUFFER_OTHER, BUFFER_COUNT } BufferId;
enum { BUFFER_WORDS = 64 };

typedef struct Gen {
    Module *m;
    Plan *p;
    const Flow *f;
    LLVMBuilderRef b, entry;       /* at the end of the code; for the stack, at its start */
    LLVMValueRef fn, v_rt, v_frame;
    const PlanCode *code;          /* NULL in a fn */
    const FlowFn *in_fn;           /* NULL in a piece of code */
    const Val *input;              /* values of the inputs; NULL: they lie in the frame */
    VEC(Local) local;
    VEC(Trap) trap;
    LLVMBasicBlockRef b_fail;
    LLVMBasicBlockRef b_retry;     /* inside a fused attempt: where a failure goes instead */
    bool exact;                    /* inside the second attempt: nothing is fused whose failures could change places */
    LLVMValueRef buffer[BUFFER_COUNT];
} Gen;

/* ---- values (gen.c) ---- */
TypeId gen_type(const Gen *g, Opnd o);
const char *gen_words(const Gen *g, TypeId type);
uint32_t gen_nwords(const Gen *g, TypeId type);
Val gen_val(Gen *g, uint32_t n);
Val gen_one(Gen *g, LLVMValueRef v);
Val gen_part(Val v, uint32_t from, uint32_t n);
Val gen_zero(Gen *g, TypeId type);
LLVMValueRef gen_int(const Gen *g, int64_t v);
LLVMValueRef gen_id(const Gen *g, uint32_t v); /* i32 */
LLVMValueRef gen_bool(Gen *g, LLVMValueRef v_word);  /* i1 of a word */
LLVMValueRef gen_word(Gen *g, LLVMValueRef v_bool);  /* a word of an i1 */
void gen_local(Gen *g, uint32_t number, TypeId type, Val v);

Slot gen_slot(Gen *g, TypeId type);
void gen_set(Gen *g, Slot s, Val v);
Val gen_get(Gen *g, Slot s);
LLVMValueRef gen_get1(Gen *g, Slot s);
void gen_set1(Gen *g, Slot s, LLVMValueRef v);

LLVMValueRef gen_at(Gen *g, LLVMValueRef v_base, LLVMValueRef v_words);  /* address so many words on */
Val gen_load(Gen *g, TypeId type, LLVMValueRef v_at);
void gen_store(Gen *g, LLVMValueRef v_at, Val v);
LLVMValueRef gen_buffer(Gen *g, BufferId id, uint32_t words); /* until the next use of that buffer */
/* Where a fn puts its result. In hot code memory of its own, which becomes SSA form when the fn is inlined. */
LLVMValueRef gen_result(Gen *g, uint32_t words);
LLVMValueRef gen_spill(Gen *g, BufferId id, Val v);
LLVMValueRef gen_count(Gen *g, LLVMValueRef v_list);          /* elements of a list or map */
LLVMValueRef gen_element(Gen *g, LLVMValueRef v_list, LLVMValueRef v_index, uint32_t words);

/* ---- control (gen.c) ---- */
LLVMBasicBlockRef gen_block(Gen *g, const char *name);
void gen_begin(Gen *g, LLVMBasicBlockRef b);          /* goes on in b */
void gen_jump(Gen *g, LLVMBasicBlockRef to, LLVMBasicBlockRef next);   /* branches, goes on in `next` */
void gen_branch(Gen *g, LLVMValueRef v_cond, LLVMBasicBlockRef yes, LLVMBasicBlockRef no); /* goes on in `yes` */
LLVMValueRef gen_call(Gen *g, AbiId id, const LLVMValueRef *args, uint32_t n); /* without the context, which comes first */
#define GEN_CALL(g, id, ...)                                                         \
    gen_call((g), (id), (const LLVMValueRef[]){__VA_ARGS__}, sizeof((LLVMValueRef[]){__VA_ARGS__}) / sizeof(LLVMValueRef))
/* Fails with the trap unless v_ok. */
void gen_check(Gen *g, LLVMValueRef v_ok, TrapKind kind, uint32_t span);
void gen_check_not(Gen *g, LLVMValueRef v_bad, TrapKind kind, uint32_t span);
/* Begins the code for a failure that needs values, reached unless v_ok; end it with gen_failed. False when the failure goes
   elsewhere and needs no code. */
bool gen_unless(Gen *g, LLVMValueRef v_ok, LLVMBasicBlockRef *b_ok);
void gen_failed(Gen *g, LLVMBasicBlockRef b_ok);
LLVMValueRef gen_intrinsic(Gen *g, const char *name, LLVMTypeRef type, LLVMValueRef *args, uint32_t n);

/* ---- expressions (gen_expr.c) ---- */
Val gen_value(Gen *g, Opnd o);
LLVMValueRef gen_value1(Gen *g, Opnd o);
LLVMValueRef gen_compare(Gen *g, FlowCmp cmp, TypeId type, Val a, Val b); /* i1 */
bool gen_is_scalar(const Gen *g, TypeId type); /* compared without the runtime */
LLVMValueRef gen_is_none(Gen *g, TypeId opt, Val v); /* i1 */
Val gen_some(Gen *g, TypeId opt, Val inner);

/* ---- lists (gen_list.c) ---- */
Val gen_list_op(Gen *g, ExprId id);

/* ---- streams (stream.c) ---- */
typedef struct Stream {
    enum { BASE_LIST, BASE_RANGE } base;
    LLVMValueRef v_list, v_second;  /* LIST; the second of a FOR over two, or NULL */
    LLVMValueRef v_from, v_step;    /* RANGE */
    LLVMValueRef v_n;               /* elements of the base */
    TypeId base_type, second_type;  /* of elements */
    TypeId type;                    /* of what comes out */
    const FlowExpr **stage;         /* FORs, the innermost first */
    uint32_t nstage;
    uint32_t fails;                 /* stages that may fail */
    bool filtered;                  /* fewer than v_n may come out */
    LLVMBasicBlockRef b_end;        /* while it runs: after the last element */
    LLVMValueRef v_index;           /* in the sink: the number of the item */
} Stream;
/* Evaluates what the list is made from; the stages run with the elements. */
void stream_open(Gen *g, Opnd list, Stream *s);
/* Calls `sink` where the code for an element goes. Code of the sink may jump to b_end. */
typedef void (*StreamSink)(Gen *g, void *cx, Val item);
void stream_run(Gen *g, Stream *s, StreamSink sink, void *cx);
/* Generates a consumer of a stream by `emit`, which leaves its result in slots. When failures of several stages could change
   places it is made twice: fused, and, after a failure, stage by stage. `fails`: whether the consumer itself may fail at an
   element. */
typedef void (*StreamEmit)(Gen *g, Stream *s, void *cx);
void stream_consume(Gen *g, Opnd list, bool fails, StreamEmit emit, void *cx);
LLVMValueRef stream_list(Gen *g, Stream *s, TypeId list_type);

/* ---- library functions (gen_lib.c) ---- */
Val gen_lib(Gen *g, ExprId id);
/* The failure of a library function with these arguments, unless v_ok. */
void gen_lib_check(Gen *g, LLVMValueRef v_ok, ExprId id, Val args);

#endif
