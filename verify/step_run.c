/* Placing operands, and running a kernel once in this process. */
#include <omp.h>
#include <time.h>

#include "kernels/registry.h"
#include "verify/step.h"

enum { WORKSPACE_ALIGNMENT = 256 };

static assay_dtype placed_type(const assay_kernel *kernel, const assay_operand *operand,
                               const assay_tensor *tensor)
{
    switch (operand->kind) {
    case ASSAY_OPERAND_REAL: return kernel->precision.output;
    case ASSAY_OPERAND_VALUE:
        return kernel->precision.output == ASSAY_F64 ? ASSAY_F64 : ASSAY_F32;
    case ASSAY_OPERAND_STORED:
        return tensor->dtype == ASSAY_F64 ? kernel->precision.output : tensor->dtype;
    case ASSAY_OPERAND_EXACT: break;
    }
    return tensor->dtype;
}

/* Optional outputs are asked only of kernels that say they can give them. */
static bool wanted(const assay_kernel *kernel, const assay_operand *operand)
{
    const bool dense = strcmp(operand->name, "dense") == 0;
    const bool probability = strcmp(operand->name, "probability") == 0;
    return (!dense || (kernel->capabilities & ASSAY_CAN_DENSE) != 0) &&
           (!probability || (kernel->capabilities & ASSAY_CAN_PROBABILITY) != 0);
}

assay_status assay_step_place(const assay_kernel *kernel, const assay_step *step,
                              assay_arena *arena, assay_any_io *io, assay_error *error)
{
    assay_step_blank(step, io);
    const assay_operand *operand = assay_operands(step->op);
    for (; operand->name != NULL; operand++) {
        const assay_tensor *const given = assay_operand_in(step->io, operand);
        assay_tensor *const placed = assay_operand_of(io, operand);
        const assay_dtype dtype = placed_type(kernel, operand, given);
        assay_status status = ASSAY_OK;
        if (operand->input) {
            status = assay_buffer_convert(arena, given, dtype, placed, error);
        } else if (given->rank > 0 && wanted(kernel, operand)) {
            status = assay_buffer_make(arena, dtype, given->rank, given->shape, placed, error);
            if (status == ASSAY_OK) {
                assay_buffer_poison(placed);
            }
        }
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return ASSAY_OK;
}

/* supports, workspace and prepare have the same place in every op's functions but other types. */
typedef struct preparation {
    assay_status supported;
    size_t workspace;
    assay_status prepared;
} preparation;

static preparation prepare(const assay_kernel *kernel, const assay_exec *exec, const void *params,
                           const void *io, void **state)
{
    preparation result = {assay_kernel_usable(kernel, &exec->device, exec->error), 0, ASSAY_OK};
    if (result.supported != ASSAY_OK) {
        return result;
    }
    switch (kernel->op) {
#define PREPARE_CASE(name)                                                                         \
    case ASSAY_OP_##name:                                                                          \
        if (kernel->run.name.supports != NULL) {                                                   \
            result.supported =                                                                     \
                kernel->run.name.supports(&exec->device, params, io, exec->error);                 \
        }                                                                                          \
        if (result.supported == ASSAY_OK && kernel->run.name.workspace != NULL) {                  \
            result.workspace = kernel->run.name.workspace(params, io);                             \
        }                                                                                          \
        if (result.supported == ASSAY_OK && kernel->run.name.prepare != NULL) {                    \
            result.prepared = kernel->run.name.prepare(exec, params, state);                       \
        }                                                                                          \
        break;
        ASSAY_STEP_OPS(PREPARE_CASE)
#undef PREPARE_CASE
    default: result.supported = ASSAY_UNSUPPORTED; break;
    }
    return result;
}

double assay_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static assay_status run_prepared(const assay_kernel *kernel, const assay_step *step,
                                 assay_exec *exec, size_t workspace, const void *state,
                                 assay_arena *arena, const assay_any_io *io, double *seconds)
{
    if (workspace > 0) {
        char *const memory = assay_arena_take(arena, workspace + WORKSPACE_ALIGNMENT);
        if (memory == NULL) {
            return assay_fail(exec->error, ASSAY_NO_MEMORY,
                              "out of memory for a workspace of %zu bytes", workspace);
        }
        const size_t over = (size_t)((uintptr_t)memory % WORKSPACE_ALIGNMENT);
        exec->workspace = memory + (over == 0 ? 0 : WORKSPACE_ALIGNMENT - over);
        exec->workspace_bytes = workspace;
        memset(exec->workspace, 0xff, workspace);
    }
    const double start = assay_now();
    const assay_status status = assay_step_call(kernel, exec, step->params, state, io);
    *seconds = assay_now() - start;
    return status;
}

assay_status assay_step_run(const assay_kernel *kernel, const assay_step *step, assay_arena *arena,
                            assay_any_io *io, double *seconds, assay_error *error)
{
    assay_status status = assay_step_place(kernel, step, arena, io, error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_exec exec = {.threads = omp_get_max_threads(), .error = error};
    void *state = NULL;
    const preparation ready = prepare(kernel, &exec, step->params, io, &state);
    status = ready.supported != ASSAY_OK ? ready.supported : ready.prepared;
    if (status == ASSAY_OK) {
        status = run_prepared(kernel, step, &exec, ready.workspace, state, arena, io, seconds);
    }
    if (kernel->release != NULL && state != NULL) {
        kernel->release(&exec, state);
    }
    return status;
}
