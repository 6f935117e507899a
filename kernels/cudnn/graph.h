/* cuDNN's graphs, by its C backend: tensors and operations are described, the heuristics asked for
 * engines, and the first whose plan can be made is kept. Everything here runs without a GPU: plans
 * are made for described device properties (cuDNN 9.8 on), those of a GPU or written ones.
 *
 * A builder goes on silently after something failed, so that a graph is written without a check a
 * line; graph_plan gives the first failure, in cuDNN's own words. */
#ifndef KERNELS_CUDNN_GRAPH_H
#define KERNELS_CUDNN_GRAPH_H

#include <cstddef>
#include <cstdint>

#include <cudnn_graph.h>

#include "assay/status.h"

namespace assay_cudnn {

enum { RANK_MOST = 4, DESCRIPTORS_MOST = 160, OPERATIONS_MOST = 32 };

/* A tensor of a graph; ids are the caller's, ids of virtual ones any that are free. */
struct TensorSpec {
    int64_t id;
    cudnnDataType_t type;
    int64_t rank;
    int64_t size[RANK_MOST], stride[RANK_MOST];
};

typedef cudnnBackendDescriptor_t Node;

struct Graph {
    Node owned[DESCRIPTORS_MOST];
    int owned_count;
    Node operation[OPERATIONS_MOST];
    int operation_count;
    int64_t next_virtual;
    assay_status status; /* of the first failure */
    assay_error error;
};

/* A dense row-major tensor. */
TensorSpec dense(int64_t id, cudnnDataType_t type, int64_t rank, const int64_t *size);

void graph_begin(Graph *graph);

/* Memory of the caller's, at a multiple of 16 bytes. */
Node graph_tensor(Graph *graph, const TensorSpec &spec);
/* Rows of sequences one behind the other: `offset` [B + 1,1,1,1] tells where each begins, in
 * elements. */
Node graph_ragged(Graph *graph, const TensorSpec &spec, Node offset);
/* One f32 that is given by value when the graph runs. */
Node graph_scalar(Graph *graph, int64_t id, int64_t rank);
/* An f32 between two operations. */
Node graph_between(Graph *graph, int64_t rank, const int64_t *size,
                   cudnnDataType_t type = CUDNN_DATA_FLOAT);

/* Lengths on the device that stand for sizes in each batch; NULL: the sizes. */
struct Lengths {
    Node m, n, k;
};
void graph_matmul(Graph *graph, Node a, Node b, Node c, const Lengths &lengths = {});

/* y = mode(x, b, t); axis: of GEN_INDEX. */
void graph_pointwise(Graph *graph, cudnnPointwiseMode_t mode, Node x, Node b, Node y,
                     Node t = nullptr, int64_t axis = -1);
void graph_reduce(Graph *graph, cudnnReduceTensorOp_t mode, Node x, Node y);
/* y = x / sqrt(mean(x^2) + epsilon) * scale over all axes but the first. */
void graph_rms_norm(Graph *graph, Node x, Node scale, Node epsilon, Node y);

/* o = softmax(scale q k^T) v over the first `keys` keys of each batch, by the one operation that
 * cuDNN has for it. q, o [B,H,M,D]; k, v [P,G,T,D], batch b's being those of page_table[b]; lengths
 * [B,1,1,1] of i32. ASSAY_UNSUPPORTED before 9.15, of the headers or of the library. */
struct Attend {
    Node q, k, v, o, scale, rows, keys, page_table;
};
void graph_attend(Graph *graph, const Attend &attend);

/* Device properties: of a handle's GPU, or as cuDNN writes them (JSON). *properties is to be
 * destroyed. */
assay_status properties_of(cudnnHandle_t handle, Node *properties, assay_error *error);
assay_status properties_read(const char *json, size_t length, Node *properties,
                             assay_error *error);

struct Plan {
    Node plan;
    size_t workspace_bytes;
};

/* A plan of the graph, which is at its end then whatever happens. ASSAY_UNSUPPORTED, with the
 * library's message, when no engine takes it. */
assay_status graph_plan(Graph *graph, Node properties, Plan *plan, assay_error *error);

/* Enqueues on the handle's stream. */
assay_status plan_run(cudnnHandle_t handle, const Plan &plan, int64_t count, const int64_t *ids,
                      void *const *pointers, void *workspace, assay_error *error);

void node_destroy(Node *node);

/* A call that failed, with its text and place and what cuDNN says of it. */
assay_status failed_call(assay_error *error, cudnnStatus_t status, const char *call,
                         const char *file, int line);

} // namespace assay_cudnn

#define ASSAY_CUDNN_TRY(error, ...)                                                                \
    do {                                                                                           \
        const cudnnStatus_t status_ = (__VA_ARGS__);                                               \
        if (status_ != CUDNN_STATUS_SUCCESS) {                                                     \
            return ::assay_cudnn::failed_call((error), status_, #__VA_ARGS__, __FILE__, __LINE__); \
        }                                                                                          \
    } while (0)

#endif
