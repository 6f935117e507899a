/* Plots by gnuplot, as inline SVG that takes its colours from the page's style, so that one file is
 * right in light and dark. A sheet collects every plot of a page, gnuplot runs once, and the page's
 * text is completed with the drawings where they were placed. Lines are labelled at their ends, not
 * in a legend. */
#ifndef REPORTS_PLOT_H
#define REPORTS_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "assay/status.h"

enum {
    PLOT_COLOURS = 8,     /* --s0 … --s7 of the page; more series begin again with other marks */
    PLOT_COLOUR_INK = -1, /* the text's */
    PLOT_COLOUR_MUTED = -2,
    PLOT_COLOUR_BAD = -3
};

typedef enum plot_kind {
    PLOT_LINE, /* line and points, error bars where low < high, hollow where they are NaN */
    PLOT_POINTS,
    PLOT_BOUND, /* a thin dashed line without points: floors, limits */
    PLOT_STEPS, /* a distribution: level up to the next point */
    PLOT_FRONT, /* a Pareto front of "right and down is better" */
    PLOT_BAR    /* a filled box from (low, y - 0.36) to (high, y + 0.36) */
} plot_kind;

typedef struct plot_point {
    double x, y;
    double low, high; /* of y; of x for bars */
} plot_point;

typedef struct plot_series {
    const char *label; /* at its right end; NULL for none */
    int colour;
    int mark; /* of the points */
    plot_kind kind;
    char text[16]; /* above its last point; "" for none */
    plot_point *point;
    size_t count, room;
} plot_series;

typedef struct plot_tick {
    double at;
    char label[64];
} plot_tick;

typedef struct plot_axis {
    const char *label; /* with its unit */
    bool log;
    double low, high; /* NaN: from the data */
    plot_tick *tick;  /* NULL: made to fit */
    size_t tick_count;
    bool percent; /* ticks as per cent of 1 */
    bool seconds; /* ticks as 20 µs, 3 ms */
} plot_axis;

typedef struct plot {
    const char *title; /* what it shows: for those who cannot see it */
    plot_axis x, y;
    plot_series *series;
    size_t series_count;
    double width, height; /* 0: 460 x 300 */
    double left;          /* room for the y axis's words; 0: 64 */
    char mark_text[96];   /* drawn at the top right of the area */
} plot;

/* A new series; NULL when memory is out. */
plot_series *plot_add(plot *p, const char *label, int colour, plot_kind kind);
bool plot_add_point(plot_series *series, double x, double y, double low, double high);
bool plot_add_tick(plot_axis *axis, double at, const char *label);
void plot_free(plot *p);

typedef struct plot_sheet plot_sheet;

assay_status plot_sheet_open(plot_sheet **sheet, assay_error *error);
void plot_sheet_close(plot_sheet **sheet);
/* Where the drawing will stand in the page. A plot without a point is left out: false. */
bool plot_place(plot_sheet *sheet, const plot *p, FILE *page);
/* Draws everything and puts it into the page's text: *whole is the caller's to free. Without
 * gnuplot each drawing is a line that says so, and *drawn is false. */
assay_status plot_sheet_finish(plot_sheet *sheet, const char *page, size_t size, char **whole,
                               size_t *whole_size, bool *drawn, assay_error *error);
/* Several plots as one image of its own in the light colours, `columns` side by side; a path that
 * ends in .png is a bitmap at twice the pixels, anything else SVG. */
assay_status plot_image(const plot *const *plots, size_t count, size_t columns, const char *path,
                        assay_error *error);
/* The marks that all drawings of a page share; once a page, before the first drawing. */
extern const char plot_marks[];

#endif
