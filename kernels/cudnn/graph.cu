#include "kernels/cudnn/parts.h"

#include <cstring>

namespace assay_cudnn {

assay_status failed_call(assay_error *error, cudnnStatus_t status, const char *call,
                         const char *file, int line)
{
    enum { WORDS_MOST = 512 };
    char words[WORDS_MOST] = "";
    cudnnGetLastErrorString(words, sizeof words);
    for (char *at = words; *at != '\0'; at++) {
        *at = *at == '\n' ? ' ' : *at; /* a message is one line */
    }
    const bool refused = status / 1000 == CUDNN_STATUS_NOT_SUPPORTED / 1000;
    const bool memory = status == CUDNN_STATUS_ALLOC_FAILED;
    return assay_fail(error,
                      refused  ? ASSAY_UNSUPPORTED
                      : memory ? ASSAY_NO_MEMORY
                               : ASSAY_DEVICE,
                      "%s: %s: %s (%s:%d)", call, cudnnGetErrorString(status), words, file, line);
}

TensorSpec dense(int64_t id, cudnnDataType_t type, int64_t rank, const int64_t *size)
{
    TensorSpec spec = {id, type, rank, {}, {}};
    int64_t stride = 1;
    for (int64_t axis = rank - 1; axis >= 0; axis--) {
        spec.size[axis] = size[axis];
        spec.stride[axis] = stride;
        stride *= size[axis];
    }
    return spec;
}

void graph_begin(Graph *graph)
{
    constexpr int64_t first_virtual = 1000;
    memset(graph, 0, sizeof *graph);
    graph->next_virtual = first_virtual;
}

static bool good(const Graph *graph)
{
    return graph->status == ASSAY_OK;
}

Node graph_create(Graph *graph, cudnnBackendDescriptorType_t type)
{
    Node node = nullptr;
    if (!good(graph)) {
        return nullptr;
    }
    if (graph->owned_count == DESCRIPTORS_MOST) {
        graph->status = assay_fail(&graph->error, ASSAY_INTERNAL, "a graph of more than %d parts",
                                   static_cast<int>(DESCRIPTORS_MOST));
        return nullptr;
    }
    const cudnnStatus_t status = cudnnBackendCreateDescriptor(type, &node);
    if (status != CUDNN_STATUS_SUCCESS) {
        graph->status = failed_call(&graph->error, status, "cudnnBackendCreateDescriptor",
                                    __FILE__, __LINE__);
        return nullptr;
    }
    graph->owned[graph->owned_count++] = node;
    return node;
}

void graph_put(Graph *graph, Node node, cudnnBackendAttributeName_t name,
               cudnnBackendAttributeType_t type, int64_t count, const void *values,
               const char *text)
{
    if (!good(graph)) {
        return;
    }
    const cudnnStatus_t status = cudnnBackendSetAttribute(node, name, type, count, values);
    if (status != CUDNN_STATUS_SUCCESS) {
        graph->status = failed_call(&graph->error, status, text, __FILE__, __LINE__);
    }
}

void graph_put_node(Graph *graph, Node node, cudnnBackendAttributeName_t name, Node value,
                    const char *text)
{
    if (value != nullptr) {
        graph_put(graph, node, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value, text);
    }
}

Node graph_finalise(Graph *graph, Node node, const char *what)
{
    if (!good(graph)) {
        return nullptr;
    }
    const cudnnStatus_t status = cudnnBackendFinalize(node);
    if (status != CUDNN_STATUS_SUCCESS) {
        graph->status = failed_call(&graph->error, status, what, __FILE__, __LINE__);
        return nullptr;
    }
    return node;
}

static void add_operation(Graph *graph, Node node, const char *what)
{
    node = graph_finalise(graph, node, what);
    if (node == nullptr) {
        return;
    }
    if (graph->operation_count == OPERATIONS_MOST) {
        graph->status = assay_fail(&graph->error, ASSAY_INTERNAL,
                                   "a graph of more than %d operations",
                                   static_cast<int>(OPERATIONS_MOST));
        return;
    }
    graph->operation[graph->operation_count++] = node;
}

struct Kind {
    bool is_virtual, by_value;
    Node ragged;
};

static Node tensor(Graph *graph, const TensorSpec &spec, const Kind &kind)
{
    const Node node = graph_create(graph, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    const int64_t alignment = 16;
    PUT(graph, node, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &spec.type);
    PUT(graph, node, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, spec.rank, spec.size);
    PUT(graph, node, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, spec.rank, spec.stride);
    PUT(graph, node, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &spec.id);
    PUT(graph, node, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    PUT(graph, node, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &kind.is_virtual);
    PUT(graph, node, CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &kind.by_value);
    PUT_NODE(graph, node, CUDNN_ATTR_TENSOR_RAGGED_OFFSET_DESC, kind.ragged);
    return graph_finalise(graph, node, "a tensor");
}

Node graph_tensor(Graph *graph, const TensorSpec &spec)
{
    return tensor(graph, spec, {false, false, nullptr});
}

Node graph_ragged(Graph *graph, const TensorSpec &spec, Node offset)
{
    return tensor(graph, spec, {false, false, offset});
}

Node graph_scalar(Graph *graph, int64_t id, int64_t rank)
{
    const int64_t ones[RANK_MOST] = {1, 1, 1, 1};
    return tensor(graph, dense(id, CUDNN_DATA_FLOAT, rank, ones), {false, true, nullptr});
}

Node graph_between(Graph *graph, int64_t rank, const int64_t *size, cudnnDataType_t type)
{
    return tensor(graph, dense(graph->next_virtual++, type, rank, size), {true, false, nullptr});
}

void graph_matmul(Graph *graph, Node a, Node b, Node c, const Lengths &lengths)
{
    const cudnnDataType_t compute = CUDNN_DATA_FLOAT;
    const Node how = graph_create(graph, CUDNN_BACKEND_MATMUL_DESCRIPTOR);
    PUT(graph, how, CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &compute);
    (void)graph_finalise(graph, how, "a matmul's description");
    const Node node = graph_create(graph, CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_MATMUL_ADESC, a);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_MATMUL_BDESC, b);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_MATMUL_CDESC, c);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_MATMUL_DESC, how);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_MATMUL_GEMM_M_OVERRIDE_DESC, lengths.m);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_MATMUL_GEMM_N_OVERRIDE_DESC, lengths.n);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_MATMUL_GEMM_K_OVERRIDE_DESC, lengths.k);
    add_operation(graph, node, "a matmul");
}

void graph_pointwise(Graph *graph, cudnnPointwiseMode_t mode, Node x, Node b, Node y, Node t,
                     int64_t axis)
{
    const cudnnDataType_t compute = CUDNN_DATA_FLOAT;
    const Node how = graph_create(graph, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    PUT(graph, how, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    PUT(graph, how, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &compute);
    if (axis >= 0) {
        PUT(graph, how, CUDNN_ATTR_POINTWISE_AXIS, CUDNN_TYPE_INT64, 1, &axis);
    }
    (void)graph_finalise(graph, how, "a pointwise operation's description");
    const Node node = graph_create(graph, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_POINTWISE_TDESC, t);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    add_operation(graph, node, "a pointwise operation");
}

void graph_reduce(Graph *graph, cudnnReduceTensorOp_t mode, Node x, Node y)
{
    const cudnnDataType_t compute = CUDNN_DATA_FLOAT;
    const Node how = graph_create(graph, CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
    PUT(graph, how, CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, 1, &mode);
    PUT(graph, how, CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &compute);
    (void)graph_finalise(graph, how, "a reduction's description");
    const Node node = graph_create(graph, CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_REDUCTION_DESC, how);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_REDUCTION_YDESC, y);
    add_operation(graph, node, "a reduction");
}

void graph_rms_norm(Graph *graph, Node x, Node scale, Node epsilon, Node y)
{
    const cudnnBackendNormMode_t mode = CUDNN_RMS_NORM;
    const cudnnBackendNormFwdPhase_t phase = CUDNN_NORM_FWD_INFERENCE;
    const Node node = graph_create(graph, CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR);
    PUT(graph, node, CUDNN_ATTR_OPERATION_NORM_FWD_MODE, CUDNN_TYPE_NORM_MODE, 1, &mode);
    PUT(graph, node, CUDNN_ATTR_OPERATION_NORM_FWD_PHASE, CUDNN_TYPE_NORM_FWD_PHASE, 1, &phase);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_NORM_FWD_XDESC, x);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC, scale);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_NORM_FWD_EPSILON_DESC, epsilon);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_NORM_FWD_YDESC, y);
    add_operation(graph, node, "an RMS norm");
}

void graph_attend(Graph *graph, const Attend &attend)
{
#if CUDNN_VERSION >= 91500
    constexpr size_t since = 91500;
    const size_t opened = good(graph) ? cudnnGetVersion() : since;
    if (opened < since) {
        graph->status = assay_fail(&graph->error, ASSAY_UNSUPPORTED,
                                   "cuDNN %zu has no attention over key lengths; %zu has", opened,
                                   since);
    }
    const Node node = graph_create(graph, CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC, attend.q);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC, attend.k);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC, attend.v);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC, attend.o);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC, attend.scale);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_SDPA_FWD_SEQ_LEN_QDESC, attend.rows);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_SDPA_FWD_SEQ_LEN_KVDESC, attend.keys);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_SDPA_FWD_PAGE_TABLE_KDESC, attend.page_table);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_SDPA_FWD_PAGE_TABLE_VDESC, attend.page_table);
    add_operation(graph, node, "attention");
#else
    (void)attend;
    if (good(graph)) {
        graph->status = assay_fail(&graph->error, ASSAY_UNSUPPORTED,
                                   "built with cuDNN %d, which has no attention over key lengths",
                                   CUDNN_VERSION);
    }
#endif
}

void node_destroy(Node *node)
{
    if (*node != nullptr) {
        (void)cudnnBackendDestroyDescriptor(*node);
        *node = nullptr;
    }
}

void graph_end(Graph *graph)
{
    for (int i = graph->owned_count - 1; i >= 0; i--) {
        node_destroy(&graph->owned[i]);
    }
    graph->owned_count = 0;
    graph->operation_count = 0;
}

} // namespace assay_cudnn
