/* The emulated library's names stand for the real one's numbers. */
#include <cublasLt.h>

#include <criterion/criterion.h>

namespace emulated {
#include "kernels/cublas/emulate/cublaslt.h"
}

#define SAME(name)                                                                                 \
    cr_assert(static_cast<long>(::name) == static_cast<long>(emulated::name), "%s", #name)

Test(numbers, are_the_librarys)
{
    SAME(CUDA_R_32F);
    SAME(CUDA_R_8I);
    SAME(CUDA_R_32I);
    SAME(CUDA_R_16BF);
    SAME(CUDA_R_8F_E4M3);
    SAME(CUBLAS_STATUS_SUCCESS);
    SAME(CUBLAS_STATUS_NOT_INITIALIZED);
    SAME(CUBLAS_STATUS_ALLOC_FAILED);
    SAME(CUBLAS_STATUS_INVALID_VALUE);
    SAME(CUBLAS_STATUS_ARCH_MISMATCH);
    SAME(CUBLAS_STATUS_NOT_SUPPORTED);
    SAME(CUBLAS_OP_N);
    SAME(CUBLAS_OP_T);
    SAME(CUBLAS_COMPUTE_32F);
    SAME(CUBLAS_COMPUTE_32F_FAST_TF32);
    SAME(CUBLAS_COMPUTE_32I);
    SAME(CUBLASLT_MATMUL_DESC_TRANSA);
    SAME(CUBLASLT_MATMUL_DESC_TRANSB);
    SAME(CUBLASLT_MATMUL_DESC_EPILOGUE);
    SAME(CUBLASLT_MATMUL_DESC_BIAS_POINTER);
    SAME(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE);
    SAME(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER);
    SAME(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER);
    SAME(CUBLASLT_MATMUL_DESC_FAST_ACCUM);
#if CUBLAS_VERSION >= 120900
    SAME(CUBLASLT_MATMUL_DESC_A_SCALE_MODE);
    SAME(CUBLASLT_MATMUL_DESC_B_SCALE_MODE);
    SAME(CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F);
    SAME(CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F);
#endif
    SAME(CUBLASLT_EPILOGUE_DEFAULT);
    SAME(CUBLASLT_EPILOGUE_BIAS);
    SAME(CUBLASLT_REDUCTION_SCHEME_NONE);
    SAME(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
    SAME(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
    SAME(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK);
    SAME(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
    SAME(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
}

#define SAME_SIZE(name)                                                                            \
    cr_assert(sizeof(::name) == sizeof(emulated::name), "%s", #name)

Test(numbers, structures_have_the_librarys_sizes)
{
    SAME_SIZE(cublasLtMatrixLayoutOpaque_t);
    SAME_SIZE(cublasLtMatmulAlgo_t);
    SAME_SIZE(cublasLtMatmulDescOpaque_t);
    SAME_SIZE(cublasLtMatmulPreferenceOpaque_t);
    SAME_SIZE(cublasLtMatmulHeuristicResult_t);
}
