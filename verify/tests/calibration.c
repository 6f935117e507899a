/* The calibration and the sensitivity: few elements of right kernels stay within their budgets, a
 * distribution is counted as it is, and what the probe calls the smallest fault is one. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "verify/selftest/calibration.h"
#include "verify/selftest/command.h"
#include "verify/selftest/draw_case.h"
#include "verify/selftest/probe.h"
#include "verify/simulate/simulate.h"

Test(histogram, quantiles_bracket_what_was_added)
{
    static assay_histogram histogram;
    for (int i = 1; i <= 1000; i++) {
        assay_histogram_add(&histogram, i / 1000.0);
    }
    cr_assert_eq(histogram.count, 1000);
    cr_assert_eq(histogram.above, 0);
    for (int i = 100; i <= 1000; i += 100) {
        const double quantile = assay_histogram_quantile(&histogram, i / 1000.0);
        cr_assert(quantile >= i / 1000.0 && quantile <= i / 1000.0 * 1.05, "%d: %g", i, quantile);
    }
    assay_histogram_add(&histogram, 1.5);
    assay_histogram_add(&histogram, (double)NAN);
    cr_assert_eq(histogram.above, 2, "what is beyond the budget, or no number, is counted");
    assay_histogram_add(&histogram, 0.5);
    cr_assert(isinf(histogram.greatest), "no number is the worst of all");
}

static void count_above(void *context, const assay_measure *m, int64_t i, double got)
{
    *(uint64_t *)context += isfinite(m->truth[i]) && fabs(got - m->truth[i]) > m->budget[i];
}

Test(calibration, right_kernels_stay_within_their_budgets)
{
    assay_error error;
    const assay_table *simulated = NULL;
    for (size_t k = 0; (simulated = assay_simulated_at(k)) != NULL; k++) {
        for (int op = 0; op < ASSAY_OP_COUNT; op++) {
            assay_measure measure;
            uint64_t above = 0;
            if (simulated->kernel[op] == NULL || (k + (size_t)op) % 4 != 0) {
                continue;
            }
            cJSON *const json = assay_draw_case((assay_op)op, 77, k);
            cr_assert_eq(assay_measure_open(json, 77 + k, simulated->kernel[op], true, &measure,
                                            &error), ASSAY_OK, "%s", error.message);
            assay_measure_each(&measure, count_above, &above);
            cr_assert_eq(above, 0, "%s %s", simulated->name, assay_op_name((assay_op)op));
            assay_measure_close(&measure);
            cJSON_Delete(json);
        }
    }
}

Test(calibration, a_file_is_taken_over_and_a_damaged_one_refused)
{
    char path[] = "./assay-calibration-XXXXXX";
    assay_error error;
    const int file = mkstemp(path);
    cr_assert_geq(file, 0);
    (void)close(file);
    static assay_calibrated entries[2][ASSAY_CALIBRATED_MAX];
    assay_calibration written = {.seed = 9, .elements = 100, .count = 1, .entry = entries[0]};
    entries[0][0] = (assay_calibrated){.contract = "f32", .op = ASSAY_OP_linear, .cases = 3};
    for (int i = 0; i < 100; i++) {
        assay_histogram_add(&entries[0][0].used, i / 200.0);
    }
    cr_assert_eq(assay_calibration_write(&written, "command", path, &error), ASSAY_OK);
    assay_calibration read = {.seed = 9, .elements = 100, .entry = entries[1]};
    cr_assert_eq(assay_calibration_read(&read, path, &error), ASSAY_OK, "%s", error.message);
    cr_assert_eq(read.count, 1);
    cr_assert_str_eq(read.entry[0].contract, "f32");
    cr_assert_eq(memcmp(&entries[0][0].used, &entries[1][0].used, sizeof entries[0][0].used), 0);
    assay_calibration other = {.seed = 10, .elements = 100, .entry = entries[1]};
    cr_assert_eq(assay_calibration_read(&other, path, &error), ASSAY_BAD_INPUT);
    cr_assert_not_null(strstr(error.message, "--resume"));
    FILE *const text = fopen(path, "w");
    (void)fputs("{\"seed\": \"9\", \"elements\": 100, \"results\": [{\"op\": \"linear\"}]}", text);
    (void)fclose(text);
    read.count = 0;
    cr_assert_eq(assay_calibration_read(&read, path, &error), ASSAY_BAD_INPUT);
    (void)unlink(path);
}

Test(probe, the_least_fault_is_about_the_budget)
{
    enum { ROWS = 4, COLUMNS = 32 };
    assay_error error;
    double truth[ROWS * COLUMNS];
    double value[ROWS * COLUMNS];
    double budget[ROWS * COLUMNS];
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        truth[i] = value[i] = i % 2 == 0 ? 2.0 : -2.0; /* every row's RMS is 2 */
        budget[i] = 0x1p-10;
    }
    const assay_probe probe = {.values = assay_matrix(value, ASSAY_F64, ROWS, COLUMNS),
                               .rows = ROWS, .columns = COLUMNS, .truth = truth,
                               .budget = budget};
    double least = 0.0;
    double part = 0.0;
    cr_assert_eq(assay_probe_least(&probe, ASSAY_FAULT_RMS, 1, &least, &error), ASSAY_OK);
    cr_assert(least > 0x1p-11 && least < 0x1p-11 * 1.02, "%g", least);
    cr_assert_eq(assay_probe_caught(&probe, ASSAY_FAULT_RMS, 0x1p-12, 1, &part, &error), ASSAY_OK);
    cr_assert_eq(part, 0.0);
    cr_assert_eq(memcmp(value, truth, sizeof value), 0, "faults are taken back");
}

Test(sensitivity, limits_are_met_and_a_wrong_word_is_usage)
{
    char *linear[] = {"sensitivity", "--op", "linear", "--contract", "f32*", NULL};
    char *nothing[] = {"sensitivity", "--op", "nothing", NULL};
    char *calibrate[] = {"calibration", "--elements", "3000", "--contract", "tf32", NULL};
    cr_assert_eq(assay_selftest_sensitivity(5, linear), 0);
    cr_assert_eq(assay_selftest_sensitivity(3, nothing), 2);
    cr_assert_eq(assay_selftest_calibration(5, calibrate), 0);
}
