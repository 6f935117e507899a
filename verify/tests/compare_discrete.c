/* Active sets and tokens are judged by margin: decided differences fail, undecided ones count. */
#include <criterion/criterion.h>
#include <math.h>

#include "verify/compare.h"

enum { LATENTS = 4 };

typedef struct codes {
    int64_t offsets[2];
    int32_t latent[LATENTS];
    float value[LATENTS];
    assay_csr csr;
} codes;

static void list(codes *c, int count, const int32_t *latent, const float *value)
{
    c->offsets[0] = 0;
    c->offsets[1] = count;
    memset(c->latent, 0, sizeof c->latent);
    memset(c->value, 0, sizeof c->value);
    memcpy(c->latent, latent, (size_t)count * sizeof *latent);
    memcpy(c->value, value, (size_t)count * sizeof *value);
    c->csr.row_offsets = assay_vector(c->offsets, ASSAY_I64, 2);
    c->csr.latent = assay_vector(c->latent, ASSAY_I32, LATENTS);
    c->csr.value = assay_vector(c->value, ASSAY_F32, LATENTS);
}

static assay_result judge_within(const assay_sae *sae, const double *pre, const double *allowed,
                                 int count, const int32_t *latent, const float *value)
{
    double budget[LATENTS];
    double own[LATENTS];
    codes c;
    memcpy(own, pre, sizeof own);
    memcpy(budget, allowed, sizeof budget);
    list(&c, count, latent, value);
    const assay_codes_truth truth = {sae, 1, own, own, budget, budget, NULL};
    assay_result result;
    memset(&result, 0, sizeof result);
    assay_compare_codes(&c.csr, &truth, true, &result);
    return result;
}

static assay_result judge(const assay_sae *sae, const double *pre, int count, const int32_t *latent,
                          const float *value)
{
    const double budget[LATENTS] = {0.01, 0.01, 0.01, 0.01};
    return judge_within(sae, pre, budget, count, latent, value);
}

static const assay_sae relu = {.d_sae = LATENTS, .activation = ASSAY_RELU};
static const double pre[LATENTS] = {1.0, -1.0, 0.005, 2.0};

Test(codes, the_true_set_passes)
{
    const assay_result result =
        judge(&relu, pre, 3, (const int32_t[]){0, 2, 3}, (const float[]){1.0f, 0.005f, 2.0f});
    cr_assert_eq(result.verdict, ASSAY_PASS, "%s", result.message);
}

Test(codes, a_latent_within_the_band_may_be_missing_and_is_counted)
{
    const assay_result result =
        judge(&relu, pre, 2, (const int32_t[]){0, 3}, (const float[]){1.0f, 2.0f});
    cr_assert_eq(result.verdict, ASSAY_PASS, "%s", result.message);
    cr_assert_eq(result.undecided, 1u);
}

Test(codes, a_decided_latent_may_not_be_missing)
{
    const assay_result result =
        judge(&relu, pre, 2, (const int32_t[]){2, 3}, (const float[]){0.005f, 2.0f});
    cr_assert_eq(result.verdict, ASSAY_FAIL);
    cr_assert(strstr(result.message, "latent 0") != NULL, "%s", result.message);
}

Test(codes, an_inactive_latent_may_not_be_listed)
{
    const assay_result result = judge(&relu, pre, 3, (const int32_t[]){0, 1, 3},
                                      (const float[]){1.0f, -1.0f, 2.0f});
    cr_assert_eq(result.verdict, ASSAY_FAIL);
}

Test(codes, a_value_is_judged_at_its_own_index)
{
    const assay_result result =
        judge(&relu, pre, 2, (const int32_t[]){0, 3}, (const float[]){2.0f, 1.0f});
    cr_assert_eq(result.verdict, ASSAY_FAIL);
}

/* The verdict where so many of 16 active latents are clear of the edge, the others near it. */
static assay_verdict with_decided(int decided)
{
    enum { MANY = 16 };
    double scores[MANY], budget[MANY];
    int64_t offsets[2] = {0, MANY};
    int32_t latent[MANY];
    float value[MANY];
    for (int j = 0; j < MANY; j++) {
        latent[j] = j;
        value[j] = j < decided ? 1.0f : 0.005f;
        scores[j] = (double)value[j];
        budget[j] = 0.01;
    }
    const assay_csr csr = {assay_vector(offsets, ASSAY_I64, 2),
                           assay_vector(latent, ASSAY_I32, MANY),
                           assay_vector(value, ASSAY_F32, MANY)};
    const assay_sae sae = {.d_sae = MANY, .activation = ASSAY_RELU};
    const assay_codes_truth truth = {&sae, 1, scores, scores, budget, budget, NULL};
    assay_result result;
    memset(&result, 0, sizeof result);
    assay_compare_codes(&csr, &truth, false, &result);
    cr_expect_eq(assay_codes_decidable(&truth), result.verdict == ASSAY_PASS);
    return result.verdict;
}

Test(codes, an_eighth_of_the_active_latents_must_be_decided)
{
    cr_assert_eq(with_decided(16), ASSAY_PASS);
    cr_assert_eq(with_decided(2), ASSAY_PASS);
    cr_assert_eq(with_decided(1), ASSAY_VOID);
    cr_assert_eq(with_decided(0), ASSAY_VOID);
}

Test(codes, structure_comes_first)
{
    const assay_result unordered =
        judge(&relu, pre, 2, (const int32_t[]){3, 0}, (const float[]){2.0f, 1.0f});
    cr_assert_eq(unordered.verdict, ASSAY_FAIL);
    const assay_result twice =
        judge(&relu, pre, 2, (const int32_t[]){0, 0}, (const float[]){1.0f, 1.0f});
    cr_assert_eq(twice.verdict, ASSAY_FAIL);
    const assay_result outside =
        judge(&relu, pre, 2, (const int32_t[]){0, LATENTS}, (const float[]){1.0f, 1.0f});
    cr_assert_eq(outside.verdict, ASSAY_FAIL);
}

Test(codes, topk_allows_either_of_two_scores_within_the_band)
{
    const assay_sae topk = {.d_sae = LATENTS, .activation = ASSAY_TOPK, .k = 2};
    const double near_tie[LATENTS] = {1.0, 1.005, 0.2, 2.0};
    const assay_result first = judge(&topk, near_tie, 2, (const int32_t[]){1, 3},
                                     (const float[]){1.005f, 2.0f});
    cr_assert_eq(first.verdict, ASSAY_PASS, "%s", first.message);
    const assay_result second =
        judge(&topk, near_tie, 2, (const int32_t[]){0, 3}, (const float[]){1.0f, 2.0f});
    cr_assert_eq(second.verdict, ASSAY_PASS, "%s", second.message);
    const assay_result wrong =
        judge(&topk, near_tie, 2, (const int32_t[]){2, 3}, (const float[]){0.2f, 2.0f});
    cr_assert_eq(wrong.verdict, ASSAY_FAIL);
    const assay_result too_many = judge(&topk, near_tie, 3, (const int32_t[]){0, 1, 3},
                                        (const float[]){1.0f, 1.005f, 2.0f});
    cr_assert_eq(too_many.verdict, ASSAY_FAIL);
}

/* What is kept is as far from the edge as from the greatest score left out: also the k-th. */
Test(codes, topk_decides_the_last_that_is_kept)
{
    const assay_sae topk = {.d_sae = LATENTS, .activation = ASSAY_TOPK, .k = 1};
    const double clear[LATENTS] = {1.0, 1.5, 0.2, 2.0};
    const assay_result right = judge(&topk, clear, 1, (const int32_t[]){3}, (const float[]){2.0f});
    cr_assert_eq(right.verdict, ASSAY_PASS, "%s", right.message);
    cr_assert_eq(right.undecided, 0u);
    const assay_result none = judge(&topk, clear, 0, (const int32_t[]){0}, (const float[]){0.0f});
    cr_assert_eq(none.verdict, ASSAY_FAIL);
    const assay_result second = judge(&topk, clear, 1, (const int32_t[]){1},
                                      (const float[]){1.5f});
    cr_assert_eq(second.verdict, ASSAY_FAIL);
    const double tie[LATENTS] = {1.0, 1.99, 0.2, 2.0};
    const assay_result either = judge(&topk, tie, 1, (const int32_t[]){1}, (const float[]){1.99f});
    cr_assert_eq(either.verdict, ASSAY_PASS, "%s", either.message);
    const assay_sae whole = {.d_sae = LATENTS, .activation = ASSAY_TOPK, .k = LATENTS};
    const assay_result all = judge(&whole, clear, LATENTS, (const int32_t[]){0, 1, 2, 3},
                                   (const float[]){1.0f, 1.5f, 0.2f, 2.0f});
    cr_assert_eq(all.verdict, ASSAY_PASS, "%s", all.message);
    cr_assert_eq(all.undecided, 0u);
}

/* A value that is clearly not positive is not listed, however close its rank is to the edge. */
/* An infinite score that may be NaN ranks above all in one kernel and below all in another. */
Test(codes, topk_leaves_the_rest_of_a_row_open_beside_a_score_that_may_be_anything)
{
    const assay_sae topk = {.d_sae = LATENTS, .activation = ASSAY_TOPK, .k = 3};
    const double low[LATENTS] = {1.0, 0.5, -INFINITY, 2.0};
    const double open[LATENTS] = {0.01, 0.01, INFINITY, 0.01};
    const double closed[LATENTS] = {0.01, 0.01, 0.0, 0.01};
    const int32_t without[] = {0, 1, 3};
    const int32_t with[] = {0, 2, 3};
    const float values[] = {1.0f, 0.5f, 2.0f};
    const float nan_among[] = {1.0f, NAN, 2.0f};
    cr_assert_eq(judge_within(&topk, low, open, 3, without, values).verdict, ASSAY_PASS);
    cr_assert_eq(judge_within(&topk, low, open, 3, with, nan_among).verdict, ASSAY_PASS);
    cr_assert_eq(judge_within(&topk, low, closed, 3, with, nan_among).verdict, ASSAY_FAIL);
}

Test(codes, topk_lists_no_negative_value_near_the_edge)
{
    const assay_sae topk = {.d_sae = LATENTS, .activation = ASSAY_TOPK, .k = 2};
    const double edge[LATENTS] = {-0.5, -0.505, -2.0, 2.0};
    const assay_result listed =
        judge(&topk, edge, 2, (const int32_t[]){0, 3}, (const float[]){-0.5f, 2.0f});
    cr_assert_eq(listed.verdict, ASSAY_FAIL);
}

Test(codes, topk_lists_no_latent_whose_value_is_not_positive)
{
    const assay_sae topk = {.d_sae = LATENTS, .activation = ASSAY_TOPK, .k = 3};
    const double few[LATENTS] = {-1.0, -0.5, -2.0, 2.0};
    const assay_result right = judge(&topk, few, 1, (const int32_t[]){3}, (const float[]){2.0f});
    cr_assert_eq(right.verdict, ASSAY_PASS, "%s", right.message);
    const assay_result forced =
        judge(&topk, few, 2, (const int32_t[]){1, 3}, (const float[]){-0.5f, 2.0f});
    cr_assert_eq(forced.verdict, ASSAY_FAIL);
}

static assay_result tokens_of(const int64_t *got, const int64_t *expected, bool moved)
{
    const double logits[2 * 3] = {1.0, 1.005, 0.0, 3.0, 0.0, 0.0};
    const double budget[2 * 3] = {0.01, 0.01, 0.01, 0.01, 0.01, 0.01};
    assay_result result;
    memset(&result, 0, sizeof result);
    assay_compare_tokens(got, expected, 0, 2, logits, budget, 3, moved, &result);
    return result;
}

static assay_result tokens(const int64_t *got, const int64_t *expected)
{
    return tokens_of(got, expected, false);
}

/* Quantised weights may prefer another token than those that the expectation was made from: then
 * it is right, if no other is preferred to it. */
Test(tokens, a_contract_may_decide_in_another_way)
{
    const int64_t expected[] = {1, 1};
    cr_assert_eq(tokens_of((const int64_t[]){1, 0}, expected, false).verdict, ASSAY_FAIL);
    cr_assert_eq(tokens_of((const int64_t[]){1, 0}, expected, true).verdict, ASSAY_PASS);
    cr_assert_eq(tokens_of((const int64_t[]){2, 1}, expected, true).verdict, ASSAY_FAIL);
    const int64_t least[] = {2, 0};
    cr_assert_eq(tokens_of((const int64_t[]){0, 0}, least, true).verdict, ASSAY_PASS);
}

/* Where the contract decides, neither the expected token passes (the weights were not quantised)
 * nor one that is as good as the expected. */
Test(tokens, what_a_contract_decides_must_be_followed)
{
    const int64_t expected[] = {1, 1};
    cr_assert_eq(tokens_of((const int64_t[]){1, 1}, expected, false).verdict, ASSAY_PASS);
    const assay_result kept = tokens_of((const int64_t[]){1, 1}, expected, true);
    cr_assert_eq(kept.verdict, ASSAY_FAIL);
    cr_assert_eq(kept.check, ASSAY_CHECK_TOKENS);
    cr_assert_eq(tokens_of((const int64_t[]){1, 2}, expected, true).verdict, ASSAY_FAIL);
}

Test(tokens, an_undecided_step_may_go_either_way_and_is_counted)
{
    const assay_result result = tokens((const int64_t[]){0, 2}, (const int64_t[]){1, 0});
    cr_assert_eq(result.verdict, ASSAY_PASS);
    cr_assert_eq(result.undecided, 1u);
}

Test(tokens, a_decided_step_may_not)
{
    cr_assert_eq(tokens((const int64_t[]){2, 0}, (const int64_t[]){1, 0}).verdict, ASSAY_FAIL);
    cr_assert_eq(tokens((const int64_t[]){1, 1}, (const int64_t[]){1, 0}).verdict, ASSAY_FAIL);
}

Test(tokens, a_row_must_end_where_it_is_expected_to)
{
    cr_assert_eq(tokens((const int64_t[]){1, -1}, (const int64_t[]){1, 0}).verdict, ASSAY_FAIL);
    cr_assert_eq(tokens((const int64_t[]){1, 0}, (const int64_t[]){1, -1}).verdict, ASSAY_FAIL);
    cr_assert_eq(tokens((const int64_t[]){1, -1}, (const int64_t[]){1, -1}).verdict, ASSAY_PASS);
}
