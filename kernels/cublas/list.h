/* What this module is made of: ops that are products, and the modes of each. An adapter is judged
 * under no contract with scaled rows: such names have the one of bf16. */
#ifndef KERNELS_CUBLAS_LIST_H
#define KERNELS_CUBLAS_LIST_H

#include "kernels/cublas/mode.h"

#define ASSAY_CUBLAS_UNSCALED(X, op) X(F32Mode, op) X(Tf32Mode, op) X(Bf16Mode, op) X(Fp8Mode, op)
#define ASSAY_CUBLAS_MODES(X, op)                                                                  \
    ASSAY_CUBLAS_UNSCALED(X, op) X(Fp8RowsMode, op) X(Int8Mode, op)
#define ASSAY_CUBLAS_KERNELS(X)                                                                    \
    ASSAY_CUBLAS_MODES(X, linear) X(Int8WeightsMode, linear) ASSAY_CUBLAS_MODES(X, sae_encode)     \
    ASSAY_CUBLAS_UNSCALED(X, adapter)

/* At the end of an op's file, for each mode. */
#define ASSAY_CUBLAS_INSTANTIATE(mode, op) template assay_kernel describe_##op<mode>();

namespace assay_cublas {

template <typename Mode> assay_kernel describe_linear();
template <typename Mode> assay_kernel describe_sae_encode();
template <typename Mode> assay_kernel describe_adapter();
template <> assay_kernel describe_linear<Int8WeightsMode>();

} // namespace assay_cublas

#endif
