#include "kernels/cublas/emulate/describe.h"

namespace emulate_lt {

/* What products took since the start. Events are recorded at it, so that what is chosen by time is
 * chosen in every run. */
static double seconds = 0.0;

static const bool counted = [] {
    emulate::event_seconds = [] { return seconds; };
    return true;
}();

/* What a product takes: another algorithm is fastest at every other shape. */
static float time_of(const Problem &problem, const Algorithm &algorithm)
{
    const uint64_t word = (problem.m * 31 + problem.n * 17 + problem.k) * 5 +
                          algorithm.alignment + static_cast<uint64_t>(algorithm.splits) * 3;
    return 1.0f + static_cast<float>(word * 2654435761u % 1024) / 512.0f;
}

enum { ALGORITHMS = 3, DEVICES_MOST = 8 };

/* Vectors of 16 bytes, the same with k split, and whatever lies anywhere. One that was proposed for
 * a number of columns need not take a smaller one. */
static const Algorithm algorithms[ALGORITHMS] = {
    {MARK, 16, 1, UINT64_MAX}, {MARK, 16, 3, 4}, {MARK, 0, 1, UINT64_MAX}};

static bool promised(const Problem &problem, const Preference &preference,
                     const Algorithm &algorithm)
{
    const int32_t types[] = {problem.a.type, problem.b.type, problem.c.type, problem.d.type};
    for (int i = 0; i < 4; i++) {
        const uint32_t least = (uint32_t)size_of(types[i]);
        const bool narrow = problem.a.type == CUDA_R_8F_E4M3;
        const uint32_t wanted = narrow ? 16 : algorithm.alignment > 0 ? algorithm.alignment : least;
        if (preference.alignment[i] < wanted) {
            return false;
        }
    }
    return pitches_are(problem, algorithm.alignment > 0 ? algorithm.alignment : 1) &&
           scratch_of(problem, algorithm) <= preference.workspace_bytes &&
           (algorithm.splits == 1 ||
            (preference.schemes & CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE) != 0) &&
           takes(problem, algorithm);
}

static bool lies_at(const void *pointer, uint32_t alignment)
{
    return pointer != nullptr && (uintptr_t)pointer % alignment == 0;
}

static bool lie_as_needed(const Problem &p, const Algorithm &algorithm, const void *const *at)
{
    const int32_t types[] = {p.a.type, p.b.type, p.c.type, p.d.type};
    for (int i = 0; i < 4; i++) {
        const uint32_t least = p.a.type == CUDA_R_8F_E4M3 ? 16
                               : p.a.type == CUDA_R_8I    ? 4
                                                          : (uint32_t)size_of(types[i]);
        if (!lies_at(at[i], algorithm.alignment > 0 ? algorithm.alignment : least)) {
            return false;
        }
    }
    return pitches_are(p, algorithm.alignment > 0 ? algorithm.alignment : 1);
}

} // namespace emulate_lt

using namespace emulate_lt;

const char *cublasLtGetStatusName(cublasStatus_t status)
{
    switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED: return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_ARCH_MISMATCH: return "CUBLAS_STATUS_ARCH_MISMATCH";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
    }
    return "CUBLAS_STATUS_?";
}

struct cublasLtContext {
    int device;
};

size_t cublasLtGetVersion(void)
{
    return CUBLAS_VERSION;
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
    static cublasLtContext contexts[DEVICES_MOST];
    const int device = emulate::current_device();
    contexts[device].device = device;
    *handle = &contexts[device];
    return CUBLAS_STATUS_SUCCESS;
}

/* A handle is of the device that was current when it was made. */
static bool is_here(cublasLtHandle_t handle)
{
    return handle != nullptr && handle->device == emulate::current_device();
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(
    cublasLtHandle_t handle, cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t a,
    cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
    cublasLtMatmulPreference_t preference, int most, cublasLtMatmulHeuristicResult_t *results,
    int *count)
{
    Problem problem;
    *count = 0;
    if (!is_here(handle)) {
        return CUBLAS_STATUS_NOT_INITIALIZED;
    }
    calls.asked++;
    if (most <= 0) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    const cublasStatus_t status = check(description, a, b, c, d, &problem);
    if (status != CUBLAS_STATUS_SUCCESS) {
        return status;
    }
    for (int i = 0; i < ALGORITHMS && *count < most; i++) {
        if (problem.a.type != unserved &&
            promised(problem, unfold<Preference>(preference), algorithms[i])) {
            cublasLtMatmulHeuristicResult_t *const result = &results[(*count)++];
            *result = {};
            fold(algorithms[i], &result->algo);
            result->workspaceSize = scratch_of(problem, algorithms[i]);
            result->state = CUBLAS_STATUS_SUCCESS;
        }
    }
    return *count > 0 ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t description,
                              const void *alpha, const void *A, cublasLtMatrixLayout_t a,
                              const void *B, cublasLtMatrixLayout_t b, const void *beta,
                              const void *C, cublasLtMatrixLayout_t c, void *D,
                              cublasLtMatrixLayout_t d, const cublasLtMatmulAlgo_t *algo,
                              void *workspace, size_t workspace_bytes, cudaStream_t)
{
    Problem problem;
    if (!is_here(handle)) {
        return CUBLAS_STATUS_NOT_INITIALIZED;
    }
    const cublasStatus_t status = check(description, a, b, c, d, &problem);
    if (status != CUBLAS_STATUS_SUCCESS) {
        return status;
    }
    calls.multiplied++;
    const Algorithm algorithm = unfold<Algorithm>(algo);
    const uint64_t scratch = scratch_of(problem, algorithm);
    const void *const at[] = {A, B, C, D};
    if (algorithm.mark != MARK || scratch > workspace_bytes ||
        (scratch > 0 && !lies_at(workspace, 16))) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    if (!lie_as_needed(problem, algorithm, at) || !takes(problem, algorithm)) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    float one = 1.0f; /* integers: alpha 1 and beta 0 are all that is emulated */
    float zero = 0.0f;
    if (problem.how.scale == CUDA_R_32F) {
        memcpy(&one, alpha, sizeof one);
        memcpy(&zero, beta, sizeof zero);
    }
    if (zero != 0.0f) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    if (scratch > 0) {
        memset(workspace, 0xff, scratch); /* it is the library's */
    }
    multiply(problem, algorithm, one, A, B, D);
    seconds += static_cast<double>(time_of(problem, algorithm)) * 1e-3;
    return CUBLAS_STATUS_SUCCESS;
}
