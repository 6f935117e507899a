/* Which version of a file a run was begun with. */
#ifndef VERIFY_FILE_STAMP_H
#define VERIFY_FILE_STAMP_H

#include <stddef.h>

/* Appends " SECONDS.NANOSECONDS" of the last change of each to text, as far as it fits; nothing for
 * NULL and for what is not there. */
void assay_file_stamps(const char *const *paths, size_t count, char *text, size_t size);

/* The program that runs. */
#define ASSAY_THIS_PROGRAM "/proc/self/exe"

#endif
