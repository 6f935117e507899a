/* Folders for what is not kept. */
#ifndef REPORTS_SCRATCH_H
#define REPORTS_SCRATCH_H

#include "assay/status.h"

/* Bytes of a scratch folder's path, and of a path of a file in it. */
enum { SCRATCH_FOLDER = 512, SCRATCH_PATH = SCRATCH_FOLDER + 64 };

/* A new folder in $TMPDIR, else in the system's (/tmp), into folder [SCRATCH_FOLDER]. */
assay_status scratch_make(char *folder, assay_error *error);

#endif
