/* The state and the workspace of an encoder by panels, and its rows. */
#ifndef KERNELS_SIMD_ENCODE_ROWS_H
#define KERNELS_SIMD_ENCODE_ROWS_H

#include <math.h>

#include "kernels/scalar/sae.h"
#include "kernels/simd/rows.h"

enum {
    ENCODE_THREADS = 64, /* most threads: the workspace does not know how many there will be */
    ENCODE_FEW = 16,     /* latents at most that are not multiplied by panels (encode_few.h) */
    ENCODE_FEW_ROWS = 5  /* rows that a thread then has room for */
};

typedef struct encode_state {
    simd_panels panels;
    float *scale, *bias, *gate, *threshold; /* [panels * PANEL_WIDTH] each, in one piece */
    bool gated;                             /* whether any gate differs from 1 */
    double *pre_bias;                       /* [d_in]; NULL: none */
    float *few; /* [d_sae][d_in], instead of the panels' data: latents are few (encode_few.h) */
} encode_state;

typedef struct encode_scratch {
    unsigned char *packed; /* a chunk's rows */
    void *made;            /* [rows][d_in], of the type of x: rows that are not x's own; of few
                              latents each thread's, as f32 */
    int32_t *latent;       /* [rows][panels * PANEL_WIDTH]: a thread's segment begins with its first
                              latent */
    float *value;          /* the same */
    int64_t *count;        /* [ENCODE_THREADS][rows] entries of a segment */
    float *least;          /* [ENCODE_THREADS][rows] topk: scores must exceed this */
    int64_t rows, width;
    size_t bytes;
} encode_scratch;

typedef struct encode_job {
    const simd_product *product;
    const encode_state *state;
    const assay_sae *sae;
    const assay_sae_encode_io *io;
    int64_t capacity;
    int64_t grain;    /* panels that one thread takes together: their count is a multiple */
    bool by_rows;     /* threads share the rows of a chunk instead of the panels */
    int64_t k, limit; /* topk: how many, and beyond how many candidates a segment is cut */
    encode_scratch scratch;
} encode_job;

typedef struct encode_segment {
    int32_t *latent;
    float *value;
    int64_t *count;
    float *least;
    int64_t room; /* latents of the thread's share */
} encode_segment;

/* Appends the segments of rows of so many panels to a scratch whose first bytes are taken; with
 * memory NULL only its size grows. */
static inline void encode_segments(encode_scratch *s, int64_t rows, int64_t panels, void *memory)
{
    s->rows = rows;
    s->width = panels * PANEL_WIDTH;
    const size_t segments = (size_t)(rows * s->width);
    const size_t counts = (size_t)(rows * ENCODE_THREADS);
    const size_t parts[] = {segments * sizeof *s->latent, segments * sizeof *s->value,
                            counts * sizeof *s->count, counts * sizeof *s->least};
    void *at[sizeof parts / sizeof *parts];
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        at[i] = memory != NULL ? (unsigned char *)memory + s->bytes : NULL;
        s->bytes += simd_round_up(parts[i], SIMD_LINE);
    }
    s->latent = at[0];
    s->value = at[1];
    s->count = at[2];
    s->least = at[3];
}

/* Where the parts of the workspace lie; with memory NULL only its size. */
static inline encode_scratch encode_scratch_of(const simd_product *product, const simd_panels *p,
                                               int64_t total, void *memory)
{
    const int64_t rows = scalar_min(total, simd_chunk_rows(product, p, total));
    const bool few = p->outputs <= ENCODE_FEW;
    const size_t packed = few ? 0 : simd_round_up(simd_rows_bytes(product, p, total), SIMD_LINE);
    const int64_t kept = few ? scalar_min(rows, ENCODE_THREADS) * ENCODE_FEW_ROWS : rows;
    const size_t made = (size_t)(kept * p->depth) * sizeof(float);
    encode_scratch s = {.packed = memory,
                        .made = memory != NULL ? (unsigned char *)memory + packed : NULL,
                        .bytes = packed + simd_round_up(made, SIMD_LINE)};
    encode_segments(&s, rows, p->count, memory);
    return s;
}

/* The panels of a thread of the team. Where rows are shared each has all panels, and one thread
 * alone has entries of a row. */
static inline simd_share encode_share_of(const encode_job *job, int thread)
{
    if (job->by_rows) {
        return (simd_share){0, job->state->panels.count};
    }
    const int64_t team = omp_get_num_threads();
    const int64_t grains = job->state->panels.count / job->grain;
    return (simd_share){grains * thread / team * job->grain,
                        grains * (thread + 1) / team * job->grain};
}

static inline encode_segment encode_segment_of(const encode_job *job, int64_t r, int thread)
{
    const encode_scratch *const s = &job->scratch;
    const simd_share share = encode_share_of(job, thread);
    const int64_t at = r * s->width + share.first * PANEL_WIDTH;
    return (encode_segment){s->latent + at, s->value + at, s->count + thread * s->rows + r,
                            s->least + thread * s->rows + r,
                            (share.last - share.first) * PANEL_WIDTH};
}

/* Sum of (x - mean)^power, power 1 or 2, in eight lanes of float64. */
static inline double encode_moment(const float *x, int64_t d, double mean, int power)
{
    double lane[8] = {0};
    double rest = 0.0;
    int64_t i = 0;
    for (; i + 8 <= d; i += 8) {
        for (int l = 0; l < 8; l++) {
            const double off = (double)x[i + l] - mean;
            lane[l] += power == 1 ? off : off * off;
        }
    }
    for (; i < d; i++) {
        const double off = (double)x[i] - mean;
        rest += power == 1 ? off : off * off;
    }
    for (int l = 0; l < 8; l++) {
        rest += lane[l];
    }
    return rest;
}

/* A row of x, normed where the SAE says so, less pre_bias: in float64, rounded to f32 and from that
 * to bf16 where rows are bf16. */
static inline void encode_row(const encode_job *job, int64_t row, float *z)
{
    const assay_tensor *const x = &job->io->x;
    const int64_t d = x->shape[1];
    double mean = 0.0;
    double factor = 1.0;
    const float *const f32 = scalar_widen(x->dtype, scalar_address(x, row, 0), 1, d, z);
    if (job->sae->layer_norm) {
        mean = encode_moment(f32, d, 0.0, 1) / (double)d;
        factor = 1.0 / (sqrt(encode_moment(f32, d, mean, 2) / (double)(d - 1)) + 1e-5);
    }
    const double *const bias = job->state->pre_bias;
    for (int64_t i = 0; bias != NULL && i < d; i++) {
        z[i] = (float)(((double)f32[i] - mean) * factor - bias[i]);
    }
    for (int64_t i = 0; bias == NULL && i < d; i++) {
        z[i] = (float)(((double)f32[i] - mean) * factor);
    }
    if (x->dtype == ASSAY_BF16) { /* in place: a word never lies behind the number it is made of */
        uint16_t *const words = (uint16_t *)(void *)z;
        for (int64_t i = 0; i < d; i++) {
            float value;
            memcpy(&value, z + i, sizeof value);
            const uint16_t word = assay_f32_to_bf16(value);
            memcpy(words + i, &word, sizeof word);
        }
    }
}

/* Packs a chunk's rows, by every thread of a team; a barrier must follow. */
static inline void encode_pack(const encode_job *job, int64_t first, const simd_blocks *blocks)
{
    const simd_panels *const p = &job->state->panels;
    const assay_tensor *const x = &job->io->x;
    if (!job->sae->layer_norm && job->state->pre_bias == NULL) {
        simd_pack_rows(job->product, p, x, first, blocks, job->scratch.packed);
        return;
    }
    const size_t stride = simd_block_stride(job->product, p, blocks);
    const simd_share mine = simd_share_of(blocks->blocks);
    const int64_t d = p->depth;
    const int64_t words = x->dtype == ASSAY_BF16 ? 2 * d : d; /* a row's place holds d f32 */
    for (int64_t b = mine.first; b < mine.last; b++) {
        const int64_t row = simd_block_first(blocks, b);
        const int64_t end = simd_block_first(blocks, b + 1);
        float *const made = (float *)job->scratch.made + row * d;
        for (int64_t r = row; r < end; r++) {
            encode_row(job, first + r, made + (r - row) * d);
        }
        job->product->pack(p, made, words, end - row, job->scratch.packed + (size_t)b * stride);
    }
}

#endif
