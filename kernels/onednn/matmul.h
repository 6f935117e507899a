/* oneDNN's part of a product: descriptions and primitives of a tile, without weights. */
#ifndef KERNELS_ONEDNN_MATMUL_H
#define KERNELS_ONEDNN_MATMUL_H

#include <dnnl.h>

#include "kernels/library/product.h"

enum { ONEDNN_BUCKETS = 14, ONEDNN_ROWS_MOST = 128 };

/* Numbers of rows that there are primitives for. */
static const int64_t onednn_rows[ONEDNN_BUCKETS] = {1,  2,  3,  4,  6,  8,  12,
                                                    16, 24, 32, 48, 64, 96, ONEDNN_ROWS_MOST};

static inline int onednn_bucket(int64_t rows)
{
    int bucket = 0;
    while (bucket < ONEDNN_BUCKETS - 1 && onednn_rows[bucket] < rows) {
        bucket++;
    }
    return bucket;
}

/* The process's engine and stream, made at the first call and kept. */
typedef struct onednn_context {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_status_t status;
} onednn_context;

const onednn_context *onednn_context_of(void);

/* What the library calls a type of ours: f32 or bf16. */
dnnl_data_type_t onednn_type(assay_dtype dtype);

/* x [rows, depth] w [depth, width] -> f32 [rows, width]. */
typedef struct onednn_matmul {
    dnnl_memory_desc_t source, weight, target, scratch;
    dnnl_primitive_t primitive; /* NULL: only described */
} onednn_matmul;

/* weight: the form that a tile has, or NULL: the library chooses. With `make` the primitive too. By
 * one thread: the library divides work among as many as there are when it is asked. */
dnnl_status_t onednn_describe(assay_dtype element, const library_shape *shape, int64_t rows,
                              const dnnl_memory_desc_t *weight, bool make, onednn_matmul *matmul);

#endif
