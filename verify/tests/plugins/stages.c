/* Whole backends made of the scalar kernels, each with one stage that is wrong. */
#include "assay/plugin.h"
#include "kernels/exec/stage.h"
#include "kernels/registry.h"

enum { STEPS = ASSAY_OP_capture, WRONG_MAX = 3 };

static assay_status adapter_run(const assay_exec *exec, const assay_adapter_params *params,
                                const void *state, const assay_adapter_io *io)
{
    const assay_status status =
        assay_kernel_find(ASSAY_OP_adapter, "scalar")->run.adapter.run(exec, params, state, io);
    for (int64_t i = 0; status == ASSAY_OK && i < io->y.shape[0]; i++) {
        assay_put2(&io->y, i, 3, 1.01 * assay_at2(&io->y, i, 3) + 0.01);
    }
    return status;
}

/* Wrong only where the explainer is: on the widest product, the vocabulary's. */
static assay_status linear_run(const assay_exec *exec, const assay_linear_params *params,
                               const void *state, const assay_linear_io *io)
{
    const assay_status status =
        assay_kernel_find(ASSAY_OP_linear, "scalar")->run.linear.run(exec, params, state, io);
    const bool widest = params->weight.shape[0] > 4 * params->weight.shape[1];
    for (int64_t i = 0; status == ASSAY_OK && widest && i < io->y.shape[0]; i++) {
        assay_put2(&io->y, i, 7, 1.01 * assay_at2(&io->y, i, 7) + 0.01);
    }
    return status;
}

/* The rows one layer too early. */
static assay_status capture_run(const assay_exec *exec, const assay_capture_params *params,
                                const void *state, const assay_capture_io *io)
{
    assay_table table;
    assay_capture_params other = *params;
    assay_capture_stage *stage = NULL;
    (void)state;
    other.hook.kind = ASSAY_HOOK_INPUT;
    assay_status status = assay_table_find("scalar", &table, exec->error);
    if (status == ASSAY_OK) {
        status = assay_capture_stage_open(&table, exec, &other, &stage);
    }
    if (status == ASSAY_OK) {
        status = assay_capture_stage_run(stage, io);
    }
    assay_capture_stage_close(&stage);
    return status;
}

ASSAY_PLUGIN_EXPORT const assay_kernel *const *assay_plugin_kernels(size_t *count);
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    static const char *const names[] = {"wrong_adapter", "wrong_explainer", "wrong_capture"};
    static assay_kernel kernel[WRONG_MAX * (STEPS + 1)];
    static const assay_kernel *pointer[WRONG_MAX * (STEPS + 1)];
    size_t made = 0;
    for (int wrong = 0; wrong < WRONG_MAX; wrong++) {
        for (int op = 0; op < STEPS; op++) {
            kernel[made] = *assay_kernel_find((assay_op)op, "scalar");
            kernel[made].name = names[wrong];
            if (wrong == 0 && op == ASSAY_OP_adapter) {
                kernel[made].run.adapter.run = adapter_run;
            } else if (wrong == 1 && op == ASSAY_OP_linear) {
                kernel[made].run.linear.run = linear_run;
            }
            made++;
        }
    }
    kernel[made] = *assay_kernel_find(ASSAY_OP_linear, "scalar");
    kernel[made].op = ASSAY_OP_capture;
    kernel[made].name = names[2];
    kernel[made].release = NULL;
    memset(&kernel[made].run, 0, sizeof kernel[made].run);
    kernel[made++].run.capture.run = capture_run;
    for (size_t i = 0; i < made; i++) {
        pointer[i] = &kernel[i];
    }
    *count = made;
    return pointer;
}
