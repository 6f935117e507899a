/* sae_encode: pieces of rows; pre-activations, then the active latents of each segment counted, the
 * counts summed up in order, and the entries written where the sums say. Nothing depends on which
 * block is first, so entries are always in the same order; the host waits for nothing. */
#include "kernels/cuda/sae_piece.h"

#include <new>

namespace assay_cuda {
namespace {

struct State {
    Uploads uploads;
    Encoder encoder;
};

struct Outputs {
    Matrix row_offsets, latent, value, dense;
    int64_t capacity;
};

__global__ void __launch_bounds__(BLOCK, RESIDENT)
    count_active(Encoder encoder, Piece piece)
{
    const int64_t row = blockIdx.y;
    const int64_t first = static_cast<int64_t>(blockIdx.x) * SEGMENT;
    const int64_t end = least(first + SEGMENT, encoder.d_sae);
    Limit limit = {0, 0};
    if (encoder.activation == ASSAY_TOPK) {
        limit = piece.limit[row];
    }
    int part = 0;
    for (int64_t j = first + threadIdx.x; j < end; j += BLOCK) {
        part += fires(encoder, limit, j, piece.pre[row * encoder.d_sae + j]) ? 1 : 0;
    }
    const int count = block_reduce<Sum>(part);
    if (threadIdx.x == 0) {
        piece.found[row * piece.segments + blockIdx.x] = count;
    }
}

/* One block: each count becomes the sum of those before it; the carry, which follows the counts of
 * a whole piece, goes on to the next piece. */
__global__ void __launch_bounds__(BLOCK, RESIDENT)
    sum_counts(Piece piece, int64_t row_first, int64_t carry_at, Matrix row_offsets)
{
    const bool listed = row_offsets.data != nullptr;
    int64_t base = row_first == 0 ? 0 : piece.found[carry_at];
    if (row_first == 0 && threadIdx.x == 0 && listed) {
        store_index(row_offsets, 0, 0);
    }
    const int64_t counts = piece.rows * piece.segments;
    for (int64_t at = 0; at < counts; at += BLOCK) {
        const int64_t i = at + threadIdx.x;
        const int64_t own = i < counts ? piece.found[i] : 0;
        int64_t total = 0;
        const int64_t before = base + block_scan(own, &total);
        if (i < counts) {
            piece.found[i] = before;
            if (listed && (i + 1) % piece.segments == 0) {
                store_index(row_offsets, row_first + (i + 1) / piece.segments, before + own);
            }
        }
        base += total;
    }
    __syncthreads(); /* everybody has read the carry */
    if (threadIdx.x == 0) {
        piece.found[carry_at] = base;
    }
}

__global__ void __launch_bounds__(BLOCK, RESIDENT)
    write_active(Encoder encoder, Piece piece, int64_t row_first, Outputs out)
{
    const int64_t row = blockIdx.y;
    const int64_t first = static_cast<int64_t>(blockIdx.x) * SEGMENT;
    const int64_t end = least(first + SEGMENT, encoder.d_sae);
    Limit limit = {0, 0};
    if (encoder.activation == ASSAY_TOPK) {
        limit = piece.limit[row];
    }
    int64_t base = piece.found[row * piece.segments + blockIdx.x];
    for (int64_t at = first; at < end; at += BLOCK) {
        const int64_t j = at + threadIdx.x;
        const float pre = j < end ? piece.pre[row * encoder.d_sae + j] : 0.0f;
        const int active = j < end && fires(encoder, limit, j, pre) ? 1 : 0;
        int total = 0;
        const int64_t entry = base + block_scan(active, &total);
        if (active != 0 && entry < out.capacity) {
            store_index(out.latent, entry, j);
            store(out.value, 0, entry, pre);
        }
        if (j < end && out.dense.data != nullptr) {
            store(out.dense, row_first + row, j, active != 0 ? pre : 0.0f);
        }
        base += total;
    }
}

void release(const assay_exec *, void *state)
{
    State *const own = static_cast<State *>(state);
    if (own != nullptr) {
        release_uploads(&own->uploads);
        delete own;
    }
}

assay_status prepare(const assay_exec *exec, const assay_sae_encode_params *params, void **state)
{
    State *const own = new (std::nothrow) State();
    if (own == nullptr) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "sae_encode: no memory");
    }
    const assay_status status =
        upload_encoder(exec, params->sae, &own->uploads, &own->encoder);
    return settle(exec, status, own, release, state);
}

size_t workspace(const assay_sae_encode_params *params, const assay_sae_encode_io *io)
{
    return piece_bytes(params->sae, rows_of_piece(params->sae, io->x.shape[0]));
}

Outputs outputs_of(const assay_sae_encode_io *io)
{
    const bool entries = assay_present(&io->codes.latent) && assay_present(&io->codes.value);
    return {matrix_of(io->codes.row_offsets), matrix_of(io->codes.latent),
            matrix_of(io->codes.value), matrix_of(io->dense),
            entries ? least(io->codes.latent.shape[0], io->codes.value.shape[0]) : 0};
}

template <typename T>
assay_status run_piece(const assay_exec *exec, const Encoder &encoder, const Matrix &x,
                       int64_t first, int64_t carry_at, const Piece &piece, const Outputs &out)
{
    const assay_status status = encode_piece<T>(exec, encoder, x, first, piece);
    if (status != ASSAY_OK) {
        return status;
    }
    const Dimensions each = {dim3(static_cast<unsigned>(piece.segments),
                                  static_cast<unsigned>(piece.rows)),
                             dim3(BLOCK), 0};
    const Dimensions one = {dim3(1), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, count_active, each, encoder, piece);
    ASSAY_LAUNCH(exec, sum_counts, one, piece, first, carry_at, out.row_offsets);
    ASSAY_LAUNCH(exec, write_active, each, encoder, piece, first, out);
    return ASSAY_OK;
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
    const int64_t rows = io->x.shape[0];
    const int64_t at_once = rows_of_piece(params->sae, rows);
    Piece piece = carve(params->sae, at_once, exec->workspace);
    const int64_t carry_at = at_once * piece.segments;
    const Encoder &encoder = static_cast<const State *>(state)->encoder;
    for (int64_t first = 0; status == ASSAY_OK && (first < rows || first == 0);
         first += at_once > 0 ? at_once : 1) { /* no rows: the one offset is written */
        piece.rows = least(at_once, rows - first);
        status = run_piece<T>(exec, encoder, matrix_of(io->x), first, carry_at, piece,
                              outputs_of(io));
    }
    return status;
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
    kernel.release = release;
    return kernel;
}

} // namespace

ASSAY_CUDA_KERNEL(sae_encode)

} // namespace assay_cuda
