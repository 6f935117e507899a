/* What the contract keeps on the host (an SAE's vectors, an adapter's, rope's frequencies) goes to
 * the device once, in `prepare`: dense, in the type it is stored in. */
#ifndef KERNELS_CUDA_UPLOAD_H
#define KERNELS_CUDA_UPLOAD_H

#include "kernels/cuda/contract.h"

namespace assay_cuda {

enum { UPLOADS_MAX = 8 };

/* Device memory of one prepared state. */
struct Uploads {
    void *block[UPLOADS_MAX];
    int count;
};

/* Device memory that release_uploads frees. */
assay_status reserve(const assay_exec *exec, size_t bytes, Uploads *uploads, void **memory);

/* *view: the tensor on the device. An absent tensor stays absent (data NULL). One that is on the
 * device is used where it lies unless `always`. Waits for the copy: host memory is the caller's. */
assay_status upload(const assay_exec *exec, const char *what, const assay_tensor &tensor,
                    bool always, Uploads *uploads, Matrix *view);

void release_uploads(Uploads *uploads);

/* `release` of a state that has its uploads and nothing else to give back. */
template <typename State> void release_state(const assay_exec *, void *state)
{
    State *const own = static_cast<State *>(state);
    if (own != nullptr) {
        release_uploads(&own->uploads);
        delete own;
    }
}

/* The end of a `prepare`: *state is own, or own is released where something failed. */
inline assay_status settle(const assay_exec *exec, assay_status status, void *own,
                           void (*release)(const assay_exec *, void *), void **state)
{
    if (status != ASSAY_OK) {
        release(exec, own);
        return status;
    }
    *state = own;
    return ASSAY_OK;
}

/* An optional vector's element. */
__device__ __forceinline__ double element_or(const Matrix &vector, int64_t i, double absent)
{
    return vector.data != nullptr ? load_wide(vector, 0, i) : absent;
}

} // namespace assay_cuda

#endif
