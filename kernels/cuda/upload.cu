#include "kernels/cuda/upload.h"

#include "kernels/cuda/staging.h"

#include <cstdlib>

namespace assay_cuda {

assay_status reserve(const assay_exec *exec, size_t bytes, Uploads *uploads, void **memory)
{
    *memory = nullptr;
    if (uploads->count == UPLOADS_MAX) {
        return assay_fail(exec->error, ASSAY_INTERNAL, "more than %d blocks of device memory",
                          static_cast<int>(UPLOADS_MAX));
    }
    ASSAY_CUDA_TRY(exec, use_device(exec));
    ASSAY_CUDA_TRY(exec, cudaMalloc(memory, bytes));
    uploads->block[uploads->count++] = *memory;
    return ASSAY_OK;
}

/* Row-major, without gaps, at most two dimensions. */
static void pack(const assay_tensor &tensor, char *to)
{
    const size_t size = assay_dtype_size(tensor.dtype);
    const int64_t rows = tensor.rank == 1 ? 1 : tensor.shape[0];
    const int64_t columns = tensor.shape[tensor.rank - 1];
    const int64_t row = tensor.rank == 1 ? 0 : tensor.stride[0];
    const int64_t step = tensor.stride[tensor.rank - 1];
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = 0; c < columns; c++) {
            memcpy(to + static_cast<size_t>(r * columns + c) * size,
                   static_cast<const char *>(tensor.data) + (r * row + c * step) * (int64_t)size,
                   size);
        }
    }
}

assay_status upload(const assay_exec *exec, const char *what, const assay_tensor &tensor,
                    bool always, Uploads *uploads, Matrix *view)
{
    *view = matrix_of(tensor);
    if (!assay_present(&tensor) || (tensor.space == SPACE && !always)) {
        return ASSAY_OK;
    }
    if (tensor.space != ASSAY_HOST) {
        return ASSAY_OK; /* it is there */
    }
    const size_t bytes =
        static_cast<size_t>(assay_count(&tensor)) * assay_dtype_size(tensor.dtype);
    char *const packed = static_cast<char *>(malloc(bytes + 1));
    if (packed == nullptr) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "%s: no memory for %zu bytes", what, bytes);
    }
    pack(tensor, packed);
    const cudaStream_t stream = static_cast<cudaStream_t>(exec->stream);
    assay_status status = reserve(exec, bytes + 1, uploads, &view->data);
    cudaError_t error = cudaSuccess;
    if (status == ASSAY_OK) {
        error = copy_staged(exec, view->data, packed, bytes, cudaMemcpyHostToDevice);
        error = error != cudaSuccess ? error : cudaStreamSynchronize(stream);
    }
    free(packed);
    if (error != cudaSuccess) {
        status = failed_call(exec, error, what, __FILE__, __LINE__);
    }
    view->row = tensor.rank == 1 ? 0 : tensor.shape[1];
    view->column = 1;
    return status;
}

void release_uploads(Uploads *uploads)
{
    for (int i = 0; i < uploads->count; i++) {
        (void)cudaFree(uploads->block[i]);
    }
    uploads->count = 0;
}

} // namespace assay_cuda
