/* What the build leaves beside the program. */
#ifndef VERIFY_BESIDE_H
#define VERIFY_BESIDE_H

#include "assay/status.h"

enum { ASSAY_BESIDE_PATH = 4096 };

/* The path of the file `name` in the running program's folder, into path [ASSAY_BESIDE_PATH];
 * refused where it cannot be read. */
assay_status assay_beside(const char *name, char *path, assay_error *error);

#endif
