/* linear: y[n,o] = sum_k x[n,k] * weight[o,k] + bias[o].
 *
 * Shapes: x [N,K], weight [O,K] as stored, bias [O] or absent, y [N,O]. weight and bias may be of
 * different types; the bias is added as it is stored, whatever `storage` weights are kept in.
 * Aliasing: none. NaN and Inf propagate by the sum (0 * Inf is NaN; nothing is skipped).
 * Source: torch.nn.functional.linear. */
#ifndef ASSAY_LINEAR_H
#define ASSAY_LINEAR_H

#include "assay/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_linear_params {
    assay_tensor weight;
    assay_tensor bias;
} assay_linear_params;

typedef struct assay_linear_io {
    assay_tensor x;
    assay_tensor y;
} assay_linear_io;

ASSAY_OP_FUNCTIONS(linear);

#ifdef __cplusplus
}
#endif
#endif
