/* What NVML says, by a library that answers as it does, and what is said where there is none. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "bench/gpu/nvml.h"

static const char fake[] = ASSAY_TEST_PLUGINS "/nvml.so";

Test(nvml, a_machine_without_the_library_is_no_error_of_its_own)
{
    assay_nvml *nvml = NULL;
    assay_error error = {.message = ""};
    cr_expect_eq(assay_nvml_open("libno-such-nvml.so.1", "0000:3b:00.0", &nvml, &error),
                 ASSAY_UNSUPPORTED);
    cr_expect_null(nvml);
    cr_expect_not_null(strstr(error.message, "libno-such-nvml.so.1"), "%s", error.message);
    assay_nvml_close(&nvml);
}

Test(nvml, another_library_is_refused_by_the_function_it_lacks)
{
    assay_nvml *nvml = NULL;
    assay_error error = {.message = ""};
    cr_expect_eq(assay_nvml_open(ASSAY_TEST_PLUGINS "/deeds.so", "0000:3b:00.0", &nvml, &error),
                 ASSAY_UNSUPPORTED);
    cr_expect_not_null(strstr(error.message, "nvmlInit_v2"), "%s", error.message);
}

Test(nvml, a_bus_where_no_gpu_is_is_named)
{
    assay_nvml *nvml = NULL;
    assay_error error = {.message = ""};
    cr_expect_eq(assay_nvml_open(fake, "0000:99:00.0", &nvml, &error), ASSAY_UNSUPPORTED);
    cr_expect_null(nvml);
    cr_expect_not_null(strstr(error.message, "0000:99:00.0: Not Found"), "%s", error.message);
}

Test(nvml, what_a_gpu_tells_comes_in_our_units)
{
    assay_nvml *nvml = NULL;
    assay_error error = {.message = ""};
    assay_gpu_state state;
    assay_gpu_limits limits;
    cr_assert_eq(assay_nvml_open(fake, "0000:3b:00.0", &nvml, &error), ASSAY_OK, "%s",
                 error.message);
    assay_nvml_state(nvml, &state);
    cr_expect_eq(state.sm_mhz, 1755.0);
    cr_expect_eq(state.memory_mhz, 2619.0);
    cr_expect_eq(state.celsius, 41.0);
    cr_expect_float_eq(state.watts, 123.456, 1e-9);
    cr_expect(isnan(state.joules), "it has no counter of energy");
    cr_expect(state.throttle_known);
    cr_expect_eq(state.throttle, 0);
    assay_nvml_state(nvml, &state);
    cr_expect_eq(state.throttle, ASSAY_THROTTLE_POWER_CAP | ASSAY_THROTTLE_THERMAL);
    cr_expect((state.throttle & ASSAY_THROTTLE_DISTURBS) != 0);
    assay_nvml_limits(nvml, &limits);
    cr_expect_eq(limits.sm_mhz_most, 1980.0);
    cr_expect(isnan(limits.watts_most), "it tells of no limit");
    cr_expect_str_eq(limits.driver, "580.82.07");
    assay_nvml_close(&nvml);
    cr_expect_null(nvml);
}

Test(nvml, reasons_have_words)
{
    char words[128];
    assay_throttle_words(0, words, sizeof words);
    cr_expect_str_eq(words, "none");
    assay_throttle_words(0x24, words, sizeof words);
    cr_expect_str_eq(words, "power cap, thermal");
    assay_throttle_words(~0ull, words, 12);
    cr_expect_eq(strlen(words), 11, "%s", words);
}
