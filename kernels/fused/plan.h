/* What the fused encoders decide before anything runs, whatever multiplies, with nothing of CUDA in
 * it: tiles and their order, where operands lie in shared memory, which element of a sum a thread
 * holds, and how a workspace is divided.
 *
 * Shared memory. A stage holds DEPTH elements of k (128 bytes of bf16) of TILE_ROWS rows of x and
 * of TILE_LATENTS rows of the encoder, each row at a pitch of 128 bytes, its 16-byte pieces
 * exchanged by the row's number modulo 8: the eight rows that are read at once then lie in all
 * banks.
 * Source: PTX ISA, register fragments of D of wgmma and of mma.m16n8k16. */
#ifndef KERNELS_FUSED_PLAN_H
#define KERNELS_FUSED_PLAN_H

#include <cstddef>
#include <cstdint>

#ifdef __CUDACC__
#define ASSAY_FUSED_BOTH __host__ __device__
#else
#define ASSAY_FUSED_BOTH
#endif

namespace assay_fused {

enum {
    TILE_ROWS = 128,    /* of x; each of two warp groups multiplies half of them */
    TILE_LATENTS = 256, /* rows of the encoder */
    DEPTH = 64,         /* elements of k in a stage */
    STEP = 16,          /* elements of k in one product of 16-bit numbers */
    CLUSTER = 2,        /* tiles of neighbouring rows that are one unit of work */
    GROUP_ROWS = 64,    /* rows of x that a warp group multiplies */
    GROUP_THREADS = 128,
    SUMS = GROUP_ROWS * TILE_LATENTS / GROUP_THREADS, /* of a thread */
    VECTOR = 16,        /* bytes that operands' addresses and pitches are multiples of */
    QUOTA = 32          /* entries of one row and tile that are kept until their place is known */
};

constexpr uint32_t ROW_BYTES = DEPTH * 2;
constexpr uint32_t X_BYTES = TILE_ROWS * ROW_BYTES;
constexpr uint32_t STAGE_BYTES = X_BYTES + TILE_LATENTS * ROW_BYTES;
constexpr uint32_t ATOM = 1024; /* bytes after which the exchange repeats */

/* What stands beside a latent's sum, in f32. */
struct alignas(16) Column {
    float scale, bias, gate, threshold;
};

ASSAY_FUSED_BOTH constexpr int64_t parts_of(int64_t whole, int64_t part)
{
    return (whole + part - 1) / part;
}

/* Units of work are one encoder's tile for the CLUSTER tiles of rows of a cluster. */
struct Unit {
    int64_t pair, tile; /* rows pair*CLUSTER*TILE_ROWS ..; latents tile*TILE_LATENTS .. */
};

ASSAY_FUSED_BOTH constexpr int64_t pairs_of(int64_t rows)
{
    return parts_of(rows, CLUSTER * TILE_ROWS);
}

ASSAY_FUSED_BOTH constexpr int64_t tiles_of(int64_t latents)
{
    return parts_of(latents, TILE_LATENTS);
}

/* Units that run at the same time are neighbours in this order: all rows (of at most PAIRS pairs,
 * whose x the L2 cache keeps) of one tile of the encoder, then the next tile, so that the encoder
 * comes from memory once for them all. */
constexpr int64_t PAIRS = 8;
ASSAY_FUSED_BOTH constexpr Unit unit_of(int64_t number, int64_t pairs, int64_t tiles)
{
    const int64_t first = number / (PAIRS * tiles) * PAIRS;
    const int64_t width = pairs - first < PAIRS ? pairs - first : PAIRS;
    const int64_t rest = number - first * tiles;
    return {first + rest % width, rest / width};
}

/* Where the exchange of pieces puts what would be at this offset from a multiple of ATOM. */
ASSAY_FUSED_BOTH constexpr uint32_t swizzled(uint32_t offset)
{
    return offset ^ (offset >> 7 & 7) << 4;
}

/* Sum i of thread t of a warp group stands for this row and latent of its 64 x 256. A pair of sums
 * (i even, and i + 1) is of one row and neighbouring latents; four neighbouring threads share a
 * row, and both of a warp's rows of one thread ascend in latents as i does. */
ASSAY_FUSED_BOTH constexpr int row_of_sum(int t, int i)
{
    return t / 32 * 16 + t % 32 / 4 + i / 2 % 2 * 8;
}

ASSAY_FUSED_BOTH constexpr int latent_of_sum(int t, int i)
{
    return i / 4 * 8 + t % 4 * 2 + i % 2;
}

struct Extent {
    int64_t rows, latents, depth;
};

/* Whose sums an ending is given: those of a thread of a warp group (row_of_sum, latent_of_sum). */
struct Place {
    int64_t unit, tile;
    int64_t row, latent; /* the first of the warp group's 64 x 256 */
    int thread;          /* 0 .. GROUP_THREADS - 1 */
};

constexpr size_t whole(size_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

/* Elements from one row of z to the next: whole vectors. */
constexpr int64_t pitch_of(int64_t d_in)
{
    return parts_of(d_in, VECTOR / 2) * (VECTOR / 2);
}

/* A workspace for `rows` rows: where each part begins, in bytes, and all of it.
 *   z       [rows, pitch] bf16: what is multiplied
 *   value   [rows, tiles, QUOTA] f32: entries before their place is known
 *   latent  the same, u8: their latents within the tile
 *   count   [rows, tiles] i32: entries found
 *   before  [rows, tiles] i32: those of the row's tiles before
 *   base    [rows + 1] i64: those of the rows before; the last is the carry to the next rows
 *   again   [units] i32: not 0 where some row has more than QUOTA in the tile */
struct Layout {
    size_t z, value, latent, count, before, base, again, all;
};

constexpr Layout layout_of(int64_t rows, int64_t d_in, int64_t d_sae)
{
    const size_t slots = static_cast<size_t>(rows * tiles_of(d_sae));
    Layout at = {};
    at.value = at.z + whole(static_cast<size_t>(rows * pitch_of(d_in)) * 2);
    at.latent = at.value + whole(slots * QUOTA * sizeof(float));
    at.count = at.latent + whole(slots * QUOTA);
    at.before = at.count + whole(slots * sizeof(int32_t));
    at.base = at.before + whole(slots * sizeof(int32_t));
    at.again = at.base + whole(static_cast<size_t>(rows + 1) * sizeof(int64_t));
    at.all = at.again +
             whole(static_cast<size_t>(pairs_of(rows) * tiles_of(d_sae)) * sizeof(int32_t));
    return at;
}

/* For topk: pre-activations of whole rows, and what selects among them.
 *   found   [rows * segments + 1] i64      limit   [rows] of limit_bytes */
struct ScoresLayout {
    size_t z, pre, found, limit, all;
};

constexpr ScoresLayout scores_layout_of(int64_t rows, int64_t d_in, int64_t d_sae,
                                        int64_t segments, size_t limit_bytes)
{
    ScoresLayout at = {};
    at.pre = at.z + whole(static_cast<size_t>(rows * pitch_of(d_in)) * 2);
    at.found = at.pre + whole(static_cast<size_t>(rows * d_sae) * sizeof(float));
    at.limit = at.found + whole(static_cast<size_t>(rows * segments + 1) * sizeof(int64_t));
    at.all = at.limit + whole(static_cast<size_t>(rows) * limit_bytes);
    return at;
}

/* Rows at a time: as many as fit `most` bytes by `bytes(rows)`, whole units of rows where that is
 * more than one; at least one row. */
template <typename Bytes> int64_t rows_at_once(int64_t rows, size_t most, Bytes bytes)
{
    constexpr int64_t rows_most = 4096;
    constexpr int64_t unit = CLUSTER * TILE_ROWS;
    int64_t fit = 1;
    int64_t beyond = rows < rows_most ? rows + 1 : rows_most + 1;
    while (beyond - fit > 1) {
        const int64_t middle = fit + (beyond - fit) / 2;
        (bytes(middle) <= most ? fit : beyond) = middle;
    }
    if (rows <= fit) {
        return rows;
    }
    return fit > unit ? fit / unit * unit : fit;
}

} // namespace assay_fused

#endif
