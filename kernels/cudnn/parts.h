/* The parts of a graph, for the files that make graphs and plans of them. Nothing is done once
 * something failed. */
#ifndef KERNELS_CUDNN_PARTS_H
#define KERNELS_CUDNN_PARTS_H

#include "kernels/cudnn/graph.h"

namespace assay_cudnn {

/* A descriptor that lives as long as the graph; NULL after a failure. */
Node graph_create(Graph *graph, cudnnBackendDescriptorType_t type);

void graph_put(Graph *graph, Node node, cudnnBackendAttributeName_t name,
               cudnnBackendAttributeType_t type, int64_t count, const void *values,
               const char *text);
/* A descriptor as an attribute; NULL: left out. */
void graph_put_node(Graph *graph, Node node, cudnnBackendAttributeName_t name, Node value,
                    const char *text);

/* The node, or NULL after a failure. */
Node graph_finalise(Graph *graph, Node node, const char *what);

void graph_end(Graph *graph);

} // namespace assay_cudnn

#define PUT(graph, node, name, type, count, values)                                                \
    graph_put(graph, node, name, type, count, values, "cudnnBackendSetAttribute " #name)
#define PUT_NODE(graph, node, name, value)                                                         \
    graph_put_node(graph, node, name, value, "cudnnBackendSetAttribute " #name)

#endif
