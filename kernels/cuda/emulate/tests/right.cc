/* What the emulator computes for kernels that keep the rules. */
#include "kernels/cuda/emulate/tests/kernels.h"

namespace {

__global__ void count_places(int *seen)
{
    const dim3 g = gridDim;
    const dim3 b = blockDim;
    const unsigned block = blockIdx.x + g.x * (blockIdx.y + g.y * blockIdx.z);
    const unsigned thread = threadIdx.x + b.x * (threadIdx.y + b.y * threadIdx.z);
    atomicAdd(&seen[block * b.x * b.y * b.z + thread], 1);
}

__global__ void sum_and_scan(const int *x, int *total, int *before)
{
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    int all = 0;
    before[i] = block_scan(x[i], &all);
    const int sum = block_reduce<Sum>(x[i]);
    total[i] = sum == all ? sum : -1;
}

__global__ void vote(unsigned *votes, unsigned *halves)
{
    votes[threadIdx.x] = __ballot_sync(ALL_LANES, threadIdx.x % 3 == 0);
    const unsigned mask = threadIdx.x % 32 < 16 ? 0x0000ffffu : 0xffff0000u;
    halves[threadIdx.x] = __shfl_sync(mask, threadIdx.x, threadIdx.x < 16 ? 5 : 20);
}

__global__ void turn_shared(const int *x, int *y, int count)
{
    ASSAY_DYNAMIC_SHARED(int, held);
    for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x)) {
        held[i] = x[i];
    }
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x)) {
        y[i] = held[count - 1 - i];
    }
}

} // namespace

Test(right, every_thread_of_every_block_runs_once)
{
    enum { COUNT = 3 * 5 * 2 * 8 * 4 * 3 };
    static int seen[COUNT];
    assay_error error;
    cr_assert(RUN(&error, count_places, dim3(3, 5, 2), dim3(8, 4, 3), 0, seen) == ASSAY_OK);
    for (int i = 0; i < COUNT; i++) {
        cr_assert(seen[i] == 1, "place %d ran %d times", i, seen[i]);
    }
}

Test(right, sums_and_prefix_sums_of_blocks_of_every_size)
{
    for (unsigned size = 32; size <= 1024; size += 32) {
        static int x[2 * 1024], total[2 * 1024], before[2 * 1024];
        for (unsigned i = 0; i < 2 * size; i++) {
            x[i] = static_cast<int>(i * 7 % 11);
        }
        assay_error error;
        cr_assert(RUN(&error, sum_and_scan, dim3(2), dim3(size), 0, x, total, before) == ASSAY_OK,
                  "%s", error.message);
        for (unsigned block = 0; block < 2; block++) {
            int sum = 0;
            for (unsigned i = block * size; i < (block + 1) * size; i++) {
                cr_assert(before[i] == sum, "size %u, thread %u", size, i);
                sum += x[i];
            }
            for (unsigned i = block * size; i < (block + 1) * size; i++) {
                cr_assert(total[i] == sum, "size %u, thread %u", size, i);
            }
        }
    }
}

Test(right, votes_and_shuffles_within_masks)
{
    unsigned votes[32], halves[32];
    assay_error error;
    for (int i = 0; i < TRIES; i++) {
        cr_assert(RUN(&error, vote, dim3(1), dim3(32), 0, votes, halves) == ASSAY_OK, "%s",
                  error.message);
        for (unsigned t = 0; t < 32; t++) {
            cr_assert(votes[t] == 0x49249249u, "%08x", votes[t]);
            cr_assert(halves[t] == (t < 16 ? 5u : 20u));
        }
    }
}

Test(right, dynamic_shared_memory_is_the_blocks)
{
    enum { COUNT = 1000 };
    int x[COUNT], y[COUNT];
    for (int i = 0; i < COUNT; i++) {
        x[i] = i;
    }
    assay_error error;
    cr_assert(RUN(&error, turn_shared, dim3(1), dim3(64), sizeof x, x, y, COUNT) == ASSAY_OK);
    for (int i = 0; i < COUNT; i++) {
        cr_assert(y[i] == COUNT - 1 - i);
    }
}

Test(right, a_grid_of_no_blocks_is_nothing_to_do)
{
    assay_error error;
    int none = 0;
    cr_assert(RUN(&error, count_places, dim3(0), dim3(32), 0, &none) == ASSAY_OK);
    cr_assert(none == 0);
}

/* Where no device is emulated a workspace is host memory, and calls of the runtime take it. */
Test(right, a_workspace_is_filled_and_copied_as_a_device_s_would_be)
{
    alignas(256) static unsigned char workspace[512];
    cudaStream_t stream = nullptr;
    cr_assert_eq(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    cr_assert_eq(cudaMemsetAsync(workspace, 7, 256, stream), cudaSuccess);
    cr_assert_eq(cudaMemcpyAsync(workspace + 256, workspace, 128, cudaMemcpyDeviceToDevice, stream),
                 cudaSuccess);
    cr_assert_eq(cudaStreamSynchronize(stream), cudaSuccess);
    for (int i = 0; i < 512; i++) {
        cr_assert_eq(workspace[i], i < 256 + 128 ? 7 : 0, "byte %d", i);
    }
    cr_expect_eq(cudaMemsetAsync(reinterpret_cast<void *>(64), 7, 256, stream),
                 cudaErrorInvalidValue);
    (void)cudaGetLastError();
    cr_expect_eq(cudaStreamDestroy(stream), cudaSuccess);
}
