#include "verify/selftest/limit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ref/operands.h"
#include "ref/sums.h"

assay_dtype assay_kept_in(const assay_precision *contract, assay_op op)
{
    const int kept = assay_dtype_bits(contract->intermediate);
    if (op != ASSAY_OP_sae_encode) {
        return contract->output;
    }
    if (kept > 0 && kept < assay_dtype_bits(ASSAY_F32)) {
        return contract->intermediate;
    }
    return contract->output == ASSAY_F64 ? ASSAY_F64 : ASSAY_F32;
}

/* A row of x or of the weight as multiplied, and what its words may differ by (0 where none may). */
static void load_row(const assay_precision *contract, const ref_rounding *rounding, bool weight,
                     const assay_tensor *matrix, int64_t i, double *row, double *doubt)
{
    if (weight) {
        assay_ref_weight_row(contract, matrix, i, row);
    } else {
        ref_load_row(matrix, i, row);
    }
    ref_operands_in_doubt(rounding, weight, matrix->dtype, matrix->shape[1], row, doubt);
}

/* The accumulation's own error of every product of rows, as sums.h has it, and that of words in
 * doubt: no other term. */
static assay_status accumulate(const assay_precision *contract, const ref_rounding *rounding,
                               bool sums, const assay_tensor *x, const assay_tensor *weight,
                               double *terms, assay_error *error)
{
    const int64_t depth = x->shape[1];
    const int64_t outputs = weight->shape[0];
    double *const w = ref_alloc(5 * depth + 1, error);
    if (w == NULL) {
        return ASSAY_NO_MEMORY;
    }
    double *const w_doubt = w + depth;
    double *const row = w_doubt + depth;
    double *const row_doubt = row + depth;
    for (int64_t o = 0; o < outputs; o++) {
        load_row(contract, rounding, true, weight, o, w, w_doubt);
        for (int64_t n = 0; n < x->shape[0]; n++) {
            load_row(contract, rounding, false, x, n, row, row_doubt);
            const ref_spread sum = ref_dot_spread(row, w, depth, NULL, rounding,
                                                   row_doubt + depth);
            const double own = rounding->linear ? 2.0 * sum.bound
                                                : sum.bound + REF_LAMBDA * sum.sigma;
            double doubt = 0.0;
            for (int64_t k = 0; k < depth; k++) {
                doubt += row_doubt[k] * (fabs(w[k]) + w_doubt[k]) + fabs(row[k]) * w_doubt[k];
            }
            terms[n * outputs + o] = (sums ? own : 0.0) + 2.0 * doubt;
        }
    }
    free(w);
    return ASSAY_OK;
}

assay_status assay_limit_of(const assay_precision *contract, assay_op op, const assay_tensor *x,
                            const assay_tensor *weight, double *accumulation, assay_limit *limit,
                            assay_error *error)
{
    ref_rounding rounding;
    assay_status status = ref_rounding_of(contract, &rounding, error);
    *limit = (assay_limit){.kept = assay_kept_in(contract, op)};
    const bool narrow = assay_dtype_bits(limit->kept) < assay_dtype_bits(ASSAY_F32);
    const bool sums = narrow || rounding.linear;
    const bool doubts = contract->operand_scale == ASSAY_SCALE_ROW;
    if (status == ASSAY_OK && (sums || doubts)) {
        status = accumulate(contract, &rounding, sums, x, weight, accumulation, error);
        limit->accumulation = accumulation;
    }
    const char *const beside = rounding.linear ? " + 2 u sum|s|" : narrow ? " + accumulation" : "";
    const char *const edges = doubts ? " + 2 words at an edge" : "";
    if (narrow) {
        limit->ulp = ASSAY_LOOSEST_ULP;
        (void)snprintf(limit->text, sizeof limit->text, "%g ulp of %s%s%s", limit->ulp,
                       assay_dtype_name(limit->kept), beside, edges);
    } else {
        const double finer = limit->kept == ASSAY_F64 ? rounding.u_work / 0x1p-24 : 1.0;
        limit->rms = ASSAY_LOOSEST_RMS * finer;
        (void)snprintf(limit->text, sizeof limit->text, "%.3g of the row's RMS%s%s", limit->rms,
                       beside, edges);
    }
    return status;
}
