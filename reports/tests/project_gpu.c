/* `assay compare --project` of what `assay bench` itself writes of a device's kernels. */
#include <math.h>
#include <stdlib.h>

#include "reports/tests/run.h"

#define MODULE ASSAY_TEST_PLUGINS "/../assay_cuda_emulated_device.so"

static const cJSON *in(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static bool same(const cJSON *timing, const cJSON *projected)
{
    static const char *const words[] = {"op", "impl", "case", "cache"};
    bool all = in(timing, "batch")->valuedouble == in(projected, "batch")->valuedouble;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        all = all && strcmp(run_text(timing, words[i]), run_text(projected, words[i])) == 0;
    }
    return all;
}

static const cJSON *timing_of(const cJSON *root, const cJSON *projected)
{
    const cJSON *t = in(root, "timings")->child;
    while (t != NULL && !same(t, projected)) {
        t = t->next;
    }
    return t;
}

/* Ceilings, timings and the projection, all by the program. */
Test(project_gpu, a_file_that_bench_wrote_is_projected)
{
    char folder[64];
    char cache[96];
    run_folder(folder);
    snprintf(cache, sizeof cache, "%s/cache", folder);
    cr_assert_eq(setenv("ASSAY_CACHE", cache, 1), 0);
    run_expect(0, "probe --quick --plugin " MODULE " --json %s/probe.json", folder);
    run_expect(0,
               "bench --quick --case rmsnorm-tiny,linear-tiny --batch 1,16 --impl cuda "
               "--stop count:3 --processes 1 --plugin " MODULE " --json %s/gpu.json",
               folder);
    run_expect(0, "compare %s/gpu.json --project H200 --json %s/p.json", folder, folder);
    cJSON *const root = run_json(folder, "gpu.json");
    cJSON *const projection = run_json(folder, "p.json");
    const cJSON *item;
    int estimates = 0;
    cr_expect_eq(cJSON_GetArraySize(in(projection, "cases")),
                 cJSON_GetArraySize(in(root, "timings")), "every timing is a GPU's");
    cJSON_ArrayForEach(item, in(projection, "cases"))
    {
        const cJSON *const t = timing_of(root, item);
        cr_assert_not_null(t);
        const cJSON *const work = in(t, "work");
        const cJSON *const floor = in(t, "floor");
        const cJSON *const flops = in(work, "flops");
        const char *const bound = run_text(floor, "bound");
        if (!cJSON_IsNumber(in(item, "projected_seconds"))) {
            cr_expect_str_eq(bound + strlen(bound) - 3, "/l2", "%s", bound);
            continue;
        }
        const double bytes =
            in(work, "bytes_read")->valuedouble + in(work, "bytes_written")->valuedouble;
        const double moved = bytes / 4.8e12 / in(floor, "fraction")->valuedouble;
        const double computed = flops != NULL ? flops->valuedouble / 6.69e13 : 0.0;
        const double expected = fmax(moved, computed);
        cr_expect_float_eq(in(item, "projected_seconds")->valuedouble, expected, 1e-6 * expected);
        estimates++;
    }
    cr_expect_geq(estimates, 3, "cold timings are bound by memory");
    cJSON_Delete(root);
    cJSON_Delete(projection);
    run_remove(folder);
}

/* Timings of the same program's host kernels are no GPU's. */
Test(project_gpu, a_file_of_the_hosts_kernels_is_refused)
{
    char folder[64];
    run_folder(folder);
    run_expect(0,
               "bench --quick --case rmsnorm-tiny --batch 1 --impl scalar --stop count:3 "
               "--processes 1 --json %s/host.json",
               folder);
    run_output said = run_program("compare %s/host.json --project H200", folder);
    cr_expect_eq(said.status, 3);
    cr_expect_not_null(strstr(said.err, "no timing of a GPU"), "%s", said.err);
    run_free(&said);
    run_remove(folder);
}
