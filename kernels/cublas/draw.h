/* Operands to time products on, drawn: what a GPU takes for a product depends on how many bits of
 * its operands change, so that zeros, or one number throughout, would be faster than data is. */
#ifndef KERNELS_CUBLAS_DRAW_H
#define KERNELS_CUBLAS_DRAW_H

#include "kernels/cublas/element.h"
#include "kernels/cuda/contract.h"

namespace assay_cublas {

using namespace assay_cuda;

__device__ __forceinline__ uint32_t drawn_word(int64_t i)
{
    uint32_t word = static_cast<uint32_t>(i) * 2654435761u;
    word ^= word >> 15;
    word *= 2246822519u;
    return word ^ word >> 13;
}

/* A number between -1 and 1; of integers one from -127 to 127, as quantising gives them. */
template <typename Element> __device__ __forceinline__ void draw_one(int64_t i, Element *to)
{
    narrow(static_cast<float>(drawn_word(i)) * 0x1p-31f - 1.0f, to);
}

__device__ __forceinline__ void draw_one(int64_t i, int8_t *to)
{
    *to = static_cast<int8_t>(static_cast<int32_t>((drawn_word(i) >> 8) % 255) - 127);
}

template <typename Element> static __global__ void draw_elements(Element *to, int64_t count)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
         i += step) {
        draw_one(i, to + i);
    }
}

/* A fill_fn (matmul.h) of the product's element. */
template <typename Element>
assay_status draw(const assay_exec *exec, void *operand, int64_t count)
{
    const Dimensions size = {grid_stride(count), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, draw_elements<Element>, size, static_cast<Element *>(operand), count);
    return ASSAY_OK;
}

} // namespace assay_cublas

#endif
