/* embed, add, rmsnorm, linear, swiglu and rope: values, subsets, wider inputs, NaN and Inf. */
#include "support.h"

Test(embed, injected_rows_replace_looked_up_ones_even_with_a_bad_id)
{
    assay_error error;
    const assay_tensor table = random_matrix(1, ASSAY_BF16, 5, 3, 1.0);
    const assay_tensor soft = random_matrix(2, ASSAY_F32, 2, 3, 1.0);
    int64_t id[] = {4, -1, 0, 2};
    int64_t soft_at[] = {1, 3};
    const assay_tensor y = zeros(ASSAY_F64, 4, 3);
    const assay_embed_params params = {table};
    assay_embed_io io = {assay_vector(id, ASSAY_I64, 4), soft, assay_vector(soft_at, ASSAY_I64, 2),
                         y};
    cr_assert_ok(assay_ref_embed(&params, &io, NULL, NULL, NULL, &error), error);
    for (int64_t i = 0; i < 3; i++) {
        cr_assert_eq(assay_at2(&y, 0, i), assay_at2(&table, 4, i));
        cr_assert_eq(assay_at2(&y, 1, i), assay_at2(&soft, 0, i));
        cr_assert_eq(assay_at2(&y, 2, i), assay_at2(&table, 0, i));
        cr_assert_eq(assay_at2(&y, 3, i), assay_at2(&soft, 1, i));
    }
    soft_at[0] = 4;
    cr_assert_eq(assay_ref_embed(&params, &io, NULL, NULL, NULL, &error), ASSAY_BAD_ARGUMENT);
    soft_at[0] = 2;
    cr_assert_eq(assay_ref_embed(&params, &io, NULL, NULL, NULL, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_not_null(strstr(error.message, "id[1]"));
    free(table.data), free(soft.data), free(y.data);
}

Test(embed, the_budget_is_zero_where_the_value_is_one_of_the_output_type)
{
    assay_error error;
    float values[] = {1.0f, 1.00390625f}; /* the second is no bf16 */
    int32_t id[] = {0};
    const assay_precision bf16 = contract_of(ASSAY_BF16, ASSAY_NONE, ASSAY_BF16);
    const assay_tensor y = zeros(ASSAY_F64, 1, 2);
    assay_error_model model = new_model(1, 2);
    const assay_embed_params params = {assay_matrix(values, ASSAY_F32, 1, 2)};
    const assay_embed_io io = {.id = assay_vector(id, ASSAY_I32, 1), .y = y};
    cr_assert_ok(assay_ref_embed(&params, &io, NULL, &bf16, &model, &error), error);
    cr_assert_eq(assay_at2(&model.bound, 0, 0), 0.0);
    cr_assert_geq(assay_at2(&model.bound, 0, 1), 0x1p-8);
    free(y.data), free_model(&model);
}

Test(rmsnorm, a_row_of_equal_magnitudes_becomes_its_signs_times_the_weight)
{
    assay_error error;
    float x[] = {-3.0f, 3.0f, 3.0f, -3.0f};
    float w[] = {1.0f, 2.0f, 3.0f, 4.0f};
    double y[4];
    const assay_rmsnorm_params params = {assay_vector(w, ASSAY_F32, 4), 0.0};
    const assay_rmsnorm_io io = {assay_matrix(x, ASSAY_F32, 1, 4),
                                 assay_matrix(y, ASSAY_F64, 1, 4)};
    cr_assert_ok(assay_ref_rmsnorm(&params, &io, NULL, NULL, NULL, &error), error);
    cr_assert_float_eq(y[0], -1.0, 1e-15);
    cr_assert_float_eq(y[3], -4.0, 1e-15);
}

Test(rmsnorm, squares_beyond_f32_have_no_bound_in_f32)
{
    assay_error error;
    double x[] = {1e20, 2e20};
    float w[] = {1.0f, 1.0f};
    double y[2];
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    assay_error_model model = new_model(1, 2);
    const assay_rmsnorm_params params = {assay_vector(w, ASSAY_F32, 2), 1e-5};
    const assay_rmsnorm_io io = {assay_matrix(x, ASSAY_F64, 1, 2),
                                 assay_matrix(y, ASSAY_F64, 1, 2)};
    cr_assert_ok(assay_ref_rmsnorm(&params, &io, NULL, &f32, &model, &error), error);
    cr_assert_float_eq(y[1], 2.0 / sqrt(2.5), 1e-15);
    cr_assert(isinf(assay_at2(&model.bound, 0, 0)));
    free_model(&model);
}

Test(linear, a_subset_equals_the_whole_values_and_budgets_alike)
{
    assay_error error;
    const assay_precision contract = contract_of(ASSAY_BF16, ASSAY_NONE, ASSAY_F32);
    const assay_tensor x = random_matrix(3, ASSAY_F32, 5, 33, 1.0);
    const assay_linear_params params = {random_matrix(4, ASSAY_F32, 9, 33, 1.0),
                                        random_vector(5, ASSAY_F32, 9, 1.0, 0.0)};
    const assay_tensor whole = zeros(ASSAY_F64, 5, 9);
    const assay_tensor part = zeros(ASSAY_F64, 2, 3);
    assay_error_model whole_model = new_model(5, 9);
    assay_error_model part_model = new_model(2, 3);
    const int64_t rows[] = {4, 1};
    const int64_t columns[] = {8, 0, 5};
    const assay_subset subset = {rows, 2, columns, 3};
    const assay_linear_io io = {x, whole};
    const assay_linear_io part_io = {x, part};
    cr_assert_ok(assay_ref_linear(&params, &io, NULL, &contract, &whole_model, &error), error);
    cr_assert_ok(assay_ref_linear(&params, &part_io, &subset, &contract, &part_model, &error),
                 error);
    for (int64_t i = 0; i < 2; i++) {
        for (int64_t j = 0; j < 3; j++) {
            const int64_t r = rows[i];
            const int64_t c = columns[j];
            cr_assert_eq(assay_at2(&part, i, j), assay_at2(&whole, r, c));
            cr_assert_eq(assay_at2(&part_model.bound, i, j), assay_at2(&whole_model.bound, r, c));
            cr_assert_eq(assay_at2(&part_model.sigma, i, j), assay_at2(&whole_model.sigma, r, c));
        }
    }
    const int64_t beyond[] = {9};
    const assay_subset wrong = {NULL, 0, beyond, 1};
    cr_assert_eq(assay_ref_linear(&params, &part_io, &wrong, NULL, NULL, &error),
                 ASSAY_BAD_ARGUMENT);
    cr_assert_not_null(strstr(error.message, "column 9"));
    free(x.data), free(params.weight.data), free(params.bias.data), free(whole.data);
    free(part.data), free_model(&whole_model), free_model(&part_model);
}

Test(linear, strided_and_transposed_weights_are_read_through_their_strides)
{
    assay_error error;
    double w[] = {1, 2, 3, 4, 5, 6}; /* [2,3] as stored; used as its transpose [3,2] */
    double x[] = {10, 1};
    double y[3];
    assay_linear_params params = {.weight = assay_matrix(w, ASSAY_F64, 3, 2)};
    params.weight.stride[0] = 1;
    params.weight.stride[1] = 3;
    const assay_linear_io io = {assay_matrix(x, ASSAY_F64, 1, 2),
                                assay_matrix(y, ASSAY_F64, 1, 3)};
    cr_assert_ok(assay_ref_linear(&params, &io, NULL, NULL, NULL, &error), error);
    cr_assert_eq(y[0], 14.0);
    cr_assert_eq(y[1], 25.0);
    cr_assert_eq(y[2], 36.0);
}

Test(linear, nothing_is_skipped_so_zero_times_infinity_is_nan)
{
    assay_error error;
    double x[] = {0.0, 1.0, NAN, 1.0};
    double w[] = {INFINITY, 1.0, 0.0, 1.0};
    double y[4];
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    assay_error_model model = new_model(2, 2);
    const assay_linear_params params = {.weight = assay_matrix(w, ASSAY_F64, 2, 2)};
    const assay_linear_io io = {assay_matrix(x, ASSAY_F64, 2, 2),
                                assay_matrix(y, ASSAY_F64, 2, 2)};
    cr_assert_ok(assay_ref_linear(&params, &io, NULL, &f32, &model, &error), error);
    cr_assert(isnan(y[0]) && y[1] == 1.0 && isnan(y[2]) && isnan(y[3]));
    for (int64_t i = 0; i < 2; i++) { /* judged by kind */
        cr_assert_eq(assay_at2(&model.bound, 1, i), 0.0);
        cr_assert_eq(assay_at2(&model.sigma, 1, i), 0.0);
    }
    free_model(&model);
}

Test(swiglu, silu_of_large_numbers_is_the_number_and_of_none_is_zero)
{
    assay_error error;
    double gate[] = {50.0, -800.0, 0.0, INFINITY, NAN};
    double up[] = {2.0, 2.0, 2.0, 2.0, 2.0};
    double y[5];
    const assay_swiglu_params params = {5};
    const assay_swiglu_io io = {assay_matrix(gate, ASSAY_F64, 1, 5),
                                assay_matrix(up, ASSAY_F64, 1, 5),
                                assay_matrix(y, ASSAY_F64, 1, 5)};
    cr_assert_ok(assay_ref_swiglu(&params, &io, NULL, NULL, NULL, &error), error);
    cr_assert_float_eq(y[0], 100.0, 1e-12);
    cr_assert_eq(y[1], 0.0);
    cr_assert_eq(y[2], 0.0);
    cr_assert(isinf(y[3]) && y[3] > 0.0 && isnan(y[4]));
}

enum { DIM = 8 };

/* The rotated vector x at a position. */
static void rotate(const double *x, int32_t position, const double *frequency, double *y)
{
    assay_error error;
    double input[DIM];
    memcpy(input, x, sizeof input);
    const assay_rope_params params = {DIM, frequency};
    const assay_rope_io io = {assay_matrix(input, ASSAY_F64, 1, DIM),
                              assay_vector(&position, ASSAY_I32, 1),
                              assay_matrix(y, ASSAY_F64, 1, DIM)};
    cr_assert_ok(assay_ref_rope(&params, &io, NULL, NULL, NULL, &error), error);
}

static double inner(const double *a, const double *b)
{
    double sum = 0.0;
    for (int i = 0; i < DIM; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

Test(rope, keeps_norms_and_sees_only_the_relative_position)
{
    const double unscaled[DIM / 2] = {1.0, 0.1, 0.01, 0.001};
    const double scaled[DIM / 2] = {1.0, 0.06, 0.01 / 8.0, 0.001 / 8.0};
    const double *frequencies[] = {unscaled, scaled};
    double q[DIM];
    double k[DIM];
    for (uint64_t i = 0; i < DIM; i++) {
        q[i] = draw_normal(6, i);
        k[i] = draw_normal(7, i);
    }
    for (int f = 0; f < 2; f++) {
        double q5[DIM], k2[DIM], q1003[DIM], k1000[DIM], q0[DIM];
        rotate(q, 5, frequencies[f], q5);
        rotate(k, 2, frequencies[f], k2);
        rotate(q, 1003, frequencies[f], q1003);
        rotate(k, 1000, frequencies[f], k1000);
        rotate(q, 0, frequencies[f], q0);
        cr_assert_float_eq(inner(q5, q5), inner(q, q), 1e-13);
        cr_assert_float_eq(inner(q5, k2), inner(q1003, k1000), 1e-11);
        cr_assert_arr_eq(q0, q, sizeof q);
        cr_assert_neq(inner(q5, k2), inner(q, k));
    }
}

Test(rope, pairs_are_half_a_head_apart)
{
    const double frequency[DIM / 2] = {acos(-1.0) / 2.0, 0.0, 0.0, 0.0};
    const double x[DIM] = {1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
    double y[DIM];
    rotate(x, 1, frequency, y);
    cr_assert_float_eq(y[0], 0.0, 1e-15);
    cr_assert_float_eq(y[DIM / 2], 1.0, 1e-15);
    cr_assert_eq(y[1], 2.0);
}

Test(add, in_place_and_infinities)
{
    assay_error error;
    double a[] = {1.0, INFINITY, INFINITY};
    double b[] = {2.0, 1.0, -INFINITY};
    const assay_tensor view = assay_matrix(a, ASSAY_F64, 1, 3);
    const assay_add_params params = {3};
    const assay_add_io io = {view, assay_matrix(b, ASSAY_F64, 1, 3), view};
    cr_assert_ok(assay_ref_add(&params, &io, NULL, NULL, NULL, &error), error);
    cr_assert(a[0] == 3.0 && isinf(a[1]) && isnan(a[2]));
}
