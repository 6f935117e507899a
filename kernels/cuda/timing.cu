/* What kernels are timed by: gates, flushes, graphs, clock stamps. assay/accelerator.h has the
 * rules. */
#include "kernels/cuda/accelerator.h"

namespace assay_cuda {
namespace {

enum { OPEN = 0, EXPIRED = 1, GATE_WORDS = 2, FLUSH_BLOCKS_EACH = 8, STAMP_BLOCKS_EACH = 4 };

/* The device's view of words in the host's memory. */
struct Mapped {
    volatile uint32_t *words;
};

struct Gate {
    volatile uint32_t *host;
    Mapped device;
};

#ifdef ASSAY_EMULATED
uint64_t nanoseconds_now()
{
    return emulate::nanoseconds();
}

unsigned multiprocessor()
{
    return 0;
}
#else
__device__ uint64_t nanoseconds_now()
{
    uint64_t now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    return now;
}

__device__ unsigned multiprocessor()
{
    unsigned index;
    asm volatile("mov.u32 %0, %%smid;" : "=r"(index));
    return index;
}
#endif

__global__ void __launch_bounds__(1) stand_at_gate(Mapped gate, uint64_t most)
{
    const uint64_t start = nanoseconds_now();
    while (gate.words[OPEN] == 0) {
        if (nanoseconds_now() - start > most) {
            gate.words[EXPIRED] = 1;
            return;
        }
    }
}

__global__ void __launch_bounds__(BLOCK, RESIDENT) overwrite(uint4 *memory, size_t count,
                                                             unsigned number)
{
    const size_t all = static_cast<size_t>(gridDim.x) * blockDim.x;
    for (size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
         i += all) {
        const unsigned low = static_cast<unsigned>(i);
        memory[i] = uint4{number, low, number ^ low, number * 2654435761u + low};
    }
}

/* The first block that comes to a multiprocessor writes. */
__global__ void __launch_bounds__(1) take_stamps(assay_stamp *stamps, unsigned count)
{
    const unsigned long long cycles = static_cast<unsigned long long>(clock64());
    const uint64_t nanoseconds = nanoseconds_now();
    const unsigned here = multiprocessor();
    if (here >= count) {
        return;
    }
    static_assert(sizeof stamps->cycles == sizeof cycles, "an atomic's width");
    unsigned long long *const taken = reinterpret_cast<unsigned long long *>(&stamps[here].cycles);
    if (atomicCAS(taken, 0ull, cycles) == 0) {
        stamps[here].nanoseconds = nanoseconds;
    }
}

__global__ void __launch_bounds__(1) spin_for(uint64_t cycles)
{
    const uint64_t start = static_cast<uint64_t>(clock64());
    while (static_cast<uint64_t>(clock64()) - start < cycles) {
    }
}

assay_status bus(int32_t device, char text[ASSAY_DEVICE_BUS_MAX], assay_error *error)
{
    const cudaError_t status = cudaDeviceGetPCIBusId(text, ASSAY_DEVICE_BUS_MAX, device);
    if (status == cudaSuccess) {
        return ASSAY_OK;
    }
    (void)cudaGetLastError();
    return assay_fail(error, ASSAY_UNSUPPORTED, "device %d has no bus address: %s",
                      static_cast<int>(device), cudaGetErrorString(status));
}

/* Every kernel that is enqueued here, and the gate's own once: behind a gate none is to be loaded.
 * Kernels of ops are loaded by their first call, which nobody times. */
assay_status load_all(const assay_exec *exec, const Gate *gate)
{
    gate->host[OPEN] = 1;
    ASSAY_LAUNCH(exec, stand_at_gate, (Dimensions{1, 1, 0}), gate->device, uint64_t(0));
    assay_status status = load_code(exec, overwrite);
    status = status == ASSAY_OK ? load_code(exec, take_stamps) : status;
    status = status == ASSAY_OK ? load_code(exec, spin_for) : status;
    status = status == ASSAY_OK ? load_ceilings(exec) : status;
    if (status == ASSAY_OK) {
        ASSAY_CUDA_TRY(exec, cudaDeviceSynchronize());
    }
    return status;
}

assay_status gate_close(int32_t device, void *gate, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    Gate *const own = static_cast<Gate *>(gate);
    if (own != nullptr) {
        void *const words = const_cast<uint32_t *>(own->host);
        delete own;
        ASSAY_CUDA_TRY(&exec, use_device(&exec));
        ASSAY_CUDA_TRY(&exec, cudaFreeHost(words));
    }
    return ASSAY_OK;
}

assay_status gate_open(int32_t device, void **gate, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    void *words = nullptr;
    void *seen = nullptr;
    *gate = nullptr;
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaHostAlloc(&words, GATE_WORDS * sizeof(uint32_t),
                                        cudaHostAllocMapped));
    Gate *const made = new Gate{static_cast<volatile uint32_t *>(words), {nullptr}};
    const cudaError_t mapped = cudaHostGetDevicePointer(&seen, words, 0);
    made->device.words = static_cast<volatile uint32_t *>(seen);
    assay_status status =
        mapped == cudaSuccess
            ? load_all(&exec, made)
            : failed_call(&exec, mapped, "cudaHostGetDevicePointer", __FILE__, __LINE__);
    if (status != ASSAY_OK) {
        (void)gate_close(device, made, nullptr);
        return status;
    }
    *gate = made;
    return ASSAY_OK;
}

assay_status gate_shut(int32_t device, void *gate, void *stream, double seconds,
                       assay_error *error)
{
    assay_exec exec = exec_of(device, error);
    const Gate *const own = static_cast<const Gate *>(gate);
    exec.stream = stream;
    own->host[OPEN] = 0;
    own->host[EXPIRED] = 0;
#ifdef ASSAY_EMULATED
    emulate::stream_hold(stream_of(stream));
#endif
    ASSAY_LAUNCH(&exec, stand_at_gate, (Dimensions{1, 1, 0}), own->device,
                 static_cast<uint64_t>(seconds * 1e9));
    return ASSAY_OK;
}

assay_status gate_release(int32_t, void *gate, assay_error *)
{
    static_cast<const Gate *>(gate)->host[OPEN] = 1;
    return ASSAY_OK;
}

assay_status gate_expired(int32_t, void *gate, bool *expired, assay_error *)
{
    *expired = static_cast<const Gate *>(gate)->host[EXPIRED] != 0;
    return ASSAY_OK;
}

/* Older devices have no such lines, and refuse to be asked. */
assay_status forget_persisting(const assay_exec *exec)
{
    int most = 0;
    ASSAY_CUDA_TRY(exec, cudaDeviceGetAttribute(&most, cudaDevAttrMaxPersistingL2CacheSize,
                                                exec->device.index));
    if (most > 0) {
        ASSAY_CUDA_TRY(exec, cudaCtxResetPersistingL2Cache());
    }
    return ASSAY_OK;
}

/* The sweep ends with a cache full of lines that were written, whose way to memory would be part of
 * what is timed next. Its first half, which is as much as the cache and was written over in it by
 * the second, is read again: what the cache holds then is in memory too. */
assay_status flush(int32_t device, void *stream, void *memory, size_t bytes, assay_error *error)
{
    static unsigned number;
    assay_exec exec = exec_of(device, error);
    int count = 0;
    exec.stream = stream;
    assay_status status = multiprocessors(&exec, &count);
    status = status == ASSAY_OK ? forget_persisting(&exec) : status;
    if (status != ASSAY_OK) {
        return status;
    }
    ASSAY_LAUNCH(&exec, overwrite,
                 (Dimensions{static_cast<unsigned>(count * FLUSH_BLOCKS_EACH), BLOCK, 0}),
                 static_cast<uint4 *>(memory), bytes / sizeof(uint4), ++number);
    return sweep(device, stream, nullptr, memory, bytes / 2, 1, error);
}

assay_status graph_begin(int32_t device, void *stream, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaStreamBeginCapture(stream_of(stream),
                                                 cudaStreamCaptureModeThreadLocal));
    return ASSAY_OK;
}

assay_status graph_end(int32_t device, void *stream, void **graph, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    cudaGraph_t noted = nullptr;
    cudaGraphExec_t ready = nullptr;
    *graph = nullptr;
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    cudaError_t status = cudaStreamEndCapture(stream_of(stream), &noted);
    if (status != cudaSuccess || noted == nullptr) {
        (void)cudaGetLastError(); /* an answer, which no later call is to find */
        return assay_fail(error, ASSAY_UNSUPPORTED, "it cannot be captured as a graph: %s",
                          cudaGetErrorString(status));
    }
    status = cudaGraphInstantiate(&ready, noted, 0);
    (void)cudaGraphDestroy(noted);
    ASSAY_CUDA_TRY_AS("cudaGraphInstantiate(&ready, noted, 0)", &exec, status);
    *graph = ready;
    return ASSAY_OK;
}

assay_status graph_launch(int32_t device, void *graph, void *stream, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph), stream_of(stream)));
    return ASSAY_OK;
}

assay_status graph_close(int32_t device, void *graph, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph)));
    return ASSAY_OK;
}

assay_status stamp_count(int32_t device, int32_t *count, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    int found = 0;
    const assay_status status = multiprocessors(&exec, &found);
    *count = found;
    return status;
}

assay_status stamp(int32_t device, void *stream, assay_stamp *stamps, assay_error *error)
{
    assay_exec exec = exec_of(device, error);
    int count = 0;
    exec.stream = stream;
    const assay_status status = multiprocessors(&exec, &count);
    if (status != ASSAY_OK) {
        return status;
    }
    ASSAY_CUDA_TRY(&exec, cudaMemsetAsync(stamps, 0, static_cast<size_t>(count) * sizeof *stamps,
                                          stream_of(stream)));
    ASSAY_LAUNCH(&exec, take_stamps,
                 (Dimensions{static_cast<unsigned>(count * STAMP_BLOCKS_EACH), 1, 0}), stamps,
                 static_cast<unsigned>(count));
    return ASSAY_OK;
}

assay_status spin(int32_t device, void *stream, uint64_t cycles, assay_error *error)
{
    assay_exec exec = exec_of(device, error);
    exec.stream = stream;
    ASSAY_LAUNCH(&exec, spin_for, (Dimensions{1, 1, 0}), cycles);
    return ASSAY_OK;
}

assay_accelerator_timing make()
{
    assay_accelerator_timing t = {};
    t.size = static_cast<uint32_t>(sizeof t);
    t.bus = bus;
    t.gate_open = gate_open;
    t.gate_close = gate_close;
    t.gate_shut = gate_shut;
    t.gate_release = gate_release;
    t.gate_expired = gate_expired;
    t.flush = flush;
    t.graph_begin = graph_begin;
    t.graph_end = graph_end;
    t.graph_launch = graph_launch;
    t.graph_close = graph_close;
    t.stamp_count = stamp_count;
    t.stamp = stamp;
    t.spin = spin;
    t.sweep = sweep;
    t.multiply = multiply;
    return t;
}

} // namespace

assay_status multiprocessors(const assay_exec *exec, int *count)
{
    ASSAY_CUDA_TRY(exec, use_device(exec));
    ASSAY_CUDA_TRY(exec, cudaDeviceGetAttribute(count, cudaDevAttrMultiProcessorCount,
                                                exec->device.index));
    return ASSAY_OK;
}

const assay_accelerator_timing *timing()
{
    static const assay_accelerator_timing made = make();
    return &made;
}

} // namespace assay_cuda
