/* linear: y[n,o] = sum_k x[n,k] w[o,k] + bias[o].
 *
 * Error model: the dot product's (sums.h), the bias counting as one more term; the operands'
 * rounding to the multiply type (a weight's to the storage type first); the output's:
 *   bound = bound_sum + |D| + |round(bias) - bias| + half an ulp of y + underflow
 *   sigma = sigma_sum, with quantised weights and their scales' roundings (quantise.h)
 * D = sum_k (round(x) round(w) - x w) is computed, not estimated: the contract says to which values
 * the operands are rounded, and inputs in runs make their errors add up instead of averaging.
 * Source: assay/linear.h, METHOD's dot-product budget. */
#include "ref/operands.h"
#include "ref/quantise.h"
#include "ref/sums.h"

#include <math.h>
#include <stdlib.h>

static assay_status check_inputs(const assay_linear_params *params, const assay_linear_io *io,
                                 assay_error *error)
{
    assay_status status = ref_expect_matrix("linear", "weight", &params->weight, REF_REAL, REF_ANY,
                                            REF_ANY, error);
    if (status == ASSAY_OK) {
        status = ref_expect_optional("linear", "bias", &params->bias, params->weight.shape[0],
                                     error);
    }
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("linear", "x", &io->x, REF_REAL, REF_ANY,
                                                  params->weight.shape[1], error);
}

assay_status assay_ref_linear_check(const assay_linear_params *params, const assay_linear_io *io,
                                    assay_error *error)
{
    const assay_status status = check_inputs(params, io, error);
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("linear", "y", &io->y, REF_REAL,
                                                  io->x.shape[0], params->weight.shape[0], error);
}

assay_cost assay_ref_linear_cost(const assay_linear_params *params, const assay_linear_io *io)
{
    const int64_t depth = params->weight.shape[1];
    const assay_cost cost = {2.0 * (double)io->x.shape[0] * (double)assay_count(&params->weight),
                             ref_bytes(&params->weight) + ref_bytes(&params->bias) +
                                 ref_bytes(&io->x),
                             ref_bytes(&io->y), depth};
    return cost;
}

typedef struct linear_job {
    const assay_linear_params *params;
    const assay_linear_io *io;
    const assay_precision *contract; /* may be NULL */
    const assay_error_model *model;  /* NULL: not wanted */
    ref_plan plan;
    ref_rounding rounding;
    int64_t depth;
    bool quick;
    bool rounds; /* operands change on their way to the multiplier */
    double *x;       /* [rows, depth] */
    double *rounded; /* the same as multiplied */
} linear_job;

static assay_status load_rows(linear_job *job, assay_error *error)
{
    job->x = ref_alloc(job->plan.rows * job->depth, error);
    job->rounded = ref_alloc(job->rounds ? job->plan.rows * job->depth : 1, error);
    if (job->x == NULL || job->rounded == NULL) {
        return ASSAY_NO_MEMORY;
    }
    for (int64_t i = 0; i < job->plan.rows; i++) {
        ref_load_row(&job->io->x, ref_plan_row(&job->plan, i), job->x + i * job->depth);
    }
    for (int64_t k = 0; job->rounds && k < job->plan.rows * job->depth; k++) {
        job->rounded[k] = ref_operand(&job->rounding, false, job->x[k]);
    }
    return ASSAY_OK;
}

/* One output column for every wanted row. scratch: [3 depth + 1]. */
static void one_column(const linear_job *job, int64_t j, double *scratch)
{
    const int64_t depth = job->depth;
    const int64_t column = ref_plan_column(&job->plan, j);
    double *weight = scratch;
    double *weight_rounded = scratch + depth;
    double *terms = scratch + 2 * depth;
    const bool has_bias = assay_present(&job->params->bias);
    const double bias = has_bias ? assay_at1(&job->params->bias, column) : 0.0;
    assay_ref_weight_row(job->contract, &job->params->weight, column, weight);
    for (int64_t k = 0; job->rounds && k < depth; k++) {
        weight_rounded[k] = ref_operand(&job->rounding, true, weight[k]);
    }
    for (int64_t i = 0; i < job->plan.rows; i++) {
        const double *x = job->x + i * depth;
        const double dot = ref_dot(x, weight, depth);
        const double y = has_bias ? dot + bias : dot;
        assay_put2(&job->io->y, i, j, y);
        if (job->model == NULL) {
            continue;
        }
        const ref_spread spread = ref_dot_spread(x, weight, depth, has_bias ? &bias : NULL,
                                                 &job->rounding, job->quick, terms);
        double bound = spread.bound + ref_round_error(job->rounding.work, bias);
        if (job->rounds) {
            const double *rounded = job->rounded + i * depth;
            bound += ref_operands_error(job->contract, rounded, weight, weight_rounded, depth, dot);
        }
        double sigma = spread.sigma;
        if (ref_quantises(job->contract)) {
            ref_quantised_error(&job->rounding, dot, spread.norm, depth, &bound, &sigma);
        }
        if (job->rounding.saturates && !isfinite(y)) {
            ref_model_open(job->model, i, j);
        } else {
            ref_model_put(job->model, &job->rounding, i, j, y, bound, sigma);
        }
    }
}

static assay_status run_columns(linear_job *job, assay_error *error)
{
    const int64_t stretch = 3 * job->depth + 1;
    double *scratch = ref_alloc_threads(stretch, error);
    if (scratch == NULL) {
        return ASSAY_NO_MEMORY;
    }
#pragma omp parallel for schedule(dynamic, 16)
    for (int64_t j = 0; j < job->plan.columns; j++) {
        one_column(job, j, ref_own(scratch, stretch));
    }
    free(scratch);
    return ASSAY_OK;
}

assay_status assay_ref_linear(const assay_linear_params *params, const assay_linear_io *io,
                              const assay_subset *subset, const assay_precision *contract,
                              const assay_error_model *model, assay_error *error)
{
    linear_job job;
    bool wanted = false;
    memset(&job, 0, sizeof job);
    assay_status status = check_inputs(params, io, error);
    if (status != ASSAY_OK) {
        return status;
    }
    job.params = params;
    job.io = io;
    job.contract = contract;
    job.depth = params->weight.shape[1];
    status = ref_plan_make("linear", io->x.shape[0], params->weight.shape[0], subset, &io->y,
                           model, &job.plan, error);
    if (status == ASSAY_OK) {
        status = ref_model_wanted(contract, model, &job.rounding, &wanted, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    job.model = wanted ? model : NULL;
    job.quick = ref_quick(job.plan.rows, job.plan.columns, job.depth);
    job.rounds = wanted && (ref_operand_changes(&job.rounding, false, io->x.dtype) ||
                            ref_operand_changes(&job.rounding, true, params->weight.dtype));
    status = load_rows(&job, error);
    if (status == ASSAY_OK) {
        status = run_columns(&job, error);
    }
    free(job.x);
    free(job.rounded);
    return status;
}
