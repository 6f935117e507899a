/* Two things timed side by side, a and b, interleaved over pairs of fresh processes.
 *
 * The unit is the pair: rounds inside it share pages and layout, so they give one value, the median
 * of log(b / a) over its rounds. The ratio is time of b over time of a: above 1, a is the
 * faster. */
#ifndef BENCH_STATISTICS_PAIRED_H
#define BENCH_STATISTICS_PAIRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/status.h"

typedef struct assay_pair {
    const double *a; /* seconds of each round, above zero */
    const double *b;
    size_t rounds;
} assay_pair;

typedef enum assay_change {
    ASSAY_UNSURE = 0, /* the interval allows too much */
    ASSAY_SAME,       /* the whole interval lies within the margin: shown to be equal */
    ASSAY_FASTER,     /* a takes less time than b */
    ASSAY_SLOWER
} assay_change;

static inline const char *assay_change_name(assay_change change)
{
    switch (change) {
    case ASSAY_UNSURE: return "UNSURE";
    case ASSAY_SAME: return "SAME";
    case ASSAY_FASTER: return "FASTER";
    case ASSAY_SLOWER: return "SLOWER";
    }
    return "?";
}

typedef struct assay_paired_options {
    double confidence; /* of the interval */
    double margin;     /* ratios between 1/(1 + margin) and 1 + margin count as equal */
    size_t resamples;  /* of the bootstrap, 200 to 1,000,000 */
    uint64_t seed;     /* of the bootstrap: the same seed, the same interval */
} assay_paired_options;

#define ASSAY_PAIRED_DEFAULTS ((assay_paired_options){0.95, 0.01, 2000, 1})

typedef struct assay_paired {
    double ratio; /* Hodges-Lehmann over the pairs' log ratios */
    double low;   /* 0 and infinity for a single pair, which says nothing of the next */
    double high;
    double p;      /* Wilcoxon's signed ranks, exact, two-sided */
    double p_sign; /* the sign test */
    size_t pairs;
    size_t rounds; /* in all pairs together */
    assay_change change;
} assay_paired;

/* The interval: from 6 pairs on a hierarchical bootstrap (pairs, then rounds inside each, with
 * replacement) whose percentiles are widened for few pairs as in Hesterberg 2015 (The American
 * Statistician 69:371, "expanded percentiles"); below 6, where resampling cannot reach 95%,
 * Student's t on the pairs' log ratios. Resampling the rounds too counts their noise twice: the
 * interval is a little long, never short. O(resamples * (rounds in all + pairs^2 or pairs log
 * pairs)). */
assay_status assay_compare_pairs(const assay_pair *pairs, size_t count,
                                 const assay_paired_options *options, assay_paired *result,
                                 assay_error *error);

/* The same from the pairs' log ratios alone, log(b / a). */
assay_status assay_compare_log_ratios(const double *log_ratios, size_t count,
                                      const assay_paired_options *options, assay_paired *result,
                                      assay_error *error);

/* The median of a pair's log ratios; times that are not finite and above zero are refused. */
assay_status assay_pair_log_ratio(const assay_pair *pair, double *log_ratio, assay_error *error);

/* The verdict from an interval of the ratio: SAME when all of it is within the margin; FASTER or
 * SLOWER when it excludes 1 and the estimate is beyond the margin; else UNSURE. */
assay_change assay_change_of(double ratio, double low, double high, double margin);

/* The least number of pairs that can confirm one of `suspects` at false-discovery rate q, whatever
 * the data: an exact sign test over R pairs gives 2^(1 - R) at the least, so R >= 1 +
 * log2(suspects / q). 0 when the arguments make no sense. */
size_t assay_pairs_needed(size_t suspects, double q);

#endif
