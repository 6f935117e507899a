#include "bench/statistics/order.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/statistics/special.h"

assay_status assay_check_finite(const double *values, size_t count, const char *what,
                                assay_error *error)
{
    if (count == 0 || values == NULL) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "%s: none given; one is needed", what);
    }
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "%s: number %zu is %g; only finite numbers can be summarised", what,
                              i, values[i]);
        }
    }
    return ASSAY_OK;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

void assay_sort(double *values, size_t count)
{
    if (count > 1) {
        qsort(values, count, sizeof *values, compare);
    }
}

double *assay_sorted_copy(const double *values, size_t count)
{
    if (count == 0 || count > SIZE_MAX / sizeof *values) {
        return NULL;
    }
    double *const copy = malloc(count * sizeof *copy);
    if (copy != NULL) {
        memcpy(copy, values, count * sizeof *copy);
        assay_sort(copy, count);
    }
    return copy;
}

double assay_quantile_sorted(const double *sorted, size_t count, double fraction)
{
    const double at = fmin(fmax(fraction, 0.0), 1.0) * (double)(count - 1);
    const size_t below = (size_t)at;
    if (below + 1 >= count) {
        return sorted[count - 1];
    }
    const double part = at - (double)below;
    /* Not low + part * (high - low): the difference could overflow. */
    return sorted[below] * (1.0 - part) + sorted[below + 1] * part;
}

double assay_median_sorted(const double *sorted, size_t count)
{
    return count % 2 == 1 ? sorted[count / 2]
                          : 0.5 * sorted[count / 2 - 1] + 0.5 * sorted[count / 2];
}

/* Hoare's selection, the pivot the median of three: quadratic only on lists made to be so. */
double assay_select(double *values, size_t count, size_t rank)
{
    size_t low = 0;
    size_t high = count - 1;
    while (low < high) {
        const double x = values[low];
        const double y = values[low + (high - low) / 2];
        const double z = values[high];
        const double pivot = fmax(fmin(x, y), fmin(fmax(x, y), z));
        size_t i = low;
        size_t j = high;
        for (;;) {
            while (values[i] < pivot) {
                i++;
            }
            while (values[j] > pivot) {
                j--;
            }
            if (i >= j) {
                break;
            }
            const double swapped = values[i];
            values[i++] = values[j];
            values[j--] = swapped;
        }
        /* values[low .. j] <= pivot <= values[j + 1 .. high]; j may be the pivot's own place. */
        if (i == j) {
            if (rank == i) {
                return values[i];
            }
            if (rank < i) {
                high = i - 1;
            } else {
                low = i + 1;
            }
        } else if (rank <= j) {
            high = j;
        } else {
            low = j + 1;
        }
    }
    return values[rank];
}

double assay_median_reorder(double *values, size_t count)
{
    const double upper = assay_select(values, count, count / 2);
    if (count % 2 == 1) {
        return upper;
    }
    double lower = values[0]; /* selection left the smaller half in front */
    for (size_t i = 1; i < count / 2; i++) {
        lower = fmax(lower, values[i]);
    }
    return 0.5 * lower + 0.5 * upper;
}

/* The rank-th smallest (from 0) of |x - centre|. Left of `split` the deviations fall with the
 * index, right of it they rise: two sorted lists, of which `left` values are taken from the
 * first. */
static double deviation_at(const double *sorted, size_t count, size_t split, double centre,
                           size_t rank)
{
    const size_t right_count = count - split;
    size_t low = rank + 1 > right_count ? rank + 1 - right_count : 0;
    size_t high = rank + 1 < split ? rank + 1 : split;
    while (low < high) {
        const size_t left = low + (high - low) / 2;
        const size_t right = rank + 1 - left;
        /* One more from the left when its next is smaller than the last taken from the right. */
        if (right > 0 && centre - sorted[split - left - 1] < sorted[split + right - 1] - centre) {
            low = left + 1;
        } else {
            high = left;
        }
    }
    const size_t right = rank + 1 - low;
    const double from_left = low > 0 ? centre - sorted[split - low] : -INFINITY;
    const double from_right = right > 0 ? sorted[split + right - 1] - centre : -INFINITY;
    return fmax(from_left, from_right);
}

double assay_mad_sorted(const double *sorted, size_t count, double centre)
{
    size_t split = 0; /* the first value not below the centre */
    for (size_t high = count; split < high;) {
        const size_t middle = split + (high - split) / 2;
        if (sorted[middle] < centre) {
            split = middle + 1;
        } else {
            high = middle;
        }
    }
    const double upper = deviation_at(sorted, count, split, centre, count / 2);
    return count % 2 == 1
               ? upper
               : 0.5 * upper + 0.5 * deviation_at(sorted, count, split, centre, count / 2 - 1);
}

/* The smallest t at or below which `rank` averages lie, found by halving the range. */
double assay_average_sorted(const double *sorted, size_t count, uint64_t rank)
{
    double low = sorted[0];
    double high = sorted[count - 1];
    const double enough = 0x1p-50 * (high - low);
    for (int step = 0; step < 64 && high - low > enough; step++) {
        const double t = 0.5 * (low + high);
        uint64_t below = 0;
        size_t end = count; /* of the partners j >= i with (x_i + x_j)/2 <= t */
        for (size_t i = 0; i < count && end > i; i++) {
            while (end > i && sorted[end - 1] > 2.0 * t - sorted[i]) {
                end--;
            }
            below += end - i;
        }
        if (below >= rank) {
            high = t;
        } else {
            low = t;
        }
    }
    return high;
}

double assay_hodges_lehmann_sorted(const double *sorted, size_t count)
{
    enum { DIRECT = 40 };
    const uint64_t averages = (uint64_t)count * (count + 1) / 2;
    if (count > DIRECT) {
        const double upper = assay_average_sorted(sorted, count, averages / 2 + 1);
        return averages % 2 == 1
                   ? upper
                   : 0.5 * upper + 0.5 * assay_average_sorted(sorted, count, averages / 2);
    }
    double list[DIRECT * (DIRECT + 1) / 2];
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i; j < count; j++) {
            list[used++] = 0.5 * sorted[i] + 0.5 * sorted[j];
        }
    }
    return assay_median_reorder(list, used);
}

size_t assay_median_rank(size_t count, double confidence)
{
    const double both = 1.0 - confidence;
    size_t low = 0; /* the largest rank known to do */
    for (size_t high = count / 2 + 1; high - low > 1;) {
        const size_t rank = low + (high - low) / 2;
        /* The slack is the rounding of exact powers of two: 2 * 2^-6 at n = 6, say. */
        if (2.0 * assay_binomial(rank - 1, count, 0.5) <= both * (1.0 + 1e-9)) {
            low = rank;
        } else {
            high = rank;
        }
    }
    return low;
}
