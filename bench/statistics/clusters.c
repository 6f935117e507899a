#include "bench/statistics/clusters.h"

#include <math.h>
#include <stdlib.h>

#include "bench/statistics/draws.h"
#include "bench/statistics/order.h"
#include "bench/statistics/special.h"

enum { CLUSTERS_LEAST = 6, RESAMPLES_LEAST = 200, RESAMPLES_MOST = 1000000 };

typedef struct sums {
    double over, under;
} sums;

static assay_status add_up(const double *over, const double *under, size_t clusters, sums *total,
                           assay_error *error)
{
    *total = (sums){0.0, 0.0};
    for (size_t i = 0; i < clusters; i++) {
        if (!isfinite(over[i]) || !isfinite(under[i]) || under[i] < 0.0) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "cluster %zu holds %g of %g; finite numbers, the second at least 0, "
                              "are needed",
                              i, over[i], under[i]);
        }
        total->over += over[i];
        total->under += under[i];
    }
    return total->under > 0.0
               ? ASSAY_OK
               : assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "%zu clusters hold nothing: there is no share of it", clusters);
}

/* Samples that would tell as much if they were independent. */
static double effective(const double *over, const double *under, size_t clusters, double share,
                        double total)
{
    double square = 0.0;
    double used = 0.0; /* clusters that hold a sample */
    for (size_t i = 0; i < clusters; i++) {
        const double rest = over[i] - share * under[i];
        square += rest * rest;
        used += under[i] > 0.0 ? 1.0 : 0.0;
    }
    const double independent = share * (1.0 - share) / total;
    if (!(independent > 0.0) || used < 2.0) {
        return used;
    }
    const double variance = used / (used - 1.0) * square / (total * total);
    return total / fmax(variance / independent, 1.0);
}

assay_status assay_clustered_share(const double *over, const double *under, size_t clusters,
                                   double confidence, double *share, assay_interval *interval,
                                   assay_error *error)
{
    sums total;
    assay_status status = add_up(over, under, clusters, &total, error);
    for (size_t i = 0; status == ASSAY_OK && i < clusters; i++) {
        if (over[i] < 0.0 || over[i] > under[i]) {
            status = assay_fail(error, ASSAY_BAD_ARGUMENT,
                                "cluster %zu: %g of %g is no proportion; from 0 to all of it is "
                                "needed",
                                i, over[i], under[i]);
        }
    }
    if (status != ASSAY_OK) {
        return status;
    }
    *share = total.over / total.under;
    return assay_wilson_share(*share, effective(over, under, clusters, *share, total.under),
                              confidence, interval, error);
}

static double resample(const double *over, const double *under, size_t clusters,
                       assay_draws *draws)
{
    sums total = {0.0, 0.0};
    for (size_t i = 0; i < clusters; i++) {
        const size_t at = assay_draws_below(draws, clusters);
        total.over += over[at];
        total.under += under[at];
    }
    return total.over / total.under;
}

static assay_status check(size_t clusters, const assay_resampling *options, assay_error *error)
{
    if (clusters < CLUSTERS_LEAST) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "%zu clusters: at least %d are needed to resample them", clusters,
                          CLUSTERS_LEAST);
    }
    if (!(options->confidence > 0.0 && options->confidence < 1.0) ||
        options->resamples < RESAMPLES_LEAST || options->resamples > RESAMPLES_MOST) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "confidence %g, %zu resamples; a confidence between 0 and 1 and %d to "
                          "%d resamples are needed",
                          options->confidence, options->resamples, RESAMPLES_LEAST,
                          RESAMPLES_MOST);
    }
    return ASSAY_OK;
}

assay_status assay_clustered_ratio(const double *over, const double *under, size_t clusters,
                                   const assay_resampling *options, double *ratio,
                                   assay_interval *interval, assay_error *error)
{
    sums total;
    assay_status status = check(clusters, options, error);
    if (status == ASSAY_OK) {
        status = add_up(over, under, clusters, &total, error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    double *const drawn = calloc(options->resamples, sizeof *drawn);
    if (drawn == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for %zu resamples",
                          options->resamples);
    }
    assay_draws draws = assay_draws_of(options->seed, 0);
    size_t kept = 0; /* a resample of clusters that hold nothing has no ratio */
    for (size_t i = 0; i < options->resamples; i++) {
        const double made = resample(over, under, clusters, &draws);
        if (isfinite(made)) {
            drawn[kept++] = made;
        }
    }
    assay_sort(drawn, kept);
    const double n = (double)clusters;
    const double t = assay_student_quantile(0.5 * (1.0 - options->confidence), n - 1.0);
    const double tail = assay_normal(t * sqrt(n / (n - 1.0)));
    *ratio = total.over / total.under;
    if (kept == 0) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT, "no resample holds anything");
    } else {
        interval->low = assay_quantile_sorted(drawn, kept, tail);
        interval->high = assay_quantile_sorted(drawn, kept, 1.0 - tail);
    }
    free(drawn);
    return status;
}
