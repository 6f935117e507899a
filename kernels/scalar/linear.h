/* linear: every weight row is widened once for SCALAR_BLOCK rows of x. */
#ifndef KERNELS_SCALAR_LINEAR_H
#define KERNELS_SCALAR_LINEAR_H

#include "kernels/scalar/contract.h"
#include "kernels/scalar/row.h"

static inline size_t scalar_linear_workspace(const assay_linear_params *params,
                                             const assay_linear_io *io)
{
    (void)params;
    return scalar_rows_size(&io->x) * sizeof(float);
}

/* The bias is added in f64 before the one rounding to the output type. */
static inline void scalar_linear_put(const assay_linear_params *params, const assay_linear_io *io,
                                     int64_t first, int64_t rows, int64_t o, const float *dot)
{
    const bool biased = assay_present(&params->bias);
    const double bias = biased ? assay_at1(&params->bias, o) : 0.0;
    for (int64_t r = 0; r < rows; r++) {
        const double value = biased ? (double)dot[r] + bias : (double)dot[r];
        assay_put2(&io->y, first + r, o, value);
    }
}

static inline assay_status scalar_linear(const assay_precision *contract, const assay_exec *exec,
                                         const assay_linear_params *params,
                                         const assay_linear_io *io)
{
    assay_status status = scalar_expect(exec, "x", &io->x, contract->output);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "y", &io->y, contract->output);
    status = status != ASSAY_OK
                 ? status
                 : scalar_expect_workspace(exec, scalar_linear_workspace(params, io));
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t depth = io->x.shape[1];
    const int64_t width = io->y.shape[1];
    for (int64_t first = 0; first < io->x.shape[0]; first += SCALAR_BLOCK) {
        const int64_t rows = scalar_min(SCALAR_BLOCK, io->x.shape[0] - first);
        int64_t stride = 0;
        const float *const x = scalar_rows(&io->x, first, rows, exec->workspace, &stride);
#pragma omp parallel for num_threads(scalar_threads(exec, rows * depth * width)) schedule(static)
        for (int64_t o = 0; o < width; o++) {
            float dot[SCALAR_BLOCK];
            scalar_dots(&params->weight, o, x, stride, rows, depth, dot);
            scalar_linear_put(params, io, first, rows, o, dot);
        }
    }
    return ASSAY_OK;
}

#endif
