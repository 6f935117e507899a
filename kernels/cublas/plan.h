/* What is decided about a product before the library is asked, with nothing of CUDA in it: how
 * row-major operands become column-major ones, how a product ends, which numbers of rows are
 * planned for, what must be aligned, how much scratch the library gets, and which algorithm wins.
 *
 * Row-major on column-major. y[N,O] = x[N,K] w[O,K]^T, all row-major, is the same memory as the
 * column-major D[O,N] = op(A) B with
 *   A = w as [K,O], transposed     ld: elements from one row of w to the next
 *   B = x as [K,N], as it is       ld: elements from one row of x to the next
 *   D = y as [O,N]                 ld: elements from one row of y to the next
 * so that the library's m is O, its n is N and its k is K; "TN" is the one form that it serves for
 * every type, fp8 and int8 too, and its bias (one number for each row of D) is the layer's.
 *
 * Rows are not known when a product is prepared, so that it is planned for every power of two up to
 * ROWS_PLANNED, and N rows take the plan of the next power of two: N is the one size that touches
 * no leading dimension, and neither a tile nor a split of k that was right for N' >= N rows is
 * wrong for N (its scratch is at most that of N'). */
#ifndef KERNELS_CUBLAS_PLAN_H
#define KERNELS_CUBLAS_PLAN_H

#include <cstddef>
#include <cstdint>

#include "assay/dtype.h"

namespace assay_cublas {

enum {
    BUCKETS = 17,    /* 1, 2, 4 .. 65536 rows */
    CANDIDATES = 8,  /* algorithms asked of the heuristics and measured */
    VECTOR = 16,     /* bytes that operands are aligned to where the plan counts on it */
    ALIGNED_MOST = 256
};

constexpr int64_t ROWS_PLANNED = int64_t{1} << (BUCKETS - 1);

inline int bucket_of(int64_t rows)
{
    int bucket = 0;
    while (bucket < BUCKETS - 1 && (int64_t{1} << bucket) < rows) {
        bucket++;
    }
    return bucket;
}

inline int64_t rows_of_bucket(int bucket)
{
    return int64_t{1} << bucket;
}

/* The number of rows that a bucket's spare algorithm is asked for: the greatest odd one it has, as
 * what takes that takes no tile for granted. */
inline int64_t spare_rows_of_bucket(int bucket)
{
    return rows_of_bucket(bucket) - (bucket > 1 ? 1 : 0);
}

/* The greatest power of two, at most ALIGNED_MOST, that the address is a multiple of. */
inline uint32_t alignment_of(const void *address)
{
    const uintptr_t lowest = reinterpret_cast<uintptr_t>(address);
    const uintptr_t power = lowest & (~lowest + 1);
    return power == 0 || power > ALIGNED_MOST ? uint32_t{ALIGNED_MOST}
                                              : static_cast<uint32_t>(power);
}

/* Elements from one row to the next in matrices of our own: whole vectors. */
inline int64_t pitch_of(assay_dtype element, int64_t columns)
{
    const int64_t whole = VECTOR / static_cast<int64_t>(assay_dtype_size(element));
    return (columns + whole - 1) / whole * whole;
}

/* What outputs and depth must be multiples of: the documented condition of 8-bit products. */
inline int64_t multiple_of(assay_dtype element)
{
    return element == ASSAY_E4M3 ? 16 : element == ASSAY_I8 ? 4 : 1;
}

/* What operands of type `dtype` are aligned to where nothing else is known, in products of
 * `element`: 8-bit products want more than the type does (the same documentation). */
inline uint32_t least_alignment(assay_dtype element, assay_dtype dtype)
{
    return element == ASSAY_E4M3 ? uint32_t{VECTOR}
           : element == ASSAY_I8 ? 4u
                                 : static_cast<uint32_t>(assay_dtype_size(dtype));
}

inline size_t whole(size_t bytes)
{
    return (bytes + ALIGNED_MOST - 1) / ALIGNED_MOST * ALIGNED_MOST;
}

/* Scratch that the library is given, by compute capability x 10: what NVIDIA recommends. */
inline size_t library_bytes(int compute)
{
    constexpr size_t mebibyte = size_t{1} << 20;
    if (compute >= 120) {
        return 12 * mebibyte;
    }
    return (compute >= 90 ? 32 : 4) * mebibyte;
}

/* Who multiplies sums by the scales of the two rows that they are of. */
enum Scaling { UNSCALED, BY_LIBRARY, BY_KERNEL };

/* The library does it, by its "outer vectors" of f32, from 12.9 on and on Hopper alone (cuBLAS
 * documentation, "FP8 data types"); elsewhere it scales a whole tensor at most, by 1 here, and our
 * kernel does. Versions are CUBLAS_VERSION of the headers and of the library that was opened. */
inline Scaling scaling_of(bool scaled, size_t headers, size_t library, int compute)
{
    constexpr size_t since = 120900;
    const bool outer = headers >= since && library >= since && compute / 10 == 9;
    return !scaled ? UNSCALED : outer ? BY_LIBRARY : BY_KERNEL;
}

/* How a product ends. The library adds a bias of D's own type only (of f32 where D is f32), to
 * f32 sums before the one rounding. */
struct Ending {
    assay_dtype result; /* D's type */
    bool epilogue;      /* the library adds the bias, given to it in D's type */
    bool finish;        /* a kernel of ours makes the output of D */
};

/* ReLU is no ending here: the library's makes 0 of a NaN, and a NaN must stay one. `bias` NONE:
 * there is none. */
inline Ending ending_of(assay_dtype element, assay_dtype output, assay_dtype bias,
                        Scaling scaling = UNSCALED)
{
    if (element == ASSAY_I8) {
        return {ASSAY_I32, false, true};
    }
    if (scaling == BY_KERNEL) { /* before the bias */
        return {ASSAY_F32, false, true};
    }
    if (bias == ASSAY_NONE || bias == output) {
        return {output, bias != ASSAY_NONE, false};
    }
    if (element == ASSAY_E4M3) { /* to f32 the library adds a bias of bf16 alone */
        return {ASSAY_F32, false, true};
    }
    return {ASSAY_F32, true, output != ASSAY_F32};
}

/* The fastest of those that ran, best proposed first: a later one must be faster by more than
 * timing's noise, so that processes agree. The first that ran where no time was taken (`time`
 * NULL); -1: none ran. */
inline int best_of(int count, const bool *ran, const float *time)
{
    constexpr float noise = 0.03f;
    int best = -1;
    for (int i = 0; i < count; i++) {
        if (ran[i] &&
            (best < 0 || (time != nullptr && time[i] < (1.0f - noise) * time[best]))) {
            best = i;
        }
    }
    return best;
}

/* Bytes that operands and results of what is measured may take: a quarter of what the device has
 * free, as weights of other layers are still to come, and no more than `most`. */
inline size_t measured_bytes(size_t free_bytes, size_t most)
{
    return free_bytes / 4 < most ? free_bytes / 4 : most;
}

/* Buckets whose algorithms are measured: their operands must fit `most` bytes, and no more rows
 * than `rows_most` are taken; the heuristics' first serves the rest. */
inline int measured_buckets(size_t row_bytes, size_t most, int64_t rows_most)
{
    int count = 0;
    while (count < BUCKETS && rows_of_bucket(count) <= rows_most &&
           static_cast<size_t>(rows_of_bucket(count)) * row_bytes <= most) {
        count++;
    }
    return count;
}

/* An encoder's pieces. Each piece reads all weights again and multiplies by them, so that for R
 * rows of 16-bit operands a GPU of bandwidth W and peak P is held up by the weights while
 *   2 bytes / W > 2 R / P,   R < P / W:   989 TFLOP/s over 3.35 TB/s is 295 on an H100, 206 on an
 * H200, double that in fp8. A piece of 2048 rows is seven times that: the weights, read while it
 * is multiplied, hide behind it, and what a last piece leaves unused of a wave is little. Its
 * pre-activations at 65,536 latents are 512 MiB; those of a piece that a last cache of 50 MB would
 * hold (190 rows) read the weights more often than they save. */
constexpr int64_t ENCODE_ROWS_MOST = 2048;
constexpr size_t ENCODE_BYTES_MOST = size_t{1} << 30;

/* Rows at a time where each needs `row_bytes` of scratch: as many as fit `most`, at least one. */
inline int64_t rows_that_fit(int64_t rows, size_t row_bytes, size_t most)
{
    const int64_t fit = row_bytes == 0 ? rows : static_cast<int64_t>(most / row_bytes);
    return rows < (fit < 1 ? 1 : fit) ? rows : (fit < 1 ? 1 : fit);
}

} // namespace assay_cublas

#endif
