#include "bench/gpu/operands.h"

static assay_runner runner_of(const assay_gpu *gpu, const assay_exec *exec)
{
    return (assay_runner){.exec = *exec, .accelerator = gpu->accelerator};
}

assay_status assay_gpu_weights_place(const assay_gpu *gpu, const assay_exec *exec,
                                     const assay_kernel *kernel, const void *params,
                                     assay_gpu_weights *weights)
{
    const assay_runner runner = runner_of(gpu, exec);
    memcpy(&weights->params, params, assay_op_params_size(kernel->op));
    return assay_space_weights(&runner, kernel, &weights->params, &weights->uploads);
}

assay_status assay_gpu_weights_room(const assay_gpu *gpu, const assay_exec *exec, size_t bytes,
                                    assay_gpu_weights *weights)
{
    const assay_runner runner = runner_of(gpu, exec);
    assay_space_return(&runner, &weights->workspace);
    weights->workspace_bytes = bytes;
    return bytes == 0 ? ASSAY_OK
                      : assay_space_take(&runner, bytes, "a workspace", &weights->workspace);
}

void assay_gpu_weights_free(const assay_gpu *gpu, const assay_exec *exec,
                            assay_gpu_weights *weights)
{
    const assay_runner runner = runner_of(gpu, exec);
    assay_space_return(&runner, &weights->workspace);
    assay_space_forget(&runner, &weights->uploads);
}

assay_status assay_gpu_operands_place(const assay_gpu *gpu, const assay_exec *exec,
                                      const assay_kernel *kernel, const assay_any_io *io,
                                      assay_gpu_operands *operands)
{
    if (operands->runner.accelerator == NULL) {
        operands->runner = runner_of(gpu, exec);
    }
    operands->io = *io;
    const assay_status status = assay_bridge_in(&operands->runner, kernel, &operands->io);
    return status == ASSAY_OK ? assay_gpu_operands_write_outputs(kernel->op, io, operands) : status;
}

assay_status assay_gpu_operands_write_outputs(assay_op op, const assay_any_io *io,
                                              assay_gpu_operands *operands)
{
    assay_status status = ASSAY_OK;
    for (const assay_operand *o = assay_operands(op); o->name != NULL && status == ASSAY_OK; o++) {
        const assay_tensor *const from = assay_operand_in(io, o);
        if (!o->input && assay_present(from)) {
            status = assay_space_write(&operands->runner, from->data,
                                       assay_operand_in(&operands->io, o));
        }
    }
    return status;
}

assay_status assay_gpu_operands_fetch(const assay_kernel *kernel, const assay_any_io *io,
                                      const assay_gpu_operands *operands)
{
    return assay_bridge_out(&operands->runner, kernel, io, &operands->io);
}

void assay_gpu_operands_free(assay_gpu_operands *operands)
{
    if (operands->runner.accelerator != NULL) {
        assay_space_return(&operands->runner, &operands->runner.bridge);
    }
    memset(operands, 0, sizeof *operands);
}
