#include "verify/cache_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool assay_cache_folder(char *folder, size_t size)
{
    const char *const own = getenv("ASSAY_CACHE");
    const char *const shared = getenv("XDG_CACHE_HOME");
    const char *const home = getenv("HOME");
    int length = -1;
    if (own != NULL && *own != '\0') {
        length = snprintf(folder, size, "%s", own);
    } else if (shared != NULL && *shared == '/') { /* the standard ignores relative ones */
        length = snprintf(folder, size, "%s/assay", shared);
    } else if (home != NULL && *home != '\0') {
        length = snprintf(folder, size, "%s/.cache/assay", home);
    }
    return length > 0 && (size_t)length < size;
}

void assay_make_folders(char *folder)
{
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(folder, 0777);
        *slash = '/';
    }
    (void)mkdir(folder, 0777);
}
