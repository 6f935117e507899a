#include "kernels/cuda/staging.h"

#include <mutex>

namespace assay_cuda {
namespace {

enum { DEVICES_MOST = 64, BUFFERS = 2 };

/* Of one device; given back when the module is closed, as far as the runtime still takes it. */
struct Stage {
    std::mutex lock; /* one copy at a time */
    bool tried = false;
    void *buffer[BUFFERS] = {};
    cudaEvent_t done[BUFFERS] = {}; /* the device is done with it */

    ~Stage() { drop(); }

    void drop()
    {
        for (int i = 0; i < BUFFERS; i++) {
            if (buffer[i] != nullptr) {
                (void)cudaFreeHost(buffer[i]);
            }
            if (done[i] != nullptr) {
                (void)cudaEventDestroy(done[i]);
            }
            buffer[i] = nullptr;
            done[i] = nullptr;
        }
    }
};
Stage stages[DEVICES_MOST];

/* Once, on the current device. What could not be had is an answer that no later call is to find. */
bool is_ready(Stage *stage)
{
    for (int i = 0; i < BUFFERS && !stage->tried; i++) {
        const bool made =
            cudaHostAlloc(&stage->buffer[i], STAGE_BYTES, cudaHostAllocDefault) == cudaSuccess &&
            cudaEventCreateWithFlags(&stage->done[i], cudaEventDisableTiming) == cudaSuccess;
        if (!made) {
            stage->drop();
            (void)cudaGetLastError();
            break;
        }
    }
    stage->tried = true;
    return stage->buffer[0] != nullptr;
}

bool is_captured(cudaStream_t stream)
{
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    return cudaStreamIsCapturing(stream, &status) != cudaSuccess ||
           status != cudaStreamCaptureStatusNone;
}

size_t piece_bytes(size_t bytes, size_t first)
{
    return bytes - first < STAGE_BYTES ? bytes - first : STAGE_BYTES;
}

cudaError_t enqueue(const Stage &stage, int which, void *to, const void *from, size_t bytes,
                    cudaMemcpyKind kind, cudaStream_t stream)
{
    const cudaError_t error = cudaMemcpyAsync(to, from, bytes, kind, stream);
    return error != cudaSuccess ? error : cudaEventRecord(stage.done[which], stream);
}

/* A buffer is filled once what it held before, in this copy or an earlier one, has left it. */
cudaError_t put(const Stage &stage, char *to, const char *from, size_t bytes, cudaStream_t stream)
{
    cudaError_t error = cudaSuccess;
    int which = 0;
    for (size_t at = 0; at < bytes && error == cudaSuccess; at += STAGE_BYTES) {
        const size_t here = piece_bytes(bytes, at);
        error = cudaEventSynchronize(stage.done[which]);
        if (error == cudaSuccess) {
            memcpy(stage.buffer[which], from + at, here);
            error = enqueue(stage, which, to + at, stage.buffer[which], here,
                            cudaMemcpyHostToDevice, stream);
        }
        which = (which + 1) % BUFFERS;
    }
    return error;
}

/* A piece is asked for BUFFERS pieces before it is taken. */
cudaError_t get(const Stage &stage, char *to, const char *from, size_t bytes, cudaStream_t stream)
{
    cudaError_t error = cudaSuccess;
    constexpr size_t ahead = BUFFERS * STAGE_BYTES;
    int which = 0;
    for (size_t at = 0; at < bytes + ahead && error == cudaSuccess; at += STAGE_BYTES) {
        if (at >= ahead && at - ahead < bytes) {
            error = cudaEventSynchronize(stage.done[which]);
            if (error == cudaSuccess) {
                memcpy(to + at - ahead, stage.buffer[which], piece_bytes(bytes, at - ahead));
            }
        }
        if (at < bytes && error == cudaSuccess) {
            if (at < ahead) { /* an earlier copy's */
                error = cudaEventSynchronize(stage.done[which]);
            }
            if (error == cudaSuccess) {
                error = enqueue(stage, which, stage.buffer[which], from + at,
                                piece_bytes(bytes, at), cudaMemcpyDeviceToHost, stream);
            }
        }
        which = (which + 1) % BUFFERS;
    }
    return error;
}

} // namespace

cudaError_t copy_staged(const assay_exec *exec, void *to, const void *from, size_t bytes,
                        cudaMemcpyKind kind)
{
    const cudaStream_t stream = static_cast<cudaStream_t>(exec->stream);
    const int32_t device = exec->device.index;
    const cudaError_t error = use_device(exec);
    if (error != cudaSuccess) {
        return error;
    }
    if (bytes >= STAGED_LEAST && device >= 0 && device < DEVICES_MOST && !is_captured(stream)) {
        Stage *const stage = &stages[device];
        const std::lock_guard<std::mutex> held(stage->lock);
        if (is_ready(stage)) {
            return kind == cudaMemcpyHostToDevice
                       ? put(*stage, static_cast<char *>(to), static_cast<const char *>(from),
                             bytes, stream)
                       : get(*stage, static_cast<char *>(to), static_cast<const char *>(from),
                             bytes, stream);
        }
    }
    return cudaMemcpyAsync(to, from, bytes, kind, stream);
}

} // namespace assay_cuda
