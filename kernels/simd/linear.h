/* linear by panels: what is the same for every instruction set. Rows are packed by all threads,
 * then each takes its share of the panels; what is stored comes from `consume`. */
#ifndef KERNELS_SIMD_LINEAR_H
#define KERNELS_SIMD_LINEAR_H

#include "kernels/simd/pack_int8.h"
#include "kernels/simd/rows.h"

typedef struct simd_linear_state {
    simd_panels panels;
    float *bias;  /* [panels * PANEL_WIDTH], zeros where there is none */
    float *scale; /* the same, of the outputs' weights; NULL: these are not quantised */
} simd_linear_state;

/* What a consumer of dots gets: element o of row r goes to y + r * width + o, rounded to its type.
 */
typedef struct simd_linear_sink {
    const float *bias, *scale;
    void *y; /* of the chunk's first row */
    int64_t width;
} simd_linear_sink;

static inline void simd_linear_release(const assay_exec *exec, void *state)
{
    simd_linear_state *const s = state;
    (void)exec;
    if (s != NULL) {
        free(s->panels.data);
        free(s->bias);
        free(s->scale);
        free(s);
    }
}

static inline assay_status simd_linear_prepare(const assay_exec *exec,
                                               const assay_linear_params *params, panel_kind kind,
                                               void **state)
{
    simd_linear_state *const s = calloc(1, sizeof *s);
    if (s == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for a linear's state");
    }
    assay_status status =
        kind == PANEL_INT8 ? panels_quantise(exec, &params->weight, kind, &s->panels, &s->scale)
                           : panels_pack(exec, &params->weight, kind, &s->panels);
    if (status == ASSAY_OK) {
        s->bias = simd_allocate((size_t)s->panels.count * PANEL_WIDTH * sizeof *s->bias);
        status = s->bias != NULL ? ASSAY_OK
                                 : assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for a bias");
    }
    if (status != ASSAY_OK) {
        simd_linear_release(exec, s);
        return status;
    }
    panels_vector(&s->panels, &params->bias, 0.0f, 0.0f, s->bias);
    *state = s;
    return ASSAY_OK;
}

/* Without a state: the same as simd_rows_bytes of the panels that prepare will make. */
static inline size_t simd_linear_workspace(const simd_product *product, panel_kind kind,
                                           const assay_linear_io *io)
{
    const simd_panels p = panels_shape(kind, io->y.shape[1], io->x.shape[1]);
    return simd_rows_bytes(product, &p, io->x.shape[0]);
}

static inline uint64_t simd_linear_bytes_read(const assay_linear_params *params, const void *state,
                                              const assay_linear_io *io)
{
    const simd_linear_state *const s = state;
    const uint64_t vectors = (assay_present(&params->bias) ? 1u : 0u) + (s->scale != NULL ? 1u : 0u);
    (void)io;
    return (uint64_t)s->panels.count * s->panels.bytes +
           vectors * (uint64_t)s->panels.outputs * sizeof(float);
}

static inline assay_status simd_linear_run(const simd_product *product, assay_dtype type,
                                           const assay_exec *exec, const void *state,
                                           const assay_linear_io *io, simd_consume_fn *consume)
{
    const simd_linear_state *const s = state;
    assay_status status = scalar_expect(exec, "x", &io->x, type);
    status = status != ASSAY_OK ? status : scalar_expect(exec, "y", &io->y, type);
    status = status != ASSAY_OK
                 ? status
                 : scalar_expect_workspace(exec, simd_rows_bytes(product, &s->panels,
                                                                 io->x.shape[0]));
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t total = io->x.shape[0];
    const int64_t width = io->y.shape[1];
    const int threads = simd_threads(exec, total * width * io->x.shape[1]);
    const int64_t chunk = simd_chunk_rows(product, &s->panels, total);
#pragma omp parallel num_threads(threads)
    for (int64_t first = 0; first < total; first += chunk) {
        simd_linear_sink sink = {
            s->bias, s->scale,
            (char *)io->y.data + first * width * (int64_t)assay_dtype_size(type), width};
        simd_multiply_chunk(product, &s->panels, &io->x, first, scalar_min(chunk, total - first),
                            exec->workspace, consume, &sink);
        if (first + chunk < total) {
#pragma omp barrier
        }
    }
    return ASSAY_OK;
}

/* The functions of a kernel: panels of kind_ (it may look at params), multiplied by product_ (it
 * may look at kind), activations of type_. */
#define SIMD_LINEAR_FUNCTIONS(kind_, product_, type_, consume_)                                    \
    static assay_status prepare(const assay_exec *exec, const assay_linear_params *params,         \
                                void **state)                                                      \
    {                                                                                              \
        return simd_linear_prepare(exec, params, kind_, state);                                    \
    }                                                                                              \
    static size_t workspace(const assay_linear_params *params, const assay_linear_io *io)          \
    {                                                                                              \
        const panel_kind kind = kind_;                                                             \
        (void)params;                                                                              \
        return simd_linear_workspace(product_, kind, io);                                          \
    }                                                                                              \
    static assay_status run(const assay_exec *exec, const assay_linear_params *params,             \
                            const void *state, const assay_linear_io *io)                          \
    {                                                                                              \
        const panel_kind kind = ((const simd_linear_state *)state)->panels.kind;                   \
        (void)params;                                                                              \
        (void)kind;                                                                                \
        return simd_linear_run(product_, type_, exec, state, io, consume_);                        \
    }

#endif
