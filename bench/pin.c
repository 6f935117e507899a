#include "bench/pin.h"

#include <errno.h>
#include <omp.h>
#include <stdatomic.h>
#include <string.h>

static atomic_int bound; /* how many of the topology's processors are in use; 0: not pinned */

static int bind_to(int32_t cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

static void fill(cpu_set_t *set, const assay_topology *topology, int32_t count)
{
    CPU_ZERO(set);
    for (int32_t i = 0; i < count; i++) {
        CPU_SET((size_t)topology->cpu[i], set);
    }
}

assay_status assay_pin_threads(int32_t threads, int32_t *used, assay_error *error)
{
    const assay_topology *const topology = assay_topology_get();
    const int32_t count = threads == 0 ? assay_topology_threads(topology) : threads;
    if (count < 1 || count > topology->cpu_count) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "%d threads cannot be pinned: this process may use %d processors",
                          (int)count, (int)topology->cpu_count);
    }
    int failed = 0;
    int team = 0;
#pragma omp parallel num_threads(count) reduction(max : failed, team)
    {
        failed = bind_to(topology->cpu[omp_get_thread_num()]);
        team = omp_get_num_threads();
    }
    if (team == count && failed == 0) {
        bound = count;
        *used = count;
        return ASSAY_OK;
    }
    assay_pin_release(team);
    return team != count
               ? assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "%d threads asked for, OpenMP gives %d: raise OMP_THREAD_LIMIT",
                            (int)count, team)
               : assay_fail(error, ASSAY_UNSUPPORTED, "threads cannot be pinned here: %s",
                            strerror(failed));
}

void assay_pin_self(int32_t thread)
{
    if (thread < bound) {
        (void)bind_to(assay_topology_get()->cpu[thread]);
    }
}

void assay_pin_release(int32_t threads)
{
    const assay_topology *const topology = assay_topology_get();
    cpu_set_t all;
    fill(&all, topology, topology->cpu_count);
#pragma omp parallel num_threads(threads)
    {
        (void)sched_setaffinity(0, sizeof all, &all);
    }
    bound = 0;
}

void assay_pin_cpus(cpu_set_t *set)
{
    const assay_topology *const topology = assay_topology_get();
    fill(set, topology, bound > 0 ? bound : topology->cpu_count);
}

int32_t assay_pin_count(void)
{
    return bound;
}
