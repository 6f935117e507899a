/* Copies between a device and host memory that is not pinned, through pinned memory of ours: two
 * buffers for each device, made when they are first needed and reused, so that one is filled or
 * emptied by the host while the other is copied. Never where something is timed.
 *
 * What is copied to the device was read when the call returns; what is copied from it has arrived.
 * A copy that is small, or within a capture, or of a device whose host has no pinned memory left,
 * is left to the runtime, which stages what it copies itself. */
#ifndef KERNELS_CUDA_STAGING_H
#define KERNELS_CUDA_STAGING_H

#include "kernels/cuda/device.h"

namespace assay_cuda {

/* Bytes of a buffer, and from where on copies go through them. Little of both under the emulator:
 * many pieces must show in small cases. */
#ifdef ASSAY_EMULATED
constexpr size_t STAGE_BYTES = size_t(4) << 10, STAGED_LEAST = size_t(1) << 10;
#else
constexpr size_t STAGE_BYTES = size_t(4) << 20, STAGED_LEAST = size_t(256) << 10;
#endif

/* To or from the exec's device, in its stream. */
cudaError_t copy_staged(const assay_exec *exec, void *to, const void *from, size_t bytes,
                        cudaMemcpyKind kind);

} // namespace assay_cuda

#endif
