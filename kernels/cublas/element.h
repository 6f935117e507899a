/* Types of operands that the CUDA kernels do not have, and their roundings: once, to nearest even,
 * from float or from double. */
#ifndef KERNELS_CUBLAS_ELEMENT_H
#define KERNELS_CUBLAS_ELEMENT_H

#include "kernels/cuda/element.h"

#ifndef ASSAY_EMULATED
#include <cuda_fp8.h>
#endif

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

/* An OCP 8-bit float; what lies beyond 448 becomes 448. */
struct E4m3 {
    uint8_t word;
};

__device__ __forceinline__ void narrow(float x, E4m3 *to)
{
#ifdef ASSAY_EMULATED
    to->word = assay_f32_to_e4m3(x);
#else
    to->word = __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3);
#endif
}

__device__ __forceinline__ void narrow(double x, E4m3 *to)
{
    narrow(rounded_to_odd(x), to);
}

} // namespace assay_cublas

#endif
