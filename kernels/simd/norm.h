/* rmsnorm and rope by vectors: f32 between their steps. */
#ifndef KERNELS_SIMD_NORM_H
#define KERNELS_SIMD_NORM_H

#include "kernels/simd/vector.h"

enum {
    SIMD_SUMS = 4,         /* vectors of partial sums, as an addition waits for the one before */
    SIMD_ROPE_PIECE = 256  /* pairs whose cosine and sine are kept at a time */
};

/* The state of rmsnorm: its weight as f32, rounded where it was stored wider. */
static inline assay_status simd_rmsnorm_prepare(const assay_exec *exec,
                                                const assay_rmsnorm_params *params, void **state)
{
    const int64_t d = params->weight.shape[0];
    float *const weight = simd_allocate((size_t)d * sizeof *weight);
    if (weight == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "rmsnorm: no memory for %lld weights",
                          (long long)d);
    }
    for (int64_t i = 0; i < d; i++) {
        weight[i] = (float)assay_at1(&params->weight, i);
    }
    *state = weight;
    return ASSAY_OK;
}

static inline void simd_rmsnorm_release(const assay_exec *exec, void *state)
{
    (void)exec;
    free(state);
}

VEC_INLINE float simd_squares(assay_dtype type, const void *x, int64_t d)
{
    vec sum[SIMD_SUMS] = {vec_set(0.0f), vec_set(0.0f), vec_set(0.0f), vec_set(0.0f)};
    int64_t i = 0;
    for (; i + SIMD_SUMS * VEC <= d; i += SIMD_SUMS * VEC) {
        for (int s = 0; s < SIMD_SUMS; s++) {
            const vec value = vec_read(type, x, i + s * VEC);
            sum[s] = vec_fma(value, value, sum[s]);
        }
    }
    for (; i < d; i += VEC) {
        const vec value = vec_read_first(type, x, i, d - i);
        sum[0] = vec_fma(value, value, sum[0]);
    }
    return vec_sum(vec_add(vec_add(sum[0], sum[1]), vec_add(sum[2], sum[3])));
}

VEC_INLINE void simd_rmsnorm_row(assay_dtype type, float eps, const float *weight,
                                 const assay_rmsnorm_io *io, int64_t n)
{
    const int64_t d = io->x.shape[1];
    const void *const x = vec_row(&io->x, n);
    void *const y = vec_row(&io->y, n);
    const vec inverse = vec_set(1.0f / sqrtf(simd_squares(type, x, d) / (float)d + eps));
    for (int64_t i = 0; i < d; i += VEC) {
        const vec normed = vec_mul(vec_read_first(type, x, i, d - i), inverse);
        const vec w = vec_read_first(ASSAY_F32, weight, i, d - i);
        vec_write_first(type, y, i, vec_mul(normed, w), d - i);
    }
}

static inline assay_status simd_rmsnorm(assay_dtype type, const assay_exec *exec,
                                        const assay_rmsnorm_params *params, const void *state,
                                        const assay_rmsnorm_io *io)
{
    assay_status status = scalar_expect(exec, "x", &io->x, type);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "y", &io->y, type);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->x.shape[0];
    const int64_t work = assay_count(&io->x);
    const float eps = (float)params->eps;
#pragma omp parallel for num_threads(simd_threads(exec, work)) schedule(static)
    for (int64_t n = 0; n < rows; n++) {
        VEC_TYPED(simd_rmsnorm_row, type, eps, state, io, n);
    }
    return ASSAY_OK;
}

typedef struct simd_turns {
    float cosine[SIMD_ROPE_PIECE], sine[SIMD_ROPE_PIECE];
} simd_turns;

/* Of pairs at .. at+count-1 at a position. An f32 angle is the product of two f32 numbers, as
 * models take it; the functions are f64 either way. */
static inline void simd_rope_turns(assay_dtype angle, int64_t position, const double *frequency,
                                   int64_t at, int64_t count, simd_turns *turns)
{
    for (int64_t i = 0; i < count; i++) {
        const double exact = (double)position * frequency[at + i];
        const double taken = angle == ASSAY_F64
                                 ? exact
                                 : (double)((float)position * (float)frequency[at + i]);
        turns->cosine[i] = (float)cos(taken);
        turns->sine[i] = (float)sin(taken);
    }
}

/* Those pairs of every head of one row. */
VEC_INLINE void simd_rotate(assay_dtype type, const void *x, void *y, int64_t width,
                            int64_t head_dim, int64_t at, int64_t count, const simd_turns *turns)
{
    const int64_t half = head_dim / 2;
    for (int64_t head = 0; head < width; head += head_dim) {
        for (int64_t i = 0; i < count; i += VEC) {
            const int64_t low = head + at + i;
            const int64_t n = count - i;
            const vec cosine = vec_read_first(ASSAY_F32, turns->cosine, i, n);
            const vec sine = vec_read_first(ASSAY_F32, turns->sine, i, n);
            const vec x0 = vec_read_first(type, x, low, n);
            const vec x1 = vec_read_first(type, x, low + half, n);
            vec_write_first(type, y, low, vec_fms(x0, cosine, vec_mul(x1, sine)), n);
            vec_write_first(type, y, low + half, vec_fma(x1, cosine, vec_mul(x0, sine)), n);
        }
    }
}

static inline assay_status simd_rope(assay_dtype type, assay_dtype angle, const assay_exec *exec,
                                     const assay_rope_params *params, const assay_rope_io *io)
{
    assay_status status = scalar_expect(exec, "x", &io->x, type);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "y", &io->y, type);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->x.shape[0];
    const int64_t width = io->x.shape[1];
    const int64_t half = params->head_dim / 2;
#pragma omp parallel num_threads(simd_threads(exec, 8 * rows * width))
    {
        const simd_share share = simd_share_of(rows);
        simd_turns turns;
        int64_t turned = -1; /* the position whose turns are there: neighbours may share it */
        for (int64_t n = share.first; n < share.last; n++) {
            const int64_t position = scalar_index(&io->position, n);
            for (int64_t at = 0; at < half; at += SIMD_ROPE_PIECE) {
                const int64_t count = scalar_min(SIMD_ROPE_PIECE, half - at);
                if (position != turned || half > SIMD_ROPE_PIECE) {
                    simd_rope_turns(angle, position, params->inverse_frequency, at, count, &turns);
                }
                VEC_TYPED(simd_rotate, type, vec_row(&io->x, n), vec_row(&io->y, n), width,
                          params->head_dim, at, count, &turns);
            }
            turned = position;
        }
    }
    return ASSAY_OK;
}

#endif
