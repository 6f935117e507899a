#include "flawed.h"

#include <stdlib.h>

const assay_kernel *const *assay_plugin_kernels(size_t *count)
{
    (void)run_add;
    *count = 1;
    abort();
}
