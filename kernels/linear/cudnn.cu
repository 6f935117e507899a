/* linear: a graph of a product and a bias (kernels/cudnn/build.h). Weights of another type are
 * packed when they are prepared, a bias becomes f32. */
#include "kernels/cudnn/packed.h"

namespace assay_cudnn {
namespace {

template <typename F> LinearShape shape_of(const assay_linear_params *params, int64_t rows)
{
    return {rows, params->weight.shape[1], params->weight.shape[0], F::type,
            assay_present(&params->bias)};
}

template <typename F>
assay_status plan(int32_t device, const assay_linear_params *params, int64_t rows, Plan *made,
                  assay_error *error)
{
    const LinearShape shape = shape_of<F>(params, rows);
    const GraphKey key = {device, ASSAY_OP_linear,
                          {shape.rows, shape.depth, shape.outputs, shape.type, shape.bias}};
    return plan_for(key, build_linear, shape, made, error);
}

template <typename F>
assay_status prepare(const assay_exec *exec, const assay_linear_params *params, void **state)
{
    const Operand others[] = {{"weight", &params->weight}, {"bias", &params->bias}};
    const int64_t outputs = params->weight.shape[0];
    return prepare_state<Packed>(exec, "linear", state, [&](Packed *own) {
        assay_status status = expect(exec, F::io, nullptr, 0, others, 2);
        status = status != ASSAY_OK ? status
                                    : place<typename F::Io>(exec, F::io, params->weight, outputs,
                                                            params->weight.shape[1],
                                                            &own->uploads, &own->weight);
        return status != ASSAY_OK ? status
                                  : place<float>(exec, ASSAY_F32, params->bias, 1, outputs,
                                                 &own->uploads, &own->bias);
    });
}

template <typename F>
size_t workspace(const assay_linear_params *params, const assay_linear_io *io)
{
    size_t bytes = 0;
    const int64_t rows = io->x.shape[0];
    const auto plan_on = [&](int32_t device, Plan *made) {
        return plan<F>(device, params, rows, made, nullptr);
    };
    return rows > 0 && most_scratch(plan_on, &bytes) ? bytes : 0;
}

template <typename F>
assay_status run(const assay_exec *exec, const assay_linear_params *params, const void *state,
                 const assay_linear_io *io)
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
    const Packed &own = *static_cast<const Packed *>(state);
    const Binding bindings[] = {{ID_X, io->x.data},
                                {ID_WEIGHT, own.weight},
                                {ID_BIAS, own.bias},
                                {ID_Y, io->y.data}};
    return status != ASSAY_OK ? status : run_bound(exec, made, bindings, exec->workspace);
}

template <typename F>
assay_status supports(const assay_device *device, const assay_linear_params *params,
                      const assay_linear_io *io, assay_error *error)
{
    assay_status status = served(device, error);
    status = status != ASSAY_OK ? status : weight_served("weight", params->weight, error);
    status = status != ASSAY_OK ? status : weight_served("bias", params->bias, error);
    Plan made = {nullptr, 0};
    return status != ASSAY_OK || io->x.shape[0] == 0
               ? status
               : plan<F>(device->index, params, io->x.shape[0], &made, error);
}

} // namespace

template <typename F> assay_kernel describe_linear()
{
    assay_kernel kernel =
        describe<F>(ASSAY_OP_linear, "a graph of matmul and bias, by cuDNN's heuristics");
    kernel.alignment[0] = VECTOR; /* weight */
    kernel.alignment[1] = VECTOR; /* bias */
    kernel.alignment[2] = VECTOR; /* x */
    kernel.alignment[3] = VECTOR; /* y */
    kernel.run.linear.supports = supports<F>;
    kernel.run.linear.workspace = workspace<F>;
    kernel.run.linear.prepare = prepare<F>;
    kernel.run.linear.run = run<F>;
    kernel.release = release_state<Packed>;
    return kernel;
}

ASSAY_CUDNN_KERNEL(linear)

} // namespace assay_cudnn
