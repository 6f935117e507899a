/* rmsnorm and rope: rows and pairs in f32, rounded between their steps as the contract says. */
#ifndef KERNELS_SCALAR_NORM_H
#define KERNELS_SCALAR_NORM_H

#include <math.h>

#include "kernels/scalar/contract.h"
#include "kernels/scalar/row.h"

/* 1 / sqrt(mean square + eps) of row n, in f32. */
static inline float scalar_inverse_rms(const assay_tensor *x, int64_t n, double eps)
{
    const int64_t d = x->shape[1];
    float lane[SCALAR_LANES] = {0};
    float buffer[SCALAR_PIECE];
    for (int64_t at = 0; at < d; at += SCALAR_PIECE) {
        const int64_t count = scalar_min(SCALAR_PIECE, d - at);
        const float *const piece = scalar_piece(x, n, at, count, buffer);
        scalar_accumulate(lane, piece, piece, count);
    }
    return 1.0f / sqrtf(scalar_reduce(lane) / (float)d + (float)eps);
}

static inline assay_status scalar_rmsnorm(const assay_precision *contract, const assay_exec *exec,
                                          const assay_rmsnorm_params *params,
                                          const assay_rmsnorm_io *io)
{
    assay_status status = scalar_expect(exec, "x", &io->x, contract->output);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "y", &io->y, contract->output);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->x.shape[0];
    const int64_t d = io->x.shape[1];
    const assay_dtype middle = contract->intermediate;
#pragma omp parallel for num_threads(scalar_threads(exec, rows * d)) schedule(static)
    for (int64_t n = 0; n < rows; n++) {
        const float inverse = scalar_inverse_rms(&io->x, n, params->eps);
        for (int64_t at = 0; at < d; at += SCALAR_PIECE) {
            const int64_t count = scalar_min(SCALAR_PIECE, d - at);
            float x_buffer[SCALAR_PIECE];
            float w_buffer[SCALAR_PIECE];
            float y[SCALAR_PIECE];
            const float *const x = scalar_piece(&io->x, n, at, count, x_buffer);
            const float *const w = scalar_piece(&params->weight, 0, at, count, w_buffer);
            for (int64_t i = 0; i < count; i++) {
                y[i] = x[i] * inverse;
            }
            scalar_round(middle, y, count);
            for (int64_t i = 0; i < count; i++) {
                y[i] *= w[i];
            }
            scalar_store(&io->y, n, at, count, y);
        }
    }
    return ASSAY_OK;
}

/* The angle in the contract's type. In f32 it is the product of two f32 numbers, as models take it;
 * cosine and sine of either angle are then taken in f64 and rounded to f32. */
static inline double scalar_angle(assay_dtype type, int64_t position, double frequency)
{
    if (type == ASSAY_F64) {
        return (double)position * frequency;
    }
    return (double)((float)position * (float)frequency);
}

/* Rotates every head of row n at pair i. */
static inline void scalar_rotate(assay_dtype middle, const assay_rope_io *io, int64_t n, int64_t i,
                                 int64_t head_dim, float cosine, float sine)
{
    const int64_t half = head_dim / 2;
    for (int64_t head = 0; head < io->x.shape[1]; head += head_dim) {
        const int64_t low = head + i;
        const int64_t high = low + half;
        const float x0 = (float)assay_at2(&io->x, n, low);
        const float x1 = (float)assay_at2(&io->x, n, high);
        float product[4] = {x0 * cosine, x1 * sine, x1 * cosine, x0 * sine};
        scalar_round(middle, product, 4);
        assay_put2(&io->y, n, low, (double)(product[0] - product[1]));
        assay_put2(&io->y, n, high, (double)(product[2] + product[3]));
    }
}

static inline assay_status scalar_rope(const assay_precision *contract, const assay_exec *exec,
                                       const assay_rope_params *params, const assay_rope_io *io)
{
    assay_status status = scalar_expect(exec, "x", &io->x, contract->output);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "y", &io->y, contract->output);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->x.shape[0];
    const int64_t half = params->head_dim / 2;
    const assay_precision types = *contract;
#pragma omp parallel for num_threads(scalar_threads(exec, 8 * rows * io->x.shape[1]))             \
    schedule(static)
    for (int64_t n = 0; n < rows; n++) {
        const int64_t position = scalar_index(&io->position, n);
        for (int64_t i = 0; i < half; i++) {
            const double angle = scalar_angle(types.angle, position, params->inverse_frequency[i]);
            const float cosine = scalar_rounded(types.intermediate, (float)cos(angle));
            const float sine = scalar_rounded(types.intermediate, (float)sin(angle));
            scalar_rotate(types.intermediate, io, n, i, params->head_dim, cosine, sine);
        }
    }
    return ASSAY_OK;
}

#endif
