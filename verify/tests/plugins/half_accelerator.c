#include "flawed.h"

static assay_status count(int32_t *devices, assay_error *error)
{
    (void)error;
    *devices = 1;
    return ASSAY_OK;
}

static const assay_kernel kernel = {WHOLE_KERNEL, .space = ASSAY_CUDA};
static const assay_accelerator half = {
    .abi = ASSAY_ACCELERATOR_ABI, .size = sizeof half, .name = "half", .count = count};
EXPORT(&kernel)
ASSAY_PLUGIN_ACCELERATOR(&half);
