/* Ops bound to a table's kernel and to their parameters: prepared once, called many times.
 *
 * For every op X:
 *   assay_bind_X    takes the table's kernel and prepares it. The bound op must not move until
 *                   assay_unbind_X: the state refers to its params.
 *   assay_call_X    asks supports, grows the runner's workspace, runs.
 *   assay_unbind_X  releases; harmless on a zeroed or already unbound op. */
#ifndef KERNELS_EXEC_BIND_H
#define KERNELS_EXEC_BIND_H

#include "kernels/exec/space.h"

/* For kernels of this table: where they are a device's, exec names the device and a stream of it.
 * What calls are given may then lie on either side. */
void assay_runner_open(assay_runner *runner, const assay_exec *exec, const assay_table *table);
void assay_runner_close(assay_runner *runner);
/* At least so many bytes of workspace; what it holds is lost where it has to grow. */
assay_status assay_runner_grow(assay_runner *runner, size_t bytes, const char *whose);

#define ASSAY_BIND_DECLARE(op)                                                                     \
    typedef struct assay_bound_##op {                                                              \
        const assay_kernel *kernel;                                                                \
        assay_##op##_params params;                                                                \
        assay_uploads uploads;                                                                     \
        void *state;                                                                               \
    } assay_bound_##op;                                                                            \
    assay_status assay_bind_##op(const assay_runner *runner, const assay_table *table,             \
                                 const assay_##op##_params *params, assay_bound_##op *bound);      \
    assay_status assay_call_##op(assay_runner *runner, const assay_bound_##op *bound,              \
                                 const assay_##op##_io *io);                                       \
    void assay_unbind_##op(const assay_runner *runner, assay_bound_##op *bound);
ASSAY_OPS(ASSAY_BIND_DECLARE)

#endif
