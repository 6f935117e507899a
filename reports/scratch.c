#include "reports/scratch.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

assay_status scratch_make(char *folder, assay_error *error)
{
    const char *const named = getenv("TMPDIR");
    const char *const parent = named != NULL && *named != '\0' ? named : P_tmpdir;
    const int wrote = snprintf(folder, SCRATCH_FOLDER, "%s/assay-XXXXXX", parent);
    const bool quoted = strchr(parent, '\'') != NULL; /* gnuplot reads paths between quotes */
    if (quoted || wrote >= SCRATCH_FOLDER || mkdtemp(folder) == NULL) {
        return assay_fail(error, ASSAY_IO,
                          "%.400s: no folder can be made there: name another in TMPDIR", parent);
    }
    return ASSAY_OK;
}
