#include "kernels/exec/bind.h"

#include "kernels/exec/memory.h"
#include "kernels/registry.h"

/* One memory serves all that a table is composed of. */
static bool is_on_device(const assay_table *table)
{
    bool any = false;
    for (int op = 0; op < ASSAY_OP_COUNT; op++) {
        any = any || (table->kernel[op] != NULL && table->kernel[op]->space != ASSAY_HOST);
    }
    return any;
}

void assay_runner_open(assay_runner *runner, const assay_exec *exec, const assay_table *table)
{
    *runner = (assay_runner){.exec = *exec};
    runner->accelerator = is_on_device(table) ? table->accelerator : NULL;
    runner->exec.workspace = NULL;
    runner->exec.workspace_bytes = 0;
    runner->exec.threads = exec->threads < 1 ? 1 : exec->threads;
}

static void drop_workspace(assay_runner *runner)
{
    assay_space_return(runner, &runner->workspace);
    runner->exec.workspace = NULL;
    runner->exec.workspace_bytes = 0;
}

void assay_runner_close(assay_runner *runner)
{
    drop_workspace(runner);
    assay_space_return(runner, &runner->bridge);
    runner->bridge_bytes = 0;
}

assay_status assay_runner_grow(assay_runner *runner, size_t bytes, const char *whose)
{
    if (bytes <= runner->exec.workspace_bytes) {
        return ASSAY_OK;
    }
    char what[96];
    (void)snprintf(what, sizeof what, "workspace of %s", whose);
    drop_workspace(runner);
    const assay_status status = assay_space_take(runner, bytes, what, &runner->workspace);
    if (status == ASSAY_OK) {
        runner->exec.workspace = runner->workspace;
        runner->exec.workspace_bytes = bytes;
    }
    return status;
}

static assay_status grow(assay_runner *runner, const assay_kernel *kernel, size_t bytes)
{
    char whose[80];
    if (bytes <= runner->exec.workspace_bytes) {
        return ASSAY_OK;
    }
    (void)snprintf(whose, sizeof whose, "%s/%s", assay_op_name(kernel->op), kernel->name);
    return assay_runner_grow(runner, bytes, whose);
}

static assay_status missing(const assay_runner *runner, const assay_table *table, assay_op op)
{
    return assay_fail(runner->exec.error, ASSAY_UNSUPPORTED, "'%s' has no kernel for %s",
                      table->name, assay_op_name(op));
}

/* What the device's kernels of a table are given lies on the device, whole stages' models too. */
static assay_status check_space(const assay_runner *runner, const assay_kernel *kernel)
{
    const bool there = runner->accelerator != NULL;
    if (there != (kernel->space != ASSAY_HOST)) {
        return assay_fail(runner->exec.error, ASSAY_UNSUPPORTED,
                          "%s/%s wants its operands in other memory than the rest of its table",
                          assay_op_name(kernel->op), kernel->name);
    }
    if (there && runner->exec.device.space == ASSAY_HOST) {
        return assay_fail(runner->exec.error, ASSAY_UNSUPPORTED,
                          "%s/%s wants its operands on a device, and none is given",
                          assay_op_name(kernel->op), kernel->name);
    }
    if (there && (kernel->op == ASSAY_OP_capture || kernel->op == ASSAY_OP_generate ||
                  kernel->op == ASSAY_OP_explain)) {
        return assay_fail(runner->exec.error, ASSAY_UNSUPPORTED,
                          "%s/%s: a whole stage on a device is not served; export its steps alone",
                          assay_op_name(kernel->op), kernel->name);
    }
    return ASSAY_OK;
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
        const assay_status usable =                                                                \
            assay_kernel_usable(kernel, &runner->exec.device, runner->exec.error);                 \
        if (usable != ASSAY_OK) {                                                                  \
            return usable;                                                                         \
        }                                                                                          \
        bound->params = *params;                                                                   \
        assay_status status = check_space(runner, kernel);                                         \
        if (status == ASSAY_OK) {                                                                  \
            status = assay_space_weights(runner, kernel, &bound->params, &bound->uploads);         \
        }                                                                                          \
        if (status == ASSAY_OK && kernel->run.op.prepare != NULL) {                                \
            status = kernel->run.op.prepare(&runner->exec, &bound->params, &bound->state);         \
        }                                                                                          \
        bound->kernel = status == ASSAY_OK ? kernel : NULL;                                        \
        if (status != ASSAY_OK) {                                                                  \
            assay_space_forget(runner, &bound->uploads);                                           \
        }                                                                                          \
        return status;                                                                             \
    }                                                                                              \
    assay_status assay_call_##op(assay_runner *runner, const assay_bound_##op *bound,              \
                                 const assay_##op##_io *io)                                        \
    {                                                                                              \
        const assay_##op##_functions *const functions = &bound->kernel->run.op;                    \
        assay_##op##_io placed = *io;                                                              \
        assay_status status = assay_bridge_in(runner, bound->kernel, &placed);                     \
        if (status == ASSAY_OK && functions->supports != NULL) {                                   \
            status = functions->supports(&runner->exec.device, &bound->params, &placed,            \
                                         runner->exec.error);                                      \
        }                                                                                          \
        if (status == ASSAY_OK && functions->workspace != NULL) {                                  \
            status = grow(runner, bound->kernel, functions->workspace(&bound->params, &placed));   \
        }                                                                                          \
        if (status == ASSAY_OK) {                                                                  \
            status = functions->run(&runner->exec, &bound->params, bound->state, &placed);         \
        }                                                                                          \
        return status != ASSAY_OK ? status                                                         \
                                  : assay_bridge_out(runner, bound->kernel, io, &placed);          \
    }                                                                                              \
    void assay_unbind_##op(const assay_runner *runner, assay_bound_##op *bound)                    \
    {                                                                                              \
        if (bound->kernel != NULL && bound->kernel->release != NULL) {                             \
            bound->kernel->release(&runner->exec, bound->state);                                   \
        }                                                                                          \
        assay_space_forget(runner, &bound->uploads);                                               \
        memset(bound, 0, sizeof *bound);                                                           \
    }
ASSAY_OPS(ASSAY_BIND_DEFINE)
