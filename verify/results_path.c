#include "verify/results_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

char *assay_results_path(const char *path)
{
    struct stat info;
    char *real = NULL;
    if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode) && stat(path, &info) == 0 &&
        S_ISREG(info.st_mode)) {
        real = realpath(path, NULL);
    }
    return real != NULL ? real : strdup(path);
}

assay_status assay_results_path_check(const char *path, bool resume, bool *plain,
                                      assay_error *error)
{
    struct stat info;
    const bool there = strcmp(path, "-") != 0 && stat(path, &info) == 0;
    *plain = strcmp(path, "-") != 0 && (!there || S_ISREG(info.st_mode));
    if (there && S_ISDIR(info.st_mode)) {
        return assay_fail(error, ASSAY_IO, "%s: is a folder: name a file in it with --json", path);
    }
    return *plain || !resume ? ASSAY_OK
                             : assay_fail(error, ASSAY_BAD_ARGUMENT,
                                          "--resume: '%s' is no file that a run could go on with",
                                          path);
}

bool assay_journal_take(int file)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(file, F_SETLK, &whole) == 0;
}

/* One that was killed lets go when the kernel has taken its processes apart: a while later. */
static bool take_soon(int file)
{
    enum { TRIES = 50 };
    const struct timespec pause = {.tv_nsec = 20000000};
    bool taken = assay_journal_take(file);
    for (int i = 0; i < TRIES && !taken; i++) {
        (void)nanosleep(&pause, NULL);
        taken = assay_journal_take(file);
    }
    return taken;
}

assay_status assay_journal_hold(const char *path, int *file, assay_error *error)
{
    struct stat held;
    struct stat there;
    for (;;) {
        *file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (*file < 0 || fstat(*file, &held) != 0) {
            return assay_fail(error, ASSAY_IO,
                              "%s: cannot be written: %s: check folder and space, or name another "
                              "file with --json",
                              path, strerror(errno));
        }
        if (!S_ISREG(held.st_mode) || !take_soon(*file)) {
            return assay_fail(error, ASSAY_IO,
                              "%s: another assay writes to it: wait for its end, or name another "
                              "file with --json",
                              path);
        }
        /* Its holder may have put another one there, or ended, since it was opened. */
        if (stat(path, &there) == 0 && there.st_ino == held.st_ino &&
            there.st_dev == held.st_dev) {
            return ASSAY_OK;
        }
        (void)close(*file);
    }
}
