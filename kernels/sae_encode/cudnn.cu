/* sae_encode: rows in 16 bits, a graph of a product, scale, bias and ReLU with results in f32
 * (kernels/cudnn/build.h), and the entries as the CUDA backend writes them
 * (kernels/cuda/sae_entries.h). ReLU is in the graph where it is the whole of the activation; of
 * other activations the graph makes pre-activations.
 *
 * It is a comparison and a choice, not CUDNN_POINTWISE_RELU_FWD: a NaN must stay one, while cuDNN's
 * attribute that says so of its ReLU is deprecated and its default makes 0 of it. */
#include "kernels/cuda/sae_entries.h"
#include "kernels/cuda/state.h"
#include "kernels/cudnn/packed.h"

namespace assay_cudnn {
namespace {

struct State {
    Uploads uploads;
    Encoder encoder;
    void *weight, *bias, *gain; /* as the graph reads them; NULL: there is none */
};

bool relu_of(const assay_sae &sae)
{
    return sae.activation == ASSAY_RELU && !assay_present(&sae.gate);
}

template <typename F>
assay_status plan(int32_t device, const assay_sae &sae, int64_t rows, Plan *made,
                  assay_error *error)
{
    LinearShape shape = {rows, sae.d_in, sae.d_sae, F::type, assay_present(&sae.encode_bias)};
    shape.wide = true;
    shape.relu = relu_of(sae);
    shape.gain = assay_present(&sae.encode_scale);
    const GraphKey key = {device, ASSAY_OP_sae_encode,
                          {shape.rows, shape.depth, shape.outputs, shape.type, shape.bias,
                           shape.relu, shape.gain}};
    return plan_for(key, build_linear, shape, made, error);
}

/* A vector of the encoder's in f32, an absent one as NULL. */
assay_status place_vector(const assay_exec *exec, const Matrix &vector, int64_t count,
                          Uploads *uploads, void **placed)
{
    if (vector.data == nullptr) {
        return ASSAY_OK;
    }
    const size_t bytes = static_cast<size_t>(count) * sizeof(float);
    const assay_status status = reserve(exec, bytes, uploads, placed);
    return status != ASSAY_OK
               ? status
               : pack(exec, vector, 1, count, static_cast<float *>(*placed), count);
}

template <typename F>
assay_status open(const assay_exec *exec, const assay_sae &sae, State *own)
{
    const Operand others[] = {{"encoder", &sae.encoder}};
    assay_status status = expect(exec, F::io, nullptr, 0, others, 1);
    status = status != ASSAY_OK ? status : upload_encoder(exec, sae, &own->uploads, &own->encoder);
    status = status != ASSAY_OK ? status
                                : place<typename F::Io>(exec, F::io, sae.encoder, sae.d_sae,
                                                        sae.d_in, &own->uploads,
                                                        &own->weight);
    status = status != ASSAY_OK ? status
                                : place_vector(exec, own->encoder.bias, sae.d_sae, &own->uploads,
                                               &own->bias);
    return status != ASSAY_OK ? status
                              : place_vector(exec, own->encoder.scale, sae.d_sae, &own->uploads,
                                             &own->gain);
}

template <typename F>
assay_status prepare(const assay_exec *exec, const assay_sae_encode_params *params, void **state)
{
    return prepare_state<State>(exec, "sae_encode", state,
                                [&](State *own) { return open<F>(exec, params->sae, own); });
}

/* Scratch of a piece: rows as they are multiplied, what the graph makes, what makes entries of
 * them; then the graph's own. */
struct Parts {
    size_t input, pre, entries;
};

size_t aligned(size_t bytes)
{
    constexpr size_t whole = 256;
    return (bytes + whole - 1) / whole * whole;
}

Parts parts_of(const assay_sae &sae, int64_t rows)
{
    return {aligned(static_cast<size_t>(rows * sae.d_in) * 2),
            aligned(static_cast<size_t>(rows * sae.d_sae) * sizeof(float)),
            aligned(entries_bytes(sae, rows))};
}

size_t bytes_of(const Parts &parts)
{
    return parts.input + parts.pre + parts.entries;
}

/* Each piece reads all weights: as many rows as a GPU's arithmetic outlasts them several times. */
int64_t rows_at_once(const assay_sae &sae, int64_t rows)
{
#ifdef ASSAY_EMULATED /* pieces must show in small cases */
    constexpr size_t most = WORKSPACE_MOST;
#else
    constexpr size_t most = 16 * WORKSPACE_MOST;
#endif
    constexpr int64_t rows_most = 2048;
    const int64_t fit = static_cast<int64_t>(most / bytes_of(parts_of(sae, 1)));
    return least(rows, fit < 1 ? 1 : least(fit, rows_most));
}

/* Plans of a whole piece and of the last one: f(rows) of each. */
template <typename Each> assay_status for_pieces(const assay_sae &sae, int64_t rows, Each each)
{
    const int64_t at_once = rows_at_once(sae, rows);
    const int64_t rest = at_once > 0 ? rows % at_once : 0;
    const assay_status status = at_once > 0 ? each(at_once) : ASSAY_OK;
    return status != ASSAY_OK || rest == 0 ? status : each(rest);
}

template <typename F>
size_t workspace(const assay_sae_encode_params *params, const assay_sae_encode_io *io)
{
    const int64_t rows = io->x.shape[0];
    size_t most = 0;
    (void)for_pieces(params->sae, rows, [&](int64_t piece) {
        size_t bytes = 0;
        const auto plan_on = [&](int32_t device, Plan *made) {
            return plan<F>(device, params->sae, piece, made, nullptr);
        };
        (void)most_scratch(plan_on, &bytes);
        most = bytes > most ? bytes : most;
        return ASSAY_OK;
    });
    return bytes_of(parts_of(params->sae, rows_at_once(params->sae, rows))) + most;
}

template <typename F>
assay_status encode_rows(const assay_exec *exec, const assay_sae &sae, const State &own,
                         const Matrix &x, int64_t first, const Piece &piece, void *input,
                         void *scratch)
{
    const Encoder &encoder = own.encoder;
    if (piece.rows == 0) {
        return ASSAY_OK;
    }
    Plan made = {nullptr, 0};
    assay_status status = plan<F>(exec->device.index, sae, piece.rows, &made, exec->error);
    const size_t before = static_cast<size_t>(static_cast<char *>(scratch) -
                                              static_cast<char *>(exec->workspace));
    status = status != ASSAY_OK ? status : expect_workspace(exec, before + made.workspace_bytes);
    if (status != ASSAY_OK) {
        return status;
    }
    const Dimensions each = {dim3(static_cast<unsigned>(piece.rows)), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, encoder_rows<typename F::Io>, each, encoder, x, first,
                 static_cast<typename F::Io *>(input), encoder.d_in);
    float zero = 0.0f;
    const Binding bindings[] = {{ID_X, input},
                                {ID_WEIGHT, own.weight},
                                {ID_BIAS, own.bias},
                                {ID_GAIN, own.gain},
                                {ID_ZERO, relu_of(sae) ? &zero : nullptr},
                                {ID_Y, piece.pre}};
    status = run_bound(exec, made, bindings, scratch);
    return status != ASSAY_OK ? status
                              : find_limits(exec, encoder, piece.pre, piece.rows, piece.ranks,
                                            piece.limit);
}

template <typename F>
assay_status run(const assay_exec *exec, const assay_sae_encode_params *params, const void *state,
                 const assay_sae_encode_io *io)
{
    const int64_t at_once = rows_at_once(params->sae, io->x.shape[0]);
    const Parts parts = parts_of(params->sae, at_once);
    const assay_status status = expect_encode(exec, F::io, io, bytes_of(parts));
    if (status != ASSAY_OK) {
        return status;
    }
    begin_run(exec);
    char *const base = static_cast<char *>(exec->workspace);
    Piece piece = carve_entries(params->sae, at_once, base + parts.input + parts.pre);
    piece.pre = reinterpret_cast<float *>(base + parts.input);
    const State &own = *static_cast<const State *>(state);
    return encode_in_pieces(exec, own.encoder, io, piece, [&](int64_t first, const Piece &part) {
        return encode_rows<F>(exec, params->sae, own, matrix_of(io->x), first, part, base,
                              base + bytes_of(parts));
    });
}

template <typename F>
assay_status supports(const assay_device *device, const assay_sae_encode_params *params,
                      const assay_sae_encode_io *io, assay_error *error)
{
    const assay_sae &sae = params->sae;
    assay_status status = served(device, error);
    status = status != ASSAY_OK ? status : weight_served("encoder", sae.encoder, error);
    return status != ASSAY_OK ? status
                              : for_pieces(sae, io->x.shape[0], [&](int64_t rows) {
                                    Plan made = {nullptr, 0};
                                    return plan<F>(device->index, sae, rows, &made, error);
                                });
}

} // namespace

template <typename F> assay_kernel describe_sae_encode()
{
    assay_kernel kernel = describe<F>(
        ASSAY_OP_sae_encode, "a graph of matmul, bias and ReLU, then entries counted and written");
    kernel.alignment[0] = VECTOR; /* encoder */
    kernel.capabilities = ASSAY_CAN_SPARSE | ASSAY_CAN_DENSE;
    kernel.run.sae_encode.supports = supports<F>;
    kernel.run.sae_encode.workspace = workspace<F>;
    kernel.run.sae_encode.prepare = prepare<F>;
    kernel.run.sae_encode.run = run<F>;
    kernel.release = release_state<State>;
    return kernel;
}

ASSAY_CUDNN_KERNEL(sae_encode)

} // namespace assay_cudnn
