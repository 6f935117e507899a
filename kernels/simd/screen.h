/* sae_encode by screening: int8 products exclude nearly every latent, and those that are left are
 * multiplied in bf16 exactly as avx512bf16 does it, so that the active set and the values are that
 * kernel's, bit for bit.
 *
 * What is proved: for a latent j and a row x with finite numbers within the limits below, `up` as
 * computed here is not below the score that the bf16 kernel computes. A latent with up <= threshold
 * is therefore not active there either and is left out; every other one is multiplied.
 *
 * Notation: u = 2^-24; w the latent's weights and x the row, both as bf16; |.| the Euclidean norm
 * of vectors; s, b, g the scale, bias and gate of the latent as the f32 that the bf16 kernel uses.
 * O: columns kept in bf16 (those whose weights are large everywhere). Elsewhere
 *   w_k = W q_k + e_k      q an integer of -127 .. 127, W = max |w_k| / 127 over k outside O
 *   x_k = X v_k + r_k      v = 128 h + l an integer of 15 bits; h of -127 .. 127, l of -64 .. 63
 * and e, v, r are 0 in O. With M = W X sum q_k v_k + sum over O of w_k x_k:
 *
 *   w.x - M = sum e_k x_k + sum W q_k r_k                                                      (1)
 *
 * For any set H of columns, by Hoelder and Cauchy-Schwarz, with w' = W q:
 *   |sum e_k x_k| <= max|e_k| sum over H of |x_k|  +  |e| |x outside H|
 *   |sum w'_k r_k| <= |w'| |r|
 * H holds the row's large elements, which alone would make |x| large: any choice is valid.
 *
 * The bf16 kernel's dot S is a sum of f32 in which no product goes through more than n = d + 8
 * roundings (products of bf16 are exact in f32; VDPBF16PS adds one after the other), so that in any
 * order
 *   |S - w.x| <= G |w| |x|,   G = n u / (1 - n u)                                              (2)
 * and flushing subnormals loses less than 2^-80 more. Its score g (s S + b) is rounded twice:
 *   |score - (g s S + g b)| <= (2u + u^2) (|g s| |S| + |g b|)                                  (3)
 *
 * Here, sum q_k v_k = 128 sum q_k h_k + sum q_k l_k, both exact integers (d <= 65,536 keeps them
 * within 32 bits); made f32, joined, scaled by rounded factors and added to g b they are rounded at
 * most eight times, each time by u of at most |g s| |w'| Y + |g b|, with Y = X (128 |h| + |l|). The
 * sum over O has at most |O| + 1 <= n roundings, of |w| |x| each. With N = |w| + |w'| and
 * c = 2 G + 16 u:
 *
 *   up = g s M + g b + |g s| (max|e_k| A + |e| E + N F) + t
 *   A = sum over H of |x_k|,   E = |x outside H|,   F = |r| + c (|x| + Y + |r|)
 *   t = 16 u |g b| + 2^-70 |g s| + 2^-60
 *
 * A, E and F and each latent's vectors are taken in f64 and rounded up; the three factors are made
 * greater by 2^-20, which pays for the rounding of the sum in parentheses and of `up` itself; what
 * underflows loses less than 2^-126 at a time, times factors of at most 2^60: t has room for it.
 *
 * Limits: |x|, N, |s|, |g|, |g s| <= 2^30, |b|, |g b| <= 2^100, so that nothing overflows, nor in
 * the bf16 kernel. A latent beyond them, or not finite, has |e| = Inf, which makes `up` Inf or NaN:
 * it is never excluded. A row beyond them is not screened: all its latents are multiplied; and so
 * is, from there on, one of which a stretch excluded too few.
 *
 * On normal data |g s| |e| |x| is sqrt(d / 12) / 127 times the largest weight's size in deviations
 * of a weight: 0.36 deviations of a score at d = 2,048, 0.52 at 4,096. Of 16 bits the row costs no
 * more time while the weights' stream is what is waited for, and halves the bound; a row in 8 bits
 * adds as much again as the weights do. */
#ifndef KERNELS_SIMD_SCREEN_H
#define KERNELS_SIMD_SCREEN_H

#include <float.h>

#include "kernels/simd/encode.h"

enum {
    SCREEN_COLUMNS = 16,     /* most columns kept in bf16 */
    SCREEN_FOUR = 4,         /* bytes of a step of panels */
    SCREEN_TERMS = 2,        /* 8-bit rows that stand for one */
    SCREEN_HIGH = 128,       /* what the first of them counts */
    SCREEN_LEVELS = 127,     /* greatest 8-bit weight, and greatest high byte */
    SCREEN_OFFSET = 128,     /* weights are packed as q + 128, without sign */
    SCREEN_DEPTH_MOST = 65536,
    SCREEN_WORDS = 32        /* the bf16 rows are padded to a multiple: a line */
};

/* What is proved with, one f32 for each latent. A panel's stand behind its weights, so that they
 * come with the stream. */
typedef enum screen_vector {
    SCREEN_STEP,   /* g s W */
    SCREEN_FACTOR, /* g s */
    SCREEN_BASE,   /* g b + t */
    SCREEN_MOST,   /* |g s| max|e_k| */
    SCREEN_ERROR,  /* |g s| |e| */
    SCREEN_NORM,   /* |g s| N */
    SCREEN_THRESHOLD,
    SCREEN_VECTORS
} screen_vector;

static const double screen_limit = 0x1p30, screen_bias_limit = 0x1p100;

typedef struct screen_state {
    encode_state exact; /* its panels are the 8-bit ones */
    uint16_t *rows;     /* [panels * PANEL_WIDTH][words] the encoder, latent by latent */
    int64_t words;
    int64_t columns; /* in O */
    int64_t column[SCREEN_COLUMNS];
    uint16_t *kept; /* [panels][columns][PANEL_WIDTH] their weights */
} screen_state;

/* The shape of the 8-bit panels, without data. */
static inline simd_panels screen_panels(const assay_sae *sae)
{
    simd_panels p = panels_shape(PANEL_BYTES, sae->d_sae, sae->d_in);
    p.bytes += SCREEN_VECTORS * PANEL_WIDTH * sizeof(float);
    return p;
}

static inline float *screen_vectors(const simd_panels *p, int64_t panel)
{
    return (float *)(void *)(p->data + (size_t)panel * p->bytes +
                             (size_t)p->steps * p->step_bytes);
}

static inline void screen_release(const assay_exec *exec, void *state)
{
    screen_state *const s = state;
    if (s != NULL) {
        free(s->rows);
        free(s->kept);
        encode_release(exec, &s->exact); /* frees s: exact is its first member */
    }
}

/* The least f32 that is not below a number that is not negative and has been computed with an error
 * of less than 2^-30 of it. */
static inline float screen_up(double value)
{
    const double greater = value * (1.0 + 0x1p-30);
    const float nearest = (float)greater;
    return (double)nearest < greater ? nextafterf(nearest, INFINITY) : nearest;
}

#endif
