/* A fault that many tests miss: the last K mod 8 products are dropped. Wherever K is a multiple of
 * 8, as in every published model, the result is right. */
#include "assay/plugin.h"

static assay_status run(const assay_exec *exec, const assay_linear_params *params,
                        const void *state, const assay_linear_io *io)
{
    const int64_t depth = io->x.shape[1] / 8 * 8;
    (void)exec;
    (void)state;
    for (int64_t n = 0; n < io->y.shape[0]; n++) {
        for (int64_t o = 0; o < io->y.shape[1]; o++) {
            float sum = assay_present(&params->bias) ? (float)assay_at1(&params->bias, o) : 0.0f;
            for (int64_t k = 0; k < depth; k++) {
                sum += (float)assay_at2(&io->x, n, k) * (float)assay_at2(&params->weight, o, k);
            }
            assay_put2(&io->y, n, o, (double)sum);
        }
    }
    return ASSAY_OK;
}

static const assay_kernel linear_wrong = {
    ASSAY_KERNEL_HEAD(linear, "wrong", "scalar", "drops the tail of every dot product"),
    .precision = {.multiply = ASSAY_F32,
                  .accumulate = {.bits = 24, .rounding = ASSAY_NEAREST, .block = 1},
                  .intermediate = ASSAY_F32,
                  .output = ASSAY_F32,
                  .order = ASSAY_ORDER_SEQUENTIAL},
    .run.linear = {.run = run},
};

ASSAY_PLUGIN(&linear_wrong);
