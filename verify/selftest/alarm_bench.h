/* Right kernels of every kind, and cases drawn for them at random. */
#ifndef VERIFY_SELFTEST_ALARM_BENCH_H
#define VERIFY_SELFTEST_ALARM_BENCH_H

#include "verify/generated.h"

typedef struct assay_alarm_bench assay_alarm_bench;

/* The kernels: the built-in ones, the simulated ones of every contract (their sums in drawn
 * orders), and the mutants' twins, where the plug-in lies beside the program. */
assay_status assay_alarm_bench_open(assay_alarm_bench **bench, assay_error *error);
void assay_alarm_bench_close(assay_alarm_bench **bench);

/* The threads that a run's kernels are given. */
int32_t assay_alarm_threads(uint64_t seed, uint64_t run);
/* Seed of a run's inputs. */
uint64_t assay_alarm_run_seed(uint64_t seed, uint64_t run);

/* Pairs of a listed case that is not heavy and a simulated contract. */
uint64_t assay_alarm_bench_pairs(const assay_alarm_bench *bench);

/* Judges what run `run` of the campaign with this seed draws: a kernel and a case, some times over.
 * A pure function of both. A pair of case and contract that truth and budgets alone leave undecided
 * is left out and counted; a VOID of any other pair goes to the sink as it is. */
assay_status assay_alarm_bench_run(assay_alarm_bench *bench, uint64_t seed, uint64_t run,
                                   const assay_sink *sink, uint64_t *left_out, assay_error *error);
/* The same of pair `run`, modulo their number, with that run's seed and threads. */
assay_status assay_alarm_bench_pair(assay_alarm_bench *bench, uint64_t seed, uint64_t run,
                                    const assay_sink *sink, uint64_t *left_out,
                                    assay_error *error);

#endif
