/* The calibration and the sensitivity: few elements of right kernels stay within their budgets, a
 * distribution is counted as it is, and what the probe calls the smallest fault is one. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "verify/selftest/calibration.h"
#include "verify/selftest/command.h"
#include "verify/selftest/draw_case.h"
#include "verify/selftest/sensitivity.h"
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

Test(sensitivity, strata_have_a_place_each_and_both_ends)
{
    enum { ALL = 65536, COUNT = 91 };
    int64_t place[COUNT];
    assay_sense_strata(ALL, COUNT, 1, "test", 0, place);
    cr_assert_eq(place[0], 0);
    cr_assert_eq(place[COUNT - 1], ALL - 1);
    for (int64_t i = 0; i < COUNT; i++) {
        cr_assert(place[i] >= i * ALL / COUNT && place[i] < (i + 1) * ALL / COUNT, "%d", (int)i);
    }
    assay_sense_strata(COUNT, COUNT, 1, "test", 0, place);
    for (int64_t i = 0; i < COUNT; i++) {
        cr_assert_eq(place[i], i);
    }
}

/* 256 columns are all of these rows: the sample is the whole, and so is what it finds. */
Test(sensitivity, a_sample_of_every_column_finds_what_the_whole_does)
{
    assay_error error = {.message = ""};
    assay_measure whole;
    assay_measure part;
    assay_sensed sensed[2];
    memset(sensed, 0, sizeof sensed);
    const assay_kernel *const kernel =
        assay_simulated_find("simulated_bf16")->kernel[ASSAY_OP_rmsnorm];
    cJSON *const json = cJSON_Parse("{\"id\": \"a\", \"op\": \"rmsnorm\", "
                                    "\"shape\": {\"n\": 3, \"d\": 256}}");
    cr_assert_eq(assay_measure_open(json, 5, kernel, false, &whole, &error), ASSAY_OK);
    cr_assert_eq(assay_measure_begin(json, 5, kernel, &part, &error), ASSAY_OK);
    const assay_probe probe = {.kernel = kernel, .values = *assay_measure_output(&whole),
                               .rows = whole.rows, .columns = whole.columns, .truth = whole.truth,
                               .budget = whole.budget};
    cr_assert_eq(assay_sense(&probe, 7, &sensed[0], &error), ASSAY_OK, "%s", error.message);
    cr_assert_eq(assay_sense_columns(&part, kernel, "3x256", 7, &sensed[1], &error), ASSAY_OK,
                 "%s", error.message);
    cr_assert(sensed[0].rms > 0.0 && isfinite(sensed[0].rms));
    cr_assert_eq(sensed[0].rms, sensed[1].rms);
    cr_assert_eq(sensed[0].ulp, sensed[1].ulp);
    cr_assert_str_eq(sensed[1].shape, "3x256, 256 of 256 columns");
    assay_measure_close(&whole);
    assay_measure_close(&part);
    cJSON_Delete(json);
}

static assay_sensed sense_wide(const char *contract, assay_op op)
{
    assay_error error = {.message = ""};
    assay_sensed sensed;
    memset(&sensed, 0, sizeof sensed);
    const assay_kernel *const kernel = assay_simulated_find(contract)->kernel[op];
    const bool latents = op == ASSAY_OP_sae_decode || op == ASSAY_OP_sae_steer;
    cr_assert_eq(latents ? assay_sense_sae(kernel, 1, &sensed, &error)
                         : assay_sense_wide(kernel, 0, 1, &sensed, &error),
                 ASSAY_OK, "%s", error.message);
    return sensed;
}

Test(sensitivity, true_shapes_have_the_budgets_of_their_contracts)
{
    const assay_sensed copied = sense_wide("simulated_bf16", ASSAY_OP_embed);
    const assay_sensed narrow = sense_wide("simulated_f32", ASSAY_OP_rope);
    const assay_sensed wide = sense_wide("simulated_f32_reversed", ASSAY_OP_rope);
    const assay_sensed tokens = sense_wide("simulated_f32", ASSAY_OP_sample);
    const assay_sensed decoded = sense_wide("simulated_f32", ASSAY_OP_sae_decode);
    const assay_sensed steered = sense_wide("simulated_f32", ASSAY_OP_sae_steer);
    cr_assert(copied.ulp > 0.5 && copied.ulp < 0.52, "a half rounds either way: %g", copied.ulp);
    /* METHOD A.2: angles in f32 err by about 5e-4 at position 8000 */
    cr_assert(narrow.rms > 5e-5 && narrow.rms < 1e-3, "%g", narrow.rms);
    cr_assert(wide.rms < 1e-6, "angles in f64: %g", wide.rms);
    cr_assert_str_eq(tokens.shape, "2x128256, 256 of 128256 columns");
    cr_assert(tokens.rms > 1e-5 && tokens.rms < 1e-2, "%g", tokens.rms);
    cr_assert(decoded.rms > 1e-7 && decoded.rms < 1e-4, "%g", decoded.rms);
    cr_assert(steered.rms > 0x1p-26 && steered.rms < 1e-5, "%g", steered.rms);
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
