/* One row of `sample`: the distribution (sample.c) and its error model (sample_error.c). */
#ifndef REF_SAMPLE_H
#define REF_SAMPLE_H

#include "ref/rounding.h"

typedef struct ref_distribution {
    int64_t vocab;
    double *scaled;       /* [vocab] logits / T */
    double *before;       /* [vocab] after top_k: exp(scaled - maximum), 0 if dropped */
    double *probability;  /* [vocab] step 4 */
    uint8_t *kept;        /* [vocab] after top_p */
    double *scratch;      /* [vocab] */
    int64_t *order;       /* [vocab] scratch: tokens by descending scaled */
    double maximum;       /* of scaled */
    double kth;           /* the top_k-th greatest of scaled; -Inf when off */
    double mass_before;   /* sum of before */
    double mass;          /* sum of before over what is kept */
} ref_distribution;

/* Steps 1 to 4. False: the row holds a NaN (or no finite mass) and has no distribution. */
bool ref_distribution_make(const assay_sample_params *params, const double *logits,
                           ref_distribution *distribution);

/* Fills bound (output rounding included) and sigma for every token of output row n. */
void ref_distribution_error(const assay_sample_params *params,
                            const ref_distribution *distribution, const ref_rounding *rounding,
                            int64_t n, const assay_error_model *model);

#endif
