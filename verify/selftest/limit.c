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

/* The accumulation's own error of every product of rows, as sums.h has it: no other term. */
static assay_status accumulate(const assay_precision *contract, const ref_rounding *rounding,
                               const assay_tensor *x, const assay_tensor *weight, double *terms,
                               assay_error *error)
{
    const int64_t depth = x->shape[1];
    const int64_t outputs = weight->shape[0];
    double *const memory = ref_alloc(3 * depth + 1, error);
    if (memory == NULL) {
        return ASSAY_NO_MEMORY;
    }
    double *const row = memory + depth;
    for (int64_t o = 0; o < outputs; o++) {
        assay_ref_weight_row(contract, weight, o, memory);
        ref_operands(rounding, true, weight->dtype, depth, memory);
        for (int64_t n = 0; n < x->shape[0]; n++) {
            ref_load_row(x, n, row);
            ref_operands(rounding, false, x->dtype, depth, row);
            const ref_spread sum = ref_dot_spread(row, memory, depth, NULL, rounding,
                                                  row + depth);
            terms[n * outputs + o] = rounding->linear ? 2.0 * sum.bound
                                                      : sum.bound + REF_LAMBDA * sum.sigma;
        }
    }
    free(memory);
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
    if (status == ASSAY_OK && (narrow || rounding.linear)) {
        status = accumulate(contract, &rounding, x, weight, accumulation, error);
        limit->accumulation = accumulation;
    }
    const char *const beside = rounding.linear ? " + 2 u sum|s|" : narrow ? " + accumulation" : "";
    if (narrow) {
        limit->ulp = ASSAY_LOOSEST_ULP;
        (void)snprintf(limit->text, sizeof limit->text, "%g ulp of %s%s", limit->ulp,
                       assay_dtype_name(limit->kept), beside);
    } else {
        const double finer = limit->kept == ASSAY_F64 ? rounding.u_work / 0x1p-24 : 1.0;
        limit->rms = ASSAY_LOOSEST_RMS * finer;
        (void)snprintf(limit->text, sizeof limit->text, "%.3g of the row's RMS%s", limit->rms,
                       beside);
    }
    return status;
}
