/* What prompts of a batch have in common: positions from the first on whose keys and values are the
 * same numbers, and which need be computed but once. */
#ifndef KERNELS_EXEC_PREFIX_H
#define KERNELS_EXEC_PREFIX_H

#include "kernels/exec/prefill.h"

typedef struct assay_soft_place {
    int64_t sequence, position;
    int64_t soft; /* row of prompts->soft */
} assay_soft_place;

/* The prompts' soft tokens in the order of their places. */
typedef struct assay_prefixes {
    const assay_prompts *prompts; /* checked; they must outlive this */
    assay_soft_place *place;      /* by sequence, then by position */
    int64_t *first;               /* [B+1]: where the places of a sequence begin */
} assay_prefixes;

/* ASSAY_NO_MEMORY where there is none. close also after a failure. */
assay_status assay_prefixes_open(assay_prefixes *prefixes, const assay_prompts *prompts,
                                 assay_error *error);
void assay_prefixes_close(assay_prefixes *prefixes);

/* How many positions of sequences a and b, from the first on, are given the same: equal tokens, or
 * soft tokens of equal bits. */
int64_t assay_prefixes_common(const assay_prefixes *prefixes, int64_t a, int64_t b);

/* Copies the keys and values of positions 0 .. count-1 of a cache slot to another one, in every
 * layer. Caches must be the host's and kept. */
void assay_prefix_copy(const assay_forward *forward, int64_t from, int64_t to, int64_t count);

#endif
