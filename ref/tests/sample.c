/* sample: greedy ties and NaN, top_k, top_p, the draw, and draws against the distribution. */
#include "assay/philox.h"
#include "support.h"

enum { V = 6 };

typedef struct outcome {
    int32_t token;
    double p[V];
} outcome;

static outcome sample_row(const double *logits, assay_sample_params params, double uniform)
{
    assay_error error;
    double copy[V];
    outcome out;
    memcpy(copy, logits, sizeof copy);
    const assay_sample_io io = {.logits = assay_matrix(copy, ASSAY_F64, 1, V),
                                .uniform = assay_vector(&uniform, ASSAY_F64, 1),
                                .token = assay_vector(&out.token, ASSAY_I32, 1),
                                .probability = assay_matrix(out.p, ASSAY_F64, 1, V)};
    cr_assert_ok(assay_ref_sample(&params, &io, NULL, NULL, &error), error);
    return out;
}

static const assay_sample_params plain = {1.0, 0, 1.0, 0};
static const assay_sample_params greedy = {0.0, 0, 1.0, 0};

Test(sample, greedy_takes_the_first_of_equals_and_the_first_nan)
{
    const double ties[V] = {1.0, 5.0, 2.0, 5.0, 5.0, 0.0};
    const double nans[V] = {1.0, INFINITY, NAN, 5.0, NAN, 0.0};
    const double low[V] = {-INFINITY, -INFINITY, -2.0, -INFINITY, -3.0, -INFINITY};
    cr_assert_eq(sample_row(ties, greedy, 0.0).token, 1);
    cr_assert_eq(sample_row(nans, greedy, 0.0).token, 2);
    cr_assert_eq(sample_row(low, greedy, 0.0).token, 2);
}

Test(sample, top_k_keeps_every_equal_of_the_last_one)
{
    const double logits[V] = {3.0, 1.0, 2.0, 2.0, 0.0, 2.0};
    assay_sample_params params = plain;
    params.top_k = 2;
    const outcome out = sample_row(logits, params, 0.0);
    const double total = exp(1.0) + 3.0;
    cr_assert_float_eq(out.p[0], exp(1.0) / total, 1e-15);
    cr_assert_float_eq(out.p[2], 1.0 / total, 1e-15);
    cr_assert_float_eq(out.p[5], 1.0 / total, 1e-15);
    cr_assert(out.p[1] == 0.0 && out.p[4] == 0.0);
    params.top_k = 100; /* more than there are: none dropped */
    cr_assert_gt(sample_row(logits, params, 0.0).p[4], 0.0);
}

Test(sample, top_p_drops_what_comes_after_the_sum_has_reached_it)
{
    /* probabilities 1/2, 1/4, 1/8, 1/8 exactly */
    const double logits[V] = {log(4.0), log(2.0), 0.0, 0.0, -INFINITY, -INFINITY};
    assay_sample_params params = plain;
    params.top_p = 0.7;
    outcome out = sample_row(logits, params, 0.0);
    cr_assert_float_eq(out.p[0], 2.0 / 3.0, 1e-15);
    cr_assert_float_eq(out.p[1], 1.0 / 3.0, 1e-15);
    cr_assert_eq(out.p[2], 0.0);
    params.top_p = 0.8; /* of the equal ones the higher index comes first */
    out = sample_row(logits, params, 0.0);
    cr_assert_eq(out.p[2], 0.0);
    cr_assert_gt(out.p[3], 0.0);
    params.top_p = 0.0; /* the first always stays */
    out = sample_row(logits, params, 0.99);
    cr_assert_eq(out.p[0], 1.0);
    cr_assert_eq(out.token, 0);
}

Test(sample, the_draw_runs_in_token_order)
{
    const double logits[V] = {0.0, 0.0, -INFINITY, 0.0, 0.0, -INFINITY};
    cr_assert_eq(sample_row(logits, plain, 0.0).token, 0);
    cr_assert_eq(sample_row(logits, plain, 0.25).token, 1);
    cr_assert_eq(sample_row(logits, plain, 0.49).token, 1);
    cr_assert_eq(sample_row(logits, plain, 0.5).token, 3);
    cr_assert_eq(sample_row(logits, plain, 1.0).token, 4); /* rounding left none */
}

Test(sample, a_row_with_nan_gives_no_token)
{
    const double logits[V] = {0.0, NAN, 0.0, 0.0, 0.0, 0.0};
    const double infinite[V] = {0.0, INFINITY, 0.0, 0.0, 0.0, 0.0};
    cr_assert_eq(sample_row(logits, plain, 0.5).token, -1);
    cr_assert(isnan(sample_row(logits, plain, 0.5).p[0]));
    cr_assert_eq(sample_row(infinite, plain, 0.5).token, -1);
}

Test(sample, draws_follow_the_distribution_and_depend_on_nothing_but_seed_stream_and_step)
{
    enum { DRAWS = 20000 };
    assay_error error;
    const assay_sample_params params = {0.8, 4, 0.95, 77};
    const double logits[V] = {0.3, 1.0, -0.5, 0.7, 0.1, -3.0};
    const outcome truth = sample_row(logits, params, 0.0);
    double *rows = malloc(DRAWS * V * sizeof *rows);
    int64_t *stream = malloc(DRAWS * sizeof *stream);
    int32_t *token = malloc(DRAWS * sizeof *token);
    for (int64_t n = 0; n < DRAWS; n++) {
        memcpy(rows + n * V, logits, sizeof logits);
        stream[n] = n;
    }
    assay_sample_io io = {.logits = assay_matrix(rows, ASSAY_F64, DRAWS, V),
                          .stream = assay_vector(stream, ASSAY_I64, DRAWS), .step = 3,
                          .token = assay_vector(token, ASSAY_I32, DRAWS)};
    cr_assert_ok(assay_ref_sample(&params, &io, NULL, NULL, &error), error);
    int counts[V] = {0};
    for (int64_t n = 0; n < DRAWS; n++) {
        counts[token[n]]++;
    }
    for (int t = 0; t < V; t++) { /* five standard deviations */
        const double expected = DRAWS * truth.p[t];
        cr_assert_float_eq(counts[t], expected, 5.0 * sqrt(expected) + 1e-9, "token %d", t);
    }
    /* sequence 123 alone draws what it drew in the batch; another step draws anew */
    int32_t alone;
    io.logits = assay_matrix(rows, ASSAY_F64, 1, V);
    io.stream = assay_vector(&stream[123], ASSAY_I64, 1);
    io.token = assay_vector(&alone, ASSAY_I32, 1);
    cr_assert_ok(assay_ref_sample(&params, &io, NULL, NULL, &error), error);
    cr_assert_eq(alone, token[123]);
    /* every bit of a stream counts, those too that float64 has no room for */
    stream[0] = INT64_C(1) << 60;
    stream[1] = stream[0] + 1;
    stream[2] = -1;
    for (int64_t n = 0; n < 3; n++) {
        io.stream = assay_vector(&stream[n], ASSAY_I64, 1);
        cr_assert_eq(assay_ref_sample_uniform(&params, &io, 0),
                     assay_philox_uniform(77, (uint64_t)stream[n], 3));
    }
    free(rows), free(stream), free(token);
}

Test(sample, a_token_near_a_cut_is_not_judged)
{
    assay_error error;
    double logits[V] = {log(4.0), log(2.0), 0.0, 0.0, -50.0, -60.0};
    double p[V];
    int32_t token;
    double uniform = 0.0;
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    assay_error_model model = new_model(1, V);
    assay_sample_params params = {1.0, 0, 0.75, 0}; /* reached exactly after two tokens */
    const assay_sample_io io = {.logits = assay_matrix(logits, ASSAY_F64, 1, V),
                                .uniform = assay_vector(&uniform, ASSAY_F64, 1),
                                .token = assay_vector(&token, ASSAY_I32, 1),
                                .probability = assay_matrix(p, ASSAY_F64, 1, V)};
    cr_assert_ok(assay_ref_sample(&params, &io, &f32, &model, &error), error);
    cr_assert_gt(assay_at2(&model.bound, 0, 3), 0.1);
    params.top_p = 0.7; /* well inside the second token */
    cr_assert_ok(assay_ref_sample(&params, &io, &f32, &model, &error), error);
    for (int64_t t = 0; t < V; t++) {
        cr_assert_lt(assay_at2(&model.bound, 0, t), 1e-5);
    }
    free_model(&model);
}

Test(sample, tokens_that_rounding_may_swap_across_the_cut_are_not_judged)
{
    assay_error error;
    double logits[V] = {3.0, 1.0 + 1e-9, 1.0, -2.0, -2.0, -2.0};
    double p[V];
    int32_t token;
    double uniform = 0.0;
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    assay_error_model model = new_model(1, V);
    const assay_sample_params params = {1.0, 0, 0.85, 0}; /* reached amid the second token */
    const assay_sample_io io = {.logits = assay_matrix(logits, ASSAY_F64, 1, V),
                                .uniform = assay_vector(&uniform, ASSAY_F64, 1),
                                .token = assay_vector(&token, ASSAY_I32, 1),
                                .probability = assay_matrix(p, ASSAY_F64, 1, V)};
    cr_assert_ok(assay_ref_sample(&params, &io, &f32, &model, &error), error);
    cr_assert_gt(p[1], 0.0);
    cr_assert_eq(p[2], 0.0);
    cr_assert_geq(assay_at2(&model.bound, 0, 1), p[1]); /* equal in f32, and 2 first */
    cr_assert_gt(assay_at2(&model.bound, 0, 2), 0.1);
    cr_assert_lt(assay_at2(&model.bound, 0, 3), 1e-5);
    free_model(&model);
}

static const assay_precision f32_contract = {.accumulate = {24, ASSAY_NEAREST, 1},
                                             .intermediate = ASSAY_F32, .output = ASSAY_F32};

/* The distribution of a row and its bounds under a contract of f32. */
static outcome budget_of(const double *logits, assay_sample_params params, double bound[V])
{
    assay_error error;
    double copy[V];
    double sigma[V];
    double uniform = 0.0;
    outcome out;
    memcpy(copy, logits, sizeof copy);
    const assay_sample_io io = {.logits = assay_matrix(copy, ASSAY_F64, 1, V),
                                .uniform = assay_vector(&uniform, ASSAY_F64, 1),
                                .token = assay_vector(&out.token, ASSAY_I32, 1),
                                .probability = assay_matrix(out.p, ASSAY_F64, 1, V)};
    const assay_error_model model = {.bound = assay_matrix(bound, ASSAY_F64, 1, V),
                                     .sigma = assay_matrix(sigma, ASSAY_F64, 1, V)};
    cr_assert_ok(assay_ref_sample(&params, &io, &f32_contract, &model, &error), error);
    return out;
}

/* In f32 all weights are 1, and a kernel that ranks them keeps the last ones; one that ranks the
 * logits keeps the greatest, and so does the truth though float64's weights are equal too. */
Test(sample, weights_that_round_to_equals_leave_the_nucleus_open)
{
    const double logits[V] = {6e-40, 5e-40, 4e-40, 3e-40, 2e-40, -INFINITY};
    assay_sample_params params = plain;
    double bound[V];
    params.top_p = 0.3;
    const outcome out = budget_of(logits, params, bound);
    cr_expect(out.p[0] > 0.0 && out.p[1] > 0.0 && out.p[2] == 0.0 && out.p[4] == 0.0);
    for (int t = 0; t < 5; t++) {
        cr_expect_gt(bound[t], 0.1, "token %d may be kept or dropped", t);
    }
    cr_expect_eq(bound[5], 0.0, "a masked token is dropped by all");
}

Test(sample, scaled_logits_beyond_f32_are_not_judged)
{
    const double logits[V] = {3e38, 2.0, 1.0, 0.0, -1.0, -INFINITY};
    assay_sample_params params = plain;
    double bound[V];
    params.temperature = 0.5;
    (void)budget_of(logits, params, bound);
    cr_expect(isinf(bound[0]) && isinf(bound[1]) && isinf(bound[5]));
    params.temperature = 2.0;
    (void)budget_of(logits, params, bound);
    cr_expect(isfinite(bound[0]) && bound[5] == 0.0);
    params.temperature = 1e-40;
    (void)budget_of((const double[V]){0.0, -1e-3, -2e-3, -3e-3, -4e-3, -5e-3}, params, bound);
    cr_expect(isinf(bound[0]), "1 / T is infinite in f32");
}
