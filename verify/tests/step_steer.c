/* At the activation's edge a row is steered as an active latent asks, or as an inactive one. */
#include <criterion/criterion.h>
#include <math.h>

#include "verify/step_truth.h"

enum { N = 3, D = 2 };

static const assay_precision f32 = {.multiply = ASSAY_F32,
                                    .accumulate = {.bits = 24, .block = 1},
                                    .intermediate = ASSAY_F32,
                                    .output = ASSAY_F32};

/* Row 0 is far below the threshold, row 1 within rounding of it, row 2 far above. */
static float x[N * D] = {0.1f, 0.1f, 0.7f, 0.3f, 1.3f, 0.9f};
static float encoder[D] = {1.1f, 0.9f};
static float decoder[D] = {0.7f, -0.3f};

/* Judges what a kernel gives that takes these features away. */
static assay_result ablate(const float *feature, assay_steer_mode mode)
{
    double threshold = (double)x[2] * (double)encoder[0] + (double)x[3] * (double)encoder[1];
    assay_error error = {.message = ""};
    assay_result result = {.verdict = ASSAY_PASS};
    assay_arena arena = {0};
    assay_any_io io = {.sae_steer = {.x = assay_matrix(x, ASSAY_F32, N, D),
                                     .y = assay_matrix(NULL, ASSAY_F32, N, D)}};
    const assay_sae_steer_params params = {
        .sae = {.d_in = D, .d_out = D, .d_sae = 1, .activation = ASSAY_JUMPRELU,
                .encoder = assay_matrix(encoder, ASSAY_F32, 1, D),
                .decoder = assay_matrix(decoder, ASSAY_F32, D, 1),
                .threshold = assay_vector(&threshold, ASSAY_F64, 1)},
        .mode = mode};
    const assay_step step = {.op = ASSAY_OP_sae_steer, .params = &params, .io = &io};
    assay_step_truth truth;
    float y[N * D];
    cr_assert_eq(assay_step_truth_make(&f32, &step, &io, &arena, &truth, &result, &error),
                 ASSAY_OK, "%s", error.message);
    for (int i = 0; i < N * D; i++) {
        y[i] = x[i] - feature[i / D] * decoder[i % D];
    }
    io.sae_steer.y = assay_matrix(y, ASSAY_F32, N, D);
    assay_step_compare(&step, &truth, &io, &result);
    assay_arena_free(&arena);
    return result;
}

static float pre(int row)
{
    return x[row * D] * encoder[0] + x[row * D + 1] * encoder[1];
}

Test(step_steer, either_side_of_the_edge_passes_and_is_counted)
{
    const assay_result off = ablate((const float[N]){0.0f, 0.0f, pre(2)}, ASSAY_STEER_ABLATE);
    cr_expect_eq(off.verdict, ASSAY_PASS, "%s", off.message);
    cr_expect_eq(off.undecided, 1u);
    const assay_result on = ablate((const float[N]){0.0f, pre(1), pre(2)}, ASSAY_STEER_ABLATE);
    cr_expect_eq(on.verdict, ASSAY_PASS, "%s", on.message);
    cr_expect_eq(on.undecided, 1u);
}

Test(step_steer, nothing_between_the_sides_passes)
{
    const assay_result half =
        ablate((const float[N]){0.0f, 0.5f * pre(1), pre(2)}, ASSAY_STEER_ABLATE);
    cr_expect_eq(half.verdict, ASSAY_FAIL);
    cr_expect_eq(half.check, ASSAY_CHECK_VALUE);
}

Test(step_steer, a_decided_row_has_one_side)
{
    const assay_result below = ablate((const float[N]){pre(0), 0.0f, pre(2)}, ASSAY_STEER_ABLATE);
    cr_expect_eq(below.verdict, ASSAY_FAIL);
    const assay_result above = ablate((const float[N]){0.0f, 0.0f, 0.0f}, ASSAY_STEER_ABLATE);
    cr_expect_eq(above.verdict, ASSAY_FAIL);
}

Test(step_steer, set_and_scale_have_sides_too)
{
    /* set to 0 takes away what is there, and so does scale by 0 */
    const float half[N] = {0.0f, 0.5f * pre(1), pre(2)};
    const float on[N] = {0.0f, pre(1), pre(2)};
    cr_expect_eq(ablate(on, ASSAY_STEER_SET).verdict, ASSAY_PASS);
    cr_expect_eq(ablate(half, ASSAY_STEER_SET).verdict, ASSAY_FAIL);
    cr_expect_eq(ablate(on, ASSAY_STEER_SCALE).verdict, ASSAY_PASS);
    cr_expect_eq(ablate(half, ASSAY_STEER_SCALE).verdict, ASSAY_FAIL);
}
