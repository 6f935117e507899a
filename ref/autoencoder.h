/* What the three sparse-autoencoder ops share. */
#ifndef REF_AUTOENCODER_H
#define REF_AUTOENCODER_H

#include "ref/norm.h"
#include "ref/operands.h"

assay_status ref_expect_encoder(const char *op, const assay_sae *sae, assay_error *error);
assay_status ref_expect_decoder(const char *op, const assay_sae *sae, assay_error *error);

/* Element of a per-latent vector, or what stands in for an absent one. */
double ref_latent_value(const assay_tensor *vector, int64_t j, double absent);

/* The rule of sae.h for relu and jumprelu, which need no other latent. */
bool ref_latent_active(const assay_sae *sae, int64_t j, double pre, double score);

/* The whole op: codes, dense or both. */
assay_status ref_sae_encode(const assay_sae_encode_params *params, const assay_sae_encode_io *io,
                            assay_error *error);

#endif
