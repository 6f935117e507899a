/* linear by a library: what is the same for every one. */
#ifndef KERNELS_LIBRARY_LINEAR_H
#define KERNELS_LIBRARY_LINEAR_H

#include "kernels/library/layer.h"

static inline library_plan library_linear_plan(const library *l, const assay_linear_io *io)
{
    return library_plan_of(l, io->y.shape[1], io->x.shape[1], io->x.shape[0]);
}

static inline const void *library_linear_rows(const library *l, const library_plan *p,
                                              const void *context, int64_t first, int64_t rows,
                                              void *workspace)
{
    const assay_linear_io *const io = context;
    return library_place(l, p, &io->x, first, rows, workspace);
}

static inline assay_status library_linear_run(const library *l, const assay_exec *exec,
                                              const void *state, const assay_linear_io *io)
{
    assay_status status = library_expect_dense(exec, "x", &io->x, l->element);
    status = status != ASSAY_OK ? status : library_expect_dense(exec, "y", &io->y, l->element);
    const library_plan p = library_linear_plan(l, io);
    status = status != ASSAY_OK ? status : scalar_expect_workspace(exec, p.bytes);
    return status != ASSAY_OK
               ? status
               : library_layer_run(l, &p, exec, state, library_linear_rows, io, &io->y);
}

static inline uint64_t library_linear_bytes(const library *l, const assay_linear_params *params,
                                            const void *state)
{
    const library_layer *const layer = state;
    const bool biased = assay_present(&params->bias);
    return l->bytes(layer->product) +
           (biased ? (uint64_t)params->weight.shape[0] * sizeof(float) : 0);
}

/* The functions of a kernel on the library `l_`, under the names of assay_linear_functions. */
#define LIBRARY_LINEAR_FUNCTIONS(l_)                                                               \
    static assay_status supports(const assay_device *device, const assay_linear_params *params,    \
                                 const assay_linear_io *io, assay_error *error)                    \
    {                                                                                              \
        (void)device;                                                                              \
        (void)io;                                                                                  \
        return (l_)->serves(&params->weight, error);                                               \
    }                                                                                              \
    static assay_status prepare(const assay_exec *exec, const assay_linear_params *params,         \
                                void **state)                                                      \
    {                                                                                              \
        return library_layer_prepare(l_, exec, &params->weight, &params->bias, state);             \
    }                                                                                              \
    static size_t workspace(const assay_linear_params *params, const assay_linear_io *io)          \
    {                                                                                              \
        (void)params;                                                                              \
        return library_linear_plan(l_, io).bytes;                                                  \
    }                                                                                              \
    static assay_status run(const assay_exec *exec, const assay_linear_params *params,             \
                            const void *state, const assay_linear_io *io)                          \
    {                                                                                              \
        (void)params;                                                                              \
        return library_linear_run(l_, exec, state, io);                                            \
    }                                                                                              \
    static uint64_t bytes_read(const assay_linear_params *params, const void *state,               \
                               const assay_linear_io *io)                                          \
    {                                                                                              \
        (void)io;                                                                                  \
        return library_linear_bytes(l_, params, state);                                            \
    }                                                                                              \
    static void release(const assay_exec *exec, void *state)                                       \
    {                                                                                              \
        (void)exec;                                                                                \
        library_layer_release(l_, state);                                                         \
    }

#endif
