/* sae_encode: sparse features of activation rows. Equation, NaN rule and source: sae.h.
 *
 * Shapes: x [N,d_in]; codes: csr.h (N rows, latents below d_sae). When `dense` is given ([N,d_sae],
 * the contract's output type) it is written too, zeros where inactive; a kernel that makes only one
 * form says so in supports.
 * Types: values and dense in f32 (f64 for the oracle).
 * Aliasing: none. */
#ifndef ASSAY_SAE_ENCODE_H
#define ASSAY_SAE_ENCODE_H

#include "assay/ops.h"
#include "assay/csr.h"
#include "assay/sae.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_sae_encode_params {
    assay_sae sae;
} assay_sae_encode_params;

typedef struct assay_sae_encode_io {
    assay_tensor x;
    assay_csr codes;
    assay_tensor dense;
} assay_sae_encode_io;

ASSAY_OP_FUNCTIONS(sae_encode);

#ifdef __cplusplus
}
#endif
#endif
