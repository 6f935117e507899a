/* embed: rows of a table, with soft-token injection.
 *
 *   y[n,:] = table[id[n],:]            for every row n that is not injected
 *   y[soft_at[s],:] = soft[s,:]        for s = 0 .. S-1
 *
 * Shapes: table [V,d] (each row dense, the rows possibly further than d apart), id [N] i32 or i64
 * in 0..V-1, soft [S,d], soft_at [S] i64 (distinct rows of y), y [N,d]. soft and soft_at are absent
 * when nothing is injected; S may be 0.
 * Types: y in the contract's output type; table and soft may be of other types and are rounded
 * once. Aliasing: none. NaN and Inf are copied (a NaN stays a NaN).
 * Composition also uses it to gather rows of activations, so a table may be of any float type.
 * Errors: an id out of range is the caller's fault and is checked by the harness, not here.
 * Source: torch.nn.functional.embedding; SelfIE and Transluce replace rows of its result. */
#ifndef ASSAY_EMBED_H
#define ASSAY_EMBED_H

#include "assay/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_embed_params {
    assay_tensor table;
} assay_embed_params;

typedef struct assay_embed_io {
    assay_tensor id;
    assay_tensor soft;
    assay_tensor soft_at;
    assay_tensor y;
} assay_embed_io;

ASSAY_OP_FUNCTIONS(embed);

#ifdef __cplusplus
}
#endif
#endif
