/* Modules: types, declarations of the runtime's functions, constants; and what is known of the plan's types and expressions. */
#include "compiler/backend/jit/gen.h"

#include "compiler/type/lib.h"

/* --- facts --- */

static const char *words_of(PlanFacts *x, TypeId id) {
    if (x->words[id] != NULL) return x->words[id];
    const RtType *t = &x->p->rt.types->type[id];
    char *w = ARENA_ARRAY(&x->p->arena, char, t->words + 1);
    x->words[id] = w;
    if (t->pointer) {
        w[0] = 'p';
    } else if (t->kind == RT_STRUCT) {
        for (uint32_t i = 0; i < t->n; i++) {
            const RtField *f = &x->p->rt.types->field[t->first + i];
            memcpy(w + f->offset, words_of(x, f->type), plan_words(x->p, f->type));
        }
    } else if (t->kind == RT_OPT) {
        memcpy(w, words_of(x, t->inner), t->words - 1);
        w[t->words - 1] = 'i';
    } else {
        memset(w, t->kind == RT_FLOAT ? 'f' : 'i', t->words);
    }
    return w;
}

void facts_init(PlanFacts *x, Plan *p) {
    *x = (PlanFacts){.p = p};
    x->words = wf_alloc_zero((p->rt.types->n + 1) * sizeof *x->words);
    x->trap = wf_alloc_zero(p->flow->expr.len + 1);
    for (TypeId i = 0; i < p->rt.types->n; i++) words_of(x, i);
}

void facts_free(PlanFacts *x) {
    free(x->words);
    free(x->trap);
}

static bool lib_may_fail(uint32_t id) {
    static const bool never[LIB_COUNT] = {[LIB_LEN_LIST] = true, [LIB_LEN_MAP] = true, [LIB_LEN_STRING] = true, [LIB_MIN] = true, [LIB_MAX] = true,
        [LIB_ABS_FLOAT] = true, [LIB_CONTAINS_LIST] = true, [LIB_CONTAINS_STRING] = true, [LIB_GET_LIST] = true, [LIB_GET_MAP] = true,
        [LIB_HAS] = true, [LIB_KEYS] = true, [LIB_VALUES] = true, [LIB_ENTRIES] = true, [LIB_REVERSE] = true, [LIB_TAKE] = true, [LIB_DROP] = true,
        [LIB_LOWER] = true, [LIB_UPPER] = true, [LIB_TRIM] = true, [LIB_STARTS_WITH] = true, [LIB_ENDS_WITH] = true, [LIB_SECONDS] = true,
        [LIB_BYTES] = true};
    return !never[id];
}

/* A division by a constant fails only by 0, and by -1 where the result may not fit. */
static bool division_may_fail(const PlanFacts *x, FlowOp op, Opnd by) {
    if (opnd_tag(by) != OPND_CONST) return true;
    int64_t v = x->p->flow->constant.data[opnd_index(by)].i;
    return v == 0 || (v == -1 && op == FLOW_FLOORDIV_I);
}

/* Whether the operation itself may, its operands aside. */
static bool op_may_fail(PlanFacts *x, const FlowExpr *e, const Opnd *o) {
    switch ((FlowOp)e->op) {
    case FLOW_FLOORDIV_I: case FLOW_MOD_I: return division_may_fail(x, (FlowOp)e->op, o[1]);
    case FLOW_ADD_I: case FLOW_SUB_I: case FLOW_MUL_I: case FLOW_NEG_I: case FLOW_ADD_F: case FLOW_SUB_F: case FLOW_MUL_F:
    case FLOW_DIV_F: case FLOW_FLOORDIV_F: case FLOW_MOD_F: case FLOW_DIV_II: case FLOW_SCALE: case FLOW_UNSCALE: case FLOW_MAP: case FLOW_INDEX: case FLOW_ENCODE: case FLOW_DECODE: case FLOW_MIN_BY: case FLOW_MAX_BY:
    case FLOW_GROUP_BY: return true;
    case FLOW_FOR: return o[1] != OPND_ABSENT;
    case FLOW_CALL: return may_fail(x, x->p->flow->fn.data[e->b].body);
    case FLOW_LIB: return lib_may_fail(e->b);
    case FLOW_NEG_F: case FLOW_INT_TO_FLOAT: case FLOW_CMP: case FLOW_NOT: case FLOW_AND: case FLOW_OR: case FLOW_IF: case FLOW_SOME:
    case FLOW_IS_NONE: case FLOW_UNWRAP: case FLOW_COALESCE: case FLOW_RECORD: case FLOW_FIELD: case FLOW_LIST: case FLOW_CAST:
    case FLOW_TEXT: case FLOW_CONCAT: case FLOW_LET: case FLOW_ANY: case FLOW_ALL: case FLOW_FIND: case FLOW_SORT_BY: case FLOW_FOLD:
    case FLOW_REPEAT: case FLOW_OP_COUNT: return false;
    }
    return true;
}

bool may_fail(PlanFacts *x, Opnd o) {
    if (opnd_tag(o) != OPND_EXPR) return false;
    ExprId id = opnd_index(o);
    if (x->trap[id] != 0) return x->trap[id] == 2;
    const Flow *f = x->p->flow;
    const FlowExpr *e = &f->expr.data[id];
    bool fails = op_may_fail(x, e, f->opnd.data + e->a);
    for (uint16_t i = 0; i < e->n && !fails; i++) fails = may_fail(x, f->opnd.data[e->a + i]);
    x->trap[id] = fails ? 2 : 1;
    return fails;
}

/* --- modules --- */

void module_init(Module *m, PlanFacts *facts, LLVMContextRef cx, const char *name, bool hot, FnQueue *queue, uint32_t own_fns) {
    *m = (Module){.facts = facts, .p = facts->p, .f = facts->p->flow, .cx = cx, .hot = hot, .queue = queue, .own_fns = own_fns};
    m->m = LLVMModuleCreateWithNameInContext(name, cx);
    m->t_i1 = LLVMInt1TypeInContext(cx);
    m->t_i8 = LLVMInt8TypeInContext(cx);
    m->t_i32 = LLVMInt32TypeInContext(cx);
    m->t_i64 = LLVMInt64TypeInContext(cx);
    m->t_f = LLVMDoubleTypeInContext(cx);
    m->t_ptr = LLVMPointerTypeInContext(cx, 0);
    m->fn = wf_alloc_zero((m->f->fn.len + 1) * sizeof *m->fn);
    m->fn_type = wf_alloc_zero((m->f->fn.len + 1) * sizeof *m->fn_type);
    m->text = wf_alloc_zero((m->f->constant.len + 1) * sizeof *m->text);
}

void module_free(Module *m) {
    free(m->fn);
    free(m->fn_type);
    free(m->text);
    vec_free(&m->fn_todo);
    arena_free(&m->arena);
}

LLVMTypeRef word_type(const Module *m, char word) { return word == 'p' ? m->t_ptr : word == 'f' ? m->t_f : m->t_i64; }
LLVMTypeRef array_of(const Module *m, LLVMTypeRef t, uint64_t n) {
    (void)m;
    return LLVMArrayType2(t, n);
}

LLVMValueRef module_constant(Module *m, LLVMValueRef value, const char *name) {
    LLVMValueRef v = LLVMAddGlobal(m->m, LLVMTypeOf(value), name);
    LLVMSetInitializer(v, value);
    LLVMSetGlobalConstant(v, true);
    LLVMSetLinkage(v, LLVMPrivateLinkage);
    LLVMSetAlignment(v, 8);
    return v;
}

LLVMValueRef module_text(Module *m, uint32_t constant) {
    if (m->text[constant] != NULL) return m->text[constant];
    Str s = m->f->constant.data[constant].s;
    LLVMValueRef part[4] = {LLVMConstInt(m->t_i32, RT_STATIC, false), LLVMConstInt(m->t_i32, 0, false), LLVMConstInt(m->t_i64, s.n, false),
        LLVMConstStringInContext2(m->cx, s.n > 0 ? s.p : "", s.n, false)};
    return m->text[constant] = module_constant(m, LLVMConstStructInContext(m->cx, part, 4, false), "text");
}

/* --- the runtime's functions --- */

/* The rows of rt_abi.def as they are written: the types of declarations come from them. */
static const struct {
    const char *result, *name, *params;
} abi[ABI_COUNT] = {
#define RT_ABI(result, name, ...) {#result, #name, #__VA_ARGS__},
#include "runtime/abi/rt_abi.def"
#undef RT_ABI
};

static LLVMTypeRef c_type(const Module *m, const char *p, size_t n) {
    static const struct {
        const char *prefix;
        char type;
    } scalar[] = {{"uint64_t", 'l'}, {"int64_t", 'l'}, {"uint32_t", 'i'}, {"bool", 'b'}, {"double", 'f'}, {"void", 'v'}};
    if (memchr(p, '*', n) != NULL) return m->t_ptr;
    for (size_t i = 0; i < sizeof scalar / sizeof *scalar; i++) {
        if (strncmp(p, scalar[i].prefix, strlen(scalar[i].prefix)) != 0) continue;
        switch (scalar[i].type) {
        case 'l': return m->t_i64;
        case 'i': return m->t_i32;
        case 'b': return m->t_i1;
        case 'f': return m->t_f;
        default: return LLVMVoidTypeInContext(m->cx);
        }
    }
    abort(); /* a row of a type that has no counterpart here */
}

static void add_attribute(Module *m, LLVMValueRef fn, LLVMAttributeIndex at, const char *name) {
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
    LLVMAddAttributeAtIndex(fn, at, LLVMCreateEnumAttribute(m->cx, kind, 0));
}

/* Nothing is thrown through native code: without the mark each function would get an entry in the tables for unwinding. */
void module_mark(Module *m, LLVMValueRef fn) {
    if (LLVMGetReturnType(LLVMGlobalGetValueType(fn)) == m->t_i1) add_attribute(m, fn, LLVMAttributeReturnIndex, "zeroext");
    add_attribute(m, fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, "nounwind");
}

static void declare(Module *m, AbiId id) {
    LLVMTypeRef param[8];
    unsigned n = 0;
    for (const char *p = abi[id].params; *p != '\0';) {
        p += strspn(p, " ,");
        if (strncmp(p, "const ", 6) == 0) p += 6;
        size_t len = strcspn(p, ",");
        param[n++] = c_type(m, p, len);
        p += len;
    }
    LLVMTypeRef result = c_type(m, abi[id].result, strlen(abi[id].result));
    m->abi_type[id] = LLVMFunctionType(result, param, n, false);
    LLVMValueRef fn = m->abi[id] = LLVMAddFunction(m->m, abi[id].name, m->abi_type[id]);
    module_mark(m, fn);
    if (strncmp(abi[id].name, "rt_trap", 7) == 0) add_attribute(m, fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, "cold");
}

LLVMValueRef gen_call(Gen *g, AbiId id, const LLVMValueRef *args, uint32_t n) {
    Module *m = g->m;
    LLVMValueRef all[8] = {g->v_rt};
    if (m->abi[id] == NULL) declare(m, id);
    if (n > 0) memcpy(all + 1, args, n * sizeof *args);
    return LLVMBuildCall2(g->b, m->abi_type[id], m->abi[id], all, n + 1, "");
}

LLVMValueRef gen_intrinsic(Gen *g, const char *name, LLVMTypeRef type, LLVMValueRef *args, uint32_t n) {
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMValueRef fn = LLVMGetIntrinsicDeclaration(g->m->m, id, &type, 1);
    return LLVMBuildCall2(g->b, LLVMIntrinsicGetType(g->m->cx, id, &type, 1), fn, args, n, "");
}
