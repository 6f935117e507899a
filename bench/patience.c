#include "bench/patience.h"

#include <math.h>

static const double at_first = 5.0; /* seconds */
static const double per_second = 0.5;
static const double at_once = 5.0;

static struct {
    double worked, waited;
} run;

double assay_patience(void)
{
    const double left = at_first + per_second * run.worked - run.waited;
    return fmin(fmax(0.0, left), at_once);
}

void assay_patience_note(double worked, double waited)
{
    run.worked += fmax(worked, 0.0);
    run.waited += fmax(waited, 0.0);
}
