/* sae_steer: edits one latent and writes the change back, keeping the reconstruction's error.
 *
 *   y = x + (f'_j - f_j) * decode_scale_j * W_d[:,j]      (times the row's std with layer_norm)
 *
 * algebraically decode(f') + (x - decode(f)). f_j is the latent's encoded value, 0 when inactive
 * (topk: whether it is among the k needs the whole row); f'_j by mode, see sae.h. ADD needs no
 * encoding. d_in must equal d_out.
 * Shapes: x, y [N,d]. Aliasing: y may be x. NaN propagates by the formula; a latent whose
 * decode_scale is 0 leaves x as it is. */
#ifndef ASSAY_SAE_STEER_H
#define ASSAY_SAE_STEER_H

#include "assay/ops.h"
#include "assay/sae.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_sae_steer_params {
    assay_sae sae;
    int64_t latent;
    assay_steer_mode mode;
    double amount;
} assay_sae_steer_params;

typedef struct assay_sae_steer_io {
    assay_tensor x;
    assay_tensor y;
} assay_sae_steer_io;

ASSAY_OP_FUNCTIONS(sae_steer);

#ifdef __cplusplus
}
#endif
#endif
