/* The limit on looseness, at 65,536 x 4,096 on zero-mean data: the fault that must be caught is of
 * a contract's results what its type and its accumulator make unavoidable, and nothing else.
 *   results kept in f32      1e-4 of the row's RMS (f64: the same by the units of the types)
 *   results kept in 16 bits  2 ulp of that type and the accumulation term
 *   accumulators that truncate or are narrow: beside either, twice their accumulation term
 *                            u sum|s|: a right one uses a good part of it itself, to one side
 *   rows with scales of any  beside either, twice what words at an edge may differ by: so much may
 *   f32                      lie between two right kernels
 * Other operands have no part in it: they are promised (precision.h). */
#ifndef VERIFY_SELFTEST_LIMIT_H
#define VERIFY_SELFTEST_LIMIT_H

#include "assay/ops.h"
#include "assay/precision.h"
#include "assay/tensor.h"

#define ASSAY_LOOSEST_RMS 1e-4
#define ASSAY_LOOSEST_ULP 2.0

typedef struct assay_limit {
    double rms, ulp;            /* parts of the row's RMS; last places of `kept` */
    assay_dtype kept;           /* the narrowest type that a result passes */
    const double *accumulation; /* per element, beside them, words in doubt too; NULL: none */
    char text[96];
} assay_limit;

/* The narrowest type that an op's result passes: its output, of sae_encode (whose values are f32)
 * the intermediate type where that is narrower. */
assay_dtype assay_kept_in(const assay_precision *contract, assay_op op);

/* The limit of linear or sae_encode (whose values are f32, after the intermediate type) under a
 * contract. accumulation: [rows, weight rows] room for the accumulation terms of x and weight. */
assay_status assay_limit_of(const assay_precision *contract, assay_op op, const assay_tensor *x,
                            const assay_tensor *weight, double *accumulation, assay_limit *limit,
                            assay_error *error);

#endif
