/* topk: which latents of a row are among the k. By one block where rows are short; else by blocks
 * for chunks of a row: scores, rounded to f32, are counted by their keys' highest bits, those of
 * the bucket that holds the k-th are gathered, and among these few it is found exactly. What is
 * gathered comes in any order; nothing that is written depends on it. Where more share a bucket
 * than there is room for, one block looks through the row.
 * Kernels have internal linkage: each file of an SAE's kernel has its own. */
#ifndef KERNELS_CUDA_SAE_LIMIT_H
#define KERNELS_CUDA_SAE_LIMIT_H

#include "kernels/cuda/contract.h"
#include "kernels/cuda/sae.h"

namespace assay_cuda {

#ifdef ASSAY_EMULATED
enum { LIMIT_CHUNK = 256, GATHERED = 48 }; /* chunks and crowded buckets must show in short rows */
#else
enum { LIMIT_CHUNK = 4096, GATHERED = 2048 };
#endif
enum { BUCKET_SHIFT = 20, BUCKETS = 1 << (32 - BUCKET_SHIFT) }; /* sign, exponent, 3 bits */

/* Scratch of a piece of rows: NULL where one block takes a row. */
struct Ranks {
    uint64_t *key;   /* [rows, GATHERED] */
    int32_t *latent; /* [rows, GATHERED] */
    int *count;      /* [rows, BUCKETS + 1]: of each bucket, then of what was gathered */
};

inline bool is_ranked_by_chunks(const assay_sae &sae)
{
    return sae.activation == ASSAY_TOPK && sae.k > 0 && sae.d_sae > LIMIT_CHUNK;
}

/* A whole number of words of 8 bytes. */
inline size_t ranks_bytes(const assay_sae &sae, int64_t rows)
{
    constexpr size_t row = GATHERED * (sizeof(uint64_t) + sizeof(int32_t)) +
                           (BUCKETS + 1) * sizeof(int);
    return is_ranked_by_chunks(sae) ? (static_cast<size_t>(rows) * row + 7) / 8 * 8 : 0;
}

inline Ranks carve_ranks(const assay_sae &sae, int64_t rows, void *memory)
{
    if (!is_ranked_by_chunks(sae)) {
        return {nullptr, nullptr, nullptr};
    }
    uint64_t *const key = static_cast<uint64_t *>(memory);
    int32_t *const latent = reinterpret_cast<int32_t *>(key + rows * GATHERED);
    return {key, latent, reinterpret_cast<int *>(latent + rows * GATHERED)};
}

/* Rounding does not change what is above what, so a bucket's scores are neighbours. */
__device__ __forceinline__ int bucket_of(double score)
{
    return static_cast<int>(key_of(static_cast<float>(score)) >> BUCKET_SHIFT);
}

/* A block a row. */
static __global__ void __launch_bounds__(BLOCK, RESIDENT) clear_counts(Ranks ranks)
{
    for (int i = static_cast<int>(threadIdx.x); i <= BUCKETS; i += BLOCK) {
        ranks.count[static_cast<int64_t>(blockIdx.x) * (BUCKETS + 1) + i] = 0;
    }
}

static __global__ void __launch_bounds__(BLOCK, RESIDENT)
    count_buckets(Encoder encoder, const float *pre, Ranks ranks)
{
    ASSAY_SHARED(int, counted, BUCKETS);
    const float *const row = pre + blockIdx.y * encoder.d_sae;
    int *const count = ranks.count + static_cast<int64_t>(blockIdx.y) * (BUCKETS + 1);
    for (int i = static_cast<int>(threadIdx.x); i < BUCKETS; i += BLOCK) {
        counted[i] = 0;
    }
    __syncthreads();
    const int64_t first = static_cast<int64_t>(blockIdx.x) * LIMIT_CHUNK;
    const int64_t end = least(first + LIMIT_CHUNK, encoder.d_sae);
    for (int64_t j = first + threadIdx.x; j < end; j += BLOCK) {
        (void)atomicAdd(&counted[bucket_of(score_of(encoder, j, row[j]))], 1);
    }
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < BUCKETS; i += BLOCK) {
        if (counted[i] != 0) {
            (void)atomicAdd(&count[i], counted[i]);
        }
    }
}

/* The bucket that holds the k-th greatest, and which of its own that is. */
struct Bucket {
    int index, count;
    int64_t rank;
};

__device__ __forceinline__ Bucket find_bucket(const int *count, int64_t k)
{
    enum { EACH = BUCKETS / BLOCK };
    ASSAY_SHARED(Bucket, found, 1);
    const int highest = BUCKETS - 1 - static_cast<int>(threadIdx.x) * EACH;
    int64_t own = 0;
    for (int i = 0; i < EACH; i++) {
        own += count[highest - i];
    }
    int64_t total = 0;
    int64_t before = block_scan(own, &total);
    if (before < k && k <= before + own) {
        int at = highest;
        while (before + count[at] < k) {
            before += count[at--];
        }
        found[0] = Bucket{at, count[at], k - before};
    }
    __syncthreads();
    const Bucket bucket = found[0];
    __syncthreads();
    return bucket;
}

static __global__ void __launch_bounds__(BLOCK, RESIDENT)
    gather_bucket(Encoder encoder, const float *pre, Ranks ranks)
{
    const int64_t own = blockIdx.y;
    const float *const row = pre + own * encoder.d_sae;
    int *const count = ranks.count + own * (BUCKETS + 1);
    const Bucket bucket = find_bucket(count, encoder.k);
    if (bucket.count > GATHERED) {
        return; /* the whole block, and every other one of the row */
    }
    const int64_t first = static_cast<int64_t>(blockIdx.x) * LIMIT_CHUNK;
    const int64_t end = least(first + LIMIT_CHUNK, encoder.d_sae);
    for (int64_t j = first + threadIdx.x; j < end; j += BLOCK) {
        const double score = score_of(encoder, j, row[j]);
        if (bucket_of(score) == bucket.index) {
            const int64_t at = own * GATHERED + atomicAdd(&count[BUCKETS], 1);
            ranks.key[at] = key_of(score);
            ranks.latent[at] = static_cast<int32_t>(j);
        }
    }
}

/* The k-th of a row by one block that looks at all of it. */
__device__ __forceinline__ Limit limit_of_row(const Encoder &encoder, const float *row)
{
    const auto key = [&](int64_t j) { return key_of(score_of(encoder, j, row[j])); };
    const Kth<uint64_t> kth = kth_greatest<uint64_t>(encoder.d_sae, encoder.k, key);
    return {kth.key, nth_equal<uint64_t>(encoder.d_sae, kth.key, kth.equals, key)};
}

static __global__ void __launch_bounds__(BLOCK, RESIDENT)
    limit_of_gathered(Encoder encoder, const float *pre, Ranks ranks, Limit *limit)
{
    const int64_t own = blockIdx.x;
    const Bucket bucket = find_bucket(ranks.count + own * (BUCKETS + 1), encoder.k);
    Limit found = {0, 0};
    if (bucket.count > GATHERED) {
        found = limit_of_row(encoder, pre + own * encoder.d_sae);
    } else {
        const uint64_t *const key = ranks.key + own * GATHERED;
        const int32_t *const latent = ranks.latent + own * GATHERED;
        const Kth<uint64_t> kth = kth_greatest<uint64_t>(bucket.count, bucket.rank,
                                                         [&](int64_t i) { return key[i]; });
        /* The least of its equals' latents are the greatest of their complements. */
        const Kth<uint32_t> last =
            kth_greatest<uint32_t>(bucket.count, kth.equals, [&](int64_t i) {
                return key[i] == kth.key ? ~static_cast<uint32_t>(latent[i]) : uint32_t{0};
            });
        found = {kth.key, static_cast<int64_t>(~last.key)};
    }
    if (threadIdx.x == 0) {
        limit[own] = found;
    }
}

static __global__ void __launch_bounds__(BLOCK, RESIDENT)
    limit_rows(Encoder encoder, const float *pre, Limit *limit)
{
    Limit own = {~uint64_t{0}, -1}; /* k 0: none */
    if (encoder.k > 0) {
        own = limit_of_row(encoder, pre + blockIdx.x * encoder.d_sae);
    }
    if (threadIdx.x == 0) {
        limit[blockIdx.x] = own;
    }
}

/* A limit for each row of pre-activations, where the activation has any. */
inline assay_status find_limits(const assay_exec *exec, const Encoder &encoder, const float *pre,
                                int64_t rows, const Ranks &ranks, Limit *limit)
{
    const unsigned chunks = static_cast<unsigned>(blocks_for(encoder.d_sae, LIMIT_CHUNK));
    const Dimensions each = {dim3(chunks, static_cast<unsigned>(rows)), dim3(BLOCK), 0};
    const Dimensions one = {dim3(static_cast<unsigned>(rows)), dim3(BLOCK), 0};
    if (encoder.activation != ASSAY_TOPK || rows == 0) {
        return ASSAY_OK;
    }
    if (ranks.count == nullptr) {
        ASSAY_LAUNCH(exec, limit_rows, one, encoder, pre, limit);
        return ASSAY_OK;
    }
    ASSAY_LAUNCH(exec, clear_counts, one, ranks);
    ASSAY_LAUNCH(exec, count_buckets, each, encoder, pre, ranks);
    ASSAY_LAUNCH(exec, gather_bucket, each, encoder, pre, ranks);
    ASSAY_LAUNCH(exec, limit_of_gathered, one, encoder, pre, ranks, limit);
    return ASSAY_OK;
}

} // namespace assay_cuda

#endif
