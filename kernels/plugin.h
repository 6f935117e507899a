/* Plug-ins: shared objects that export kernels by the symbol assay_plugin_kernels.
 *
 * Loading one runs code of its author: only a worker process does it. */
#ifndef KERNELS_PLUGIN_H
#define KERNELS_PLUGIN_H

#include "assay/accelerator.h"
#include "assay/fusion.h"

enum {
    ASSAY_PLUGINS_MAX = 16, /* that one run opens */
    ASSAY_PLUGIN_KERNELS_MAX = 4096,
    ASSAY_PLUGIN_NAME_MAX = 63, /* characters of an implementation's or a backend's name */
    ASSAY_PLUGIN_SUMMARY_MAX = 255
};

typedef struct assay_plugin {
    char *path;
    void *handle;
    const assay_kernel *const *kernels; /* the plug-in's own */
    size_t count;
    const assay_accelerator *accelerator; /* the plug-in's own; NULL: it brings none */
    const assay_fusions *const *fusions;  /* likewise, fusion_count of them */
    size_t fusion_count;
} assay_plugin;

/* Loads path and checks every descriptor: ABI number and struct size first, then that it is whole,
 * that names are words that can be given on a command line and are not the built-in ones, and that
 * there is at most one kernel for each op and name; the accelerator likewise, which there must be
 * where a kernel's operands lie on a device; and that fusions stand for kernels that there are.
 * ASSAY_BAD_INPUT names the file, what was found, what was expected and the remedy. */
assay_status assay_plugin_open(const char *path, assay_plugin *plugin, assay_error *error);
void assay_plugin_close(assay_plugin *plugin);

/* The plug-in's kernels of one name; false when there is none. */
bool assay_plugin_table(const assay_plugin *plugin, const char *name, assay_table *table);

#endif
