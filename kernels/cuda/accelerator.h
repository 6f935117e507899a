/* Between the parts of the accelerator: accelerator.cu and timing.cu alone. */
#ifndef KERNELS_CUDA_ACCELERATOR_H
#define KERNELS_CUDA_ACCELERATOR_H

#include "assay/accelerator.h"
#include "kernels/cuda/device.h"

namespace assay_cuda {

/* The exec that launches and a failed call's words go by. */
inline assay_exec exec_of(int32_t device, assay_error *error)
{
    assay_exec exec = {};
    exec.device.space = ASSAY_CUDA;
    exec.device.index = device;
    exec.error = error;
    return exec;
}

inline cudaStream_t stream_of(void *stream)
{
    return static_cast<cudaStream_t>(stream);
}

const assay_accelerator_timing *timing();

} // namespace assay_cuda

#endif
