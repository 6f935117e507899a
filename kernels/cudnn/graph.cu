#include "kernels/cudnn/graph.h"

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

static Node create(Graph *graph, cudnnBackendDescriptorType_t type)
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

static void put(Graph *graph, Node node, cudnnBackendAttributeName_t name,
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
#define PUT(graph, node, name, type, count, values)                                                \
    put(graph, node, name, type, count, values, "cudnnBackendSetAttribute " #name)

static void put_node(Graph *graph, Node node, cudnnBackendAttributeName_t name, Node value,
                     const char *text)
{
    if (value != nullptr) {
        put(graph, node, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value, text);
    }
}
#define PUT_NODE(graph, node, name, value)                                                         \
    put_node(graph, node, name, value, "cudnnBackendSetAttribute " #name)

static Node finalise(Graph *graph, Node node, const char *what)
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
    node = finalise(graph, node, what);
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
    const Node node = create(graph, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    const int64_t alignment = 16;
    PUT(graph, node, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &spec.type);
    PUT(graph, node, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, spec.rank, spec.size);
    PUT(graph, node, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, spec.rank, spec.stride);
    PUT(graph, node, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &spec.id);
    PUT(graph, node, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    PUT(graph, node, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &kind.is_virtual);
    PUT(graph, node, CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &kind.by_value);
    PUT_NODE(graph, node, CUDNN_ATTR_TENSOR_RAGGED_OFFSET_DESC, kind.ragged);
    return finalise(graph, node, "a tensor");
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
    const Node how = create(graph, CUDNN_BACKEND_MATMUL_DESCRIPTOR);
    PUT(graph, how, CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &compute);
    (void)finalise(graph, how, "a matmul's description");
    const Node node = create(graph, CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
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
    const Node how = create(graph, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    PUT(graph, how, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    PUT(graph, how, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &compute);
    if (axis >= 0) {
        PUT(graph, how, CUDNN_ATTR_POINTWISE_AXIS, CUDNN_TYPE_INT64, 1, &axis);
    }
    (void)finalise(graph, how, "a pointwise operation's description");
    const Node node = create(graph, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
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
    const Node how = create(graph, CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
    PUT(graph, how, CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, 1, &mode);
    PUT(graph, how, CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &compute);
    (void)finalise(graph, how, "a reduction's description");
    const Node node = create(graph, CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_REDUCTION_DESC, how);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_REDUCTION_YDESC, y);
    add_operation(graph, node, "a reduction");
}

void graph_rms_norm(Graph *graph, Node x, Node scale, Node epsilon, Node y)
{
    const cudnnBackendNormMode_t mode = CUDNN_RMS_NORM;
    const cudnnBackendNormFwdPhase_t phase = CUDNN_NORM_FWD_INFERENCE;
    const Node node = create(graph, CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR);
    PUT(graph, node, CUDNN_ATTR_OPERATION_NORM_FWD_MODE, CUDNN_TYPE_NORM_MODE, 1, &mode);
    PUT(graph, node, CUDNN_ATTR_OPERATION_NORM_FWD_PHASE, CUDNN_TYPE_NORM_FWD_PHASE, 1, &phase);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_NORM_FWD_XDESC, x);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC, scale);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_NORM_FWD_EPSILON_DESC, epsilon);
    PUT_NODE(graph, node, CUDNN_ATTR_OPERATION_NORM_FWD_YDESC, y);
    add_operation(graph, node, "an RMS norm");
}

void node_destroy(Node *node)
{
    if (*node != nullptr) {
        (void)cudnnBackendDestroyDescriptor(*node);
        *node = nullptr;
    }
}

static void graph_end(Graph *graph)
{
    for (int i = graph->owned_count - 1; i >= 0; i--) {
        node_destroy(&graph->owned[i]);
    }
    graph->owned_count = 0;
    graph->operation_count = 0;
}

/* Finalised, or destroyed and NULL. */
static assay_status settle(Node *node, assay_error *error)
{
    const cudnnStatus_t status = cudnnBackendFinalize(*node);
    if (status == CUDNN_STATUS_SUCCESS) {
        return ASSAY_OK;
    }
    const assay_status failed = failed_call(error, status, "cudnnBackendFinalize", __FILE__,
                                            __LINE__);
    node_destroy(node);
    return failed;
}

assay_status properties_of(cudnnHandle_t handle, Node *properties, assay_error *error)
{
    *properties = nullptr;
    ASSAY_CUDNN_TRY(error, cudnnBackendCreateDescriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR,
                                                        properties));
    ASSAY_CUDNN_TRY(error, cudnnBackendSetAttribute(*properties, CUDNN_ATTR_DEVICEPROP_HANDLE,
                                                    CUDNN_TYPE_HANDLE, 1, &handle));
    return settle(properties, error);
}

assay_status properties_read(const char *json, size_t length, Node *properties,
                             assay_error *error)
{
    *properties = nullptr;
    ASSAY_CUDNN_TRY(error, cudnnBackendCreateDescriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR,
                                                        properties));
    ASSAY_CUDNN_TRY(error,
                    cudnnBackendSetAttribute(*properties,
                                             CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                                             CUDNN_TYPE_CHAR, static_cast<int64_t>(length), json));
    return settle(properties, error);
}

/* The plan of one engine configuration. */
static assay_status plan_of(Node configuration, Node properties, Plan *plan, assay_error *error)
{
    ASSAY_CUDNN_TRY(error, cudnnBackendCreateDescriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR,
                                                        &plan->plan));
    ASSAY_CUDNN_TRY(error, cudnnBackendSetAttribute(plan->plan,
                                                    CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG,
                                                    CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                                                    &configuration));
    ASSAY_CUDNN_TRY(error, cudnnBackendSetAttribute(plan->plan,
                                                    CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP,
                                                    CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &properties));
    const assay_status status = settle(&plan->plan, error);
    if (status != ASSAY_OK) {
        return status;
    }
    int64_t bytes = 0;
    int64_t count = 0;
    ASSAY_CUDNN_TRY(error, cudnnBackendGetAttribute(plan->plan,
                                                    CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                                    CUDNN_TYPE_INT64, 1, &count, &bytes));
    plan->workspace_bytes = static_cast<size_t>(bytes);
    return ASSAY_OK;
}

/* The first engine that the heuristics' mode proposes and that gives a plan. */
static assay_status plan_by(Node operations, cudnnBackendHeurMode_t mode, Node properties,
                            Graph *graph, Plan *plan)
{
    enum { ENGINES_MOST = 16 };
    const Node asked = create(graph, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    PUT_NODE(graph, asked, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, operations);
    PUT_NODE(graph, asked, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, properties);
    PUT(graph, asked, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    (void)finalise(graph, asked, "the heuristics' question");
    Node engine[ENGINES_MOST] = {};
    for (Node &one : engine) {
        one = create(graph, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    }
    if (!good(graph)) {
        return graph->status;
    }
    int64_t count = 0;
    ASSAY_CUDNN_TRY(&graph->error,
                    cudnnBackendGetAttribute(asked, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                             CUDNN_TYPE_BACKEND_DESCRIPTOR, ENGINES_MOST, &count,
                                             engine));
    assay_status status = assay_fail(&graph->error, ASSAY_UNSUPPORTED,
                                     "cuDNN proposes no engine for this graph");
    for (int64_t i = 0; status != ASSAY_OK && i < count && i < ENGINES_MOST; i++) {
        status = plan_of(engine[i], properties, plan, &graph->error);
    }
    return status;
}

assay_status graph_plan(Graph *graph, Node properties, Plan *plan, assay_error *error)
{
    *plan = {nullptr, 0};
    const Node operations = create(graph, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    PUT(graph, operations, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
        graph->operation_count, graph->operation);
    (void)finalise(graph, operations, "the graph");
    assay_status status = graph->status;
    const cudnnBackendHeurMode_t modes[] = {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK};
    for (const cudnnBackendHeurMode_t mode : modes) {
        if (good(graph) && plan->plan == nullptr) {
            status = plan_by(operations, mode, properties, graph, plan);
        }
    }
    if (status != ASSAY_OK && error != nullptr) {
        *error = graph->error;
    }
    graph_end(graph);
    return status;
}

/* `pack` is to be destroyed in any case. */
static assay_status fill_pack(Node pack, int64_t count, const int64_t *ids, void *const *pointers,
                              void *workspace, assay_error *error)
{
    ASSAY_CUDNN_TRY(error, cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS,
                                                    CUDNN_TYPE_INT64, count, ids));
    ASSAY_CUDNN_TRY(error, cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS,
                                                    CUDNN_TYPE_VOID_PTR, count, pointers));
    ASSAY_CUDNN_TRY(error, cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE,
                                                    CUDNN_TYPE_VOID_PTR, 1, &workspace));
    ASSAY_CUDNN_TRY(error, cudnnBackendFinalize(pack));
    return ASSAY_OK;
}

assay_status plan_run(cudnnHandle_t handle, const Plan &plan, int64_t count, const int64_t *ids,
                      void *const *pointers, void *workspace, assay_error *error)
{
    Node pack = nullptr;
    ASSAY_CUDNN_TRY(error,
                    cudnnBackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack));
    assay_status status = fill_pack(pack, count, ids, pointers, workspace, error);
    if (status == ASSAY_OK) {
        const cudnnStatus_t done = cudnnBackendExecute(handle, plan.plan, pack);
        if (done != CUDNN_STATUS_SUCCESS) {
            status = failed_call(error, done, "cudnnBackendExecute", __FILE__, __LINE__);
        }
    }
    node_destroy(&pack);
    return status;
}

} // namespace assay_cudnn
