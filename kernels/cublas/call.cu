#include "kernels/cublas/call.h"

namespace assay_cublas {

#if CUBLAS_VERSION >= 120900
static const int32_t OUTER = CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F;
#endif

static cudaDataType type_of(assay_dtype dtype)
{
    switch (dtype) {
    case ASSAY_BF16: return CUDA_R_16BF;
    case ASSAY_E4M3: return CUDA_R_8F_E4M3;
    case ASSAY_I8: return CUDA_R_8I;
    case ASSAY_I32: return CUDA_R_32I;
    default: return CUDA_R_32F; /* f32, tf32 */
    }
}

/* What is said of a product beyond its types. */
static assay_status set_all(const assay_exec *exec, const Product &product,
                            const float *input_scale, cublasLtMatmulDescOpaque_t *description)
{
    const ProductShape &shape = product.shape;
    const int32_t transposed = CUBLAS_OP_T;
    const uint32_t epilogue = CUBLASLT_EPILOGUE_BIAS;
    const int32_t type = type_of(shape.result);
    const bool scaled = shape.scaling == BY_LIBRARY;
    const struct {
        bool wanted;
        cublasLtMatmulDescAttributes_t name;
        const void *value;
        size_t size;
    } all[] = {
        {true, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed},
        {shape.bias, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue},
        {shape.bias, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &type, sizeof type},
        {shape.bias, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &product.fixed.bias,
         sizeof product.fixed.bias},
#if CUBLAS_VERSION >= 120900
        {scaled, CUBLASLT_MATMUL_DESC_A_SCALE_MODE, &OUTER, sizeof OUTER},
        {scaled, CUBLASLT_MATMUL_DESC_B_SCALE_MODE, &OUTER, sizeof OUTER},
#endif
        {scaled, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, &product.fixed.scale,
         sizeof product.fixed.scale},
        {scaled, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, &input_scale, sizeof input_scale},
    };
    for (const auto &one : all) {
        if (one.wanted) {
            ASSAY_CUBLAS_TRY(exec, cublasLtMatmulDescSetAttribute(description, one.name, one.value,
                                                                  one.size));
        }
    }
    return ASSAY_OK;
}

assay_status describe_call(const assay_exec *exec, const Product &product,
                           const float *input_scale, int64_t rows, int64_t result_pitch,
                           Call *call)
{
    const ProductShape &shape = product.shape;
    const cudaDataType element = type_of(shape.element);
    const uint64_t k = static_cast<uint64_t>(shape.depth);
    const uint64_t m = static_cast<uint64_t>(shape.outputs);
    const uint64_t n = static_cast<uint64_t>(rows);
    const cudaDataType scale = shape.element == ASSAY_I8 ? CUDA_R_32I : CUDA_R_32F;
    ASSAY_CUBLAS_TRY(exec, cublasLtMatrixLayoutInit(&call->a, element, k, m, shape.weight_pitch));
    ASSAY_CUBLAS_TRY(exec, cublasLtMatrixLayoutInit(&call->b, element, k, n, shape.input_pitch));
    ASSAY_CUBLAS_TRY(exec, cublasLtMatrixLayoutInit(&call->d, type_of(shape.result), m, n,
                                                    result_pitch));
    ASSAY_CUBLAS_TRY(exec, cublasLtMatmulDescInit(&call->description, shape.compute, scale));
    return set_all(exec, product, input_scale, &call->description);
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

assay_status propose(const assay_exec *exec, const Product &product, Call *call,
                     const Alignments &alignments, int most,
                     cublasLtMatmulHeuristicResult_t *proposed, int *count,
                     cublasStatus_t *answer)
{
    *count = 0;
    cublasLtMatmulPreferenceOpaque_t preference;
    const assay_status status = prefer(exec, product.library_bytes, alignments, &preference);
    if (status != ASSAY_OK) {
        return status;
    }
    int returned = 0;
    const cublasStatus_t asked = cublasLtMatmulAlgoGetHeuristic(
        product.handle, &call->description, &call->a, &call->b, &call->d, &call->d,
        &preference, most, proposed, &returned);
    *answer = CUBLAS_STATUS_NOT_SUPPORTED;
    if (asked == CUBLAS_STATUS_NOT_SUPPORTED || asked == CUBLAS_STATUS_ARCH_MISMATCH) {
        *answer = asked;
        return ASSAY_OK;
    }
    ASSAY_CUBLAS_TRY(exec, asked);
    for (int i = 0; i < returned; i++) {
        if (proposed[i].state == CUBLAS_STATUS_SUCCESS) {
            proposed[(*count)++] = proposed[i];
        } else {
            *answer = proposed[i].state;
        }
    }
    return ASSAY_OK;
}

cublasStatus_t enqueue(const assay_exec *exec, const Product &product, Call *call,
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
    return cublasLtMatmul(product.handle, &call->description, alpha, product.fixed.weight, &call->a,
                          input, &call->b, beta, result, &call->d, result, &call->d, algo, scratch,
                          product.library_bytes, static_cast<cudaStream_t>(exec->stream));
}

} // namespace assay_cublas
