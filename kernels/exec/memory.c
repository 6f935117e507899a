#include "kernels/exec/memory.h"

#include <stdlib.h>

#include "kernels/registry.h"

enum { ALIGNMENT = 256 };

assay_status assay_memory_take(const assay_exec *exec, uint64_t bytes, const char *what,
                               void **memory)
{
    *memory = NULL;
    const uint64_t known = exec->device.space == ASSAY_HOST ? exec->device.memory_bytes : 0;
    const uint64_t free_bytes = known != 0 ? known : assay_host_device().memory_bytes;
    if (bytes > free_bytes) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY,
                          "%s needs %.1f MiB, %.1f MiB are free; use fewer or shorter rows", what,
                          (double)bytes / 0x1p20, (double)free_bytes / 0x1p20);
    }
    const uint64_t rounded = (bytes / ALIGNMENT + 1) * ALIGNMENT;
    *memory = aligned_alloc(ALIGNMENT, (size_t)rounded);
    if (*memory == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "%s: the system refused %.1f MiB", what,
                          (double)bytes / 0x1p20);
    }
    return ASSAY_OK;
}

void assay_memory_return(const assay_exec *exec, void **memory)
{
    (void)exec; /* the other half of taking */
    free(*memory);
    *memory = NULL;
}

void assay_layout_place(assay_layout *layout, assay_tensor *tensor, assay_dtype dtype, int64_t rows,
                        int64_t columns)
{
    *tensor = assay_matrix(NULL, dtype, rows, columns);
    tensor->data = (void *)(uintptr_t)layout->bytes;
    const uint64_t count = assay_size_times((uint64_t)rows, (uint64_t)columns);
    const uint64_t bytes = assay_size_times(count, assay_dtype_size(dtype));
    const uint64_t end = assay_size_plus(assay_size_plus(layout->bytes, bytes), ALIGNMENT - 1);
    layout->bytes = end == UINT64_MAX ? end : end / ALIGNMENT * ALIGNMENT;
}

void assay_layout_settle(void *block, assay_tensor *tensor)
{
    tensor->data = (char *)block + (uintptr_t)tensor->data;
}
