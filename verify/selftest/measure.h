/* One generated case run by one kernel, with the truth and the budget of every output element. */
#ifndef VERIFY_SELFTEST_MEASURE_H
#define VERIFY_SELFTEST_MEASURE_H

#include "fixtures/synth/cases.h"
#include "verify/step.h"

typedef struct assay_measure {
    assay_generated_case built;
    assay_arena arena;
    assay_step step;
    assay_any_io got;
    int64_t rows, columns;
    double *truth, *budget;       /* [rows, columns]; of sae_encode: pre-activations */
    double *worst;                /* the worst-case bound; NULL unless asked for */
    double *score, *score_budget; /* sae_encode only */
} assay_measure;

/* Builds the case with the kernel's activation type and runs the kernel on it in this process. */
assay_status assay_measure_open(const cJSON *json, uint64_t seed, const assay_kernel *kernel,
                                bool worst, assay_measure *measure, assay_error *error);
/* The same without the truth: built and run. Closed whatever it returns. */
assay_status assay_measure_begin(const cJSON *json, uint64_t seed, const assay_kernel *kernel,
                               assay_measure *measure, assay_error *error);
void assay_measure_close(assay_measure *measure);

/* The tensor that is judged element by element: y, or sample's probability. */
const assay_tensor *assay_measure_output(const assay_measure *measure);

/* Calls visit with each output element that was judged: its place in truth, and what was got. */
typedef void assay_measure_visit(void *context, const assay_measure *measure, int64_t i,
                                 double got);
void assay_measure_each(const assay_measure *measure, assay_measure_visit *visit, void *context);

#endif
