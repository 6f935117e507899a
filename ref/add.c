/* add: y = a + b.
 *
 * Error model: bound = u |y|, u of the working type and then of the output type, + each operand
 * that may be flushed (a sum of two subnormals that is normal is then off by all of it); sigma = 0.
 * The operands are activations, which the contract reads in its output type: nothing to round.
 * Source: assay/add.h. */
#include "ref/operands.h"
#include "ref/rounding.h"

#include <math.h>

static assay_status check_inputs(const assay_add_params *params, const assay_add_io *io,
                                 assay_error *error)
{
    const assay_status status = ref_expect_matrix("add", "a", &io->a, REF_REAL, REF_ANY, params->d,
                                                  error);
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("add", "b", &io->b, REF_REAL, io->a.shape[0],
                                                  params->d, error);
}

assay_status assay_ref_add_check(const assay_add_params *params, const assay_add_io *io,
                                 assay_error *error)
{
    const assay_status status = check_inputs(params, io, error);
    return status != ASSAY_OK ? status
                              : ref_expect_matrix("add", "y", &io->y, REF_REAL, io->a.shape[0],
                                                  params->d, error);
}

assay_cost assay_ref_add_cost(const assay_add_params *params, const assay_add_io *io)
{
    (void)params;
    const assay_cost cost = {(double)assay_count(&io->y), ref_bytes(&io->a) + ref_bytes(&io->b),
                             ref_bytes(&io->y), 2};
    return cost;
}

static void model_element(const ref_rounding *rounding, const assay_error_model *model, int64_t i,
                          int64_t j, double a, double b)
{
    /* a sum rounded to the output type alone is rounded once: ref_model_put counts that one */
    const double y = a + b;
    const double sum = rounding->u_work < rounding->u_output ? rounding->u_work * fabs(y) : 0.0;
    const double flushed = ref_flushed(rounding, a) + ref_flushed(rounding, b);
    ref_model_put_growing(model, rounding, i, j, y, sum + flushed, 0.0);
}

assay_status assay_ref_add(const assay_add_params *params, const assay_add_io *io,
                           const assay_subset *subset, const assay_precision *contract,
                           const assay_error_model *model, assay_error *error)
{
    ref_plan plan;
    ref_rounding rounding;
    bool wanted = false;
    assay_status status = check_inputs(params, io, error);
    if (status == ASSAY_OK) {
        status = ref_plan_make("add", io->a.shape[0], params->d, subset, &io->y, model, &plan,
                               error);
    }
    if (status == ASSAY_OK) {
        status = ref_model_wanted(contract, model, &rounding, &wanted, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    const bool many = ref_worth_threads(4 * plan.rows * plan.columns, wanted);
#pragma omp parallel for if (many)
    for (int64_t i = 0; i < plan.rows; i++) {
        const int64_t row = ref_plan_row(&plan, i);
        for (int64_t j = 0; j < plan.columns; j++) {
            const int64_t column = ref_plan_column(&plan, j);
            const double a = assay_at2(&io->a, row, column);
            const double b = assay_at2(&io->b, row, column);
            assay_put2(&io->y, i, j, a + b);
            if (wanted) {
                model_element(&rounding, model, i, j, a, b);
            }
        }
    }
    return status;
}
