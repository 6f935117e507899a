/* Rows of activations for screening: as pairs of bf16 for the exact products, as two 8-bit rows for
 * the others, and what is proved of them (screen.h). */
#ifndef KERNELS_SIMD_SCREEN_ROWS_H
#define KERNELS_SIMD_SCREEN_ROWS_H

#include "kernels/simd/avx512.h"
#include "kernels/simd/screen.h"

enum { SCREEN_LANES = 16, SCREEN_PASSES = 4 /* over a row, to choose H */ };

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
    float *wide;      /* [rows][words] the row without O, zeros beyond d_in */
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
                            rows * simd_round_up(d, SCREEN_WORDS) * sizeof(float),
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

/* The sum of f64 in sixteen lanes of f32. */
typedef struct screen_sum {
    __m512d half[2];
} screen_sum;

static inline void screen_add_square(screen_sum *sum, __mmask16 which, __m512 x)
{
    const __m512 taken = _mm512_maskz_mov_ps(which, x);
    const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(taken));
    const __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(taken, 1));
    sum->half[0] = _mm512_fmadd_pd(low, low, sum->half[0]);
    sum->half[1] = _mm512_fmadd_pd(high, high, sum->half[1]);
}

static inline void screen_add(screen_sum *sum, __mmask16 which, __m512 x)
{
    const __m512 taken = _mm512_maskz_mov_ps(which, x);
    sum->half[0] = _mm512_add_pd(sum->half[0], _mm512_cvtps_pd(_mm512_castps512_ps256(taken)));
    sum->half[1] = _mm512_add_pd(sum->half[1], _mm512_cvtps_pd(_mm512_extractf32x8_ps(taken, 1)));
}

static inline double screen_total(const screen_sum *sum)
{
    return _mm512_reduce_add_pd(_mm512_add_pd(sum->half[0], sum->half[1]));
}

/* Chooses H: elements beyond `limit`, a multiple of the others' size, beyond which an element costs
 * less by itself than in |x|. Sets A and E, which hold for any limit. x [n] ends with zeros. */
static inline void screen_divide(const float *x, int64_t n, int64_t d, screen_row *row)
{
    float limit = INFINITY;
    double away = 0.0;
    double rest = 0.0;
    for (int pass = 0; pass < SCREEN_PASSES; pass++) {
        screen_sum near = {{_mm512_setzero_pd(), _mm512_setzero_pd()}};
        screen_sum far = near;
        for (int64_t k = 0; k < n; k += SCREEN_LANES) {
            const __m512 size = _mm512_abs_ps(_mm512_load_ps(x + k));
            const __mmask16 out =
                _mm512_cmp_ps_mask(size, _mm512_set1_ps(limit), _CMP_GT_OQ);
            screen_add_square(&near, (__mmask16)~out, size);
            screen_add(&far, out, size);
        }
        rest = screen_total(&near);
        away = screen_total(&far);
        limit = (float)sqrt(12.0 * rest / (double)d);
    }
    row->away = screen_up(away * (1.0 + 0x1p-20));
    row->rest = screen_up(sqrt(rest) * (1.0 + 0x1p-20));
}

/* The two 8-bit rows of x [n], which is finite, and what is left: X 128 |h|, X |l|, |r|. X is not
 * below max|x| / 16256. */
static inline void screen_bytes(const float *x, int64_t n, int8_t *high, int8_t *low,
                                screen_row *row, double sizes[3])
{
    const __m512 inverse = _mm512_set1_ps(1.0f / row->step);
    const __m512i most = _mm512_set1_epi32(SCREEN_LEVELS * SCREEN_HIGH);
    const __m512i least = _mm512_set1_epi32(-SCREEN_LEVELS * SCREEN_HIGH);
    const __m512d step = _mm512_set1_pd((double)row->step);
    __m512i sums[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    screen_sum squares[2] = {{{_mm512_setzero_pd(), _mm512_setzero_pd()}},
                             {{_mm512_setzero_pd(), _mm512_setzero_pd()}}};
    screen_sum left = squares[0];
    for (int64_t k = 0; k < n; k += SCREEN_LANES) {
        const __m512 from = _mm512_load_ps(x + k);
        const __m512i near = _mm512_cvtps_epi32(_mm512_mul_ps(from, inverse));
        const __m512i v = _mm512_max_epi32(_mm512_min_epi32(near, most), least);
        const __m512i h =
            _mm512_srai_epi32(_mm512_add_epi32(v, _mm512_set1_epi32(SCREEN_HIGH / 2)), 7);
        const __m512i l = _mm512_sub_epi32(v, _mm512_slli_epi32(h, 7));
        _mm_storeu_si128((__m128i *)(void *)(high + k), _mm512_cvtepi32_epi8(h));
        _mm_storeu_si128((__m128i *)(void *)(low + k), _mm512_cvtepi32_epi8(l));
        sums[0] = _mm512_add_epi32(sums[0], h);
        sums[1] = _mm512_add_epi32(sums[1], l);
        screen_add_square(&squares[0], 0xffff, _mm512_cvtepi32_ps(h));
        screen_add_square(&squares[1], 0xffff, _mm512_cvtepi32_ps(l));
        const __m512d a = _mm512_fnmadd_pd(step, _mm512_cvtepi32_pd(_mm512_castsi512_si256(v)),
                                           _mm512_cvtps_pd(_mm512_castps512_ps256(from)));
        const __m512d b =
            _mm512_fnmadd_pd(step, _mm512_cvtepi32_pd(_mm512_extracti32x8_epi32(v, 1)),
                             _mm512_cvtps_pd(_mm512_extractf32x8_ps(from, 1)));
        left.half[0] = _mm512_fmadd_pd(a, a, left.half[0]);
        left.half[1] = _mm512_fmadd_pd(b, b, left.half[1]);
    }
    row->high = SCREEN_OFFSET * _mm512_reduce_add_epi32(sums[0]);
    row->low = SCREEN_OFFSET * _mm512_reduce_add_epi32(sums[1]);
    sizes[0] = (double)row->step * SCREEN_HIGH * sqrt(screen_total(&squares[0]));
    sizes[1] = (double)row->step * sqrt(screen_total(&squares[1]));
    sizes[2] = sqrt(screen_total(&left));
}

/* A row's words as f32; returns its size. */
static inline double screen_widen(const uint16_t *words, int64_t n, float *x)
{
    screen_sum squares = {{_mm512_setzero_pd(), _mm512_setzero_pd()}};
    for (int64_t k = 0; k < n; k += SCREEN_LANES) {
        const __m512 value =
            avx512_from_bf16(_mm256_load_si256((const __m256i *)(const void *)(words + k)));
        _mm512_store_ps(x + k, value);
        screen_add_square(&squares, 0xffff, value);
    }
    return sqrt(screen_total(&squares));
}

static inline float screen_most(const float *x, int64_t n)
{
    __m512 most = _mm512_setzero_ps();
    for (int64_t k = 0; k < n; k += SCREEN_LANES) {
        most = _mm512_max_ps(most, _mm512_abs_ps(_mm512_load_ps(x + k)));
    }
    return _mm512_reduce_max_ps(most);
}

/* Row r of a chunk: its words lie in pairs. */
static inline void screen_quantise_row(const screen_job *job, int64_t r)
{
    const screen_state *const s = job->state;
    const simd_panels *const p = &s->exact.panels;
    const int64_t d = p->depth;
    const int64_t words = s->words;
    const size_t width = (size_t)(p->steps * SCREEN_FOUR);
    int8_t *const high = job->scratch.bytes + (size_t)(SCREEN_TERMS * r) * width;
    float *const x = job->scratch.wide + r * words;
    screen_row *const row = job->scratch.row + r;
    memset(high, 0, SCREEN_TERMS * width);
    memset(row, 0, sizeof *row);
    const double size = screen_widen(job->scratch.pairs + r * words, words, x);
    row->whole = size <= screen_limit && d <= SCREEN_DEPTH_MOST;
    if (!row->whole) { /* NaN and Inf too */
        return;
    }
    for (int64_t c = 0; c < s->columns; c++) {
        row->kept[c] = x[s->column[c]];
        x[s->column[c]] = 0.0f;
    }
    const float step = screen_most(x, words) / (float)(SCREEN_LEVELS * SCREEN_HIGH);
    row->step = step < 0x1p-100f ? 0x1p-100f : step;
    double sizes[3];
    screen_bytes(x, words, high, high + width, row, sizes);
    screen_divide(x, words, d, row);
    const double n = (double)(d + 8) * 0x1p-24;
    const double share = 2.0 * n / (1.0 - n) + 16.0 * 0x1p-24;
    const double other = sizes[2] + share * (size + sizes[0] + sizes[1] + sizes[2]);
    row->other = screen_up(other * (1.0 + 0x1p-20));
}

/* Row r of a chunk, which is `row` of x. */
static inline void screen_take(const screen_job *job, int64_t row, int64_t r)
{
    const encode_job *const exact = &job->exact;
    const assay_tensor *const x = &exact->io->x;
    const int64_t d = x->shape[1];
    const int64_t words = job->state->words;
    uint16_t *const to = job->scratch.pairs + r * words;
    float *const made = (float *)exact->scratch.made + r * d;
    const void *from = (const char *)x->data + row * x->stride[0] * (int64_t)sizeof(uint16_t);
    if (exact->sae->layer_norm || exact->state->pre_bias != NULL) {
        encode_row(exact, row, made);
        from = made;
    }
    memcpy(to, from, (size_t)d * sizeof *to);
    memset(to + d, 0, (size_t)(words - d) * sizeof *to);
    screen_quantise_row(job, r);
}

/* Rows first .. of a chunk, by every thread of a team, block by block, which needs no barrier.
 * A barrier must follow. */
static inline void screen_pack_rows(const screen_job *job, int64_t first, const simd_blocks *blocks)
{
    const simd_product *const product = job->exact.product;
    const simd_panels *const p = &job->state->exact.panels;
    const size_t stride = simd_block_stride(product, p, blocks);
    const int64_t width = p->steps * SCREEN_FOUR;
    const simd_share mine = simd_share_of(blocks->blocks);
    for (int64_t b = mine.first; b < mine.last; b++) {
        const int64_t from = simd_block_first(blocks, b);
        const int64_t end = simd_block_first(blocks, b + 1);
        for (int64_t r = from / SCREEN_TERMS; r < end / SCREEN_TERMS; r++) {
            screen_take(job, first + r, r);
        }
        product->pack(p, job->scratch.bytes + from * width, width, end - from,
                      job->scratch.exact.packed + (size_t)b * stride);
    }
}

#endif
