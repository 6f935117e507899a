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

template <typename Element> struct TypeOf;
template <> struct TypeOf<float> {
    static constexpr assay_dtype type = ASSAY_F32;
};
template <> struct TypeOf<Tf32> {
    static constexpr assay_dtype type = ASSAY_TF32;
};
template <> struct TypeOf<Bf16> {
    static constexpr assay_dtype type = ASSAY_BF16;
};
template <> struct TypeOf<E4m3> {
    static constexpr assay_dtype type = ASSAY_E4M3;
};
template <> struct TypeOf<int8_t> {
    static constexpr assay_dtype type = ASSAY_I8;
};

/* What a mode says unless it says otherwise. */
template <typename Activation, typename Multiplied, int OLDEST> struct Multiplies {
    using Io = Activation;
    using Element = Multiplied;
    using Total = float; /* D's type where a kernel of ours scales */
    static constexpr assay_dtype io = TypeOf<Io>::type;
    static constexpr assay_dtype element = TypeOf<Element>::type;
    static constexpr cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
    static constexpr bool scaled = false; /* rows of both operands have a scale */
    static constexpr assay_operand_scale scale = ASSAY_SCALE_NONE;
    static constexpr int quant_bits = 0;
    static constexpr int oldest = OLDEST; /* compute capability, times ten */
};

struct F32Mode : Multiplies<float, float, 75> {
    static constexpr const char *name = "cublas";
    static constexpr assay_accumulator sum = {24, ASSAY_NEAREST, 1};
};

struct Tf32Mode : Multiplies<float, Tf32, 80> {
    static constexpr const char *name = "cublas_tf32";
    static constexpr assay_accumulator sum = {24, ASSAY_TRUNCATE, 4};
    static constexpr cublasComputeType_t compute = CUBLAS_COMPUTE_32F_FAST_TF32;
};

struct Bf16Mode : Multiplies<Bf16, Bf16, 80> {
    static constexpr const char *name = "cublas_bf16";
    static constexpr assay_accumulator sum = {24, ASSAY_TRUNCATE, 4};
};

/* Both operands cast to e4m3 as they are, which a contract can state. Hopper's 8-bit products are
 * added with about 14 bits between promotions to f32. */
struct Fp8Mode : Multiplies<Bf16, E4m3, 89> {
    static constexpr const char *name = "cublas_fp8";
    static constexpr assay_accumulator sum = {14, ASSAY_TRUNCATE, 4};
};

/* e4m3 with a power of two for each row of both operands (quantise.h): nothing saturates and little
 * is subnormal. A contract's rule for scaled rows is linear's; of sae_encode the verifier skips the
 * kernels of such modes and says why. */
struct Fp8RowsMode : Fp8Mode {
    static constexpr const char *name = "cublas_fp8_rows";
    static constexpr bool scaled = true;
    static constexpr assay_operand_scale scale = ASSAY_SCALE_ROW_POWER;
};

/* Integers of 8 bits with a scale for each row of both operands, added exactly. */
struct Int8Mode : Multiplies<Bf16, int8_t, 80> {
    using Total = int32_t;
    static constexpr const char *name = "cublas_int8";
    static constexpr assay_accumulator sum = {32, ASSAY_NEAREST, 1};
    static constexpr cublasComputeType_t compute = CUBLAS_COMPUTE_32I;
    static constexpr bool scaled = true;
    static constexpr assay_operand_scale scale = ASSAY_SCALE_ROW;
    static constexpr int quant_bits = 8;
};

/* Integers of 8 bits as bf16, which holds them, times x in bf16: the contract has weights so. */
struct Int8WeightsMode : Bf16Mode {
    static constexpr const char *name = "cublas_int8_weights";
    static constexpr int quant_bits = 8;
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
    kernel.precision.multiply = Mode::element;
    kernel.precision.accumulate = Mode::sum;
    kernel.precision.intermediate = ASSAY_F32;
    kernel.precision.output = Mode::io;
    kernel.precision.order = ASSAY_ORDER_BLOCKED;
    kernel.precision.operand_scale = Mode::scale;
    kernel.precision.quant_bits = Mode::quant_bits;
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

/* Sums of 32 bits hold 2^31 / 127^2 products of integers at their greatest. */
enum { DEPTH_MOST = 133152 };

/* ASSAY_UNSUPPORTED when the library does not multiply the mode's types in such a shape. */
template <typename Mode>
assay_status shape_served(int64_t outputs, int64_t depth, assay_error *error)
{
    const int64_t multiple = multiple_of(Mode::element);
    if (Mode::element == ASSAY_I8 && depth > DEPTH_MOST) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "sums of more than %d products overflow",
                          static_cast<int>(DEPTH_MOST));
    }
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
