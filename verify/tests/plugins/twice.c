#include "flawed.h"

static const assay_kernel kernel = {WHOLE_KERNEL};
static const assay_kernel same = {WHOLE_KERNEL};
EXPORT(&kernel, &same)
