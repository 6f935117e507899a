/* adapter, f32, by a library: the full-rank one, whose matrix is a layer of normalised rows. The
 * others have no product worth a library's call and are scalar's. */
#ifndef KERNELS_LIBRARY_ADAPTER_H
#define KERNELS_LIBRARY_ADAPTER_H

#include "kernels/library/layer.h"
#include "kernels/scalar/adapter.h"

static inline library_plan library_adapter_plan(const library *l, const assay_adapter_io *io)
{
    return library_plan_of(l, io->y.shape[1], io->x.shape[1], io->x.shape[0]);
}

typedef struct library_adapter_job {
    const assay_adapter_params *params;
    const assay_adapter_io *io;
} library_adapter_job;

static inline const void *library_adapter_rows(const library *l, const library_plan *p,
                                               const void *context, int64_t first, int64_t rows,
                                               void *workspace)
{
    const library_adapter_job *const job = context;
    const int64_t padded = l->padded(rows);
    const simd_share mine = simd_share_of(padded);
    for (int64_t r = mine.first; r < mine.last; r++) {
        float *const v = (float *)workspace + r * p->shape.depth;
        if (r < rows) { /* of rank 0: nothing is written to h */
            scalar_adapter_row(job->params, &job->io->x, first + r, v, v);
        } else {
            memset(v, 0, (size_t)p->shape.depth * sizeof *v);
        }
    }
    return workspace;
}

static inline assay_status library_adapter_run(const library *l, const assay_precision *contract,
                                               const assay_exec *exec,
                                               const assay_adapter_params *params,
                                               const void *state, const assay_adapter_io *io)
{
    if (params->type != ASSAY_ADAPTER_FULL_RANK) {
        return scalar_adapter(contract, exec, params, io);
    }
    const library_plan p = library_adapter_plan(l, io);
    const library_adapter_job job = {params, io};
    assay_status status = library_expect_dense(exec, "y", &io->y, contract->output);
    status = status != ASSAY_OK ? status : scalar_expect_workspace(exec, p.bytes);
    return status != ASSAY_OK
               ? status
               : library_layer_run(l, &p, exec, state, library_adapter_rows, &job, &io->y);
}

/* The functions of a kernel on the library `l_` whose contract is contract_. */
#define LIBRARY_ADAPTER_FUNCTIONS(l_, contract_)                                                   \
    static assay_status supports(const assay_device *device, const assay_adapter_params *params,   \
                                 const assay_adapter_io *io, assay_error *error)                   \
    {                                                                                              \
        (void)device;                                                                              \
        (void)io;                                                                                  \
        return params->type == ASSAY_ADAPTER_FULL_RANK                                             \
                   ? (l_)->serves(&params->weight, error)                                          \
                   : ASSAY_OK;                                                                     \
    }                                                                                              \
    static assay_status prepare(const assay_exec *exec, const assay_adapter_params *params,        \
                                void **state)                                                      \
    {                                                                                              \
        return params->type == ASSAY_ADAPTER_FULL_RANK                                             \
                   ? library_layer_prepare(l_, exec, &params->weight, &params->bias, state)        \
                   : ASSAY_OK;                                                                     \
    }                                                                                              \
    static size_t workspace(const assay_adapter_params *params, const assay_adapter_io *io)        \
    {                                                                                              \
        return params->type == ASSAY_ADAPTER_FULL_RANK ? library_adapter_plan(l_, io).bytes        \
                                                       : scalar_adapter_workspace(params, io);     \
    }                                                                                              \
    static assay_status run(const assay_exec *exec, const assay_adapter_params *params,            \
                            const void *state, const assay_adapter_io *io)                         \
    {                                                                                              \
        return library_adapter_run(l_, &(contract_), exec, params, state, io);                     \
    }                                                                                              \
    static void release(const assay_exec *exec, void *state)                                       \
    {                                                                                              \
        (void)exec;                                                                                \
        library_layer_release(l_, state);                                                        \
    }

#endif
