/* What scales of a bundle are kept under. */
#ifndef VERIFY_SCALES_IDENTITY_H
#define VERIFY_SCALES_IDENTITY_H

#include "verify/checkpoints.h"
#include "verify/scales.h"

/* Scales for a bundle: named by the hash of its manifest, which holds the hashes of all its files,
 * and by path, size and time of change of each checkpoint file given from outside. */
assay_status assay_scales_open_for(const assay_bundle *bundle, const assay_overrides *overrides,
                                   assay_scales **scales, assay_error *error);

#endif
