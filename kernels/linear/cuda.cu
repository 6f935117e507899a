/* linear: f32 products and sums (kernels/cuda/product.h); the bias is added before the one rounding
 * to the output type. */
#include "kernels/cuda/product.h"

namespace assay_cuda {
namespace {

template <typename T> struct Biased {
    Matrix bias, y;
    int64_t first; /* row of y that row 0 is */

    Biased from(int64_t row) const { return {bias, y, row}; }

    __device__ __forceinline__ void operator()(int64_t n, int64_t o, float dot) const
    {
        T *const at = address<T>(y, first + n, o);
        if (bias.data == nullptr) {
            narrow(dot, at);
        } else {
            narrow(static_cast<double>(dot) + load_wide(bias, 0, o), at);
        }
    }
};

template <typename T>
assay_status run(const assay_exec *exec, const assay_linear_params *params, const void *,
                 const assay_linear_io *io)
{
    const Operand typed[] = {{"x", &io->x}, {"y", &io->y}};
    const Operand others[] = {{"weight", &params->weight}, {"bias", &params->bias}};
    const assay_status status = expect(exec, Flow<T>::type, typed, others);
    if (status != ASSAY_OK) {
        return status;
    }
    const Biased<T> finish = {matrix_of(params->bias), matrix_of(io->y), 0};
    return product(exec, matrix_of(io->x), matrix_of(params->weight), io->x.shape[0],
                   io->y.shape[1], io->x.shape[1], finish);
}

assay_status supports(const assay_device *device, const assay_linear_params *params,
                      const assay_linear_io *, assay_error *error)
{
    assay_status status = device_served(device, error);
    status = status != ASSAY_OK ? status : weight_served("weight", params->weight, error);
    return status != ASSAY_OK ? status : weight_served("bias", params->bias, error);
}

template <typename T> assay_kernel describe_op()
{
    assay_kernel kernel = describe<T>(
        ASSAY_OP_linear, "tiles of 64 x 64, or a warp a column for few rows", ASSAY_ORDER_LANES);
    kernel.run.linear.supports = supports;
    kernel.run.linear.run = run<T>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(linear)

} // namespace assay_cuda
