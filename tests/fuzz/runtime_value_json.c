/* Decoding of JSON into every kind of type: no crash, and what is accepted survives being written and read again. */
#include "tests/unit/plan_builder.h"

#include <stdlib.h>

static PlanBuilder b;
static uint32_t choice[16], nchoice;

static void types(void) {
    pb_init(&b);
    uint32_t colour = pb_enum(&b, "Colour");
    pb_field(&b, "red", NULL, PB_NOTHING, NULL);
    pb_field(&b, "blue", "deepBlue", PB_NOTHING, NULL);
    static RtWord seven = {.i = 7};
    uint32_t scores = pb_struct(&b, "Scores");
    pb_field(&b, "a", NULL, PB_FLOAT, NULL);
    pb_field(&b, "b", "B", PB_INT, &seven);
    pb_field(&b, "n", NULL, PB_OPT_STRING, NULL);
    pb_field(&b, "c", NULL, colour, &seven);
    pb_field(&b, "j", NULL, PB_JSON, NULL);
    b.field.data[b.field.len - 2].fallback = NULL;
    uint32_t all[] = {PB_INT, PB_FLOAT, PB_BOOL, PB_STRING, PB_DURATION, PB_SIZE, PB_TIME, PB_JSON, PB_OPT_INT, PB_OPT_STRING, PB_INTS, colour, scores,
                      pb_list(&b, pb_opt(&b, scores)), pb_map(&b, PB_INTS), pb_map(&b, scores)};
    nchoice = sizeof all / sizeof *all;
    memcpy(choice, all, sizeof all);
    pb_plan(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (nchoice == 0) types();
    if (n == 0) return 0;
    uint32_t type = choice[data[0] % nchoice];
    Rt rt;
    rt_init(&rt, &b.types);
    RtWord w[16], again[16];
    if (rt_read_json(&rt, type, (Str){(const char *)data + 1, n - 1}, w)) {
        rt_keep(&b.types, type, w);
        rt_scratch_reset(&rt);
        Buf out = BUF_INIT;
        rt_put_json(&out, &b.types, type, w, &(RtEncode){.mode = RT_JSON_DATA});
        if (!rt_read_json(&rt, type, buf_view(&out), again) || !rt_equal(&rt, type, w, again)) abort();
        buf_free(&out);
        rt_drop(&b.types, type, w);
    } else if (rt.error.n == 0)
        abort();
    rt_free(&rt);
    return 0;
}
