/* The one table that knows the fields of every step op's io, and the typed dispatch by op. */
#include "verify/step.h"

#define IN(op, field, what)                                                                        \
    { #field, offsetof(assay_##op##_io, field), ASSAY_OPERAND_##what, true, false }
#define OUT(op, field, what)                                                                       \
    { #field, offsetof(assay_##op##_io, field), ASSAY_OPERAND_##what, false, true }
#define BOTH(op, field, what)                                                                      \
    { #field, offsetof(assay_##op##_io, field), ASSAY_OPERAND_##what, true, true }
#define CODE(op, field, what, is_input)                                                            \
    { #field, offsetof(assay_##op##_io, codes) + offsetof(assay_csr, field),                       \
      ASSAY_OPERAND_##what, is_input, !(is_input) }
#define END { NULL, 0, ASSAY_OPERAND_EXACT, false, false }

static const assay_operand embed_operands[] = {IN(embed, id, EXACT), IN(embed, soft, STORED),
                                               IN(embed, soft_at, EXACT), OUT(embed, y, REAL), END};
static const assay_operand add_operands[] = {IN(add, a, REAL), IN(add, b, REAL), OUT(add, y, REAL),
                                             END};
static const assay_operand rmsnorm_operands[] = {IN(rmsnorm, x, REAL), OUT(rmsnorm, y, REAL), END};
static const assay_operand linear_operands[] = {IN(linear, x, REAL), OUT(linear, y, REAL), END};
static const assay_operand rope_operands[] = {IN(rope, x, REAL), IN(rope, position, EXACT),
                                              OUT(rope, y, REAL), END};
static const assay_operand attention_operands[] = {
    IN(attention, q, REAL),           IN(attention, k, REAL),
    IN(attention, v, REAL),           IN(attention, sequence, EXACT),
    IN(attention, position, EXACT),   BOTH(attention, k_cache, REAL),
    BOTH(attention, v_cache, REAL),   OUT(attention, y, REAL),
    END};
static const assay_operand swiglu_operands[] = {IN(swiglu, gate, REAL), IN(swiglu, up, REAL),
                                                OUT(swiglu, y, REAL), END};
static const assay_operand sae_encode_operands[] = {
    IN(sae_encode, x, REAL), CODE(sae_encode, row_offsets, EXACT, false),
    CODE(sae_encode, latent, EXACT, false), CODE(sae_encode, value, VALUE, false),
    OUT(sae_encode, dense, VALUE), END};
static const assay_operand sae_decode_operands[] = {
    CODE(sae_decode, row_offsets, EXACT, true), CODE(sae_decode, latent, EXACT, true),
    CODE(sae_decode, value, VALUE, true), IN(sae_decode, x, REAL), OUT(sae_decode, y, REAL), END};
static const assay_operand sae_steer_operands[] = {IN(sae_steer, x, REAL), OUT(sae_steer, y, REAL),
                                                   END};
static const assay_operand adapter_operands[] = {IN(adapter, x, REAL), OUT(adapter, y, REAL), END};
static const assay_operand sample_operands[] = {
    IN(sample, logits, REAL),   IN(sample, stream, EXACT),      IN(sample, uniform, EXACT),
    OUT(sample, token, EXACT),  OUT(sample, probability, REAL), END};

const assay_operand *assay_operands(assay_op op)
{
    switch (op) {
#define OPERANDS_CASE(name) case ASSAY_OP_##name: return name##_operands;
        ASSAY_STEP_OPS(OPERANDS_CASE)
#undef OPERANDS_CASE
    default: return NULL;
    }
}

assay_tensor *assay_operand_of(void *io, const assay_operand *operand)
{
    return (assay_tensor *)((char *)io + operand->offset);
}

const assay_tensor *assay_operand_in(const void *io, const assay_operand *operand)
{
    return (const assay_tensor *)((const char *)io + operand->offset);
}

void assay_step_blank(const assay_step *step, assay_any_io *io)
{
    memset(io, 0, sizeof *io);
    if (step->op == ASSAY_OP_attention) {
        io->attention.max_position = ((const assay_attention_io *)step->io)->max_position;
    } else if (step->op == ASSAY_OP_sample) {
        io->sample.step = ((const assay_sample_io *)step->io)->step;
    }
}

assay_status assay_step_call(const assay_kernel *kernel, const assay_exec *exec, const void *params,
                             const void *state, const void *io)
{
    switch (kernel->op) {
#define RUN_CASE(name)                                                                             \
    case ASSAY_OP_##name: return kernel->run.name.run(exec, params, state, io);
        ASSAY_STEP_OPS(RUN_CASE)
#undef RUN_CASE
    default: return assay_fail(exec->error, ASSAY_INTERNAL, "not a step op");
    }
}

#define ELEMENTWISE_OPS(X)                                                                         \
    X(embed) X(add) X(rmsnorm) X(linear) X(rope) X(attention) X(swiglu) X(sae_decode)              \
    X(sae_steer) X(adapter)

assay_status assay_step_reference(assay_op op, const void *params, const void *io,
                                  const assay_precision *contract, const assay_error_model *model,
                                  assay_error *error)
{
    switch (op) {
#define REFERENCE_CASE(name)                                                                       \
    case ASSAY_OP_##name: return assay_ref_##name(params, io, NULL, contract, model, error);
        ELEMENTWISE_OPS(REFERENCE_CASE)
#undef REFERENCE_CASE
    case ASSAY_OP_sample: return assay_ref_sample(params, io, contract, model, error);
    default: return assay_fail(error, ASSAY_INTERNAL, "no elementwise reference for this op");
    }
}
