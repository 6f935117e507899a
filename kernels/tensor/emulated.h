/* The instructions of instructions.h for the emulator (kernels/cuda/emulate): addresses in shared
 * memory, fragments and matrices by the PTX ISA's rules, sums cut off as a tensor core's.
 *
 *   copies    arrive when they are waited for, which is as late as they may; where they go to is
 *             spoiled at once, which is as early as they may: a stage that somebody still reads, or
 *             reads without having waited, gives NaN
 *   ldmatrix, mma   by all lanes of a warp, in one place
 * Not emulated: banks, time. */
#ifndef KERNELS_TENSOR_EMULATED_H
#define KERNELS_TENSOR_EMULATED_H

#include <memory>
#include <vector>

#include "kernels/cuda/emulate/block.h"
#include "kernels/cuda/emulate/core.h"
#include "kernels/tensor/plan.h"

namespace assay_mma {

constexpr uint32_t EMULATED_BEGIN_16 = 3 * 128; /* where dynamic shared memory begins */

struct EmulatedCopy {
    uint32_t to;
    const void *from;
    uint32_t bytes;
    unsigned group;
};

/* What a lane brings to an instruction of its warp: to two of them in turn, since a lane may be at
 * the next one when another still reads this one's. */
struct EmulatedLane {
    uint32_t row;
    unsigned a[4], b[2];
};

struct EmulatedBlock {
    std::vector<EmulatedCopy> asked[BLOCK_THREADS];
    unsigned group[BLOCK_THREADS], turn[BLOCK_THREADS];
    EmulatedLane lane[2][BLOCK_THREADS];
};

/* The running block's, which is as new for each. */
inline EmulatedBlock &emulated_block()
{
    static std::unique_ptr<EmulatedBlock> block;
    ASSAY_SHARED(uint8_t, begun, 1); /* full of 0xff before each block */
    if (*begun != 0) {
        *begun = 0;
        block.reset(new EmulatedBlock());
    }
    return *block;
}

inline uint32_t stages_begin()
{
    return EMULATED_BEGIN_16;
}

/* 16 bytes of shared memory. */
inline unsigned char *emulated_piece(uint32_t address)
{
    if (address < EMULATED_BEGIN_16 || address % PIECE != 0) {
        emulate::fail("16 bytes at address %u of shared memory", address);
    }
    return static_cast<unsigned char *>(emulate::shared_dynamic()) + (address - EMULATED_BEGIN_16);
}

inline void copy_piece(uint32_t to, const void *from, uint32_t bytes)
{
    EmulatedBlock &block = emulated_block();
    if (reinterpret_cast<uintptr_t>(from) % PIECE != 0 || bytes > PIECE) {
        emulate::fail("a copy of %u bytes from %p", bytes, from);
    }
    memset(emulated_piece(to), 0xff, PIECE);
    block.asked[threadIdx.x].push_back({to, from, bytes, block.group[threadIdx.x]});
}

inline void copies_commit()
{
    emulated_block().group[threadIdx.x]++;
}

template <int LEFT> void copies_wait()
{
    EmulatedBlock &block = emulated_block();
    std::vector<EmulatedCopy> &asked = block.asked[threadIdx.x];
    size_t done = 0;
    for (; done < asked.size() && asked[done].group + LEFT < block.group[threadIdx.x]; done++) {
        const EmulatedCopy &copy = asked[done];
        unsigned char *const to = emulated_piece(copy.to);
        memset(to, 0, PIECE);
        memcpy(to, copy.from, copy.bytes);
    }
    asked.erase(asked.begin(), asked.begin() + static_cast<std::ptrdiff_t>(done));
}

/* Lanes of the running warp as they come to an instruction. */
inline const EmulatedLane *emulated_lanes(const EmulatedLane &own, emulate::Site site)
{
    EmulatedBlock &block = emulated_block();
    EmulatedLane *const all = block.lane[block.turn[threadIdx.x]++ % 2];
    all[threadIdx.x] = own;
    (void)emulate::meet_warp(emulate::SYNC_WARP, ALL_LANES, 0, 0, site);
    return all + threadIdx.x / WARP * WARP;
}

inline void load_matrices(unsigned (&part)[4], uint32_t row, EMULATE_SITE)
{
    const unsigned lane = threadIdx.x % WARP;
    const EmulatedLane *const all = emulated_lanes({row, {}, {}}, {file, line});
    for (unsigned m = 0; m < 4; m++) {
        memcpy(&part[m], emulated_piece(all[m * 8 + lane / 4].row) + lane % 4 * 4, 4);
    }
}

/* Elements 0 .. 15 of a row of an operand: a pair of the first eight and one of the last eight from
 * each of the four lanes that share the row. */
template <typename Pair> void emulated_row(const Pair &pair, float *x)
{
    for (unsigned q = 0; q < 4; q++) {
        for (unsigned half = 0; half < 2; half++) {
            const unsigned two = pair(q, half);
            x[half * 8 + q * 2] = widen(Bf16{static_cast<uint16_t>(two)});
            x[half * 8 + q * 2 + 1] = widen(Bf16{static_cast<uint16_t>(two >> 16)});
        }
    }
}

inline void multiply(float *sum, const unsigned (&a)[4], unsigned b0, unsigned b1, EMULATE_SITE)
{
    const unsigned group = threadIdx.x % WARP / 4;
    const unsigned own = threadIdx.x % 4;
    const EmulatedLane *const all =
        emulated_lanes({0, {a[0], a[1], a[2], a[3]}, {b0, b1}}, {file, line});
    float row[2][STEP];
    float column[2][STEP];
    for (unsigned i = 0; i < 2; i++) {
        emulated_row([&](unsigned q, unsigned half) { return all[group * 4 + q].a[half * 2 + i]; },
                     row[i]);
        emulated_row([&](unsigned q, unsigned half) {
            return all[(own * 2 + i) * 4 + q].b[half];
        }, column[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        sum[i] = emulate::add_products(sum[i], row[i / 2], column[i % 2], STEP);
    }
}

} // namespace assay_mma

#endif
