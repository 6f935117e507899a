/* Chain scales and truths that were computed before, by chain, output and contract: cases that
 * share them (a truth and its witnesses, hooks of one prompt, implementations of one contract)
 * compute them once. They live as long as a bundle is judged, and scales are kept on disk besides
 * (scales_file.h). Several threads may ask: what one of them computes, the others wait for. */
#ifndef VERIFY_SCALES_H
#define VERIFY_SCALES_H

#include "verify/chain.h"

typedef struct assay_scales assay_scales;

/* identity names the bundle's content and that of checkpoints from outside it; NULL or empty:
 * nothing is kept on disk. */
assay_status assay_scales_open(const char *identity, assay_scales **scales, assay_error *error);
void assay_scales_close(assay_scales **scales);

/* Whether any scales are read from disk and kept there; on at first. */
void assay_scales_set_disk(bool on);

/* What is returned lives as long as scales. */
assay_status assay_scales_find(assay_scales *scales, const assay_chain *chain, size_t output,
                               const assay_table *contracts, const float **scale,
                               assay_error *error);
/* contracts NULL: of the operands as they are; else as those contracts promise them. */
assay_status assay_scales_truth(assay_scales *scales, const assay_chain *chain, size_t output,
                                const assay_table *contracts, const double **truth,
                                assay_error *error);

/* sha256 of what every op's contract in a table says, as 64 hex digits: implementations of the same
 * contract have the same chain budgets, whatever they are called. */
void assay_contract_digest(const assay_table *table, char digest[65]);

#endif
