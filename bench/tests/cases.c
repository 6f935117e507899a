/* The shipped list opens; lists that say something else than bench/cases.h allows are refused with
 * the entry and key named. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cases.h"

Test(bench_cases, the_shipped_list_has_every_op_and_ascending_batches)
{
    assay_bench_list list;
    assay_error error;
    bool seen[ASSAY_OP_COUNT] = {false};
    cr_assert_eq(assay_bench_list_open(ASSAY_SOURCE_DIR "/fixtures/cases/bench.json", &list,
                                       &error),
                 ASSAY_OK, "%s", error.message);
    for (size_t i = 0; i < list.count; i++) {
        const assay_bench_entry *const entry = &list.entries[i];
        seen[entry->op] = true;
        cr_expect(entry->batch_count > 0, "%s", entry->id);
        for (size_t b = 1; b < entry->batch_count; b++) {
            cr_expect(entry->batch[b - 1] < entry->batch[b], "%s", entry->id);
        }
        cJSON *const json = assay_bench_case_at(entry, entry->batch[0]);
        cr_expect_not_null(json);
        cJSON_Delete(json);
    }
    static const assay_op timed[] = {ASSAY_OP_linear,   ASSAY_OP_sae_encode, ASSAY_OP_sae_decode,
                                     ASSAY_OP_sae_steer, ASSAY_OP_rmsnorm,   ASSAY_OP_rope,
                                     ASSAY_OP_attention, ASSAY_OP_swiglu,    ASSAY_OP_adapter,
                                     ASSAY_OP_sample,    ASSAY_OP_capture,   ASSAY_OP_generate,
                                     ASSAY_OP_explain};
    for (size_t i = 0; i < sizeof timed / sizeof *timed; i++) {
        cr_expect(seen[timed[i]], "%s is not timed", assay_op_name(timed[i]));
    }
    assay_bench_list_close(&list);
}

/* What a GPU's quick set is asked for: stages and encoders up to sizes that fill the device. */
Test(bench_cases, the_gpus_list_covers_stages_and_large_batches)
{
    assay_bench_list list;
    assay_error error;
    int stages = 0;
    cr_assert_eq(assay_bench_list_open(ASSAY_SOURCE_DIR "/fixtures/cases/gpu.json", &list, &error),
                 ASSAY_OK, "%s", error.message);
    for (size_t i = 0; i < list.count; i++) {
        const assay_bench_entry *const entry = &list.entries[i];
        int64_t largest = 0;
        size_t quick = 0;
        for (size_t b = 0; b < entry->batch_count; b++) {
            quick += !entry->full[b];
            largest = entry->full[b] ? largest : entry->batch[b];
        }
        cr_expect_geq(quick, 2, "%s", entry->id);
        if (entry->stage) {
            cr_expect_eq(largest, 16, "%s", entry->id);
            stages++;
        }
        if (strcmp(entry->id, "encode-goodfire") == 0) {
            cr_expect_eq(largest, 4096);
        }
    }
    cr_expect_eq(stages, 4, "capture, generate, two explainers");
    assay_bench_list_close(&list);
}

#define ENTRY(body) "{\"format\":\"assay-bench-cases\",\"version\":1,\"cases\":[" body "]}"
#define ADD "{\"op\":\"add\",\"shape\":{\"d\":4}}"
#define STEP(body) "{\"id\":\"a\",\"system\":\"tiny\",\"batch\":[1],\"case\":" body "}"
#define GOOD "{\"id\":\"a\",\"system\":\"tiny\",\"batch\":[1],\"case\":" ADD "}"

static const struct bad {
    const char *text, *named;
} bad[] = {
    {ENTRY(GOOD "," GOOD), "'a'"},
    {ENTRY("{\"id\":\"a\",\"system\":\"tiny\",\"batch\":[0],\"case\":{\"op\":\"add\"}}"), "batch"},
    {ENTRY("{\"id\":\"a\",\"system\":\"tiny\",\"batch\":[1,1],\"case\":{\"op\":\"add\"}}"),
     "batch"},
    {ENTRY("{\"id\":\"a\",\"system\":\"tiny\",\"batch\":[1e300],\"case\":{\"op\":\"add\"}}"),
     "batch"},
    {ENTRY("{\"id\":\"a\",\"system\":\"tiny\",\"batch\":[1.5],\"case\":{\"op\":\"add\"}}"),
     "batch"},
    {ENTRY("{\"id\":\"a\",\"system\":\"tiny\",\"batch\":[1],\"case\":{\"op\":\"divide\"}}"), "op"},
    {ENTRY("{\"id\":\"a\",\"system\":\"tiny\",\"batch\":[1],\"stage\":{\"op\":\"add\"}}"), "op"},
    {ENTRY("{\"id\":\"a\",\"system\":\"tiny\",\"batch\":[1]}"), "case"},
    {ENTRY(STEP("{\"op\":\"add\",\"shape\":{\"d\":4,\"k\":1}}")), "shape.k"},
    {ENTRY(STEP("{\"op\":\"add\",\"shape\":{\"d\":-4}}")), "shape.d"},
    {ENTRY(STEP("{\"op\":\"add\",\"shape\":{\"d\":4},\"bias\":true}")), "bias"},
    {ENTRY("{\"id\":\"a\",\"system\":\"tiny\",\"batch\":[1],\"cases\":{}}"), "cases"},
    {ENTRY("{\"system\":\"tiny\",\"batch\":[1],\"case\":" ADD "}"), "id"},
    {ENTRY(STEP("{\"op\":\"add\"}")), "'shape'"},
    {ENTRY(STEP("{\"op\":\"add\",\"shape\":7}")), "'shape'"},
    {ENTRY(STEP("{\"op\":\"add\",\"shape\":{\"d\":4,\"n\":9}}")), "'n'"},
    {ENTRY(STEP("{\"op\":\"add\",\"id\":\"b\",\"shape\":{\"d\":4}}")), "'id'"},
    {ENTRY(STEP("{\"op\":\"attention\",\"shape\":{},\"sequences\":[]}")), "'sequences'"},
    {ENTRY("{\"id\":\"a\",\"system\":\"tiny\",\"batch\":[1],\"past\":1.5,\"case\":" ADD "}"),
     "'past'"},
    {ENTRY("{\"id\":\"a\",\"system\":\"tiny\",\"batch\":[1],\"stage\":{\"op\":\"capture\","
           "\"batch\":2}}"),
     "'batch'"},
    {"{\"format\":\"assay-cases\",\"version\":1,\"cases\":[]}", "format"},
    {"{\"format\":\"assay-bench-cases\",\"version\":99,\"cases\":[]}", "version"},
    {"{\"format\":\"assay-bench-cases\",", "byte"},
};

Test(bench_cases, a_wrong_list_is_refused_by_name)
{
    char path[] = "./assay-bench-cases-XXXXXX";
    close(mkstemp(path));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assay_bench_list list;
        assay_error error;
        FILE *const file = fopen(path, "w");
        fputs(bad[i].text, file);
        fclose(file);
        cr_expect_neq(assay_bench_list_open(path, &list, &error), ASSAY_OK, "%s", bad[i].text);
        cr_expect(strstr(error.message, bad[i].named) != NULL && strstr(error.message, path + 2),
                  "%s: %s", bad[i].text, error.message);
        cr_expect_null(strchr(error.message, '\n'));
    }
    unlink(path);
}
