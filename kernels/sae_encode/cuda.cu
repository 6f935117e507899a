/* sae_encode: pieces of rows; pre-activations (sae_piece.h), then entries (sae_entries.h). */
#include "kernels/cuda/sae_entries.h"

#include <new>

namespace assay_cuda {
namespace {

struct State {
    Uploads uploads;
    Encoder encoder;
};

assay_status prepare(const assay_exec *exec, const assay_sae_encode_params *params, void **state)
{
    State *const own = new (std::nothrow) State();
    if (own == nullptr) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "sae_encode: no memory");
    }
    const assay_status status =
        upload_encoder(exec, params->sae, &own->uploads, &own->encoder);
    return settle(exec, status, own, release_state<State>, state);
}

size_t workspace(const assay_sae_encode_params *params, const assay_sae_encode_io *io)
{
    return piece_bytes(params->sae, rows_of_piece(params->sae, io->x.shape[0]));
}

template <typename T>
assay_status run(const assay_exec *exec, const assay_sae_encode_params *params, const void *state,
                 const assay_sae_encode_io *io)
{
    const Operand typed[] = {{"x", &io->x}};
    const Operand others[] = {{"encoder", &params->sae.encoder},
                              {"row_offsets", &io->codes.row_offsets},
                              {"latent", &io->codes.latent},
                              {"value", &io->codes.value},
                              {"dense", &io->dense}};
    assay_status status = expect(exec, Flow<T>::type, typed, others);
    status = status != ASSAY_OK ? status : expect_workspace(exec, workspace(params, io));
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t at_once = rows_of_piece(params->sae, io->x.shape[0]);
    const Encoder &encoder = static_cast<const State *>(state)->encoder;
    return encode_in_pieces(exec, encoder, io, carve(params->sae, at_once, exec->workspace),
                            [&](int64_t first, const Piece &piece) {
                                return encode_piece<T>(exec, encoder, matrix_of(io->x), first,
                                                       piece);
                            });
}

assay_status supports(const assay_device *device, const assay_sae_encode_params *params,
                      const assay_sae_encode_io *, assay_error *error)
{
    const assay_status status = device_served(device, error);
    return status != ASSAY_OK ? status : weight_served("encoder", params->sae.encoder, error);
}

template <typename T> assay_kernel describe_op()
{
    assay_kernel kernel = describe<T>(
        ASSAY_OP_sae_encode, "f32 products, radix selection, entries counted before they are "
                             "written",
        ASSAY_ORDER_LANES);
    kernel.capabilities = ASSAY_CAN_SPARSE | ASSAY_CAN_DENSE;
    kernel.run.sae_encode.supports = supports;
    kernel.run.sae_encode.workspace = workspace;
    kernel.run.sae_encode.prepare = prepare;
    kernel.run.sae_encode.run = run<T>;
    kernel.release = release_state<State>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(sae_encode)

} // namespace assay_cuda
