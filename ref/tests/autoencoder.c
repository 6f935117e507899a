/* The autoencoder ops: sparse and dense forms, layer norm, decoding and the algebra of steering. */
#include "support.h"

enum { D = 6, M = 8 };

static assay_sae make_sae(bool layer_norm)
{
    assay_sae sae;
    memset(&sae, 0, sizeof sae);
    sae.d_in = D;
    sae.d_out = D;
    sae.d_sae = M;
    sae.encoder = random_matrix(61, ASSAY_F32, M, D, 1.0);
    sae.decoder = random_matrix(62, ASSAY_BF16, D, M, 1.0);
    sae.pre_bias = random_vector(63, ASSAY_F64, D, 0.2, 0.0);
    sae.encode_scale = random_vector(64, ASSAY_F64, M, 0.1, 1.0);
    sae.encode_bias = random_vector(65, ASSAY_F64, M, 0.5, 0.0);
    sae.decode_scale = random_vector(66, ASSAY_F64, M, 0.1, 1.0);
    sae.decode_bias = random_vector(67, ASSAY_F64, D, 0.5, 0.0);
    sae.activation = ASSAY_RELU;
    sae.layer_norm = layer_norm;
    return sae;
}

static void free_sae(assay_sae *sae)
{
    free(sae->encoder.data), free(sae->decoder.data), free(sae->pre_bias.data);
    free(sae->encode_scale.data), free(sae->encode_bias.data), free(sae->decode_scale.data);
    free(sae->decode_bias.data);
}

typedef struct codes {
    int64_t offsets[4];
    int32_t latent[3 * M];
    double value[3 * M];
    assay_csr csr;
} codes;

static void encode(const assay_sae *sae, const assay_tensor *x, int64_t capacity, codes *out,
                   double *dense)
{
    assay_error error = {0};
    const assay_exec exec = {.error = &error, .threads = 1};
    const int64_t rows = x->shape[0];
    out->csr.row_offsets = assay_vector(out->offsets, ASSAY_I64, rows + 1);
    out->csr.latent = assay_vector(out->latent, ASSAY_I32, capacity);
    out->csr.value = assay_vector(out->value, ASSAY_F64, capacity);
    const assay_sae_encode_params params = {*sae};
    const assay_sae_encode_io io = {*x, out->csr, assay_matrix(dense, ASSAY_F64, rows, M)};
    const assay_kernel *kernel = assay_oracle.kernel[ASSAY_OP_sae_encode];
    cr_assert_ok(kernel->run.sae_encode.run(&exec, &params, NULL, &io), error);
}

Test(encode, the_sparse_and_the_dense_form_hold_the_same_numbers)
{
    assay_sae sae = make_sae(true);
    const assay_tensor x = random_matrix(68, ASSAY_F32, 3, D, 1.0);
    codes c;
    double dense[3 * M];
    encode(&sae, &x, 3 * M, &c, dense);
    cr_assert_gt(c.offsets[3], 3);
    for (int64_t i = 0; i < 3; i++) {
        int64_t e = c.offsets[i];
        for (int64_t j = 0; j < M; j++) {
            const bool listed = e < c.offsets[i + 1] && c.latent[e] == j;
            cr_assert_eq(listed ? c.value[e] : 0.0, dense[i * M + j]);
            e += listed ? 1 : 0;
        }
        cr_assert_eq(e, c.offsets[i + 1]);
    }
    free(x.data), free_sae(&sae);
}

Test(encode, too_small_a_capacity_still_gives_the_true_counts_and_writes_no_further)
{
    assay_sae sae = make_sae(false);
    const assay_tensor x = random_matrix(68, ASSAY_F32, 3, D, 1.0);
    codes whole;
    codes small;
    double dense[3 * M];
    encode(&sae, &x, 3 * M, &whole, dense);
    small.latent[2] = -77;
    encode(&sae, &x, 2, &small, dense);
    cr_assert_arr_eq(small.offsets, whole.offsets, sizeof whole.offsets);
    cr_assert_arr_eq(small.latent, whole.latent, 2 * sizeof(int32_t));
    cr_assert_eq(small.latent[2], -77);
    free(x.data), free_sae(&sae);
}

Test(encode, layer_norm_has_its_epsilon_outside_the_root_and_an_unbiased_deviation)
{
    assay_error error;
    assay_sae sae;
    double x[2] = {1.0, 3.0}; /* mean 2, unbiased deviation sqrt(2) */
    double encoder[2] = {1.0, 0.0};
    double pre, score;
    memset(&sae, 0, sizeof sae);
    sae.d_in = 2;
    sae.d_sae = 1;
    sae.layer_norm = true;
    sae.encoder = assay_matrix(encoder, ASSAY_F64, 1, 2);
    const assay_tensor row = assay_matrix(x, ASSAY_F64, 1, 2);
    const assay_tensor pre_view = assay_matrix(&pre, ASSAY_F64, 1, 1);
    const assay_tensor score_view = assay_matrix(&score, ASSAY_F64, 1, 1);
    cr_assert_ok(assay_ref_sae_preactivations(&sae, &row, NULL, NULL, &pre_view, &score_view, NULL,
                                              NULL, &error), error);
    cr_assert_float_eq(pre, -1.0 / (sqrt(2.0) + 1e-5), 1e-15);
}

static void decode(const assay_sae *sae, const assay_csr *csr, const assay_tensor *x, double *y)
{
    assay_error error;
    const assay_sae_decode_params params = {*sae};
    const assay_sae_decode_io io = {*csr, *x, assay_matrix(y, ASSAY_F64, x->shape[0], D)};
    cr_assert_ok(assay_ref_sae_decode(&params, &io, NULL, NULL, NULL, &error), error);
}

/* One row's codes with latent j's value replaced, j included even where it was not listed. */
static void edit(const codes *from, int32_t j, double value, codes *to)
{
    int64_t count = 0;
    bool placed = false;
    for (int64_t e = 0; e <= from->offsets[1]; e++) {
        const int32_t latent = e < from->offsets[1] ? from->latent[e] : M;
        if (!placed && latent >= j) {
            to->latent[count] = j;
            to->value[count++] = value;
            placed = true;
        }
        if (latent != j && latent < M) {
            to->latent[count] = latent;
            to->value[count++] = from->value[e];
        }
    }
    to->offsets[0] = 0;
    to->offsets[1] = count;
    to->csr.row_offsets = assay_vector(to->offsets, ASSAY_I64, 2);
    to->csr.latent = assay_vector(to->latent, ASSAY_I32, count);
    to->csr.value = assay_vector(to->value, ASSAY_F64, count);
}

static double value_of(const codes *c, int32_t j)
{
    for (int64_t e = 0; e < c->offsets[1]; e++) {
        if (c->latent[e] == j) {
            return c->value[e];
        }
    }
    return 0.0;
}

Test(steer, is_decoding_the_edit_and_adding_the_reconstruction_error_back)
{
    assay_error error;
    for (int form = 0; form < 3; form++) {
        assay_sae sae = make_sae(form == 2);
        sae.activation = form == 0 ? ASSAY_RELU : ASSAY_TOPK;
        sae.k = 3;
        const assay_tensor x = random_matrix(70, ASSAY_F64, 1, D, 1.0);
        codes f, edited;
        double dense[M], before[D], after[D], y[D];
        encode(&sae, &x, M, &f, dense);
        decode(&sae, &f.csr, &x, before);
        for (int mode = ASSAY_STEER_ADD; mode <= ASSAY_STEER_ABLATE; mode++) {
            for (int32_t j = 0; j < M; j++) {
                const double amount = 2.5;
                const double was = value_of(&f, j);
                const double now[] = {was + amount, amount, was * amount, 0.0};
                edit(&f, j, now[mode], &edited);
                decode(&sae, &edited.csr, &x, after);
                const assay_sae_steer_params params = {sae, j, (assay_steer_mode)mode, amount};
                const assay_sae_steer_io io = {x, assay_matrix(y, ASSAY_F64, 1, D)};
                cr_assert_ok(assay_ref_sae_steer(&params, &io, NULL, NULL, NULL, &error), error);
                for (int64_t i = 0; i < D; i++) {
                    cr_assert_float_eq(y[i], after[i] + assay_at2(&x, 0, i) - before[i], 1e-12,
                                       "form %d mode %d latent %d", form, mode, (int)j);
                }
            }
        }
        free(x.data), free_sae(&sae);
    }
}

Test(steer, a_latent_of_scale_zero_leaves_the_row_as_it_is)
{
    assay_error error;
    assay_sae sae = make_sae(false);
    const assay_tensor x = random_matrix(70, ASSAY_F64, 1, D, 1.0);
    double y[D];
    assay_put1(&sae.decode_scale, 2, 0.0);
    assay_put2(&sae.decoder, 3, 2, (double)NAN);
    for (int mode = ASSAY_STEER_ADD; mode <= ASSAY_STEER_ABLATE; mode++) {
        const assay_sae_steer_params params = {sae, 2, (assay_steer_mode)mode, 3.0};
        const assay_sae_steer_io io = {x, assay_matrix(y, ASSAY_F64, 1, D)};
        cr_assert_ok(assay_ref_sae_steer(&params, &io, NULL, NULL, NULL, &error), error);
        cr_assert_arr_eq(y, x.data, sizeof y);
    }
    free(x.data), free_sae(&sae);
}

Test(steer, an_undecided_latent_may_be_off_by_its_whole_value)
{
    assay_error error;
    assay_sae sae = make_sae(false);
    const assay_tensor x = random_matrix(70, ASSAY_F32, 1, D, 1.0);
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    double pre, score, y[D], threshold[M];
    const int64_t j = 0;
    const assay_subset one = {NULL, 0, &j, 1};
    const assay_tensor pre_view = assay_matrix(&pre, ASSAY_F64, 1, 1);
    const assay_tensor score_view = assay_matrix(&score, ASSAY_F64, 1, 1);
    cr_assert_ok(assay_ref_sae_preactivations(&sae, &x, &one, NULL, &pre_view, &score_view, NULL,
                                              NULL, &error), error);
    assay_error_model model = new_model(1, D);
    sae.activation = ASSAY_JUMPRELU;
    sae.threshold = assay_vector(threshold, ASSAY_F64, M);
    threshold[0] = score;
    const assay_sae_steer_params params = {sae, 0, ASSAY_STEER_ABLATE, 0.0};
    const assay_sae_steer_io io = {x, assay_matrix(y, ASSAY_F64, 1, D)};
    cr_assert_ok(assay_ref_sae_steer(&params, &io, NULL, &f32, &model, &error), error);
    const double column = assay_at2(&sae.decoder, 1, 0) * assay_at1(&sae.decode_scale, 0);
    cr_assert_geq(assay_at2(&model.bound, 0, 1), fabs(pre * column));
    threshold[0] = score - 0.01;
    cr_assert_ok(assay_ref_sae_steer(&params, &io, NULL, &f32, &model, &error), error);
    cr_assert_lt(assay_at2(&model.bound, 0, 1), 1e-5);
    free(x.data), free_model(&model), free_sae(&sae);
}

Test(decode, only_listed_latents_with_a_scale_take_part)
{
    assay_sae sae = make_sae(false);
    const assay_tensor x = random_matrix(70, ASSAY_F64, 1, D, 1.0);
    codes c = {.offsets = {0, 2}, .latent = {1, 4}, .value = {2.0, 3.0}};
    c.csr.row_offsets = assay_vector(c.offsets, ASSAY_I64, 2);
    c.csr.latent = assay_vector(c.latent, ASSAY_I32, 2);
    c.csr.value = assay_vector(c.value, ASSAY_F64, 2);
    double y[D];
    assay_put2(&sae.decoder, 0, 3, (double)NAN); /* not listed */
    assay_put2(&sae.decoder, 0, 4, (double)NAN); /* listed, but of scale 0 */
    assay_put1(&sae.decode_scale, 4, 0.0);
    decode(&sae, &c.csr, &x, y);
    cr_assert_float_eq(y[0], 2.0 * assay_at1(&sae.decode_scale, 1) * assay_at2(&sae.decoder, 0, 1) +
                                 assay_at1(&sae.decode_bias, 0), 1e-14);
    free(x.data), free_sae(&sae);
}

Test(decode, codes_that_do_not_fit_are_refused)
{
    assay_error error;
    assay_sae sae = make_sae(false);
    double y[D];
    codes c = {.offsets = {0, 3}, .latent = {1, M}, .value = {2.0, 3.0}};
    c.csr.row_offsets = assay_vector(c.offsets, ASSAY_I64, 2);
    c.csr.latent = assay_vector(c.latent, ASSAY_I32, 2);
    c.csr.value = assay_vector(c.value, ASSAY_F64, 2);
    const assay_sae_decode_params params = {sae};
    const assay_sae_decode_io io = {.codes = c.csr, .y = assay_matrix(y, ASSAY_F64, 1, D)};
    cr_assert_eq(assay_ref_sae_decode(&params, &io, NULL, NULL, NULL, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_not_null(strstr(error.message, "row_offsets[1] is 3"));
    c.offsets[1] = 2;
    cr_assert_eq(assay_ref_sae_decode(&params, &io, NULL, NULL, NULL, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_not_null(strstr(error.message, "latent[1] is 8"));
    free_sae(&sae);
}
