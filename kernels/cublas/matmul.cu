#include "kernels/cublas/matmul.h"

#include <cstring>
#include <mutex>
#include <new>
#include <vector>

namespace assay_cublas {

using namespace assay_cuda;

namespace {

enum { DEVICES_MOST = 64, RUNS_TIMED = 4 };

/* What is measured is bounded: little of it under the emulator, which is slow. */
#ifdef ASSAY_EMULATED
constexpr size_t MEASURED_MOST = size_t{64} << 10;
constexpr int64_t MEASURED_ROWS = 4;
#else
constexpr size_t MEASURED_MOST = size_t{256} << 20;
constexpr int64_t MEASURED_ROWS = 8192;
#endif

std::mutex lock; /* of what is kept for the process */
cublasLtHandle_t handles[DEVICES_MOST];

struct Key {
    int32_t device;
    ProductShape shape;
};

struct Kept {
    Key key;
    Algorithm planned[BUCKETS];
};
std::vector<Kept> kept;

bool same(const Key &a, const Key &b)
{
    const ProductShape &s = a.shape;
    const ProductShape &t = b.shape;
    return a.device == b.device && s.element == t.element && s.result == t.result &&
           s.compute == t.compute && s.bias == t.bias && s.outputs == t.outputs &&
           s.depth == t.depth && s.weight_pitch == t.weight_pitch &&
           s.input_pitch == t.input_pitch && s.weight_alignment == t.weight_alignment;
}

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

/* A, B and D for a number of rows, with no memory of their own. C is D: beta is 0. */
struct Layouts {
    cublasLtMatrixLayoutOpaque_t a, b, d;
};

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

struct Alignments {
    uint32_t weight, input, result;
};

assay_status prefer(const assay_exec *exec, size_t library_bytes, const Alignments &alignments,
                    cublasLtMatmulPreferenceOpaque_t *preference)
{
    const uint64_t bytes = library_bytes;
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

/* What the heuristics propose, best first; *count 0: nothing. */
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

/* What is measured on: drawn operands, room for results, the library's scratch. */
struct Bench {
    void *input, *result, *scratch;
    cudaEvent_t from, to;
};

void close_bench(Bench *bench)
{
    (void)cudaFree(bench->input);
    (void)cudaFree(bench->result);
    (void)cudaFree(bench->scratch);
    if (bench->from != nullptr) {
        (void)cudaEventDestroy(bench->from);
    }
    if (bench->to != nullptr) {
        (void)cudaEventDestroy(bench->to);
    }
}

assay_status open_bench(const assay_exec *exec, const Product &product, int64_t rows,
                        fill_fn *fill, Bench *bench)
{
    const ProductShape &shape = product.shape;
    const int64_t count = rows * shape.input_pitch;
    const size_t bytes = static_cast<size_t>(count) * assay_dtype_size(shape.element);
    const size_t results = static_cast<size_t>(rows * shape.outputs) *
                           assay_dtype_size(shape.result);
    ASSAY_CUDA_TRY(exec, cudaMalloc(&bench->input, bytes));
    ASSAY_CUDA_TRY(exec, cudaMalloc(&bench->result, results));
    ASSAY_CUDA_TRY(exec, cudaMalloc(&bench->scratch, product.library_bytes));
    ASSAY_CUDA_TRY(exec, cudaEventCreate(&bench->from));
    ASSAY_CUDA_TRY(exec, cudaEventCreate(&bench->to));
    return fill(exec, bench->input, count);
}

/* Mean time of a few runs after one; false when the algorithm does not run. */
bool time_one(const assay_exec *exec, const Product &product, Layouts *layouts, const Bench &bench,
              const cublasLtMatmulAlgo_t *algo, float *time)
{
    const cudaStream_t stream = static_cast<cudaStream_t>(exec->stream);
    bool ran = enqueue(exec, product, layouts, bench.input, bench.result, algo, bench.scratch) ==
               CUBLAS_STATUS_SUCCESS;
    ran = ran && cudaEventRecord(bench.from, stream) == cudaSuccess;
    for (int i = 0; ran && i < RUNS_TIMED; i++) {
        ran = enqueue(exec, product, layouts, bench.input, bench.result, algo, bench.scratch) ==
              CUBLAS_STATUS_SUCCESS;
    }
    ran = ran && cudaEventRecord(bench.to, stream) == cudaSuccess &&
          cudaEventSynchronize(bench.to) == cudaSuccess;
    return ran && cudaEventElapsedTime(time, bench.from, bench.to) == cudaSuccess;
}

assay_status plan_bucket(const assay_exec *exec, Product *product, int bucket, const Bench *bench)
{
    Layouts layouts;
    assay_status status = lay_out(exec, product->shape, rows_of_bucket(bucket),
                                  product->shape.outputs, &layouts);
    cublasLtMatmulHeuristicResult_t proposed[CANDIDATES];
    int count = 0;
    const Alignments planned = {product->shape.weight_alignment, VECTOR, VECTOR};
    if (status == ASSAY_OK) {
        status = propose(exec, *product, &layouts, planned, bench != nullptr ? CANDIDATES : 1,
                         proposed, &count);
    }
    bool ran[CANDIDATES] = {};
    float time[CANDIDATES] = {};
    for (int i = 0; i < count; i++) {
        ran[i] = bench == nullptr ||
                 time_one(exec, *product, &layouts, *bench, &proposed[i].algo, &time[i]);
    }
    const int best = best_of(count, ran, bench != nullptr ? time : nullptr);
    Algorithm *const algorithm = &product->planned[bucket];
    algorithm->known = status == ASSAY_OK && best >= 0;
    if (algorithm->known) {
        algorithm->algo = proposed[best].algo;
    }
    return status;
}

assay_status plan_all(const assay_exec *exec, fill_fn *fill, Product *product)
{
    const ProductShape &shape = product->shape;
    const size_t row_bytes =
        static_cast<size_t>(shape.input_pitch) * assay_dtype_size(shape.element) +
        static_cast<size_t>(shape.outputs) * assay_dtype_size(shape.result);
    const int measured = measured_buckets(row_bytes, MEASURED_MOST, MEASURED_ROWS);
    Bench bench = {};
    bool opened = measured > 0;
    if (opened) { /* without room to measure, the heuristics decide */
        opened = open_bench(exec, *product, rows_of_bucket(measured - 1), fill, &bench) ==
                 ASSAY_OK;
    }
    assay_status status = ASSAY_OK;
    for (int bucket = 0; status == ASSAY_OK && bucket < BUCKETS; bucket++) {
        status = plan_bucket(exec, product, bucket,
                             opened && bucket < measured ? &bench : nullptr);
    }
    close_bench(&bench);
    return status;
}

assay_status open_handle(const assay_exec *exec, cublasLtHandle_t *handle)
{
    const std::lock_guard<std::mutex> held(lock);
    const int32_t device = exec->device.index;
    if (device < 0 || device >= DEVICES_MOST) {
        return assay_fail(exec->error, ASSAY_UNSUPPORTED, "CUDA device %d: at most %d are served",
                          static_cast<int>(device), static_cast<int>(DEVICES_MOST));
    }
    ASSAY_CUDA_TRY(exec, use_device(exec));
    if (handles[device] == nullptr) {
        ASSAY_CUBLAS_TRY(exec, cublasLtCreate(&handles[device]));
    }
    *handle = handles[device];
    return ASSAY_OK;
}

assay_status describe_product(const assay_exec *exec, const void *bias, Product *product)
{
    const bool whole_numbers = product->shape.element == ASSAY_I8;
    ASSAY_CUBLAS_TRY(exec, cublasLtMatmulDescCreate(&product->description, product->shape.compute,
                                                    whole_numbers ? CUDA_R_32I : CUDA_R_32F));
    const int32_t transposed = CUBLAS_OP_T;
    const uint32_t epilogue = CUBLASLT_EPILOGUE_BIAS;
    const int32_t type = type_of(product->shape.result);
    ASSAY_CUBLAS_TRY(exec, cublasLtMatmulDescSetAttribute(product->description,
                                                          CUBLASLT_MATMUL_DESC_TRANSA,
                                                          &transposed, sizeof transposed));
    if (!product->shape.bias) {
        return ASSAY_OK;
    }
    ASSAY_CUBLAS_TRY(exec, cublasLtMatmulDescSetAttribute(product->description,
                                                          CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
                                                          sizeof epilogue));
    ASSAY_CUBLAS_TRY(exec, cublasLtMatmulDescSetAttribute(product->description,
                                                          CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE,
                                                          &type, sizeof type));
    ASSAY_CUBLAS_TRY(exec, cublasLtMatmulDescSetAttribute(product->description,
                                                          CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias,
                                                          sizeof bias));
    return ASSAY_OK;
}

bool find_kept(const Key &key, Algorithm *planned)
{
    const std::lock_guard<std::mutex> held(lock);
    for (const Kept &one : kept) {
        if (same(one.key, key)) {
            memcpy(planned, one.planned, sizeof one.planned);
            return true;
        }
    }
    return false;
}

void keep(const Key &key, const Algorithm *planned)
{
    const std::lock_guard<std::mutex> held(lock);
    Kept one;
    one.key = key;
    memcpy(one.planned, planned, sizeof one.planned);
    kept.push_back(one);
}

/* Whether the plan counts on no more than these addresses have. */
bool is_as_planned(const void *input, const void *result)
{
    return alignment_of(input) >= VECTOR && alignment_of(result) >= VECTOR;
}

} // namespace

size_t library_workspace()
{
#ifdef ASSAY_EMULATED
    return library_bytes(0);
#else
    static const size_t bytes = [] {
        int count = 0;
        size_t most = library_bytes(0);
        count = cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
        for (int device = 0; device < count; device++) {
            int major = 0;
            int minor = 0;
            if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) ==
                    cudaSuccess &&
                cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) ==
                    cudaSuccess) {
                const size_t own = library_bytes(10 * major + minor);
                most = own > most ? own : most;
            }
        }
        return most;
    }();
    return bytes;
#endif
}

assay_status open_product(const assay_exec *exec, const ProductShape &shape, const void *weight,
                          const void *bias, fill_fn *fill, Product *product)
{
    product->shape = shape;
    product->weight = weight;
    product->library_bytes = library_bytes(exec->device.compute);
    assay_status status = open_handle(exec, &product->handle);
    status = status != ASSAY_OK ? status : describe_product(exec, bias, product);
    const Key key = {exec->device.index, shape};
    if (status == ASSAY_OK && !find_kept(key, product->planned)) {
        status = plan_all(exec, fill, product);
        if (status == ASSAY_OK) {
            keep(key, product->planned);
        }
    }
    return status;
}

assay_status run_product(const assay_exec *exec, const Product &product, const void *input,
                         int64_t rows, void *result, int64_t result_pitch, void *scratch)
{
    if (rows == 0) {
        return ASSAY_OK;
    }
    Layouts layouts;
    assay_status status = lay_out(exec, product.shape, rows, result_pitch, &layouts);
    if (status != ASSAY_OK) {
        return status;
    }
    ASSAY_CUDA_TRY(exec, use_device(exec));
    const Algorithm &planned = product.planned[bucket_of(rows)];
    if (planned.known && is_as_planned(input, result)) {
        const cublasStatus_t done =
            enqueue(exec, product, &layouts, input, result, &planned.algo, scratch);
        if (done != CUBLAS_STATUS_NOT_SUPPORTED && done != CUBLAS_STATUS_INVALID_VALUE) {
            ASSAY_CUBLAS_TRY(exec, done);
            return ASSAY_OK;
        }
    }
    const Alignments alignments = {product.shape.weight_alignment, alignment_of(input),
                                   alignment_of(result)};
    cublasLtMatmulHeuristicResult_t proposed;
    int count = 0;
    status = propose(exec, product, &layouts, alignments, 1, &proposed, &count);
    if (status == ASSAY_OK && count == 0) {
        status = assay_fail(exec->error, ASSAY_UNSUPPORTED,
                            "cuBLASLt has no algorithm for %lld x %lld x %lld of %s",
                            static_cast<long long>(rows),
                            static_cast<long long>(product.shape.depth),
                            static_cast<long long>(product.shape.outputs),
                            assay_dtype_name(product.shape.element));
    }
    if (status != ASSAY_OK) {
        return status;
    }
    ASSAY_CUBLAS_TRY(exec,
                     enqueue(exec, product, &layouts, input, result, &proposed.algo, scratch));
    return ASSAY_OK;
}

void close_product(Product *product)
{
    if (product->description != nullptr) {
        (void)cublasLtMatmulDescDestroy(product->description);
        product->description = nullptr;
    }
}

} // namespace assay_cublas
