/* sae_decode: the reconstruction of sparse features. Equation: sae.h.
 *
 * Shapes: codes (N rows), x [N,d_in] (needed when sae.layer_norm, else absent), y [N,d_out].
 * Aliasing: none. A listed value that is NaN or Inf propagates by the sum; latents not listed have
 * no influence, whatever their columns hold, and neither has a latent whose decode_scale is 0. */
#ifndef ASSAY_SAE_DECODE_H
#define ASSAY_SAE_DECODE_H

#include "assay/ops.h"
#include "assay/csr.h"
#include "assay/sae.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_sae_decode_params {
    assay_sae sae;
} assay_sae_decode_params;

typedef struct assay_sae_decode_io {
    assay_csr codes;
    assay_tensor x;
    assay_tensor y;
} assay_sae_decode_io;

ASSAY_OP_FUNCTIONS(sae_decode);

#ifdef __cplusplus
}
#endif
#endif
