/* The part of CUDA's runtime that the module calls, on a machine with no GPU: one device, or as
 * many as ASSAY_EMULATED_DEVICES says (0: none), each with memory, streams and events of its own:
 * a kernel that is launched into another one's stream is refused, and reaches its own memory alone.
 *
 * On an emulated device (ASSAY_EMULATED_DEVICE) memory from cudaMalloc lies between pages that
 * nobody may touch, and is itself out of reach but for launches and copies: whoever takes it for
 * host memory dies there. A kernel that touches anything else than such memory (and what it has on
 * its stack) makes an illegal address, after which the device is lost to the process, as a GPU is.
 * What is copied from the device arrives when its stream is synchronised and no earlier.
 * ASSAY_EMULATED_MEMORY sets the bytes that a device has, ASSAY_EMULATED_BUS gives it an address
 * for management libraries, ASSAY_EMULATED_PINNED=0 leaves no memory to pin but for gates,
 * ASSAY_EMULATED_PERSISTING says how many bytes of its cache can be set aside for lines that
 * persist (0, unless it is set; then asking for them is an error).
 *
 * What is enqueued runs at once, but for a stream in which a gate was shut (stream_hold): from then
 * on it runs when the stream is synchronised; and for one that is captured: it runs with the graph.
 * A kernel's code is loaded with its first launch, or when its attributes are asked for: on a GPU
 * one that is loaded behind a shut gate may wait for ever, and is refused here.
 *
 * Without ASSAY_EMULATED_DEVICE device memory is the host's and nothing of it is protected. */
#ifndef KERNELS_CUDA_EMULATE_RUNTIME_H
#define KERNELS_CUDA_EMULATE_RUNTIME_H

#include <cstddef>
#include <functional>

typedef enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorNoDevice = 100,
    cudaErrorInvalidDevice = 101,
    cudaErrorInvalidResourceHandle = 400,
    cudaErrorLaunchFailure = 719,
    cudaErrorNotSupported = 801,
    cudaErrorStreamCaptureUnsupported = 900
} cudaError_t;

enum cudaMemcpyKind {
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost = 2,
    cudaMemcpyDeviceToDevice = 3
};

enum { cudaStreamNonBlocking = 1, cudaHostAllocDefault = 0, cudaHostAllocMapped = 2 };
enum { cudaEventDisableTiming = 2 };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal = 1 };
enum cudaStreamCaptureStatus {
    cudaStreamCaptureStatusNone = 0,
    cudaStreamCaptureStatusActive = 1
};

typedef struct emulate_stream *cudaStream_t;
typedef struct emulate_event *cudaEvent_t;
typedef struct emulate_graph *cudaGraph_t;
typedef struct emulate_graph *cudaGraphExec_t;

typedef struct cudaUUID_t {
    char bytes[16];
} cudaUUID_t;

typedef struct cudaDeviceProp {
    char name[256];
    cudaUUID_t uuid;
    size_t totalGlobalMem;
    int l2CacheSize, multiProcessorCount, major, minor;
} cudaDeviceProp;

cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaGetDevice(int *device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *facts, int device);
enum cudaDeviceAttr {
    cudaDevAttrMultiProcessorCount = 16,
    cudaDevAttrMaxPersistingL2CacheSize = 108
};
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);

cudaError_t cudaDeviceGetPCIBusId(char *text, int size, int device);
cudaError_t cudaCtxResetPersistingL2Cache();

cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void *memory);
cudaError_t cudaHostGetDevicePointer(void **on_device, void *memory, unsigned flags);
cudaError_t cudaMalloc(void **memory, size_t bytes);
cudaError_t cudaFree(void *memory);
cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *memory, int byte, size_t bytes, cudaStream_t stream);

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaDeviceSynchronize();

cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t first, cudaEvent_t second);

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *ready, cudaGraph_t graph,
                                 unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t ready, cudaStream_t stream);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t ready);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);

cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
const char *cudaGetErrorString(cudaError_t error); /* of a failed launch in words */

namespace emulate {

/* Loads a kernel to the current device. False: what the stream has stands behind a shut gate. */
bool load_code(const void *code, cudaStream_t stream);

/* The dynamic shared memory that a kernel was allowed, of SHARED_MOST at most; without leave
 * SHARED_MAX. */
enum { SHARED_MAX = 48 * 1024, SHARED_MOST = 99 * 1024 };
cudaError_t allow_shared(const void *code, int bytes);
size_t shared_allowed(const void *code);

} // namespace emulate

enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };

struct cudaFuncAttributes {
    int maxThreadsPerBlock;
};

template <typename... Parameters>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *facts, void (*kernel)(Parameters...))
{
    facts->maxThreadsPerBlock = 1024;
    (void)emulate::load_code(reinterpret_cast<const void *>(kernel), nullptr);
    return cudaSuccess;
}

template <typename... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute attribute,
                                 int value)
{
    return attribute == cudaFuncAttributeMaxDynamicSharedMemorySize
               ? emulate::allow_shared(reinterpret_cast<const void *>(kernel), value)
               : cudaErrorInvalidValue;
}

namespace emulate {

/* The thread's; set for what a stream does later. */
int current_device();
void set_device(int device);

/* Seconds that events are recorded at; a library that is emulated may count its own. */
extern double (*event_seconds)();

/* Whether the stream is of another device than the current one. */
bool is_foreign(cudaStream_t stream);

/* Around a launch: device memory is within reach, a touch of anything else is an illegal address.
 * False where the device is lost. */
bool memory_open();
void memory_close();

/* Work that is enqueued from now on runs when the stream is synchronised. */
void stream_hold(cudaStream_t stream);
/* Whether what is enqueued now runs later. */
bool stream_waits(cudaStream_t stream);
void stream_later(cudaStream_t stream, const std::function<void()> &work);

/* The error that the next cudaGetLastError gives. Failures of a running kernel stay for ever on an
 * emulated device. */
void set_error(cudaError_t error);

/* Whether a kernel of an emulated device must not follow it, but could. */
bool is_host_memory(const void *memory);
/* A kernel is not launched: why. */
void refuse(const char *kernel, const char *why);

/* What is wrong with an address that a kernel must not touch. */
void describe_address(const void *address, char *text, size_t size);

} // namespace emulate

#endif
