#include "verify/beside.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

assay_status assay_beside(const char *name, char *path, assay_error *error)
{
    const size_t room = strlen(name) + 1;
    const ssize_t length = readlink("/proc/self/exe", path, ASSAY_BESIDE_PATH - room - 1);
    path[length > 0 ? length : 0] = '\0';
    char *const slash = strrchr(path, '/');
    (void)snprintf(slash != NULL ? slash + 1 : path, room, "%s", name);
    return access(path, R_OK) == 0
               ? ASSAY_OK
               : assay_fail(error, ASSAY_BAD_INPUT,
                            "%s is missing: run from a build folder, where the build leaves it",
                            path);
}
