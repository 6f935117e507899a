/* Steps in a series of runs: where did a case become slower or faster, and by how much?
 *
 * The series is one median a run, in order. On logarithms:
 * 1. the noise from run to run comes from the median absolute difference of successive runs, which
 *    neither steps, nor outliers, nor a slow drift move; it is never below a run's own error;
 * 2. a single run that strays by more than three deviations from the median of the five around it
 *    is pulled back to there: one bad night is no step, and a step shows after `least` runs;
 * 3. candidates: the segmentation of least squares with a penalty of 2 ln(runs) a step, exact, by
 *    dynamic programming (Killick, Fearnhead and Eckley 2012 without its pruning);
 * 4. each candidate is tested between its neighbours, at most `window` runs on each side, by
 *    Student's t with the larger of both noise estimates, times what correlation between
 *    successive runs adds (short series are asked for it on either side of the step alone); p is
 *    multiplied by the number of places a step could be (Bonferroni). A straight line must explain
 *    the window clearly worse (twenty times less likely, and that at any place), or the step is
 *    drift; where a slope beside it pays, the step is what a line with a step makes of it. The
 *    weakest that fails goes, and the rest are tested again;
 * 5. Student's t believes of a handful of runs that they are normal, so the order must speak too:
 *    the runs between a step's neighbours are shuffled, made ready as in 2 and split where it looks
 *    most like a step; where more than `chance` of the shuffles look as much like one, it is none.
 *    That holds for noise of any distribution, a machine of two speeds too, if runs are
 *    independent. Of n runs with k on one side of a step, about 2 / (n over k) of the orders look
 *    as much like it: at 0.02 nothing is told of fewer than nine runs.
 * That nothing is found is an answer; `enough` says whether anything could have been. */
#ifndef BENCH_STATISTICS_STEPS_H
#define BENCH_STATISTICS_STEPS_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/status.h"

typedef struct assay_steps_options {
    size_t least;      /* runs on each side of a step, at least 2 */
    size_t window;     /* runs on each side that estimate it, at most */
    double p;          /* corrected p values up to this are steps */
    double chance;     /* of the order of the runs, up or down */
    double margin;     /* smaller steps are left out: 0.01 is 1% */
    double confidence; /* of the interval of a step's ratio */
} assay_steps_options;

#define ASSAY_STEPS_DEFAULTS ((assay_steps_options){3, 30, 0.001, 0.02, 0.01, 0.95})

enum { ASSAY_STEPS_RUNS_MAX = 20000 };

typedef struct assay_step {
    size_t at;    /* the first run after it */
    double ratio; /* after over before: 1.03 is 3% slower */
    double low;
    double high;
    double p; /* corrected for all places of this series; not for several series */
} assay_step;

typedef struct assay_steps {
    assay_step *step; /* in order of the runs */
    size_t count;
    double noise;     /* relative standard deviation from run to run */
    double inflation; /* of the variance of a mean by correlation between runs; 1 for none */
    size_t outliers;  /* runs pulled back */
    bool enough;      /* runs, for any step to be told */
} assay_steps;

/* seconds[i] > 0 is the median of run i; error[i] its relative standard error, or NULL for unknown.
 * O(runs^2), 0.3 s at the 20,000 runs that are the most. To be destroyed after ASSAY_OK. */
assay_status assay_find_steps(const double *seconds, const double *relative_error, size_t runs,
                              const assay_steps_options *options, assay_steps *steps,
                              assay_error *error);
void assay_steps_destroy(assay_steps *steps);

#endif
