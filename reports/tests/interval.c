/* Intervals that say nothing are not shown: in no form of a report is there a time below zero or a
 * range that is none, and the reason stands in its place. */
#include <criterion/criterion.h>
#include <math.h>

#include "reports/interval.h"
#include "reports/tests/run.h"

Test(interval, says_nothing_where_its_extremes_cover_too_little)
{
    const results_estimate narrow = {1.0, 0.99, 1.01};
    cr_expect_not_null(interval_of_median(&narrow, 1, 1).why);
    for (size_t samples = 2; samples < 20; samples++) { /* below 95%, the extremes of a process */
        const bool few = 1.0 - pow(2.0, 1.0 - (double)samples) < 0.95;
        const interval shown = interval_of_median(&narrow, samples, 1);
        cr_expect_eq(shown.why != NULL, few, "%zu", samples);
        cr_expect_eq(isnan(shown.low) && isnan(shown.high) && isnan(shown.half), few);
        cr_expect_null(interval_of_median(&narrow, samples, 2).why);
    }
}

Test(interval, never_reaches_zero)
{
    for (double low = -3.0; low < 1.0; low += 0.125) {
        for (double high = 1.0; high < 6.0; high += 0.125) {
            const results_estimate e = {1.0, low, high};
            const interval shown = interval_of_median(&e, 40, 2);
            cr_expect(shown.why != NULL || (shown.low > 0.0 && shown.half < 1.0), "%g %g", low,
                      high);
            cr_expect(shown.why == NULL || low <= 0.0 || high - low >= 2.0, "%g %g", low, high);
        }
    }
    const results_estimate none = {1.0, (double)NAN, 2.0};
    cr_expect_not_null(interval_of_median(&none, 40, 2).why);
}

/* A ratio whose interval excludes 1 says something, however wide it is. */
Test(interval, of_a_ratio_that_is_decided_is_shown)
{
    const results_estimate decided = {40.0, 1.2, 1500.0};
    const results_estimate open = {1.0, 0.02, 50.0};
    const results_estimate slower = {0.01, 1e-5, 0.9};
    cr_expect_null(interval_of_ratio(&decided).why);
    cr_expect_null(interval_of_ratio(&slower).why);
    cr_expect_not_null(interval_of_ratio(&open).why);
}

static void timing(FILE *file, const char *name, const char *samples, const char *process,
                   const char *summary)
{
    fprintf(file,
            "{\"op\":\"linear\",\"impl\":\"scalar\",\"case\":\"%s\",\"batch\":4,\"cache\":\"cold\","
            "\"threads\":1,\"verdict\":\"PASS\",\"samples\":{\"seconds\":%s,\"process\":%s},"
            "\"summary\":{\"seconds\":%s}}",
            name, samples, process, summary);
}

static void write_file(const char *path)
{
    FILE *const file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs("{\"format\":\"assay-results\",\"version\":\"2.0.0\",\"environment\":{},\"timings\":[",
          file);
    timing(file, "alone", "[0.25]", "[0]", "{\"value\":0.25,\"low\":0.25,\"high\":0.25}");
    fputc(',', file);
    timing(file, "apart", "[0.25,1]", "[0,1]", "{\"value\":0.5,\"low\":-7.5,\"high\":4096}");
    fputc(',', file);
    timing(file, "good", "[1,1.1,0.9,1,1,1]", "[0,0,0,1,1,1]",
           "{\"value\":1,\"low\":0.875,\"high\":1.125}");
    fputs("]}", file);
    cr_assert_eq(fclose(file), 0);
}

Test(interval, every_form_gives_the_reason_and_no_range)
{
    static const char *const names[] = {"report.html", "report.md", "results.csv"};
    char folder[64];
    char path[128];
    run_folder(folder);
    snprintf(path, sizeof path, "%s/r.json", folder);
    write_file(path);
    run_output run = run_program("report %s -o %s/out", path, folder);
    cr_assert_eq(run.status, 0, "%s", run.err);
    run_free(&run);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *const text = run_slurp("%s/out/%s", folder, names[i]);
        cr_assert_not_null(text);
        cr_expect_not_null(strstr(text, "one sample"), "%s", names[i]);
        cr_expect_not_null(strstr(text, "two processes differ too much to tell"), "%s", names[i]);
        cr_expect_not_null(strstr(text, i < 2 ? "± 12 %" : ",0.875,1.125,"), "%s", names[i]);
        cr_expect_null(strstr(text, "4096"), "%s", names[i]);
        cr_expect_null(strstr(text, "-7.5"), "%s", names[i]);
        free(text);
    }
    run_remove(folder);
}
