/* sae_encode, f32, by 256-bit vectors.
 *
 * Floor: one reading of the encoder, or 2 N d_in d_sae operations at 121 GFLOP/s a core. One
 * core (memory 18.3 GB/s), 32,768 latents of 2,048 in f32, L0 63, processor time of the fastest
 * of many runs beside other work:
 *   1 row     15.6 ms   17.2 GB/s, 94% of the floor    (scalar: 18.6 ms)
 *   16 rows   33.9 ms   52%: six blocks of rows, of which the first waits for memory
 *   240 rows  348 ms    92 GFLOP/s, 76% */
#include "kernels/list.h"
#include "kernels/simd/encode_run.h"
#include "kernels/simd/product_avx2.h"

/* Which of eight latents from j on are active. A NaN is: it is not below or at any threshold. With
 * gates a score may be NaN where the pre-activation is not, which then is not active. */
static unsigned active_of(const encode_job *job, int64_t j, __m256 pre, float least)
{
    const encode_state *const s = job->state;
    const bool top = job->sae->activation == ASSAY_TOPK;
    const __m256 threshold = _mm256_load_ps(s->threshold + j);
    const __m256 limit = top ? _mm256_set1_ps(least) : threshold;
    const __m256 never = _mm256_cmp_ps(threshold, _mm256_set1_ps(INFINITY), _CMP_EQ_OQ);
    __m256 active = _mm256_cmp_ps(pre, limit, _CMP_NLE_UQ);
    if (s->gated) {
        const __m256 score = _mm256_mul_ps(_mm256_load_ps(s->gate + j), pre);
        active = top ? _mm256_cmp_ps(score, limit, _CMP_NLE_UQ)
                     : _mm256_or_ps(_mm256_cmp_ps(score, limit, _CMP_GT_OQ),
                                    _mm256_cmp_ps(pre, pre, _CMP_UNORD_Q));
    }
    return (unsigned)_mm256_movemask_ps(_mm256_andnot_ps(never, active));
}

static void emit(void *context, int64_t panel, int64_t first, int64_t rows, const float *dots)
{
    const encode_job *const job = context;
    const encode_state *const s = job->state;
    const bool top = job->sae->activation == ASSAY_TOPK;
    const int self = omp_get_thread_num();
    for (int64_t r = 0; r < rows; r++) {
        const encode_segment own = encode_segment_of(job, first + r, self);
        int64_t count = own.count[0];
        for (int v = 0; v < AVX2_VECTORS; v++) {
            const int64_t j = panel * PANEL_WIDTH + v * AVX2_LANES;
            const __m256 dot = _mm256_load_ps(dots + r * PANEL_WIDTH + v * AVX2_LANES);
            const __m256 pre = _mm256_fmadd_ps(_mm256_load_ps(s->scale + j), dot,
                                               _mm256_load_ps(s->bias + j));
            unsigned active = active_of(job, j, pre, own.least[0]);
            if (active == 0) {
                continue;
            }
            _Alignas(32) float value[AVX2_LANES];
            _mm256_store_ps(value, pre);
            for (; active != 0; active &= active - 1) {
                const int lane = __builtin_ctz(active);
                own.latent[count] = (int32_t)(j + lane);
                own.value[count++] = value[lane];
            }
        }
        own.count[0] = count;
        if (top && count >= job->limit) {
            encode_cut(job, first + r, self);
        }
    }
}

ENCODE_FUNCTIONS(panel_kind_of(&params->sae.encoder), &avx2_products[kind], ASSAY_F32,
                 emit)

const assay_kernel assay_sae_encode_avx2 = {
    SIMD_KERNEL(sae_encode, "avx2", SIMD_NEED_AVX2,
                "product, bias, threshold and compaction in one pass over packed weights"),
    .precision = SIMD_CONTRACT_F32,
    .capabilities = ASSAY_CAN_SPARSE | ASSAY_CAN_DENSE,
    .run.sae_encode = {.workspace = workspace,
                       .prepare = prepare,
                       .run = run,
                       .bytes_read = encode_bytes_read},
    .release = encode_release,
};
