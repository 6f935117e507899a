#include "bench/statistics/summary.h"

#include <math.h>
#include <stdlib.h>

#include "bench/statistics/order.h"
#include "bench/statistics/special.h"

double assay_mode_sorted(const double *sorted, size_t count)
{
    size_t first = 0;
    size_t length = count;
    while (length > 3) {
        const size_t half = (length + 1) / 2;
        size_t best = first;
        for (size_t i = first + 1; i + half <= first + length; i++) {
            if (sorted[i + half - 1] - sorted[i] < sorted[best + half - 1] - sorted[best]) {
                best = i;
            }
        }
        first = best;
        length = half;
    }
    const double *const x = sorted + first;
    if (length == 1) {
        return x[0];
    }
    if (length == 2) {
        return 0.5 * x[0] + 0.5 * x[1];
    }
    const double left = x[1] - x[0];
    const double right = x[2] - x[1];
    return left == right ? x[1] : left < right ? 0.5 * x[0] + 0.5 * x[1] : 0.5 * x[1] + 0.5 * x[2];
}

static double relative(double spread, double centre)
{
    return spread == 0.0 ? 0.0 : spread / fabs(centre);
}

/* The interval of the median of sorted values; says whether there were enough. */
static bool interval(const double *sorted, size_t count, double confidence, double *low,
                     double *high)
{
    const size_t rank = assay_median_rank(count, confidence);
    *low = sorted[rank > 0 ? rank - 1 : 0];
    *high = sorted[count - (rank > 0 ? rank : 1)];
    return rank > 0;
}

static assay_status check_confidence(double confidence, assay_error *error)
{
    return confidence > 0.0 && confidence < 1.0
               ? ASSAY_OK
               : assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "a confidence of %g; one between 0 and 1 is needed (0.95)", confidence);
}

assay_status assay_summarise(const double *samples, size_t count, double confidence,
                             assay_summary *summary, assay_error *error)
{
    *summary = (assay_summary){0};
    assay_status status = check_confidence(confidence, error);
    if (status == ASSAY_OK) {
        status = assay_check_finite(samples, count, "samples", error);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    double *sorted = assay_sorted_copy(samples, count);
    if (sorted == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory to sort %zu samples", count);
    }
    summary->count = count;
    summary->median = assay_median_sorted(sorted, count);
    summary->enough = interval(sorted, count, confidence, &summary->low, &summary->high);
    const size_t rank = summary->enough ? assay_median_rank(count, confidence) : 1;
    summary->coverage = 1.0 - 2.0 * assay_binomial(rank - 1, count, 0.5);
    summary->coverage = fmax(summary->coverage, 0.0);
    summary->mode = assay_mode_sorted(sorted, count);
    summary->dispersion =
        relative(1.4826 * assay_mad_sorted(sorted, count, summary->median), summary->median);
    summary->least = sorted[0];
    summary->p05 = assay_quantile_sorted(sorted, count, 0.05);
    summary->p25 = assay_quantile_sorted(sorted, count, 0.25);
    summary->p75 = assay_quantile_sorted(sorted, count, 0.75);
    summary->p95 = assay_quantile_sorted(sorted, count, 0.95);
    summary->p99 = assay_quantile_sorted(sorted, count, 0.99);
    summary->greatest = sorted[count - 1];
    for (size_t i = 0; i < count; i++) {
        summary->mean += sorted[i] / (double)count;
    }
    free(sorted);
    return ASSAY_OK;
}

typedef struct placed {
    int64_t process;
    double value;
} placed;

static int compare(const void *a, const void *b)
{
    const placed *const x = a;
    const placed *const y = b;
    const int by_process = (x->process > y->process) - (x->process < y->process);
    return by_process != 0 ? by_process : (x->value > y->value) - (x->value < y->value);
}

/* Student's interval around the mean, on logarithms where they exist; sorted medians come back as
 * an interval in their own unit. */
static void student(const double *medians, size_t count, double confidence, assay_grouped *grouped)
{
    const bool logs = medians[0] > 0.0;
    double mean = 0.0;
    double square = 0.0;
    for (size_t i = 0; i < count; i++) {
        mean += (logs ? log(medians[i]) : medians[i]) / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        const double d = (logs ? log(medians[i]) : medians[i]) - mean;
        square += d * d / (double)(count - 1);
    }
    const double freedom = (double)(count - 1);
    const double reach =
        assay_student_quantile(0.5 + 0.5 * confidence, freedom) * sqrt(square / (double)count);
    grouped->low = logs ? exp(mean - reach) : mean - reach;
    grouped->high = logs ? exp(mean + reach) : mean + reach;
}

static void between(const double *medians, size_t count, assay_grouped *grouped)
{
    double mean = 0.0;
    double square = 0.0;
    for (size_t i = 0; i < count; i++) {
        mean += medians[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        square += (medians[i] - mean) * (medians[i] - mean) / (double)(count - 1);
    }
    grouped->between = relative(sqrt(square), grouped->median);
}

/* Sorted by process and value: each process's median, and every sample's distance from its own. */
static size_t reduce(placed *list, size_t count, double *values, double *distances)
{
    size_t processes = 0;
    for (size_t first = 0; first < count;) {
        size_t end = first;
        while (end < count && list[end].process == list[first].process) {
            end++;
        }
        const size_t middle = first + (end - first) / 2;
        const double median = (end - first) % 2 == 1
                                  ? list[middle].value
                                  : 0.5 * list[middle - 1].value + 0.5 * list[middle].value;
        for (size_t i = first; i < end; i++) {
            distances[i] = fabs(list[i].value - median);
        }
        values[processes++] = median;
        first = end;
    }
    return processes;
}

static void grouped_of(double *medians, size_t processes, double *distances, size_t count,
                       double confidence, assay_grouped *grouped, const placed *list)
{
    grouped->count = count;
    grouped->processes = processes;
    assay_sort(medians, processes);
    grouped->median = assay_median_sorted(medians, processes);
    grouped->within = relative(1.4826 * assay_median_reorder(distances, count), grouped->median);
    grouped->method = ASSAY_MEDIAN_ORDER;
    if (processes == 1) {
        for (size_t i = 0; i < count; i++) {
            distances[i] = list[i].value; /* sorted already: one process */
        }
        grouped->method = ASSAY_MEDIAN_WITHIN;
        (void)interval(distances, count, confidence, &grouped->low, &grouped->high);
        return;
    }
    between(medians, processes, grouped);
    if (!interval(medians, processes, confidence, &grouped->low, &grouped->high)) {
        grouped->method = ASSAY_MEDIAN_STUDENT;
        student(medians, processes, confidence, grouped);
    }
}

assay_status assay_summarise_grouped(const double *samples, const int64_t *process, size_t count,
                                     double confidence, assay_grouped *grouped, assay_error *error)
{
    *grouped = (assay_grouped){0};
    placed *list = NULL;
    double *values = NULL;
    double *distances = NULL;
    assay_status status = check_confidence(confidence, error);
    if (status == ASSAY_OK) {
        status = assay_check_finite(samples, count, "samples", error);
    }
    if (status == ASSAY_OK && process == NULL) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT, "samples without their processes");
    }
    if (status != ASSAY_OK) {
        return status;
    }
    list = calloc(count, sizeof *list);
    values = calloc(count, sizeof *values);
    distances = calloc(count, sizeof *distances);
    if (list == NULL || values == NULL || distances == NULL) {
        status = assay_fail(error, ASSAY_NO_MEMORY, "no memory to group %zu samples", count);
        goto fail;
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = (placed){process[i], samples[i]};
    }
    qsort(list, count, sizeof *list, compare);
    const size_t processes = reduce(list, count, values, distances);
    grouped_of(values, processes, distances, count, confidence, grouped, list);
fail:
    free(list);
    free(values);
    free(distances);
    return status;
}
