/* linear and sae_encode at true shapes, by the oracle's subsets: the weights are 65,536 x 4,096 in
 * bf16 and those of the sampled outputs are filled in (the rest of the memory is never touched),
 * the oracle computes the sampled columns of the whole, the simulated kernel the same columns
 * gathered. */
#include <stdlib.h>

#include "fixtures/synth/normal.h"
#include "verify/selftest/sensitivity.h"

enum { OUTPUTS = 65536, DEPTH = 4096, ROWS = 8, SAMPLED = ASSAY_SENSE_COLUMNS };

typedef struct giant {
    const assay_kernel *kernel;
    assay_arena arena;
    assay_tensor whole, part; /* weights [65536, 4096] and the sampled rows of them, bf16 */
    uint16_t *memory;
    int64_t column[SAMPLED];
    int64_t all[SAMPLED]; /* 0, 1, 2 ... */
    assay_tensor x;       /* [ROWS, DEPTH] */
    assay_tensor truth, score, bound, sigma; /* [ROWS, SAMPLED] */
    assay_error_model model;
    double accumulation[ROWS * SAMPLED];
    assay_limit limit;
} giant;

static assay_status fill(giant *g, uint64_t seed, assay_error *error)
{
    const int64_t part[2] = {SAMPLED, DEPTH};
    const int64_t x[2] = {ROWS, DEPTH};
    const int64_t y[2] = {ROWS, SAMPLED};
    g->memory = calloc((size_t)OUTPUTS * DEPTH, sizeof *g->memory);
    if (g->memory == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no address space for 65,536 x 4,096 weights");
    }
    g->whole = assay_matrix(g->memory, ASSAY_BF16, OUTPUTS, DEPTH);
    assay_status status = assay_buffer_make(&g->arena, ASSAY_BF16, 2, part, &g->part, error);
    assay_tensor *const made[] = {&g->truth, &g->score, &g->bound, &g->sigma};
    for (size_t i = 0; i < sizeof made / sizeof *made && status == ASSAY_OK; i++) {
        status = assay_buffer_make(&g->arena, ASSAY_F64, 2, y, made[i], error);
    }
    if (status == ASSAY_OK) {
        status = assay_buffer_make(&g->arena, g->kernel->precision.output, 2, x, &g->x, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    assay_fill_normal(seed, assay_stream("x"), 0, (size_t)ROWS * DEPTH, 0.7, g->x.dtype,
                      g->x.data);
    assay_sense_strata(OUTPUTS, SAMPLED, seed, "column", 0, g->column);
    for (int64_t i = 0; i < SAMPLED; i++) {
        uint16_t *const row = g->memory + g->column[i] * DEPTH;
        assay_fill_normal(seed, assay_stream("weight"), (uint64_t)g->column[i] * DEPTH, DEPTH,
                          1.0 / 64.0, ASSAY_BF16, row);
        memcpy((uint16_t *)g->part.data + i * DEPTH, row, DEPTH * sizeof *row);
    }
    g->model = (assay_error_model){.bound = g->bound, .sigma = g->sigma};
    return assay_limit_of(&g->kernel->precision, g->kernel->op, &g->x, &g->part, g->accumulation,
                          &g->limit, error);
}

static double *budget_of(const giant *g)
{
    double *const bound = g->bound.data;
    const double *const sigma = g->sigma.data;
    for (int64_t i = 0; i < (int64_t)ROWS * SAMPLED; i++) {
        bound[i] += assay_lambda() * sigma[i];
    }
    return bound;
}

static assay_status sense_linear(giant *g, uint64_t seed, assay_sensed *sensed, assay_error *error)
{
    const assay_subset subset = {.columns = g->column, .column_count = SAMPLED};
    const assay_linear_params whole = {.weight = g->whole};
    const assay_linear_params part = {.weight = g->part};
    const assay_linear_io truth_io = {.x = g->x, .y = g->truth};
    const assay_exec exec = {.threads = 2, .error = error};
    const int64_t shape[2] = {ROWS, SAMPLED};
    assay_linear_io io = {.x = g->x};
    assay_status status = assay_ref_linear(&whole, &truth_io, &subset, &g->kernel->precision,
                                           &g->model, error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(&g->arena, g->kernel->precision.output, 2, shape, &io.y, error);
    }
    if (status == ASSAY_OK) {
        status = g->kernel->run.linear.run(&exec, &part, NULL, &io);
    }
    const assay_probe probe = {.kernel = g->kernel, .values = io.y, .rows = ROWS,
                               .columns = SAMPLED, .truth = g->truth.data,
                               .budget = budget_of(g), .limit = &g->limit};
    return status == ASSAY_OK ? assay_sense(&probe, seed, sensed, error) : status;
}

static assay_status sense_encode(giant *g, uint64_t seed, assay_sensed *sensed, assay_error *error)
{
    const assay_subset subset = {.columns = g->column, .column_count = SAMPLED};
    const assay_sae whole = {.d_in = DEPTH, .d_out = DEPTH, .d_sae = OUTPUTS, .encoder = g->whole};
    assay_sae_encode_params part = {.sae = whole};
    part.sae.encoder = g->part;
    part.sae.d_sae = SAMPLED;
    const assay_exec exec = {.threads = 2, .error = error};
    assay_sae_encode_io io = {.x = g->x};
    assay_status status = assay_ref_sae_preactivations(&whole, &g->x, &subset,
                                                       &g->kernel->precision, &g->truth,
                                                       &g->score, &g->model, NULL, error);
    if (status == ASSAY_OK) {
        status = assay_sense_codes_make(&g->arena, ROWS, (int64_t)ROWS * SAMPLED,
                                        g->kernel->precision.output == ASSAY_F64 ? ASSAY_F64
                                                                                 : ASSAY_F32,
                                        &io.codes, error);
    }
    if (status == ASSAY_OK) {
        status = g->kernel->run.sae_encode.run(&exec, &part, NULL, &io);
    }
    double *const budget = budget_of(g);
    const assay_codes_truth truth = {.sae = &part.sae, .rows = ROWS, .pre = g->truth.data,
                                     .score = g->score.data, .pre_budget = budget,
                                     .score_budget = budget};
    const assay_probe probe = {.kernel = g->kernel, .values = io.codes.value, .rows = ROWS,
                               .columns = SAMPLED, .truth = g->truth.data, .budget = budget,
                               .codes = &io.codes, .codes_truth = &truth, .limit = &g->limit};
    return status == ASSAY_OK ? assay_sense(&probe, seed, sensed, error) : status;
}

assay_status assay_sense_products(const assay_kernel *kernel, uint64_t seed, assay_sensed *sensed,
                                  assay_error *error)
{
    giant *const g = calloc(1, sizeof *g);
    if (g == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory");
    }
    (void)snprintf(sensed->shape, sizeof sensed->shape, "65536x4096, %d of 65536 outputs",
                   (int)SAMPLED);
    g->kernel = kernel;
    assay_status status = fill(g, seed, error);
    if (status == ASSAY_OK) {
        status = kernel->op == ASSAY_OP_linear ? sense_linear(g, seed, sensed, error)
                                               : sense_encode(g, seed, sensed, error);
    }
    assay_arena_free(&g->arena);
    free(g->memory);
    free(g);
    return status;
}
