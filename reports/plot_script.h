/* One plot as gnuplot commands. */
#ifndef REPORTS_PLOT_SCRIPT_H
#define REPORTS_PLOT_SCRIPT_H

#include "reports/plot.h"

/* Colours are written as codes that no drawing uses: red 1, green 0, blue the colour's number; the
 * page's variables are put in their place afterwards. */
enum {
    PLOT_CODE_INK = 1,
    PLOT_CODE_MUTED = 2,
    PLOT_CODE_GRID = 3,
    PLOT_CODE_BAD = 4,
    PLOT_CODE_PAPER = 5,
    PLOT_CODE_SERIES = 16
};

/* Draws into the file `output`. False when there is no point to draw. */
bool plot_script(FILE *script, const plot *p, const char *output);

/* What a plot is drawn on, in pixels, and where its upper left corner comes to lie. */
typedef struct plot_canvas {
    double width, height, left, top;
} plot_canvas;

/* The commands behind those that set the terminal. False as above. */
bool plot_script_on(FILE *script, const plot *p, const plot_canvas *canvas);
void plot_size(const plot *p, double *width, double *height);

#endif
