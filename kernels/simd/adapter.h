/* adapter by vectors, a block of rows at a time: v, then the matrix part into f32, then the sum of
 * an output's parts, rounded once. U and V are packed so that both products run along d. */
#ifndef KERNELS_SIMD_ADAPTER_H
#define KERNELS_SIMD_ADAPTER_H

#include "kernels/scalar/adapter.h"
#include "kernels/simd/dots.h"
#include "kernels/simd/norm.h"

typedef struct simd_adapter_state {
    float *mean, *bias; /* [d]; NULL where there is none, or the type has no bias */
    assay_tensor u, v;  /* [rank, d] f32: transposed copies; absent without a low-rank part */
} simd_adapter_state;

static inline void simd_adapter_release(const assay_exec *exec, void *state)
{
    simd_adapter_state *const s = state;
    (void)exec;
    if (s != NULL) {
        free(s->mean);
        free(s->bias);
        free(s->u.data);
        free(s->v.data);
        free(s);
    }
}

static inline bool simd_adapter_transpose(const assay_tensor *from, assay_tensor *to)
{
    const int64_t d = from->shape[0];
    const int64_t rank = from->shape[1];
    float *const data = simd_allocate((size_t)(rank * d) * sizeof *data);
    for (int64_t c = 0; c < rank && data != NULL; c++) {
        for (int64_t i = 0; i < d; i++) {
            data[c * d + i] = (float)assay_at2(from, i, c);
        }
    }
    *to = assay_matrix(data, ASSAY_F32, rank, d);
    return data != NULL;
}

static inline assay_status simd_adapter_prepare(const assay_exec *exec,
                                                const assay_adapter_params *params, void **state)
{
    /* The dimension stands in whichever operand the type has; scale_only may have none. */
    const assay_tensor *const sized = assay_present(&params->bias)     ? &params->bias
                                      : assay_present(&params->mean) ? &params->mean
                                                                     : NULL;
    const int64_t d = sized != NULL ? sized->shape[0] : 0;
    const bool biased = params->type != ASSAY_ADAPTER_IDENTITY &&
                        params->type != ASSAY_ADAPTER_SCALE_ONLY; /* which may carry one unused */
    simd_adapter_state *const s = calloc(1, sizeof *s);
    bool whole = s != NULL;
    if (whole && assay_present(&params->mean)) {
        whole = (s->mean = simd_vector_f32(&params->mean, d)) != NULL;
    }
    if (whole && biased && assay_present(&params->bias)) {
        whole = (s->bias = simd_vector_f32(&params->bias, d)) != NULL;
    }
    if (whole && scalar_adapter_low_rank(params)) {
        whole = simd_adapter_transpose(&params->u, &s->u) &&
                simd_adapter_transpose(&params->v, &s->v);
    }
    if (!whole) {
        simd_adapter_release(exec, s);
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "adapter: no memory for its state");
    }
    *state = s;
    return ASSAY_OK;
}

/* Floats of a block: v, the matrix part, v U. */
static inline size_t simd_adapter_workspace(const assay_adapter_params *params,
                                            const assay_adapter_io *io)
{
    return (size_t)(scalar_min(SCALAR_BLOCK, io->x.shape[0]) *
                    (2 * io->x.shape[1] + scalar_adapter_rank(params))) *
           sizeof(float);
}

VEC_INLINE void simd_adapter_centre(assay_dtype type, const assay_tensor *x, int64_t row,
                                    const float *mean, float *v)
{
    const int64_t d = x->shape[1];
    const void *const from = vec_row(x, row);
    for (int64_t i = 0; i < d; i += VEC) {
        vec value = vec_read_first(type, from, i, d - i);
        if (mean != NULL) {
            value = vec_sub(value, vec_read_first(ASSAY_F32, mean, i, d - i));
        }
        vec_write_first(ASSAY_F32, v, i, value, d - i);
    }
}

/* v of one row. */
static inline void simd_adapter_row(const assay_adapter_params *params,
                                    const simd_adapter_state *state, const assay_tensor *x,
                                    int64_t row, float *v)
{
    const int64_t d = x->shape[1];
    if (x->dtype == ASSAY_F32 || x->dtype == ASSAY_BF16) {
        VEC_TYPED(simd_adapter_centre, x->dtype, x, row, state->mean, v);
    } else {
        for (int64_t i = 0; i < d; i++) {
            v[i] = (float)scalar_adapter_centred(params, x, row, i);
        }
    }
    if (!params->normalize_input || params->type == ASSAY_ADAPTER_IDENTITY) {
        return;
    }
    const vec divisor = vec_set(sqrtf(simd_squares(ASSAY_F32, v, d)) + 1e-8f);
    for (int64_t i = 0; i < d; i += VEC) {
        const vec normed = vec_div(vec_read_first(ASSAY_F32, v, i, d - i), divisor);
        vec_write_first(ASSAY_F32, v, i, normed, d - i);
    }
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

/* The matrix part of a block of rows. */
static inline void simd_adapter_product(const assay_exec *exec, const assay_adapter_params *params,
                                        const simd_adapter_state *state, int64_t d, int64_t rows,
                                        const float *v, float *product, float *h)
{
    const int64_t rank = scalar_adapter_rank(params);
    if (params->type == ASSAY_ADAPTER_FULL_RANK) {
#pragma omp parallel for num_threads(simd_threads(exec, rows * d * d)) schedule(static)
        for (int64_t o = 0; o < d; o += SIMD_TILE_WEIGHTS) {
            simd_dots(&params->weight, o, scalar_min(SIMD_TILE_WEIGHTS, d - o), v, d, rows, d,
                      product + o, d);
        }
        return;
    }
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

static inline assay_status simd_adapter(assay_dtype type, const assay_exec *exec,
                                        const assay_adapter_params *params, const void *state,
                                        const assay_adapter_io *io)
{
    assay_status status = scalar_expect(exec, "y", &io->y, type);
    status = status != ASSAY_OK ? status
                                : scalar_expect_workspace(exec, simd_adapter_workspace(params, io));
    if (status != ASSAY_OK) {
        return status;
    }
    const bool identity = params->type == ASSAY_ADAPTER_IDENTITY;
    if (identity && io->x.dtype != ASSAY_F32 && io->x.dtype != ASSAY_BF16) {
        scalar_adapter_identity(params, io);
        return ASSAY_OK;
    }
    const simd_adapter_state *const s = state;
    const int64_t total = io->x.shape[0];
    const int64_t d = io->x.shape[1];
    const bool product = params->type == ASSAY_ADAPTER_FULL_RANK || scalar_adapter_low_rank(params);
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

#endif
