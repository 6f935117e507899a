/* sae_encode by panels: preparing and running it. Threads share the latents (encode.h), or the rows
 * where there are too few panels to share. */
#ifndef KERNELS_SIMD_ENCODE_RUN_H
#define KERNELS_SIMD_ENCODE_RUN_H

#include "kernels/simd/encode_few.h"

static inline assay_status encode_prepare(const assay_exec *exec,
                                          const assay_sae_encode_params *params, panel_kind kind,
                                          void **state)
{
    encode_state *const s = calloc(1, sizeof *s);
    if (s == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for an encoder's state");
    }
    assay_status status = params->sae.d_sae <= ENCODE_FEW
                              ? encode_few_pack(exec, &params->sae.encoder, kind, s)
                              : panels_pack(exec, &params->sae.encoder, kind, &s->panels);
    status = status != ASSAY_OK ? status : encode_open_vectors(exec, &params->sae, s);
    if (status != ASSAY_OK) {
        encode_release(exec, s);
        return status;
    }
    *state = s;
    return ASSAY_OK;
}

static inline uint64_t encode_bytes_read(const assay_sae_encode_params *params, const void *state,
                                         const assay_sae_encode_io *io)
{
    const encode_state *const s = state;
    (void)params;
    (void)io;
    const uint64_t vectors = 4 * (uint64_t)s->panels.count * PANEL_WIDTH * sizeof(float);
    return vectors + (s->few != NULL
                          ? (uint64_t)(s->panels.outputs * s->panels.depth) * sizeof *s->few
                          : (uint64_t)s->panels.count * s->panels.bytes);
}

static inline size_t encode_workspace(const simd_product *product, panel_kind kind,
                                      const assay_sae_encode_params *params,
                                      const assay_sae_encode_io *io)
{
    const simd_panels p = panels_shape(kind, params->sae.d_sae, params->sae.d_in);
    return encode_scratch_of(product, &p, io->x.shape[0], NULL).bytes;
}

/* One chunk of rows, by every thread of a team; `found` entries were in those before. */
static inline int64_t encode_chunk(const encode_job *job, int64_t first, int64_t rows,
                                   int64_t found, simd_consume_fn *emit)
{
    const simd_panels *const p = &job->state->panels;
    encode_begin(job, rows);
    if (job->state->few != NULL) {
        encode_few(job, first, rows, emit);
        return encode_finish(job, first, rows, found);
    }
    const simd_blocks blocks = simd_blocks_of(rows, job->product->block_rows);
    encode_pack(job, first, &blocks);
#pragma omp barrier
    const simd_share panels = encode_share_of(job, omp_get_thread_num());
    const simd_share passes =
        job->by_rows ? simd_share_of(blocks.blocks) : (simd_share){0, blocks.blocks};
    simd_multiply(job->product, p, panels.first, panels.last, job->scratch.packed,
                  simd_block_stride(job->product, p, &blocks), &blocks, passes.first, passes.last,
                  emit, (void *)(uintptr_t)job);
    return encode_finish(job, first, rows, found);
}

static inline assay_status encode_run(const simd_product *product, assay_dtype type,
                                      const assay_exec *exec, const assay_sae_encode_params *params,
                                      const void *state, const assay_sae_encode_io *io,
                                      simd_consume_fn *emit)
{
    const encode_state *const s = state;
    const int64_t total = io->x.shape[0];
    assay_status status = scalar_expect(exec, "x", &io->x, type);
    status = status != ASSAY_OK
                 ? status
                 : scalar_expect_workspace(
                       exec, encode_scratch_of(product, &s->panels, total, NULL).bytes);
    if (status != ASSAY_OK) {
        return status;
    }
    encode_job job = encode_job_of(s, params, io);
    job.product = product;
    job.scratch = encode_scratch_of(product, &s->panels, total, exec->workspace);
    const int wanted = simd_threads(exec, total * params->sae.d_in * params->sae.d_sae);
    const int threads = wanted < ENCODE_THREADS ? wanted : ENCODE_THREADS;
    const int64_t chunk = simd_chunk_rows(product, &s->panels, total);
    job.by_rows = s->few != NULL || simd_by_rows(&s->panels, product, scalar_min(chunk, total),
                                                 threads);
#pragma omp parallel num_threads(threads)
    {
        int64_t found = 0;
        for (int64_t first = 0; first < total; first += chunk) {
            found = encode_chunk(&job, first, scalar_min(chunk, total - first), found, emit);
            if (first + chunk < total) { /* segments and packed rows are used again */
#pragma omp barrier
            }
        }
    }
    return ASSAY_OK;
}

/* The functions of a kernel: panels of kind_ (it may look at params), multiplied by product_ (it
 * may look at kind), rows of type_. */
#define ENCODE_FUNCTIONS(kind_, product_, type_, emit_)                                            \
    static assay_status prepare(const assay_exec *exec, const assay_sae_encode_params *params,     \
                                void **state)                                                      \
    {                                                                                              \
        return encode_prepare(exec, params, kind_, state);                                         \
    }                                                                                              \
    static size_t workspace(const assay_sae_encode_params *params, const assay_sae_encode_io *io)  \
    {                                                                                              \
        const panel_kind kind = kind_;                                                             \
        return encode_workspace(product_, kind, params, io);                                       \
    }                                                                                              \
    static assay_status run(const assay_exec *exec, const assay_sae_encode_params *params,         \
                            const void *state, const assay_sae_encode_io *io)                      \
    {                                                                                              \
        const panel_kind kind = ((const encode_state *)state)->panels.kind;                        \
        (void)kind;                                                                                \
        return encode_run(product_, type_, exec, params, state, io, emit_);                        \
    }

#endif
