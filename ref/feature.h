/* The value of one latent of one row, and what a kernel may be off by in it: for sae_steer. */
#ifndef REF_FEATURE_H
#define REF_FEATURE_H

#include "ref/autoencoder.h"

typedef struct ref_feature {
    double value; /* 0 when inactive */
    double bound, sigma;
} ref_feature;

/* A row of x through the encoder, as far as latent j needs it: topk ranks them all. Where the
 * active set is undecided (the score is nearer to the threshold, or to the score on the other side
 * of the cut, than both budgets), the value may also be wrong by |pre|: an upper bound, for a right
 * kernel's is the value or 0.
 * model NULL: no error is wanted; its sigma absent: certain bounds. */
assay_status ref_feature_encode(const assay_sae *sae, const assay_tensor *x, int64_t row, int64_t j,
                                const assay_precision *contract, const assay_error_model *model,
                                ref_feature *feature, assay_error *error);

#endif
