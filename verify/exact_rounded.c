/* embed and add: one rounding of a number that is known exactly (verify/exact.h). */
#include <float.h>
#include <math.h>

#include "verify/exact_parts.h"

static double least_normal(assay_dtype type)
{
    return ldexp(1.0, assay_dtype_normal_exponent(type));
}

/* Whether a + b is a number that f32 has: then every kernel has it before it rounds to its output.
 * What may be flushed on the way is left alone, and so is what is beyond f32. */
static bool is_sum_of_f32(double a, double b)
{
    const double sum = a + b;
    const double back = sum - a;
    const bool exact = a - (sum - back) == 0.0 && b - back == 0.0;
    return exact && (double)(float)sum == sum && fabs(sum) <= FLT_MAX &&
           (a == 0.0 || fabs(a) >= FLT_MIN) && (b == 0.0 || fabs(b) >= FLT_MIN) &&
           (sum == 0.0 || fabs(sum) >= FLT_MIN);
}

void assay_exact_rounded(const assay_step *step, const assay_any_io *seen,
                         const assay_precision *contract, const double *truth, double *expected,
                         const assay_budget *budget)
{
    const double least = least_normal(contract->output);
    for (int64_t i = 0; i < budget->rows * budget->columns; i++) {
        const int64_t n = i / budget->columns;
        const int64_t j = i % budget->columns;
        const bool whole = step->op == ASSAY_OP_embed ||
                           is_sum_of_f32(assay_at2(&seen->add.a, n, j),
                                         assay_at2(&seen->add.b, n, j));
        if (whole && isfinite(truth[i]) && (truth[i] == 0.0 || fabs(truth[i]) >= least) &&
            fabs(expected[i] - truth[i]) <= budget->value[i]) {
            expected[i] = assay_round_to(contract->output, truth[i]);
            budget->value[i] = 0.0;
        }
    }
}
