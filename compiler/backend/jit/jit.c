/* The session: batches of code become modules, modules become machine code when their region opens. */
#include "compiler/backend/jit/gen.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/ErrorHandling.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>

#include <stdio.h>
#include <unistd.h>

/* One module per function costs 350 us each, and a module of 10,000 is many times dearer per function than a small one.
 * Modules of 200 take 4 % less time than modules of 50; those of 500 no less than those of 200. */
enum { BATCH = 200 };
/* fns that a hot module holds itself, to be inlined. Code that runs once shares all. */
enum { OWN_FNS = 64 };

struct Jit {
    Plan *p;
    PlanFacts facts;
    JitOptions options;
    const JitSymbol *symbol;          /* a copy */
    LLVMTargetMachineRef machine[2];  /* for passes; [1]: hot */
    LLVMOrcLLJITRef jit[2];           /* made when first needed */
    uint32_t *by_region;              /* codes, sorted by region */
    uint32_t *region_at;              /* regions + 1: where those of a region begin */
    bool *done;                       /* by code */
    FnQueue fns[2];                   /* [1]: hot */
    uint32_t modules;
    Buf reported;                     /* what the session's error reporter was told */
};

/* What one module holds: pieces of code, or fns. */
typedef struct Batch {
    uint32_t id[BATCH];
    uint32_t n;
    bool hot, fns;
} Batch;

/* --- errors --- */

/* LLVM cannot go on, and the process with it: the engine's records are on disk. */
static void on_fatal(const char *reason) {
    fprintf(stderr, "wfc: internal error in LLVM: %s\n", reason);
    _exit(3);
}

static void on_error(void *cx, LLVMErrorRef e) {
    Jit *j = cx;
    char *text = LLVMGetErrorMessage(e);
    buf_printf(&j->reported, "%s%s", j->reported.n > 0 ? "; " : "", text);
    LLVMDisposeErrorMessage(text);
}

/* False with the error's text and what was reported about it; consumes it. */
static bool fine(Jit *j, LLVMErrorRef e, Buf *why) {
    if (e == LLVMErrorSuccess) return true;
    char *text = LLVMGetErrorMessage(e);
    buf_printf(why, "native code: %s", text);
    LLVMDisposeErrorMessage(text);
    if (j->reported.n > 0) buf_printf(why, " (%s)", j->reported.p);
    buf_clear(&j->reported);
    return false;
}

/* --- LLVM --- */

static LLVMTargetMachineRef open_machine(bool hot, Buf *why) {
    char *triple = LLVMGetDefaultTargetTriple(), *cpu = LLVMGetHostCPUName(), *features = LLVMGetHostCPUFeatures(), *error = NULL;
    LLVMTargetRef target;
    LLVMTargetMachineRef machine = NULL;
    if (LLVMGetTargetFromTriple(triple, &target, &error)) {
        buf_printf(why, "native code: %s", error);
        LLVMDisposeMessage(error);
    } else {
        /* The default code model of a JIT is the large one, whose calls the fast instruction selector does not know. JITLink
           makes stubs for what is far away, so the small one serves. */
        machine = LLVMCreateTargetMachine(target, triple, cpu, features, hot ? LLVMCodeGenLevelDefault : LLVMCodeGenLevelNone, LLVMRelocPIC,
            LLVMCodeModelSmall);
        if (machine == NULL) buf_printf(why, "native code: no target machine for %s", triple);
    }
    LLVMDisposeMessage(triple);
    LLVMDisposeMessage(cpu);
    LLVMDisposeMessage(features);
    return machine;
}

/* The machine for the passes of a level. */
static LLVMTargetMachineRef machine_of(Jit *j, bool hot, Buf *why) {
    if (j->machine[hot] == NULL) j->machine[hot] = open_machine(hot, why);
    return j->machine[hot];
}

static bool define_symbols(Jit *j, LLVMOrcLLJITRef jit, Buf *why) {
    uint32_t n = j->options.nsymbols;
    LLVMOrcCSymbolMapPair *pair = wf_alloc_zero((n + 1) * sizeof *pair);
    for (uint32_t i = 0; i < n; i++) {
        pair[i].Name = LLVMOrcLLJITMangleAndIntern(jit, j->symbol[i].name);
        pair[i].Sym.Address = (LLVMOrcExecutorAddress)(uintptr_t)j->symbol[i].address;
        pair[i].Sym.Flags = (LLVMJITSymbolFlags){LLVMJITSymbolGenericFlagsExported | LLVMJITSymbolGenericFlagsCallable, 0};
    }
    LLVMOrcMaterializationUnitRef unit = LLVMOrcAbsoluteSymbols(pair, n);
    free(pair);
    LLVMErrorRef e = LLVMOrcJITDylibDefine(LLVMOrcLLJITGetMainJITDylib(jit), unit);
    if (e != LLVMErrorSuccess) LLVMOrcDisposeMaterializationUnit(unit);
    return fine(j, e, why);
}

static LLVMOrcLLJITRef jit_of(Jit *j, bool hot, Buf *why) {
    if (j->jit[hot] != NULL) return j->jit[hot];
    LLVMTargetMachineRef machine = open_machine(hot, why); /* the builder takes it */
    if (machine == NULL) return NULL;
    LLVMOrcLLJITBuilderRef builder = LLVMOrcCreateLLJITBuilder();
    LLVMOrcLLJITBuilderSetJITTargetMachineBuilder(builder, LLVMOrcJITTargetMachineBuilderCreateFromTargetMachine(machine));
    LLVMOrcLLJITRef jit;
    if (!fine(j, LLVMOrcCreateLLJIT(&jit, builder), why)) return NULL;
    LLVMOrcExecutionSessionSetErrorReporter(LLVMOrcLLJITGetExecutionSession(jit), on_error, j);
    j->jit[hot] = jit;
    return define_symbols(j, jit, why) ? jit : NULL;
}

/* --- modules --- */

/* LLJIT would resolve any function of the process: what a module may call is looked at before. */
static bool only_known(const Jit *j, LLVMModuleRef m, Buf *why) {
    for (LLVMValueRef fn = LLVMGetFirstFunction(m); fn != NULL; fn = LLVMGetNextFunction(fn)) {
        if (!LLVMIsDeclaration(fn) || LLVMGetIntrinsicID(fn) != 0) continue;
        size_t n;
        const char *name = LLVMGetValueName2(fn, &n);
        bool known = false;
        for (uint32_t i = 0; i < j->options.nsymbols && !known; i++) known = strcmp(j->symbol[i].name, name) == 0;
        if (!known && !gen_is_fn_name(name)) return buf_printf(why, "native code: `%s` is not a function of the runtime", name), false;
    }
    return true;
}

/* Before code is generated: what the builder knows of sizes and alignment comes from here. */
static void set_target(LLVMModuleRef m, LLVMTargetMachineRef machine) {
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    char *triple = LLVMGetTargetMachineTriple(machine);
    LLVMSetModuleDataLayout(m, layout);
    LLVMSetTarget(m, triple);
    LLVMDisposeTargetData(layout);
    LLVMDisposeMessage(triple);
}

static bool optimise(Jit *j, LLVMModuleRef m, LLVMTargetMachineRef machine, bool hot, Buf *why) {
    LLVMPassBuilderOptionsRef o = LLVMCreatePassBuilderOptions();
    /* What instcombine and simplifycfg make, values of two fields in phi nodes and selects, is what the fast instruction selector
       does not know: code that runs once is compiled in half the time without them. */
    const char *passes = hot ? "default<O2>" : "mem2reg";
    bool ok = fine(j, LLVMRunPasses(m, passes, machine, o), why);
    LLVMDisposePassBuilderOptions(o);
    return ok;
}

/* The module of a batch, verified and optimised, or NULL. */
static LLVMModuleRef build_module(Jit *j, LLVMContextRef cx, const Batch *b, Buf *why) {
    Module m;
    char name[32], *error = NULL;
    LLVMTargetMachineRef machine = machine_of(j, b->hot, why);
    if (machine == NULL) return NULL;
    snprintf(name, sizeof name, "%s_%u", b->hot ? "hot" : "once", j->modules++);
    module_init(&m, &j->facts, cx, name, b->hot, &j->fns[b->hot], b->hot && !b->fns ? OWN_FNS : 0);
    set_target(m.m, machine);
    for (uint32_t i = 0; i < b->n; i++) {
        if (b->fns) gen_shared_fn(&m, b->id[i]);
        else gen_code(&m, b->id[i]);
    }
    gen_fns(&m);
    LLVMModuleRef module = m.m;
    module_free(&m);
    bool ok = true;
#ifndef NDEBUG
    ok = !LLVMVerifyModule(module, LLVMReturnStatusAction, &error);
    if (!ok) buf_printf(why, "native code: %s", error);
    LLVMDisposeMessage(error);
#else
    (void)error;
#endif
    if (ok && only_known(j, module, why) && optimise(j, module, machine, b->hot, why)) return module;
    LLVMDisposeModule(module);
    return NULL;
}

static bool link_batch(Jit *j, LLVMOrcLLJITRef jit, const Batch *b, Buf *why) {
    for (uint32_t i = 0; i < b->n; i++) {
        char name[32];
        LLVMOrcExecutorAddress at;
        snprintf(name, sizeof name, "wf_%u", b->id[i]);
        if (!fine(j, LLVMOrcLLJITLookup(jit, &at, name), why)) return false;
        RtCode *c = &j->p->rt.code[b->id[i]];
        c->k = NULL;
        if (j->p->code.data[b->id[i]].kind == CODE_VALUE) c->thunk = (RtThunk)(uintptr_t)at;
        else c->driver = (RtDriver)(uintptr_t)at;
    }
    return true;
}

static bool add_module(Jit *j, LLVMOrcLLJITRef jit, const Batch *b, Buf *why) {
    /* These two lines become LLVMOrcCreateNewThreadSafeContextFromLLVMContext in LLVM 21. */
    LLVMOrcThreadSafeContextRef shared = LLVMOrcCreateNewThreadSafeContext();
    LLVMModuleRef module = build_module(j, LLVMOrcThreadSafeContextGetContext(shared), b, why);
    bool ok = module != NULL;
    if (ok) {
        /* Adding consumes the module, also when it fails. */
        LLVMOrcThreadSafeModuleRef safe = LLVMOrcCreateNewThreadSafeModule(module, shared);
        ok = fine(j, LLVMOrcLLJITAddLLVMIRModule(jit, LLVMOrcLLJITGetMainJITDylib(jit), safe), why);
    }
    LLVMOrcDisposeThreadSafeContext(shared);
    return ok;
}

/* The next batch of fns that modules asked for; empty when there are none. */
static Batch next_fns(Jit *j, bool hot) {
    Batch b = {.hot = hot, .fns = true};
    while (b.n < BATCH && j->fns[hot].todo.len > 0) b.id[b.n++] = vec_pop(&j->fns[hot].todo);
    return b;
}

/* Everything is added before the first address is asked for: then all is compiled. */
static bool compile_batch(Jit *j, const Batch *b, Buf *why) {
    LLVMOrcLLJITRef jit = jit_of(j, b->hot, why);
    if (jit == NULL || !add_module(j, jit, b, why)) return false;
    for (Batch fns = next_fns(j, b->hot); fns.n > 0; fns = next_fns(j, b->hot))
        if (!add_module(j, jit, &fns, why)) return false;
    return link_batch(j, jit, b, why);
}

/* --- regions --- */

static bool wanted(const Jit *j, uint32_t code, bool hot) {
    return !j->done[code] && j->p->code.data[code].hot == hot;
}

/* Adds the codes of a region that are of the batch's kind until it is full. */
static void gather(Jit *j, uint32_t region, Batch *b) {
    for (uint32_t i = j->region_at[region]; i < j->region_at[region + 1] && b->n < BATCH; i++) {
        uint32_t code = j->by_region[i];
        if (!wanted(j, code, b->hot)) continue;
        j->done[code] = true;
        b->id[b->n++] = code;
    }
}

/* Compiles what the region needs. The last module of code that runs once is filled up with that of the regions behind, which are
   likely to open soon; code that is optimised is too dear for a guess. */
static bool compile_region(void *cx, uint32_t region, Buf *why) {
    Jit *j = cx;
    for (int hot = j->options.hot_only; hot < 2; hot++) {
        for (;;) {
            Batch b = {.hot = hot};
            gather(j, region, &b);
            if (b.n == 0) break;
            for (uint32_t r = region + 1; !hot && region != 0 && r < j->p->rt.nregion && b.n < BATCH; r++) gather(j, r, &b);
            if (!compile_batch(j, &b, why)) return false;
        }
    }
    return true;
}

static void index_regions(Jit *j) {
    uint32_t regions = j->p->rt.nregion > 0 ? j->p->rt.nregion : 1, n = j->p->code.len;
    j->region_at = wf_alloc_zero(((size_t)regions + 2) * sizeof *j->region_at);
    j->by_region = wf_alloc_zero(((size_t)n + 1) * sizeof *j->by_region);
    j->done = wf_alloc_zero((size_t)n + 1);
    for (uint32_t i = 0; i < n; i++) j->region_at[j->p->code.data[i].region + 2]++;
    for (uint32_t r = 0; r < regions; r++) j->region_at[r + 2] += j->region_at[r + 1];
    for (uint32_t i = 0; i < n; i++) j->by_region[j->region_at[j->p->code.data[i].region + 1]++] = i;
}

static void jit_dispose(Jit *j) {
    if (j == NULL) return;
    for (int hot = 0; hot < 2; hot++) {
        if (j->jit[hot] != NULL) {
            LLVMErrorRef e = LLVMOrcDisposeLLJIT(j->jit[hot]);
            if (e != LLVMErrorSuccess) LLVMConsumeError(e);
        }
        if (j->machine[hot] != NULL) LLVMDisposeTargetMachine(j->machine[hot]);
        free(j->fns[hot].asked);
        vec_free(&j->fns[hot].todo);
    }
    facts_free(&j->facts);
    free((void *)(uintptr_t)j->symbol);
    free(j->by_region);
    free(j->region_at);
    free(j->done);
    buf_free(&j->reported);
    free(j);
}

static Jit *jit_open(Plan *p, const JitOptions *o) {
    static bool ready;
    if (!ready) {
        LLVMInstallFatalErrorHandler(on_fatal);
        LLVMInitializeNativeTarget();
        LLVMInitializeNativeAsmPrinter();
        ready = true;
    }
    Jit *j = wf_alloc_zero(sizeof *j);
    JitSymbol *copy = wf_alloc((o->nsymbols + 1) * sizeof *copy);
    memcpy(copy, o->symbols, o->nsymbols * sizeof *copy);
    j->p = p;
    j->options = *o;
    j->symbol = copy;
    facts_init(&j->facts, p);
    index_regions(j);
    for (int hot = 0; hot < 2; hot++) j->fns[hot].asked = wf_alloc_zero(p->flow->fn.len + 1);
    return j;
}

static Jit *jit_install(Plan *p, const JitOptions *o, Buf *why) {
    Jit *j = jit_open(p, o);
    if (machine_of(j, true, why) == NULL) {
        jit_dispose(j);
        return NULL;
    }
    p->rt.compile = compile_region;
    p->rt.compile_cx = j;
    return j;
}

static bool dump_module(Jit *j, const Batch *b, Buf *out, Buf *why) {
    LLVMContextRef cx = LLVMContextCreate();
    LLVMModuleRef m = build_module(j, cx, b, why);
    if (m != NULL) {
        char *text = LLVMPrintModuleToString(m);
        buf_z(out, text);
        LLVMDisposeMessage(text);
        LLVMDisposeModule(m);
    }
    LLVMContextDispose(cx);
    return m != NULL;
}

static bool jit_dump(Plan *p, const JitOptions *o, Buf *out, Buf *why) {
    Jit *j = jit_open(p, o);
    bool ok = true;
    for (int hot = o->hot_only; hot < 2 && ok; hot++) {
        for (uint32_t region = 0; ok;) {
            Batch b = {.hot = hot};
            while (region < p->rt.nregion && b.n < BATCH) {
                gather(j, region, &b);
                if (b.n < BATCH) region++;
            }
            if (b.n == 0) break;
            ok = dump_module(j, &b, out, why);
            for (Batch fns = next_fns(j, hot); ok && fns.n > 0; fns = next_fns(j, hot)) ok = dump_module(j, &fns, out, why);
        }
    }
    jit_dispose(j);
    return ok;
}

__attribute__((visibility("default"))) const JitApi wfc_jit_api = {JIT_API_VERSION, jit_install, jit_dispose, jit_dump};
