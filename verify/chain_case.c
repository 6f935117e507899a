#include "verify/chain_case.h"

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

assay_status assay_chain_case_budget(const assay_chain_case *chain_case, const assay_table *table,
                                     assay_budget *budget, assay_error *error)
{
    const assay_chain_output *const output = &chain_case->chain->output[chain_case->output];
    const int64_t count = output->rows * output->columns;
    const double kappa = assay_chain_kappa();
    double *const sum = assay_arena_take(chain_case->arena, (size_t)count * sizeof *sum);
    if (sum == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a budget");
    }
    const assay_table *const parts[2] = {
        strcmp(table->name, assay_oracle.name) == 0 ? NULL : table, chain_case->witness};
    for (int part = 0; part < 2; part++) {
        const float *scale = NULL;
        if (parts[part] == NULL) {
            continue;
        }
        const assay_status status = assay_scales_find(
            chain_case->scales, chain_case->chain, chain_case->output, parts[part], &scale, error);
        if (status != ASSAY_OK) {
            return status;
        }
        for (int64_t i = 0; i < count; i++) {
            sum[i] += kappa * (double)scale[i];
        }
    }
    *budget = (assay_budget){output->rows, output->columns, sum, NULL};
    assay_floor_by_agreement(chain_case->expected, budget);
    return ASSAY_OK;
}
