/* What the modules of NVIDIA's libraries prepare: a state that has its uploads and nothing else to
 * give back. */
#ifndef KERNELS_CUDA_STATE_H
#define KERNELS_CUDA_STATE_H

#include <new>

#include "kernels/cuda/upload.h"

namespace assay_cuda {

/* A `prepare` of `op`: open(own) fills a state of zeros, that release_state gives back. */
template <typename State, typename Open>
assay_status prepare_state(const assay_exec *exec, const char *op, void **state, Open open)
{
    State *const own = new (std::nothrow) State();
    if (own == nullptr) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "%s: no memory for a prepared state", op);
    }
    return settle(exec, open(own), own, release_state<State>, state);
}

/* What a `run` of sae_encode begins with. */
inline assay_status expect_encode(const assay_exec *exec, assay_dtype type,
                                  const assay_sae_encode_io *io, size_t workspace_bytes)
{
    const Operand typed[] = {{"x", &io->x}};
    const Operand others[] = {{"row_offsets", &io->codes.row_offsets},
                              {"latent", &io->codes.latent},
                              {"value", &io->codes.value},
                              {"dense", &io->dense}};
    const assay_status status = expect(exec, type, typed, others);
    return status != ASSAY_OK ? status : expect_workspace(exec, workspace_bytes);
}

} // namespace assay_cuda

#endif
