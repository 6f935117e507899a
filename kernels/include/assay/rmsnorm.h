/* rmsnorm: y[n,i] = x[n,i] / sqrt(mean_i(x[n,i]^2) + eps) * weight[i].
 *
 * Shapes: x, y [N,d], weight [d] as stored.
 * The Hugging Face flow takes the mean square and the root in f32, rounds the normed row to the
 * contract's intermediate type, then multiplies by the weight and rounds to the output type.
 * Aliasing: y may be x. NaN or Inf anywhere in a row makes that row NaN where the formula does, and
 * so does an infinite weight its number of a row of zeros.
 * Source: Zhang and Sennrich 2019; transformers LlamaRMSNorm. */
#ifndef ASSAY_RMSNORM_H
#define ASSAY_RMSNORM_H

#include "assay/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_rmsnorm_params {
    assay_tensor weight;
    double eps;
} assay_rmsnorm_params;

typedef struct assay_rmsnorm_io {
    assay_tensor x;
    assay_tensor y;
} assay_rmsnorm_io;

ASSAY_OP_FUNCTIONS(rmsnorm);

#ifdef __cplusplus
}
#endif
#endif
