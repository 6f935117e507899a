/* Generated cases as steps, whole or part by part of a sweep: shared by what judges them. */
#ifndef VERIFY_GENERATED_PARTS_H
#define VERIFY_GENERATED_PARTS_H

#include "fixtures/synth/case_sweep.h"
#include "verify/generated.h"
#include "verify/step_truth.h"

/* What is built of an entry as a step, not sampled; it points into built. */
assay_step assay_generated_step(const assay_case_entry *entry, const assay_generated_case *built);

/* An entry as it is, or one of the cases that a sweep stands for (with memory of its own, which
 * the second function frees). */
assay_status assay_generated_part(const assay_case_entry *entry, uint64_t seed, int64_t number,
                                  char place[ASSAY_SWEEP_PLACE], assay_case_entry *made,
                                  assay_error *error);
void assay_generated_part_drop(const assay_case_entry *entry, assay_case_entry *made);

#endif
