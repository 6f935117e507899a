/* The instructions of instructions.h for the emulator (kernels/cuda/emulate), so that the loop of
 * copies and products runs as it stands. A cluster is one emulated block, whose threads of each
 * rank follow one another; each rank has a block's shared memory of its own, in which addresses
 * mean what they mean to TMA and wgmma: swizzle, descriptors, fragments by the PTX ISA's rules.
 *
 *   barriers  count arrivals and bytes; a phase that never ends fails the launch, as the emulator
 *             has it, with who waits where
 *   copies    arrive at once, which is as early as they may: a stage that somebody still reads is
 *             spoiled
 *   wgmma     reads its operands when it is waited for, which is as late as it may: a stage that
 *             was handed back too early is spoiled
 * Sums are cut off as a tensor core's. Not emulated: fences and proxies, registers moved between
 * warp groups, time. */
#ifndef KERNELS_HOPPER_EMULATED_H
#define KERNELS_HOPPER_EMULATED_H

#include <memory>
#include <vector>

#include "kernels/cuda/emulate/core.h"
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

/* Elements 0 .. STEP-1 of a row of an operand. */
inline void operand_row(const EmulatedRank &rank, uint64_t descriptor, int row, float *x)
{
    const uint32_t start = static_cast<uint32_t>(descriptor & 0x3fff) << 4;
    const uint32_t stride = static_cast<uint32_t>(descriptor >> 32 & 0x3fff) << 4;
    if (descriptor >> 62 != 1) {
        emulate::fail("an operand without the swizzle of 128 bytes");
    }
    for (uint32_t k = 0; k < STEP; k += 8) {
        const uint32_t at = swizzled(start + static_cast<uint32_t>(row / 8) * stride +
                                     static_cast<uint32_t>(row % 8) * 128 + k * 2);
        if (at + 16 > sizeof rank.memory) {
            emulate::fail("an operand at address %u of shared memory", at);
        }
        Bf16 piece[8];
        memcpy(piece, rank.memory + at, sizeof piece);
        for (uint32_t i = 0; i < 8; i++) {
            x[k + i] = widen(piece[i]);
        }
    }
}

inline float sum_of_step(float sum, const float *a, const float *b)
{
    constexpr emulate::Core core = emulate::CORE_16_BIT;
    double total = static_cast<double>(sum);
    for (int k = 0; k < STEP; k += core.block) {
        for (int i = k; i < k + core.block; i++) {
            total += static_cast<double>(a[i]) * static_cast<double>(b[i]);
        }
        total = emulate::cut_off(total, core.bits);
    }
    return static_cast<float>(total);
}

/* The running thread's sums of one product. */
inline void multiply_now(const EmulatedProduct &product)
{
    const EmulatedCluster &cluster = emulated_cluster();
    const EmulatedRank &rank = cluster.rank[cluster_rank()];
    const int thread = static_cast<int>(own_thread()) % GROUP_THREADS;
    float a[2][STEP];
    bool zeros = cluster.finite; /* times numbers: nothing to add */
    for (int half = 0; half < 2; half++) {
        operand_row(rank, product.a, row_of_sum(thread, 2 * half), a[half]);
        for (const float x : a[half]) {
            zeros = zeros && x == 0.0f;
        }
    }
    for (int i = 0; i < SUMS; i += 4) {
        for (int next = 0; next < 2; next++) {
            float b[STEP];
            if (!zeros) {
                operand_row(rank, product.b, latent_of_sum(thread, i + next), b);
            }
            for (int half = 0; half < 2; half++) {
                float *const sum = product.sum + i + half * 2 + next;
                const float before = product.add ? *sum : 0.0f;
                *sum = zeros ? before : sum_of_step(before, a[half], b);
            }
        }
    }
}

inline void multiply_begin()
{
}

inline void multiply(float (&sum)[SUMS], uint64_t a, uint64_t b, bool add)
{
    EmulatedCluster &cluster = emulated_cluster();
    cluster.asked[threadIdx.x].push_back({sum, a, b, add, cluster.group[threadIdx.x]});
}

inline void multiply_commit()
{
    emulated_cluster().group[threadIdx.x]++;
}

template <int LEFT> void multiply_wait(EMULATE_SITE)
{
    EmulatedCluster &cluster = emulated_cluster();
    std::vector<EmulatedProduct> &asked = cluster.asked[threadIdx.x];
    size_t done = 0;
    while (done < asked.size() && asked[done].group + LEFT < cluster.group[threadIdx.x]) {
        multiply_now(asked[done++]);
    }
    asked.erase(asked.begin(), asked.begin() + static_cast<std::ptrdiff_t>(done));
    (void)emulate::meet_warp(emulate::SYNC_WARP, ALL_LANES, 0, 0, {file, line});
}

inline void sums_settle(float (&)[SUMS])
{
}

} // namespace assay_hopper

#endif
