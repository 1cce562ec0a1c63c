/* UTF-8, edit distance and number formatting on any bytes. */
#include "base/json.h"
#include "base/str.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *p = (const char *)data;
    size_t valid = utf8_valid(p, size);
    uint32_t cp;
    if (valid > size || (valid < size && utf8_decode(p + valid, size - valid, &cp) != 0)) abort();
    if (utf8_count(p, valid) > valid || utf8_width(p, size) > 2 * size) abort();

    Str a = {p, size / 2}, b = {p + size / 2, size - size / 2};
    if (edit_distance(a, b, 8) != edit_distance(b, a, 8)) abort();

    double v;
    if (size >= sizeof v && (memcpy(&v, data, sizeof v), isfinite(v))) {
        char text[32];
        size_t n = format_double(v, text);
        if (n != strlen(text) || n >= sizeof text || strtod(text, NULL) != v) abort();
    }

    Buf out = BUF_INIT;
    json_string(&out, (Str){p, size});
    JsonIn j = json_in(buf_view(&out));
    if (json_next(&j) != JSON_STRING || !json_end(&j)) abort();
    if (valid == size && !str_eq(j.s, (Str){p, size})) abort();
    json_in_free(&j);
    buf_free(&out);
    return 0;
}
