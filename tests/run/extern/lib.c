#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *boxed(const void *value, size_t n) {
    return value == NULL ? NULL : memcpy(malloc(n), value, n);
}

int scalars(int64_t i, double f, bool b, const char *s, int64_t d, int64_t z, int64_t t, const char *c,
            int64_t *i2, double *f2, bool *b2, char **s2, int64_t *d2, int64_t *z2, int64_t *t2, char **c2) {
    *i2 = i, *f2 = f, *b2 = b, *d2 = d, *z2 = z, *t2 = t;
    *s2 = strdup(s);
    *c2 = strdup(c);
    return 0;
}

int optionals(const int64_t *i, const double *f, const bool *b, const char *s, const int64_t *none,
              int64_t **i2, double **f2, bool **b2, char **s2, int64_t **none2) {
    *i2 = boxed(i, sizeof *i), *f2 = boxed(f, sizeof *f), *b2 = boxed(b, sizeof *b), *none2 = boxed(none, sizeof *none);
    *s2 = s == NULL ? NULL : strdup(s);
    return 0;
}

int json(const char *xs, const char *m, const char *p, const char *j, char **xs2, char **m2, char **p2, char **j2) {
    *xs2 = strdup(xs), *m2 = strdup(m), *p2 = strdup(p), *j2 = strdup(j);
    return 0;
}

int copy(const char *in, const char *out, const char *parts) {
    char path[4096], text[100];
    FILE *from = fopen(in, "r"), *to = fopen(out, "w");
    size_t n = fread(text, 1, sizeof text, from);
    fwrite(text, 1, n, to);
    fclose(from);
    fclose(to);
    for (int k = 0; k < 2; k++) {
        snprintf(path, sizeof path, "%s/%d", parts, k);
        to = fopen(path, "w");
        fprintf(to, "part %d\n", k);
        fclose(to);
    }
    return 0;
}

int fails(int64_t code, char **out) {
    *out = strdup("made all the same");
    return (int)code;
}

int leaves_null(char **out) {
    (void)out;
    return 0;
}

int wrong_json(char **out) {
    *out = strdup("[1, true]");
    return 0;
}

int not_a_number(double *out) {
    *out = 0.0 / (*out - *out);
    return 0;
}

int none(void) {
    return 0;
}
