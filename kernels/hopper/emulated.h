/* The instructions of instructions.h for the emulator (kernels/cuda/emulate), so that the loop of
 * copies and products runs as it stands. A cluster is one emulated block, whose threads of each
 * rank follow one another; each rank has a block's shared memory of its own, in which addresses
 * mean what they mean to TMA and wgmma: swizzle, descriptors, fragments by the PTX ISA's rules.
 *
 *   barriers  count arrivals and bytes; a phase that never ends fails the launch, as the emulator
 *             has it, with who waits where
 *   copies    arrive at once, which is as early as they may: a stage that somebody still reads is
 *             spoiled
 *   wgmma     emulated_product.h: reads its operands when it is waited for, which is as late as it
 *             may: a stage that was handed back too early is spoiled
 * Not emulated: fences and proxies, registers moved between warp groups, a block that ends before
 * the other has done with its memory, time. */
#ifndef KERNELS_HOPPER_EMULATED_H
#define KERNELS_HOPPER_EMULATED_H

#include <memory>
#include <vector>

#include "kernels/cuda/emulate/schedule.h"
#include "kernels/hopper/map.h"

namespace assay_hopper {

/* Where dynamic shared memory begins: not at a multiple of ATOM. */
constexpr uint32_t EMULATED_BEGIN = 3 * ATOM + 16;

struct EmulatedBarrier {
    uint32_t address; /* 0: none */
    int arrivals, pending;
    int64_t bytes;
    unsigned parity; /* of the phase that goes on */
    std::vector<emulate::Fiber *> waiting;
};

struct EmulatedRank {
    unsigned char memory[EMULATED_BEGIN + SHARED_BYTES];
    EmulatedBarrier barrier[2 * STAGES];
    int at_meeting; /* consumers_sync */
    std::vector<emulate::Fiber *> meeting;
};

/* Products that a thread has asked for and not waited for, in groups. */
struct EmulatedProduct {
    float *sum;
    uint64_t a, b;
    bool add;
    unsigned group;
};

struct EmulatedCluster {
    EmulatedRank rank[CLUSTER];
    std::vector<EmulatedProduct> asked[CLUSTER * THREADS];
    unsigned group[CLUSTER * THREADS];
    bool finite; /* all that was copied so far */
};

/* The running cluster's, which is as new for each: shared memory full of NaN, no barriers. */
inline EmulatedCluster &emulated_cluster()
{
    static std::unique_ptr<EmulatedCluster> cluster;
    ASSAY_SHARED(uint8_t, begun, 1); /* full of 0xff before each block */
    if (*begun != 0) {
        *begun = 0;
        cluster.reset(new EmulatedCluster());
        cluster->finite = true;
        for (EmulatedRank &rank : cluster->rank) {
            memset(rank.memory, 0xff, sizeof rank.memory);
        }
    }
    return *cluster;
}

inline unsigned own_thread() { return threadIdx.x % THREADS; }
inline unsigned cluster_rank() { return threadIdx.x / THREADS; }
inline unsigned cluster_number() { return blockIdx.x; }
inline unsigned cluster_count() { return gridDim.x; }

struct BlockMemory {
    uint32_t address;
    unsigned char *memory;
};

inline BlockMemory block_memory()
{
    return {EMULATED_BEGIN, emulated_cluster().rank[cluster_rank()].memory + EMULATED_BEGIN};
}

inline void cluster_sync(EMULATE_SITE)
{
    emulate::meet_block({file, line});
}

inline EmulatedBarrier &emulated_barrier(unsigned rank, uint32_t address)
{
    EmulatedBarrier *const all = emulated_cluster().rank[rank].barrier;
    for (unsigned i = 0; i < 2 * STAGES; i++) {
        if (all[i].address == address) {
            return all[i];
        }
    }
    emulate::fail("there is no barrier at address %u of rank %u", address, rank);
    return all[0];
}

inline void barrier_init(uint32_t address, unsigned arrivals)
{
    EmulatedBarrier &free_one = emulated_barrier(cluster_rank(), 0);
    free_one.address = address;
    free_one.arrivals = free_one.pending = static_cast<int>(arrivals);
}

inline void barriers_ready()
{
}

inline void barrier_settle(EmulatedBarrier &barrier)
{
    if (barrier.pending < 0) {
        emulate::fail("more arrivals at the barrier at %u than it has room for", barrier.address);
    }
    if (barrier.pending == 0 && barrier.bytes == 0) {
        barrier.pending = barrier.arrivals;
        barrier.parity ^= 1u;
        for (emulate::Fiber *const fiber : barrier.waiting) {
            emulate::make_ready(fiber);
        }
        barrier.waiting.clear();
    }
}

inline void barrier_expect(uint32_t address, uint32_t bytes)
{
    EmulatedBarrier &barrier = emulated_barrier(cluster_rank(), address);
    barrier.bytes += bytes;
    barrier.pending--;
    barrier_settle(barrier);
}

inline void barrier_arrive(uint32_t address, unsigned rank)
{
    EmulatedBarrier &barrier = emulated_barrier(rank, address);
    barrier.pending--;
    barrier_settle(barrier);
}

inline void barrier_wait(uint32_t address, unsigned parity, EMULATE_SITE)
{
    EmulatedBarrier &barrier = emulated_barrier(cluster_rank(), address);
    while (barrier.parity == parity) {
        barrier.waiting.push_back(emulate::now.running);
        emulate::wait({file, line});
    }
}

inline bool is_finite(Bf16 x)
{
    return (x.word & 0x7f80u) != 0x7f80u;
}

inline void fetch_to(unsigned rank, uint32_t to, const TileMap *map, uint32_t barrier,
                     int32_t column, int32_t row)
{
    EmulatedCluster &cluster = emulated_cluster();
    if (to % ATOM != 0 || to + BOX_BYTES > sizeof cluster.rank[rank].memory) {
        emulate::fail("a copy to address %u of shared memory", to);
    }
    for (int32_t r = 0; r < BOX_ROWS; r++) {
        for (int32_t k = 0; k < DEPTH; k++) {
            Bf16 x = {0};
            if (row + r < map->rows && column + k < map->columns) {
                x = map->data[(row + r) * map->pitch + column + k];
            }
            cluster.finite = cluster.finite && is_finite(x);
            const uint32_t offset = static_cast<uint32_t>(r) * ROW_BYTES +
                                    static_cast<uint32_t>(k) * 2;
            memcpy(cluster.rank[rank].memory + to + swizzled(offset), &x, sizeof x);
        }
    }
    EmulatedBarrier &told = emulated_barrier(rank, barrier);
    told.bytes -= BOX_BYTES;
    barrier_settle(told);
}

inline void fetch(uint32_t to, const TileMap *map, uint32_t barrier, int32_t column, int32_t row)
{
    fetch_to(cluster_rank(), to, map, barrier, column, row);
}

inline void fetch_for_all(uint32_t to, const TileMap *map, uint32_t barrier, int32_t column,
                          int32_t row)
{
    for (unsigned rank = 0; rank < CLUSTER; rank++) {
        fetch_to(rank, to, map, barrier, column, row);
    }
}

inline void consumers_sync(EMULATE_SITE)
{
    EmulatedRank &own = emulated_cluster().rank[cluster_rank()];
    if (++own.at_meeting < CONSUMERS * GROUP_THREADS) {
        own.meeting.push_back(emulate::now.running);
        emulate::wait({file, line});
        return;
    }
    own.at_meeting = 0;
    for (emulate::Fiber *const fiber : own.meeting) {
        emulate::make_ready(fiber);
    }
    own.meeting.clear();
}

template <unsigned COUNT> void give_registers()
{
}
template <unsigned COUNT> void take_registers()
{
}

} // namespace assay_hopper

#endif
