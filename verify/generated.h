/* Generated cases (fixtures/cases/verify.json) judged for every implementation asked for. */
#ifndef VERIFY_GENERATED_H
#define VERIFY_GENERATED_H

#include "assay/filter.h"
#include "fixtures/synth/cases.h"
#include "verify/cases.h"

/* Selects what a run is about; NULL matches everything. Shell globs,
 * several with commas between. */
typedef struct assay_filter {
    const char *op, *impl, *case_id;
    bool quick; /* leave out what is marked heavy, sweeps, and bundle cases of long sequences */
} assay_filter;

bool assay_generated_selected(const assay_case_entry *entry, const assay_filter *filter);

/* One case of a list, judged for every table of the run that has its op. */
assay_status assay_generated_judge_entry(const assay_case_entry *entry,
                                         const assay_verify_run *run, assay_error *error);

/* Whether a kernel of that contract can be judged on the case at all: by the truth and the budgets
 * alone, without running it. A contract may be too coarse for a case: VOID is then the right
 * verdict on any kernel, and no fault of it. */
assay_status assay_generated_decidable(const assay_case_entry *entry, const assay_kernel *kernel,
                                       uint64_t seed, bool *decidable, assay_error *error);

#endif
