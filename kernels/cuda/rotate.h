/* Rotary embedding by a block: cosines and sines of a row's angles once, then the pairs of its
 * heads, eight neighbours a thread. */
#ifndef KERNELS_CUDA_ROTATE_H
#define KERNELS_CUDA_ROTATE_H

#include "kernels/cuda/upload.h"

namespace assay_cuda {

enum { ANGLES = 512 }; /* that a block keeps at once */

/* A prepared rope. */
struct RopeState {
    Uploads uploads;
    Matrix frequency;
};

/* Cosine and sine as the contract has them: of an f64 angle, or of the product of two f32. */
template <typename T>
__device__ __forceinline__ void turn(int64_t position, double frequency, float *cosine, float *sine)
{
    if (Flow<T>::type == ASSAY_F32) {
        const double angle = static_cast<double>(position) * frequency;
        *cosine = static_cast<float>(cos(angle));
        *sine = static_cast<float>(sin(angle));
        return;
    }
    const float angle = static_cast<float>(position) * static_cast<float>(frequency);
    *cosine = rounded<T>(cosf(angle));
    *sine = rounded<T>(sinf(angle));
}

/* Pairs i .. i+7 (at most `count`) of a head that begins at column `head`, from row n of x to row t
 * of y. A thread reads what it writes over before it does: they may be one. */
template <typename T>
__device__ __forceinline__ void turn_octet(const Matrix &x, int64_t n, const Matrix &y, int64_t t,
                                           int64_t head, int64_t i, int64_t half, int64_t count,
                                           const float *cosine, const float *sine)
{
    float low[OCTET];
    float high[OCTET];
    load_octet(x, n, head + i, count, low);
    load_octet(x, n, head + half + i, count, high);
#pragma unroll
    for (int e = 0; e < OCTET; e++) {
        const float c = e < count ? cosine[e] : 0.0f;
        const float s = e < count ? sine[e] : 0.0f;
        const float y0 = rounded<T>(low[e] * c) - rounded<T>(high[e] * s);
        const float y1 = rounded<T>(high[e] * c) + rounded<T>(low[e] * s);
        low[e] = y0;
        high[e] = y1;
    }
    store_octet<T>(y, t, head + i, count, low);
    store_octet<T>(y, t, head + half + i, count, high);
}

/* The heads of row n of x, `width` columns, rotated into row t of y, which may be that row itself;
 * every thread of the block comes. cosine and sine are shared, ANGLES each. */
template <typename T>
__device__ __forceinline__ void turn_row(const Matrix &x, int64_t n, const Matrix &y, int64_t t,
                                         int64_t position, const Matrix &frequency, int64_t width,
                                         int64_t head_dim, float *cosine, float *sine)
{
    const int64_t half = head_dim / 2;
    for (int64_t first = 0; first < half; first += ANGLES) {
        const int64_t angles = least(ANGLES, half - first);
        for (int64_t i = threadIdx.x; i < angles; i += BLOCK) {
            turn<T>(position, load_wide(frequency, 0, first + i), &cosine[i], &sine[i]);
        }
        __syncthreads();
        const int octets = static_cast<int>((angles + OCTET - 1) / OCTET);
        const int tasks = static_cast<int>(width / head_dim) * octets;
        for (int task = static_cast<int>(threadIdx.x); task < tasks; task += BLOCK) {
            const int i = task % octets * OCTET;
            turn_octet<T>(x, n, y, t, task / octets * head_dim, first + i, half, angles - i,
                          cosine + i, sine + i);
        }
        __syncthreads();
    }
}

} // namespace assay_cuda

#endif
