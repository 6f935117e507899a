/* A matrix with a bias, as linear and the full-rank adapter have one: the library's product of its
 * tiles, then bias and rounding while a tile's sums are in the cache. */
#ifndef KERNELS_LIBRARY_LAYER_H
#define KERNELS_LIBRARY_LAYER_H

#include "kernels/library/product.h"

typedef struct library_layer {
    void *product;
    float *bias; /* [tiles * width], zeros where there is none */
} library_layer;

static inline void library_layer_close(const library *l, library_layer *layer)
{
    if (layer->product != NULL) {
        l->close(layer->product);
        layer->product = NULL;
    }
    free(layer->bias);
    layer->bias = NULL;
}

static inline assay_status library_layer_open(const library *l, const assay_exec *exec,
                                              const assay_tensor *weight, const assay_tensor *bias,
                                              library_layer *layer)
{
    const library_shape shape = library_shape_of(l, weight->shape[0], weight->shape[1]);
    const int64_t whole = shape.tiles * shape.width;
    *layer = (library_layer){.bias = simd_allocate((size_t)whole * sizeof *layer->bias)};
    if (layer->bias == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for a bias of %lld",
                          (long long)shape.outputs);
    }
    for (int64_t o = 0; o < whole; o++) {
        const bool has = o < shape.outputs && assay_present(bias);
        layer->bias[o] = has ? (float)assay_at1(bias, o) : 0.0f;
    }
    return l->open(exec, weight, &shape, &layer->product);
}

/* The state of a kernel that is a layer. */
static inline assay_status library_layer_prepare(const library *l, const assay_exec *exec,
                                                 const assay_tensor *weight,
                                                 const assay_tensor *bias, void **state)
{
    library_layer *const layer = malloc(sizeof *layer);
    if (layer == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for a layer's state");
    }
    const assay_status status = library_layer_open(l, exec, weight, bias, layer);
    if (status != ASSAY_OK) {
        library_layer_close(l, layer);
        free(layer);
        return status;
    }
    *state = layer;
    return ASSAY_OK;
}

static inline void library_layer_release(const library *l, void *state)
{
    if (state != NULL) {
        library_layer_close(l, state);
        free(state);
    }
}

/* What a tile's taker needs: where rows of y are, and of what type. */
typedef struct library_layer_sink {
    const library_shape *shape;
    const float *bias;
    const assay_tensor *y;
} library_layer_sink;

static inline void library_layer_take(void *context, int64_t tile, int64_t first, int64_t rows,
                                      const float *out)
{
    const library_layer_sink *const sink = context;
    const int64_t width = sink->shape->width;
    const int64_t o = tile * width;
    const int64_t count = scalar_min(width, sink->shape->outputs - o);
    const float *const bias = sink->bias + o;
    for (int64_t r = 0; r < rows; r++) {
        const float *const sum = out + r * width;
        const int64_t at = (first + r) * sink->shape->outputs + o;
        if (sink->y->dtype == ASSAY_F32) {
            float *const y = (float *)sink->y->data + at;
            for (int64_t i = 0; i < count; i++) {
                y[i] = sum[i] + bias[i];
            }
        } else {
            uint16_t *const y = (uint16_t *)sink->y->data + at;
            for (int64_t i = 0; i < count; i++) {
                y[i] = assay_f32_to_bf16(sum[i] + bias[i]);
            }
        }
    }
}

/* Puts a chunk of rows, padded, to where they are multiplied from, and says where that is; by every
 * thread of a team, a barrier follows. */
typedef const void *library_rows_fn(const library *l, const library_plan *p, const void *context,
                                    int64_t first, int64_t rows, void *workspace);

/* y = rows W^T + bias, y dense, of f32 or bf16. */
static inline assay_status library_layer_run(const library *l, const library_plan *p,
                                             const assay_exec *exec, const library_layer *layer,
                                             library_rows_fn *place, const void *context,
                                             const assay_tensor *y)
{
    const int64_t total = y->shape[0];
    library_layer_sink sink = {.shape = &p->shape, .bias = layer->bias, .y = y};
    int failed = 0;
#pragma omp parallel num_threads(library_threads(p, exec, total)) reduction(max : failed)
    {
        library_alone();
        const library_seat seat = library_seat_of(p, exec->workspace);
        const simd_share tiles = simd_share_of(p->shape.tiles);
        for (int64_t first = 0; first < total; first += l->rows_most) {
            const int64_t rows = scalar_min(l->rows_most, total - first);
            const void *const x = place(l, p, context, first, rows, exec->workspace);
#pragma omp barrier
            const int status = library_multiply(l, layer->product, tiles, x, first, rows, &seat,
                                                library_layer_take, &sink);
            failed = status > failed ? status : failed;
#pragma omp barrier
        }
    }
    return library_settle(l, exec, failed);
}

#endif
