/* The part of a plug-in's loading that concerns its fusions. */
#ifndef KERNELS_PLUGIN_FUSIONS_H
#define KERNELS_PLUGIN_FUSIONS_H

#include "kernels/plugin.h"

/* Finds what a plug-in that is open exports, with its kernels checked; none is no error. They are
 * checked: numbers of the build, names, and that each op stood for has a kernel of that name.
 * ASSAY_BAD_INPUT names the file, what was found and the remedy. */
assay_status assay_plugin_find_fusions(assay_plugin *plugin, assay_error *error);

/* Those of one name, or NULL. */
const assay_fusions *assay_plugin_fusions_of(const assay_plugin *plugin, const char *name);

#endif
