/* CUDA's runtime without a GPU: errors that stay, copies that arrive late. */
#include "kernels/cuda/emulate/runtime.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>

#include "kernels/cuda/emulate/block.h"
#include "kernels/cuda/emulate/memory.h"

using emulate::given;

namespace {

enum { VERSION = 13000, MAJOR = 7, MINOR = 5 };

cudaError_t last_error = cudaSuccess;
cudaError_t lost = cudaSuccess; /* what has made the device unusable */

thread_local int device_now = 0;

int devices()
{
    const char *const text = getenv("ASSAY_EMULATED_DEVICES");
    const int count = text != nullptr ? atoi(text) : 1;
    return count < emulate::DEVICES_MOST ? count : emulate::DEVICES_MOST;
}

cudaError_t found(int device)
{
    return devices() < 1                           ? cudaErrorNoDevice
           : device >= 0 && device < devices() ? cudaSuccess
                                               : cudaErrorInvalidDevice;
}

} // namespace

namespace emulate {

cudaError_t given(cudaError_t error)
{
    error = lost != cudaSuccess ? lost : error;
    last_error = error != cudaSuccess ? error : last_error;
    return error;
}

bool device_lost()
{
    return lost != cudaSuccess;
}

int current_device()
{
    return device_now;
}

void set_device(int device)
{
    device_now = device;
}

/* The processor time of this process: a device has no neighbours that take its multiprocessors. */
uint64_t nanoseconds()
{
    timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

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
    *count = devices() > 0 ? devices() : 0;
    return devices() > 0 ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t cudaGetDevice(int *device)
{
    *device = device_now;
    return given(devices() > 0 ? cudaSuccess : cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int device)
{
    device_now = found(device) == cudaSuccess ? device : device_now;
    return given(found(device));
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *facts, int device)
{
    *facts = {};
    (void)snprintf(facts->name, sizeof facts->name, "emulated on this processor");
    facts->totalGlobalMem = emulate::memory_total();
    facts->l2CacheSize = 1 << 20;
    facts->multiProcessorCount = 1;
    facts->major = MAJOR;
    facts->minor = MINOR;
    facts->uuid.bytes[15] = static_cast<char>(device);
    return given(found(device));
}

static int persisting_bytes()
{
    const char *const text = getenv("ASSAY_EMULATED_PERSISTING");
    return text != nullptr ? atoi(text) : 0;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device)
{
    cudaDeviceProp facts;
    const cudaError_t error = cudaGetDeviceProperties(&facts, device);
    switch (attribute) {
    case cudaDevAttrMultiProcessorCount: *value = facts.multiProcessorCount; return error;
    case cudaDevAttrMaxPersistingL2CacheSize: *value = persisting_bytes(); return error;
    }
    return given(cudaErrorInvalidValue);
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

cudaError_t cudaDeviceGetPCIBusId(char *text, int size, int device)
{
    const char *const bus = getenv("ASSAY_EMULATED_BUS");
    (void)snprintf(text, static_cast<size_t>(size), "%s", bus != nullptr ? bus : "");
    return bus == nullptr ? cudaErrorNotSupported : given(found(device));
}

cudaError_t cudaCtxResetPersistingL2Cache()
{
    return given(persisting_bytes() > 0 ? cudaSuccess : cudaErrorNotSupported);
}

cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned flags)
{
    const char *const pinned = getenv("ASSAY_EMULATED_PINNED");
    const bool none = pinned != nullptr && strcmp(pinned, "0") == 0;
    *memory = none && flags != cudaHostAllocMapped ? nullptr : calloc(1, bytes);
    return given(*memory != nullptr ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaFreeHost(void *memory)
{
    free(memory);
    return given(cudaSuccess);
}

cudaError_t cudaHostGetDevicePointer(void **on_device, void *memory, unsigned flags)
{
    (void)flags;
    *on_device = memory;
    return given(cudaSuccess);
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
    case cudaErrorNotSupported: return "operation not supported";
    case cudaErrorStreamCaptureUnsupported:
        return "operation not permitted when stream is capturing";
    case cudaErrorInvalidConfiguration:
    case cudaErrorLaunchFailure: return emulate::failure_text();
    }
    return "unknown error";
}
