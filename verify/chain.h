/* Budgets of compositions (METHOD A.2): how far a right implementation of a given contract may
 * drift over a chain of ops.
 *
 * The oracle runs the chain over its inputs repeated 1 + ASSAY_CHAIN_RUNS times. The first replica
 * is the truth; in it every op's own derived error is computed, element by element, and the same
 * element of every other replica is perturbed by it. (The errors are of first order, so those of
 * the truth serve all replicas.) An element that has no bound becomes infinite in them, and what
 * follows from it has no scale either: it is undecided. One pass thus gives truth and all runs:
 * weights are read once, and nothing has to be kept between runs. The scale of an element is the
 * RMS deviation over the runs, at least its row's; its budget is kappa times the scale. */
#ifndef VERIFY_CHAIN_H
#define VERIFY_CHAIN_H

#include <stdatomic.h>

#include "ref/oracle.h"
#include "verify/buffer.h"

/* N of METHOD A.2. Scales are named by ASSAY_CHAIN_METHOD on disk: count it up when what a scale
 * means changes. */
enum { ASSAY_CHAIN_RUNS = 16, ASSAY_CHAIN_METHOD = 3 };

/* kappa = 2 lambda, lambda (compare.h) being what a deviation of *known* spread may reach.
 *
 * A scale s is measured: 16 s^2 / sigma^2 is a chi-square of 16 degrees for a normal deviation (its
 * lower tail is lighter for sums of few uniform ones, whose kurtosis is below the normal's). It is
 * measured below half the true spread, so that 2 lambda s allows less than lambda sigma, with
 * probability 1.1e-3. Then and otherwise the deviation of a fresh run over s is Student's t of 16
 * degrees: it exceeds kappa = 18.9 with probability 2.4e-12 per element, were the implementation
 * as wrong as its contract allows at every op. Two things make it rarer: the models overstate the
 * spread of roundings, and elements that are not outliers have their row's RMS, which is measured
 * over the whole row. */
double assay_chain_kappa(void);

/* What a chain gives: one of these for every place that is looked at. */
typedef struct assay_chain_output {
    const char *key; /* names it among the chain's outputs */
    int64_t rows, columns;
} assay_chain_output;

struct assay_chain_pass;

typedef struct assay_chain {
    /* Runs the chain with pass->table and pass->exec on pass->replicas copies of its inputs, one
     * after the other, and hands its outputs to assay_chain_tap. Whatever has rows has those of the
     * first replica, then those of the second, and so on. */
    assay_status (*run)(const void *context, struct assay_chain_pass *pass);
    const void *context;
    const char *key; /* names, within a bundle, all that it depends on besides the contract */
    const assay_chain_output *output;
    size_t output_count;
    uint64_t seed;
    double bytes; /* of memory that one replica needs, about */
    const atomic_int *idle; /* threads that wait for this chain: it uses them too; or NULL */
} assay_chain;

/* Takes one row of an output: of replica 0 (exact), or of a perturbed one (then exact is replica
 * 0's, and replica counts from 1 over all passes). */
typedef void assay_chain_row_fn(void *context, size_t output, int64_t row, uint64_t replica,
                                const double *exact, const double *value);

/* Perturbed oracle ops find this in exec.harness. */
typedef struct assay_perturbation {
    const assay_table *contracts;
    uint64_t seed;
    int64_t replicas; /* in this pass, the exact one included */
    uint64_t first;   /* number of the first perturbed one */
    uint64_t calls;   /* counts up: every op call has its own stream of deviates */
    /* What an embed can read that is not an activation: the models' tables and soft tokens that
     * come from the case. Anything else it copies has the implementation's own type already, so
     * the copy is exact (a gather of rows, soft tokens from an adapter). */
    const void *given[3];
    int threads;             /* of the thread that runs the chain, */
    const atomic_int *idle;  /* and those that may be used besides; or NULL */
    /* The rows of each replica that alone are looked at after the next attention, ascending; set by
     * the chain where it knows. From that attention on no other row is computed: ops of one row
     * follow, and no embed. NULL: all rows count. */
    const int64_t *wanted;
    int64_t wanted_count;
    bool few;       /* that attention is reached */
    int64_t *index; /* the oracle's subsets: rows of all replicas that are computed */
    int64_t index_count;
} assay_perturbation;
extern const assay_table assay_perturbed_oracle;

/* Whether contracts promise operands that activations and weights of 16 and 32 bits are not as they
 * are: then the truth of a chain is another one. */
bool assay_contracts_round(const assay_table *contracts);

typedef struct assay_chain_pass {
    const assay_table *table;
    assay_exec exec;
    int64_t replicas;
    assay_perturbation *perturbation;
    assay_chain_row_fn *row;
    void *row_context;
} assay_chain_pass;

/* Output `output`, rows at .. at+count-1, are rows pick[0 .. count-1] (NULL: 0 .. count-1) of each
 * replica's share of `rows`, which is [replicas * n, columns] dense float64. */
void assay_chain_tap(assay_chain_pass *pass, size_t output, const assay_tensor *rows,
                     const int64_t *pick, int64_t count, int64_t at);

/* Runs the chain with the errors that `contracts` allows, replicas first .. first+count-1 (counted
 * from 1) beside the exact one, which is of the operands that contracts promise. Memory decides how
 * many go through at once; the values do not depend on it. count 0: the exact replica alone.
 * contracts NULL: that too, of the operands as they are. */
assay_status assay_chain_visit(const assay_chain *chain, const assay_table *contracts,
                               uint64_t first, uint64_t count, assay_chain_row_fn *row,
                               void *row_context, assay_error *error);

/* truth[k] and scale[k] [rows, columns] of every output, in the caller's memory; either list may be
 * NULL, and so may its entries. */
assay_status assay_chain_truth(const assay_chain *chain, const assay_table *contracts,
                               double *const *truth, assay_error *error);
assay_status assay_chain_scales(const assay_chain *chain, const assay_table *contracts,
                                double *const *truth, float *const *scale, assay_error *error);

#endif
