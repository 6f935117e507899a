#include "bench/statistics/multiple.h"

#include <math.h>
#include <stdlib.h>

typedef struct ranked {
    double p;
    size_t index;
} ranked;

static int compare(const void *a, const void *b)
{
    const ranked *const x = a;
    const ranked *const y = b;
    return x->p != y->p ? (x->p > y->p) - (x->p < y->p)
                        : (x->index > y->index) - (x->index < y->index);
}

assay_status assay_correct(const double *p, size_t count, assay_correction correction,
                           double *corrected, assay_error *error)
{
    double harmonic = 0.0;
    for (size_t i = 0; i < count; i++) {
        if (!(p[i] >= 0.0 && p[i] <= 1.0)) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "p value %zu is %g; one from 0 to 1 is needed", i, p[i]);
        }
        harmonic += 1.0 / (double)(i + 1);
    }
    if (count == 0) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT, "no p values to correct");
    }
    ranked *list = calloc(count, sizeof *list);
    if (list == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory to correct %zu p values", count);
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = (ranked){p[i], i};
    }
    qsort(list, count, sizeof *list, compare);
    const double factor =
        (double)count * (correction == ASSAY_BENJAMINI_YEKUTIELI ? harmonic : 1.0);
    double least = 1.0;
    for (size_t i = count; i-- > 0;) {
        least = fmin(least, list[i].p * factor / (double)(i + 1));
        corrected[list[i].index] = least;
    }
    free(list);
    return ASSAY_OK;
}
