/* sae_encode by a library: what is the same for every one. Tiles are whole panels of latents
 * (kernels/simd/encode.h): a thread's active latents go to its segments of the workspace as they
 * do there, while the tile's sums are in the cache. */
#ifndef KERNELS_LIBRARY_ENCODE_H
#define KERNELS_LIBRARY_ENCODE_H

#include "kernels/library/emit.h"
#include "kernels/library/product.h"

_Static_assert((int)LIBRARY_SEATS <= (int)ENCODE_THREADS, "a segment for every thread");

typedef struct library_encoder {
    encode_state vectors; /* its panels have no data */
    void *product;
} library_encoder;

static inline void library_encode_release(const library *l, void *state)
{
    library_encoder *const s = state;
    if (s != NULL) {
        if (s->product != NULL) {
            l->close(s->product);
        }
        free(s->vectors.scale);
        free(s->vectors.pre_bias);
        free(s);
    }
}

static inline assay_status library_encode_prepare(const library *l, const assay_exec *exec,
                                                  const assay_sae_encode_params *params,
                                                  void **state)
{
    const assay_sae *const sae = &params->sae;
    const library_shape shape = library_shape_of(l, sae->d_sae, sae->d_in);
    library_encoder *const s = calloc(1, sizeof *s);
    if (s == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for an encoder's state");
    }
    s->vectors.panels = (simd_panels){.outputs = sae->d_sae,
                                      .depth = sae->d_in,
                                      .count = shape.tiles * (shape.width / PANEL_WIDTH)};
    assay_status status = encode_open_vectors(exec, sae, &s->vectors);
    status = status != ASSAY_OK ? status : l->open(exec, &sae->encoder, &shape, &s->product);
    if (status != ASSAY_OK) {
        library_encode_release(l, s);
        return status;
    }
    *state = s;
    return ASSAY_OK;
}

/* The plan, and behind its bytes the segments of a chunk. */
static inline encode_scratch library_encode_scratch(const library_plan *p, void *memory)
{
    encode_scratch s = {.bytes = p->bytes};
    encode_segments(&s, p->chunk, p->shape.tiles * (p->shape.width / PANEL_WIDTH), memory);
    return s;
}

static inline size_t library_encode_workspace(const library *l,
                                              const assay_sae_encode_params *params,
                                              const assay_sae_encode_io *io)
{
    const library_plan p =
        library_plan_of(l, params->sae.d_sae, params->sae.d_in, io->x.shape[0]);
    return library_encode_scratch(&p, NULL).bytes;
}

typedef struct library_encode_job {
    const library *l;
    const library_plan *plan;
    const encode_job *job;
    const void *product;
} library_encode_job;

/* Rows that are normed or shifted, or the operand's own; a barrier must follow. */
static inline const void *library_encode_rows(const library_encode_job *e, int64_t first,
                                              int64_t rows, void *workspace, float *row)
{
    const encode_job *const job = e->job;
    if (!job->sae->layer_norm && job->state->pre_bias == NULL) {
        return library_place(e->l, e->plan, &job->io->x, first, rows, workspace);
    }
    const size_t bytes = (size_t)e->plan->shape.depth * assay_dtype_size(e->l->element);
    const simd_share mine = simd_share_of(e->l->padded(rows));
    for (int64_t r = mine.first; r < mine.last; r++) {
        char *const to = (char *)workspace + (size_t)r * bytes;
        if (r < rows) {
            encode_row(job, first + r, row);
            memcpy(to, row, bytes);
        } else {
            memset(to, 0, bytes);
        }
    }
    return workspace;
}

static inline void library_encode_take(void *context, int64_t tile, int64_t first, int64_t rows,
                                       const float *out)
{
    const library_encode_job *const e = context;
    const int64_t width = e->plan->shape.width;
    (void)first; /* segments are a chunk's */
    library_emit(e->job, tile * width, width, rows, out);
}

/* All chunks, by every thread of a team. */
static inline int library_encode_all(library_encode_job *e, void *workspace)
{
    const encode_job *const job = e->job;
    const int64_t total = job->io->x.shape[0];
    const library_seat seat = library_seat_of(e->plan, workspace);
    const simd_share tiles = simd_share_of(e->plan->shape.tiles);
    int64_t found = 0;
    int failed = 0;
    for (int64_t first = 0; first < total; first += e->l->rows_most) {
        const int64_t rows = scalar_min(e->l->rows_most, total - first);
        const void *const x = library_encode_rows(e, first, rows, workspace, seat.scratch);
        encode_begin(job, rows);
#pragma omp barrier
        const int status = library_multiply(e->l, e->product, tiles, x, first, rows, &seat,
                                            library_encode_take, e);
        failed = status > failed ? status : failed;
        found = encode_finish(job, first, rows, found);
#pragma omp barrier
    }
    return failed;
}

static inline assay_status library_encode_run(const library *l, const assay_exec *exec,
                                              const assay_sae_encode_params *params,
                                              const void *state, const assay_sae_encode_io *io)
{
    const library_encoder *const s = state;
    const int64_t total = io->x.shape[0];
    const library_plan p = library_plan_of(l, params->sae.d_sae, params->sae.d_in, total);
    assay_status status = library_expect_dense(exec, "x", &io->x, l->element);
    status = status != ASSAY_OK
                 ? status
                 : scalar_expect_workspace(exec, library_encode_scratch(&p, NULL).bytes);
    if (status != ASSAY_OK) {
        return status;
    }
    encode_job job = encode_job_of(&s->vectors, params, io);
    job.grain = p.shape.width / PANEL_WIDTH;
    job.scratch = library_encode_scratch(&p, exec->workspace);
    library_encode_job e = {l, &p, &job, s->product};
    int failed = 0;
#pragma omp parallel num_threads(library_threads(&p, exec, total)) reduction(max : failed)
    {
        library_alone();
        failed = library_encode_all(&e, exec->workspace);
    }
    return library_settle(l, exec, failed);
}

/* The functions of a kernel on the library `l_`, under the names of assay_sae_encode_functions. */
#define LIBRARY_ENCODE_FUNCTIONS(l_)                                                               \
    static assay_status supports(const assay_device *device,                                       \
                                 const assay_sae_encode_params *params,                            \
                                 const assay_sae_encode_io *io, assay_error *error)                \
    {                                                                                              \
        (void)device;                                                                              \
        (void)io;                                                                                  \
        return (l_)->serves(&params->sae.encoder, error);                                          \
    }                                                                                              \
    static assay_status prepare(const assay_exec *exec, const assay_sae_encode_params *params,     \
                                void **state)                                                      \
    {                                                                                              \
        return library_encode_prepare(l_, exec, params, state);                                    \
    }                                                                                              \
    static size_t workspace(const assay_sae_encode_params *params, const assay_sae_encode_io *io)  \
    {                                                                                              \
        return library_encode_workspace(l_, params, io);                                           \
    }                                                                                              \
    static assay_status run(const assay_exec *exec, const assay_sae_encode_params *params,         \
                            const void *state, const assay_sae_encode_io *io)                      \
    {                                                                                              \
        return library_encode_run(l_, exec, params, state, io);                                    \
    }                                                                                              \
    static uint64_t bytes_read(const assay_sae_encode_params *params, const void *state,           \
                               const assay_sae_encode_io *io)                                      \
    {                                                                                              \
        const library_encoder *const s = state;                                                    \
        (void)io;                                                                                  \
        return (l_)->bytes(s->product) + 4 * (uint64_t)params->sae.d_sae * sizeof(float);          \
    }                                                                                              \
    static void release(const assay_exec *exec, void *state)                                       \
    {                                                                                              \
        (void)exec;                                                                                \
        library_encode_release(l_, state);                                                         \
    }

#endif
