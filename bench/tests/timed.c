/* Kernels that are right when they are judged and wrong when they are timed are found out, one by
 * one, and cost the others nothing. */
#include <criterion/criterion.h>
#include <cjson/cJSON.h>

#include "verify/tests/run_assay.h"

#define RESULTS "./assay-timed-results.json"

static void write_cases(const char *path)
{
    FILE *const file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs("{\"format\":\"assay-bench-cases\",\"version\":1,\"cases\":[{\"id\":\"add\","
          "\"system\":\"tiny\",\"batch\":[4],\"case\":{\"op\":\"add\",\"shape\":{\"d\":64}}}]}",
          file);
    fclose(file);
}

static const cJSON *find(const cJSON *results, const char *list, const char *impl,
                         const char *cache)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(results, list)->child;
    for (; item != NULL; item = item->next) {
        if (strcmp(cJSON_GetObjectItemCaseSensitive(item, "impl")->valuestring, impl) == 0 &&
            strcmp(cJSON_GetObjectItemCaseSensitive(item, "cache")->valuestring, cache) == 0) {
            return item;
        }
    }
    return NULL;
}

static void expect_skipped(const cJSON *results, const char *impl, const char *reason)
{
    const cJSON *const item = find(results, "skipped", impl, "warm");
    cr_assert_not_null(item, "%s was not left out", impl);
    const char *const text = cJSON_GetObjectItemCaseSensitive(item, "reason")->valuestring;
    cr_expect(strstr(text, reason) != NULL, "%s: %s", impl, text);
    cr_expect_null(find(results, "timings", impl, "warm"));
}

static void expect_verdict(const cJSON *results, const char *impl, const char *cache,
                           const char *verdict, const char *message)
{
    const cJSON *const item = find(results, "timings", impl, cache);
    cr_assert_not_null(item, "%s was not timed", impl);
    cr_expect_str_eq(cJSON_GetObjectItemCaseSensitive(item, "verdict")->valuestring, verdict);
    if (message != NULL) {
        const char *const text = cJSON_GetObjectItemCaseSensitive(item, "message")->valuestring;
        cr_expect(strstr(text, message) != NULL, "%s: %s", impl, text);
    }
}

static double number_at(const cJSON *object, const char *list, int i)
{
    const cJSON *const array = cJSON_GetObjectItemCaseSensitive(object, list);
    return i < 0 ? array->valuedouble : cJSON_GetArrayItem(array, i)->valuedouble;
}

/* Marks follow what was read beside the samples, and the numbers are of as many as they say. */
static void expect_marks(const cJSON *results, const char *impl, const char *cache)
{
    const cJSON *const timing = find(results, "timings", impl, cache);
    const cJSON *const samples = cJSON_GetObjectItemCaseSensitive(timing, "samples");
    const cJSON *const summary = cJSON_GetObjectItemCaseSensitive(timing, "summary");
    const int count = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(samples, "seconds"));
    int marked = 0;
    cr_assert_eq(count, (int)number_at(summary, "count", -1));
    for (int i = 0; i < count; i++) {
        marked += number_at(samples, "contaminated", i) > 0.0;
        if (cJSON_HasObjectItem(samples, "core_share")) { /* not where it cannot be read */
            const double share = number_at(samples, "core_share", i);
            cr_expect(share > 0.0 && share <= 1.0, "%g", share);
            cr_expect(share >= 0.92 || number_at(samples, "contaminated", i) > 0.0, "%g", share);
        }
    }
    const int used = (int)number_at(summary, "used", -1);
    cr_expect_eq(marked, (int)number_at(summary, "contaminated", -1));
    cr_expect(used == count || used == count - marked, "%d of %d, %d marked", used, count, marked);
    cr_expect(used < count || marked == 0 || 10 * (count - marked) < count || count - marked < 5);
    cr_expect(number_at(summary, "alone", -1) <= 1.0);
}

Test(timed, wrong_while_timed_is_found_out)
{
    write_cases("./assay-timed-a.json");
    run_output run = run_assay("bench --cases ./assay-timed-a.json --plugin " ASSAY_TEST_PLUGINS
                               "/timed.so --quick --timeout 20 --stop count:30 --json " RESULTS);
    cr_expect_eq(run.status, 1, "%s%s", run.out, run.err);
    char *const text = run_read(RESULTS);
    cJSON *const results = cJSON_Parse(text);
    cr_assert_not_null(results, "%s", run.err);
    expect_verdict(results, "right", "warm", "PASS", NULL);
    expect_verdict(results, "right", "cold", "PASS", NULL);
    expect_marks(results, "right", "warm");
    expect_marks(results, "right", "cold");
    expect_verdict(results, "wrong_later", "warm", "FAIL", "row 0, column 0");
    expect_verdict(results, "impossible", "warm", "FAIL", "impossible");
    expect_verdict(results, "impossible", "cold", "FAIL", "impossible");
    expect_skipped(results, "hangs_later", "TIMEOUT: no answer in 20 s");
    expect_skipped(results, "dies_later", "Aborted");
    expect_skipped(results, "fails_later", "FAIL");
    expect_skipped(results, "skips", "called again with the same inputs");
    cJSON_Delete(results);
    free(text);
    run_free(&run);
    unlink("./assay-timed-a.json");
}

Test(timed, what_is_compared_is_judged)
{
    write_cases("./assay-timed-b.json");
    run_output run = run_assay("bench --cases ./assay-timed-b.json --plugin " ASSAY_TEST_PLUGINS
                               "/timed.so --quick --cache warm --impl skips --against right");
    cr_expect(strstr(run.out, "called again with the same inputs") != NULL, "%s%s", run.out,
              run.err);
    run_free(&run);
    unlink("./assay-timed-b.json");
}
