/* The error models of rope, attention and sample against simulated f32 and bf16 kernels. */
#include "support.h"

enum { TOKENS = 48, HEADS = 4, KV_HEADS = 2, DIM = 64 };

static float keep(float value, bool bf16)
{
    return bf16 ? to_bf16(value) : value;
}

static usage try_rope(const assay_precision *contract, int64_t first)
{
    assay_error error;
    const bool bf16 = contract->intermediate == ASSAY_BF16;
    const int64_t width = HEADS * DIM;
    const assay_tensor x = random_matrix(11, contract->output, TOKENS, width, 1.0);
    const assay_tensor y = zeros(ASSAY_F64, TOKENS, width);
    const assay_tensor got = zeros(contract->output, TOKENS, width);
    assay_error_model model = new_model(TOKENS, width);
    int32_t position[TOKENS];
    double frequency[DIM / 2];
    for (int64_t n = 0; n < TOKENS; n++) {
        position[n] = (int32_t)(first + n);
    }
    for (int64_t i = 0; i < DIM / 2; i++) {
        frequency[i] = pow(5e5, -(double)i / (DIM / 2.0));
    }
    const assay_rope_params params = {DIM, frequency};
    const assay_rope_io io = {x, assay_vector(position, ASSAY_I32, TOKENS), y};
    cr_assert_ok(assay_ref_rope(&params, &io, NULL, contract, &model, &error), error);
    for (int64_t n = 0; n < TOKENS; n++) {
        for (int64_t c = 0; c < width; c++) {
            const bool lower = c % DIM < DIM / 2;
            const float angle = (float)position[n] * (float)frequency[c % (DIM / 2)];
            const float cosine = keep(cosf(angle), bf16);
            const float sine = keep(sinf(angle), bf16);
            const float a = (float)assay_at2(&x, n, c);
            const float b = lower ? -(float)assay_at2(&x, n, c + DIM / 2)
                                  : (float)assay_at2(&x, n, c - DIM / 2);
            assay_put2(&got, n, c, (double)(keep(a * cosine, bf16) + keep(b * sine, bf16)));
        }
    }
    const usage use = measure_usage(&got, &y, &model);
    free(x.data), free(y.data), free(got.data);
    free_model(&model);
    return use;
}

Test(budgets, rope_holds_near_and_far)
{
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    const assay_precision bf16 = contract_of(ASSAY_F32, ASSAY_BF16, ASSAY_BF16);
    cr_assert_budget(try_rope(&f32, 0), 0.01);
    cr_assert_budget(try_rope(&f32, 8000), 0.01);
    cr_assert_budget(try_rope(&bf16, 0), 0.03);
    cr_assert_budget(try_rope(&bf16, 8000), 0.03);
}

Test(budgets, rope_catches_f32_angles_under_a_contract_of_f64_ones)
{
    assay_precision exact_angles = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    exact_angles.angle = ASSAY_F64;
    cr_assert_gt(try_rope(&exact_angles, 8000).worst, 1.0);
}

typedef struct heads {
    assay_tensor q, k, v;
    float *weight;
} heads;

static void simulate_head(const heads *in, int64_t n, int64_t h, bool bf16,
                          const assay_tensor *got)
{
    const int64_t g = h / (HEADS / KV_HEADS);
    const float scale = 1.0f / sqrtf((float)DIM);
    float maximum = -INFINITY;
    float total = 0.0f;
    for (int64_t t = 0; t <= n; t++) {
        float sum = 0.0f;
        for (int64_t i = 0; i < DIM; i++) {
            sum += (float)assay_at2(&in->q, n, h * DIM + i) *
                   (float)assay_at2(&in->k, t, g * DIM + i);
        }
        in->weight[t] = keep(keep(sum, bf16) * scale, bf16);
        maximum = fmaxf(maximum, in->weight[t]);
    }
    for (int64_t t = 0; t <= n; t++) {
        in->weight[t] = expf(in->weight[t] - maximum);
        total += in->weight[t];
    }
    for (int64_t i = 0; i < DIM; i++) {
        float sum = 0.0f;
        for (int64_t t = 0; t <= n; t++) {
            sum += keep(in->weight[t] / total, bf16) * (float)assay_at2(&in->v, t, g * DIM + i);
        }
        assay_put2(got, n, h * DIM + i, (double)sum);
    }
}

/* A kernel that does as `done` says, judged by `contract`. */
static usage try_attention(const assay_precision *done, const assay_precision *contract,
                           double sharpness)
{
    assay_error error;
    const assay_dtype type = contract->output;
    const assay_attention_params params = {HEADS, KV_HEADS, DIM};
    heads in = {random_matrix(12, type, TOKENS, HEADS * DIM, sharpness),
                random_matrix(13, type, TOKENS, KV_HEADS * DIM, 1.0),
                random_matrix(14, type, TOKENS, KV_HEADS * DIM, 1.0),
                malloc(TOKENS * sizeof(float))};
    const int64_t shape[3] = {1, TOKENS, KV_HEADS * DIM};
    int32_t sequence[TOKENS] = {0};
    int32_t position[TOKENS];
    for (int32_t n = 0; n < TOKENS; n++) {
        position[n] = n;
    }
    void *caches[2] = {calloc(TOKENS * KV_HEADS * DIM, 8), calloc(TOKENS * KV_HEADS * DIM, 8)};
    const assay_tensor y = zeros(ASSAY_F64, TOKENS, HEADS * DIM);
    const assay_tensor got = zeros(type, TOKENS, HEADS * DIM);
    assay_error_model model = new_model(TOKENS, HEADS * DIM);
    const assay_attention_io io = {in.q, in.k, in.v, assay_vector(sequence, ASSAY_I32, TOKENS),
                                   assay_vector(position, ASSAY_I32, TOKENS),
                                   assay_dense(caches[0], type, 3, shape),
                                   assay_dense(caches[1], type, 3, shape), TOKENS - 1, y};
    cr_assert_ok(assay_ref_attention(&params, &io, NULL, contract, &model, &error), error);
    for (int64_t n = 0; n < TOKENS; n++) {
        for (int64_t h = 0; h < HEADS; h++) {
            simulate_head(&in, n, h, done->intermediate == ASSAY_BF16, &got);
        }
    }
    const usage use = measure_usage(&got, &y, &model);
    free(in.q.data), free(in.k.data), free(in.v.data), free(in.weight), free(caches[0]);
    free(caches[1]), free(y.data), free(got.data);
    free_model(&model);
    return use;
}

Test(budgets, attention_holds_flat_and_sharp)
{
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    const assay_precision bf16 = contract_of(ASSAY_F32, ASSAY_BF16, ASSAY_BF16);
    cr_assert_budget(try_attention(&f32, &f32, 1.0), 0.005);
    cr_assert_budget(try_attention(&f32, &f32, 8.0), 0.005);
    cr_assert_budget(try_attention(&bf16, &bf16, 1.0), 0.01);
    cr_assert_budget(try_attention(&bf16, &bf16, 8.0), 0.01);
}

Test(budgets, attention_catches_bf16_scores_under_a_contract_of_f32_ones)
{
    const assay_precision unstated = contract_of(ASSAY_F32, ASSAY_BF16, ASSAY_F32);
    cr_assert_leq(try_attention(&unstated, &unstated, 1.0).worst, 1.0);
    const assay_precision stated = contract_of(ASSAY_F32, ASSAY_F32, ASSAY_F32);
    cr_assert_gt(try_attention(&unstated, &stated, 1.0).worst, 1.0);
}

Test(budgets, sample_probabilities_hold_in_f32)
{
    enum { ROWS = 6, VOCAB = 900 };
    assay_error error;
    const assay_precision f32 = contract_of(ASSAY_F32, ASSAY_NONE, ASSAY_F32);
    const assay_tensor logits = random_matrix(15, ASSAY_F32, ROWS, VOCAB, 3.0);
    const assay_tensor truth = zeros(ASSAY_F64, ROWS, VOCAB);
    const assay_tensor got = zeros(ASSAY_F32, ROWS, VOCAB);
    assay_error_model model = new_model(ROWS, VOCAB);
    int64_t stream[ROWS] = {0, 1, 2, 3, 4, 5};
    int32_t token[ROWS];
    const assay_sample_params params = {0.7, 0, 1.0, 1};
    const assay_sample_io io = {.logits = logits, .stream = assay_vector(stream, ASSAY_I64, ROWS),
                                .token = assay_vector(token, ASSAY_I32, ROWS),
                                .probability = truth};
    cr_assert_ok(assay_ref_sample(&params, &io, &f32, &model, &error), error);
    for (int64_t n = 0; n < ROWS; n++) {
        float maximum = -INFINITY;
        float total = 0.0f;
        for (int64_t t = 0; t < VOCAB; t++) {
            maximum = fmaxf(maximum, (float)assay_at2(&logits, n, t) / 0.7f);
        }
        for (int64_t t = 0; t < VOCAB; t++) {
            total += expf((float)assay_at2(&logits, n, t) / 0.7f - maximum);
        }
        for (int64_t t = 0; t < VOCAB; t++) {
            const float e = expf((float)assay_at2(&logits, n, t) / 0.7f - maximum);
            assay_put2(&got, n, t, (double)(e / total));
        }
    }
    cr_assert_budget(measure_usage(&got, &truth, &model), 0.0005);
    free(logits.data), free(truth.data), free(got.data);
    free_model(&model);
}
