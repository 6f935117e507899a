/* Kernels that are wrong in one way each, and right ones beside them, with their launches. */
#ifndef KERNELS_CUDA_EMULATE_TESTS_KERNELS_H
#define KERNELS_CUDA_EMULATE_TESTS_KERNELS_H

#include "kernels/cuda/reduce.h"

#include <criterion/criterion.h>

namespace {

using namespace assay_cuda;

/* Launches on host memory; what the emulator says of it. */
template <typename... Parameters, typename... Arguments>
assay_status run(assay_error *error, const char *name, void (*kernel)(Parameters...), dim3 grid,
                 dim3 block, size_t shared_bytes, Arguments... arguments)
{
    assay_exec exec = {};
    error->message[0] = '\0';
    exec.error = error;
    const cudaError_t status =
        launch(name, kernel, {grid, block, shared_bytes}, &exec, arguments...);
    return status == cudaSuccess ? ASSAY_OK
                                 : failed_call(&exec, status, name, __FILE__, __LINE__);
}
#define RUN(error, kernel, ...) run(error, #kernel, kernel, __VA_ARGS__)

enum { TRIES = 64 }; /* launches, each in another order */

} // namespace

#endif
