/* A case that is judged by chain budgets. */
#ifndef VERIFY_CHAIN_CASE_H
#define VERIFY_CHAIN_CASE_H

#include "verify/compare.h"
#include "verify/scales.h"

typedef struct assay_chain_case {
    const assay_chain *chain;
    size_t output;
    const double *given;        /* the bundle's expectation; the oracle's when it has none */
    const double *expected;     /* of the implementation whose budget was asked for last */
    const assay_table *witness; /* with whose contracts it was computed; NULL: in float64 */
    assay_arena *arena;         /* of the case */
    assay_scales *scales;
} assay_chain_case;

/* How many elements of a chain must inform (compare.h), or it has shown nothing: VOID. What has
 * nothing to do with the expectation meets one of these by chance less than half the time, and so
 * passes all of them less than once in 256 times. */
#define ASSAY_CHAIN_EVIDENCE 8

/* The budget for an implementation: kappa times the sum of its own chain's scale and the witness's,
 * at least the agreement owed by two float64 programs. Sets the expectation too: where its
 * contracts promise other operands (quantised weights, a narrow multiply type), given moves by what
 * that makes of the truth. Computes what was not computed before. */
assay_status assay_chain_case_budget(assay_chain_case *chain_case, const assay_table *table,
                                     assay_budget *budget, assay_error *error);

/* Whether the bundle's expectation is the oracle's: else VOID in result, naming the bundle. whole:
 * every number, where it was computed in float64; false, and for other arithmetic: only what is not
 * finite (rows that ended are no output of a chain). */
assay_status assay_chain_case_golden(const assay_chain_case *chain_case, bool whole,
                                     assay_result *result, assay_error *error);

/* The table under whose contracts a witness of that precision ("f64", "f32", "bf16") computed; NULL
 * for f64 and for precisions that are none of the three. */
const assay_table *assay_witness_table(const char *precision);

#endif
