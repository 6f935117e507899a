/* Outputs of timed calls judged: the inputs are made again from the call's seed, and the outputs
 * held against the oracle within the contract's budgets, as `assay verify` does. */
#ifndef BENCH_CHECK_H
#define BENCH_CHECK_H

#include <cjson/cJSON.h>

#include "fixtures/synth/cases.h"
#include "verify/step.h"

/* What checks of one case share: its weights, made once. Zero-initialise; json is kept. */
typedef struct assay_check_case {
    assay_generated_case weights;
    bool made;
} assay_check_case;

void assay_check_close(assay_check_case *check);

/* json: the case at the batch size. outputs: the child's list, its tensors in the file `output` one
 * after another. result: verdict, figures and message. Large outputs are judged in part. */
assay_status assay_check_outputs(assay_check_case *check, const cJSON *json,
                                 const assay_kernel *kernel, uint64_t seed, const cJSON *outputs,
                                 int output, assay_result *result, assay_error *error);

/* The whole judgement of `assay verify` (guard pages, metamorphic checks) on the case. */
assay_status assay_check_kernel(assay_check_case *check, const cJSON *json,
                                const assay_judge *judge, assay_result *result,
                                assay_error *error);

#endif
