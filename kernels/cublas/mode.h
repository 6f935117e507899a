/* The implementations of this module: what each multiplies, in what it adds, what it writes.
 *
 * Tensor cores add products without rounding each, but cut the sum off: Ampere after 8 products of
 * 16-bit floats, Hopper after 16, with a bit or two to spare. Contracts claim less: 24 bits, cut off
 * after every 4. Sums are split in whatever way the algorithm does, the same in every run of one
 * prepared state. */
#ifndef KERNELS_CUBLAS_MODE_H
#define KERNELS_CUBLAS_MODE_H

#include "kernels/cublas/library.h"
#include "kernels/cublas/plan.h"

namespace assay_cublas {

using namespace assay_cuda;
using assay_cuda::narrow; /* beside those of this namespace */

/* An f32 whose low 13 bits are 0: the library's own conversion leaves it alone. */
struct Tf32 {
    float value;
};

/* Rounds the 10 fraction bits to nearest even. */
__device__ __forceinline__ void narrow(float x, Tf32 *to)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x == x) {
        bits += 0xfffu + (bits >> 13 & 1u);
    } else {
        bits |= 0x00400000u; /* a NaN that its low bits alone made one stays one */
    }
    bits &= ~0x1fffu;
    memcpy(&to->value, &bits, sizeof bits);
}

/* An f32 from which a narrower type is rounded as from x itself: inexact ones end in 1. */
__device__ __forceinline__ float rounded_to_odd(double x)
{
    float near = static_cast<float>(x);
    const double back = static_cast<double>(near);
    if (x == x && back != x) {
        uint32_t bits;
        memcpy(&bits, &near, sizeof bits);
        bits -= fabs(back) > fabs(x) ? 1u : 0u;
        bits |= 1u;
        memcpy(&near, &bits, sizeof bits);
    }
    return near;
}

__device__ __forceinline__ void narrow(double x, Tf32 *to)
{
    narrow(rounded_to_odd(x), to);
}

struct F32Mode {
    using Io = float;
    using Element = float;
    static constexpr const char *name = "cublas";
    static constexpr assay_dtype io = ASSAY_F32;
    static constexpr assay_dtype element = ASSAY_F32;
    static constexpr assay_dtype multiply = ASSAY_F32;
    static constexpr assay_accumulator sum = {24, ASSAY_NEAREST, 1};
    static constexpr cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
    static constexpr int oldest = 75;
};

struct Tf32Mode {
    using Io = float;
    using Element = Tf32;
    static constexpr const char *name = "cublas_tf32";
    static constexpr assay_dtype io = ASSAY_F32;
    static constexpr assay_dtype element = ASSAY_TF32;
    static constexpr assay_dtype multiply = ASSAY_TF32;
    static constexpr assay_accumulator sum = {24, ASSAY_TRUNCATE, 4};
    static constexpr cublasComputeType_t compute = CUBLAS_COMPUTE_32F_FAST_TF32;
    static constexpr int oldest = 80;
};

struct Bf16Mode {
    using Io = Bf16;
    using Element = Bf16;
    static constexpr const char *name = "cublas_bf16";
    static constexpr assay_dtype io = ASSAY_BF16;
    static constexpr assay_dtype element = ASSAY_BF16;
    static constexpr assay_dtype multiply = ASSAY_BF16;
    static constexpr assay_accumulator sum = {24, ASSAY_TRUNCATE, 4};
    static constexpr cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
    static constexpr int oldest = 80;
};

/* A descriptor without its functions. */
template <typename Mode> assay_kernel describe(assay_op op, const char *summary)
{
#ifdef ASSAY_EMULATED
    const char *const backend = "emulated";
#else
    const char *const backend = "cublas";
#endif
    assay_kernel kernel = assay_kernel_of(op, Mode::name, backend, summary);
    kernel.space = SPACE;
    kernel.precision.multiply = Mode::multiply;
    kernel.precision.accumulate = Mode::sum;
    kernel.precision.intermediate = ASSAY_F32;
    kernel.precision.output = Mode::io;
    kernel.precision.order = ASSAY_ORDER_BLOCKED;
    return kernel;
}

/* What `supports` of every op begins with: a GPU that multiplies the mode's types. */
template <typename Mode> assay_status mode_served(const assay_device *device, assay_error *error)
{
    const assay_status status = device_served(device, error);
#ifndef ASSAY_EMULATED
    if (status == ASSAY_OK && device->compute < Mode::oldest) {
        return assay_fail(error, ASSAY_UNSUPPORTED,
                          "%s needs compute capability %d.%d; CUDA device %d has %d.%d",
                          Mode::name, Mode::oldest / 10, Mode::oldest % 10,
                          static_cast<int>(device->index), static_cast<int>(device->compute / 10),
                          static_cast<int>(device->compute % 10));
    }
#endif
    return status;
}

/* Elements of a type from a matrix of any, each rounded once. */
template <typename Element>
static __global__ void pack_rows(Matrix from, int64_t rows, int64_t columns, Element *to,
                                 int64_t pitch)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         at < rows * pitch; at += step) {
        const int64_t row = at / pitch;
        const int64_t column = at % pitch;
        if (column >= columns) {
            narrow(0.0f, to + at);
        } else if (from.dtype == ASSAY_F64) {
            narrow(load_wide(from, row, column), to + at);
        } else {
            narrow(load(from, row, column), to + at);
        }
    }
}

template <typename Element>
assay_status pack(const assay_exec *exec, const Matrix &from, int64_t rows, int64_t columns,
                  Element *to, int64_t pitch)
{
    const Dimensions size = {grid_stride(rows * pitch), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, pack_rows<Element>, size, from, rows, columns, to, pitch);
    return ASSAY_OK;
}

} // namespace assay_cublas

#endif
