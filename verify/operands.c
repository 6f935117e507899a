#include "verify/operands.h"

#define IN(type, field)                                                                            \
    { #field, offsetof(type, field), ASSAY_OPERAND_EXACT, true, false }
#define REAL(type, field)                                                                          \
    { #field, offsetof(type, field), ASSAY_OPERAND_REAL, true, false }
#define OUT(type, field, what)                                                                     \
    { #field, offsetof(type, field), ASSAY_OPERAND_##what, false, true }
#define END { NULL, 0, ASSAY_OPERAND_EXACT, false, false }

/* A tensor within a struct within the params: named as itself. */
#define INNER(type, outer, inner_type, field)                                                      \
    { #field, offsetof(type, outer) + offsetof(inner_type, field), ASSAY_OPERAND_EXACT, true,      \
      false }
#define SAE(type, outer)                                                                           \
    INNER(type, outer, assay_sae, encoder), INNER(type, outer, assay_sae, decoder),                \
        INNER(type, outer, assay_sae, pre_bias), INNER(type, outer, assay_sae, encode_scale),      \
        INNER(type, outer, assay_sae, encode_bias), INNER(type, outer, assay_sae, gate),           \
        INNER(type, outer, assay_sae, threshold), INNER(type, outer, assay_sae, decode_scale),     \
        INNER(type, outer, assay_sae, decode_bias)
#define ADAPTER(type, outer)                                                                       \
    INNER(type, outer, assay_adapter_params, mean),                                                \
        INNER(type, outer, assay_adapter_params, log_scale),                                       \
        INNER(type, outer, assay_adapter_params, bias),                                            \
        INNER(type, outer, assay_adapter_params, u), INNER(type, outer, assay_adapter_params, v),  \
        INNER(type, outer, assay_adapter_params, weight)

static const assay_operand embed_weights[] = {IN(assay_embed_params, table), END};
static const assay_operand rmsnorm_weights[] = {IN(assay_rmsnorm_params, weight), END};
static const assay_operand linear_weights[] = {IN(assay_linear_params, weight),
                                               IN(assay_linear_params, bias), END};
static const assay_operand sae_encode_weights[] = {SAE(assay_sae_encode_params, sae), END};
static const assay_operand sae_decode_weights[] = {SAE(assay_sae_decode_params, sae), END};
static const assay_operand sae_steer_weights[] = {SAE(assay_sae_steer_params, sae), END};
static const assay_operand adapter_weights[] = {
    IN(assay_adapter_params, mean), IN(assay_adapter_params, log_scale),
    IN(assay_adapter_params, bias), IN(assay_adapter_params, u),
    IN(assay_adapter_params, v),    IN(assay_adapter_params, weight),
    END};
static const assay_operand generate_weights[] = {SAE(assay_generate_params, steering.steer.sae),
                                                 END};
static const assay_operand explain_weights[] = {
    ADAPTER(assay_explain_params, adapter),
    SAE(assay_explain_params, generate.steering.steer.sae), END};
static const assay_operand none[] = {END};

static const assay_operand capture_io[] = {
    IN(assay_capture_io, tokens), IN(assay_capture_io, lengths), IN(assay_capture_io, positions),
    OUT(assay_capture_io, residual, REAL), END};
static const assay_operand logits_io[] = {IN(assay_logits_io, tokens), IN(assay_logits_io, lengths),
                                          OUT(assay_logits_io, logits, REAL), END};
static const assay_operand generate_io[] = {
    IN(assay_generate_io, tokens),  IN(assay_generate_io, lengths),
    REAL(assay_generate_io, soft),  IN(assay_generate_io, soft_at),
    IN(assay_generate_io, stream),  IN(assay_generate_io, forced),
    OUT(assay_generate_io, new_tokens, EXACT), OUT(assay_generate_io, logits, REAL), END};
static const assay_operand explain_io[] = {
    REAL(assay_explain_io, vectors), IN(assay_explain_io, tokens),
    IN(assay_explain_io, lengths),   IN(assay_explain_io, positions),
    IN(assay_explain_io, prompt),    IN(assay_explain_io, placeholder),
    IN(assay_explain_io, forced),    OUT(assay_explain_io, soft, REAL),
    OUT(assay_explain_io, new_tokens, EXACT), OUT(assay_explain_io, logits, REAL), END};

const assay_operand *assay_weights(assay_op op)
{
    switch (op) {
    case ASSAY_OP_embed: return embed_weights;
    case ASSAY_OP_rmsnorm: return rmsnorm_weights;
    case ASSAY_OP_linear: return linear_weights;
    case ASSAY_OP_sae_encode: return sae_encode_weights;
    case ASSAY_OP_sae_decode: return sae_decode_weights;
    case ASSAY_OP_sae_steer: return sae_steer_weights;
    case ASSAY_OP_adapter: return adapter_weights;
    case ASSAY_OP_generate: return generate_weights;
    case ASSAY_OP_explain: return explain_weights;
    default: return none;
    }
}

const assay_operand *assay_io_operands(assay_op op, bool logits)
{
    switch (op) {
    case ASSAY_OP_capture: return logits ? logits_io : capture_io;
    case ASSAY_OP_generate: return generate_io;
    case ASSAY_OP_explain: return explain_io;
    default: return assay_operands(op);
    }
}

size_t assay_operand_count(const assay_operand *table)
{
    size_t count = 0;
    while (table[count].name != NULL) {
        count++;
    }
    return count;
}

size_t assay_op_params_size(assay_op op)
{
    switch (op) {
#define SIZE_CASE(name) case ASSAY_OP_##name: return sizeof(assay_##name##_params);
        ASSAY_OPS(SIZE_CASE)
#undef SIZE_CASE
    case ASSAY_OP_COUNT: break;
    }
    return 0;
}

size_t assay_op_io_size(assay_op op, bool logits)
{
    switch (op) {
#define SIZE_CASE(name)                                                                            \
    case ASSAY_OP_##name: return logits ? sizeof(assay_logits_io) : sizeof(assay_##name##_io);
        ASSAY_OPS(SIZE_CASE)
#undef SIZE_CASE
    case ASSAY_OP_COUNT: break;
    }
    return 0;
}

/* A vector that is only read: a view's pointer is not const, what it points to stays as it is. */
static assay_tensor view_of(const void *data, assay_dtype dtype, int64_t count)
{
    void *writable = NULL;
    memcpy(&writable, &data, sizeof writable);
    return assay_vector(writable, dtype, count);
}

static assay_bare eos_of(const assay_generate_params *params, size_t offset)
{
    const bool given = params->eos != NULL && params->eos_count > 0;
    const assay_tensor absent = {0};
    return (assay_bare){"eos", offset + offsetof(assay_generate_params, eos),
                        given ? view_of(params->eos, ASSAY_I64, params->eos_count) : absent};
}

assay_bare assay_bare_of(assay_op op, const void *params)
{
    if (op == ASSAY_OP_rope) {
        const assay_rope_params *const rope = params;
        return (assay_bare){"inverse_frequency", offsetof(assay_rope_params, inverse_frequency),
                            view_of(rope->inverse_frequency, ASSAY_F64, rope->head_dim / 2)};
    }
    if (op == ASSAY_OP_generate) {
        return eos_of(params, 0);
    }
    if (op == ASSAY_OP_explain) {
        const assay_explain_params *const explain = params;
        return eos_of(&explain->generate, offsetof(assay_explain_params, generate));
    }
    return (assay_bare){.name = NULL};
}

size_t assay_io_index(assay_op op, size_t i)
{
    if (assay_op_is_stage(op)) {
        return i;
    }
    return assay_operand_count(assay_weights(op)) + (op == ASSAY_OP_rope ? 1 : 0) + i;
}

uint64_t assay_params_bytes(assay_op op, const void *params)
{
    const assay_operand *weight = assay_weights(op);
    uint64_t bytes = 0;
    for (; weight->name != NULL; weight++) {
        const assay_tensor *const tensor = assay_operand_in(params, weight);
        bytes += assay_present(tensor)
                     ? (uint64_t)assay_count(tensor) * assay_dtype_size(tensor->dtype)
                     : 0;
    }
    return bytes;
}
