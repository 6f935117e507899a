#include "bench/statistics/sign_tests.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "bench/statistics/order.h"
#include "bench/statistics/special.h"

enum { EXACT = 128 };

double assay_sign_test(const double *differences, size_t count)
{
    size_t above = 0;
    size_t below = 0;
    for (size_t i = 0; i < count; i++) {
        above += differences[i] > 0.0;
        below += differences[i] < 0.0;
    }
    return fmin(1.0, 2.0 * assay_binomial(above < below ? above : below, above + below, 0.5));
}

static int by_size(const void *a, const void *b)
{
    const double x = fabs(*(const double *)a);
    const double y = fabs(*(const double *)b);
    return (x > y) - (x < y);
}

/* Doubled ranks, which are whole numbers even when tied; returns the doubled sum of the
 * positive. */
static size_t rank(const double *sorted, size_t count, size_t *doubled)
{
    size_t positive = 0;
    for (size_t first = 0; first < count;) {
        size_t end = first;
        while (end < count && fabs(sorted[end]) == fabs(sorted[first])) {
            end++;
        }
        for (size_t i = first; i < end; i++) {
            doubled[i] = first + 1 + end;
            positive += sorted[i] > 0.0 ? doubled[i] : 0;
        }
        first = end;
    }
    return positive;
}

/* chance[s] of every doubled sum s when each sign is a coin: it grows by one rank at a time. */
static void distribution(const size_t *doubled, size_t count, double *chance)
{
    size_t reach = 0;
    chance[0] = 1.0;
    for (size_t i = 0; i < count; i++) {
        for (size_t s = reach + 1; s <= reach + doubled[i]; s++) {
            chance[s] = 0.0;
        }
        reach += doubled[i];
        for (size_t s = reach + 1; s-- > 0;) {
            chance[s] = 0.5 * chance[s] + (s >= doubled[i] ? 0.5 * chance[s - doubled[i]] : 0.0);
        }
    }
}

static double exact_tail(const size_t *doubled, size_t count, size_t at, double *chance)
{
    distribution(doubled, count, chance);
    double sum = 0.0;
    for (size_t s = 0; s <= at; s++) {
        sum += chance[s];
    }
    return sum;
}

static double normal_tail(const size_t *doubled, size_t count, double at, double total)
{
    double variance = 0.0; /* of the sum of ranks: ties are in the ranks already */
    for (size_t i = 0; i < count; i++) {
        const double r = 0.5 * (double)doubled[i];
        variance += 0.25 * r * r;
    }
    return assay_normal((0.5 * at + 0.5 - 0.25 * total) / sqrt(variance));
}

assay_status assay_signed_rank_test(const double *differences, size_t count, double *p,
                                    assay_error *error)
{
    *p = 1.0;
    const assay_status status = assay_check_finite(differences, count, "differences", error);
    if (status != ASSAY_OK) {
        return status;
    }
    double *sorted = calloc(count, sizeof *sorted);
    size_t *doubled = calloc(count, sizeof *doubled);
    double *chance = calloc((size_t)EXACT * (EXACT + 1) + 1, sizeof *chance);
    if (sorted == NULL || doubled == NULL || chance == NULL) {
        free(sorted);
        free(doubled);
        free(chance);
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory to rank %zu differences", count);
    }
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (differences[i] != 0.0) {
            sorted[used++] = differences[i];
        }
    }
    qsort(sorted, used, sizeof *sorted, by_size);
    const size_t positive = rank(sorted, used, doubled);
    const size_t total = used * (used + 1);
    const size_t smaller = positive < total - positive ? positive : total - positive;
    if (used > 0) {
        *p = fmin(1.0, 2.0 * (used <= EXACT
                                  ? exact_tail(doubled, used, smaller, chance)
                                  : normal_tail(doubled, used, (double)smaller, (double)total)));
    }
    free(sorted);
    free(doubled);
    free(chance);
    return ASSAY_OK;
}

/* The largest c such that the sum of ranks is below c with at most the chance `tail`; no ties. */
static uint64_t critical(size_t count, double tail, size_t *doubled, double *chance)
{
    const double n = (double)count;
    if (count > EXACT) {
        const double deviation = sqrt(n * (n + 1.0) * (2.0 * n + 1.0) / 24.0);
        const double c =
            0.25 * n * (n + 1.0) + 0.5 + deviation * assay_normal_quantile(tail);
        return c < 1.0 ? 0 : (uint64_t)c;
    }
    for (size_t i = 0; i < count; i++) {
        doubled[i] = 2 * (i + 1);
    }
    distribution(doubled, count, chance);
    uint64_t c = 0;
    for (double sum = chance[0]; sum <= tail * (1.0 + 1e-9) && 2 * c < count * (count + 1);) {
        c++;
        sum += chance[2 * c];
    }
    return c;
}

assay_status assay_signed_rank_interval(const double *differences, size_t count, double confidence,
                                        double *centre, double *low, double *high,
                                        assay_error *error)
{
    *centre = 0.0;
    *low = -INFINITY;
    *high = INFINITY;
    const assay_status status = assay_check_finite(differences, count, "differences", error);
    if (status != ASSAY_OK) {
        return status;
    }
    if (!(confidence > 0.0 && confidence < 1.0)) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "a confidence of %g; one between 0 and 1 is needed (0.95)", confidence);
    }
    double *sorted = assay_sorted_copy(differences, count);
    size_t *doubled = calloc(EXACT, sizeof *doubled);
    double *chance = calloc((size_t)EXACT * (EXACT + 1) + 1, sizeof *chance);
    const bool room = sorted != NULL && doubled != NULL && chance != NULL;
    if (room) {
        *centre = assay_hodges_lehmann_sorted(sorted, count);
        const uint64_t c = critical(count, 0.5 * (1.0 - confidence), doubled, chance);
        const uint64_t averages = (uint64_t)count * (count + 1) / 2;
        if (c > 0) {
            *low = assay_average_sorted(sorted, count, c);
            *high = assay_average_sorted(sorted, count, averages + 1 - c);
        }
    }
    free(sorted);
    free(doubled);
    free(chance);
    return room ? ASSAY_OK
                : assay_fail(error, ASSAY_NO_MEMORY, "no memory to rank %zu differences", count);
}
