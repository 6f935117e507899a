/* One call of the library: its layouts, what its heuristics propose, the product itself. */
#ifndef KERNELS_CUBLAS_CALL_H
#define KERNELS_CUBLAS_CALL_H

#include "kernels/cublas/matmul.h"

namespace assay_cublas {

cudaDataType type_of(assay_dtype dtype);

/* A, B and D for a number of rows, with no memory of their own. C is D: beta is 0. */
struct Layouts {
    cublasLtMatrixLayoutOpaque_t a, b, d;
};

assay_status lay_out(const assay_exec *exec, const ProductShape &shape, int64_t rows,
                     int64_t result_pitch, Layouts *layouts);

struct Alignments {
    uint32_t weight, input, result;
};

/* What the heuristics propose, best first; *count 0: nothing. */
assay_status propose(const assay_exec *exec, const Product &product, Layouts *layouts,
                     const Alignments &alignments, int most,
                     cublasLtMatmulHeuristicResult_t *proposed, int *count);

cublasStatus_t enqueue(const assay_exec *exec, const Product &product, Layouts *layouts,
                       const void *input, void *result, const cublasLtMatmulAlgo_t *algo,
                       void *scratch);

/* Fills product->planned: measured where the operands fit a bounded scratch (measure.cu). */
assay_status plan_all(const assay_exec *exec, fill_fn *fill, Product *product);

} // namespace assay_cublas

#endif
