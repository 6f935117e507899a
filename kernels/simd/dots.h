/* Dot products of a matrix's rows, as stored, with rows of f32: a tile of them at a time, so that
 * each vector that is loaded serves several products. Every dot product has its own lanes and its
 * own order, whatever stands beside it in the tile. */
#ifndef KERNELS_SIMD_DOTS_H
#define KERNELS_SIMD_DOTS_H

#include "kernels/scalar/row.h"
#include "kernels/simd/vector.h"

enum {
    SIMD_TILE_WEIGHTS = VEC == 16 ? 4 : 2, /* 16 sums in 32 registers, 8 in 16 */
    SIMD_TILE_ROWS = 4
};

/* sum[w][r] += weight[w] . x[r] at the vector of element i, of which `left` exist. */
VEC_INLINE void simd_tile_step(const float *const *weight, const float *const *x, int64_t i,
                               int64_t left, vec sum[SIMD_TILE_WEIGHTS][SIMD_TILE_ROWS])
{
    vec a[SIMD_TILE_WEIGHTS];
#pragma GCC unroll 4
    for (int w = 0; w < SIMD_TILE_WEIGHTS; w++) {
        a[w] = vec_read_first(ASSAY_F32, weight[w], i, left);
    }
#pragma GCC unroll 4
    for (int r = 0; r < SIMD_TILE_ROWS; r++) {
        const vec b = vec_read_first(ASSAY_F32, x[r], i, left);
#pragma GCC unroll 4
        for (int w = 0; w < SIMD_TILE_WEIGHTS; w++) {
            sum[w][r] = vec_fma(a[w], b, sum[w][r]);
        }
    }
}

/* n elements. The sums are in registers meanwhile: in their own variables, since a compiler keeps
 * an array that it is given in memory. */
VEC_INLINE void simd_tile_sum(const float *const *weight, const float *const *x, int64_t n,
                              vec total[SIMD_TILE_WEIGHTS][SIMD_TILE_ROWS])
{
    vec sum[SIMD_TILE_WEIGHTS][SIMD_TILE_ROWS];
    const float *a[SIMD_TILE_WEIGHTS];
    const float *b[SIMD_TILE_ROWS];
    memcpy(sum, total, sizeof sum);
    memcpy(a, weight, sizeof a);
    memcpy(b, x, sizeof b);
    int64_t i = 0;
    for (; i + VEC <= n; i += VEC) {
        simd_tile_step(a, b, i, VEC, sum);
    }
    if (i < n) {
        simd_tile_step(a, b, i, n - i, sum);
    }
    memcpy(total, sum, sizeof sum);
}

/* dot[r * dot_stride + w] = row first+w of weight . row r of x, up to a tile of each. A tile that
 * is not full repeats its last ones. */
static inline void simd_tile(const assay_tensor *weight, int64_t first, int64_t weights,
                             const float *x, int64_t x_stride, int64_t rows, int64_t n, float *dot,
                             int64_t dot_stride)
{
    float buffer[SIMD_TILE_WEIGHTS][SCALAR_PIECE];
    vec sum[SIMD_TILE_WEIGHTS][SIMD_TILE_ROWS];
    for (int w = 0; w < SIMD_TILE_WEIGHTS; w++) {
        for (int r = 0; r < SIMD_TILE_ROWS; r++) {
            sum[w][r] = vec_set(0.0f);
        }
    }
    const int64_t step = scalar_direct(weight) ? n : SCALAR_PIECE;
    for (int64_t at = 0; at < n; at += step) {
        const int64_t count = scalar_min(step, n - at);
        const float *a[SIMD_TILE_WEIGHTS];
        const float *b[SIMD_TILE_ROWS];
        for (int w = 0; w < SIMD_TILE_WEIGHTS; w++) {
            a[w] = w < weights ? scalar_piece(weight, first + w, at, count, buffer[w])
                               : a[weights - 1];
        }
        for (int r = 0; r < SIMD_TILE_ROWS; r++) {
            b[r] = x + scalar_min(r, rows - 1) * x_stride + at;
        }
        simd_tile_sum(a, b, count, sum);
    }
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t w = 0; w < weights; w++) {
            dot[r * dot_stride + w] = vec_sum(sum[w][r]);
        }
    }
}

/* dot[r * dot_stride + w] of weight's rows first .. first+weights-1, a tile's, and all rows of x.
 */
static inline void simd_dots(const assay_tensor *weight, int64_t first, int64_t weights,
                             const float *x, int64_t x_stride, int64_t rows, int64_t n, float *dot,
                             int64_t dot_stride)
{
    for (int64_t r = 0; r < rows; r += SIMD_TILE_ROWS) {
        simd_tile(weight, first, weights, x + r * x_stride, x_stride,
                  scalar_min(SIMD_TILE_ROWS, rows - r), n, dot + r * dot_stride, dot_stride);
    }
}

/* A vector as f32, zeros where it is absent; NULL when there is no memory. */
static inline float *simd_vector_f32(const assay_tensor *vector, int64_t n)
{
    float *const value = simd_allocate((size_t)n * sizeof *value);
    for (int64_t i = 0; i < n && value != NULL; i++) {
        value[i] = assay_present(vector) ? (float)assay_at1(vector, i) : 0.0f;
    }
    return value;
}

#endif
