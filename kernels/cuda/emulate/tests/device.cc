/* The emulated device is as strict as one: what would work by accident on the host fails. */
#include "kernels/cuda/emulate/tests/kernels.h"

#include <csignal>
#include <cstdlib>

namespace {

enum { COUNT = 100 };

__global__ void fill_with(int *y, int count, int value)
{
    const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < count) {
        y[i] = value;
    }
}

__global__ void double_it(int *y, int count)
{
    const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < count) {
        y[i] *= 2;
    }
}

struct Memory {
    int *there;
    int here[COUNT];
    cudaStream_t stream;
};

void open(Memory *m)
{
    void *memory = nullptr;
    cr_assert_eq(cudaMalloc(&memory, sizeof m->here), cudaSuccess);
    cr_assert_eq(cudaStreamCreateWithFlags(&m->stream, cudaStreamNonBlocking), cudaSuccess);
    m->there = static_cast<int *>(memory);
    memset(m->here, 0, sizeof m->here);
}

assay_status fill_there(Memory *m, int value, assay_error *error)
{
    return RUN(error, fill_with, dim3(4), dim3(32), 0, m->there, static_cast<int>(COUNT), value);
}

} // namespace

Test(emulated_device, what_is_copied_arrives_when_it_is_waited_for)
{
    Memory m;
    assay_error error;
    open(&m);
    cr_assert_eq(fill_there(&m, 7, &error), ASSAY_OK, "%s", error.message);
    cr_assert_eq(cudaMemcpyAsync(m.here, m.there, sizeof m.here, cudaMemcpyDeviceToHost, m.stream),
                 cudaSuccess);
    cr_expect_eq(m.here[COUNT - 1], 0);
    cr_assert_eq(cudaStreamSynchronize(m.stream), cudaSuccess);
    cr_expect_eq(m.here[COUNT - 1], 7);
    cr_expect_eq(cudaStreamDestroy(m.stream), cudaSuccess);
    cr_expect_eq(cudaFree(m.there), cudaSuccess);
    cr_expect_eq(cudaFree(m.there), cudaErrorInvalidValue);
}

Test(emulated_device, the_host_cannot_read_it, .signal = SIGSEGV)
{
    Memory m;
    open(&m);
    const int volatile *const there = m.there;
    (void)there[0];
}

Test(emulated_device, copies_know_which_side_is_which)
{
    Memory m;
    int more[COUNT] = {0};
    open(&m);
    cr_expect_eq(cudaMemcpyAsync(more, m.here, sizeof more, cudaMemcpyHostToDevice, m.stream),
                 cudaErrorInvalidValue);
    cr_expect_eq(cudaMemcpyAsync(more, m.there, sizeof more, cudaMemcpyHostToDevice, m.stream),
                 cudaErrorInvalidValue);
    cr_expect_eq(cudaMemcpyAsync(m.there + 1, more, sizeof more, cudaMemcpyHostToDevice, m.stream),
                 cudaErrorInvalidValue, "past the end");
    cr_expect_eq(cudaMemsetAsync(more, 0, sizeof more, m.stream), cudaErrorInvalidValue);
    cr_expect_eq(cudaGetLastError(), cudaErrorInvalidValue);
    cr_expect_eq(cudaGetLastError(), cudaSuccess, "errors that do not stay are forgotten");
}

Test(emulated_device, addresses_of_the_host_are_no_arguments)
{
    Memory m;
    assay_error error;
    open(&m);
    const assay_status status = RUN(&error, fill_with, dim3(1), dim3(32), 0, m.here,
                                    static_cast<int>(COUNT), 1);
    cr_expect_eq(status, ASSAY_DEVICE);
    cr_expect_not_null(strstr(error.message, "an argument is host memory"), "%s", error.message);
    cr_expect_eq(m.here[0], 0);
}

/* From then on nothing works, whoever asks. */
Test(emulated_device, an_illegal_address_stays)
{
    Memory m;
    assay_error error;
    open(&m);
    const assay_status status = RUN(&error, fill_with, dim3(1), dim3(32), 0, m.there + 1000,
                                    static_cast<int>(COUNT), 1);
    cr_expect_eq(status, ASSAY_DEVICE);
    cr_expect_not_null(strstr(error.message, "bytes behind the end of an allocation of 400"), "%s",
                       error.message);
    cr_expect_not_null(strstr(error.message, "thread ("), "%s", error.message);
    cr_expect_neq(cudaGetLastError(), cudaSuccess);
    cr_expect_neq(cudaDeviceSynchronize(), cudaSuccess);
    cr_expect_eq(fill_there(&m, 1, &error), ASSAY_DEVICE);
    void *memory = nullptr;
    cr_expect_neq(cudaMalloc(&memory, 16), cudaSuccess);
    cr_expect_null(memory);
}

Test(emulated_device, freed_memory_is_gone)
{
    Memory m;
    assay_error error;
    open(&m);
    cr_assert_eq(cudaFree(m.there), cudaSuccess);
    cr_expect_eq(fill_there(&m, 1, &error), ASSAY_DEVICE);
}

Test(emulated_device, it_has_the_memory_that_it_has)
{
    size_t free_bytes = 0;
    size_t total = 0;
    void *memory = nullptr;
    setenv("ASSAY_EMULATED_MEMORY", "1000000", 1);
    cr_assert_eq(cudaMalloc(&memory, 600000), cudaSuccess);
    cr_assert_eq(cudaMemGetInfo(&free_bytes, &total), cudaSuccess);
    cr_expect_eq(total, 1000000);
    cr_expect(free_bytes <= 400000 && free_bytes > 399000, "%zu", free_bytes);
    cr_expect_eq(cudaMalloc(&memory, 600000), cudaErrorMemoryAllocation);
}

/* On a GPU whether it does wait depends on what else is loaded. */
Test(emulated_device, code_is_not_loaded_behind_a_gate)
{
    Memory m;
    assay_error error = {};
    assay_exec exec = {};
    exec.error = &error;
    open(&m);
    exec.stream = m.stream;
    const Dimensions size = {dim3(4), dim3(32), 0};
    const int count = COUNT;
    cudaFuncAttributes facts;
    emulate::stream_hold(m.stream);
    cr_assert_eq(cudaFuncGetAttributes(&facts, fill_with), cudaSuccess);
    cr_expect_eq(launch("fill_with", fill_with, size, &exec, m.there, count, 1), cudaSuccess);
    cr_expect_neq(launch("double_it", double_it, size, &exec, m.there, count), cudaSuccess);
    cr_expect_not_null(strstr(cudaGetErrorString(cudaErrorLaunchFailure), "behind a shut gate"));
}
