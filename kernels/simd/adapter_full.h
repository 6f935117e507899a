/* adapter of full rank by panels: the rows of a chunk are normalised and packed by all threads,
 * each of which then takes its share of the panels. Tiles of dot products with the matrix as stored
 * took 2.6 times as long as OpenBLAS at 256 rows of 4,096. */
#ifndef KERNELS_SIMD_ADAPTER_FULL_H
#define KERNELS_SIMD_ADAPTER_FULL_H

#include "kernels/simd/adapter_rows.h"

/* v of a chunk; the same packed begins behind it, on a line. */
static inline size_t simd_adapter_v_bytes(const simd_product *product, const simd_panels *p,
                                          const assay_adapter_io *io)
{
    const int64_t rows = scalar_min(io->x.shape[0], simd_chunk_rows(product, p, io->x.shape[0]));
    return simd_round_up((size_t)(rows * io->x.shape[1]) * sizeof(float), SIMD_LINE);
}

/* products: by the kind of panel. */
static inline size_t simd_adapter_full_workspace(const simd_product *products,
                                                 const assay_adapter_params *params,
                                                 const assay_adapter_io *io)
{
    const panel_kind kind = panel_kind_of(&params->weight);
    const simd_panels p = panels_shape(kind, io->y.shape[1], io->x.shape[1]);
    return simd_adapter_v_bytes(&products[kind], &p, io) +
           simd_rows_bytes(&products[kind], &p, io->x.shape[0]);
}

/* Where the dots of a chunk of full rank go: bias added, rounded once. */
typedef struct simd_adapter_sink {
    const assay_tensor *y;
    const float *bias; /* NULL: none */
    int64_t first; /* row of y that is the chunk's first */
} simd_adapter_sink;

VEC_INLINE void simd_adapter_put_dots(assay_dtype type, const simd_adapter_sink *sink, int64_t o,
                                      int64_t row, const float *dots)
{
    const int64_t d = sink->y->shape[1];
    void *const to = vec_row(sink->y, sink->first + row);
    for (int64_t i = 0; i < PANEL_WIDTH && o + i < d; i += VEC) {
        vec value = vec_read_first(ASSAY_F32, dots, i, VEC);
        if (sink->bias != NULL) {
            value = vec_add(value, vec_read_first(ASSAY_F32, sink->bias, o + i, d - o - i));
        }
        vec_write_first(type, to, o + i, value, d - o - i);
    }
}

static inline void simd_adapter_consume(void *context, int64_t panel, int64_t first, int64_t rows,
                                        const float *dots)
{
    const simd_adapter_sink *const sink = context;
    for (int64_t r = 0; r < rows; r++) {
        VEC_TYPED(simd_adapter_put_dots, sink->y->dtype, sink, panel * PANEL_WIDTH, first + r,
                  dots + r * PANEL_WIDTH);
    }
}

static inline void simd_adapter_full_rank(const simd_product *product, const assay_exec *exec,
                                          const assay_adapter_params *params,
                                          const simd_adapter_state *s, const assay_adapter_io *io)
{
    const int64_t total = io->x.shape[0];
    const int64_t d = io->x.shape[1];
    const int64_t chunk = simd_chunk_rows(product, &s->panels, total);
    float *const v = exec->workspace;
    unsigned char *const packed =
        (unsigned char *)exec->workspace + simd_adapter_v_bytes(product, &s->panels, io);
#pragma omp parallel num_threads(simd_threads(exec, total * d * d))
    for (int64_t first = 0; first < total; first += chunk) {
        const int64_t rows = scalar_min(chunk, total - first);
        const assay_tensor from = assay_matrix(v, ASSAY_F32, rows, d);
        const simd_share mine = simd_share_of(rows);
        simd_adapter_sink sink = {&io->y, s->bias, first};
        for (int64_t r = mine.first; r < mine.last; r++) {
            simd_adapter_row(params, s, &io->x, first + r, v + r * d);
        }
#pragma omp barrier
        simd_multiply_chunk(product, &s->panels, &from, 0, rows, packed, simd_adapter_consume,
                            &sink);
        if (first + chunk < total) {
#pragma omp barrier
        }
    }
}

#endif
