/* embed, add and swiglu: each output is rounded from f32 (swiglu: from f64) on its own. */
#ifndef KERNELS_SCALAR_ELEMENTWISE_H
#define KERNELS_SCALAR_ELEMENTWISE_H

#include <math.h>

#include "kernels/scalar/contract.h"
#include "kernels/scalar/row.h"

/* One row from one matrix to another, each element rounded once to the type of `to`. */
static inline void scalar_copy_row(const assay_tensor *from, int64_t from_row,
                                   const assay_tensor *to, int64_t to_row, int64_t n)
{
    const bool dense = scalar_step(from) == 1 && scalar_step(to) == 1;
    const void *const source = scalar_address(from, from_row, 0);
    void *const target = scalar_address(to, to_row, 0);
    if (dense && from->dtype == to->dtype) {
        memcpy(target, source, (size_t)n * assay_dtype_size(to->dtype));
    } else if (dense && from->dtype == ASSAY_BF16 && to->dtype == ASSAY_F32) {
        (void)scalar_widen(ASSAY_BF16, source, 1, n, target);
    } else {
        for (int64_t i = 0; i < n; i++) {
            assay_put2(to, to_row, i, assay_at2(from, from_row, i));
        }
    }
}

static inline assay_status scalar_embed(const assay_precision *contract, const assay_exec *exec,
                                        const assay_embed_params *params, const assay_embed_io *io)
{
    const assay_status status = scalar_expect(exec, "y", &io->y, contract->output);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->y.shape[0];
    const int64_t d = io->y.shape[1];
#pragma omp parallel for num_threads(scalar_threads(exec, rows * d)) schedule(static)
    for (int64_t n = 0; n < rows; n++) {
        scalar_copy_row(&params->table, scalar_index(&io->id, n), &io->y, n, d);
    }
    const int64_t injected = assay_present(&io->soft_at) ? io->soft_at.shape[0] : 0;
    for (int64_t s = 0; s < injected; s++) {
        scalar_copy_row(&io->soft, s, &io->y, scalar_index(&io->soft_at, s), d);
    }
    return ASSAY_OK;
}

static inline assay_status scalar_add(const assay_precision *contract, const assay_exec *exec,
                                      const assay_add_io *io)
{
    assay_status status = scalar_expect(exec, "a", &io->a, contract->output);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "b", &io->b, contract->output);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "y", &io->y, contract->output);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->y.shape[0];
    const int64_t d = io->y.shape[1];
#pragma omp parallel for num_threads(scalar_threads(exec, rows * d)) schedule(static)
    for (int64_t n = 0; n < rows; n++) {
        for (int64_t at = 0; at < d; at += SCALAR_PIECE) {
            const int64_t count = scalar_min(SCALAR_PIECE, d - at);
            float a_buffer[SCALAR_PIECE];
            float b_buffer[SCALAR_PIECE];
            float sum[SCALAR_PIECE];
            const float *const a = scalar_piece(&io->a, n, at, count, a_buffer);
            const float *const b = scalar_piece(&io->b, n, at, count, b_buffer);
            for (int64_t i = 0; i < count; i++) {
                sum[i] = a[i] + b[i];
            }
            scalar_store(&io->y, n, at, count, sum); /* y may be a or b: this piece is read */
        }
    }
    return ASSAY_OK;
}

/* The exponential is taken in f64: in f32, exp(-g) overflows for g below -88 while silu(g) is still
 * a normal number. */
static inline void scalar_silu(float *value, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const double gate = (double)value[i];
        value[i] = (float)(gate / (1.0 + exp(-gate)));
    }
}

static inline assay_status scalar_swiglu(const assay_precision *contract, const assay_exec *exec,
                                         const assay_swiglu_io *io)
{
    assay_status status = scalar_expect(exec, "gate", &io->gate, contract->output);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "up", &io->up, contract->output);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "y", &io->y, contract->output);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->y.shape[0];
    const int64_t d = io->y.shape[1];
    const assay_dtype middle = contract->intermediate;
#pragma omp parallel for num_threads(scalar_threads(exec, 16 * rows * d)) schedule(static)
    for (int64_t n = 0; n < rows; n++) {
        for (int64_t at = 0; at < d; at += SCALAR_PIECE) {
            const int64_t count = scalar_min(SCALAR_PIECE, d - at);
            float gate_buffer[SCALAR_PIECE];
            float up_buffer[SCALAR_PIECE];
            float product[SCALAR_PIECE];
            const float *const gate = scalar_piece(&io->gate, n, at, count, gate_buffer);
            const float *const up = scalar_piece(&io->up, n, at, count, up_buffer);
            memcpy(product, gate, (size_t)count * sizeof *gate);
            scalar_silu(product, count);
            scalar_round(middle, product, count);
            for (int64_t i = 0; i < count; i++) {
                product[i] *= up[i];
            }
            scalar_store(&io->y, n, at, count, product);
        }
    }
    return ASSAY_OK;
}

#endif
