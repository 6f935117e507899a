/* rmsnorm: y_i = x_i r w_i with r = 1 / sqrt(m + eps), m = sum_i x_i^2 / d.
 *
 * Error model, first order. The kernel's m has the absolute error of its sum over d; the division
 * and the addition of eps are a rounding each (one more where the division is a product with 1/d),
 * and a relative error e of m + eps is e/2 of r, at most (1 - e)^(-1/2) - 1 where it is not small:
 *   rho_sigma = sigma_sum / (2 d (m + eps))
 *   e         = (bound_sum / d + |round(eps) - eps| + underflow of the quotient
 *                + m or eps where they are flushed) / (m + eps)
 *   rho_bound = (1 - e)^(-1/2) - 1 + 3/2 u + u_function
 * Squares that underflow are part of bound_sum. With e >= 1 a right kernel's m + eps may be 0, and
 * its row 0/0 or infinite; where m + eps is subnormal its reciprocal may be infinite: such a row is
 * left open, but for one of zeros with eps 0, which is NaN in any case.
 * Then x r is rounded (u), kept as an intermediate (u_int: bf16 in the Hugging Face flow, before
 * the weight), multiplied by the weight (u) and rounded to the output type:
 *   bound = |y| (rho_bound + 2 u + u_int) + |x r| |round(w) - w| + half an ulp of y + underflow,
 *           that of x w, where the weight comes first, times r
 *   sigma = |y| rho_sigma
 * Where the squares overflow the working type, a right kernel gives 0: no bound. An infinite
 * weight times an x r that may underflow, or be flushed, is infinite or NaN.
 * Source: assay/rmsnorm.h (transformers LlamaRMSNorm). */
#include "ref/operands.h"
#include "ref/reach.h"
#include "ref/sums.h"

#include <math.h>
#include <stdlib.h>

static assay_status check_inputs(const assay_rmsnorm_params *params, const assay_rmsnorm_io *io,
                                 assay_error *error)
{
    const assay_status status = ref_expect_vector("rmsnorm", "weight", &params->weight, REF_REAL,
                                                  REF_ANY, error);
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("rmsnorm", "x", &io->x, REF_REAL, REF_ANY,
                                                  params->weight.shape[0], error);
}

assay_status assay_ref_rmsnorm_check(const assay_rmsnorm_params *params, const assay_rmsnorm_io *io,
                                     assay_error *error)
{
    const assay_status status = check_inputs(params, io, error);
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("rmsnorm", "y", &io->y, REF_REAL,
                                                  io->x.shape[0], io->x.shape[1], error);
}

assay_cost assay_ref_rmsnorm_cost(const assay_rmsnorm_params *params, const assay_rmsnorm_io *io)
{
    const assay_cost cost = {4.0 * (double)assay_count(&io->y),
                             ref_bytes(&io->x) + ref_bytes(&params->weight), ref_bytes(&io->y),
                             params->weight.shape[0]};
    return cost;
}

typedef struct row_state {
    double scale; /* r */
    double rho_bound, rho_sigma;
    bool open; /* m + eps may be 0, or have no reciprocal */
} row_state;

static row_state measure_row(const double *x, int64_t d, double eps, const ref_rounding *rounding,
                             double *scratch)
{
    const double sum = ref_dot(x, x, d);
    const double mean = sum / (double)d + eps;
    row_state row = {1.0 / sqrt(mean), 0.0, 0.0, false};
    if (rounding != NULL) {
        const int bits = assay_dtype_bits(rounding->output);
        const ref_rounding squares = ref_rounding_of_terms(
            rounding, 2 * (bits > 0 ? bits : assay_dtype_bits(rounding->work)));
        const ref_spread spread = ref_dot_spread(x, x, d, NULL, &squares, scratch);
        const double least = ldexp(1.0, assay_dtype_normal_exponent(rounding->work));
        const double off = (spread.bound / (double)d + ref_round_error(rounding->work, eps) +
                            (sum > 0.0 ? rounding->product_floor : 0.0) +
                            ref_flushed(rounding, mean) + ref_flushed(rounding, eps)) / mean;
        row.open = mean > 0.0 && (mean < least || off >= 1.0);
        row.rho_sigma = spread.sigma * 0.5 / ((double)d * mean);
        row.rho_bound = (off < 1.0 ? 1.0 / sqrt(1.0 - off) - 1.0 : (double)INFINITY) +
                        1.5 * rounding->u_work + rounding->u_function;
        if (ref_reach_near(rounding, sum, d)) {
            row.rho_bound = (double)INFINITY;
        }
    }
    return row;
}

/* Whether a kernel's x r may be 0, where it is not. */
static bool may_vanish(const ref_rounding *rounding, double x, double normed)
{
    const double least = ldexp(1.0, assay_dtype_normal_exponent(rounding->work));
    return fabs(normed) < fmax(least, 2.0 * rounding->intermediate_floor) ||
           ref_flushed(rounding, x) > 0.0;
}

static void finish_row(const ref_plan *plan, int64_t i, const double *x, const double *weight,
                       const row_state *row, const assay_rmsnorm_io *io,
                       const ref_rounding *rounding, const assay_error_model *model)
{
    for (int64_t j = 0; j < plan->columns; j++) {
        const int64_t column = ref_plan_column(plan, j);
        const double normed = x[column] * row->scale;
        const double w = weight[column];
        const double y = normed * w;
        assay_put2(&io->y, i, j, y);
        if (model == NULL) {
            continue;
        }
        const bool saturates = rounding->storage == ASSAY_E4M3 || rounding->storage == ASSAY_E5M2;
        if ((row->open && !isnan(y)) || (saturates && isinf(w))) { /* kept as the greatest number */
            ref_model_open(model, i, j);
            continue;
        }
        if (isinf(w) && isinf(y) &&
            (isinf(row->rho_bound) || may_vanish(rounding, x[column], normed))) {
            ref_model_nan_too(model, i, j);
            continue;
        }
        const double relative = row->rho_bound + 2.0 * rounding->u_work +
                                rounding->u_intermediate;
        const double bound = (y != 0.0 ? fabs(y) * relative : 0.0) +
                             fabs(normed) * ref_round_error(rounding->storage, w) +
                             rounding->intermediate_floor * fabs(w) +
                             rounding->product_floor * row->scale +
                             fabs(row->scale * w) * ref_flushed(rounding, x[column]) +
                             fabs(normed) * ref_flushed(rounding, w);
        ref_model_put(model, rounding, i, j, y, bound, fabs(y) * row->rho_sigma);
    }
}

assay_status assay_ref_rmsnorm(const assay_rmsnorm_params *params, const assay_rmsnorm_io *io,
                               const assay_subset *subset, const assay_precision *contract,
                               const assay_error_model *model, assay_error *error)
{
    ref_plan plan;
    ref_rounding rounding;
    bool wanted = false;
    assay_status status = check_inputs(params, io, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t d = params->weight.shape[0];
    status = ref_plan_make("rmsnorm", io->x.shape[0], d, subset, &io->y, model, &plan, error);
    if (status == ASSAY_OK) {
        status = ref_model_wanted(contract, model, &rounding, &wanted, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    double *weight = ref_alloc(d, error);
    double *scratch = ref_alloc_threads(2 * d, error);
    if (weight == NULL || scratch == NULL) {
        free(weight);
        free(scratch);
        return ASSAY_NO_MEMORY;
    }
    ref_load_vector(&params->weight, weight);
    const bool many = ref_worth_threads(8 * plan.rows * d, wanted);
#pragma omp parallel for if (many)
    for (int64_t i = 0; i < plan.rows; i++) { /* y may be x: a row is read before it is written */
        double *x = ref_own(scratch, 2 * d);
        ref_load_row(&io->x, ref_plan_row(&plan, i), x);
        const row_state row = measure_row(x, d, params->eps, wanted ? &rounding : NULL, x + d);
        finish_row(&plan, i, x, weight, &row, io, &rounding, wanted ? model : NULL);
    }
    free(weight);
    free(scratch);
    return ASSAY_OK;
}
