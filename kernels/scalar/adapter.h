/* adapter: the norm in f64, products and sums in f32, the terms of one output added in f64 and
 * rounded once. x may be of any float type; identity rounds it once to the output's. */
#ifndef KERNELS_SCALAR_ADAPTER_H
#define KERNELS_SCALAR_ADAPTER_H

#include <math.h>

#include "kernels/scalar/contract.h"
#include "kernels/scalar/row.h"

static inline bool scalar_adapter_low_rank(const assay_adapter_params *params)
{
    return params->type == ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK ||
           params->type == ASSAY_ADAPTER_LOW_RANK_ONLY;
}

static inline bool scalar_adapter_scaled(const assay_adapter_params *params)
{
    return params->type == ASSAY_ADAPTER_SCALE_ONLY ||
           params->type == ASSAY_ADAPTER_SCALAR_AFFINE ||
           params->type == ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK;
}

static inline int64_t scalar_adapter_rank(const assay_adapter_params *params)
{
    return scalar_adapter_low_rank(params) ? params->u.shape[1] : 0;
}

static inline size_t scalar_adapter_workspace(const assay_adapter_params *params,
                                              const assay_adapter_io *io)
{
    return (size_t)(scalar_min(SCALAR_BLOCK, io->x.shape[0]) *
                    (io->x.shape[1] + scalar_adapter_rank(params))) *
           sizeof(float);
}

static inline double scalar_adapter_centred(const assay_adapter_params *params,
                                            const assay_tensor *x, int64_t row, int64_t i)
{
    const double value = assay_at2(x, row, i);
    return assay_present(&params->mean) ? value - assay_at1(&params->mean, i) : value;
}

/* v of one row, and h = v U where the adapter has U; h's sums run through i in order. */
static inline void scalar_adapter_row(const assay_adapter_params *params, const assay_tensor *x,
                                      int64_t row, float *v, float *h)
{
    const int64_t d = x->shape[1];
    double squares = 0.0;
    for (int64_t i = 0; i < d; i++) {
        v[i] = (float)scalar_adapter_centred(params, x, row, i);
        squares += (double)v[i] * (double)v[i];
    }
    if (params->normalize_input) {
        const double divisor = sqrt(squares) + 1e-8;
        for (int64_t i = 0; i < d; i++) {
            v[i] = (float)((double)v[i] / divisor);
        }
    }
    const int64_t rank = scalar_adapter_rank(params);
    memset(h, 0, (size_t)rank * sizeof *h);
    float buffer[SCALAR_PIECE];
    for (int64_t i = 0; i < d && rank > 0; i++) {
        for (int64_t at = 0; at < rank; at += SCALAR_PIECE) {
            const int64_t count = scalar_min(SCALAR_PIECE, rank - at);
            const float *const u = scalar_piece(&params->u, i, at, count, buffer);
            for (int64_t c = 0; c < count; c++) {
                h[at + c] += v[i] * u[c];
            }
        }
    }
}

/* Output element i of a block of rows. */
static inline void scalar_adapter_put(const assay_adapter_params *params,
                                      const assay_adapter_io *io, int64_t first, int64_t rows,
                                      int64_t i, const float *v, const float *h)
{
    const int64_t d = io->x.shape[1];
    const int64_t rank = scalar_adapter_rank(params);
    const double scale = scalar_adapter_scaled(params) ? exp(assay_at1(&params->log_scale, 0)) : 0;
    const bool biased = params->type != ASSAY_ADAPTER_SCALE_ONLY;
    const double bias = biased ? assay_at1(&params->bias, i) : 0.0;
    float dot[SCALAR_BLOCK] = {0};
    if (params->type == ASSAY_ADAPTER_FULL_RANK) {
        scalar_dots(&params->weight, i, v, d, rows, d, dot);
    } else if (rank > 0) {
        scalar_dots(&params->v, i, h, rank, rows, rank, dot);
    }
    for (int64_t r = 0; r < rows; r++) {
        const double scaled = scalar_adapter_scaled(params) ? scale * (double)v[r * d + i] : 0.0;
        assay_put2(&io->y, first + r, i, scaled + (double)dot[r] + bias);
    }
}

static inline void scalar_adapter_identity(const assay_adapter_params *params,
                                           const assay_adapter_io *io)
{
    for (int64_t n = 0; n < io->x.shape[0]; n++) {
        for (int64_t i = 0; i < io->x.shape[1]; i++) {
            assay_put2(&io->y, n, i, scalar_adapter_centred(params, &io->x, n, i));
        }
    }
}

static inline assay_status scalar_adapter(const assay_precision *contract, const assay_exec *exec,
                                          const assay_adapter_params *params,
                                          const assay_adapter_io *io)
{
    assay_status status = scalar_expect(exec, "y", &io->y, contract->output);
    status = status != ASSAY_OK
                 ? status
                 : scalar_expect_workspace(exec, scalar_adapter_workspace(params, io));
    if (status != ASSAY_OK) {
        return status;
    }
    if (params->type == ASSAY_ADAPTER_IDENTITY) {
        scalar_adapter_identity(params, io);
        return ASSAY_OK;
    }
    const int64_t total = io->x.shape[0];
    const int64_t d = io->x.shape[1];
    const int64_t rank = scalar_adapter_rank(params);
    float *const v = exec->workspace;
    for (int64_t first = 0; first < total; first += SCALAR_BLOCK) {
        const int64_t rows = scalar_min(SCALAR_BLOCK, total - first);
        float *const h = v + rows * d;
#pragma omp parallel for num_threads(scalar_threads(exec, rows * d)) schedule(static)
        for (int64_t r = 0; r < rows; r++) {
            scalar_adapter_row(params, &io->x, first + r, v + r * d, h + r * rank);
        }
#pragma omp parallel for num_threads(scalar_threads(exec, rows * d)) schedule(static)
        for (int64_t i = 0; i < d; i++) {
            scalar_adapter_put(params, io, first, rows, i, v, h);
        }
    }
    return ASSAY_OK;
}

#endif
