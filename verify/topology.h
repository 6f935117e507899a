/* The processors this process may use, their caches and memory, as hwloc sees them. */
#ifndef VERIFY_TOPOLOGY_H
#define VERIFY_TOPOLOGY_H

#include <stdint.h>

enum {
    ASSAY_CACHE_LEVELS = 4,
    ASSAY_CPUS_MAX = 1024 /* what a cpu_set_t holds */
};

typedef struct assay_topology {
    int32_t cpu_count; /* hardware threads within this process's affinity and control group */
    int32_t cores;     /* physical cores among them */
    int32_t packages;
    int32_t nodes;     /* of memory (NUMA) */
    double quota;      /* processors' worth of time the control group grants; 0: no limit */
    uint64_t memory_bytes;
    uint64_t cache_bytes[ASSAY_CACHE_LEVELS]; /* L1d, L2, …: one instance as a core sees it; or 0 */
    int32_t cache_cores[ASSAY_CACHE_LEVELS];  /* usable cores that share one instance, at least 1 */
    int32_t cpu[ASSAY_CPUS_MAX]; /* the system's numbers: one of every core first, then siblings */
} assay_topology;

/* Looked at once, at the first call: threads that are bound later do not narrow it. A process that
 * was spawned by a bound thread sees that thread's processors only. */
const assay_topology *assay_topology_get(void);

/* Cores that threads can be put on, one each: no more than the quota grants, at least 1. */
int32_t assay_topology_threads(const assay_topology *topology);

/* Bytes of the last-level cache, all that one core sees of it; 0 when unknown. */
uint64_t assay_topology_last_cache(const assay_topology *topology);

#endif
