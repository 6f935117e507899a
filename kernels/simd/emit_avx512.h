/* Pre-activations of one panel and their active ones, by AVX-512. */
#ifndef KERNELS_SIMD_EMIT_AVX512_H
#define KERNELS_SIMD_EMIT_AVX512_H

#include "kernels/simd/active_avx512.h"

static inline __attribute__((always_inline)) void emit_rows(const emit_mode mode,
                                                            const encode_job *job, int64_t panel,
                                                            int64_t first, int64_t rows,
                                                            const float *dots)
{
    const emit_half low = emit_load(job, panel * PANEL_WIDTH);
    const emit_half high = emit_load(job, panel * PANEL_WIDTH + PANEL_HALF);
    const int self = omp_get_thread_num();
    const encode_segment own = encode_segment_of(job, first, self);
    const bool gated = job->state->gated;
    for (int64_t r = 0; r < rows; r++) {
        const float *const dot = dots + r * PANEL_WIDTH;
        const __m512 a = _mm512_fmadd_ps(low.scale, _mm512_load_ps(dot), low.bias);
        const __m512 b = _mm512_fmadd_ps(high.scale, _mm512_load_ps(dot + PANEL_HALF), high.bias);
        const __m512 least = _mm512_set1_ps(mode == EMIT_TOP ? own.least[r] : 0.0f);
        const __mmask16 a_active = emit_active(mode, gated, &low, a, least);
        const __mmask16 b_active = emit_active(mode, gated, &high, b, least);
        if ((a_active | b_active) == 0) {
            continue;
        }
        const int64_t at = r * job->scratch.width;
        int64_t count = own.count[r];
        count += emit_append(own.latent + at + count, own.value + at + count, &low, a, a_active);
        count += emit_append(own.latent + at + count, own.value + at + count, &high, b, b_active);
        own.count[r] = count;
        if (mode == EMIT_TOP && count >= job->limit) {
            encode_cut(job, first + r, self);
        }
    }
}

static void emit_avx512(void *context, int64_t panel, int64_t first, int64_t rows,
                        const float *dots)
{
    const encode_job *const job = context;
    if (job->sae->activation == ASSAY_TOPK) {
        emit_rows(EMIT_TOP, job, panel, first, rows, dots);
    } else if (job->state->gated) {
        emit_rows(EMIT_GATED, job, panel, first, rows, dots);
    } else {
        emit_rows(EMIT_THRESHOLD, job, panel, first, rows, dots);
    }
}

#endif
