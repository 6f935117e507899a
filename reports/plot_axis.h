/* An axis made ready: its range, its ticks, and where a value lies. */
#ifndef REPORTS_PLOT_AXIS_H
#define REPORTS_PLOT_AXIS_H

#include "reports/plot.h"

typedef struct plot_range {
    double low, high;
    bool log;
} plot_range;

/* The axis's range: its own limits where given, else the data's with a margin. Linear ones begin at
 * zero. False when no value is usable. */
bool plot_range_of(const plot *p, bool vertical, plot_range *range);
/* 0 at the low end, 1 at the high one. */
double plot_place_of(const plot_range *range, double value);
/* `set xtics (…)`: the axis's own, or decades, or round steps. */
void plot_write_ticks(FILE *script, const plot_axis *axis, const plot_range *range, char name);
/* A text inside gnuplot's single quotes: nothing in it is read as anything but letters. */
void plot_quote(FILE *script, const char *text);

#endif
