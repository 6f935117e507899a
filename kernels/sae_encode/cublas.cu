/* sae_encode: rows as the mode multiplies them, one product of the library (kernels/cublas/layer.h)
 * in f32 or in whole numbers, and the entries as the CUDA backend writes them
 * (kernels/cuda/sae_entries.h). A bias alone is added by the library; with scales our kernel does
 * both. ReLU is not left to the library: it makes 0 of a NaN. */
#include "kernels/cublas/layer.h"
#include "kernels/cublas/list.h"
#include "kernels/cuda/sae_entries.h"
#include "kernels/cuda/state.h"

namespace assay_cublas {
namespace {

struct State {
    Uploads uploads;
    Encoder encoder;
    Layer layer; /* to pre-activations, or to what our kernel makes them of */
};

/* The library adds the bias where there is one, nothing scales before it, and sums of f32 may have
 * one of f32. */
template <typename Mode> LayerForm form_in(const assay_sae &sae)
{
    const bool added = assay_present(&sae.encode_bias) && !assay_present(&sae.encode_scale) &&
                       !Mode::scaled && Mode::element != ASSAY_E4M3;
    return {sae.d_sae, sae.d_in, added ? ASSAY_F32 : ASSAY_NONE, ASSAY_NONE, ASSAY_F32};
}

template <typename Mode>
assay_status open(const assay_exec *exec, const assay_sae &sae, State *own)
{
    const Operand others[] = {{"encoder", &sae.encoder}};
    assay_status status = expect(exec, Mode::io, nullptr, 0, others, 1);
    status = status != ASSAY_OK ? status : upload_encoder(exec, sae, &own->uploads, &own->encoder);
    return status != ASSAY_OK
               ? status
               : open_layer<Mode>(exec, form_in<Mode>(sae), own->encoder.weight,
                                  own->encoder.bias, &own->uploads, &own->layer);
}

template <typename Mode>
assay_status prepare(const assay_exec *exec, const assay_sae_encode_params *params, void **state)
{
    return prepare_state<State>(exec, "sae_encode", state, [&](State *own) {
        return open<Mode>(exec, params->sae, own);
    });
}

/* Scratch of a piece, each part at an aligned address: the library's, rows as multiplied (with
 * scales those, and the rows before), pre-activations, and what makes entries of them. */
struct Parts {
    size_t input, scale, before, pre, entries;
};

size_t bytes_of(const Parts &parts)
{
    return parts.input + parts.scale + parts.before + parts.pre + parts.entries;
}

template <typename Mode> Parts parts_of(const assay_sae &sae, int64_t rows)
{
    const int64_t pitch = pitch_of(Mode::element, sae.d_in);
    const size_t count = static_cast<size_t>(rows);
    const size_t d_in = static_cast<size_t>(sae.d_in);
    return {whole(static_cast<size_t>(rows * pitch) * assay_dtype_size(Mode::element)),
            Mode::scaled ? whole(count * sizeof(float)) : 0,
            Mode::scaled ? whole(count * d_in * sizeof(float)) : 0,
            whole(static_cast<size_t>(rows * sae.d_sae) * sizeof(float)),
            whole(entries_bytes(sae, rows))};
}

/* Pieces must show in the emulator's small cases. */
#ifdef ASSAY_EMULATED
constexpr size_t MOST = WORKSPACE_MOST;
#else
constexpr size_t MOST = ENCODE_BYTES_MOST;
#endif

template <typename Mode> int64_t rows_at_once(const assay_sae &sae, int64_t rows)
{
    return rows_that_fit(least(rows, ENCODE_ROWS_MOST), bytes_of(parts_of<Mode>(sae, 1)), MOST);
}

template <typename Mode>
size_t workspace(const assay_sae_encode_params *params, const assay_sae_encode_io *io)
{
    const int64_t rows = rows_at_once<Mode>(params->sae, io->x.shape[0]);
    return library_workspace() + bytes_of(parts_of<Mode>(params->sae, rows));
}

/* Pre-activations of sums, in their place; row_scale NULL: the sums are scaled. */
template <typename Total>
static __global__ void scale_sums(Encoder encoder, const float *row_scale,
                                  const float *weight_scale, float *pre, int64_t rows)
{
    static_assert(sizeof(Total) == sizeof *pre, "a sum makes room for its pre-activation");
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         at < rows * encoder.d_sae; at += step) {
        const int64_t j = at % encoder.d_sae;
        Total sum;
        memcpy(&sum, pre + at, sizeof sum);
        double dot = static_cast<double>(sum);
        if (row_scale != nullptr) {
            dot *= static_cast<double>(row_scale[at / encoder.d_sae]) *
                   static_cast<double>(weight_scale[j]);
        }
        pre[at] = preactivation<float>(encoder, j, static_cast<float>(dot));
    }
}

/* Where the parts of a piece lie. */
struct Scratch {
    void *input;
    float *scale, *before;
};

/* A piece's rows as the mode multiplies them. */
template <typename Mode>
assay_status input_rows(const assay_exec *exec, const State &own, const Matrix &x, int64_t first,
                        int64_t rows, const Scratch &scratch)
{
    using Element = typename Mode::Element;
    const Dimensions each = {dim3(static_cast<unsigned>(rows)), dim3(BLOCK), 0};
    const int64_t pitch = own.layer.product.shape.input_pitch;
    const int64_t d_in = own.encoder.d_in;
    Element *const input = static_cast<Element *>(scratch.input);
    if constexpr (Mode::scaled) {
        ASSAY_LAUNCH(exec, encoder_rows<float>, each, own.encoder, x, first, scratch.before, d_in);
        return quantise(exec, dense_f32(scratch.before, d_in), rows, d_in, input, pitch,
                        scratch.scale);
    } else {
        ASSAY_LAUNCH(exec, encoder_rows<Element>, each, own.encoder, x, first, input, pitch);
        return ASSAY_OK;
    }
}

template <typename Mode>
assay_status encode_rows(const assay_exec *exec, const State &own, const Matrix &x, int64_t first,
                         const Piece &piece, const Scratch &scratch)
{
    const Encoder &encoder = own.encoder;
    const ProductShape &shape = own.layer.product.shape;
    assay_status status = input_rows<Mode>(exec, own, x, first, piece.rows, scratch);
    if (status == ASSAY_OK) {
        status = run_product(exec, own.layer.product, {scratch.input, scratch.scale, piece.rows},
                             piece.pre, encoder.d_sae, exec->workspace);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    const bool scaled = shape.scaling != BY_KERNEL;
    const bool added = shape.bias || encoder.bias.data == nullptr;
    if (encoder.scale.data != nullptr || !added || !scaled) {
        const Dimensions all = {grid_stride(piece.rows * encoder.d_sae), dim3(BLOCK), 0};
        ASSAY_LAUNCH(exec, scale_sums<typename Mode::Total>, all, encoder,
                     scaled ? nullptr : scratch.scale, own.layer.weight_scale, piece.pre,
                     piece.rows);
    }
    return find_limits(exec, encoder, piece.pre, piece.rows, piece.ranks, piece.limit);
}

template <typename Mode>
assay_status run(const assay_exec *exec, const assay_sae_encode_params *params, const void *state,
                 const assay_sae_encode_io *io)
{
    const assay_status status = expect_encode(exec, Mode::io, io, workspace<Mode>(params, io));
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t at_once = rows_at_once<Mode>(params->sae, io->x.shape[0]);
    const Parts parts = parts_of<Mode>(params->sae, at_once);
    char *const base = static_cast<char *>(exec->workspace) + library_workspace();
    const Scratch scratch = {base, reinterpret_cast<float *>(base + parts.input),
                             reinterpret_cast<float *>(base + parts.input + parts.scale)};
    char *const after = base + parts.input + parts.scale + parts.before;
    Piece piece = carve_entries(params->sae, at_once, after + parts.pre);
    piece.pre = reinterpret_cast<float *>(after);
    const State &own = *static_cast<const State *>(state);
    return encode_in_pieces(exec, own.encoder, io, piece,
                            [&](int64_t first, const Piece &part) {
                                return encode_rows<Mode>(exec, own, matrix_of(io->x), first, part,
                                                         scratch);
                            });
}

template <typename Mode>
assay_status supports(const assay_device *device, const assay_sae_encode_params *params,
                      const assay_sae_encode_io *io, assay_error *error)
{
    const assay_sae &sae = params->sae;
    const int64_t rows = io->x.shape[0];
    assay_status status = mode_served<Mode>(device, error);
    status = status != ASSAY_OK ? status : shape_served<Mode>(sae.d_sae, sae.d_in, error);
    status = status != ASSAY_OK ? status : weight_served("encoder", sae.encoder, error);
    return status != ASSAY_OK ? status
                              : rows_served<Mode>(device, form_in<Mode>(sae), rows,
                                                  rows_at_once<Mode>(sae, rows), error);
}

template <typename Mode>
uint64_t bytes_read(const assay_sae_encode_params *, const void *state,
                    const assay_sae_encode_io *)
{
    return layer_bytes_read<Mode>(static_cast<const State *>(state)->layer);
}

} // namespace

template <typename Mode> assay_kernel describe_sae_encode()
{
    assay_kernel kernel = describe<Mode>(
        ASSAY_OP_sae_encode, "cuBLASLt, then entries counted before they are written");
    kernel.alignment[0] = VECTOR; /* encoder */
    kernel.capabilities = ASSAY_CAN_SPARSE | ASSAY_CAN_DENSE;
    kernel.run.sae_encode.supports = supports<Mode>;
    kernel.run.sae_encode.workspace = workspace<Mode>;
    kernel.run.sae_encode.prepare = prepare<Mode>;
    kernel.run.sae_encode.run = run<Mode>;
    kernel.run.sae_encode.bytes_read = bytes_read<Mode>;
    kernel.release = release_state<State>;
    return kernel;
}

ASSAY_CUBLAS_MODES(ASSAY_CUBLAS_INSTANTIATE, sae_encode)

} // namespace assay_cublas
