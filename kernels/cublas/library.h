/* cuBLASLt, or the emulated one in its place (ASSAY_EMULATED), and what a call
 * of the library that failed becomes. */
#ifndef KERNELS_CUBLAS_LIBRARY_H
#define KERNELS_CUBLAS_LIBRARY_H

#include "kernels/cuda/contract.h"

#ifdef ASSAY_EMULATED
#include "kernels/cublas/emulate/cublaslt.h"
#else
#include <cublasLt.h>
#endif

namespace assay_cublas {

/* A call that failed, with its text and place. What the library does not serve is no error. */
inline assay_status failed_call(const assay_exec *exec, cublasStatus_t status, const char *call,
                                const char *file, int line)
{
    assay_status kind = ASSAY_DEVICE;
    if (status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_ARCH_MISMATCH) {
        kind = ASSAY_UNSUPPORTED;
    } else if (status == CUBLAS_STATUS_ALLOC_FAILED) {
        kind = ASSAY_NO_MEMORY;
    }
    return assay_fail(exec->error, kind, "%s: %s (%s:%d)", call, cublasLtGetStatusName(status),
                      file, line);
}

} // namespace assay_cublas

/* Leaves the calling function, which returns an assay_status, when a call of cuBLASLt fails. */
#define ASSAY_CUBLAS_TRY(exec, ...)                                                                \
    do {                                                                                           \
        const cublasStatus_t status_ = (__VA_ARGS__);                                              \
        if (status_ != CUBLAS_STATUS_SUCCESS) {                                                    \
            return ::assay_cublas::failed_call((exec), status_, #__VA_ARGS__, __FILE__,            \
                                               __LINE__);                                          \
        }                                                                                          \
    } while (0)

#endif
