#include "verify/exact.h"

#include <math.h>

#include "verify/step_truth.h"

/* The greatest power of two that divides value (not 0), as an exponent. */
static int lowest_bit(double value)
{
    int exponent = 0;
    const double fraction = frexp(value, &exponent); /* 53 bits */
    const int64_t digits = (int64_t)ldexp(fraction, 53);
    return exponent - 53 + __builtin_ctzll((uint64_t)digits);
}

typedef struct quantum {
    int exponent; /* of the operands so far, multiplied */
    bool exact;   /* every operand is a number of the types it passes through */
} quantum;

/* Elements beyond these are not what an exact case is made of, and are soon met in any other. */
enum { LEAST_EXPONENT = -20 };

static bool is_number_of(assay_dtype type, double value)
{
    return type == ASSAY_NONE || assay_dtype_bits(type) == 0 ||
           assay_round_to(type, value) == value;
}

/* Takes an operand into the product. storage: NONE for activations. */
static void take(quantum *q, const assay_tensor *tensor, const assay_precision *contract,
                 assay_dtype storage, assay_arena *arena, assay_tensor *magnitude)
{
    assay_error ignored;
    *magnitude = *tensor;
    if (!q->exact || !assay_present(tensor)) {
        return;
    }
    if (assay_buffer_convert(arena, tensor, ASSAY_F64, magnitude, &ignored) != ASSAY_OK) {
        q->exact = false;
        return;
    }
    double *const value = magnitude->data;
    const int64_t count = assay_count(magnitude);
    int least = 60;
    for (int64_t i = 0; i < count && q->exact; i++) {
        if (value[i] == 0.0) {
            continue;
        }
        const int bit = isfinite(value[i]) ? lowest_bit(value[i]) : LEAST_EXPONENT - 1;
        least = bit < least ? bit : least;
        q->exact = bit >= LEAST_EXPONENT && is_number_of(contract->multiply, value[i]) &&
                   is_number_of(storage, value[i]);
        value[i] = fabs(value[i]);
    }
    q->exponent += least;
}

/* A term that stands beside the products: only its own quantum matters, which must be no finer. */
static void take_addend(quantum *q, const assay_tensor *tensor, const assay_precision *contract,
                        assay_arena *arena, assay_tensor *magnitude)
{
    quantum own = {0, q->exact};
    take(&own, tensor, contract, ASSAY_NONE, arena, magnitude);
    q->exact = own.exact;
    if (assay_present(tensor) && own.exponent < q->exponent) {
        q->exponent = own.exponent;
    }
}

/* Significand bits that every partial sum must fit. */
static int width_of(const assay_precision *contract, bool intermediate)
{
    int bits = contract->accumulate.bits;
    bits = bits > 53 ? 53 : bits;
    const int kept = assay_dtype_bits(contract->intermediate);
    return intermediate && kept > 0 && kept < bits ? kept : bits;
}

static bool fits(double magnitude, const quantum *q, int bits)
{
    return q->exact && magnitude <= ldexp(1.0, q->exponent + bits);
}

typedef struct any_params {
    union {
        assay_linear_params linear;
        assay_adapter_params adapter;
        assay_sae_decode_params decode;
    } as;
} any_params;

static quantum linear_quantum(const assay_linear_params *params, const assay_linear_io *io,
                              const assay_precision *c, assay_arena *arena,
                              assay_linear_params *params_abs, assay_linear_io *io_abs)
{
    quantum q = {0, true};
    *params_abs = *params;
    take(&q, &io->x, c, ASSAY_NONE, arena, &io_abs->x);
    take(&q, &params->weight, c, c->storage, arena, &params_abs->weight);
    take_addend(&q, &params->bias, c, arena, &params_abs->bias);
    return q;
}

static quantum adapter_quantum(const assay_adapter_params *params, const assay_adapter_io *io,
                               const assay_precision *c, assay_arena *arena,
                               assay_adapter_params *params_abs, assay_adapter_io *io_abs)
{
    const bool plain = !params->normalize_input && !assay_present(&params->mean) &&
                       (params->type == ASSAY_ADAPTER_FULL_RANK ||
                        params->type == ASSAY_ADAPTER_LOW_RANK_ONLY);
    quantum q = {0, plain};
    *params_abs = *params;
    take(&q, &io->x, c, ASSAY_NONE, arena, &io_abs->x);
    if (params->type == ASSAY_ADAPTER_FULL_RANK) {
        take(&q, &params->weight, c, c->storage, arena, &params_abs->weight);
    } else {
        take(&q, &params->u, c, c->storage, arena, &params_abs->u);
        take(&q, &params->v, c, c->storage, arena, &params_abs->v);
    }
    take_addend(&q, &params->bias, c, arena, &params_abs->bias);
    return q;
}

static quantum decode_quantum(const assay_sae_decode_params *params, const assay_sae_decode_io *io,
                              const assay_precision *c, assay_arena *arena,
                              assay_sae_decode_params *params_abs, assay_sae_decode_io *io_abs)
{
    quantum q = {0, !params->sae.layer_norm};
    *params_abs = *params;
    take(&q, &io->codes.value, c, ASSAY_NONE, arena, &io_abs->codes.value);
    take(&q, &params->sae.decoder, c, c->storage, arena, &params_abs->sae.decoder);
    take(&q, &params->sae.decode_scale, c, ASSAY_NONE, arena, &params_abs->sae.decode_scale);
    take_addend(&q, &params->sae.decode_bias, c, arena, &params_abs->sae.decode_bias);
    return q;
}

/* The quantum of the op's result, and its operands' magnitudes; false: not an op of this kind. */
static bool step_quantum(const assay_step *step, const assay_any_io *seen,
                         const assay_precision *c, assay_arena *arena, any_params *params,
                         assay_any_io *io, quantum *q)
{
    *io = *seen;
    switch (step->op) {
    case ASSAY_OP_linear:
        *q = linear_quantum(step->params, &seen->linear, c, arena, &params->as.linear,
                            &io->linear);
        return true;
    case ASSAY_OP_adapter:
        *q = adapter_quantum(step->params, &seen->adapter, c, arena, &params->as.adapter,
                             &io->adapter);
        return true;
    case ASSAY_OP_sae_decode:
        *q = decode_quantum(step->params, &seen->sae_decode, c, arena, &params->as.decode,
                            &io->sae_decode);
        return true;
    default: return false;
    }
}

assay_status assay_exact_elements(const assay_step *step, const assay_any_io *seen,
                                  const assay_precision *contract, const double *truth,
                                  double *expected, assay_budget *budget, assay_arena *arena,
                                  assay_error *error)
{
    any_params params;
    assay_any_io io;
    quantum q = {0, false};
    if (contract->quant_bits != 0 || /* other weights, with scales that are no such numbers */
        !step_quantum(step, seen, contract, arena, &params, &io, &q) || !q.exact) {
        return ASSAY_OK;
    }
    const assay_step magnitudes = {.op = step->op, .params = &params, .io = step->io};
    double *largest = NULL;
    assay_budget none;
    const assay_status status =
        assay_elements_truth(&magnitudes, &io, NULL, arena, &largest, &none, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const bool kept = step->op == ASSAY_OP_adapter;
    const int bits = width_of(contract, kept);
    for (int64_t i = 0; i < budget->rows * budget->columns; i++) {
        if (fits(largest[i], &q, bits) && fabs(expected[i] - truth[i]) <= budget->value[i]) {
            expected[i] = assay_round_to(contract->output, truth[i]);
            budget->value[i] = 0.0;
        }
    }
    return ASSAY_OK;
}

assay_status assay_exact_codes(const assay_sae *sae, const assay_tensor *x,
                               const assay_precision *contract, assay_codes_truth *truth,
                               assay_arena *arena, assay_error *error)
{
    quantum q = {0, !sae->layer_norm && contract->quant_bits == 0};
    assay_sae magnitude = *sae;
    assay_tensor x_abs;
    take(&q, x, contract, ASSAY_NONE, arena, &x_abs);
    take(&q, &sae->encoder, contract, contract->storage, arena, &magnitude.encoder);
    /* the pre-bias is taken from x first: both must have the quantum x was taken with */
    take_addend(&q, &sae->pre_bias, contract, arena, &magnitude.pre_bias);
    take(&q, &sae->encode_scale, contract, ASSAY_NONE, arena, &magnitude.encode_scale);
    take_addend(&q, &sae->encode_bias, contract, arena, &magnitude.encode_bias);
    const int before_gate = q.exponent;
    take(&q, &sae->gate, contract, ASSAY_NONE, arena, &magnitude.gate);
    if (!q.exact || assay_present(&sae->pre_bias)) {
        return ASSAY_OK;
    }
    const int64_t shape[2] = {truth->rows, sae->d_sae};
    assay_tensor part[2];
    assay_status status = assay_buffer_make(arena, ASSAY_F64, 2, shape, &part[0], error);
    if (status == ASSAY_OK) {
        status = assay_buffer_make(arena, ASSAY_F64, 2, shape, &part[1], error);
    }
    if (status == ASSAY_OK) {
        status = assay_ref_sae_preactivations(&magnitude, &x_abs, NULL, NULL, &part[0], &part[1],
                                              NULL, NULL, error);
    }
    const double *const pre = part[0].data;
    const double *const score = part[1].data;
    const int bits = width_of(contract, true);
    const quantum pre_quantum = {before_gate, true};
    for (int64_t i = 0; status == ASSAY_OK && i < shape[0] * shape[1]; i++) {
        if (fits(pre[i], &pre_quantum, bits)) {
            truth->pre_budget[i] = 0.0;
            truth->score_budget[i] = fits(score[i], &q, bits) ? 0.0 : truth->score_budget[i];
        }
    }
    return status;
}
