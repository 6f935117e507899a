/* What a case would take on a GPU that is not at hand, by its data sheet:
 *
 *   seconds = max(bytes / memory bandwidth, flops / peak of the case's type) / fraction
 *
 * with `fraction` the part of its own machine's measured floor that the case reached where it was
 * timed. An estimate and never a measurement: it says so wherever it is shown. It supposes that the
 * other GPU is used as well as this one, and that data sheets' rates are reached as nearly. A
 * measured floor of plain f32 is by bytes alone, so its arithmetic is divided by no fraction.
 * Timings whose floor is the cache's (warm ones, mostly) have no estimate. */
#ifndef REPORTS_PROJECT_H
#define REPORTS_PROJECT_H

#include <stdio.h>

#include "reports/results.h"

typedef struct project_device {
    char name[64], generation[16];
    double bandwidth; /* of its memory, bytes a second */
} project_device;

typedef struct project_case {
    const results_timing *timing;
    double seconds;  /* NaN where something is missing */
    const char *why; /* what, or NULL */
    bool memory;     /* what bounds it there: memory, or arithmetic */
} project_case;

typedef struct projection {
    assay_results results;
    project_device device;
    project_case *item;
    size_t count;
} projection;

/* Of the GPU timings of one result file that the globs (NULL: all) choose. An unknown device is
 * ASSAY_BAD_ARGUMENT with the names of those known; a file without GPU timings ASSAY_BAD_INPUT. */
assay_status project_open(projection *p, const char *path, const char *device, const char *op,
                          const char *impl, const char *case_id, assay_error *error);
void project_close(projection *p);
void project_print(const projection *p, FILE *out);
assay_status project_json(const projection *p, const char *path, assay_error *error);

#endif
