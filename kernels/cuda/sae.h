/* What the sparse autoencoder's kernels share: a row's moments, what the encoder multiplies, a
 * pre-activation, and whether a latent fires. */
#ifndef KERNELS_CUDA_SAE_H
#define KERNELS_CUDA_SAE_H

#include "kernels/cuda/reduce.h"
#include "kernels/cuda/select.h"
#include "kernels/cuda/upload.h"

namespace assay_cuda {

/* The encoder's side of an SAE on the device. */
struct Encoder {
    Matrix weight; /* [d_sae, d_in] */
    Matrix pre_bias, scale, bias, gate, threshold;
    int64_t d_in, d_sae, k;
    int32_t activation;
    bool layer_norm;
};

inline assay_status upload_encoder(const assay_exec *exec, const assay_sae &sae, Uploads *uploads,
                                   Encoder *encoder)
{
    encoder->weight = matrix_of(sae.encoder);
    encoder->d_in = sae.d_in;
    encoder->d_sae = sae.d_sae;
    encoder->k = least(sae.k, sae.d_sae);
    encoder->activation = sae.activation;
    encoder->layer_norm = sae.layer_norm;
    const struct {
        const char *name;
        const assay_tensor *tensor;
        Matrix *view;
    } vectors[] = {{"pre_bias", &sae.pre_bias, &encoder->pre_bias},
                   {"encode_scale", &sae.encode_scale, &encoder->scale},
                   {"encode_bias", &sae.encode_bias, &encoder->bias},
                   {"gate", &sae.gate, &encoder->gate},
                   {"threshold", &sae.threshold, &encoder->threshold}};
    assay_status status = ASSAY_OK;
    for (const auto &vector : vectors) {
        if (status == ASSAY_OK) {
            status = upload(exec, vector.name, *vector.tensor, true, uploads, vector.view);
        }
    }
    return status;
}

struct Moments {
    double mean, deviation; /* unbiased: divisor d - 1 */
};

/* Of one row, by a block, in f64: short sums beside the encoder's. */
__device__ __forceinline__ Moments row_moments(const Matrix &x, int64_t row, int64_t d)
{
    double part = 0.0;
    for (int64_t i = threadIdx.x; i < d; i += blockDim.x) {
        part += load_wide(x, row, i);
    }
    const double mean = block_reduce<Sum>(part) / static_cast<double>(d);
    part = 0.0;
    for (int64_t i = threadIdx.x; i < d; i += blockDim.x) {
        const double off = load_wide(x, row, i) - mean;
        part += off * off;
    }
    return {mean, sqrt(block_reduce<Sum>(part) / static_cast<double>(d - 1))};
}

/* Element i of z - pre_bias, rounded once: what the encoder's rows are multiplied by. */
__device__ __forceinline__ float encoder_input(const Encoder &encoder, const Matrix &x, int64_t row,
                                               int64_t i, const Moments &moments)
{
    const double value = load_wide(x, row, i);
    const double normed = encoder.layer_norm
                              ? (value - moments.mean) / (moments.deviation + 1e-5)
                              : value;
    return static_cast<float>(normed - element_or(encoder.pre_bias, i, 0.0));
}

/* scale * dot + bias, rounded once to the contract's type. */
template <typename T>
__device__ __forceinline__ float preactivation(const Encoder &encoder, int64_t j, float dot)
{
    T held;
    narrow(element_or(encoder.scale, j, 1.0) * static_cast<double>(dot) +
               element_or(encoder.bias, j, 0.0),
           &held);
    return widen(held);
}

/* In f64, so neither the product nor the threshold it is compared with is rounded. */
__device__ __forceinline__ double score_of(const Encoder &encoder, int64_t j, float pre)
{
    return element_or(encoder.gate, j, 1.0) * static_cast<double>(pre);
}

/* topk: the k-th score's key, and the last latent of those that share it and are chosen. */
struct Limit {
    uint64_t key;
    int64_t last;
};

__device__ __forceinline__ bool fires(const Encoder &encoder, const Limit &limit, int64_t j,
                                      float pre)
{
    const double score = score_of(encoder, j, pre);
    if (encoder.activation == ASSAY_TOPK) {
        const uint64_t key = key_of(score);
        const bool chosen = key > limit.key || (key == limit.key && j <= limit.last);
        return chosen && !(pre <= 0.0f);
    }
    double threshold = 0.0;
    if (encoder.activation == ASSAY_JUMPRELU) {
        threshold = element_or(encoder.threshold, j, 0.0);
        if (threshold == static_cast<double>(INFINITY)) {
            return false;
        }
    }
    return pre != pre || score > threshold;
}

} // namespace assay_cuda

#endif
