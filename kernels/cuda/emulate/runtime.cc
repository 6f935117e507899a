/* CUDA's runtime without a GPU: errors that stay, copies that arrive late. */
#include "kernels/cuda/emulate/runtime.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "kernels/cuda/emulate/block.h"
#include "kernels/cuda/emulate/memory.h"

namespace {

enum { VERSION = 13000, MAJOR = 7, MINOR = 5 };

cudaError_t last_error = cudaSuccess;
cudaError_t lost = cudaSuccess; /* what has made the device unusable */

/* Every call but those that ask for errors fails once the device is lost. */
cudaError_t given(cudaError_t error)
{
    error = lost != cudaSuccess ? lost : error;
    last_error = error != cudaSuccess ? error : last_error;
    return error;
}

bool has_device()
{
    const char *const text = getenv("ASSAY_EMULATED_DEVICES");
    return text == nullptr || strcmp(text, "0") != 0;
}

} // namespace

/* Copies from the device on their way to the host. */
struct emulate_stream {
    struct Delivery {
        void *to;
        std::vector<char> bytes;
    };
    std::vector<Delivery> deliveries;
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
    for (const emulate_stream::Delivery &d : stream->deliveries) {
        memcpy(d.to, d.bytes.data(), d.bytes.size());
    }
    stream->deliveries.clear();
}

} // namespace

namespace emulate {

bool memory_open()
{
    if (lost != cudaSuccess) {
        last_error = lost;
        return false;
    }
    memory_reach(true);
    faults_watch(true);
    return true;
}

void memory_close()
{
    faults_watch(false);
    memory_reach(false);
}

void set_error(cudaError_t error)
{
    if (PROTECTED && error == cudaErrorLaunchFailure && lost == cudaSuccess) {
        lost = error;
    }
    last_error = error;
}

} // namespace emulate

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = has_device() ? 1 : 0;
    return has_device() ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t cudaGetDevice(int *device)
{
    *device = 0;
    return given(has_device() ? cudaSuccess : cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int device)
{
    return given(!has_device() ? cudaErrorNoDevice
                               : device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *facts, int device)
{
    *facts = {};
    (void)snprintf(facts->name, sizeof facts->name, "emulated on this processor");
    facts->totalGlobalMem = emulate::memory_total();
    facts->multiProcessorCount = 1;
    facts->major = MAJOR;
    facts->minor = MINOR;
    return cudaSetDevice(device);
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = VERSION;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = VERSION;
    return cudaSuccess;
}

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    *memory = lost == cudaSuccess && bytes > 0 ? emulate::memory_take(bytes) : nullptr;
    return given(*memory != nullptr || bytes == 0 ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaFree(void *memory)
{
    const bool good = memory == nullptr || lost != cudaSuccess || emulate::memory_give(memory);
    return given(good ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total)
{
    *total = emulate::memory_total();
    *free_bytes = *total > emulate::memory_used() ? *total - emulate::memory_used() : 0;
    return given(cudaSuccess);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    const bool to_device = kind != cudaMemcpyDeviceToHost;
    const bool from_device = kind != cudaMemcpyHostToDevice;
    if (lost != cudaSuccess || bytes == 0) {
        return given(cudaSuccess);
    }
    if (!is_stream(stream)) {
        return given(cudaErrorInvalidResourceHandle);
    }
    if (emulate::memory_has(to, bytes) != to_device ||
        emulate::memory_has(from, bytes) != from_device) {
        return given(cudaErrorInvalidValue);
    }
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
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *memory, int byte, size_t bytes, cudaStream_t stream)
{
    if (lost != cudaSuccess || bytes == 0) {
        return given(cudaSuccess);
    }
    if (!is_stream(stream) || !emulate::memory_has(memory, bytes)) {
        return given(is_stream(stream) ? cudaErrorInvalidValue : cudaErrorInvalidResourceHandle);
    }
    emulate::memory_reach_one(memory, true);
    memset(memory, byte, bytes);
    emulate::memory_reach_one(memory, false);
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    (void)flags;
    *stream = lost == cudaSuccess ? new (std::nothrow) emulate_stream() : nullptr;
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
    if (stream != nullptr && lost == cudaSuccess) {
        deliver(stream);
    }
    return given(cudaSuccess);
}

cudaError_t cudaDeviceSynchronize()
{
    for (const cudaStream_t stream : streams) {
        if (lost == cudaSuccess) {
            deliver(stream);
        }
    }
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
    event->time = std::chrono::steady_clock::now();
    event->recorded = true;
    return given(is_stream(stream) ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t first, cudaEvent_t second)
{
    const std::chrono::duration<float, std::milli> between = second->time - first->time;
    *milliseconds = between.count();
    return given(first->recorded && second->recorded ? cudaSuccess
                                                     : cudaErrorInvalidResourceHandle);
}

cudaError_t cudaGetLastError()
{
    const cudaError_t error = last_error;
    last_error = lost;
    return error;
}

cudaError_t cudaPeekAtLastError()
{
    return last_error;
}

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    case cudaErrorInvalidResourceHandle: return "invalid resource handle";
    case cudaErrorInvalidConfiguration:
    case cudaErrorLaunchFailure: return emulate::failure_text();
    }
    return "unknown error";
}
