/* What `assay selftest` has of this room: the timer and the gate judged. Each returns the exit
 * status: 0 good, 1 found wrong, 2 usage, 3 environment. */
#ifndef BENCH_SELFTEST_H
#define BENCH_SELFTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/status.h"
#include "verify/commands.h"

int assay_selftest_timer(int argc, char **argv);
int assay_selftest_gate(int argc, char **argv);

/* Of the first, for a plug-in's device of that number, in this process: prints what was found;
 * *good becomes false where the clock is wrong. ASSAY_UNSUPPORTED: there is no such device. */
assay_status assay_selftest_device(const char *plugin, int32_t number, bool *good,
                                   assay_error *error);

/* For assay_selftest_extend. */
extern const assay_selftest assay_bench_selftests[];
extern const size_t assay_bench_selftest_count;

#endif
