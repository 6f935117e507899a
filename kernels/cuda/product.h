/* Dot products of rows of A with rows of B, in f32: dot[n,o] = sum_k A[n,k] B[o,k], each handed to
 * a function object, which scales, adds and stores. Linear layers, the encoder and adapters are
 * made of it. Two kernels:
 *   tile     64 x 64 outputs a block, 4 x 4 a thread, k in order
 *   columns  few rows of A: a warp for each row of B, which is read once for four rows of A; k in
 *            lanes, then by halves
 * No tensor cores: operands are f32 numbers here. What a block computes is a function that fused
 * kernels call too. */
#ifndef KERNELS_CUDA_PRODUCT_H
#define KERNELS_CUDA_PRODUCT_H

#include "kernels/cuda/contract.h"
#include "kernels/cuda/reduce.h"

namespace assay_cuda {

enum { TILE = 64, TILE_DEPTH = 16, TILE_PITCH = TILE + 4, OWN = 4, FEW_ROWS = 8, ROWS_OF_WARP = 4 };

/* An octet of the tile that starts at row `first`, zeros outside the matrix. */
__device__ __forceinline__ void load_tile(const Matrix &m, int64_t first, int64_t rows,
                                          int64_t from, int64_t depth, int part, float *octet)
{
    const int64_t row = first + part / (TILE_DEPTH / OCTET);
    const int64_t k = from + part % (TILE_DEPTH / OCTET) * OCTET;
    load_octet(m, row, k, row < rows ? depth - k : 0, octet);
}

/* A thread's place in its block's tile: OWN x OWN outputs from row n and column o of it on. */
__device__ __forceinline__ int own_row()
{
    return static_cast<int>(threadIdx.x) / (TILE / OWN) * OWN;
}

__device__ __forceinline__ int own_column()
{
    return static_cast<int>(threadIdx.x) % (TILE / OWN) * OWN;
}

/* sum = the dots of a thread's outputs, in a block's tile that begins at row_first and column_first.
 * Every thread of the block comes; stage is shared, 2 x TILE_DEPTH x TILE_PITCH. */
__device__ __forceinline__ void tile_dots(const Matrix &a, const Matrix &b, int64_t rows,
                                          int64_t columns, int64_t depth, int64_t row_first,
                                          int64_t column_first, float *stage, float (*sum)[OWN])
{
    const int thread = static_cast<int>(threadIdx.x);
    const bool is_b = thread >= BLOCK / 2; /* the one half fetches A, the other B */
    const int part = thread % (BLOCK / 2);
    /* Field by field: a reference to either would put both on the stack. */
    const Matrix source = {is_b ? b.data : a.data, is_b ? b.row : a.row,
                           is_b ? b.column : a.column, is_b ? b.dtype : a.dtype};
    const int64_t source_first = is_b ? column_first : row_first;
    const int64_t source_rows = is_b ? columns : rows;
    float *const own_stage = stage + (is_b ? TILE_DEPTH * TILE_PITCH : 0);
    const int at_row = part / (TILE_DEPTH / OCTET);
    const int at_k = part % (TILE_DEPTH / OCTET) * OCTET;
    const int n = own_row();
    const int o = own_column();
    float octet[OCTET];
#pragma unroll
    for (int i = 0; i < OWN * OWN; i++) {
        sum[i / OWN][i % OWN] = 0.0f;
    }
    load_tile(source, source_first, source_rows, 0, depth, part, octet);
    for (int64_t from = 0; from < depth; from += TILE_DEPTH) {
#pragma unroll
        for (int i = 0; i < OCTET; i++) {
            own_stage[(at_k + i) * TILE_PITCH + at_row] = octet[i];
        }
        __syncthreads();
        if (from + TILE_DEPTH < depth) { /* on its way while this piece is multiplied */
            load_tile(source, source_first, source_rows, from + TILE_DEPTH, depth, part, octet);
        }
#pragma unroll
        for (int k = 0; k < TILE_DEPTH; k++) {
            const float *const left = stage + k * TILE_PITCH + n;
            const float *const right = stage + (TILE_DEPTH + k) * TILE_PITCH + o;
#pragma unroll
            for (int i = 0; i < OWN; i++) {
#pragma unroll
                for (int j = 0; j < OWN; j++) {
                    sum[i][j] += left[i] * right[j];
                }
            }
        }
        __syncthreads();
    }
}

/* The tile `block` of a row of tiles. */
template <typename Finish>
__device__ __forceinline__ void tile_of_block(const Matrix &a, const Matrix &b, int64_t rows,
                                              int64_t columns, int64_t depth, int64_t block,
                                              const Finish &finish)
{
    ASSAY_SHARED(float, stage, 2 * TILE_DEPTH * TILE_PITCH);
    const int64_t row_first = static_cast<int64_t>(blockIdx.y) * TILE;
    const int64_t column_first = block * TILE;
    float sum[OWN][OWN];
    tile_dots(a, b, rows, columns, depth, row_first, column_first, stage, sum);
#pragma unroll
    for (int i = 0; i < OWN; i++) {
#pragma unroll
        for (int j = 0; j < OWN; j++) {
            const int64_t n = row_first + own_row() + i;
            const int64_t o = column_first + own_column() + j;
            if (n < rows && o < columns) {
                finish(n, o, sum[i][j]);
            }
        }
    }
}

template <typename Finish>
__global__ void __launch_bounds__(BLOCK, RESIDENT)
    product_tile(Matrix a, Matrix b, int64_t rows, int64_t columns, int64_t depth, Finish finish)
{
    tile_of_block(a, b, rows, columns, depth, blockIdx.x, finish);
}

/* The types of A and B where both are in octets: those of B that are multiplied next are on their
 * way before the first is needed. Any: of whatever type and form, one at a time. */
struct Any {
};

template <typename T>
__device__ __forceinline__ void fetch_as(const Matrix &m, int64_t row, int64_t k, int64_t count,
                                         float *x)
{
    fetch_octet<T, true>(m, row, k, count, x);
}
template <>
__device__ __forceinline__ void fetch_as<Any>(const Matrix &m, int64_t row, int64_t k,
                                              int64_t count, float *x)
{
    load_octet(m, row, k, count, x);
}

/* 64 bytes a thread: with twice as many in f32 registers spill on compute capability 12.0, and so
 * they do there by a little with bf16 beside f32. */
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1200
enum { MIXED_LESS = 1 };
#else
enum { MIXED_LESS = 0 };
#endif
template <typename A, typename B> struct OnTheirWay {
    enum { COUNT = 64 / (OCTET * sizeof(B)) - (sizeof(A) > sizeof(B) ? MIXED_LESS : 0) };
};
template <> struct OnTheirWay<Any, Any> {
    enum { COUNT = 1 };
};

/* sum[n] += this lane's part of the dot of row first + n of A with row o of B. */
template <typename A, typename B>
__device__ __forceinline__ void lane_dots(const Matrix &a, const Matrix &b, int64_t rows,
                                          int64_t depth, int64_t first, int64_t o, float *sum)
{
    constexpr int MANY = OnTheirWay<A, B>::COUNT;
    const int lane = static_cast<int>(threadIdx.x) % WARP;
    for (int64_t k = static_cast<int64_t>(lane) * OCTET; k < depth; k += MANY * WARP * OCTET) {
        float weight[MANY][OCTET];
#pragma unroll
        for (int u = 0; u < MANY; u++) {
            const int64_t at = k + u * WARP * OCTET;
            fetch_as<B>(b, o, at, depth - at, weight[u]);
        }
#pragma unroll
        for (int n = 0; n < ROWS_OF_WARP; n++) {
            if (first + n < rows) {
#pragma unroll
                for (int u = 0; u < MANY; u++) {
                    const int64_t at = k + u * WARP * OCTET;
                    float x[OCTET];
                    fetch_as<A>(a, first + n, at, depth - at, x);
#pragma unroll
                    for (int i = 0; i < OCTET; i++) {
                        sum[n] += x[i] * weight[u][i];
                    }
                }
            }
        }
    }
}

/* The columns of `block`, one a warp. */
template <typename A, typename B, typename Finish>
__device__ __forceinline__ void columns_of_block(const Matrix &a, const Matrix &b, int64_t rows,
                                                 int64_t columns, int64_t depth, int64_t block,
                                                 const Finish &finish)
{
    const int64_t o = block * WARPS + threadIdx.x / WARP;
    const int64_t first = static_cast<int64_t>(blockIdx.y) * ROWS_OF_WARP;
    if (o >= columns) {
        return; /* with its whole warp; there is no barrier of the block */
    }
    float sum[ROWS_OF_WARP] = {};
    lane_dots<A, B>(a, b, rows, depth, first, o, sum);
#pragma unroll
    for (int n = 0; n < ROWS_OF_WARP; n++) {
        if (first + n < rows) {
            const float dot = warp_reduce<Sum>(sum[n]);
            if (threadIdx.x % WARP == 0) {
                finish(first + n, o, dot);
            }
        }
    }
}

template <typename A, typename B, typename Finish>
__global__ void __launch_bounds__(BLOCK, RESIDENT)
    product_columns(Matrix a, Matrix b, int64_t rows, int64_t columns, int64_t depth, Finish finish)
{
    columns_of_block<A, B>(a, b, rows, columns, depth, blockIdx.x, finish);
}

/* What product_columns may take A and B for. */
enum Form { FORM_ANY, FORM_FLOATS, FORM_FLOAT_BF16, FORM_BF16 };

inline Form form_of(const Matrix &a, const Matrix &b, int64_t depth)
{
    const bool octets = depth % OCTET == 0;
    const bool floats = octets && is_in_octets(a, ASSAY_F32);
    const bool halves = octets && is_in_octets(b, ASSAY_BF16);
    return floats && halves                          ? FORM_FLOAT_BF16
           : floats && is_in_octets(b, ASSAY_F32)    ? FORM_FLOATS
           : halves && is_in_octets(a, ASSAY_BF16)   ? FORM_BF16
                                                     : FORM_ANY;
}

/* call(a, b): numbers of the types that A and B are taken for. */
template <typename Call> assay_status by_form(Form form, const Call &call)
{
    switch (form) {
    case FORM_FLOATS: return call(float(), float());
    case FORM_FLOAT_BF16: return call(float(), Bf16());
    case FORM_BF16: return call(Bf16(), Bf16());
    case FORM_ANY: break;
    }
    return call(Any(), Any());
}

/* Blocks of few rows: so many of columns, and as many as the rows take. */
inline dim3 grid_of_few(int64_t column_blocks, int64_t rows)
{
    return dim3(static_cast<unsigned>(column_blocks),
                static_cast<unsigned>(blocks_for(rows, ROWS_OF_WARP)));
}

/* Tiles of as many rows as one launch takes: launch(rows of a, the first's number, their count,
 * rows of the grid). */
template <typename Launch>
assay_status in_tiles(const Matrix &a, int64_t rows, const Launch &launch)
{
    constexpr int64_t rows_most = GRID_ROWS_MOST * TILE;
    assay_status status = ASSAY_OK;
    for (int64_t first = 0; status == ASSAY_OK && first < rows; first += rows_most) {
        const int64_t count = least(rows - first, rows_most);
        Matrix part = a;
        part.data = static_cast<char *>(a.data) +
                    first * a.row * static_cast<int64_t>(assay_dtype_size((assay_dtype)a.dtype));
        status = launch(part, first, count, static_cast<unsigned>(blocks_for(count, TILE)));
    }
    return status;
}

template <typename A, typename B, typename Finish>
assay_status product_of_few(const assay_exec *exec, const Matrix &a, const Matrix &b, int64_t rows,
                            int64_t columns, int64_t depth, Finish finish)
{
    const dim3 grid = grid_of_few(blocks_for(columns, WARPS), rows);
    ASSAY_LAUNCH(exec, (product_columns<A, B, Finish>), (Dimensions{grid, dim3(BLOCK), 0}), a, b,
                 rows, columns, depth, finish);
    return ASSAY_OK;
}

template <typename Finish>
assay_status product(const assay_exec *exec, const Matrix &a, const Matrix &b, int64_t rows,
                     int64_t columns, int64_t depth, Finish finish)
{
    if (rows <= FEW_ROWS) {
        return by_form(form_of(a, b, depth), [&](auto of_a, auto of_b) {
            return product_of_few<decltype(of_a), decltype(of_b)>(exec, a, b, rows, columns, depth,
                                                                  finish);
        });
    }
    return in_tiles(a, rows, [&](const Matrix &part, int64_t first, int64_t count, unsigned tall) {
        const dim3 grid(static_cast<unsigned>(blocks_for(columns, TILE)), tall);
        ASSAY_LAUNCH(exec, product_tile<Finish>, (Dimensions{grid, dim3(BLOCK), 0}), part, b, count,
                     columns, depth, finish.from(first));
        return ASSAY_OK;
    });
}

} // namespace assay_cuda

#endif
