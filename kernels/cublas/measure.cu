/* Algorithms measured, each for a few runs on drawn operands. */
#include "kernels/cublas/call.h"

namespace assay_cublas {

using namespace assay_cuda;

namespace {

enum { RUNS_TIMED = 4, SOME_FLOAT = 0x3f /* in every byte: 0.747 */ };

/* What is measured is bounded: a layer of 65,536 outputs of 4,096 in bf16 to f32 needs 1.1 GiB for
 * 4,096 rows, which an H100 multiplies in about 4 ms, so that all its candidates take less than a
 * second. Little of it under the emulator, which is slow. */
#ifdef ASSAY_EMULATED
constexpr size_t MEASURED_MOST = size_t{64} << 10;
constexpr int64_t MEASURED_ROWS = 8;
#else
constexpr size_t MEASURED_MOST = size_t{2} << 30;
constexpr int64_t MEASURED_ROWS = 8192;
#endif

/* What is measured on: drawn operands, room for results, the library's scratch. */
struct Bench {
    void *input, *scale, *result, *scratch;
    cudaEvent_t from, to;
};

void close_bench(Bench *bench)
{
    (void)cudaFree(bench->input);
    (void)cudaFree(bench->scale);
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
    const size_t scales = static_cast<size_t>(rows) * sizeof(float);
    ASSAY_CUDA_TRY(exec, cudaMalloc(&bench->input, bytes));
    ASSAY_CUDA_TRY(exec, cudaMalloc(&bench->scale, scales));
    ASSAY_CUDA_TRY(exec, cudaMemsetAsync(bench->scale, SOME_FLOAT, scales,
                                         static_cast<cudaStream_t>(exec->stream)));
    ASSAY_CUDA_TRY(exec, cudaMalloc(&bench->result, results));
    ASSAY_CUDA_TRY(exec, cudaMalloc(&bench->scratch, product.library_bytes));
    ASSAY_CUDA_TRY(exec, cudaEventCreate(&bench->from));
    ASSAY_CUDA_TRY(exec, cudaEventCreate(&bench->to));
    return fill(exec, bench->input, count);
}

/* Mean time of a few runs after one; false when the algorithm does not run, and *answer is why. */
bool time_one(const assay_exec *exec, const Product &product, Call *call, const Bench &bench,
              const cublasLtMatmulAlgo_t *algo, float *time, cublasStatus_t *answer)
{
    const cudaStream_t stream = static_cast<cudaStream_t>(exec->stream);
    *answer = enqueue(exec, product, call, bench.input, bench.result, algo, bench.scratch);
    bool ran = *answer == CUBLAS_STATUS_SUCCESS;
    ran = ran && cudaEventRecord(bench.from, stream) == cudaSuccess;
    for (int i = 0; ran && i < RUNS_TIMED; i++) {
        ran = enqueue(exec, product, call, bench.input, bench.result, algo, bench.scratch) ==
              CUBLAS_STATUS_SUCCESS;
    }
    ran = ran && cudaEventRecord(bench.to, stream) == cudaSuccess &&
          cudaEventSynchronize(bench.to) == cudaSuccess;
    return ran && cudaEventElapsedTime(time, bench.from, bench.to) == cudaSuccess;
}

assay_status plan_bucket(const assay_exec *exec, Product *product, int bucket, const Bench *bench)
{
    Call call;
    const float *const scale =
        bench != nullptr ? static_cast<const float *>(bench->scale) : product->fixed.scale;
    assay_status status = describe_call(exec, *product, scale, rows_of_bucket(bucket),
                                        product->shape.outputs, &call);
    cublasLtMatmulHeuristicResult_t proposed[CANDIDATES];
    int count = 0;
    cublasStatus_t answer = CUBLAS_STATUS_SUCCESS;
    const Alignments planned = {product->shape.weight_alignment, VECTOR, VECTOR};
    if (status == ASSAY_OK) {
        status = propose(exec, *product, &call, planned, bench != nullptr ? CANDIDATES : 1,
                         proposed, &count, &answer);
    }
    bool ran[CANDIDATES] = {};
    float time[CANDIDATES] = {};
    for (int i = 0; i < count; i++) {
        ran[i] = bench == nullptr ||
                 time_one(exec, *product, &call, *bench, &proposed[i].algo, &time[i], &answer);
    }
    const int best = best_of(count, ran, bench != nullptr ? time : nullptr);
    Algorithm *const algorithm = &product->planned[bucket];
    algorithm->known = status == ASSAY_OK && best >= 0;
    if (algorithm->known) {
        algorithm->algo = proposed[best].algo;
    } else {
        product->answer = answer;
    }
    return status;
}

/* For an odd number of rows, anywhere: asked for, not measured. */
assay_status plan_spare(const assay_exec *exec, Product *product, int bucket)
{
    const ProductShape &shape = product->shape;
    Call call;
    assay_status status =
        describe_call(exec, *product, product->fixed.scale, spare_rows_of_bucket(bucket),
                      shape.outputs + multiple_of(shape.element), &call);
    cublasLtMatmulHeuristicResult_t proposed;
    int count = 0;
    cublasStatus_t answer = CUBLAS_STATUS_SUCCESS;
    const Alignments least = {shape.weight_alignment,
                              least_alignment(shape.element, shape.element),
                              least_alignment(shape.element, shape.result)};
    if (status == ASSAY_OK) {
        status = propose(exec, *product, &call, least, 1, &proposed, &count, &answer);
    }
    Algorithm *const algorithm = &product->spare[bucket];
    algorithm->known = status == ASSAY_OK && count > 0;
    if (algorithm->known) {
        algorithm->algo = proposed.algo;
    }
    return status;
}

} // namespace

assay_status plan_all(const assay_exec *exec, fill_fn *fill, Product *product)
{
    const ProductShape &shape = product->shape;
    const size_t row_bytes =
        static_cast<size_t>(shape.input_pitch) * assay_dtype_size(shape.element) +
        static_cast<size_t>(shape.outputs) * assay_dtype_size(shape.result);
    size_t free_bytes = 0;
    size_t total = 0;
    ASSAY_CUDA_TRY(exec, use_device(exec));
    ASSAY_CUDA_TRY(exec, cudaMemGetInfo(&free_bytes, &total));
    const int measured = measured_buckets(row_bytes, measured_bytes(free_bytes, MEASURED_MOST),
                                          MEASURED_ROWS);
    Bench bench = {};
    bool opened = measured > 0;
    if (opened) { /* without room to measure, the heuristics decide */
        opened = open_bench(exec, *product, rows_of_bucket(measured - 1), fill, &bench) ==
                 ASSAY_OK;
        (void)cudaGetLastError(); /* what was refused is no error of the next launch's */
    }
    assay_status status = ASSAY_OK;
    for (int bucket = 0; status == ASSAY_OK && bucket < BUCKETS; bucket++) {
        status = plan_bucket(exec, product, bucket,
                             opened && bucket < measured ? &bench : nullptr);
        status = status != ASSAY_OK ? status : plan_spare(exec, product, bucket);
    }
    close_bench(&bench);
    return status;
}

} // namespace assay_cublas
