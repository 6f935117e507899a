/* Backends made of the scalar kernels, with fusions that call them in turn: one right, the others
 * each with one that is wrong where only a stage can tell. */
#include "assay/fusion.h"
#include "kernels/registry.h"

enum { STEPS = ASSAY_OP_capture, NAMES = 5 };

static const char *const names[NAMES] = {"fused_right", "fused_norm", "fused_linears",
                                         "fused_gate", "fused_rope"};

static const assay_kernel *scalar(assay_op op)
{
    return assay_kernel_find(op, "scalar");
}

static assay_status add_rmsnorm(const assay_exec *exec, const assay_add_rmsnorm_steps *steps,
                                const assay_add_rmsnorm_io *io)
{
    const assay_add_io add = {.a = io->a, .b = io->b, .y = io->sum};
    const assay_rmsnorm_io norm = {.x = io->sum, .y = io->y};
    const assay_status status =
        scalar(ASSAY_OP_add)->run.add.run(exec, steps->add.params, steps->add.state, &add);
    return status != ASSAY_OK ? status
                              : scalar(ASSAY_OP_rmsnorm)->run.rmsnorm.run(
                                    exec, steps->norm.params, steps->norm.state, &norm);
}

/* The norm is that of b. */
static assay_status add_wrong_rmsnorm(const assay_exec *exec, const assay_add_rmsnorm_steps *steps,
                                      const assay_add_rmsnorm_io *io)
{
    const assay_rmsnorm_io norm = {.x = io->b, .y = io->y};
    const assay_status status = add_rmsnorm(exec, steps, io);
    return status != ASSAY_OK ? status
                              : scalar(ASSAY_OP_rmsnorm)->run.rmsnorm.run(
                                    exec, steps->norm.params, steps->norm.state, &norm);
}

static assay_status linear(const assay_exec *exec, const assay_prepared_linear *prepared,
                           const assay_tensor *x, const assay_tensor *y)
{
    const assay_linear_io io = {.x = *x, .y = *y};
    return scalar(ASSAY_OP_linear)->run.linear.run(exec, prepared->params, prepared->state, &io);
}

static assay_status linears(const assay_exec *exec, const assay_linears_steps *steps,
                            const assay_linears_io *io)
{
    assay_status status = ASSAY_OK;
    for (int i = 0; status == ASSAY_OK && i < steps->count; i++) {
        status = linear(exec, &steps->linear[i], &io->x, &io->y[i]);
    }
    return status;
}

/* k where v should be. */
static assay_status wrong_linears(const assay_exec *exec, const assay_linears_steps *steps,
                                  const assay_linears_io *io)
{
    assay_linears_steps others = *steps;
    others.linear[2] = steps->linear[1];
    return linears(exec, &others, io);
}

/* The workspace holds up's output, which tests that it is asked for. */
static size_t gated_workspace(const assay_gate_up_swiglu_steps *steps,
                              const assay_gate_up_swiglu_io *io)
{
    (void)steps;
    return (size_t)assay_count(&io->y) * assay_dtype_size(io->y.dtype);
}

static assay_status gated(const assay_exec *exec, const assay_gate_up_swiglu_steps *steps,
                          const assay_gate_up_swiglu_io *io)
{
    assay_tensor up = io->y;
    up.data = exec->workspace;
    const assay_swiglu_io then = {.gate = io->y, .up = up, .y = io->y};
    assay_status status = exec->workspace_bytes < gated_workspace(steps, io)
                              ? ASSAY_INTERNAL
                              : linear(exec, &steps->gate, &io->x, &io->y);
    status = status != ASSAY_OK ? status : linear(exec, &steps->up, &io->x, &up);
    return status != ASSAY_OK ? status
                              : scalar(ASSAY_OP_swiglu)->run.swiglu.run(
                                    exec, steps->swiglu.params, steps->swiglu.state, &then);
}

/* The sides changed over. */
static assay_status wrong_gated(const assay_exec *exec, const assay_gate_up_swiglu_steps *steps,
                                const assay_gate_up_swiglu_io *io)
{
    const assay_gate_up_swiglu_steps others = {
        .gate = steps->up, .up = steps->gate, .swiglu = steps->swiglu};
    return gated(exec, &others, io);
}

static assay_status rotate(const assay_exec *exec, const assay_prepared_rope *prepared,
                           const assay_tensor *x, const assay_tensor *position)
{
    const assay_rope_io io = {.x = *x, .position = *position, .y = *x};
    return scalar(ASSAY_OP_rope)->run.rope.run(exec, prepared->params, prepared->state, &io);
}

static size_t attention_workspace(const assay_rope_attention_steps *steps,
                                  const assay_attention_io *io)
{
    const assay_attention_functions *const own = &scalar(ASSAY_OP_attention)->run.attention;
    return own->workspace == NULL ? 0 : own->workspace(steps->attention.params, io);
}

/* k as it is: not rotated. */
static assay_status wrong_rope_attention(const assay_exec *exec,
                                         const assay_rope_attention_steps *steps,
                                         const assay_attention_io *io)
{
    const assay_status status = rotate(exec, &steps->rope, &io->q, &io->position);
    return status != ASSAY_OK ? status
                              : scalar(ASSAY_OP_attention)->run.attention.run(
                                    exec, steps->attention.params, steps->attention.state, io);
}

static assay_status rope_attention(const assay_exec *exec, const assay_rope_attention_steps *steps,
                                   const assay_attention_io *io)
{
    const assay_status status = rotate(exec, &steps->rope, &io->k, &io->position);
    return status != ASSAY_OK ? status : wrong_rope_attention(exec, steps, io);
}

ASSAY_PLUGIN_EXPORT const assay_kernel *const *assay_plugin_kernels(size_t *count);
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    static assay_kernel kernel[NAMES * STEPS];
    static const assay_kernel *pointer[NAMES * STEPS];
    *count = 0;
    for (int n = 0; n < NAMES; n++) {
        for (int op = 0; op < STEPS; op++, ++*count) {
            kernel[*count] = *scalar((assay_op)op);
            kernel[*count].name = names[n];
            pointer[*count] = &kernel[*count];
        }
    }
    return pointer;
}

ASSAY_PLUGIN_EXPORT const assay_fusions *const *assay_plugin_fusions(size_t *count);
const assay_fusions *const *assay_plugin_fusions(size_t *count)
{
    static assay_fusions made[NAMES];
    static const assay_fusions *pointer[NAMES];
    for (int n = 0; n < NAMES; n++) {
        made[n] = (assay_fusions){
            .abi = ASSAY_FUSIONS_ABI,
            .size = sizeof made[n],
            .name = names[n],
            .add_rmsnorm = {.run = n == 1 ? add_wrong_rmsnorm : add_rmsnorm},
            .linears = {.run = n == 2 ? wrong_linears : linears},
            .gate_up_swiglu = {.workspace = gated_workspace, .run = n == 3 ? wrong_gated : gated},
            .rope_attention = {.workspace = attention_workspace,
                               .run = n == 4 ? wrong_rope_attention : rope_attention}};
        pointer[n] = &made[n];
    }
    *count = NAMES;
    return pointer;
}
