/* What `assay selftest` has of this room: the timer and the gate judged. Each returns the exit
 * status: 0 good, 1 found wrong, 2 usage, 3 environment. */
#ifndef BENCH_SELFTEST_H
#define BENCH_SELFTEST_H

#include "verify/commands.h"

int assay_selftest_timer(int argc, char **argv);
int assay_selftest_gate(int argc, char **argv);

/* For assay_selftest_extend. */
extern const assay_selftest assay_bench_selftests[];
extern const size_t assay_bench_selftest_count;

#endif
