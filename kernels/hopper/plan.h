/* What the Hopper kernels decide before anything runs beside kernels/fused/plan.h, with nothing of
 * CUDA in it: the parts of shared memory, and how wgmma is told where operands lie.
 *
 * TMA's 128-byte swizzle exchanges 16-byte pieces of a row by bits 7..9 of their address, which are
 * the row's number modulo 8 where every operand begins at a multiple of 1024 bytes; wgmma undoes it
 * by the same bits.
 * Source: PTX ISA, "Asynchronous Warpgroup Level Matrix Multiply-Accumulate", shared memory matrix
 * layout and matrix descriptor. */
#ifndef KERNELS_HOPPER_PLAN_H
#define KERNELS_HOPPER_PLAN_H

#include "kernels/fused/plan.h"

namespace assay_hopper {

using namespace assay_fused;

/* The CLUSTER tiles of a unit are blocks of a cluster, which share the encoder's tile. */
enum {
    STAGES = 4,
    CONSUMERS = TILE_ROWS / GROUP_ROWS,
    THREADS = (1 + CONSUMERS) * GROUP_THREADS, /* one more group fetches */
    BOX_ROWS = 128                             /* rows that one TMA copy fetches */
};

constexpr uint32_t BOX_BYTES = BOX_ROWS * ROW_BYTES;

/* From a multiple of ATOM on, wherever the block's memory begins: the stages, columns of this tile
 * and of another, two barriers a stage. */
constexpr uint32_t COLUMNS_AT = STAGES * STAGE_BYTES;
constexpr uint32_t BARRIERS_AT = COLUMNS_AT + 2 * TILE_LATENTS * sizeof(Column);
constexpr uint32_t SHARED_BYTES = ATOM + BARRIERS_AT + 2 * STAGES * 8;
static_assert(SHARED_BYTES <= 227 * 1024, "a block of compute capability 9.0 has no more");
static_assert(int{TILE_ROWS} == int{BOX_ROWS} && TILE_LATENTS == CLUSTER * BOX_ROWS,
              "each block fetches its rows and its share of the encoder's, a copy each");
static_assert(TILE_LATENTS == CONSUMERS * GROUP_THREADS, "a consumer thread brings one column");
static_assert(X_BYTES % ATOM == 0 && BOX_BYTES % ATOM == 0 && GROUP_ROWS * ROW_BYTES % ATOM == 0,
              "every operand begins where the swizzle does");

/* wgmma's descriptor of an operand in shared memory, k running fastest: its address and the bytes
 * from eight rows to the next eight, both in units of 16 bytes; the swizzle of 128 bytes (1). The
 * leading dimension's offset plays no part with a swizzle; 1 is what is written there. */
ASSAY_FUSED_BOTH constexpr uint64_t descriptor_of(uint32_t address)
{
    return (address & 0x3ffffu) >> 4 | uint64_t{1} << 16 | uint64_t{8 * ROW_BYTES >> 4} << 32 |
           uint64_t{1} << 62;
}

/* From one STEP of k to the next. */
constexpr uint64_t DESCRIPTOR_STEP = STEP * 2 >> 4;

} // namespace assay_hopper

#endif
