#include "kernels/cublas/emulate/describe.h"

namespace emulate_lt {

int compute = 90;
int32_t unserved = -1;
uint64_t tile = 1;
Calls calls;

size_t size_of(int32_t type)
{
    switch (type) {
    case CUDA_R_16BF: return 2;
    case CUDA_R_8I:
    case CUDA_R_8F_E4M3: return 1;
    default: return 4;
    }
}

/* Bias types the documentation's tables give; the default is D's type, of fp8's f32 results bf16.
 * */
static bool bias_fits(const Problem &p)
{
    if (p.how.epilogue == CUBLASLT_EPILOGUE_DEFAULT) {
        return true;
    }
    const bool fp8 = p.a.type == CUDA_R_8F_E4M3;
    const int32_t expected = fp8 ? CUDA_R_16BF : p.d.type;
    const int32_t given = p.how.bias_type < 0 ? expected : p.how.bias_type;
    return p.how.epilogue == CUBLASLT_EPILOGUE_BIAS && p.how.bias != nullptr && given == expected;
}

static bool types_fit(const Problem &p)
{
    const bool floats = p.how.scale == CUDA_R_32F && p.how.compute == CUBLAS_COMPUTE_32F;
    if (p.a.type != p.b.type || p.c.type != p.d.type) {
        return false;
    }
    switch (p.a.type) {
    case CUDA_R_32F:
        return p.d.type == CUDA_R_32F && p.how.scale == CUDA_R_32F &&
               (floats || p.how.compute == CUBLAS_COMPUTE_32F_FAST_TF32);
    case CUDA_R_16BF: return floats && (p.d.type == CUDA_R_16BF || p.d.type == CUDA_R_32F);
    case CUDA_R_8F_E4M3: return floats && (p.d.type == CUDA_R_16BF || p.d.type == CUDA_R_32F);
    case CUDA_R_8I:
        return p.d.type == CUDA_R_32I && p.how.scale == CUDA_R_32I &&
               p.how.compute == CUBLAS_COMPUTE_32I &&
               p.how.epilogue == CUBLASLT_EPILOGUE_DEFAULT;
    default: return false;
    }
}

/* Scales belong to fp8; a scale for each row goes with one for each column. */
static bool scales_fit(const Problem &p)
{
    const bool fp8 = p.a.type == CUDA_R_8F_E4M3;
    const bool any = p.how.a_scale != nullptr || p.how.b_scale != nullptr || p.how.a_mode != 0 ||
                     p.how.b_mode != 0;
    const bool outer = p.how.a_mode == CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F;
    return !any || (fp8 && p.how.a_mode == p.how.b_mode &&
                    (!outer || (compute / 10 == 9 && p.how.a_scale != nullptr &&
                                p.how.b_scale != nullptr)));
}

static bool narrow_forms_fit(const Problem &p)
{
    const uint64_t whole = p.a.type == CUDA_R_8F_E4M3 ? 16 : p.a.type == CUDA_R_8I ? 4 : 1;
    const bool tn = p.how.transpose_a == CUBLAS_OP_T && p.how.transpose_b == CUBLAS_OP_N;
    return whole == 1 ||
           (tn && p.m % whole == 0 && p.k % whole == 0 && pitches_are(p, (uint32_t)whole));
}

bool pitches_are(const Problem &p, uint32_t alignment)
{
    const Layout *const all[] = {&p.a, &p.b, &p.c, &p.d};
    for (const Layout *const one : all) {
        if ((uint64_t)one->ld * size_of(one->type) % alignment != 0) {
            return false;
        }
    }
    return true;
}

cublasStatus_t check(cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t a,
                     cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                     Problem *problem)
{
    if (description == nullptr || a == nullptr || b == nullptr || c == nullptr || d == nullptr) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    Problem p = {unfold<Layout>(a), unfold<Layout>(b), unfold<Layout>(c), unfold<Layout>(d),
                 unfold<Description>(description), 0, 0, 0};
    const Layout *const all[] = {&p.a, &p.b, &p.c, &p.d};
    for (const Layout *const one : all) {
        if (one->rows == 0 || one->columns == 0 || one->ld < (int64_t)one->rows) {
            return CUBLAS_STATUS_INVALID_VALUE;
        }
    }
    const bool ta = p.how.transpose_a == CUBLAS_OP_T;
    const bool tb = p.how.transpose_b == CUBLAS_OP_T;
    p.m = ta ? p.a.columns : p.a.rows;
    p.k = ta ? p.a.rows : p.a.columns;
    p.n = tb ? p.b.rows : p.b.columns;
    const bool meets = (tb ? p.b.columns : p.b.rows) == p.k && p.d.rows == p.m &&
                       p.d.columns == p.n && p.c.rows == p.m && p.c.columns == p.n;
    if (!meets || !bias_fits(p)) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    *problem = p;
    return types_fit(p) && scales_fit(p) && narrow_forms_fit(p) ? CUBLAS_STATUS_SUCCESS
                                                                : CUBLAS_STATUS_NOT_SUPPORTED;
}

bool takes(const Problem &problem, const Algorithm &algorithm)
{
    return (size_of(problem.a.type) > 1 || problem.n % tile == 0) &&
           problem.k >= (uint64_t)algorithm.splits &&
           (problem.n % 2 == 0 || problem.n <= algorithm.odd_most);
}

uint64_t scratch_of(const Problem &problem, const Algorithm &algorithm)
{
    return algorithm.splits > 1
               ? problem.m * problem.n * sizeof(float) * (uint64_t)algorithm.splits
               : 0;
}

} // namespace emulate_lt

using namespace emulate_lt;

cublasStatus_t cublasLtMatrixLayoutInit(cublasLtMatrixLayout_t layout, cudaDataType type,
                                        uint64_t rows, uint64_t columns, int64_t ld)
{
    fold(Layout{type, rows, columns, ld}, layout);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescInit(cublasLtMatmulDesc_t description,
                                      cublasComputeType_t compute, cudaDataType scale)
{
    Description made = {};
    made.compute = compute;
    made.scale = scale;
    made.epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    made.bias_type = -1;
    fold(made, description);
    return CUBLAS_STATUS_SUCCESS;
}

template <typename T> static cublasStatus_t put(const void *value, size_t size, T *field)
{
    if (value == nullptr || size != sizeof *field) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    memcpy(field, value, size);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t description,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void *value, size_t size)
{
    Description made = unfold<Description>(description);
    cublasStatus_t status = CUBLAS_STATUS_INVALID_VALUE;
    switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA: status = put(value, size, &made.transpose_a); break;
    case CUBLASLT_MATMUL_DESC_TRANSB: status = put(value, size, &made.transpose_b); break;
    case CUBLASLT_MATMUL_DESC_EPILOGUE: status = put(value, size, &made.epilogue); break;
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER: status = put(value, size, &made.bias); break;
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE: status = put(value, size, &made.bias_type); break;
    case CUBLASLT_MATMUL_DESC_A_SCALE_POINTER: status = put(value, size, &made.a_scale); break;
    case CUBLASLT_MATMUL_DESC_B_SCALE_POINTER: status = put(value, size, &made.b_scale); break;
    case CUBLASLT_MATMUL_DESC_A_SCALE_MODE: status = put(value, size, &made.a_mode); break;
    case CUBLASLT_MATMUL_DESC_B_SCALE_MODE: status = put(value, size, &made.b_mode); break;
    case CUBLASLT_MATMUL_DESC_FAST_ACCUM: status = put(value, size, &made.fast_accumulate); break;
    }
    fold(made, description);
    return status;
}

cublasStatus_t cublasLtMatmulPreferenceInit(cublasLtMatmulPreference_t preference)
{
    fold(Preference{0, 7, {256, 256, 256, 256}}, preference);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t
cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                     cublasLtMatmulPreferenceAttributes_t attribute,
                                     const void *value, size_t size)
{
    Preference made = unfold<Preference>(preference);
    cublasStatus_t status = CUBLAS_STATUS_INVALID_VALUE;
    switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
        status = put(value, size, &made.workspace_bytes);
        break;
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
        status = put(value, size, &made.schemes);
        break;
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
        status = put(value, size,
                     &made.alignment[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES]);
        break;
    }
    fold(made, preference);
    return status;
}
