/* sample: the rules of assay/sample.h, against the oracle's distribution and its draws. */
#include "support.h"

typedef struct outcome {
    assay_tensor token, probability;
} outcome;

static outcome sample(const char *impl, const assay_sample_params *params,
                      const assay_tensor *logits, const assay_tensor *uniforms)
{
    const int64_t rows = logits->shape[0];
    const assay_sample_io io = {.logits = *logits,
                                .stream = blank_vector(ASSAY_I64, rows),
                                .step = 4,
                                .uniform = uniforms != NULL ? *uniforms : (assay_tensor){0},
                                .token = blank_vector(ASSAY_I32, rows),
                                .probability = blank(logits->dtype, rows, logits->shape[1])};
    for (int64_t n = 0; n < rows; n++) {
        assay_put1(&io.stream, n, (double)(100 + n));
    }
    poison(&io.probability);
    RUN_KERNEL(sample, assay_kernel_find(ASSAY_OP_sample, impl), params, &io);
    return (outcome){io.token, io.probability};
}

static int64_t token_at(const outcome *got, int64_t n)
{
    return ((const int32_t *)got->token.data)[n];
}

Test(sample, greedy_takes_the_lowest_of_equals_and_the_first_nan)
{
    const float rows[4][5] = {{1, 3, 3, 2, 3},
                              {1, NAN, 9, NAN, 2},
                              {-INFINITY, -INFINITY, -5, -INFINITY, -6},
                              {0, 1, 2, INFINITY, INFINITY}};
    const assay_tensor logits = blank(ASSAY_F32, 4, 5);
    memcpy(logits.data, rows, sizeof rows);
    const assay_sample_params params = {.temperature = 0.0, .top_p = 1.0};
    const outcome got = sample("scalar", &params, &logits, NULL);
    cr_assert_eq(token_at(&got, 0), 1);
    cr_assert_eq(token_at(&got, 1), 1);
    cr_assert_eq(token_at(&got, 2), 2);
    cr_assert_eq(token_at(&got, 3), 3);
}

Test(sample, a_nan_row_gives_no_token_when_drawing)
{
    const assay_tensor logits = random_matrix(ASSAY_F32, 3, 40, 1, 2.0);
    assay_put2(&logits, 1, 7, NAN);
    const assay_sample_params params = {.temperature = 0.7, .top_k = 5, .top_p = 0.9};
    const outcome got = sample("scalar", &params, &logits, NULL);
    cr_assert_eq(token_at(&got, 1), -1);
    cr_assert(isnan(assay_at2(&got.probability, 1, 0)));
    cr_assert_geq(token_at(&got, 0), 0);
    cr_assert_geq(token_at(&got, 2), 0);
}

Test(sample, top_k_keeps_ties_and_top_p_drops_equals_from_the_lowest_index)
{
    const float row[6] = {2, 2, 1, 2, 0, 1};
    const assay_tensor logits = blank(ASSAY_F32, 1, 6);
    memcpy(logits.data, row, sizeof row);
    const assay_sample_params two = {.temperature = 1.0, .top_k = 2, .top_p = 1.0};
    const outcome tied = sample("scalar", &two, &logits, NULL);
    for (int64_t t = 0; t < 6; t++) {
        cr_assert_eq(assay_at2(&tied.probability, 0, t) > 0.0, row[t] == 2.0f);
    }
    /* of three equals, each with a third, the one of highest index comes first */
    const assay_sample_params half = {.temperature = 1.0, .top_k = 3, .top_p = 0.5};
    const outcome cut = sample("scalar", &half, &logits, NULL);
    cr_assert_eq(assay_at2(&cut.probability, 0, 0), 0.0);
    cr_assert_float_eq(assay_at2(&cut.probability, 0, 1), 0.5, 1e-7);
    cr_assert_float_eq(assay_at2(&cut.probability, 0, 3), 0.5, 1e-7);
}

static void judge_distribution(const char *impl, assay_dtype type)
{
    const double temperatures[] = {0.5, 1.0, 1.7};
    const int64_t top_ks[] = {0, 1, 7, 50, 400};
    const double top_ps[] = {1.0, 0.9, 0.3, 0.0};
    const assay_tensor logits = random_matrix(type, 5, 333, 2, 2.0);
    const assay_kernel *const kernel = assay_kernel_find(ASSAY_OP_sample, impl);
    for (size_t i = 0; i < 3 * 5 * 4; i++) {
        const assay_sample_params params = {.temperature = temperatures[i % 3],
                                            .top_k = top_ks[i / 3 % 5],
                                            .top_p = top_ps[i / 15],
                                            .seed = 9};
        const outcome got = sample(impl, &params, &logits, NULL);
        const int64_t streams[5] = {100, 101, 102, 103, 104};
        const assay_sample_io truth = {.logits = logits,
                                       .stream = int_vector(ASSAY_I64, 5, streams),
                                       .step = 4,
                                       .token = blank_vector(ASSAY_I32, 5),
                                       .probability = blank(ASSAY_F64, 5, 333)};
        const assay_error_model model = blank_model(5, 333);
        cr_assert_eq(assay_ref_sample(&params, &truth, &kernel->precision, &model, NULL),
                     ASSAY_OK);
        judge(impl, &got.probability, &truth.probability, &model);
        for (int64_t n = 0; n < 5; n++) {
            cr_assert_eq(token_at(&got, n), ((const int32_t *)truth.token.data)[n]);
        }
    }
}

Test(sample, distribution_and_draw_agree_with_the_oracle)
{
    judge_distribution("scalar", ASSAY_F32);
    judge_distribution("scalar_bf16", ASSAY_BF16);
}

Test(sample, draws_follow_the_given_uniform_number)
{
    const assay_tensor logits = blank(ASSAY_F32, 4, 4);
    memset(logits.data, 0, 16 * sizeof(float));
    const assay_tensor u = blank_vector(ASSAY_F64, 4);
    const double draws[4] = {0.0, 0.25, 0.7, 0x1.fffffffffffffp-1};
    memcpy(u.data, draws, sizeof draws);
    const assay_sample_params params = {.temperature = 1.0, .top_p = 1.0};
    const outcome got = sample("scalar", &params, &logits, &u);
    const int64_t expected[4] = {0, 1, 2, 3};
    for (int64_t n = 0; n < 4; n++) {
        cr_assert_eq(token_at(&got, n), expected[n]);
    }
}
