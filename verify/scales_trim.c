#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "verify/scales_file.h"

typedef struct kept_file {
    char *name;
    uint64_t bytes;
    struct timespec used;
} kept_file;

static int older(const void *a, const void *b)
{
    const struct timespec *const x = &((const kept_file *)a)->used;
    const struct timespec *const y = &((const kept_file *)b)->used;
    if (x->tv_sec != y->tv_sec) {
        return x->tv_sec < y->tv_sec ? -1 : 1;
    }
    return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

static bool ends_with(const char *name, const char *end)
{
    const size_t length = strlen(name);
    const size_t wanted = strlen(end);
    return length > wanted && strcmp(name + length - wanted, end) == 0;
}

/* Adds a file of scales to the list; removes a temporary one that is an hour old. */
static void look_at(int folder, const char *name, kept_file **list, size_t *count)
{
    struct stat about;
    const bool part = strstr(name, ".scales.") != NULL && ends_with(name, ".part");
    if ((!part && !ends_with(name, ".scales")) ||
        fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(about.st_mode)) {
        return;
    }
    if (part) {
        if (time(NULL) - about.st_mtim.tv_sec > 3600) {
            (void)unlinkat(folder, name, 0);
        }
        return;
    }
    kept_file *const grown = realloc(*list, (*count + 1) * sizeof *grown);
    char *const copy = strdup(name);
    *list = grown != NULL ? grown : *list;
    if (grown == NULL || copy == NULL) {
        free(copy);
        return;
    }
    grown[(*count)++] = (kept_file){copy, (uint64_t)about.st_size, about.st_mtim};
}

void assay_scales_trim(const char *folder, uint64_t room)
{
    DIR *const directory = opendir(folder);
    kept_file *list = NULL;
    size_t count = 0;
    uint64_t total = 0;
    if (directory == NULL) {
        return;
    }
    for (const struct dirent *e = readdir(directory); e != NULL; e = readdir(directory)) {
        look_at(dirfd(directory), e->d_name, &list, &count);
    }
    for (size_t i = 0; i < count; i++) {
        total += list[i].bytes;
    }
    if (total > room) {
        qsort(list, count, sizeof *list, older);
    }
    for (size_t i = 0; i < count; i++) {
        if (total > room && unlinkat(dirfd(directory), list[i].name, 0) == 0) {
            total -= list[i].bytes;
        }
        free(list[i].name);
    }
    free(list);
    (void)closedir(directory);
}
