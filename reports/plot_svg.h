/* gnuplot's SVG made part of a page. */
#ifndef REPORTS_PLOT_SVG_H
#define REPORTS_PLOT_SVG_H

#include <stdbool.h>
#include <stdio.h>

/* Copies the drawing at path without its header, marks, names and empty groups; colour codes become
 * the page's variables, fonts the page's. False when the file is no drawing. */
bool plot_svg_clean(const char *path, const char *title, FILE *out);

#endif
