#include "kernels/cudnn/build.h"

namespace assay_cudnn {

void build_linear(Graph *graph, const LinearShape &s)
{
    const int64_t x_size[] = {1, s.rows, s.depth};
    const int64_t y_size[] = {1, s.rows, s.outputs};
    const int64_t bias_size[] = {1, 1, s.outputs};
    /* w[O,K] read as [K,O] */
    const TensorSpec weight = {ID_WEIGHT, s.type, 3,
                               {1, s.depth, s.outputs},
                               {s.depth * s.outputs, 1, s.depth}};
    const Node x = graph_tensor(graph, dense(ID_X, s.type, 3, x_size));
    const Node w = graph_tensor(graph, weight);
    const cudnnDataType_t result = s.wide ? CUDNN_DATA_FLOAT : s.type;
    const Node y = graph_tensor(graph, dense(ID_Y, result, 3, y_size));
    const Node before = s.relu ? graph_between(graph, 3, y_size) : y;
    const Node sum = s.bias ? graph_between(graph, 3, y_size) : before;
    const Node product = s.gain ? graph_between(graph, 3, y_size) : sum;
    graph_matmul(graph, x, w, product);
    if (s.gain) {
        const Node gain = graph_tensor(graph, dense(ID_GAIN, CUDNN_DATA_FLOAT, 3, bias_size));
        graph_pointwise(graph, CUDNN_POINTWISE_MUL, product, gain, sum);
    }
    if (s.bias) {
        const Node bias = graph_tensor(graph, dense(ID_BIAS, CUDNN_DATA_FLOAT, 3, bias_size));
        graph_pointwise(graph, CUDNN_POINTWISE_ADD, sum, bias, before);
    }
    if (s.relu) {
        const Node zero = graph_scalar(graph, ID_ZERO, 3);
        const Node below = graph_between(graph, 3, y_size, CUDNN_DATA_BOOLEAN);
        graph_pointwise(graph, CUDNN_POINTWISE_CMP_LT, before, zero, below);
        graph_pointwise(graph, CUDNN_POINTWISE_BINARY_SELECT, zero, before, y, below);
    }
}

void build_rms_norm(Graph *graph, const NormShape &s)
{
    const int64_t size[] = {s.rows, s.width, 1, 1};
    const int64_t weight_size[] = {1, s.width, 1, 1};
    const Node x = graph_tensor(graph, dense(ID_X, s.type, 4, size));
    const Node weight = graph_tensor(graph, dense(ID_WEIGHT, s.weight, 4, weight_size));
    const Node epsilon = graph_scalar(graph, ID_EPSILON, 4);
    const Node y = graph_tensor(graph, dense(ID_Y, s.type, 4, size));
    graph_rms_norm(graph, x, weight, epsilon, y);
}

/* Which scores count: [S,H,rows,keys] booleans. */
static Node visible(Graph *graph, Node score, const int64_t *size, Node rows, Node keys)
{
    const Node row = graph_between(graph, 4, size, CUDNN_DATA_INT32);
    const Node key = graph_between(graph, 4, size, CUDNN_DATA_INT32);
    const Node row_is = graph_between(graph, 4, size, CUDNN_DATA_BOOLEAN);
    const Node key_is = graph_between(graph, 4, size, CUDNN_DATA_BOOLEAN);
    const Node there = graph_between(graph, 4, size, CUDNN_DATA_BOOLEAN);
    graph_pointwise(graph, CUDNN_POINTWISE_GEN_INDEX, score, nullptr, row, nullptr, 2);
    graph_pointwise(graph, CUDNN_POINTWISE_GEN_INDEX, score, nullptr, key, nullptr, 3);
    graph_pointwise(graph, CUDNN_POINTWISE_CMP_LT, row, rows, row_is);
    graph_pointwise(graph, CUDNN_POINTWISE_CMP_LT, key, keys, key_is);
    graph_pointwise(graph, CUDNN_POINTWISE_LOGICAL_AND, row_is, key_is, there);
    return there;
}

/* Query i against key t: i + keys - rows >= t. */
static Node not_later(Graph *graph, Node score, const int64_t *size, Node rows, Node keys)
{
    const Node row = graph_between(graph, 4, size, CUDNN_DATA_INT32);
    const Node key = graph_between(graph, 4, size, CUDNN_DATA_INT32);
    const Node at = graph_between(graph, 4, size, CUDNN_DATA_INT32);
    const Node last = graph_between(graph, 4, size, CUDNN_DATA_INT32);
    const Node seen = graph_between(graph, 4, size, CUDNN_DATA_BOOLEAN);
    graph_pointwise(graph, CUDNN_POINTWISE_GEN_INDEX, score, nullptr, row, nullptr, 2);
    graph_pointwise(graph, CUDNN_POINTWISE_GEN_INDEX, score, nullptr, key, nullptr, 3);
    graph_pointwise(graph, CUDNN_POINTWISE_ADD, row, keys, at);
    graph_pointwise(graph, CUDNN_POINTWISE_SUB, at, rows, last);
    graph_pointwise(graph, CUDNN_POINTWISE_CMP_GE, last, key, seen);
    return seen;
}

/* Weights of the last axis. */
static Node soften(Graph *graph, Node score, const int64_t *size, cudnnDataType_t type)
{
    const int64_t one[] = {size[0], size[1], size[2], 1};
    const Node greatest = graph_between(graph, 4, one);
    const Node off = graph_between(graph, 4, size);
    const Node power = graph_between(graph, 4, size);
    const Node sum = graph_between(graph, 4, one);
    const Node weight = graph_between(graph, 4, size, type);
    graph_reduce(graph, CUDNN_REDUCE_TENSOR_MAX, score, greatest);
    graph_pointwise(graph, CUDNN_POINTWISE_SUB, score, greatest, off);
    graph_pointwise(graph, CUDNN_POINTWISE_EXP, off, nullptr, power);
    graph_reduce(graph, CUDNN_REDUCE_TENSOR_ADD, power, sum);
    graph_pointwise(graph, CUDNN_POINTWISE_DIV, power, sum, weight);
    return weight;
}

void build_attention(Graph *graph, const AttentionShape &s)
{
    const int64_t width = s.heads * s.head_dim;
    const int64_t kv_width = s.kv_heads * s.head_dim;
    const int64_t sequence = s.capacity * kv_width;
    const int64_t score_size[] = {s.sequences, s.heads, s.rows_most, s.capacity};
    const int64_t length_size[] = {s.sequences, 1, 1, 1};
    const int64_t offset_size[] = {s.sequences + 1, 1, 1, 1};
    const TensorSpec q_spec = {ID_Q, s.type, 4,
                               {s.sequences, s.heads, s.rows_most, s.head_dim},
                               {s.rows_most * width, s.head_dim, width, 1}};
    const TensorSpec k_spec = {ID_K, s.type, 4,
                               {s.sequences, s.kv_heads, s.head_dim, s.capacity},
                               {sequence, s.head_dim, 1, kv_width}};
    const TensorSpec v_spec = {ID_V, s.type, 4,
                               {s.sequences, s.kv_heads, s.capacity, s.head_dim},
                               {sequence, s.head_dim, kv_width, 1}};
    TensorSpec y_spec = q_spec;
    y_spec.id = ID_Y;
    const Node rows = graph_tensor(graph, dense(ID_ROWS, CUDNN_DATA_INT32, 4, length_size));
    const Node keys = graph_tensor(graph, dense(ID_KEYS, CUDNN_DATA_INT32, 4, length_size));
    const Node q_at = graph_tensor(graph, dense(ID_Q_OFFSET, CUDNN_DATA_INT32, 4, offset_size));
    const Node y_at = graph_tensor(graph, dense(ID_Y_OFFSET, CUDNN_DATA_INT32, 4, offset_size));
    const Node q = graph_ragged(graph, q_spec, q_at);
    const Node k = graph_tensor(graph, k_spec);
    const Node v = graph_tensor(graph, v_spec);
    const Node y = graph_ragged(graph, y_spec, y_at);
    const Node scale = graph_scalar(graph, ID_SCALE, 4);
    const Node masked = graph_scalar(graph, ID_MASKED, 4);
    const Node product = graph_between(graph, 4, score_size);
    const Node score = graph_between(graph, 4, score_size);
    const Node there = graph_between(graph, 4, score_size);
    const Node causal = graph_between(graph, 4, score_size);
    graph_matmul(graph, q, k, product, {rows, keys, nullptr});
    graph_pointwise(graph, CUDNN_POINTWISE_MUL, product, scale, score);
    graph_pointwise(graph, CUDNN_POINTWISE_BINARY_SELECT, score, masked, there,
                    visible(graph, score, score_size, rows, keys));
    graph_pointwise(graph, CUDNN_POINTWISE_BINARY_SELECT, there, masked, causal,
                    not_later(graph, there, score_size, rows, keys));
    const Node weight = soften(graph, causal, score_size, s.type);
    graph_matmul(graph, weight, v, y, {rows, nullptr, keys});
}

/* The cache is one page a sequence. */
void build_decode(Graph *graph, const DecodeShape &s)
{
    const int64_t width = s.heads * s.head_dim;
    const int64_t kv_width = s.kv_heads * s.head_dim;
    const int64_t length_size[] = {s.rows, 1, 1, 1};
    const TensorSpec q_spec = {ID_Q, s.type, 4,
                               {s.rows, s.heads, 1, s.head_dim},
                               {width, s.head_dim, width, 1}};
    const TensorSpec k_spec = {ID_K, s.type, 4,
                               {s.sequences, s.kv_heads, s.capacity, s.head_dim},
                               {s.capacity * kv_width, s.head_dim, kv_width, 1}};
    TensorSpec v_spec = k_spec;
    v_spec.id = ID_V;
    TensorSpec y_spec = q_spec;
    y_spec.id = ID_Y;
    Attend attend = {};
    attend.q = graph_tensor(graph, q_spec);
    attend.k = graph_tensor(graph, k_spec);
    attend.v = graph_tensor(graph, v_spec);
    attend.o = graph_tensor(graph, y_spec);
    attend.scale = graph_scalar(graph, ID_SCALE, 4);
    attend.rows = graph_tensor(graph, dense(ID_ROWS, CUDNN_DATA_INT32, 4, length_size));
    attend.keys = graph_tensor(graph, dense(ID_KEYS, CUDNN_DATA_INT32, 4, length_size));
    attend.page_table = graph_tensor(graph, dense(ID_PAGE, CUDNN_DATA_INT32, 4, length_size));
    graph_attend(graph, attend);
}

} // namespace assay_cudnn
