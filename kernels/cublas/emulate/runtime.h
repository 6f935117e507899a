/* CUDA's events for the emulator, whose launches are over when they return. Time is what the
 * emulated library says that its products took, so that what is chosen by time is chosen in every
 * run. */
#ifndef KERNELS_CUBLAS_EMULATE_RUNTIME_H
#define KERNELS_CUBLAS_EMULATE_RUNTIME_H

#include <new>

#include "kernels/cuda/device.h"

namespace emulate_lt {
extern float milliseconds; /* since the start */
}

struct emulate_event {
    float at;
};
typedef struct emulate_event *cudaEvent_t;

inline cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    *event = new (std::nothrow) emulate_event();
    return *event != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}

inline cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return cudaSuccess;
}

inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t)
{
    event->at = emulate_lt::milliseconds;
    return cudaSuccess;
}

inline cudaError_t cudaEventSynchronize(cudaEvent_t)
{
    return cudaSuccess;
}

inline cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to)
{
    *milliseconds = to->at - from->at;
    return cudaSuccess;
}

inline cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t)
{
    memset(memory, value, bytes);
    return cudaSuccess;
}

#endif
