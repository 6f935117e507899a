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

/* The case's weights, made on first use. */
assay_status assay_check_weights(assay_check_case *check, const cJSON *json,
                                 const assay_generated_case **weights, assay_error *error);
/* Inputs from a seed, activations of the type, over those weights; json must outlive them. */
assay_status assay_check_inputs(assay_check_case *check, const cJSON *json, assay_dtype type,
                                uint64_t seed, assay_generated_case *built, assay_error *error);

/* The op's params and io of a built case. */
const void *assay_built_params(const assay_generated_case *built);
const void *assay_built_io(const assay_generated_case *built);

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
