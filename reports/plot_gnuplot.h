/* gnuplot as a child process. */
#ifndef REPORTS_PLOT_GNUPLOT_H
#define REPORTS_PLOT_GNUPLOT_H

#include <stdbool.h>

#include "assay/status.h"

/* Runs a script; folder is a scratch folder for what gnuplot complains of. *there is false when
 * there is no gnuplot, which is not an error here. */
assay_status plot_gnuplot(const char *folder, const char *script, bool *there, assay_error *error);
/* Removes what plot_gnuplot left in the folder. */
void plot_gnuplot_clean(const char *folder);

#endif
