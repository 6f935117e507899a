/* Budgets of compositions (METHOD A.2): how far a right implementation of a given contract may
 * drift over a chain of ops.
 *
 * The oracle runs the chain once and records every op's own derived error (its bound and its sigma,
 * element by element). Then it runs ASSAY_CHAIN_RUNS times with every op's output perturbed by what
 * was recorded for it: uniformly within its bound, normally with its sigma. (The errors are of
 * first order, so those of the unperturbed run serve all runs.) The scale of an element is the RMS
 * deviation over those runs, at least its row's; its budget is kappa times the scale. */
#ifndef VERIFY_CHAIN_H
#define VERIFY_CHAIN_H

#include "verify/buffer.h"
#include "verify/compare.h"

enum { ASSAY_CHAIN_RUNS = 8 };

/* kappa: lambda, widened by sqrt(8 / 2): the RMS of 8 normal deviates is below half its expectation
 * with probability 0.02 (chi-square, 8 degrees), so twice lambda covers a scale that was measured
 * too small. */
double assay_chain_kappa(void);

/* Runs the chain with a table and writes its real-valued output, [rows, columns] dense float64. */
typedef assay_status assay_chain_run_fn(const void *chain, const assay_table *table,
                                        const assay_exec *exec, double *output);

typedef struct assay_chain {
    assay_chain_run_fn *run;
    const void *chain;
    int64_t rows, columns;
    uint64_t seed;
} assay_chain;

/* truth [rows, columns] by the oracle, and the budget of an implementation whose ops have the
 * contracts of `table`. */
assay_status assay_chain_truth(const assay_chain *chain, assay_arena *arena, double **truth,
                               assay_error *error);
assay_status assay_chain_budget(const assay_chain *chain, const double *truth,
                                const assay_table *table, assay_arena *arena, assay_budget *budget,
                                assay_error *error);

/* The error model of every op call of a chain, in the order of the calls. */
typedef struct assay_chain_record {
    struct assay_recorded_error {
        int64_t count;
        float *bound, *sigma; /* [count]; f32 holds a scale well enough */
    } * call;
    size_t count, capacity;
} assay_chain_record;

void assay_chain_record_free(assay_chain_record *record);

/* What the perturbed oracle's ops find in exec.harness. */
typedef struct assay_perturbation {
    const assay_table *contracts;
    assay_chain_record *record;
    bool recording; /* true: compute and keep the errors, leave outputs as they are */
    uint64_t seed;
    size_t calls; /* counts up: every op call has its own record and stream of deviates */
} assay_perturbation;
extern const assay_table assay_perturbed_oracle;

#endif
