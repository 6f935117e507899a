/* A tile of attention: a few queries that read the same keys and values, each by its own order.
 *
 * Keys come in blocks, turned so that a vector holds one element of many keys: a query's scores are
 * then whole vectors, and a key's lane never mixes with another's (a later position may hold a
 * NaN). The scores of a tile's queries are kept, the tile being small: the softmax is taken once,
 * not rescaled block by block, and no score outlives its tile. */
#ifndef KERNELS_SIMD_ATTENTION_TILE_H
#define KERNELS_SIMD_ATTENTION_TILE_H

#include "kernels/simd/vector.h"

enum {
    ATTENTION_QUERIES = 16,                /* of a tile, at most */
    ATTENTION_KEYS = 2 * VEC,              /* of a block */
    ATTENTION_TOGETHER = VEC == 16 ? 8 : 4, /* queries whose scores are in registers */
    ATTENTION_PART = VEC == 16 ? 4 : 2,    /* vectors of an output head in registers */
    ATTENTION_SHARE = 4,                   /* queries that share a reading of the values */
    ATTENTION_VALUES = 64,                 /* positions whose values stay in the first cache */
    ATTENTION_AHEAD = 8                    /* positions asked for before they are needed */
};

typedef struct attention_tile {
    int64_t queries, head_dim, pitch;    /* pitch: floats from a query's scores to the next's */
    int64_t visible[ATTENTION_QUERIES];  /* ascending */
    const char *k, *v;                   /* position 0 of this head, in the cache's type */
    int64_t k_step, v_step;              /* bytes from one position to the next */
    float *q, *out;                      /* [queries, head_dim] */
    float *score;                        /* [queries, pitch] */
    float *turned;                       /* [head_dim, ATTENTION_KEYS] */
    float *wide;                         /* [ATTENTION_KEYS, head_dim] */
} attention_tile;

VEC_INLINE vec attention_lanes(const float *const *row, int64_t e)
{
#if defined(__AVX512F__)
    __m512 x = _mm512_castps128_ps512(_mm_loadu_ps(row[0] + e));
    x = _mm512_insertf32x4(x, _mm_loadu_ps(row[4] + e), 1);
    x = _mm512_insertf32x4(x, _mm_loadu_ps(row[8] + e), 2);
    return _mm512_insertf32x4(x, _mm_loadu_ps(row[12] + e), 3);
#else
    const __m256 x = _mm256_castps128_ps256(_mm_loadu_ps(row[0] + e));
    return _mm256_insertf128_ps(x, _mm_loadu_ps(row[4] + e), 1);
#endif
}

VEC_INLINE vec attention_pairs_low(vec a, vec b)
{
    return VEC_DO(castpd_ps)(VEC_DO(unpacklo_pd)(VEC_DO(castps_pd)(a), VEC_DO(castps_pd)(b)));
}

VEC_INLINE vec attention_pairs_high(vec a, vec b)
{
    return VEC_DO(castpd_ps)(VEC_DO(unpackhi_pd)(VEC_DO(castps_pd)(a), VEC_DO(castps_pd)(b)));
}

/* to[e * ATTENTION_KEYS + j] = row[j][e] for VEC rows. */
static inline void attention_turn(const float *const *row, int64_t head_dim, float *to)
{
    int64_t e = 0;
    for (; e + 4 <= head_dim; e += 4) {
        const vec a = attention_lanes(row, e); /* rows 0, 4, ...; b: 1, 5, ... */
        const vec b = attention_lanes(row + 1, e);
        const vec c = attention_lanes(row + 2, e);
        const vec d = attention_lanes(row + 3, e);
        const vec ab = VEC_DO(unpacklo_ps)(a, b);
        const vec cd = VEC_DO(unpacklo_ps)(c, d);
        const vec ab_high = VEC_DO(unpackhi_ps)(a, b);
        const vec cd_high = VEC_DO(unpackhi_ps)(c, d);
        float *const at = to + e * ATTENTION_KEYS;
        vec_store(at, attention_pairs_low(ab, cd));
        vec_store(at + ATTENTION_KEYS, attention_pairs_high(ab, cd));
        vec_store(at + 2 * ATTENTION_KEYS, attention_pairs_low(ab_high, cd_high));
        vec_store(at + 3 * ATTENTION_KEYS, attention_pairs_high(ab_high, cd_high));
    }
    for (; e < head_dim; e++) {
        for (int j = 0; j < VEC; j++) {
            to[e * ATTENTION_KEYS + j] = row[j][e];
        }
    }
}

/* Keys t .. of a block into `turned`; beyond the last one it stands again. Meanwhile the next
 * block's are asked for: a head's rows lie far apart, where no processor expects them. */
VEC_INLINE void attention_load_keys(assay_dtype type, const attention_tile *tile, int64_t t,
                                    int64_t end)
{
    const float *row[ATTENTION_KEYS];
    const int64_t d = tile->head_dim;
    const int64_t bytes = d * (type == ASSAY_BF16 ? 2 : 4);
    for (int64_t j = 0; j < ATTENTION_KEYS; j++) {
        const char *const key = tile->k + scalar_min(t + j, end - 1) * tile->k_step;
        if (t + j + ATTENTION_KEYS < end) {
            const char *const next = key + ATTENTION_KEYS * tile->k_step;
            for (int64_t line = 0; line < bytes; line += SIMD_LINE) {
                _mm_prefetch(next + line, _MM_HINT_T0);
            }
        }
        if (type == ASSAY_F32) {
            row[j] = (const float *)(const void *)key;
            continue;
        }
        float *const wide = tile->wide + j * d;
        for (int64_t i = 0; i < d; i += VEC) {
            vec_write_first(ASSAY_F32, wide, i, vec_read_first(type, key, i, d - i), d - i);
        }
        row[j] = wide;
    }
    attention_turn(row, d, tile->turned);
    attention_turn(row + VEC, d, tile->turned + VEC);
}

/* Scores of the block at t of `count` queries, a constant, from `first` on. */
VEC_INLINE void attention_score(int count, const attention_tile *tile, int64_t first, int64_t t,
                                float scale)
{
    const int64_t d = tile->head_dim;
    const float *const q = tile->q + first * d;
    vec low[ATTENTION_TOGETHER];
    vec high[ATTENTION_TOGETHER];
#pragma GCC unroll 8
    for (int i = 0; i < count; i++) {
        low[i] = vec_set(0.0f);
        high[i] = vec_set(0.0f);
    }
    for (int64_t e = 0; e < d; e++) {
        const vec a = vec_load(tile->turned + e * ATTENTION_KEYS);
        const vec b = vec_load(tile->turned + e * ATTENTION_KEYS + VEC);
#pragma GCC unroll 8
        for (int i = 0; i < count; i++) {
            const vec x = vec_set(q[i * d + e]);
            low[i] = vec_fma(x, a, low[i]);
            high[i] = vec_fma(x, b, high[i]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < count; i++) {
        float *const to = tile->score + (first + i) * tile->pitch + t;
        vec_store(to, vec_mul(low[i], vec_set(scale)));
        vec_store(to + VEC, vec_mul(high[i], vec_set(scale)));
    }
}

static inline void attention_scores(assay_dtype type, const attention_tile *tile, float scale)
{
    const int64_t end = tile->visible[tile->queries - 1];
    for (int64_t t = 0; t < end; t += ATTENTION_KEYS) {
        VEC_TYPED(attention_load_keys, type, tile, t, end);
        int64_t i = 0;
        for (; i + ATTENTION_TOGETHER <= tile->queries; i += ATTENTION_TOGETHER) {
            attention_score(ATTENTION_TOGETHER, tile, i, t, scale);
        }
        for (; i + 4 <= tile->queries; i += 4) {
            attention_score(4, tile, i, t, scale);
        }
        for (; i < tile->queries; i++) {
            attention_score(1, tile, i, t, scale);
        }
    }
}

/* score[0 .. n-1] -> softmax weights. What follows in the last vector gets the weight 0. A NaN
 * score makes every weight NaN through the sum, though no comparison lets it through. */
static inline void attention_softmax(float *score, int64_t n)
{
    for (int64_t t = n; t % VEC != 0; t++) {
        score[t] = -INFINITY;
    }
    vec greatest = vec_set(-INFINITY);
    for (int64_t t = 0; t < n; t += VEC) {
        greatest = vec_max(vec_load(score + t), greatest);
    }
    const vec top = vec_set(vec_greatest(greatest));
    vec sum = vec_set(0.0f);
    for (int64_t t = 0; t < n; t += VEC) {
        const vec e = vec_exp(vec_sub(vec_load(score + t), top));
        vec_store(score + t, e);
        sum = vec_add(sum, e);
    }
    const vec inverse = vec_set(1.0f / vec_sum(sum));
    for (int64_t t = 0; t < n; t += VEC) {
        vec_store(score + t, vec_mul(vec_load(score + t), inverse));
    }
}

/* out[..][i .. i + parts vectors] += positions t .. end-1 for `count` queries, both constants; the
 * last vector holds n elements. */
VEC_INLINE void attention_sum(assay_dtype type, int count, int parts, const attention_tile *tile,
                              int64_t first, int64_t i, int64_t n, int64_t t, int64_t end)
{
    const int64_t d = tile->head_dim;
    vec sum[ATTENTION_SHARE][ATTENTION_PART];
#pragma GCC unroll 4
    for (int c = 0; c < count; c++) {
#pragma GCC unroll 4
        for (int p = 0; p < parts; p++) {
            sum[c][p] = vec_read_first(ASSAY_F32, tile->out, (first + c) * d + i + p * VEC,
                                       parts > 1 ? VEC : n);
        }
    }
    for (; t < end; t++) {
        const char *const value = tile->v + t * tile->v_step;
        _mm_prefetch(value + ATTENTION_AHEAD * tile->v_step + i * (type == ASSAY_BF16 ? 2 : 4),
                     _MM_HINT_T0);
        vec v[ATTENTION_PART];
#pragma GCC unroll 4
        for (int p = 0; p < parts; p++) {
            v[p] = vec_read_first(type, value, i + p * VEC, parts > 1 ? VEC : n);
        }
#pragma GCC unroll 4
        for (int c = 0; c < count; c++) {
            const vec weight = vec_set(tile->score[(first + c) * tile->pitch + t]);
#pragma GCC unroll 4
            for (int p = 0; p < parts; p++) {
                sum[c][p] = vec_fma(weight, v[p], sum[c][p]);
            }
        }
    }
#pragma GCC unroll 4
    for (int c = 0; c < count; c++) {
#pragma GCC unroll 4
        for (int p = 0; p < parts; p++) {
            vec_write_first(ASSAY_F32, tile->out, (first + c) * d + i + p * VEC, sum[c][p],
                            parts > 1 ? VEC : n);
        }
    }
}

/* The same, all of the head, positions from .. end-1. */
VEC_INLINE void attention_weigh(assay_dtype type, int count, const attention_tile *tile,
                                int64_t first, int64_t from, int64_t end)
{
    const int64_t d = tile->head_dim;
    for (int64_t t = from; t < end; t += ATTENTION_VALUES) {
        const int64_t last = scalar_min(t + ATTENTION_VALUES, end);
        int64_t i = 0;
        for (; i + ATTENTION_PART * VEC <= d; i += ATTENTION_PART * VEC) {
            attention_sum(type, count, ATTENTION_PART, tile, first, i, VEC, t, last);
        }
        for (; i < d; i += VEC) {
            attention_sum(type, count, 1, tile, first, i, d - i, t, last);
        }
    }
}

/* Queries that stand together read the values they all see together, then each its own. */
VEC_INLINE void attention_values(assay_dtype type, const attention_tile *tile)
{
    int64_t i = 0;
    for (; i + ATTENTION_SHARE <= tile->queries; i += ATTENTION_SHARE) {
        const int64_t common = tile->visible[i];
        attention_weigh(type, ATTENTION_SHARE, tile, i, 0, common);
        for (int64_t c = i; c < i + ATTENTION_SHARE; c++) {
            if (tile->visible[c] > common) {
                attention_weigh(type, 1, tile, c, common, tile->visible[c]);
            }
        }
    }
    for (; i < tile->queries; i++) {
        attention_weigh(type, 1, tile, i, 0, tile->visible[i]);
    }
}

#endif
