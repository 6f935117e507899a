/* One call of the library: what it is told of a product, what its heuristics propose, the product
 * itself. */
#ifndef KERNELS_CUBLAS_CALL_H
#define KERNELS_CUBLAS_CALL_H

#include "kernels/cublas/matmul.h"

namespace assay_cublas {

/* What answers are kept under. */
struct Key {
    int32_t device;
    ProductShape shape;
};

bool same(const Key &a, const Key &b);

/* The device's, kept for the process. */
assay_status open_handle(const assay_exec *exec, cublasLtHandle_t *handle);

/* ASSAY_UNSUPPORTED: what the heuristics answered for so many rows. */
assay_status no_algorithm(assay_error *error, const ProductShape &shape, int64_t rows,
                          cublasStatus_t answer);

/* A product of so many rows, with no memory of its own: how it is multiplied and ends, and A, B and
 * D. C is D: beta is 0. */
struct Call {
    cublasLtMatmulDescOpaque_t description;
    cublasLtMatrixLayoutOpaque_t a, b, d;
};

/* input_scale: of each row, where the library scales. */
assay_status describe_call(const assay_exec *exec, const Product &product,
                           const float *input_scale, int64_t rows, int64_t result_pitch,
                           Call *call);

struct Alignments {
    uint32_t weight, input, result;
};

/* What the heuristics propose, best first; *count 0: nothing, and *answer is why. */
assay_status propose(const assay_exec *exec, const Product &product, Call *call,
                     const Alignments &alignments, int most,
                     cublasLtMatmulHeuristicResult_t *proposed, int *count,
                     cublasStatus_t *answer);

cublasStatus_t enqueue(const assay_exec *exec, const Product &product, Call *call,
                       const void *input, void *result, const cublasLtMatmulAlgo_t *algo,
                       void *scratch);

/* Fills product->planned: measured where the operands fit a bounded scratch (measure.cu). */
assay_status plan_all(const assay_exec *exec, fill_fn *fill, Product *product);

} // namespace assay_cublas

#endif
