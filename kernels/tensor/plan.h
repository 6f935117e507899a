/* Tiles of products by mma.sync, and where they lie in shared memory; tiles, units of work and a
 * thread's sums are those of kernels/fused/plan.h, of which a block here has one tile of rows.
 *
 * A stage holds DEPTH elements of k (128 bytes) of TILE_ROWS rows of x and of TILE_LATENTS rows of
 * the weight, each row at a pitch of 128 bytes, its 16-byte pieces exchanged by the row's number
 * modulo 8: the eight rows that ldmatrix reads at once then lie in all banks. */
#ifndef KERNELS_TENSOR_PLAN_H
#define KERNELS_TENSOR_PLAN_H

#include "kernels/cuda/contract.h"
#include "kernels/fused/plan.h"

namespace assay_mma {

using namespace assay_cuda;
using namespace assay_fused;

enum { RING = 2, PIECE = 16, PIECES = ROW_BYTES / PIECE, BLOCK_THREADS = 2 * GROUP_THREADS };

/* Of a block; the most that compute capability 8.6, 8.9 and 12.0 give one is 99 KiB. */
constexpr uint32_t RING_BYTES = RING * STAGE_BYTES;
static_assert(RING_BYTES <= 99 * 1024, "a block has no more");
static_assert(ROW_BYTES == PIECES * PIECE && PIECES == 8, "the rows that the swizzle is made for");
static_assert(TILE_ROWS == BLOCK_THREADS / WARP * 16, "a warp multiplies 16 rows");

/* A matrix of bf16 with `pitch` elements from row to row; data and pitch are multiples of PIECE
 * bytes. */
struct Operand16 {
    const Bf16 *data;
    int64_t rows, columns, pitch;
};

#ifdef ASSAY_EMULATED
inline bool is_there(const Operand16 &operand)
{
    return !emulate::is_host_memory(operand.data);
}
#endif

} // namespace assay_mma

#endif
