/* What right kernels use of their budgets, op by op and contract by contract. */
#ifndef VERIFY_SELFTEST_CALIBRATION_H
#define VERIFY_SELFTEST_CALIBRATION_H

#include <cjson/cJSON.h>

#include "assay/kernel.h"
#include "verify/selftest/histogram.h"

typedef struct assay_calibrated {
    const char *contract;
    assay_op op;
    uint64_t cases;
    assay_histogram used;  /* error / budget */
    assay_histogram worst; /* error / worst-case bound, of one case in eight */
    double seconds;
} assay_calibrated;

enum { ASSAY_CALIBRATED_MAX = 512 };

typedef struct assay_calibration {
    uint64_t seed, elements; /* wanted of every op and contract */
    size_t count;
    assay_calibrated *entry; /* [ASSAY_CALIBRATED_MAX] */
} assay_calibration;

/* A table, then one line: the greatest error/budget of all, and how many were above 1. */
void assay_calibration_print_head(void);
void assay_calibration_print(const assay_calibrated *entry);
void assay_calibration_print_total(const assay_calibration *calibration);
uint64_t assay_calibration_above(const assay_calibration *calibration);

/* Whole histograms are kept, so that a later run takes over what is done (the same seed and
 * number of elements, and as many of them). A missing file is nothing to take over. */
assay_status assay_calibration_write(const assay_calibration *calibration, const char *command,
                                     const char *path, assay_error *error);
assay_status assay_calibration_read(assay_calibration *calibration, const char *path,
                                    assay_error *error);

#endif
