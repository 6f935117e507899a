/* Exact pre-activations and scores (verify/exact.h). */
#include "verify/exact.h"

#include <math.h>

#include "verify/exact_parts.h"
#include "verify/step_truth.h"

/* M of pre-activations and scores, [rows, wanted latents] each. */
static assay_status code_magnitudes(const assay_sae *sae, const assay_tensor *x, int64_t rows,
                                    const assay_subset *subset, assay_arena *arena,
                                    assay_tensor most[2], assay_error *error)
{
    const int64_t shape[2] = {rows, subset->column_count};
    assay_magnitudes m = {arena, subset, ASSAY_OK, error};
    assay_sae magnitude = *sae;
    assay_tensor x_magnitude = *x;
    assay_magnitude_make(&m, false, &x_magnitude);
    assay_magnitude_make(&m, true, &magnitude.encoder);
    assay_magnitude_make(&m, false, &magnitude.pre_bias);
    for (int64_t k = 0; m.status == ASSAY_OK && assay_present(&magnitude.pre_bias) && k < sae->d_in;
         k++) { /* it is subtracted: |x| + |pre_bias| */
        assay_put1(&magnitude.pre_bias, k, -assay_at1(&magnitude.pre_bias, k));
    }
    assay_magnitude_make(&m, false, &magnitude.encode_scale);
    assay_magnitude_make(&m, false, &magnitude.encode_bias);
    assay_magnitude_make(&m, false, &magnitude.gate);
    for (int i = 0; i < 2 && m.status == ASSAY_OK; i++) {
        m.status = assay_buffer_make(arena, ASSAY_F64, 2, shape, &most[i], error);
    }
    return m.status == ASSAY_OK
               ? assay_ref_sae_preactivations(&magnitude, &x_magnitude, subset, NULL, &most[0],
                                              &most[1], NULL, NULL, error)
               : m.status;
}

/* x - pre_bias is rounded to the intermediate and to the multiply type: both hold it. */
static bool differences_fit(const assay_sae *sae, const assay_tensor *x,
                            const assay_precision *contract, const assay_quantum *q)
{
    int bits = assay_exact_width(contract, true);
    const int multiply = assay_dtype_bits(contract->multiply);
    bits = multiply > 0 && multiply < bits ? multiply : bits;
    bool fit = true;
    for (int64_t k = 0; assay_present(&sae->pre_bias) && fit && k < sae->d_in; k++) {
        double most = 0.0;
        for (int64_t i = 0; i < x->shape[0]; i++) {
            most = fmax(most, fabs(assay_at2(x, i, k)));
        }
        fit = most + fabs(assay_at1(&sae->pre_bias, k)) <= assay_exact_limit(q, bits);
    }
    return fit;
}

assay_status assay_exact_codes(const assay_sae *sae, const assay_tensor *x,
                               const assay_precision *contract, assay_codes_truth *truth,
                               assay_arena *arena, assay_error *error)
{
    assay_quantum q = {0, !sae->layer_norm && contract->quant_bits == 0};
    assay_quantum_multiply(&q, x, contract, ASSAY_NONE);
    assay_quantum_add(&q, &sae->pre_bias, contract);
    q.exact = q.exact && differences_fit(sae, x, contract, &q);
    assay_quantum_multiply(&q, &sae->encoder, contract, contract->storage);
    assay_quantum_multiply(&q, &sae->encode_scale, contract, ASSAY_NONE);
    assay_quantum_add(&q, &sae->encode_bias, contract);
    const int bits = assay_exact_width(contract, true);
    /* a value is stored as f32, whatever it was computed in; a score is compared and not stored */
    const int stored = contract->output == ASSAY_F64 || bits < 24 ? bits : 24;
    const double limit = assay_exact_limit(&q, stored);
    assay_quantum_multiply(&q, &sae->gate, contract, ASSAY_NONE);
    const double score_limit = assay_exact_limit(&q, bits);
    assay_subset subset = {.columns = NULL};
    assay_tensor most[2];
    if (!q.exact) {
        return ASSAY_OK;
    }
    assay_status status =
        assay_exact_promising(truth->pre, truth->rows, sae->d_sae, limit, arena, &subset, error);
    if (status != ASSAY_OK || subset.column_count == 0) {
        return status;
    }
    status = code_magnitudes(sae, x, truth->rows, &subset, arena, most, error);
    for (int64_t i = 0; status == ASSAY_OK && i < truth->rows * subset.column_count; i++) {
        const int64_t at = i / subset.column_count * sae->d_sae +
                           subset.columns[i % subset.column_count];
        if (((const double *)most[0].data)[i] <= limit) {
            const bool exact_score = ((const double *)most[1].data)[i] <= score_limit;
            truth->pre_budget[at] = 0.0;
            truth->score_budget[at] = exact_score ? 0.0 : truth->score_budget[at];
        }
    }
    return status;
}
