/* The two contracts of the CUDA kernels, what they check of their operands, and the list of them.
 *
 * cuda: weights as stored, products and sums in f32, activations f32.
 * cuda_bf16: Hugging Face's bf16 flow: the same products and sums, results between steps and
 * activations rounded to bf16. They are those of `scalar` and `scalar_bf16` but for the order of
 * sums. A kernel's functions are templates over the type of activations. */
#ifndef KERNELS_CUDA_CONTRACT_H
#define KERNELS_CUDA_CONTRACT_H

#include "assay/fusion.h"
#include "kernels/cuda/element.h"

#define ASSAY_CUDA_OPS(X) ASSAY_STEP_OPS(X)

namespace assay_cuda {

template <typename T> struct Flow;

template <> struct Flow<float> {
    static constexpr const char *name = "cuda";
    static constexpr assay_dtype type = ASSAY_F32;
};

template <> struct Flow<Bf16> {
    static constexpr const char *name = "cuda_bf16";
    static constexpr assay_dtype type = ASSAY_BF16;
};

/* A descriptor without its functions. */
template <typename T>
assay_kernel describe(assay_op op, const char *summary, assay_order order,
                      assay_dtype angle = ASSAY_NONE)
{
#ifdef ASSAY_EMULATED
    const char *const backend = "emulated";
#else
    const char *const backend = "cuda";
#endif
    assay_kernel kernel = assay_kernel_of(op, Flow<T>::name, backend, summary);
    kernel.space = SPACE;
    kernel.precision.multiply = ASSAY_F32;
    kernel.precision.accumulate.bits = 24;
    kernel.precision.accumulate.rounding = ASSAY_NEAREST;
    kernel.precision.accumulate.block = 1;
    kernel.precision.intermediate = Flow<T>::type;
    kernel.precision.output = Flow<T>::type;
    kernel.precision.angle = angle;
    kernel.precision.order = order;
    return kernel;
}

/* What `supports` of every op begins with: a GPU that the kernels are compiled for. */
assay_status device_served(const assay_device *device, assay_error *error);

/* ASSAY_UNSUPPORTED when a weight is of a type that no kernel here reads. */
inline assay_status weight_served(const char *operand, const assay_tensor &tensor,
                                  assay_error *error)
{
    if (!assay_present(&tensor) || is_real(tensor.dtype)) {
        return ASSAY_OK;
    }
    return assay_fail(error, ASSAY_UNSUPPORTED, "operand %s: %s weights are not read here",
                      operand, assay_dtype_name(tensor.dtype));
}

struct Operand {
    const char *name;
    const assay_tensor *tensor;
};

/* BAD_ARGUMENT unless the operands that are given lie where the kernel can read them, those of the
 * first list in the type of activations. */
assay_status expect(const assay_exec *exec, assay_dtype type, const Operand *typed,
                    size_t typed_count, const Operand *others, size_t other_count);

template <size_t N> assay_status expect(const assay_exec *exec, assay_dtype type,
                                        const Operand (&typed)[N])
{
    return expect(exec, type, typed, N, nullptr, 0);
}

template <size_t N, size_t M>
assay_status expect(const assay_exec *exec, assay_dtype type, const Operand (&typed)[N],
                    const Operand (&others)[M])
{
    return expect(exec, type, typed, N, others, M);
}

assay_status expect_workspace(const assay_exec *exec, size_t bytes);

__host__ __device__ inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

inline int64_t blocks_for(int64_t work, int64_t of_each)
{
    return (work + of_each - 1) / of_each;
}

/* Blocks for a loop in strides of the grid: enough to fill any GPU, and no more. */
inline dim3 grid_stride(int64_t work)
{
    enum { BLOCKS_MAX = 4096 };
    return dim3(static_cast<unsigned>(least(blocks_for(work, BLOCK), BLOCKS_MAX)));
}

#define ASSAY_CUDA_DECLARE(op) assay_kernel cuda_##op(assay_dtype type);
ASSAY_CUDA_OPS(ASSAY_CUDA_DECLARE)
#undef ASSAY_CUDA_DECLARE

/* The fusions, each in the file of the op it ends with. */
#define ASSAY_CUDA_DECLARE(fusion) assay_##fusion##_functions cuda_##fusion(assay_dtype type);
ASSAY_LAYER_FUSIONS(ASSAY_CUDA_DECLARE)
#undef ASSAY_CUDA_DECLARE

/* At the end of an op's file: the descriptor of each contract, by the file's describe_op<T>(). */
#define ASSAY_CUDA_KERNEL(op)                                                                      \
    assay_kernel cuda_##op(assay_dtype type)                                                       \
    {                                                                                              \
        return type == ASSAY_BF16 ? describe_op<Bf16>() : describe_op<float>();                    \
    }

} // namespace assay_cuda

#endif
