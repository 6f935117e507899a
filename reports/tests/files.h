/* Generated result files in a folder of the test's own. */
#ifndef REPORTS_TESTS_FILES_H
#define REPORTS_TESTS_FILES_H

#include "reports/tests/generate.h"
#include "reports/tests/run.h"

static inline void files_add(const char *folder, const char *name, const generate_options *o)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    generate_results(path, o);
}

/* Makes the folder and the first file in it. */
static inline void files_begin(char *folder, const char *name, const generate_options *o)
{
    run_folder(folder);
    files_add(folder, name, o);
}

#endif
