#include "flawed.h"

/* The later of two initialisers of a field counts. */
static const assay_kernel kernel = {WHOLE_KERNEL, .size = 24};
EXPORT(&kernel)
