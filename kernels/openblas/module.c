/* What the module of OpenBLAS exports: its kernels, and scalar's under its name for the other ops,
 * so that the stages run on it. */
#include "kernels/openblas/list.h"

static const library_backend backends[] = {{"openblas", "scalar"}};
static const assay_kernel *const own[] = {OPENBLAS_KERNEL_LIST(LIBRARY_KERNEL_ADDRESS)};

LIBRARY_MODULE(backends, own)
