/* Sparse features, compressed sparse rows.
 *
 * row_offsets [N+1] i64   row i's entries are row_offsets[i] .. row_offsets[i+1]-1; [0] is 0
 * latent      [cap] i32   ascending and distinct within a row (i64 in golden bundles)
 * value       [cap] f32   the feature's value (f64 for the oracle)
 *
 * A reader ends at row_offsets[N]: latent and value may be longer, with anything behind.
 *
 * There is no fixed capacity: an encoder always writes complete row_offsets (the true counts) and
 * the entries up to the capacity that latent's length gives, in order. The caller reads
 * row_offsets[N] after its own synchronisation and, where it exceeds the capacity, grows the
 * buffers and runs again; so no kernel hides a synchronisation, and nothing is silently cut off.
 * Where there is more room than entries, a reader ends at row_offsets[N]: what lies beyond may be
 * anything. */
#ifndef ASSAY_CSR_H
#define ASSAY_CSR_H

#include "assay/tensor.h"

typedef struct assay_csr {
    assay_tensor row_offsets;
    assay_tensor latent;
    assay_tensor value;
} assay_csr;

#endif
