/* The implementations of this module: what each multiplies, in what it adds, what it writes.
 *
 * Tensor cores add products without rounding each, but cut the sum off: Ampere after 8 products of
 * 16-bit floats, Hopper after 16, with a bit or two to spare. Contracts claim less: 24 bits, cut
 * off after every 4. Sums are split in whatever way the algorithm does, the same in every run of
 * one prepared state. */
#ifndef KERNELS_CUBLAS_MODE_H
#define KERNELS_CUBLAS_MODE_H

#include "kernels/cublas/element.h"
#include "kernels/cublas/library.h"
#include "kernels/cublas/plan.h"
#include "kernels/cuda/pack.h"

namespace assay_cublas {

struct Plain {
    static constexpr bool scaled = false;
};

struct F32Mode : Plain {
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

struct Tf32Mode : Plain {
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

struct Bf16Mode : Plain {
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

/* Both operands cast to e4m3 as they are, which a contract can state. Hopper's 8-bit products are
 * added with about 14 bits between promotions to f32. */
struct Fp8Mode : Plain {
    using Io = Bf16;
    using Element = E4m3;
    static constexpr const char *name = "cublas_fp8";
    static constexpr assay_dtype io = ASSAY_BF16;
    static constexpr assay_dtype element = ASSAY_E4M3;
    static constexpr assay_dtype multiply = ASSAY_E4M3;
    static constexpr assay_accumulator sum = {14, ASSAY_TRUNCATE, 4};
    static constexpr cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
    static constexpr int oldest = 89;
};

/* e4m3 with a power of two for each row of both operands (quantise.h): nothing saturates and little
 * is subnormal. A contract's rule for scaled rows is linear's; of the other ops the verifier skips
 * the kernels and says why. */
struct Fp8RowsMode {
    using Io = Bf16;
    using Element = E4m3;
    static constexpr bool scaled = true;
    static constexpr const char *name = "cublas_fp8_rows";
    static constexpr assay_dtype io = ASSAY_BF16;
    static constexpr assay_dtype element = ASSAY_E4M3;
    static constexpr assay_dtype multiply = ASSAY_E4M3;
    static constexpr assay_accumulator sum = {14, ASSAY_TRUNCATE, 4};
    static constexpr cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
    static constexpr int oldest = 89;
};

/* Integers of 8 bits, added exactly. */
struct Int8Mode : Plain {
    using Io = Bf16;
    using Element = int8_t;
    static constexpr const char *name = "cublas_int8";
    static constexpr assay_dtype io = ASSAY_BF16;
    static constexpr assay_dtype element = ASSAY_I8;
    static constexpr assay_dtype multiply = ASSAY_I8;
    static constexpr assay_accumulator sum = {32, ASSAY_NEAREST, 1};
    static constexpr cublasComputeType_t compute = CUBLAS_COMPUTE_32I;
    static constexpr int oldest = 80;
};

/* Integers of 8 bits as bf16, which holds them, times x in bf16: the contract has weights so. */
struct Int8WeightsMode : Bf16Mode {
    static constexpr const char *name = "cublas_int8_weights";
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
    kernel.precision.operand_scale = Mode::scaled ? ASSAY_SCALE_ROW_POWER : ASSAY_SCALE_NONE;
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

/* ASSAY_UNSUPPORTED when the library does not multiply the mode's types in such a shape. */
template <typename Mode>
assay_status shape_served(int64_t outputs, int64_t depth, assay_error *error)
{
    const int64_t multiple = multiple_of(Mode::element);
    if (outputs % multiple == 0 && depth % multiple == 0) {
        return ASSAY_OK;
    }
    return assay_fail(error, ASSAY_UNSUPPORTED,
                      "%s: cuBLASLt multiplies %s in sizes that are multiples of %lld; these are "
                      "%lld outputs of %lld inputs",
                      Mode::name, assay_dtype_name(Mode::element),
                      static_cast<long long>(multiple), static_cast<long long>(outputs),
                      static_cast<long long>(depth));
}

} // namespace assay_cublas

#endif
