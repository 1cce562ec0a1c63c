/* Secrets in what a step prints and reports. */
#include "runtime/exec/exec.h"

#include "base/vec.h"

enum { SHORTEST = 4 }; /* bytes; shorter ones would hide ordinary text */

void exec_hide(Task *t, Str secret) {
    VEC(Str) list = {0};
    vec_append(&list, t->secret, t->nsecret);
    if (secret.n >= SHORTEST) vec_push(&list, secret);
    for (size_t i = 0; i < secret.n;) { /* a line of it may be printed alone */
        const char *end = memchr(secret.p + i, '\n', secret.n - i);
        size_t n = end != NULL ? (size_t)(end - secret.p) - i : secret.n - i;
        if (n >= SHORTEST && n < secret.n) vec_push(&list, ((Str){secret.p + i, n}));
        i += n + 1;
    }
    t->secret = ARENA_ARRAY(&t->arena, Str, list.len + 1);
    if (list.len > 0) memcpy(t->secret, list.data, list.len * sizeof *t->secret);
    t->nsecret = list.len;
    vec_free(&list);
}

void exec_mask(const Task *t, Str s, Buf *out) {
    size_t from = 0;
    for (size_t i = 0; i < s.n;) {
        size_t hit = 0;
        for (uint32_t k = 0; k < t->nsecret && hit == 0; k++) {
            Str v = t->secret[k];
            if (s.n - i >= v.n && memcmp(s.p + i, v.p, v.n) == 0) hit = v.n;
        }
        if (hit == 0) {
            i++;
            continue;
        }
        buf_add(out, s.p + from, i - from);
        buf_z(out, "***");
        from = i += hit;
    }
    buf_add(out, s.p + from, s.n - from);
}

void exec_mask_message(Task *t) {
    if (t->nsecret == 0 || t->message == NULL) return;
    /* What an output holds is quoted, with escapes and only its beginning: nothing that a comparison would find. */
    const char *got = t->kind == RT_FAIL_OUTPUT ? strstr(t->message, ", got \"") : NULL;
    Str s = {t->message, got != NULL ? (size_t)(got - t->message) : strlen(t->message)};
    Buf b = BUF_INIT;
    exec_mask(t, s, &b);
    if (got != NULL) buf_z(&b, ", got ***");
    t->message = arena_strndup(&t->arena, buf_cstr(&b), b.n);
    buf_free(&b);
}
