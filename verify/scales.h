/* Chain budgets that were computed before: cases that differ only in their expectation (a truth and
 * its witnesses) share one. Lives as long as a bundle is judged. */
#ifndef VERIFY_SCALES_H
#define VERIFY_SCALES_H

#include "verify/compare.h"

typedef struct assay_scales {
    struct assay_scale {
        char *key;
        assay_budget budget;
        struct assay_scale *next;
    } *first;
} assay_scales;

/* The budget kept under key and contract, or NULL. */
const assay_budget *assay_scales_find(const assay_scales *scales, const char *key,
                                      const char *contract);
/* Keeps a copy. */
assay_status assay_scales_keep(assay_scales *scales, const char *key, const char *contract,
                               const assay_budget *budget, assay_error *error);
void assay_scales_free(assay_scales *scales);

#endif
