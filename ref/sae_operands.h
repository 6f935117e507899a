/* The rows that an encoder multiplies: z - pre_bias, z being x, normalised with layer norm. */
#ifndef REF_SAE_OPERANDS_H
#define REF_SAE_OPERANDS_H

#include "ref/autoencoder.h"

typedef struct ref_sae_operands {
    double *value;    /* [rows, d_in]: as the contract promises to multiply them */
    double *other;    /* [rows, d_in]: as a kernel may multiply instead; NULL: no otherwise */
    double *doubt;    /* [rows, d_in]: what a kernel's may differ by from value; NULL: nothing */
    double *pre_bias; /* [d_in] */
    ref_norm *norm;   /* [rows], with layer norm */
} ref_sae_operands;

/* Rows of x that the plan wants. wanted: an error model is. The rounding may be all zeros. */
assay_status ref_sae_operands_load(const assay_sae *sae, const assay_tensor *x,
                                   const ref_plan *plan, const ref_rounding *rounding, bool wanted,
                                   ref_sae_operands *operands, assay_error *error);
void ref_sae_operands_free(ref_sae_operands *operands);

#endif
