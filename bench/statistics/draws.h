/* Seeded draws for resampling and simulations: a sequence over the contract's Philox, the same on
 * every machine. Streams of one seed are independent. */
#ifndef BENCH_STATISTICS_DRAWS_H
#define BENCH_STATISTICS_DRAWS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/philox.h"

typedef struct assay_draws {
    uint64_t seed;
    uint64_t stream;
    uint64_t next; /* counted in words of 32 bits */
    assay_philox_block block;
} assay_draws;

static inline assay_draws assay_draws_of(uint64_t seed, uint64_t stream)
{
    const assay_draws draws = {.seed = seed, .stream = stream};
    return draws;
}

static inline uint32_t assay_draws_word(assay_draws *draws)
{
    const uint64_t at = draws->next++;
    if (at % 4 == 0) {
        draws->block = assay_philox(draws->seed, draws->stream, at / 4);
    }
    return draws->block.word[at % 4];
}

/* 0 .. count - 1, for count in 1 .. 2^32; the bias is below count / 2^32. */
static inline size_t assay_draws_below(assay_draws *draws, size_t count)
{
    return (size_t)(((uint64_t)assay_draws_word(draws) * (uint64_t)count) >> 32);
}

/* In (0, 1): an odd multiple of 2^-54. */
static inline double assay_draws_uniform(assay_draws *draws)
{
    const uint64_t high = assay_draws_word(draws);
    const uint64_t bits = ((high << 32) | assay_draws_word(draws)) >> 11;
    return ((double)bits + 0.5) * 0x1p-53;
}

/* Box and Muller's cosine branch. */
static inline double assay_draws_normal(assay_draws *draws)
{
    const double radius = sqrt(-2.0 * log(assay_draws_uniform(draws)));
    return radius * cos(6.283185307179586477 * assay_draws_uniform(draws));
}

#endif
