#include "flawed.h"

static const assay_kernel kernel = {WHOLE_KERNEL};
static const assay_fusions fusions = {.abi = ASSAY_FUSIONS_ABI, .size = sizeof fusions,
                                      .name = "mine"};
EXPORT(&kernel)
ASSAY_PLUGIN_FUSIONS(&fusions, &fusions);
