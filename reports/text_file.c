/* A text into a file, whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/text.h"

static bool write_all(int file, const char *text, size_t size)
{
    while (size > 0) {
        const ssize_t wrote = write(file, text, size);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return false;
        }
        text += wrote;
        size -= (size_t)wrote;
    }
    return true;
}

/* A pipe or a device is written to; put in its place, a file would take it away. */
static bool is_special(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode);
}

assay_status text_write_file(const char *path, const char *text, size_t size, assay_error *error)
{
    const bool special = is_special(path);
    char *const real = special ? NULL : realpath(path, NULL); /* through links: they stay */
    const char *const target = real != NULL ? real : path;
    char *partial = NULL;
    if (asprintf(&partial, "%s.%ld.partial", target, (long)getpid()) < 0) {
        free(real);
        return assay_fail(error, ASSAY_NO_MEMORY, "%s: out of memory", path);
    }
    const int file = special ? open(path, O_WRONLY | O_CLOEXEC)
                             : open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool good = file >= 0 && write_all(file, text, size) && (special || fsync(file) == 0);
    int reason = errno;
    if (file >= 0) {
        good = close(file) == 0 && good;
    }
    if (good && !special && rename(partial, target) != 0) {
        good = false;
        reason = errno;
    }
    if (!good && !special && file >= 0) {
        (void)unlink(partial);
    }
    free(partial);
    free(real);
    return good ? ASSAY_OK
                : assay_fail(error, ASSAY_IO, "%s: cannot be written: %s", path, strerror(reason));
}
