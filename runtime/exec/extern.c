/* `extern "path/lib.so:symbol"`: a function of a shared library, called on the slot's thread. Its C signature follows from the step's:
   the inputs in order, then one pointer per output that is a value or the path of one that is a file; docs/engine.md has the table. */
#include "runtime/exec/exec_impl.h"

#include "base/units.h"
#include "runtime/value/rt.h"

#include <dlfcn.h>
#include <ffi.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* What an argument points to or is. */
typedef union Cell {
    int64_t i;
    double f;
    bool b;
    char *s;   /* of an output: made by malloc in the function, ours to free */
    void *p;   /* an optional scalar: NULL, or where it is; of an output like `s` */
} Cell;

typedef struct Argument {
    Cell value;       /* handed over; for an output the address of `target` */
    Cell target;      /* of an output, or an optional input */
} Argument;

typedef struct Extern {
    Task *t;
    void (*function)(void);
    Argument *arg;    /* inputs, then outputs */
    ffi_type **type;
    void **at;
    uint32_t n;
} Extern;

/* Types whose C form is a number; everything else is text. */
static bool is_number(RtKind k) {
    return k == RT_INT || k == RT_DURATION || k == RT_SIZE || k == RT_TIME || k == RT_FLOAT || k == RT_BOOL;
}

static bool is_path(const RtTypes *types, uint32_t type) {
    const RtType *y = rt_type(types, rt_unopt(types, type));
    return y->kind == RT_FILE || y->kind == RT_DIR || (y->kind == RT_LIST && y->has_file);
}

static ffi_type *ffi_of(RtKind k) { return k == RT_FLOAT ? &ffi_type_double : k == RT_BOOL ? &ffi_type_uint8 : &ffi_type_sint64; }

/* ---- inputs ---- */

static bool read_number(RtKind k, Str s, Cell *out) {
    switch (k) {
    case RT_INT: return rt_read_int(s, &out->i);
    case RT_DURATION: return rt_read_duration(s, &out->i);
    case RT_SIZE: return rt_read_size(s, &out->i);
    case RT_TIME: return rt_read_time(s, &out->i);
    case RT_FLOAT: return rt_read_float(s, &out->f);
    case RT_BOOL: out->b = str_is(s, "true"); return true;
    case RT_NOTHING: case RT_STRING: case RT_JSON: case RT_SECRET: case RT_FILE: case RT_DIR: case RT_ENUM: case RT_STRUCT: case RT_LIST:
    case RT_MAP: case RT_OPT: return false;
    }
    return false;
}

static bool input(Extern *x, const TaskInput *in) {
    Task *t = x->t;
    const RtTypes *types = t->plan->types;
    Argument *a = &x->arg[x->n];
    bool optional = rt_type(types, in->param->type)->kind == RT_OPT;
    RtKind k = (RtKind)rt_type(types, rt_unopt(types, in->param->type))->kind;
    x->at[x->n] = &a->value;
    x->type[x->n++] = optional || !is_number(k) ? &ffi_type_pointer : ffi_of(k);
    if (in->none) return true;
    if (!is_number(k)) {
        if (in->text.n > 0 && memchr(in->text.p, '\0', in->text.n) != NULL)
            return exec_fail(t, RT_FAIL_VALUE, "the input `%s` holds U+0000, which ends a C string", in->param->name);
        a->value.s = arena_strndup(&t->arena, in->text.n > 0 ? in->text.p : "", in->text.n);
        return true;
    }
    Cell *to = optional ? &a->target : &a->value;
    if (optional) a->value.p = to;
    return read_number(k, in->text, to) || exec_fail(t, RT_FAIL_VALUE, "the input `%s` is %.*s, which has no C form", in->param->name, STR_ARG(in->text));
}

/* ---- outputs ---- */

static void output(Extern *x, const TaskOutput *o) {
    Argument *a = &x->arg[x->n];
    x->at[x->n] = &a->value;
    x->type[x->n++] = &ffi_type_pointer;
    if (is_path(x->t->plan->types, o->param->type)) a->value.s = (char *)(uintptr_t)o->path;
    else a->value.p = &a->target;
}

/* The text of a number, as steps write it. */
static void put_number(RtKind k, const Cell *c, Buf *b) {
    if (k == RT_DURATION) put_duration(b, c->i);
    else if (k == RT_TIME) rt_put_time(b, c->i);
    else if (k == RT_FLOAT && isnan(c->f)) buf_z(b, "nan"); /* refused when it is read; C may print its sign */
    else if (k == RT_FLOAT) buf_printf(b, "%.17g", c->f);
    else if (k == RT_BOOL) buf_z(b, c->b ? "true" : "false");
    else buf_printf(b, "%lld", (long long)c->i);
}

static bool take(Extern *x, TaskOutput *o, const Argument *a) {
    Task *t = x->t;
    const RtTypes *types = t->plan->types;
    bool optional = rt_type(types, o->param->type)->kind == RT_OPT;
    RtKind k = (RtKind)rt_type(types, rt_unopt(types, o->param->type))->kind;
    o->given = true;
    if ((optional || !is_number(k)) && a->target.p == NULL) {
        o->none = optional;
        return optional || exec_fail(t, RT_FAIL_OUTPUT, "the function left its output `%s` NULL", o->param->name);
    }
    Buf b = BUF_INIT;
    if (!is_number(k)) buf_z(&b, a->target.s);
    else if (optional) put_number(k, a->target.p, &b);
    else put_number(k, &a->target, &b);
    o->text = (Str){arena_strndup(&t->arena, b.n > 0 ? b.p : "", b.n), b.n};
    buf_free(&b);
    return true;
}

/* Frees what the function made, also when it failed. */
static void outputs(Extern *x) {
    Task *t = x->t;
    const RtTypes *types = t->plan->types;
    for (uint32_t i = 0; i < t->step->noutput; i++) {
        TaskOutput *o = &t->output[i];
        const Argument *a = &x->arg[t->step->nparam + i];
        if (is_path(types, o->param->type)) continue;
        if (t->ok) take(x, o, a);
        const RtType *y = rt_type(types, o->param->type);
        if (!is_number((RtKind)y->kind)) free(a->target.p);
    }
}

/* ---- the call ---- */

/* The library stays loaded: functions may keep state, and unloading and loading again costs more than most calls. */
static bool find(Extern *x) {
    Task *t = x->t;
    Str code = t->step->code;
    const char *colon = memrchr(code.p, ':', code.n);
    Str lib = {code.p, colon != NULL ? (size_t)(colon - code.p) : 0};
    const char *symbol = arena_strndup(&t->arena, code.p + lib.n + 1, code.n - lib.n - 1);
    const char *path = lib.p[0] == '/' ? arena_strndup(&t->arena, lib.p, lib.n) : arena_printf(&t->arena, "%s/%.*s", t->plan->project, STR_ARG(lib));
    if (access(path, F_OK) != 0) return exec_fail(t, RT_FAIL_LOST, "there is no library %s", path);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return exec_fail(t, RT_FAIL_LOST, "cannot load the library: %s", dlerror());
    void *function = dlsym(handle, symbol);
    if (function == NULL) return exec_fail(t, RT_FAIL_LOST, "the library %s has no symbol `%s`", path, symbol);
    memcpy(&x->function, &function, sizeof function);
    return true;
}

static void call(Extern *x) {
    Task *t = x->t;
    ffi_cif cif;
    if (ffi_prep_cif(&cif, FFI_DEFAULT_ABI, x->n, &ffi_type_sint, x->type) != FFI_OK) {
        exec_fail(t, RT_FAIL_LOST, "libffi cannot call a function with these parameters");
        return;
    }
    ffi_arg result = 0;
    ffi_call(&cif, x->function, &result, x->at);
    int code = (int)result;
    if (code == 0) return;
    t->has_status = true;
    t->status = code;
    exec_fail(t, RT_FAIL_EXIT, "the function returned %d", code);
}

void exec_extern(Worker *w, Task *t) {
    uint32_t n = t->step->nparam + t->step->noutput;
    Extern x = {.t = t, .arg = ARENA_ARRAY(&t->arena, Argument, n + 1), .type = ARENA_ARRAY(&t->arena, ffi_type *, n + 1),
                .at = ARENA_ARRAY(&t->arena, void *, n + 1)};
    memset(x.arg, 0, n * sizeof *x.arg);
    bool ok = find(&x);
    for (uint32_t i = 0; ok && i < t->step->nparam; i++) ok = input(&x, &t->input[i]);
    if (!ok) return;
    for (uint32_t i = 0; i < t->step->noutput; i++) output(&x, &t->output[i]);
    call(&x);
    if (exec_cancelled(w)) exec_fail(t, RT_FAIL_CANCELLED, "cancelled");
    outputs(&x);
}
