/* What this module is made of: modes, and the ops that are products. */
#ifndef KERNELS_CUBLAS_LIST_H
#define KERNELS_CUBLAS_LIST_H

#include "kernels/cublas/mode.h"

#define ASSAY_CUBLAS_MODES(X, op)                                                                  \
    X(F32Mode, op) X(Tf32Mode, op) X(Bf16Mode, op) X(Fp8Mode, op) X(Fp8RowsMode, op)
#define ASSAY_CUBLAS_OPS(X) X(linear) X(sae_encode) X(adapter)

/* At the end of an op's file, for each mode. */
#define ASSAY_CUBLAS_INSTANTIATE(mode, op) template assay_kernel describe_##op<mode>();

namespace assay_cublas {

#define ASSAY_CUBLAS_DECLARE(op) template <typename Mode> assay_kernel describe_##op();
ASSAY_CUBLAS_OPS(ASSAY_CUBLAS_DECLARE)
#undef ASSAY_CUBLAS_DECLARE
assay_kernel describe_linear_int8();
assay_kernel describe_linear_int8_weights();

} // namespace assay_cublas

#endif
