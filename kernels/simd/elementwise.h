/* embed, add and swiglu by vectors: each output is rounded once from f32. */
#ifndef KERNELS_SIMD_ELEMENTWISE_H
#define KERNELS_SIMD_ELEMENTWISE_H

#include "kernels/scalar/row.h"
#include "kernels/simd/vector.h"

/* One dense row to another, each element rounded once to the type of `to`. */
static inline void simd_copy_row(const assay_tensor *from, int64_t from_row,
                                 const assay_tensor *to, int64_t to_row, int64_t n)
{
    const char *const source = vec_row(from, from_row);
    char *const target = vec_row(to, to_row);
    if (from->dtype == to->dtype) {
        memcpy(target, source, (size_t)n * assay_dtype_size(to->dtype));
    } else if (from->dtype == ASSAY_BF16 && to->dtype == ASSAY_F32) {
        for (int64_t i = 0; i < n; i += VEC) {
            vec_write_first(ASSAY_F32, target, i, vec_read_first(ASSAY_BF16, source, i, n - i),
                            n - i);
        }
    } else if (from->dtype == ASSAY_F32 && to->dtype == ASSAY_BF16) {
        for (int64_t i = 0; i < n; i += VEC) {
            vec_write_first(ASSAY_BF16, target, i, vec_read_first(ASSAY_F32, source, i, n - i),
                            n - i);
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            assay_put2(to, to_row, i, assay_at2(from, from_row, i));
        }
    }
}

static inline assay_status simd_embed(assay_dtype type, const assay_exec *exec,
                                      const assay_embed_params *params, const assay_embed_io *io)
{
    const assay_status status = scalar_expect(exec, "y", &io->y, type);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->y.shape[0];
    const int64_t d = io->y.shape[1];
#pragma omp parallel for num_threads(simd_threads(exec, rows * d)) schedule(static)
    for (int64_t n = 0; n < rows; n++) {
        if (n + 1 < rows) { /* its start; the processor follows from there */
            const char *const next = vec_row(&params->table, scalar_index(&io->id, n + 1));
            _mm_prefetch(next, _MM_HINT_T0);
            _mm_prefetch(next + SIMD_LINE, _MM_HINT_T0);
        }
        simd_copy_row(&params->table, scalar_index(&io->id, n), &io->y, n, d);
    }
    const int64_t injected = assay_present(&io->soft_at) ? io->soft_at.shape[0] : 0;
    for (int64_t s = 0; s < injected; s++) {
        simd_copy_row(&io->soft, s, &io->y, scalar_index(&io->soft_at, s), d);
    }
    return ASSAY_OK;
}

VEC_INLINE void simd_add_row(assay_dtype type, const assay_add_io *io, int64_t n)
{
    const int64_t d = io->y.shape[1];
    const void *const a = vec_row(&io->a, n);
    const void *const b = vec_row(&io->b, n);
    void *const y = vec_row(&io->y, n);
    for (int64_t i = 0; i < d; i += VEC) {
        const vec sum = vec_add(vec_read_first(type, a, i, d - i),
                                vec_read_first(type, b, i, d - i));
        vec_write_first(type, y, i, sum, d - i); /* y may be a or b: these are read */
    }
}

static inline assay_status simd_add(assay_dtype type, const assay_exec *exec,
                                    const assay_add_io *io)
{
    assay_status status = scalar_expect(exec, "a", &io->a, type);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "b", &io->b, type);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "y", &io->y, type);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->y.shape[0];
    const int64_t work = assay_count(&io->y);
#pragma omp parallel for num_threads(simd_threads(exec, work)) schedule(static)
    for (int64_t n = 0; n < rows; n++) {
        VEC_TYPED(simd_add_row, type, io, n);
    }
    return ASSAY_OK;
}

/* g / (1 + e^-g) as g e^-|g| / (1 + e^-|g|) for g < 0, whose power of two comes last: below -88
 * e^-g is infinite in f32 while silu(g) is still a normal number. */
VEC_INLINE vec simd_silu(vec gate)
{
    const vec zero = vec_set(0.0f);
    const vec low = vec_max(vec_set(-150.0f), gate);
    const vec away = vec_max(vec_set(-150.0f), vec_min(vec_sub(zero, gate), gate)); /* -|g| */
    vec n;
    const vec p = vec_exp_parts(away, &n);
    const vec whole = vec_add(vec_set(1.0f), vec_scale(p, n));
    const uint32_t negative = vec_above(zero, gate);
    const vec above = vec_choose(negative, vec_mul(low, p), gate);
    return vec_scale(vec_div(above, whole), vec_choose(negative, n, zero));
}

VEC_INLINE void simd_swiglu_row(assay_dtype type, const assay_swiglu_io *io, int64_t n)
{
    const int64_t d = io->y.shape[1];
    const void *const gate = vec_row(&io->gate, n);
    const void *const up = vec_row(&io->up, n);
    void *const y = vec_row(&io->y, n);
    for (int64_t i = 0; i < d; i += VEC) {
        const vec silu = simd_silu(vec_read_first(type, gate, i, d - i));
        vec_write_first(type, y, i, vec_mul(silu, vec_read_first(type, up, i, d - i)), d - i);
    }
}

static inline assay_status simd_swiglu(assay_dtype type, const assay_exec *exec,
                                       const assay_swiglu_io *io)
{
    assay_status status = scalar_expect(exec, "gate", &io->gate, type);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "up", &io->up, type);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "y", &io->y, type);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->y.shape[0];
    const int64_t work = 4 * assay_count(&io->y);
#pragma omp parallel for num_threads(simd_threads(exec, work)) schedule(static)
    for (int64_t n = 0; n < rows; n++) {
        VEC_TYPED(simd_swiglu_row, type, io, n);
    }
    return ASSAY_OK;
}

#endif
