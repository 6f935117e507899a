/* adapter, f32: the full-rank matrix by OpenBLAS, of rows normalised before (kernels/library); the
 * other types are scalar's loops.
 *
 * Floor: one reading of the matrix, d^2 numbers, or 2 N d^2 operations. */
#include "kernels/library/adapter.h"
#include "kernels/openblas/list.h"
#include "kernels/openblas/product.h"

LIBRARY_ADAPTER_FUNCTIONS(&openblas_library, assay_adapter_openblas.precision)

const assay_kernel assay_adapter_openblas = {
    ASSAY_KERNEL_HEAD(adapter, "openblas", "openblas", "sgemm of tiles for the full rank"),
    .precision = OPENBLAS_CONTRACT,
    .run.adapter = {.supports = supports, .workspace = workspace, .prepare = prepare, .run = run},
    .release = release,
};
