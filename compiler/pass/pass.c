#include "compiler/pass/pass.h"

const Pass passes[] = {
    {"fold", "computes expressions of constants", pass_fold},
    {"order", "removes order that data implies", pass_order},
    {0},
};

bool pass_known(const char *name) {
    if (strcmp(name, "lower") == 0) return true;
    for (const Pass *p = passes; p->name != NULL; p++)
        if (strcmp(p->name, name) == 0) return true;
    return false;
}

static bool verified(const Flow *f, const char *pass, Buf *why) {
#ifdef NDEBUG
    (void)f;
    (void)pass;
    (void)why;
    return true;
#else
    Buf text = BUF_INIT;
    bool ok = flow_verify(f, &text);
    if (!ok) buf_printf(why, "the flow graph is broken after pass `%s`: %s", pass, buf_cstr(&text));
    buf_free(&text);
    return ok;
#endif
}

bool passes_run(Flow *f, const char *until, Buf *why) {
    if (!verified(f, "lower", why)) return false;
    if (until != NULL && strcmp(until, "lower") == 0) return true;
    for (const Pass *p = passes; p->name != NULL; p++) {
        p->run(f);
        if (!verified(f, p->name, why)) return false;
        if (until != NULL && strcmp(until, p->name) == 0) return true;
    }
    return true;
}
