/* A sparse autoencoder in the one form that every published recipe reduces to. Views own nothing.
 *
 * With x a row [d_in], W_e = encoder, W_d = decoder:
 *   z       = x                                     or, with layer_norm, (x - mean)/(std + 1e-5),
 *                                                   std unbiased (divisor d_in - 1)
 *   pre_j   = encode_scale_j * (W_e[j,:] . (z - pre_bias)) + encode_bias_j
 *   score_j = gate_j * pre_j
 *   relu:      j is active when score_j > 0
 *   jumprelu:  j is active when score_j > threshold_j          (strictly)
 *   topk:      of the k greatest scores (ties: lowest index first) those whose pre_j > 0
 *   f_j     = pre_j when active (never pre_j - threshold), else 0
 *   xhat    = sum_j f_j * decode_scale_j * W_d[:,j] + decode_bias,
 *             then xhat * std + mean with layer_norm
 * The vector of latent j is decode_scale_j * W_d[:,j].
 *
 * NaN: a latent whose pre_j is NaN is active with value NaN (topk: a NaN ranks above all numbers),
 * except that a latent whose threshold is +Inf never fires, whatever its pre_j.
 *
 * Scaling stays in the per-latent vectors, so the weights are used as stored and memory-mapped.
 * Absent vectors mean: encode_scale 1, encode_bias 0, gate 1, pre_bias 0, decode_scale 1,
 * decode_bias 0. All vectors are float64 on the host; scales, gates and thresholds may have either
 * sign. Encoder and decoder may be of different types. A latent whose decode_scale is 0 never
 * reaches a decode (its column may hold anything).
 * Source: the published loaders; the table of recipes stands in fixtures/io/sae_file.h. */
#ifndef ASSAY_SAE_H
#define ASSAY_SAE_H

#include "assay/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_activation {
    ASSAY_RELU = 0,
    ASSAY_JUMPRELU = 1,
    ASSAY_TOPK = 2
} assay_activation;

typedef struct assay_sae {
    int64_t d_in, d_out, d_sae;
    assay_tensor encoder;      /* [d_sae, d_in] */
    assay_tensor decoder;      /* [d_out, d_sae], as stored; may be a transposed (strided) view */
    assay_tensor pre_bias;     /* [d_in] */
    assay_tensor encode_scale; /* [d_sae] */
    assay_tensor encode_bias;  /* [d_sae] */
    assay_tensor gate;         /* [d_sae] */
    assay_tensor threshold;    /* [d_sae], jumprelu only */
    assay_tensor decode_scale; /* [d_sae] */
    assay_tensor decode_bias;  /* [d_out] */
    assay_activation activation;
    int64_t k;       /* topk only */
    bool layer_norm; /* encode normalises a row, decode undoes it: decode then needs the row */
} assay_sae;

typedef enum assay_steer_mode {
    ASSAY_STEER_ADD = 0, /* f' = f + amount */
    ASSAY_STEER_SET,     /* f' = amount */
    ASSAY_STEER_SCALE,   /* f' = f * amount */
    ASSAY_STEER_ABLATE   /* f' = 0 */
} assay_steer_mode;

#ifdef __cplusplus
}
#endif
#endif
