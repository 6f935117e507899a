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
