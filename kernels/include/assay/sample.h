/* sample: one token per row of logits.
 *
 * temperature 0: the greatest logit, lowest index first among equals; a NaN ranks above all
 * numbers (as torch.argmax does), the first NaN first. Its probability is 1, all others' 0.
 * temperature T > 0, in this order:
 *   1. s = logits / T
 *   2. top_k > 0: tokens with s below the top_k-th greatest are dropped (its equals all stay)
 *   3. top_p < 1: q = softmax(s) of what is left; in order of descending q (equals: highest index
 *      first, as a stable ascending sort leaves them) a token is dropped when the sum of the
 *      tokens before it has reached top_p; the first always stays. Equal logits whose q differ,
 *      as those of vector lanes and of a loop's rest may, stand in the order of their q
 *   4. p = softmax of what is left; the sum runs in token-index order and the draw is the first
 *      token t with p_0 + ... + p_t > u, the last token with p > 0 if rounding leaves none
 * u is uniform[n] when given, else assay_philox_uniform(seed, stream[n], step): a pure function of
 * (seed, sequence, step), whatever the batch.
 *
 * Shapes: logits [N,V]; stream [N] i64; uniform [N] f64 or absent; token [N] i32;
 * probability [N,V] (the p of step 4, contract's output type) or absent.
 * Aliasing: none. With T > 0 a row whose softmax is no distribution (it holds a NaN or +Inf, or
 * nothing but -Inf) gives token -1 and a NaN row of probability.
 * Source: transformers' TopKLogitsWarper and TopPLogitsWarper. */
#ifndef ASSAY_SAMPLE_H
#define ASSAY_SAMPLE_H

#include "assay/ops.h"
#include "assay/philox.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_sample_params {
    double temperature;
    int64_t top_k; /* 0: off */
    double top_p;  /* 1: off */
    uint64_t seed;
} assay_sample_params;

typedef struct assay_sample_io {
    assay_tensor logits;
    assay_tensor stream;
    int64_t step;
    assay_tensor uniform;
    assay_tensor token;
    assay_tensor probability;
} assay_sample_io;

ASSAY_OP_FUNCTIONS(sample);

#ifdef __cplusplus
}
#endif
#endif
