/* sae_decode by vectors: the listed latents' rows of a decoder kept latent by latent.
 *
 * Columns of the output stay in registers while the listed latents pass in ascending order, so a
 * row's sum never depends on its neighbours, on threads or on how columns are split. What bounds it
 * is the reading of rows scattered over memory: those to come are asked for ahead. */
#ifndef KERNELS_SIMD_SAE_DECODE_H
#define KERNELS_SIMD_SAE_DECODE_H

#include "kernels/scalar/sae.h"
#include "kernels/simd/vector.h"

enum {
    SIMD_DECODE_VECTORS = VEC == 16 ? 16 : 8,       /* sums kept in registers: half of them */
    SIMD_DECODE_BLOCK = SIMD_DECODE_VECTORS * VEC,  /* columns */
    SIMD_DECODE_PIECE = 4096,                       /* columns of one task: 16 KiB of sums */
    SIMD_DECODE_LISTED = 128,                       /* latents whose factors are ready at a time */
    SIMD_DECODE_AHEAD = 4                           /* latents asked for before they are needed */
};

typedef struct simd_decoder {
    assay_tensor columns; /* [d_sae, d_out] f32 or bf16, each row dense */
    void *packed;         /* NULL when columns is a view of the decoder itself */
    float *bias;          /* [d_out], zeros where there is none */
} simd_decoder;

static inline void simd_decode_release(const assay_exec *exec, void *state)
{
    simd_decoder *const decoder = state;
    (void)exec;
    if (decoder != NULL) {
        free(decoder->packed);
        free(decoder->bias);
        free(decoder);
    }
}

/* Latents j .. j+width-1 of a decoder stored [d_out, d_sae]: through a tile, since the lines of one
 * of its columns share a few places in the cache. An f64 is rounded to odd, so that rounding the
 * tile to bf16 rounds it once. */
static inline void simd_decode_pack(const assay_tensor *stored, const assay_tensor *to, int64_t j,
                                    int64_t width)
{
    enum { TILE = 64 };
    float tile[TILE][TILE];
    float buffer[TILE];
    const int64_t d_out = stored->shape[0];
    for (int64_t o = 0; o < d_out; o += TILE) {
        const int64_t height = scalar_min(TILE, d_out - o);
        for (int64_t r = 0; r < height; r++) {
            const float *row = buffer;
            if (stored->dtype == ASSAY_F64 && to->dtype == ASSAY_BF16) {
                for (int64_t c = 0; c < width; c++) {
                    buffer[c] = assay_f64_to_f32_odd(assay_at2(stored, o + r, j + c));
                }
            } else {
                row = scalar_piece(stored, o + r, j, width, buffer);
            }
            for (int64_t c = 0; c < width; c++) {
                tile[c][r] = row[c];
            }
        }
        for (int64_t c = 0; c < width; c++) {
            scalar_store(to, j + c, o, height, tile[c]);
        }
    }
}

static inline assay_status simd_decode_columns(const assay_exec *exec, assay_dtype type,
                                               const assay_tensor *stored, simd_decoder *decoder)
{
    const int64_t d_out = stored->shape[0];
    const int64_t d_sae = stored->shape[1];
    if (stored->stride[0] == 1 && stored->dtype == type) {
        decoder->columns = *stored;
        decoder->columns.shape[0] = d_sae;
        decoder->columns.shape[1] = d_out;
        decoder->columns.stride[0] = stored->stride[1];
        decoder->columns.stride[1] = 1;
        return ASSAY_OK;
    }
    const size_t size = assay_dtype_size(type);
    const int64_t pitch = (int64_t)simd_round_up((size_t)d_out, SIMD_LINE / size);
    decoder->packed = simd_allocate((size_t)(d_sae * pitch) * size);
    if (decoder->packed == NULL) {
        return assay_fail(exec->error, ASSAY_NO_MEMORY,
                          "sae_decode: no memory for a %s copy of a decoder of %lld x %lld",
                          assay_dtype_name(type), (long long)d_out, (long long)d_sae);
    }
    decoder->columns = assay_matrix(decoder->packed, type, d_sae, d_out);
    decoder->columns.stride[0] = pitch;
#pragma omp parallel for num_threads(simd_threads(exec, d_out * d_sae)) schedule(static)
    for (int64_t j = 0; j < d_sae; j += 64) {
        simd_decode_pack(stored, &decoder->columns, j, scalar_min(64, d_sae - j));
    }
    return ASSAY_OK;
}

/* type: what the decoder is kept in; ASSAY_NONE: as stored where that is bf16, else f32. */
static inline assay_status simd_decode_prepare(const assay_exec *exec, assay_dtype type,
                                               const assay_sae_decode_params *params, void **state)
{
    const assay_sae *const sae = &params->sae;
    const assay_dtype own = sae->decoder.dtype == ASSAY_BF16 ? ASSAY_BF16 : ASSAY_F32;
    simd_decoder *const decoder = calloc(1, sizeof *decoder);
    assay_status status = ASSAY_OK;
    if (decoder != NULL) {
        decoder->bias = simd_allocate((size_t)sae->d_out * sizeof *decoder->bias);
    }
    if (decoder == NULL || decoder->bias == NULL) {
        status = assay_fail(exec->error, ASSAY_NO_MEMORY, "sae_decode: no memory for its state");
        goto fail;
    }
    for (int64_t i = 0; i < sae->d_out; i++) {
        decoder->bias[i] = (float)scalar_optional(&sae->decode_bias, i, 0.0);
    }
    status = simd_decode_columns(exec, type == ASSAY_NONE ? own : type, &sae->decoder, decoder);
    if (status != ASSAY_OK) {
        goto fail;
    }
    *state = decoder;
    return ASSAY_OK;
fail:
    simd_decode_release(exec, decoder);
    return status;
}

/* One run reads each listed latent's row once, and at most the whole decoder. */
static inline uint64_t simd_decode_bytes_read(const assay_sae_decode_params *params,
                                              const void *state, const assay_sae_decode_io *io)
{
    const simd_decoder *const decoder = state;
    const int64_t listed = (int64_t)assay_at1(&io->codes.row_offsets, io->y.shape[0]);
    const int64_t rows = scalar_min(listed, params->sae.d_sae);
    return (uint64_t)(rows * params->sae.d_out) * assay_dtype_size(decoder->columns.dtype);
}

/* What a task multiplies next: rows of the decoder from the task's first column on. */
typedef struct simd_listed {
    const char *row[SIMD_DECODE_LISTED + SIMD_DECODE_AHEAD];
    float factor[SIMD_DECODE_LISTED];
    int64_t count;
} simd_listed;

/* From entry e on; returns the entry after the last. A latent whose scale is 0 is left out: its row
 * may hold anything. */
static inline int64_t simd_decode_list(const assay_sae *sae, const simd_decoder *decoder,
                                       const assay_csr *codes, int64_t e, int64_t end, int64_t at,
                                       simd_listed *listed)
{
    const assay_tensor *const columns = &decoder->columns;
    const size_t skip = (size_t)at * assay_dtype_size(columns->dtype);
    listed->count = 0;
    for (; e < end && listed->count < SIMD_DECODE_LISTED; e++) {
        const int64_t j = scalar_index(&codes->latent, e);
        const double scale = scalar_optional(&sae->decode_scale, j, 1.0);
        if (scale != 0.0) {
            listed->row[listed->count] = (const char *)vec_row(columns, j) + skip;
            listed->factor[listed->count++] = (float)(assay_at1(&codes->value, e) * scale);
        }
    }
    for (int64_t i = 0; i < SIMD_DECODE_AHEAD && listed->count > 0; i++) {
        listed->row[listed->count + i] = listed->row[listed->count - 1];
    }
    return e;
}

/* sum[at ..] += the listed rows, a block of columns. */
VEC_INLINE void simd_decode_block(assay_dtype type, const simd_listed *listed, int64_t at,
                                  float *sum)
{
    vec kept[SIMD_DECODE_VECTORS];
#pragma GCC unroll 16
    for (int v = 0; v < SIMD_DECODE_VECTORS; v++) {
        kept[v] = vec_load(sum + at + v * VEC);
    }
    const int64_t size = type == ASSAY_BF16 ? 2 : 4;
    for (int64_t e = 0; e < listed->count; e++) {
        const char *const ahead = listed->row[e + SIMD_DECODE_AHEAD] + at * size;
#pragma GCC unroll 16
        for (int line = 0; line < SIMD_DECODE_BLOCK * size / SIMD_LINE; line++) {
            _mm_prefetch(ahead + line * SIMD_LINE, _MM_HINT_T0);
        }
        const vec factor = vec_set(listed->factor[e]);
#pragma GCC unroll 16
        for (int v = 0; v < SIMD_DECODE_VECTORS; v++) {
            kept[v] = vec_fma(factor, vec_read(type, listed->row[e], at + v * VEC), kept[v]);
        }
    }
#pragma GCC unroll 16
    for (int v = 0; v < SIMD_DECODE_VECTORS; v++) {
        vec_store(sum + at + v * VEC, kept[v]);
    }
}

/* sum[0 .. n-1] += the listed rows. */
VEC_INLINE void simd_decode_rows(assay_dtype type, const simd_listed *listed, int64_t n,
                                 float *sum)
{
    int64_t at = 0;
    for (; at + SIMD_DECODE_BLOCK <= n; at += SIMD_DECODE_BLOCK) {
        simd_decode_block(type, listed, at, sum);
    }
    for (; at < n; at += VEC) {
        vec kept = vec_load(sum + at);
        for (int64_t e = 0; e < listed->count; e++) {
            kept = vec_fma(vec_set(listed->factor[e]),
                           vec_read_first(type, listed->row[e], at, n - at), kept);
        }
        vec_store(sum + at, kept);
    }
}

/* Columns at .. at+n-1 of a row of y; layer norm is undone in f64, as its moments are taken. */
static inline void simd_decode_put(const assay_sae *sae, const simd_decoder *decoder,
                                   const assay_sae_decode_io *io, int64_t row, int64_t at,
                                   int64_t n, float *sum)
{
    for (int64_t i = 0; i < n; i += VEC) {
        const vec bias = vec_read_first(ASSAY_F32, decoder->bias, at + i, n - i);
        vec_store(sum + i, vec_add(vec_load(sum + i), bias));
    }
    if (sae->layer_norm) {
        const scalar_moments moments = scalar_row_moments(&io->x, row);
        for (int64_t i = 0; i < n; i++) {
            assay_put2(&io->y, row, at + i, (double)sum[i] * moments.deviation + moments.mean);
        }
        return;
    }
    void *const y = vec_row(&io->y, row);
    for (int64_t i = 0; i < n; i += VEC) {
        VEC_TYPED(vec_write_first, io->y.dtype, y, at + i, vec_load(sum + i), n - i);
    }
}

static inline void simd_decode_task(const assay_sae *sae, const simd_decoder *decoder,
                                    const assay_sae_decode_io *io, int64_t row, int64_t at,
                                    int64_t n)
{
    float sum[SIMD_DECODE_PIECE + VEC];
    simd_listed listed;
    memset(sum, 0, simd_round_up((size_t)n, VEC) * sizeof *sum);
    const int64_t end = scalar_index(&io->codes.row_offsets, row + 1);
    for (int64_t e = scalar_index(&io->codes.row_offsets, row); e < end;) {
        e = simd_decode_list(sae, decoder, &io->codes, e, end, at, &listed);
        VEC_TYPED(simd_decode_rows, decoder->columns.dtype, &listed, n, sum);
    }
    simd_decode_put(sae, decoder, io, row, at, n, sum);
}

/* Columns of one task: whole rows where there are enough of them for the threads. */
static inline int64_t simd_decode_width(int64_t rows, int64_t d_out, int64_t threads)
{
    const int64_t wanted = rows >= 4 * threads ? 1 : (4 * threads + rows - 1) / rows;
    const int64_t width = (int64_t)simd_round_up((size_t)((d_out + wanted - 1) / wanted),
                                                 SIMD_DECODE_BLOCK);
    return scalar_min(width, SIMD_DECODE_PIECE);
}

static inline assay_status simd_sae_decode(assay_dtype type, const assay_exec *exec,
                                           const assay_sae_decode_params *params,
                                           const void *state, const assay_sae_decode_io *io)
{
    const assay_status status = scalar_expect(exec, "y", &io->y, type);
    if (status != ASSAY_OK) {
        return status;
    }
    const int64_t rows = io->y.shape[0];
    if (rows == 0) {
        return ASSAY_OK;
    }
    const int64_t d_out = params->sae.d_out;
    const int64_t listed = scalar_index(&io->codes.row_offsets, rows);
    const int64_t threads = simd_threads(exec, listed * d_out);
    const int64_t width = simd_decode_width(rows, d_out, threads);
    const int64_t pieces = (d_out + width - 1) / width;
#pragma omp parallel for num_threads((int)threads) schedule(dynamic)
    for (int64_t task = 0; task < rows * pieces; task++) {
        const int64_t at = task % pieces * width;
        simd_decode_task(&params->sae, state, io, task / pieces, at, scalar_min(width, d_out - at));
    }
    return ASSAY_OK;
}

#endif
