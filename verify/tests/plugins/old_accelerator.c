#include "flawed.h"

static const assay_kernel kernel = {WHOLE_KERNEL, .space = ASSAY_CUDA};
static const assay_accelerator old = {.abi = 98, .size = 24};
EXPORT(&kernel)
ASSAY_PLUGIN_ACCELERATOR(&old);
