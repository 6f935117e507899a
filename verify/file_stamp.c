#include "verify/file_stamp.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void assay_file_stamps(const char *const *paths, size_t count, char *text, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        struct stat info;
        const size_t used = strlen(text);
        if (paths[i] != NULL && stat(paths[i], &info) == 0) {
            (void)snprintf(text + used, size - used, " %lld.%09ld",
                           (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
        }
    }
}
