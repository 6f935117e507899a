/* Which latents are active: the three activations, ties, gates, NaN, infinities. */
#include "support.h"

enum { M = 8 };

static void select_row(assay_activation activation, int64_t k, double threshold, const double *pre,
                       const double *gate, const char *expected)
{
    double thresholds[M];
    double score[M];
    uint8_t active[M];
    for (int j = 0; j < M; j++) {
        thresholds[j] = threshold;
        score[j] = pre[j] * (gate != NULL ? gate[j] : 1.0);
    }
    assay_sae sae;
    memset(&sae, 0, sizeof sae);
    sae.d_sae = M;
    sae.activation = activation;
    sae.k = k;
    sae.threshold = assay_vector(thresholds, ASSAY_F64, M);
    assay_ref_sae_select(&sae, pre, score, active);
    for (int j = 0; j < M; j++) {
        cr_assert_eq(active[j], expected[j] - '0', "latent %d of %s", j, expected);
    }
}

Test(select, relu_fires_above_zero_and_on_nan)
{
    const double pre[M] = {1.0, 0.0, -0.0, -1.0, NAN, INFINITY, -INFINITY, 5e-324};
    select_row(ASSAY_RELU, 0, 0.0, pre, NULL, "10001101");
}

Test(select, jumprelu_is_strict_and_an_infinite_threshold_never_fires)
{
    const double pre[M] = {0.5, 0.500001, 0.4, -1.0, NAN, INFINITY, 2.0, 0.0};
    select_row(ASSAY_JUMPRELU, 0, 0.5, pre, NULL, "01001110");
    select_row(ASSAY_JUMPRELU, 0, INFINITY, pre, NULL, "00000000");
    select_row(ASSAY_JUMPRELU, 0, -2.0, pre, NULL, "11111111");
}

Test(select, the_gate_decides_on_the_score_not_on_the_value)
{
    const double pre[M] = {1.0, 1.0, 0.3, 0.3, 0.0, 0.0, 0.0, 0.0};
    const double gate[M] = {0.4, 0.6, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0};
    select_row(ASSAY_JUMPRELU, 0, 0.5, pre, gate, "01100000");
}

Test(select, topk_breaks_ties_by_the_lowest_index)
{
    const double pre[M] = {1.0, 3.0, 2.0, 2.0, 2.0, 0.5, 2.0, 1.0};
    select_row(ASSAY_TOPK, 3, 0.0, pre, NULL, "01110000");
    select_row(ASSAY_TOPK, 1, 0.0, pre, NULL, "01000000");
    select_row(ASSAY_TOPK, 100, 0.0, pre, NULL, "11111111");
}

Test(select, topk_ranks_by_value_then_drops_what_is_not_positive)
{
    const double pre[M] = {-9.0, 0.0, -0.0, 2.0, -1.0, -2.0, -3.0, -4.0};
    select_row(ASSAY_TOPK, 4, 0.0, pre, NULL, "00010000"); /* not -9, and not four of them */
}

Test(select, topk_puts_nan_above_all_numbers)
{
    const double pre[M] = {INFINITY, 3.0, NAN, 2.0, -NAN, 0.5, 2.0, 1.0};
    select_row(ASSAY_TOPK, 1, 0.0, pre, NULL, "00100000");
    select_row(ASSAY_TOPK, 3, 0.0, pre, NULL, "10101000");
}

Test(select, topk_ranks_by_the_gated_score)
{
    const double pre[M] = {1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0};
    const double gate[M] = {9.0, 4.0, 1.0, 0.5, 1.0, 1.0, 1.0, 1.0};
    select_row(ASSAY_TOPK, 2, 0.0, pre, gate, "11000000");
}
