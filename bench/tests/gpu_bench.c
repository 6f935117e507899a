/* `assay bench` of a device's kernels, on an emulated device. */
#include <criterion/criterion.h>
#include <cjson/cJSON.h>

#include "verify/tests/run_assay.h"

#define MODULE ASSAY_TEST_PLUGINS "/../assay_cuda_emulated_device.so"
#define RUN                                                                                        \
    "bench --quick --case rmsnorm-tiny --batch 1 --impl cuda --stop count:3 --processes 1 "       \
    "--plugin " MODULE " --json "

/* The environment of a library that tells what NVML would, of the emulated device. */
#define WITH_NVML "ASSAY_EMULATED_BUS=0000:3b:00.0 ASSAY_NVML=" ASSAY_TEST_PLUGINS "/nvml.so"

static cJSON *read_json(const char *path)
{
    char *const text = run_read(path);
    cJSON *const json = cJSON_Parse(text);
    free(text);
    cr_assert_not_null(json, "%s", path);
    return json;
}

static const cJSON *in(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

Test(gpu_bench, a_timing_says_its_clock_and_marks_throttled_samples)
{
    run_output run = run_assay_with(WITH_NVML, RUN "gpu-bench-nvml.json");
    cr_assert_eq(run.status, 0, "%s", run.err);
    cr_expect_null(strstr(run.err, "not recorded"), "%s", run.err);
    cJSON *const json = read_json("gpu-bench-nvml.json");
    cr_expect_eq(cJSON_GetArraySize(in(json, "timings")), 2);
    const cJSON *timing;
    cJSON_ArrayForEach(timing, in(json, "timings"))
    {
        const cJSON *const samples = in(timing, "samples");
        cr_expect_str_eq(in(timing, "verdict")->valuestring, "PASS");
        cr_expect_str_eq(in(in(timing, "gpu"), "timer")->valuestring, "events");
        cr_expect_null(in(timing, "floor"), "the host's ceilings are no GPU's");
        cr_expect_eq(cJSON_GetArraySize(in(samples, "sm_megahertz")), 3);
        cr_expect_float_eq(in(samples, "sm_megahertz")->child->valuedouble, 1500.0, 75.0);
        cr_expect_eq(in(samples, "gpu_throttle")->child->valueint, 0x24);
        cr_expect_eq(in(in(timing, "summary"), "contaminated")->valueint, 3);
        cr_expect_null(in(samples, "core_share"), "the host's cores have no part in it");
        cr_expect_null(in(samples, "gpu_joules"), "the library has no counter of energy");
    }
    cJSON_Delete(json);
    run_free(&run);
}

Test(gpu_bench, a_missing_management_library_is_said)
{
    run_output run = run_assay_with("ASSAY_NVML=libno-such.so", RUN "gpu-bench-plain.json");
    cr_assert_eq(run.status, 0, "%s", run.err);
    cr_expect_not_null(strstr(run.err, "throttle reasons of the GPU are not recorded"), "%s",
                       run.err);
    cJSON *const json = read_json("gpu-bench-plain.json");
    const cJSON *const gpu = in(in(json, "timings")->child, "gpu");
    cr_expect_not_null(in(gpu, "without_nvml"));
    cJSON_Delete(json);
    run_free(&run);
}

Test(gpu_bench, floors_are_those_of_the_devices_own_probe)
{
    static const char here[] = "ASSAY_CACHE=./gpu-bench-cache";
    run_output probe = run_assay_with(here, "probe --quick --json gpu-bench-probe.json --plugin "
                                            MODULE);
    cr_assert_eq(probe.status, 0, "%s", probe.err);
    run_output run = run_assay_with(here, RUN "gpu-bench-floors.json");
    cr_assert_eq(run.status, 0, "%s", run.err);
    cr_expect_null(strstr(run.err, "no floors"), "%s", run.err);
    cJSON *const json = read_json("gpu-bench-floors.json");
    cJSON *const ceilings = read_json("gpu-bench-probe.json");
    const cJSON *timing;
    cJSON_ArrayForEach(timing, in(json, "timings"))
    {
        const cJSON *const floor = in(timing, "floor");
        cr_assert_not_null(floor);
        cr_expect_eq(strncmp(in(floor, "bound")->valuestring, "gpu/bandwidth/", 14), 0);
        cr_expect(in(floor, "seconds")->valuedouble > 0.0);
    }
    const cJSON *entry;
    int bandwidths = 0;
    int latencies = 0;
    int products = 0;
    cJSON_ArrayForEach(entry, in(in(ceilings, "ceilings"), "entries"))
    {
        const char *const name = in(entry, "name")->valuestring;
        cr_expect_eq(strncmp(name, "gpu/", 4), 0, "%s", name);
        bandwidths += strncmp(name, "gpu/bandwidth/", 14) == 0;
        latencies += strcmp(name, "gpu/latency/launch") == 0;
        latencies += strcmp(name, "gpu/latency/kernel") == 0;
        if (strncmp(name, "gpu/linear/", 11) == 0) {
            products++;
            cr_expect_str_eq(name, "gpu/linear/f32", "what both of the module's flows multiply");
            cr_expect_str_eq(in(entry, "unit")->valuestring, "FLOP/s");
            cr_expect(in(entry, "value")->valuedouble > 1e3);
        }
        cr_expect_eq(strncmp(name, "gpu/multiply_add/", 17) == 0, false,
                     "matrix units are not emulated and yet measured");
    }
    cr_expect_eq(bandwidths, 4, "reading and copying, memory and cache");
    cr_expect_eq(latencies, 2);
    cr_expect_eq(products, 1);
    const cJSON *const gpus = in(in(json, "environment"), "gpus");
    cr_expect_eq(cJSON_GetArraySize(gpus), 1, "results name their devices");
    cJSON_Delete(json);
    cJSON_Delete(ceilings);
    run_free(&probe);
    run_free(&run);
}

Test(gpu_bench, without_a_device_nothing_is_timed_and_the_reason_stands_there)
{
    run_output run =
        run_assay_with("ASSAY_EMULATED_DEVICES=0", RUN "gpu-bench-none.json");
    cJSON *const json = read_json("gpu-bench-none.json");
    cr_expect_eq(cJSON_GetArraySize(in(json, "timings")), 0);
    const cJSON *const skipped = in(json, "skipped");
    cr_assert_eq(cJSON_GetArraySize(skipped), 2, "%s", run.err);
    cr_expect_not_null(strstr(in(skipped->child, "reason")->valuestring, "no CUDA-capable device"));
    cJSON_Delete(json);
    run_free(&run);
}

/* It passes the judgement before, and breaks the device in the timed calls. */
Test(gpu_bench, a_lost_device_is_the_crash_of_its_kernel_and_nobody_elses)
{
    static const char cases[] =
        "{\"format\": \"assay-bench-cases\", \"version\": 1, \"cases\": [{\"id\": \"sum\","
        " \"system\": \"tiny\", \"batch\": [4],"
        " \"case\": {\"op\": \"add\", \"shape\": {\"d\": 8}}}]}";
    FILE *const file = fopen("gpu-bench-lost-cases.json", "w");
    cr_assert_not_null(file);
    (void)fputs(cases, file);
    cr_assert_eq(fclose(file), 0);
    run_output run = run_assay("bench --cases gpu-bench-lost-cases.json --impl illegal-later,right "
                               "--cache warm --stop count:500 --processes 1 --plugin "
                               ASSAY_TEST_PLUGINS "/device.so --json gpu-bench-lost.json");
    cr_assert_eq(run.status, 1, "%s%s", run.out, run.err);
    cJSON *const json = read_json("gpu-bench-lost.json");
    const cJSON *timing;
    bool right = false;
    cJSON_ArrayForEach(timing, in(json, "timings"))
    {
        const bool own = strcmp(in(timing, "impl")->valuestring, "right") == 0;
        cr_expect_str_eq(in(timing, "verdict")->valuestring, own ? "PASS" : "CRASH");
        cr_expect(own || strstr(in(timing, "message")->valuestring, "kernel put_later") != NULL);
        right = right || own;
    }
    cr_expect(right);
    cr_expect_not_null(strstr(run.out, "an illegal memory access"), "%s", run.out);
    cJSON_Delete(json);
    run_free(&run);
}

Test(gpu_bench, the_clock_is_judged_on_spins_of_known_cycles)
{
    run_output run = run_assay("selftest timer --quick --plugin " MODULE);
    cr_expect(run.status == 0 || run.status == 1, "%s", run.err);
    cr_expect_not_null(strstr(run.out, "cycles take"), "%s", run.out);
    run_output none =
        run_assay_with("ASSAY_EMULATED_DEVICES=0", "selftest timer --quick --plugin " MODULE);
    cr_expect_eq(none.status, 3);
    cr_expect_not_null(strstr(none.err, "no device"), "%s", none.err);
    run_free(&run);
    run_free(&none);
}

Test(gpu_bench, a_stage_is_timed_by_the_device_too)
{
    run_output run = run_assay_with(
        WITH_NVML,
        "bench --quick --system tiny --op capture --batch 1 --impl cuda --cache warm --longest 60 "
        "--stop count:1 --processes 1 --plugin " MODULE " --json gpu-bench-stage.json");
    cr_assert_eq(run.status, 0, "%s", run.err);
    cJSON *const json = read_json("gpu-bench-stage.json");
    const cJSON *const timing = in(json, "timings")->child;
    cr_assert_not_null(timing, "%s", run.out);
    const cJSON *const samples = in(timing, "samples");
    cr_expect_str_eq(in(in(timing, "gpu"), "timer")->valuestring, "span");
    const int count = cJSON_GetArraySize(in(samples, "seconds"));
    cr_expect_geq(count, 1);
    cr_expect_eq(cJSON_GetArraySize(in(samples, "sm_megahertz")), count);
    cr_expect_eq(cJSON_GetArraySize(in(samples, "gpu_watts")), count);
    cr_expect_eq(in(samples, "gpu_throttle")->child->valueint, 0x24);
    cr_expect_eq(in(in(timing, "summary"), "contaminated")->valueint, count);
    cr_expect_null(in(samples, "switches"), "the host's cores do not decide what counts");
    cJSON_Delete(json);
    run_free(&run);
}

Test(gpu_bench, the_device_is_the_one_that_was_asked_for)
{
    static const char two[] = "ASSAY_EMULATED_DEVICES=2";
    run_output run = run_assay_with(two, RUN "gpu-bench-second.json --device 1");
    cr_assert_eq(run.status, 0, "%s", run.err);
    cJSON *const json = read_json("gpu-bench-second.json");
    const cJSON *const timing = in(json, "timings")->child;
    cr_expect_str_eq(in(timing, "verdict")->valuestring, "PASS");
    cr_expect_eq(in(in(timing, "gpu"), "device")->valueint, 1);
    cr_expect_eq(cJSON_GetArraySize(in(in(json, "environment"), "gpus")), 2);
    cJSON_Delete(json);
    run_free(&run);
    static const char *const commands[] = {RUN "gpu-bench-third.json --device 2",
                                           "probe --quick --device 2 --plugin " MODULE,
                                           "selftest timer --quick --device 2 --plugin " MODULE};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        run_output none = run_assay_with(two, commands[i]);
        cr_expect_eq(none.status, 3, "%s", commands[i]);
        cr_expect_not_null(strstr(none.err, "there are 2"), "%s: %s", commands[i], none.err);
        run_free(&none);
    }
    run_output alone = run_assay("bench --quick --device 0");
    cr_expect_eq(alone.status, 2);
    cr_expect_not_null(strstr(alone.err, "--plugin"), "%s", alone.err);
    run_free(&alone);
}

Test(gpu_bench, energy_comes_by_the_counter_and_by_the_power)
{
    run_output run = run_assay_with(
        "ASSAY_TEST_ENERGY=1 " WITH_NVML,
        RUN "gpu-bench-energy.json --energy --cache warm");
    cr_assert_eq(run.status, 0, "%s", run.err);
    cJSON *const json = read_json("gpu-bench-energy.json");
    const cJSON *const timing = in(json, "timings")->child;
    const cJSON *const energy = in(timing, "energy");
    cr_assert_not_null(energy);
    const double seconds = in(energy, "seconds")->valuedouble;
    const double joules = in(energy, "counter_joules")->valuedouble;
    cr_expect_geq(seconds, 1.0);
    cr_expect_float_eq(joules / seconds, 100.0, 10.0, "%g W", joules / seconds);
    cr_expect_float_eq(in(energy, "power_joules")->valuedouble / seconds, 123.456, 0.01);
    cr_expect_geq(in(energy, "calls")->valuedouble, 1.0);
    const double row = joules / in(energy, "calls")->valuedouble /
                       in(in(timing, "work"), "rows")->valuedouble;
    cr_expect_float_eq(in(in(timing, "metrics"), "joules_per_row")->valuedouble, row, 1e-9 * row);
    cJSON_Delete(json);
    run_free(&run);
}

Test(gpu_bench, energy_that_nobody_tells_is_not_measured_and_says_why)
{
    run_output run = run_assay_with("ASSAY_NVML=libno-such.so",
                                    RUN "gpu-bench-no-energy.json --energy --cache warm");
    cr_assert_eq(run.status, 0, "%s", run.err);
    cJSON *const json = read_json("gpu-bench-no-energy.json");
    const cJSON *const timing = in(json, "timings")->child;
    cr_expect_not_null(strstr(in(in(timing, "energy"), "not_measured")->valuestring, "NVML"));
    cr_expect_str_eq(in(timing, "verdict")->valuestring, "PASS");
    cr_expect_null(in(in(timing, "metrics"), "joules_per_row"));
    cJSON_Delete(json);
    run_free(&run);
}

Test(gpu_bench, a_comparison_says_how_many_of_its_samples_were_throttled)
{
    run_output run = run_assay_with(
        WITH_NVML,
        "bench --quick --case rmsnorm-tiny --batch 1 --impl cuda --against cuda_bf16 --pairs 2 "
        "--cache warm --plugin " MODULE " --json gpu-bench-pairs.json");
    cr_assert_eq(run.status, 0, "%s", run.err);
    cJSON *const json = read_json("gpu-bench-pairs.json");
    const cJSON *const comparison = in(json, "comparisons")->child;
    cr_assert_not_null(comparison, "%s", run.out);
    cr_expect_gt(in(comparison, "disturbed")->valueint, 0);
    cr_expect_not_null(strstr(run.out, "the GPU's clock was held down"), "%s", run.out);
    cJSON_Delete(json);
    run_free(&run);
}
