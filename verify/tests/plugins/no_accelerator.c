#include "flawed.h"

static const assay_kernel kernel = {WHOLE_KERNEL, .space = ASSAY_CUDA};
EXPORT(&kernel)
