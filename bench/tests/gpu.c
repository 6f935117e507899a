/* The clock of a device's kernels, on an emulated device: what it says of known work, and what it
 * refuses to say. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "bench/gpu/gpu.h"
#include "kernels/plugin.h"

static const char fake_nvml[] = ASSAY_TEST_PLUGINS "/nvml.so";
static const char module[] = ASSAY_TEST_PLUGINS "/../assay_cuda_emulated_device.so";

static assay_plugin plugin;
static assay_gpu *gpu;
static assay_error said;

static void open_module(void)
{
    cr_assert_eq(assay_plugin_open(module, &plugin, &said), ASSAY_OK, "%s", said.message);
}

static void open_gpu(void)
{
    open_module();
    cr_assert_eq(assay_gpu_open(plugin.accelerator, 0, &gpu, &said), ASSAY_OK, "%s", said.message);
}

static void close_gpu(void)
{
    assay_gpu_close(&gpu);
    assay_plugin_close(&plugin);
}

static assay_status spin(void *context)
{
    return gpu->timing->spin(0, gpu->stream, *(const uint64_t *)context, &said);
}

static assay_status wait_for_the_device(void *context)
{
    (void)context;
    return gpu->accelerator->synchronise(0, gpu->stream, &said);
}

static assay_status refuse(void *context)
{
    (void)context;
    return assay_fail(&said, ASSAY_UNSUPPORTED, "not today");
}

/* Work is never shorter than its cycles; whoever disturbs it makes it longer. So the shortest of
 * some samples counts, of as many as it takes until one was not disturbed. */
Test(gpu, work_of_known_cycles_takes_its_cycles_over_the_clock, .fini = close_gpu)
{
    open_gpu();
    uint64_t short_spin = 3000000;
    uint64_t long_spin = 9000000;
    const double wanted = (double)(long_spin - short_spin);
    double short_least = INFINITY;
    double long_least = INFINITY;
    for (int tries = 0;; tries++) {
        assay_gpu_sample a;
        assay_gpu_sample b;
        cr_assert_eq(assay_gpu_time(gpu, false, spin, &short_spin, &a, &said), ASSAY_OK);
        cr_assert_eq(assay_gpu_time(gpu, true, spin, &long_spin, &b, &said), ASSAY_OK);
        short_least = fmin(short_least, a.seconds);
        long_least = fmin(long_least, b.seconds);
        const double difference = (long_least - short_least) * a.sm_mhz * 1e6;
        if (fabs(difference / wanted - 1.0) < 0.05 && fabs(a.sm_mhz / 1500.0 - 1.0) < 0.01) {
            break;
        }
        cr_assert_lt(tries, 500, "%g cycles at %g MHz, wanted %g", difference, a.sm_mhz, wanted);
    }
}

Test(gpu, work_that_waits_for_the_device_has_no_time, .fini = close_gpu)
{
    open_gpu();
    assay_gpu_sample sample;
    cr_expect_eq(assay_gpu_time(gpu, false, wait_for_the_device, NULL, &sample, &said),
                 ASSAY_BAD_INPUT);
    cr_expect_not_null(strstr(said.message, "waits for the device"), "%s", said.message);
    uint64_t cycles = 1000;
    cr_expect_eq(assay_gpu_time(gpu, false, spin, &cycles, &sample, &said), ASSAY_OK,
                 "the next sample: %s", said.message);
}

Test(gpu, an_error_of_the_work_is_the_samples_and_leaves_the_gate_open, .fini = close_gpu)
{
    open_gpu();
    assay_gpu_sample sample;
    cr_expect_eq(assay_gpu_time(gpu, false, refuse, NULL, &sample, &said), ASSAY_UNSUPPORTED);
    cr_expect_str_eq(said.message, "not today");
    uint64_t cycles = 1000;
    cr_expect_eq(assay_gpu_time(gpu, false, spin, &cycles, &sample, &said), ASSAY_OK);
}

Test(gpu, what_is_captured_runs_as_often_as_it_is_replayed_and_not_before, .fini = close_gpu)
{
    open_gpu();
    const assay_accelerator *const a = gpu->accelerator;
    void *memory = NULL;
    void *graph = NULL;
    unsigned char byte = 0;
    cr_assert_eq(a->allocate(0, 16, &memory, &said), ASSAY_OK);
    cr_assert_eq(a->fill(0, gpu->stream, memory, 1, 16, &said), ASSAY_OK);
    cr_assert_eq(gpu->timing->graph_begin(0, gpu->stream, &said), ASSAY_OK);
    cr_assert_eq(a->fill(0, gpu->stream, memory, 2, 16, &said), ASSAY_OK);
    cr_assert_eq(gpu->timing->graph_end(0, gpu->stream, &graph, &said), ASSAY_OK);
    cr_assert_eq(a->copy(0, gpu->stream, &byte, memory, 1, ASSAY_FROM_DEVICE, &said), ASSAY_OK);
    cr_assert_eq(assay_gpu_settle(gpu, &said), ASSAY_OK);
    cr_expect_eq(byte, 1);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(a->fill(0, gpu->stream, memory, 1, 16, &said), ASSAY_OK);
        cr_assert_eq(gpu->timing->graph_launch(0, graph, gpu->stream, &said), ASSAY_OK);
        cr_assert_eq(a->copy(0, gpu->stream, &byte, memory, 1, ASSAY_FROM_DEVICE, &said),
                     ASSAY_OK);
        cr_assert_eq(assay_gpu_settle(gpu, &said), ASSAY_OK);
        cr_expect_eq(byte, 2);
    }
    cr_expect_eq(gpu->timing->graph_close(0, graph, &said), ASSAY_OK);
    cr_expect_eq(a->release(0, memory, &said), ASSAY_OK);
}

Test(gpu, throttled_samples_are_marked, .fini = close_gpu)
{
    cr_assert_eq(setenv("ASSAY_NVML", fake_nvml, 1), 0);
    cr_assert_eq(setenv("ASSAY_EMULATED_BUS", "0000:3b:00.0", 1), 0);
    open_gpu();
    cr_assert_not_null(gpu->nvml, "%s", gpu->nvml_said.message);
    uint64_t cycles = 1000;
    assay_gpu_sample sample;
    cr_assert_eq(assay_gpu_time(gpu, false, spin, &cycles, &sample, &said), ASSAY_OK);
    cr_expect_eq(sample.throttle, ASSAY_THROTTLE_POWER_CAP | ASSAY_THROTTLE_THERMAL);
    cr_expect(sample.disturbed);
    cr_expect_eq(sample.state.celsius, 41.0);
    cr_expect(isnan(sample.joules), "the library has no counter of energy");
}

Test(gpu, a_clock_that_fell_marks_a_sample_without_nvml_too, .fini = close_gpu)
{
    open_gpu();
    cr_expect_null(gpu->nvml);
    cr_expect_not_null(strstr(gpu->nvml_said.message, "bus address"), "%s",
                       gpu->nvml_said.message);
    cr_assert_eq(assay_gpu_settle_clock(gpu, &said), ASSAY_OK);
    cr_expect_float_eq(gpu->clock_mhz, 1500.0, 15.0);
    uint64_t cycles = 100000;
    assay_gpu_sample sample;
    cr_assert_eq(assay_gpu_time(gpu, false, spin, &cycles, &sample, &said), ASSAY_OK);
    cr_expect_not(sample.disturbed);
    gpu->clock_mhz = 1700.0;
    cr_assert_eq(assay_gpu_time(gpu, false, spin, &cycles, &sample, &said), ASSAY_OK);
    cr_expect(sample.disturbed);
}

Test(gpu, where_there_is_no_device_it_says_so, .fini = close_gpu)
{
    cr_assert_eq(setenv("ASSAY_EMULATED_DEVICES", "0", 1), 0);
    open_module();
    cr_expect_eq(assay_gpu_open(plugin.accelerator, 0, &gpu, &said), ASSAY_UNSUPPORTED);
    cr_expect_null(gpu);
    cr_expect_not_null(strstr(said.message, "no CUDA-capable device"), "%s", said.message);
}

Test(gpu, an_accelerator_that_cannot_time_is_an_error_and_no_other_clock_is_taken,
     .fini = close_gpu)
{
    open_module();
    assay_accelerator other = *plugin.accelerator;
    other.timing = NULL;
    cr_expect_eq(assay_gpu_open(&other, 0, &gpu, &said), ASSAY_BAD_INPUT);
    cr_expect_not_null(strstr(said.message, "no timing functions"), "%s", said.message);
    other = *plugin.accelerator;
    other.size = ASSAY_ACCELERATOR_LEAST; /* of older headers: `timing` is not its own */
    cr_expect_null(assay_timing_of(&other));
    assay_accelerator_timing older = *plugin.accelerator->timing;
    older.size -= 8;
    other = *plugin.accelerator;
    other.timing = &older;
    cr_expect_null(assay_timing_of(&other));
    cr_expect_eq(assay_gpu_open(&other, 0, &gpu, &said), ASSAY_BAD_INPUT);
}

Test(gpu, the_clock_is_the_median_over_multiprocessors_that_stamped_twice)
{
    double scratch[5];
    const assay_stamp before[5] = {{100, 1000}, {500, 1000}, {0, 0}, {100, 1000}, {700, 1000}};
    const assay_stamp after[5] = {{150100, 101000}, /* 1500 MHz */
                                  {180500, 101000}, /* 1800 */
                                  {900000, 101000}, /* was not stamped before */
                                  {90100, 101000},  /* 900 */
                                  {0, 0}};          /* was not stamped after */
    cr_expect_float_eq(assay_stamps_megahertz(before, after, 5, scratch), 1500.0, 1e-9);
    cr_expect_float_eq(assay_stamps_megahertz(before, after, 2, scratch), 1650.0, 1e-9);
    const assay_stamp soon[1] = {{15100, 11000}};
    cr_expect(isnan(assay_stamps_megahertz(before, soon, 1, scratch)),
              "10 us are too few for a clock that ticks at a microsecond");
}
