/* What this module keeps for the process: a handle and the properties of each device, and plans of
 * graphs. Plans take cuDNN from milliseconds to seconds to make (it compiles), so that they are made
 * where shapes are first seen (`supports`, `workspace`), and a run finds its own; one of rows that
 * nobody asked about, or of too many others since, makes it again, on the host. The library's handle
 * and these plans serve one thread at a time.
 *
 * A plan owns the code that it launches. Of one layer, norm or attention PLANS_KEPT numbers of rows
 * are kept, and the one that was run longest ago goes first: after the device has come to the end
 * of its work, and never while a stream is captured. One that was captured stays for the process:
 * a CUDA graph replays its code for as long as its owner likes. */
#ifndef KERNELS_CUDNN_CONTEXT_H
#define KERNELS_CUDNN_CONTEXT_H

#include "kernels/cuda/contract.h"
#include "kernels/cudnn/build.h"

namespace assay_cudnn {

using namespace assay_cuda;

struct Context {
    cudnnHandle_t handle;
    Node properties;
};

/* Of a CUDA device, made when it is first asked for. */
assay_status context_of(int32_t device, Context *context, assay_error *error);

/* `workspace` is not told its device: it is for any that `supports` was asked about (a bit each),
 * or else the thread's current one. */
void note_device(int32_t device);
uint64_t noted_devices();

/* Which graph: an op's number and what it was built of, the number of rows first. */
enum { KEY_MOST = 8 };
struct GraphKey {
    int32_t device;
    int32_t op; /* assay_op */
    int64_t part[KEY_MOST];
};

template <typename Shape>
assay_status plan_for(const GraphKey &key, void (*build)(Graph *, const Shape &),
                      const Shape &shape, Plan *plan, assay_error *error);

enum { PLANS_KEPT = 32 };
bool find_plan(const GraphKey &key, Plan *plan);
void keep_plan(const GraphKey &key, const Plan &plan);

/* What a run begins with, before it looks for its plan: notes whether its stream is captured. */
void begin_run(const assay_exec *exec);

template <typename Shape>
assay_status plan_for(const GraphKey &key, void (*build)(Graph *, const Shape &),
                      const Shape &shape, Plan *plan, assay_error *error)
{
    if (find_plan(key, plan)) {
        return ASSAY_OK;
    }
    Context context = {};
    assay_status status = context_of(key.device, &context, error);
    if (status != ASSAY_OK) {
        return status;
    }
    Graph graph;
    graph_begin(&graph);
    build(&graph, shape);
    status = graph_plan(&graph, context.properties, plan, error);
    if (status == ASSAY_OK) {
        keep_plan(key, *plan);
    }
    return status;
}

/* The most scratch that plan_on(device, &plan) finds for a noted device; false: none has a plan. */
template <typename PlanOn> bool most_scratch(PlanOn plan_on, size_t *bytes)
{
    bool any = false;
    const uint64_t devices = noted_devices();
    *bytes = 0;
    for (int32_t device = 0; devices >> device != 0; device++) {
        Plan made = {nullptr, 0};
        if ((devices >> device & 1) != 0 && plan_on(device, &made) == ASSAY_OK) {
            const size_t own = static_cast<size_t>(made.workspace_bytes);
            *bytes = own > *bytes ? own : *bytes;
            any = true;
        }
    }
    return any;
}

/* One operand of a run. */
struct Binding {
    int64_t id;
    void *pointer;
};

/* Enqueues the plan on the exec's stream. */
assay_status run_bound(const assay_exec *exec, const Plan &plan, const Binding *bindings,
                       int64_t count, void *workspace);

template <size_t N>
assay_status run_bound(const assay_exec *exec, const Plan &plan, const Binding (&bindings)[N],
                       void *workspace)
{
    return run_bound(exec, plan, bindings, static_cast<int64_t>(N), workspace);
}

/* The two contracts: 16-bit operands and results, f32 between. Sums as tensor cores add them
 * (24 bits, cut off; claimed after every 4 products). */
struct Bf16Flow {
    using Io = Bf16;
    static constexpr const char *name = "cudnn_bf16";
    static constexpr assay_dtype io = ASSAY_BF16;
    static constexpr cudnnDataType_t type = CUDNN_DATA_BFLOAT16;
};

struct F16Flow {
    using Io = F16;
    static constexpr const char *name = "cudnn_f16";
    static constexpr assay_dtype io = ASSAY_F16;
    static constexpr cudnnDataType_t type = CUDNN_DATA_HALF;
};

template <typename F> assay_kernel describe(assay_op op, const char *summary)
{
#ifdef ASSAY_EMULATED
    const char *const backend = "emulated";
#else
    const char *const backend = "cudnn";
#endif
    assay_kernel kernel = assay_kernel_of(op, F::name, backend, summary);
    kernel.space = SPACE;
    kernel.precision.multiply = F::io;
    kernel.precision.accumulate = {24, ASSAY_TRUNCATE, 4};
    kernel.precision.intermediate = ASSAY_F32;
    kernel.precision.output = F::io;
    kernel.precision.order = ASSAY_ORDER_BLOCKED;
    return kernel;
}

/* What `supports` of every op begins with. */
inline assay_status served(const assay_device *device, assay_error *error)
{
    enum { OLDEST = 80 };
    const assay_status status = device_served(device, error);
    if (status == ASSAY_OK) {
        note_device(device->index);
    }
    if (status == ASSAY_OK && SPACE == ASSAY_CUDA && device->compute < OLDEST) {
        return assay_fail(error, ASSAY_UNSUPPORTED,
                          "compute capability %d.%d has no bf16; %d.%d is the oldest served here",
                          static_cast<int>(device->compute / 10),
                          static_cast<int>(device->compute % 10), OLDEST / 10, OLDEST % 10);
    }
    return status;
}

enum { VECTOR = 16 }; /* bytes that every operand of a graph is aligned to */

#define ASSAY_CUDNN_OPS(X) X(linear) X(rmsnorm) X(attention) X(sae_encode)

#define ASSAY_CUDNN_DECLARE(op) template <typename F> assay_kernel describe_##op();
ASSAY_CUDNN_OPS(ASSAY_CUDNN_DECLARE)
#undef ASSAY_CUDNN_DECLARE

/* At the end of an op's file. */
#define ASSAY_CUDNN_KERNEL(op)                                                                     \
    template assay_kernel describe_##op<Bf16Flow>();                                               \
    template assay_kernel describe_##op<F16Flow>();

} // namespace assay_cudnn

#endif
