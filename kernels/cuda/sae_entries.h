/* From pre-activations to the entries of sparse rows: the active latents of each segment of a row
 * are counted, the counts summed up in order, and the entries written where the sums say. Nothing
 * depends on which block is first, so entries are always in the same order; the host waits for
 * nothing. Kernels have internal linkage: each file of an encoder has its own. */
#ifndef KERNELS_CUDA_SAE_ENTRIES_H
#define KERNELS_CUDA_SAE_ENTRIES_H

#include "kernels/cuda/sae_piece.h"

namespace assay_cuda {

struct Outputs {
    Matrix row_offsets, latent, value, dense;
    int64_t capacity;
};

static __global__ void __launch_bounds__(BLOCK, RESIDENT)
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
static __global__ void __launch_bounds__(BLOCK, RESIDENT)
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

static __global__ void __launch_bounds__(BLOCK, RESIDENT)
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

inline Outputs outputs_of(const assay_sae_encode_io *io)
{
    const bool entries = assay_present(&io->codes.latent) && assay_present(&io->codes.value);
    return {matrix_of(io->codes.row_offsets), matrix_of(io->codes.latent),
            matrix_of(io->codes.value), matrix_of(io->dense),
            entries ? least(io->codes.latent.shape[0], io->codes.value.shape[0]) : 0};
}

inline assay_status write_entries(const assay_exec *exec, const Encoder &encoder, int64_t first,
                                  int64_t carry_at, const Piece &piece, const Outputs &out)
{
    const Dimensions each = {dim3(static_cast<unsigned>(piece.segments),
                                  static_cast<unsigned>(piece.rows)),
                             dim3(BLOCK), 0};
    const Dimensions one = {dim3(1), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, count_active, each, encoder, piece);
    ASSAY_LAUNCH(exec, sum_counts, one, piece, first, carry_at, out.row_offsets);
    ASSAY_LAUNCH(exec, write_active, each, encoder, piece, first, out);
    return ASSAY_OK;
}

/* All rows, at most `piece.rows` at a time: `encode(first, piece)` writes the pre-activations of
 * rows first .. and, for topk, their limits. */
template <typename Encode>
assay_status encode_in_pieces(const assay_exec *exec, const Encoder &encoder,
                              const assay_sae_encode_io *io, Piece piece, Encode encode)
{
    const int64_t rows = io->x.shape[0];
    const int64_t at_once = piece.rows;
    const int64_t carry_at = at_once * piece.segments;
    assay_status status = ASSAY_OK;
    for (int64_t first = 0; status == ASSAY_OK && (first < rows || first == 0);
         first += at_once > 0 ? at_once : 1) { /* no rows: the one offset is written */
        piece.rows = least(at_once, rows - first);
        status = encode(first, piece);
        if (status == ASSAY_OK) {
            status = write_entries(exec, encoder, first, carry_at, piece, outputs_of(io));
        }
    }
    return status;
}

} // namespace assay_cuda

#endif
