/* The graphs of this module's ops. Tensors are row-major; sizes and strides in elements. */
#ifndef KERNELS_CUDNN_BUILD_H
#define KERNELS_CUDNN_BUILD_H

#include "kernels/cudnn/graph.h"

namespace assay_cudnn {

/* Whose memory a pointer is when a graph runs. */
enum {
    ID_X = 1,
    ID_WEIGHT,
    ID_BIAS,
    ID_Y,
    ID_EPSILON,
    ID_Q,
    ID_K,
    ID_V,
    ID_SCALE,
    ID_MASKED,
    ID_ROWS,      /* of each sequence: i32 [S] */
    ID_KEYS,      /* of each sequence: i32 [S] */
    ID_ZERO,
    ID_GAIN,
    ID_PAGE,      /* of each row, whose keys it sees: i32 [N] */
    ID_Q_OFFSET,  /* where the sequence's rows begin in q: i32 [S + 1], in elements */
    ID_Y_OFFSET
};

/* y[N,O] = x[N,K] w[O,K]^T (* gain[O], f32) (+ bias[O], f32). x, w, y of one type, or y of f32
 * (`wide`); `relu`: and 0 for what is below 0, so that a NaN stays one. */
struct LinearShape {
    int64_t rows, depth, outputs;
    cudnnDataType_t type;
    bool bias;
    bool wide = false;
    bool relu = false;
    bool gain = false;
};
void build_linear(Graph *graph, const LinearShape &shape);

/* y[N,d] = x / sqrt(mean(x^2) + epsilon) * weight[d]. */
struct NormShape {
    int64_t rows, width;
    cudnnDataType_t type, weight;
};
void build_rms_norm(Graph *graph, const NormShape &shape);

/* Causal grouped-query attention of a ragged batch over a cache: sequence s has rows[s] queries,
 * the last of them at position keys[s] - 1, so that query i sees keys 0 .. i + keys[s] - rows[s]:
 * the mask is aligned to the bottom right. Sequences that are not in the call have 0 rows. The
 * layout is that of assay/attention.h. */
struct AttentionShape {
    int64_t sequences, rows_most, capacity; /* rows_most: of one sequence */
    int64_t heads, kv_heads, head_dim;
    cudnnDataType_t type;
};
void build_attention(Graph *graph, const AttentionShape &shape);

/* Grouped-query attention of rows of any sequences, each a batch of one query that sees the first
 * keys[n] keys of the cache's sequence page[n]: what a decode step is. `rows` is 1 for each. */
struct DecodeShape {
    int64_t rows, sequences, capacity;
    int64_t heads, kv_heads, head_dim;
    cudnnDataType_t type;
};
void build_decode(Graph *graph, const DecodeShape &shape);

} // namespace assay_cudnn

#endif
