/* Host memory of compositions, checked against what is free before it is asked for; what a table's
 * kernels want elsewhere is space.h's. */
#ifndef KERNELS_EXEC_MEMORY_H
#define KERNELS_EXEC_MEMORY_H

#include "assay/exec.h"

/* bytes on the host, aligned to 256. `what` names the use in the error. */
assay_status assay_memory_take(const assay_exec *exec, uint64_t bytes, const char *what,
                               void **memory);
void assay_memory_return(const assay_exec *exec, void **memory);

/* Sizes that stop at UINT64_MAX instead of wrapping round, so an absurd one is refused. */
static inline uint64_t assay_size_times(uint64_t a, uint64_t b)
{
    return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static inline uint64_t assay_size_plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Several matrices in one block: first every one is placed, then the block is taken, then each gets
 * its address. */
typedef struct assay_layout {
    uint64_t bytes;
} assay_layout;

/* Appends a dense [rows, columns] matrix; its data holds the offset until assay_layout_settle. */
void assay_layout_place(assay_layout *layout, assay_tensor *tensor, assay_dtype dtype, int64_t rows,
                        int64_t columns);
void assay_layout_settle(void *block, assay_tensor *tensor);

#endif
