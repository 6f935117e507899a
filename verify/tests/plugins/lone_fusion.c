#include "flawed.h"

static assay_status run(const assay_exec *exec, const assay_add_rmsnorm_steps *steps,
                        const assay_add_rmsnorm_io *io)
{
    (void)exec;
    (void)steps;
    (void)io;
    return ASSAY_OK;
}

static const assay_kernel kernel = {WHOLE_KERNEL};
static const assay_fusions fusions = {.abi = ASSAY_FUSIONS_ABI, .size = sizeof fusions,
                                      .name = "mine", .add_rmsnorm = {.run = run}};
EXPORT(&kernel)
ASSAY_PLUGIN_FUSIONS(&fusions);
