/* The run of a screening encoder. Threads share the latents as in encode.h; each takes its own in
 * stretches: 8-bit products of a stretch, candidates, exact products of these. */
#ifndef KERNELS_SIMD_SCREEN_RUN_H
#define KERNELS_SIMD_SCREEN_RUN_H

#include "kernels/simd/screen_exact.h"
#include "kernels/simd/screen_pack.h"

enum {
    SCREEN_PROBE = 32, /* of a thread's panels one in so many shows whether screening pays; they
                          give topk its first bar */
    SCREEN_PAYS = 4    /* it does not where more than one latent in so many is a candidate */
};

/* What screening knows of half a panel. */
typedef struct screen_half {
    __m512 step, factor, base, most, error, norm, threshold;
    __m512i latent;
    __mmask16 may; /* latents whose threshold is not infinite: those beyond the last have one */
} screen_half;

static inline screen_half screen_half_of(const screen_job *job, int64_t j)
{
    const float *const v =
        screen_vectors(&job->state->exact.panels, j / PANEL_WIDTH) + j % PANEL_WIDTH;
    screen_half h;
    h.step = _mm512_load_ps(v + SCREEN_STEP * PANEL_WIDTH);
    h.factor = _mm512_load_ps(v + SCREEN_FACTOR * PANEL_WIDTH);
    h.base = _mm512_load_ps(v + SCREEN_BASE * PANEL_WIDTH);
    h.most = _mm512_load_ps(v + SCREEN_MOST * PANEL_WIDTH);
    h.error = _mm512_load_ps(v + SCREEN_ERROR * PANEL_WIDTH);
    h.norm = _mm512_load_ps(v + SCREEN_NORM * PANEL_WIDTH);
    h.threshold = _mm512_load_ps(v + SCREEN_THRESHOLD * PANEL_WIDTH);
    h.latent = _mm512_add_epi32(_mm512_set1_epi32((int32_t)j), screen_lanes());
    h.may = _mm512_cmp_ps_mask(h.threshold, _mm512_set1_ps(INFINITY), _CMP_NEQ_UQ);
    return h;
}

/* The sum over O. */
static inline __m512 screen_kept(const screen_state *s, const screen_row *row, int64_t panel,
                                 int half)
{
    const uint16_t *w = s->kept + panel * s->columns * PANEL_WIDTH + half * PANEL_HALF;
    __m512 sum = _mm512_setzero_ps();
    for (int64_t c = 0; c < s->columns; c++) {
        const __m256i words = _mm256_loadu_si256((const __m256i *)(const void *)w);
        sum = _mm512_fmadd_ps(avx512_from_bf16(words), _mm512_set1_ps(row->kept[c]), sum);
        w += PANEL_WIDTH;
    }
    return sum;
}

/* `up` of screen.h. */
static inline __m512 screen_bar(const screen_half *h, const screen_row *row, const float *high,
                                const float *low, __m512 kept)
{
    const __m512i a = _mm512_sub_epi32(_mm512_load_si512(high), _mm512_set1_epi32(row->high));
    const __m512i b = _mm512_sub_epi32(_mm512_load_si512(low), _mm512_set1_epi32(row->low));
    const __m512 sum = _mm512_fmadd_ps(_mm512_set1_ps((float)SCREEN_HIGH), _mm512_cvtepi32_ps(a),
                                       _mm512_cvtepi32_ps(b));
    const __m512 scaled = _mm512_mul_ps(sum, _mm512_set1_ps(row->step));
    const __m512 middle =
        _mm512_fmadd_ps(h->factor, kept, _mm512_fmadd_ps(h->step, scaled, h->base));
    __m512 around = _mm512_mul_ps(h->norm, _mm512_set1_ps(row->other));
    around = _mm512_fmadd_ps(h->most, _mm512_set1_ps(row->away), around);
    around = _mm512_fmadd_ps(h->error, _mm512_set1_ps(row->rest), around);
    return _mm512_add_ps(middle, around);
}

/* Appends what cannot be excluded of one panel to the rows' candidates: `first` and `rows` count
 * 8-bit rows. */
static void screen_consume(void *context, int64_t panel, int64_t first, int64_t rows,
                           const float *dots)
{
    const screen_job *const job = context;
    const screen_state *const s = job->state;
    const int self = omp_get_thread_num();
    const bool top = job->exact.sae->activation == ASSAY_TOPK;
    const screen_half halves[2] = {screen_half_of(job, panel * PANEL_WIDTH),
                                   screen_half_of(job, panel * PANEL_WIDTH + PANEL_HALF)};
    for (int64_t i = 0; i < rows; i += SCREEN_TERMS) {
        const int64_t r = (first + i) / SCREEN_TERMS;
        int64_t *const pending = job->scratch.pending + self * job->scratch.exact.rows + r;
        if (*pending == SCREEN_DENSE) {
            continue;
        }
        const screen_row *const row = job->scratch.row + r;
        const encode_segment own = encode_segment_of(&job->exact, r, self);
        for (int half = 0; half < 2; half++) {
            const screen_half *const h = &halves[half];
            const float *const high = dots + i * PANEL_WIDTH + half * PANEL_HALF;
            const __m512 kept = screen_kept(s, row, panel, half);
            const __m512 up = screen_bar(h, row, high, high + PANEL_WIDTH, kept);
            const __m512 bar = top ? _mm512_set1_ps(own.least[0]) : h->threshold;
            const __mmask16 may = _mm512_mask_cmp_ps_mask(h->may, up, bar, _CMP_NLE_UQ);
            const int64_t count = __builtin_popcount(may);
            _mm512_mask_storeu_epi32(own.latent + own.count[0] + *pending, avx512_first(count),
                                     _mm512_maskz_compress_epi32(may, h->latent));
            *pending += count;
        }
    }
}

/* Before a stretch: which rows it screens. Returns whether any. */
static inline bool screen_begin(const screen_job *job, int64_t rows, int64_t *pending)
{
    const bool top = job->exact.sae->activation == ASSAY_TOPK;
    bool any = false;
    for (int64_t r = 0; r < rows; r++) {
        const encode_segment own = encode_segment_of(&job->exact, r, omp_get_thread_num());
        const bool open = top && isnan(own.least[0]); /* nothing to compare with yet */
        pending[r] = job->scratch.row[r].whole && !open && pending[r] != SCREEN_DENSE
                         ? 0
                         : SCREEN_DENSE;
        any = any || pending[r] != SCREEN_DENSE;
    }
    return any;
}

/* After its 8-bit products: the exact ones. */
static inline void screen_finish(const screen_job *job, int64_t rows, int64_t *pending,
                                 simd_share stretch)
{
    const int self = omp_get_thread_num();
    const int64_t latents = (stretch.last - stretch.first) * PANEL_WIDTH;
    const bool top = job->exact.sae->activation == ASSAY_TOPK;
    int64_t dense[SIMD_CHUNK_MOST];
    int64_t count = 0;
    for (int64_t r = 0; r < rows; r++) {
        if (pending[r] != SCREEN_DENSE) {
            screen_candidates(job, r, pending[r]);
            pending[r] = !top && pending[r] > latents / SCREEN_PAYS ? SCREEN_DENSE : 0;
        } else {
            dense[count++] = r;
        }
    }
    if (count > 0) {
        screen_all(job, dense, count, stretch);
    }
    for (int64_t r = 0; top && r < rows; r++) {
        pending[r] = 0;
        encode_cut(&job->exact, r, self);
    }
}

/* A thread's panels. */
static inline void screen_share(const screen_job *job, int64_t rows, const simd_blocks *blocks)
{
    const encode_job *const exact = &job->exact;
    const simd_panels *const p = &exact->state->panels;
    const int self = omp_get_thread_num();
    const simd_share mine = encode_share_of(exact, self);
    const bool top = exact->sae->activation == ASSAY_TOPK;
    int64_t *const pending = job->scratch.pending + self * job->scratch.exact.rows;
    memset(pending, 0, (size_t)rows * sizeof *pending);
    int64_t size = (mine.last - mine.first) / SCREEN_PROBE + 1;
    simd_share stretch = {mine.first, scalar_min(mine.first + size, mine.last)};
    while (stretch.first < stretch.last) {
        if (screen_begin(job, rows, pending)) {
            simd_multiply(exact->product, p, stretch.first, stretch.last,
                          job->scratch.exact.packed, simd_block_stride(exact->product, p, blocks),
                          blocks, 0, blocks->blocks, screen_consume, (void *)(uintptr_t)job);
        }
        screen_finish(job, rows, pending, stretch);
        size = stretch.last - mine.first; /* topk: as many as there were before */
        stretch.first = stretch.last;
        stretch.last = top ? scalar_min(stretch.first + size, mine.last) : mine.last;
    }
}

/* One chunk of rows, by every thread of a team; `found` entries were in those before. */
static inline int64_t screen_chunk(const screen_job *job, int64_t first, int64_t rows,
                                   int64_t found)
{
    const simd_blocks blocks =
        simd_blocks_of(SCREEN_TERMS * rows, job->exact.product->block_rows);
    screen_pack_rows(job, first, &blocks);
    encode_begin(&job->exact, rows);
#pragma omp barrier
    screen_share(job, rows, &blocks);
    return encode_finish(&job->exact, first, rows, found);
}

static inline size_t screen_workspace(const simd_product *product,
                                      const assay_sae_encode_params *params,
                                      const assay_sae_encode_io *io)
{
    const simd_panels p = screen_panels(&params->sae);
    return screen_scratch_of(product, &p, io->x.shape[0], NULL).exact.bytes;
}

static inline assay_status screen_run(const simd_product *product, const assay_exec *exec,
                                      const assay_sae_encode_params *params, const void *state,
                                      const assay_sae_encode_io *io)
{
    const screen_state *const s = state;
    const int64_t total = io->x.shape[0];
    assay_status status = scalar_expect(exec, "x", &io->x, ASSAY_BF16);
    status = status != ASSAY_OK
                 ? status
                 : scalar_expect_workspace(exec, screen_workspace(product, params, io));
    if (status != ASSAY_OK) {
        return status;
    }
    screen_job job = {.exact = encode_job_of(&s->exact, params, io),
                      .state = s,
                      .scratch = screen_scratch_of(product, &s->exact.panels, total,
                                                   exec->workspace)};
    job.exact.product = product;
    job.exact.scratch = job.scratch.exact;
    const int wanted = simd_threads(exec, total * params->sae.d_in * params->sae.d_sae);
    const int threads = wanted < ENCODE_THREADS ? wanted : ENCODE_THREADS;
    const int64_t chunk = screen_chunk_rows(product, &s->exact.panels, total);
#pragma omp parallel num_threads(threads)
    {
        int64_t found = 0;
        for (int64_t first = 0; first < total; first += chunk) {
            found = screen_chunk(&job, first, scalar_min(chunk, total - first), found);
            if (first + chunk < total) { /* segments and packed rows are used again */
#pragma omp barrier
            }
        }
    }
    return ASSAY_OK;
}

/* At least: rows that are not screened read the bf16 weights, which are more. */
static inline uint64_t screen_bytes_read(const assay_sae_encode_params *params, const void *state,
                                         const assay_sae_encode_io *io)
{
    const screen_state *const s = state;
    (void)params;
    (void)io;
    return (uint64_t)s->exact.panels.count * s->exact.panels.bytes;
}

/* The functions of a kernel that screens with product_. */
#define SCREEN_FUNCTIONS(product_)                                                                 \
    static size_t workspace(const assay_sae_encode_params *params, const assay_sae_encode_io *io)  \
    {                                                                                              \
        return screen_workspace(product_, params, io);                                             \
    }                                                                                              \
    static assay_status run(const assay_exec *exec, const assay_sae_encode_params *params,         \
                            const void *state, const assay_sae_encode_io *io)                      \
    {                                                                                              \
        return screen_run(product_, exec, params, state, io);                                      \
    }

#endif
