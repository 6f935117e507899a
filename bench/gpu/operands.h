/* A step's operands on a device: made on the host, as those of any kernel, and copied there before
 * each sample; what a call wrote comes back when somebody looks. */
#ifndef BENCH_GPU_OPERANDS_H
#define BENCH_GPU_OPERANDS_H

#include "bench/gpu/gpu.h"
#include "kernels/exec/space.h"
#include "verify/operands.h"

typedef struct assay_gpu_weights {
    assay_op_params params; /* with tensors on the device */
    assay_uploads uploads;
    void *workspace;
    size_t workspace_bytes;
} assay_gpu_weights;

typedef struct assay_gpu_operands {
    assay_runner runner; /* its bridge is their memory */
    assay_any_io io;     /* with tensors on the device */
} assay_gpu_operands;

/* exec: of kernels, with the device and the stream. All wait. */
assay_status assay_gpu_weights_place(const assay_gpu *gpu, const assay_exec *exec,
                                     const assay_kernel *kernel, const void *params,
                                     assay_gpu_weights *weights);
assay_status assay_gpu_weights_room(const assay_gpu *gpu, const assay_exec *exec, size_t bytes,
                                    assay_gpu_weights *weights);
void assay_gpu_weights_free(const assay_gpu *gpu, const assay_exec *exec,
                            assay_gpu_weights *weights);

/* Inputs, and what outputs hold. */
assay_status assay_gpu_operands_place(const assay_gpu *gpu, const assay_exec *exec,
                                      const assay_kernel *kernel, const assay_any_io *io,
                                      assay_gpu_operands *operands);
assay_status assay_gpu_operands_write_outputs(assay_op op, const assay_any_io *io,
                                              assay_gpu_operands *operands);
assay_status assay_gpu_operands_fetch(const assay_kernel *kernel, const assay_any_io *io,
                                      const assay_gpu_operands *operands);
void assay_gpu_operands_free(assay_gpu_operands *operands);

#endif
