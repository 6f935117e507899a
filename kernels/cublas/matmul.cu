#include "kernels/cublas/matmul.h"

#include "kernels/cublas/call.h"

#include <cstring>
#include <mutex>
#include <vector>

namespace assay_cublas {

using namespace assay_cuda;

namespace {

enum { DEVICES_MOST = 64 };

std::mutex lock; /* of what is kept for the process */
cublasLtHandle_t handles[DEVICES_MOST];

struct Kept {
    Key key;
    Algorithm planned[BUCKETS], spare[BUCKETS];
    cublasStatus_t answer;
};
std::vector<Kept> kept;

bool find_kept(const Key &key, Product *product)
{
    const std::lock_guard<std::mutex> held(lock);
    for (const Kept &one : kept) {
        if (same(one.key, key)) {
            memcpy(product->planned, one.planned, sizeof one.planned);
            memcpy(product->spare, one.spare, sizeof one.spare);
            product->answer = one.answer;
            return true;
        }
    }
    return false;
}

void keep(const Key &key, const Product &product)
{
    const std::lock_guard<std::mutex> held(lock);
    Kept one;
    one.key = key;
    memcpy(one.planned, product.planned, sizeof one.planned);
    memcpy(one.spare, product.spare, sizeof one.spare);
    one.answer = product.answer;
    kept.push_back(one);
}

/* Whether the plan counts on no more than these addresses and D's pitch have. */
bool is_as_planned(const ProductShape &shape, const void *input, const void *result,
                   int64_t result_pitch)
{
    const int64_t size = static_cast<int64_t>(assay_dtype_size(shape.result));
    return alignment_of(input) >= VECTOR && alignment_of(result) >= VECTOR &&
           (result_pitch == shape.outputs || result_pitch * size % VECTOR == 0);
}

} // namespace

bool same(const Key &a, const Key &b)
{
    const ProductShape &s = a.shape;
    const ProductShape &t = b.shape;
    return a.device == b.device && s.element == t.element && s.result == t.result &&
           s.compute == t.compute && s.bias == t.bias && s.outputs == t.outputs &&
           s.depth == t.depth && s.weight_pitch == t.weight_pitch &&
           s.input_pitch == t.input_pitch && s.weight_alignment == t.weight_alignment &&
           s.scaling == t.scaling;
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

assay_status no_algorithm(assay_error *error, const ProductShape &shape, int64_t rows,
                          cublasStatus_t answer)
{
    return assay_fail(error, ASSAY_UNSUPPORTED,
                      "cuBLASLt %zu has no algorithm for %lld rows of %lld inputs to %lld outputs "
                      "of %s: %s",
                      cublasLtGetVersion(), static_cast<long long>(rows),
                      static_cast<long long>(shape.depth), static_cast<long long>(shape.outputs),
                      assay_dtype_name(shape.element), cublasLtGetStatusName(answer));
}

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

assay_status open_product(const assay_exec *exec, const ProductShape &shape, const Fixed &fixed,
                          fill_fn *fill, Product *product)
{
    product->shape = shape;
    product->fixed = fixed;
    product->library_bytes = library_bytes(exec->device.compute);
    assay_status status = open_handle(exec, &product->handle);
    const Key key = {exec->device.index, shape};
    if (status == ASSAY_OK && !find_kept(key, product)) {
        status = plan_all(exec, fill, product);
        if (status == ASSAY_OK) {
            keep(key, *product);
        }
    }
    return status;
}

bool has_algorithm(const Product &product)
{
    bool any = false;
    for (int bucket = 0; bucket < BUCKETS; bucket++) {
        any = any || product.planned[bucket].known || product.spare[bucket].known;
    }
    return any;
}

assay_status expect_algorithm(const assay_exec *exec, const Product &product)
{
    const ProductShape &shape = product.shape;
    if (has_algorithm(product)) {
        return ASSAY_OK;
    }
    return assay_fail(exec->error, ASSAY_UNSUPPORTED,
                      "cuBLASLt %zu has no algorithm for %lld outputs of %lld inputs, %s x %s -> "
                      "%s%s, on compute capability %d.%d: %s",
                      cublasLtGetVersion(), static_cast<long long>(shape.outputs),
                      static_cast<long long>(shape.depth), assay_dtype_name(shape.element),
                      assay_dtype_name(shape.element), assay_dtype_name(shape.result),
                      shape.bias ? " with a bias" : "",
                      static_cast<int>(exec->device.compute / 10),
                      static_cast<int>(exec->device.compute % 10),
                      cublasLtGetStatusName(product.answer));
}

/* As the heuristics would have it, for rows that neither algorithm of the plan takes. */
static assay_status run_unplanned(const assay_exec *exec, const Product &product, Call *call,
                                  const Rows &rows, void *result, void *scratch)
{
    const Alignments alignments = {product.shape.weight_alignment, alignment_of(rows.data),
                                   alignment_of(result)};
    cublasLtMatmulHeuristicResult_t proposed;
    int count = 0;
    cublasStatus_t answer = CUBLAS_STATUS_SUCCESS;
    const assay_status status =
        propose(exec, product, call, alignments, 1, &proposed, &count, &answer);
    if (status != ASSAY_OK) {
        return status;
    }
    if (count == 0) {
        return no_algorithm(exec->error, product.shape, rows.count, answer);
    }
    ASSAY_CUBLAS_TRY(exec,
                     enqueue(exec, product, call, rows.data, result, &proposed.algo, scratch));
    return ASSAY_OK;
}

assay_status run_product(const assay_exec *exec, const Product &product, const Rows &rows,
                         void *result, int64_t result_pitch, void *scratch)
{
    if (rows.count == 0) {
        return ASSAY_OK;
    }
    Call call;
    const assay_status status =
        describe_call(exec, product, rows.scale, rows.count, result_pitch, &call);
    if (status != ASSAY_OK) {
        return status;
    }
    ASSAY_CUDA_TRY(exec, use_device(exec));
    const int bucket = bucket_of(rows.count);
    const bool usual = is_as_planned(product.shape, rows.data, result, result_pitch);
    const Algorithm *const all[] = {usual ? &product.planned[bucket] : nullptr,
                                    &product.spare[bucket]};
    for (const Algorithm *const one : all) {
        if (one == nullptr || !one->known) {
            continue;
        }
        const cublasStatus_t done =
            enqueue(exec, product, &call, rows.data, result, &one->algo, scratch);
        if (done != CUBLAS_STATUS_NOT_SUPPORTED && done != CUBLAS_STATUS_INVALID_VALUE) {
            ASSAY_CUBLAS_TRY(exec, done);
            return ASSAY_OK;
        }
    }
    return run_unplanned(exec, product, &call, rows, result, scratch);
}

} // namespace assay_cublas
