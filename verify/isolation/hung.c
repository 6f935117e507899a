#include "verify/isolation/hung.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PATIENCE = 2 };
static const double part_given = 1.0 / 60.0;
static const double least_given = 2.0; /* seconds */

/* Its place, or ASSAY_HUNG_MAX. */
static size_t find(const assay_hung *hung, const char *serves)
{
    size_t i = 0;
    while (i < ASSAY_HUNG_MAX &&
           (hung->of[i].in_a_row == 0 || strcmp(hung->of[i].serves, serves) != 0)) {
        i++;
    }
    return i;
}

double assay_hung_deadline(const assay_hung *hung, const char *serves, double deadline)
{
    const size_t i = find(hung, serves);
    return i < ASSAY_HUNG_MAX && hung->of[i].in_a_row >= PATIENCE
               ? fmin(deadline, fmax(least_given, part_given * deadline))
               : deadline;
}

void assay_hung_add(assay_hung *hung, const char *serves)
{
    size_t i = find(hung, serves);
    if (i == ASSAY_HUNG_MAX) {
        i = 0;
        for (size_t k = 1; k < ASSAY_HUNG_MAX; k++) {
            i = hung->of[k].at < hung->of[i].at ? k : i;
        }
        hung->of[i].in_a_row = 0;
        (void)snprintf(hung->of[i].serves, sizeof hung->of[i].serves, "%s", serves);
    }
    hung->of[i].in_a_row++;
    hung->of[i].at = ++hung->clock;
}

void assay_hung_forgive(assay_hung *hung, const char *serves)
{
    const size_t i = find(hung, serves);
    if (i < ASSAY_HUNG_MAX) {
        hung->of[i].in_a_row = 0;
        hung->of[i].at = 0;
    }
}
