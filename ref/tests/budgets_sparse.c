/* The error models of the autoencoder ops and the adapters against simulated f32 kernels. */
#include "support.h"

enum { ROWS = 8, D = 160, LATENTS = 320, RANK = 6 };

typedef struct world {
    assay_sae sae;
    assay_tensor x;
} world;

static world make_world(bool vectors, bool layer_norm)
{
    world w;
    memset(&w, 0, sizeof w);
    w.sae.d_in = D;
    w.sae.d_out = D;
    w.sae.d_sae = LATENTS;
    w.sae.encoder = random_matrix(21, ASSAY_BF16, LATENTS, D, 0.1);
    w.sae.decoder = random_matrix(22, ASSAY_BF16, D, LATENTS, 0.1);
    w.sae.encode_bias = random_vector(23, ASSAY_F64, LATENTS, 0.3, 0.0);
    w.sae.decode_bias = random_vector(24, ASSAY_F64, D, 0.3, 0.0);
    w.sae.layer_norm = layer_norm;
    w.sae.activation = ASSAY_RELU;
    if (vectors) {
        w.sae.pre_bias = random_vector(25, ASSAY_F64, D, 0.3, 0.0);
        w.sae.encode_scale = random_vector(26, ASSAY_F64, LATENTS, 0.1, 1.0);
        w.sae.decode_scale = random_vector(27, ASSAY_F64, LATENTS, 0.1, 1.0);
        w.sae.gate = random_vector(28, ASSAY_F64, LATENTS, 0.1, 1.0);
        w.sae.threshold = random_vector(29, ASSAY_F64, LATENTS, 0.1, 0.5);
        w.sae.activation = ASSAY_JUMPRELU;
    }
    w.x = random_matrix(30, ASSAY_F32, ROWS, D, 2.0);
    return w;
}

static void free_world(world *w)
{
    const assay_tensor *owned[] = {&w->sae.encoder, &w->sae.decoder, &w->sae.encode_bias,
                                   &w->sae.decode_bias, &w->sae.pre_bias, &w->sae.encode_scale,
                                   &w->sae.decode_scale, &w->sae.gate, &w->sae.threshold, &w->x};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) {
        free(owned[i]->data);
    }
}

static float vector_at(const assay_tensor *v, int64_t i, float absent)
{
    return assay_present(v) ? (float)assay_at1(v, i) : absent;
}

/* The mean and deviation of a row in f32. */
static void moments(const float *x, float *mean, float *deviation)
{
    float sum = 0.0f;
    float square = 0.0f;
    for (int64_t k = 0; k < D; k++) {
        sum += x[k];
    }
    *mean = sum / D;
    for (int64_t k = 0; k < D; k++) {
        square += (x[k] - *mean) * (x[k] - *mean);
    }
    *deviation = sqrtf(square / (D - 1));
}

static float simulate_pre(const world *w, int64_t n, int64_t j)
{
    float x[D];
    float mean = 0.0f;
    float deviation = 1.0f;
    for (int64_t k = 0; k < D; k++) {
        x[k] = (float)assay_at2(&w->x, n, k);
    }
    if (w->sae.layer_norm) {
        moments(x, &mean, &deviation);
        deviation += 1e-5f;
    }
    float sum = 0.0f;
    for (int64_t k = 0; k < D; k++) {
        const float z = w->sae.layer_norm ? (x[k] - mean) / deviation : x[k];
        sum += (z - vector_at(&w->sae.pre_bias, k, 0.0f)) * (float)assay_at2(&w->sae.encoder, j, k);
    }
    return sum * vector_at(&w->sae.encode_scale, j, 1.0f) +
           vector_at(&w->sae.encode_bias, j, 0.0f);
}

static void try_encode(bool vectors, bool layer_norm)
{
    assay_error error;
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    world w = make_world(vectors, layer_norm);
    const assay_tensor pre = zeros(ASSAY_F64, ROWS, LATENTS);
    const assay_tensor score = zeros(ASSAY_F64, ROWS, LATENTS);
    const assay_tensor got = zeros(ASSAY_F32, ROWS, LATENTS);
    const assay_tensor gated = zeros(ASSAY_F32, ROWS, LATENTS);
    assay_error_model model = new_model(ROWS, LATENTS);
    assay_error_model score_model = new_model(ROWS, LATENTS);
    cr_assert_ok(assay_ref_sae_preactivations(&w.sae, &w.x, NULL, &f32, &pre, &score, &model,
                                              &score_model, &error), error);
    for (int64_t n = 0; n < ROWS; n++) {
        for (int64_t j = 0; j < LATENTS; j++) {
            const float value = simulate_pre(&w, n, j);
            assay_put2(&got, n, j, (double)value);
            assay_put2(&gated, n, j, (double)(value * vector_at(&w.sae.gate, j, 1.0f)));
        }
    }
    cr_assert_budget(measure_usage(&got, &pre, &model), 0.005);
    cr_assert_budget(measure_usage(&gated, &score, &score_model), 0.005);
    free(pre.data), free(score.data), free(got.data), free(gated.data);
    free_model(&model), free_model(&score_model), free_world(&w);
}

Test(budgets, encoding_holds_plain_scaled_and_normed)
{
    try_encode(false, false);
    try_encode(true, false);
    try_encode(true, true);
}

static void try_decode(bool vectors, bool layer_norm)
{
    assay_error error;
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    world w = make_world(vectors, layer_norm);
    enum { PER_ROW = 37 };
    int64_t offsets[ROWS + 1];
    int32_t latent[ROWS * PER_ROW];
    float value[ROWS * PER_ROW];
    for (int64_t e = 0; e < ROWS * PER_ROW; e++) {
        latent[e] = (int32_t)(e % PER_ROW * 8 + e / PER_ROW);
        value[e] = (float)fabs(draw_normal(31, (uint64_t)e)) + 0.1f;
    }
    for (int64_t i = 0; i <= ROWS; i++) {
        offsets[i] = i * PER_ROW;
    }
    const assay_csr codes = {assay_vector(offsets, ASSAY_I64, ROWS + 1),
                             assay_vector(latent, ASSAY_I32, ROWS * PER_ROW),
                             assay_vector(value, ASSAY_F32, ROWS * PER_ROW)};
    const assay_tensor y = zeros(ASSAY_F64, ROWS, D);
    const assay_tensor got = zeros(ASSAY_F32, ROWS, D);
    assay_error_model model = new_model(ROWS, D);
    const assay_sae_decode_params params = {w.sae};
    const assay_sae_decode_io io = {codes, w.x, y};
    cr_assert_ok(assay_ref_sae_decode(&params, &io, NULL, &f32, &model, &error), error);
    for (int64_t n = 0; n < ROWS; n++) {
        float x[D];
        float mean = 0.0f;
        float deviation = 1.0f;
        for (int64_t k = 0; k < D; k++) {
            x[k] = (float)assay_at2(&w.x, n, k);
        }
        moments(x, &mean, &deviation);
        for (int64_t i = 0; i < D; i++) {
            float sum = 0.0f;
            for (int64_t e = n * PER_ROW; e < (n + 1) * PER_ROW; e++) {
                sum += value[e] * vector_at(&w.sae.decode_scale, latent[e], 1.0f) *
                       (float)assay_at2(&w.sae.decoder, i, latent[e]);
            }
            sum += vector_at(&w.sae.decode_bias, i, 0.0f);
            assay_put2(&got, n, i, (double)(layer_norm ? sum * deviation + mean : sum));
        }
    }
    cr_assert_budget(measure_usage(&got, &y, &model), 0.005);
    free(y.data), free(got.data), free_model(&model), free_world(&w);
}

Test(budgets, decoding_holds_plain_scaled_and_normed)
{
    try_decode(false, false);
    try_decode(true, false);
    try_decode(true, true);
}

Test(budgets, steering_holds_for_every_mode)
{
    assay_error error;
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    world w = make_world(true, false);
    const assay_tensor y = zeros(ASSAY_F64, ROWS, D);
    const assay_tensor got = zeros(ASSAY_F32, ROWS, D);
    assay_error_model model = new_model(ROWS, D);
    for (int mode = ASSAY_STEER_ADD; mode <= ASSAY_STEER_ABLATE; mode++) {
        const int64_t j = 7;
        const assay_sae_steer_params params = {w.sae, j, (assay_steer_mode)mode, 1.7};
        const assay_sae_steer_io io = {w.x, y};
        cr_assert_ok(assay_ref_sae_steer(&params, &io, NULL, &f32, &model, &error), error);
        for (int64_t n = 0; n < ROWS; n++) {
            const float pre = simulate_pre(&w, n, j);
            const float gated = pre * vector_at(&w.sae.gate, j, 1.0f);
            const float f = gated > vector_at(&w.sae.threshold, j, 0.0f) ? pre : 0.0f;
            const float after[4] = {f + 1.7f, 1.7f, f * 1.7f, 0.0f};
            const float change = mode == ASSAY_STEER_ADD ? 1.7f : after[mode] - f;
            for (int64_t i = 0; i < D; i++) {
                const float column = vector_at(&w.sae.decode_scale, j, 1.0f) *
                                     (float)assay_at2(&w.sae.decoder, i, j);
                assay_put2(&got, n, i, (double)((float)assay_at2(&w.x, n, i) + change * column));
            }
        }
        const usage use = measure_usage(&got, &y, &model);
        cr_assert_leq(use.worst, 1.0, "mode %d: %g", mode, use.worst);
        cr_assert_geq(use.worst, 0.05);
    }
    free(y.data), free(got.data), free_model(&model), free_world(&w);
}

/* The product that steers may be rounded to the multiply type or not (precision.h): where it is
 * nearly a number of that type, a kernel that does not round it still errs by its own encoding. */
Test(budgets, steering_without_rounding_is_right_where_rounding_would_cost_nothing)
{
    assay_error error;
    assay_precision contract = contract_of(ASSAY_BF16, ASSAY_NONE, ASSAY_F32);
    contract.accumulate = (assay_accumulator){14, ASSAY_TRUNCATE, 32};
    float x[2] = {1.0f, 0x1p-8f};
    float encoder[2] = {1.0f, -0x1p-8f}; /* f = 1 - 2^-16, of which 14 bits keep 1 - 2^-14 */
    float decoder[2] = {1.0f, 1.0f};
    double y[2];
    assay_error_model model = new_model(1, 2);
    const assay_sae sae = {.d_in = 2, .d_out = 2, .d_sae = 1, .activation = ASSAY_RELU,
                           .encoder = assay_matrix(encoder, ASSAY_F32, 1, 2),
                           .decoder = assay_matrix(decoder, ASSAY_F32, 2, 1)};
    const assay_sae_steer_params params = {.sae = sae, .mode = ASSAY_STEER_ABLATE};
    const assay_sae_steer_io io = {assay_matrix(x, ASSAY_F32, 1, 2),
                                   assay_matrix(y, ASSAY_F64, 1, 2)};
    cr_assert_ok(assay_ref_sae_steer(&params, &io, NULL, &contract, &model, &error), error);
    const double got = 1.0 - (1.0 - 0x1p-14);
    cr_assert_geq(assay_at2(&model.bound, 0, 0), fabs(got - y[0]));
    cr_assert_lt(assay_at2(&model.bound, 0, 0), 8.0 * fabs(got - y[0]));
    free_model(&model);
}

static float simulate_adapter(const assay_adapter_params *p, const float *v, int64_t i)
{
    float y = 0.0f;
    if (p->type == ASSAY_ADAPTER_FULL_RANK) {
        for (int64_t k = 0; k < D; k++) {
            y += v[k] * (float)assay_at2(&p->weight, i, k);
        }
        return y + (float)assay_at1(&p->bias, i);
    }
    y = expf((float)assay_at1(&p->log_scale, 0)) * v[i];
    for (int64_t q = 0; q < RANK; q++) {
        float z = 0.0f;
        for (int64_t k = 0; k < D; k++) {
            z += v[k] * (float)assay_at2(&p->u, k, q);
        }
        y += z * (float)assay_at2(&p->v, i, q);
    }
    return y + (float)assay_at1(&p->bias, i);
}

static void try_adapter(assay_adapter_type type)
{
    assay_error error;
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    const assay_tensor x = random_matrix(41, ASSAY_F32, ROWS, D, 5.0);
    const assay_tensor y = zeros(ASSAY_F64, ROWS, D);
    const assay_tensor got = zeros(ASSAY_F32, ROWS, D);
    assay_error_model model = new_model(ROWS, D);
    const assay_adapter_params params = {
        type, true, random_vector(42, ASSAY_F32, D, 1.0, 0.0),
        random_vector(43, ASSAY_F32, 1, 1.0, 2.0), random_vector(44, ASSAY_F32, D, 0.1, 0.0),
        random_matrix(45, ASSAY_F32, D, RANK, 0.3), random_matrix(46, ASSAY_F32, D, RANK, 0.3),
        random_matrix(47, ASSAY_F32, D, D, 0.3)};
    const assay_adapter_io io = {x, y};
    cr_assert_ok(assay_ref_adapter(&params, &io, NULL, &f32, &model, &error), error);
    for (int64_t n = 0; n < ROWS; n++) {
        float v[D];
        float square = 0.0f;
        for (int64_t k = 0; k < D; k++) {
            v[k] = (float)assay_at2(&x, n, k) - (float)assay_at1(&params.mean, k);
            square += v[k] * v[k];
        }
        for (int64_t k = 0; k < D; k++) {
            v[k] /= sqrtf(square) + 1e-8f;
        }
        for (int64_t i = 0; i < D; i++) {
            assay_put2(&got, n, i, (double)simulate_adapter(&params, v, i));
        }
    }
    cr_assert_budget(measure_usage(&got, &y, &model), 0.005);
    free(x.data), free(y.data), free(got.data), free_model(&model);
    free(params.mean.data), free(params.log_scale.data), free(params.bias.data);
    free(params.u.data), free(params.v.data), free(params.weight.data);
}

Test(budgets, adapters_hold)
{
    try_adapter(ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK);
    try_adapter(ASSAY_ADAPTER_FULL_RANK);
}
