#include "verify/chain_case.h"

#include <math.h>
#include <pthread.h>

#include "kernels/registry.h"
#include "verify/step.h"

static assay_table f32;
static assay_table bf16;

static void find_witnesses(void)
{
    (void)assay_table_find("scalar", &f32, NULL);
    (void)assay_table_find("scalar_bf16", &bf16, NULL);
}

const assay_table *assay_witness_table(const char *precision)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, find_witnesses);
    if (strcmp(precision, "f32") == 0) {
        return &f32;
    }
    return strcmp(precision, "bf16") == 0 ? &bf16 : NULL;
}

/* given, moved by truth - plain, where both are finite. */
static assay_status move_expectation(assay_chain_case *chain_case, const assay_table *table,
                                     int64_t count, assay_error *error)
{
    const double *plain = NULL;
    const double *truth = NULL;
    chain_case->expected = chain_case->given;
    if (!assay_contracts_round(table)) {
        return ASSAY_OK;
    }
    assay_status status = assay_scales_truth(chain_case->scales, chain_case->chain,
                                             chain_case->output, NULL, &plain, error);
    if (status == ASSAY_OK) {
        status = assay_scales_truth(chain_case->scales, chain_case->chain, chain_case->output,
                                    table, &truth, error);
    }
    double *const moved = assay_arena_take(chain_case->arena, (size_t)count * sizeof *moved + 1);
    if (status != ASSAY_OK || moved == NULL) {
        return status != ASSAY_OK ? status
                                  : assay_fail(error, ASSAY_NO_MEMORY,
                                               "out of memory for an expectation");
    }
    for (int64_t i = 0; i < count; i++) {
        const double shift = truth[i] - plain[i];
        moved[i] = chain_case->given[i] + (isfinite(shift) ? shift : 0.0);
    }
    chain_case->expected = moved;
    return ASSAY_OK;
}

assay_status assay_chain_case_budget(assay_chain_case *chain_case, const assay_table *table,
                                     assay_budget *budget, assay_error *error)
{
    const assay_chain_output *const output = &chain_case->chain->output[chain_case->output];
    const int64_t count = output->rows * output->columns;
    const double kappa = assay_chain_kappa();
    double *const sum = assay_arena_take(chain_case->arena, (size_t)count * sizeof *sum);
    if (sum == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a budget");
    }
    assay_status status = move_expectation(chain_case, table, count, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const assay_table *const parts[2] = {
        strcmp(table->name, assay_oracle.name) == 0 ? NULL : table, chain_case->witness};
    for (int part = 0; part < 2; part++) {
        const float *scale = NULL;
        if (parts[part] == NULL) {
            continue;
        }
        status = assay_scales_find(
            chain_case->scales, chain_case->chain, chain_case->output, parts[part], &scale, error);
        if (status != ASSAY_OK) {
            return status;
        }
        for (int64_t i = 0; i < count; i++) {
            sum[i] += kappa * (double)scale[i];
        }
    }
    *budget = (assay_budget){output->rows, output->columns, sum, NULL, ASSAY_CHAIN_EVIDENCE};
    assay_floor_by_agreement(chain_case->expected, budget);
    return ASSAY_OK;
}

assay_status assay_chain_case_golden(const assay_chain_case *c, bool whole, assay_result *result,
                                     assay_error *error)
{
    const assay_chain_output *const output = &c->chain->output[c->output];
    const int64_t shape[2] = {output->rows, output->columns};
    const double *plain = NULL;
    assay_tensor given;
    assay_tensor limit;
    assay_status status =
        assay_scales_truth(c->scales, c->chain, c->output, NULL, &plain, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(c->arena, ASSAY_F64, 2, shape, &given, error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(c->arena, ASSAY_F64, 2, shape, &limit, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    double *const value = limit.data;
    const assay_budget budget = {shape[0], shape[1], value, NULL, 0};
    memcpy(given.data, c->given, (size_t)assay_count(&given) * sizeof(double));
    memset(value, 0, (size_t)assay_count(&limit) * sizeof *value);
    assay_floor_by_agreement(plain, &(assay_budget){shape[0], shape[1], value, NULL, 0});
    for (int64_t i = 0; !(whole && c->witness == NULL) && i < assay_count(&given); i++) {
        value[i] = isfinite(c->given[i]) && isfinite(plain[i]) ? INFINITY : value[i];
    }
    assay_result found = {.verdict = ASSAY_PASS};
    assay_compare_elements(&given, plain, &budget, "row", true, &found);
    if (found.verdict != ASSAY_PASS) {
        assay_result_blame_bundle(result, "data", &found);
    }
    return ASSAY_OK;
}
