/* The oracle as a backend: every step op in float64, so the composition that runs a backend's
 * stages runs the truth's too. Its stages are left out: they are composed. */
#include "ref/autoencoder.h"

static assay_error *error_of(const assay_exec *exec)
{
    return exec != NULL ? exec->error : NULL;
}

/* An op whose whole output is wanted and whose error is not. */
#define ORACLE_RUN(op)                                                                             \
    static assay_status run_##op(const assay_exec *exec, const assay_##op##_params *params,        \
                                 const void *state, const assay_##op##_io *io)                     \
    {                                                                                              \
        (void)state;                                                                               \
        return assay_ref_##op(params, io, NULL, NULL, NULL, error_of(exec));                       \
    }
ORACLE_RUN(embed)
ORACLE_RUN(add)
ORACLE_RUN(rmsnorm)
ORACLE_RUN(linear)
ORACLE_RUN(rope)
ORACLE_RUN(attention)
ORACLE_RUN(swiglu)
ORACLE_RUN(sae_decode)
ORACLE_RUN(sae_steer)
ORACLE_RUN(adapter)

static assay_status run_sae_encode(const assay_exec *exec, const assay_sae_encode_params *params,
                                   const void *state, const assay_sae_encode_io *io)
{
    (void)state;
    return ref_sae_encode(params, io, error_of(exec));
}

static assay_status run_sample(const assay_exec *exec, const assay_sample_params *params,
                               const void *state, const assay_sample_io *io)
{
    (void)state;
    return assay_ref_sample(params, io, NULL, NULL, error_of(exec));
}

#define ORACLE_PRECISION                                                                           \
    {                                                                                              \
        .storage = ASSAY_NONE, .multiply = ASSAY_F64,                                              \
        .accumulate = {.bits = 53, .rounding = ASSAY_NEAREST, .block = 1},                         \
        .intermediate = ASSAY_F64, .output = ASSAY_F64, .angle = ASSAY_F64,                        \
        .order = ASSAY_ORDER_LANES                                                                 \
    }

#define ORACLE_KERNEL(name_of_op)                                                                  \
    static const assay_kernel kernel_##name_of_op = {                                              \
        .abi = ASSAY_ABI, .size = sizeof(assay_kernel), .op = ASSAY_OP_##name_of_op,               \
        .name = "oracle", .backend = "oracle", .summary = "plain loops in float64: the truth",     \
        .space = ASSAY_HOST, .precision = ORACLE_PRECISION,                                        \
        .capabilities = ASSAY_CAN_DENSE | ASSAY_CAN_SPARSE | ASSAY_CAN_PROBABILITY,                \
        .run.name_of_op = {.run = run_##name_of_op},                                               \
    };
ASSAY_STEP_OPS(ORACLE_KERNEL)

#define ORACLE_ENTRY(op) [ASSAY_OP_##op] = &kernel_##op,
const assay_table assay_oracle = {
    .name = "oracle",
    .kernel = {ASSAY_STEP_OPS(ORACLE_ENTRY)},
};
