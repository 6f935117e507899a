/* Shares and ratios of samples that come in clusters: three texts about one concept are not three
 * samples of how well concepts are told. The unit is the cluster; what is known of one is how much
 * of something (`over`: hits, errors) there is in how much of it (`under`: samples, squares).
 *
 * Both estimate sum(over) / sum(under). A list's numbers must be finite and `under` not below
 * zero; a sum of `under` that is not above zero is refused. */
#ifndef BENCH_STATISTICS_CLUSTERS_H
#define BENCH_STATISTICS_CLUSTERS_H

#include <stddef.h>
#include <stdint.h>

#include "bench/statistics/interval.h"

/* A proportion, 0 <= over <= under of each cluster: Wilson's interval for as many samples as there
 * would be without clusters, n / deff. The design effect deff is the ratio estimate's linearised
 * variance over that of n independent samples (Cochran 1977, 11.9; Kish 1965), and never below 1.
 * Where all hit or none did, nothing is known of it: a cluster then counts as one sample. */
assay_status assay_clustered_share(const double *over, const double *under, size_t clusters,
                                   double confidence, double *share, assay_interval *interval,
                                   assay_error *error);

typedef struct assay_resampling {
    double confidence;
    size_t resamples; /* 200 to 1,000,000 */
    uint64_t seed;    /* the same seed draws the same clusters, whatever they hold: paired */
} assay_resampling;

#define ASSAY_RESAMPLING_DEFAULTS ((assay_resampling){0.95, 2000, 1})

/* Any ratio: a bootstrap over whole clusters, its percentiles widened for few of them as in
 * Hesterberg 2015 ("expanded percentiles"). Fewer than 6 clusters are refused: resampling cannot
 * reach 95% with them. O(resamples * clusters). */
assay_status assay_clustered_ratio(const double *over, const double *under, size_t clusters,
                                   const assay_resampling *options, double *ratio,
                                   assay_interval *interval, assay_error *error);

#endif
