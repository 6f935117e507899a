/* Two devices in one process, and what is copied to and from them through pinned memory. */
#include "kernels/cuda/accelerator.h"
#include "kernels/cuda/staging.h"
#include "kernels/cuda/emulate/tests/kernels.h"

#include <cstdlib>
#include <string>
#include <vector>

extern "C" const assay_accelerator *assay_plugin_accelerator(void);

namespace {

const assay_accelerator *const a = assay_plugin_accelerator();

enum { DEVICES = 2 };

void open_two(void **stream)
{
    int32_t count = 0;
    setenv("ASSAY_EMULATED_DEVICES", "2", 1);
    cr_assert_eq(a->count(&count, nullptr), ASSAY_OK);
    cr_assert_eq(count, DEVICES);
    for (int32_t d = 0; d < DEVICES; d++) {
        cr_assert_eq(a->stream_open(d, &stream[d], nullptr), ASSAY_OK);
    }
}

std::vector<unsigned char> drawn(size_t bytes, unsigned seed)
{
    std::vector<unsigned char> all(bytes);
    for (size_t i = 0; i < bytes; i++) {
        all[i] = static_cast<unsigned char>((i + seed) * 2654435761u >> 13);
    }
    return all;
}

/* To a device and back, in every size that is copied otherwise. */
void expect_copies()
{
    void *stream[DEVICES];
    assay_error error = {};
    open_two(stream);
    constexpr size_t one = STAGE_BYTES;
    for (const size_t bytes : {size_t(1), STAGED_LEAST - 1, STAGED_LEAST, one - 1, one, one + 1,
                               2 * one, 7 * one + 5}) {
        void *memory[DEVICES];
        std::vector<unsigned char> back[DEVICES];
        for (int32_t d = 0; d < DEVICES; d++) {
            std::vector<unsigned char> from = drawn(bytes, static_cast<unsigned>(d));
            back[d].assign(bytes, 0);
            cr_assert_eq(a->allocate(d, bytes, &memory[d], &error), ASSAY_OK);
            cr_assert_eq(a->copy(d, stream[d], memory[d], from.data(), bytes, ASSAY_TO_DEVICE,
                                 &error), ASSAY_OK, "%s", error.message);
            cr_assert_eq(a->synchronise(d, stream[d], &error), ASSAY_OK);
        }
        for (int32_t d = DEVICES; d-- > 0;) {
            cr_assert_eq(a->copy(d, stream[d], back[d].data(), memory[d], bytes,
                                 ASSAY_FROM_DEVICE, &error), ASSAY_OK, "%s", error.message);
        }
        for (int32_t d = 0; d < DEVICES; d++) {
            bool lost = false;
            cr_assert_eq(a->synchronise(d, stream[d], &error), ASSAY_OK);
            cr_assert_eq(a->last_error(d, &lost, &error), ASSAY_OK, "%s", error.message);
            cr_assert(back[d] == drawn(bytes, static_cast<unsigned>(d)), "%zu bytes", bytes);
            cr_assert_eq(a->release(d, memory[d], &error), ASSAY_OK);
        }
    }
}

__global__ void add_one(int *y, int count)
{
    const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < count) {
        y[i] += 1;
    }
}

assay_status add_on(int32_t device, void *stream, int *y, int count, assay_error *error)
{
    assay_exec exec = exec_of(device, error);
    exec.stream = stream;
    ASSAY_LAUNCH(&exec, add_one, (Dimensions{dim3(4), dim3(256), 0}), y, count);
    return ASSAY_OK;
}

} // namespace

Test(devices, copies_arrive_whole)
{
    expect_copies();
}

Test(devices, copies_arrive_where_nothing_can_be_pinned)
{
    setenv("ASSAY_EMULATED_PINNED", "0", 1);
    expect_copies();
}

/* Each has its own memory, and says how much of it is free. */
Test(devices, are_described_apart)
{
    void *stream[DEVICES];
    void *memory = nullptr;
    assay_accelerator_device facts[DEVICES];
    open_two(stream);
    cr_assert_eq(a->allocate(1, 1 << 20, &memory, nullptr), ASSAY_OK);
    for (int32_t d = 0; d < DEVICES; d++) {
        cr_assert_eq(a->describe(d, &facts[d], nullptr), ASSAY_OK);
        cr_assert_eq(facts[d].device.index, d);
    }
    cr_assert(facts[0].device.memory_bytes - facts[1].device.memory_bytes >= 1 << 20);
    cr_assert(strcmp(facts[0].identity, facts[1].identity) != 0);
    cr_assert_neq(a->describe(DEVICES, &facts[0], nullptr), ASSAY_OK);
}

Test(devices, kernels_and_copies_in_turn)
{
    enum { COUNT = 1000, ROUNDS = 5 };
    void *stream[DEVICES];
    void *memory[DEVICES];
    assay_error error = {};
    open_two(stream);
    std::vector<int> here[DEVICES];
    for (int32_t d = 0; d < DEVICES; d++) {
        here[d].assign(COUNT, 100 * d);
        cr_assert_eq(a->allocate(d, COUNT * sizeof(int), &memory[d], &error), ASSAY_OK);
        cr_assert_eq(a->copy(d, stream[d], memory[d], here[d].data(), COUNT * sizeof(int),
                             ASSAY_TO_DEVICE, &error), ASSAY_OK);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int32_t d = 0; d < DEVICES; d++) {
            cr_assert_eq(add_on(d, stream[d], static_cast<int *>(memory[d]), COUNT, &error),
                         ASSAY_OK, "%s", error.message);
        }
    }
    for (int32_t d = 0; d < DEVICES; d++) {
        cr_assert_eq(a->copy(d, stream[d], here[d].data(), memory[d], COUNT * sizeof(int),
                             ASSAY_FROM_DEVICE, &error), ASSAY_OK);
        cr_assert_eq(a->synchronise(d, stream[d], &error), ASSAY_OK);
        cr_assert(here[d] == std::vector<int>(COUNT, 100 * d + ROUNDS));
    }
}

Test(devices, another_ones_stream_is_refused)
{
    void *stream[DEVICES];
    void *memory = nullptr;
    assay_error error = {};
    open_two(stream);
    cr_assert_eq(a->allocate(1, 64, &memory, &error), ASSAY_OK);
    cr_assert_eq(add_on(1, stream[0], static_cast<int *>(memory), 16, &error), ASSAY_DEVICE);
    cr_assert_not_null(strstr(error.message, "invalid resource handle"), "%s", error.message);
    cr_assert_eq(add_on(1, stream[1], static_cast<int *>(memory), 16, &error), ASSAY_OK);
}

Test(devices, another_ones_memory_is_illegal)
{
    void *stream[DEVICES];
    void *memory = nullptr;
    assay_error error = {};
    open_two(stream);
    cr_assert_eq(a->allocate(1, 64, &memory, &error), ASSAY_OK);
    cr_assert_eq(add_on(0, stream[0], static_cast<int *>(memory), 16, &error), ASSAY_DEVICE);
    cr_assert_not_null(strstr(error.message, "memory of device 1, and this is device 0"), "%s",
                       error.message);
}

/* A graph keeps the host's address, so that nothing of ours may stand between. */
Test(devices, what_is_captured_is_not_staged)
{
    enum { COUNT = 3 * STAGE_BYTES };
    void *stream[DEVICES];
    void *memory = nullptr;
    void *graph = nullptr;
    assay_error error = {};
    open_two(stream);
    const assay_accelerator_timing *const t = a->timing;
    std::vector<unsigned char> from = drawn(COUNT, 1);
    std::vector<unsigned char> back(COUNT);
    cr_assert_eq(a->allocate(1, COUNT, &memory, &error), ASSAY_OK);
    cr_assert_eq(t->graph_begin(1, stream[1], &error), ASSAY_OK);
    cr_assert_eq(a->copy(1, stream[1], memory, from.data(), COUNT, ASSAY_TO_DEVICE, &error),
                 ASSAY_OK, "%s", error.message);
    cr_assert_eq(t->graph_end(1, stream[1], &graph, &error), ASSAY_OK);
    const std::vector<unsigned char> others = drawn(COUNT, 2);
    memcpy(from.data(), others.data(), COUNT);
    cr_assert_eq(t->graph_launch(1, graph, stream[1], &error), ASSAY_OK);
    cr_assert_eq(a->copy(1, stream[1], back.data(), memory, COUNT, ASSAY_FROM_DEVICE, &error),
                 ASSAY_OK);
    cr_assert(back == from);
    cr_assert_eq(t->graph_close(1, graph, &error), ASSAY_OK);
}

/* A cache is put out of what it held on a device that keeps no lines, and on one that does. */
Test(devices, are_flushed_with_and_without_lines_that_persist)
{
    enum { WORDS = 1 << 12 };
    void *stream[DEVICES];
    void *memory = nullptr;
    assay_error error = {};
    std::vector<unsigned> before(WORDS), after(WORDS);
    constexpr size_t bytes = WORDS * sizeof(unsigned);
    open_two(stream);
    cr_assert_eq(a->allocate(0, bytes, &memory, &error), ASSAY_OK);
    for (const char *const persisting : {"0", "1048576"}) {
        setenv("ASSAY_EMULATED_PERSISTING", persisting, 1);
        cr_assert_eq(a->timing->flush(0, stream[0], memory, bytes, &error), ASSAY_OK, "%s",
                     error.message);
        cr_assert_eq(a->copy(0, stream[0], after.data(), memory, bytes, ASSAY_FROM_DEVICE,
                             &error), ASSAY_OK);
        cr_assert_eq(a->synchronise(0, stream[0], &error), ASSAY_OK);
        cr_assert(after != before, "the same numbers are written again");
        before = after;
    }
}
