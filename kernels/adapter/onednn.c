/* adapter, f32: the full-rank matrix by oneDNN, of rows normalised before
 * (kernels/onednn/product.h); the other types are scalar's loops.
 *
 * Floor: one reading of the matrix, d^2 numbers, or 2 N d^2 operations. */
#include "kernels/library/adapter.h"
#include "kernels/onednn/list.h"
#include "kernels/onednn/product.h"

LIBRARY_ADAPTER_FUNCTIONS(&onednn_library, assay_adapter_onednn.precision)

const assay_kernel assay_adapter_onednn = {
    ASSAY_KERNEL_HEAD(adapter, "onednn", "onednn", "matmul of tiles for the full rank"),
    .precision = ONEDNN_CONTRACT_F32,
    .run.adapter = {.supports = supports, .workspace = workspace, .prepare = prepare, .run = run},
    .release = release,
};
