#include "bench/step_call.h"

#include "kernels/registry.h"

assay_status assay_bench_supports(const assay_kernel *kernel, const assay_exec *exec,
                                  const void *params, const void *io, assay_error *error)
{
    if (kernel->space != exec->device.space) {
        return assay_fail(error, ASSAY_UNSUPPORTED,
                          "its operands must be in device memory, which this machine lacks");
    }
    const assay_status usable = assay_kernel_usable(kernel, &exec->device, error);
    if (usable != ASSAY_OK) {
        return usable;
    }
    switch (kernel->op) {
#define SUPPORTS_CASE(name)                                                                        \
    case ASSAY_OP_##name:                                                                          \
        return kernel->run.name.supports == NULL                                                   \
                   ? ASSAY_OK                                                                      \
                   : kernel->run.name.supports(&exec->device, params, io, error);
        ASSAY_STEP_OPS(SUPPORTS_CASE)
#undef SUPPORTS_CASE
    default: return ASSAY_UNSUPPORTED;
    }
}

size_t assay_bench_workspace(const assay_kernel *kernel, const void *params, const void *io)
{
    switch (kernel->op) {
#define WORKSPACE_CASE(name)                                                                       \
    case ASSAY_OP_##name:                                                                          \
        return kernel->run.name.workspace == NULL ? 0 : kernel->run.name.workspace(params, io);
        ASSAY_STEP_OPS(WORKSPACE_CASE)
#undef WORKSPACE_CASE
    default: return 0;
    }
}

assay_status assay_bench_prepare(const assay_kernel *kernel, const assay_exec *exec,
                                 const void *params, void **state)
{
    *state = NULL;
    switch (kernel->op) {
#define PREPARE_CASE(name)                                                                         \
    case ASSAY_OP_##name:                                                                          \
        return kernel->run.name.prepare == NULL ? ASSAY_OK                                         \
                                                : kernel->run.name.prepare(exec, params, state);
        ASSAY_STEP_OPS(PREPARE_CASE)
#undef PREPARE_CASE
    default: return ASSAY_UNSUPPORTED;
    }
}

bool assay_bench_declared(const assay_kernel *kernel, const void *params, const void *state,
                          const void *io, uint64_t *bytes)
{
    switch (kernel->op) {
#define DECLARED_CASE(name)                                                                        \
    case ASSAY_OP_##name:                                                                          \
        *bytes = kernel->run.name.bytes_read == NULL                                               \
                     ? 0                                                                           \
                     : kernel->run.name.bytes_read(params, state, io);                             \
        return kernel->run.name.bytes_read != NULL;
        ASSAY_STEP_OPS(DECLARED_CASE)
#undef DECLARED_CASE
    default: return false;
    }
}

#define EMPTY_RUN(name)                                                                            \
    static assay_status empty_##name(const assay_exec *exec, const assay_##name##_params *params,  \
                                     const void *state, const assay_##name##_io *io)               \
    {                                                                                              \
        (void)exec;                                                                                \
        (void)params;                                                                              \
        (void)state;                                                                               \
        (void)io;                                                                                  \
        return ASSAY_OK;                                                                           \
    }
ASSAY_STEP_OPS(EMPTY_RUN)
#undef EMPTY_RUN

const assay_kernel *assay_bench_empty_kernel(assay_op op)
{
    static const assay_kernel kernels[] = {
#define EMPTY_KERNEL(name_)                                                                        \
    [ASSAY_OP_##name_] = {.op = ASSAY_OP_##name_, .name = "empty",                                 \
                          .run.name_ = {.run = empty_##name_}},
        ASSAY_STEP_OPS(EMPTY_KERNEL)
#undef EMPTY_KERNEL
    };
    return &kernels[op];
}

assay_cost assay_bench_cost(assay_op op, const void *params, const void *io)
{
    switch (op) {
#define COST_CASE(name) case ASSAY_OP_##name: return assay_ref_##name##_cost(params, io);
        ASSAY_STEP_OPS(COST_CASE)
#undef COST_CASE
    default: return (assay_cost){0};
    }
}

int64_t assay_bench_rows(assay_op op, const void *io)
{
    switch (op) {
    case ASSAY_OP_embed: return ((const assay_embed_io *)io)->id.shape[0];
    case ASSAY_OP_add: return ((const assay_add_io *)io)->a.shape[0];
    case ASSAY_OP_rmsnorm: return ((const assay_rmsnorm_io *)io)->x.shape[0];
    case ASSAY_OP_linear: return ((const assay_linear_io *)io)->x.shape[0];
    case ASSAY_OP_rope: return ((const assay_rope_io *)io)->x.shape[0];
    case ASSAY_OP_attention: return ((const assay_attention_io *)io)->q.shape[0];
    case ASSAY_OP_swiglu: return ((const assay_swiglu_io *)io)->gate.shape[0];
    case ASSAY_OP_sae_encode: return ((const assay_sae_encode_io *)io)->x.shape[0];
    case ASSAY_OP_sae_decode:
        return ((const assay_sae_decode_io *)io)->codes.row_offsets.shape[0] - 1;
    case ASSAY_OP_sae_steer: return ((const assay_sae_steer_io *)io)->x.shape[0];
    case ASSAY_OP_adapter: return ((const assay_adapter_io *)io)->x.shape[0];
    case ASSAY_OP_sample: return ((const assay_sample_io *)io)->logits.shape[0];
    default: return 0;
    }
}
