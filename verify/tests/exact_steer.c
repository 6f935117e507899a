/* Exact cases of sae_steer: at its threshold, and among equals, a latent is active or is not. */
#include <criterion/criterion.h>

#include "verify/exact.h"
#include "verify/step_truth.h"

enum { N = 3, D = 4, M = 3, LATENT = 1 };

static const assay_precision f32 = {.multiply = ASSAY_F32,
                                    .accumulate = {.bits = 24, .block = 1},
                                    .intermediate = ASSAY_F32,
                                    .output = ASSAY_F32};

typedef struct steering {
    float x[N * D], encoder[M * D], decoder[D * M];
    double threshold[M], pre_bias[D];
    assay_sae_steer_params params;
    assay_any_io io;
    assay_step step;
    assay_arena arena;
    assay_step_truth truth;
} steering;

/* Row n of x is n + 1 everywhere; every latent sums the row: 4, 8, 12. */
static void build(steering *s, assay_activation activation, assay_steer_mode mode)
{
    memset(s, 0, sizeof *s);
    for (int i = 0; i < N * D; i++) {
        s->x[i] = (float)(i / D + 1);
        s->encoder[i % (M * D)] = 1.0f;
        s->decoder[i % (D * M)] = (float)(i % 3 - 1);
    }
    for (int j = 0; j < M; j++) {
        s->threshold[j] = 8.0; /* row 1 meets it */
    }
    s->params = (assay_sae_steer_params){
        .sae = {.d_in = D, .d_out = D, .d_sae = M, .activation = activation, .k = 1,
                .encoder = assay_matrix(s->encoder, ASSAY_F32, M, D),
                .decoder = assay_matrix(s->decoder, ASSAY_F32, D, M),
                .threshold = assay_vector(s->threshold, ASSAY_F64, M)},
        .latent = LATENT, .mode = mode, .amount = 2.0};
    s->io.sae_steer.x = assay_matrix(s->x, ASSAY_F32, N, D);
    s->io.sae_steer.y = assay_matrix(NULL, ASSAY_F32, N, D);
    s->step = (assay_step){.op = ASSAY_OP_sae_steer, .params = &s->params, .io = &s->io};
}

static int exact_elements(steering *s, const assay_precision *contract)
{
    assay_error error = {.message = ""};
    assay_result result = {.verdict = ASSAY_PASS};
    int count = 0;
    cr_assert_eq(assay_step_truth_make(contract, &s->step, &s->io, &s->arena, &s->truth, &result,
                                       &error),
                 ASSAY_OK, "%s", error.message);
    for (int i = 0; i < N * D; i++) {
        count += s->truth.budget.value[i] == 0.0;
    }
    return count;
}

Test(exact_steer, a_latent_that_meets_its_threshold_is_not_active)
{
    steering s;
    build(&s, ASSAY_JUMPRELU, ASSAY_STEER_ABLATE);
    cr_assert_eq(exact_elements(&s, &f32), N * D);
    for (int i = 0; i < D; i++) {
        const double weight = (double)s.decoder[i * M + LATENT];
        cr_expect_eq(s.truth.expected[D + i], 2.0);
        cr_expect_eq(s.truth.expected[2 * D + i], 3.0 - 12.0 * weight);
    }
    assay_arena_free(&s.arena);
}

Test(exact_steer, of_equals_the_first_is_chosen)
{
    steering s;
    build(&s, ASSAY_TOPK, ASSAY_STEER_ABLATE);
    cr_assert_eq(exact_elements(&s, &f32), N * D);
    for (int i = 0; i < N * D; i++) {
        cr_expect_eq(s.truth.expected[i], (double)s.x[i]);
    }
    assay_arena_free(&s.arena);
}

Test(exact_steer, every_mode_is_certified)
{
    for (int mode = ASSAY_STEER_ADD; mode <= ASSAY_STEER_ABLATE; mode++) {
        steering s;
        build(&s, ASSAY_RELU, (assay_steer_mode)mode);
        cr_expect_eq(exact_elements(&s, &f32), N * D, "mode %d", mode);
        assay_arena_free(&s.arena);
    }
}

Test(exact_steer, integers_of_a_pre_bias_are_certified_and_fractions_are_not)
{
    steering s;
    build(&s, ASSAY_JUMPRELU, ASSAY_STEER_SET);
    s.params.sae.pre_bias = assay_vector(s.pre_bias, ASSAY_F64, D);
    s.pre_bias[2] = 3.0;
    cr_expect_eq(exact_elements(&s, &f32), N * D);
    s.pre_bias[2] = 0.1;
    cr_expect_eq(exact_elements(&s, &f32), 0);
    assay_arena_free(&s.arena);
}

Test(exact_steer, what_a_type_on_the_way_rounds_is_not_certified)
{
    steering s;
    assay_precision bf16 = f32;
    bf16.intermediate = ASSAY_BF16;
    build(&s, ASSAY_RELU, ASSAY_STEER_ADD);
    s.params.amount = 257.0; /* nine bits */
    cr_expect_eq(exact_elements(&s, &f32), N * D);
    cr_expect_eq(exact_elements(&s, &bf16), 0);
    s.params.amount = 0.1;
    cr_expect_eq(exact_elements(&s, &f32), 0);
    assay_arena_free(&s.arena);
}
