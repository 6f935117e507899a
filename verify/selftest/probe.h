/* Faults of one element, planted in a right output and judged by the real comparators: how small a
 * fault is still caught. */
#ifndef VERIFY_SELFTEST_PROBE_H
#define VERIFY_SELFTEST_PROBE_H

#include "verify/selftest/limit.h"
#include "verify/selftest/measure.h"
#include "verify/step_truth.h"

typedef struct assay_probe {
    const assay_kernel *kernel;
    assay_tensor values;          /* dense: where faults are planted */
    int64_t rows, columns;        /* of truth and budget */
    double *truth, *budget;
    const assay_csr *codes;              /* sae_encode: judged as codes, values its values */
    const assay_codes_truth *codes_truth;
    const assay_measure *measure;        /* sample: judged as a distribution ... */
    const assay_distribution *nucleus;   /* ... by this truth [ASSAY_NUCLEI] */
    const assay_limit *limit;            /* what ASSAY_FAULT_LIMIT counts in; NULL: there is none */
} assay_probe;

/* What a fault's size is counted in. */
typedef enum assay_fault_unit {
    ASSAY_FAULT_RMS,   /* the row's root mean square */
    ASSAY_FAULT_ULP,   /* the unit in the last place of assay_kept_in, at the element */
    ASSAY_FAULT_LIMIT /* METHOD's limit on looseness */
} assay_fault_unit;

/* The smallest fault that is caught in at least 95 of 100 trials (a random element, a random sign),
 * to 2%: 0 when anything is, infinity when nothing up to 2^60 units is. */
assay_status assay_probe_least(const assay_probe *probe, assay_fault_unit unit, uint64_t seed,
                               double *least, assay_error *error);
/* The part of trials that catch a fault of that size. */
assay_status assay_probe_caught(const assay_probe *probe, assay_fault_unit unit, double size,
                                uint64_t seed, double *part, assay_error *error);

#endif
