/* Backends whose products run on int3 weights, with scalar's arithmetic: one is right, one chooses
 * the token of the second greatest logit. Only the chosen tokens tell them apart. */
#include <math.h>

#include "assay/plugin.h"
#include "kernels/quantised/matrix.h"
#include "kernels/registry.h"

enum { STEPS = ASSAY_OP_capture, BACKENDS = 2 };

static const quantised_form int3 = {ASSAY_NONE, 3, 0};

static assay_status linear_prepare(const assay_exec *exec, const assay_linear_params *params,
                                   void **state)
{
    return quantised_linear_prepare(exec, &int3, params, state);
}

/* Greedy only. */
static assay_status sample_run(const assay_exec *exec, const assay_sample_params *params,
                               const void *state, const assay_sample_io *io)
{
    const assay_status status =
        assay_kernel_find(ASSAY_OP_sample, "scalar")->run.sample.run(exec, params, state, io);
    for (int64_t n = 0; status == ASSAY_OK && n < io->logits.shape[0]; n++) {
        const int64_t first = (int64_t)assay_at1(&io->token, n);
        int64_t second = first == 0 ? 1 : 0;
        for (int64_t v = 0; v < io->logits.shape[1]; v++) {
            if (v != first && assay_at2(&io->logits, n, v) > assay_at2(&io->logits, n, second)) {
                second = v;
            }
        }
        assay_put1(&io->token, n, (double)second);
    }
    return status;
}

ASSAY_PLUGIN_EXPORT const assay_kernel *const *assay_plugin_kernels(size_t *count);
const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    static const char *const names[BACKENDS] = {"right_int3", "runner_up_int3"};
    static assay_kernel kernel[BACKENDS * STEPS];
    static const assay_kernel *pointer[BACKENDS * STEPS];
    *count = 0;
    for (int backend = 0; backend < BACKENDS; backend++) {
        for (int op = 0; op < STEPS; op++) {
            assay_kernel *const made = &kernel[*count];
            *made = *assay_kernel_find((assay_op)op, "scalar");
            made->name = names[backend];
            if (op == ASSAY_OP_linear) {
                made->precision.storage = ASSAY_NONE;
                made->precision.quant_bits = int3.bits;
                made->precision.quant_group = int3.group;
                made->release = quantised_release;
                made->run.linear = (assay_linear_functions){.workspace = quantised_linear_workspace,
                                                            .prepare = linear_prepare,
                                                            .run = quantised_linear_run,
                                                            .bytes_read = quantised_linear_bytes};
            } else if (op == ASSAY_OP_sample && backend == 1) {
                made->run.sample.run = sample_run;
            }
            pointer[(*count)++] = made;
        }
    }
    return pointer;
}
