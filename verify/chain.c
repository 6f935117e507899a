#include "verify/chain.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "kernels/registry.h"
#include "verify/compare.h"

double assay_chain_kappa(void)
{
    return 2.0 * assay_lambda();
}

void assay_chain_tap(assay_chain_pass *pass, size_t output, const assay_tensor *rows,
                     const int64_t *pick, int64_t count, int64_t at)
{
    const int64_t width = rows->shape[1];
    const int64_t share = rows->shape[0] / pass->replicas;
    const uint64_t first = pass->perturbation != NULL ? pass->perturbation->first : 1;
    const double *const data = rows->data;
    for (int64_t p = 0; p < count; p++) {
        const double *const exact = data + (pick != NULL ? pick[p] : p) * width;
        pass->row(pass->row_context, output, at + p, 0, exact, exact);
        for (int64_t r = 1; r < pass->replicas; r++) {
            pass->row(pass->row_context, output, at + p, first + (uint64_t)r - 1, exact,
                      exact + r * share * width);
        }
    }
}

/* Replicas that fit beside the exact one in a small part of the memory that is free: other cases
 * may be judged at the same time. */
static uint64_t group_size(const assay_chain *chain, uint64_t count)
{
    const double room = (double)assay_host_device().memory_bytes / 8.0;
    const double fit = chain->bytes > 0.0 ? floor(room / chain->bytes) - 1.0 : (double)count;
    return fit >= (double)count ? count : fit < 1.0 ? 1 : (uint64_t)fit;
}

assay_status assay_chain_visit(const assay_chain *chain, const assay_table *contracts,
                               uint64_t first, uint64_t count, assay_chain_row_fn *row,
                               void *row_context, assay_error *error)
{
    assay_perturbation perturbation = {.contracts = contracts,
                                       .seed = chain->seed,
                                       .threads = omp_get_max_threads(),
                                       .idle = chain->idle};
    assay_chain_pass pass = {
        .table = &assay_oracle,
        .exec = {.device = assay_host_device(), .threads = omp_get_max_threads(), .error = error},
        .replicas = 1,
        .row = row,
        .row_context = row_context};
    if (contracts == NULL) {
        return chain->run(chain->context, &pass);
    }
    const uint64_t group = group_size(chain, count);
    assay_status status = ASSAY_OK;
    pass.table = &assay_perturbed_oracle;
    pass.exec.harness = &perturbation;
    pass.perturbation = &perturbation;
    uint64_t done = 0;
    do {
        const uint64_t now = count - done < group ? count - done : group;
        perturbation.first = first + done;
        perturbation.calls = 0;
        perturbation.wanted = NULL;
        perturbation.few = false;
        perturbation.replicas = 1 + (int64_t)now;
        pass.replicas = perturbation.replicas;
        status = chain->run(chain->context, &pass);
        done += now;
    } while (done < count && status == ASSAY_OK);
    omp_set_num_threads(perturbation.threads); /* ops may have used idle ones too */
    free(perturbation.index);
    return status;
}

typedef struct collector {
    const assay_chain *chain;
    double *const *truth;
    double *const *square;
} collector;

static void collect(void *context, size_t output, int64_t row, uint64_t replica,
                    const double *exact, const double *value)
{
    const collector *const into = context;
    const int64_t width = into->chain->output[output].columns;
    if (replica == 0) {
        if (into->truth != NULL && into->truth[output] != NULL) {
            memcpy(into->truth[output] + row * width, exact, (size_t)width * sizeof *exact);
        }
        return;
    }
    double *const square = into->square[output] + row * width;
    for (int64_t i = 0; i < width; i++) {
        const double deviation = value[i] - exact[i];
        if (isfinite(exact[i])) {
            square[i] += isfinite(deviation) ? deviation * deviation : (double)INFINITY;
        }
    }
}

/* From sums of squared deviations to their RMS, floored by the row's. */
static void scale_rows(const assay_chain_output *output, const double *square, float *scale)
{
    for (int64_t row = 0; row < output->rows; row++) {
        const double *const s = square + row * output->columns;
        float *const to = scale + row * output->columns;
        double sum = 0.0;
        int64_t known = 0;
        for (int64_t i = 0; i < output->columns; i++) {
            sum += isfinite(s[i]) ? s[i] : 0.0;
            known += isfinite(s[i]);
        }
        const double floor = sum / (double)(known > 0 ? known : 1);
        for (int64_t i = 0; i < output->columns; i++) {
            to[i] = (float)sqrt(fmax(s[i], floor) / ASSAY_CHAIN_RUNS);
        }
    }
}

assay_status assay_chain_truth(const assay_chain *chain, const assay_table *contracts,
                               double *const *truth, assay_error *error)
{
    collector into = {chain, truth, NULL};
    return assay_chain_visit(chain, contracts, 1, 0, collect, &into, error);
}

bool assay_contracts_round(const assay_table *contracts)
{
    bool rounds = false;
    for (int op = 0; op < ASSAY_OP_capture; op++) {
        const assay_kernel *const kernel = contracts->kernel[op];
        const assay_precision none = {.multiply = ASSAY_NONE};
        const assay_precision *const p = kernel != NULL ? &kernel->precision : &none;
        const int multiply = assay_dtype_bits(p->multiply);
        const int storage = assay_dtype_bits(p->storage);
        rounds = rounds || p->quant_bits > 0 || p->operand_scale != ASSAY_SCALE_NONE ||
                 (multiply > 0 && multiply < 24) ||
                 (storage > 0 && storage < 24);
    }
    return rounds;
}

assay_status assay_chain_scales(const assay_chain *chain, const assay_table *contracts,
                                double *const *truth, float *const *scale, assay_error *error)
{
    assay_arena arena = {0};
    double **const square = assay_arena_take(&arena, chain->output_count * sizeof *square);
    collector into = {chain, truth, square};
    assay_status status = ASSAY_OK;
    bool room = square != NULL;
    for (size_t k = 0; room && k < chain->output_count; k++) {
        const assay_chain_output *const output = &chain->output[k];
        square[k] = assay_arena_take(&arena, (size_t)(output->rows * output->columns) *
                                                 sizeof **square);
        room = square[k] != NULL;
    }
    status = room ? assay_chain_visit(chain, contracts, 1, ASSAY_CHAIN_RUNS, collect, &into, error)
                  : assay_fail(error, ASSAY_NO_MEMORY, "out of memory for a chain's scales");
    for (size_t k = 0; status == ASSAY_OK && k < chain->output_count; k++) {
        if (scale != NULL && scale[k] != NULL) {
            scale_rows(&chain->output[k], square[k], scale[k]);
        }
    }
    assay_arena_free(&arena);
    return status;
}
