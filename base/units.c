#include "base/units.h"

#include <inttypes.h>

const Unit duration_units[NUNITS_DURATION] = {
    {"w", 604800000}, {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
const Unit size_units[NUNITS_SIZE] = {
    {"EiB", INT64_C(1) << 60}, {"PiB", INT64_C(1) << 50}, {"TiB", INT64_C(1) << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20},
    {"KiB", 1 << 10}, {"B", 1},
    {"PB", INT64_C(1000000000000000)}, {"TB", INT64_C(1000000000000)}, {"GB", 1000000000}, {"MB", 1000000}, {"kB", 1000}, {"KB", 1000},
};

/* The magnitude as unsigned, so that INT64_MIN has one. */
static uint64_t magnitude(int64_t v) { return v < 0 ? 0 - (uint64_t)v : (uint64_t)v; }

void put_duration(Buf *b, int64_t ms) {
    if (ms == 0) {
        buf_z(b, "0s");
        return;
    }
    if (ms < 0) buf_addc(b, '-');
    uint64_t left = magnitude(ms);
    for (int i = 1; i < NUNITS_DURATION; i++) { /* weeks are read but not printed */
        uint64_t factor = (uint64_t)duration_units[i].factor, count = left / factor;
        if (count > 0) buf_printf(b, "%" PRIu64 "%s", count, duration_units[i].name);
        left %= factor;
    }
}

void put_size(Buf *b, int64_t bytes) {
    uint64_t v = magnitude(bytes);
    int i = 0;
    while (i < SIZE_BINARY - 1 && (v == 0 || v % (uint64_t)size_units[i].factor != 0)) i++;
    buf_printf(b, "%s%" PRIu64 "%s", bytes < 0 ? "-" : "", v / (uint64_t)size_units[i].factor, size_units[i].name);
}
