/* The golden bundles that selftests judge by, opened once a thread; long cases are left out. */
#ifndef VERIFY_SELFTEST_BUNDLES_H
#define VERIFY_SELFTEST_BUNDLES_H

#include "verify/generated.h"

typedef struct assay_selftest_bundles assay_selftest_bundles;

assay_status assay_selftest_bundles_open(assay_selftest_bundles **bundles, assay_error *error);
void assay_selftest_bundles_close(assay_selftest_bundles **bundles);

/* Judges, for the run's first table (or, with run->host, the host), the cases of its fused stages
 * (of texts and explanations) whose id matches the glob, or those whose id does not. Stops when
 * *decided (NULL: never). */
assay_status assay_selftest_bundles_judge(assay_selftest_bundles *bundles,
                                          const assay_verify_run *run, const char *glob,
                                          bool matching, const bool *decided, assay_error *error);

/* Judges one case of any op, that number (modulo their count). */
assay_status assay_selftest_bundles_judge_one(assay_selftest_bundles *bundles,
                                              const assay_verify_run *run, uint64_t number,
                                              assay_error *error);

#endif
