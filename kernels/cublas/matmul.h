/* One product by cuBLASLt (plan.h has its form): described and planned once, run for any number of
 * rows.
 *
 * Preparing asks the heuristics for every planned number of rows, and measures what they propose
 * for those whose operands fit a bounded scratch, on numbers that are drawn. Beside each it asks
 * for a spare: for an odd number of rows at any address and any pitch of D, which serves what the
 * planned one refuses. What was found is kept for the process: layers of one shape are measured
 * once. A run measures nothing, allocates no device memory and asks nothing, but for rows that both
 * refuse: which numbers of rows an algorithm takes is documented nowhere and found only by trying,
 * so that for these the heuristics are asked, on the host, before the run is given up.
 *
 * Splits of k are added in the accumulator's type, never in the output's. */
#ifndef KERNELS_CUBLAS_MATMUL_H
#define KERNELS_CUBLAS_MATMUL_H

#include "kernels/cublas/library.h"
#include "kernels/cublas/plan.h"

namespace assay_cublas {

struct ProductShape {
    assay_dtype element, result; /* of both operands; of D */
    cublasComputeType_t compute;
    bool bias;                  /* the library adds one */
    Scaling scaling;            /* and multiplies by scales, where it is BY_LIBRARY */
    int64_t outputs, depth;     /* O, K */
    int64_t weight_pitch, input_pitch;
    uint32_t weight_alignment;
};

struct Algorithm {
    cublasLtMatmulAlgo_t algo;
    bool known;
};

/* What is the same in every run, on the device. */
struct Fixed {
    const void *weight;
    const float *scale; /* of each row of the weight, where the library scales */
    const void *bias;   /* in D's type, where the library adds it */
};

struct Product {
    cublasLtHandle_t handle; /* the device's, kept for the process */
    ProductShape shape;
    Fixed fixed;
    size_t library_bytes;
    Algorithm planned[BUCKETS], spare[BUCKETS];
    cublasStatus_t answer; /* the library's last that gave no algorithm */
};

/* Rows that are multiplied. */
struct Rows {
    const void *data;
    const float *scale; /* of each row, where the library scales */
    int64_t count;
};

/* Fills operands that are only timed; rows x pitch elements of the product's type. */
typedef assay_status fill_fn(const assay_exec *exec, void *operand, int64_t count);

/* Waits for the device. There is nothing to close: the memory is the caller's. */
assay_status open_product(const assay_exec *exec, const ProductShape &shape, const Fixed &fixed,
                          fill_fn *fill, Product *product);

/* Whether the library has an algorithm for some number of rows. */
bool has_algorithm(const Product &product);

/* ASSAY_UNSUPPORTED, with the shape, the types and the library's answer, unless it has one: what a
 * `prepare` ends with, as a run is too late to say so. */
assay_status expect_algorithm(const assay_exec *exec, const Product &product);

/* ASSAY_UNSUPPORTED, likewise, unless the heuristics have one for so many rows of whole vectors, D
 * dense: what a `supports` asks. Kept for the process. */
assay_status expect_rows(const assay_device *device, const ProductShape &shape, int64_t rows,
                         assay_error *error);
/* Whether they have one for any planned number of rows. */
bool any_rows_served(const assay_device *device, const ProductShape &shape);

/* D = product of the rows, `result_pitch` elements apart. scratch: product.library_bytes.
 * ASSAY_UNSUPPORTED: no algorithm for it. */
assay_status run_product(const assay_exec *exec, const Product &product, const Rows &rows,
                         void *result, int64_t result_pitch, void *scratch);

/* The scratch that a workspace must hold for the library: of the greatest device here. */
size_t library_workspace();

} // namespace assay_cublas

#endif
