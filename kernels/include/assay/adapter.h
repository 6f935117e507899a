/* adapter: a vector of the subject model becomes a soft token of the explainer (SelfIE).
 *
 *   u = x - mean (mean absent: u = x);  v = u / (||u||_2 + 1e-8) if normalize_input, else u
 *   identity                     y = u          (never normalised)
 *   scale_only                   y = e^log_scale v
 *   scalar_affine                y = e^log_scale v + bias
 *   scalar_affine_plus_low_rank  y = e^log_scale v + (v U) V^T + bias
 *   low_rank_only                y = (v U) V^T + bias
 *   full_rank                    y = v W^T + bias
 *
 * Shapes: x, y [N,d]; mean, bias [d]; log_scale [1], of either sign; U, V [d,r]; W [d,d]. Vectors
 * and matrices as stored, each in a type of its own (published ones are f32). Arithmetic in the
 * contract's types; the result is rounded to the output type.
 * Aliasing: none. NaN propagates by the formula; a zero row gives bias (or 0).
 * Source: the SelfIE adapters' published code (DOMAIN: six projection types). */
#ifndef ASSAY_ADAPTER_H
#define ASSAY_ADAPTER_H

#include "assay/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_adapter_type {
    ASSAY_ADAPTER_IDENTITY = 0,
    ASSAY_ADAPTER_SCALE_ONLY,
    ASSAY_ADAPTER_SCALAR_AFFINE,
    ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK,
    ASSAY_ADAPTER_LOW_RANK_ONLY,
    ASSAY_ADAPTER_FULL_RANK
} assay_adapter_type;

typedef struct assay_adapter_params {
    assay_adapter_type type;
    bool normalize_input;
    assay_tensor mean;
    assay_tensor log_scale;
    assay_tensor bias;
    assay_tensor u, v;
    assay_tensor weight;
} assay_adapter_params;

typedef struct assay_adapter_io {
    assay_tensor x;
    assay_tensor y;
} assay_adapter_io;

ASSAY_OP_FUNCTIONS(adapter);

#ifdef __cplusplus
}
#endif
#endif
