/* kappa checked: how much of their budgets fresh runs use. */
#ifndef VERIFY_CHAIN_CHECK_H
#define VERIFY_CHAIN_CHECK_H

#include "verify/chain.h"

/* Deviations over budgets of fresh perturbed runs. */
typedef struct assay_chain_use {
    uint64_t elements; /* of all runs, those without a budget (exact ones) left out */
    uint64_t moved;    /* elements without a budget that deviated all the same */
    double worst;
    double square;      /* sum of squares of deviation / scale */
    uint64_t above[16]; /* elements that used more than i / 16 of their budget */
} assay_chain_use;

/* Adds `runs` runs that had no part in the scales (another seed's) to *use. */
assay_status assay_chain_check(const assay_chain *chain, const assay_table *contracts,
                               float *const *scale, uint64_t seed, uint64_t runs,
                               assay_chain_use *use, assay_error *error);

#endif
