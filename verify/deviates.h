/* Deviates for perturbed runs: uniform in (-1, 1), eight from one counter block.
 *
 * A scale is a second moment, and to first order the deviation of an output is a weighted sum of
 * the ops' independent errors: its variance needs their variances and nothing else of their
 * distribution. So a bounded error (uniform within its bound, bound^2/3) and an accumulated one
 * (sigma^2) are drawn as one uniform deviate of the variance of both, which costs 16 random bits.
 * A uniform's kurtosis is below the normal's: its scales also scatter less. */
#ifndef VERIFY_DEVIATES_H
#define VERIFY_DEVIATES_H

#include <math.h>

#include "assay/philox.h"

enum { ASSAY_DEVIATES = 8 };

/* The random bits of deviates 8 block .. 8 block + 7 of a stream. */
static inline void assay_deviate_bits(uint64_t seed, uint64_t stream, uint64_t block,
                                      uint16_t bits[ASSAY_DEVIATES])
{
    const assay_philox_block random = assay_philox(seed, stream, block);
    for (int i = 0; i < 4; i++) {
        bits[2 * i] = (uint16_t)(random.word[i] & 0xffffu);
        bits[2 * i + 1] = (uint16_t)(random.word[i] >> 16);
    }
}

static inline double assay_deviate(uint16_t bits)
{
    return ((double)bits + 0.5) * 0x1p-15 - 1.0;
}

/* What a deviate is multiplied with: half the width of the uniform distribution of that variance.
 * Infinite for what may overflow: nothing can be said of it, nor of what follows from it. */
static inline double assay_deviate_reach(double bound, double sigma)
{
    const double reach = sqrt(bound * bound + 3.0 * sigma * sigma);
    return reach < (double)INFINITY ? reach : (double)INFINITY;
}

#endif
