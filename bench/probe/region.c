#include "bench/probe/region.h"

#include <omp.h>
#include <sys/mman.h>

#include "bench/pin.h"
#include "bench/probe/probe_parts.h"
#include "kernels/registry.h"

#define HUGE_PAGE ((size_t)2 << 20)

static void fill(const assay_region *region, int32_t threads)
{
#pragma omp parallel num_threads(threads)
    {
        const int32_t thread = omp_get_thread_num();
        uint64_t state = 0x9e3779b97f4a7c15u + (uint64_t)thread;
        uint64_t *const word = (uint64_t *)(void *)(region->base + (size_t)thread * region->part);
        assay_pin_self(thread);
        for (size_t i = 0; i < region->part / sizeof *word; i++) {
            word[i] = assay_probe_random(&state);
        }
    }
}

assay_status assay_region_open(size_t part, int32_t threads, assay_region *region,
                               assay_error *error)
{
    const uint64_t available = assay_host_device().memory_bytes;
    *region = (assay_region){.part = (part + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE};
    const size_t wanted = region->part * (size_t)threads;
    if (wanted > available / 2) {
        return assay_fail(error, ASSAY_NO_MEMORY,
                          "the probe needs %.1f GiB to get past the caches and takes a half of "
                          "what is free at most (%.1f GiB are): free some memory",
                          (double)wanted / 0x1p30, (double)available / 0x1p30);
    }
    region->mapped = wanted + HUGE_PAGE;
    region->mapping = mmap(NULL, region->mapped, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region->mapping == MAP_FAILED) {
        region->mapping = NULL;
        return assay_fail(error, ASSAY_NO_MEMORY, "no %.1f GiB for the probe: free some memory",
                          (double)region->mapped / 0x1p30);
    }
    const uintptr_t start = (uintptr_t)region->mapping;
    region->base = (uint8_t *)region->mapping + ((HUGE_PAGE - start % HUGE_PAGE) % HUGE_PAGE);
    (void)madvise(region->mapping, region->mapped, MADV_HUGEPAGE); /* advice only */
    fill(region, threads);
    return ASSAY_OK;
}

void assay_region_close(assay_region *region)
{
    if (region->mapping != NULL) {
        (void)munmap(region->mapping, region->mapped);
    }
    *region = (assay_region){.mapping = NULL};
}
