#include "kernels/exec/space.h"

#include "kernels/exec/memory.h"

static assay_status no_device_memory(const assay_runner *runner, uint64_t bytes, const char *what)
{
    assay_accelerator_device facts;
    const bool known = runner->accelerator->describe(runner->exec.device.index, &facts, NULL) ==
                       ASSAY_OK;
    return assay_fail(runner->exec.error, ASSAY_NO_MEMORY,
                      "%s needs %.1f MiB of device memory, %.1f MiB are free; use fewer or shorter "
                      "rows", what, (double)bytes / 0x1p20,
                      known ? (double)facts.device.memory_bytes / 0x1p20 : 0.0);
}

assay_status assay_space_take(const assay_runner *runner, uint64_t bytes, const char *what,
                              void **memory)
{
    *memory = NULL;
    if (runner->accelerator == NULL) {
        return assay_memory_take(&runner->exec, bytes, what, memory);
    }
    const assay_status status =
        bytes > SIZE_MAX ? ASSAY_NO_MEMORY
                         : runner->accelerator->allocate(runner->exec.device.index, (size_t)bytes,
                                                         memory, runner->exec.error);
    return status == ASSAY_NO_MEMORY ? no_device_memory(runner, bytes, what) : status;
}

void assay_space_return(const assay_runner *runner, void **memory)
{
    if (runner->accelerator == NULL) {
        assay_memory_return(&runner->exec, memory);
    } else if (*memory != NULL) {
        /* What is enqueued may still use it. An error shows at the next call that reports one. */
        (void)runner->accelerator->synchronise(runner->exec.device.index, runner->exec.stream,
                                               NULL);
        (void)runner->accelerator->release(runner->exec.device.index, *memory, NULL);
        *memory = NULL;
    }
}

void assay_space_mark(const assay_runner *runner, assay_tensor *tensor)
{
    tensor->space = runner->accelerator == NULL ? ASSAY_HOST : ASSAY_CUDA;
}

uint64_t assay_tensor_extent(const assay_tensor *tensor)
{
    uint64_t last = 0;
    for (int32_t axis = 0; axis < tensor->rank; axis++) {
        if (tensor->shape[axis] == 0) {
            return 0;
        }
        last += (uint64_t)(tensor->shape[axis] - 1) * (uint64_t)tensor->stride[axis];
    }
    return (last + 1) * assay_dtype_size(tensor->dtype);
}

static assay_status transfer(const assay_runner *runner, void *to, const void *from,
                             uint64_t bytes, assay_direction direction)
{
    const assay_accelerator *const a = runner->accelerator;
    const int32_t index = runner->exec.device.index;
    if (bytes == 0) {
        return ASSAY_OK;
    }
    if (a == NULL) {
        memcpy(to, from, (size_t)bytes);
        return ASSAY_OK;
    }
    const assay_status status = a->copy(index, runner->exec.stream, to, from, (size_t)bytes,
                                        direction, runner->exec.error);
    return status != ASSAY_OK
               ? status
               : a->synchronise(index, runner->exec.stream, runner->exec.error);
}

assay_status assay_space_read(const assay_runner *runner, const assay_tensor *from, void *to)
{
    return transfer(runner, to, from->data, assay_tensor_extent(from), ASSAY_FROM_DEVICE);
}

assay_status assay_space_write(const assay_runner *runner, const void *from,
                               const assay_tensor *to)
{
    return transfer(runner, to->data, from, assay_tensor_extent(to), ASSAY_TO_DEVICE);
}
