#include "bench/statistics/interval.h"

#include <inttypes.h>
#include <math.h>

#include "bench/statistics/special.h"

static assay_status check(uint64_t hits, uint64_t trials, double confidence, assay_error *error)
{
    if (trials == 0 || hits > trials) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "%" PRIu64 " of %" PRIu64 " is no proportion; trials of at least 1 and "
                          "no more hits than trials are needed",
                          hits, trials);
    }
    if (!(confidence > 0.0 && confidence < 1.0)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "a confidence of %g; one between 0 and 1 is needed (0.95)", confidence);
    }
    return ASSAY_OK;
}

/* The p at which `hits` or fewer have the chance `tail`. */
static double upper_of(uint64_t hits, uint64_t trials, double tail)
{
    if (hits == trials) {
        return 1.0;
    }
    if (hits == 0) {
        return -expm1(log(tail) / (double)trials);
    }
    return assay_beta_quantile((double)hits + 1.0, (double)(trials - hits), 1.0 - tail);
}

static double lower_of(uint64_t hits, uint64_t trials, double tail)
{
    if (hits == 0) {
        return 0.0;
    }
    if (hits == trials) {
        return exp(log(tail) / (double)trials);
    }
    return assay_beta_quantile((double)hits, (double)(trials - hits) + 1.0, tail);
}

assay_status assay_clopper_pearson(uint64_t hits, uint64_t trials, double confidence,
                                   assay_interval *interval, assay_error *error)
{
    const assay_status status = check(hits, trials, confidence, error);
    if (status == ASSAY_OK) {
        const double tail = 0.5 * (1.0 - confidence);
        *interval = (assay_interval){lower_of(hits, trials, tail), upper_of(hits, trials, tail)};
    }
    return status;
}

assay_status assay_proportion_upper(uint64_t hits, uint64_t trials, double confidence,
                                    double *upper, assay_error *error)
{
    const assay_status status = check(hits, trials, confidence, error);
    if (status == ASSAY_OK) {
        *upper = upper_of(hits, trials, 1.0 - confidence);
    }
    return status;
}

assay_status assay_proportion_lower(uint64_t hits, uint64_t trials, double confidence,
                                    double *lower, assay_error *error)
{
    const assay_status status = check(hits, trials, confidence, error);
    if (status == ASSAY_OK) {
        *lower = lower_of(hits, trials, 1.0 - confidence);
    }
    return status;
}

assay_status assay_wilson_share(double share, double trials, double confidence,
                                assay_interval *interval, assay_error *error)
{
    if (!(share >= 0.0 && share <= 1.0 && trials > 0.0 && isfinite(trials))) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "a share of %g of %g trials; one from 0 to 1 of more than none is needed",
                          share, trials);
    }
    const assay_status status = check(0, 1, confidence, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const double z = assay_normal_quantile(0.5 + 0.5 * confidence);
    const double scale = 1.0 / (1.0 + z * z / trials);
    const double centre = scale * (share + 0.5 * z * z / trials);
    const double reach = scale * z *
                         sqrt(share * (1.0 - share) / trials + 0.25 * z * z / (trials * trials));
    *interval = (assay_interval){share <= 0.0 ? 0.0 : fmax(centre - reach, 0.0),
                                 share >= 1.0 ? 1.0 : fmin(centre + reach, 1.0)};
    return ASSAY_OK;
}

assay_status assay_wilson(uint64_t hits, uint64_t trials, double confidence,
                          assay_interval *interval, assay_error *error)
{
    const assay_status status = check(hits, trials, confidence, error);
    return status == ASSAY_OK ? assay_wilson_share((double)hits / (double)trials, (double)trials,
                                                   confidence, interval, error)
                              : status;
}
