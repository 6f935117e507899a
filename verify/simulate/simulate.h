/* Simulated kernels: right by construction under a stated contract.
 *
 * Every rounding the contract states is done and no other: operands to their storage and multiply
 * types, exact sums of `block` products to the accumulator's bits (to nearest or truncated),
 * flushed subnormals, results between steps to the intermediate type, quantised weights by the rule
 * of precision.h. Library functions are exact to a rounding. They show that budgets hold for what
 * is right (calibration, false alarms) and what they catch (sensitivity); they are slow, and take
 * memory in `run`, which a kernel must not.
 *
 * The order of a sum is drawn for every output from {in order, reversed, 4, 8, 16 or 64 lanes,
 * pairwise, in chunks, a random permutation}: a function of the seed and of the significands of
 * its own weights (or of its own row where there are none), so that a row's result depends neither
 * on its neighbours nor on a power of two, and is the same in every process. */
#ifndef VERIFY_SIMULATE_SIMULATE_H
#define VERIFY_SIMULATE_SIMULATE_H

#include "assay/kernel.h"

/* By name ("simulated_f32"), NULL when there is none; and one after the other, NULL at the end. */
const assay_table *assay_simulated_find(const char *name);
const assay_table *assay_simulated_at(size_t index);

/* Other orders for all of this process's sums from now on. 0 at the start. */
void assay_simulated_seed(uint64_t seed);

#endif
