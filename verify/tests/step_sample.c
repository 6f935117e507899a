/* What is not known of one row of logits is no licence for another. */
#include <criterion/criterion.h>
#include <math.h>

#include "verify/step_truth.h"

enum { N = 2, V = 8 };

static const assay_precision f32 = {.multiply = ASSAY_F32,
                                    .accumulate = {.bits = 24, .block = 1},
                                    .intermediate = ASSAY_F32,
                                    .output = ASSAY_F32};

/* Row 0's weights are all 1 in f32: its nucleus is open. Row 1's is tokens 0 and 1. */
static float logits[N * V] = {8e-9f, 7e-9f, 6e-9f, 5e-9f, 4e-9f, 3e-9f, 2e-9f, 1e-9f,
                              3.0f,  2.0f,  1.0f,  0.0f,  -1.0f, -2.0f, -3.0f, -4.0f};

/* Judges a kernel that keeps so many tokens of row 1, in order. */
static assay_result sample(int kept)
{
    double uniform[N] = {0.0, 0.0};
    int32_t token[N] = {0, 0};
    float probability[N * V] = {0.0f};
    double total = 0.0;
    assay_error error = {.message = ""};
    assay_result result = {.verdict = ASSAY_PASS};
    assay_arena arena = {0};
    const assay_sample_params params = {.temperature = 1.0, .top_p = 0.7};
    assay_any_io io = {.sample = {.logits = assay_matrix(logits, ASSAY_F32, N, V),
                                  .uniform = assay_vector(uniform, ASSAY_F64, N),
                                  .token = assay_vector(token, ASSAY_I32, N),
                                  .probability = assay_matrix(probability, ASSAY_F32, N, V)}};
    const assay_step step = {.op = ASSAY_OP_sample, .params = &params, .io = &io};
    assay_step_truth truth;
    cr_assert_eq(assay_step_truth_make(&f32, &step, &io, &arena, &truth, &result, &error),
                 ASSAY_OK, "%s", error.message);
    for (int t = 0; t < kept; t++) {
        total += exp((double)logits[V + t]);
    }
    for (int t = 0; t < V; t++) {
        probability[t] = 0.125f; /* all of them, where the truth drops two */
        probability[V + t] = t < kept ? (float)(exp((double)logits[V + t]) / total) : 0.0f;
    }
    assay_step_compare(&step, &truth, &io, &result);
    assay_arena_free(&arena);
    return result;
}

Test(step_sample, an_open_row_takes_any_nucleus)
{
    const assay_result right = sample(2);
    cr_expect_eq(right.verdict, ASSAY_PASS, "%s", right.message);
}

Test(step_sample, a_row_beside_it_is_held_to_its_own)
{
    cr_expect_eq(sample(V).verdict, ASSAY_FAIL);
    cr_expect_eq(sample(1).verdict, ASSAY_FAIL);
}
