/* Memory the probe reads and writes: huge pages where the system grants them, each thread's part
 * touched first by that thread (so that it lies in its own node), filled with random numbers. */
#ifndef BENCH_PROBE_REGION_H
#define BENCH_PROBE_REGION_H

#include <stddef.h>
#include <stdint.h>

#include "assay/status.h"

typedef struct assay_region {
    void *mapping;
    size_t mapped;
    uint8_t *base; /* aligned to a huge page */
    size_t part;   /* bytes of one thread's part, whole huge pages; parts follow each other */
} assay_region;

/* At least `part` bytes for each thread; no more than half of the memory that is free. */
assay_status assay_region_open(size_t part, int32_t threads, assay_region *region,
                               assay_error *error);
void assay_region_close(assay_region *region);

#endif
