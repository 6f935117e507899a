#include "ref/sae_operands.h"

#include <math.h>
#include <stdlib.h>

typedef struct rows_job {
    const assay_sae *sae;
    const ref_rounding *rounding;
    bool wanted;
    ref_sae_operands *to;
} rows_job;

/* One element by way of every rounding that a kernel may make before the promised one. */
static double other_element(const ref_rounding *rounding, double z, double pre_bias)
{
    const double difference = z - ref_round(rounding->work, pre_bias);
    const double kept = ref_round(rounding->intermediate, ref_round(rounding->work, difference));
    return ref_operand_else(rounding, false,
                            ref_operand(rounding, false, pre_bias != 0.0 ? kept : z));
}

/* A normalised element is known to within its row's errors only, a difference to within its
 * roundings: those may take it to the multiply type's next value. */
static double element_doubt(const rows_job *job, const ref_norm *n, double z, double pre_bias)
{
    const ref_rounding *r = job->rounding;
    double off = 0.0;
    if (job->sae->layer_norm) {
        off = fabs(z) * (n->std_bound + REF_LAMBDA * n->std_sigma + 3.0 * r->u_step) +
              (n->mean_bound + REF_LAMBDA * n->mean_sigma) / (n->std + REF_NORM_EPS);
    }
    if (pre_bias != 0.0) {
        off += ref_round_error(r->work, pre_bias) +
               (r->u_work + r->u_intermediate) * fabs(z - pre_bias);
    }
    return isfinite(off) ? ref_operand_doubt(r, z - pre_bias, off) : 0.0;
}

static void load_row(const rows_job *job, const assay_tensor *x, int64_t row, int64_t i,
                     double *scratch)
{
    const int64_t d = job->sae->d_in;
    ref_sae_operands *const to = job->to;
    double *const value = to->value + i * d;
    ref_load_row(x, row, value);
    if (job->sae->layer_norm) {
        to->norm[i] = ref_norm_measure(value, d, job->wanted ? job->rounding : NULL, scratch);
        for (int64_t k = 0; k < d; k++) {
            value[k] = (value[k] - to->norm[i].mean) / (to->norm[i].std + REF_NORM_EPS);
        }
    }
    for (int64_t k = 0; k < d; k++) {
        const double pre_bias = to->pre_bias[k];
        if (to->other != NULL) {
            to->other[i * d + k] = other_element(job->rounding, value[k], pre_bias);
        }
        if (to->doubt != NULL) {
            to->doubt[i * d + k] = element_doubt(job, &to->norm[i], value[k], pre_bias);
        }
        value[k] = ref_operand(job->rounding, false, value[k] - pre_bias);
    }
}

assay_status ref_sae_operands_load(const assay_sae *sae, const assay_tensor *x,
                                   const ref_plan *plan, const ref_rounding *rounding, bool wanted,
                                   ref_sae_operands *operands, assay_error *error)
{
    const rows_job job = {sae, rounding, wanted, operands};
    const int64_t d = sae->d_in;
    const int64_t count = plan->rows * d;
    const bool made = assay_present(&sae->pre_bias) || sae->layer_norm;
    const bool varies = wanted && (made || ref_operand_varies(rounding, false) ||
                                   ref_operand_varies(rounding, true));
    const bool doubts = wanted && made && !ref_fits(rounding->work, rounding->multiply);
    operands->value = ref_alloc(count, error);
    operands->other = varies ? ref_alloc(count, error) : NULL;
    operands->doubt = doubts ? ref_alloc(count, error) : NULL;
    operands->pre_bias = ref_alloc(2 * d, error); /* and scratch */
    operands->norm = calloc((size_t)plan->rows + 1, sizeof *operands->norm);
    if (operands->value == NULL || operands->pre_bias == NULL || operands->norm == NULL ||
        (varies && operands->other == NULL) || (doubts && operands->doubt == NULL)) {
        return assay_fail(error, ASSAY_NO_MEMORY,
                          "sae_encode: no memory for %lld rows of %lld; ask for fewer rows",
                          (long long)plan->rows, (long long)d);
    }
    memset(operands->pre_bias, 0, (size_t)d * sizeof *operands->pre_bias);
    if (assay_present(&sae->pre_bias)) {
        ref_load_vector(&sae->pre_bias, operands->pre_bias);
    }
    for (int64_t i = 0; i < plan->rows; i++) {
        load_row(&job, x, ref_plan_row(plan, i), i, operands->pre_bias + d);
    }
    return ASSAY_OK;
}

void ref_sae_operands_free(ref_sae_operands *operands)
{
    free(operands->value);
    free(operands->other);
    free(operands->doubt);
    free(operands->pre_bias);
    free(operands->norm);
    *operands = (ref_sae_operands){.value = NULL};
}
