#include "bench/statistics/paired.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/statistics/draws.h"
#include "bench/statistics/order.h"
#include "bench/statistics/sign_tests.h"
#include "bench/statistics/special.h"

enum {
    RESAMPLES_LEAST = 200,
    RESAMPLES_MOST = 1000000,
    BOOTSTRAP_PAIRS = 6
};

/* All log ratios, pair after pair; a pair's own begin at first[pair]. */
typedef struct rounds {
    double *log_ratio;
    size_t *first; /* count + 1 */
    size_t count;  /* of pairs */
    size_t longest;
} rounds;

static void destroy(rounds *r)
{
    free(r->log_ratio);
    free(r->first);
    *r = (rounds){0};
}

static assay_status log_ratios_of(const assay_pair *pair, size_t index, double *out,
                                  assay_error *error)
{
    for (size_t i = 0; i < pair->rounds; i++) {
        const double a = pair->a[i];
        const double b = pair->b[i];
        if (!(a > 0.0 && b > 0.0 && isfinite(a) && isfinite(b))) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "pair %zu, round %zu: times %g and %g s; both must be above zero "
                              "(more calls a sample lift them above the timer's resolution)",
                              index, i, a, b);
        }
        out[i] = log(b) - log(a);
    }
    return ASSAY_OK;
}

static assay_status no_rounds(size_t index, assay_error *error)
{
    return assay_fail(error, ASSAY_BAD_ARGUMENT, "pair %zu has no rounds; one is needed", index);
}

assay_status assay_pair_log_ratio(const assay_pair *pair, double *log_ratio, assay_error *error)
{
    if (pair->rounds == 0) {
        return no_rounds(0, error);
    }
    double *const values = calloc(pair->rounds, sizeof *values);
    if (values == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for %zu rounds", pair->rounds);
    }
    const assay_status status = log_ratios_of(pair, 0, values, error);
    if (status == ASSAY_OK) {
        *log_ratio = assay_median_reorder(values, pair->rounds);
    }
    free(values);
    return status;
}

static assay_status reserve(rounds *r, size_t pairs, size_t total, assay_error *error)
{
    r->log_ratio = calloc(total, sizeof *r->log_ratio);
    r->first = calloc(pairs + 1, sizeof *r->first);
    r->count = pairs;
    return r->log_ratio != NULL && r->first != NULL
               ? ASSAY_OK
               : assay_fail(error, ASSAY_NO_MEMORY, "no memory for %zu rounds", total);
}

static assay_status collect(const assay_pair *pairs, size_t count, rounds *r, assay_error *error)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].rounds == 0) {
            return no_rounds(i, error);
        }
        total += pairs[i].rounds;
    }
    assay_status status = reserve(r, count, total, error);
    for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
        r->first[i + 1] = r->first[i] + pairs[i].rounds;
        r->longest = pairs[i].rounds > r->longest ? pairs[i].rounds : r->longest;
        status = log_ratios_of(&pairs[i], i, r->log_ratio + r->first[i], error);
    }
    return status;
}

/* One resample: pairs with replacement, the rounds of each with replacement again. */
static double resample(const rounds *r, const double *values, assay_draws *draws, double *drawn,
                       double *inside)
{
    for (size_t k = 0; k < r->count; k++) {
        const size_t pair = assay_draws_below(draws, r->count);
        const size_t length = r->first[pair + 1] - r->first[pair];
        if (length == 1) {
            drawn[k] = values[pair];
            continue;
        }
        for (size_t i = 0; i < length; i++) {
            inside[i] = r->log_ratio[r->first[pair] + assay_draws_below(draws, length)];
        }
        drawn[k] = assay_median_reorder(inside, length);
    }
    assay_sort(drawn, r->count);
    return assay_hodges_lehmann_sorted(drawn, r->count);
}

static assay_status bootstrap(const rounds *r, const double *values,
                              const assay_paired_options *options, assay_paired *result,
                              assay_error *error)
{
    double *estimates = calloc(options->resamples, sizeof *estimates);
    double *drawn = calloc(r->count, sizeof *drawn);
    double *inside = calloc(r->longest, sizeof *inside);
    const bool room = estimates != NULL && drawn != NULL && inside != NULL;
    if (room) {
        assay_draws draws = assay_draws_of(options->seed, 0);
        for (size_t i = 0; i < options->resamples; i++) {
            estimates[i] = resample(r, values, &draws, drawn, inside);
        }
        assay_sort(estimates, options->resamples);
        const double n = (double)r->count;
        const double t = assay_student_quantile(0.5 * (1.0 - options->confidence), n - 1.0);
        const double tail = assay_normal(t * sqrt(n / (n - 1.0)));
        result->low = exp(assay_quantile_sorted(estimates, options->resamples, tail));
        result->high = exp(assay_quantile_sorted(estimates, options->resamples, 1.0 - tail));
    }
    free(estimates);
    free(drawn);
    free(inside);
    return room ? ASSAY_OK : assay_fail(error, ASSAY_NO_MEMORY, "no memory to resample");
}

static void student(const double *values, size_t count, double confidence, assay_paired *result)
{
    if (count == 1) {
        result->low = 0.0;
        result->high = INFINITY;
        return;
    }
    double mean = 0.0;
    double square = 0.0;
    for (size_t i = 0; i < count; i++) {
        mean += values[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        square += (values[i] - mean) * (values[i] - mean) / (double)(count - 1);
    }
    const double reach = assay_student_quantile(0.5 + 0.5 * confidence, (double)(count - 1)) *
                         sqrt(square / (double)count);
    result->low = exp(mean - reach);
    result->high = exp(mean + reach);
}

assay_change assay_change_of(double ratio, double low, double high, double margin)
{
    const double most = 1.0 + margin;
    if (low >= 1.0 / most && high <= most) {
        return ASSAY_SAME;
    }
    if (low > 1.0 && ratio > most) {
        return ASSAY_FASTER;
    }
    return high < 1.0 && ratio < 1.0 / most ? ASSAY_SLOWER : ASSAY_UNSURE;
}

static assay_status check(size_t count, const assay_paired_options *options, assay_error *error)
{
    if (count == 0) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "no pairs: nothing was measured");
    }
    if (!(options->confidence > 0.0 && options->confidence < 1.0 && options->margin >= 0.0 &&
          isfinite(options->margin) && options->resamples >= RESAMPLES_LEAST &&
          options->resamples <= RESAMPLES_MOST)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "confidence %g, margin %g, %zu resamples; a confidence between 0 and 1, "
                          "a margin of at least 0 and %d to %d resamples are needed",
                          options->confidence, options->margin, options->resamples, RESAMPLES_LEAST,
                          RESAMPLES_MOST);
    }
    return ASSAY_OK;
}

/* `values` holds the pairs' log ratios, in their order. */
static assay_status judge(const rounds *r, double *values, const assay_paired_options *options,
                          assay_paired *result, assay_error *error)
{
    result->pairs = r->count;
    result->rounds = r->first[r->count];
    result->p_sign = assay_sign_test(values, r->count);
    assay_status status = assay_signed_rank_test(values, r->count, &result->p, error);
    if (status != ASSAY_OK) {
        return status;
    }
    if (r->count < BOOTSTRAP_PAIRS) {
        student(values, r->count, options->confidence, result);
    } else if ((status = bootstrap(r, values, options, result, error)) != ASSAY_OK) {
        return status;
    }
    assay_sort(values, r->count);
    result->ratio = exp(assay_hodges_lehmann_sorted(values, r->count));
    result->change = assay_change_of(result->ratio, result->low, result->high, options->margin);
    return ASSAY_OK;
}

assay_status assay_compare_pairs(const assay_pair *pairs, size_t count,
                                 const assay_paired_options *options, assay_paired *result,
                                 assay_error *error)
{
    *result = (assay_paired){0};
    rounds r = {0};
    double *values = NULL;
    double *inside = NULL;
    assay_status status = check(count, options, error);
    if (status != ASSAY_OK || (status = collect(pairs, count, &r, error)) != ASSAY_OK) {
        goto fail;
    }
    values = calloc(count, sizeof *values);
    inside = calloc(r.longest, sizeof *inside);
    if (values == NULL || inside == NULL) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "no memory for %zu pairs", count);
        goto fail;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t length = r.first[i + 1] - r.first[i];
        memcpy(inside, r.log_ratio + r.first[i], length * sizeof *inside);
        values[i] = assay_median_reorder(inside, length);
    }
    status = judge(&r, values, options, result, error);
fail:
    destroy(&r);
    free(values);
    free(inside);
    return status;
}

assay_status assay_compare_log_ratios(const double *log_ratios, size_t count,
                                      const assay_paired_options *options, assay_paired *result,
                                      assay_error *error)
{
    *result = (assay_paired){0};
    rounds r = {0};
    double *values = NULL;
    assay_status status = check(count, options, error);
    if (status == ASSAY_OK) {
        status = assay_check_finite(log_ratios, count, "log ratios", error);
    }
    if (status != ASSAY_OK || (status = reserve(&r, count, count, error)) != ASSAY_OK) {
        goto fail;
    }
    values = calloc(count, sizeof *values);
    if (values == NULL) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "no memory for %zu pairs", count);
        goto fail;
    }
    r.longest = 1;
    for (size_t i = 0; i < count; i++) {
        r.first[i + 1] = i + 1;
        r.log_ratio[i] = log_ratios[i];
        values[i] = log_ratios[i];
    }
    status = judge(&r, values, options, result, error);
fail:
    destroy(&r);
    free(values);
    return status;
}

size_t assay_pairs_needed(size_t suspects, double q)
{
    if (suspects == 0 || !(q > 0.0 && q < 1.0)) {
        return 0;
    }
    return (size_t)ceil(1.0 + log2((double)suspects / q) - 1e-9);
}
