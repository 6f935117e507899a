/* sae_decode: the sum of the listed latents' columns, in the order listed.
 *
 * A published decoder is [d_out, d_sae], so its columns are strided: prepare packs a transposed
 * copy in the stored type (as large as the decoder), and a decode reads only the columns listed. A
 * decoder that is a transposed view is used where it lies. */
#ifndef KERNELS_SCALAR_SAE_DECODE_H
#define KERNELS_SCALAR_SAE_DECODE_H

#include <stdlib.h>

#include "kernels/exec/memory.h"
#include "kernels/scalar/sae.h"

typedef struct scalar_decoder {
    assay_tensor columns; /* [d_sae, d_out], rows dense */
    void *packed;         /* NULL when columns is a view of the decoder itself */
} scalar_decoder;

enum { SCALAR_TILE = 64 };

/* A tile's rows o .. o+height-1, columns j .. j+width-1. Through a buffer: a decoder's width is a
 * power of two as a rule, so that the lines of one of its columns share a few places in the
 * cache. */
#define SCALAR_TRANSPOSE_TILE(name, type)                                                          \
    static inline void name(const assay_tensor *from, const assay_tensor *to, int64_t o,           \
                            int64_t height, int64_t j, int64_t width)                              \
    {                                                                                              \
        type tile[SCALAR_TILE][SCALAR_TILE];                                                       \
        for (int64_t r = 0; r < height; r++) {                                                     \
            const type *const row = (const type *)scalar_address(from, o + r, j);                  \
            for (int64_t c = 0; c < width; c++) {                                                  \
                tile[c][r] = row[c * from->stride[1]];                                             \
            }                                                                                      \
        }                                                                                          \
        for (int64_t c = 0; c < width; c++) {                                                      \
            memcpy(scalar_address(to, j + c, o), tile[c], (size_t)height * sizeof(type));          \
        }                                                                                          \
    }
SCALAR_TRANSPOSE_TILE(scalar_tile_8, uint8_t)
SCALAR_TRANSPOSE_TILE(scalar_tile_16, uint16_t)
SCALAR_TRANSPOSE_TILE(scalar_tile_32, uint32_t)
SCALAR_TRANSPOSE_TILE(scalar_tile_64, uint64_t)
#undef SCALAR_TRANSPOSE_TILE

/* Rows of `to` are dense. */
static inline void scalar_transpose(const assay_exec *exec, const assay_tensor *from,
                                    const assay_tensor *to)
{
    const int64_t d_out = from->shape[0];
    const int64_t d_sae = from->shape[1];
#pragma omp parallel for num_threads(scalar_threads(exec, d_out * d_sae)) schedule(static)
    for (int64_t j = 0; j < d_sae; j += SCALAR_TILE) {
        const int64_t width = scalar_min(SCALAR_TILE, d_sae - j);
        for (int64_t o = 0; o < d_out; o += SCALAR_TILE) {
            const int64_t height = scalar_min(SCALAR_TILE, d_out - o);
            switch (assay_dtype_size(from->dtype)) {
            case 1: scalar_tile_8(from, to, o, height, j, width); break;
            case 2: scalar_tile_16(from, to, o, height, j, width); break;
            case 4: scalar_tile_32(from, to, o, height, j, width); break;
            default: scalar_tile_64(from, to, o, height, j, width); break;
            }
        }
    }
}

static inline assay_status scalar_decode_prepare(const assay_exec *exec,
                                                 const assay_sae_decode_params *params,
                                                 void **state)
{
    const assay_tensor *const stored = &params->sae.decoder;
    scalar_decoder *const decoder = calloc(1, sizeof *decoder);
    if (decoder == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "sae_decode: no memory");
    }
    if (stored->stride[0] == 1 || stored->shape[0] == 1) {
        decoder->columns = *stored;
        decoder->columns.shape[0] = stored->shape[1];
        decoder->columns.shape[1] = stored->shape[0];
        decoder->columns.stride[0] = stored->stride[1];
        decoder->columns.stride[1] = 1;
    } else {
        const uint64_t bytes = (uint64_t)assay_count(stored) * assay_dtype_size(stored->dtype);
        const assay_status status = assay_memory_take(exec, bytes, "the decoder's transposed copy",
                                                      &decoder->packed);
        if (status != ASSAY_OK) {
            free(decoder);
            return status;
        }
        decoder->columns = assay_matrix(decoder->packed, stored->dtype, stored->shape[1],
                                        stored->shape[0]);
        scalar_transpose(exec, stored, &decoder->columns);
    }
    *state = decoder;
    return ASSAY_OK;
}

static inline void scalar_decode_release(const assay_exec *exec, void *state)
{
    scalar_decoder *const decoder = state;
    if (decoder != NULL) {
        assay_memory_return(exec, &decoder->packed);
        free(decoder);
    }
}

/* One run reads each listed column once, and at most the whole decoder. */
static inline uint64_t scalar_decode_bytes_read(const assay_sae_decode_params *params,
                                                const void *state, const assay_sae_decode_io *io)
{
    (void)state;
    const assay_tensor *const decoder = &params->sae.decoder;
    const int64_t listed = (int64_t)assay_at1(&io->codes.row_offsets, io->y.shape[0]);
    const int64_t columns = scalar_min(listed, params->sae.d_sae);
    return (uint64_t)(columns * params->sae.d_out) * assay_dtype_size(decoder->dtype);
}

/* Elements at .. at+n-1 of row n of y. */
static inline void scalar_decode_piece(const assay_sae *sae, const assay_tensor *columns,
                                       const assay_sae_decode_io *io, int64_t row, int64_t at,
                                       int64_t n, scalar_moments moments)
{
    float sum[SCALAR_PIECE] = {0};
    float buffer[SCALAR_PIECE];
    const int64_t end = (int64_t)assay_at1(&io->codes.row_offsets, row + 1);
    for (int64_t e = (int64_t)assay_at1(&io->codes.row_offsets, row); e < end; e++) {
        const int64_t j = scalar_index(&io->codes.latent, e);
        const double scale = scalar_optional(&sae->decode_scale, j, 1.0);
        if (scale == 0.0) {
            continue; /* its column may hold anything */
        }
        const float factor = (float)(assay_at1(&io->codes.value, e) * scale);
        const float *const column = scalar_piece(columns, j, at, n, buffer);
        for (int64_t i = 0; i < n; i++) {
            sum[i] += factor * column[i];
        }
    }
    for (int64_t i = 0; i < n; i++) {
        const double value = (double)sum[i] + scalar_optional(&sae->decode_bias, at + i, 0.0);
        assay_put2(&io->y, row, at + i,
                   sae->layer_norm ? value * moments.deviation + moments.mean : value);
    }
}

static inline assay_status scalar_sae_decode(const assay_precision *contract,
                                             const assay_exec *exec,
                                             const assay_sae_decode_params *params,
                                             const void *state, const assay_sae_decode_io *io)
{
    const assay_status status = scalar_expect(exec, "y", &io->y, contract->output);
    if (status != ASSAY_OK) {
        return status;
    }
    const assay_sae *const sae = &params->sae;
    const scalar_decoder *const decoder = state;
    const int64_t rows = io->y.shape[0];
    const int64_t pieces = (sae->d_out + SCALAR_PIECE - 1) / SCALAR_PIECE;
    const int64_t listed = (int64_t)assay_at1(&io->codes.row_offsets, rows);
#pragma omp parallel for num_threads(scalar_threads(exec, listed * sae->d_out)) schedule(dynamic)
    for (int64_t task = 0; task < rows * pieces; task++) {
        const int64_t row = task / pieces;
        const int64_t at = task % pieces * SCALAR_PIECE;
        scalar_moments moments = {.mean = 0.0, .deviation = 1.0};
        if (sae->layer_norm) {
            moments = scalar_row_moments(&io->x, row);
        }
        scalar_decode_piece(sae, &decoder->columns, io, row, at,
                            scalar_min(SCALAR_PIECE, sae->d_out - at), moments);
    }
    return ASSAY_OK;
}

#endif
