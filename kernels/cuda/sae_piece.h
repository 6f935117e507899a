/* Pre-activations of many rows at a time, and for topk which of them are among the k. */
#ifndef KERNELS_CUDA_SAE_PIECE_H
#define KERNELS_CUDA_SAE_PIECE_H

#include "kernels/cuda/product.h"
#include "kernels/cuda/sae_limit.h"

namespace assay_cuda {

/* Scratch of a piece of rows: z [rows, d_in], pre [rows, d_sae], a limit for each row, the number
 * of active latents of each segment of a row, and how many were found before. */
enum { SEGMENT = 2048 };
struct Piece {
    float *z, *pre;
    Limit *limit;
    Ranks ranks;
    int64_t *found; /* [rows * segments], then the carry */
    int64_t rows, segments;
};

inline int64_t segments_of(int64_t d_sae)
{
    return blocks_for(d_sae, SEGMENT);
}

/* What makes entries of pre-activations: a whole number of words of 8 bytes. */
inline size_t entries_bytes(const assay_sae &sae, int64_t rows)
{
    const int64_t words = segments_of(sae.d_sae) + 2;
    return static_cast<size_t>(rows * words + 1) * sizeof(int64_t) + ranks_bytes(sae, rows);
}

/* Where z and pre begin, from the start of a workspace: at multiples of PART_ALIGNED, as the
 * workspace does, so that rows of whole octets are read in octets (product.h). */
enum { PART_ALIGNED = 256 };
struct PieceParts {
    size_t z, pre, all;
};

constexpr size_t next_part(size_t at, size_t bytes)
{
    return (at + bytes + PART_ALIGNED - 1) / PART_ALIGNED * PART_ALIGNED;
}

inline PieceParts parts_of_piece(const assay_sae &sae, int64_t rows)
{
    PieceParts at = {};
    at.z = next_part(0, entries_bytes(sae, rows));
    at.pre = next_part(at.z, static_cast<size_t>(rows * sae.d_in) * sizeof(float));
    at.all = next_part(at.pre, static_cast<size_t>(rows * sae.d_sae) * sizeof(float));
    return at;
}

inline size_t piece_bytes(const assay_sae &sae, int64_t rows)
{
    return parts_of_piece(sae, rows).all;
}

inline int64_t rows_of_piece(const assay_sae &sae, int64_t rows)
{
    constexpr int64_t rows_most = 4096;
    const int64_t fit = static_cast<int64_t>(WORKSPACE_MOST / piece_bytes(sae, 1));
    return least(rows, fit < 1 ? 1 : least(fit, rows_most));
}

/* Its parts in entries_bytes of memory; z and pre are the caller's. */
inline Piece carve_entries(const assay_sae &sae, int64_t rows, void *memory)
{
    Piece piece = {};
    piece.rows = rows;
    piece.segments = segments_of(sae.d_sae);
    piece.found = static_cast<int64_t *>(memory);
    piece.limit = reinterpret_cast<Limit *>(piece.found + rows * piece.segments + 1);
    piece.ranks = carve_ranks(sae, rows, piece.limit + rows);
    return piece;
}

inline Piece carve(const assay_sae &sae, int64_t rows, void *workspace)
{
    const PieceParts at = parts_of_piece(sae, rows);
    char *const base = static_cast<char *>(workspace);
    Piece piece = carve_entries(sae, rows, workspace);
    piece.z = reinterpret_cast<float *>(base + at.z);
    piece.pre = reinterpret_cast<float *>(base + at.pre);
    return piece;
}

inline Matrix dense_f32(float *data, int64_t columns)
{
    return {data, columns, 1, ASSAY_F32};
}

/* What the encoder multiplies, in the type it multiplies; zeros from d_in on. A block a row.
 * Internal linkage: each file of an SAE's kernel has its own. */
template <typename Element>
static __global__ void __launch_bounds__(BLOCK, RESIDENT)
    encoder_rows(Encoder encoder, Matrix x, int64_t row_first, Element *z, int64_t pitch)
{
    const int64_t row = row_first + blockIdx.x;
    Moments moments = {0.0, 1.0};
    if (encoder.layer_norm) {
        moments = row_moments(x, row, encoder.d_in);
    }
    for (int64_t i = threadIdx.x; i < pitch; i += BLOCK) {
        const float value =
            i < encoder.d_in ? encoder_input(encoder, x, row, i, moments) : 0.0f;
        narrow(value, z + blockIdx.x * pitch + i);
    }
}

template <typename T> struct Preactivations {
    Encoder encoder;
    float *pre;

    Preactivations from(int64_t row) const { return {encoder, pre + row * encoder.d_sae}; }

    __device__ __forceinline__ void operator()(int64_t n, int64_t j, float dot) const
    {
        pre[n * encoder.d_sae + j] = preactivation<T>(encoder, j, dot);
    }
};

/* Pre-activations of rows row_first .., and for topk their limits. */
template <typename T>
assay_status encode_piece(const assay_exec *exec, const Encoder &encoder, const Matrix &x,
                          int64_t row_first, const Piece &piece)
{
    const Dimensions rows = {dim3(static_cast<unsigned>(piece.rows)), dim3(BLOCK), 0};
    ASSAY_LAUNCH(exec, encoder_rows<float>, rows, encoder, x, row_first, piece.z, encoder.d_in);
    const assay_status status =
        product(exec, dense_f32(piece.z, encoder.d_in), encoder.weight, piece.rows, encoder.d_sae,
                encoder.d_in, Preactivations<T>{encoder, piece.pre});
    return status != ASSAY_OK ? status
                              : find_limits(exec, encoder, piece.pre, piece.rows, piece.ranks,
                                            piece.limit);
}

} // namespace assay_cuda

#endif
