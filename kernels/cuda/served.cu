/* What every kernel asks before it runs: a device that is served, operands where it reads them. */
#include "kernels/cuda/contract.h"

namespace assay_cuda {

#if defined(ASSAY_EMULATED) && !defined(ASSAY_EMULATED_DEVICE)

assay_status device_served(const assay_device *, assay_error *)
{
    return ASSAY_OK;
}

#else

assay_status device_served(const assay_device *device, assay_error *error)
{
    enum { OLDEST = 75 };
    int count = 0;
    const cudaError_t found = cudaGetDeviceCount(&count);
    if (found != cudaSuccess || count == 0) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "no CUDA device: %s",
                          found != cudaSuccess ? cudaGetErrorString(found) : "none is visible");
    }
    if (device->space != ASSAY_CUDA || device->index < 0 || device->index >= count) {
        return assay_fail(error, ASSAY_UNSUPPORTED,
                          "the operands' device is not one of the %d CUDA devices here", count);
    }
    if (device->compute < OLDEST) {
        return assay_fail(error, ASSAY_UNSUPPORTED,
                          "CUDA device %d has compute capability %d.%d; %d.%d is the oldest served",
                          static_cast<int>(device->index), static_cast<int>(device->compute / 10),
                          static_cast<int>(device->compute % 10), OLDEST / 10, OLDEST % 10);
    }
    return ASSAY_OK;
}

#endif

static assay_status expect_here(const assay_exec *exec, const Operand &operand)
{
    if (!assay_present(operand.tensor) || operand.tensor->space == SPACE) {
        return ASSAY_OK;
    }
    return assay_fail(exec->error, ASSAY_BAD_ARGUMENT,
                      "operand %s: expected in device memory, got host memory; copy it first",
                      operand.name);
}

assay_status expect(const assay_exec *exec, assay_dtype type, const Operand *typed,
                    size_t typed_count, const Operand *others, size_t other_count)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < typed_count && status == ASSAY_OK; i++) {
        status = expect_here(exec, typed[i]);
        if (status == ASSAY_OK && assay_present(typed[i].tensor) &&
            typed[i].tensor->dtype != type) {
            status = assay_fail(exec->error, ASSAY_BAD_ARGUMENT,
                                "operand %s: expected %s, got %s; convert it first", typed[i].name,
                                assay_dtype_name(type), assay_dtype_name(typed[i].tensor->dtype));
        }
    }
    for (size_t i = 0; i < other_count && status == ASSAY_OK; i++) {
        status = expect_here(exec, others[i]);
    }
    return status;
}

assay_status expect_workspace(const assay_exec *exec, size_t bytes)
{
    if (exec->workspace_bytes >= bytes) {
        return ASSAY_OK;
    }
    return assay_fail(exec->error, ASSAY_BAD_ARGUMENT,
                      "workspace of %zu bytes given, %zu needed; ask the kernel's workspace()",
                      exec->workspace_bytes, bytes);
}

} // namespace assay_cuda
