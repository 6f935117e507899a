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

static assay_status run_perturbed(const assay_chain *chain, assay_perturbation *perturbation,
                                  double *output, assay_error *error)
{
    const assay_exec exec = {
        .threads = omp_get_max_threads(), .error = error, .harness = perturbation};
    perturbation->calls = 0;
    return chain->run(chain->chain, &assay_perturbed_oracle, &exec, output);
}

assay_status assay_chain_budget(const assay_chain *chain, const double *truth,
                                const assay_table *table, assay_arena *arena,
                                assay_budget *budget, assay_error *error)
{
    const int64_t count = chain->rows * chain->columns;
    double *const square = assay_arena_take(arena, (size_t)count * sizeof *square);
    double *const output = assay_arena_take(arena, (size_t)count * sizeof *output);
    assay_chain_record record = {0};
    assay_perturbation perturbation = {.contracts = table, .record = &record, .recording = true};
    if (square == NULL || output == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for chain scales");
    }
    assay_status status = run_perturbed(chain, &perturbation, output, error);
    perturbation.recording = false;
    for (uint64_t run = 0; run < ASSAY_CHAIN_RUNS && status == ASSAY_OK; run++) {
        perturbation.seed = chain->seed + run;
        status = run_perturbed(chain, &perturbation, output, error);
        for (int64_t i = 0; i < count && status == ASSAY_OK; i++) {
            const double deviation = output[i] - truth[i];
            square[i] += isfinite(deviation) ? deviation * deviation : 0.0;
        }
    }
    assay_chain_record_free(&record);
    scale_rows(chain, square);
    *budget = (assay_budget){chain->rows, chain->columns, square};
    return status;
}
