/* The emulated library: right products, and refusals where the real one refuses. */
#include "kernels/cublas/emulate/describe.h"

#include <criterion/criterion.h>

#include <vector>

#include "assay/dtype.h"

namespace {

/* A product of drawn matrices as a caller describes it, column-major. */
struct Call {
    cudaDataType type = CUDA_R_32F, result = CUDA_R_32F, scale = CUDA_R_32F;
    cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
    uint64_t m = 16, n = 3, k = 32;
    int64_t lda = 32, ldb = 32, ldd = 16;
    int32_t transpose_a = CUBLAS_OP_T;
    uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    int32_t bias_type = -1;
    uint32_t promised = 16;
    size_t scratch = 1 << 20;
    size_t off = 0; /* bytes that B lies off its alignment */
    int32_t a_mode = 0, b_mode = 0;
    const float *a_scale = nullptr, *b_scale = nullptr;
};

struct Done {
    cublasStatus_t proposed, ran;
    int count;
};

alignas(256) unsigned char a[1 << 16], b[1 << 16], d[1 << 16], bias[1 << 12], room[1 << 20];

void describe(const Call &call, cublasLtMatmulDesc_t description)
{
    (void)cublasLtMatmulDescInit(description, call.compute, call.scale);
    const void *const at = bias;
    (void)cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_TRANSA,
                                         &call.transpose_a, 4);
    (void)cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_EPILOGUE,
                                         &call.epilogue, 4);
    (void)cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE,
                                         &call.bias_type, 4);
    (void)cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &at,
                                         sizeof at);
    (void)cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_A_SCALE_MODE,
                                         &call.a_mode, 4);
    (void)cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_B_SCALE_MODE,
                                         &call.b_mode, 4);
    (void)cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER,
                                         &call.a_scale, sizeof call.a_scale);
    (void)cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER,
                                         &call.b_scale, sizeof call.b_scale);
}

/* Runs the algorithm that is proposed as number `which`. */
Done run(const Call &call, int which = 0)
{
    cublasLtHandle_t handle = nullptr;
    (void)cublasLtCreate(&handle);
    cublasLtMatmulDescOpaque_t description;
    describe(call, &description);
    cublasLtMatrixLayoutOpaque_t la, lb, ld;
    const bool transposed = call.transpose_a == CUBLAS_OP_T;
    (void)cublasLtMatrixLayoutInit(&la, call.type, transposed ? call.k : call.m,
                                   transposed ? call.m : call.k, call.lda);
    (void)cublasLtMatrixLayoutInit(&lb, call.type, call.k, call.n, call.ldb);
    (void)cublasLtMatrixLayoutInit(&ld, call.result, call.m, call.n, call.ldd);
    cublasLtMatmulPreferenceOpaque_t preference;
    (void)cublasLtMatmulPreferenceInit(&preference);
    const uint64_t most = call.scratch;
    (void)cublasLtMatmulPreferenceSetAttribute(&preference,
                                               CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most, 8);
    for (int i = CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
         i <= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES; i++) {
        (void)cublasLtMatmulPreferenceSetAttribute(
            &preference, static_cast<cublasLtMatmulPreferenceAttributes_t>(i), &call.promised, 4);
    }
    cublasLtMatmulHeuristicResult_t results[4];
    Done done = {CUBLAS_STATUS_SUCCESS, CUBLAS_STATUS_NOT_INITIALIZED, 0};
    done.proposed = cublasLtMatmulAlgoGetHeuristic(handle, &description, &la, &lb, &ld, &ld,
                                                   &preference, 4, results, &done.count);
    if (done.count > which) {
        const float one = 1.0f;
        const float zero = 0.0f;
        done.ran = cublasLtMatmul(handle, &description, &one, a, &la, b + call.off, &lb, &zero, d,
                                  &ld, d, &ld, &results[which].algo, room, call.scratch, nullptr);
    }
    return done;
}

void expect_refused(const Call &call, cublasStatus_t status, const char *what)
{
    const Done done = run(call);
    cr_assert(done.proposed == status && done.count == 0, "%s: %d", what, (int)done.proposed);
}

} // namespace

Test(library, a_row_major_layer_by_every_algorithm)
{
    Call call;
    call.epilogue = CUBLASLT_EPILOGUE_BIAS;
    float *const w = reinterpret_cast<float *>(a); /* w[O,K] row-major is A[K,O] */
    float *const x = reinterpret_cast<float *>(b);
    float *const y = reinterpret_cast<float *>(d);
    float *const added = reinterpret_cast<float *>(bias);
    for (uint64_t i = 0; i < call.m * call.k; i++) {
        w[i] = static_cast<float>(i * 7 % 13) - 6.0f;
    }
    for (uint64_t i = 0; i < call.n * call.k; i++) {
        x[i] = static_cast<float>(i * 5 % 11) - 5.0f;
    }
    for (uint64_t i = 0; i < call.m; i++) {
        added[i] = static_cast<float>(i);
    }
    for (int which = 0; which < 3; which++) {
        cr_assert(run(call, which).ran == CUBLAS_STATUS_SUCCESS, "algorithm %d", which);
        for (uint64_t n = 0; n < call.n; n++) {
            for (uint64_t o = 0; o < call.m; o++) {
                float sum = added[o];
                for (uint64_t i = 0; i < call.k; i++) {
                    sum += x[n * call.k + i] * w[o * call.k + i];
                }
                cr_assert(y[n * call.m + o] == sum, "algorithm %d at %d, %d", which, (int)n,
                          (int)o);
            }
        }
    }
}

Test(library, shapes_that_do_not_meet)
{
    Call call;
    call.lda = 31;
    expect_refused(call, CUBLAS_STATUS_INVALID_VALUE, "ld below the rows");
    call = Call();
    call.ldd = 15;
    expect_refused(call, CUBLAS_STATUS_INVALID_VALUE, "ld below the rows of D");
    call = Call();
    call.n = 0;
    expect_refused(call, CUBLAS_STATUS_INVALID_VALUE, "no columns");
}

Test(library, types_that_are_not_multiplied)
{
    Call call;
    call.result = CUDA_R_16BF;
    expect_refused(call, CUBLAS_STATUS_NOT_SUPPORTED, "f32 into bf16");
    call = Call();
    call.type = CUDA_R_16BF;
    call.compute = CUBLAS_COMPUTE_32F_FAST_TF32;
    expect_refused(call, CUBLAS_STATUS_NOT_SUPPORTED, "bf16 as tf32");
    call = Call();
    call.type = CUDA_R_16BF;
    call.epilogue = CUBLASLT_EPILOGUE_BIAS;
    call.bias_type = CUDA_R_16BF;
    expect_refused(call, CUBLAS_STATUS_INVALID_VALUE, "a bf16 bias to f32 results");
}

Test(library, narrow_types_in_their_one_form)
{
    Call call;
    call.type = CUDA_R_8F_E4M3;
    cr_assert(run(call).ran == CUBLAS_STATUS_SUCCESS);
    call.k = 24;
    expect_refused(call, CUBLAS_STATUS_NOT_SUPPORTED, "fp8 with k 24");
    call = Call();
    call.type = CUDA_R_8F_E4M3;
    call.transpose_a = CUBLAS_OP_N;
    expect_refused(call, CUBLAS_STATUS_NOT_SUPPORTED, "fp8 not transposed");
    call = Call();
    call.type = CUDA_R_8I;
    call.result = CUDA_R_32I;
    call.scale = CUDA_R_32I;
    call.compute = CUBLAS_COMPUTE_32I;
    cr_assert(run(call).ran == CUBLAS_STATUS_SUCCESS);
    call.m = 14;
    call.ldd = 14;
    expect_refused(call, CUBLAS_STATUS_NOT_SUPPORTED, "int8 with 14 outputs");
}

Test(library, outer_scales_in_pairs_of_fp8_on_hopper)
{
    const float scale[16] = {};
    Call whole;
    whole.type = CUDA_R_8F_E4M3;
    whole.a_mode = whole.b_mode = CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F;
    whole.a_scale = whole.b_scale = scale;
    cr_assert(run(whole).ran == CUBLAS_STATUS_SUCCESS);
    Call call = whole;
    call.b_mode = CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F;
    expect_refused(call, CUBLAS_STATUS_NOT_SUPPORTED, "one outer vector alone");
    call = whole;
    call.b_scale = nullptr;
    expect_refused(call, CUBLAS_STATUS_NOT_SUPPORTED, "no second vector");
    call = whole;
    call.type = CUDA_R_16BF;
    expect_refused(call, CUBLAS_STATUS_NOT_SUPPORTED, "bf16 with scales");
    for (const int compute : {89, 100}) {
        emulate_lt::compute = compute;
        expect_refused(whole, CUBLAS_STATUS_NOT_SUPPORTED, "outer vectors elsewhere");
    }
    emulate_lt::compute = 90;
}

Test(library, algorithms_that_need_more_than_is_promised_are_not_proposed)
{
    Call call;
    call.promised = 4;
    cr_assert(run(call).count == 1, "only the one for whatever lies anywhere");
    call = Call();
    call.scratch = 16;
    cr_assert(run(call).count == 2, "no split without room");
    call = Call();
    call.lda = 33;
    cr_assert(run(call).count == 1, "columns that begin off a vector");
}

Test(library, operands_that_lie_off_what_the_algorithm_needs)
{
    Call call;
    call.off = 4;
    cr_assert(run(call, 0).ran == CUBLAS_STATUS_NOT_SUPPORTED);
    cr_assert(run(call, 2).ran == CUBLAS_STATUS_SUCCESS);
    call.off = 2;
    cr_assert(run(call, 2).ran == CUBLAS_STATUS_NOT_SUPPORTED);
}
