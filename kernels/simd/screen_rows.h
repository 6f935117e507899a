/* Rows of activations for screening: as pairs of bf16 for the exact products, as two 8-bit rows for
 * the others, and what is proved of them (screen.h). */
#ifndef KERNELS_SIMD_SCREEN_ROWS_H
#define KERNELS_SIMD_SCREEN_ROWS_H

#include "kernels/simd/screen.h"

enum { SCREEN_PASSES = 4 /* over a row, to choose H */ };

typedef struct screen_row {
    float step;              /* X */
    float away, rest, other; /* A, E, F, made greater by 2^-20 */
    int32_t high, low;       /* what the weights' offset adds to the two sums */
    bool whole;              /* may be screened */
    float kept[SCREEN_COLUMNS];
} screen_row;

typedef struct screen_scratch {
    encode_scratch exact;
    uint16_t *pairs;  /* [rows][words] bf16, zeros beyond d_in */
    int8_t *bytes;    /* [SCREEN_TERMS * rows][4 steps] high, low, high, low, ... */
    float *wide;      /* [rows][d_in] the row without O */
    screen_row *row;  /* [rows] */
    int64_t *pending; /* [ENCODE_THREADS][rows] candidates behind a segment's entries; or DENSE */
} screen_scratch;

/* What a thread does not screen of a row: every latent is a candidate. */
enum { SCREEN_DENSE = -1 };

typedef struct screen_job {
    encode_job exact; /* its scratch lies within `scratch` */
    const screen_state *state;
    screen_scratch scratch;
} screen_job;

/* Rows of a chunk of `total`: a block of a product holds whole rows. */
static inline int64_t screen_chunk_rows(const simd_product *product, const simd_panels *p,
                                        int64_t total)
{
    return simd_chunk_rows(product, p, SCREEN_TERMS * total) / SCREEN_TERMS;
}

/* Where the parts of the workspace lie; with memory NULL only its size. */
static inline screen_scratch screen_scratch_of(const simd_product *product, const simd_panels *p,
                                               int64_t total, void *memory)
{
    const size_t rows = (size_t)scalar_min(total, screen_chunk_rows(product, p, total));
    const size_t d = (size_t)p->depth;
    const size_t parts[] = {simd_rows_bytes(product, p, SCREEN_TERMS * total),
                            rows * d * sizeof(float),
                            rows * simd_round_up(d, SCREEN_WORDS) * sizeof(uint16_t),
                            SCREEN_TERMS * rows * (size_t)(p->steps * SCREEN_FOUR),
                            rows * d * sizeof(float),
                            rows * sizeof(screen_row),
                            ENCODE_THREADS * rows * sizeof(int64_t)};
    void *at[sizeof parts / sizeof *parts];
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        at[i] = memory != NULL ? (unsigned char *)memory + bytes : NULL;
        bytes += simd_round_up(parts[i], SIMD_LINE);
    }
    screen_scratch s = {.exact = {.packed = at[0], .made = at[1], .bytes = bytes},
                        .pairs = at[2], .bytes = at[3], .wide = at[4], .row = at[5],
                        .pending = at[6]};
    encode_segments(&s.exact, (int64_t)rows, p->count, memory);
    return s;
}

/* Chooses H: elements beyond `limit`, a multiple of the others' size, beyond which an element costs
 * less by itself than in |x|. Sets A and E, which hold for any limit. */
static inline void screen_divide(const float *x, int64_t d, screen_row *row)
{
    double limit = INFINITY;
    double away = 0.0;
    double rest = 0.0;
    for (int pass = 0; pass < SCREEN_PASSES; pass++) {
        double lane[8] = {0};
        double far[8] = {0};
        for (int64_t k = 0; k < d; k++) {
            const double size = fabs((double)x[k]);
            lane[k % 8] += size > limit ? 0.0 : size * size;
            far[k % 8] += size > limit ? size : 0.0;
        }
        rest = 0.0;
        away = 0.0;
        for (int l = 0; l < 8; l++) {
            rest += lane[l];
            away += far[l];
        }
        limit = sqrt(12.0 * rest / (double)d);
    }
    row->away = screen_up(away * (1.0 + 0x1p-20));
    row->rest = screen_up(sqrt(rest) * (1.0 + 0x1p-20));
}

/* The two 8-bit rows of x, which is finite, and what is left. */
static inline void screen_bytes(const float *x, int64_t d, float step, int8_t *high, int8_t *low,
                                screen_row *row, double sizes[3])
{
    const float inverse = 1.0f / step;
    const float most = (float)(SCREEN_LEVELS * SCREEN_HIGH);
    int64_t squares[2] = {0};
    int32_t sums[2] = {0};
    double left = 0.0;
    for (int64_t k = 0; k < d; k++) {
        const float at = fminf(fmaxf(rintf(x[k] * inverse), -most), most);
        const int32_t v = (int32_t)at;
        const int32_t h = (v + SCREEN_HIGH / 2) >> 7;
        const int32_t l = v - h * SCREEN_HIGH;
        high[k] = (int8_t)h;
        low[k] = (int8_t)l;
        sums[0] += h;
        sums[1] += l;
        squares[0] += h * h;
        squares[1] += l * l;
        const double error = (double)x[k] - (double)step * (double)v;
        left += error * error;
    }
    row->step = step;
    row->high = SCREEN_OFFSET * sums[0];
    row->low = SCREEN_OFFSET * sums[1];
    sizes[0] = (double)step * SCREEN_HIGH * sqrt((double)squares[0]);
    sizes[1] = (double)step * sqrt((double)squares[1]);
    sizes[2] = sqrt(left);
}

/* Row r of a chunk: its words lie in pairs. */
static inline void screen_quantise_row(const screen_job *job, int64_t r)
{
    const screen_state *const s = job->state;
    const simd_panels *const p = &s->exact.panels;
    const int64_t d = p->depth;
    const uint16_t *const words = job->scratch.pairs + r * s->words;
    const size_t width = (size_t)(p->steps * SCREEN_FOUR);
    int8_t *const high = job->scratch.bytes + (size_t)(SCREEN_TERMS * r) * width;
    float *const x = job->scratch.wide + r * d;
    screen_row *const row = job->scratch.row + r;
    memset(high, 0, SCREEN_TERMS * width);
    memset(row, 0, sizeof *row);
    double squares = 0.0;
    for (int64_t k = 0; k < d; k++) {
        x[k] = assay_bf16_to_f32(words[k]);
        squares += (double)x[k] * (double)x[k];
    }
    const double size = sqrt(squares);
    row->whole = size <= screen_limit && d <= SCREEN_DEPTH_MOST;
    if (!row->whole) { /* NaN and Inf too */
        return;
    }
    for (int64_t c = 0; c < s->columns; c++) {
        row->kept[c] = x[s->column[c]];
        x[s->column[c]] = 0.0f;
    }
    float most = 0.0f;
    for (int64_t k = 0; k < d; k++) {
        most = fabsf(x[k]) > most ? fabsf(x[k]) : most;
    }
    const float step = fmaxf(most / (float)(SCREEN_LEVELS * SCREEN_HIGH), 0x1p-100f);
    double sizes[3];
    screen_bytes(x, d, step, high, high + width, row, sizes);
    screen_divide(x, d, row);
    const double n = (double)(d + 8) * 0x1p-24;
    const double share = 2.0 * n / (1.0 - n) + 16.0 * 0x1p-24;
    const double other = sizes[2] + share * (size + sizes[0] + sizes[1] + sizes[2]);
    row->other = screen_up(other * (1.0 + 0x1p-20));
}

/* Rows first .. of a chunk, by every thread of a team; a barrier must follow. */
static inline void screen_take(const screen_job *job, int64_t first, int64_t rows)
{
    const encode_job *const exact = &job->exact;
    const assay_tensor *const x = &exact->io->x;
    const int64_t d = x->shape[1];
    const int64_t words = job->state->words;
    const bool made = exact->sae->layer_norm || exact->state->pre_bias != NULL;
    const simd_share mine = simd_share_of(rows);
    for (int64_t r = mine.first; r < mine.last; r++) {
        uint16_t *const to = job->scratch.pairs + r * words;
        float *const row = (float *)exact->scratch.made + r * d;
        const void *from = row;
        if (made) {
            encode_row(exact, first + r, row);
        } else {
            from = (const char *)x->data +
                   (first + r) * x->stride[0] * (int64_t)sizeof(uint16_t);
        }
        memcpy(to, from, (size_t)d * sizeof *to);
        memset(to + d, 0, (size_t)(words - d) * sizeof *to);
        screen_quantise_row(job, r);
    }
}

/* Packs the 8-bit rows of a chunk, by every thread of a team; a barrier must follow. */
static inline void screen_pack_blocks(const screen_job *job, const simd_blocks *blocks)
{
    const simd_product *const product = job->exact.product;
    const simd_panels *const p = &job->state->exact.panels;
    const size_t stride = simd_block_stride(product, p, blocks);
    const int64_t width = p->steps * SCREEN_FOUR;
    const simd_share mine = simd_share_of(blocks->blocks);
    for (int64_t b = mine.first; b < mine.last; b++) {
        const int64_t row = simd_block_first(blocks, b);
        product->pack(p, job->scratch.bytes + row * width, width,
                      simd_block_first(blocks, b + 1) - row,
                      job->scratch.exact.packed + (size_t)b * stride);
    }
}

#endif
