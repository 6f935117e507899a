#include "kernels/exec/bind.h"

#include "kernels/exec/memory.h"

void assay_runner_open(assay_runner *runner, const assay_exec *exec)
{
    *runner = (assay_runner){.exec = *exec};
    runner->exec.workspace = NULL;
    runner->exec.workspace_bytes = 0;
    runner->exec.threads = exec->threads < 1 ? 1 : exec->threads;
}

void assay_runner_close(assay_runner *runner)
{
    assay_memory_return(&runner->exec, &runner->workspace);
    runner->exec.workspace = NULL;
    runner->exec.workspace_bytes = 0;
}

static assay_status grow(assay_runner *runner, const assay_kernel *kernel, size_t bytes)
{
    if (bytes <= runner->exec.workspace_bytes) {
        return ASSAY_OK;
    }
    char what[96];
    (void)snprintf(what, sizeof what, "workspace of %s/%s", assay_op_name(kernel->op),
                   kernel->name);
    assay_runner_close(runner);
    const assay_status status = assay_memory_take(&runner->exec, bytes, what, &runner->workspace);
    if (status == ASSAY_OK) {
        runner->exec.workspace = runner->workspace;
        runner->exec.workspace_bytes = bytes;
    }
    return status;
}

static assay_status missing(const assay_runner *runner, const assay_table *table, assay_op op)
{
    return assay_fail(runner->exec.error, ASSAY_UNSUPPORTED, "'%s' has no kernel for %s",
                      table->name, assay_op_name(op));
}

/* The functions are the same for every op but for their types. */
#define ASSAY_BIND_DEFINE(op)                                                                      \
    assay_status assay_bind_##op(const assay_runner *runner, const assay_table *table,             \
                                 const assay_##op##_params *params, assay_bound_##op *bound)       \
    {                                                                                              \
        const assay_kernel *const kernel = table->kernel[ASSAY_OP_##op];                           \
        memset(bound, 0, sizeof *bound);                                                           \
        if (kernel == NULL) {                                                                      \
            return missing(runner, table, ASSAY_OP_##op);                                          \
        }                                                                                          \
        bound->params = *params;                                                                   \
        if (kernel->run.op.prepare != NULL) {                                                      \
            const assay_status status =                                                            \
                kernel->run.op.prepare(&runner->exec, &bound->params, &bound->state);              \
            if (status != ASSAY_OK) {                                                              \
                return status;                                                                     \
            }                                                                                      \
        }                                                                                          \
        bound->kernel = kernel;                                                                    \
        return ASSAY_OK;                                                                           \
    }                                                                                              \
    assay_status assay_call_##op(assay_runner *runner, const assay_bound_##op *bound,              \
                                 const assay_##op##_io *io)                                        \
    {                                                                                              \
        const assay_##op##_functions *const functions = &bound->kernel->run.op;                    \
        assay_status status = ASSAY_OK;                                                            \
        if (functions->supports != NULL) {                                                         \
            status = functions->supports(&runner->exec.device, &bound->params, io,                 \
                                         runner->exec.error);                                      \
        }                                                                                          \
        if (status == ASSAY_OK && functions->workspace != NULL) {                                  \
            status = grow(runner, bound->kernel, functions->workspace(&bound->params, io));        \
        }                                                                                          \
        if (status == ASSAY_OK) {                                                                  \
            status = functions->run(&runner->exec, &bound->params, bound->state, io);              \
        }                                                                                          \
        return status;                                                                             \
    }                                                                                              \
    void assay_unbind_##op(const assay_runner *runner, assay_bound_##op *bound)                    \
    {                                                                                              \
        if (bound->kernel != NULL && bound->kernel->release != NULL) {                             \
            bound->kernel->release(&runner->exec, bound->state);                                   \
        }                                                                                          \
        memset(bound, 0, sizeof *bound);                                                           \
    }
ASSAY_OPS(ASSAY_BIND_DEFINE)
