/* What underflows and then meets an infinity, or divides: 0 * Inf and 1 / 0. A right kernel may
 * give a NaN there, and the models say so; where it may not they stay closed. */
#include "ref/tests/support.h"

enum { D = 4 };

static const assay_precision plain = {.accumulate = {24, ASSAY_NEAREST, 1},
                                      .intermediate = ASSAY_F32, .output = ASSAY_F32};
static const assay_precision flushing = {
    .accumulate = {24, ASSAY_NEAREST, 1}, .intermediate = ASSAY_F32, .output = ASSAY_F32,
    .flush = ASSAY_FLUSH_IN | ASSAY_FLUSH_ACCUMULATE | ASSAY_FLUSH_OUT};

/* y, and its budget, of an op with the model's two tensors beside it. */
typedef struct outcome {
    double y[D], bound[D], sigma[D];
    assay_tensor out;
    assay_error_model model;
    assay_error error;
} outcome;

static outcome *make(void)
{
    outcome *o = calloc(1, sizeof *o);
    o->out = assay_matrix(o->y, ASSAY_F64, 1, D);
    o->model = (assay_error_model){.bound = assay_matrix(o->bound, ASSAY_F64, 1, D),
                                   .sigma = assay_matrix(o->sigma, ASSAY_F64, 1, D)};
    return o;
}

/* A subnormal times an infinity, and a number beside it. */
static float mixed[D] = {1e-40f, 1.0f, 0.5f, 0.25f};
static float weights[D * D] = {
    INFINITY, 1.0f, 1.0f, 1.0f, /* infinite by the subnormal */
    1.0f, INFINITY, 1.0f, 1.0f, /* by a normal number */
    1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f,
};

static void expect_first_open_to_nan(const outcome *o, bool flushes)
{
    cr_assert(isinf(o->y[0]) && isinf(o->y[1]));
    cr_expect_eq(flushes, isnan(o->bound[0]));
    cr_expect(!flushes ? o->bound[0] == 0.0 : true);
    cr_expect_eq(o->bound[1], 0.0, "no subnormal made it infinite");
    cr_expect(o->bound[2] < 1e-6);
}

static void run_linear(const assay_precision *contract)
{
    outcome *const o = make();
    const assay_linear_params params = {.weight = assay_matrix(weights, ASSAY_F32, D, D)};
    const assay_linear_io io = {assay_matrix(mixed, ASSAY_F32, 1, D), o->out};
    cr_assert_ok(assay_ref_linear(&params, &io, NULL, contract, &o->model, &o->error), o->error);
    expect_first_open_to_nan(o, contract->flush != 0);
    free(o);
}

Test(extremes, a_flushed_operand_of_linear_makes_an_infinity_nan)
{
    run_linear(&plain);
    run_linear(&flushing);
}

static void run_decode(const assay_precision *contract)
{
    outcome *const o = make();
    int64_t offsets[2] = {0, D};
    int32_t latents[D] = {0, 1, 2, 3};
    const assay_sae_decode_params params = {
        {.d_in = D, .d_out = D, .d_sae = D, .decoder = assay_matrix(weights, ASSAY_F32, D, D)}};
    const assay_sae_decode_io io = {
        .codes = {assay_vector(offsets, ASSAY_I64, 2), assay_vector(latents, ASSAY_I32, D),
                  assay_vector(mixed, ASSAY_F32, D)},
        .y = o->out};
    cr_assert_ok(assay_ref_sae_decode(&params, &io, NULL, contract, &o->model, &o->error),
                 o->error);
    expect_first_open_to_nan(o, contract->flush != 0);
    free(o);
}

Test(extremes, a_flushed_value_of_a_latent_makes_an_infinity_nan)
{
    run_decode(&plain);
    run_decode(&flushing);
}

static void run_adapter(const assay_precision *contract)
{
    outcome *const o = make();
    float zeros_of[D] = {0};
    const assay_adapter_params params = {.type = ASSAY_ADAPTER_FULL_RANK,
                                         .bias = assay_vector(zeros_of, ASSAY_F32, D),
                                         .weight = assay_matrix(weights, ASSAY_F32, D, D)};
    const assay_adapter_io io = {assay_matrix(mixed, ASSAY_F32, 1, D), o->out};
    cr_assert_ok(assay_ref_adapter(&params, &io, NULL, contract, &o->model, &o->error), o->error);
    expect_first_open_to_nan(o, contract->flush != 0);
    free(o);
}

Test(extremes, a_flushed_element_of_an_adapter_makes_an_infinity_nan)
{
    run_adapter(&plain);
    run_adapter(&flushing);
}

/* Normalised, a subnormal row is far from 0; of a flushed one nothing is left. */
Test(extremes, an_adapter_may_flush_what_it_normalises)
{
    outcome *const o = make();
    float x[D] = {1e-39f, -2e-39f, 3e-39f, 1e-30f};
    float one = 0.0f;
    const assay_adapter_params params = {.type = ASSAY_ADAPTER_SCALE_ONLY, .normalize_input = true,
                                         .log_scale = assay_vector(&one, ASSAY_F32, 1)};
    const assay_adapter_io io = {assay_matrix(x, ASSAY_F32, 1, D), o->out};
    cr_assert_ok(assay_ref_adapter(&params, &io, NULL, &flushing, &o->model, &o->error), o->error);
    for (int i = 0; i < 3; i++) {
        cr_expect(o->bound[i] >= fabs(o->y[i]), "element %d may be 0", i);
    }
    cr_expect(o->bound[3] < 1e-5 * o->y[3]);
    cr_assert_ok(assay_ref_adapter(&params, &io, NULL, &plain, &o->model, &o->error), o->error);
    cr_expect(o->bound[2] < 1e-5 * o->y[2]);
    free(o);
}

/* One head over `count` keys with the scores given: q is 1, a key is its score. */
static void run_attention(int64_t count, const float *score, const float *value, outcome *o)
{
    float q[1] = {1.0f};
    float k[1] = {score[count - 1]};
    float v[1] = {value[count - 1]};
    float k_cache[D];
    float v_cache[D];
    int32_t sequence[1] = {0};
    int32_t position[1] = {(int32_t)count - 1};
    const int64_t shape[3] = {1, D, 1};
    memcpy(k_cache, score, (size_t)count * sizeof *score);
    memcpy(v_cache, value, (size_t)count * sizeof *value);
    const assay_attention_params params = {1, 1, 1};
    assay_attention_io io = {.q = assay_matrix(q, ASSAY_F32, 1, 1),
                             .k = assay_matrix(k, ASSAY_F32, 1, 1),
                             .v = assay_matrix(v, ASSAY_F32, 1, 1),
                             .sequence = assay_vector(sequence, ASSAY_I32, 1),
                             .position = assay_vector(position, ASSAY_I32, 1),
                             .k_cache = assay_dense(k_cache, ASSAY_F32, 3, shape),
                             .v_cache = assay_dense(v_cache, ASSAY_F32, 3, shape),
                             .max_position = D,
                             .y = assay_matrix(o->y, ASSAY_F64, 1, 1)};
    const assay_error_model model = {.bound = assay_matrix(o->bound, ASSAY_F64, 1, 1),
                                     .sigma = assay_matrix(o->sigma, ASSAY_F64, 1, 1)};
    cr_assert_ok(assay_ref_attention(&params, &io, NULL, &plain, &model, &o->error), o->error);
}

Test(extremes, an_infinite_value_whose_weight_may_underflow)
{
    outcome *const o = make();
    const float value[2] = {INFINITY, 1.0f};
    run_attention(2, (const float[]){-20.0f, 0.0f}, value, o);
    cr_expect(isinf(o->y[0]) && o->bound[0] == 0.0, "a weight of 2e-9: infinite for all");
    run_attention(2, (const float[]){-200.0f, 0.0f}, value, o);
    cr_expect(isinf(o->y[0]) && isnan(o->bound[0]), "of 1e-87: 0 in f32");
    run_attention(2, (const float[]){-2000.0f, 0.0f}, value, o);
    cr_expect(isnan(o->y[0]) && isinf(o->bound[0]), "0 here, but not for one that rescales");
    run_attention(2, (const float[]){-INFINITY, 0.0f}, value, o);
    cr_expect(isnan(o->y[0]) && o->bound[0] == 0.0, "0 for all");
    run_attention(3, (const float[]){-200.0f, -200.0f, 0.0f},
                  (const float[]){INFINITY, -INFINITY, 1.0f}, o);
    cr_expect(isnan(o->y[0]) && o->bound[0] == 0.0, "of both signs: NaN for all");
    free(o);
}

Test(extremes, an_infinite_weight_of_a_norm)
{
    float x[D] = {1e-40f, 1e18f, 1e-30f, 0.0f};
    float w[D] = {INFINITY, INFINITY, INFINITY, INFINITY};
    outcome *const o = make();
    const assay_rmsnorm_params params = {assay_vector(w, ASSAY_F32, D), 1e-5};
    const assay_rmsnorm_io io = {assay_matrix(x, ASSAY_F32, 1, D), o->out};
    cr_assert_ok(assay_ref_rmsnorm(&params, &io, NULL, &plain, &o->model, &o->error), o->error);
    cr_expect(isinf(o->y[1]) && o->bound[1] == 0.0);
    cr_expect(isinf(o->y[2]) && isnan(o->bound[2]), "1e-48 is 0 in f32");
    cr_expect(isnan(o->y[3]) && o->bound[3] == 0.0, "0 * Inf for all");
    x[1] = 1.0f;
    cr_assert_ok(assay_ref_rmsnorm(&params, &io, NULL, &plain, &o->model, &o->error), o->error);
    cr_expect(isinf(o->y[2]) && o->bound[2] == 0.0);
    cr_assert_ok(assay_ref_rmsnorm(&params, &io, NULL, &flushing, &o->model, &o->error), o->error);
    cr_expect(isinf(o->y[0]) && isnan(o->bound[0]), "flushed before");
    free(o);
}

static void run_rmsnorm(double size, double eps, outcome *o)
{
    float x[D];
    float w[D] = {1.0f, 1.0f, 1.0f, 1.0f};
    for (int i = 0; i < D; i++) {
        x[i] = (float)(size * (1.0 + i));
    }
    const assay_rmsnorm_params params = {assay_vector(w, ASSAY_F32, D), eps};
    const assay_rmsnorm_io io = {assay_matrix(x, ASSAY_F32, 1, D), o->out};
    cr_assert_ok(assay_ref_rmsnorm(&params, &io, NULL, &plain, &o->model, &o->error), o->error);
}

/* The same in f32, plainly. */
static float rmsnorm_in_f32(float size, float eps, int which)
{
    float sum = 0.0f;
    for (int i = 0; i < D; i++) {
        const volatile float square = size * (1.0f + (float)i) * (size * (1.0f + (float)i));
        sum += square;
    }
    return size * (1.0f + (float)which) * (1.0f / sqrtf(sum / (float)D + eps));
}

Test(extremes, a_norm_whose_squares_underflow)
{
    outcome *const o = make();
    run_rmsnorm(1e-24, 0.0, o);
    cr_assert(isinf(rmsnorm_in_f32(1e-24f, 0.0f, 3)));
    cr_expect(isinf(o->bound[0]) && isinf(o->bound[3]), "its sum may be 0");
    run_rmsnorm(1e-18, 0.0, o);
    for (int i = 0; i < D; i++) {
        cr_expect(o->bound[i] < 1e-5, "far from underflow");
        cr_expect(fabs((double)rmsnorm_in_f32(1e-18f, 0.0f, i) - o->y[i]) <= o->bound[i]);
    }
    run_rmsnorm(0.0, 0.0, o);
    cr_expect(isnan(o->y[0]) && o->bound[0] == 0.0, "0 / 0 for all");
    run_rmsnorm(1e-30, 1e-5, o);
    cr_expect(o->bound[3] < 1e-5 * o->y[3]);
    free(o);
}
