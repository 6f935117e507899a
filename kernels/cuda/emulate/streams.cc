/* Streams of the emulated device: copies that arrive late, work that waits for a gate, graphs. */
#include <chrono>
#include <cstring>
#include <new>
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
    std::vector<std::function<void()>> waiting;
    bool held;
    emulate_graph *noting; /* while the stream is captured */
};

struct emulate_event {
    std::chrono::steady_clock::time_point time;
    bool recorded;
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

void deliver(cudaStream_t stream)
{
    std::vector<std::function<void()>> waiting;
    waiting.swap(stream->waiting);
    stream->held = false;
    for (const std::function<void()> &work : waiting) {
        work();
    }
    for (const emulate_stream::Delivery &d : stream->deliveries) {
        memcpy(d.to, d.bytes.data(), d.bytes.size());
    }
    stream->deliveries.clear();
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

void stream_hold(cudaStream_t stream)
{
    stream->held = true;
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
    if (emulate::memory_has(to, bytes) != to_device ||
        emulate::memory_has(from, bytes) != from_device) {
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
    if (!is_stream(stream) || !emulate::memory_has(memory, bytes)) {
        return given(is_stream(stream) ? cudaErrorInvalidValue : cudaErrorInvalidResourceHandle);
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
        streams.push_back(*stream);
    }
    return given(*stream != nullptr ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    for (size_t i = 0; i < streams.size(); i++) {
        if (streams[i] == stream) {
            deliver(stream);
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
        deliver(stream);
    }
    return given(cudaSuccess);
}

cudaError_t cudaDeviceSynchronize()
{
    for (const cudaStream_t stream : streams) {
        if (!device_lost()) {
            deliver(stream);
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

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    *event = new (std::nothrow) emulate_event();
    return given(*event != nullptr ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return given(cudaSuccess);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    do_or_note(stream, [=] {
        event->time = std::chrono::steady_clock::now();
        event->recorded = true;
    });
    return given(is_stream(stream) ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t first, cudaEvent_t second)
{
    const std::chrono::duration<float, std::milli> between = second->time - first->time;
    *milliseconds = between.count();
    return given(first->recorded && second->recorded ? cudaSuccess
                                                     : cudaErrorInvalidResourceHandle);
}
