/* sae_encode by panels: what is the same for every instruction set.
 *
 * Threads share the latents. For a chunk of rows each multiplies its panels and appends a row's
 * active latents, in ascending order, to that row's segment of the workspace: the pre-activations
 * themselves are never kept. Then all counts are known, the offsets follow, and the segments are
 * copied to their places: the same bits whatever the number of threads.
 *
 * topk: a segment holds the candidates. When it has grown to a limit it is cut to the k greatest,
 * and what does not exceed the k-th is not appended any more; at the end the threads' candidates of
 * a row are cut to k together. */
#ifndef KERNELS_SIMD_ENCODE_H
#define KERNELS_SIMD_ENCODE_H

#include "kernels/simd/encode_rows.h"
#include "kernels/simd/encode_top.h"

static inline void encode_release(const assay_exec *exec, void *state)
{
    encode_state *const s = state;
    (void)exec;
    if (s != NULL) {
        free(s->panels.data);
        free(s->few);
        free(s->scale);
        free(s->pre_bias);
        free(s);
    }
}

/* The greatest f32 that is not above the threshold: an f32 exceeds the one where it exceeds the
 * other. */
static inline float encode_threshold(double value)
{
    const float nearest = (float)value;
    return (double)nearest > value ? nextafterf(nearest, -INFINITY) : nearest;
}

/* Beyond the last latent: a threshold that nothing exceeds. */
static inline void encode_vectors(encode_state *s, const assay_sae *sae)
{
    const simd_panels *const p = &s->panels;
    const int64_t width = p->count * PANEL_WIDTH;
    s->bias = s->scale + width;
    s->gate = s->bias + width;
    s->threshold = s->gate + width;
    panels_vector(p, &sae->encode_scale, 1.0f, 0.0f, s->scale);
    panels_vector(p, &sae->encode_bias, 0.0f, 0.0f, s->bias);
    panels_vector(p, &sae->gate, 1.0f, 1.0f, s->gate);
    for (int64_t j = 0; j < width; j++) {
        const bool has = sae->activation == ASSAY_JUMPRELU && assay_present(&sae->threshold);
        s->threshold[j] = j >= sae->d_sae ? INFINITY
                          : has           ? encode_threshold(assay_at1(&sae->threshold, j))
                                          : 0.0f;
    }
    for (int64_t i = 0; s->pre_bias != NULL && i < sae->d_in; i++) {
        s->pre_bias[i] = assay_at1(&sae->pre_bias, i);
    }
    s->gated = assay_present(&sae->gate);
}

/* The vectors of a state whose panels are known. */
static inline assay_status encode_open_vectors(const assay_exec *exec, const assay_sae *sae,
                                               encode_state *s)
{
    const size_t width = (size_t)s->panels.count * PANEL_WIDTH;
    const bool biased = assay_present(&sae->pre_bias);
    s->scale = simd_allocate(4 * width * sizeof *s->scale);
    s->pre_bias = biased ? simd_allocate((size_t)sae->d_in * sizeof *s->pre_bias) : NULL;
    if (s->scale == NULL || (biased && s->pre_bias == NULL)) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for vectors of %lld latents",
                          (long long)sae->d_sae);
    }
    encode_vectors(s, sae);
    return ASSAY_OK;
}

/* Entries of row r in the segments of the whole team. */
static inline int64_t encode_row_total(const encode_job *job, int64_t r)
{
    int64_t total = 0;
    for (int t = 0; t < omp_get_num_threads(); t++) {
        total += job->scratch.count[t * job->scratch.rows + r];
    }
    return total;
}

/* The entries of one row, from `at` on up to the capacity, and its dense form. */
static inline void encode_write_row(const encode_job *job, int64_t row, int64_t r, int64_t at)
{
    const assay_csr *const codes = &job->io->codes;
    float *const all = job->io->dense.data;
    float *const dense = all != NULL ? all + row * job->sae->d_sae : NULL;
    if (dense != NULL) {
        memset(dense, 0, (size_t)job->sae->d_sae * sizeof *dense);
    }
    for (int t = 0; t < omp_get_num_threads(); t++) {
        const encode_segment segment = encode_segment_of(job, r, t);
        const int64_t count = segment.count[0];
        const int64_t room = job->capacity - at;
        const int64_t kept = room < 0 ? 0 : scalar_min(room, count);
        if (kept > 0) {
            memcpy((int32_t *)codes->latent.data + at, segment.latent,
                   (size_t)kept * sizeof *segment.latent);
            memcpy((float *)codes->value.data + at, segment.value,
                   (size_t)kept * sizeof *segment.value);
        }
        for (int64_t i = 0; dense != NULL && i < count; i++) {
            dense[segment.latent[i]] = segment.value[i];
        }
        at += count;
    }
}

/* A thread's rows of a chunk, once all segments are whole. Every thread adds up the rows before its
 * own by itself: cheaper than one more barrier. Returns the entries up to the chunk's end. */
static inline int64_t encode_write(const encode_job *job, int64_t first, int64_t rows,
                                   int64_t found)
{
    const simd_share mine = simd_share_of(rows);
    int64_t *const offsets = job->io->codes.row_offsets.data;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t at = found;
        found += encode_row_total(job, r);
        if (r >= mine.first && r < mine.last) {
            encode_write_row(job, first + r, r, at);
            if (offsets != NULL) {
                offsets[first + r + 1] = found;
            }
        }
    }
    return found;
}

/* Empties a thread's own segments. */
static inline void encode_begin(const encode_job *job, int64_t rows)
{
    const int self = omp_get_thread_num();
    for (int64_t r = 0; r < rows; r++) {
        const encode_segment segment = encode_segment_of(job, r, self);
        segment.count[0] = 0;
        segment.least[0] = NAN;
    }
}

/* When a thread's own segments of a chunk are filled, by every thread of a team; `found` entries
 * were in the chunks before. Returns the entries up to this one's end. */
static inline int64_t encode_finish(const encode_job *job, int64_t first, int64_t rows,
                                    int64_t found)
{
    const bool top = job->sae->activation == ASSAY_TOPK;
    for (int64_t r = 0; top && r < rows; r++) {
        encode_cut(job, r, omp_get_thread_num());
    }
#pragma omp barrier
    if (top) {
        const simd_share merged = simd_share_of(rows);
        for (int64_t r = merged.first; r < merged.last; r++) {
            encode_merge(job, r);
        }
#pragma omp barrier
    }
    return encode_write(job, first, rows, found);
}

/* A run's job but for its product and scratch; row_offsets begin. */
static inline encode_job encode_job_of(const encode_state *s,
                                       const assay_sae_encode_params *params,
                                       const assay_sae_encode_io *io)
{
    const bool listed = assay_present(&io->codes.latent) && assay_present(&io->codes.value);
    if (assay_present(&io->codes.row_offsets)) {
        assay_put1(&io->codes.row_offsets, 0, 0.0);
    }
    return (encode_job){
        .state = s, .sae = &params->sae, .io = io,
        .capacity = listed ? scalar_min(io->codes.latent.shape[0], io->codes.value.shape[0]) : 0,
        .grain = 1,
        .k = params->sae.k, .limit = 4 * scalar_min(params->sae.k, params->sae.d_sae) + 256};
}

#endif
