/* Pinned threads stay where they are put, one a core, and can be let go again. */
#include <criterion/criterion.h>
#include <omp.h>
#include <string.h>

#include "bench/pin.h"

Test(pin, the_topology_is_within_what_the_process_may_use)
{
    cpu_set_t mine;
    cr_assert_eq(sched_getaffinity(0, sizeof mine, &mine), 0);
    const assay_topology *const topology = assay_topology_get();
    cr_assert_eq(topology->cpu_count, CPU_COUNT(&mine));
    cr_expect(topology->cores >= 1 && topology->cores <= topology->cpu_count);
    cr_expect(topology->memory_bytes > 0);
    cpu_set_t listed;
    CPU_ZERO(&listed);
    for (int i = 0; i < topology->cpu_count; i++) {
        cr_expect(CPU_ISSET((size_t)topology->cpu[i], &mine));
        cr_expect(!CPU_ISSET((size_t)topology->cpu[i], &listed), "listed twice");
        CPU_SET((size_t)topology->cpu[i], &listed);
    }
    const int threads = assay_topology_threads(topology);
    cr_expect(threads >= 1 && threads <= topology->cores);
}

Test(pin, a_process_bound_before_it_starts_sees_only_its_own_processors)
{
    cpu_set_t mine;
    cr_assert_eq(sched_getaffinity(0, sizeof mine, &mine), 0);
    size_t first = 0;
    while (!CPU_ISSET(first, &mine)) {
        first++;
    }
    CPU_ZERO(&mine);
    CPU_SET(first, &mine);
    cr_assert_eq(sched_setaffinity(0, sizeof mine, &mine), 0);
    cr_assert_eq(assay_topology_get()->cpu_count, 1);
    cr_expect_eq(assay_topology_get()->cpu[0], (int)first);
    cr_expect_eq(assay_topology_threads(assay_topology_get()), 1);
}

Test(pin, each_thread_of_the_team_has_a_processor_of_its_own)
{
    assay_error error;
    int32_t used = 0;
    const assay_status status = assay_pin_threads(0, &used, &error);
    if (status == ASSAY_UNSUPPORTED) {
        cr_skip_test("%s", error.message);
    }
    cr_assert_eq(status, ASSAY_OK, "%s", error.message);
    cr_assert_eq(used, assay_topology_threads(assay_topology_get()));
    int at[ASSAY_CPUS_MAX];
    int allowed[ASSAY_CPUS_MAX];
#pragma omp parallel num_threads(used)
    {
        cpu_set_t set;
        (void)sched_getaffinity(0, sizeof set, &set);
        allowed[omp_get_thread_num()] = CPU_COUNT(&set);
        at[omp_get_thread_num()] = sched_getcpu();
    }
    cpu_set_t pinned;
    assay_pin_cpus(&pinned);
    cr_expect_eq(CPU_COUNT(&pinned), used);
    for (int i = 0; i < used; i++) {
        cr_expect_eq(allowed[i], 1);
        cr_expect_eq(at[i], assay_topology_get()->cpu[i]);
        cr_expect(CPU_ISSET((size_t)at[i], &pinned));
    }
    assay_pin_release(used);
    cpu_set_t free_again;
    (void)sched_getaffinity(0, sizeof free_again, &free_again);
    cr_expect_eq(CPU_COUNT(&free_again), assay_topology_get()->cpu_count);
}

Test(pin, more_threads_than_processors_is_said)
{
    assay_error error = {.message = ""};
    int32_t used = 7;
    cr_expect_eq(assay_pin_threads(assay_topology_get()->cpu_count + 1, &used, &error),
                 ASSAY_BAD_ARGUMENT);
    cr_expect_eq(used, 7);
    cr_expect_not_null(strstr(error.message, "may use"), "%s", error.message);
    cr_expect_eq(assay_pin_threads(-1, &used, &error), ASSAY_BAD_ARGUMENT);
}
