/* Each kernel here breaks one rule, and the launch says which, where, in which kernel. */
#include "kernels/cuda/emulate/tests/kernels.h"

#include <csignal>

namespace {

__global__ void barrier_in_a_branch(int *y)
{
    if (threadIdx.x < 7) {
        __syncthreads();
    }
    y[threadIdx.x] = 1;
}

__global__ void barriers_of_two_places(int *y)
{
    if (threadIdx.x % 2 == 0) {
        __syncthreads();
    } else {
        __syncthreads();
    }
    y[threadIdx.x] = 1;
}

__global__ void ends_before_the_barrier(int *y, int count)
{
    if (static_cast<int>(threadIdx.x) >= count) {
        return;
    }
    __syncthreads();
    y[threadIdx.x] = 1;
}

__global__ void divergent_shuffle(int *y)
{
    int value = static_cast<int>(threadIdx.x);
    if (threadIdx.x < 16) {
        value = __shfl_xor_sync(ALL_LANES, value, 1);
    }
    y[threadIdx.x] = value;
}

__global__ void shuffle_from_outside(int *y)
{
    if (threadIdx.x < 16) {
        y[threadIdx.x] = __shfl_sync(0x0000ffffu, static_cast<int>(threadIdx.x), 20);
    }
}

__global__ void not_in_its_mask(int *y)
{
    y[threadIdx.x] = __shfl_sync(0x0000ffffu, static_cast<int>(threadIdx.x), 0);
}

__global__ void past_a_shared_array(int *y)
{
    ASSAY_SHARED(int, held, 32);
    held[threadIdx.x + (threadIdx.x == 31 ? 1 : 0)] = 5;
    __syncthreads();
    y[threadIdx.x] = held[threadIdx.x];
}

__global__ void past_dynamic_shared(int *y)
{
    ASSAY_DYNAMIC_SHARED(int, held);
    held[threadIdx.x] = 5;
    y[threadIdx.x] = 1;
}

__global__ void unwritten_shared(float *y)
{
    ASSAY_SHARED(float, held, 32);
    y[threadIdx.x] = held[threadIdx.x];
}

/* The neighbour's value, with the barrier between or without. */
template <bool Right> __global__ void exchange(const float *x, float *y)
{
    ASSAY_SHARED(float, held, 64);
    held[threadIdx.x] = x[threadIdx.x];
    if (Right) {
        __syncthreads();
    }
    y[threadIdx.x] = held[(threadIdx.x + 1) % 64];
}

/* The same array twice, with the barrier before its second use or without. */
template <bool Right> __global__ void exchange_twice(const float *x, float *y)
{
    ASSAY_SHARED(float, held, 64);
    held[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    const float first = held[(threadIdx.x + 1) % 64];
    if (Right) {
        __syncthreads();
    }
    held[threadIdx.x] = -first;
    __syncthreads();
    y[threadIdx.x] = first - held[threadIdx.x];
}

/* Sums of a block, one after the other in the same shared array; a warp that is two barriers'
 * distance ahead must not write it. */
template <bool Right> __global__ void sum_three_times(const float *x, float *y)
{
    ASSAY_SHARED(float, part, 8);
    float total = x[threadIdx.x % 64];
    for (int i = 0; i < 3; i++) {
        const float sum = warp_reduce<Sum>(total);
        if (threadIdx.x % 32 == 0) {
            part[threadIdx.x / 32] = sum;
        }
        __syncthreads();
        total = 0.0f;
        for (int w = 0; w < 8; w++) {
            total += part[w];
        }
        if (Right) {
            __syncthreads();
        }
    }
    y[threadIdx.x] = total;
}

/* Lanes of one warp that count on running together. */
template <bool Right> __global__ void within_a_warp(const float *x, float *y)
{
    ASSAY_SHARED(float, held, 32);
    held[threadIdx.x] = x[threadIdx.x];
    if (Right) {
        __syncwarp();
    }
    y[threadIdx.x] = held[31 - threadIdx.x];
}

/* A block that counts on those before it having run. */
__global__ void after_the_block_before(int *y)
{
    y[blockIdx.x] = blockIdx.x == 0 ? 1 : y[blockIdx.x - 1] + 1;
}

void expect_failure(assay_status status, const assay_error &error, const char *kernel,
                    const char *words)
{
    cr_assert(status == ASSAY_DEVICE, "%s was not seen to be wrong", kernel);
    cr_assert(strstr(error.message, kernel) != nullptr, "%s", error.message);
    cr_assert(strstr(error.message, words) != nullptr, "%s", error.message);
    cr_assert(strstr(error.message, "wrong.cc:") != nullptr, "%s", error.message);
}

/* Launches in which the result is not `right`; a race shows in some orders only. */
template <typename Kernel, typename T, size_t N>
int wrong_results(Kernel kernel, unsigned blocks, unsigned threads, const T (&right)[N])
{
    int wrong = 0;
    for (int i = 0; i < TRIES; i++) {
        T y[N] = {};
        assay_error error;
        cr_assert(kernel(&error, dim3(blocks), dim3(threads), y) == ASSAY_OK, "%s", error.message);
        wrong += memcmp(y, right, sizeof y) != 0 ? 1 : 0;
    }
    return wrong;
}

} // namespace

#define EXPECT(kernel, words, ...)                                                                 \
    do {                                                                                           \
        assay_error error_;                                                                        \
        const assay_status status_ = RUN(&error_, kernel, __VA_ARGS__);                            \
        expect_failure(status_, error_, #kernel, words);                                           \
    } while (0)

Test(wrong, barriers_that_some_threads_do_not_reach)
{
    int y[64];
    EXPECT(barrier_in_a_branch, "wait for others that never come", dim3(1), dim3(64), 0, y);
    EXPECT(barriers_of_two_places, "different barriers", dim3(1), dim3(64), 0, y);
    EXPECT(ends_before_the_barrier, "wait for others that never come", dim3(1), dim3(64), 0, y,
           60);
    assay_error error;
    cr_assert(RUN(&error, ends_before_the_barrier, dim3(1), dim3(64), 0, y, 64) == ASSAY_OK,
              "a failure is over with its launch: %s", error.message);
}

Test(wrong, shuffles_that_some_lanes_do_not_reach)
{
    int y[32];
    EXPECT(divergent_shuffle, "wait for others that never come", dim3(1), dim3(32), 0, y);
    EXPECT(shuffle_from_outside, "not in its mask", dim3(1), dim3(32), 0, y);
    EXPECT(not_in_its_mask, "meets lanes of mask", dim3(1), dim3(32), 0, y);
    EXPECT(divergent_shuffle, "its warp has 0000ffff", dim3(1), dim3(16), 0, y);
}

Test(wrong, writes_past_a_shared_array)
{
    int y[32];
    EXPECT(past_a_shared_array, "past the shared array", dim3(1), dim3(32), 0, y);
}

Test(wrong, dynamic_shared_memory_ends_at_a_guard_page, .signal = SIGSEGV)
{
    int y[64];
    assay_error error;
    (void)RUN(&error, past_dynamic_shared, dim3(1), dim3(64), 32 * sizeof(int), y);
}

Test(wrong, shared_memory_is_no_number_until_it_is_written)
{
    float y[32] = {};
    assay_error error;
    cr_assert(RUN(&error, unwritten_shared, dim3(1), dim3(32), 0, y) == ASSAY_OK);
    for (const float value : y) {
        cr_assert(value != value);
    }
}

Test(wrong, races_show)
{
    float x[64], next[64], twice[64], mirrored[32];
    for (int i = 0; i < 64; i++) {
        x[i] = static_cast<float>(i + 1);
    }
    for (int i = 0; i < 64; i++) {
        next[i] = x[(i + 1) % 64];
        twice[i] = 2.0f * next[i];
    }
    for (int i = 0; i < 32; i++) {
        mirrored[i] = x[31 - i];
    }
    const auto with = [&](auto kernel) {
        return [&x, kernel](assay_error *error, dim3 grid, dim3 block, float *y) {
            return RUN(error, kernel, grid, block, 0, x, y);
        };
    };
    cr_assert(wrong_results(with(exchange<true>), 1, 64, next) == 0);
    cr_assert(wrong_results(with(exchange<false>), 1, 64, next) > TRIES / 2);
    cr_assert(wrong_results(with(exchange_twice<true>), 1, 64, twice) == 0);
    cr_assert(wrong_results(with(exchange_twice<false>), 1, 64, twice) > TRIES / 2);
    float sums[256];
    for (float &sum : sums) {
        sum = 4.0f * 64.0f * 65.0f / 2.0f * 256.0f * 256.0f;
    }
    cr_assert(wrong_results(with(sum_three_times<true>), 1, 256, sums) == 0);
    cr_assert(wrong_results(with(sum_three_times<false>), 1, 256, sums) > TRIES / 8);
    cr_assert(wrong_results(with(within_a_warp<true>), 1, 32, mirrored) == 0);
    cr_assert(wrong_results(with(within_a_warp<false>), 1, 32, mirrored) > TRIES / 2);
}

Test(wrong, blocks_run_in_no_order)
{
    int counted[8];
    for (int i = 0; i < 8; i++) {
        counted[i] = i + 1;
    }
    const auto kernel = [](assay_error *error, dim3 grid, dim3 block, int *y) {
        return RUN(error, after_the_block_before, grid, block, 0, y);
    };
    cr_assert(wrong_results(kernel, 8, 1, counted) > TRIES / 2);
}

Test(wrong, sizes_that_no_gpu_launches)
{
    int y = 0;
    assay_error error;
    cr_assert(RUN(&error, barrier_in_a_branch, dim3(1, 65536), dim3(1), 0, &y) == ASSAY_DEVICE);
    cr_assert(RUN(&error, barrier_in_a_branch, dim3(1), dim3(1025), 0, &y) == ASSAY_DEVICE);
    cr_assert(RUN(&error, barrier_in_a_branch, dim3(1), dim3(0), 0, &y) == ASSAY_DEVICE);
    cr_assert(RUN(&error, barrier_in_a_branch, dim3(1), dim3(1), 48 * 1024 + 1, &y) ==
              ASSAY_DEVICE);
    cr_assert(strstr(error.message, "no GPU launches that") != nullptr, "%s", error.message);
}
