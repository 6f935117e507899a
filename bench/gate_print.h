/* What the trials of the gate came to, for people and for plots. */
#ifndef BENCH_GATE_PRINT_H
#define BENCH_GATE_PRINT_H

#include "bench/gate_log.h"

void assay_gate_print(const assay_gate_tally *tally);

/* Columns separated by tabs, in three parts with two empty lines between, as gnuplot has them:
 * single cases slowed by a delay and by extra work, and whole runs (of 0%: the runs with any alarm;
 * else the slowed cases). Intervals are Clopper and Pearson's, 95%. */
assay_status assay_gate_table(const assay_gate_tally *tally, const char *path, assay_error *error);

#endif
