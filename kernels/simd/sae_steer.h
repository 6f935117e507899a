/* sae_steer by vectors: only the edited latent is encoded, but for topk, which needs its whole row.
 * Its column of the decoder, strided as a rule, is packed. */
#ifndef KERNELS_SIMD_SAE_STEER_H
#define KERNELS_SIMD_SAE_STEER_H

#include "kernels/scalar/sae_steer.h"
#include "kernels/simd/dots.h"

typedef struct simd_steer {
    float *column;   /* [d_out] */
    float *pre_bias; /* [d_in], zeros where there is none */
} simd_steer;

static inline void simd_steer_release(const assay_exec *exec, void *state)
{
    simd_steer *const steer = state;
    (void)exec;
    if (steer != NULL) {
        free(steer->column);
        free(steer->pre_bias);
        free(steer);
    }
}

static inline assay_status simd_steer_prepare(const assay_exec *exec,
                                              const assay_sae_steer_params *params, void **state)
{
    const assay_sae *const sae = &params->sae;
    simd_steer *const steer = calloc(1, sizeof *steer);
    if (steer != NULL) {
        steer->column = simd_allocate((size_t)sae->d_out * sizeof *steer->column);
        steer->pre_bias = simd_vector_f32(&sae->pre_bias, sae->d_in);
    }
    if (steer == NULL || steer->column == NULL || steer->pre_bias == NULL) {
        simd_steer_release(exec, steer);
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "sae_steer: no memory for its state");
    }
    for (int64_t i = 0; i < sae->d_out; i++) {
        steer->column[i] = (float)assay_at2(&sae->decoder, i, params->latent);
    }
    *state = steer;
    return ASSAY_OK;
}

/* What the encoder multiplies of one row. */
VEC_INLINE void simd_steer_input(assay_dtype type, const assay_tensor *x, int64_t row,
                                 const float *pre_bias, float *z)
{
    const int64_t d = x->shape[1];
    const void *const from = vec_row(x, row);
    for (int64_t i = 0; i < d; i += VEC) {
        const vec bias = vec_read_first(ASSAY_F32, pre_bias, i, d - i);
        const vec value = vec_sub(vec_read_first(type, from, i, d - i), bias);
        vec_write_first(ASSAY_F32, z, i, value, d - i);
    }
}

/* pre[r * d_sae + j] of a tile of latents from j on, or of one latent alone in pre[r]. */
static inline void simd_steer_latents(const assay_sae *sae, int64_t j, int64_t count,
                                      const float *z, int64_t rows, float *pre, int64_t stride)
{
    simd_dots(&sae->encoder, j, count, z, sae->d_in, rows, sae->d_in, pre, stride);
    for (int64_t c = 0; c < count; c++) {
        const double scale = scalar_optional(&sae->encode_scale, j + c, 1.0);
        const double bias = scalar_optional(&sae->encode_bias, j + c, 0.0);
        for (int64_t r = 0; r < rows; r++) {
            pre[r * stride + c] = (float)(scale * (double)pre[r * stride + c] + bias);
        }
    }
}

/* f_j of a block of rows. */
static inline void simd_steer_encode(const assay_exec *exec, const assay_sae_steer_params *params,
                                     const simd_steer *steer, const assay_sae_steer_io *io,
                                     int64_t first, int64_t rows, float *feature)
{
    const assay_sae *const sae = &params->sae;
    float *const z = exec->workspace;
    float *const pre = z + rows * sae->d_in;
    if (sae->layer_norm) {
        scalar_sae_input(sae, &io->x, first, rows, z);
    } else {
        for (int64_t r = 0; r < rows; r++) {
            VEC_TYPED(simd_steer_input, io->x.dtype, &io->x, first + r, steer->pre_bias,
                      z + r * sae->d_in);
        }
    }
    if (!scalar_steer_ranks(params)) {
        simd_steer_latents(sae, params->latent, 1, z, rows, pre, 1);
        for (int64_t r = 0; r < rows; r++) {
            feature[r] = scalar_sae_fires(sae, params->latent, pre[r]) ? pre[r] : 0.0f;
        }
        return;
    }
#pragma omp parallel for num_threads(simd_threads(exec, rows * sae->d_in * sae->d_sae))            \
    schedule(static)
    for (int64_t j = 0; j < sae->d_sae; j += SIMD_TILE_WEIGHTS) {
        simd_steer_latents(sae, j, scalar_min(SIMD_TILE_WEIGHTS, sae->d_sae - j), z, rows, pre + j,
                           sae->d_sae);
    }
    for (int64_t r = 0; r < rows; r++) {
        const float *const row = pre + r * sae->d_sae;
        feature[r] = scalar_steer_chosen(sae, row, params->latent) ? row[params->latent] : 0.0f;
    }
}

VEC_INLINE void simd_steer_write(assay_dtype type, const assay_sae_steer_io *io, int64_t row,
                                 float change, const float *column)
{
    const int64_t d = io->x.shape[1];
    const void *const x = vec_row(&io->x, row);
    void *const y = vec_row(&io->y, row);
    for (int64_t i = 0; i < d; i += VEC) {
        vec value = vec_read_first(type, x, i, d - i);
        if (column != NULL) {
            const vec direction = vec_read_first(ASSAY_F32, column, i, d - i);
            value = vec_fma(vec_set(change), direction, value);
        }
        vec_write_first(type, y, i, value, d - i);
    }
}

static inline void simd_steer_row(const assay_sae_steer_params *params, const simd_steer *steer,
                                  const assay_sae_steer_io *io, int64_t row, double feature)
{
    const assay_sae *const sae = &params->sae;
    const double scale = scalar_optional(&sae->decode_scale, params->latent, 1.0);
    double change = scalar_steer_change(params, feature) * scale;
    if (sae->layer_norm && scale != 0.0) {
        change *= scalar_row_moments(&io->x, row).deviation;
    }
    VEC_TYPED(simd_steer_write, io->x.dtype, io, row, (float)change,
              scale == 0.0 ? NULL : steer->column);
}

static inline assay_status simd_sae_steer(assay_dtype type, const assay_exec *exec,
                                          const assay_sae_steer_params *params, const void *state,
                                          const assay_sae_steer_io *io)
{
    assay_status status = scalar_expect(exec, "x", &io->x, type);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "y", &io->y, type);
    status = status != ASSAY_OK
                 ? status
                 : scalar_expect_workspace(exec, scalar_steer_workspace(params, io));
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t total = io->x.shape[0];
    for (int64_t first = 0; first < total; first += SCALAR_BLOCK) {
        const int64_t rows = scalar_min(SCALAR_BLOCK, total - first);
        float feature[SCALAR_BLOCK] = {0};
        if (scalar_steer_encodes(params)) {
            simd_steer_encode(exec, params, state, io, first, rows, feature);
        }
        for (int64_t r = 0; r < rows; r++) {
            simd_steer_row(params, state, io, first + r, (double)feature[r]);
        }
    }
    return ASSAY_OK;
}

#endif
