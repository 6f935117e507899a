/* The accelerator that the module exports: CUDA's devices through the runtime. */
#include "kernels/cuda/accelerator.h"

#include "kernels/cuda/staging.h"

namespace assay_cuda {
namespace {

/* One block, since the step is everybody's. */
__global__ void __launch_bounds__(BLOCK, RESIDENT) move_on(assay_next_step next)
{
    const int64_t s = *next.step;
    __syncthreads();
    if (s < 0 || s >= next.steps) {
        return; /* the whole block */
    }
    for (int64_t i = threadIdx.x; i < next.rows; i += BLOCK) {
        const int64_t at = s * next.pitch + i;
        const int64_t given = next.given != nullptr ? next.given[at] : -1;
        const int64_t id = given >= 0 ? given : next.token[i];
        next.taken[at] = next.token[i];
        next.id[i] = id >= 0 && id < next.vocab ? id : 0;
        next.position[i] += 1;
        if (next.drawn != nullptr && s + 1 < next.steps) {
            next.uniform[i] = next.drawn[at + next.pitch];
        }
    }
    if (threadIdx.x == 0) {
        *next.step = s + 1;
    }
}

assay_status next_step(int32_t device, void *stream, const assay_next_step *next,
                       assay_error *error)
{
    assay_exec exec = exec_of(device, error);
    exec.stream = stream;
    ASSAY_LAUNCH(&exec, move_on, (Dimensions{dim3(1), dim3(BLOCK), 0}), *next);
    return ASSAY_OK;
}

assay_status count(int32_t *devices, assay_error *error)
{
    int found = 0;
    *devices = 0;
    const cudaError_t status = cudaGetDeviceCount(&found);
    (void)cudaGetLastError(); /* a driver that is missing is nobody's fault later */
    if (status != cudaSuccess || found == 0) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "%s",
                          status != cudaSuccess ? cudaGetErrorString(status) : "none is visible");
    }
    *devices = found;
    return ASSAY_OK;
}

/* As NVML and nvidia-smi print it. */
void write_identity(const cudaUUID_t &uuid, char *text)
{
    static const int groups[] = {4, 2, 2, 2, 6};
    int at = snprintf(text, ASSAY_DEVICE_IDENTITY_MAX, "GPU");
    int byte = 0;
    for (const int group : groups) {
        at += snprintf(text + at, static_cast<size_t>(ASSAY_DEVICE_IDENTITY_MAX - at), "-");
        for (int i = 0; i < group; i++) {
            at += snprintf(text + at, static_cast<size_t>(ASSAY_DEVICE_IDENTITY_MAX - at), "%02x",
                           static_cast<unsigned>(static_cast<unsigned char>(uuid.bytes[byte++])));
        }
    }
}

assay_status describe(int32_t device, assay_accelerator_device *facts, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    cudaDeviceProp properties = {};
    size_t free_bytes = 0;
    size_t total = 0;
    *facts = {};
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaGetDeviceProperties(&properties, device));
    ASSAY_CUDA_TRY(&exec, cudaMemGetInfo(&free_bytes, &total));
    ASSAY_CUDA_TRY(&exec, cudaDriverGetVersion(&facts->driver));
    ASSAY_CUDA_TRY(&exec, cudaRuntimeGetVersion(&facts->runtime));
    facts->device = exec.device;
    facts->device.compute = properties.major * 10 + properties.minor;
    facts->device.memory_bytes = free_bytes;
    facts->memory_total = total;
    facts->cache_bytes = static_cast<uint64_t>(properties.l2CacheSize);
    facts->multiprocessors = properties.multiProcessorCount;
    (void)snprintf(facts->name, sizeof facts->name, "%.*s", ASSAY_DEVICE_NAME_MAX - 1,
                   properties.name);
    write_identity(properties.uuid, facts->identity);
    return ASSAY_OK;
}

assay_status stream_open(int32_t device, void **stream, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    cudaStream_t made = nullptr;
    *stream = nullptr;
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking));
    *stream = made;
    return ASSAY_OK;
}

assay_status stream_close(int32_t device, void *stream, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaStreamSynchronize(stream_of(stream)));
    ASSAY_CUDA_TRY(&exec, cudaStreamDestroy(stream_of(stream)));
    return ASSAY_OK;
}

assay_status allocate(int32_t device, size_t bytes, void **memory, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    *memory = nullptr;
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    const cudaError_t status = cudaMalloc(memory, bytes > 0 ? bytes : 1);
    if (status == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError(); /* an answer, which no later call is to find */
    }
    ASSAY_CUDA_TRY_AS("cudaMalloc(memory, bytes)", &exec, status);
    return ASSAY_OK;
}

assay_status release(int32_t device, void *memory, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaFree(memory));
    return ASSAY_OK;
}

assay_status copy(int32_t device, void *stream, void *to, const void *from, size_t bytes,
                  assay_direction direction, assay_error *error)
{
    assay_exec exec = exec_of(device, error);
    exec.stream = stream;
    if (direction != ASSAY_WITHIN_DEVICE) {
        ASSAY_CUDA_TRY(&exec, copy_staged(&exec, to, from, bytes,
                                          direction == ASSAY_TO_DEVICE ? cudaMemcpyHostToDevice
                                                                       : cudaMemcpyDeviceToHost));
        return ASSAY_OK;
    }
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice,
                                          stream_of(stream)));
    return ASSAY_OK;
}

assay_status fill(int32_t device, void *stream, void *memory, uint8_t byte, size_t bytes,
                  assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaMemsetAsync(memory, byte, bytes, stream_of(stream)));
    return ASSAY_OK;
}

assay_status synchronise(int32_t device, void *stream, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaStreamSynchronize(stream_of(stream)));
    return ASSAY_OK;
}

assay_status synchronise_all(int32_t device, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaDeviceSynchronize());
    return ASSAY_OK;
}

/* An error that stays is what every later call gives, too. */
assay_status last_error(int32_t device, bool *lost, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    const cudaError_t left = cudaGetLastError();
    *lost = left != cudaSuccess && cudaDeviceSynchronize() != cudaSuccess;
    (void)cudaGetLastError();
    ASSAY_CUDA_TRY_AS("an earlier call", &exec, left);
    return ASSAY_OK;
}

assay_status event_open(int32_t device, void **event, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    cudaEvent_t made = nullptr;
    *event = nullptr;
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaEventCreate(&made));
    *event = made;
    return ASSAY_OK;
}

assay_status event_close(int32_t device, void *event, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaEventDestroy(static_cast<cudaEvent_t>(event)));
    return ASSAY_OK;
}

assay_status event_record(int32_t device, void *event, void *stream, assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaEventRecord(static_cast<cudaEvent_t>(event), stream_of(stream)));
    return ASSAY_OK;
}

assay_status seconds_between(int32_t device, void *first, void *second, double *seconds,
                             assay_error *error)
{
    const assay_exec exec = exec_of(device, error);
    float milliseconds = 0.0f;
    ASSAY_CUDA_TRY(&exec, use_device(&exec));
    ASSAY_CUDA_TRY(&exec, cudaEventElapsedTime(&milliseconds, static_cast<cudaEvent_t>(first),
                                               static_cast<cudaEvent_t>(second)));
    *seconds = static_cast<double>(milliseconds) * 1e-3;
    return ASSAY_OK;
}

assay_accelerator make()
{
    assay_accelerator a = {};
    a.abi = ASSAY_ACCELERATOR_ABI;
    a.size = static_cast<uint32_t>(sizeof a);
#ifdef ASSAY_EMULATED
    a.name = "emulated";
#else
    a.name = "CUDA";
#endif
    a.count = count;
    a.describe = describe;
    a.stream_open = stream_open;
    a.stream_close = stream_close;
    a.allocate = allocate;
    a.release = release;
    a.copy = copy;
    a.fill = fill;
    a.synchronise = synchronise;
    a.synchronise_all = synchronise_all;
    a.last_error = last_error;
    a.event_open = event_open;
    a.event_close = event_close;
    a.event_record = event_record;
    a.seconds_between = seconds_between;
    a.timing = timing();
    a.next_step = next_step;
    return a;
}

const assay_accelerator *exported()
{
    static const assay_accelerator accelerator = make();
    return SPACE == ASSAY_CUDA ? &accelerator : nullptr; /* operands may be on the host */
}

} // namespace
} // namespace assay_cuda

ASSAY_PLUGIN_ACCELERATOR(assay_cuda::exported());
