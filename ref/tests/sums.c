/* Properties of roundings and of the spread of sums, below the ops. */
#include "ref/sums.h"
#include "support.h"

static ref_rounding rounding_for(assay_dtype multiply)
{
    ref_rounding rounding;
    const assay_precision contract = contract_of(multiply, ASSAY_NONE, ASSAY_F32);
    cr_assert_eq(ref_rounding_of(&contract, &rounding, NULL), ASSAY_OK);
    return rounding;
}

static ref_rounding quick_rounding_for(assay_dtype multiply)
{
    ref_rounding rounding = rounding_for(multiply);
    rounding.quick = true;
    return rounding;
}

Test(sums, a_sum_of_one_exact_product_has_no_error_but_underflow)
{
    double terms[] = {0.0, 3.0, 0.0, 0.0};
    const ref_rounding bf16 = rounding_for(ASSAY_BF16);
    const ref_spread spread = ref_sum_spread(terms, 4, &bf16);
    cr_assert_lt(spread.bound, 1e-44);
    cr_assert_eq(spread.sigma, 0.0);
}

/* A block is summed exactly, then rounded: of one product too. */
Test(sums, one_product_that_does_not_fit_the_accumulator_is_rounded)
{
    assay_precision contract = contract_of(ASSAY_BF16, ASSAY_NONE, ASSAY_F32);
    contract.accumulate = (assay_accumulator){14, ASSAY_TRUNCATE, 32};
    ref_rounding narrow;
    cr_assert_eq(ref_rounding_of(&contract, &narrow, NULL), ASSAY_OK);
    const double product = 1.9921875 * 1.0078125; /* 8 bits each; their product has 16 */
    const double kept = floor(product * 0x1p13) * 0x1p-13;
    double terms[] = {0.0, product, 0.0, 0.0};
    const ref_spread spread = ref_sum_spread(terms, 4, &narrow);
    cr_assert_gt(product, kept);
    cr_assert_geq(spread.bound, product - kept);
}

/* An accumulator that truncates may take a bias last, beside the sum that it truncates then, or
 * first, and then all partial sums are others. */
Test(sums, a_bias_begins_or_ends_a_truncating_sum)
{
    enum { N = 8 };
    assay_precision contract = contract_of(ASSAY_BF16, ASSAY_NONE, ASSAY_F32);
    const double one[N] = {1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0};
    const double values[N] = {1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -0.875};
    double scratch[N + 1];
    ref_rounding block;
    contract.accumulate = (assay_accumulator){24, ASSAY_TRUNCATE, N};
    cr_assert_eq(ref_rounding_of(&contract, &block, NULL), ASSAY_OK);
    const double u = 0x1p-23;
    const double small = -0.125; /* the block's sum is 0.125: truncated, then cancelled */
    cr_assert_geq(ref_dot_spread(one, values, N, &small, &block, scratch).bound, 0.125 * u);
    contract.accumulate.block = 1;
    cr_assert_eq(ref_rounding_of(&contract, &block, NULL), ASSAY_OK);
    const double great = 64.0; /* from the first step on, and nothing like it at the end */
    const double back[2 * N] = {-8.0, -8.0, -8.0, -8.0, -8.0, -8.0, -8.0, -8.0};
    const double ones[N] = {1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0};
    cr_assert_geq(ref_dot_spread(ones, back, N, &great, &block, scratch).bound,
                  (56.0 + 48.0 + 40.0 + 32.0 + 24.0 + 16.0 + 8.0) * u);
}

/* Squares of f32 numbers fit no accumulator of 24 bits, whatever it multiplies otherwise. */
Test(sums, terms_that_are_no_products_of_operands_have_bits_of_their_own)
{
    assay_precision contract = contract_of(ASSAY_E4M3, ASSAY_NONE, ASSAY_F32);
    double terms[] = {0.0, 1.0 + 0x1p-20, 0.0, 0.0};
    ref_rounding narrow;
    contract.accumulate = (assay_accumulator){14, ASSAY_TRUNCATE, 32};
    cr_assert_eq(ref_rounding_of(&contract, &narrow, NULL), ASSAY_OK);
    const ref_rounding squares = ref_rounding_of_terms(&narrow, 48);
    cr_assert_lt(ref_sum_spread(terms, 4, &narrow).bound, 0x1p-100);
    cr_assert_geq(ref_sum_spread(terms, 4, &squares).bound, 0x1p-20);
}

Test(sums, f32_products_are_rounded_and_bf16_ones_are_exact)
{
    double a[] = {1.0, 2.0};
    double b[] = {1.0, 2.0};
    const ref_rounding f32 = rounding_for(ASSAY_F32);
    const ref_rounding bf16 = rounding_for(ASSAY_BF16);
    cr_assert_gt(ref_sum_spread(a, 2, &f32).worst, ref_sum_spread(b, 2, &bf16).worst);
}

Test(sums, the_spread_does_not_depend_on_the_direction)
{
    enum { N = 1000 };
    const ref_rounding f32 = quick_rounding_for(ASSAY_F32);
    double forward[N];
    double backward[N];
    for (int i = 0; i < N; i++) { /* large first: the reversed sum stays small for long */
        forward[i] = (i < 10 ? 100.0 : 1.0) * draw_normal(1, (uint64_t)i);
        backward[N - 1 - i] = forward[i];
    }
    const ref_spread one = ref_sum_spread(forward, N, &f32);
    const ref_spread other = ref_sum_spread(backward, N, &f32);
    cr_assert_float_eq(one.sigma / other.sigma, 1.0, 1e-2);
}

Test(sums, cancelling_neighbours_are_seen_in_lanes)
{
    enum { N = 1024 };
    const ref_rounding f32 = quick_rounding_for(ASSAY_F32);
    double terms[N];
    for (int i = 0; i < N; i++) { /* in order the sums stay 0 and 1; every lane grows to 64 */
        terms[i] = i % 2 == 0 ? 1.0 : -1.0;
    }
    const ref_spread spread = ref_sum_spread(terms, N, &f32);
    cr_assert_gt(spread.bound + REF_LAMBDA * spread.sigma, 0x1p-24 * sqrt(64.0 * N));
}

Test(sums, the_quick_route_is_never_wider_and_hardly_narrower)
{
    enum { N = 3001 };
    const ref_rounding f32 = rounding_for(ASSAY_F32);
    const ref_rounding hasty = quick_rounding_for(ASSAY_F32);
    double terms[N];
    double again[N];
    for (int i = 0; i < N; i++) {
        terms[i] = again[i] = draw_normal(2, (uint64_t)i);
    }
    const double quick = ref_sum_spread(terms, N, &hasty).sigma;
    const double full = ref_sum_spread(again, N, &f32).sigma;
    cr_assert_leq(quick, full);
    cr_assert_geq(quick, 0.9 * full);
}

Test(sums, the_dot_product_equals_the_plain_one_for_every_length)
{
    double a[40];
    double b[40];
    double plain = 0.0;
    for (int n = 0; n < 40; n++) {
        cr_assert_float_eq(ref_dot(a, b, n), plain, 1e-12, "length %d", n);
        a[n] = draw_normal(3, (uint64_t)n);
        b[n] = draw_normal(4, (uint64_t)n);
        plain += a[n] * b[n];
    }
}

Test(sums, an_operand_passes_storage_then_multiply_and_may_be_flushed)
{
    assay_precision contract = contract_of(ASSAY_BF16, ASSAY_NONE, ASSAY_F32);
    contract.storage = ASSAY_F16;
    contract.flush = ASSAY_FLUSH_IN;
    ref_rounding r;
    cr_assert_eq(ref_rounding_of(&contract, &r, NULL), ASSAY_OK);
    /* 1 + 2^-8 + 2^-12: to bf16 directly it goes up; f16 makes it the tie that goes down */
    cr_assert_eq(ref_operand(&r, true, 1.0 + 0x1p-8 + 0x1p-12), 1.0);
    cr_assert_eq(ref_operand(&r, false, 1.0 + 0x1p-8 + 0x1p-12), 1.0 + 0x1p-7);
    /* flushing is allowed, not promised */
    cr_assert_eq(ref_operand(&r, false, 0x1p-127), 0x1p-127);
    cr_assert_eq(ref_operand_else(&r, false, 0x1p-127), 0.0);
    cr_assert_eq(ref_operand_else(&r, false, 0x1p-126), 0x1p-126);
}

Test(sums, an_integer_contract_is_refused_with_a_reason)
{
    assay_error error;
    ref_rounding r;
    const assay_precision contract = contract_of(ASSAY_I8, ASSAY_NONE, ASSAY_F32);
    cr_assert_eq(ref_rounding_of(&contract, &r, &error), ASSAY_UNSUPPORTED);
    cr_assert_not_null(strstr(error.message, "works in i8"), "%s", error.message);
}

Test(sums, what_the_output_type_may_not_hold_has_no_bound)
{
    const assay_precision contract = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F16);
    ref_rounding r;
    cr_assert_eq(ref_rounding_of(&contract, &r, NULL), ASSAY_OK);
    assay_error_model model = new_model(1, 3);
    ref_model_put(&model, &r, 0, 0, 70000.0, 0.0, 0.0);
    ref_model_put(&model, &r, 0, 1, 100.0, 0.0, 0.0);
    ref_model_put(&model, &r, 0, 2, (double)NAN, 1.0, 1.0);
    cr_assert(isinf(assay_at2(&model.bound, 0, 0)));
    cr_assert_lt(assay_at2(&model.bound, 0, 1), 0.1);
    cr_assert_eq(assay_at2(&model.bound, 0, 2), 0.0);
    cr_assert_eq(assay_at2(&model.sigma, 0, 2), 0.0);
    free_model(&model);
}

/* f32, one after the other: what repeats is rounded the same way again and again. */
static double chain_error(const double *terms, int64_t count)
{
    float sum = 0.0f;
    double exact = 0.0;
    for (int64_t k = 0; k < count; k++) {
        sum += (float)terms[k];
        exact += terms[k];
    }
    return fabs((double)sum - exact);
}

Test(sums, constant_and_alternating_terms_are_not_taken_for_independent)
{
    enum { N = 8192 };
    const ref_rounding bf16 = rounding_for(ASSAY_BF16); /* products are exact */
    static double terms[N];
    static double scratch[N];
    for (int value = 0; value < 60; value++) {
        for (int k = 0; k < N; k++) {
            terms[k] = (double)(float)(k % 2 == value % 2 ? 0.1 + 0.0137 * value : 0.73);
        }
        memcpy(scratch, terms, sizeof scratch);
        const ref_spread spread = ref_sum_spread(scratch, N, &bf16);
        const double budget = spread.bound + REF_LAMBDA * spread.sigma;
        cr_assert_leq(chain_error(terms, N), budget, "value %d", value);
    }
}

Test(sums, small_terms_of_one_sign_may_all_be_dropped)
{
    enum { N = 8192 };
    const ref_rounding bf16 = rounding_for(ASSAY_BF16);
    static double terms[N];
    static double scratch[N];
    terms[0] = 1.0;
    for (int k = 1; k < N; k++) { /* each below half an ulp of 1 */
        terms[k] = (double)(float)(0x1p-25 * (1.0 + 0.5 * draw_normal(9, (uint64_t)k) / 6.0));
    }
    memcpy(scratch, terms, sizeof scratch);
    const ref_spread spread = ref_sum_spread(scratch, N, &bf16);
    const double error = chain_error(terms, N);
    cr_assert_gt(error, REF_LAMBDA * spread.sigma, "not a case");
    cr_assert_leq(error, spread.bound + REF_LAMBDA * spread.sigma);
}
