/* Which cases of a list the command line asks for. */
#ifndef BENCH_SELECTION_H
#define BENCH_SELECTION_H

#include "bench/cases.h"
#include "bench/options.h"

bool assay_bench_selected(const assay_bench_options *options, const assay_bench_entry *entry);

/* Counts them; ASSAY_BAD_ARGUMENT when there are none, or none has a batch size that was named. Of
 * several sizes those that none has are said on standard error. */
assay_status assay_bench_check_selection(const assay_bench_options *options,
                                         const assay_bench_list *list, size_t *count,
                                         assay_error *error);

#endif
