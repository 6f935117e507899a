/* Dot products of rows of x with rows of a weight, both bf16, by mma.sync; sums of f32 go from
 * registers to an ending (kernels/fused/entries.h has those of the encoder), and never to memory
 * by themselves. A block multiplies one tile: 128 rows of x, 256 of the weight, 16 rows a warp.
 *
 * While a stage is multiplied the next one comes by cp.async. What lies outside of a matrix is
 * zero; a warp whose rows are all beyond the last multiplies nothing, so that few rows cost little
 * more than the weight's way from memory.
 *
 * Each sum is taken in order of k, in blocks of STEP, by one accumulator: the same whatever other
 * rows there are. In what order a tensor core adds within a block is its own affair; it cuts sums
 * off (kernels/cublas/mode.h has the contract that this allows).
 *
 * Not run on hardware. By arithmetic alone, for an A100: a step of k is 32 products a warp, 512
 * cycles of a multiprocessor's tensor cores for all eight, and 640 of its shared memory (68 of
 * reads a warp, 96 of what comes in), so shared memory is the limit, at 80% of the peak; where
 * tensor cores are half as wide (8.6, 8.9, 12.0) they are. One row: 32 KiB a stage come from
 * memory, 2500 cycles of a 108th of 2 TB/s, beside 1024 of the one warp that multiplies. */
#ifndef KERNELS_TENSOR_PRODUCT_H
#define KERNELS_TENSOR_PRODUCT_H

#ifdef ASSAY_EMULATED
#define ASSAY_TENSOR_CODE
#include "kernels/tensor/emulated.h"
#else
#include "kernels/tensor/instructions.h"
#endif
#include "kernels/tensor/plan.h"

namespace assay_mma {

#ifdef ASSAY_TENSOR_CODE

/* A piece of a row: what is there of it, zeros for what is not. */
__device__ __forceinline__ void fetch_piece(uint32_t to, const Operand16 &from, int64_t row,
                                            int64_t column)
{
    const int64_t left = row < from.rows ? from.columns - column : 0;
    const int64_t count = left < 0 ? 0 : least(left, PIECE / 2);
    const Bf16 *const at = count > 0 ? from.data + row * from.pitch + column : from.data;
    copy_piece(to, at, static_cast<uint32_t>(count) * 2);
}

/* Each thread its pieces of a stage: x's rows, then the weight's. */
__device__ __forceinline__ void fetch_stage(uint32_t stage, const Operand16 &x,
                                            const Operand16 &weight, int64_t row, int64_t latent,
                                            int64_t k)
{
    const int thread = static_cast<int>(threadIdx.x);
    constexpr int x_pieces = TILE_ROWS * PIECES;
    constexpr int weight_pieces = TILE_LATENTS * PIECES;
#pragma unroll 1 /* addresses of all pieces at once would not fit beside the sums */
    for (int p = 0; p < x_pieces; p += BLOCK_THREADS) {
        const int own = p + thread;
        fetch_piece(stage + swizzled(static_cast<uint32_t>(own) * PIECE), x, row + own / PIECES,
                    k + own % PIECES * (PIECE / 2));
    }
#pragma unroll 1
    for (int p = 0; p < weight_pieces; p += BLOCK_THREADS) {
        const int own = p + thread;
        fetch_piece(stage + X_BYTES + swizzled(static_cast<uint32_t>(own) * PIECE), weight,
                    latent + own / PIECES, k + own % PIECES * (PIECE / 2));
    }
}

/* A warp's 16 rows of a stage times all of its latents. */
__device__ __forceinline__ void multiply_stage(float (&sum)[SUMS], uint32_t stage, int warp_row)
{
    const int lane = static_cast<int>(threadIdx.x) % WARP;
    /* Of x matrices are rows 0..7 and 8..15 of the first 8 elements, then of the last 8; of the
     * weight both halves of 8 latents, then of the next 8. */
    const uint32_t x_row =
        static_cast<uint32_t>(warp_row + lane / 8 % 2 * 8 + lane % 8) * ROW_BYTES;
    const uint32_t weight_row =
        static_cast<uint32_t>(lane / 16 * 8 + lane % 8) * ROW_BYTES + X_BYTES;
#pragma unroll 1 /* as above */
    for (uint32_t step = 0; step < DEPTH / STEP; step++) {
        unsigned a[4];
        load_matrices(a, stage + swizzled(x_row + step * STEP * 2 +
                                          static_cast<uint32_t>(lane / 16) * PIECE));
#pragma unroll
        for (uint32_t j = 0; j < TILE_LATENTS; j += 16) {
            unsigned b[4];
            load_matrices(b, stage + swizzled(weight_row + j * ROW_BYTES + step * STEP * 2 +
                                              static_cast<uint32_t>(lane / 8 % 2) * PIECE));
            multiply(sum + j / 2, a, b[0], b[1]);
            multiply(sum + j / 2 + 4, a, b[2], b[3]);
        }
    }
}

#endif

/* The units that the ending wants, to the ending. Grid: CLUSTER blocks a unit; dynamic shared
 * memory: RING_BYTES. */
template <typename Ending>
static __global__ void __launch_bounds__(BLOCK_THREADS, 1)
    tensor_tile(Operand16 x, Operand16 weight, Extent extent, Ending ending)
{
#ifdef ASSAY_TENSOR_CODE
    const int64_t unit = blockIdx.x / CLUSTER;
    const Unit own = unit_of(unit, pairs_of(extent.rows), tiles_of(extent.latents));
    const int64_t first_row = (own.pair * CLUSTER + blockIdx.x % CLUSTER) * TILE_ROWS;
    if (first_row >= extent.rows || !ending.wanted(unit)) {
        return; /* the whole block */
    }
    const int group = static_cast<int>(threadIdx.x) / GROUP_THREADS;
    const Place place = {unit, own.tile, first_row + group * GROUP_ROWS, own.tile * TILE_LATENTS,
                         static_cast<int>(threadIdx.x) % GROUP_THREADS};
    const int warp_row = static_cast<int>(threadIdx.x) / WARP * 16;
    const uint32_t ring = stages_begin();
    float sum[SUMS];
#pragma unroll
    for (int i = 0; i < SUMS; i++) {
        sum[i] = 0.0f;
    }
    fetch_stage(ring, x, weight, first_row, place.latent, 0);
    copies_commit();
    uint32_t turn = 0;
#pragma unroll 1
    for (int64_t k = 0; k < extent.depth; k += DEPTH) {
        copies_wait<0>();
        __syncthreads(); /* everybody's copies have come, and the other stage has been read */
        if (k + DEPTH < extent.depth) {
            fetch_stage(ring + (turn ^ 1u) * STAGE_BYTES, x, weight, first_row, place.latent,
                        k + DEPTH);
        }
        copies_commit();
        if (first_row + warp_row < extent.rows) {
            multiply_stage(sum, ring + turn * STAGE_BYTES, warp_row);
        }
        turn ^= 1u;
    }
    ending(sum, place, ending.column + place.latent);
#else
    asm volatile("trap;");
#endif
}

/* kernels/fused/state.h's engine. */
struct Mma {
    typedef Operand16 Map;

    static assay_status make_map(const assay_exec *, const char *, const void *data, int64_t rows,
                                 int64_t columns, int64_t pitch, Map *map)
    {
        *map = {static_cast<const Bf16 *>(data), rows, columns, pitch};
        return ASSAY_OK;
    }

    assay_status open(const assay_exec *) { return ASSAY_OK; }

    template <typename Ending> static assay_status prepare(const assay_exec *exec)
    {
        ASSAY_CUDA_TRY(exec, use_device(exec));
        ASSAY_CUDA_TRY(exec, cudaFuncSetAttribute(tensor_tile<Ending>,
                                                  cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                  static_cast<int>(RING_BYTES)));
        return ASSAY_OK;
    }

    template <typename Ending>
    assay_status multiply(const assay_exec *exec, const Map &x, const Map &weight,
                          const Extent &extent, const Ending &ending) const
    {
        const int64_t blocks = pairs_of(extent.rows) * tiles_of(extent.latents) * CLUSTER;
        const Dimensions size = {dim3(static_cast<unsigned>(blocks)), dim3(BLOCK_THREADS),
                                 RING_BYTES};
        ASSAY_LAUNCH(exec, tensor_tile<Ending>, size, x, weight, extent, ending);
        return ASSAY_OK;
    }
};

} // namespace assay_mma

#endif
