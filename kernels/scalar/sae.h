/* What the sparse autoencoder's kernels share: normed rows, pre-activations and the active set. */
#ifndef KERNELS_SCALAR_SAE_H
#define KERNELS_SCALAR_SAE_H

#include <math.h>

#include "assay/sae.h"
#include "kernels/scalar/contract.h"
#include "kernels/scalar/row.h"

/* An optional per-latent vector's element, or what its absence means. */
static inline double scalar_optional(const assay_tensor *vector, int64_t i, double absent)
{
    return assay_present(vector) ? assay_at1(vector, i) : absent;
}

typedef struct scalar_moments {
    double mean;
    double deviation; /* unbiased: divisor d - 1 */
} scalar_moments;

/* In f64: the row is read twice and the sums are short, so it costs nothing beside the encoder. */
static inline scalar_moments scalar_row_moments(const assay_tensor *x, int64_t row)
{
    const int64_t d = x->shape[1];
    double sum = 0.0;
    for (int64_t i = 0; i < d; i++) {
        sum += assay_at2(x, row, i);
    }
    const double mean = sum / (double)d;
    double squares = 0.0;
    for (int64_t i = 0; i < d; i++) {
        const double off = assay_at2(x, row, i) - mean;
        squares += off * off;
    }
    return (scalar_moments){.mean = mean, .deviation = sqrt(squares / (double)(d - 1))};
}

/* z - pre_bias of rows first .., rounded once to f32: what the encoder's rows are multiplied by. */
static inline void scalar_sae_input(const assay_sae *sae, const assay_tensor *x, int64_t first,
                                    int64_t rows, float *z)
{
    for (int64_t r = 0; r < rows; r++) {
        scalar_moments row = {.mean = 0.0, .deviation = 1.0};
        double divisor = 1.0;
        if (sae->layer_norm) {
            row = scalar_row_moments(x, first + r);
            divisor = row.deviation + 1e-5;
        }
        for (int64_t i = 0; i < sae->d_in; i++) {
            const double normed = (assay_at2(x, first + r, i) - row.mean) / divisor;
            z[r * sae->d_in + i] = (float)(normed - scalar_optional(&sae->pre_bias, i, 0.0));
        }
    }
}

/* pre[r*stride] of latent j for rows of z: the dot product in f32, scale and bias in f64, rounded
 * once to `type`. */
static inline void scalar_sae_latent(const assay_sae *sae, assay_dtype type, int64_t j,
                                     const float *z, int64_t rows, float *pre, int64_t stride)
{
    float dot[SCALAR_BLOCK];
    scalar_dots(&sae->encoder, j, z, sae->d_in, rows, sae->d_in, dot);
    const double scale = scalar_optional(&sae->encode_scale, j, 1.0);
    const double bias = scalar_optional(&sae->encode_bias, j, 0.0);
    for (int64_t r = 0; r < rows; r++) {
        const double value = scale * (double)dot[r] + bias;
        pre[r * stride] = type == ASSAY_BF16 ? assay_bf16_to_f32(assay_f64_to_bf16(value))
                                             : (float)value;
    }
}

/* All latents of a block of rows: pre [rows, d_sae]. */
static inline void scalar_sae_block(const assay_exec *exec, const assay_sae *sae, assay_dtype type,
                                    const float *z, int64_t rows, float *pre)
{
    const int64_t work = rows * sae->d_in * sae->d_sae;
#pragma omp parallel for num_threads(scalar_threads(exec, work)) schedule(static)
    for (int64_t j = 0; j < sae->d_sae; j++) {
        scalar_sae_latent(sae, type, j, z, rows, pre + j, sae->d_sae);
    }
}

/* In f64, so neither the product nor the threshold it is compared with is rounded. */
static inline double scalar_sae_score(const assay_sae *sae, int64_t j, float pre)
{
    return scalar_optional(&sae->gate, j, 1.0) * (double)pre;
}

/* relu and jumprelu: whether a latent fires, by its own numbers alone. */
static inline bool scalar_sae_fires(const assay_sae *sae, int64_t j, float pre)
{
    double threshold = 0.0;
    if (sae->activation == ASSAY_JUMPRELU) {
        threshold = scalar_optional(&sae->threshold, j, 0.0);
        if (threshold == INFINITY) {
            return false;
        }
    }
    return isnan(pre) || scalar_sae_score(sae, j, pre) > threshold;
}

/* topk's order: whether latent a stands below b. A NaN is above all numbers; of equals the lowest
 * index is the highest. */
static inline bool scalar_sae_below(const assay_sae *sae, const float *pre, int64_t a, int64_t b)
{
    const double x = scalar_sae_score(sae, a, pre[a]);
    const double y = scalar_sae_score(sae, b, pre[b]);
    if (isnan(x) != isnan(y)) {
        return isnan(y);
    }
    if (!isnan(x) && x != y) {
        return x < y;
    }
    return a > b;
}

/* Moves the entry at `at` of a heap (the lowest in topk's order on top) down to its place. */
static inline void scalar_sae_sink(const assay_sae *sae, const float *pre, int32_t *heap,
                                   int64_t count, int64_t at)
{
    for (;;) {
        int64_t low = at;
        for (int64_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            low = scalar_sae_below(sae, pre, heap[child], heap[low]) ? child : low;
        }
        if (low == at) {
            return;
        }
        const int32_t moved = heap[at];
        heap[at] = heap[low];
        heap[low] = moved;
        at = low;
    }
}

/* The k greatest latents of a row, in a heap of k indices: O(d_sae log k). */
static inline int64_t scalar_sae_greatest(const assay_sae *sae, const float *pre, int32_t *heap)
{
    const int64_t k = scalar_min(sae->k, sae->d_sae);
    for (int64_t j = 0; j < k; j++) {
        heap[j] = (int32_t)j;
    }
    for (int64_t at = k / 2 - 1; at >= 0; at--) {
        scalar_sae_sink(sae, pre, heap, k, at);
    }
    for (int64_t j = k; j < sae->d_sae && k > 0; j++) {
        if (scalar_sae_below(sae, pre, heap[0], j)) {
            heap[0] = (int32_t)j;
            scalar_sae_sink(sae, pre, heap, k, 0);
        }
    }
    return k;
}

/* One row's active set as 0/1 per latent; returns how many are active. */
static inline int64_t scalar_sae_select(const assay_sae *sae, const float *pre, int32_t *heap,
                                        uint8_t *active)
{
    int64_t count = 0;
    if (sae->activation == ASSAY_TOPK) {
        memset(active, 0, (size_t)sae->d_sae);
        const int64_t k = scalar_sae_greatest(sae, pre, heap);
        for (int64_t i = 0; i < k; i++) {
            const float value = pre[heap[i]];
            active[heap[i]] = (isnan(value) || value > 0.0f) ? 1 : 0;
            count += active[heap[i]];
        }
        return count;
    }
    for (int64_t j = 0; j < sae->d_sae; j++) {
        active[j] = scalar_sae_fires(sae, j, pre[j]) ? 1 : 0;
        count += active[j];
    }
    return count;
}

#endif
