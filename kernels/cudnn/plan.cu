/* Plans of graphs, for the GPU that device properties describe. */
#include "kernels/cudnn/parts.h"

namespace assay_cudnn {

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
                            Graph *graph, Plan *plan, bool *proposed)
{
    enum { ENGINES_MOST = 16 };
    const Node asked = graph_create(graph, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    PUT_NODE(graph, asked, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, operations);
    PUT_NODE(graph, asked, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, properties);
    PUT(graph, asked, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    (void)graph_finalise(graph, asked, "the heuristics' question");
    Node engine[ENGINES_MOST] = {};
    for (Node &one : engine) {
        one = graph_create(graph, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    }
    if (graph->status != ASSAY_OK) {
        return graph->status;
    }
    int64_t count = 0;
    ASSAY_CUDNN_TRY(&graph->error,
                    cudnnBackendGetAttribute(asked, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                             CUDNN_TYPE_BACKEND_DESCRIPTOR, ENGINES_MOST, &count,
                                             engine));
    *proposed = count > 0;
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
    const Node operations = graph_create(graph, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    PUT(graph, operations, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
        graph->operation_count, graph->operation);
    (void)graph_finalise(graph, operations, "the graph");
    assay_status status = graph->status;
    const cudnnBackendHeurMode_t modes[] = {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK};
    for (const cudnnBackendHeurMode_t mode : modes) {
        if (graph->status == ASSAY_OK && plan->plan == nullptr) {
            const assay_error before = graph->error;
            const assay_status first = status;
            bool proposed = false;
            status = plan_by(operations, mode, properties, graph, plan, &proposed);
            if (!proposed && first != ASSAY_OK) { /* what an engine said is worth more */
                graph->error = before;
                status = first;
            }
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
