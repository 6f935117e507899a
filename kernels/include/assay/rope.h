/* rope: rotary position embedding, rotate-half layout.
 *
 * For every row n, head h and i in 0 .. head_dim/2-1, with a = position[n] * inverse_frequency[i]:
 *   y[n,h,i]               = x[n,h,i] * cos a - x[n,h,i+head_dim/2] * sin a
 *   y[n,h,i+head_dim/2]    = x[n,h,i+head_dim/2] * cos a + x[n,h,i] * sin a
 *
 * Shapes: x, y [N, heads*head_dim] (heads follows from the width), position [N] i32, at least 0;
 * inverse_frequency [head_dim/2] f64 on the host, rope scaling already applied.
 * Aliasing: y may be x. NaN and Inf propagate within their pair.
 * Source: Su et al. 2021 in the layout of transformers' apply_rotary_pos_emb. */
#ifndef ASSAY_ROPE_H
#define ASSAY_ROPE_H

#include "assay/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_rope_params {
    int64_t head_dim;
    const double *inverse_frequency;
} assay_rope_params;

typedef struct assay_rope_io {
    assay_tensor x;
    assay_tensor position;
    assay_tensor y;
} assay_rope_io;

ASSAY_OP_FUNCTIONS(rope);

#ifdef __cplusplus
}
#endif
#endif
