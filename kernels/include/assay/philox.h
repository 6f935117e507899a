/* Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3" (SC11). A draw is a pure function of (key, counter): the same on every machine, in any
 * order. It is part of the contract because `sample` defines its draws by it. */
#ifndef ASSAY_PHILOX_H
#define ASSAY_PHILOX_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* CUDA kernels draw on the device. */
#ifdef __CUDACC__
#define ASSAY_PHILOX_ANYWHERE __host__ __device__
#else
#define ASSAY_PHILOX_ANYWHERE
#endif

typedef struct assay_philox_block {
    uint32_t word[4];
} assay_philox_block;

ASSAY_PHILOX_ANYWHERE static inline assay_philox_block
assay_philox(uint64_t key, uint64_t counter_high, uint64_t counter_low)
{
    uint32_t c0 = (uint32_t)counter_low;
    uint32_t c1 = (uint32_t)(counter_low >> 32);
    uint32_t c2 = (uint32_t)counter_high;
    uint32_t c3 = (uint32_t)(counter_high >> 32);
    uint32_t k0 = (uint32_t)key;
    uint32_t k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        const uint64_t product0 = (uint64_t)0xD2511F53u * c0;
        const uint64_t product1 = (uint64_t)0xCD9E8D57u * c2;
        const uint32_t n0 = (uint32_t)(product1 >> 32) ^ c1 ^ k0;
        const uint32_t n2 = (uint32_t)(product0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)product1;
        c3 = (uint32_t)product0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    assay_philox_block block;
    block.word[0] = c0;
    block.word[1] = c1;
    block.word[2] = c2;
    block.word[3] = c3;
    return block;
}

/* A uniform number in [0, 1): 53 bits, a multiple of 2^-53. */
ASSAY_PHILOX_ANYWHERE static inline double
assay_philox_uniform(uint64_t key, uint64_t counter_high, uint64_t counter_low)
{
    const assay_philox_block block = assay_philox(key, counter_high, counter_low);
    const uint64_t bits = ((uint64_t)block.word[0] << 32) | block.word[1];
    return (double)(bits >> 11) * 0x1p-53;
}

#ifdef __cplusplus
}
#endif
#endif
