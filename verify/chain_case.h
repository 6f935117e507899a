/* A case that is judged by chain budgets. */
#ifndef VERIFY_CHAIN_CASE_H
#define VERIFY_CHAIN_CASE_H

#include "verify/compare.h"
#include "verify/scales.h"

typedef struct assay_chain_case {
    const assay_chain *chain;
    size_t output;
    const double *expected;     /* the bundle's; the oracle's when the bundle has none */
    const assay_table *witness; /* with whose contracts it was computed; NULL: in float64 */
    assay_arena *arena;         /* of the case */
    assay_scales *scales;
} assay_chain_case;

/* The budget for an implementation: kappa times the sum of its own chain's scale and the witness's,
 * at least the agreement owed by two float64 programs. Computes what was not computed before. */
assay_status assay_chain_case_budget(const assay_chain_case *chain_case, const assay_table *table,
                                     assay_budget *budget, assay_error *error);

/* The table under whose contracts a witness of that precision ("f64", "f32", "bf16") computed; NULL
 * for f64 and for precisions that are none of the three. */
const assay_table *assay_witness_table(const char *precision);

#endif
