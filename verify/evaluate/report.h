/* Evaluations as people and programs read them. */
#ifndef VERIFY_EVALUATE_REPORT_H
#define VERIFY_EVALUATE_REPORT_H

#include "verify/evaluate/measure.h"

typedef struct assay_evaluations {
    assay_evaluation *item;
    size_t count;
} assay_evaluations;

/* A table, SAE by SAE: a line of values for each implementation, and one of intervals below it. */
void assay_evaluations_print(const assay_world *world, const assay_evaluations *all, bool colour,
                             FILE *out);
/* Concepts, as many as asked and evenly spread, with what float64 says of the latent that stands
 * best for each, SAE by SAE; on standard output. */
void assay_evaluations_print_labels(const assay_world *world, const assay_observed *truth,
                                    size_t count);
/* A result file (reports/schema): key "evaluations". path "-" is standard output. */
assay_status assay_evaluations_write(const assay_world *world, const assay_evaluations *all,
                                     const char *path, assay_error *error);

#endif
