/* The readers of the things in a result file. */
#ifndef REPORTS_RESULTS_PARTS_H
#define REPORTS_RESULTS_PARTS_H

#include "reports/fields.h"
#include "reports/results.h"

assay_status results_read_timing(assay_doc *doc, const assay_node *object, const assay_place *place,
                                 results_timing *timing, assay_error *error);
assay_status results_read_estimate(const assay_node *object, const char *key,
                                   const assay_place *place, results_estimate *estimate,
                                   assay_error *error);
/* What timings and comparisons are told apart by is in its range. */
assay_status results_check_identity(const assay_node *object, const assay_place *place,
                                    const char *cache, double batch, double threads,
                                    assay_error *error);
assay_status results_read_evaluation(const assay_node *object, const assay_place *place,
                                     results_evaluation *evaluation, assay_error *error);

#endif
