#include "verify/exact.h"

#include <math.h>

#include "verify/exact_parts.h"
#include "verify/step_truth.h"

static assay_quantum linear_quantum(const assay_linear_params *params, const assay_linear_io *io,
                                    const assay_precision *c)
{
    assay_quantum q = {0, true};
    assay_quantum_multiply(&q, &io->x, c, ASSAY_NONE);
    assay_quantum_multiply(&q, &params->weight, c, c->storage);
    assay_quantum_add(&q, &params->bias, c);
    return q;
}

static assay_quantum adapter_quantum(const assay_adapter_params *params,
                                     const assay_adapter_io *io, const assay_precision *c)
{
    const bool plain = !params->normalize_input && !assay_present(&params->mean) &&
                       (params->type == ASSAY_ADAPTER_FULL_RANK ||
                        params->type == ASSAY_ADAPTER_LOW_RANK_ONLY);
    assay_quantum q = {0, plain};
    assay_quantum_multiply(&q, &io->x, c, ASSAY_NONE);
    if (params->type == ASSAY_ADAPTER_FULL_RANK) {
        assay_quantum_multiply(&q, &params->weight, c, c->storage);
    } else {
        assay_quantum_multiply(&q, &params->u, c, c->storage);
        assay_quantum_multiply(&q, &params->v, c, c->storage);
    }
    assay_quantum_add(&q, &params->bias, c);
    return q;
}

static assay_quantum decode_quantum(const assay_sae_decode_params *params,
                                    const assay_sae_decode_io *io, const assay_precision *c)
{
    assay_quantum q = {0, !params->sae.layer_norm};
    assay_quantum_multiply(&q, &io->codes.value, c, ASSAY_NONE);
    assay_quantum_multiply(&q, &params->sae.decoder, c, c->storage);
    assay_quantum_multiply(&q, &params->sae.decode_scale, c, ASSAY_NONE);
    assay_quantum_add(&q, &params->sae.decode_bias, c);
    return q;
}

/* The quantum of the op's result; not exact for ops that are not of this kind. */
static assay_quantum step_quantum(const assay_step *step, const assay_any_io *seen,
                                  const assay_precision *c)
{
    switch (step->op) {
    case ASSAY_OP_linear: return linear_quantum(step->params, &seen->linear, c);
    case ASSAY_OP_adapter: return adapter_quantum(step->params, &seen->adapter, c);
    case ASSAY_OP_sae_decode: return decode_quantum(step->params, &seen->sae_decode, c);
    default: return (assay_quantum){0, false};
    }
}

static assay_status linear_magnitudes(assay_magnitudes *m, assay_linear_params params,
                                      assay_linear_io io, const assay_tensor *y)
{
    assay_magnitude_make(m, false, &io.x);
    assay_magnitude_make(m, true, &params.weight);
    assay_magnitude_make(m, false, &params.bias);
    io.y = *y;
    return m->status == ASSAY_OK
               ? assay_ref_linear(&params, &io, m->subset, NULL, NULL, m->error)
               : m->status;
}

static assay_status adapter_magnitudes(assay_magnitudes *m, assay_adapter_params params,
                                       assay_adapter_io io, const assay_tensor *y)
{
    assay_magnitude_make(m, false, &io.x);
    assay_magnitude_make(m, false, &params.weight);
    assay_magnitude_make(m, false, &params.u);
    assay_magnitude_make(m, false, &params.v);
    assay_magnitude_make(m, false, &params.bias);
    io.y = *y;
    return m->status == ASSAY_OK
               ? assay_ref_adapter(&params, &io, m->subset, NULL, NULL, m->error)
               : m->status;
}

static assay_status decode_magnitudes(assay_magnitudes *m, assay_sae_decode_params params,
                                      assay_sae_decode_io io, const assay_tensor *y)
{
    assay_magnitude_make(m, false, &io.codes.value);
    assay_magnitude_make(m, true, &params.sae.decoder);
    assay_magnitude_make(m, false, &params.sae.decode_scale);
    assay_magnitude_make(m, false, &params.sae.decode_bias);
    io.y = *y;
    return m->status == ASSAY_OK
               ? assay_ref_sae_decode(&params, &io, m->subset, NULL, NULL, m->error)
               : m->status;
}

/* M of the wanted outputs, [rows, wanted]. */
static assay_status step_magnitudes(const assay_step *step, const assay_any_io *seen, int64_t rows,
                                    const assay_subset *subset, assay_arena *arena, double **most,
                                    assay_error *error)
{
    const int64_t shape[2] = {rows, subset->column_count};
    assay_magnitudes m = {arena, subset, ASSAY_OK, error};
    assay_tensor y;
    const assay_status status = assay_buffer_make(arena, ASSAY_F64, 2, shape, &y, error);
    if (status != ASSAY_OK) {
        return status;
    }
    *most = y.data;
    switch (step->op) {
    case ASSAY_OP_linear:
        return linear_magnitudes(&m, *(const assay_linear_params *)step->params, seen->linear, &y);
    case ASSAY_OP_adapter:
        return adapter_magnitudes(&m, *(const assay_adapter_params *)step->params, seen->adapter,
                                  &y);
    default:
        return decode_magnitudes(&m, *(const assay_sae_decode_params *)step->params,
                                 seen->sae_decode, &y);
    }
}

assay_status assay_exact_elements(const assay_step *step, const assay_any_io *seen,
                                  const assay_precision *contract, const double *truth,
                                  double *expected, assay_budget *budget, assay_arena *arena,
                                  assay_error *error)
{
    if (contract->quant_bits != 0 || contract->operand_scale == ASSAY_SCALE_ROW ||
        (contract->operand_scale != ASSAY_SCALE_NONE && contract->multiply == ASSAY_I8)) {
        return ASSAY_OK; /* the operands are others, of scales that are no such numbers */
    }
    if (step->op == ASSAY_OP_sae_steer) {
        return assay_exact_steer(step->params, &seen->sae_steer, contract, truth, expected, budget,
                                 arena, error);
    }
    if (step->op == ASSAY_OP_embed || step->op == ASSAY_OP_add) {
        assay_exact_rounded(step, seen, contract, truth, expected, budget);
        return ASSAY_OK;
    }
    const assay_quantum q = step_quantum(step, seen, contract);
    if (!q.exact) {
        return ASSAY_OK;
    }
    const int bits = assay_exact_width(contract, step->op == ASSAY_OP_adapter);
    const double limit = assay_exact_limit(&q, bits);
    assay_subset subset;
    double *most = NULL;
    assay_status status =
        assay_exact_promising(truth, budget->rows, budget->columns, limit, arena, &subset, error);
    if (status != ASSAY_OK || subset.column_count == 0) {
        return status;
    }
    status = step_magnitudes(step, seen, budget->rows, &subset, arena, &most, error);
    for (int64_t i = 0; status == ASSAY_OK && i < budget->rows * subset.column_count; i++) {
        const int64_t at = i / subset.column_count * budget->columns +
                           subset.columns[i % subset.column_count];
        if (most[i] <= limit && fabs(expected[at] - truth[at]) <= budget->value[at]) {
            expected[at] = assay_round_to(contract->output, truth[at]);
            budget->value[at] = 0.0;
        }
    }
    return status;
}
