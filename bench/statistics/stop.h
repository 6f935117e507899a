/* When enough has been sampled: named rules, and the state machine that follows one.
 *
 *   relative:1%   until the 95% interval of the median is at most 1% of it wide (high - low),
 *                 whichever of the time and count bounds comes first ending it unreached
 *   count:200     that many samples
 *   time:2.5s     until that much time is spent (s or ms)
 *
 * Looking at an interval after every sample and stopping at the first narrow one stops too often on
 * intervals that are narrow by luck. `relative` therefore looks at counts that grow by a quarter,
 * from 24 samples on: some 20 looks up to 2,000 samples instead of 2,000. tests/stop.c measures
 * what is left: the interval at the stop covers the median in 93.3 to 96.7% of repeats (three laws,
 * three targets); looking at every sample from the sixth on, in 91.7 to 95.9%. */
#ifndef BENCH_STATISTICS_STOP_H
#define BENCH_STATISTICS_STOP_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/status.h"

typedef enum assay_stop_kind {
    ASSAY_STOP_RELATIVE,
    ASSAY_STOP_COUNT,
    ASSAY_STOP_TIME
} assay_stop_kind;

typedef struct assay_stop_rule {
    assay_stop_kind kind;
    double target;      /* relative: a fraction; count: samples; time: seconds */
    double seconds_max; /* bounds for every kind; the caller's to change after parsing */
    size_t count_min;   /* relative and time: at least so many, unless the time bound comes first */
    size_t count_max;
} assay_stop_rule;

/* Bounds of a parsed rule: 10 s (time: its own), 24 (time: 1) and 1,000,000 samples. */
assay_status assay_stop_parse(const char *text, assay_stop_rule *rule, assay_error *error);
/* "relative", "count", "time", as in result files. */
const char *assay_stop_name(assay_stop_kind kind);
/* What assay_stop_parse takes: "relative:1%". Returns `text`. */
char *assay_stop_text(const assay_stop_rule *rule, char *text, size_t size);

typedef struct assay_stop_state {
    assay_stop_rule rule;
    size_t next_look; /* relative: the count at which the interval is looked at next */
    size_t looks;
    double width; /* relative: (high - low) / median at the last look; infinite before it */
    bool done;
    bool reached; /* by the target, not by a bound */
} assay_stop_state;

assay_stop_state assay_stop_begin(const assay_stop_rule *rule);

/* To be asked after every sample, with all samples so far and the seconds spent. Between looks
 * O(1); a look sorts a copy, O(count log count), all looks together about five times the last.
 * Once done, the answer stays. */
assay_status assay_stop_ask(assay_stop_state *stop, const double *samples, size_t count,
                            double seconds, assay_error *error);

#endif
