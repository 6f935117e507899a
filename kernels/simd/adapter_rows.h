/* adapter by vectors: its parameters packed once, and v of a row. U and V are packed so that both
 * products run along d, a matrix of full rank into panels. */
#ifndef KERNELS_SIMD_ADAPTER_ROWS_H
#define KERNELS_SIMD_ADAPTER_ROWS_H

#include "kernels/scalar/adapter.h"
#include "kernels/simd/dots.h"
#include "kernels/simd/norm.h"
#include "kernels/simd/pack_f32.h"

typedef struct simd_adapter_state {
    float *mean, *bias; /* [d]; NULL where there is none, or the type has no bias */
    assay_tensor u, v;  /* [rank, d] f32: transposed copies; absent without a low-rank part */
    simd_panels panels; /* of the matrix of full rank */
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
        free(s->panels.data);
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
    if (params->type == ASSAY_ADAPTER_FULL_RANK) {
        const assay_status status =
            panels_pack(exec, &params->weight, panel_kind_of(&params->weight), &s->panels);
        if (status != ASSAY_OK) {
            simd_adapter_release(exec, s);
            return status;
        }
    }
    *state = s;
    return ASSAY_OK;
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

#endif
