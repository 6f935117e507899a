/* attention: causal, grouped-query, over a key/value cache; prefill and decode are the same op.
 *
 * Row n belongs to sequence s = sequence[n] and stands at position p = position[n]. First its k and
 * v are stored: k_cache[s,p,:] = k[n,:], v_cache[s,p,:] = v[n,:], for all rows. Then, for every
 * query head h with kv head g = h / (heads/kv_heads):
 *   score_t = (q[n,h,:] . k_cache[s,t,g,:]) / sqrt(head_dim)     t = 0 .. p
 *   y[n,h,:] = sum_t softmax(score)_t * v_cache[s,t,g,:]
 *
 * Shapes: q, y [N, heads*head_dim]; k, v [N, kv_heads*head_dim], already rotated;
 * k_cache, v_cache [S, capacity, kv_heads*head_dim]; sequence, position [N] i32 (host-visible
 * copies are not given: a device kernel reads them on the device).
 * Rows of one sequence are contiguous and their positions consecutive and ascending, so a call is a
 * ragged batch: whole prompts of unequal length, one new token each, or a mixture. Cache rows
 * 0 .. position-of-the-first-row - 1 were stored by earlier calls. max_position is at least every
 * position of the call and bounds the workspace.
 * Written: y, and the cache rows named above, no others. Aliasing: y may be q.
 * NaN: a NaN in q, or in a visible k or v row, makes the affected heads NaN; rows that are not
 * visible (padding, later positions, other sequences) have no influence, whatever they hold.
 * Inf: a score of +Inf makes its head NaN (Inf - Inf in the softmax), and so do scores that are all
 * -Inf; one of -Inf has the weight 0, and 0 times an infinite v is NaN: nothing is skipped.
 * Source: Vaswani et al. 2017, Ainslie et al. 2023 (GQA); transformers eager_attention_forward,
 * whose 16-bit flow rounds the score, the scaled score and the softmax weight to the contract's
 * intermediate type, with the softmax itself in f32. */
#ifndef ASSAY_ATTENTION_H
#define ASSAY_ATTENTION_H

#include "assay/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_attention_params {
    int64_t heads, kv_heads, head_dim;
} assay_attention_params;

typedef struct assay_attention_io {
    assay_tensor q, k, v;
    assay_tensor sequence, position;
    assay_tensor k_cache, v_cache; /* read and written */
    int64_t max_position;
    assay_tensor y;
} assay_attention_io;

ASSAY_OP_FUNCTIONS(attention);

#ifdef __cplusplus
}
#endif
#endif
