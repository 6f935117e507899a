#include "flawed.h"

static const assay_kernel kernel = {WHOLE_KERNEL, .features = 1u << 31};
EXPORT(&kernel)
