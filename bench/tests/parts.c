/* Where a stage's time went adds up to the time that is reported, for any median between samples,
 * and what is put down to no op is little. */
#include <criterion/criterion.h>
#include <math.h>
#include <unistd.h>

#include "bench/parts.h"
#include "verify/sanitized.h"
#include "verify/tests/run_assay.h"

static double part(const cJSON *parts, const char *name, const char *key)
{
    const cJSON *item = parts != NULL ? parts->child : NULL;
    while (item != NULL &&
           strcmp(cJSON_GetObjectItemCaseSensitive(item, "name")->valuestring, name) != 0) {
        item = item->next;
    }
    return item != NULL ? cJSON_GetObjectItemCaseSensitive(item, key)->valuedouble : 0.0;
}

static double sum_of(const cJSON *parts)
{
    double sum = 0.0;
    const cJSON *item;
    cJSON_ArrayForEach(item, parts)
    {
        sum += cJSON_GetObjectItemCaseSensitive(item, "seconds")->valuedouble;
    }
    return sum;
}

/* A part that only one of two neighbours has counts with that one's share. */
static const char samples_text[] =
    "[{\"seconds\": 5, \"parts\": [{\"name\": \"a\", \"seconds\": 4, \"calls\": 2},"
    "                              {\"name\": \"other\", \"seconds\": 1, \"calls\": 1}]},"
    " {\"seconds\": 1, \"parts\": [{\"name\": \"a\", \"seconds\": 1, \"calls\": 2}]},"
    " {\"seconds\": 9, \"parts\": [{\"name\": \"a\", \"seconds\": 6, \"calls\": 2},"
    "                              {\"name\": \"b\", \"seconds\": 3, \"calls\": 4}]}]";

Test(parts, lie_between_those_of_the_next_samples)
{
    cJSON *const samples = cJSON_Parse(samples_text);
    cr_assert_not_null(samples);
    for (double seconds = 1.0; seconds <= 9.0; seconds += 0.25) {
        cJSON *const parts = assay_parts_at(samples, seconds);
        cr_expect_float_eq(sum_of(parts), seconds, 1e-12, "%g", seconds);
        cJSON_Delete(parts);
    }
    cJSON *const middle = assay_parts_at(samples, 7.0);
    cr_expect_float_eq(part(middle, "a", "seconds"), 5.0, 1e-12);
    cr_expect_float_eq(part(middle, "b", "seconds"), 1.5, 1e-12);
    cr_expect_float_eq(part(middle, "b", "calls"), 2.0, 1e-12);
    cr_expect_float_eq(part(middle, "other", "seconds"), 0.5, 1e-12);
    cJSON_Delete(middle);
    cJSON_Delete(samples);
}

Test(parts, beyond_all_samples_are_those_of_the_nearest)
{
    cJSON *const samples = cJSON_Parse(samples_text);
    cJSON *const below = assay_parts_at(samples, 0.5);
    cJSON *const above = assay_parts_at(samples, 20.0);
    cr_expect_float_eq(sum_of(below), 1.0, 1e-12);
    cr_expect_float_eq(sum_of(above), 9.0, 1e-12);
    cJSON_Delete(below);
    cJSON_Delete(above);
    cJSON_Delete(samples);
    cJSON *const none = cJSON_CreateArray();
    cr_expect_null(assay_parts_at(none, 1.0));
    cr_expect_null(assay_parts_at(NULL, 1.0));
    cJSON_Delete(none);
}

#define RESULTS "./assay-parts-results.json"

Test(parts, of_every_stage_add_up_to_its_median, .timeout = 300)
{
    static const char *const needed[] = {"prefill/linear", "prefill/attention"};
    /* Generations take minutes under the sanitizers. */
    run_output run = run_assay(
        ASSAY_MEMORY_SANITIZED
            ? "bench --system tiny --op capture --impl scalar --batch 1 --stop count:3 "
              "--processes 2 --json " RESULTS
            : "bench --system tiny --op capture,generate,explain --impl scalar --batch 1 "
              "--stop count:3 --processes 2 --json " RESULTS);
    cr_assert_eq(run.status, 0, "%s%s", run.out, run.err);
    char *const text = run_read(RESULTS);
    cJSON *const results = cJSON_Parse(text);
    const cJSON *timing;
    int seen = 0;
    cJSON_ArrayForEach(timing, cJSON_GetObjectItemCaseSensitive(results, "timings"))
    {
        const cJSON *const parts = cJSON_GetObjectItemCaseSensitive(timing, "parts");
        const cJSON *const summary = cJSON_GetObjectItemCaseSensitive(timing, "summary");
        const double whole = cJSON_GetObjectItemCaseSensitive(
                                 cJSON_GetObjectItemCaseSensitive(summary, "seconds"), "value")
                                 ->valuedouble;
        cr_expect(fabs(sum_of(parts) - whole) <= 1e-9 * whole, "%g of %g", sum_of(parts), whole);
        cr_expect_lt(part(parts, "other", "seconds"), 0.5 * whole);
        for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
            cr_expect_gt(part(parts, needed[i], "calls"), 0.0, "%s", needed[i]);
        }
        seen++;
    }
    cr_expect_eq(seen, ASSAY_MEMORY_SANITIZED ? 2 : 6);
    cJSON_Delete(results);
    free(text);
    run_free(&run);
    (void)unlink(RESULTS);
}
