#include "verify/chain.h"

#include <math.h>
#include <omp.h>

double assay_chain_kappa(void)
{
    return 2.0 * assay_lambda();
}

assay_status assay_chain_truth(const assay_chain *chain, assay_arena *arena, double **truth,
                               assay_error *error)
{
    *truth = assay_arena_take(arena, (size_t)(chain->rows * chain->columns) * sizeof **truth);
    if (*truth == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a truth of %lld rows",
                          (long long)chain->rows);
    }
    const assay_exec exec = {.threads = omp_get_max_threads(), .error = error};
    return chain->run(chain->chain, &assay_oracle, &exec, *truth);
}

/* From sums of squared deviations to kappa times the RMS, floored by the row's. */
static void scale_rows(const assay_chain *chain, double *square)
{
    const double kappa = assay_chain_kappa();
    for (int64_t row = 0; row < chain->rows; row++) {
        double *const s = square + row * chain->columns;
        double sum = 0.0;
        for (int64_t i = 0; i < chain->columns; i++) {
            s[i] /= ASSAY_CHAIN_RUNS;
            sum += s[i];
        }
        const double floor = sum / (double)(chain->columns > 0 ? chain->columns : 1);
        for (int64_t i = 0; i < chain->columns; i++) {
            s[i] = kappa * sqrt(fmax(s[i], floor));
        }
    }
}

assay_status assay_chain_budget(const assay_chain *chain, const double *truth,
                                const assay_table *table, assay_arena *arena,
                                assay_budget *budget, assay_error *error)
{
    const int64_t count = chain->rows * chain->columns;
    double *const square = assay_arena_take(arena, (size_t)count * sizeof *square);
    double *const output = assay_arena_take(arena, (size_t)count * sizeof *output);
    if (square == NULL || output == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for chain scales");
    }
    for (uint64_t run = 0; run < ASSAY_CHAIN_RUNS; run++) {
        assay_perturbation perturbation = {table, chain->seed + run, 0};
        const assay_exec exec = {
            .threads = omp_get_max_threads(), .error = error, .harness = &perturbation};
        const assay_status status =
            chain->run(chain->chain, &assay_perturbed_oracle, &exec, output);
        if (status != ASSAY_OK) {
            return status;
        }
        for (int64_t i = 0; i < count; i++) {
            const double deviation = output[i] - truth[i];
            square[i] += isfinite(deviation) ? deviation * deviation : 0.0;
        }
    }
    scale_rows(chain, square);
    *budget = (assay_budget){chain->rows, chain->columns, square};
    return ASSAY_OK;
}
