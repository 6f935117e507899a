/* Rows of operands with a scale each: the rule of precision.h against numbers worked by hand. */
#include "ref/rounding.h"
#include "support.h"

static assay_precision scaled(assay_dtype type, int32_t scale)
{
    assay_precision contract = contract_of(type, ASSAY_F32, ASSAY_F32);
    contract.operand_scale = scale;
    return contract;
}

static ref_rounding rounding_of(assay_precision contract)
{
    ref_rounding rounding;
    assay_error error;
    cr_assert_ok(ref_rounding_of(&contract, &rounding, &error), error);
    return rounding;
}

enum { MOST = 6 };

static void check_row(assay_dtype type, int32_t scale, int count, const double *given,
                      const double *expected)
{
    const ref_rounding rounding = rounding_of(scaled(type, scale));
    double row[MOST];
    memcpy(row, given, (size_t)count * sizeof *row);
    cr_assert(ref_operand_changes(&rounding, false, ASSAY_BF16));
    ref_operands(&rounding, false, ASSAY_F32, count, row);
    for (int k = 0; k < count; k++) {
        cr_assert_eq(row[k], expected[k], "%s, scale %d: %g is %g, not %g", assay_dtype_name(type),
                     (int)scale, given[k], row[k], expected[k]);
    }
}

Test(scaled, a_row_of_integers_by_hand)
{
    /* scale 254/127 = 2; 3/2 = 1.5 and 5/2 = 2.5 are ties that go to even */
    check_row(ASSAY_I8, ASSAY_SCALE_ROW, 5, (const double[]){254.0, 3.0, 5.0, -7.5, 0.9},
              (const double[]){254.0, 4.0, 4.0, -8.0, 0.0});
    /* 128 is beyond 127 steps of 1: the scale is 2 */
    check_row(ASSAY_I8, ASSAY_SCALE_ROW_POWER, 4, (const double[]){-128.0, 3.0, 5.0, 7.0},
              (const double[]){-128.0, 4.0, 4.0, 8.0});
    check_row(ASSAY_I8, ASSAY_SCALE_ROW_POWER, 3, (const double[]){127.0, 0.5, 1.5},
              (const double[]){127.0, 0.0, 2.0});
    const double third = (double)(1.0f / 127.0f); /* a scale that f32 rounds */
    check_row(ASSAY_I8, ASSAY_SCALE_ROW, 2, (const double[]){1.0, 0.3},
              (const double[]){127.0 * third, 38.0 * third});
}

Test(scaled, rows_of_eight_bit_floats_by_hand)
{
    /* at 448 the scale is 1, where 17 is a tie of four bits and 2^-10 one of subnormals */
    check_row(ASSAY_E4M3, ASSAY_SCALE_ROW_POWER, 4, (const double[]){448.0, 17.0, 0x1p-10, 0.3},
              (const double[]){448.0, 16.0, 0.0, 0.3125});
    check_row(ASSAY_E4M3, ASSAY_SCALE_ROW_POWER, 3, (const double[]){450.0, 34.0, 0x3p-10},
              (const double[]){448.0, 32.0, 0x1p-8});
    check_row(ASSAY_E5M2, ASSAY_SCALE_ROW_POWER, 2, (const double[]){0x1p-20, 0x1.2p-21},
              (const double[]){0x1p-20, 0x1p-21});
    check_row(ASSAY_E4M3, ASSAY_SCALE_ROW, 2, (const double[]){896.0, 34.0},
              (const double[]){896.0, 32.0});
}

Test(scaled, powers_of_two_end_at_sixty)
{
    check_row(ASSAY_E4M3, ASSAY_SCALE_ROW_POWER, 2, (const double[]){0x1p100, -0x1p50},
              (const double[]){448.0 * 0x1p60, 0.0});
    check_row(ASSAY_E4M3, ASSAY_SCALE_ROW_POWER, 2, (const double[]){0x1p-69, 0x1.8p-71},
              (const double[]){0x1p-69, 0.0});
}

Test(scaled, a_row_of_zeros_stays_and_one_that_is_not_finite_is_nan)
{
    check_row(ASSAY_I8, ASSAY_SCALE_ROW, 2, (const double[]){0.0, -0.0},
              (const double[]){0.0, 0.0});
    check_row(ASSAY_E4M3, ASSAY_SCALE_ROW_POWER, 2, (const double[]){0.0, 0.0},
              (const double[]){0.0, 0.0});
    for (int32_t scale = ASSAY_SCALE_ROW; scale <= ASSAY_SCALE_ROW_POWER; scale++) {
        const ref_rounding rounding = rounding_of(scaled(ASSAY_E4M3, scale));
        double row[] = {1.0, -(double)INFINITY, 0.0};
        double doubt[3];
        ref_scaled_row(&rounding, false, 3, row, doubt);
        cr_assert(isnan(row[0]) && isnan(row[1]) && isnan(row[2]));
    }
}

Test(scaled, a_word_is_in_doubt_at_the_edge_between_two_alone)
{
    /* 3/127 is no number of f32, so that 1.5 is 63.5 of it, a little more or less */
    const ref_rounding rounding = rounding_of(scaled(ASSAY_I8, ASSAY_SCALE_ROW));
    double row[] = {3.0, 1.5, 1.4999, 1.0};
    double doubt[4];
    ref_scaled_row(&rounding, false, 4, row, doubt);
    cr_assert_eq(doubt[1], (double)(3.0f / 127.0f));
    cr_assert(doubt[0] == 0.0 && doubt[2] == 0.0 && doubt[3] == 0.0);
    double exact[] = {254.0, 3.0}; /* of a scale that is a power of two nothing is */
    ref_scaled_row(&rounding, false, 2, exact, doubt);
    cr_assert(doubt[0] == 0.0 && doubt[1] == 0.0);
    const ref_rounding power = rounding_of(scaled(ASSAY_I8, ASSAY_SCALE_ROW_POWER));
    double ties[] = {127.0, 0.5};
    ref_scaled_row(&power, false, 2, ties, doubt);
    cr_assert(doubt[0] == 0.0 && doubt[1] == 0.0);
}

Test(scaled, weights_pass_through_storage_or_keep_their_own_rule)
{
    assay_precision contract = scaled(ASSAY_I8, ASSAY_SCALE_ROW_POWER);
    contract.storage = ASSAY_BF16;
    ref_rounding rounding = rounding_of(contract);
    double stored[] = {127.4, 1.0}; /* 127.5 in bf16: beyond 127 steps of 1 */
    ref_operands(&rounding, true, ASSAY_F32, 2, stored);
    cr_assert_eq(stored[0], 128.0);
    contract.quant_bits = 8;
    rounding = rounding_of(contract);
    double own[] = {127.3, 1.1};
    cr_assert_not(ref_operand_changes(&rounding, true, ASSAY_F32));
    cr_assert_not(ref_operand_varies(&rounding, true), "words of i8 are multiplied, nothing else");
    ref_operands(&rounding, true, ASSAY_F32, 2, own);
    cr_assert(own[0] == 127.3 && own[1] == 1.1);
}

/* The budget of one sum of two products under a contract. */
static double bound_of(const assay_precision *contract, float *row, double *truth)
{
    float weights[] = {2.0f, 4.0f};
    assay_error error;
    const assay_linear_params params = {.weight = assay_matrix(weights, ASSAY_F32, 1, 2)};
    const assay_tensor y = zeros(ASSAY_F64, 1, 1);
    const assay_linear_io io = {assay_matrix(row, ASSAY_F32, 1, 2), y};
    assay_error_model model = new_model(1, 1);
    cr_assert_ok(assay_ref_linear(&params, &io, NULL, contract, &model, &error), error);
    const double bound = ((double *)model.bound.data)[0];
    *truth = ((double *)y.data)[0];
    free(y.data);
    free_model(&model);
    return bound;
}

Test(scaled, linear_pays_for_scales_and_doubts_and_nothing_for_powers_of_two)
{
    assay_precision contract = scaled(ASSAY_I8, ASSAY_SCALE_ROW);
    contract.accumulate.bits = 32;
    contract.output = ASSAY_F64;
    double truth;
    const double step = (double)(3.0f / 127.0f);
    const double weight = (double)(4.0f / 127.0f);
    float row[] = {1.0f, 3.0f};
    const double plain = bound_of(&contract, row, &truth);
    /* 1/step = 42.33 and 2/weight = 63.5, an edge that f32 decides */
    const double other = (double)rintf(2.0f / (float)weight) * weight;
    cr_assert_float_eq(truth, 42.0 * step * other + 127.0 * step * 127.0 * weight, 1e-14);
    const double edge = 42.0 * step * weight;
    cr_assert_geq(plain, edge + 2.0 * 0x1p-24 * truth);
    cr_assert_leq(plain, edge + 3.0 * 0x1p-24 * truth);
    float edges[] = {1.5f, 3.0f}; /* the row's too */
    const double both = bound_of(&contract, edges, &truth);
    cr_assert_geq(both, step * other + 64.0 * step * weight);
    cr_assert_leq(both, 1.03 * (step * other + 64.0 * step * weight));
    contract.operand_scale = ASSAY_SCALE_ROW_POWER;
    cr_assert_lt(bound_of(&contract, edges, &truth), 0x1p-27 * truth);
}

Test(scaled, contracts_beyond_the_rule_are_refused)
{
    assay_error error;
    ref_rounding rounding;
    assay_precision contract = scaled(ASSAY_I8, 3);
    cr_assert_eq(ref_rounding_of(&contract, &rounding, &error), ASSAY_BAD_ARGUMENT);
    contract = scaled(ASSAY_F32, ASSAY_SCALE_ROW);
    cr_assert_eq(ref_rounding_of(&contract, &rounding, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_not_null(strstr(error.message, "f32"));
    contract = scaled(ASSAY_E4M3, ASSAY_SCALE_ROW);
    contract.quant_bits = 8;
    cr_assert_eq(ref_rounding_of(&contract, &rounding, &error), ASSAY_BAD_ARGUMENT);
    contract = scaled(ASSAY_E4M3, ASSAY_SCALE_ROW);
    contract.flush = ASSAY_FLUSH_IN;
    cr_assert_eq(ref_rounding_of(&contract, &rounding, &error), ASSAY_UNSUPPORTED);
    contract = scaled(ASSAY_I8, ASSAY_SCALE_NONE);
    cr_assert_eq(ref_rounding_of(&contract, &rounding, &error), ASSAY_UNSUPPORTED);
    cr_assert_not_null(strstr(error.message, "operand_scale"));
}

Test(scaled, other_ops_have_no_rule_for_them)
{
    assay_error error;
    const assay_precision contract = scaled(ASSAY_E4M3, ASSAY_SCALE_ROW_POWER);
    const assay_tensor x = random_matrix(1, ASSAY_F32, 2, 4, 1.0);
    const assay_tensor w = random_matrix(2, ASSAY_F32, 4, 4, 1.0);
    const assay_tensor bias = random_vector(3, ASSAY_F32, 4, 1.0, 0.0);
    const assay_tensor y = zeros(ASSAY_F64, 2, 4);
    const assay_adapter_params params = {.type = ASSAY_ADAPTER_FULL_RANK, .weight = w,
                                         .bias = bias};
    const assay_adapter_io io = {x, y};
    cr_assert_eq(assay_ref_adapter(&params, &io, NULL, &contract, NULL, &error),
                 ASSAY_UNSUPPORTED);
    cr_assert_not_null(strstr(error.message, "linear alone"), "%s", error.message);
    free(x.data), free(w.data), free(bias.data), free(y.data);
}
