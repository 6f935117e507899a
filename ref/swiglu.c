/* swiglu: y = silu(g) up with silu(g) = g / (1 + exp(-g)).
 *
 * Error model, first order. exp errs by u_function relatively, which silu takes with the factor
 * e^-g / (1 + e^-g) <= 1; the sum, the quotient (or reciprocal and product) are 3 roundings; silu
 * is kept as an intermediate (u_int), the product rounded (u, then u_out):
 *   bound = |y| (u_function + 4 u + u_int) + (|y| where exp(-g) overflows) + half an ulp of y
 *           + underflow
 *   sigma = 0
 * exp(-g) overflows for g < -88 in f32 (-709 in f64): a right kernel then gives 0, and |silu| there
 * is below 1e-36. Short of that 1 / (1 + exp(-g)) may underflow: |g| up times the floor of a
 * product. For g = -Inf the formula is NaN and the limit 0; assay/swiglu.h takes either: the bound
 * is NaN, which says that a zero is as good as the NaN. Where silu may underflow to 0, or a gate be
 * flushed, an infinite up gives an infinity or a NaN, and so does an infinite gate times an up that
 * may be flushed; where silu may overflow the intermediate type up may make anything of it: such an
 * element is left open.
 * Source: assay/swiglu.h (transformers LlamaMLP). */
#include "ref/operands.h"
#include "ref/rounding.h"

#include <math.h>

static assay_status check_inputs(const assay_swiglu_params *params, const assay_swiglu_io *io,
                                 assay_error *error)
{
    const assay_status status = ref_expect_matrix("swiglu", "gate", &io->gate, REF_REAL, REF_ANY,
                                                  params->d, error);
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("swiglu", "up", &io->up, REF_REAL,
                                                  io->gate.shape[0], params->d, error);
}

assay_status assay_ref_swiglu_check(const assay_swiglu_params *params, const assay_swiglu_io *io,
                                    assay_error *error)
{
    const assay_status status = check_inputs(params, io, error);
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("swiglu", "y", &io->y, REF_REAL,
                                                  io->gate.shape[0], params->d, error);
}

assay_cost assay_ref_swiglu_cost(const assay_swiglu_params *params, const assay_swiglu_io *io)
{
    (void)params;
    const assay_cost cost = {5.0 * (double)assay_count(&io->y),
                             ref_bytes(&io->gate) + ref_bytes(&io->up), ref_bytes(&io->y), 1};
    return cost;
}

static void model_element(const ref_rounding *rounding, const assay_error_model *model, int64_t i,
                          int64_t j, double gate, double up)
{
    const double silu = gate / (1.0 + exp(-gate));
    const double y = silu * up;
    const double overflow = rounding->work == ASSAY_F32 ? -88.0 : -709.0;
    double relative = rounding->u_function + 4.0 * rounding->u_work + rounding->u_intermediate;
    if (gate < overflow) {
        relative += 1.0;
    }
    const double reciprocal = rounding->product_floor * fmin(fmax(1.0, -gate), -2.0 * overflow);
    const double floor = fmax(rounding->intermediate_floor, reciprocal);
    const double flushed = fabs(up) * ref_flushed(rounding, gate) +
                           fabs(silu) * ref_flushed(rounding, up);
    ref_model_put(model, rounding, i, j, y, fabs(y) * relative + floor * fabs(up) + flushed, 0.0);
    if (gate == -INFINITY && isfinite(up)) {
        assay_put2(&model->bound, i, j, NAN);
    }
    const bool vanishes = gate < overflow || fabs(silu) <= floor ||
                          ref_flushed(rounding, gate) > 0.0;
    const bool beyond = fabs(silu) * (1.0 + relative) >= rounding->intermediate_limit;
    if ((isinf(up) && isfinite(gate) && vanishes) || (isfinite(gate) && beyond && !isnan(y)) ||
        (isinf(y) && isinf(gate) && ref_flushed(rounding, up) > 0.0)) {
        ref_model_open(model, i, j); /* silu may be 0, and its product with an infinity a NaN */
    }
}

assay_status assay_ref_swiglu(const assay_swiglu_params *params, const assay_swiglu_io *io,
                              const assay_subset *subset, const assay_precision *contract,
                              const assay_error_model *model, assay_error *error)
{
    ref_plan plan;
    ref_rounding rounding;
    bool wanted = false;
    assay_status status = check_inputs(params, io, error);
    if (status == ASSAY_OK) {
        status = ref_plan_make("swiglu", io->gate.shape[0], params->d, subset, &io->y, model,
                               &plan, error);
    }
    if (status == ASSAY_OK) {
        status = ref_model_wanted(contract, model, &rounding, &wanted, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    const bool many = ref_worth_threads(64 * plan.rows * plan.columns, wanted);
#pragma omp parallel for if (many)
    for (int64_t i = 0; i < plan.rows; i++) {
        const int64_t row = ref_plan_row(&plan, i);
        for (int64_t j = 0; j < plan.columns; j++) {
            const int64_t column = ref_plan_column(&plan, j);
            const double gate = assay_at2(&io->gate, row, column);
            const double up = assay_at2(&io->up, row, column);
            assay_put2(&io->y, i, j, gate / (1.0 + exp(-gate)) * up);
            if (wanted) {
                model_element(&rounding, model, i, j, gate, up);
            }
        }
    }
    return status;
}
