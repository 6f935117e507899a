/* rmsnorm: a block a row; the mean square in f32, each thread's octets first, then by halves. What
 * is kept of a row in registers is read once: all of one that is no wider than 4096. The fusion with
 * the addition before it differs in where a row's numbers come from. */
#include "kernels/cuda/pairs.h"
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

/* A row's numbers: `first` when the mean square is taken, `again` for those that were not kept. */
template <typename T, bool WIDE> struct Given {
    Matrix x;

    __device__ __forceinline__ void first(int64_t n, int64_t column, int64_t count, float *v) const
    {
        fetch_octet<T, WIDE>(x, n, column, count, v);
    }
    __device__ __forceinline__ void again(int64_t n, int64_t column, int64_t count, float *v) const
    {
        fetch_octet<T, WIDE>(x, n, column, count, v);
    }
};

/* a + b, which goes to sum on the way. A thread reads of sum what it wrote itself. */
template <typename T, bool WIDE> struct Added {
    Matrix a, b, sum;

    __device__ __forceinline__ void first(int64_t n, int64_t column, int64_t count, float *v) const
    {
        float other[OCTET];
        fetch_octet<T, WIDE>(a, n, column, count, v);
        fetch_octet<T, WIDE>(b, n, column, count, other);
#pragma unroll
        for (int i = 0; i < OCTET; i++) {
            v[i] = rounded<T>(Addition::of<T>(v[i], other[i]));
        }
        if (count <= 0) {
            return;
        }
        if (WIDE) {
            store_vector(v, address<T>(sum, n, column));
        } else {
            store_octet<T>(sum, n, column, count, v);
        }
    }
    __device__ __forceinline__ void again(int64_t n, int64_t column, int64_t count, float *v) const
    {
        fetch_octet<T, WIDE>(sum, n, column, count, v);
    }
};

#ifdef ASSAY_EMULATED
template <typename T, bool WIDE> bool is_there(const Given<T, WIDE> &source)
{
    return assay_cuda::is_there(source.x);
}
template <typename T, bool WIDE> bool is_there(const Added<T, WIDE> &source)
{
    return assay_cuda::is_there(source.a) && assay_cuda::is_there(source.b) &&
           assay_cuda::is_there(source.sum);
}
#endif

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

/* WIDE: all but the weight is in octets. */
template <typename T, bool WIDE, typename Source>
__global__ void __launch_bounds__(BLOCK, WIDE ? RESIDENT : 1) /* with fewer registers it spills */
    norm_rows(Source source, Matrix weight, Matrix y, int64_t d, float eps)
{
    const int64_t n = blockIdx.x;
    const int64_t first = static_cast<int64_t>(threadIdx.x) * OCTET;
    float part = 0.0f;
    float kept[KEPT][OCTET];
    float value[OCTET];
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        source.first(n, first + k * STRIDE, d - first - k * STRIDE, kept[k]);
        part = squares(kept[k], part);
    }
#pragma unroll 1 /* an octet is enough at once: more would not fit the registers */
    for (int64_t column = first + KEPT * STRIDE; column < d; column += STRIDE) {
        source.first(n, column, d - column, value);
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
        source.again(n, column, d - column, value);
        norm_octet<T, WIDE>(weight, y, n, column, d, inverse, value);
    }
}

template <typename T, bool WIDE, typename Source>
assay_status norm_by(const assay_exec *exec, const assay_rmsnorm_params *params,
                     const Source &source, const assay_tensor &y)
{
    const Dimensions size = {dim3(static_cast<unsigned>(y.shape[0])), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, (norm_rows<T, WIDE, Source>), size, source, matrix_of(params->weight),
                 matrix_of(y), y.shape[1], static_cast<float>(params->eps));
    return ASSAY_OK;
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
    const Matrix x = matrix_of(io->x);
    return is_in_octets(io->x, Flow<T>::type) && is_in_octets(io->y, Flow<T>::type)
               ? norm_by<T, true>(exec, params, Given<T, true>{x}, io->y)
               : norm_by<T, false>(exec, params, Given<T, false>{x}, io->y);
}

template <typename T>
assay_status run_sum(const assay_exec *exec, const assay_add_rmsnorm_steps *steps,
                     const assay_add_rmsnorm_io *io)
{
    const assay_rmsnorm_params *const params = steps->norm.params;
    const Operand typed[] = {{"a", &io->a}, {"b", &io->b}, {"sum", &io->sum}, {"y", &io->y}};
    const Operand others[] = {{"weight", &params->weight}};
    const assay_status status = expect(exec, Flow<T>::type, typed, others);
    if (status != ASSAY_OK) {
        return status;
    }
    bool wide = true;
    for (const Operand &operand : typed) {
        wide = wide && is_in_octets(*operand.tensor, Flow<T>::type);
    }
    const Matrix a = matrix_of(io->a);
    const Matrix b = matrix_of(io->b);
    const Matrix sum = matrix_of(io->sum);
    return wide ? norm_by<T, true>(exec, params, Added<T, true>{a, b, sum}, io->y)
                : norm_by<T, false>(exec, params, Added<T, false>{a, b, sum}, io->y);
}

assay_status supports(const assay_device *device, const assay_rmsnorm_params *params,
                      const assay_rmsnorm_io *, assay_error *error)
{
    const assay_status status = device_served(device, error);
    return status != ASSAY_OK ? status : weight_served("weight", params->weight, error);
}

assay_status supports_sum(const assay_device *device, const assay_add_rmsnorm_steps *steps,
                          const assay_add_rmsnorm_io *, assay_error *error)
{
    return supports(device, steps->norm.params, nullptr, error);
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

assay_add_rmsnorm_functions cuda_add_rmsnorm(assay_dtype type)
{
    return {supports_sum, nullptr, type == ASSAY_BF16 ? run_sum<Bf16> : run_sum<float>};
}

} // namespace assay_cuda
