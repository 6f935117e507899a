/* Pieces of rows as f32, and dot products in a fixed order that a compiler may vectorise as it
 * stands: SCALAR_LANES interleaved partial sums (element k goes to lane k mod 16), then their sum
 * by halves. A row's result never depends on its neighbours. */
#ifndef KERNELS_SCALAR_ROW_H
#define KERNELS_SCALAR_ROW_H

#include "assay/tensor.h"

enum {
    SCALAR_LANES = 16,
    SCALAR_PIECE = 512, /* elements widened at a time: 2 KiB, stays in the first-level cache */
    SCALAR_BLOCK = 16   /* rows of activations that share one reading of the weights */
};

/* The compiler makes a second version of a loop for processors with 256-bit vectors; which one runs
 * is decided when the program starts. The same operations in the same order (the wider version has
 * no fused multiply-add): the same bits. Not under sanitizers, which are not yet set up then. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) &&                        \
    !defined(__SANITIZE_ADDRESS__)
#define SCALAR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define SCALAR_CLONES
#endif

/* n elements from `data` (already offset) as f32: in place where they are dense f32, else widened
 * into buffer. f64 is rounded. */
static inline const float *scalar_widen(assay_dtype dtype, const void *data, int64_t stride,
                                        int64_t n, float *restrict buffer)
{
    if (stride != 1) {
        for (int64_t i = 0; i < n; i++) {
            buffer[i] = (float)assay_load(dtype, data, (size_t)(i * stride));
        }
        return buffer;
    }
    const uint16_t *const words = data;
    switch (dtype) {
    case ASSAY_F32: return data;
    case ASSAY_BF16:
        for (int64_t i = 0; i < n; i++) {
            buffer[i] = assay_bf16_to_f32(words[i]);
        }
        break;
    case ASSAY_F16:
        for (int64_t i = 0; i < n; i++) {
            buffer[i] = assay_f16_to_f32(words[i]);
        }
        break;
    default:
        for (int64_t i = 0; i < n; i++) {
            buffer[i] = (float)assay_load(dtype, data, (size_t)i);
        }
    }
    return buffer;
}

/* Address of element (row, column) of a matrix, or (column) of a vector. */
static inline void *scalar_address(const assay_tensor *tensor, int64_t row, int64_t column)
{
    const int64_t at = tensor->rank == 1
                           ? column * tensor->stride[0]
                           : row * tensor->stride[0] + column * tensor->stride[1];
    return (char *)tensor->data + at * (int64_t)assay_dtype_size(tensor->dtype);
}

static inline int64_t scalar_step(const assay_tensor *tensor)
{
    return tensor->stride[tensor->rank - 1];
}

static inline const float *scalar_piece(const assay_tensor *tensor, int64_t row, int64_t column,
                                        int64_t n, float *buffer)
{
    return scalar_widen(tensor->dtype, scalar_address(tensor, row, column), scalar_step(tensor), n,
                        buffer);
}

/* Rounds n values to a type narrower than f32, in place; f32 and wider stay. */
static inline void scalar_round(assay_dtype dtype, float *value, int64_t n)
{
    if (dtype == ASSAY_BF16) {
        for (int64_t i = 0; i < n; i++) {
            value[i] = assay_bf16_to_f32(assay_f32_to_bf16(value[i]));
        }
    } else if (dtype == ASSAY_F16) {
        for (int64_t i = 0; i < n; i++) {
            value[i] = assay_f16_to_f32(assay_f32_to_f16(value[i]));
        }
    }
}

static inline float scalar_rounded(assay_dtype dtype, float value)
{
    scalar_round(dtype, &value, 1);
    return value;
}

/* Stores n values into a row, rounded to its type. */
static inline void scalar_store(const assay_tensor *tensor, int64_t row, int64_t column, int64_t n,
                                const float *value)
{
    void *const data = scalar_address(tensor, row, column);
    const int64_t step = scalar_step(tensor);
    if (step == 1 && tensor->dtype == ASSAY_F32) {
        memcpy(data, value, (size_t)n * sizeof *value);
    } else if (step == 1 && tensor->dtype == ASSAY_BF16) {
        uint16_t *const words = data;
        for (int64_t i = 0; i < n; i++) {
            words[i] = assay_f32_to_bf16(value[i]);
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            assay_store(tensor->dtype, data, (size_t)(i * step), (double)value[i]);
        }
    }
}

/* lane[k mod 16] += a[k] * b[k]; n may end in a part of 16 only in the last call of a sum. */
SCALAR_CLONES static void scalar_accumulate(float *lane, const float *restrict a,
                                            const float *restrict b, int64_t n)
{
    float sum[SCALAR_LANES];
    memcpy(sum, lane, sizeof sum);
    const int64_t whole = n - n % SCALAR_LANES;
    for (int64_t i = 0; i < whole; i += SCALAR_LANES) {
        for (int64_t l = 0; l < SCALAR_LANES; l++) {
            sum[l] += a[i + l] * b[i + l];
        }
    }
    memcpy(lane, sum, sizeof sum);
    for (int64_t i = whole; i < n; i++) {
        lane[i - whole] += a[i] * b[i];
    }
}

/* Half of the lanes, in one register where there are 256-bit vectors. */
typedef float scalar_half __attribute__((vector_size(32), aligned(4), may_alias));

/* The same for two sums, since the additions of one wait for each other. */
SCALAR_CLONES static void scalar_accumulate_two(float *lane, float *other, const float *restrict a,
                                                const float *restrict b, const float *restrict c,
                                                int64_t n)
{
    scalar_half *const low = (scalar_half *)(void *)lane;
    scalar_half *const next = (scalar_half *)(void *)other;
    scalar_half sum[4] = {low[0], low[1], next[0], next[1]};
    const int64_t whole = n - n % SCALAR_LANES;
    for (int64_t i = 0; i < whole; i += SCALAR_LANES) {
        const scalar_half *const x = (const scalar_half *)(const void *)(a + i);
        const scalar_half *const y = (const scalar_half *)(const void *)(b + i);
        const scalar_half *const z = (const scalar_half *)(const void *)(c + i);
        sum[0] += x[0] * y[0];
        sum[1] += x[1] * y[1];
        sum[2] += x[0] * z[0];
        sum[3] += x[1] * z[1];
    }
    low[0] = sum[0];
    low[1] = sum[1];
    next[0] = sum[2];
    next[1] = sum[3];
    for (int64_t i = whole; i < n; i++) {
        lane[i - whole] += a[i] * b[i];
        other[i - whole] += a[i] * c[i];
    }
}

static inline float scalar_reduce(const float *lane)
{
    float sum[SCALAR_LANES];
    memcpy(sum, lane, sizeof sum);
    for (int width = SCALAR_LANES / 2; width > 0; width /= 2) {
        for (int l = 0; l < width; l++) {
            sum[l] += sum[l + width];
        }
    }
    return sum[0];
}

/* dot[r] = row `row` of weight . x[r*x_stride ..], for up to SCALAR_BLOCK rows of n elements. */
static inline void scalar_dots(const assay_tensor *weight, int64_t row, const float *x,
                               int64_t x_stride, int64_t rows, int64_t n, float *dot)
{
    float lane[SCALAR_BLOCK][SCALAR_LANES] = {{0}};
    float buffer[SCALAR_PIECE];
    for (int64_t at = 0; at < n; at += SCALAR_PIECE) {
        const int64_t count = n - at < SCALAR_PIECE ? n - at : SCALAR_PIECE;
        const float *const piece = scalar_piece(weight, row, at, count, buffer);
        int64_t r = 0;
        for (; r + 2 <= rows; r += 2) {
            scalar_accumulate_two(lane[r], lane[r + 1], piece, x + r * x_stride + at,
                                  x + (r + 1) * x_stride + at, count);
        }
        if (r < rows) {
            scalar_accumulate(lane[r], piece, x + r * x_stride + at, count);
        }
    }
    for (int64_t r = 0; r < rows; r++) {
        dot[r] = scalar_reduce(lane[r]);
    }
}

/* Whether rows can be read as f32 where they are. */
static inline bool scalar_direct(const assay_tensor *tensor)
{
    return tensor->dtype == ASSAY_F32 && scalar_step(tensor) == 1;
}

/* Floats of workspace that scalar_rows needs for blocks of a matrix. */
static inline size_t scalar_rows_size(const assay_tensor *x)
{
    const int64_t rows = x->shape[0] < SCALAR_BLOCK ? x->shape[0] : SCALAR_BLOCK;
    return scalar_direct(x) ? 0 : (size_t)(rows * x->shape[1]);
}

/* Rows first .. first+rows-1 as f32, *stride apart: in place where possible, else in workspace. */
static inline const float *scalar_rows(const assay_tensor *x, int64_t first, int64_t rows,
                                       float *workspace, int64_t *stride)
{
    if (scalar_direct(x)) {
        *stride = x->stride[0];
        return scalar_address(x, first, 0);
    }
    *stride = x->shape[1];
    for (int64_t r = 0; r < rows; r++) {
        float *const to = workspace + r * *stride;
        const float *const from = scalar_piece(x, first + r, 0, *stride, to);
        if (from != to) {
            memcpy(to, from, (size_t)*stride * sizeof *to);
        }
    }
    return workspace;
}

#endif
