#include "cli/native.h"

#include "base/io.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int native_policy(const Cli *cli, NativePolicy *out) {
    const char *given = cli_option(cli, "jit");
    static const char *const name[] = {[NATIVE_AUTO] = "auto", [NATIVE_ALWAYS] = "always", [NATIVE_NEVER] = "never"};
    *out = NATIVE_AUTO;
    if (given == NULL) return 0;
    for (int i = 0; i < 3; i++)
        if (strcmp(given, name[i]) == 0) return *out = (NativePolicy)i, 0;
    return cli_usage(cli, "--jit is auto, always or never, not `%s`", given);
}

/* The table of addresses: the only way from native code to the runtime. */
static const JitSymbol symbols[] = {
#define RT_ABI(result, name, ...) {#name, (void (*)(void))name},
#include "runtime/abi/rt_abi.def"
#undef RT_ABI
};
static JitOptions options(bool hot_only) {
    return (JitOptions){.symbols = symbols, .nsymbols = sizeof symbols / sizeof *symbols, .hot_only = hot_only};
}

#ifdef WFC_JIT_LIBDIR
enum { NATIVE_BUILT = true };
/* Beside the program in a build tree, or where `make install` puts it relative to the program. */
static void *open_library(Buf *why) {
    static const char *const place[] = {"../lib", "../" WFC_JIT_LIBDIR "/wfc"};
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n < 0) return buf_printf(why, "cannot tell where the program is: %s", strerror(errno)), NULL;
    Str dir = path_dir((Str){exe, (size_t)n});
    Buf path = BUF_INIT;
    void *library = NULL;
    for (size_t i = 0; i < sizeof place / sizeof *place && library == NULL; i++) {
        buf_clear(&path);
        buf_printf(&path, "%.*s/%s/libwfc_jit.so", STR_ARG(dir), place[i]);
        if (access(path.p, F_OK) != 0) continue;
        library = dlopen(path.p, RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) {
            buf_printf(why, "native code is not available: %s", dlerror());
            buf_free(&path);
            return NULL;
        }
    }
    if (library == NULL)
        buf_printf(why, "native code is not available: there is no libwfc_jit.so in %.*s/%s or %.*s/%s", STR_ARG(dir), place[0], STR_ARG(dir), place[1]);
    buf_free(&path);
    return library;
}

/* The library stays open: LLVM registers what must live until the process ends. */
static const JitApi *open_api(Buf *why) {
    void *library = open_library(why);
    if (library == NULL) return NULL;
    const JitApi *api = dlsym(library, JIT_API_SYMBOL);
    if (api != NULL && api->version == JIT_API_VERSION) return api;
    buf_z(why, "native code is not available: libwfc_jit.so is of another version of wfc");
    return NULL;
}
#else
enum { NATIVE_BUILT = false };
static const JitApi *open_api(Buf *why) {
    buf_z(why, "native code is not available: this wfc was built with WFC_JIT=OFF");
    return NULL;
}
#endif

#ifdef __SANITIZE_ADDRESS__
/* For a library that dlopen has loaded, gcc 12's leak checker guesses where its thread-local storage is, may take garbage for it,
   and then crashes at the end of the program. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void) { return "intercept_tls_get_addr=0"; }
#endif

static bool install(Native *n, bool hot_only, Buf *why) {
    JitOptions o = options(hot_only);
    n->api = open_api(why);
    if (n->api == NULL) return false;
    n->jit = n->api->install(n->plan, &o, why);
    return n->jit != NULL;
}

static bool evaluate(void *cx, uint32_t region, Buf *why) {
    (void)cx;
    (void)region;
    (void)why;
    return true;
}

/* Opens the library with the first region that pays for it. Without the library all code is evaluated, which is slower and nothing
   else, so that is said once and the run goes on. */
static bool compile_when_hot(void *cx, uint32_t region, Buf *why) {
    Native *n = cx;
    Plan *p = n->plan;
    if (!n->hot[region]) return true;
    Buf reason = BUF_INIT;
    bool ok = install(n, true, &reason);
    if (!ok) {
        cli_error(0, "%s; expressions are evaluated", buf_cstr(&reason));
        p->rt.compile = evaluate;
    }
    buf_free(&reason);
    return ok ? p->rt.compile(p->rt.compile_cx, region, why) : true;
}

/* Whether there is hot code; notes the regions it belongs to. */
static bool find_hot(Native *n) {
    const Plan *p = n->plan;
    bool any = false;
    n->hot = wf_alloc_zero(p->rt.nregion + 1);
    for (uint32_t i = 0; i < p->code.len; i++) {
        if (!p->code.data[i].hot) continue;
        n->hot[p->code.data[i].region] = any = true;
    }
    return any;
}

bool native_open(Native *n, Plan *p, NativePolicy policy, Buf *why) {
    *n = (Native){.plan = p};
    switch (policy) {
    case NATIVE_NEVER: return true;
    case NATIVE_ALWAYS: return install(n, false, why);
    case NATIVE_AUTO:
        if (!NATIVE_BUILT || !find_hot(n)) return true;
        p->rt.compile = compile_when_hot;
        p->rt.compile_cx = n;
        return true;
    }
    return true;
}

void native_close(Native *n) {
    if (n->jit != NULL) n->api->dispose(n->jit);
    free(n->hot);
}

bool native_dump(Plan *p, Buf *out, Buf *why) {
    JitOptions o = options(false);
    const JitApi *api = open_api(why);
    return api != NULL && api->dump(p, &o, out, why);
}
