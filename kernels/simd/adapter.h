/* adapter by vectors, a block of rows at a time: v, then the low-rank part into f32, then the sum of
 * an output's parts, rounded once; of full rank by panels (adapter_full.h). */
#ifndef KERNELS_SIMD_ADAPTER_H
#define KERNELS_SIMD_ADAPTER_H

#include "kernels/simd/adapter_full.h"

/* Of a block: v, the low-rank part, v U. products: by the kind of panel. */
static inline size_t simd_adapter_workspace(const simd_product *products,
                                            const assay_adapter_params *params,
                                            const assay_adapter_io *io)
{
    if (params->type == ASSAY_ADAPTER_FULL_RANK) {
        return simd_adapter_full_workspace(products, params, io);
    }
    return (size_t)(scalar_min(SCALAR_BLOCK, io->x.shape[0]) *
                    (2 * io->x.shape[1] + scalar_adapter_rank(params))) *
           sizeof(float);
}

/* product[r][i ..] = sum over c of h[r][c] V[i ..][c], a few columns of a few rows. */
static inline void simd_adapter_expand(const assay_tensor *v, const float *h, int64_t rows,
                                       int64_t at, int64_t n, float *product)
{
    const int64_t rank = v->shape[0];
    const int64_t d = v->shape[1];
    for (int64_t first = 0; first < rows; first += SIMD_TILE_ROWS) {
        const int64_t count = scalar_min(SIMD_TILE_ROWS, rows - first);
        for (int64_t i = at; i < at + n; i += VEC) {
            vec sum[SIMD_TILE_ROWS] = {vec_set(0.0f), vec_set(0.0f), vec_set(0.0f), vec_set(0.0f)};
            for (int64_t c = 0; c < rank; c++) {
                const vec column = vec_read_first(ASSAY_F32, v->data, c * d + i, at + n - i);
                for (int r = 0; r < SIMD_TILE_ROWS; r++) {
                    const int64_t row = first + scalar_min(r, count - 1);
                    sum[r] = vec_fma(vec_set(h[row * rank + c]), column, sum[r]);
                }
            }
            for (int64_t r = 0; r < count; r++) {
                vec_write_first(ASSAY_F32, product, (first + r) * d + i, sum[r], at + n - i);
            }
        }
    }
}

/* The low-rank part of a block of rows. */
static inline void simd_adapter_product(const assay_exec *exec, const assay_adapter_params *params,
                                        const simd_adapter_state *state, int64_t d, int64_t rows,
                                        const float *v, float *product, float *h)
{
    const int64_t rank = scalar_adapter_rank(params);
#pragma omp parallel for num_threads(simd_threads(exec, rows * d * rank)) schedule(static)
    for (int64_t c = 0; c < rank; c += SIMD_TILE_WEIGHTS) {
        simd_dots(&state->u, c, scalar_min(SIMD_TILE_WEIGHTS, rank - c), v, d, rows, d, h + c,
                  rank);
    }
    enum { PIECE = 16 * VEC };
#pragma omp parallel for num_threads(simd_threads(exec, rows * d * rank)) schedule(static)
    for (int64_t i = 0; i < d; i += PIECE) {
        simd_adapter_expand(&state->v, h, rows, i, scalar_min(PIECE, d - i), product);
    }
}

/* The parts of a row's outputs that the type has; NULL for those it has not. */
typedef struct simd_adapter_parts {
    float scale;
    const float *v, *product, *bias;
} simd_adapter_parts;

VEC_INLINE void simd_adapter_put(assay_dtype type, const simd_adapter_parts *parts,
                                 const assay_tensor *y, int64_t row)
{
    const int64_t d = y->shape[1];
    void *const to = vec_row(y, row);
    for (int64_t i = 0; i < d; i += VEC) {
        const int64_t n = d - i;
        vec value = vec_set(0.0f);
        if (parts->product != NULL) {
            value = vec_read_first(ASSAY_F32, parts->product, i, n);
        }
        if (parts->v != NULL) {
            value = vec_fma(vec_set(parts->scale), vec_read_first(ASSAY_F32, parts->v, i, n),
                            value);
        }
        if (parts->bias != NULL) {
            value = vec_add(value, vec_read_first(ASSAY_F32, parts->bias, i, n));
        }
        vec_write_first(type, to, i, value, n);
    }
}

static inline assay_status simd_adapter(const simd_product *products, assay_dtype type,
                                        const assay_exec *exec, const assay_adapter_params *params,
                                        const void *state, const assay_adapter_io *io)
{
    assay_status status = scalar_expect(exec, "y", &io->y, type);
    status = status != ASSAY_OK
                 ? status
                 : scalar_expect_workspace(exec, simd_adapter_workspace(products, params, io));
    if (status != ASSAY_OK) {
        return status;
    }
    const bool identity = params->type == ASSAY_ADAPTER_IDENTITY;
    if (identity && io->x.dtype != ASSAY_F32 && io->x.dtype != ASSAY_BF16) {
        scalar_adapter_identity(params, io);
        return ASSAY_OK;
    }
    const simd_adapter_state *const s = state;
    if (params->type == ASSAY_ADAPTER_FULL_RANK) {
        simd_adapter_full_rank(&products[s->panels.kind], exec, params, s, io);
        return ASSAY_OK;
    }
    const int64_t total = io->x.shape[0];
    const int64_t d = io->x.shape[1];
    const bool product = scalar_adapter_low_rank(params);
    const bool scaled = scalar_adapter_scaled(params);
    const float scale = scaled ? (float)exp(assay_at1(&params->log_scale, 0)) : 1.0f;
    float *const v = exec->workspace;
    for (int64_t first = 0; first < total; first += SCALAR_BLOCK) {
        const int64_t rows = scalar_min(SCALAR_BLOCK, total - first);
        float *const m = v + rows * d;
        for (int64_t r = 0; r < rows; r++) {
            simd_adapter_row(params, s, &io->x, first + r, v + r * d);
        }
        if (product) {
            simd_adapter_product(exec, params, s, d, rows, v, m, m + rows * d);
        }
        for (int64_t r = 0; r < rows; r++) {
            const simd_adapter_parts parts = {.scale = scale,
                                              .v = scaled || identity ? v + r * d : NULL,
                                              .product = product ? m + r * d : NULL,
                                              .bias = s->bias};
            VEC_TYPED(simd_adapter_put, type, &parts, &io->y, first + r);
        }
    }
    return ASSAY_OK;
}

/* The functions of a kernel whose f32 products, by the kind of panel, are products_. */
#define SIMD_ADAPTER_FUNCTIONS(products_, type_)                                                   \
    static size_t workspace(const assay_adapter_params *params, const assay_adapter_io *io)        \
    {                                                                                              \
        return simd_adapter_workspace(products_, params, io);                                      \
    }                                                                                              \
    static assay_status run(const assay_exec *exec, const assay_adapter_params *params,            \
                            const void *state, const assay_adapter_io *io)                         \
    {                                                                                              \
        return simd_adapter(products_, type_, exec, params, state, io);                            \
    }

#endif
