/* rmsnorm: a block a row; the mean square in f32, each thread's octets first, then by halves. What
 * is kept of a row in registers is read once: all of one that is no wider than 4096. */
#include "kernels/cuda/contract.h"
#include "kernels/cuda/reduce.h"

namespace assay_cuda {
namespace {

enum { KEPT = 2, STRIDE = BLOCK * OCTET };

__device__ __forceinline__ float squares(const float *x, float sum)
{
#pragma unroll
    for (int i = 0; i < OCTET; i++) {
        sum += x[i] * x[i];
    }
    return sum;
}

template <typename T, bool WIDE>
__device__ __forceinline__ void norm_octet(const Matrix &weight, const Matrix &y, int64_t n,
                                           int64_t column, int64_t d, float inverse, float *x)
{
    float w[OCTET];
    load_octet(weight, 0, column, d - column, w);
#pragma unroll
    for (int i = 0; i < OCTET; i++) {
        x[i] = rounded<T>(x[i] * inverse) * w[i];
    }
    if (WIDE) {
        store_vector(x, address<T>(y, n, column));
    } else {
        store_octet<T>(y, n, column, d - column, x);
    }
}

/* WIDE: x and y are in octets. */
template <typename T, bool WIDE>
__global__ void __launch_bounds__(BLOCK, WIDE ? RESIDENT : 1) /* with fewer registers it spills */
    norm_rows(Matrix x, Matrix weight, Matrix y, int64_t d, float eps)
{
    const int64_t n = blockIdx.x;
    const int64_t first = static_cast<int64_t>(threadIdx.x) * OCTET;
    float part = 0.0f;
    float kept[KEPT][OCTET];
    float value[OCTET];
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        fetch_octet<T, WIDE>(x, n, first + k * STRIDE, d - first - k * STRIDE, kept[k]);
        part = squares(kept[k], part);
    }
#pragma unroll 1 /* an octet is enough at once: more would not fit the registers */
    for (int64_t column = first + KEPT * STRIDE; column < d; column += STRIDE) {
        fetch_octet<T, WIDE>(x, n, column, d - column, value);
        part = squares(value, part);
    }
    const float mean = block_reduce<Sum>(part) / static_cast<float>(d);
    const float inverse = 1.0f / sqrtf(mean + eps);
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        if (first + k * STRIDE < d) {
            norm_octet<T, WIDE>(weight, y, n, first + k * STRIDE, d, inverse, kept[k]);
        }
    }
#pragma unroll 1 /* as above */
    for (int64_t column = first + KEPT * STRIDE; column < d; column += STRIDE) {
        fetch_octet<T, WIDE>(x, n, column, d - column, value);
        norm_octet<T, WIDE>(weight, y, n, column, d, inverse, value);
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
    const bool wide = is_in_octets(io->x, Flow<T>::type) && is_in_octets(io->y, Flow<T>::type);
    const auto norm = wide ? norm_rows<T, true> : norm_rows<T, false>;
    ASSAY_LAUNCH(exec, norm, size, matrix_of(io->x), matrix_of(params->weight),
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
