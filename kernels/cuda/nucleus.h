/* Rows of tokens, each cut into chunks that a block takes: their scores and weights, and the least
 * key of those that a cut keeps, of top_k and of top_p alike. Nothing is sorted. A key's digits are
 * found from the highest down: each chunk sums, digit by digit, what the tokens measure that share
 * the digits found before (one each, or their weights), and the next launch adds the chunks up in
 * order and takes the digit where the sum reaches what is wanted. All sums are f64, every thread's
 * own tokens first, then threads, then chunks, so that they depend on the vocabulary alone.
 * Kernels have internal linkage. */
#ifndef KERNELS_CUDA_NUCLEUS_H
#define KERNELS_CUDA_NUCLEUS_H

#include "kernels/cuda/contract.h"
#include "kernels/cuda/select.h"

namespace assay_cuda {

#ifdef ASSAY_EMULATED
enum { CHUNK = 128, CHUNK_THREADS = 64 }; /* chunks must show in cases of few tokens */
#else
enum { CHUNK = 4096, CHUNK_THREADS = 256 };
#endif
enum { CUT_BITS = 4, CUT_DIGITS = 1 << CUT_BITS, CUT_LEVELS = 32 / CUT_BITS };

/* What is known of a cut: the digits found so far, and the measure of all tokens whose key is above
 * those that begin with them. */
struct Cut {
    double above;
    uint32_t key;
};

/* Scratch of a piece of rows. */
struct Tokens {
    double *digit;          /* [rows, 2, chunks, CUT_DIGITS]: of a level, and of that before */
    double *sum, *left;     /* [rows, chunks]: of weights; of those in the nucleus */
    int64_t *equal;         /* [rows, chunks]: tokens at the cut's very key */
    Cut *cut;               /* [rows, CUT_LEVELS]: before each level */
    float *score, *weight;  /* [rows, vocab]: logits / T, -Inf where dropped; 0 where dropped */
    float *top, *equal_weight; /* [rows, chunks]: the greatest score, NaN if any is; a weight */
    int64_t vocab, chunks;
};

inline int64_t chunks_of(int64_t vocab)
{
    return blocks_for(vocab, CHUNK);
}

inline size_t tokens_bytes(int64_t vocab)
{
    const size_t chunk = (2 * CUT_DIGITS + 2) * sizeof(double) + sizeof(int64_t) +
                         2 * sizeof(float);
    return static_cast<size_t>(chunks_of(vocab)) * chunk + CUT_LEVELS * sizeof(Cut) +
           static_cast<size_t>(vocab) * 2 * sizeof(float);
}

/* Words of 8 bytes first: the workspace is aligned. */
inline Tokens carve_tokens(int64_t rows, int64_t vocab, void *workspace)
{
    Tokens t = {};
    t.vocab = vocab;
    t.chunks = chunks_of(vocab);
    const int64_t all = rows * t.chunks;
    t.digit = static_cast<double *>(workspace);
    t.sum = t.digit + 2 * CUT_DIGITS * all;
    t.left = t.sum + all;
    t.equal = reinterpret_cast<int64_t *>(t.left + all);
    t.cut = reinterpret_cast<Cut *>(t.equal + all);
    t.score = reinterpret_cast<float *>(t.cut + CUT_LEVELS * rows);
    t.weight = t.score + rows * vocab;
    t.top = t.weight + rows * vocab;
    t.equal_weight = t.top + all;
    return t;
}

/* The greatest score of a row; a NaN if any is one. */
__device__ __forceinline__ float top_of(const Tokens &t, int64_t row)
{
    float top = -INFINITY;
    bool strange = false;
    for (int64_t c = 0; c < t.chunks; c++) {
        const float own = t.top[row * t.chunks + c];
        strange = strange || own != own;
        top = fmaxf(top, own);
    }
    return strange ? NAN : top;
}

/* The sum of a row's weights. */
__device__ __forceinline__ double total_of(const Tokens &t, int64_t row)
{
    double total = 0.0;
    for (int64_t c = 0; c < t.chunks; c++) {
        total += t.sum[row * t.chunks + c];
    }
    return total;
}

/* After so many levels. Every thread of the block calls and gets it. The least key above which the
 * measure is below `enough`: digits from the highest on, as long as what is above them is below. */
__device__ __forceinline__ Cut cut_after(const Tokens &t, int64_t row, int levels, double enough)
{
    ASSAY_SHARED(double, digit, CUT_DIGITS);
    ASSAY_SHARED(Cut, found, 1);
    if (levels == 0) {
        return {0.0, 0};
    }
    const double *const of_chunk = t.digit + (row * 2 + (levels - 1) % 2) * t.chunks * CUT_DIGITS;
    if (threadIdx.x < CUT_DIGITS) {
        double sum = 0.0;
        for (int64_t c = 0; c < t.chunks; c++) {
            sum += of_chunk[c * CUT_DIGITS + threadIdx.x];
        }
        digit[threadIdx.x] = sum;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        const Cut before = t.cut[row * CUT_LEVELS + levels - 1];
        double above = before.above;
        int at = CUT_DIGITS - 1;
        while (at > 0 && above + digit[at] < enough) {
            above += digit[at--];
        }
        const uint32_t own = static_cast<uint32_t>(at) << (32 - levels * CUT_BITS);
        found[0] = Cut{above, before.key | own};
    }
    __syncthreads();
    const Cut cut = found[0];
    __syncthreads();
    return cut;
}

/* Where a cut lies: before the k-th token, or before the sum of weights has reached top_p of it. */
struct Wanted {
    double count, top_p;
};

template <bool WEIGHED>
__device__ __forceinline__ double enough_of(const Tokens &t, int64_t row, const Wanted &wanted)
{
    return WEIGHED ? wanted.top_p * total_of(t, row) : wanted.count;
}

/* A level of a cut: digits of the tokens of a chunk whose key begins as found so far. */
template <bool WEIGHED>
static __global__ void __launch_bounds__(CHUNK_THREADS)
    count_digits(Tokens t, Wanted wanted, int level)
{
    ASSAY_SHARED(double, own, CUT_DIGITS * CHUNK_THREADS); /* a thread's digits, thread by thread */
    const int64_t row = blockIdx.y;
    const Cut cut = cut_after(t, row, level, enough_of<WEIGHED>(t, row, wanted));
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        t.cut[row * CUT_LEVELS + level] = cut;
    }
    for (int d = 0; d < CUT_DIGITS; d++) {
        own[d * CHUNK_THREADS + threadIdx.x] = 0.0;
    }
    const int shift = 32 - (level + 1) * CUT_BITS;
    const uint32_t found = level == 0 ? 0 : ~uint32_t{0} << (shift + CUT_BITS);
    const int64_t first = static_cast<int64_t>(blockIdx.x) * CHUNK;
    const int64_t end = least(first + CHUNK, t.vocab);
    for (int64_t i = first + threadIdx.x; i < end; i += CHUNK_THREADS) {
        const uint32_t key = key_of(t.score[row * t.vocab + i]);
        if ((key & found) == cut.key) {
            const unsigned at = (key >> shift) % CUT_DIGITS * CHUNK_THREADS + threadIdx.x;
            own[at] += WEIGHED ? static_cast<double>(t.weight[row * t.vocab + i]) : 1.0;
        }
    }
    __syncthreads();
    double *const out = t.digit + ((row * 2 + level % 2) * t.chunks + blockIdx.x) * CUT_DIGITS;
    for (int d = static_cast<int>(threadIdx.x) / WARP; d < CUT_DIGITS; d += CHUNK_THREADS / WARP) {
        double part = 0.0;
        for (int i = static_cast<int>(threadIdx.x) % WARP; i < CHUNK_THREADS; i += WARP) {
            part += own[d * CHUNK_THREADS + i];
        }
        part = warp_reduce<Sum>(part);
        if (threadIdx.x % WARP == 0) {
            out[d] = part;
        }
    }
}

/* How many of `equals` tokens of weight w each, of which the sum before the first is `before`, come
 * before the sum has reached `enough`; of the very first tokens one stays in any case. */
__device__ __forceinline__ int64_t kept_equals(double before, double w, double enough,
                                               int64_t equals, bool very_first)
{
    int64_t kept = 0;
    if (before < enough) {
        const double room = w > 0.0 ? (enough - before) / w : static_cast<double>(equals);
        kept = room < static_cast<double>(equals) ? static_cast<int64_t>(room) : equals;
        while (kept < equals && before + static_cast<double>(kept) * w < enough) {
            kept++;
        }
        while (kept > 0 && !(before + static_cast<double>(kept - 1) * w < enough)) {
            kept--;
        }
    }
    return kept == 0 && very_first ? 1 : kept;
}

/* The nucleus' cut once all levels are through: at the greatest key at most. */
__device__ __forceinline__ Cut nucleus_cut(const Tokens &t, int64_t row, double enough)
{
    const Cut cut = cut_after(t, row, CUT_LEVELS, enough);
    const uint32_t greatest = key_of(top_of(t, row));
    return cut.key > greatest ? Cut{0.0, greatest} : cut;
}

/* How many tokens of a chunk are at the cut's key, and what they weigh each. */
static __global__ void __launch_bounds__(CHUNK_THREADS) count_equals(Tokens t, Wanted wanted)
{
    const int64_t row = blockIdx.y;
    const Cut cut = nucleus_cut(t, row, enough_of<true>(t, row, wanted));
    const int64_t first = static_cast<int64_t>(blockIdx.x) * CHUNK;
    const int64_t end = least(first + CHUNK, t.vocab);
    int64_t part = 0;
    float weight = 0.0f;
    for (int64_t i = first + threadIdx.x; i < end; i += CHUNK_THREADS) {
        const bool equal = key_of(t.score[row * t.vocab + i]) == cut.key;
        part += equal ? 1 : 0;
        weight = equal ? t.weight[row * t.vocab + i] : weight;
    }
    const int64_t count = block_reduce<Sum>(part);
    const float w = block_reduce<Greatest>(weight);
    if (threadIdx.x == 0) {
        t.equal[row * t.chunks + blockIdx.x] = count;
        t.equal_weight[row * t.chunks + blockIdx.x] = w;
    }
}

/* Drops what is below the cut, and of its equals the lowest. Of equals the highest index comes
 * first. The others still read the sums of what was before. */
static __global__ void __launch_bounds__(CHUNK_THREADS)
    keep_nucleus(Tokens t, Wanted wanted)
{
    const int64_t row = blockIdx.y;
    const double enough = enough_of<true>(t, row, wanted);
    const Cut cut = nucleus_cut(t, row, enough);
    int64_t equals = 0;
    int64_t before = 0; /* of them, in chunks before this one */
    float w = 0.0f;
    for (int64_t c = 0; c < t.chunks; c++) {
        before = c == blockIdx.x ? equals : before;
        equals += t.equal[row * t.chunks + c];
        w = fmaxf(w, t.equal_weight[row * t.chunks + c]);
    }
    const bool very_first = cut.key == key_of(top_of(t, row));
    const int64_t dropped = equals - kept_equals(cut.above, static_cast<double>(w), enough, equals,
                                                 very_first);
    const int64_t first = static_cast<int64_t>(blockIdx.x) * CHUNK;
    const int64_t end = least(first + CHUNK, t.vocab);
    double part = 0.0;
    for (int64_t at = first; at < end; at += CHUNK_THREADS) {
        const int64_t i = at + threadIdx.x;
        const uint32_t key = i < end ? key_of(t.score[row * t.vocab + i]) : 0;
        const int64_t equal = i < end && key == cut.key ? 1 : 0;
        int64_t total = 0;
        const int64_t rank = before + block_scan(equal, &total);
        before += total;
        if (i < end) {
            float *const weight = &t.weight[row * t.vocab + i];
            const bool keeps = key > cut.key || (equal != 0 && rank >= dropped);
            *weight = keeps ? *weight : 0.0f;
            part += static_cast<double>(*weight);
        }
    }
    const double sum = block_reduce<Sum>(part);
    if (threadIdx.x == 0) {
        t.left[row * t.chunks + blockIdx.x] = sum;
    }
}

} // namespace assay_cuda

#endif
