/* Outputs of timed stages judged by chain budgets (verify/chain.h), on models small enough for the
 * oracle's replicas. */
#ifndef BENCH_STAGE_CHECK_H
#define BENCH_STAGE_CHECK_H

#include <cjson/cJSON.h>

#include "assay/result.h"
#include "assay/kernel.h"

/* As assay_check_outputs (check.h). capture: the rows of the residual stream; generate: every token
 * within both budgets of the oracle's best, the kernel's own tokens before it; explain: the soft
 * tokens, then the tokens given those. *judged: false, and nothing said, where the model is too
 * large. */
assay_status assay_check_stage(const cJSON *json, const assay_table *table, uint64_t seed,
                               const cJSON *outputs, int output, bool *judged,
                               assay_result *result, assay_error *error);

#endif
