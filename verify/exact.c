#include "verify/exact.h"

#include <math.h>

#include "verify/exact_quantum.h"
#include "verify/step_truth.h"

enum { PARALLEL_FROM = 1 << 15 };

/* Significand bits that every partial sum must fit. */
static int width_of(const assay_precision *contract, bool intermediate)
{
    int bits = contract->accumulate.bits;
    bits = bits > 53 ? 53 : bits;
    const int kept = assay_dtype_bits(contract->intermediate);
    return intermediate && kept > 0 && kept < bits ? kept : bits;
}

/* The greatest magnitude of which every multiple of the quantum is a number of that many bits. */
static double limit_of(const assay_quantum *q, int bits)
{
    return ldexp(1.0, q->exponent + bits);
}

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

/* Magnitudes of operands are made one after another until one fails. */
typedef struct magnitudes {
    assay_arena *arena;
    const assay_subset *subset; /* the op's outputs that are wanted */
    assay_status status;
    assay_error *error;
} magnitudes;

/* |tensor| in its own type. by_output: its rows belong to the op's outputs, and only those that are
 * wanted are made; the memory of the others is never touched. */
static void make_magnitude(magnitudes *m, bool by_output, assay_tensor *tensor)
{
    const assay_tensor given = *tensor;
    if (m->status != ASSAY_OK || !assay_present(&given)) {
        return;
    }
    m->status = assay_buffer_make(m->arena, given.dtype, given.rank, given.shape, tensor, m->error);
    if (m->status != ASSAY_OK) {
        return;
    }
    const int64_t width = given.rank > 1 ? given.shape[1] : 1;
    const int64_t step = given.rank > 1 ? given.stride[1] : 0;
    const int64_t rows = by_output ? m->subset->column_count : given.shape[0];
#pragma omp parallel for schedule(static) if (rows * width >= PARALLEL_FROM)
    for (int64_t n = 0; n < rows; n++) {
        const int64_t row = by_output ? m->subset->columns[n] : n;
        for (int64_t k = 0; k < width; k++) {
            const int64_t from = row * given.stride[0] + k * step;
            assay_store(given.dtype, tensor->data, (size_t)(row * width + k),
                        fabs(assay_load(given.dtype, given.data, (size_t)from)));
        }
    }
}

static assay_status linear_magnitudes(magnitudes *m, assay_linear_params params,
                                      assay_linear_io io, const assay_tensor *y)
{
    make_magnitude(m, false, &io.x);
    make_magnitude(m, true, &params.weight);
    make_magnitude(m, false, &params.bias);
    io.y = *y;
    return m->status == ASSAY_OK
               ? assay_ref_linear(&params, &io, m->subset, NULL, NULL, m->error)
               : m->status;
}

static assay_status adapter_magnitudes(magnitudes *m, assay_adapter_params params,
                                       assay_adapter_io io, const assay_tensor *y)
{
    make_magnitude(m, false, &io.x);
    make_magnitude(m, false, &params.weight);
    make_magnitude(m, false, &params.u);
    make_magnitude(m, false, &params.v);
    make_magnitude(m, false, &params.bias);
    io.y = *y;
    return m->status == ASSAY_OK
               ? assay_ref_adapter(&params, &io, m->subset, NULL, NULL, m->error)
               : m->status;
}

static assay_status decode_magnitudes(magnitudes *m, assay_sae_decode_params params,
                                      assay_sae_decode_io io, const assay_tensor *y)
{
    make_magnitude(m, false, &io.codes.value);
    make_magnitude(m, true, &params.sae.decoder);
    make_magnitude(m, false, &params.sae.decode_scale);
    make_magnitude(m, false, &params.sae.decode_bias);
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
    magnitudes m = {arena, subset, ASSAY_OK, error};
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

/* The columns with an element that may be certified: M is at least the truth's own magnitude. Of
 * data that is not made for exactness that is almost none, and M is not computed for nothing. */
static assay_status promising(const double *truth, int64_t rows, int64_t columns, double limit,
                              assay_arena *arena, assay_subset *subset, assay_error *error)
{
    int64_t *const list = assay_arena_take(arena, (size_t)(columns + 1) * sizeof *list);
    *subset = (assay_subset){.columns = list};
    if (list == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for %lld columns",
                          (long long)columns);
    }
    for (int64_t c = 0; c < columns; c++) {
        bool any = false;
        for (int64_t i = 0; i < rows && !any; i++) {
            any = fabs(truth[i * columns + c]) <= limit;
        }
        if (any) {
            list[subset->column_count++] = c;
        }
    }
    return ASSAY_OK;
}

assay_status assay_exact_elements(const assay_step *step, const assay_any_io *seen,
                                  const assay_precision *contract, const double *truth,
                                  double *expected, assay_budget *budget, assay_arena *arena,
                                  assay_error *error)
{
    if (contract->quant_bits != 0) {
        return ASSAY_OK; /* the weights are others, of scales that are no such numbers */
    }
    const assay_quantum q = step_quantum(step, seen, contract);
    if (!q.exact) {
        return ASSAY_OK;
    }
    const double limit = limit_of(&q, width_of(contract, step->op == ASSAY_OP_adapter));
    assay_subset subset;
    double *most = NULL;
    assay_status status =
        promising(truth, budget->rows, budget->columns, limit, arena, &subset, error);
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

/* M of pre-activations and scores, [rows, wanted latents] each. */
static assay_status code_magnitudes(const assay_sae *sae, const assay_tensor *x, int64_t rows,
                                    const assay_subset *subset, assay_arena *arena,
                                    assay_tensor most[2], assay_error *error)
{
    const int64_t shape[2] = {rows, subset->column_count};
    magnitudes m = {arena, subset, ASSAY_OK, error};
    assay_sae magnitude = *sae;
    assay_tensor x_magnitude = *x;
    make_magnitude(&m, false, &x_magnitude);
    make_magnitude(&m, true, &magnitude.encoder);
    make_magnitude(&m, false, &magnitude.encode_scale);
    make_magnitude(&m, false, &magnitude.encode_bias);
    make_magnitude(&m, false, &magnitude.gate);
    for (int i = 0; i < 2 && m.status == ASSAY_OK; i++) {
        m.status = assay_buffer_make(arena, ASSAY_F64, 2, shape, &most[i], error);
    }
    return m.status == ASSAY_OK
               ? assay_ref_sae_preactivations(&magnitude, &x_magnitude, subset, NULL, &most[0],
                                              &most[1], NULL, NULL, error)
               : m.status;
}

assay_status assay_exact_codes(const assay_sae *sae, const assay_tensor *x,
                               const assay_precision *contract, assay_codes_truth *truth,
                               assay_arena *arena, assay_error *error)
{
    /* a pre-bias would be taken from x first: both must have the quantum x was taken with */
    assay_quantum q = {0, !sae->layer_norm && contract->quant_bits == 0 &&
                              !assay_present(&sae->pre_bias)};
    assay_quantum_multiply(&q, x, contract, ASSAY_NONE);
    assay_quantum_multiply(&q, &sae->encoder, contract, contract->storage);
    assay_quantum_multiply(&q, &sae->encode_scale, contract, ASSAY_NONE);
    assay_quantum_add(&q, &sae->encode_bias, contract);
    const int bits = width_of(contract, true);
    /* a value is stored as f32, whatever it was computed in; a score is compared and not stored */
    const double limit = limit_of(&q, contract->output == ASSAY_F64 || bits < 24 ? bits : 24);
    assay_quantum_multiply(&q, &sae->gate, contract, ASSAY_NONE);
    const double score_limit = limit_of(&q, bits);
    assay_subset subset = {.columns = NULL};
    assay_tensor most[2];
    if (!q.exact) {
        return ASSAY_OK;
    }
    assay_status status =
        promising(truth->pre, truth->rows, sae->d_sae, limit, arena, &subset, error);
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
