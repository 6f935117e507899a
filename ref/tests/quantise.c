/* Quantised weights and 8-bit floats: the rule of precision.h against numbers worked by hand. */
#include "ref/quantise.h"
#include "ref/sums.h"
#include "support.h"

static assay_precision quantised(int32_t bits, int32_t group)
{
    assay_precision contract = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    contract.quant_bits = bits;
    contract.quant_group = group;
    return contract;
}

Test(quantise, a_row_of_int8_by_hand)
{
    /* scale 254/127 = 2; 3/2 = 1.5 and 5/2 = 2.5 are ties that go to even */
    float weights[] = {254.0f, 3.0f, 5.0f, -7.5f, 0.9f};
    const assay_tensor weight = assay_matrix(weights, ASSAY_F32, 1, 5);
    const assay_precision contract = quantised(8, 0);
    double row[5];
    assay_ref_weight_row(&contract, &weight, 0, row);
    const double expected[] = {254.0, 4.0, 4.0, -8.0, 0.0};
    for (int k = 0; k < 5; k++) {
        cr_assert_eq(row[k], expected[k], "weight %d: %g", k, row[k]);
    }
}

Test(quantise, groups_of_int4_have_their_own_scales_and_the_last_may_be_short)
{
    float weights[] = {7.0f, 1.4f, 0.7f, 0.1f, 0.0f, -0.0f, -14.0f};
    const assay_tensor weight = assay_matrix(weights, ASSAY_F32, 1, 7);
    const assay_precision contract = quantised(4, 2);
    double row[7];
    assay_ref_weight_row(&contract, &weight, 0, row);
    const double step = (double)(0.7f / 7.0f);
    const double expected[] = {7.0, 1.0, 7.0 * step, 1.0 * step, 0.0, 0.0, -14.0};
    for (int k = 0; k < 7; k++) {
        cr_assert_eq(row[k], expected[k], "weight %d: %g, not %g", k, row[k], expected[k]);
    }
}

Test(quantise, a_group_that_is_not_finite_is_nan_and_no_other)
{
    float weights[] = {1.0f, INFINITY, 1.0f, 2.0f};
    const assay_tensor weight = assay_matrix(weights, ASSAY_F32, 1, 4);
    const assay_precision contract = quantised(4, 2);
    double row[4];
    assay_ref_weight_row(&contract, &weight, 0, row);
    cr_assert(isnan(row[0]) && isnan(row[1]));
    cr_assert_eq(row[3], 7.0 * (double)(2.0f / 7.0f));
}

Test(quantise, linear_and_the_decoder_are_of_the_dequantised_weights)
{
    enum { N = 3, K = 70, O = 9 };
    assay_error error;
    const assay_precision contract = quantised(4, 32);
    const assay_tensor x = random_matrix(1, ASSAY_F32, N, K, 1.0);
    const assay_tensor w = random_matrix(2, ASSAY_BF16, O, K, 0.1);
    const assay_tensor y = zeros(ASSAY_F64, N, O);
    const assay_linear_params params = {.weight = w};
    const assay_linear_io io = {x, y};
    cr_assert_ok(assay_ref_linear(&params, &io, NULL, &contract, NULL, &error), error);
    /* the same weights as a decoder of K latents: quantised along a latent's column */
    assay_sae sae = {.d_in = O, .d_out = O, .d_sae = K};
    sae.decoder = w;
    int64_t offsets[] = {0, 2};
    int32_t latents[] = {4, 66};
    float values[] = {1.0f, 2.0f};
    const assay_sae_decode_params decode = {.sae = sae};
    assay_sae_decode_io codes = {.y = zeros(ASSAY_F64, 1, O)};
    codes.codes.row_offsets = assay_vector(offsets, ASSAY_I64, 2);
    codes.codes.latent = assay_vector(latents, ASSAY_I32, 2);
    codes.codes.value = assay_vector(values, ASSAY_F32, 2);
    cr_assert_ok(assay_ref_sae_decode(&decode, &codes, NULL, &contract, NULL, &error), error);
    double column[2][O];
    for (int e = 0; e < 2; e++) {
        ref_quantised_load(&contract, &w, latents[e], K, O, column[e]);
    }
    for (int64_t o = 0; o < O; o++) {
        double row[K];
        double sum = 0.0;
        assay_ref_weight_row(&contract, &w, o, row);
        for (int64_t k = 0; k < K; k++) {
            sum += assay_at2(&x, 1, k) * row[k];
        }
        cr_assert_float_eq(assay_at2(&y, 1, o), sum, 1e-12);
        cr_assert_float_eq(assay_at2(&codes.y, 0, o), column[0][o] + 2.0 * column[1][o], 1e-14);
        cr_assert_neq(assay_at2(&codes.y, 0, o), assay_at2(&w, o, 4) + 2.0 * assay_at2(&w, o, 66));
    }
    free(x.data), free(w.data), free(y.data), free(codes.y.data);
}

/* An f16 weight may lie halfway between two bf16. Where it is its group's greatest, q * scale is
 * that weight in f32, and a little more or less before it is rounded. */
Test(quantise, a_dequantised_weight_is_rounded_to_f32_before_the_multiply_type)
{
    assay_precision contract = quantised(4, 32);
    contract.multiply = ASSAY_BF16;
    assay_error error;
    ref_rounding rounding;
    cr_assert_ok(ref_rounding_of(&contract, &rounding, &error), error);
    int undone = 0;
    for (int i = 0; i < 128; i++) {
        const float greatest = 1.0f + (float)(2 * i + 1) * 0x1p-8f;
        float group[1] = {greatest};
        const assay_tensor weight = assay_matrix(group, ASSAY_F32, 1, 1);
        double exact;
        assay_ref_weight_row(&contract, &weight, 0, &exact);
        const double multiplied =
            (double)assay_bf16_to_f32(assay_f32_to_bf16(7.0f * (greatest / 7.0f)));
        cr_expect_eq(ref_operand_else(&rounding, true, exact), multiplied, "%a: %a, not %a",
                     (double)greatest, ref_operand_else(&rounding, true, exact), multiplied);
        undone += ref_round(ASSAY_BF16, exact) != multiplied;
    }
    cr_assert_gt(undone, 0, "no weight tells the two roundings apart");
}

Test(quantise, contracts_beyond_the_rule_are_refused)
{
    assay_error error;
    ref_rounding rounding;
    const assay_precision nine = quantised(9, 0);
    cr_assert_eq(ref_rounding_of(&nine, &rounding, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_not_null(strstr(error.message, "9 bits"));
}

/* Every float of the type is its own image; what lies between goes to the nearer, ties to even. */
static void check_narrow(assay_dtype type, const double *finite, int count)
{
    for (int i = 0; i + 1 < count; i++) {
        const double middle = 0.5 * (finite[i] + finite[i + 1]);
        const double even = i % 2 == 0 ? finite[i] : finite[i + 1];
        cr_assert_eq(ref_round(type, finite[i]), finite[i]);
        cr_assert_eq(ref_round(type, -finite[i]), -finite[i]);
        cr_assert_eq(ref_round(type, middle), even, "%s %g", assay_dtype_name(type), middle);
        cr_assert_eq(ref_round(type, middle * (1.0 + 0x1p-40)), finite[i + 1]);
        cr_assert_eq(ref_round(type, middle * (1.0 - 0x1p-40)), finite[i]);
    }
    cr_assert_eq(ref_round(type, 10.0 * finite[count - 1]), finite[count - 1]);
    cr_assert_eq(ref_round(type, -(double)INFINITY), -finite[count - 1]);
    cr_assert(isnan(ref_round(type, (double)NAN)));
}

Test(narrow, eight_bit_floats_round_to_nearest_even_and_saturate)
{
    double finite[128];
    for (int i = 0; i < 0x7f; i++) {
        finite[i] = (double)assay_e4m3_to_f32((uint8_t)i);
    }
    cr_assert_eq(finite[0x7e], 448.0);
    cr_assert_eq(finite[1], 0x1p-9);
    check_narrow(ASSAY_E4M3, finite, 0x7f);
    for (int i = 0; i < 0x7c; i++) {
        finite[i] = (double)assay_e5m2_to_f32((uint8_t)i);
    }
    cr_assert_eq(finite[0x7b], 57344.0);
    check_narrow(ASSAY_E5M2, finite, 0x7c);
}

Test(narrow, tf32_keeps_ten_fraction_bits)
{
    cr_assert_eq(ref_round(ASSAY_TF32, 1.0 + 0x1p-11), 1.0);
    cr_assert_eq(ref_round(ASSAY_TF32, 1.0 + 0x1p-11 + 0x1p-40), 1.0 + 0x1p-10);
    cr_assert_eq(ref_round(ASSAY_TF32, 1.0 + 0x3p-11), 1.0 + 0x1p-9);
}

Test(lambda, is_of_the_campaign)
{
    cr_assert_float_eq(REF_LAMBDA, sqrt(2.0 * log(2.0 * 1e10 / 1e-9)), 1e-12);
}

Test(accumulator, a_sequential_order_is_held_to_its_own_partial_sums)
{
    enum { N = 512 };
    double terms[N];
    for (int i = 0; i < N; i++) {
        terms[i] = i % 2 == 0 ? 1.0 : -1.0; /* in order the sums are 1, 0, 1, 0 ... */
    }
    assay_precision contract = contract_of(ASSAY_BF16, ASSAY_NONE, ASSAY_F32);
    contract.accumulate.rounding = ASSAY_TRUNCATE;
    ref_rounding rounding;
    cr_assert_eq(ref_rounding_of(&contract, &rounding, NULL), ASSAY_OK);
    cr_assert_eq(ref_absolute_sums(terms, N, 0.0, &rounding), N / 2.0);
    rounding.block = 2;
    cr_assert_eq(ref_absolute_sums(terms, N, 0.0, &rounding), 0.0);
    rounding.sequential = false; /* any other order may climb */
    cr_assert_gt(ref_absolute_sums(terms, N, 0.0, &rounding), N / 2 * sqrt((double)N) * 0.33);
}

Test(model, without_sigma_the_bound_is_the_worst_case)
{
    enum { N = 4, K = 900, O = 6 };
    assay_error error;
    const assay_precision contract = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    const assay_tensor x = random_matrix(5, ASSAY_F32, N, K, 1.0);
    const assay_tensor w = random_matrix(6, ASSAY_F32, O, K, 1.0);
    const assay_tensor y = zeros(ASSAY_F64, N, O);
    assay_error_model model = new_model(N, O);
    const assay_error_model certain = {.bound = zeros(ASSAY_F64, N, O)};
    const assay_linear_params params = {.weight = w};
    const assay_linear_io io = {x, y};
    cr_assert_ok(assay_ref_linear(&params, &io, NULL, &contract, &model, &error), error);
    cr_assert_ok(assay_ref_linear(&params, &io, NULL, &contract, &certain, &error), error);
    for (int64_t i = 0; i < N * O; i++) {
        const double budget = ((double *)model.bound.data)[i] +
                              REF_LAMBDA * ((double *)model.sigma.data)[i];
        cr_assert_gt(((double *)certain.bound.data)[i], budget);
    }
    free(x.data), free(w.data), free(y.data), free(certain.bound.data);
    free_model(&model);
}
