/* sae_steer: a block a row; only the edited latent is encoded, but for topk, which needs its whole
 * row to know whether it is among the k. The update is taken in f64 and rounded once. */
#include "kernels/cuda/sae_piece.h"

#include <new>

namespace assay_cuda {
namespace {

struct State {
    Uploads uploads;
    Encoder encoder;
    Matrix scale; /* of the decoder */
};

struct Edit {
    Matrix decoder, scale; /* [d_out, d_sae], [d_sae] */
    int64_t latent;
    double amount;
    int32_t mode;
};

bool encodes(const assay_sae_steer_params *params)
{
    return params->mode != ASSAY_STEER_ADD;
}

bool ranks(const assay_sae_steer_params *params)
{
    return encodes(params) && params->sae.activation == ASSAY_TOPK;
}

__device__ __forceinline__ double change_of(const Edit &edit, double feature)
{
    switch (edit.mode) {
    case ASSAY_STEER_ADD: return edit.amount;
    case ASSAY_STEER_SET: return edit.amount - feature;
    case ASSAY_STEER_SCALE: return feature * edit.amount - feature;
    default: return 0.0 - feature;
    }
}

/* The latent's pre-activation of one row, by a block. */
template <typename T>
__device__ __forceinline__ float encode_one(const Encoder &encoder, const Matrix &x, int64_t row,
                                            int64_t latent, const Moments &moments)
{
    float part = 0.0f;
    for (int64_t i = threadIdx.x; i < encoder.d_in; i += BLOCK) {
        part += encoder_input(encoder, x, row, i, moments) * load(encoder.weight, latent, i);
    }
    return preactivation<T>(encoder, latent, block_reduce<Sum>(part));
}

/* piece.pre is NULL where the latent is encoded here. y may be x: a row is read by its own block,
 * whole, before any of it is written. */
template <typename T>
__global__ void __launch_bounds__(BLOCK, RESIDENT)
    steer_rows(Encoder encoder, Edit edit, Piece piece, Matrix x, Matrix y, int64_t row_first,
               int64_t d_out)
{
    const int64_t row = row_first + blockIdx.x;
    Moments moments = {0.0, 1.0};
    if (encoder.layer_norm) {
        moments = row_moments(x, row, encoder.d_in);
    }
    float pre = 0.0f;
    Limit limit = {0, 0};
    if (edit.mode != ASSAY_STEER_ADD && piece.pre != nullptr) {
        pre = piece.pre[blockIdx.x * encoder.d_sae + edit.latent];
        limit = piece.limit[blockIdx.x];
    } else if (edit.mode != ASSAY_STEER_ADD) {
        pre = encode_one<T>(encoder, x, row, edit.latent, moments);
    }
    const bool active =
        edit.mode != ASSAY_STEER_ADD && fires(encoder, limit, edit.latent, pre);
    const double scale = element_or(edit.scale, edit.latent, 1.0);
    const double change =
        change_of(edit, active ? static_cast<double>(pre) : 0.0) * scale * moments.deviation;
    for (int64_t i = threadIdx.x; i < d_out; i += BLOCK) {
        const double before = load_wide(x, row, i);
        const double after = before + (scale == 0.0 ? 0.0
                                                    : change * load_wide(edit.decoder, i,
                                                                         edit.latent));
        narrow(scale == 0.0 ? before : after, address<T>(y, row, i));
    }
}

assay_status prepare(const assay_exec *exec, const assay_sae_steer_params *params, void **state)
{
    State *const own = new (std::nothrow) State();
    if (own == nullptr) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "sae_steer: no memory");
    }
    assay_status status = upload_encoder(exec, params->sae, &own->uploads, &own->encoder);
    status = status != ASSAY_OK ? status
                                : upload(exec, "decode_scale", params->sae.decode_scale, true,
                                         &own->uploads, &own->scale);
    return settle(exec, status, own, release_state<State>, state);
}

/* Rows of a piece: all of them where nothing is kept of a row. */
int64_t rows_at_once(const assay_sae_steer_params *params, const assay_sae_steer_io *io)
{
    const int64_t rows = io->x.shape[0];
    return ranks(params) ? rows_of_piece(params->sae, rows) : rows;
}

size_t workspace(const assay_sae_steer_params *params, const assay_sae_steer_io *io)
{
    return ranks(params) ? piece_bytes(params->sae, rows_at_once(params, io)) : 0;
}

template <typename T>
assay_status run(const assay_exec *exec, const assay_sae_steer_params *params, const void *state,
                 const assay_sae_steer_io *io)
{
    const Operand typed[] = {{"x", &io->x}, {"y", &io->y}};
    const Operand others[] = {{"encoder", &params->sae.encoder}, {"decoder", &params->sae.decoder}};
    assay_status status = expect(exec, Flow<T>::type, typed, others);
    status = status != ASSAY_OK ? status : expect_workspace(exec, workspace(params, io));
    const State *const own = static_cast<const State *>(state);
    const Edit edit = {matrix_of(params->sae.decoder), own->scale, params->latent, params->amount,
                       params->mode};
    const Matrix x = matrix_of(io->x);
    const int64_t rows = io->x.shape[0];
    const int64_t at_once = rows_at_once(params, io);
    for (int64_t first = 0; status == ASSAY_OK && first < rows; first += at_once) {
        Piece piece = {};
        piece.rows = least(at_once, rows - first);
        if (ranks(params)) {
            piece = carve(params->sae, piece.rows, exec->workspace);
            status = encode_piece<T>(exec, own->encoder, x, first, piece);
        }
        if (status == ASSAY_OK) {
            const Dimensions size = {dim3(static_cast<unsigned>(piece.rows)), dim3(BLOCK), 0};
            ASSAY_LAUNCH(exec, steer_rows<T>, size, own->encoder, edit, piece, x,
                         matrix_of(io->y), first, params->sae.d_out);
        }
    }
    return status;
}

assay_status supports(const assay_device *device, const assay_sae_steer_params *params,
                      const assay_sae_steer_io *, assay_error *error)
{
    assay_status status = device_served(device, error);
    status = status != ASSAY_OK ? status : weight_served("encoder", params->sae.encoder, error);
    return status != ASSAY_OK ? status : weight_served("decoder", params->sae.decoder, error);
}

template <typename T> assay_kernel describe_op()
{
    assay_kernel kernel = describe<T>(ASSAY_OP_sae_steer, "one latent encoded, its column added",
                                      ASSAY_ORDER_LANES);
    kernel.run.sae_steer.supports = supports;
    kernel.run.sae_steer.workspace = workspace;
    kernel.run.sae_steer.prepare = prepare;
    kernel.run.sae_steer.run = run<T>;
    kernel.release = release_state<State>;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(sae_steer)

} // namespace assay_cuda
