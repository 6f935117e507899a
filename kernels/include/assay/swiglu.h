/* swiglu: y = silu(gate) * up with silu(g) = g / (1 + exp(-g)).
 *
 * Shapes: gate, up, y [N, d_ff]. The 16-bit Hugging Face flow rounds silu(gate) to the contract's
 * intermediate type before the product.
 * Aliasing: y may be gate or up. NaN propagates; silu(-Inf) is -0 in the limit but NaN by the
 * formula's product form (-Inf * 0): either is accepted; silu(+Inf) = +Inf.
 * Source: Shazeer 2020; transformers LlamaMLP. */
#ifndef ASSAY_SWIGLU_H
#define ASSAY_SWIGLU_H

#include "assay/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_swiglu_params {
    int64_t d;
} assay_swiglu_params;

typedef struct assay_swiglu_io {
    assay_tensor gate, up;
    assay_tensor y;
} assay_swiglu_io;

ASSAY_OP_FUNCTIONS(swiglu);

#ifdef __cplusplus
}
#endif
#endif
