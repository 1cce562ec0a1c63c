/* Cron expressions and time zones, as far as they can be wrong. */
#include "compiler/sema/check.h"

#include <stdio.h>
#include <strings.h>

typedef struct CronField {
    const char *name;
    unsigned min, max;
    const char *words; /* three letters each, from min on */
} CronField;

static const CronField fields[5] = {{"minute", 0, 59, NULL}, {"hour", 0, 23, NULL}, {"day of the month", 1, 31, NULL},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"}, {"day of the week", 0, 7, "sunmontuewedthufrisat"}};

static __thread char message[160];

static const char *wrong(const CronField *f, const char *what) {
    snprintf(message, sizeof message, "%s of the cron expression: %s (%u to %u)", f->name, what, f->min, f->max);
    return message;
}

static bool value(const CronField *f, Str *in, unsigned *v) {
    if (in->n > 0 && in->p[0] >= '0' && in->p[0] <= '9') {
        unsigned n = 0, digits = 0;
        while (in->n > 0 && in->p[0] >= '0' && in->p[0] <= '9') {
            n = n * 10 + (unsigned)(in->p[0] - '0');
            in->p++;
            in->n--;
            if (++digits > 4) return false;
        }
        *v = n;
        return true;
    }
    if (f->words == NULL || in->n < 3) return false;
    for (unsigned i = 0; f->words[i * 3]; i++)
        if (strncasecmp(f->words + i * (size_t)3, in->p, 3) == 0) {
            *v = f->min + i;
            in->p += 3;
            in->n -= 3;
            return true;
        }
    return false;
}

/* One field: list of `*`, a, a-b, each with an optional /step; bits of the values. */
static const char *field(const CronField *f, Str in, uint64_t *bits) {
    *bits = 0;
    if (in.n == 0) return wrong(f, "it is empty");
    for (;;) {
        unsigned from = f->min, to = f->max, step = 1;
        bool star = in.n > 0 && in.p[0] == '*';
        if (star) {
            in.p++;
            in.n--;
        } else {
            if (!value(f, &in, &from)) return wrong(f, "a number or `*` is expected");
            to = from;
            if (in.n > 0 && in.p[0] == '-') {
                in.p++;
                in.n--;
                if (!value(f, &in, &to)) return wrong(f, "a number must follow `-`");
                if (to < from) return wrong(f, "the range runs backwards");
            }
        }
        if (in.n > 0 && in.p[0] == '/') {
            in.p++;
            in.n--;
            CronField plain = {f->name, f->min, f->max, NULL};
            if (!value(&plain, &in, &step) || step == 0) return wrong(f, "a number above 0 must follow `/`");
            if (!star && to == from) to = f->max;
        }
        if (from < f->min || to > f->max) return wrong(f, "out of range");
        for (unsigned v = from; v <= to; v += step) *bits |= (uint64_t)1 << v;
        if (in.n == 0) return NULL;
        if (in.p[0] != ',') return wrong(f, "`,`, `-` or `/` is expected");
        in.p++;
        in.n--;
    }
}

const char *cron_check(Str text, bool *never) {
    static const char *const names[] = {"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(text, names[i])) return NULL;
    if (text.n > 0 && text.p[0] == '@') return "this name of a schedule is not known";
    uint64_t bits[5] = {0};
    int n = 0;
    for (size_t i = 0; i < text.n;) {
        while (i < text.n && (text.p[i] == ' ' || text.p[i] == '\t')) i++;
        size_t from = i;
        while (i < text.n && text.p[i] != ' ' && text.p[i] != '\t') i++;
        if (i == from) break;
        if (n == 5) return "a cron expression has five fields, this has more";
        const char *why = field(&fields[n], (Str){text.p + from, i - from}, &bits[n]);
        if (why != NULL) return why;
        n++;
    }
    if (n < 5) {
        snprintf(message, sizeof message, "a cron expression has five fields, this has %d", n);
        return message;
    }
    /* The day of the month alone decides when the day of the week is `*`. */
    static const unsigned days[13] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool any = (bits[4] & 0x7F) != 0x7F;
    for (unsigned month = 1; month <= 12; month++)
        if (bits[3] >> month & 1)
            for (unsigned day = 1; day <= days[month]; day++) any |= (bits[2] >> day & 1) != 0;
    *never = !any;
    return NULL;
}

bool timezone_known(Str name) {
    if (str_is(name, "UTC")) return true;
    if (name.n == 0 || name.n > 64 || name.p[0] == '/') return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-' || c == '/';
        if (!ok) return false;
    }
    char path[128];
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", STR_ARG(name));
    FILE *f = fopen(path, "rbe");
    if (f == NULL) return false;
    char magic[4] = {0};
    bool ok = fread(magic, 1, 4, f) == 4 && memcmp(magic, "TZif", 4) == 0;
    fclose(f);
    return ok;
}
