/* Instructions of compute capability 8.0, each in a function of its own: copies to shared memory
 * that go on by themselves, ldmatrix, mma.sync. Addresses in shared memory are 32-bit. Only where
 * the compiler makes code for 8.0 or later (ASSAY_TENSOR_CODE); emulated.h has all of them for the
 * emulator.
 * Source: PTX ISA 8.x, "cp.async", "ldmatrix" and "mma" with their fragments of m16n8k16. */
#ifndef KERNELS_TENSOR_INSTRUCTIONS_H
#define KERNELS_TENSOR_INSTRUCTIONS_H

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
#define ASSAY_TENSOR_CODE
#endif

#ifdef ASSAY_TENSOR_CODE

#include "kernels/tensor/plan.h"

namespace assay_mma {

/* The block's dynamic shared memory. */
__device__ __forceinline__ uint32_t stages_begin()
{
    extern __shared__ __align__(128) unsigned char assay_tensor_shared[];
    return static_cast<uint32_t>(__cvta_generic_to_shared(assay_tensor_shared));
}

/* 16 bytes, of which the first `bytes` come from memory and the rest are zeros. */
__device__ __forceinline__ void copy_piece(uint32_t to, const void *from, uint32_t bytes)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes)
                 : "memory");
}

/* The copies asked for since the last one are a group. */
__device__ __forceinline__ void copies_commit()
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Until at most so many of the thread's groups are still on their way. */
template <int LEFT> __device__ __forceinline__ void copies_wait()
{
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
}

/* Four 8 x 8 matrices of 16-bit elements by a warp; lane l has the address of row l % 8 of matrix
 * l / 8. Of each, a lane gets the elements 2 * (lane % 4) and the next of row lane / 4. */
__device__ __forceinline__ void load_matrices(unsigned (&part)[4], uint32_t row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(part[0]), "=r"(part[1]), "=r"(part[2]), "=r"(part[3])
                 : "r"(row)
                 : "memory");
}

/* sum[16,8] += A[16,16] B[8,16]^T, bf16 into f32, by a warp. With g = lane / 4 and t = lane % 4:
 *   a    rows g, g + 8, g, g + 8 of A; elements 2t and the next of the first 8, then of the last 8
 *   b    row g of B; the same elements of the first 8, then of the last 8
 *   sum  rows g, g, g + 8, g + 8; columns 2t, 2t + 1 in turn */
__device__ __forceinline__ void multiply(float *sum, const unsigned (&a)[4], unsigned b0,
                                         unsigned b1)
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
                 "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

} // namespace assay_mma

#endif
#endif
