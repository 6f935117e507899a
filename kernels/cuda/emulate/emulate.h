/* CUDA's words for a C++ compiler, so that the .cu files run on a machine with no GPU: every thread
 * of a block is a fiber, and blocks run one after the other.
 *
 * What is judged here is a kernel's logic, by stricter rules than a GPU's:
 *   order     blocks, and threads between two barriers, run in an order drawn anew at each launch
 *             (ASSAY_EMULATED_SEED sets where it starts), now all abreast, now one warp far
 *             ahead of the others, so that what counts on an order differs
 *   barriers  __syncthreads is reached by every thread of the block, in one place; a shuffle, vote
 *             or __syncwarp by every lane of its mask; else the launch fails and says who waits
 *             where
 *   shared    filled with 0xff (NaN) before each block; writes past an array are found after the
 *             block, accesses past dynamic shared memory by a guard page
 *   launches  limits of sizes as on a GPU; dynamic shared memory as compute capability 8.6 has it
 *   memory    host memory, on a host twin; on an emulated device (ASSAY_EMULATED_DEVICE) memory of
 *             its own that is there for launches and copies alone (runtime.h)
 * Not emulated: timing, memory ordering between blocks, floating-point contraction. */
#ifndef KERNELS_CUDA_EMULATE_EMULATE_H
#define KERNELS_CUDA_EMULATE_EMULATE_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__

#include "kernels/cuda/emulate/runtime.h"

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

struct alignas(16) uint4 {
    unsigned x, y, z, w;
};

struct alignas(16) float4 {
    float x, y, z, w;
};

namespace emulate {

enum { WARP = 32, THREADS_MAX = 1024, PARAMETERS_MAX = 4096 };

/* What a running thread sees of itself; the emulator sets it at every switch. */
struct Place {
    dim3 thread, block, block_size, grid_size;
};
extern Place place;

struct Site {
    const char *file;
    int line;
};

enum Meeting { BARRIER, SYNC_WARP, SHUFFLE, BALLOT };

void meet_block(Site site);

/* One word to every lane of the mask: a lane gets the value of lane `source`, or the votes. */
uint64_t meet_warp(Meeting kind, unsigned mask, uint64_t value, int source, Site site);

unsigned lane();

/* An array of one __shared__ declaration: the same memory for all threads of a block. */
struct SharedArray {
    uint64_t block; /* which block's array `data` is */
    void *data;
};
void *shared_array(SharedArray *array, size_t bytes, Site site);
void *shared_dynamic();

struct Launch {
    const char *kernel;
    dim3 grid, block;
    size_t shared_bytes;
    size_t parameter_bytes;
    size_t shared_allowed;
};
void launch(const Launch &what, void (*thread)(void *), void *call);

/* At once, or when the stream comes to it (runtime.h). */
template <typename Thread> void launch_in(cudaStream_t stream, const Launch &what, Thread thread)
{
    if (is_foreign(stream)) {
        set_error(cudaErrorInvalidResourceHandle);
        return;
    }
    auto run = [what, thread]() mutable {
        launch(what, [](void *call) { (*static_cast<Thread *>(call))(); }, &thread);
    };
    if (stream_waits(stream)) {
        stream_later(stream, run);
    } else {
        run();
    }
}

/* Of the only multiprocessor, which always has the same clock. */
enum { CYCLES_A_MICROSECOND = 1500 };
uint64_t nanoseconds();

template <typename T> uint64_t to_word(T value)
{
    static_assert(sizeof(T) <= sizeof(uint64_t), "a shuffle moves at most 8 bytes");
    uint64_t word = 0;
    memcpy(&word, &value, sizeof value);
    return word;
}

template <typename T> T from_word(uint64_t word)
{
    T value;
    memcpy(&value, &word, sizeof value);
    return value;
}

} // namespace emulate

#define threadIdx (emulate::place.thread)
#define blockIdx (emulate::place.block)
#define blockDim (emulate::place.block_size)
#define gridDim (emulate::place.grid_size)
constexpr int warpSize = emulate::WARP;

#define EMULATE_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(EMULATE_SITE)
{
    emulate::meet_block({file, line});
}

inline void __syncwarp(unsigned mask = 0xffffffffu, EMULATE_SITE)
{
    (void)emulate::meet_warp(emulate::SYNC_WARP, mask, 0, 0, {file, line});
}

inline unsigned __ballot_sync(unsigned mask, int predicate, EMULATE_SITE)
{
    return (unsigned)emulate::meet_warp(emulate::BALLOT, mask, predicate != 0, 0, {file, line});
}

template <typename T> T __shfl_sync(unsigned mask, T value, int source, EMULATE_SITE)
{
    return emulate::from_word<T>(emulate::meet_warp(
        emulate::SHUFFLE, mask, emulate::to_word(value), source & 31, {file, line}));
}

template <typename T> T __shfl_xor_sync(unsigned mask, T value, int with, EMULATE_SITE)
{
    return emulate::from_word<T>(
        emulate::meet_warp(emulate::SHUFFLE, mask, emulate::to_word(value),
                           (int)emulate::lane() ^ with, {file, line}));
}

/* A lane without a source keeps its own value. */
template <typename T> T __shfl_up_sync(unsigned mask, T value, unsigned by, EMULATE_SITE)
{
    const int own = (int)emulate::lane();
    return emulate::from_word<T>(
        emulate::meet_warp(emulate::SHUFFLE, mask, emulate::to_word(value),
                           own < (int)by ? own : own - (int)by, {file, line}));
}

inline int __popc(unsigned word)
{
    return __builtin_popcount(word);
}

inline long long clock64()
{
    return (long long)(emulate::nanoseconds() * emulate::CYCLES_A_MICROSECOND / 1000);
}

inline uint4 __ldcg(const uint4 *at)
{
    return *at;
}

/* Threads of the emulator never run at once, so that a plain sum is atomic. */
template <typename T> T atomicAdd(T *sum, T value)
{
    static_assert((T)1 / 2 == 0, "sums of floats by atomics have no fixed order");
    const T before = *sum;
    *sum = before + value;
    return before;
}

template <typename T> T atomicCAS(T *word, T expected, T value)
{
    const T before = *word;
    *word = before == expected ? value : before;
    return before;
}

#endif
