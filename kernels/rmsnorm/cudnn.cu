/* rmsnorm: cuDNN's norm forward operation, its mean square in f32; the weight in the type of rows
 * where it is stored so, else in f32. */
#include "kernels/cudnn/packed.h"

namespace assay_cudnn {
namespace {

template <typename F>
assay_status plan(int32_t device, const assay_rmsnorm_params *params, int64_t rows, Plan *made,
                  assay_error *error)
{
    const bool same = params->weight.dtype == F::io;
    const NormShape shape = {rows, params->weight.shape[0], F::type,
                             same ? F::type : CUDNN_DATA_FLOAT};
    const GraphKey key = {device, ASSAY_OP_rmsnorm,
                          {shape.rows, shape.width, shape.type, shape.weight}};
    return plan_for(key, build_rms_norm, shape, made, error);
}

template <typename F>
assay_status prepare(const assay_exec *exec, const assay_rmsnorm_params *params, void **state)
{
    const Operand others[] = {{"weight", &params->weight}};
    return prepare_state<Packed>(exec, "rmsnorm", state, [&](Packed *own) {
        own->weight = params->weight.data;
        const assay_status status = expect(exec, F::io, nullptr, 0, others, 1);
        return status != ASSAY_OK || params->weight.dtype == F::io
                   ? status
                   : place<float>(exec, ASSAY_F32, params->weight, 1, params->weight.shape[0],
                                  &own->uploads, &own->weight);
    });
}

template <typename F>
size_t workspace(const assay_rmsnorm_params *params, const assay_rmsnorm_io *io)
{
    size_t bytes = 0;
    const int64_t rows = io->x.shape[0];
    const auto plan_on = [&](int32_t device, Plan *made) {
        return plan<F>(device, params, rows, made, nullptr);
    };
    return rows > 0 && most_scratch(plan_on, &bytes) ? bytes : 0;
}

template <typename F>
assay_status run(const assay_exec *exec, const assay_rmsnorm_params *params, const void *state,
                 const assay_rmsnorm_io *io)
{
    const Operand typed[] = {{"x", &io->x}, {"y", &io->y}};
    assay_status status = expect(exec, F::io, typed);
    if (status != ASSAY_OK || io->x.shape[0] == 0) {
        return status;
    }
    begin_run(exec);
    Plan made = {nullptr, 0};
    status = plan<F>(exec->device.index, params, io->x.shape[0], &made, exec->error);
    status = status != ASSAY_OK ? status : expect_workspace(exec, made.workspace_bytes);
    float epsilon = static_cast<float>(params->eps);
    const Binding bindings[] = {{ID_X, io->x.data},
                                {ID_WEIGHT, static_cast<const Packed *>(state)->weight},
                                {ID_EPSILON, &epsilon},
                                {ID_Y, io->y.data}};
    return status != ASSAY_OK ? status : run_bound(exec, made, bindings, exec->workspace);
}

template <typename F>
assay_status supports(const assay_device *device, const assay_rmsnorm_params *params,
                      const assay_rmsnorm_io *io, assay_error *error)
{
    assay_status status = served(device, error);
    status = status != ASSAY_OK ? status : weight_served("weight", params->weight, error);
    Plan made = {nullptr, 0};
    return status != ASSAY_OK || io->x.shape[0] == 0
               ? status
               : plan<F>(device->index, params, io->x.shape[0], &made, error);
}

} // namespace

template <typename F> assay_kernel describe_rmsnorm()
{
    assay_kernel kernel = describe<F>(ASSAY_OP_rmsnorm, "cuDNN's norm forward operation");
    kernel.alignment[0] = VECTOR; /* weight */
    kernel.alignment[1] = VECTOR; /* x */
    kernel.alignment[2] = VECTOR; /* y */
    kernel.run.rmsnorm.supports = supports<F>;
    kernel.run.rmsnorm.workspace = workspace<F>;
    kernel.run.rmsnorm.prepare = prepare<F>;
    kernel.run.rmsnorm.run = run<F>;
    kernel.release = release_state<Packed>;
    return kernel;
}

ASSAY_CUDNN_KERNEL(rmsnorm)

} // namespace assay_cudnn
