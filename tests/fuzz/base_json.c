/* The two walkers of the JSON reader agree on any bytes, and what is written again is read as the same text. */
#include "base/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Str text = {(const char *)data, size};
    const char *error;
    size_t at;
    Buf once = BUF_INIT, twice = BUF_INIT;
    bool ok = json_minify(text, &once, &error, &at);
    if (ok == (error != NULL) || at > size) abort();

    JsonIn j = json_in(text);
    if ((json_skip(&j) && json_end(&j)) != ok) abort();
    json_in_free(&j);

    if (ok) {
        if (!json_minify(buf_view(&once), &twice, &error, &at)) abort();
        if (!str_eq(buf_view(&once), buf_view(&twice))) abort();
    }
    buf_free(&once);
    buf_free(&twice);
    return 0;
}
