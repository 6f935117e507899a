/* The six adapters against values worked out by hand. */
#include "support.h"

/* x - mean = (3, 4): norm 5, v = (0.6, 0.8) to 2e-9. e^log_scale = 10. */
static double x[] = {4.0, 6.0};
static double mean[] = {1.0, 2.0};
static double log_scale[] = {2.302585092994046};
static double bias[] = {0.5, -0.5};
static double u[] = {1.0, 0.0, 1.0, 1.0}; /* v U = (1.4, 0.8) normalised */
static double v[] = {2.0, 0.0, 0.0, 3.0}; /* (v U) V^T = (2.8, 2.4) */
static double weight[] = {1.0, 2.0, 3.0, 4.0}; /* v W^T = (2.2, 5.0) */

static void run(assay_adapter_type type, bool normalize, double *y)
{
    assay_error error;
    const assay_adapter_params params = {
        type, normalize, assay_vector(mean, ASSAY_F64, 2), assay_vector(log_scale, ASSAY_F64, 1),
        assay_vector(bias, ASSAY_F64, 2), assay_matrix(u, ASSAY_F64, 2, 2),
        assay_matrix(v, ASSAY_F64, 2, 2), assay_matrix(weight, ASSAY_F64, 2, 2)};
    const assay_adapter_io io = {assay_matrix(x, ASSAY_F64, 1, 2),
                                 assay_matrix(y, ASSAY_F64, 1, 2)};
    cr_assert_ok(assay_ref_adapter(&params, &io, NULL, NULL, NULL, &error), error);
}

static void expect(assay_adapter_type type, bool normalize, double first, double second)
{
    double y[2];
    run(type, normalize, y);
    cr_assert_float_eq(y[0], first, 1e-6, "type %d: %.9f, expected %g", (int)type, y[0], first);
    cr_assert_float_eq(y[1], second, 1e-6, "type %d: %.9f, expected %g", (int)type, y[1], second);
}

Test(adapter, every_type_normalised)
{
    expect(ASSAY_ADAPTER_IDENTITY, true, 3.0, 4.0); /* never normalised */
    expect(ASSAY_ADAPTER_SCALE_ONLY, true, 6.0, 8.0);
    expect(ASSAY_ADAPTER_SCALAR_AFFINE, true, 6.5, 7.5);
    expect(ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK, true, 9.3, 9.9);
    expect(ASSAY_ADAPTER_LOW_RANK_ONLY, true, 3.3, 1.9);
    expect(ASSAY_ADAPTER_FULL_RANK, true, 2.7, 4.5);
}

Test(adapter, every_type_as_given)
{
    expect(ASSAY_ADAPTER_IDENTITY, false, 3.0, 4.0);
    expect(ASSAY_ADAPTER_SCALE_ONLY, false, 30.0, 40.0);
    expect(ASSAY_ADAPTER_SCALAR_AFFINE, false, 30.5, 39.5);
    expect(ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK, false, 44.5, 51.5);
    expect(ASSAY_ADAPTER_LOW_RANK_ONLY, false, 14.5, 11.5);
    expect(ASSAY_ADAPTER_FULL_RANK, false, 11.5, 24.5);
}

Test(adapter, the_epsilon_outside_the_root_shows_on_tiny_rows_and_zero_gives_the_bias)
{
    assay_error error;
    double tiny[] = {3e-8, 4e-8, 0.0, 0.0};
    double y[4];
    const assay_adapter_params params = {.type = ASSAY_ADAPTER_SCALAR_AFFINE,
                                         .normalize_input = true,
                                         .log_scale = assay_vector(log_scale, ASSAY_F64, 1),
                                         .bias = assay_vector(bias, ASSAY_F64, 2)};
    const assay_adapter_io io = {assay_matrix(tiny, ASSAY_F64, 2, 2),
                                 assay_matrix(y, ASSAY_F64, 2, 2)};
    cr_assert_ok(assay_ref_adapter(&params, &io, NULL, NULL, NULL, &error), error);
    cr_assert_float_eq(y[0], 10.0 * 3.0 / 6.0 + 0.5, 1e-12);
    cr_assert_float_eq(y[1], 10.0 * 4.0 / 6.0 - 0.5, 1e-12);
    cr_assert_eq(y[2], 0.5);
    cr_assert_eq(y[3], -0.5);
}

Test(adapter, what_a_type_needs_is_asked_for_by_name)
{
    assay_error error;
    double y[2];
    const assay_adapter_params params = {.type = ASSAY_ADAPTER_FULL_RANK,
                                         .bias = assay_vector(bias, ASSAY_F64, 2)};
    const assay_adapter_io io = {assay_matrix(x, ASSAY_F64, 1, 2),
                                 assay_matrix(y, ASSAY_F64, 1, 2)};
    cr_assert_eq(assay_ref_adapter_check(&params, &io, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_str_eq(error.message, "adapter: weight is absent");
}
