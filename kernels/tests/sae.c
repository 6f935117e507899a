/* sae_encode, sae_decode, sae_steer: the rules of assay/sae.h, and the oracle's budgets. */
#include "support.h"

enum { ROWS = 19, D = 35, LATENTS = 137 };

static assay_sae random_sae(assay_dtype weights, assay_activation activation, bool layer_norm)
{
    assay_sae sae = {.d_in = D,
                     .d_out = D,
                     .d_sae = LATENTS,
                     .encoder = random_matrix(weights, LATENTS, D, 1, 0.3),
                     .decoder = random_matrix(weights, D, LATENTS, 2, 0.3),
                     .pre_bias = random_vector(ASSAY_F64, D, 3, 0.1),
                     .encode_scale = random_vector(ASSAY_F64, LATENTS, 4, 1.0),
                     .encode_bias = random_vector(ASSAY_F64, LATENTS, 5, 0.1),
                     .gate = random_vector(ASSAY_F64, LATENTS, 6, 1.0),
                     .decode_scale = random_vector(ASSAY_F64, LATENTS, 7, 1.0),
                     .decode_bias = random_vector(ASSAY_F64, D, 8, 0.1),
                     .activation = activation,
                     .k = 11,
                     .layer_norm = layer_norm};
    if (activation == ASSAY_JUMPRELU) {
        sae.threshold = random_vector(ASSAY_F64, LATENTS, 9, 0.5);
        assay_put1(&sae.threshold, 5, (double)INFINITY);
    }
    assay_put1(&sae.decode_scale, 3, 0.0);
    return sae;
}

typedef struct encoded {
    assay_csr codes;
    assay_tensor dense;
} encoded;

static encoded encode(const char *impl, const assay_sae *sae, const assay_tensor *x,
                      int64_t capacity)
{
    const assay_sae_encode_params params = {.sae = *sae};
    const encoded out = {.codes = {.row_offsets = blank_vector(ASSAY_I64, x->shape[0] + 1),
                                   .latent = blank_vector(ASSAY_I32, capacity),
                                   .value = blank_vector(ASSAY_F32, capacity)},
                         .dense = blank(x->dtype, x->shape[0], sae->d_sae)};
    const assay_sae_encode_io io = {.x = *x, .codes = out.codes, .dense = out.dense};
    poison(&out.codes.row_offsets);
    poison(&out.codes.latent);
    poison(&out.dense);
    RUN_KERNEL(sae_encode, assay_kernel_find(ASSAY_OP_sae_encode, impl), &params, &io);
    return out;
}

/* Active sets agree outside the budget's band, values within it, and both forms say the same. */
static void judge_encode(const char *impl, assay_dtype type, const assay_sae *sae)
{
    const assay_tensor x = random_matrix(type, ROWS, D, 10, 1.0);
    const encoded got = encode(impl, sae, &x, ROWS * LATENTS);
    const assay_tensor pre = blank(ASSAY_F64, ROWS, LATENTS);
    const assay_tensor score = blank(ASSAY_F64, ROWS, LATENTS);
    const assay_error_model of_pre = blank_model(ROWS, LATENTS);
    const assay_error_model of_score = blank_model(ROWS, LATENTS);
    const assay_kernel *const kernel = assay_kernel_find(ASSAY_OP_sae_encode, impl);
    cr_assert_eq(assay_ref_sae_preactivations(sae, &x, NULL, &kernel->precision, &pre, &score,
                                              &of_pre, &of_score, NULL),
                 ASSAY_OK);
    int64_t e = 0;
    int64_t differ = 0;
    for (int64_t n = 0; n < ROWS; n++) {
        uint8_t active[LATENTS];
        cr_assert_eq((int64_t)assay_at1(&got.codes.row_offsets, n), e);
        assay_ref_sae_select(sae, (double *)pre.data + n * LATENTS,
                             (double *)score.data + n * LATENTS, active);
        for (int64_t j = 0; j < LATENTS; j++) {
            const double dense = assay_at2(&got.dense, n, j);
            if (dense == 0.0) {
                differ += active[j];
                continue;
            }
            differ += active[j] ? 0 : 1;
            cr_assert_eq(((const int32_t *)got.codes.latent.data)[e], j);
            const double value = assay_at1(&got.codes.value, e++);
            const double budget = assay_at2(&of_pre.bound, n, j) +
                                  9.0 * assay_at2(&of_pre.sigma, n, j);
            cr_assert_eq(value, dense);
            cr_assert_leq(fabs(value - assay_at2(&pre, n, j)), budget);
        }
    }
    cr_assert_eq((int64_t)assay_at1(&got.codes.row_offsets, ROWS), e);
    cr_assert_gt(e, ROWS);
    cr_assert_leq(differ, type == ASSAY_BF16 ? ROWS / 2 : 0, "%s: %ld differ", impl, (long)differ);
}

Test(sae, encode_every_activation_and_weight_type)
{
    for (int a = ASSAY_RELU; a <= ASSAY_TOPK; a++) {
        const assay_sae f32 = random_sae(ASSAY_F32, (assay_activation)a, false);
        const assay_sae bf16 = random_sae(ASSAY_BF16, (assay_activation)a, false);
        const assay_sae normed = random_sae(ASSAY_F16, (assay_activation)a, true);
        judge_encode("scalar", ASSAY_F32, &f32);
        judge_encode("scalar", ASSAY_F32, &bf16);
        judge_encode("scalar", ASSAY_F32, &normed);
        judge_encode("scalar_bf16", ASSAY_BF16, &bf16);
        judge_encode("scalar_bf16", ASSAY_BF16, &normed);
    }
}

/* Whatever the capacity: complete offsets, the first entries, nothing past the end (which is an
 * unmapped page). */
Test(sae, encode_with_too_little_capacity_still_counts)
{
    const assay_sae sae = random_sae(ASSAY_BF16, ASSAY_RELU, false);
    const assay_tensor x = random_matrix(ASSAY_F32, ROWS, D, 10, 1.0);
    const encoded whole = encode("scalar", &sae, &x, ROWS * LATENTS);
    const int64_t count = (int64_t)assay_at1(&whole.codes.row_offsets, ROWS);
    const int64_t capacities[] = {0, 1, 50, count - 1, count};
    for (size_t c = 0; c < 5; c++) {
        const encoded part = encode("scalar", &sae, &x, capacities[c]);
        cr_assert(same_bits(&part.codes.row_offsets, &whole.codes.row_offsets));
        cr_assert(same_bits(&part.dense, &whole.dense));
        cr_assert_eq(memcmp(part.codes.latent.data, whole.codes.latent.data,
                            (size_t)capacities[c] * sizeof(int32_t)),
                     0);
        cr_assert_eq(memcmp(part.codes.value.data, whole.codes.value.data,
                            (size_t)capacities[c] * sizeof(float)),
                     0);
    }
}

/* d = 1, so pre_j is the weight itself. */
static assay_sae plain(const float *weight, int64_t latents, assay_activation activation)
{
    const assay_sae sae = {.d_in = 1,
                           .d_out = 1,
                           .d_sae = latents,
                           .encoder = blank(ASSAY_F32, latents, 1),
                           .decoder = random_matrix(ASSAY_F32, 1, latents, 1, 1.0),
                           .activation = activation};
    memcpy(sae.encoder.data, weight, (size_t)latents * sizeof *weight);
    return sae;
}

static void expect_latents(const assay_sae *sae, const int32_t *latents, int64_t count)
{
    const assay_tensor x = blank(ASSAY_F32, 1, 1);
    assay_put2(&x, 0, 0, 1.0);
    const encoded got = encode("scalar", sae, &x, sae->d_sae);
    cr_assert_eq((int64_t)assay_at1(&got.codes.row_offsets, 1), count);
    cr_assert_eq(memcmp(got.codes.latent.data, latents, (size_t)count * sizeof *latents), 0);
}

Test(sae, topk_ties_lowest_index_nan_on_top_nonpositive_unlisted)
{
    const float tied[6] = {1.0f, 2.0f, 2.0f, 3.0f, 2.0f, 2.0f};
    assay_sae sae = plain(tied, 6, ASSAY_TOPK);
    sae.k = 3;
    expect_latents(&sae, (const int32_t[]){1, 2, 3}, 3);
    const float few[5] = {-1.0f, 0.0f, 4.0f, -3.0f, -2.0f};
    sae = plain(few, 5, ASSAY_TOPK);
    sae.k = 4;
    expect_latents(&sae, (const int32_t[]){2}, 1);
    const float nans[5] = {1.0f, NAN, INFINITY, NAN, 2.0f};
    sae = plain(nans, 5, ASSAY_TOPK);
    sae.k = 2;
    expect_latents(&sae, (const int32_t[]){1, 3}, 2);
    sae.k = 99; /* more than there are */
    expect_latents(&sae, (const int32_t[]){0, 1, 2, 3, 4}, 5);
}

Test(sae, thresholds_are_strict_unrounded_and_infinity_never_fires)
{
    const float pre[6] = {0.3f, 0.3f, 0.3f, NAN, NAN, INFINITY};
    assay_sae sae = plain(pre, 6, ASSAY_JUMPRELU);
    sae.threshold = blank_vector(ASSAY_F64, 6);
    const double threshold[6] = {(double)0.3f, (double)0.3f - 1e-12, (double)0.3f + 1e-12,
                                 1.0, (double)INFINITY, (double)INFINITY};
    memcpy(sae.threshold.data, threshold, sizeof threshold);
    expect_latents(&sae, (const int32_t[]){1, 3}, 2);
    sae.activation = ASSAY_RELU;
    expect_latents(&sae, (const int32_t[]){0, 1, 2, 3, 4, 5}, 6);
}

static assay_tensor transposed_view(const assay_tensor *dense)
{
    assay_tensor stored = blank(dense->dtype, dense->shape[1], dense->shape[0]);
    for (int64_t i = 0; i < dense->shape[0]; i++) {
        for (int64_t j = 0; j < dense->shape[1]; j++) {
            assay_put2(&stored, j, i, assay_at2(dense, i, j));
        }
    }
    assay_tensor view = stored;
    view.shape[0] = dense->shape[0];
    view.shape[1] = dense->shape[1];
    view.stride[0] = 1;
    view.stride[1] = dense->shape[0];
    return view;
}

static void judge_decode(const char *impl, assay_dtype type, bool layer_norm, bool wide)
{
    assay_sae sae = random_sae(ASSAY_BF16, ASSAY_RELU, layer_norm);
    const assay_tensor x = random_matrix(type, ROWS, D, 10, 1.0);
    encoded codes = encode(impl, &sae, &x, ROWS * LATENTS);
    for (int64_t o = 0; o < D; o++) {
        assay_put2(&sae.decoder, o, 3, NAN); /* decode_scale 0: never reached */
    }
    if (wide) { /* 64-bit latents and float64 values, as golden bundles have them */
        const int64_t count = ROWS * LATENTS;
        const assay_csr narrow = codes.codes;
        codes.codes.latent = blank_vector(ASSAY_I64, count);
        codes.codes.value = blank_vector(ASSAY_F64, count);
        for (int64_t e = 0; e < (int64_t)assay_at1(&narrow.row_offsets, ROWS); e++) {
            assay_put1(&codes.codes.latent, e, assay_at1(&narrow.latent, e));
            assay_put1(&codes.codes.value, e, assay_at1(&narrow.value, e));
        }
    }
    const assay_sae_decode_params params = {.sae = sae};
    const assay_sae_decode_io io = {.codes = codes.codes,
                                    .x = layer_norm ? x : (assay_tensor){0},
                                    .y = blank(type, ROWS, D)};
    const assay_kernel *const kernel = assay_kernel_find(ASSAY_OP_sae_decode, impl);
    assay_sae_decode_io truth = io;
    truth.y = blank(ASSAY_F64, ROWS, D);
    const assay_error_model model = blank_model(ROWS, D);
    assay_error said = {0};
    cr_assert_eq(assay_ref_sae_decode(&params, &truth, NULL, &kernel->precision, &model, &said),
                 ASSAY_OK, "%s", said.message);
    RUN_KERNEL(sae_decode, kernel, &params, &io);
    judge(impl, &io.y, &truth.y, &model);
    assay_sae_decode_params turned = params;
    turned.sae.decoder = transposed_view(&sae.decoder);
    assay_sae_decode_io again = io;
    again.y = blank(type, ROWS, D);
    RUN_KERNEL(sae_decode, kernel, &turned, &again);
    cr_assert(same_bits(&again.y, &io.y));
}

Test(sae, decode_from_either_layout)
{
    judge_decode("scalar", ASSAY_F32, false, false);
    judge_decode("scalar", ASSAY_F32, true, true);
    judge_decode("scalar_bf16", ASSAY_BF16, false, true);
    judge_decode("scalar_bf16", ASSAY_BF16, true, false);
}

Test(sae, a_row_without_latents_decodes_to_the_bias)
{
    const assay_sae_decode_params params = {.sae = random_sae(ASSAY_F32, ASSAY_RELU, false)};
    const int64_t none[3] = {0, 0, 0};
    const assay_sae_decode_io io = {.codes = {.row_offsets = int_vector(ASSAY_I64, 3, none),
                                              .latent = blank_vector(ASSAY_I32, 0),
                                              .value = blank_vector(ASSAY_F32, 0)},
                                    .y = blank(ASSAY_F32, 2, D)};
    RUN_KERNEL(sae_decode, assay_kernel_find(ASSAY_OP_sae_decode, "scalar"), &params, &io);
    for (int64_t o = 0; o < D; o++) {
        cr_assert_eq(assay_at2(&io.y, 1, o), (double)(float)assay_at1(&params.sae.decode_bias, o));
    }
}

static void judge_steer(const char *impl, assay_dtype type, assay_activation activation, bool norm)
{
    const assay_sae sae = random_sae(ASSAY_F32, activation, norm);
    for (int mode = ASSAY_STEER_ADD; mode <= ASSAY_STEER_ABLATE; mode++) {
        for (int64_t latent = 2; latent < 5; latent++) {
            const assay_sae_steer_params params = {.sae = sae,
                                                   .latent = latent,
                                                   .mode = (assay_steer_mode)mode,
                                                   .amount = 2.5};
            assay_sae_steer_io io = {.x = random_matrix(type, ROWS, D, 10, 1.0),
                                     .y = blank(type, ROWS, D)};
            const assay_kernel *const kernel = assay_kernel_find(ASSAY_OP_sae_steer, impl);
            assay_sae_steer_io truth = io;
            truth.y = blank(ASSAY_F64, ROWS, D);
            const assay_error_model model = blank_model(ROWS, D);
            cr_assert_eq(assay_ref_sae_steer(&params, &truth, NULL, &kernel->precision, &model,
                                             NULL),
                         ASSAY_OK);
            RUN_KERNEL(sae_steer, kernel, &params, &io);
            judge(impl, &io.y, &truth.y, &model);
            if (latent == 3) {
                cr_assert(same_bits(&io.x, &io.y)); /* decode_scale 0 */
            }
            const assay_tensor apart = io.y;
            io.y = io.x;
            RUN_KERNEL(sae_steer, kernel, &params, &io);
            cr_assert(same_bits(&apart, &io.y));
        }
    }
}

Test(sae, steer_every_mode)
{
    for (int a = ASSAY_RELU; a <= ASSAY_TOPK; a++) {
        judge_steer("scalar", ASSAY_F32, (assay_activation)a, a == ASSAY_TOPK);
        judge_steer("scalar_bf16", ASSAY_BF16, (assay_activation)a, a == ASSAY_RELU);
    }
}
