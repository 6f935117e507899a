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
};

void release(const assay_exec *, void *state)
{
    State *const own = static_cast<State *>(state);
    if (own != nullptr) {
        close_product(&own->product);
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
    const void *weight = nullptr;
    void *bias = nullptr;
    const bool added = library_adds<Mode>(sae);
    assay_status status = upload_encoder(exec, sae, &own->uploads, &own->encoder);
    if (status == ASSAY_OK) {
        status = place_weight<typename Mode::Element>(exec, Mode::element, own->encoder.weight,
                                                      sae.d_sae, sae.d_in, &own->weights, &weight,
                                                      &shape.weight_pitch);
    }
    if (status == ASSAY_OK && added) {
        status = place_bias(exec, ASSAY_F32, own->encoder.bias, sae.d_sae, &own->weights, &bias);
    }
    shape.element = Mode::element;
    shape.result = ASSAY_F32;
    shape.compute = Mode::compute;
    shape.bias = added;
    shape.outputs = sae.d_sae;
    shape.depth = sae.d_in;
    shape.input_pitch = pitch_of(Mode::element, sae.d_in);
    shape.weight_alignment = alignment_of(weight);
    return status != ASSAY_OK ? status
                              : open_product(exec, shape, weight, bias,
                                             draw<typename Mode::Element>, &own->product);
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

/* Scratch of a piece, each part at an aligned address: the library's, rows as multiplied,
 * pre-activations, and what makes entries of them. */
struct Parts {
    size_t input, pre, entries;
};

template <typename Mode> Parts parts_of(const assay_sae &sae, int64_t rows)
{
    const int64_t pitch = pitch_of(Mode::element, sae.d_in);
    return {whole(static_cast<size_t>(rows * pitch) * assay_dtype_size(Mode::element)),
            whole(static_cast<size_t>(rows * sae.d_sae) * sizeof(float)),
            whole(entries_bytes(sae, rows))};
}

template <typename Mode> int64_t rows_at_once(const assay_sae &sae, int64_t rows)
{
    constexpr int64_t rows_most = 4096;
    const Parts one = parts_of<Mode>(sae, 1);
    return rows_that_fit(least(rows, rows_most), one.input + one.pre + one.entries,
                         WORKSPACE_MOST);
}

template <typename Mode>
size_t workspace(const assay_sae_encode_params *params, const assay_sae_encode_io *io)
{
    const Parts parts =
        parts_of<Mode>(params->sae, rows_at_once<Mode>(params->sae, io->x.shape[0]));
    return library_workspace() + parts.input + parts.pre + parts.entries;
}

static __global__ void scale_sums(Encoder encoder, float *pre, int64_t rows)
{
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         at < rows * encoder.d_sae; at += step) {
        pre[at] = preactivation<float>(encoder, at % encoder.d_sae, pre[at]);
    }
}

template <typename Mode>
assay_status encode_rows(const assay_exec *exec, const State &own, const Matrix &x, int64_t first,
                         const Piece &piece, typename Mode::Element *input)
{
    const Encoder &encoder = own.encoder;
    const Dimensions rows = {dim3(static_cast<unsigned>(piece.rows)), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, encoder_rows<typename Mode::Element>, rows, encoder, x, first, input,
                 own.product.shape.input_pitch);
    const assay_status status = run_product(exec, own.product, input, piece.rows, piece.pre,
                                            encoder.d_sae, exec->workspace);
    if (status != ASSAY_OK) {
        return status;
    }
    const bool added = own.product.shape.bias || encoder.bias.data == nullptr;
    if (encoder.scale.data != nullptr || !added) {
        const Dimensions all = {grid_stride(piece.rows * encoder.d_sae), dim3(BLOCK), 0};
        ASSAY_LAUNCH(exec, scale_sums, all, encoder, piece.pre, piece.rows);
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
    using Element = typename Mode::Element;
    const int64_t at_once = rows_at_once<Mode>(params->sae, io->x.shape[0]);
    const Parts parts = parts_of<Mode>(params->sae, at_once);
    char *const base = static_cast<char *>(exec->workspace) + library_workspace();
    Piece piece = carve_entries(params->sae, at_once, base + parts.input + parts.pre);
    piece.pre = reinterpret_cast<float *>(base + parts.input);
    const State &own = *static_cast<const State *>(state);
    return encode_in_pieces(exec, own.encoder, io, piece,
                            [&](int64_t first, const Piece &part) {
                                return encode_rows<Mode>(exec, own, matrix_of(io->x), first, part,
                                                         reinterpret_cast<Element *>(base));
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
