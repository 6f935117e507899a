#include "bench/evict.h"

#include <stddef.h>
#include <sys/mman.h>

#include "verify/topology.h"

enum { LINE_BYTES = 64 };

void assay_evict(void)
{
    static unsigned char *memory;
    static size_t bytes;
    if (memory == NULL) {
        bytes = 2 * (size_t)assay_topology_last_cache(assay_topology_get());
        bytes = bytes == 0 ? (size_t)64 << 20 : bytes;
        void *const taken =
            mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (taken == MAP_FAILED) {
            return;
        }
        (void)madvise(taken, bytes, MADV_HUGEPAGE);
        memory = taken;
    }
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < bytes; i += LINE_BYTES) {
        memory[i] = (unsigned char)(memory[i] + 1);
    }
}
