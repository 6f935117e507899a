/* rmsnorm: a block a row; the mean square in f32, each thread's octets first, then by halves. */
#include "kernels/cuda/contract.h"
#include "kernels/cuda/reduce.h"

namespace assay_cuda {
namespace {

template <typename T>
__global__ void __launch_bounds__(BLOCK, 1) /* with fewer registers it would spill */
    norm_rows(Matrix x, Matrix weight, Matrix y, int64_t d, float eps)
{
    const int64_t n = blockIdx.x;
    const int64_t first = static_cast<int64_t>(threadIdx.x) * OCTET;
    float part = 0.0f;
    float value[OCTET];
#pragma unroll 1 /* an octet is enough at once: more would not fit the registers */
    for (int64_t column = first; column < d; column += BLOCK * OCTET) {
        load_octet(x, n, column, d - column, value);
#pragma unroll
        for (int i = 0; i < OCTET; i++) {
            part += value[i] * value[i];
        }
    }
    const float mean = block_reduce<Sum>(part) / static_cast<float>(d);
    const float inverse = 1.0f / sqrtf(mean + eps);
#pragma unroll 1 /* an octet is enough at once: more would not fit the registers */
    for (int64_t column = first; column < d; column += BLOCK * OCTET) {
        float w[OCTET];
        load_octet(x, n, column, d - column, value);
        load_octet(weight, 0, column, d - column, w);
#pragma unroll
        for (int i = 0; i < OCTET; i++) {
            value[i] = rounded<T>(value[i] * inverse) * w[i];
        }
        store_octet<T>(y, n, column, d - column, value);
    }
}

template <typename T>
assay_status run(const assay_exec *exec, const assay_rmsnorm_params *params, const void *,
                 const assay_rmsnorm_io *io)
{
    const Operand typed[] = {{"x", &io->x}, {"y", &io->y}};
    const Operand others[] = {{"weight", &params->weight}};
    const assay_status status = expect(exec, Flow<T>::type, typed, others);
    if (status != ASSAY_OK) {
        return status;
    }
    const Dimensions size = {dim3(static_cast<unsigned>(io->x.shape[0])), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, norm_rows<T>, size, matrix_of(io->x), matrix_of(params->weight),
                 matrix_of(io->y), io->x.shape[1], static_cast<float>(params->eps));
    return ASSAY_OK;
}

assay_status supports(const assay_device *device, const assay_rmsnorm_params *params,
                      const assay_rmsnorm_io *, assay_error *error)
{
    const assay_status status = device_served(device, error);
    return status != ASSAY_OK ? status : weight_served("weight", params->weight, error);
}

template <typename T> assay_kernel describe_op()
{
    assay_kernel kernel =
        describe<T>(ASSAY_OP_rmsnorm, "a block a row, mean square in f32", ASSAY_ORDER_LANES);
    kernel.run.rmsnorm.supports = supports;
    kernel.run.rmsnorm.run = run<T>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(rmsnorm)

} // namespace assay_cuda
