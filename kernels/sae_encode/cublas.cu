/* sae_encode: rows as the mode multiplies them, one product of the library in f32, and the entries
 * as the CUDA backend writes them (kernels/cuda/sae_entries.h). A bias alone is added by the
 * library; with scales our kernel does both. ReLU is not left to the library: it makes 0 of a NaN.
 * */
#include "kernels/cublas/layer.h"
#include "kernels/cublas/list.h"
#include "kernels/cuda/sae_entries.h"

#include <new>

namespace assay_cublas {
namespace {

struct State {
    Uploads uploads; /* the encoder's vectors */
    Encoder encoder;
    Uploads weights;
    Product product;
    const float *weight_scale; /* in modes with scales */
};

void release(const assay_exec *, void *state)
{
    State *const own = static_cast<State *>(state);
    if (own != nullptr) {
        release_uploads(&own->weights);
        release_uploads(&own->uploads);
        delete own;
    }
}

/* Whether the library adds the bias: there is one, nothing scales before it, and sums of f32 may
 * have one of f32. */
template <typename Mode> bool library_adds(const assay_sae &sae)
{
    return assay_present(&sae.encode_bias) && !assay_present(&sae.encode_scale) &&
           Mode::element != ASSAY_E4M3;
}

template <typename Mode>
assay_status open_encoder(const assay_exec *exec, const assay_sae &sae, State *own)
{
    ProductShape shape = {};
    Fixed fixed = {};
    const bool added = library_adds<Mode>(sae);
    assay_status status = upload_encoder(exec, sae, &own->uploads, &own->encoder);
    if (status == ASSAY_OK) {
        status = place_weight<Mode>(exec, own->encoder.weight, sae.d_sae, sae.d_in, &own->weights,
                                    &fixed, &shape.weight_pitch);
    }
    if (status == ASSAY_OK && added) {
        void *bias = nullptr;
        status = place_bias(exec, ASSAY_F32, own->encoder.bias, sae.d_sae, &own->weights, &bias);
        fixed.bias = bias;
    }
    own->weight_scale = fixed.scale;
    shape.element = Mode::element;
    shape.result = ASSAY_F32;
    shape.compute = Mode::compute;
    shape.bias = added;
    shape.outputs = sae.d_sae;
    shape.depth = sae.d_in;
    shape.input_pitch = pitch_of(Mode::element, sae.d_in);
    shape.weight_alignment = alignment_of(fixed.weight);
    shape.scaling = scaling_here<Mode>(exec);
    fill_fn *const fill = draw<typename Mode::Element>;
    status = status != ASSAY_OK ? status
                                : open_product(exec, shape, fixed, fill, &own->product);
    if (status == ASSAY_OK && shape.scaling == BY_LIBRARY && !has_algorithm(own->product)) {
        shape.scaling = BY_KERNEL;
        status = open_product(exec, shape, fixed, fill, &own->product);
    }
    return status != ASSAY_OK ? status : expect_algorithm(exec, own->product);
}

template <typename Mode>
assay_status prepare(const assay_exec *exec, const assay_sae_encode_params *params, void **state)
{
    State *const own = new (std::nothrow) State();
    if (own == nullptr) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "sae_encode: no memory");
    }
    const Operand others[] = {{"encoder", &params->sae.encoder}};
    assay_status status = expect(exec, Mode::io, nullptr, 0, others, 1);
    status = status != ASSAY_OK ? status : open_encoder<Mode>(exec, params->sae, own);
    return settle(exec, status, own, release, state);
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

/* Pre-activations of sums; row_scale NULL: the sums are scaled. */
static __global__ void scale_sums(Encoder encoder, const float *row_scale,
                                  const float *weight_scale, float *pre, int64_t rows)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         at < rows * encoder.d_sae; at += step) {
        const int64_t j = at % encoder.d_sae;
        const float sum = row_scale == nullptr
                              ? pre[at]
                              : pre[at] * row_scale[at / encoder.d_sae] * weight_scale[j];
        pre[at] = preactivation<float>(encoder, j, sum);
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
    const int64_t pitch = own.product.shape.input_pitch;
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
    const ProductShape &shape = own.product.shape;
    assay_status status = input_rows<Mode>(exec, own, x, first, piece.rows, scratch);
    if (status == ASSAY_OK) {
        status = run_product(exec, own.product, {scratch.input, scratch.scale, piece.rows},
                             piece.pre, encoder.d_sae, exec->workspace);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    const bool scaled = shape.scaling != BY_KERNEL;
    const bool added = shape.bias || encoder.bias.data == nullptr;
    if (encoder.scale.data != nullptr || !added || !scaled) {
        const Dimensions all = {grid_stride(piece.rows * encoder.d_sae), dim3(BLOCK), 0};
        ASSAY_LAUNCH(exec, scale_sums, all, encoder, scaled ? nullptr : scratch.scale,
                     own.weight_scale, piece.pre, piece.rows);
    }
    return find_limits(exec, encoder, piece.pre, piece.rows, piece.ranks, piece.limit);
}

template <typename Mode>
assay_status run(const assay_exec *exec, const assay_sae_encode_params *params, const void *state,
                 const assay_sae_encode_io *io)
{
    const Operand typed[] = {{"x", &io->x}};
    const Operand others[] = {{"row_offsets", &io->codes.row_offsets},
                              {"latent", &io->codes.latent},
                              {"value", &io->codes.value},
                              {"dense", &io->dense}};
    assay_status status = expect(exec, Mode::io, typed, others);
    status = status != ASSAY_OK ? status : expect_workspace(exec, workspace<Mode>(params, io));
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
                      const assay_sae_encode_io *, assay_error *error)
{
    assay_status status = mode_served<Mode>(device, error);
    status = status != ASSAY_OK
                 ? status
                 : shape_served<Mode>(params->sae.d_sae, params->sae.d_in, error);
    return status != ASSAY_OK ? status : weight_served("encoder", params->sae.encoder, error);
}

uint64_t bytes_read(const assay_sae_encode_params *, const void *state,
                    const assay_sae_encode_io *)
{
    const ProductShape &shape = static_cast<const State *>(state)->product.shape;
    return static_cast<uint64_t>(shape.outputs * shape.weight_pitch) *
           assay_dtype_size(shape.element);
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
    kernel.run.sae_encode.bytes_read = bytes_read;
    kernel.release = release;
    return kernel;
}

ASSAY_CUBLAS_MODES(ASSAY_CUBLAS_INSTANTIATE, sae_encode)

} // namespace assay_cublas
