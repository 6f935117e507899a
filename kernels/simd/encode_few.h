/* sae_encode of a few latents, such as those chosen from a whole SAE (assay/choose.h): a panel
 * would be multiplied by mostly zeros. Their encoder rows are kept as f32, rounded to bf16 where
 * the contract rounds them, and stay in the cache; rows of x are widened as they pass and never
 * packed; threads share the rows.
 *
 * Floor: one reading of x. Products of bf16 are exact in f32, so both contracts have one code. */
#ifndef KERNELS_SIMD_ENCODE_FEW_H
#define KERNELS_SIMD_ENCODE_FEW_H

#include "kernels/simd/dots.h"
#include "kernels/simd/encode.h"

_Static_assert((int)ENCODE_FEW_ROWS > (int)SIMD_TILE_ROWS, "a tile of rows, and one");

/* In the place of panels_pack: the same shape, which the vectors beside it go by. */
static inline assay_status encode_few_pack(const assay_exec *exec, const assay_tensor *encoder,
                                           panel_kind kind, encode_state *s)
{
    const int64_t latents = encoder->shape[0];
    const int64_t d = encoder->shape[1];
    const bool rounded = kind == PANEL_PAIRS || kind == PANEL_TILES;
    s->panels = panels_shape(kind, latents, d);
    s->few = simd_allocate((size_t)(latents * d) * sizeof *s->few);
    if (s->few == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for %lld latents of %lld",
                          (long long)latents, (long long)d);
    }
    for (int64_t i = 0; i < latents * d; i++) {
        const int64_t j = i / d;
        s->few[i] = rounded ? assay_bf16_to_f32(panel_bf16(encoder, j, i % d))
                            : (float)assay_at2(encoder, j, i % d);
    }
    return ASSAY_OK;
}

/* Rows of x as the products take them, at most a tile's: their own, or made in `room`, which holds
 * ENCODE_FEW_ROWS of f32. */
static inline const float *encode_few_rows(const encode_job *job, int64_t row, int64_t rows,
                                           float *room, int64_t *stride)
{
    const assay_tensor *const x = &job->io->x;
    const int64_t d = x->shape[1];
    const bool made = job->sae->layer_norm || job->state->pre_bias != NULL;
    *stride = d;
    if (!made && x->dtype == ASSAY_F32) {
        *stride = x->stride[0];
        return (const float *)x->data + row * x->stride[0];
    }
    float *const words = room + SIMD_TILE_ROWS * d;
    for (int64_t r = 0; r < rows; r++) {
        const void *from = (const uint16_t *)x->data + (row + r) * x->stride[0];
        if (made) {
            float *const to = x->dtype == ASSAY_BF16 ? words : room + r * d;
            encode_row(job, row + r, to);
            from = words;
        }
        for (int64_t i = 0; x->dtype == ASSAY_BF16 && i < d; i += VEC) {
            vec_write_first(ASSAY_F32, room + r * d, i, vec_read_first(ASSAY_BF16, from, i, d - i),
                          d - i);
        }
    }
    return room;
}

/* A thread's part of a chunk of `count` rows that begins with row `first` of x. */
static inline void encode_few(const encode_job *job, int64_t first, int64_t count,
                              simd_consume_fn *emit)
{
    const simd_share mine = simd_share_of(count);
    const int64_t seat = count < omp_get_num_threads() ? mine.first : omp_get_thread_num();
    _Alignas(SIMD_LINE) float dots[SIMD_TILE_ROWS * PANEL_WIDTH] = {0};
    const encode_state *const s = job->state;
    const int64_t d = s->panels.depth;
    const assay_tensor weight = assay_matrix(s->few, ASSAY_F32, s->panels.outputs, d);
    float *const room = (float *)job->scratch.made + seat * ENCODE_FEW_ROWS * d;
    for (int64_t r = mine.first; r < mine.last; r += SIMD_TILE_ROWS) {
        const int64_t rows = scalar_min(SIMD_TILE_ROWS, mine.last - r);
        int64_t stride;
        const float *const x = encode_few_rows(job, first + r, rows, room, &stride);
        for (int64_t j = 0; j < weight.shape[0]; j += SIMD_TILE_WEIGHTS) {
            simd_tile(&weight, j, scalar_min(SIMD_TILE_WEIGHTS, weight.shape[0] - j), x, stride,
                      rows, d, dots + j, PANEL_WIDTH);
        }
        emit((void *)(uintptr_t)job, 0, r, rows, dots);
    }
}

#endif
