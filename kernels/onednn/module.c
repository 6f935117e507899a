/* What the module of oneDNN exports: its kernels, and for the other ops scalar's or scalar_bf16's
 * under its names, so that the stages run on it. */
#include "kernels/onednn/list.h"

static const library_backend backends[] = {{"onednn", "scalar"}, {"onednn_bf16", "scalar_bf16"}};
static const assay_kernel *const own[] = {ONEDNN_KERNEL_LIST(LIBRARY_KERNEL_ADDRESS)};

LIBRARY_MODULE(backends, own)
