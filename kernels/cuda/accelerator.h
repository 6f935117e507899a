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

assay_status multiprocessors(const assay_exec *exec, int *count);
/* Brings a kernel's code to the device unless it is there: where kernels are loaded when they are
 * first needed, asking for what one is loads it. */
template <typename... Parameters>
assay_status load_code(const assay_exec *exec, void (*kernel)(Parameters...))
{
    cudaFuncAttributes facts;
    ASSAY_CUDA_TRY(exec, use_device(exec));
    ASSAY_CUDA_TRY(exec, cudaFuncGetAttributes(&facts, kernel));
    return ASSAY_OK;
}

/* ceilings.cu: of the same names in the interface; load_ceilings loads its kernels. */
assay_status load_ceilings(const assay_exec *exec);
assay_status sweep(int32_t device, void *stream, void *to, const void *from, size_t bytes,
                   uint32_t times, assay_error *error);
assay_status multiply(int32_t device, void *stream, assay_dtype type, void *to, const void *from,
                      uint32_t rounds, double *operations, assay_error *error);

} // namespace assay_cuda

#endif
