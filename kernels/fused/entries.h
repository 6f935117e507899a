/* From an encoder's sums to the entries of sparse rows, with no dense matrix between: endings of
 * a product whose threads hold sums as wgmma leaves them (plan.h), as those of mma.sync m16n8k16
 * that follow one another do too; and the kernels between them.
 *
 *   Find    counts the entries of each row in each tile, and keeps those within the QUOTA in slots
 *   count_rows, sum_counts, place_slots: counts become places, kept entries go there
 *   Finish  multiplies once more the units where some row had more than the QUOTA, and writes those
 *           rows' entries of the tile where they belong. Few or none at the usual sparsity: 32 of
 *           256 latents of one row
 *   Score   topk alone: pre-activations of whole rows, since any of them may be among the k
 *
 * Every entry's place follows from counts in order of rows and latents, so that entries are always
 * in the same order and a capacity is a matter of the last writer; the host waits for nothing.
 * Kernels have internal linkage: each file of an encoder has its own. */
#ifndef KERNELS_FUSED_ENTRIES_H
#define KERNELS_FUSED_ENTRIES_H

#include "kernels/cuda/sae_entries.h"
#include "kernels/fused/plan.h"

namespace assay_fused {

using namespace assay_cuda;

/* Compared with a pre-activation of f32, the greatest f32 that is not above the threshold decides
 * as the threshold itself does; a gate's score is compared with the nearest. */
__device__ __forceinline__ float threshold_of(double threshold, bool gated)
{
    const float near = static_cast<float>(threshold);
    if ((gated && fabsf(near) < INFINITY) || !(static_cast<double>(near) > threshold)) {
        return near;
    }
    return nextafterf(near, -INFINITY);
}

/* `count` of them, whole tiles: beyond the latents a threshold of infinity, so that nothing fires.
 */
static __global__ void pack_columns(Encoder encoder, Column *column, int64_t count)
{
    const int64_t j = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (j >= count) {
        return;
    }
    Column own = {0.0f, 0.0f, 0.0f, INFINITY};
    if (j < encoder.d_sae) {
        const double threshold = encoder.activation == ASSAY_JUMPRELU
                                     ? element_or(encoder.threshold, j, 0.0)
                                     : 0.0;
        own.scale = static_cast<float>(element_or(encoder.scale, j, 1.0));
        own.bias = static_cast<float>(element_or(encoder.bias, j, 0.0));
        own.gate = static_cast<float>(element_or(encoder.gate, j, 1.0));
        own.threshold = threshold_of(threshold, encoder.gate.data != nullptr);
    }
    column[j] = own;
}

__device__ __forceinline__ float preactivation_of(const Column &column, float sum)
{
    return fmaf(column.scale, sum, column.bias);
}

/* sae.h's rule: a NaN fires unless the threshold is +Inf. */
template <bool GATED> __device__ __forceinline__ bool fires(const Column &column, float pre)
{
    const bool above = GATED ? static_cast<double>(column.gate) * static_cast<double>(pre) >
                                   static_cast<double>(column.threshold)
                             : pre > column.threshold;
    return above | ((pre != pre) & (column.threshold != INFINITY)); /* without branches */
}

/* Entries of `rows` rows on their way (plan.h, Layout). */
struct Slots {
    float *value;
    uint8_t *latent;
    int32_t *count, *before;
    int64_t *base;
    int32_t *again;
    int64_t rows, tiles;
};

/* Hands out the active latents of a warp's 16 rows in ascending order: keep(half, n, latent within
 * the tile, value) of the n-th one (from 0) of the row that this thread has sums of in that half.
 * found[half]: how many there are, the same for the four threads that share a row. */
template <bool GATED, typename Keep>
__device__ __forceinline__ void in_order_if(const float (&sum)[SUMS], const Place &place,
                                            const Column *columns, const bool (&here)[2],
                                            int (&found)[2], const Keep &keep)
{
    const unsigned lane = static_cast<unsigned>(place.thread) % WARP;
    const unsigned sharers = 0xfu << (lane & ~3u);
    const unsigned lower = sharers & ((1u << lane) - 1u);
    found[0] = found[1] = 0;
    Column next[2] = {columns[latent_of_sum(place.thread, 0)],
                      columns[latent_of_sum(place.thread, 1)]};
#pragma unroll
    for (int i = 0; i < SUMS; i += 4) { /* two rows of two neighbouring latents */
        const int at = latent_of_sum(place.thread, i);
        const Column own[2] = {next[0], next[1]};
        if (i + 4 < SUMS) { /* on their way meanwhile */
            next[0] = columns[latent_of_sum(place.thread, i + 4)];
            next[1] = columns[latent_of_sum(place.thread, i + 5)];
        }
#pragma unroll
        for (int half = 0; half < 2; half++) {
            const float one = preactivation_of(own[0], sum[i + half * 2]);
            const float other = preactivation_of(own[1], sum[i + half * 2 + 1]);
            const bool fires_one = here[half] & fires<GATED>(own[0], one);
            const bool fires_other = here[half] & fires<GATED>(own[1], other);
            const unsigned ones = __ballot_sync(ALL_LANES, fires_one ? 1 : 0);
            const unsigned others = __ballot_sync(ALL_LANES, fires_other ? 1 : 0);
            if ((ones | others) != 0) { /* the same for the whole warp */
                const int n = found[half] + __popc(ones & lower) + __popc(others & lower);
                if (fires_one) {
                    keep(half, n, at, one);
                }
                if (fires_other) {
                    keep(half, n + (fires_one ? 1 : 0), at + 1, other);
                }
                found[half] += __popc(ones & sharers) + __popc(others & sharers);
            }
        }
    }
}

template <typename Keep>
__device__ __forceinline__ void in_order(bool gated, const float (&sum)[SUMS], const Place &place,
                                         const Column *columns, const bool (&here)[2],
                                         int (&found)[2], const Keep &keep)
{
    if (gated) {
        in_order_if<true>(sum, place, columns, here, found, keep);
    } else {
        in_order_if<false>(sum, place, columns, here, found, keep);
    }
}

static __global__ void clear_again(int32_t *again, int64_t units)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t unit = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; unit < units;
         unit += step) {
        again[unit] = 0;
    }
}

struct Find {
    const Column *column;
    bool gated;
    Slots slots;

    __device__ __forceinline__ bool wanted(int64_t) const { return true; }

    __device__ __forceinline__ void operator()(const float (&sum)[SUMS], const Place &place,
                                               const Column *columns) const
    {
        const int64_t row = place.row + row_of_sum(place.thread, 0);
        const bool here[2] = {row < slots.rows, row + 8 < slots.rows};
        const int64_t slot[2] = {row * slots.tiles + place.tile,
                                 (row + 8) * slots.tiles + place.tile};
        int found[2];
        const auto keep = [&](int half, int n, int latent, float value) {
            if (n < QUOTA) {
                slots.value[slot[half] * QUOTA + n] = value;
                slots.latent[slot[half] * QUOTA + n] = static_cast<uint8_t>(latent);
            }
        };
        in_order(gated, sum, place, columns, here, found, keep);
#pragma unroll
        for (int half = 0; half < 2; half++) {
            if (here[half] && place.thread % 4 == 0) {
                slots.count[slot[half]] = found[half];
                if (found[half] > QUOTA) {
                    slots.again[place.unit] = 1;
                }
            }
        }
    }
};

struct Finish {
    const Column *column;
    bool gated;
    Slots slots;
    Outputs out;

    __device__ __forceinline__ bool wanted(int64_t unit) const { return slots.again[unit] != 0; }

    __device__ __forceinline__ void operator()(const float (&sum)[SUMS], const Place &place,
                                               const Column *columns) const
    {
        bool here[2];
        int64_t first[2];
#pragma unroll
        for (int half = 0; half < 2; half++) {
            const int64_t row = place.row + row_of_sum(place.thread, 0) + half * 8;
            const int64_t slot = row * slots.tiles + place.tile;
            here[half] = row < slots.rows && slots.count[slot] > QUOTA;
            first[half] = here[half] ? slots.base[row] + slots.before[slot] : 0;
        }
        int found[2];
        const auto keep = [&](int half, int n, int latent, float value) {
            if (first[half] + n < out.capacity) {
                store_index(out.latent, first[half] + n, place.latent + latent);
                store(out.value, 0, first[half] + n, value);
            }
        };
        in_order(gated, sum, place, columns, here, found, keep);
    }
};

struct Score {
    const Column *column;
    float *pre; /* [rows, d_sae] */
    int64_t rows, d_sae;

    __device__ __forceinline__ bool wanted(int64_t) const { return true; }

    __device__ __forceinline__ void operator()(const float (&sum)[SUMS], const Place &place,
                                               const Column *columns) const
    {
#pragma unroll
        for (int i = 0; i < SUMS; i++) {
            const int64_t row = place.row + row_of_sum(place.thread, i);
            const int at = latent_of_sum(place.thread, i);
            if (row < rows && place.latent + at < d_sae) {
                pre[row * d_sae + place.latent + at] = preactivation_of(columns[at], sum[i]);
            }
        }
    }
};

/* before[row][tile]: entries of the row's tiles before. base[row]: those of the row. A block a
 * row. */
static __global__ void __launch_bounds__(BLOCK, RESIDENT) count_rows(Slots slots)
{
    const int64_t row = blockIdx.x;
    int base = 0;
    for (int64_t at = 0; at < slots.tiles; at += BLOCK) {
        const int64_t tile = at + threadIdx.x;
        const int own = tile < slots.tiles ? slots.count[row * slots.tiles + tile] : 0;
        int total = 0;
        const int before = base + block_scan(own, &total);
        if (tile < slots.tiles) {
            slots.before[row * slots.tiles + tile] = before;
        }
        base += total;
    }
    if (threadIdx.x == 0) {
        slots.base[row] = base;
    }
}

/* Entries that were kept, to their places; base[row]: those of the rows before. A block a row. */
static __global__ void __launch_bounds__(BLOCK, RESIDENT) place_slots(Slots slots, Outputs out)
{
    const int64_t row = blockIdx.x;
    for (int64_t tile = threadIdx.x; tile < slots.tiles; tile += BLOCK) {
        const int64_t slot = row * slots.tiles + tile;
        const int count = slots.count[slot];
        const int64_t first = slots.base[row] + slots.before[slot];
        for (int n = 0; count <= QUOTA && n < count && first + n < out.capacity; n++) {
            store_index(out.latent, first + n,
                        tile * TILE_LATENTS + slots.latent[slot * QUOTA + n]);
            store(out.value, 0, first + n, slots.value[slot * QUOTA + n]);
        }
    }
}

} // namespace assay_fused

#endif
