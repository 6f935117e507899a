/* Streams of the emulated device: copies that arrive late, work that waits for a gate, graphs. */
#include <cstdint>
#include <cstring>
#include <mutex>
#include <new>
#include <set>
#include <utility>
#include <vector>

#include "kernels/cuda/emulate/block.h"
#include "kernels/cuda/emulate/memory.h"

using emulate::device_lost;
using emulate::given;

struct emulate_graph {
    std::vector<std::function<void()>> work;
};

struct emulate_stream {
    struct Delivery {
        void *to;
        std::vector<char> bytes;
    };
    std::vector<Delivery> deliveries; /* copies from the device on their way to the host */
    size_t arrived;                   /* and those that came there */
    std::vector<std::function<void()>> waiting;
    bool held;
    emulate_graph *noting; /* while the stream is captured */
    int device;
};

struct emulate_event {
    double time;
    bool recorded;
    int device;
    cudaStream_t stream; /* that it is in */
    size_t after;        /* deliveries of the stream before it */
};

namespace {

std::vector<cudaStream_t> streams;

bool is_stream(cudaStream_t stream)
{
    bool known = stream == nullptr; /* the default one */
    for (const cudaStream_t other : streams) {
        known = known || other == stream;
    }
    return known;
}

double seconds_now()
{
    return static_cast<double>(emulate::nanoseconds()) * 1e-9;
}

/* What waits runs, on the stream's device; of what is on its way so much arrives that `most` has
 * since the stream was made. */
void deliver(cudaStream_t stream, size_t most)
{
    std::vector<std::function<void()>> waiting;
    const int here = emulate::current_device();
    emulate::set_device(stream->device);
    waiting.swap(stream->waiting);
    stream->held = false;
    for (const std::function<void()> &work : waiting) {
        work();
    }
    emulate::set_device(here);
    while (!stream->deliveries.empty() && stream->arrived < most) {
        const emulate_stream::Delivery &first = stream->deliveries.front();
        memcpy(first.to, first.bytes.data(), first.bytes.size());
        stream->deliveries.erase(stream->deliveries.begin());
        stream->arrived++;
    }
}

void do_or_note(cudaStream_t stream, const std::function<void()> &work)
{
    if (emulate::stream_waits(stream)) {
        emulate::stream_later(stream, work);
    } else {
        work();
    }
}

} // namespace

namespace emulate {

double (*event_seconds)() = seconds_now;

bool is_foreign(cudaStream_t stream)
{
    return stream != nullptr && stream->device != current_device();
}

void stream_hold(cudaStream_t stream)
{
    stream->held = true;
}

bool load_code(const void *code, cudaStream_t stream)
{
    static std::mutex one;
    static std::set<std::pair<int, const void *>> loaded;
    const std::lock_guard<std::mutex> hold(one);
    const bool known = loaded.count({current_device(), code}) > 0;
    const bool shut = stream != nullptr && stream->held && stream->noting == nullptr;
    if (!known && shut) {
        return false;
    }
    loaded.insert({current_device(), code});
    return true;
}

bool stream_waits(cudaStream_t stream)
{
    return stream != nullptr && (stream->held || stream->noting != nullptr);
}

void stream_later(cudaStream_t stream, const std::function<void()> &work)
{
    (stream->noting != nullptr ? stream->noting->work : stream->waiting).push_back(work);
}

} // namespace emulate

static void copy_now(void *to, const void *from, size_t bytes, bool to_device, cudaStream_t stream)
{
    emulate::memory_reach_one(to, true);
    emulate::memory_reach_one(from, true);
    if (to_device || stream == nullptr) {
        memmove(to, from, bytes);
    } else {
        const char *const bytes_from = static_cast<const char *>(from);
        stream->deliveries.push_back({to, {bytes_from, bytes_from + bytes}});
    }
    emulate::memory_reach_one(to, false);
    emulate::memory_reach_one(from, false);
}

/* Whether an end of a copy is where its kind says. */
static bool lies_there(const void *memory, size_t bytes, bool on_device)
{
    return emulate::memory_has(memory, bytes) == on_device ||
           (on_device && emulate::is_operand(memory));
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    const bool to_device = kind != cudaMemcpyDeviceToHost;
    const bool from_device = kind != cudaMemcpyHostToDevice;
    if (device_lost() || bytes == 0) {
        return given(cudaSuccess);
    }
    if (!is_stream(stream)) {
        return given(cudaErrorInvalidResourceHandle);
    }
    if (!lies_there(to, bytes, to_device) || !lies_there(from, bytes, from_device)) {
        return given(cudaErrorInvalidValue);
    }
    do_or_note(stream, [=] { copy_now(to, from, bytes, to_device, stream); });
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *memory, int byte, size_t bytes, cudaStream_t stream)
{
    if (device_lost() || bytes == 0) {
        return given(cudaSuccess);
    }
    if (!is_stream(stream)) {
        return given(cudaErrorInvalidResourceHandle);
    }
    if (!emulate::memory_has(memory, bytes) && !emulate::is_operand(memory)) {
        return given(cudaErrorInvalidValue);
    }
    do_or_note(stream, [=] {
        emulate::memory_reach_one(memory, true);
        memset(memory, byte, bytes);
        emulate::memory_reach_one(memory, false);
    });
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    (void)flags;
    *stream = !device_lost() ? new (std::nothrow) emulate_stream() : nullptr;
    if (*stream != nullptr) {
        (*stream)->device = emulate::current_device();
        streams.push_back(*stream);
    }
    return given(*stream != nullptr ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    for (size_t i = 0; i < streams.size(); i++) {
        if (streams[i] == stream) {
            deliver(stream, SIZE_MAX);
            delete stream;
            streams[i] = streams.back();
            streams.pop_back();
            return given(cudaSuccess);
        }
    }
    return given(cudaErrorInvalidResourceHandle);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    if (!is_stream(stream)) {
        return given(cudaErrorInvalidResourceHandle);
    }
    if (stream != nullptr && stream->noting != nullptr) {
        return given(cudaErrorStreamCaptureUnsupported);
    }
    if (stream != nullptr && !device_lost()) {
        deliver(stream, SIZE_MAX);
    }
    return given(cudaSuccess);
}

cudaError_t cudaDeviceSynchronize()
{
    for (const cudaStream_t stream : streams) {
        if (!device_lost() && !emulate::is_foreign(stream)) {
            deliver(stream, SIZE_MAX);
        }
    }
    return given(cudaSuccess);
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode)
{
    (void)mode;
    if (stream == nullptr || !is_stream(stream) || emulate::stream_waits(stream)) {
        return given(cudaErrorStreamCaptureUnsupported);
    }
    stream->noting = new (std::nothrow) emulate_graph();
    return given(stream->noting != nullptr ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    *graph = stream->noting;
    stream->noting = nullptr;
    return given(*graph != nullptr ? cudaSuccess : cudaErrorStreamCaptureUnsupported);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *ready, cudaGraph_t graph,
                                 unsigned long long flags)
{
    (void)flags;
    *ready = new (std::nothrow) emulate_graph(*graph);
    return given(*ready != nullptr ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t ready, cudaStream_t stream)
{
    for (const std::function<void()> &work : ready->work) {
        do_or_note(stream, work);
    }
    return given(cudaSuccess);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t ready)
{
    delete ready;
    return given(cudaSuccess);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return given(cudaSuccess);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status)
{
    const bool noting = stream != nullptr && is_stream(stream) && stream->noting != nullptr;
    *status = noting ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return given(is_stream(stream) ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    return cudaEventCreateWithFlags(event, 0);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    (void)flags;
    *event = new (std::nothrow) emulate_event();
    if (*event != nullptr) {
        (*event)->device = emulate::current_device();
    }
    return given(*event != nullptr ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return given(cudaSuccess);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    const int device = stream != nullptr && is_stream(stream) ? stream->device
                                                              : emulate::current_device();
    if (!is_stream(stream) || event->device != device) {
        return given(cudaErrorInvalidResourceHandle);
    }
    event->stream = stream;
    do_or_note(stream, [=] {
        event->time = emulate::event_seconds();
        event->recorded = true;
        event->after = stream != nullptr ? stream->arrived + stream->deliveries.size() : 0;
    });
    return given(cudaSuccess);
}

/* What the stream had before the event is over; one that was never recorded is. */
cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    const cudaStream_t stream = event->stream;
    if (stream != nullptr && is_stream(stream) && !device_lost()) {
        if (stream->noting != nullptr) {
            return given(cudaErrorStreamCaptureUnsupported);
        }
        deliver(stream, stream->held ? SIZE_MAX : event->after);
    }
    return given(cudaSuccess);
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t first, cudaEvent_t second)
{
    *milliseconds = static_cast<float>((second->time - first->time) * 1e3);
    const bool both = first->recorded && second->recorded && first->device == second->device;
    return given(both ? cudaSuccess : cudaErrorInvalidResourceHandle);
}
