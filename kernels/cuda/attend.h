/* Attention's kernels. A block takes up to HEADS query heads that share a kv head, of one row, and SPLIT of
 * the positions that it sees, so that k and v are read once for all of them. Neighbouring lanes
 * take neighbouring octets of a key, a warp as many keys as it has room for; scores,
 * their softmax against their own greatest and the weighted sum of v stay in shared memory. Where
 * one row sees more positions, the parts go to the workspace and a second kernel combines them in
 * the order of positions. Which positions a part has, and in what order anything is added, depends
 * on head_dim and on positions alone: not on the grid, the batch, or max_position. Weights are
 * rounded to the contract's intermediate type before they are normalised. */
#ifndef KERNELS_CUDA_ATTEND_H
#define KERNELS_CUDA_ATTEND_H

#include "kernels/cuda/cache.h"
#include "kernels/cuda/reduce.h"

namespace assay_cuda {

#ifdef ASSAY_EMULATED
enum { SPLIT = 32 }; /* parts must show in cases of few positions */
#else
enum { SPLIT = 128 };
#endif
enum { THREADS = 128, TEAM_WARPS = THREADS / WARP };

/* Keys that a team fetches before it multiplies the first, and blocks that a multiprocessor holds
 * at once: what the registers allow. Where elements are fetched one by one, one key is enough. */
template <bool WIDE> constexpr int ABREAST = WIDE ? 4 : 1;
template <int HEADS> constexpr int BLOCKS = HEADS == 1 ? 4 : HEADS == 4 ? 3 : 2;

struct Shape {
    int64_t heads, kv_heads, head_dim;
    int64_t group, tiles; /* query heads of one kv head; blocks that these take */
};

struct Partial {
    float *greatest, *sum, *out; /* [row, head, split], the same, [row, head, split, head_dim] */
    int64_t splits;
};

/* Who does what in a warp: `lanes` lanes take a key's octets, `slots` keys are taken at once. A
 * team is a slot of a warp; the teams of the block take the keys in turn. */
struct Team {
    int lanes, slots, lane, own, count; /* own: which of `count` teams */
};

__host__ __device__ inline int lanes_of(int64_t head_dim)
{
    int lanes = 1;
    while (lanes < WARP && static_cast<int64_t>(lanes) * OCTET < head_dim) {
        lanes *= 2;
    }
    return lanes;
}

__device__ __forceinline__ Team team_of(int64_t head_dim)
{
    const int lanes = lanes_of(head_dim);
    const int lane = static_cast<int>(threadIdx.x) % WARP;
    const int warp = static_cast<int>(threadIdx.x) / WARP;
    const int slots = WARP / lanes;
    return {lanes, slots, lane % lanes, warp * slots + lane / lanes, TEAM_WARPS * slots};
}

/* weight[h, t] = q of head `head + h` . k of position first + t. */
template <typename T, int HEADS, bool WIDE>
__device__ __forceinline__ void score(const Matrix &q, int64_t n, int64_t head, int heads,
                                      const Matrix &k, int64_t first, int count, int64_t from,
                                      int d, const Team &team, float *weight)
{
    constexpr int MANY = ABREAST<WIDE>;
    for (int at = 0; at < d; at += team.lanes * OCTET) {
        const int column = at + team.lane * OCTET;
        float query[HEADS][OCTET];
#pragma unroll
        for (int h = 0; h < HEADS; h++) {
            load_octet(q, n, (head + h) * d + column, h < heads ? d - column : 0, query[h]);
        }
        /* A warp goes round as often as its first slot has to: shuffles want every lane. */
        for (int t0 = team.own; t0 - team.own % team.slots < count;
             t0 += MANY * team.count) {
            float key[MANY][OCTET];
#pragma unroll
            for (int u = 0; u < MANY; u++) {
                const int t = t0 + u * team.count;
                fetch_octet<T, WIDE>(k, first + t, from + column, t < count ? d - column : 0,
                                     key[u]);
            }
#pragma unroll
            for (int u = 0; u < MANY; u++) {
                float dot[HEADS] = {};
#pragma unroll
                for (int h = 0; h < HEADS; h++) {
#pragma unroll
                    for (int i = 0; i < OCTET; i++) {
                        dot[h] += query[h][i] * key[u][i];
                    }
                }
                for (int with = team.lanes / 2; with > 0; with /= 2) {
#pragma unroll
                    for (int h = 0; h < HEADS; h++) {
                        dot[h] += __shfl_xor_sync(ALL_LANES, dot[h], with);
                    }
                }
                const int t = t0 + u * team.count;
#pragma unroll
                for (int h = 0; h < HEADS; h++) {
                    if (team.lane == 0 && t < count && h < heads) {
                        float *const sum = weight + h * SPLIT + t;
                        *sum = at == 0 ? dot[h] : *sum + dot[h];
                    }
                }
            }
        }
    }
}

/* By a warp: dot products become weights; their greatest score and sum. */
template <typename T>
__device__ __forceinline__ void soften(float *weight, int count, float scale, float *greatest,
                                       float *sum)
{
    const int lane = static_cast<int>(threadIdx.x) % WARP;
    float top = -INFINITY;
    for (int t = lane; t < count; t += WARP) {
        const float scaled = rounded<T>(rounded<T>(weight[t]) * scale);
        weight[t] = scaled;
        top = fmaxf(top, scaled);
    }
    top = warp_reduce<Greatest>(top);
    const float base = top == -INFINITY ? 0.0f : top; /* all -Inf: weights 0, not NaN */
    float part = 0.0f;
    for (int t = lane; t < count; t += WARP) {
        const float w = expf(weight[t] - base);
        part += w;
        weight[t] = rounded<T>(w);
    }
    *sum = warp_reduce<Sum>(part);
    *greatest = top;
}

/* own[h, e] = sum of weight[h, t] v[first + t, from + e] over the positions of a team. */
template <typename T, int HEADS, bool WIDE>
__device__ __forceinline__ void weigh(const float *weight, int heads, const Matrix &v,
                                      int64_t first, int count, int64_t column, int left,
                                      const Team &team, float (*own)[OCTET])
{
    constexpr int MANY = ABREAST<WIDE>;
    for (int t0 = team.own; t0 < count; t0 += MANY * team.count) {
        float value[MANY][OCTET];
#pragma unroll
        for (int u = 0; u < MANY; u++) {
            const int t = t0 + u * team.count;
            fetch_octet<T, WIDE>(v, first + t, column, t < count ? left : 0, value[u]);
        }
#pragma unroll
        for (int u = 0; u < MANY; u++) {
            const int t = t0 + u * team.count;
#pragma unroll
            for (int h = 0; h < HEADS; h++) {
                const float w = t < count && h < heads ? weight[h * SPLIT + t] : 0.0f;
#pragma unroll
                for (int i = 0; i < OCTET; i++) {
                    own[h][i] += w * value[u][i];
                }
            }
        }
    }
}

template <typename T, int HEADS, bool WIDE>
static __global__ void __launch_bounds__(THREADS, BLOCKS<HEADS>)
    attend(Matrix q, Matrix sequence, Matrix position, Cache k_cache, Cache v_cache, Matrix y,
           Shape shape, int64_t row_first, float scale, Partial partial)
{
    ASSAY_DYNAMIC_SHARED(float, weight); /* [HEADS, SPLIT], then each team's sums */
    ASSAY_SHARED(float, greatest, HEADS);
    ASSAY_SHARED(float, total, HEADS);
    float *const team_sum = weight + HEADS * SPLIT; /* [team, HEADS, lanes * OCTET] */
    const int d = static_cast<int>(shape.head_dim);
    const int64_t row = blockIdx.x / (shape.kv_heads * shape.tiles);
    const int64_t kv = blockIdx.x / shape.tiles % shape.kv_heads;
    const int64_t head = kv * shape.group + blockIdx.x % shape.tiles * HEADS;
    const int heads = static_cast<int>(least(HEADS, (kv + 1) * shape.group - head));
    const int64_t n = row_first + row;
    const int64_t first = static_cast<int64_t>(blockIdx.y) * SPLIT;
    const int count = static_cast<int>(least(SPLIT, load_index(position, n) + 1 - first));
    if (count <= 0) {
        return; /* the whole block: this row sees fewer positions */
    }
    const int64_t s = load_index(sequence, n);
    const Team team = team_of(d);
    score<T, HEADS, WIDE>(q, n, head, heads, rows_of(k_cache, s), first, count, kv * d, d, team,
                          weight);
    __syncthreads();
    for (int h = static_cast<int>(threadIdx.x) / WARP; h < heads; h += TEAM_WARPS) {
        soften<T>(weight + h * SPLIT, count, scale, &greatest[h], &total[h]);
    }
    __syncthreads();
    const Matrix v = rows_of(v_cache, s);
    const int wide = team.lanes * OCTET;
    const int64_t part = (row * shape.heads + head) * partial.splits + blockIdx.y;
    for (int at = 0; at < d; at += wide) { /* every thread comes to the barriers */
        const int column = at + team.lane * OCTET;
        float own[HEADS][OCTET] = {};
        weigh<T, HEADS, WIDE>(weight, heads, v, first, count, kv * d + column, d - column, team,
                              own);
#pragma unroll
        for (int h = 0; h < HEADS; h++) {
#pragma unroll
            for (int i = 0; i < OCTET; i++) { /* neighbouring lanes beside one another */
                team_sum[((team.own * HEADS + h) * OCTET + i) * team.lanes + team.lane] = own[h][i];
            }
        }
        __syncthreads();
        for (int i = static_cast<int>(threadIdx.x); i < HEADS * wide; i += THREADS) {
            const int h = i / wide;
            const int e = at + i % wide % team.lanes * OCTET + i % wide / team.lanes;
            if (h >= heads || e >= d) {
                continue;
            }
            float out = 0.0f;
            for (int of = 0; of < team.count; of++) {
                out += team_sum[of * HEADS * wide + i];
            }
            if (partial.splits == 1) {
                narrow(out / total[h], address<T>(y, n, (head + h) * d + e));
            } else {
                partial.out[(part + h * partial.splits) * d + e] = out;
            }
        }
        __syncthreads();
    }
    const int h = static_cast<int>(threadIdx.x);
    if (h < heads && partial.splits > 1) {
        partial.greatest[part + h * partial.splits] = greatest[h];
        partial.sum[part + h * partial.splits] = total[h];
    }
}

/* One (row, head) a block: its parts, each scaled from its own greatest score to the row's. */
template <typename T>
static __global__ void __launch_bounds__(THREADS)
    combine(Matrix position, Matrix y, Shape shape, int64_t row_first, Partial partial)
{
    const int64_t d = shape.head_dim;
    const int64_t task = blockIdx.x;
    const int64_t n = row_first + task / shape.heads;
    const int64_t head = task % shape.heads;
    const int64_t parts = (load_index(position, n) + SPLIT) / SPLIT;
    const float *const greatest = partial.greatest + task * partial.splits;
    const float *const sum = partial.sum + task * partial.splits;
    const float *const out = partial.out + task * partial.splits * d;
    float top = -INFINITY;
    for (int64_t p = 0; p < parts; p++) {
        top = fmaxf(top, greatest[p]);
    }
    for (int64_t e = threadIdx.x; e < d; e += THREADS) {
        float total = 0.0f;
        float value = 0.0f;
        for (int64_t p = 0; p < parts; p++) {
            const float factor = greatest[p] == -INFINITY ? 0.0f : expf(greatest[p] - top);
            total += factor * sum[p];
            value += factor * out[p * d + e];
        }
        narrow(value / total, address<T>(y, n, head * d + e));
    }
}

} // namespace assay_cuda

#endif
