/* wgmma for the emulator: operands by their descriptors from the rank's shared memory (emulated.h),
 * sums cut off as a tensor core's. */
#ifndef KERNELS_HOPPER_EMULATED_PRODUCT_H
#define KERNELS_HOPPER_EMULATED_PRODUCT_H

#include "kernels/cuda/emulate/core.h"
#include "kernels/hopper/emulated.h"

namespace assay_hopper {

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
                *sum = zeros ? before : emulate::add_products(before, a[half], b, STEP);
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
