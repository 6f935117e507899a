/* cuDNN has engines for the graphs on a GPU that is described to it, compiles them, and stops where
 * the driver is to load them. */
#include "kernels/cudnn/build.h"

#include <criterion/criterion.h>

#include <cstring>

using namespace assay_cudnn;

namespace {

/* As cuDNN writes them of a device; 900 is Hopper. */
const char described[] =
    "{\"maxGridSize\": [2147483647, 65535, 65535], \"maxBlockSize\": [1024, 1024, 64], "
    "\"deviceVer\": %d, \"driverVer\": 13000, \"regsPerBlock\": 65536, "
    "\"multiProcessorCount\": 132, \"smClockRateKHz\": 1980000, \"memClockRateKHz\": 3201000, "
    "\"l2CacheSize\": 52428800, \"warpSize\": 32, \"maxSharedMemoryPerBlock\": 49152, "
    "\"maxSharedMemoryPerBlockOptin\": %d, \"reservedSharedMemoryPerBlock\": 1024, "
    "\"maxRegistersPerSM\": 65536, \"pciDeviceId\": 0, \"maxCtasPerSM\": 32, "
    "\"maxThreadsPerBlock\": 1024, \"maxThreadsPerSM\": 2048, \"isTccDriver\": 0, "
    "\"supportCoopLaunch\": 1, \"totalGlobalMem\": 80000000000, \"cudaDeviceId\": 0, "
    "\"deviceName\": \"described\"}";

/* Bytes that a block may have at most. */
int shared_most(int generation)
{
    const bool large = generation == 900 || generation == 1000;
    return large ? 232448 : generation == 800 ? 166912 : 101376;
}

Node describe(int generation)
{
    char json[1024];
    const int length = snprintf(json, sizeof json, described, generation,
                                shared_most(generation));
    assay_error error = {};
    Node properties = nullptr;
    const assay_status status =
        properties_read(json, static_cast<size_t>(length), &properties, &error);
    cr_assert(status == ASSAY_OK, "%s", error.message);
    return properties;
}

/* Compiled, whatever the driver says when it is to load the code. */
void expect_engine(Graph *graph, const char *what, int generation = 900)
{
    Node properties = describe(generation);
    Plan plan;
    assay_error error = {};
    const assay_status status = graph_plan(graph, properties, &plan, &error);
    cr_assert(status == ASSAY_OK || strstr(error.message, "cuLibraryLoadData") != nullptr,
              "%s on %d: %s", what, generation, error.message);
    node_destroy(&plan.plan);
    node_destroy(&properties);
}

const cudnnDataType_t types[] = {CUDNN_DATA_BFLOAT16, CUDNN_DATA_HALF};

} // namespace

Test(engines, layers)
{
    for (const cudnnDataType_t type : types) {
        Graph graph;
        graph_begin(&graph);
        build_linear(&graph, {16, 2048, 8192, type, false});
        expect_engine(&graph, "a layer");
        graph_begin(&graph);
        build_linear(&graph, {1, 256, 64, type, true});
        expect_engine(&graph, "a layer with a bias");
        graph_begin(&graph);
        build_linear(&graph, {5, 33, 7, type, true});
        expect_engine(&graph, "a layer of odd sizes");
    }
}

Test(engines, encoders)
{
    for (const cudnnDataType_t type : types) {
        for (const bool relu : {false, true}) {
            Graph graph;
            graph_begin(&graph);
            build_linear(&graph, {64, 2048, 16384, type, true, true, relu});
            expect_engine(&graph, "an encoder");
            graph_begin(&graph);
            build_linear(&graph, {3, 33, 70, type, false, true, relu, true});
            expect_engine(&graph, "an encoder of odd sizes");
        }
    }
}

Test(engines, norms)
{
    for (const cudnnDataType_t type : types) {
        Graph graph;
        graph_begin(&graph);
        build_rms_norm(&graph, {16, 4096, type, type});
        expect_engine(&graph, "a norm");
        graph_begin(&graph);
        build_rms_norm(&graph, {5, 33, type, CUDNN_DATA_FLOAT});
        expect_engine(&graph, "a norm with a weight of f32");
    }
}

Test(engines, attention)
{
    for (const cudnnDataType_t type : types) {
        Graph graph;
        graph_begin(&graph);
        build_attention(&graph, {3, 20, 128, 8, 2, 64, type});
        expect_engine(&graph, "prefill");
        graph_begin(&graph);
        build_attention(&graph, {64, 64, 4096, 32, 8, 128, type});
        expect_engine(&graph, "decode");
    }
}

/* A step of 64 sequences and a small one: cuDNN 9.19 has an engine on each of these. */
Test(engines, decode_steps)
{
    if (cudnnGetVersion() < 91500) {
        cr_skip_test("cuDNN %zu has no attention over key lengths", cudnnGetVersion());
    }
    for (const int generation : {800, 890, 900, 1000, 1200}) {
        for (const cudnnDataType_t type : types) {
            const DecodeShape shapes[] = {{64, 64, 4096, 32, 8, 128, type},
                                          {3, 5, 128, 8, 2, 64, type}};
            for (const DecodeShape &shape : shapes) {
                Graph graph;
                graph_begin(&graph);
                build_decode(&graph, shape);
                expect_engine(&graph, "a decode step", generation);
            }
        }
    }
}

/* That the test above can fail. */
Test(engines, a_graph_that_no_engine_takes)
{
    Node properties = describe(900);
    Graph graph;
    Plan plan;
    assay_error error = {};
    graph_begin(&graph);
    build_linear(&graph, {16, 64, 64, CUDNN_DATA_DOUBLE, false});
    const assay_status status = graph_plan(&graph, properties, &plan, &error);
    cr_assert(status == ASSAY_UNSUPPORTED, "%d: %s", static_cast<int>(status), error.message);
    cr_assert(strstr(error.message, "cuDNN") != nullptr ||
                  strstr(error.message, "CUDNN") != nullptr,
              "%s", error.message);
    node_destroy(&properties);
}
