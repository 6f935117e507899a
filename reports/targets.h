/* What was to be reached, held against what was measured.
 *
 * A file of targets has a line each, of fields between tabs; lines that begin with # and empty ones
 * are nothing:
 *
 *   kind  op  case  batch  implementation  against  cache  wanted  words
 *
 * op, case, implementation, against: globs, several with commas; cache: cold, warm or *; batch:
 * numbers with commas, or * for all that were measured. kind is one of
 *   ratio  of comparisons: at each batch size the ratio to the best of `against` (the least ratio),
 *          of these the geometric mean. Its interval follows from those of the batch sizes, which
 *          are independent runs, side by side on the log scale: distances from the mean are
 *          sqrt(sum of squares) / n, each side on its own (Zou and Donner 2008, "MOVER").
 *   floor  of timings: the least fraction of the measured floor that any batch size reached, with
 *          no interval (the floor has none)
 * Every case and implementation of a target that was measured has a row: PASS where the number is
 * at least `wanted`, else missed; a target that no result speaks of is "not measured". */
#ifndef REPORTS_TARGETS_H
#define REPORTS_TARGETS_H

#include "reports/results.h"

/* Writes the table as text between tabs, and as Markdown where markdown is true. results are
 * unified. ASSAY_BAD_INPUT names the file's line. */
assay_status report_targets(const assay_results *results, const char *path, bool markdown,
                            FILE *out, assay_error *error);

#endif
