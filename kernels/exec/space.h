/* The memory that a table's kernels want their operands in: the host's, or a device's through the
 * table's accelerator. Compositions keep there what passes from op to op; what a kernel on a device
 * is given from the host, and what it gives to the host, is copied around the call, and so is what
 * is not aligned as a kernel of the host wants it. */
#ifndef KERNELS_EXEC_SPACE_H
#define KERNELS_EXEC_SPACE_H

#include "assay/accelerator.h"
#include "assay/kernel.h"

/* A copy of the caller's exec with a workspace of the runner's own. */
typedef struct assay_runner {
    assay_exec exec;
    const assay_accelerator *accelerator; /* NULL: the kernels are the host's */
    void *workspace;
    void *bridge; /* memory for operands that do not lie where a kernel wants them */
    uint64_t bridge_bytes;
} assay_runner;

/* bytes for operands of kernels, aligned to 256. `what` names the use in the error, which says how
 * many are free where there are too few. */
assay_status assay_space_take(const assay_runner *runner, uint64_t bytes, const char *what,
                              void **memory);
void assay_space_return(const assay_runner *runner, void **memory);

/* The same tensor as one that lies there: its data is what assay_space_take gave, or part of it. */
void assay_space_mark(const assay_runner *runner, assay_tensor *tensor);

/* Bytes from the first element of a view to behind its last. */
uint64_t assay_tensor_extent(const assay_tensor *tensor);

/* Copies a tensor to the host or from it; both have one layout. They wait. */
assay_status assay_space_read(const assay_runner *runner, const assay_tensor *from, void *to);
assay_status assay_space_write(const assay_runner *runner, const void *from,
                               const assay_tensor *to);

/* What a bound op's weights became. */
enum { ASSAY_UPLOADS_MAX = 8 };
typedef struct assay_uploads {
    void *block[ASSAY_UPLOADS_MAX];
    int count;
} assay_uploads;

/* Copies those weights of an op's params that the contract wants on a device (all but an SAE's
 * vectors and rope's frequencies), or on the host those that are not aligned to the most that the
 * kernel wants of any operand, and lets params name the copies. */
assay_status assay_space_weights(const assay_runner *runner, const assay_kernel *kernel,
                                 void *params, assay_uploads *uploads);
void assay_space_forget(const assay_runner *runner, assay_uploads *uploads);

/* io's tensors that lie on the host get room on the device, inputs their content; on the host those
 * that are not aligned so. */
assay_status assay_bridge_in(assay_runner *runner, const assay_kernel *kernel, void *io);
/* After the call: outputs of `placed`, which bridge_in changed, to where io says; waits where there
 * are any. */
assay_status assay_bridge_out(const assay_runner *runner, const assay_kernel *kernel,
                              const void *io, const void *placed);

#endif
