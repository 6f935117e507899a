#include "flawed.h"

static const assay_kernel kernel = {WHOLE_KERNEL};
EXPORT(&kernel, NULL)
