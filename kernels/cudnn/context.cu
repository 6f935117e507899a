#include "kernels/cudnn/context.h"

#include <mutex>
#include <vector>

namespace assay_cudnn {

namespace {

enum { DEVICES_MOST = 64 };

std::mutex lock; /* of what follows */
Context contexts[DEVICES_MOST];

struct Kept {
    GraphKey key;
    Plan plan;
    bool captured;
};
std::vector<Kept> kept; /* the one that was run or made last is the last */
bool capturing;         /* the stream of the last run was */

assay_status open_context(int32_t device, Context *context, assay_error *error)
{
    assay_exec exec = {};
    exec.device.index = device;
    exec.error = error;
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDNN_TRY(error, cudnnCreate(&context->handle));
    return properties_of(context->handle, &context->properties, error);
}

} // namespace

assay_status context_of(int32_t device, Context *context, assay_error *error)
{
    const std::lock_guard<std::mutex> held(lock);
    if (device < 0 || device >= DEVICES_MOST) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "CUDA device %d: at most %d are served",
                          static_cast<int>(device), static_cast<int>(DEVICES_MOST));
    }
    assay_status status = ASSAY_OK;
    if (contexts[device].properties == nullptr) {
        status = open_context(device, &contexts[device], error);
    }
    *context = contexts[device];
    return status;
}

static uint64_t noted; /* under the lock */

void note_device(int32_t device)
{
    const std::lock_guard<std::mutex> held(lock);
    noted |= device >= 0 && device < DEVICES_MOST - 1 ? uint64_t{1} << device : 0;
}

uint64_t noted_devices()
{
    const std::lock_guard<std::mutex> held(lock);
    int current = 0;
    if (noted == 0 && (cudaGetDevice(&current) != cudaSuccess || current >= DEVICES_MOST - 1)) {
        return 0;
    }
    return noted != 0 ? noted : uint64_t{1} << current;
}

static bool same(const GraphKey &a, const GraphKey &b)
{
    return a.device == b.device && a.op == b.op && memcmp(a.part, b.part, sizeof a.part) == 0;
}

bool find_plan(const GraphKey &key, Plan *plan)
{
    const std::lock_guard<std::mutex> held(lock);
    for (const Kept &one : kept) {
        if (same(one.key, key)) {
            *plan = one.plan;
            return true;
        }
    }
    return false;
}

/* Whether the graphs differ in their rows alone. */
static bool akin(const GraphKey &a, const GraphKey &b)
{
    GraphKey other = b;
    other.part[0] = a.part[0];
    return same(a, other);
}

/* The plan of the graph's kin that was run longest ago, where there are too many that may go. */
static size_t to_go(const GraphKey &key)
{
    int count = 0;
    size_t oldest = kept.size();
    for (size_t i = kept.size(); i-- > 0;) {
        if (akin(kept[i].key, key) && !kept[i].captured) {
            count++;
            oldest = i;
        }
    }
    return count >= PLANS_KEPT ? oldest : kept.size();
}

/* Whether nothing that was enqueued on the device is still to run. */
static bool came_to_its_end(int32_t device)
{
    int current = 0;
    if (cudaGetDevice(&current) != cudaSuccess || cudaSetDevice(device) != cudaSuccess) {
        return false;
    }
    const bool ended = cudaDeviceSynchronize() == cudaSuccess;
    (void)cudaSetDevice(current);
    return ended;
}

void keep_plan(const GraphKey &key, const Plan &plan)
{
    const std::lock_guard<std::mutex> held(lock);
    bool ended = false;
    for (size_t oldest = to_go(key); oldest < kept.size(); oldest = to_go(key)) {
        ended = ended || (!capturing && came_to_its_end(key.device));
        if (!ended) {
            break;
        }
        node_destroy(&kept[oldest].plan.plan);
        kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(oldest));
    }
    kept.push_back({key, plan, false});
}

void begin_run(const assay_exec *exec)
{
    const std::lock_guard<std::mutex> held(lock);
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    capturing = cudaStreamIsCapturing(static_cast<cudaStream_t>(exec->stream), &status) !=
                    cudaSuccess ||
                status != cudaStreamCaptureStatusNone;
}

static void note_run(const Plan &plan)
{
    const std::lock_guard<std::mutex> held(lock);
    for (size_t i = kept.size(); i-- > 0;) {
        if (kept[i].plan.plan == plan.plan) {
            Kept own = kept[i];
            own.captured = own.captured || capturing;
            kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(i));
            kept.push_back(own);
            return;
        }
    }
}

assay_status run_bound(const assay_exec *exec, const Plan &plan, const Binding *bindings,
                       int64_t count, void *workspace)
{
    enum { BINDINGS_MOST = 16 };
    int64_t ids[BINDINGS_MOST];
    void *pointers[BINDINGS_MOST];
    int64_t used = 0;
    for (int64_t i = 0; i < count && used < BINDINGS_MOST; i++) {
        if (bindings[i].pointer != nullptr) {
            ids[used] = bindings[i].id;
            pointers[used++] = bindings[i].pointer;
        }
    }
    Context context = {};
    const assay_status status = context_of(exec->device.index, &context, exec->error);
    if (status != ASSAY_OK) {
        return status;
    }
    ASSAY_CUDA_TRY(exec, use_device(exec));
    ASSAY_CUDNN_TRY(exec->error,
                    cudnnSetStream(context.handle, static_cast<cudaStream_t>(exec->stream)));
    note_run(plan);
    return plan_run(context.handle, plan, used, ids, pointers, workspace, exec->error);
}

} // namespace assay_cudnn
