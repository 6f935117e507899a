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
    PLOT_CODE_SERIES = 16
};

/* Draws into the file `output`. False when there is no point to draw. */
bool plot_script(FILE *script, const plot *p, const char *output);

#endif
