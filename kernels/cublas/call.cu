#include "kernels/cublas/call.h"

namespace assay_cublas {

cudaDataType type_of(assay_dtype dtype)
{
    switch (dtype) {
    case ASSAY_BF16: return CUDA_R_16BF;
    case ASSAY_E4M3: return CUDA_R_8F_E4M3;
    case ASSAY_I8: return CUDA_R_8I;
    case ASSAY_I32: return CUDA_R_32I;
    default: return CUDA_R_32F; /* f32, tf32 */
    }
}

assay_status lay_out(const assay_exec *exec, const ProductShape &shape, int64_t rows,
                     int64_t result_pitch, Layouts *layouts)
{
    const cudaDataType element = type_of(shape.element);
    const uint64_t k = static_cast<uint64_t>(shape.depth);
    const uint64_t m = static_cast<uint64_t>(shape.outputs);
    const uint64_t n = static_cast<uint64_t>(rows);
    ASSAY_CUBLAS_TRY(exec, cublasLtMatrixLayoutInit(&layouts->a, element, k, m,
                                                    shape.weight_pitch));
    ASSAY_CUBLAS_TRY(exec, cublasLtMatrixLayoutInit(&layouts->b, element, k, n,
                                                    shape.input_pitch));
    ASSAY_CUBLAS_TRY(exec, cublasLtMatrixLayoutInit(&layouts->d, type_of(shape.result), m, n,
                                                    result_pitch));
    return ASSAY_OK;
}

static assay_status prefer(const assay_exec *exec, uint64_t bytes, const Alignments &alignments,
                           cublasLtMatmulPreferenceOpaque_t *preference)
{
    const uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    ASSAY_CUBLAS_TRY(exec, cublasLtMatmulPreferenceInit(preference));
    const struct {
        cublasLtMatmulPreferenceAttributes_t name;
        const void *value;
        size_t size;
    } wanted[] = {{CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes},
                  {CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &schemes, sizeof schemes},
                  {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &alignments.weight, 4},
                  {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &alignments.input, 4},
                  {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &alignments.result, 4},
                  {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &alignments.result, 4}};
    for (const auto &one : wanted) {
        ASSAY_CUBLAS_TRY(exec, cublasLtMatmulPreferenceSetAttribute(preference, one.name,
                                                                    one.value, one.size));
    }
    return ASSAY_OK;
}

assay_status propose(const assay_exec *exec, const Product &product, Layouts *layouts,
                     const Alignments &alignments, int most,
                     cublasLtMatmulHeuristicResult_t *proposed, int *count)
{
    *count = 0;
    cublasLtMatmulPreferenceOpaque_t preference;
    const assay_status status = prefer(exec, product.library_bytes, alignments, &preference);
    if (status != ASSAY_OK) {
        return status;
    }
    int returned = 0;
    const cublasStatus_t asked = cublasLtMatmulAlgoGetHeuristic(
        product.handle, product.description, &layouts->a, &layouts->b, &layouts->d, &layouts->d,
        &preference, most, proposed, &returned);
    if (asked == CUBLAS_STATUS_NOT_SUPPORTED) {
        return ASSAY_OK;
    }
    ASSAY_CUBLAS_TRY(exec, asked);
    for (int i = 0; i < returned; i++) {
        if (proposed[i].state == CUBLAS_STATUS_SUCCESS) {
            proposed[(*count)++] = proposed[i];
        }
    }
    return ASSAY_OK;
}

cublasStatus_t enqueue(const assay_exec *exec, const Product &product, Layouts *layouts,
                       const void *input, void *result, const cublasLtMatmulAlgo_t *algo,
                       void *scratch)
{
    const float one = 1.0f;
    const float zero = 0.0f;
    const int32_t one_whole = 1;
    const int32_t zero_whole = 0;
    const bool whole_numbers = product.shape.element == ASSAY_I8;
    const void *const alpha = whole_numbers ? static_cast<const void *>(&one_whole) : &one;
    const void *const beta = whole_numbers ? static_cast<const void *>(&zero_whole) : &zero;
    return cublasLtMatmul(product.handle, product.description, alpha, product.weight, &layouts->a,
                          input, &layouts->b, beta, result, &layouts->d, result, &layouts->d, algo,
                          scratch, product.library_bytes,
                          static_cast<cudaStream_t>(exec->stream));
}

} // namespace assay_cublas
