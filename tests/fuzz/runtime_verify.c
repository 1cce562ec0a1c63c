/* Verification of files of every format that is looked into: no crash, and a refusal says why. */
#include "tests/unit/plan_builder.h"

#include "runtime/store/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static PlanBuilder b;
static uint32_t choice[16], nchoice;
static int fd;

static void types(void) {
    static const char *const formats[] = {"csv", "tsv", "json", "jsonl", "parquet", "npy", "png", "tar"};
    pb_init(&b);
    uint32_t colour = pb_enum(&b, "Colour");
    pb_field(&b, "red", NULL, PB_NOTHING, NULL);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        choice[nchoice++] = pb_file(&b, formats[i], formats[i]);
        choice[nchoice++] = pb_file(&b, formats[i], formats[i]);
        pb_field(&b, "a", NULL, PB_INT, NULL);
        pb_field(&b, "b", "B", PB_OPT_FLOAT, NULL);
        pb_field(&b, "c", NULL, colour, NULL);
        pb_field(&b, "t", NULL, PB_TIME, NULL);
    }
    pb_plan(&b);
    fd = memfd_create("fuzz", 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (nchoice == 0) types();
    if (n == 0) return 0;
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data + 1, n - 1, 0) != (ssize_t)(n - 1)) abort();
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    VerifyFacts facts = {.rows = -1};
    Buf why = BUF_INIT;
    if (!verify_file(path, &b.types, choice[data[0] % nchoice], &facts, &why) && why.n == 0) abort();
    buf_free(&facts.columns);
    buf_free(&why);
    return 0;
}
