/* The CUDA runtime, or the emulator in its place (ASSAY_EMULATED); launches and shared memory are
 * written through macros here, so that one text serves both. */
#ifndef KERNELS_CUDA_DEVICE_H
#define KERNELS_CUDA_DEVICE_H

#ifdef ASSAY_EMULATED
#include "kernels/cuda/emulate/emulate.h"
#else
#include <cuda_runtime.h>
#endif

#include "assay/kernel.h"

namespace assay_cuda {

enum { WARP = 32, BLOCK = 256, WARPS = BLOCK / WARP };
constexpr unsigned ALL_LANES = 0xffffffffu;

/* Blocks that a multiprocessor should hold at once: ptxas, left to choose, at times spills. */
enum { RESIDENT = 2 };

/* Where operands are: the emulator's device memory is the host's, unless it emulates that too. */
#if defined(ASSAY_EMULATED) && !defined(ASSAY_EMULATED_DEVICE)
constexpr assay_space SPACE = ASSAY_HOST;
#else
constexpr assay_space SPACE = ASSAY_CUDA;
#endif

/* Ops that need room for each row take rows in pieces that need no more, and launches take what the
 * second dimension of a grid allows. Little of both under the emulator: pieces must show in cases
 * of few rows. */
#ifdef ASSAY_EMULATED
constexpr size_t WORKSPACE_MOST = size_t(32) << 10;
constexpr int64_t GRID_ROWS_MOST = 3;
#else
constexpr size_t WORKSPACE_MOST = size_t(64) << 20;
constexpr int64_t GRID_ROWS_MOST = 65535;
#endif

struct Dimensions {
    dim3 grid, block;
    size_t shared_bytes;
};

/* Calls of the runtime act on the thread's current device. */
inline cudaError_t use_device(const assay_exec *exec)
{
    int current = -1;
    const cudaError_t error = cudaGetDevice(&current);
    return error != cudaSuccess || current == exec->device.index
               ? error
               : cudaSetDevice(exec->device.index);
}

#ifdef ASSAY_EMULATED
/* Whether what an argument points to is a device's: a host's address that was handed on would be
 * readable here, as it is not on a GPU. Views have their own (element.h). */
template <typename T> bool is_there(const T &)
{
    return true;
}
template <typename T> bool is_there(T *const &memory)
{
    return !emulate::is_host_memory(memory);
}
#endif

/* Enqueues kernel(arguments...). A grid of no blocks is nothing to do, which CUDA would refuse. */
template <typename... Parameters, typename... Arguments>
cudaError_t launch(const char *name, void (*kernel)(Parameters...), Dimensions size,
                   const assay_exec *exec, Arguments... arguments)
{
    if (size.grid.x == 0 || size.grid.y == 0 || size.grid.z == 0) {
        return cudaSuccess;
    }
    const cudaError_t error = use_device(exec);
    if (error != cudaSuccess) {
        return error;
    }
#ifdef ASSAY_EMULATED
    if (!(is_there(arguments) && ...)) {
        emulate::refuse(name,
                        "an illegal memory access was encountered: an argument is host memory");
        return cudaGetLastError();
    }
    const cudaStream_t stream = static_cast<cudaStream_t>(exec->stream);
    if (!emulate::load_code(reinterpret_cast<const void *>(kernel), stream)) {
        emulate::refuse(name, "its code would be loaded behind a shut gate");
        return cudaGetLastError();
    }
    auto thread = [=] { kernel(arguments...); };
    const size_t parameters = (0 + ... + sizeof(Parameters));
    emulate::launch_in(stream,
                       {name, size.grid, size.block, size.shared_bytes, parameters,
                        emulate::shared_allowed(reinterpret_cast<const void *>(kernel))},
                       thread);
#else
    (void)name;
    kernel<<<size.grid, size.block, size.shared_bytes,
             static_cast<cudaStream_t>(exec->stream)>>>(arguments...);
#endif
    return cudaGetLastError();
}

/* A call that failed, with its text and place. */
inline assay_status failed_call(const assay_exec *exec, cudaError_t error, const char *call,
                                const char *file, int line)
{
    return assay_fail(exec->error,
                      error == cudaErrorMemoryAllocation ? ASSAY_NO_MEMORY : ASSAY_DEVICE,
                      "%s: %s (%s:%d)", call, cudaGetErrorString(error), file, line);
}

} // namespace assay_cuda

/* Leaves the calling function, which returns an assay_status, when a CUDA call fails. */
#define ASSAY_CUDA_TRY(exec, ...)                                                                  \
    ASSAY_CUDA_TRY_AS(#__VA_ARGS__, exec, (__VA_ARGS__))
#define ASSAY_CUDA_TRY_AS(text, exec, call)                                                        \
    do {                                                                                           \
        const cudaError_t error_ = call;                                                           \
        if (error_ != cudaSuccess) {                                                               \
            return ::assay_cuda::failed_call((exec), error_, text, __FILE__, __LINE__);            \
        }                                                                                          \
    } while (0)

/* ASSAY_LAUNCH(exec, kernel<T>, (Dimensions{grid, block, shared_bytes}), arguments...); */
#define ASSAY_LAUNCH(exec, kernel, size, ...)                                                      \
    ASSAY_CUDA_TRY_AS("kernel " #kernel, exec,                                                     \
                      (::assay_cuda::launch(#kernel, kernel, size, exec, __VA_ARGS__)))

/* `type name[count]` in shared memory; ASSAY_DYNAMIC_SHARED: the bytes that the launch gives. */
#ifdef ASSAY_EMULATED
#define ASSAY_SHARED(type, name, count)                                                            \
    static emulate::SharedArray name##_array;                                                      \
    type *const name = static_cast<type *>(                                                        \
        emulate::shared_array(&name##_array, sizeof(type) * (count), {__FILE__, __LINE__}))
#define ASSAY_DYNAMIC_SHARED(type, name)                                                           \
    type *const name = static_cast<type *>(emulate::shared_dynamic())
#else
#define ASSAY_SHARED(type, name, count) __shared__ type name[count]
#define ASSAY_DYNAMIC_SHARED(type, name)                                                           \
    extern __shared__ __align__(16) unsigned char assay_dynamic_shared[];                          \
    type *const name = reinterpret_cast<type *>(assay_dynamic_shared)
#endif

#endif
