#include "verify/topology.h"

#include <hwloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static assay_topology seen;

/* Control group 2, else 1: quota and period in microseconds; "max" and -1 mean none. */
static double cpu_quota(void)
{
    double quota = 0;
    double period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (file != NULL) {
        const int got = fscanf(file, "%lf %lf", &quota, &period);
        (void)fclose(file);
        return got == 2 && quota > 0 && period > 0 ? quota / period : 0;
    }
    static const char *const paths[2] = {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
                                         "/sys/fs/cgroup/cpu/cpu.cfs_period_us"};
    double *const values[2] = {&quota, &period};
    for (int i = 0; i < 2; i++) {
        file = fopen(paths[i], "r");
        if (file != NULL) {
            *values[i] = fscanf(file, "%lf", values[i]) == 1 ? *values[i] : 0;
            (void)fclose(file);
        }
    }
    return quota > 0 && period > 0 ? quota / period : 0;
}

/* What stands when hwloc can say nothing: the affinity alone. */
static void look_without_hwloc(void)
{
    cpu_set_t set;
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page = sysconf(_SC_PAGESIZE);
    seen = (assay_topology){.packages = 1, .nodes = 1};
    seen.memory_bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        for (int32_t i = 0; i < CPU_SETSIZE; i++) {
            if (CPU_ISSET((size_t)i, &set)) {
                seen.cpu[seen.cpu_count++] = i;
            }
        }
    }
    seen.cpu_count = seen.cpu_count > 0 ? seen.cpu_count : 1;
    seen.cores = seen.cpu_count;
}

static int32_t count_of(hwloc_topology_t topology, hwloc_obj_type_t type)
{
    const int count = hwloc_get_nbobjs_by_type(topology, type);
    return count > 0 ? count : 0;
}

/* The first hardware thread of every core, then the second ones, … */
static void list_cpus(hwloc_topology_t topology)
{
    const hwloc_obj_type_t whole =
        count_of(topology, HWLOC_OBJ_CORE) > 0 ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
    const int32_t all = count_of(topology, HWLOC_OBJ_PU);
    seen.cores = count_of(topology, whole);
    for (unsigned sibling = 0; seen.cpu_count < all && sibling < 64; sibling++) {
        for (int32_t i = 0; i < seen.cores && seen.cpu_count < ASSAY_CPUS_MAX; i++) {
            const hwloc_obj_t core = hwloc_get_obj_by_type(topology, whole, (unsigned)i);
            const hwloc_obj_t unit = hwloc_get_obj_inside_cpuset_by_type(
                topology, core->cpuset, HWLOC_OBJ_PU, sibling);
            if (unit != NULL && unit->os_index < ASSAY_CPUS_MAX) {
                seen.cpu[seen.cpu_count++] = (int32_t)unit->os_index;
            }
        }
    }
}

static void look_at_caches(hwloc_topology_t topology)
{
    static const hwloc_obj_type_t types[ASSAY_CACHE_LEVELS] = {
        HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L4CACHE};
    for (int i = 0; i < ASSAY_CACHE_LEVELS; i++) {
        const hwloc_obj_t cache = hwloc_get_obj_by_type(topology, types[i], 0);
        seen.cache_cores[i] = 1;
        if (cache != NULL) {
            const int cores = hwloc_get_nbobjs_inside_cpuset_by_type(topology, cache->cpuset,
                                                                     HWLOC_OBJ_CORE);
            seen.cache_bytes[i] = cache->attr->cache.size;
            seen.cache_cores[i] = cores > 1 ? cores : 1;
        }
    }
}

/* Only what this process may use: what its control group forbids hwloc leaves out by itself. */
static bool restrict_to_affinity(hwloc_topology_t topology)
{
    hwloc_bitmap_t mine = hwloc_bitmap_alloc();
    const bool good = mine != NULL &&
                      hwloc_get_cpubind(topology, mine, HWLOC_CPUBIND_THREAD) == 0 &&
                      hwloc_topology_restrict(topology, mine, 0) == 0;
    hwloc_bitmap_free(mine);
    return good;
}

static void look(void)
{
    hwloc_topology_t topology = NULL;
    bool good = hwloc_topology_init(&topology) == 0;
    /* Looking must not move a thread that is bound, nor wait for devices. */
    good = good && hwloc_topology_set_flags(topology,
                                            HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING) == 0;
    good = good && hwloc_topology_load(topology) == 0;
    if (good) {
        seen.memory_bytes = hwloc_get_root_obj(topology)->total_memory;
        (void)restrict_to_affinity(topology); /* refused: then all of the machine is usable */
        list_cpus(topology);
        look_at_caches(topology);
        seen.packages = count_of(topology, HWLOC_OBJ_PACKAGE);
        seen.nodes = count_of(topology, HWLOC_OBJ_NUMANODE);
    }
    if (seen.cpu_count == 0) {
        look_without_hwloc();
    }
    if (topology != NULL) {
        hwloc_topology_destroy(topology);
    }
    seen.quota = cpu_quota();
}

const assay_topology *assay_topology_get(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, look);
    return &seen;
}

int32_t assay_topology_threads(const assay_topology *topology)
{
    int32_t threads = topology->cores;
    if (topology->quota > 0 && topology->quota < (double)threads) {
        threads = (int32_t)topology->quota;
    }
    return threads > 0 ? threads : 1;
}

uint64_t assay_topology_last_cache(const assay_topology *topology)
{
    for (int i = ASSAY_CACHE_LEVELS; i > 0; i--) {
        if (topology->cache_bytes[i - 1] > 0) {
            return topology->cache_bytes[i - 1];
        }
    }
    return 0;
}
