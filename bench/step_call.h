/* A step's functions on untyped operands, by op. */
#ifndef BENCH_STEP_CALL_H
#define BENCH_STEP_CALL_H

#include "ref/oracle.h"

/* The kernel's answer; a kernel for device memory is UNSUPPORTED here. */
assay_status assay_bench_supports(const assay_kernel *kernel, const assay_exec *exec,
                                  const void *params, const void *io, assay_error *error);
size_t assay_bench_workspace(const assay_kernel *kernel, const void *params, const void *io);
assay_status assay_bench_prepare(const assay_kernel *kernel, const assay_exec *exec,
                                 const void *params, void **state);
/* Bytes a run reads of packed weights; false when the kernel does not say. */
bool assay_bench_declared(const assay_kernel *kernel, const void *params, const void *state,
                          const void *io, uint64_t *bytes);

/* A kernel whose run does nothing: what a timed call costs without any work. */
const assay_kernel *assay_bench_empty_kernel(assay_op op);

assay_cost assay_bench_cost(assay_op op, const void *params, const void *io);
/* Rows of the op's first input (sequences' rows for attention). */
int64_t assay_bench_rows(assay_op op, const void *io);

#endif
