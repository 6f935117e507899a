/* Wrong encoders. */
#include "verify/mutants/sae_encode.h"

#include <math.h>

#include "kernels/scalar/sae_encode.h"

enum { FAULT_sae_encode_none, SAE_ENCODE_MUTANTS(MUTANT_FAULT) };
#define IS(name) (fault == FAULT_sae_encode_##name)

static size_t workspace(const assay_sae_encode_params *params, const assay_sae_encode_io *io)
{
    (void)io;
    const assay_sae *const sae = &params->sae;
    return (size_t)(sae->d_in + 2 * sae->d_sae) * sizeof(float) +
           (size_t)(sae->d_sae + 1) * sizeof(int32_t) + (size_t)sae->d_sae;
}

/* The step of an 8-bit grid that the greatest value of the whole batch sets. */
static double batch_step(int fault, const assay_tensor *x)
{
    double greatest = 0.0;
    for (int64_t n = 0; n < x->shape[0] && IS(int8_batch); n++) {
        for (int64_t i = 0; i < x->shape[1]; i++) {
            greatest = fmax(greatest, fabs(assay_at2(x, n, i)));
        }
    }
    return greatest / 127.0;
}

static double one_pass(const assay_tensor *x, int64_t row)
{
    const int64_t d = x->shape[1];
    float sum = 0.0f, squares = 0.0f;
    for (int64_t i = 0; i < d; i++) {
        const float value = mutant_at(x, row, i);
        sum += value;
        squares += value * value;
    }
    const float mean = sum / (float)d;
    return sqrt(fmax((double)((squares - (float)d * mean * mean) / (float)(d - 1)), 0.0));
}

static void make_z(int fault, const assay_sae *sae, const assay_tensor *x, int64_t row, double step,
                   float *z)
{
    const double d = (double)sae->d_in;
    double mean = 0.0;
    double divisor = 1.0;
    const bool other = IS(norm_topk) && sae->activation != ASSAY_TOPK;
    if (sae->layer_norm && !IS(not_normed) && !other) {
        const scalar_moments moments = scalar_row_moments(x, row);
        const double factor = IS(biased_deviation) ? sqrt((d - 1.0) / d) : 1.0;
        mean = moments.mean;
        divisor = moments.deviation * factor + 1e-5;
        divisor = IS(one_pass) ? one_pass(x, row) + 1e-5 : divisor;
        divisor = IS(deviation_floor) ? fmax(divisor, 1e-3) : divisor;
    }
    for (int64_t i = 0; i < sae->d_in; i++) {
        double value = assay_at2(x, row, i);
        value = step > 0.0 && isfinite(step) ? rint(value / step) * step : value;
        value = (value - mean) / divisor;
        value -= IS(no_pre_bias) ? 0.0 : scalar_optional(&sae->pre_bias, i, 0.0);
        value -= IS(decode_bias) && i < sae->d_out ? scalar_optional(&sae->decode_bias, i, 0.0)
                                                   : 0.0;
        z[i] = (float)value;
        z[i] = IS(multiply_bf16) ? scalar_rounded(ASSAY_BF16, z[i]) : z[i];
    }
}

/* Whether the decoder looks like the encoder's transpose. */
static bool tied(const assay_sae *sae)
{
    const int64_t last = sae->d_sae - 1;
    bool same = assay_present(&sae->decoder) && sae->d_in == sae->d_out;
    for (int64_t i = 0; i < sae->d_in && same; i++) {
        same = assay_at2(&sae->decoder, i, 0) == assay_at2(&sae->encoder, 0, i) &&
               assay_at2(&sae->decoder, i, last) == assay_at2(&sae->encoder, last, i);
    }
    return same;
}

static float activate(int fault, assay_dtype type, const assay_sae *sae, int64_t j, const float *z)
{
    float sum = 0.0f;
    const bool decoder = IS(tied) && tied(sae);
    for (int64_t i = 0; i < sae->d_in; i++) {
        const float weight = decoder ? mutant_at(&sae->decoder, i, j)
                                     : mutant_at(&sae->encoder, j, i);
        sum += z[i] * (IS(f16_flushed) ? mutant_f16_flushed(&sae->encoder, weight) : weight);
        sum = IS(accumulate_f16) ? scalar_rounded(ASSAY_F16, sum) : sum;
    }
    const double scale = IS(no_scale) ? 1.0 : scalar_optional(&sae->encode_scale, j, 1.0);
    double bias = IS(no_encode_bias) ? 0.0 : scalar_optional(&sae->encode_bias, j, 0.0);
    bias *= IS(bias_scaled) ? scale : 1.0;
    const double value = scale * (double)sum + bias;
    return type == ASSAY_BF16 ? assay_bf16_to_f32(assay_f64_to_bf16(value)) : (float)value;
}

static double threshold_of(int fault, const assay_sae *sae, int64_t j)
{
    if (sae->activation != ASSAY_JUMPRELU || IS(no_threshold)) {
        return 0.0;
    }
    const bool first = IS(first_threshold) || (IS(threshold_4096) && j >= 4096);
    const double threshold = scalar_optional(&sae->threshold, first ? 0 : j, 0.0);
    if (IS(threshold_scaled) && isfinite(threshold)) {
        return threshold * scalar_optional(&sae->encode_scale, j, 1.0);
    }
    return IS(threshold_bf16) ? (double)assay_bf16_to_f32(assay_f64_to_bf16(threshold))
                              : threshold;
}

static double score_of(int fault, const assay_sae *sae, int64_t j, float pre)
{
    const double given = scalar_optional(&sae->gate, j, 1.0);
    const double gate = IS(gate_magnitude) ? fabs(given) : given;
    return (IS(no_gate) ? 1.0 : IS(gate_twice) ? gate * gate : gate) * (double)pre;
}

static bool fires(int fault, const assay_sae *sae, int64_t j, float pre)
{
    const double threshold = threshold_of(fault, sae, j);
    const double score = score_of(fault, sae, j, pre);
    if (threshold == INFINITY || (IS(nan_dropped) && isnan(pre)) ||
        (IS(last_latent) && j == sae->d_sae - 1) ||
        (IS(positive_only) && sae->activation == ASSAY_JUMPRELU && pre <= 0.0f)) {
        return false;
    }
    return isnan(pre) || score > threshold || (IS(not_strict) && score == threshold) ||
           (IS(zero_met) && sae->activation == ASSAY_JUMPRELU && threshold == 0.0 &&
            score == 0.0) ||
           (IS(zero_active) && sae->activation == ASSAY_RELU && score == 0.0);
}

/* Among latents of the least chosen score, the highest indices instead of the lowest. */
static void choose_highest(const assay_sae *sae, const float *pre, const int32_t *heap, int64_t k,
                           uint8_t *active)
{
    const double least = k > 0 ? scalar_sae_score(sae, heap[0], pre[heap[0]]) : 0.0;
    int64_t count = 0;
    for (int64_t j = 0; j < sae->d_sae; j++) {
        if (active[j] != 0 && scalar_sae_score(sae, j, pre[j]) == least) {
            active[j] = 0;
            count++;
        }
    }
    for (int64_t j = sae->d_sae - 1; j >= 0 && count > 0; j--) {
        if (active[j] == 0 && scalar_sae_score(sae, j, pre[j]) == least) {
            active[j] = 1;
            count--;
        }
    }
}

static void select_top(int fault, const assay_sae *sae, float *pre, float *magnitude, int32_t *heap,
                       uint8_t *active)
{
    assay_sae ranked = *sae;
    const int64_t k = sae->k + (IS(topk_more) ? 1 : IS(topk_less) ? -1 : 0);
    ranked.k = scalar_min(IS(topk_512) ? scalar_min(k, 512) : k, sae->d_sae);
    ranked.gate.data = IS(topk_unweighted) ? NULL : ranked.gate.data;
    for (int64_t j = 0; j < sae->d_sae; j++) {
        magnitude[j] = IS(topk_magnitude) ? fabsf(pre[j]) : pre[j];
        active[j] = 0;
    }
    const int64_t chosen = scalar_sae_greatest(&ranked, magnitude, heap);
    for (int64_t i = 0; i < chosen; i++) {
        active[heap[i]] = isnan(pre[heap[i]]) || pre[heap[i]] > 0.0f || IS(topk_forced) ||
                                  IS(topk_magnitude)
                              ? 1
                              : 0;
    }
    for (int64_t j = 0, run = 0; j < sae->d_sae && IS(block_8); j++) {
        run = j % 64 == 0 ? 0 : run;
        run += active[j];
        active[j] = run > 8 ? 0 : active[j];
    }
    if (IS(tie_highest)) {
        choose_highest(sae, pre, heap, chosen, active);
    }
}

static float value_of(int fault, const assay_sae *sae, int64_t j, float pre)
{
    if (IS(less_threshold)) {
        return (float)((double)pre - threshold_of(fault, sae, j));
    }
    return IS(gated_value) ? (float)score_of(fault, sae, j, pre) : pre;
}

typedef struct output {
    int64_t at, capacity;
} output;

static void list(int fault, const assay_sae_encode_io *io, output *out, int64_t j, float value)
{
    if (out->at < out->capacity || IS(capacity_ignored)) {
        assay_put1(&io->codes.latent, out->at, (double)(IS(index_16) ? j & 0xffff : j));
        assay_put1(&io->codes.value, out->at, (double)value);
    }
    out->at++;
}

static void write_row(int fault, const assay_sae *sae, const assay_sae_encode_io *io, int64_t row,
                      const float *pre, const uint8_t *active, output *out)
{
    const int64_t begin = out->at;
    const int64_t limit = IS(capacity_64) ? 64 : IS(capacity_1024) ? 1024 : sae->d_sae;
    for (int64_t i = 0; i < sae->d_sae; i++) {
        const int64_t j = IS(descending) ? sae->d_sae - 1 - i : i;
        const float value = active[j] != 0 ? value_of(fault, sae, j, pre[j]) : 0.0f;
        if (active[j] != 0 && out->at - begin < limit) {
            list(fault, io, out, j, value);
            if (IS(duplicate) && out->at == begin + 1) {
                list(fault, io, out, j, value);
            }
        }
        if (assay_present(&io->dense) && (active[j] != 0 || !IS(dense_zeros))) {
            assay_put2(&io->dense, row, j, (double)value);
        }
    }
    if (IS(offsets_shifted)) {
        assay_put1(&io->codes.row_offsets, row, (double)out->at);
    } else {
        const int64_t count = out->at - begin;
        assay_put1(&io->codes.row_offsets, row + 1, (double)(IS(offsets_counts) ? count : out->at));
    }
}

/* Latents that this kernel keeps from firing. */
static bool dead(int fault, const assay_sae *sae, const assay_sae_encode_io *io, int64_t row,
                 int64_t latent, float pre)
{
    return (IS(transcoder) && sae->d_in != sae->d_out && latent == 0) ||
           (IS(tiny_dropped) && fabsf(pre) < 1e-20f) ||
           (IS(least_dropped) && fabsf(pre) < 0x1p-126f) || (IS(row_limit) && row >= 65536) ||
           (IS(dense_needed) && !assay_present(&io->dense)) ||
           (IS(whole_batch) && io->x.shape[0] % 64 == 0 && latent == 0);
}

static void move_offsets(int fault, const assay_tensor *offsets)
{
    static uint64_t calls;
    calls++;
    for (int64_t n = 0; n < offsets->shape[0] && IS(offsets_far) && calls % 2 == 0; n++) {
        assay_put1(offsets, n, assay_at1(offsets, n) + 0x1p40);
    }
}

static assay_status faulty_sae_encode(int fault, assay_dtype type, const assay_exec *exec,
                                      const assay_sae_encode_params *params,
                                      const assay_sae_encode_io *io)
{
    const assay_sae *const sae = &params->sae;
    const int64_t rows = io->x.shape[0];
    float *const z = exec->workspace;
    float *const pre = z + sae->d_in;
    float *const magnitude = pre + sae->d_sae;
    int32_t *const heap = (int32_t *)(void *)(magnitude + sae->d_sae);
    uint8_t *const active = (uint8_t *)(heap + sae->d_sae + 1);
    output out = {0, scalar_encode_capacity(&io->codes)};
    if (IS(no_room) && assay_present(&io->codes.latent) && out.capacity == 0) {
        return ASSAY_OK;
    }
    const double step = batch_step(fault, &io->x);
    assay_put1(&io->codes.row_offsets, 0, 0.0);
    for (int64_t n = 0; n < rows; n++) {
        const bool before = (IS(last_row) && n == rows - 1 && n > 0) ||
                            (IS(alike) && mutant_alike(&io->x, n, n - 1, 8));
        make_z(fault, sae, &io->x, before ? n - 1 : n, step, z);
        for (int64_t j = 0; j < sae->d_sae; j++) {
            pre[j] = activate(fault, type, sae, j, z);
            if (IS(zero_norm_nan) && scalar_optional(&sae->decode_scale, j, 1.0) == 0.0) {
                pre[j] = NAN;
            }
            active[j] = fires(fault, sae, j, pre[j]) ? 1 : 0;
            active[j] |= IS(zero_norm_nan) && isnan(pre[j]) ? 1 : 0;
            active[j] = dead(fault, sae, io, n, j, pre[j]) ? 0 : active[j];
        }
        if (sae->activation == ASSAY_TOPK) {
            select_top(fault, sae, pre, magnitude, heap, active);
        }
        write_row(fault, sae, io, n, pre, active, &out);
    }
    move_offsets(fault, &io->codes.row_offsets);
    if (IS(exact_room) && out.at == out.capacity && out.at > 0) {
        assay_put1(&io->codes.value, out.at - 1, 0.0);
    }
    return ASSAY_OK;
}

#define MUTANT_WORKSPACE workspace
#define MUTANT_CAPABILITIES (ASSAY_CAN_SPARSE | ASSAY_CAN_DENSE)
SAE_ENCODE_TWINS(MUTANT_TWIN_RUN)
SAE_ENCODE_MUTANTS(MUTANT_RUN)
static const assay_kernel kernels[] = {
    SAE_ENCODE_TWINS(MUTANT_TWIN_KERNEL) SAE_ENCODE_MUTANTS(MUTANT_KERNEL)};
MUTANT_EXPORT(sae_encode, kernels)
