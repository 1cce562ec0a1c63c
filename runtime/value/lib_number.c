/* Numbers and times. */
#include "runtime/value/lib.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static bool finite_result(const LibCall *c, const char *name, double v) {
    c->out->f = v;
    return isfinite(v) || rt_error(c->rt, "`%s`: the result is not a finite number", name);
}

/* A double as an int, when it fits. */
static bool whole(const LibCall *c, const char *name, double v) {
    if (!(v >= -0x1p63 && v < 0x1p63)) return rt_error(c->rt, "`%s`: the result does not fit into an int", name);
    return c->out->i = (int64_t)v, true;
}

bool lib_abs_int(const LibCall *c) {
    if (c->args->i == INT64_MIN) return rt_error(c->rt, "`abs` overflows an int");
    return c->out->i = c->args->i < 0 ? -c->args->i : c->args->i, true;
}
bool lib_abs_float(const LibCall *c) { return c->out->f = fabs(c->args->f), true; }
bool lib_round(const LibCall *c) { return whole(c, "round", nearbyint(c->args->f)); }
bool lib_floor(const LibCall *c) { return whole(c, "floor", floor(c->args->f)); }
bool lib_ceil(const LibCall *c) { return whole(c, "ceil", ceil(c->args->f)); }

/* As Python's round(x, n): the decimal nearest to the exact value of the double, ties to even, read back. */
bool lib_round_to(const LibCall *c) {
    double x = c->args[0].f;
    int64_t digits = c->args[1].i;
    char text[512];
    if (digits > 22 || x == 0) return c->out->f = x, true;
    if (digits < -308) return c->out->f = copysign(0, x), true;
    if (digits >= 0) {
        snprintf(text, sizeof text, "%.*f", (int)digits, x);
        return finite_result(c, "round", strtod(text, NULL));
    }
    double scale = pow(10, (double)-digits);
    return finite_result(c, "round", nearbyint(x / scale) * scale);
}

bool lib_sqrt(const LibCall *c) {
    if (c->args->f < 0) return rt_error(c->rt, "`sqrt` of a number below 0");
    return c->out->f = sqrt(c->args->f), true;
}
bool lib_log(const LibCall *c) {
    if (c->args->f <= 0) return rt_error(c->rt, "`log` of a number that is not above 0");
    return c->out->f = log(c->args->f), true;
}
bool lib_exp(const LibCall *c) { return finite_result(c, "exp", exp(c->args->f)); }
bool lib_pow(const LibCall *c) { return finite_result(c, "pow", pow(c->args[0].f, c->args[1].f)); }

bool lib_int_of_float(const LibCall *c) { return whole(c, "int", trunc(c->args->f)); }

bool lib_int_of_string(const LibCall *c) {
    Str s = lib_str(c->args);
    return rt_read_int(s, &c->out->i) || rt_error(c->rt, "`int`: \"%.*s\" is no integer", (int)(s.n > 40 ? 40 : s.n), s.p);
}
bool lib_float_of_string(const LibCall *c) {
    Str s = lib_str(c->args);
    return rt_read_float(s, &c->out->f) || rt_error(c->rt, "`float`: \"%.*s\" is no number", (int)(s.n > 40 ? 40 : s.n), s.p);
}

bool lib_format(const LibCall *c) {
    if (c->args[1].i < 0 || c->args[1].i > 100) return rt_error(c->rt, "`format`: decimals must be 0 to 100");
    char text[512];
    int n = snprintf(text, sizeof text, "%.*f", (int)c->args[1].i, c->args[0].f);
    return lib_text(c, (Str){text, (size_t)n});
}

bool lib_seconds(const LibCall *c) { return c->out->f = (double)c->args->i / 1000, true; }
bool lib_bytes(const LibCall *c) { return c->out->i = c->args->i, true; }

bool lib_parse_time(const LibCall *c) {
    Str s = lib_str(c->args);
    return rt_read_time(s, &c->out->i) || rt_error(c->rt, "`parse_time`: \"%.*s\" is no RFC 3339 time", (int)(s.n > 40 ? 40 : s.n), s.p);
}

static bool civil(int64_t ms, struct tm *out) {
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    time_t t = (time_t)seconds;
    return gmtime_r(&t, out) != NULL;
}

bool lib_format_time(const LibCall *c) {
    Str format = lib_str(c->args + 1);
    struct tm tm;
    if (!civil(c->args[0].i, &tm)) return rt_error(c->rt, "`format_time`: the time is out of range");
    if (format.n == 0) return lib_text(c, format);
    if (format.n > 256) return rt_error(c->rt, "`format_time`: the format is longer than 256 bytes");
    char z[257], out[4096];
    memcpy(z, format.p, format.n);
    z[format.n] = '\0';
    size_t n = strftime(out, sizeof out, z, &tm);
    return lib_text(c, (Str){out, n});
}

bool lib_weekday(const LibCall *c) {
    struct tm tm;
    if (!civil(c->args->i, &tm)) return rt_error(c->rt, "`weekday`: the time is out of range");
    return c->out->i = tm.tm_wday == 0 ? 7 : tm.tm_wday, true;
}
